/*! microrest/mw 0.7.0, MIT licence, (c) the microrest authors. Generated from mw.ts by `npm run build`. */

/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */

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

/**
 * Set an own property, whatever its name: `__proto__` from the wire is a name like any other. A request may inherit more names that
 * cannot be assigned: those of express have getters for `query` and `path`, and no setters. @internal
 */
function setOwn(object, name, value, isRequest) {
  const isPlain = isRequest ? !(name in object) || hasOwn.call(object, name) : name !== '__proto__';
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

/** Answer with an error, or with a status and a body: `sendResponse` for those who need no `next`. */
function writeResponse(res, errOrStatus, body, headers) {
  const err = typeof errOrStatus != 'number' && errOrStatus;
  const failure = respond(res, err, undefined, errOrStatus, body, headers);
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

/**
 * Parse a query string, or a url-encoded body, into an object of names and values.
 *
 *     parseQuery('a=1&b&c=x&c=y')    //=> { a: '1', b: 1, c: ['x', 'y'] }
 *
 * `+` is a space. Malformed escapes stay literal. Any name is a name, `__proto__` too.
 */
function parseQuery(text) {
  const query = {};
  const spaced = text.indexOf('+') < 0 ? text : text.split('+').join(' ');
  for (let at = 0, end; at < spaced.length; at = end + 1) {
    end = spaced.indexOf('&', at);
    if (end < 0) end = spaced.length;
    if (end > at) {
      const piece = spaced.slice(at, end);
      const eq = piece.indexOf('=');
      const name = decode(eq < 0 ? piece : piece.slice(0, eq));
      const value = eq < 0 ? 1 : decode(piece.slice(eq + 1));
      const earlier = hasOwn.call(query, name) && query[name];
      if (typeof earlier == 'object') earlier.push(value);
      else setOwn(query, name, earlier === false ? value : [earlier, value]);
    }
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
    const url = req.url || '';
    const target = before('#', url);
    const mark = target.indexOf('?');
    const query = mark < 0 ? {} : parseQuery(target.slice(mark + 1));
    const params = req.params || (req.params = {});
    setOwn(req, 'query', query, true);
    setOwn(req, 'path', pathOf(url), true);
    for (const name of Object.keys(query)) {
      if (!hasOwn.call(params, name)) setOwn(params, name, query[name]);
    }
    next();
  };
}

/** The ready-made step of `buildParseQuery`. */
const mwParseQuery = /* @__PURE__ */ buildParseQuery();

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

/** The ready-made step of `buildReadBody`, with a limit of 1 MiB. */
const mwReadBody = /* @__PURE__ */ buildReadBody();

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

export { HttpError, buildParseQuery, buildReadBody, mwParseQuery, mwReadBody, parseQuery, sendResponse, warn, writeResponse };
