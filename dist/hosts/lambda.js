/*! microrest/lambda 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/lambda.ts by `npm run build`. */

/**
 * embed: how a request gets in where there is no `http` module. A host, such as a C program with an engine in it, hands over plain
 * values and gets plain values back.
 *
 * It makes the `req` and `res` that the core expects, and no more than that. Part of the scripts for small engines, so it imports
 * nothing but types and calls only what the smallest engines have. No timer, no promise: what happens, happens in a call of
 * the host's.
 */

/** The longest body to take in, if nothing else is said. */
const MAX_BODY_BYTES = 1 << 20;

/**
 * How deep `next()` may nest, unless the app says otherwise: what follows the first step runs inside its `next()`, what follows the
 * others after theirs. A level takes 1.7 KB of stack in a 32-bit QuickJS, and a task of firmware has 16 KB for all.
 */
const MAX_NESTING = 2;

const CONTENT_LENGTH = 'content-length';
const TRANSFER_ENCODING = 'transfer-encoding';

const isString$1 = (value) => typeof value == 'string';
const char = String.fromCharCode;

// -------------------------------------------------------------------------------------------------- text and bytes

/**
 * A text in UTF-8 (RFC 3629): a character for each byte. Half a surrogate pair becomes U+FFFD.
 *
 * (Most text is ASCII, and passes with one look: for what it has not, as an engine that matches all of a text remembers each step.)
 */
const utf8$1 = (text) => !/[\x80-\uffff]/.test(text) ? text : text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\x80-\uffff]/g, (symbol) => {
  let code = symbol.charCodeAt(0);
  if (symbol[1]) code = (code - 0xd7c0 << 10) + (symbol.charCodeAt(1) & 0x3ff);
  else if (code >> 11 === 0x1b) code = 0xfffd;
  let bytes = '';
  // What the first byte has room for: 5 bits if it is one of two bytes, then 4, and 3.
  let max = 0x3f;
  do {
    bytes = char(0x80 | code & 0x3f) + bytes;
    code >>= 6;
    max >>= 1;
  } while (code > max);
  return char(0xfe - 2 * max | code) + bytes;
});

/** How many bytes a chunk has on the wire. */
const lengthOf = (chunk) => isString$1(chunk) ? utf8$1(chunk).length : chunk.length;

/** A chunk as all others are; throws for what can be none. */
function toChunk(value) {
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (!isString$1(value) && !(value instanceof Uint8Array)) throw new TypeError('neither text nor bytes: ' + value);
  return value;
}

/** Chunks as one: text if all of them are. */
function join(chunks) {
  if (chunks.every(isString$1)) return chunks.join('');
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + lengthOf(chunk), 0));
  let at = 0;
  for (const chunk of chunks) {
    const data = isString$1(chunk) ? utf8$1(chunk) : chunk;
    for (let ix = 0; ix < data.length; ix++) bytes[at++] = isString$1(data) ? data.charCodeAt(ix) : data[ix];
  }
  return bytes;
}

if (typeof decodeURIComponent == 'undefined') {
  /** For the engines that lack it. Takes no bytes but those that `utf8` makes: none too many, and no half of a surrogate pair. */
  const decode = (text) => text.replace(/%([\da-f]{2}(%[89ab][\da-f])*)?/gi, (run) => {
    const bytes = run.slice(1).split('%').map((hex) => char(parseInt(hex, 16))).join('');
    const more = bytes.length - 1;
    let code = bytes.charCodeAt(0) & (more ? 0x3f >> more : 0x7f);
    for (let ix = 1; ix <= more; ix++) code = code << 6 | bytes.charCodeAt(ix) & 0x3f;
    const decoded = code < 0x10000 ? char(code) : char(0xd7c0 + (code >> 10), 0xdc00 | code & 0x3ff);
    if (!run[1] || utf8$1(decoded) !== bytes) throw new Error('malformed escape: ' + run);
    return decoded;
  })
  ;globalThis.decodeURIComponent = decode;
}

// ---------------------------------------------------------------------------------------------------------- events

/** The method `on` of both the request and the response. (A response has no body that could flow.) */
function on( event, listener) {
  const { error_ } = this;
  if (error_ && event === 'error') listener(error_);
  else if (!this.destroyed) (this.listeners_ || (this.listeners_ = [])).push(event, listener);
  if (event === 'end') flow(this);
  return this;
}

