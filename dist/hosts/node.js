/*! microrest/node 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/node.ts by `npm run build`. */

import cluster from 'node:cluster';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import { constants } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setTimeout as setTimeout$1, setImmediate } from 'node:timers/promises';
import tls from 'node:tls';

/**
 * node: serves an app in production, on node's own HTTP server.
 *
 *     const { url, close } = await serve(app, { port: 8080 })
 *
 * What it adds to `app.listen`: limits of time that hold from the start, a stop that loses no request, TLS whose certificates can be
 * renewed, HTTP/2, the client behind a proxy, and workers. It takes types from the core, and nothing else.
 *
 * From top to bottom: the options, `serve`, listening, certificates, the client, requests, closing, the process, workers, readiness.
 */

/** How long a connection whose last answer is out is kept when closing, for a request that may be on its way, in milliseconds. */
const LINGER_TIME = 500;

/** The longest time until a worker is replaced, the first one, and how long one has to live to count as sound, in milliseconds. */
const MAX_BACK_OFF = 30_000;
const MIN_BACK_OFF = 100;
const SOUND_LIFE = 10_000;

/** How long workers may take to end beyond what they are given, in milliseconds. */
const WORKER_SLACK = 2000;

/** In a worker: the port that the first one has found. */
const PORT_OF_WORKERS = 'MICROREST_PORT_OF_WORKERS';

/** How many addresses to remember as trusted or not. */
const MAX_KNOWN_ADDRESSES = 1000;

/** The requests of a server know it by this; another copy of this script does too. */
const SERVING = Symbol.for('microrest.serving');

// ----------------------------------------------------------------------------------------------------- the options

const isBoolean = (value) => typeof value == 'boolean';
const isFunction = (value) => typeof value == 'function';
const isText = (value) => typeof value == 'string' && value !== '' && !value.includes('\0');
const isRecord = (value) => typeof value == 'object' && value !== null && !Array.isArray(value);
const isWhole = (max) => (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= max;
const isPem = (value) => isText(value) || value instanceof Uint8Array;
const isTextList = (value) => Array.isArray(value) && value.length > 0 && value.every(isText);
const isOneOf = (...values) => (value) => values.includes(value);
/** What timers of node go up to: 24 days. */
const LONGEST_TIME = 0x7fffffff;
const isTime = isWhole(LONGEST_TIME);

const X_FORWARDED = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host'];

const CHECKS = {
  port: (value) => isWhole(65535)(typeof value == 'string' && /^\d+$/.test(value) ? Number(value) : value),
  host: isText,
  tryNextPort: isBoolean,
  path: isText,
  socketMode: isWhole(0o777),
  fd: isWhole(0x7fffffff),
  tls: isRecord,
  http2: isBoolean,
  headersTimeout: isTime,
  requestTimeout: isTime,
  answerTimeout: isTime,
  idleTimeout: isTime,
  keepAliveTimeout: isTime,
  maxConnections: (value) => value !== 0 && isWhole(0x7fffffff)(value),
  trustProxy: (value) => value !== 0 && isWhole(99)(value) || isTextList(value),
  proxyHeaders: (value) => isTextList(value) && (String(value) === 'forwarded' || value.every(isOneOf(...X_FORWARDED))),
  closeDelay: isTime,
  graceTime: isTime,
  onClosing: isFunction,
  onClose: isFunction,
  ownsProcess: isBoolean,
  workers: isWhole(1024),
  reportError: isFunction,
  nodeOptions: isRecord,
};

const TLS_CHECKS = {
  key: isPem,
  cert: isPem,
  ca: isPem,
  passphrase: (value) => typeof value == 'string',
  minVersion: isOneOf('TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'),
  clientCertificate: isOneOf('require', 'request'),
  clientNames: isTextList,
  reloadInterval: isTime,
};

function refuse(what, value) {
  throw new TypeError(`${what}: ${typeof value == 'object' ? JSON.stringify(value) : String(value)}`);
}

/** Throws for options that cannot be, and gives the others their defaults. */
function settle(options) {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) refuse('unknown option', name);
    if (value !== undefined && !CHECKS[name](value)) refuse('bad ' + name, value);
  }
  const { tls: secure, path, fd, requestTimeout = 120_000 } = options;
  const { headersTimeout = Math.min(20_000, requestTimeout || 20_000) } = options;
  const places = (['port', 'path', 'fd']).filter((name) => options[name] !== undefined);
  if (places.length > 1) refuse('only one place to listen on', places);
  if (options.host !== undefined && places.length > 0 && places[0] !== 'port') refuse('a host is for a port', options.host);
  if (options.socketMode !== undefined && path === undefined) refuse('socketMode without a path', options.socketMode);
  if (options.tryNextPort && (path ?? fd) !== undefined) refuse('tryNextPort without a port', path ?? fd);
  if (options.http2 && !secure) refuse('http2 without tls: browsers do not speak it', options.http2);
  if (options.proxyHeaders && options.trustProxy === undefined) refuse('proxyHeaders without trustProxy', options.proxyHeaders);
  if (requestTimeout && headersTimeout > requestTimeout) refuse('headersTimeout beyond requestTimeout', headersTimeout);
  if (secure) {
    for (const name of ['key', 'cert']) if (secure[name] === undefined) refuse(`tls without a ${name}`, Object.keys(secure));
    for (const [name, value] of Object.entries(secure)) {
      if (value !== undefined && Object.hasOwn(TLS_CHECKS, name) && !TLS_CHECKS[name](value)) refuse('bad tls.' + name, value);
    }
    const { clientCertificate, clientNames } = secure;
    // (Without a ca node would take certificates that any public authority has signed, for anybody.)
    if (clientCertificate && !secure.ca) refuse('tls.clientCertificate without a ca', clientCertificate);
    if (clientNames && clientCertificate !== 'require') refuse("tls.clientNames without clientCertificate: 'require'", clientNames);
  }
  return {
    answerTimeout: 30_000,
    idleTimeout: 120_000,
    keepAliveTimeout: options.trustProxy === undefined ? 5000 : 75_000,
    closeDelay: 0,
    graceTime: 10_000,
    ownsProcess: true,
    workers: 0,
    ...Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
    reportError: makeSafe(options.reportError ?? printError),
    headersTimeout,
    requestTimeout,
  };
}

