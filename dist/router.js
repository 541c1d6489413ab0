/*! microrest/router 0.7.0, MIT licence, (c) the microrest authors. Generated from router.ts by `npm run build`. */

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

/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

const ANY = '_ANY_';

/** Take a path apart: of `/a/:b/:*c` the shape is `/a/:/:*`, and b and c are the keys. Throws if it cannot be. */
function parse(path, options) {
  const keys = [];
  if (!isString(path)) return { shape_: 'RegExp ' + path, keys_: keys };
  const parts = trim(path.replace(/^\/?/, '/'), options).split('/');
  const count = parts.length;
  let tail = 0;
  for (let ix = 1; ix < count; ix++) {
    const part = parts[ix] === '*' ? ':*' : parts[ix];
    parts[ix] = fold(part, options);
    if (part.charAt(0) !== ':') continue;
    const isTail = part.charAt(1) === '*';
    const name = isTail ? part.slice(2) || '*' : part.slice(1);
    if (!name || (isTail && tail) || keys.some((key) => key.name_ === name)) refuse('bad parameter "' + part + '" in path', path);
    if (isTail) tail = ix;
    keys.push({ name_: name, from_: tail && !isTail ? ix - count : ix, to_: isTail ? ix + 1 - count : undefined });
    parts[ix] = isTail ? ':*' : ':';
  }
  return { shape_: parts.join('/'), keys_: keys };
}

/** Without a trailing slash, if that is to be ignored. */
function trim(path, options) {
  return options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path;
}

function lower(text) {
  return text.toLowerCase();
}

function hasSlash(part) {
  return part.indexOf('/') >= 0;
}

/** Cut a route's parameters from the components of a path. */
function cut(keys, parts, params) {
  const count = parts.length;
  for (const { name_, from_, to_ } of keys) {
    let value;
    if (to_ === undefined) value = parts[from_ < 0 ? count + from_ : from_];
    else if (from_ < count + to_) value = '/' + parts.slice(from_, count + to_).join('/');
    setOwn(params, name_, value);
  }
}

/** Of routes of one shape the one for a method; with a list for a method, none, but all their methods in the list. */
function pick(route, method) {
  let found;
  for (; route; route = route.other_) {
    if (route.method_ === method) return route;
    if (!isString(method)) method.push(route.method_);
    else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route;
  }
  return found;
}

/** The most specific route for the components from `ix` on. A node is one place in the path: it is visited once at the most. */
function walk(node, parts, ix, method) {
  if (ix >= parts.length) return pick(node.end_, method) || pick(node.tail_, method);
  const part = parts[ix];
  const plain = node.plain_ && node.plain_[part];
  return (plain && walk(plain, parts, ix + 1, method)) ||
    (part && node.param_ && walk(node.param_, parts, ix + 1, method)) ||
    (node.middle_ && walkMiddle(node.middle_, parts, ix, method)) ||
    pick(node.tail_, method);
}

/** What follows a tail in the middle can start in as many places as it has lengths. The most specific pattern wins. */
function walkMiddle(node, parts, ix, method) {
  let best;
  for (const length of node.lengths_) {
    const start = parts.length - length;
    const found = start > ix && walk(node, parts, start, method);
    if (found && (!best || found.rank_ < best.rank_)) best = found;
  }
  return best;
}

/** Put a route in its place among the others. */
function insert(tables, route, shape) {
  const parts = shape.split('/');
  const last = parts.length - 1;
  let node = tables.root_;
  if (!isString(route.path_)) {
    route.other_ = undefined;
    tables.regExps_.push(route);
    return;
  }
  if (!route.keys_.length) {
    route.other_ = tables.plain_[shape];
    tables.plain_[shape] = route;
    return;
  }
  for (let ix = 1; ix <= last; ix++) {
    const part = parts[ix];
    if (part === ':') node = node.param_ || (node.param_ = {});
    else if (part !== ':*') {
      const plain = node.plain_ || (node.plain_ = bare());
      node = plain[part] || (plain[part] = {});
    } else if (ix < last) {
      node = node.middle_ || (node.middle_ = { lengths_: [] });
      if (node.lengths_.indexOf(last - ix) < 0) node.lengths_.push(last - ix);
      route.rank_ = parts.map((part) => (part === ':' ? 'b' : part === ':*' ? 'c' : 'a')).join('') + 'd';
    } else {
      route.other_ = node.tail_;
      node.tail_ = route;
      return;
    }
  }
  route.other_ = node.end_;
  node.end_ = route;
}

/** What a pre step has chosen, an array of steps or what `getRoute` has given, as a route. */
function chosenRoute(chosen, params) {
  const { mw = chosen, params: own } = chosen;
  const bodyAt = mw.bodyAt || 0;
  if (own) for (const name of Object.keys(own)) setOwn(params, name, own[name]);
  return { use_: mw.slice(0, bodyAt), mw_: mw.slice(bodyAt) };
}

function buildTables(routes) {
  const tables = { plain_: bare(), root_: {}, regExps_: [] };
  for (const key of Object.keys(routes)) insert(tables, routes[key], key.slice(key.indexOf(' ') + 1));
  return tables;
}