function emit(list, event, value) {
  // (A listener may add another one, which is for the next time.)
  const count = list ? list.length : 0;
  for (let ix = 0; ix < count; ix += 2) {
    if (list[ix] === event) list[ix + 1](value);
  }
}

/** Emit the last events. Listeners mostly refer to what they listen to, in a cycle that ends here. */
function close(emitter, lastEvent) {
  if (emitter.destroyed) return;
  emit(emitter.listeners_, lastEvent);
  const list = emitter.listeners_;
  emitter.destroyed = emitter.closed = true;
  emitter.listeners_ = undefined;
  emit(list, 'close');
}

// ------------------------------------------------------------------------------------------------------ the request

/** What all requests share, and those without a body need not have: a request in flight should hold little. */
const commonReq = {
  // Where there is no body there is nothing to wait for, and it is an empty text.
  readableEncoding: 'utf8',
  readableEnded: true,
  isWhole_: true,

  get headers() {
    const req = this;
    if (!req.headers_) {
      req.headers_ = readHeaders(req.given_ || []);
      req.given_ = undefined;
    }
    return req.headers_;
  },

  set headers(headers) {
(this).headers_ = headers;
  },

  on,
};

/** True for the names of the fields that tell of a body. (By the length first: most names need no more.) */
const isFraming = (name) =>
  !!name && (name.length === 14 || name.length === 17) && [CONTENT_LENGTH, TRANSFER_ENCODING].indexOf(name.toLowerCase()) >= 0;

function buildReq({ method, url, headers, body, client, bodySizeLimit = MAX_BODY_BYTES }) {
  const req = Object.create(commonReq);
  if (!(bodySizeLimit >= 0)) throw new RangeError('bad bodySizeLimit: ' + bodySizeLimit);
  req.method = method;
  req.url = url;
  req.given_ = headers;
  if (client) req.socket = client;
  // (Most requests need no more: what else is in their header fields is for those who look.)
  const names = Array.isArray(headers) ? headers : Object.keys(headers || {});
  if (body === null || body === undefined && !names.some(isFraming)) return req;
  const size = req.headers[CONTENT_LENGTH];
  if (body === undefined && !+size && !req.headers[TRANSFER_ENCODING]) return req;

  req.readableEncoding = undefined;
  req.readableEnded = req.isWhole_ = false;
  req.chunks_ = [];
  req.room_ = bodySizeLimit;
  if (+size > bodySizeLimit) refuseBody$1(req);
  if (body !== undefined) {
    const chunk = toChunk(body);
    takeChunk(req, chunk);
    req.isWhole_ = true;
    if (!size) req.headers[CONTENT_LENGTH] = '' + lengthOf(chunk);
  }
  return req;
}

/** Header fields by lower-case name, as node has them. */
function readHeaders(given) {
  const headers = Object.create(null);
  const add = (mixed, values) => {
    const name = mixed.toLowerCase();
    for (const value of ([]).concat(values)) {
      if (value !== undefined) headers[name] = headers[name] === undefined ? '' + value : headers[name] + (name === 'cookie' ? '; ' : ', ') + value;
    }
  };
  if (Array.isArray(given)) for (let ix = 0; ix < given.length; ix += 2) add(given[ix], given[ix + 1]);
  else for (const name of Object.keys(given)) add(name, given[name]);
  return headers;
}

function takeChunk(req, chunk) {
  if (req.destroyed || req.isWhole_ || req.error_) return;
  req.room_ -= lengthOf(chunk);
  if (req.room_ < 0) refuseBody$1(req);
  else if (req.chunks_) req.chunks_.push(chunk);
  else emit(req.listeners_, 'data', chunk);
}

/** The body is too long: whoever reads it gets an error, now or when it comes to that. */
function refuseBody$1(req) {
  const error = new Error('body too long');
  error.statusCode = 413;
  req.error_ = error;
  req.chunks_ = undefined;
  emit(req.listeners_, 'error', error);
}

/** Let the body flow to those who listen, to its end if that has come. */
function flow(req) {
  const { chunks_ } = req;
  req.chunks_ = undefined;
  for (const chunk of chunks_ || []) emit(req.listeners_, 'data', chunk);
  if (!req.isWhole_ || req.destroyed) return;
  req.readableEnded = !req.error_;
  close(req, req.error_ ? '' : 'end');
}