/** What an operator wants to know of, and where in the program it was noticed says nothing. */
const notice = (message) => Object.assign(new Error(message), { stack: message });

function printError(err, cause) {
  console.warn(new Date().toISOString() + ' -- microrest:', cause + ':', err);
}

/** What reports must not fail: there is nobody left to tell, and the process would end for it. */
function makeSafe(report) {
  return async function reportError(err, cause) {
    try {
      await report(err, cause);
    } catch (failure) {
      printError(err, cause);
      printError(failure, 'reportError');
    }
  };
}

/**
 * Serve an app.
 *
 * Resolves when it listens, or, with workers, when all of them do. Throws at once for options that cannot be. Rejects, with a message
 * that names it, for a port or a socket that is in use, and for files of certificates that are not good.
 *
 *     await serve(app, { port: 8443, tls: { key: '/etc/tls/tls.key', cert: '/etc/tls/tls.crt' }, workers: 4 })
 */
function serve(app, options = {}) {
  if (typeof app != 'function') refuse('no app', app);
  const settings = settle(options);
  const trust = buildTrust(settings);
  if (settings.workers > 0 && cluster.isPrimary) return serveByWorkers(settings);
  // (Other programs make workers, too, and ours are not theirs to look after.)
  const isOurs = cluster.isWorker && process.env[PORT_OF_WORKERS] !== undefined;
  return settings.workers > 0 && isOurs ? serveAsWorker(app, settings, trust) : serveHere(app, settings, trust);
}

/** Serve from this process. */
async function serveHere(app, settings, trust) {
  const certificate = settings.tls && buildCertificate(settings.tls, settings);
  const state = { isClosing: false, isLast: false, trust, reportError: settings.reportError };
  const server = makeServer(settings, certificate?.read(), state);
  const closer = watch(server, app, settings, state);
  const { url, port } = await listen(server, settings);
  server.on('error', (err) => settings.reportError(err, 'server'));

  const timer = certificate?.interval ? setInterval(() => certificate.renew(server), certificate.interval).unref() : undefined;
  server.on('close', () => clearInterval(timer));
  const served = {
    server,
    url,
    port,
    close: closer.close,
    reload: async () => certificate?.reload(server),
  };
  if (settings.ownsProcess) {
    own(closer, settings);
    server.on('close', () => disown(closer));
  }
  return served;
}

// ------------------------------------------------------------------------------------------------------- listening

const IN_USE = 'EADDRINUSE';

/** Why one cannot listen somewhere, in words, with node's error as the cause. */
function listenError(place, cause) {
  const { code, message } = cause;
  return Object.assign(new Error(code === IN_USE ? `${place} is in use` : `cannot listen on ${place}: ${message}`, { cause }), { code });
}

/** Have a server listen; resolves to where it does. */
async function listen(server, settings) {
  const { path, fd, host, tryNextPort, socketMode } = settings;
  let port = Number((isWorker && process.env[PORT_OF_WORKERS]) || settings.port || 0);
  // (What the workers listen on is the primary's, and is seen to there.)
  if (path !== undefined && !isWorker) await removeStale(path);
  for (;;) {
    try {
      server.listen(path !== undefined ? { path } : fd !== undefined ? { fd } : { port, ...host !== undefined && { host } });
      await once(server, 'listening');
      break;
    } catch (err) {
      const isTaken = err.code === IN_USE;
      if (!isTaken || !tryNextPort || port === 65535) throw listenError(path ?? (fd === undefined ? `port ${port}` : `fd ${fd}`), err);
      port++;
    }
  }
  if (path !== undefined && socketMode !== undefined) fs.chmodSync(path, socketMode);
  return whereOf(server.address(), settings);
}

function whereOf(address, { tls: secure }) {
  if (typeof address == 'string') return { url: 'unix:' + address, port: undefined };
  const { address: ip, family, port } = address;
  const host = /^(::|0\.0\.0\.0)$/.test(ip) ? 'localhost' : family === 'IPv6' ? `[${ip}]` : ip;
  return { url: `${secure ? 'https' : 'http'}://${host}:${port}`, port };
}

