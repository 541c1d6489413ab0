/*! microrest/mw 0.7.0, MIT licence, (c) the microrest authors. Generated from mw.ts by `npm run build`. */

/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */

const hasOwn = Object.prototype.hasOwnProperty;

/** Refuse what a programmer has given. @internal */
function refuse(what, value) {
  throw new Error(what + ': ' + value);
}

/** A thrown value as one that counts as an error: any that is truthy. @internal */
function toError(thrown) {
  return thrown || new Error('thrown: ' + thrown);
}

/** @internal */
function isFunction(value) {
  return typeof value == 'function';
}

/** @internal */
function isString(value) {
  return typeof value == 'string';
}

/** True for a whole number within bounds. @internal */
function isWhole(value, min, max) {
  return typeof value == 'number' && value % 1 === 0 && value >= min && value <= max;
}

/** True for a promise, known by its `then`. @internal */
function isPromise(value) {
  return !!value && isFunction(value.then);
}

/** Refuse what is given and no function. @internal */
function mustBeFunction(name, value) {
  if (value && !isFunction(value)) refuse(name + ' must be a function', value);
}

/** A module of the platform, where there is one. @internal */
function builtin(name) {
  return typeof process != 'undefined' && process.getBuiltinModule && process.getBuiltinModule(name);
}