// ----------------------------------------------------------------------------------------------------- the response

/** What all responses share. */
const commonRes = {
  statusCode: 200,
  headersSent: false,
  writableEnded: false,
  destroyed: false,

  setHeader( name, value) {
    if (this.headersSent) throw new Error('head has been sent: ' + name);
    if (value == null || /[^\w!#$%&'*+.^`|~-]|^$/.test(name) || /[\r\n\0]/.test('' + value)) {
      throw new TypeError('bad header ' + name + ': ' + value);
    }
    headersOf(this)[name.toLowerCase()] = value;
    return this;
  },

  getHeader( name) {
    return headersOf(this)[name.toLowerCase()];
  },

  removeHeader( name) {
    if (this.headersSent) throw new Error('head has been sent: ' + name);
    delete headersOf(this)[name.toLowerCase()];
  },

  writeHead( statusCode, phrase, headers) {
    if (this.headersSent) throw new Error('head has been sent: ' + statusCode);
    // (Of a phrase nobody is told.)
    const fields = (isString$1(phrase) ? headers : phrase) || {};
    for (const name of Object.keys(fields)) this.setHeader(name, fields[name]);
    this.statusCode = statusCode;
    sendHead(this);
    return this;
  },

  write( chunk) {
    const data = toChunk(chunk);
    if (this.writableEnded) throw new Error('write after end');
    if (!this.headersSent) sendHead(this);
    // (A host that sends chunks would end the body with an empty one.)
    return !this.destroyed && (this.isBare_ || !data.length || this.reply_.write(data) !== false);
  },

  end( chunk) {
    const { headersSent, writableEnded, reply_ } = this;
    const data = chunk == null ? undefined : toChunk(chunk);
    if (!headersSent) sendHead(this, data || '', data === undefined);
    this.writableEnded = true;
    if (this.destroyed || writableEnded) return this;
    if (this.isBare_ || !data || !data.length) reply_.end();
    else reply_.end(data);
    close(this, 'finish');
    return this;
  },

  on,

  /** Cut the answer off. */
  destroy() {
    const { destroyed, writableEnded, reply_ } = this;
    close(this, '');
    if (!destroyed && !writableEnded) reply_.abort();
    return this;
  },
};

/** The header fields: nothing is in the table but what is put there. */
const headersOf = (res) => res.headers_ || (res.headers_ = Object.create(null));

/** Send the head; with a content-length, if all of the body is known. */
function sendHead(res, body, isNothing) {
  const headers = headersOf(res);
  const status = res.statusCode | 0;
  if (res.destroyed) return;
  if (status < 200 || status > 999) throw new RangeError('bad status: ' + res.statusCode);
  // How an answer is framed is for the host to say (RFC 9112, section 6).
  delete headers[TRANSFER_ENCODING];
  if (status === 204 || status === 304) res.isBare_ = true;
  // A 204 has no length (RFC 9110, section 8.6). Of others without a body nobody knows it, unless the app says so.
  if (status === 204) delete headers[CONTENT_LENGTH];
  else if (body !== undefined && !headers[CONTENT_LENGTH] && !(res.isBare_ && isNothing)) headers[CONTENT_LENGTH] = lengthOf(body);
  res.headersSent = true;
  res.reply_.head(status, headers);
}

/** What gathers an answer for a host that wants all of it at once. */
function gather$1(reply) {
  const chunks = [];
  let status;
  let headers;
  return {
    head(statusCode, fields) {
      status = statusCode;
      headers = fields;
    },
    write(chunk) {
      chunks.push(chunk);
    },
    end(chunk) {
      if (chunk !== undefined) chunks.push(chunk);
      reply(status, headers, join(chunks));
    },
    abort() {
      reply(500, {}, '');
    },
  };
}

// --------------------------------------------------------------------------------------------------------- the host

const commonInput = {
  data( chunk) {
    const { req_, res_ } = this;
    const data = toChunk(chunk);
    // After the answer nobody comes for what is being held.
    if (!res_.destroyed || !req_.chunks_) takeChunk(req_, data);
  },

  end() {
    const { req_ } = this;
    if (req_.isWhole_) return;
    req_.isWhole_ = true;
    if (!req_.chunks_) flow(req_);
  },

  abort() {
    const { req_, res_ } = this;
    if (!req_.destroyed) req_.aborted = true;
    req_.chunks_ = undefined;
    // The response first: the post steps then wait for what reads the body, which learns of it next.
    close(res_, '');
    close(req_, '');
  },

  drain() {
    emit(this.res_.listeners_, 'drain');
  },
};

/**
 * Hand a request to an app; what it answers goes to `reply`, maybe before this returns.
 *
 *     handle(app, { method: 'GET', url: '/hello' }, (status, headers, body) => print(status, body))
 *
 * Returns what takes a body that comes in pieces, and other news of the client. The host calls `end` or `abort` of it, unless it
 * has given the whole body or there is none. Throws on what is no app, no request or no reply.
 */
function handle(app, request, reply) {
  const { method, url } = request;
  if (typeof app != 'function' || !isString$1(method) || !isString$1(url)) throw new TypeError('bad app or request: ' + app + ' ' + method + ' ' + url);
  const whole = typeof reply == 'function' ? gather$1(reply) : reply;
  if (typeof whole.abort != 'function') throw new TypeError('bad reply: ' + reply);
  const req = buildReq(request);
  const res = Object.create(commonRes);
  res.reply_ = whole;
  if (method === 'HEAD') res.isBare_ = true;
  const { rest } = app;
  if (rest && !rest.maxNesting) rest.maxNesting = MAX_NESTING;
  app(req, res);
  const input = Object.create(commonInput);
  input.req_ = req;
  input.res_ = res;
  return input;
}

/**
 * lambda: an app as a function in the cloud. One handler for AWS Lambda, behind an API Gateway (REST APIs, and HTTP APIs with either
 * payload format), a function URL or an Application Load Balancer, and for the HTTP triggers of Alibaba Cloud's Function Compute.
 *
 *     export const handler = toLambda(app)
 *
 * Requests come as events, documents in JSON whose kind is known by its shape; the app sees a request as embed.ts makes it. Node is
 * what all of these run, so this may use its Buffer, and its timers.
 */

/** How long before its end a call is given up, in milliseconds, if nothing else is said. */
const TIME_MARGIN_MS = 500;

/** The longest delay that timers know, in milliseconds. */
const MAX_DELAY_MS = 0x7fffffff;

// -------------------------------------------------------------------------------------------------------- the sources

const REST_API = { toQuery: encodedAnew, toHead: inTwoTables, isStreamable: true };
const HTTP_API_1 = { decodesPath: true, toQuery: encodedAnew, toHead: inTwoTables };
const HTTP_API_2 = { decodesPath: true, toQuery: asItWas, toHead: cookiesApart };
const FUNCTION_URL = { toQuery: asItWas, toHead: cookiesApart, isStreamable: true };
// Load balancers alone leave names and values of a query as they came over the wire.
const BALANCER = { toQuery: joinedAsTheyWere, toHead: oneValueEach, takesPhrase: true };
const BALANCER_OF_LISTS = { toQuery: joinedAsTheyWere, toHead: listsAlone, takesPhrase: true };
const FUNCTION_COMPUTE = { toQuery: encodedAnew, toHead: oneValueEach };

/** What an event comes from; undefined if it is none of a request. */
function sourceOf({ version, httpMethod, path, rawPath, multiValueHeaders, requestContext }) {
  const { http, elb, domainName } = requestContext ?? {};
  if (http && isString(http.method) && isString(rawPath)) {
    if (version === 'v1') return FUNCTION_COMPUTE;
    if (version === '2.0') return domainName?.includes('.lambda-url.') ? FUNCTION_URL : HTTP_API_2;
  } else if (isString(httpMethod) && isString(path)) {
    if (elb) return multiValueHeaders ? BALANCER_OF_LISTS : BALANCER;
    return version === '1.0' ? HTTP_API_1 : REST_API;
  }
  return undefined;
}

// ------------------------------------------------------------------------------------------------------ the request

/** Read an event. Throws for what is none of a request. */
function readEvent(given, basePath) {
  // Function Compute hands over the bytes of the document.
  const isText = isString(given) || given instanceof Uint8Array;
  const event = (isText ? JSON.parse(Buffer.from(given).toString()) : given);
  const source = event && typeof event == 'object' ? sourceOf(event) : undefined;
  if (!source || !isString(event.body ?? '')) {
    // (Its names alone: what else is in it may be secret.)
    throw new TypeError('no event of a request: ' + (event && typeof event == 'object' ? 'it has ' + Object.keys(event) : event));
  }
  const { http, elb, identity } = event.requestContext ?? {};
  const headers = event.multiValueHeaders ?? withCookies(event);
  const body = event.body ?? '';
  const bytes = Buffer.from(body, event.isBase64Encoded ? 'base64' : 'utf8');
  return {
    event,
    source,
    method: http?.method ?? event.httpMethod,
    ...readTarget(event, source, basePath),
    headers,
    address: elb ? lastForwarded(headers) : (http ?? identity)?.sourceIp,
    body: body ? bytes : null,
    isBroken: !!event.isBase64Encoded && bytes.toString('base64') !== body,
  };
}

/** The request target, and what stands before it. */
function readTarget(event, source, basePath) {
  const given = event.rawPath ?? event.path;
  const { stage, path: full } = event.requestContext ?? {};
  const path = source.decodesPath ? encodePath(given) : given;
  let prefix = source.decodesPath && stage && stage !== '$default' ? leading(path, '/' + encodePath(stage)) : '';
  prefix += leading(path.slice(prefix.length), basePath);
  // A REST API has taken the stage off, and says so beside it. (With a custom domain there is none.)
  const taken = source === REST_API && full?.endsWith(given) ? full.slice(0, -given.length) : '';
  const query = source.toQuery(event);
  return { url: path.slice(prefix.length).replace(/^(?!\/)/, '/') + (query && '?' + query), baseUrl: taken + prefix };
}

const isString = (value) => typeof value == 'string';

/** Half of a surrogate pair is no text: in UTF-8 it is the replacement character. */
const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, '\ufffd');