/** Remove a socket that nobody listens on any more. Rejects if somebody does, and if it is something else than a socket. */
async function removeStale(path) {
  const stat = fs.lstatSync(path, { throwIfNoEntry: false });
  if (!stat) return;
  if (!stat.isSocket()) throw Object.assign(new Error(`${path} exists, and is no socket`), { code: IN_USE });
  const client = net.connect(path);
  try {
    await once(client, 'connect');
  } catch (err) {
    if (err.code !== 'ECONNREFUSED') throw listenError(path, err);
    fs.rmSync(path, { force: true });
    return;
  } finally {
    client.destroy();
  }
  throw Object.assign(new Error(`${path} is in use`), { code: IN_USE });
}

// ---------------------------------------------------------------------------------------------------- certificates

const isFile = (source) => typeof source == 'string' && !source.includes('-----BEGIN');

function readPem(what, source) {
  if (!isFile(source)) return { text: Buffer.from(source).toString(), name: `the ${what} that was given` };
  try {
    return { text: fs.readFileSync(source, 'utf8'), name: `${what} ${source}` };
  } catch (err) {
    throw new Error(`cannot read ${what} ${source}: ${err.code}`, { cause: err });
  }
}

function parseKey({ text, name }, passphrase) {
  try {
    return createPrivateKey({ key: text, format: 'pem', ...passphrase !== undefined && { passphrase } });
  } catch (err) {
    const reason = !text.includes('ENCRYPTED') ? 'is no private key in PEM'
      : passphrase === undefined ? 'is encrypted: it needs a passphrase'
        : 'does not open with this passphrase';
    throw new Error(`${name} ${reason}`, { cause: err });
  }
}

function parseCertificate({ text, name }) {
  try {
    return new X509Certificate(text);
  } catch (err) {
    throw new Error(`${name} is no certificate in PEM`, { cause: err });
  }
}

/** Reads the files of a certificate, whenever asked. */
function buildCertificate(options, { headersTimeout, reportError }) {
  const {
    key: keySource, cert: certSource, ca: caSource, passphrase, clientCertificate, clientNames: _checkedElsewhere,
    minVersion = 'TLSv1.2', reloadInterval = 60_000, ...others
  } = options;
  let seen = '';
  /** What changes when a file does. (Kubernetes exchanges a link to a folder.) */
  function stamp() {
    return [keySource, certSource, caSource].map((source) => {
      const stat = isFile(source) && fs.statSync(source, { throwIfNoEntry: false });
      return stat && [stat.dev, stat.ino, stat.mtimeMs, stat.size].join();
    }).join(' ');
  }
  function read() {
    const before = stamp();
    const key = readPem('key', keySource);
    const cert = readPem('certificate', certSource);
    const ca = caSource === undefined ? undefined : readPem('ca', caSource);
    const privateKey = parseKey(key, passphrase);
    const x509 = parseCertificate(cert);
    if (ca) parseCertificate(ca);
    if (!x509.checkPrivateKey(privateKey)) throw new Error(`${key.name} is not that of ${cert.name}`);
    const read = {
      // (As long as nobody can say whose a half-open connection is, it may not take long either. 0 is for no limit here.)
      handshakeTimeout: headersTimeout || LONGEST_TIME,
      ...others,
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: cert.text,
      minVersion,
      ...ca && { ca: ca.text },
      ...clientCertificate && { requestCert: true, rejectUnauthorized: clientCertificate === 'require' },
    };
    try {
      tls.createSecureContext(read);
    } catch (err) {
      throw new Error(`${cert.name} is not taken: ${err.message}`, { cause: err });
    }
    seen = before;
    return read;
  }
  function reload(server) {
    server.setSecureContext(read());
  }
  function renew(server) {
    try {
      if (stamp() !== seen) reload(server);
    } catch (err) {
      // (Files are not replaced all at once: the next look may find them whole. Until then the old ones serve.)
      reportError(err, 'certificate not renewed');
    }
  }
  return { interval: reloadInterval, read, reload, renew };
}

// ------------------------------------------------------------------------------------------------------ the client

/** Names for networks. */
const NETWORKS = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '169.254.0.0/16', 'fc00::/7', 'fe80::/10'],
};

/** An address as it is compared: without a port, brackets or a zone, and IPv4 as such. Undefined for what is none. */
function addressOf(text = '') {
  const bare = text.trim().replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
  const address = withoutPrefix(bare.replace(/%.*$/, ''));
  return net.isIP(address) ? address : undefined;
}

/** An address of IPv4 that is written as one of IPv6, as node does where it listens on both. */
const withoutPrefix = (address) => address.replace(/^::ffff:(?=[\d.]+$)/i, '');

function buildTrust({ trustProxy = 0, proxyHeaders: headers = X_FORWARDED }) {
  if (typeof trustProxy == 'number') return { isTrusted: (_address, place) => place < trustProxy, headers };
  const networks = new net.BlockList();
  let trustsUnix = false;
  for (const entry of trustProxy) {
    if (entry === 'unix') trustsUnix = true;
    const named = Object.hasOwn(NETWORKS, entry) ? NETWORKS[entry] : [entry];
    for (const network of entry === 'unix' ? [] : named) {
      const [address = '', bits, ...rest] = network.split('/');
      const [family, all] = net.isIPv6(address) ? ['ipv6', '128'] : ['ipv4', '32'];
      const length = /^\d+$/.test(bits ?? all) ? Number(bits ?? all) : Infinity;
      if (!net.isIP(address) || rest.length > 0 || length > Number(all)) refuse('bad trustProxy', network);
      networks.addSubnet(address, length, family);
    }
  }
  // A list asks for microseconds; proxies and clients come again. What clients make up must not fill the memory.
  const known = new Map();
  function isListed(address) {
    let answer = known.get(address);
    if (answer === undefined) {
      if (known.size >= MAX_KNOWN_ADDRESSES) known.clear();
      answer = networks.check(address, net.isIPv6(address) ? 'ipv6' : 'ipv4');
      known.set(address, answer);
    }
    return answer;
  }
  return {
    isTrusted: (address, place) => (address === undefined ? trustsUnix && place === 0 : isListed(address)),
    headers,
  };
}

