/*! microrest/router 0.7.0, MIT licence, (c) the microrest authors. Generated from router.ts by `npm run build`. */

/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */

// Numbers come before all else: a minifier replaces a name by its number only as long as nothing else has been declared.

/** The phases of a run, in their order. */
const PRE = 0;
const USE = 1;
const BODY = 2;
const ROUTE = 3;
const ERR = 4;
const POST = 5;

/** How deep next() may nest. A level takes three frames of the engine's stack, and that of the step. */
const MAX_NESTING = 100;

/** The longest body to accept, if nothing else is said. */
const MAX_BODY_BYTES = 1 << 20;

/** How much of a refused body to take and drop, so that the client, still sending, gets to read its answer. */
const MAX_LINGER_BYTES = 1 << 20;

const hasOwn = {}.hasOwnProperty;
const CONTENT_TYPE = 'content-type';
const CONTENT_LENGTH = 'content-length';
const CONTENT_ENCODING = 'content-encoding';
const TRANSFER_ENCODING = 'transfer-encoding';

/** The header fields that tell of a body. */
const OF_BODY = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING];

/** A thrown value as one that counts as an error: any that is truthy. @internal */
const toError = (thrown) => thrown || new Error('thrown: ' + thrown);

/** @internal */
const isFunction = (value) => typeof value == 'function';

/** @internal */
const isString = (value) => typeof value == 'string';

/** True for a whole number within bounds. @internal */
const isWhole = (value, min, max) =>
  typeof value == 'number' && value % 1 === 0 && value >= min && value <= max;

/** A module of the platform, where there is one. @internal */
const builtin = (name) =>
  typeof process != 'undefined' && process.getBuiltinModule && process.getBuiltinModule(name);

/** Refuse what a programmer has given. @internal */
function refuse(what, value) {
  // (Of a class given by mistake the beginning will do.)
  throw new Error(what + ': ' + ('' + value).slice(0, 99));
}

/** Refuse what is given and no function. @internal */
function mustBeFunction(name, value) {
  if (value && !isFunction(value)) refuse(name + ' must be a function', value);
}

/**
 * Set an own property, whatever its name: `__proto__` from the wire is a name like any other. A request may inherit more names that
 * cannot be assigned: those of express have getters for `query` and `path`, and no setters. @internal
 */
function setOwn(object, name, value, isRequest) {
  const isPlain = name !== '__proto__';
  if (isPlain) object[name] = value;
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true });
}

/**
 * Print a notice by `console.warn`, after a timestamp and the name "microrest". By `console.log` where that is all there is, as in
 * qjs. Silent where there is no console.
 */