const encode = (text) => encodeURIComponent(wellFormed(text));

/** A path that has been decoded, as it may stand in a request target. (Which of its slashes were encoded is lost.) */
const encodePath = (path) => encodeURI(wellFormed(path)).replace(/[?#]/g, encodeURIComponent);

/** The prefix if a path begins with it, component by component; else nothing. */
const leading = (path, prefix) => (prefix && (path + '/').startsWith(prefix + '/') ? prefix : '');

function asItWas({ rawQueryString }) {
  return rawQueryString ?? '';
}

/** A query of names and values. (In which order those of different names stood is lost, and that a name had no value.) */
function joined(event, encoded) {
  const values = event.multiValueQueryStringParameters ?? event.queryStringParameters ?? event.queryParameters;
  return fieldsOf(values).map(([name, value]) => encoded(name) + '=' + encoded(value)).join('&');
}

function joinedAsTheyWere(event) {
  return joined(event, String);
}

function encodedAnew(event) {
  return joined(event, encode);
}

/** The fields of a table, one for each value. */
function fieldsOf(table) {
  return Object.entries(table ?? {}).flatMap(([name, values]) => [values ?? []].flat().map((value) => [name, value]));
}

/** Header fields; the payload format 2.0 has the cookies apart. */
function withCookies({ headers, cookies }) {
  if (!cookies) return headers;
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'cookie');
  return Object.fromEntries([...others, ['cookie', cookies.join('; ')]]);
}

/** The client of a load balancer: the last address, which the balancer itself has added, maybe with a port. */
function lastForwarded(headers) {
  const all = fieldsOf(headers).filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value).join();
  const last = all.split(',').pop().trim();
  return last.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1') || undefined;
}