/**
 * The elements of a Forwarded header, the last first (RFC 7239, section 4).
 *
 * A client may have begun the header with a quotation mark, to swallow what the proxies append. Hence it is taken apart from its end,
 * where what the nearest proxy has written is, until something is not as it should be.
 */
function* readForwarded(header) {
  let end = header.length;
  let isQuoted = false;
  for (let at = end - 1; at >= -1; at--) {
    if (header[at] === '"' && !isEscaped(header, at)) isQuoted = !isQuoted;
    if (at >= 0 && (isQuoted || header[at] !== ',')) continue;
    const hop = parseElement(header.slice(at + 1, end));
    if (!hop) return;
    yield hop;
    end = at;
  }
}

/** True if an odd number of backslashes stands before. */
function isEscaped(text, at) {
  let before = at;
  while (text[before - 1] === '\\') before--;
  return (at - before) % 2 === 1;
}

/** `for=192.0.2.43;proto=https;host="a.test"`. Undefined if it is not like that. */
function parseElement(element) {
  const pairs = new Map();
  const pair = /\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*))\s*(?:;|$)/y;
  while (pair.lastIndex < element.length) {
    const [, name, quoted, plain = ''] = pair.exec(element) ?? [];
    if (!name) return undefined;
    pairs.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain);
  }
  return { ip: addressOf(pairs.get('for')), protocol: pairs.get('proto'), host: pairs.get('host') };
}

/** The values of X-Forwarded-For and its kin, the last first. */
function readForwardedFor(headers, names) {
  const [ips, protocols, hosts] = X_FORWARDED.map((name) => (
    (names.includes(name) && String(headers[name] ?? '') || '').split(',').map((value) => value.trim()).reverse()
  ));
  // A list as long as that of the addresses has been appended to by each proxy. Of any other only the last proxy's word counts.
  const wordOf = (list, ix) => (list.length === ips.length ? list[ix] : list[0]);
  return ips.map((ip, ix) => ({ ip: addressOf(ip), protocol: wordOf(protocols, ix), host: wordOf(hosts, ix) }));
}

/**
 * Who asks, and for what: from who has connected back along the row of proxies, for as long as these are trusted.
 *
 * What they say is taken if it is an address, 'http' or 'https', and a host. An address that is none ends the row: the client is then
 * taken to be the proxy that has said so.
 */
function findClient({ socket, headers }, { isTrusted, headers: names }) {
  const client = {
    ip: socket.remoteAddress && withoutPrefix(socket.remoteAddress),
    protocol: socket.encrypted ? 'https' : 'http',
    host: headers.host,
  };
  if (!isTrusted(client.ip, 0)) return client;
  const hops = names[0] === 'forwarded' ? readForwarded(String(headers.forwarded ?? '')) : readForwardedFor(headers, names);
  let place = 0;
  for (const { ip, protocol, host } of hops) {
    if (protocol === 'http' || protocol === 'https') client.protocol = protocol;
    if (host !== undefined && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host)) client.host = host;
    if (ip === undefined) break;
    client.ip = ip;
    place++;
    if (!isTrusted(ip, place)) break;
  }
  return client;
}

/** A class of requests that know their client, and find out about it when they are asked. */
function requestClass(base, state) {
  const CLIENT = Symbol('client');
  class Request extends base {
  }
  Object.defineProperty(Request.prototype, SERVING, { value: state });
  for (const name of ['ip', 'protocol', 'host']) {
    Object.defineProperty(Request.prototype, name, {
      get() {
        return (this[CLIENT] ??= findClient(this, state.trust))[name];
      },
      set( value) {
        (this[CLIENT] ??= findClient(this, state.trust))[name] = value;
      },
    });
  }
  return Request;
}

// -------------------------------------------------------------------------------------------------------- requests

function makeServer(settings, certificate, state) {
  const { headersTimeout, requestTimeout, keepAliveTimeout, idleTimeout, maxConnections } = settings;
  const limits = {
    headersTimeout,
    requestTimeout,
    keepAliveTimeout,
    // How often node looks whether one of these is over: it would be every 30 seconds.
    connectionsCheckingInterval: checkInterval(headersTimeout, requestTimeout),
  };
  const all = { ...limits, ...certificate, ...settings.nodeOptions };
  const IncomingMessage = requestClass(http.IncomingMessage, state);
  const server = settings.http2
    ? http2.createSecureServer({
      settings: { maxConcurrentStreams: 100 },
      ...all,
      allowHTTP1: true,
      Http1IncomingMessage: IncomingMessage,
      Http2ServerRequest: requestClass(http2.Http2ServerRequest, state),
    })
    : certificate ? https.createServer({ ...all, IncomingMessage }) : http.createServer({ ...all, IncomingMessage });
  // (Node's server for HTTP/2 takes none of them as an option.)
  Object.assign(server, limits, { timeout: idleTimeout }, maxConnections !== undefined && { maxConnections });
  return server;
}