/** Set an own property, whatever its name: `__proto__` from the wire is a name like any other. @internal */
function setOwn(object, name, value) {
  if (name !== '__proto__') object[name] = value;
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/** Print a notice by `console.warn`, after a timestamp and the name "microrest". Silent where there is no console. */
function warn(...args) {
  if (typeof console == 'undefined') return;
  // The smallest engines have Date.now and no Date objects.
  const time = 'toISOString' in Date.prototype ? new Date().toISOString() : Date.now();
  args.unshift(time + ' -- microrest:');
  console.warn.apply(console, args);
}

/** Report what can reach nobody: to the rest object if it takes reports, else by `warn`. @internal */
function reportTo(rest, err, cause) {
  try {
    if (rest && rest.reportError) return rest.reportError(err, cause);
  } catch (failure) {
    warn(failure);
  }
  warn(cause + ':', err);
}

// ---------------------------------------------------------------------------------------------------------- errors

/** The common reason phrases from 400 to 431, and those from 500 to 504 (RFC 9110, section 15.5 and 15.6; RFC 6585). */
const PHRASES = (
  'Bad Request,Unauthorized,Payment Required,Forbidden,Not Found,Method Not Allowed,Not Acceptable,' +
  'Proxy Authentication Required,Request Timeout,Conflict,Gone,Length Required,Precondition Failed,Payload Too Large,' +
  'URI Too Long,Unsupported Media Type,Range Not Satisfiable,Expectation Failed,,,,,Unprocessable Entity,,,,' +
  'Upgrade Required,,Precondition Required,Too Many Requests,,Request Header Fields Too Large,' +
  'Internal Error,Not Implemented,Bad Gateway,Service Unavailable,Gateway Timeout'
).split(',');

/** The status and its reason phrase. What is not known here `node:http` may know. */
function reason(statusCode) {
  const http = builtin('http');
  const phrase = PHRASES[statusCode < 432 ? statusCode - 400 : statusCode < 500 ? -1 : statusCode - 468];
  return statusCode + ' ' + (phrase || (http && http.STATUS_CODES[statusCode]) || 'Internal Error');
}

/**
 * Make an Error that tells the client its status, and, where given, `debug` and `details`.
 *
 *     throw new HttpError(404, 'no such colour')    //=> 404 {"error":"404","message":"404 Not Found","debug":"no such colour"}
 *
 * Without a status it is 500. The message is the status and its phrase; unknown ones are "777 Internal Error".
 */
const HttpError = function HttpError(statusCode, debug, details) {
  const status = statusCode || 500;
  const err = new Error(reason(status));
  err.statusCode = status;
  err.debug = debug;
  err.details = details;
  return err;
};

/** True if somebody made this error for a client: it has a status that says error. */
function isForClient(err) {
  const status = err && err.statusCode;
  return isWhole(status, 400, 999);
}

// --------------------------------------------------------------------------------------------------------- answers

/** JSON text; of what has none undefined, and a notice of the reason. */
function encode(body) {
  try {
    return JSON.stringify(body);
  } catch (err) {
    warn('no JSON:', err, Object.keys(body));
    return undefined;
  }
}

/** What a client is told of an error: the status, and what was put there for the client. */
function describe(err, status) {
  const about = { error: '' + status, message: reason(status) };
  if (isForClient(err)) {
    if (err.expose === true) about.debug = err.message;
    for (const name of ['debug', 'details']) {
      // Set only if there: some engines write undefined as null.
      if (hasOwn.call(err, name) && err[name] !== undefined) about[name] = err[name];
    }
  }
  return about;
}

function isText(body) {
  return isString(body) || body instanceof String;
}

/** What is set of a header; nothing where a response cannot tell. */
function getHeader(res, name) {
  return res.getHeader && res.getHeader(name);
}

/** Answer with an error or with a body; what went wrong with that, if anything did. */
function respond(
  res, err, status, body, headers, type
) {
  // Set where what has gone wrong is the answer to another error.
  const isLast = type;
  try {
    if (err) {
      const known = isForClient(err);
      status = known ? err.statusCode : 500;
      if (status >= 500 || res.headersSent) warn(err);
      if (res.headersSent) {
        // Cut off, the client can tell that this was not the whole answer.
        if (!res.writableEnded) res.destroy();
        return;
      }
      body = describe(err, status);
      headers = known ? err.headers : undefined;
      // What an earlier step has said of the answer that is not sent. (Node takes it for a word on the new one, too, if a
      // content-length is removed that was not there, and sends it chunked.)
      for (const name of ['content-type', 'content-length', 'content-encoding']) if (getHeader(res, name)) res.removeHeader(name);
    }
    // (Of an end after the end node would tell by an event that nobody listens for, and the process would die.)
    if (res.writableEnded) throw new Error('the response has ended');
    const isJson = body !== undefined && !isText(body) && !(body instanceof Uint8Array);
    if (isJson) {
      type = 'application/json';
      body = encode(body);
      if (body === undefined) return respond(res, new HttpError(500, 'unable to json encode response'));
    }
    res.statusCode = status || 200;
    if (headers) for (const name of Object.keys(headers)) res.setHeader(name, headers[name]);
    if (type && !getHeader(res, 'content-type')) res.setHeader('content-type', type);
    if (body === undefined) res.end();
    else res.end(body instanceof Uint8Array ? body : '' + body);
  } catch (failure) {
    warn('response failed:', failure);
    return err && !isLast && !res.headersSent ? respond(res, failure, 0, undefined, null, 'last') : toError(failure);
  }
  return;
}

/** Answer with an error, or with a status and a body: `sendResponse` for those who need no `next`. */
function writeResponse(res, errOrStatus, body, headers) {
  const isStatus = typeof errOrStatus == 'number';
  const failure = respond(res, isStatus ? undefined : errOrStatus, isStatus ? errOrStatus : 0, body, headers);
  if (failure) respond(res, failure);
}

/**
 * Answer a request, and go on.
 *
 * A truthy `err` is sent as an error: its `statusCode` (500 if it has none), `debug`, `details` and `headers`. Else
 * `statusCode` (default 200), `headers` and `body`: strings and bytes as they are, undefined as no body, anything else as JSON.
 *
 * Calls `next` with the failure if the headers or the body could not be sent.
 */
function sendResponse(
  _req, res, next, err,
  statusCode, body, headers
) {
  const failure = respond(res, err, statusCode, body, headers);
  if (next) next(failure);
}

// ------------------------------------------------------------------------------------------------------- the query

/** Percent-decode; what is malformed stays as it is. @internal */
function decode(text) {
  try {
    return text.indexOf('%') < 0 ? text : decodeURIComponent(text);
  } catch (_err) {
    return text;
  }
}

/** Decode a name or a value of a query. */
function decodeQuery(text) {
  return decode(text.indexOf('+') < 0 ? text : text.split('+').join(' '));
}

/**
 * Parse a query string, or a url-encoded body, into an object of names and values.
 *
 *     parseQuery('a=1&b&c=x&c=y')    //=> { a: '1', b: 1, c: ['x', 'y'] }
 *
 * `+` is a space. Malformed escapes stay literal. Any name is a name, `__proto__` too.
 */
function parseQuery(text) {
  const query = {};
  let start = 0;
  let eq = -1;
  while (start < text.length) {
    let end = text.indexOf('&', start);
    if (end < 0) end = text.length;
    if (end > start) {
      // Looked for only when passed: a search per piece would be quadratic in 'a&a&a…'.
      if (eq < start) eq = text.indexOf('=', start);
      if (eq < 0) eq = text.length;
      const hasValue = eq < end;
      const name = decodeQuery(text.slice(start, hasValue ? eq : end));
      const value = hasValue ? decodeQuery(text.slice(eq + 1, end)) : 1;
      const earlier = hasOwn.call(query, name) ? query[name] : undefined;
      if (earlier === undefined) setOwn(query, name, value);
      else if (typeof earlier == 'object') earlier.push(value);
      else setOwn(query, name, [earlier, value]);
    }
    start = end + 1;
  }
  return query;
}

/**
 * Build a step that parses the query of `req.url`.
 *
 * It sets `req.query`, `req.path`, and in `req.params` each name that no route parameter has.
 */
function buildParseQuery(_options) {
  return function mwParseQuery(req, _res, next) {
    const target = (req.url || '').split('#')[0];
    const mark = target.indexOf('?');
    const query = parseQuery(mark < 0 ? '' : target.slice(mark + 1));
    const params = req.params || (req.params = {});
    req.query = query;
    req.path = pathOf(target);
    for (const name of Object.keys(query)) {
      if (!hasOwn.call(params, name)) setOwn(params, name, query[name]);
    }
    next();
  };
}

/** The ready-made step of `buildParseQuery`. */
const mwParseQuery = /* @__PURE__ */ buildParseQuery();

// --------------------------------------------------------------------------------------------------------- the body

/** How much of a refused body to take and drop, so that the client, still sending, gets to read its answer. */
const MAX_LINGER_BYTES = 1 << 20;

/** The length of a text in UTF-8. */
function byteLength(text) {
  let bytes = text.length;
  for (let ix = 0; ix < text.length; ix++) {
    const code = text.charCodeAt(ix);
    // A surrogate pair has two units and four bytes: each counts 2.
    if (code > 0x7f) bytes += code > 0x7ff && (code < 0xd800 || code > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

/** The chunks of a body as one. */
function join(chunks, size, req) {
  const first = chunks[0];
  if (req.readableEncoding || isString(first)) return chunks.join('');
  if (chunks.length === 1) return first;
  const bytes = typeof Buffer == 'undefined' ? new Uint8Array(size) : Buffer.alloc(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** HTTP/1 has a body where it says so (RFC 9112, section 6.3); elsewhere only the stream knows. */
function hasNoBody(req) {
  return req.httpVersionMajor === 1 && !req.headers['content-length'] && !req.headers['transfer-encoding'];
}

/**
 * Build a step that reads the request's body into `req.body`, or leaves it if that is set already.
 *
 * Bytes become one Buffer, a single chunk without a copy; chunks that are strings become one string. A body over the limit
 * gets a 400 "max body size exceeded" and a closed connection, one that breaks off a 400 "aborted". Throws on a limit that is no
 * number of bytes.
 */
function buildReadBody(options) {
  const { bodySizeLimit = 1 << 20, bodySizeStatus = 400 } = options || {};
  if (bodySizeLimit !== +bodySizeLimit || bodySizeLimit < 0) refuse('bad bodySizeLimit', bodySizeLimit);
  if (!isWhole(bodySizeStatus, 400, 499)) refuse('bad bodySizeStatus', bodySizeStatus);

  // (Of four parameters it would be taken for an err step.)
  return function mwReadBody(req, res, next) {
    const context = arguments[3];
    if (req.body !== undefined) return next(null, context, req.body);
    if (hasNoBody(req) || req.readableEnded) return next(null, context, req.body = join([], 0, req));

    // The route is to see what an AsyncLocalStorage holds now, and not what the stream's events run in.
    const hooks = builtin('async_hooks');
    const scope = hooks && new hooks.AsyncResource('microrest.body');
    const chunks = [];
    let size = 0;
    let isOpen = true;

    function done(err, body) {
      if (!isOpen) return;
      isOpen = false;
      if (!err) req.body = body;
      if (scope) scope.runInAsyncScope(next, undefined, err, context, body);
      else next(err, context, body);
    }
    function broken(err) {
      done(err && !req.aborted ? err : new HttpError(400, 'aborted'));
    }
    function tooLong() {
      const { socket } = req;
      // Node would destroy the socket right after the answer, and what the client is still sending would make that a reset
      // that can overtake the answer. Without destroySoon it sends FIN and goes on reading: the client reads, then closes.
      if (req.httpVersionMajor === 1 && socket && socket.destroySoon) {
        socket.destroySoon = undefined;
        // What comes before the answer is out stays where it is, what comes after it is dropped.
        req.pause();
        res.on('finish', () => req.resume());
      }
      size = bodySizeLimit;
      // (HTTP/2 has no such header.)
      if (!res.headersSent && req.httpVersionMajor !== 2) res.setHeader('connection', 'close');
      done(new HttpError(bodySizeStatus, 'max body size exceeded'));
    }

    req.on('data', (chunk) => {
      size += isString(chunk) ? byteLength(chunk) : chunk.length;
      if (!isOpen) {
        if (size > bodySizeLimit + MAX_LINGER_BYTES && req.destroy) req.destroy();
      } else if (size > bodySizeLimit) tooLong();
      else chunks.push(chunk);
    });
    req.on('end', () => {
      const { socket } = req;
      if (isOpen) return done(null, join(chunks, size, req));
      // A refused body has been taken to its end after all: nothing is left that could reset the connection.
      if (!socket || socket.destroySoon) return;
      delete socket.destroySoon;
      if (res.writableEnded && socket.destroySoon) socket.destroySoon();
    });
    req.on('error', broken);
    req.on('close', broken);
    if (req.destroyed) broken();
    else if (Number(req.headers && req.headers['content-length']) > bodySizeLimit) tooLong();
  };
}

/** The ready-made step of `buildReadBody`, with a limit of 1 MiB. */
const mwReadBody = /* @__PURE__ */ buildReadBody();

// -------------------------------------------------------------------------------------------------------- the path

/** A request target in origin form (RFC 9112, section 3.2): an absolute form without its scheme and authority; '*' as it is. @internal */
function originForm(url) {
  if (url.charCodeAt(0) === 47 /* slash */) return url;
  const path = url.replace(/^[^/?#]+:\/\/[^/?#]*/, '');
  return path.charCodeAt(0) === 47 || path === '*' ? path : '/' + path;
}

/** The path of a request target: cut at '?' or '#'. It begins with a slash. @internal */
function pathOf(url) {
  const target = originForm(url);
  const end = target.search(/[?#]/);
  return end < 0 ? target : target.slice(0, end);
}

/**
 * The components of a path, percent-decoded one by one: '/a/b%2Fc' is '', 'a', 'b/c'. Throws a 400 for a malformed escape.
 *
 * Route tables, prefix filters and the NanoRouter all compare these, so that no spelling slips past one of them. @internal
 */
function components(path) {
  const parts = path.split('/');
  try {
    // (A callback of map gets more arguments than one; decodeURIComponent takes one.)
    return path.indexOf('%') < 0 ? parts : parts.map(decodeURIComponent);
  } catch (_err) {
    throw new HttpError(400, 'malformed escape in path: ' + path);
  }
}

/** The error for what is not routed. @internal */
function notRouted(req) {
  return new HttpError(404, req.method + ' ' + pathOf(req.url) + ': path not routed');
}

/** Fold a path, or a part of one, to what the options make of it. @internal */
function fold(text, options) {
  return options && options.ignoreCase ? text.toLowerCase() : text;
}

/** True if a path has parameters. @internal */
function isPattern(path) {
  return /(^|\/)(:|\*(\/|$))/.test(path);
}

/** A prefix as components, without the trailing slash. @internal */
function prefixOf(prefix, options) {
  return fold(prefix.replace(/^\/?/, '/').replace(/\/$/, ''), options).split('/');
}

/** True if the path of a request is that of the prefix, or below it. @internal */
function isBelow(req, prefix, options) {
  const parts = components(pathOf(req.url));
  for (let ix = 1; ix < prefix.length; ix++) {
    if (parts.length <= ix || fold(parts[ix], options) !== prefix[ix]) return false;
  }
  return true;
}

// --------------------------------------------------------------------------------------------------------- the run

/** A table for names from elsewhere: nothing is in it but what is put there. @internal */
function bare() {
  return Object.create(null);
}

/** Categories without steps. @internal */
function noSteps() {
  return { pre: [], use: [], err: [], post: [] };
}

/** True if a path names a category. @internal */
function isCategory(path) {
  return /^(pre|use|err|post)$/.test(path);
}

/** One step or a list of them as a new list. Throws for what is no function. @internal */
function toSteps(steps) {
  const list = ([]).concat(steps);
  for (let ix = 0; ix < (list.length || 1); ix++) {
    if (!isFunction(list[ix])) refuse('mw step [' + ix + '] not a function', list[ix]);
  }
  return list;
}

/** No steps. */
const NONE = [];

const PRE = 0;
const USE = 1;
const BODY = 2;
const ROUTE = 3;
const ERR = 4;
const POST = 5;
const OVER = 6;

/** How deep next() may nest. A level takes four frames of the engine's stack. */
const MAX_NESTING = 100;

/** Carry a request through a router's steps. `callback` is called once, with the error that no err step dealt with. @internal */
function runSteps(
  plan, rest, req, res, callback
) {
  const run = {
    plan_: plan, rest_: rest, outer_: req.run_, req_: req, res_: res, callback_: callback,
    phase_: PRE, steps_: plan.steps_.pre, ix_: 0, route_: NONE, number_: 0, err_: undefined, depth_: 0, again_: false, pending_: 0,
    url_: undefined, baseUrl_: undefined, isListening_: false, isClosed_: false, cut_: -1,
  };
  if (plan.steps_.post.length) run.req_.run_ = run;
  takeSteps(run);
}

function enter(run, phase, steps) {
  run.phase_ = phase;
  run.steps_ = steps;
  run.ix_ = 0;
}

function enterPost(run) {
  enter(run, POST, run.plan_.steps_.post);
}

function enterErr(run, err) {
  run.err_ = err;
  enter(run, ERR, run.plan_.steps_.err);
}

/** Take steps, for as long as they go on without nesting. */
function takeSteps(run) {
  run.depth_++;
  do {
    run.again_ = false;
    takeStep(run);
  } while (run.again_);
  run.depth_--;
}

/** Call the next step, or turn to the next phase. */
function takeStep(run) {
  const req = run.req_;
  const res = run.res_;
  const number = run.number_;
  const step = run.steps_[run.ix_++];
  if (!step) return turn(run);
  let value;
  let isPending = false;
  run.url_ = req.url;
  run.baseUrl_ = req.baseUrl;
  try {
    const next = proceed.bind(undefined, run, number);
    if (run.phase_ === ERR) value = step(run.err_, req, res, next);
    else value = run.plan_.passesBody_ ? step(req, res, next, req.body) : step(req, res, next);
    // (A getter of the value may throw as well.)
    isPending = isPromise(value);
  } catch (err) {
    return proceed(run, number, toError(err));
  }
  if (isPending) waitFor(run, number, step, value);
  else takeValue(run, number, step, value);
  if (number === run.number_) wait(run);
}

/** The steps of a phase are through: turn to the next phase. */
function turn(run) {
  const { plan_, req_, phase_, route_ } = run;
  run.again_ = phase_ !== POST;
  if (phase_ === PRE) {
    if (!req_.params) req_.params = {};
    try {
      const found = plan_.find_(req_);
      run.route_ = found.mw_;
      enter(run, USE, found.use_);
    } catch (err) {
      enterErr(run, err);
    }
  } else if (phase_ === USE) {
    const first = route_[0];
    enter(run, BODY, req_.body === undefined && plan_.body_ && !(first && first.readBody === false) ? [plan_.body_] : NONE);
  } else if (phase_ === BODY) enter(run, ROUTE, route_);
  else if (phase_ === POST) end(run);
  else enterPost(run);
}

/** What a step's `next` does. Only the first call counts. */
function proceed(run, number, err) {
  if (number !== run.number_) {
    if (err) warn('late error:', err);
    else if (number !== run.cut_) warn('next called twice');
    return;
  }
  leave(run);
  if (run.phase_ === POST) {
    if (err) {
      if (run.err_) reportTo(run.rest_, err, 'post-mw error');
      else run.err_ = err;
      run.ix_ = run.steps_.length;
    }
  } else if (run.phase_ === ERR) {
    if (!err) {
      run.err_ = undefined;
      enterPost(run);
    } else if (err !== run.err_) reportTo(run.rest_, err, 'error mw error');
  } else if (err) enterErr(run, err);
  else if (err === false) enterPost(run);

  if (run.depth_ < ((run.rest_ && run.rest_.maxNesting) || MAX_NESTING)) takeSteps(run);
  else run.again_ = true;
}

/** The current step is done: its `next` counts no more, and what a mount has changed is put back. */
function leave(run) {
  const req = run.req_;
  run.number_++;
  if (req.baseUrl !== run.baseUrl_) {
    req.url = run.url_;
    req.baseUrl = run.baseUrl_;
  }
}

/** Wait for the promise of a step. */
function waitFor(run, number, step, promise) {
  const state = { isSettled_: false };
  run.pending_++;
  try {
    promise.then(settle.bind(undefined, run, number, step, state, false), settle.bind(undefined, run, number, step, state, true));
  } catch (err) {
    settle(run, number, step, state, true, err);
  }
}

/** The promise of a step has settled. (Not all that has a `then` keeps to doing so once.) */
function settle(run, number, step, state, isRejected, value) {
  if (state.isSettled_) return;
  state.isSettled_ = true;
  run.pending_--;
  if (isRejected) proceed(run, number, toError(value));
  else takeValue(run, number, step, value);
  if (run.isClosed_) close(run);
}

/** Take what a step returned: the answer, if it declares no `res` to answer by. */
function takeValue(run, number, step, value) {
  const res = run.res_;
  const arity = step.length;
  const isErr = run.phase_ === ERR;
  const isPost = run.phase_ === POST;
  if (arity > (isErr || isPost ? 2 : 1)) return;
  if (value instanceof Error) return proceed(run, number, value);
  if (number !== run.number_) return;
  if (isPost) {
    // It is done, and declares no next to say so. A wrapper that passes next on may yet call it.
    run.cut_ = number;
    return proceed(run, number);
  }
  if (value === res || res.headersSent) return;
  if (value !== undefined) {
    let status = res.statusCode;
    // The answer to an error is an error, unless its step says otherwise.
    if (isErr && status === 200) status = isForClient(run.err_) ? run.err_.statusCode : 500;
    const type = isText(value) ? 'text/plain; charset=utf-8' : 'application/octet-stream';
    proceed(run, number, respond(res, undefined, status, value, undefined, type) || false);
  } else if (arity) {
    // (A step of length 0 may be a wrapper, and what it wraps may go on later.)
    proceed(run, number, new Error('step "' + step.name + '" returned nothing and takes no next'));
  }
}

/** The current step has not gone on: if there are post steps, see to it that they run should it never. */
function wait(run) {
  const res = run.res_;
  if (run.isClosed_ || res.destroyed) close(run);
  else if (!run.isListening_ && run.phase_ < POST && run.plan_.steps_.post.length && res.on) {
    run.isListening_ = true;
    res.on('close', close.bind(undefined, run));
  }
}

/** The response is closed: only the post steps are left, unless a promise or the body is still to be waited for. */
function close(run) {
  const { phase_, req_, res_, isClosed_ } = run;
  run.isClosed_ = true;
  if (phase_ >= POST) return;
  const inner = req_.run_;
  if (inner && inner !== run) return close(inner);
  if (run.pending_) return;
  // A client that has left closes the request after the response, and what reads the body then says that it has ended too early.
  if (phase_ === BODY && !isClosed_ && !req_.closed && !res_.writableEnded) {
    req_.on('close', close.bind(undefined, run));
    return;
  }
  // An err step that has answered has dealt with the error.
  if (phase_ === ERR && res_.writableEnded) run.err_ = undefined;
  run.cut_ = run.number_;
  leave(run);
  enterPost(run);
  takeSteps(run);
}

/** The run is over. It lets go of everything: whoever still holds a `next` must not hold the request. */
function end(run) {
  const { callback_, err_, outer_, req_ } = run;
  if (req_.run_ === run) req_.run_ = outer_;
  run.phase_ = OVER;
  run.req_ = run.res_ = run.callback_ = run.err_ = run.steps_ = run.route_ = undefined;
  try {
    callback_(err_);
  } catch (failure) {
    reportTo(run.rest_, failure, 'mw callback threw');
  }
  if (outer_ && outer_.isClosed_) close(outer_);
}

export { HttpError, bare, buildParseQuery, buildReadBody, builtin, components, decode, fold, isBelow, isCategory, isFunction, isPattern, isPromise, isString, isWhole, mustBeFunction, mwParseQuery, mwReadBody, noSteps, notRouted, originForm, parseQuery, pathOf, prefixOf, refuse, reportTo, runSteps, sendResponse, setOwn, toError, toSteps, warn, writeResponse };