// ------------------------------------------------------------------------------------------------------- the answer

/** What belongs to a connection (RFC 9110, section 7.6.1), and is for the provider to say. */
const CONNECTION_FIELD = /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/;

/** What may go as text, if it is text. */
const TEXT_TYPE = /^text\/|\b(json|xml|javascript|x-www-form-urlencoded)\b/i;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The names of the fields of an answer that are sent. */
const namesOf = (headers) => Object.keys(headers).filter((name) => !CONNECTION_FIELD.test(name));

const toList = (value) => [value].flat().map(String);

/** All values of a field as one, which those of a cookie cannot be (RFC 6265, section 3). */
const toLine = (value) => (Array.isArray(value) ? value.join(', ') : String(value));

/** Those of one value in a table, and those that have a list in another one. */
function inTwoTables(headers) {
  const lines = {};
  const lists = {};
  for (const name of namesOf(headers)) {
    const value = headers[name];
    if (Array.isArray(value)) lists[name] = toList(value);
    else lines[name] = toLine(value);
  }
  return Object.keys(lists).length ? { headers: lines, multiValueHeaders: lists } : { headers: lines };
}

function listsAlone(headers) {
  return { multiValueHeaders: Object.fromEntries(namesOf(headers).map((name) => [name, toList(headers[name])])) };
}