/** How often to look whether a limit of time is over: it holds to a fifth, or to a second. */
function checkInterval(...limits) {
  return Math.max(10, Math.min(1000, ...limits.filter((limit) => limit > 0).map((limit) => limit / 5)));
}

/** Have an app answer a server's requests, within the limits of time, until it is closed. */
function watch(server, app, settings, state) {
  const { answerTimeout, requestTimeout, idleTimeout, reportError } = settings;
  const running = new Map();
  /** Connections on which requests have been sent without waiting for the answers to earlier ones. */
  const pipelined = new WeakSet();
  const connections = watchConnections(server, settings);

  function onRequest(req, res) {
    const fail = (err) => {
      reportError(err, `${req.method} ${req.url}`);
      answerError(res, 500);
    };
    running.set(res, { since: performance.now(), waitsSince: 0, bytesRead: 0 });
    // (What middleware of express goes by, below a mount too.)
    req.originalUrl = req.url;
    res.on('close', onResponseClose);
    if (req.stream) adapt(req, res);
    else {
      if (!res.socket) watchQueue(req.socket);
      if (state.isLast) sayLast(running.keys(), req.socket);
    }
    try {
      const result = app(req, res);
      if (typeof result?.then === 'function') result.then(undefined, fail);
    } catch (err) {
      fail(err);
    }
  }
  /** When a connection closes node tells the response whose turn it is, and none of those that are queued behind it. */
  function watchQueue(socket) {
    if (pipelined.has(socket)) return;
    pipelined.add(socket);
    socket.once('close', () => {
      for (const res of running.keys()) if (res.req.socket === socket) res.destroy().emit('close');
    });
  }
  /** What is different in HTTP/2. */
  function adapt(req, res) {
    const { headers, method } = req;
    if (headers[':authority'] !== undefined) headers.host ??= String(headers[':authority']);
    // (As long as one of its streams moves a session is not idle; another stream may be.)
    // (Node tells nothing to the response for a HEAD that is closed before the app has ended it.)
    if (method === 'HEAD') req.stream.on('close', () => running.has(res) && res.emit('close'));
    req.stream.setTimeout(idleTimeout, () => req.stream.close(http2.constants.NGHTTP2_CANCEL));
  }
  function onResponseClose() {
    running.delete(this);
    // The answer had begun when closing did, and so could not say that it is the connection's last.
    if (state.isLast && !this.req.stream) connections.linger([this.req.socket], busySockets);
  }
  function busySockets() {
    return new Set([...running.keys()].map((res) => res.req.socket));
  }
  function checkTimes() {
    const now = performance.now();
    for (const [res, progress] of running) {
      const { req } = res;
      const isWhole = isReceived(req);
      const bytesRead = isWhole ? 0 : req.socket.bytesRead;
      const isWaiting = isWhole || isLeft(req) && bytesRead === progress.bytesRead;
      progress.waitsSince = isWaiting ? progress.waitsSince || now : 0;
      progress.bytesRead = bytesRead;
      // (In HTTP/1 node sees to it.)
      if (req.stream && !isWhole && requestTimeout && now - progress.since > requestTimeout) {
        req.stream.close(http2.constants.NGHTTP2_CANCEL);
      } else if (isWaiting && answerTimeout && !res.headersSent && now - progress.waitsSince >= answerTimeout) {
        reportError(notice(`no answer within ${answerTimeout} ms`), `${req.method} ${req.url}`);
        answerError(res, 503);
        silence(res);
      }
    }
  }
  server.on('request', onRequest);
  server.on('listening', () => {
    const timer = setInterval(checkTimes, checkInterval(answerTimeout, requestTimeout)).unref();
    server.on('close', () => clearInterval(timer));
  });
  return buildCloser(server, settings, state, running, connections, busySockets);
}

/**
 * Have answers of HTTP/1 say that they are the last of their connection, on all connections or on that one; of requests that were sent
 * without waiting for answers, the last.
 */
function sayLast(running, only) {
  const last = new Map();
  for (const res of running) {
    const { socket, stream } = res.req;
    if (stream || only && socket !== only) continue;
    const earlier = last.get(socket);
    if (earlier && !earlier.headersSent) earlier.removeHeader('connection');
    last.set(socket, res);
  }
  for (const res of last.values()) if (!res.headersSent) res.setHeader('connection', 'close');
}

/** True if a request, body and all, has come. */
function isReceived(req) {
  return req.stream ? req.stream.destroyed || req.stream.state.remoteClose === 1 : req.complete;
}

/**
 * True if the app takes nothing of a body for now: as much of it waits as there is room for, or as the client may send ahead over
 * HTTP/2 (which is a byte less, from Node 22 on).
 */
function isLeft({ stream, readableLength, readableHighWaterMark }) {
  if (!stream) return readableLength >= readableHighWaterMark;
  return stream.readableLength >= stream.readableHighWaterMark || stream.state.localWindowSize === 0;
}