/** Match a path: paths without parameters first, then the tree, then RegExps. A list for the method is filled with all that fit. */
function match(router, path, method, params) {
  const { options } = router;
  const { plain_, root_, regExps_ } = router.tables_ || (router.tables_ = buildTables(router.routes_));
  const trimmed = trim(path, options);
  const isEscaped = trimmed.indexOf('%') >= 0;
  let found = isEscaped ? undefined : pick(plain_[fold(trimmed, options)], method);
  if (found) return found;

  const parts = components(trimmed);
  const folded = options.ignoreCase ? parts.map(lower) : parts;
  if (isEscaped && !parts.some(hasSlash)) found = pick(plain_[folded.join('/')], method);
  // (The target * of an OPTIONS request is one part, and below no path.)
  if (!found && parts.length > 1) found = walk(root_, folded, 1, method);
  if (found) cut(found.keys_, parts, params);
  for (let ix = 0; !found && ix < regExps_.length; ix++) {
    const groups = regExps_[ix].path_.exec(path);
    found = groups ? pick(regExps_[ix], method) : undefined;
    if (!groups || !found) continue;
    groups.slice(1).forEach((group, index) => setOwn(params, '' + index, group && decode(group)));
    const named = groups.groups || {};
    for (const name of Object.keys(named)) setOwn(params, name, named[name] && decode(named[name]));
  }
  return found;
}

/**
 * A router with methods, path parameters and any number of steps.
 *
 *     const app = rest({ router: new Router() })
 *     app.get('/users/:id', (req) => find(req.params.id))
 *
 * Throws, when a route is defined, for a path, method or step that cannot be.
 */
class Router {
  constructor(options) {
    this.options = options || {};
    const readBody = this.options.readBody;
    mustBeFunction('readBody', readBody);
    this.body_ = readBody === undefined ? buildReadBody(this.options) : readBody;
    this.steps_ = noSteps();
    this.routes_ = bare();
  }

  /**
   * Define the steps of a route, or add steps to a category.
   *
   *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
   *
   * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
   */
  setRoute(path, method, steps) {
    if (!path || !(isString(path) || path instanceof RegExp)) refuse('path is required', path);
    if (arguments.length > (isString(method) ? 3 : 2)) refuse('setRoute takes a single mw step or an array', path);
    if (!isString(method)) {
      steps = method;
      method = ANY;
    }
    const list = toSteps(steps);
    if (isCategory(path)) {
      // A new list: routes keep the one of the time of their definition.
      this.steps_[path] = this.steps_[path].concat(list);
      return;
    }
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method)) refuse('bad method', method);
    if (/[gy]/.test(path.flags)) refuse('flags g and y are not for routes', path);
    const { shape_, keys_ } = parse(path, this.options);
    const name = ('' + method).toUpperCase();
    this.routes_[name + ' ' + shape_] = {
      method_: name, path_: path, use_: this.steps_.use, mw_: list, keys_, other_: undefined,
    };
    this.tables_ = undefined;
  }

  /** Forget the route for a method, or for all methods if none is given; or all steps of a category. */
  deleteRoute(path, method) {
    this.tables_ = undefined;
    if (isCategory(path)) {
      this.steps_[path] = [];
      return;
    }
    const { shape_ } = parse(path, this.options);
    for (const key of Object.keys(this.routes_)) {
      const at = key.indexOf(' ');
      if (key.slice(at + 1) === shape_ && (!method || key.slice(0, at) === method.toUpperCase())) delete this.routes_[key];
    }
  }

  /**
   * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
   *
   * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
   */
  getRoute(path, method) {
    if (!path) return null;
    if (isCategory(path)) return this.steps_[path];
    const params = {};
    const route = match(this, pathOf(path), method || ANY, params);
    if (!route) return null;
    const mw = route.use_.concat(route.mw_);
    // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
    Object.defineProperty(mw, 'bodyAt', { value: route.use_.length });
    return route.keys_.length || !isString(route.path_) ? { mw, params, path: route.path_ } : mw;
  }

  /** List the routes in the order of their definition. */
  routes() {
    return Object.keys(this.routes_).map((key) => ({ method: this.routes_[key].method_, path: '' + this.routes_[key].path_ }));
  }

  /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
  runRoute(rest, req, res, callback) {
    runSteps(this, rest, req, res, callback);
  }

  /** The route for a request, its parameters in `req.params`. Throws what the client is told if there is none. @internal */
  find_(req) {
    const { params, _route } = req;
    if (_route) return chosenRoute(_route, params);
    const method = req.method;
    const path = pathOf(req.url);
    const route = match(this, path, method, params);
    if (route) return route;
    const allow = [];
    if (this.options.methodNotAllowed) match(this, path, allow, {});
    if (!allow.length) throw notRouted(req);

    if (allow.indexOf('GET') >= 0) allow.push('HEAD');
    allow.push('OPTIONS');
    const headers = { allow: allow.filter((name, ix) => allow.indexOf(name) === ix).join(', ') };
    if (method === 'OPTIONS') {
      return { use_: [], mw_: [(req, res, next) => sendResponse(req, res, next, null, 204, undefined, headers)] };
    }
    const err = new HttpError(405, method + ' ' + path + ': method not allowed');
    err.headers = headers;
    throw err;
  }
}

export { Router, Router as default };