function cookiesApart(headers) {
  const lines = {};
  for (const name of namesOf(headers)) if (name !== 'set-cookie') lines[name] = toLine(headers[name]);
  const cookies = headers['set-cookie'];
  return cookies === undefined ? { headers: lines } : { headers: lines, cookies: toList(cookies) };
}

/** One value for each name; cookies have names that differ in case. */
function oneValueEach(headers) {
  const lines = {};
  for (const name of namesOf(headers)) {
    if (name !== 'set-cookie') lines[name] = toLine(headers[name]);
    else toList(headers[name]).forEach((value, ix) => { lines[spelling(name, ix)] = value; });
  }
  return { headers: lines };
}

/** A name in one of the ways to write it: each bit of the number is the case of a letter. */
function spelling(name, number) {
  let bits = number;
  return name.replace(/[a-z]/g, (letter) => {
    const isUpper = bits & 1;
    bits >>= 1;
    return isUpper ? letter.toUpperCase() : letter;
  });
}

/** The status and the header fields of an answer, in the form of its source. */
function headOf({ toHead, takesPhrase }, status, headers) {
  const head = Object.assign({ statusCode: status }, toHead(headers));
  if (takesPhrase) head.statusDescription = status + ' ' + (process.getBuiltinModule('node:http').STATUS_CODES[status] ?? 'Unknown');
  return head;
}

/** A body as text, or else in base64. */
function encodeBody(chunks, headers) {
  if (chunks.every(isString)) return { body: wellFormed(chunks.join('')), isBase64Encoded: false };
  const bytes = Buffer.concat(chunks.map((chunk) => (isString(chunk) ? Buffer.from(chunk) : chunk)));
  if (TEXT_TYPE.test(String(headers['content-type'])) && !headers['content-encoding']) {
    try {
      return { body: utf8.decode(bytes), isBase64Encoded: false };
    } catch {
      // It is in another encoding.
    }
  }
  return { body: bytes.toString('base64'), isBase64Encoded: true };
}

const ERROR_HEADERS = { 'content-type': 'application/json' };
const ERRORS = { 500: '500 Internal Error', 503: '503 Service Unavailable' };

/** An error as the core tells of it. */
const errorBody = (status) => JSON.stringify({ error: String(status), message: ERRORS[status] });

/** Gather an answer, for a runtime that takes it at once. */
function gather(source, { resolve }) {
  const chunks = [];
  let head;
  function give(status, headers, body) {
    resolve(Object.assign(headOf(source, status, headers), encodeBody(body, headers)));
  }
  return {
    head(status, headers) {
      head = { status, headers };
    },
    write(chunk) {
      chunks.push(chunk);
    },
    end(chunk) {
      if (chunk !== undefined) chunks.push(chunk);
      give(head.status, head.headers, chunks);
    },
    abort() {
      this.fail(500);
    },
    fail(status) {
      give(status, ERROR_HEADERS, [errorBody(status)]);
    },
  };
}

// ----------------------------------------------------------------------------------------------------- the runtime

/** Send an answer as it is written. */
function send(stream, source, { resolve, reject }) {
  let body;
  let isOpen = true;
  return {
    head(status, headers) {
      body = awslambda.HttpResponseStream.from(stream, headOf(source, status, headers));
    },
    write(chunk) {
      return body.write(chunk);
    },
    end(chunk) {
      // The head goes out with the first chunk, and with nothing else.
      body.write(chunk ?? '');
      isOpen = false;
      body.end();
      resolve(undefined);
    },
    abort() {
      this.fail(500);
    },
    fail(status) {
      // The runtime tells its client of a handler that fails: it must not be taken for the end.
      if (body) return reject(new Error('the answer was cut off: ' + ERRORS[status]));
      this.head(status, ERROR_HEADERS);
      this.end(errorBody(status));
    },
    attach(input) {
      function leave(err) {
        if (!isOpen) return;
        input.abort();
        reject(err instanceof Error ? err : new Error('the client has left'));
      }
      stream.on('drain', () => input.drain());
      stream.on('error', leave);
      stream.on('close', leave);
    },
  };
}