/** Answer in the form of the core's errors. What has begun otherwise is cut off, so that the client can tell. */
function answerError(res, statusCode) {
  if (res.headersSent) {
    if (!res.writableEnded) res.destroy(new Error('cut off'));
    return;
  }
  const body = JSON.stringify({ error: String(statusCode), message: `${statusCode} ${http.STATUS_CODES[statusCode]}` });
  for (const name of res.getHeaderNames()) if (name !== 'connection') res.removeHeader(name);
  res.writeHead(statusCode, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
}

/** The methods of a response that throw, or write between answers, when it is too late for them. */
const HEADER_METHODS = [
  'setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'writeHead', 'flushHeaders', 'addTrailers', 'writeContinue', 'writeProcessing',
  'writeEarlyHints', 'writeInformation',
];

/** The app does not know that its client has been answered. What it does from here on is to have no effect, and to throw nothing. */
function silence(res) {
  // (Who waits until it is written is not to wait for ever.)
  const ignore = (result) => (...args) => {
    const callback = args.at(-1);
    if (typeof callback == 'function') process.nextTick(callback);
    return result;
  };
  for (const name of [...HEADER_METHODS, 'end']) Object.defineProperty(res, name, { value: ignore(res), configurable: true });
  Object.defineProperty(res, 'write', { value: ignore(true), configurable: true });
}

function watchConnections(server, { tls: secure, http2: isHttp2 }) {
  /** All, as they came in; those that speak HTTP/1; sessions of HTTP/2. */
  const raw = new Set();
  const plain = secure ? new Set() : raw;
  const sessions = new Set();
  /** Those that speak something else by now. */
  const upgraded = new WeakSet();
  /** No more are taken. (One may still be shaking hands.) */
  let isLast = false;

  function track(set, item) {
    set.add(item);
    item.once('close', () => set.delete(item));
  }
  server.on('connection', (socket) => track(raw, socket));
  if (secure) {
    const { clientNames } = secure;
    server.prependListener('secureConnection', (socket) => {
      if (socket.alpnProtocol !== 'h2') {
        track(plain, socket);
        if (isLast) socket.destroySoon();
      }
      if (!clientNames) return;
      const certificate = socket.getPeerCertificate();
      if (clientNames.some((name) => !tls.checkServerIdentity(name, certificate))) return;
      socket.destroy();
      server.emit('tlsClientError', new Error(`the client's certificate is for none of ${clientNames.join(', ')}`), socket);
    });
  }
  if (isHttp2) {
    server.on('session', (session) => {
      track(sessions, session);
      if (isLast) session.close();
    });
  }
  // Whether a connection may be upgraded node sees by whether anybody listens for it. So we do when somebody else does.
  server.on('newListener', function onNewListener(event) {
    if (event !== 'upgrade') return;
    server.off('newListener', onNewListener);
    server.on('upgrade', (_req, socket) => upgraded.add(socket));
  });
  return {
    linger(sockets, busySockets) {
      // (Of connections that have not shaken hands those from which nothing has come: all others look as those do that have.)
      const silent = secure ? [...raw].filter((socket) => socket.bytesRead === 0) : [];
      const marks = [...sockets ?? [...plain, ...silent]].map((socket) => [socket, socket.bytesRead]);
      setTimeout(() => {
        const busy = busySockets();
        for (const [socket, bytesRead] of marks) {
          if (!busy.has(socket) && !upgraded.has(socket) && socket.bytesRead === bytesRead) socket.destroySoon();
        }
      }, LINGER_TIME).unref();
    },
    sayGoodbye() {
      isLast = true;
      for (const session of sessions) session.close();
    },
    destroy() {
      for (const session of sessions) session.destroy();
      for (const socket of raw) socket.destroy();
    },
  };
}

// --------------------------------------------------------------------------------------------------------- closing

function buildCloser(
  server, settings, state, running, connections,
  busySockets
) {
  const { closeDelay, graceTime: usualGraceTime, onClosing, onClose, reportError } = settings;
  const hurry = new AbortController();
  let closing;
  const cutOff = new Set();

  /** Wait, unless there is a hurry. */
  const pause = (time) => setTimeout$1(time, undefined, { signal: hurry.signal, ref: false }).catch(() => {});

  /**
   * Take the connections that the system has made already, and would reset. Node takes one in each turn of its loop. (No answer says
   * yet that it is the last one: clients would make new connections as fast as they are taken here.)
   */
  async function takeWaiting() {
    let taken = 0;
    const count = () => { taken++; };
    const end = performance.now() + LINGER_TIME;
    server.on('connection', count);
    do {
      taken = 0;
      // The first turn may have been past the point where connections are taken.
      await setImmediate();
      await setImmediate();
    } while (taken > 0 && performance.now() < end && !hurry.signal.aborted);
    server.off('connection', count);
  }
  async function drain() {
    state.isClosing = true;
    try {
      onClosing?.();
    } catch (err) {
      reportError(err, 'onClosing');
    }
    if (closeDelay > 0) {
      // (Time for others to hear that this one is leaving, and for those who stay connected to come back elsewhere.)
      state.isLast = true;
      sayLast(running.keys());
      await pause(closeDelay);
    }
    if (!hurry.signal.aborted) await takeWaiting();
    const closed = new Promise((resolve) => server.listening ? server.once('close', resolve) : resolve(undefined));
    stopListening(server);
    state.isLast = true;
    sayLast(running.keys());
    if (hurry.signal.aborted) cut();
    connections.linger(undefined, busySockets);
    connections.sayGoodbye();
    await closed;
    const over = new AbortController();
    try {
      // (A wait that is aborted rejects, to nobody.)
      if (onClose) await Promise.race([onClose(), setTimeout$1(usualGraceTime, undefined, over).catch(() => {})]);
    } catch (err) {
      reportError(err, 'onClose');
    }
    over.abort();
    return cutOff.size;
  }
  /** Cut off what runs. (What closes says so later: it is not to be counted twice.) */
  function cut() {
    for (const res of running.keys()) cutOff.add(res);
    hurry.abort();
    connections.destroy();
  }
  return {
    close(graceTime = usualGraceTime) {
      if (!isTime(graceTime)) refuse('bad graceTime', graceTime);
      closing ??= drain();
      // (A second call can be in more of a hurry than the first.)
      const timer = setTimeout(cut, graceTime && Math.min(graceTime + closeDelay, LONGEST_TIME));
      return closing.finally(() => clearTimeout(timer));
    },
  };
}

/**
 * Take no more connections. Node would close those without a request as well, at once; but on some of them one may be on its way. (And
 * of an answer it only asks whether the app has ended it, not whether it is all out.)
 */
function stopListening(server) {
  Object.defineProperty(server, 'closeIdleConnections', { value: () => {}, configurable: true });
  server.close();
  delete server.closeIdleConnections;
}

// ----------------------------------------------------------------------------------------------------- the process

/** All that this process serves, if the process is ours to end. */
const owned = new Set();
/** The code to exit with; undefined as long as nobody has asked to. */
let exitCode;
let hasSignal = false;
/** How to tell of what nobody caught: as the newest server does. */
let reportUncaught = printError;
/** This is a worker of `serve`, and a primary process looks after it. */
let isWorker = false;

const SIGNALS = ['SIGTERM', 'SIGINT'];

/** Take the signals, and what nobody caught, until it is closed. */
function own(closer, { reportError }) {
  reportUncaught = reportError;
  if (owned.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal);
    process.on('uncaughtException', onUncaught);
  }
  owned.add(closer);
}

