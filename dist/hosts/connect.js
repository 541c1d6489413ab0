/*! microrest/connect 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/connect.ts by `npm run build`. */

/**
 * connect: an app as middleware in somebody else's server of Node: express, connect, polka, Vite, fastify, koa, NestJS, or one's own.
 *
 *     server.use('/api', connect(app))
 *
 * What the app does not route goes on to the server's next middleware, which finds the request as it was. What crosses the border are
 * the fields of the request alone, so it works with any copy of the core.
 */

/** The longest time that a timer of Node can take. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What runs for what the app does not route: the way out, without an error. */
const passOn = (_req, _res, next) => next(false);

/** The path of a request target, without the origin of an absolute form. */
function pathOf(target) {
  return target.replace(/^[^/?#]+:\/\/[^/?#]*/, '').replace(/[?#][^]*/, '');
}

/** The prefix that the server has taken off the url: as it says, or by what is missing of the url that came. */
function prefixOf({ baseUrl, originalUrl, url = '' }) {
  if (baseUrl !== undefined || !originalUrl || originalUrl === url) return baseUrl;
  const path = pathOf(url);
  const original = pathOf(originalUrl);
  // ('/api' without '/api' is '', and a server may have made that '/'.)
  const cut = original.endsWith(path) ? path.length : path === '/' ? 0 : original.length;
  return original.slice(0, original.length - cut) || undefined;
}

/** Where the server has not, keep the url as it came: what middleware of express goes by, below a mount too. */
function keepUrl(req) {
  req.originalUrl ??= (req.baseUrl ?? '') + req.url;
}

/** True for the `{}` that a body parser leaves for a body which it has not parsed, as that of express 4 does: it is still to be read. */
function isUnread({ body, _body, readableDidRead, readableEnded }) {
  return !_body && !readableDidRead && !readableEnded && body?.constructor === Object && !Object.keys(body).length;
}

/** An own property of an object, which may have none of that name, or have inherited one. */
const ownProperty = (object, name) =>
  Object.hasOwn(object, name) ? Object.getOwnPropertyDescriptor(object, name) : undefined;

/** Have the own property of that name be as it was, or not be there. */
function restoreProperty(object, name, before) {
  if (before) Object.defineProperty(object, name, before);
  else if (Object.hasOwn(object, name)) delete object[name];
}

/** Make a request and its response ready for the app; the function that this returns makes them as they were. */
function lend(req, res, isPassing) {
  const { url, originalUrl, baseUrl, params, body, _route, _unrouted, _pass } = req;
  // (The requests of express have getters for both, which are to be seen again.)
  const query = ownProperty(req, 'query');
  const path = ownProperty(req, 'path');
  // (@fastify/express puts a getter of its own there, for which the answers of middleware are none.)
  const headersSent = 'headersSent' in Object.getPrototypeOf(res) ? ownProperty(res, 'headersSent') : undefined;
  if (headersSent) delete res.headersSent;

  // (What need not be set is not: each field that a request did not have makes it slower.)
  const prefix = prefixOf(req);
  if (prefix !== baseUrl) req.baseUrl = prefix;
  // The parameters of outer routes are seen inside, and those of inner ones are not seen outside.
  if (params) req.params = { ...params };
  if (isUnread(req)) req.body = undefined;
  if (_route) req._route = undefined;
  if (_pass || isPassing) req._pass = isPassing;
  req._unrouted = passOn;

  return () => {
    Object.assign(req, { url, originalUrl, baseUrl, params, _route, _unrouted, _pass });
    // (What has been read of the body stays: it cannot be read again.)
    if (req.body === undefined) req.body = body;
    restoreProperty(req, 'query', query);
    restoreProperty(req, 'path', path);
    if (headersSent) Object.defineProperty(res, 'headersSent', headersSent);
  };
}

/** True if the connection is closed. (A response of HTTP/2 is known by its stream.) */
function isGone(res) {
  return Boolean(res.destroyed || res.stream?.destroyed);
}

/** Have an app answer an error that came from none of its steps; `left` is called with what it leaves of it. */
async function answer(app, err, req, res, left) {
  try {
    await app.onError(err, req, res, left);
  } catch (failure) {
    left(failure);
  }
}

/**
 * Make middleware for a server of Node out of an app.
 *
 *     server.use(connect(app, { errors: 'pass' }))
 *
 * What the app does not route falls through: its pre and post steps have run, and what they set on the response stays; its err steps
 * have not. A 404 that a route throws is an answer. Throws for what is no app, and for options that cannot be.
 */
function connect(app, options = {}) {
  const { errors = 'answer', timeout = 0 } = options;
  if (typeof app != 'function' || typeof app.onError != 'function') throw new TypeError('no app: ' + String(app).slice(0, 99));
  if (errors !== 'answer' && errors !== 'pass') throw new TypeError('bad errors: ' + String(errors));
  if (typeof timeout != 'number' || !(timeout >= 0 && timeout <= MAX_TIMEOUT_MS)) throw new TypeError('bad timeout: ' + String(timeout));

  return function connect(req, res, next) {
    // Who was here before has answered, and goes on all the same: an app would do what was asked for, and write after the end.
    if (res.writableEnded) return next?.();
    const isPassing = errors === 'pass' && next !== undefined;
    const restore = next && lend(req, res, isPassing);
    keepUrl(req);
    let isOpen = true;
    let isRunning = true;
    let goOn;

    function leave(err) {
      if (!isOpen) return err ? app.rest.reportError(err, 'late error') : undefined;
      isOpen = false;
      // A client that has left ends the app's steps, and is none that an outer server has to answer.
      if (!err && isGone(res)) return;
      restore();
      // (The texts 'route' and 'router' are words of express' router, and no errors.)
      goOn = () => (err ? next(typeof err == 'string' ? new Error(err) : err) : next());
      // Not from in here: what the server throws then is no error of the app, which would catch it.
      if (!isRunning) process.nextTick(goOn);
    }
    function expire() {
      if (!isOpen || res.headersSent) return;
      const err = Object.assign(new Error(`${req.method} ${req.url}: no answer within ${timeout} ms`), { statusCode: 503 });
      // What the app may yet write comes after the end: an error event, and without a listener the end of the process.
      res.on('error', () => {});
      if (isPassing) return leave(err);
      answer(app, err, req, res, (left) => {
        if (res.headersSent) return;
        if (next) return leave(left);
        res.statusCode = 503;
        res.end();
      });
    }

    if (timeout) {
      const timer = setTimeout(expire, timeout);
      res.on('close', () => clearTimeout(timer));
    }
    app(req, res, next && leave);
    isRunning = false;
    goOn?.();
  };
}

export { connect };