function warn(...args) {
  if (typeof console == 'undefined') return;
  // The smallest engines have Date.now and no Date objects.
  args.unshift(('toISOString' in Date.prototype ? new Date().toISOString() : Date.now()) + ' -- microrest:')
  ;(console.warn || console.log).apply(console, args);
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

/** The common statuses from 400 on and their phrases (RFC 9110, section 15.5 and 15.6; RFC 6585), as one text: a table would take more. */
const REASONS =
  ',400 Bad Request,401 Unauthorized,402 Payment Required,403 Forbidden,404 Not Found,405 Method Not Allowed,406 Not Acceptable,' +
  '407 Proxy Authentication Required,408 Request Timeout,409 Conflict,410 Gone,411 Length Required,412 Precondition Failed,' +
  '413 Payload Too Large,414 URI Too Long,415 Unsupported Media Type,416 Range Not Satisfiable,417 Expectation Failed,' +
  '422 Unprocessable Entity,426 Upgrade Required,428 Precondition Required,429 Too Many Requests,' +
  '431 Request Header Fields Too Large,500 Internal Error,501 Not Implemented,502 Bad Gateway,503 Service Unavailable,' +
  '504 Gateway Timeout,';

/** The status and its reason phrase. What is not known here `node:http` may know. */
function reason(statusCode) {
  const at = REASONS.indexOf(',' + statusCode + ' ') + 1;
  if (at) return REASONS.slice(at, REASONS.indexOf(',', at));
  const http = builtin('http');
  return statusCode + ' ' + (http && http.STATUS_CODES[statusCode] || 'Internal Error');
}

/**
 * Make an Error that tells the client its status, and, where given, `debug` and `details`.
 *
 *     throw new HttpError(404, 'no such colour')    //=> 404 {"error":"404","message":"404 Not Found","debug":"no such colour"}
 *
 * Without a status it is 500. The message is the status and its phrase; unknown ones are "777 Internal Error".
 */
const HttpError = function HttpError(statusCode, debug, details) {
  const status = Number(statusCode) || 500;
  const err = new Error(reason(status));
  err.statusCode = status;
  err.debug = debug;
  err.details = details;
  return err;
};

/** The status of an error that somebody made for a client; 0 for all others. */
const statusOf = (err) =>
  err && isWhole(err.statusCode, 400, 999) ? err.statusCode : 0;

// --------------------------------------------------------------------------------------------------------- answers

/**
 * Take back what an earlier step has said of an answer that is not sent. (What was not said is left alone: node takes the removal
 * of a content-length for a word on the next one too, and sends that chunked.)
 */
function takeBack(res, names) {
  for (const name of names) if (res.getHeader && res.getHeader(name)) res.removeHeader(name);
}

/** JSON text; of what has none undefined, and a notice of the reason. */
function encode(body) {
  try {
    return JSON.stringify(body);
  } catch (err) {
    warn('no JSON:', err, Object.keys(body));
  }
}

/**
 * Answer with an error or with a body; what went wrong with that, if anything did.
 *
 * The body is one that a step has 'returned': then text and bytes get their type too. The error is the 'last': what goes wrong with
 * that is not answered in its place.
 */
function respond(
  res, err, about, status, body, headers
) {
  let type;
  try {
    if (err) {
      const known = statusOf(err);
      status = known || 500;
      if (res.headersSent) {
        warn(err);
        // Cut off, the client can tell that this was not the whole answer.
        // (Over HTTP/2 it can if there is an error; else it would look like an end.)
        if (!res.writableEnded) res.destroy(res.stream ? new Error('cut off') : undefined);
        return;
      }
      if (status >= 500) warn(err);
      // What a client is told: the status, and what was put there for the client.
      const own = (known ? err : {});
      const told = { error: '' + status, message: reason(status) };
      body = told;
      headers = own.headers;
      if (own.expose === true) told.debug = own.message;
      for (const name of ['debug', 'details']) {
        // Set only if there: some engines write undefined as null.
        if (hasOwn.call(own, name) && own[name] !== undefined) told[name] = own[name];
      }
      takeBack(res, [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING]);
    }
    // (Of an end after the end node would tell by an event that nobody listens for, and the process would die.)
    if (res.writableEnded) throw new Error('the response has ended');
    if (isString(body) || body instanceof String) {
      if (about) type = 'text/plain; charset=utf-8';
      body = '' + body;
    } else if (body instanceof Uint8Array) {
      if (about) type = 'application/octet-stream';
    } else if (body !== undefined) {
      type = 'application/json';
      body = encode(body);
      if (body === undefined) return respond(res, new HttpError(500, 'unable to json encode response'));
    }
    res.statusCode = status || 200;
    if (headers) {
      for (const name of Object.keys(headers)) {
        // An error's headers may be those of somebody else's answer. They do not describe this one.
        if (!err || OF_BODY.indexOf(name.toLowerCase()) < 0) res.setHeader(name, headers[name]);
      }
    }
    if (type && !(res.getHeader && res.getHeader(CONTENT_TYPE))) res.setHeader(CONTENT_TYPE, type);
    if (body === undefined) res.end();
    else res.end(body);
  } catch (failure) {
    warn('response failed:', failure);
    return err && !about && !res.headersSent ? respond(res, failure, 'last') : toError(failure);
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
  const failure = respond(res, err, undefined, statusCode, body, headers);
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

/** The length of a text in UTF-8. */
function byteLength(text) {
  let bytes = 0;
  for (let ix = 0; ix < text.length; ix++) {
    const code = text.charCodeAt(ix);
    // A surrogate pair (0xd800 to 0xdfff) has two units and four bytes: each counts 2.
    bytes += code < 0x80 ? 1 : code < 0x800 || code >> 11 === 0x1b ? 2 : 3;
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

/** Gather a body as it comes, up to a limit. */
function gather(
  req, res, next, context, bodySizeLimit, bodySizeStatus
) {
  const version = req.httpVersionMajor;
  const socket = version === 1 ? req.socket : undefined;
  const destroySoon = socket && socket.destroySoon;
  // The route is to see what an AsyncLocalStorage holds now, and not what the stream's events run in.
  const hooks = builtin('async_hooks');
  const scope = hooks && new hooks.AsyncResource('microrest.body');
  const chunks = [];
  let size = 0;
  let isOpen = true;

  function done(err) {
    if (!isOpen) return;
    isOpen = false;
    if (!err) req.body = join(chunks, size, req);
    chunks.length = 0;
    if (scope) scope.runInAsyncScope(next, null, err, context, req.body);
    else next(err, context, req.body);
  }
  function broken(err) {
    if (isOpen) done(err && !req.aborted ? err : new HttpError(400, 'aborted'));
  }
  function tooLong() {
    // Node would destroy the socket right after the answer, and what the client is still sending would make that a reset
    // that can overtake the answer. Without destroySoon it sends FIN and goes on reading: the client reads, then closes.
    if (destroySoon) {
      socket.destroySoon = undefined;
      // What comes before the answer is out stays where it is, what comes after it is dropped.
      req.pause();
      res.on('finish', () => req.resume());
    }
    size = bodySizeLimit;
    // (HTTP/2 has no such header.)
    if (res && res.setHeader && !res.headersSent && version !== 2) res.setHeader('connection', 'close');
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
    done(null);
    // A refused body has been taken to its end after all: nothing is left that could reset the connection.
    if (destroySoon && !socket.destroySoon) {
      socket.destroySoon = destroySoon;
      if (res.writableEnded) socket.destroySoon();
    }
  });
  req.on('error', broken);
  req.on('close', broken);
  if (req.destroyed) broken();
  else if (req.headers && +req.headers[CONTENT_LENGTH] > bodySizeLimit) tooLong();
}

/** The body of all requests that have none. */
let emptyBody;

/** True for a request without a body, which then is there to be seen, empty. */
function isEmpty(req) {
  // HTTP/1 has a body where it says so (RFC 9112, section 6.3); elsewhere only the stream knows.
  if (!req.readableEnded && !(req.httpVersionMajor === 1 && !saysBody(req))) return false;
  req.body = req.readableEncoding ? '' : emptyBody || (emptyBody = join([], 0, req));
  return true;
}

/** True if the head of a request announces a body. (Node makes `headers` when they are first asked for, which takes a while.) */
function saysBody({ headers, rawHeaders }) {
  if (!rawHeaders) return !!(headers[CONTENT_LENGTH] || headers[TRANSFER_ENCODING]);
  for (let ix = 0; ix < rawHeaders.length; ix += 2) {
    const { length } = rawHeaders[ix];
    // (Of those fields one has 14 characters, and one 17: content-length and transfer-encoding.)
    if ((length === 14 || length === 17) && OF_BODY.indexOf(rawHeaders[ix].toLowerCase()) >= 0) return true;
  }
  return false;
}

/**
 * Build a step that reads the request's body into `req.body`, or leaves it if that is set already.
 *
 * Bytes become one Buffer, a single chunk without a copy; chunks that are strings become one string. A body over the limit
 * gets a 400 "max body size exceeded" and a closed connection, one that breaks off a 400 "aborted". Throws on a limit that is no
 * number of bytes.
 */
function buildReadBody(options) {
  const { bodySizeLimit = MAX_BODY_BYTES, bodySizeStatus = 400 } = options || {};
  if (bodySizeLimit !== +bodySizeLimit || bodySizeLimit < 0) refuse('bad bodySizeLimit', bodySizeLimit);
  if (!isWhole(bodySizeStatus, 400, 499)) refuse('bad bodySizeStatus', bodySizeStatus);

  // (Of four parameters it would be taken for an err step.)
  function mwReadBody(req, res, next) {
    const context = arguments[3];
    if (req.body !== undefined || isEmpty(req)) next(null, context, req.body);
    else gather(req, res, next, context, bodySizeLimit, bodySizeStatus);
  }
  mwReadBody.isEmpty_ = isEmpty;
  return mwReadBody;
}

// -------------------------------------------------------------------------------------------------------- the path

/**
 * A request target in origin form (RFC 9112, section 3.2): an absolute form without its scheme and authority; '*' as it is.
 * @internal
 */
const originForm = (url) =>
  url[0] === '/' || url === '*' ? url : url.replace(/^([^/?#]+:\/\/[^/?#]*)?\/?/, '/');

/** A text up to a character, or all of it. (To a small engine this is a tenth of the work of a regular expression.) */
function before(character, text) {
  const at = text.indexOf(character);
  return at < 0 ? text : text.slice(0, at);
}

/** The path of a request target: cut at '?' or '#'. It begins with a slash. @internal */
const pathOf = (url) => before('?', before('#', originForm(url)));

/** The error for what is not routed. @internal */
const notRouted = (req) =>
  new HttpError(404, req.method + ' ' + pathOf(req.url) + ': path not routed');

/** Fold a path, or a part of one, to what the options make of it. @internal */
const fold = (text, options) =>
  // (But for 'İ', which in lower case would be two characters: positions stay what they are.)
  options && options.ignoreCase ? text.replace(/[^\u0130]+/g, (part) => part.toLowerCase()) : text;

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

// --------------------------------------------------------------------------------------------------------- the run

/** No steps. */
const NONE = [];

/** A table for names from elsewhere: nothing is in it but what is put there. @internal */
const bare = () => Object.create(null);

/** Categories without steps. @internal */
const noSteps = () => ({ pre: [], use: [], err: [], post: [] });

/** True if a path names a category. @internal */
const isCategory = (path) => hasOwn.call(noSteps(), path);

/** One step or a list of them as a new list. Throws for what is no function. @internal */
function toSteps(steps) {
  const list = ([]).concat(steps);
  for (let ix = 0; ix < (list.length || 1); ix++) {
    if (!isFunction(list[ix])) refuse('mw step [' + ix + '] not a function', list[ix]);
  }
  return list;
}

/** The innermost run of a request, if it is one of ours: another copy of this script may be at work on the same request. */
function runOf(req) {
  const { _run } = req;
  return _run && _run instanceof Run ? _run : undefined;
}

/**
 * One request on its way through the steps: all there is to know about it, in one object.
 *
 * Each step gets a `next` of its own, `proceed` bound to the run and to the step's number, so that a second call can be told from
 * the first call of a later step. Nothing in the run refers to it, and nothing refers to the run when it is over.
 *
 * (Each that is in flight holds this. A QuickJS makes room for 13 fields, then for 19: so what few requests need comes later.)
 */
class Run {
  constructor(plan, rest, req, res, callback) {
    this.plan_ = plan;
    this.rest_ = rest;
    this.req_ = req;
    this.res_ = res;
    this.callback_ = callback;
    this.phase_ = PRE;
    this.steps_ = plan.steps_.pre;
    this.base_ = 0;
    this.route_ = undefined;
    this.number_ = 0;
    this.nesting_ = ((rest && rest.maxNesting) || MAX_NESTING) - 1;
    this.since_ = -1;
    this.again_ = undefined;
  }
}

/**
 * Carry a request through a router's steps.
 *
 * `callback` is called once, with the error that no err step dealt with; without one the app, with the request and its `next` as well:
 * so it needs no function for each request. @internal
 */
function runSteps(
  plan, rest, req, res, callback, next
) {
  const run = new Run(plan, rest, req, res, callback);
  const outer = runOf(run.req_);
  if (next) run.next_ = next;
  if (outer) run.outer_ = outer;
  // (The others keep off the request: one whose step never goes on has no end, and would be held by it in a cycle.)
  if (outer || plan.steps_.post.length) run.req_._run = run;
  takeStep(run);
}

/** Begin a phase. Its steps are next. */
function enter(run, phase, steps) {
  run.phase_ = phase;
  run.steps_ = steps;
  run.base_ = run.number_;
}

/** Call the next step. (What few steps need is elsewhere: this much an engine can inline into them, so that each level is one call.) */
function takeStep(run) {
  const { number_, steps_ } = run;
  const ix = number_ - run.base_;
  try {
    const step = ix < steps_.length ? steps_[ix] : turn(run);
    if (step) {
      const next = (err) => proceed(run, number_, err);
      const value = run.phase_ < ERR ? step(run.req_, run.res_, next) : callLate(run, step, next);
      if (value !== undefined || number_ === run.number_) settle(run, number_, step, value);
    }
  } catch (err) {
    proceed(run, number_, toError(err));
  }
}

/** Call an err or post step. */
const callLate = (run, step, next) =>
  run.phase_ === ERR ? step(run.err_, run.req_, run.res_, next) : step(run.req_, run.res_, next);

/** A step has returned a value, or has not gone on: then, if there are post steps, see to it that they run should it never. */
function settle(run, number, step, value) {
  const { phase_, res_ } = run;
  // (Who has answered by `res` need not say so.)
  if (value !== undefined || phase_ === POST || !res_.headersSent) takeValue(run, number, step, value);
  if (number !== run.number_) return;
  run.since_ = number;
  if (run.isClosed_ || res_.destroyed) close(run);
  else if (!run.isListening_ && phase_ < POST && run.plan_.steps_.post.length && res_.on) {
    run.isListening_ = true;
    res_.on('close', close.bind(null, run));
  }
}

/** The steps of a phase are through: turn to the next phase that has any. The first of them; none if the run is over. */
function turn(run) {
  const { plan_, req_ } = run;
  if (run.phase_ === PRE) {
    if (!req_.params) req_.params = {};
    const found = plan_.find_(req_);
    run.route_ = found.mw_;
    enter(run, USE, found.use_);
    if (run.steps_.length) return run.steps_[0];
  }
  const { route_ } = run;
  const first = isFunction(route_) ? route_ : route_ && route_[0];
  if (run.phase_ === USE && first && first.readBody !== false) {
    const readBody = plan_.body_;
    if (readBody && req_.body === undefined && !(readBody.isEmpty_ && readBody.isEmpty_(req_))) {
      enter(run, BODY, NONE);
      return readBody;
    }
  }
  if (run.phase_ < ROUTE) {
    enter(run, ROUTE, isFunction(route_) ? NONE : route_);
    if (first) {
      // What reads the body by itself may be a mount.
      if (first.readBody === false) {
        run.url_ = req_.url;
        run.baseUrl_ = req_.baseUrl;
      }
      return first;
    }
  }
  if (run.phase_ < POST) {
    enter(run, POST, plan_.steps_.post);
    if (run.steps_.length) return run.steps_[0];
  }
  end(run);
  return undefined;
}

/** What a step's `next` does. Only the first call counts. */
function proceed(run, number, err) {
  if (number !== run.number_) {
    if (err) warn('late error:', err);
    else if (!(number >= run.cut_)) warn('next called twice');
    return;
  }
  run.number_ = number + 1;
  if (run.phase_ > BODY || err !== undefined) redirect(run, err);
  if (number - run.since_ < run.nesting_) takeStep(run);
  else if (run.again_ !== undefined) run.again_ = true;
  else {
    // As deep as it may nest: from here on a loop takes the steps.
    do {
      run.again_ = false;
      takeStep(run);
    } while (run.again_);
    run.again_ = undefined;
  }
}

/** Where a run goes from its route on, and with an error. */
function redirect(run, err) {
  const { phase_, req_ } = run;
  // What a mount has changed is put back.
  if (phase_ === ROUTE && run.url_ !== undefined && req_.baseUrl !== run.baseUrl_) {
    req_.url = run.url_;
    req_.baseUrl = run.baseUrl_;
  }
  if (phase_ === POST) {
    if (err) {
      if (run.err_) reportTo(run.rest_, err, 'post-mw error');
      else run.err_ = err;
      enter(run, POST, NONE);
    }
  } else if (phase_ === ERR) {
    if (!err) {
      run.err_ = undefined;
      enter(run, POST, run.plan_.steps_.post);
    } else if (err !== run.err_) reportTo(run.rest_, err, 'error mw error');
  } else if (err) {
    run.err_ = err;
    enter(run, ERR, run.plan_.steps_.err);
  } else if (err === false) enter(run, POST, run.plan_.steps_.post);
}

/** Wait for the promise of a step. (Not all that has a `then` keeps to settling once.) */
function waitFor(run, number, step, promise) {
  let isSettled = false;
  function settle(err, value) {
    if (isSettled) return;
    isSettled = true;
    run.pending_--;
    if (err) proceed(run, number, err);
    else takeValue(run, number, step, value);
    if (run.isClosed_) close(run);
  }
  const threw = (failure) => settle(toError(failure));
  run.pending_ = (run.pending_ || 0) + 1;
  try {
    promise.then((value) => settle(null, value), threw);
  } catch (err) {
    threw(err);
  }
}

/** Take what a step returned: the answer, if it declares no `res` to answer by. */
function takeValue(run, number, step, value) {
  // (A promise is known by its `then`.)
  if (value && isFunction(value.then)) return waitFor(run, number, step, value);
  const { res_, err_, phase_ } = run;
  const arity = step.length;
  if (arity > (phase_ < ERR ? 1 : 2)) return;
  if (value instanceof Error) return proceed(run, number, value);
  if (number !== run.number_) return;
  if (phase_ === POST) {
    // It is done, and declares no next to say so. A wrapper that passes next on may yet call it. (So may the step that the closing of
    // the response has cut off before.)
    if (!(run.cut_ < number)) run.cut_ = number;
    return proceed(run, number);
  }
  if (value === res_ || res_.headersSent) return;
  if (value !== undefined) {
    let status = res_.statusCode;
    if (phase_ === ERR) {
      takeBack(res_, [CONTENT_LENGTH, CONTENT_ENCODING]);
      // The answer to an error is an error, unless its step says otherwise.
      if (status === 200) status = statusOf(err_) || 500;
    }
    proceed(run, number, respond(res_, undefined, 'returned', status, value) || false);
  } else if (arity) {
    // (A step of length 0 may be a wrapper, and what it wraps may go on later.)
    const { method, url } = run.req_;
    proceed(run, number, new Error('step "' + step.name + '" of ' + method + ' ' + url + ' returned nothing and takes no next'));
  }
}

/** The response is closed: only the post steps are left, unless a promise or the body is still to be waited for. */
function close(run) {
  const { phase_, req_, res_, isClosed_ } = run;
  run.isClosed_ = true;
  if (phase_ === POST) return;
  const inner = runOf(req_);
  if (inner && inner !== run) return close(inner);
  if (run.pending_) return;
  // A client that has left closes the request after the response, and what reads the body then says that it has ended too early.
  if (phase_ === BODY && !isClosed_ && !req_.closed && !res_.writableEnded) {
    req_.on('close', () => close(run));
  } else {
    // An err step that has answered has dealt with the error. One that has not goes on as a route does: the error is kept.
    if (!res_.writableEnded) run.phase_ = ROUTE;
    run.cut_ = run.number_;
    proceed(run, run.number_, false);
  }
}

/** The run is over. It lets go of everything: whoever still holds a `next` must not hold the request. */
function end(run) {
  const { callback_, err_, outer_, req_, res_, rest_, next_ } = run;
  if (req_._run === run) req_._run = outer_;
  run.req_ = run.res_ = run.callback_ = run.steps_ = run.route_ = undefined;
  if (err_) run.err_ = undefined;
  if (next_) run.next_ = undefined;
  try {
    if (callback_) callback_(err_);
    else rest_.done_(err_, req_, res_, next_);
  } catch (failure) {
    reportTo(rest_, failure, 'mw callback threw');
  }
  if (outer_ && outer_.isClosed_) close(outer_);
}

/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

// ------------------------------------------------------------------------------------------------------- definitions

/** Those of a plain route, neither a pattern nor a RegExp. */
const NO_NAMES = [];

const ANY = '_ANY_';

/** A character that means something in a path or a shape, as one that does not. */
const escape = (char) => '%' + char.charCodeAt(0).toString(16);

/** Without a trailing slash, if that is to be ignored. */
const trim = (path, options) =>
  options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path;

/**
 * What a path is without the names of its parameters: of `/a/:b/c/:*d` it is `/a?/c#`, and b and d are added to the names.
 *
 * Throws if it cannot be a path.
 */
function shapeOf(path, options, names) {
  if (!isString(path)) return 'RegExp ' + path;
  let hasTail = false;
  // `:` and a name, `:*` and perhaps a name, or `*` alone; and elsewhere what means something in a shape.
  const expression = /\/(:\*?|\*(?=\/|$))([^/]*)|[%?#]/g;
  const shape = trim((path[0] === '/' ? '' : '/') + path, options).replace(expression, (found, kind, rest) => {
    if (!kind) return escape(found);
    const isTail = kind !== ':';
    const name = rest || (isTail && '*');
    if (!name || (isTail && hasTail) || names.indexOf(name) >= 0) refuse('bad parameter "' + kind + rest + '" in path', path);
    names.push(name);
    hasTail = hasTail || isTail;
    return isTail ? '#' : '?';
  });
  return fold(shape, options);
}

/** The names of a pattern's parameters as they are kept: once for each list of names. */
function keepNames({ names_, lists_ }, names) {
  const key = names.join('/');
  return lists_[key] || (lists_[key] = names.map((name) => {
    const known = names_.indexOf(name);
    if (known >= 0) return known;
    // (Read back from where it is a key, it is the very string that an engine knows such keys by, and faster.)
    const table = bare();
    table[name] = name;
    return names_.push(Object.keys(table)[0]) - 1;
  }));
}

// ---------------------------------------------------------------------------------------------------------- the table

/** Have a route go through a node, whose text is at `from` in the shapes; without a node, through a new one. */
function through(node, from, route) {
  if (!node) {
    return {
      at_: from, low_: 0, kids_: undefined, text_: undefined, param_: undefined, tails_: undefined, end_: undefined, routes_: [route],
    };
  }
  node.routes_.push(route);
  return node;
}

/** Set the fields of a node by the routes that go through it. */
function grow(node) {
  const from = node.at_;
  const routes = node.routes_;
  const longer = [];
  const tails = bare();
  node.routes_ = undefined;

  // The text of all of them goes as far as that of the first, or as they are the same.
  let common = routes[0].shape_.slice(from).match(/[^?#]*/)[0];
  for (const { shape_ } of routes) while (shape_.indexOf(common, from) !== from) common = common.slice(0, -1);
  const at = from + common.length;
  for (const route of routes) {
    const char = route.shape_[at];
    if (char === '?') node.param_ = through(node.param_, at + 1, route);
    else if (char === '#') {
      const rank = route.shape_.slice(at + 1).replace(/\/[^/?]*/g, '!') + '~';
      tails[rank] = through(tails[rank], at + 1, route);
    } else if (char) longer.push(route);
    else {
      route.other_ = node.end_;
      node.end_ = route;
    }
  }
  if (longer.length < routes.length) node.text_ = common;
  const ranks = Object.keys(tails).sort();
  if (ranks.length) node.tails_ = ranks.map((rank) => ({ rank_: rank, node_: tails[rank] }));
  if (!longer.length) return;

  decide(node, longer, at);
  node.kids_ = [];
  for (const route of longer) {
    const ix = route.shape_.charCodeAt(from + node.at_) - node.low_;
    node.kids_[ix] = through(node.kids_[ix], from, route);
  }
}

/** Have a node decide where literal texts have many different characters, from `at` on and before the first of them ends. */
function decide(node, routes, at) {
  // So many are enough. (To find the most of a large table takes longer than it gains.)
  const MANY = 8;
  const from = node.at_;
  let most = '';
  for (let ix = at; most.length < MANY; ix++) {
    let seen = '';
    for (const { shape_ } of routes) {
      const char = shape_[ix];
      if (!char || char === '?' || char === '#') return;
      if (seen.indexOf(char) < 0) seen += char;
    }
    if (seen.length > most.length) {
      most = seen;
      node.at_ = ix - from;
      node.low_ = seen.split('').sort()[0].charCodeAt(0);
    }
  }
}

function buildTables(routes) {
  const regExps = [];
  const methods = bare();
  let root;
  let plain = 0;
  for (const key in routes) {
    const route = routes[key];
    methods[route.method_] = true;
    if (isString(route.path_)) root = through(root, 0, route);
    else regExps.push(route);
    plain += route.names_ === NO_NAMES ? 1 : -1;
  }
  return { plain_: plain > 0 ? bare() : undefined, root_: root, regExps_: regExps, methods_: methods };
}

// ---------------------------------------------------------------------------------------------------------- look-ups

/** What the last look-up has found: from where to where the value of each parameter is, */
const spans = [];
/** in which text, if it is not the url as it came, */
let text;
/** or the groups of a RegExp. */
let groups = null;

/** Of routes of one shape the one for a method: the method's own, for HEAD that for GET, or the one for all methods. */
function pick(routes, method) {
  for (let route = routes; route !== undefined; route = route.other_) if (route.method_ === method) return route;
  return routes === undefined || method === ANY ? undefined : pick(routes, method === 'HEAD' ? 'GET' : ANY);
}

/**
 * The most specific route for the rest of a path, `at` being where its last parameter has ended, and `count` how many spans there are.
 *
 * A node is come to once at the most; after a tail, once for each kind of what follows it.
 */
function search(node, path, at, count, method) {
  for (;;) {
    const { kids_, param_, tails_, text_ } = node;
    // (Compared with undefined, since to V8 it is more work to find out whether something is truthy.)
    const test = at + node.at_;
    if (kids_ !== undefined && test < path.length) {
      const ix = path.charCodeAt(test) - node.low_;
      const kid = ix >= 0 && ix < kids_.length ? kids_[ix] : undefined;
      if (kid !== undefined) {
        if (param_ === undefined && tails_ === undefined) {
          node = kid;
          continue;
        }
        const found = search(kid, path, at, count, method);
        if (found !== undefined) return found;
      }
    }
    if (text_ === undefined) {
      if (node.routes_ === undefined) return undefined;
      grow(node);
      continue;
    }
    const end = at + text_.length;
    // (47 is a slash.)
    if (end < path.length && path.charCodeAt(end) !== 47) return undefined;
    // (A slice of up to 12 characters is a copy to V8; a longer one is a reference, and slow to compare.)
    if (end > at && (at > 0 || path !== text_) && (end - at > 12 ? path.indexOf(text_, at) !== at : path.slice(at, end) !== text_)) {
      return undefined;
    }
    let found;
    if (end === path.length) found = pick(node.end_, method);
    else if (param_ !== undefined) {
      let next = path.indexOf('/', end + 1);
      if (next < 0) next = path.length;
      if (next > end + 1) {
        spans[count] = end + 1;
        spans[count + 1] = next;
        if (tails_ === undefined) {
          node = param_;
          at = next;
          count += 2;
          continue;
        }
        found = search(param_, path, next, count + 2, method);
      }
    }
    return found === undefined && tails_ !== undefined ? searchTails(tails_, path, end, count, method) : found;
  }
}

/** What goes on with a tail that begins at `at`. It ends where so many components are left as there have to be. */
function searchTails(tails, path, at, count, method) {
  for (const { rank_, node_ } of tails) {
    let end = path.length;
    for (let ix = 1; ix < rank_.length && end > at; ix++) end = path.lastIndexOf('/', end - 1);
    // (Only at the end of a pattern it may be of nothing.)
    if (end <= at && rank_.length > 1) continue;
    spans[count] = at;
    spans[count + 1] = end;
    const found = search(node_, path, end, count + 2, method);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Look a request target up: in the tree, then among the RegExps. */
function match(router, target, method) {
  const { options } = router;
  const { root_, regExps_ } = router.tables_ || (router.tables_ = buildTables(router.routes_));
  const mark = target.indexOf('?');
  const url = mark < 0 ? target : target.slice(0, mark);
  let found = root_ && search(root_, url, 0, 0, method);
  // A plain route is all that the path can be. Anything else is right only if there was nothing to cut off, to decode or to fold.
  if (found !== undefined && found.names_ === NO_NAMES) return found;
  text = undefined;
  if (
    url[0] !== '/' || url.indexOf('%') >= 0 || url.indexOf('#') >= 0 ||
    options.ignoreCase || options.ignoreTrailingSlash
  ) {
    text = trim(pathOf(url), options);
    if (text.indexOf('%') >= 0) {
      const parts = components(text);
      text = (/%(2[35f]|3f)/i.test(text) ? parts.map((part) => part.replace(/[%/?#]/g, escape)) : parts).join('/');
    }
    found = root_ && search(root_, fold(text, options), 0, 0, method);
  }
  if (found !== undefined) return found;

  for (const route of regExps_) {
    groups = route.path_.exec(pathOf(url));
    if (groups && pick(route, method)) return route;
  }
  return undefined;
}

/** Add values to params, percent-decoded if they are escaped. */
function addTo(params, values, isEscaped) {
  if (!values) return;
  for (const name of Object.keys(values)) {
    const value = values[name];
    setOwn(params, name, value && isEscaped ? decode(value) : value);
  }
}

/**
 * Add the parameters of the route that the last look-up has found.
 *
 * V8 remembers, statement by statement, how to set the name that it has come across there: so a router's first names have one each,
 * which is twice as fast as one for all. (Four are as good as eight in a table of thirty names, and three are not.)
 */
function addParams(router, params, { names_, path_ }, url) {
  if (!isString(path_)) {
    addTo(params, groups.slice(1), true);
    addTo(params, groups.groups, true);
  }
  for (let ix = 0; ix < names_.length; ix++) {
    const name = router.names_[names_[ix]];
    const start = spans[2 * ix];
    const end = spans[2 * ix + 1];
    let value;
    // (A tail of nothing has none.)
    if (end > start) value = text === undefined ? url.slice(start, end) : decode(text.slice(start, end));
    switch (names_[ix]) {
      case 1: params[name] = value; break;
      case 2: params[name] = value; break;
      case 3: params[name] = value; break;
      case 4: params[name] = value; break;
      default: setOwn(params, name, value);
    }
  }
}

/** All steps of a route, as one list that is kept. */
function stepsOf(route) {
  const { all_, use_ } = route;
  // (Somebody may have added to it, or emptied it.)
  if (all_ !== undefined && all_.length === route.count_) return all_;
  const all = use_.concat(route.mw_);
  // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
  if (use_.length) Object.defineProperty(all, 'bodyAt', { value: use_.length });
  route.all_ = all;
  route.count_ = all.length;
  return all;
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
    this.ownRun_ = Router.prototype.runRoute;
    this.options = options || {};
    if (typeof this.options != 'object') refuse('bad options', options);
    const { readBody = buildReadBody(this.options) } = this.options;
    mustBeFunction('readBody', readBody);
    this.body_ = readBody;
    this.steps_ = noSteps();
    this.routes_ = bare();
    this.names_ = ['__proto__'];
    this.lists_ = bare();
  }

  /**
   * Define the steps of a route, or add steps to a category.
   *
   *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
   *
   * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
   */
  setRoute(path, method, steps) {
    if (!(isString(path) ? path : path instanceof RegExp)) refuse('path is required', path);
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
    if (!isString(path) && /[gy]/.test(path.flags)) refuse('flags g and y are not for routes', path);
    const names = [];
    const shape = shapeOf(path, this.options, names);
    const name = method.toUpperCase();
    this.routes_[name + ' ' + shape] = {
      method_: name === method ? method : name, all_: undefined, count_: 0, mw_: list.length > 1 ? list : list[0],
      use_: this.steps_.use, other_: undefined,
      names_: isString(path) && !names.length ? NO_NAMES : keepNames(this, names), path_: path,
      // (Where it is the same text, the same string.)
      shape_: shape === path ? path : shape,
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
    const shape = shapeOf(path, this.options, []);
    for (const key in this.routes_) {
      const { method_, shape_ } = this.routes_[key];
      if (shape_ === shape && (!method || method_ === method.toUpperCase())) delete this.routes_[key];
    }
  }

  /**
   * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
   *
   * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
   */
  getRoute(path, method) {
    const { tables_ } = this;
    const plain = tables_ && tables_.plain_;
    if (plain !== undefined) {
      const known = plain[path];
      if (known !== undefined && known.method_ === method) return stepsOf(known);
    }
    if (!path) return null;
    if (path[0] !== '/' && isCategory(path)) return this.steps_[path];
    const route = match(this, path, method || ANY);
    if (route === undefined) return null;
    const mw = stepsOf(route);
    if (route.names_ === NO_NAMES) {
      if (plain && path === route.shape_) plain[path] = route;
      return mw;
    }
    const params = {};
    addParams(this, params, route, path);
    return { mw, params, path: route.path_ };
  }

  /** List the routes in the order of their definition. */
  routes() {
    const { routes_ } = this;
    return Object.keys(routes_).map((key) => ({ method: routes_[key].method_, path: '' + routes_[key].path_ }));
  }

  /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
  runRoute(rest, req, res, callback) {
    // (An app hands its `next` along.)
    runSteps(this, rest, req, res, callback, arguments[4]);
  }

  /** The route for a request, its parameters in `req.params`. Throws what the client is told if there is none. @internal */
  find_(req) {
    const { params, _route } = req;
    if (_route) {
      // An array of steps, or what `getRoute` has given.
      const { mw = _route, params: own } = _route;
      const bodyAt = mw.bodyAt || 0;
      addTo(params, own);
      return { use_: mw.slice(0, bodyAt), mw_: mw.slice(bodyAt) };
    }
    const method = req.method;
    const url = req.url;
    const route = match(this, url, method);
    if (route) {
      addParams(this, params, route, url);
      return route;
    }
    const allow = bare();
    if (this.options.methodNotAllowed) {
      for (const other in this.tables_.methods_) if (match(this, url, other)) allow[other] = true;
    }
    if (!Object.keys(allow).length) {
      if (req._unrouted) return { use_: [req._unrouted], mw_: [] };
      throw notRouted(req);
    }

    if (allow.GET) allow.HEAD = true;
    allow.OPTIONS = true;
    const headers = { allow: Object.keys(allow).join(', ') };
    if (method === 'OPTIONS') {
      const answer = (req, res, next) => sendResponse(req, res, next, null, 204, undefined, headers);
      return { use_: [], mw_: answer };
    }
    const err = new HttpError(405, method + ' ' + pathOf(url) + ': method not allowed');
    err.headers = headers;
    throw err;
  }
}

export { Router, Router as default };