/** Node refuses these characters in the value of a header, and so do the runtimes: then the whole answer would be lost. */
function setHeader( name, value) {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(String(value))) throw new TypeError('bad header ' + name + ': ' + value);
  return Object.getPrototypeOf(this).setHeader.call(this, name, value);
}

/** Hand a request to the app. */
function ask(app, reading, context, sink) {
  const { event, method, url, baseUrl, headers, body, isBroken, address } = reading;
  function listener(req, res) {
    function failed(err) {
      console.warn('microrest/lambda:', err);
      res.destroy();
    }
    Object.assign(req, { lambda: { event, context } });
    if (baseUrl) Object.assign(req, { baseUrl });
    // (Of what was decoded on the way the length that the client has told need not be true.)
    if (body) Object.assign(req.headers, { 'content-length': String(body.length) });
    if (isBroken) req.on = refuseBody;
    res.setHeader = setHeader;
    // (Apps of microrest neither throw nor reject.)
    try {
      const value = app(req, res);
      if (typeof value?.then == 'function') value.then(undefined, failed);
    } catch (err) {
      failed(err);
    }
  }
  const client = address === undefined ? undefined : { remoteAddress: address };
  // (How long a body may be is for the app to say; the providers have limits of their own.)
  return handle(listener, { method, url, headers: headers ?? {}, body, client, bodySizeLimit: Infinity }, sink);
}

/** What a request does, in place of emitting a body, whose body is broken. */
function refuseBody( event, listener) {
  const err = new Error('bad base64');
  if (event === 'error') listener(Object.assign(err, { statusCode: 400, debug: 'the body is no base64' }));
  return this;
}

/** How long an answer may take, in milliseconds. */
function limitOf(context, { timeLimit = Infinity, timeMargin = TIME_MARGIN_MS }) {
  const left = context.getRemainingTimeInMillis?.() ?? (context.function?.timeout ?? Infinity) * 1000;
  // (The margin takes no more than half of what there is.)
  return Math.min(timeLimit, Math.max(left - timeMargin, left / 2));
}

/** Have a request answered: in time, or with a 503. */
async function answer(
  app, reading, context, options, toSink
) {
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      const sink = toSink({ resolve, reject });
      const input = ask(app, reading, context, sink);
      sink.attach?.(input);
      const limit = limitOf(context, options);
      // (Not `unref`: where nothing else is to come the runtime takes the call for ended, with nothing as its answer.)
      if (limit <= MAX_DELAY_MS) timer = setTimeout(giveUp, limit);
      function giveUp() {
        sink.fail(503);
        input.abort();
      }
    });
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Make the handler for a function in the cloud.
 *
 * An app that throws, or cuts its answer off, is a 500; one that does not answer in time a 503. The handler returns a promise, and so
 * answers without waiting until there is nothing left to do: `callbackWaitsForEmptyEventLoop` does not matter. Throws on options that
 * cannot be.
 *
 *     export const handler = toLambda(app)
 */
function toLambda(app, options = {}) {
  const { basePath = '', timeLimit = 1, timeMargin = 1, streaming } = options;
  if (typeof app != 'function') throw new TypeError('no app: ' + app);
  if (basePath && !/^\/.*[^/]$/.test(basePath)) throw new TypeError('bad basePath: ' + basePath);
  if (!(timeLimit > 0)) throw new RangeError('bad timeLimit: ' + timeLimit);
  if (!(timeMargin >= 0)) throw new RangeError('bad timeMargin: ' + timeMargin);

  async function gathered(event, context = {}) {
    const reading = readEvent(event, basePath);
    return answer(app, reading, context, options, (settle) => gather(reading.source, settle));
  }
  async function streamed(event, stream, context) {
    const reading = readEvent(event, basePath);
    if (reading.source.isStreamable) {
      await answer(app, reading, context, options, (settle) => send(stream, reading.source, settle));
    } else {
      // What comes by the stream is then taken for what a handler returns.
      const whole = await answer(app, reading, context, options, (settle) => gather(reading.source, settle));
      stream.setContentType?.('application/json');
      stream.write(JSON.stringify(whole));
      stream.end();
    }
  }
  return streaming && typeof awslambda != 'undefined' ? awslambda.streamifyResponse(streamed) : gathered;
}

export { toLambda };