function disown(closer) {
  owned.delete(closer);
  if (owned.size > 0 || exitCode !== undefined) return;
  for (const signal of SIGNALS) process.off(signal, onSignal);
  process.off('uncaughtException', onUncaught);
}

/** The first signal closes, the second one ends the process at once. */
function onSignal(signal) {
  // A terminal sends SIGINT to workers too: their primary sees to it.
  if (isWorker && signal === 'SIGINT') return;
  if (hasSignal) process.exit(128 + constants.signals[signal]);
  hasSignal = true;
  void shutDown(0);
}

/**
 * After an error that nobody caught no one knows what state the program is in; other clients' requests are most likely fine all the
 * same. So they are ended in grace, nothing new is begun, and whoever looks after the process starts another.
 */
function onUncaught(err, origin) {
  reportUncaught(err, origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception');
  void shutDown(1);
}

/** Close everything, and end the process: with 0, unless something was wrong or a request had to be cut off. */
async function shutDown(code, graceTime) {
  exitCode = Math.max(exitCode ?? 0, code);
  const counts = await Promise.all([...owned].map((closer) => closer.close(graceTime)));
  const cutOff = counts.reduce((sum, count) => sum + count, 0);
  const end = () => process.exit(cutOff > 0 ? 1 : exitCode);
  if (isWorker && process.connected) process.send({ microrest: 'closed', cutOff }, end);
  else end();
}

// --------------------------------------------------------------------------------------------------------- workers

/** Serve from this process, as one of several. */
async function serveAsWorker(app, settings, trust) {
  const tell = (message) => process.connected && process.send(message);
  const { onClosing } = settings;
  isWorker = true;
  try {
    const served = await serveHere(app, {
      ...settings,
      ownsProcess: true,
      onClosing() {
        tell({ microrest: 'closing' });
        onClosing?.();
      },
    }, trust);
    // (The program may be told other things, too.)
    process.on('message', (message) => {
      if (message?.microrest === 'close') void shutDown(0, message.graceTime);
      else if (message?.microrest === 'reload') served.reload().catch((err) => settings.reportError(err, 'certificate not renewed'));
    });
    tell({ microrest: 'listening', url: served.url, port: served.port });
    return served;
  } catch (err) {
    const { message, code } = err;
    tell({ microrest: 'failed', message, code });
    throw err;
  }
}

let hasWorkers = false;

async function findFreePort(host) {
  const server = net.createServer().listen(0, host);
  await once(server, 'listening').catch((err) => { throw listenError('port 0', err); });
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return String(port);
}

/** Have workers serve, and look after them. */
async function serveByWorkers(settings) {
  const { workers: count, path, fd, tryNextPort, closeDelay, graceTime: usualGraceTime, reportError } = settings;
  if (hasWorkers) throw new Error('there are workers already: they run this program too, from its beginning');
  hasWorkers = true;
  /** Those that live, and since when they have been listening; 0 for not yet. */
  const workers = new Map();
  const replaced = new WeakSet();
  const timers = new Set();
  let hasBegun = false;
  let isClosing = false;
  let cutOff = 0;
  let failures = 0;
  let port = '';

  /** Start a worker; resolves when it listens. */
  function start() {
    const worker = cluster.fork({ [PORT_OF_WORKERS]: port });
    workers.set(worker, 0);
    return new Promise((resolve, reject) => {
      worker.on('message', (message) => {
        if (message?.microrest === 'listening') {
          workers.set(worker, performance.now());
          resolve(message);
        } else if (message?.microrest === 'failed') {
          reject(Object.assign(new Error(message.message), message.code !== undefined && { code: message.code }));
        } else if (message?.microrest === 'closing') replace(worker, 'is closing');
        else if (message?.microrest === 'closed') cutOff += message.cutOff;
      });
      worker.once('exit', (code, signal) => {
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
        reject(new Error(`a worker ${how} before it listened`));
        const isLost = fd !== undefined && isAlone(worker);
        if (!isLost) replace(worker, how);
        workers.delete(worker);
        if (isLost) giveUp(worker, how);
      });
    });
  }
  /** True if no other worker listens. */
  function isAlone(worker) {
    return ![...workers].some(([other, since]) => other !== worker && since > 0);
  }
  /** Node has closed a descriptor that no worker listens on any more. Unlike a port or a path it cannot be opened again from here. */
  function giveUp(worker, how) {
    if (isClosing || !hasBegun) return;
    reportError(notice(`worker ${worker.process.pid} ${how}, and fd ${fd} was closed with it, as no other one listened`), 'worker');
    void (settings.ownsProcess ? shutDown(1) : close());
  }
  /** Start another in place of one that has gone: at once if that was sound, later and later if they keep going. */
  function replace(worker, how) {
    const since = workers.get(worker);
    // (Who does not begin the first time is not to be tried again.)
    if (isClosing || replaced.has(worker) || !hasBegun && !since) return;
    replaced.add(worker);
    failures = since && performance.now() - since > SOUND_LIFE ? 0 : failures + 1;
    const delay = failures === 0 ? 0 : Math.min(MAX_BACK_OFF, MIN_BACK_OFF * 2 ** (failures - 1));
    reportError(notice(`worker ${worker.process.pid} ${how}; the next one starts in ${delay} ms`), 'worker');
    const timer = setTimeout(() => {
      timers.delete(timer);
      // (If it does not start it exits, which brings us here again.)
      start().catch(() => {});
    }, delay);
    timers.add(timer);
  }
  function kill() {
    for (const worker of workers.keys()) worker.process.kill('SIGKILL');
  }
  function send(worker, message) {
    // (What is about to exit may have left already.)
    if (worker.isConnected()) worker.send(message, () => {});
  }
  async function close(graceTime = usualGraceTime) {
    if (!isTime(graceTime)) refuse('bad graceTime', graceTime);
    isClosing = true;
    for (const timer of timers) clearTimeout(timer);
    const ended = [...workers].map(([worker, since]) => {
      if (since > 0) send(worker, { microrest: 'close', graceTime });
      else worker.process.kill();
      return once(worker, 'exit');
    });
    // (What they do in onClose has its time too.)
    const timer = setTimeout(kill, Math.min(graceTime + closeDelay + usualGraceTime + WORKER_SLACK, LONGEST_TIME));
    await Promise.all(ended);
    clearTimeout(timer);
    process.off('exit', kill);
    hasWorkers = false;
    disown(closer);
    return cutOff;
  }
  const closer = { close };
  process.on('exit', kill);
  if (settings.ownsProcess) own(closer, settings);
  try {
    if (path !== undefined) await removeStale(path);
    // What node finds for 0 would be another port when the last worker has gone, and the next one comes.
    else if (fd === undefined && !Number(settings.port ?? 0)) port = await findFreePort(settings.host);
    // The first one finds the port, for all.
    const { url, port: found } = await start();
    if (tryNextPort && found !== undefined) port = String(found);
    await Promise.all(Array.from({ length: count - 1 }, start));
    hasBegun = true;
    return {
      server: undefined,
      url,
      port: found,
      close,
      async reload() {
        for (const worker of workers.keys()) send(worker, { microrest: 'reload' });
      },
    };
  } catch (err) {
    await close(0);
    // (A signal came before all of them had begun: the process is about to end.)
    if (exitCode !== undefined) await new Promise(() => {});
    throw err;
  }
}

// ------------------------------------------------------------------------------------------------------- readiness

/**
 * Build the step that says whether to send requests here: 200, or 503 from the moment closing begins.
 *
 * Give it a function to ask about what the app cannot do without: what returns false, or throws, is a 503 as well.
 *
 *     app.get('/ready', readiness(() => database.ping()))
 */
function readiness(check) {
  if (check !== undefined && !isFunction(check)) refuse('readiness is asked of a function', check);
  return async function readiness(req, res) {
    const state = req[SERVING];
    let isReady = !state?.isClosing;
    try {
      if (isReady && check) isReady = await check() !== false;
    } catch (err) {
      isReady = false
      ;(state?.reportError ?? printError)(err, 'not ready');
    }
    // (Closing may have begun while the check ran.)
    if (state?.isClosing) isReady = false;
    res.writeHead(isReady ? 200 : 503, { 'content-type': 'application/json', 'cache-control': 'no-store' });
    res.end(JSON.stringify({ ready: isReady }));
  };
}

export { readiness, serve };
