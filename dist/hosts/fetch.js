/*! microrest/fetch 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/fetch.ts by `npm run build`. */

/**
 * fetch: an app where requests and responses are those of the Fetch standard: Deno, Bun, workers, a browser's service worker.
 *
 *     Deno.serve(toFetch(app))
 *
 * `toFetch` makes a fetch handler out of an app, and `fromFetch` a step out of a fetch handler. Both stream both ways, and let neither
 * side write faster than the other one reads. What is called here all of those runtimes have; nothing but types is imported.
 */

/** How much of an answer is held before `res.write` asks to wait, as in node. */
const HIGH_WATER_MARK_BYTES = 16384;

/** The longest time that timers know. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How an answer gets over a connection is for the runtime to say (RFC 9110, section 7.6.1). */
const CONNECTION_HEADER = /^(connection|keep-alive|proxy-connection|transfer-encoding|upgrade)$/;

/**
 * A name that is no token (RFC 9110, section 5.6.2), and a value with what is not to be in one (section 5.5): control characters, and
 * what is no byte. A Response takes most of the control characters, and some runtimes die of them.
 */
const BAD_NAME = /[^\w!#$%&'*+.^`|~-]|^$/;
const BAD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** What is put before a path, as some runtimes do with any Host as it comes, must not bring a path of its own along. */
const BAD_HOST = /[\s/?#@\\]/;

const encoder = new TextEncoder();

/** What is sent as bytes. */
function toBytes(chunk) {
  if (typeof chunk == 'string') return encoder.encode(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError('neither text nor bytes: ' + chunk);
}

/** Bytes that know what they say, as a Buffer does, for `JSON.parse(req.body)` where there is no Buffer. */
class Utf8Bytes extends Uint8Array {
  toString() {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this);
  }
}

/** What has come as steps get it. */
function toReadable(bytes) {
  const { buffer, byteOffset, byteLength } = bytes;
  return typeof Buffer == 'undefined' ? new Utf8Bytes(buffer, byteOffset, byteLength) : Buffer.from(buffer, byteOffset, byteLength);
}

// ---------------------------------------------------------------------------------------------------------- events

/** What emits events, as far as the core, steps and the streams of node ask for it. */
class Emitter {
  constructor() {
    this.destroyed = false;
  }

  on(event, listener, inner) {
    // (Lists are replaced and never changed: what is being told goes to those who listened when it began.)
    if (!this.destroyed) this.listeners_ = [...this.listeners_ ?? [], { event, listener, inner }];
    return this;
  }

  once(event, listener) {
    const once = (value) => {
      this.off(event, once);
      listener.call(this, value);
    };
    return this.on(event, once, listener);
  }

  off(event, listener) {
    const isMeant = (one) => one.event === event && (one.listener === listener || one.inner === listener);
    // (The latest of them, as in node.)
    const found = this.listeners_?.filter(isMeant).pop();
    this.listeners_ = this.listeners_?.filter((one) => one !== found);
    return this;
  }

  removeListener(event, listener) {
    return this.off(event, listener);
  }

  emit(event, value) {
    let isHeard = false;
    for (const one of this.listeners_ ?? []) {
      if (one.event !== event) continue;
      isHeard = true;
      one.listener.call(this, value);
    }
    return isHeard;
  }

  /** Emit the last events. */
  close_(lastEvent) {
    if (this.destroyed) return;
    if (lastEvent) this.emit(lastEvent);
    this.destroyed = true;
    this.emit('close');
    this.listeners_ = undefined;
  }
}

// ------------------------------------------------------------------------------------------------------ the request

async function readWhole(request) {
  return { done: true, value: new Uint8Array(await request.arrayBuffer()) };
}

/** A request. Its body is read when somebody listens for it, and no faster than that one takes it. */
class FetchReq extends Emitter {
  constructor(request, runtime, addressHeader) {
    super();
    const { method } = request;
    this.method = method;
    this.url = splitUrl(request.url).target;
    this.request = request;
    this.runtime = runtime;
    this.aborted = false;
    this.addressHeader_ = addressHeader;
    const isBare = method === 'GET' || method === 'HEAD';
    this.length_ = isBare ? 0 : Number(request.headers.get('content-length'));
    // (To look at a body is to have a stream made of it.)
    this.readableEnded = isBare || !(this.length_ > 0 || request.body);
  }

  /** The header fields by lower-case name: made when somebody looks. */
  get headers() {
    if (!this.headers_) {
      const headers = Object.create(null);
      this.request.headers.forEach((value, name) => { headers[name] = value; });
      // (What has come over no wire has none.)
      const host = headers.host ?? splitUrl(this.request.url).base.replace(/^.*\//, '');
      if (host) headers.host = host;
      this.headers_ = headers;
    }
    return this.headers_;
  }

  set headers(headers) {
    this.headers_ = headers;
  }

  get body() {
    return this.body_;
  }

  /** What the body has been read or parsed into. Bytes that the core has joined know what they say, as those do that it has not. */
  set body(body) {
    this.body_ = typeof Buffer == 'undefined' && body instanceof Uint8Array ? toReadable(body) : body;
  }

  get socket() {
    this.socket_ ??= this.findClient_();
    return this.socket_;
  }

  waitUntil(promise) {
    const told = Promise.resolve(promise).catch((err) => console.error(err));
    const waiting = this.runtime.find((one) => typeof one?.waitUntil == 'function');
    waiting?.waitUntil(told);
  }

  /** Have the body come as text. */
  setEncoding(encoding) {
    this.decoder_ = new TextDecoder(encoding, { ignoreBOM: true });
    this.readableEncoding = encoding;
    return this;
  }

  on(event, listener, inner) {
    super.on(event, listener, inner);
    if (event === 'data' || event === 'end') this.flow_();
    return this;
  }

  pause() {
    this.paused_ ??= new Promise((resolve) => { this.go_ = resolve; });
    return this;
  }

  resume() {
    this.paused_ = undefined;
    this.go_?.();
    this.flow_();
    return this;
  }

  /** Read no more of the body. */
  destroy() {
    this.reader_?.cancel().catch(() => {});
    this.close_('');
    return this;
  }

  /** The client has left. */
  leave_() {
    if (!this.destroyed) this.aborted = !this.readableEnded;
    this.destroy();
  }

  /** The body, piece by piece. Throws a 400 if it breaks off. */
  async *[Symbol.asyncIterator]() {
    try {
      for (;;) {
        const chunk = await this.next_();
        if (chunk === undefined) return;
        yield chunk;
      }
    } finally {
      // Whoever leaves the loop early wants no more of it.
      if (!this.readableEnded) this.destroy();
    }
  }

  /** Have the body flow to those who listen. */
  flow_() {
    if (this.isFlowing_) return;
    this.isFlowing_ = true;
    this.tell_().catch((err) => this.res.fail_(err));
  }

  async tell_() {
    for (;;) {
      let chunk;
      try {
        chunk = await this.next_();
      } catch (err) {
        this.emit('error', err);
        return this.close_('');
      }
      while (this.paused_) await this.paused_;
      if (chunk === undefined) return this.close_('end');
      this.emit('data', chunk);
    }
  }

  /** The next piece of the body, undefined at the end. Throws a 400 if it breaks off. */
  async next_() {
    const { request, length_, decoder_ } = this;
    if (this.readableEnded) return undefined;
    if (!this.reader_ && request.bodyUsed) throw new TypeError('the body has been read already');
    // (One that is no larger than a piece may be comes as one: runtimes are much faster to read all of a body.)
    if (!(length_ > 0 && length_ <= HIGH_WATER_MARK_BYTES)) this.reader_ ??= request.body.getReader();
    try {
      while (!this.readableEnded) {
        const { done, value } = await (this.reader_ ? this.reader_.read() : readWhole(request));
        if (this.aborted) throw new Error('the client has left');
        this.readableEnded = done;
        const chunk = decoder_ ? decoder_.decode(value, { stream: !done }) : value && toReadable(value);
        if (chunk?.length) return chunk;
      }
      return undefined;
    } catch (cause) {
      this.aborted = true;
      throw Object.assign(new Error('aborted', { cause }), { statusCode: 400 });
    }
  }

  findClient_() {
    const { request, runtime, addressHeader_ } = this;
    const first = (runtime[0] ?? {});
    const told = addressHeader_ && request.headers.get(addressHeader_);
    const encrypted = request.url.startsWith('https:');
    // (What has come twice is joined by a comma: then somebody else has said it too.)
    if (told && !/[\s,]/.test(told)) return { remoteAddress: told, remotePort: undefined, encrypted };
    const found = first.requestIP?.(request);
    if (found) return { remoteAddress: found.address, remotePort: found.port, encrypted };
    return { remoteAddress: first.remoteAddr?.hostname, remotePort: first.remoteAddr?.port, encrypted };
  }
}

/**
 * A URL in two: scheme and authority, which runtimes leave out where they have found no host, and path and query.
 *
 * (Not all of them make the URL anew, and then it is what a client has sent: 'http://a.test?b/c' has a query and no path.)
 */
function splitUrl(url) {
  const [, base = '', target = ''] = /^([^/?#]+:\/\/[^/?#]*)?([^#]*)/.exec(url);
  return { base, target: target[0] === '/' ? target : '/' + target };
}

// ----------------------------------------------------------------------------------------------------- the response

/** A response: one whole body if the answer comes at once, else a stream. */
class FetchRes extends Emitter {
  constructor(req, timeout, resolve) {
    super();
    this.statusCode = 200;
    this.headersSent = this.writableEnded = this.isHanded_ = false;
    this.req = req;
    this.fields_ = Object.create(null);
    this.resolve_ = resolve;
    req.res = this;
    if (timeout) this.timer_ = setTimeout(() => this.give_(503, 'Service Unavailable'), timeout);
  }

  setHeader(name, value) {
    if (this.headersSent) throw new Error('head has been sent: ' + name);
    if (value == null || BAD_NAME.test(name) || BAD_VALUE.test(String(value))) throw new TypeError(`bad header ${name}: ${value}`);
    const lower = name.toLowerCase();
    if (!CONNECTION_HEADER.test(lower)) this.fields_[lower] = value;
    return this;
  }

  getHeader(name) {
    return this.fields_[name.toLowerCase()];
  }

  removeHeader(name) {
    if (this.headersSent) throw new Error('head has been sent: ' + name);
    delete this.fields_[name.toLowerCase()];
  }

  /** (The phrase that node takes before the headers goes nowhere: a Response is for any version of HTTP.) */
  writeHead(statusCode, phrase, headers) {
    const fields = typeof phrase == 'string' ? headers : phrase;
    for (const [name, value] of Object.entries(fields ?? {})) this.setHeader(name, value);
    if (this.headersSent) throw new Error('head has been sent: ' + statusCode);
    this.statusCode = statusCode;
    this.headersSent = true;
    return this;
  }

  /** Begin the answer before there is anything of its body. */
  flushHeaders() {
    if (!this.isHanded_ && !this.destroyed) this.begin_();
  }

  write(chunk) {
    const bytes = toBytes(chunk);
    if (this.writableEnded) throw new Error('write after end');
    this.flushHeaders();
    const { body_ } = this;
    if (!body_ || this.destroyed) return !this.destroyed;
    if (bytes.length) body_.enqueue(bytes);
    this.isFull_ = body_.desiredSize <= 0;
    return !this.isFull_;
  }

  end(chunk) {
    const { body_ } = this;
    if (this.writableEnded || this.destroyed) {
      this.writableEnded = true;
      return this;
    }
    if (!this.isHanded_) this.begin_(chunk ?? null);
    else if (body_) {
      const bytes = toBytes(chunk ?? '');
      if (bytes.length) body_.enqueue(bytes);
      body_.close();
    }
    this.writableEnded = true;
    this.close_('finish');
    return this;
  }

  /**
   * Answer with a Response, and the header fields that have been set beside it.
   *
   * Without such fields it goes on as it is: it may be more than can be copied, such as the upgrade to a WebSocket.
   */
  respondWith(response) {
    mustBeWhole(response);
    if (this.headersSent || this.destroyed) {
      // (Whether it can be let go is nobody's concern.)
      response.body?.cancel().catch(() => {});
      // An answer that has begun otherwise would never end.
      if (!this.destroyed) throw new Error('head has been sent: ' + response.status);
      return;
    }
    const set = Object.entries(this.fields_).filter(([name]) => name === 'set-cookie' || !response.headers.has(name));
    if (set.length && response.status !== 101) {
      // (A copy, as those that come from elsewhere do not let themselves be changed.)
      response = new Response(response.body, response);
      for (const [name, value] of set) for (const one of [value].flat()) response.headers.append(name, String(one));
    }
    this.statusCode = response.status;
    this.headersSent = this.writableEnded = true;
    this.hand_(response);
    this.close_('finish');
  }

  /** Cut the answer off. One that has not begun is a bare 500. */
  destroy() {
    this.leave_(500);
    return this;
  }

  on(event, listener, inner) {
    super.on(event, listener, inner);
    // (To listen for a client that leaves costs more than most answers take: whoever wants to know of it says so.)
    if (event === 'close' && !this.onAbort_ && !this.destroyed) {
      const { signal } = this.req.request;
      this.onAbort_ = () => this.leave_();
      if (signal.aborted) queueMicrotask(this.onAbort_);
      else signal.addEventListener('abort', this.onAbort_);
    }
    return this;
  }

  /**
   * The client has left, and nobody gets what is now the answer. The response is closed before the request: post steps then wait for
   * what reads the body, which learns of it next.
   */
  leave_(status = 499) {
    if (this.destroyed) return;
    if (!this.isHanded_) this.hand_(new Response(null, { status }));
    // (Where the client has closed it this does nothing.)
    this.body_?.error(new Error('cut off'));
    this.close_('');
    this.req.leave_();
  }

  /** The app has thrown what nobody has caught. */
  fail_(err) {
    console.error(err);
    this.give_(500, 'Internal Error');
  }

  /** Answer in the place of the app. */
  give_(status, message) {
    if (this.isHanded_) {
      this.destroy();
      return;
    }
    this.statusCode = status;
    this.hand_(toProblem(this.req.request, status, message));
    this.leave_();
  }

  /** Begin the answer, with all of its body or else in pieces. Throws what the runtime refuses of it; then it has not begun. */
  begin_(whole) {
    const { statusCode, fields_, req: { method } } = this;
    const isEmpty = statusCode === 204 || statusCode === 205 || statusCode === 304;
    let body = null;
    // (To some runtimes 101 is an answer, and the end of HTTP on that connection.)
    if (!(statusCode >= 200 && statusCode <= 599)) throw new RangeError('bad status: ' + statusCode);
    // Of a body that is not sent the runtime cannot tell the length (RFC 9110, section 8.6).
    if (statusCode === 204 || statusCode === 205) delete fields_['content-length'];
    else if (method === 'HEAD' && whole != null) fields_['content-length'] ??= toBytes(whole).length;
    if (!isEmpty && method !== 'HEAD') {
      if (whole === undefined) body = this.toStream_();
      // (A runtime would say by itself what type a text is of.)
      else body = typeof whole == 'string' && !fields_['content-type'] ? toBytes(whole) : whole;
    }
    this.hand_(new Response(body, { status: statusCode, headers: toHeaders(fields_) }));
    this.headersSent = true;
  }

  /** What is written from now on, as a stream. */
  toStream_() {
    return new ReadableStream({
      start: (controller) => { this.body_ = controller; },
      pull: () => this.drain_(),
      cancel: () => this.leave_(),
    }, { highWaterMark: HIGH_WATER_MARK_BYTES, size: (chunk) => chunk.length });
  }

  hand_(response) {
    clearTimeout(this.timer_);
    this.isHanded_ = true;
    this.resolve_(response);
  }

  drain_() {
    if (!this.isFull_) return;
    this.isFull_ = false;
    try {
      this.emit('drain');
    } catch (err) {
      this.fail_(err);
    }
  }

  close_(lastEvent) {
    if (this.onAbort_) this.req.request.signal.removeEventListener('abort', this.onAbort_);
    super.close_(lastEvent);
  }
}

/** Throw for what is no Response, and for one whose body is somebody else's: the runtime would answer as it likes. */
function mustBeWhole(response) {
  if (typeof response.headers?.getSetCookie != 'function') throw new TypeError('no Response: ' + response);
  if (response.bodyUsed) throw new TypeError('the body of the Response has been read already');
}

/** An answer in the form that the errors of an app have. */
function toProblem({ method }, status, message) {
  const body = method === 'HEAD' ? null : JSON.stringify({ error: String(status), message: `${status} ${message}` });
  return new Response(body, { status, headers: { 'content-type': 'application/json' } });
}

/** Header fields as a Response takes them: a list of pairs where a name has several values. */
function toHeaders(fields) {
  const names = Object.keys(fields);
  if (!names.some((name) => Array.isArray(fields[name]))) return fields;
  return Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, String(one)]));
}

// --------------------------------------------------------------------------------------------------------- the host

/**
 * Make a fetch handler out of an app.
 *
 *     Deno.serve(toFetch(app))                            // Deno
 *     Bun.serve({ fetch: toFetch(app) })                  // Bun
 *     export default { fetch: toFetch(app) }              // workers
 *     addEventListener('fetch', (event) => event.respondWith(handler(event.request, event)))    // a service worker
 *
 * It resolves when the answer begins, and does not reject: what an app throws is a 500, and is told on the console. Throws at once on
 * what is no app, and on options that cannot be.
 */
function toFetch(app, options = {}) {
  const { clientAddressHeader, timeout } = options;
  if (typeof app != 'function') throw new TypeError('no app: ' + app);
  if (clientAddressHeader !== undefined && (typeof clientAddressHeader != 'string' || BAD_NAME.test(clientAddressHeader))) {
    throw new TypeError('bad clientAddressHeader: ' + clientAddressHeader);
  }
  if (timeout !== undefined && !(timeout > 0 && timeout <= MAX_TIMEOUT_MS)) throw new RangeError('bad timeout: ' + timeout);

  return function fetch(request, ...runtime) {
    return new Promise((resolve) => {
      if (BAD_HOST.test(request.headers.get('host') ?? '')) return resolve(toProblem(request, 400, 'Bad Request'));
      const req = new FetchReq(request, runtime, clientAddressHeader);
      const res = new FetchRes(req, timeout, resolve);
      try {
        const value = app(req, res);
        if (value instanceof Promise) value.catch((err) => res.fail_(err));
      } catch (err) {
        res.fail_(err);
      }
    });
  };
}

// ------------------------------------------------------------------------------------------------------ the way back

/**
 * Make a step out of a fetch handler, or of any function from a Request to a Response.
 *
 *     app.all('/auth/:*', fromFetch((request) => auth.handler(request)))
 *
 * The function gets the request with all of its path, as the client has sent it, and the `req` of the steps. Without an answer from it
 * the next step is called. A body is streamed to it, or is what a step before has read. Works in any host.
 */
function fromFetch(handler) {
  if (typeof handler != 'function') throw new TypeError('no handler: ' + handler);
  const step = async function fromFetch(req, res, next) {
    const { request, dispose } = toRequest(req, res);
    try {
      const response = await handler(request, req);
      // (Runtimes make a page of their own of it, one of them with what is nobody's business.)
      if (response?.type === 'error') throw new Error('the Response is an error');
      if (!response) next();
      else if ('respondWith' in res) res.respondWith(response);
      else await send(response, req, res);
    } finally {
      dispose();
    }
  };
  step.readBody = false;
  return step;
}

/** The request as a Request, and what is to be done when it has been answered. Throws a 400 for what cannot be one. */
function toRequest(req, res) {
  const { request: given, body, method = 'GET' } = req;
  const target = (req.baseUrl ?? '') + splitUrl(req.url).target;
  if (given && body === undefined && splitUrl(given.url).target === target) return { request: given, dispose() {} };
  let dispose = () => {};
  try {
    const headers = new Headers();
    for (const [name, values] of Object.entries(req.headers)) {
      // (Over HTTP/2 node has names that begin with a colon, and are none.)
      if (name[0] !== ':') for (const value of [values ?? []].flat()) headers.append(name, value);
    }
    const init = { method, headers, signal: given?.signal ?? signalOf(res), duplex: 'half' };
    if (method !== 'GET' && method !== 'HEAD') {
      if (typeof body == 'string' || body instanceof Uint8Array) init.body = body;
      else if (body !== undefined) {
        // What a step before has parsed goes on as JSON.
        init.body = JSON.stringify(body);
        headers.set('content-type', 'application/json');
        headers.delete('content-length');
      } else if (given) init.body = given.body;
      else if (!req.readableEnded) ({ stream: init.body, dispose } = toStream(req, res));
    }
    return { request: new Request(originOf(req) + target, init), dispose };
  } catch (cause) {
    throw Object.assign(new Error('no such Request', { cause }), { statusCode: 400 });
  }
}

/** The scheme and the authority that a client has asked for. */
function originOf({ request, headers, socket }) {
  if (request) return splitUrl(request.url).base;
  const host = String(headers.host ?? headers[':authority'] ?? 'localhost');
  if (BAD_HOST.test(host)) throw new TypeError('bad host: ' + host);
  return (socket?.encrypted ? 'https://' : 'http://') + host;
}

/** A signal for the client's leaving before the answer has ended. */
function signalOf(res) {
  const left = new AbortController();
  res.on('close', () => {
    if (!res.writableEnded) left.abort();
  });
  return left.signal;
}

/** The body of a request as a stream, which begins to read it when it is read. */
function toStream(req, res) {
  let isOpen = true;
  let isReading = false;
  function dispose() {
    isOpen = false;
    // What is left of the body has to leave the connection before the next request.
    if (isReading) req.resume?.();
  }
  const stream = new ReadableStream({
    pull(controller) {
      const close = (f) => {
        if (isOpen) f();
        isOpen = false;
      };
      if (isReading) return void req.resume?.();
      // (It is over already: nothing more will be told of it.)
      if (req.destroyed || req.aborted || isGone(res)) return controller.error(new Error('aborted'));
      isReading = true;
      req.on('data', (chunk) => {
        if (!isOpen) return;
        controller.enqueue(toBytes(chunk));
        req.pause?.();
      });
      req.on('end', () => close(() => controller.close()));
      req.on('error', (err) => close(() => controller.error(err)));
      // (Of what has been answered by others, such as a limit of time, node tells the request nothing more.)
      for (const one of [req, res]) one.on('close', () => close(() => controller.error(new Error('aborted'))));
    },
    cancel: dispose,
  }, { highWaterMark: 0 });
  return { stream, dispose };
}

/** Answer with a Response on a host that has none. */
async function send(response, req, res) {
  const { body } = response;
  let go = () => {};
  mustBeWhole(response);
  if (!body || req.method === 'HEAD') {
    setHead(res, response);
    res.end();
    return body?.cancel();
  }
  const reader = body.getReader();
  res.on('drain', () => go());
  res.on('close', () => {
    // After the end this does nothing.
    reader.cancel().catch(() => {});
    go();
  });
  // A body that fails at its beginning is an error, and what the head says is not to be said of that.
  let piece = await reader.read();
  if (isGone(res)) return;
  setHead(res, response);
  while (!piece.done) {
    if (!res.write(piece.value)) await new Promise((resolve) => { go = resolve; });
    piece = await reader.read();
    if (isGone(res)) return;
  }
  res.end();
}

/** True if nobody gets the answer any more. (A response of HTTP/2 is known by its stream.) */
function isGone(res) {
  return Boolean(res.destroyed || res.stream?.destroyed);
}

/** Set the status and the header fields of a Response. */
function setHead(res, { status, headers, url }) {
  // What fetch has got over the network it has decoded.
  const isDecoded = url && /^(x-gzip|gzip|deflate|br)$/.test(headers.get('content-encoding') ?? '');
  headers.forEach((value, name) => {
    const isAbout = isDecoded && (name === 'content-encoding' || name === 'content-length');
    if (!isAbout && !CONNECTION_HEADER.test(name) && name !== 'set-cookie') res.setHeader(name, value);
  });
  const cookies = headers.getSetCookie();
  if (cookies.length) res.setHeader('set-cookie', [res.getHeader('set-cookie') ?? [], cookies].flat(2).map(String));
  res.statusCode = status;
}

export { fromFetch, toFetch };
