/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */

declare global {
  namespace Microrest {
    /** What add-ons put on a request. An add-on declares its fields here, and every step sees them on `req`. */
    // eslint-disable-next-line @typescript-eslint/no-empty-object-type
    interface Extras {}
  }
}

/**
 * What is told of an event. Written as a method, and so bivariant: a listener may say what its event brings,
 * `(chunk: Uint8Array) => …`, although nobody here knows.
 */
export type Listener = { listen(value: unknown): void }['listen']

/** A request as a host hands it in. Node's `IncomingMessage` fits without a cast. */
export interface HostReq {
  /** The method, upper-case, as it came from the wire. */
  method?: string | undefined
  /** The request target: path and query, percent-encoded, as it came from the wire. */
  url?: string | undefined
  /** The header fields by lower-case name. */
  headers: { readonly [name: string]: string | readonly string[] | undefined }
  on(event: string, listener: Listener): unknown
}

/** A response as a host hands it in. Node's `ServerResponse` fits without a cast. */
export interface HostRes {
  statusCode: number
  readonly headersSent: boolean
  readonly writableEnded?: boolean
  readonly destroyed?: boolean
  setHeader(name: string, value: string | number | readonly string[]): unknown
  getHeader(name: string): string | number | readonly string[] | undefined
  removeHeader(name: string): void
  writeHead(statusCode: number, headers?: { [name: string]: string | number | string[] }): HostRes
  write(chunk: string | Uint8Array): boolean
  end(chunk?: string | Uint8Array): unknown
  on(event: string, listener: Listener): unknown
  destroy(error?: Error): unknown
}

/** A value of a query: a string, 1 for a name without a value, or all values of a repeated name. */
export type QueryValue = string | 1 | (string | 1)[]

/** A parsed query or url-encoded body, by name. */
export interface Query {
  [name: string]: QueryValue | undefined
}

/** The path parameters of a route whose path is not known to the compiler. */
export interface AnyParams {
  [name: string]: string | undefined
}

type Parts<Path extends string, Seen = never> =
  Path extends `${infer Part}/${infer Rest}` ? Parts<Rest, Seen | Part> : Seen | Path
type TailPart = `:*${string}` | '*'
type NameOf<Part> =
  Part extends '*' | ':*' ? '*' : Part extends `:*${infer Name}` ? Name : Part extends `:${infer Name}` ? Name : never

/** The parameters of a path: `PathParams<'/users/:id/:*rest'>` is `{ id: string, rest: string | undefined }`. */
export type PathParams<Path extends string | RegExp> =
  Path extends string
    // Of a text that is not known to its end, as `string` and `${base}/:id`, no key of the mapped type has to be there.
    ? {} extends { [Known in Path]: 1 } ? AnyParams
      : { [Part in Parts<Path> as NameOf<Part>]: Part extends TailPart ? string | undefined : string }
    : AnyParams

/** A request as a step sees it. */
export interface Req<Params = AnyParams> extends HostReq, Microrest.Extras {
  /** The path parameters, percent-decoded. Never missing in a route's steps. */
  params: Params
  /** The query, once `parseQuery` has run. */
  query: Query
  /** The path without the query, as it came from the wire, once `parseQuery` has run. */
  path: string
  /** The body, once it has been read: bytes, or a string where the request has an encoding set. */
  body: unknown
  /** The prefix that a mount has taken off `url`; undefined outside a mount. */
  baseUrl?: string | undefined
  /** Set by a pre step, the route to run instead of the one that would be looked up. */
  _route?: Step[] | { mw: Step[]; params?: object | undefined } | undefined
  /** Set by a host or a pre step, what runs for a path that is not routed, in place of the 404 and the err steps that see it. */
  _unrouted?: Step | undefined
  /** Set by a host: the errors that are left go to the `next` that the app was given, and not to `onError`. */
  _pass?: boolean | undefined
}

/** A response as a step sees it. */
export interface Res extends HostRes {}

/**
 * Go on. Without an argument to the next step; with a truthy one to the err steps; with `false` to the end of the chain.
 *
 * Only the first call counts.
 */
export type Next = (err?: unknown) => void

/** A middleware step, or the function that a route ends in. One that declares at most `req` may return its answer. */
export interface Step<Params = AnyParams> {
  (req: Req<Params>, res: Res, next: Next): unknown
  /** `false` on the first step of a route: the body is left unread, for the steps to read. */
  readBody?: false | undefined
}

/** A step for errors. `next()` says that the error has been dealt with, `next(err)` hands it to the next err step. */
export interface ErrStep {
  (err: unknown, req: Req, res: Res, next: Next): unknown
}

/** An Error that is meant for the client: what `HttpError` makes, and what other libraries make in the same shape. */
export interface HttpErrorLike extends Error {
  statusCode: number
  debug?: unknown
  details?: unknown
  headers?: { [name: string]: string | number | readonly string[] }
  /** True if `message` may be shown to the client. */
  expose?: boolean
}

/** What a router may find in the `rest` that it is given. Nothing in it is needed. */
export interface RestLike {
  reportError?(err: unknown, cause: string): void
  /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
  maxNesting?: number | undefined
  /** What an app of ours does when a request has been through its router. @internal */
  done_?(err: unknown, req: HostReq, res: HostRes, next: Next | undefined): void
}

declare const console: { warn?(...args: unknown[]): void; log(...args: unknown[]): void } | undefined
declare const process: { getBuiltinModule?(name: string): unknown } | undefined
declare const Buffer: { alloc(size: number): Uint8Array } | undefined

// Numbers come before all else: a minifier replaces a name by its number only as long as nothing else has been declared.

/** The phases of a run, in their order. */
const PRE = 0
const USE = 1
const BODY = 2
const ROUTE = 3
const ERR = 4
const POST = 5

/** How deep next() may nest. A level takes three frames of the engine's stack, and that of the step. */
const MAX_NESTING = 100

/** The longest body to accept, if nothing else is said. */
const MAX_BODY_BYTES = 1 << 20

/** How much of a refused body to take and drop, so that the client, still sending, gets to read its answer. */
const MAX_LINGER_BYTES = 1 << 20

const hasOwn = {}.hasOwnProperty
const CONTENT_TYPE = 'content-type'
const CONTENT_LENGTH = 'content-length'
const CONTENT_ENCODING = 'content-encoding'
const TRANSFER_ENCODING = 'transfer-encoding'

/** The header fields that tell of a body. */
const OF_BODY = [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING]

/** A thrown value as one that counts as an error: any that is truthy. @internal */
export const toError = (thrown: unknown): unknown => thrown || new Error('thrown: ' + thrown)

/** @internal */
export const isFunction = (value: unknown): value is (...args: unknown[]) => unknown => typeof value == 'function'

/** @internal */
export const isString = (value: unknown): value is string => typeof value == 'string'

/** True for a whole number within bounds. @internal */
export const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value == 'number' && value % 1 === 0 && value >= min && value <= max

/** A module of the platform, where there is one. @internal */
export const builtin = (name: string): unknown =>
  typeof process != 'undefined' && process.getBuiltinModule && process.getBuiltinModule(name)

/** Refuse what a programmer has given. @internal */
export function refuse(what: string, value: unknown): never {
  // (Of a class given by mistake the beginning will do.)
  throw new Error(what + ': ' + ('' + value).slice(0, 99))
}

/** Refuse what is given and no function. @internal */
export function mustBeFunction(name: string, value: unknown): void {
  if (value && !isFunction(value)) refuse(name + ' must be a function', value)
}

/**
 * Set an own property, whatever its name: `__proto__` from the wire is a name like any other. A request may inherit more names that
 * cannot be assigned: those of express have getters for `query` and `path`, and no setters. @internal
 */
export function setOwn(object: object, name: string, value: unknown, isRequest?: boolean): void {
  const isPlain = isRequest ? !(name in object) || hasOwn.call(object, name) : name !== '__proto__'
  if (isPlain) (object as { [name: string]: unknown })[name] = value
  else Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}

/**
 * Print a notice by `console.warn`, after a timestamp and the name "microrest". By `console.log` where that is all there is, as in
 * qjs. Silent where there is no console.
 */
export function warn(...args: unknown[]): void {
  if (typeof console == 'undefined') return
  // The smallest engines have Date.now and no Date objects.
  args.unshift(('toISOString' in Date.prototype ? new Date().toISOString() : Date.now()) + ' -- microrest:')
  ;(console.warn || console.log).apply(console, args)
}

/** Report what can reach nobody: to the rest object if it takes reports, else by `warn`. @internal */
export function reportTo(rest: RestLike | undefined, err: unknown, cause: string): void {
  try {
    if (rest && rest.reportError) return rest.reportError(err, cause)
  } catch (failure) {
    warn(failure)
  }
  warn(cause + ':', err)
}

// ---------------------------------------------------------------------------------------------------------- errors

/** The common statuses from 400 on and their phrases (RFC 9110, section 15.5 and 15.6; RFC 6585), as one text: a table would take more. */
const REASONS =
  ',400 Bad Request,401 Unauthorized,402 Payment Required,403 Forbidden,404 Not Found,405 Method Not Allowed,406 Not Acceptable,' +
  '407 Proxy Authentication Required,408 Request Timeout,409 Conflict,410 Gone,411 Length Required,412 Precondition Failed,' +
  '413 Payload Too Large,414 URI Too Long,415 Unsupported Media Type,416 Range Not Satisfiable,417 Expectation Failed,' +
  '422 Unprocessable Entity,426 Upgrade Required,428 Precondition Required,429 Too Many Requests,' +
  '431 Request Header Fields Too Large,500 Internal Error,501 Not Implemented,502 Bad Gateway,503 Service Unavailable,' +
  '504 Gateway Timeout,'

/** The status and its reason phrase. What is not known here `node:http` may know. */
function reason(statusCode: number): string {
  const at = REASONS.indexOf(',' + statusCode + ' ') + 1
  if (at) return REASONS.slice(at, REASONS.indexOf(',', at))
  const http = builtin('http') as { STATUS_CODES: { [status: number]: string } } | undefined
  return statusCode + ' ' + (http && http.STATUS_CODES[statusCode] || 'Internal Error')
}

export interface HttpErrorConstructor {
  new (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike
  (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike
}

/**
 * Make an Error that tells the client its status, and, where given, `debug` and `details`.
 *
 *     throw new HttpError(404, 'no such colour')    //=> 404 {"error":"404","message":"404 Not Found","debug":"no such colour"}
 *
 * Without a status it is 500. The message is the status and its phrase; unknown ones are "777 Internal Error".
 */
export const HttpError = function HttpError(statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike {
  const status = Number(statusCode) || 500
  const err = new Error(reason(status)) as HttpErrorLike
  err.statusCode = status
  err.debug = debug
  err.details = details
  return err
} as unknown as HttpErrorConstructor

/** The status of an error that somebody made for a client; 0 for all others. */
const statusOf = (err: unknown): number =>
  err && isWhole((err as HttpErrorLike).statusCode, 400, 999) ? (err as HttpErrorLike).statusCode : 0

// --------------------------------------------------------------------------------------------------------- answers

export type Headers = { readonly [name: string]: string | number | readonly string[] }

/**
 * Take back what an earlier step has said of an answer that is not sent. (What was not said is left alone: node takes the removal
 * of a content-length for a word on the next one too, and sends that chunked.)
 */
function takeBack(res: HostRes, names: string[]): void {
  for (const name of names) if (res.getHeader && res.getHeader(name)) res.removeHeader(name)
}

/** JSON text; of what has none undefined, and a notice of the reason. */
function encode(body: unknown): string | void {
  try {
    return JSON.stringify(body)
  } catch (err) {
    warn('no JSON:', err, Object.keys(body as object))
  }
}

/**
 * Answer with an error or with a body; what went wrong with that, if anything did.
 *
 * The body is one that a step has 'returned': then text and bytes get their type too. The error is the 'last': what goes wrong with
 * that is not answered in its place.
 */
function respond(
  res: HostRes, err: unknown, about?: 'returned' | 'last' | undefined, status?: unknown, body?: unknown, headers?: Headers | null
): unknown {
  let type: string | undefined
  try {
    if (err) {
      const known = statusOf(err)
      status = known || 500
      if (res.headersSent) {
        warn(err)
        // Cut off, the client can tell that this was not the whole answer.
        // (Over HTTP/2 it can if there is an error; else it would look like an end.)
        if (!res.writableEnded) res.destroy((res as { stream?: unknown }).stream ? new Error('cut off') : undefined)
        return
      }
      if (status as number >= 500) warn(err)
      // What a client is told: the status, and what was put there for the client.
      const own = (known ? err : {}) as HttpErrorLike
      const told: { [name: string]: unknown } = { error: '' + status, message: reason(status as number) }
      body = told
      headers = own.headers
      if (own.expose === true) told.debug = own.message
      for (const name of ['debug', 'details'] as const) {
        // Set only if there: some engines write undefined as null.
        if (hasOwn.call(own, name) && own[name] !== undefined) told[name] = own[name]
      }
      takeBack(res, [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING])
    }
    // (Of an end after the end node would tell by an event that nobody listens for, and the process would die.)
    if (res.writableEnded) throw new Error('the response has ended')
    if (isString(body) || body instanceof String) {
      if (about) type = 'text/plain; charset=utf-8'
      body = '' + body
    } else if (body instanceof Uint8Array) {
      if (about) type = 'application/octet-stream'
    } else if (body !== undefined) {
      type = 'application/json'
      body = encode(body)
      if (body === undefined) return respond(res, new HttpError(500, 'unable to json encode response'))
    }
    res.statusCode = status as number || 200
    if (headers) {
      for (const name of Object.keys(headers)) {
        // An error's headers may be those of somebody else's answer. They do not describe this one.
        if (!err || OF_BODY.indexOf(name.toLowerCase()) < 0) res.setHeader(name, headers[name]!)
      }
    }
    if (type && !(res.getHeader && res.getHeader(CONTENT_TYPE))) res.setHeader(CONTENT_TYPE, type)
    if (body === undefined) res.end()
    else res.end(body as string | Uint8Array)
  } catch (failure) {
    warn('response failed:', failure)
    return err && !about && !res.headersSent ? respond(res, failure, 'last') : toError(failure)
  }
  return
}

/** Answer with an error, or with a status and a body: `sendResponse` for those who need no `next`. */
export function writeResponse(res: HostRes, errOrStatus: unknown, body?: unknown, headers?: Headers | null): void {
  const err = typeof errOrStatus != 'number' && errOrStatus
  const failure = respond(res, err, undefined, errOrStatus, body, headers)
  if (failure) respond(res, failure)
}

/**
 * Answer a request, and go on.
 *
 * A truthy `err` is sent as an error: its `statusCode` (500 if it has none), `debug`, `details` and `headers`. Else
 * `statusCode` (default 200), `headers` and `body`: strings and bytes as they are, undefined as no body, anything else as JSON.
 *
 * Calls `next` with the failure if the headers or the body could not be sent.
 */
export function sendResponse(
  _req: HostReq, res: HostRes, next?: Next | null, err?: unknown,
  statusCode?: number | null, body?: unknown, headers?: Headers | null
): void {
  const failure = respond(res, err, undefined, statusCode, body, headers)
  if (next) next(failure)
}

// ------------------------------------------------------------------------------------------------------- the query

/** Percent-decode; what is malformed stays as it is. @internal */
export function decode(text: string): string {
  try {
    return text.indexOf('%') < 0 ? text : decodeURIComponent(text)
  } catch (_err) {
    return text
  }
}

/**
 * Parse a query string, or a url-encoded body, into an object of names and values.
 *
 *     parseQuery('a=1&b&c=x&c=y')    //=> { a: '1', b: 1, c: ['x', 'y'] }
 *
 * `+` is a space. Malformed escapes stay literal. Any name is a name, `__proto__` too.
 */
export function parseQuery(text: string): Query {
  const query: Query = {}
  const spaced = text.indexOf('+') < 0 ? text : text.split('+').join(' ')
  for (let at = 0, end: number; at < spaced.length; at = end + 1) {
    end = spaced.indexOf('&', at)
    if (end < 0) end = spaced.length
    if (end > at) {
      const piece = spaced.slice(at, end)
      const eq = piece.indexOf('=')
      const name = decode(eq < 0 ? piece : piece.slice(0, eq))
      const value = eq < 0 ? 1 : decode(piece.slice(eq + 1))
      const earlier = hasOwn.call(query, name) && query[name]!
      if (typeof earlier == 'object') earlier.push(value)
      else setOwn(query, name, earlier === false ? value : [earlier, value])
    }
  }
  return query
}

/** Options of `buildParseQuery`: none yet. */
export interface ParseQueryOptions {}

/**
 * Build a step that parses the query of `req.url`.
 *
 * It sets `req.query`, `req.path`, and in `req.params` each name that no route parameter has.
 */
export function buildParseQuery(_options?: ParseQueryOptions): Step {
  return function mwParseQuery(req, _res, next) {
    const url = req.url || ''
    const target = before('#', url)
    const mark = target.indexOf('?')
    const query = mark < 0 ? {} : parseQuery(target.slice(mark + 1))
    const params: object = req.params || (req.params = {})
    setOwn(req, 'query', query, true)
    setOwn(req, 'path', pathOf(url), true)
    for (const name of Object.keys(query)) {
      if (!hasOwn.call(params, name)) setOwn(params, name, query[name])
    }
    next()
  }
}

/** The ready-made step of `buildParseQuery`. */
export const mwParseQuery: Step = /* @__PURE__ */ buildParseQuery()

// --------------------------------------------------------------------------------------------------------- the body

/** What the body reader needs of a request: a stream of Node's kind, or of its shape. */
interface BodyReq extends HostReq {
  body?: unknown
  httpVersionMajor?: number
  /** Set where chunks come as strings. */
  readableEncoding?: string | null
  aborted?: boolean
  readableEnded?: boolean
  destroyed?: boolean
  /** Names and values in turn, as node has them. */
  rawHeaders?: readonly string[]
  destroy?(): unknown
  pause?(): unknown
  resume?(): unknown
  socket?: { destroySoon?: (() => void) | undefined }
}

export interface ReadBodyOptions {
  /** The longest body to accept, in bytes. Default 1048576 (1 MiB); `Infinity` for no limit. */
  bodySizeLimit?: number | undefined
  /** The status for a longer one. Default 400; 413 is the other sensible value. */
  bodySizeStatus?: number | undefined
}

/** A step that sets `req.body`. Calls `next(err, context, body)`. */
export interface ReadBody {
  (req: HostReq, res: HostRes, next: (err?: unknown, context?: unknown, body?: unknown) => void, context?: unknown): unknown
  /** True if the request has no body, and that is set: then there is nothing to call this step for. @internal */
  isEmpty_?(req: HostReq): boolean
}

/** The length of a text in UTF-8. */
function byteLength(text: string): number {
  let bytes = 0
  for (let ix = 0; ix < text.length; ix++) {
    const code = text.charCodeAt(ix)
    // A surrogate pair (0xd800 to 0xdfff) has two units and four bytes: each counts 2.
    bytes += code < 0x80 ? 1 : code < 0x800 || code >> 11 === 0x1b ? 2 : 3
  }
  return bytes
}

/** Node's AsyncResource, as far as it is used here. */
interface AsyncScope {
  runInAsyncScope(f: (...args: never[]) => void, self: null, ...args: unknown[]): void
}

/** The chunks of a body as one. */
function join(chunks: (Uint8Array | string)[], size: number, req: BodyReq): Uint8Array | string {
  const first = chunks[0]
  if (req.readableEncoding || isString(first)) return chunks.join('')
  if (chunks.length === 1) return first!
  const bytes = typeof Buffer == 'undefined' ? new Uint8Array(size) : Buffer.alloc(size)
  let at = 0
  for (const chunk of chunks as Uint8Array[]) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Gather a body as it comes, up to a limit. */
function gather(
  req: BodyReq, res: HostRes, next: Parameters<ReadBody>[2], context: unknown, bodySizeLimit: number, bodySizeStatus: number
): void {
  const version = req.httpVersionMajor
  const socket = version === 1 ? req.socket : undefined
  const destroySoon = socket && socket.destroySoon
  // The route is to see what an AsyncLocalStorage holds now, and not what the stream's events run in.
  const hooks = builtin('async_hooks') as { AsyncResource: new (type: string) => AsyncScope } | undefined
  const scope = hooks && new hooks.AsyncResource('microrest.body')
  const chunks: (Uint8Array | string)[] = []
  let size = 0
  let isOpen = true

  function done(err: unknown): void {
    if (!isOpen) return
    isOpen = false
    if (!err) req.body = join(chunks, size, req)
    chunks.length = 0
    if (scope) scope.runInAsyncScope(next, null, err, context, req.body)
    else next(err, context, req.body)
  }
  function broken(err?: unknown): void {
    if (isOpen) done(err && !req.aborted ? err : new HttpError(400, 'aborted'))
  }
  function tooLong(): void {
    // Node would destroy the socket right after the answer, and what the client is still sending would make that a reset
    // that can overtake the answer. Without destroySoon it sends FIN and goes on reading: the client reads, then closes.
    if (destroySoon) {
      socket!.destroySoon = undefined
      // What comes before the answer is out stays where it is, what comes after it is dropped.
      req.pause!()
      res.on('finish', () => req.resume!())
    }
    size = bodySizeLimit
    // (HTTP/2 has no such header.)
    if (res && res.setHeader && !res.headersSent && version !== 2) res.setHeader('connection', 'close')
    done(new HttpError(bodySizeStatus, 'max body size exceeded'))
  }

  req.on('data', (chunk: Uint8Array | string) => {
    size += isString(chunk) ? byteLength(chunk) : chunk.length
    if (!isOpen) {
      if (size > bodySizeLimit + MAX_LINGER_BYTES && req.destroy) req.destroy()
    } else if (size > bodySizeLimit) tooLong()
    else chunks.push(chunk)
  })
  req.on('end', () => {
    done(null)
    // A refused body has been taken to its end after all: nothing is left that could reset the connection.
    if (destroySoon && !socket!.destroySoon) {
      socket!.destroySoon = destroySoon
      if (res.writableEnded) socket!.destroySoon()
    }
  })
  req.on('error', broken)
  req.on('close', broken)
  if (req.destroyed) broken()
  else if (req.headers && +req.headers[CONTENT_LENGTH]! > bodySizeLimit) tooLong()
}

/** The body of all requests that have none. */
let emptyBody: Uint8Array | string | undefined

/** True for a request without a body, which then is there to be seen, empty. */
function isEmpty(req: BodyReq): boolean {
  // HTTP/1 has a body where it says so (RFC 9112, section 6.3); elsewhere only the stream knows.
  if (!req.readableEnded && !(req.httpVersionMajor === 1 && !saysBody(req))) return false
  req.body = req.readableEncoding ? '' : emptyBody || (emptyBody = join([], 0, req))
  return true
}

/** True if the head of a request announces a body. (Node makes `headers` when they are first asked for, which takes a while.) */
function saysBody({ headers, rawHeaders }: BodyReq): boolean {
  if (!rawHeaders) return !!(headers[CONTENT_LENGTH] || headers[TRANSFER_ENCODING])
  for (let ix = 0; ix < rawHeaders.length; ix += 2) {
    const { length } = rawHeaders[ix]!
    // (Of those fields one has 14 characters, and one 17: content-length and transfer-encoding.)
    if ((length === 14 || length === 17) && OF_BODY.indexOf(rawHeaders[ix]!.toLowerCase()) >= 0) return true
  }
  return false
}

/**
 * Build a step that reads the request's body into `req.body`, or leaves it if that is set already.
 *
 * Bytes become one Buffer, a single chunk without a copy; chunks that are strings become one string. A body over the limit
 * gets a 400 "max body size exceeded" and a closed connection, one that breaks off a 400 "aborted". Throws on a limit that is no
 * number of bytes.
 */
export function buildReadBody(options?: ReadBodyOptions): ReadBody {
  const { bodySizeLimit = MAX_BODY_BYTES, bodySizeStatus = 400 } = options || {}
  if (bodySizeLimit !== +bodySizeLimit || bodySizeLimit < 0) refuse('bad bodySizeLimit', bodySizeLimit)
  if (!isWhole(bodySizeStatus, 400, 499)) refuse('bad bodySizeStatus', bodySizeStatus)

  // (Of four parameters it would be taken for an err step.)
  function mwReadBody(req: BodyReq, res: HostRes, next: Parameters<ReadBody>[2]): void {
    const context: unknown = arguments[3]
    if (req.body !== undefined || isEmpty(req)) next(null, context, req.body)
    else gather(req, res, next, context, bodySizeLimit, bodySizeStatus)
  }
  mwReadBody.isEmpty_ = isEmpty
  return mwReadBody
}

/** The ready-made step of `buildReadBody`, with a limit of 1 MiB. */
export const mwReadBody: ReadBody = /* @__PURE__ */ buildReadBody()

// -------------------------------------------------------------------------------------------------------- the path

/**
 * A request target in origin form (RFC 9112, section 3.2): an absolute form without its scheme and authority; '*' as it is.
 * @internal
 */
export const originForm = (url: string): string =>
  url[0] === '/' || url === '*' ? url : url.replace(/^([^/?#]+:\/\/[^/?#]*)?\/?/, '/')

/** A text up to a character, or all of it. (To a small engine this is a tenth of the work of a regular expression.) */
function before(character: string, text: string): string {
  const at = text.indexOf(character)
  return at < 0 ? text : text.slice(0, at)
}

/** The path of a request target: cut at '?' or '#'. It begins with a slash. @internal */
export const pathOf = (url: string): string => before('?', before('#', originForm(url)))

/** The error for what is not routed. @internal */
export const notRouted = (req: HostReq): HttpErrorLike =>
  new HttpError(404, req.method + ' ' + pathOf(req.url!) + ': path not routed')

/** Options that say which paths are the same. */
export interface PathOptions {
  /** Take '/a/' and '/a' for the same path. Default false. */
  ignoreTrailingSlash?: boolean | undefined
  /** Take '/A' and '/a' for the same path. Default false. */
  ignoreCase?: boolean | undefined
}

/** Fold a path, or a part of one, to what the options make of it. @internal */
export const fold = (text: string, options?: PathOptions): string =>
  // (But for 'İ', which in lower case would be two characters: positions stay what they are.)
  options && options.ignoreCase ? text.replace(/[^\u0130]+/g, (part) => part.toLowerCase()) : text

/** True if a path has parameters. @internal */
export const isPattern = (path: string): boolean => /(^|\/)(:|\*(\/|$))/.test(path)

/** A prefix as components, without the trailing slash. @internal */
export const prefixOf = (prefix: string, options?: PathOptions): string[] =>
  fold((prefix[0] === '/' ? prefix : '/' + prefix).replace(/\/$/, ''), options).split('/')

/**
 * The components of a path, percent-decoded one by one: '/a/b%2Fc' is '', 'a', 'b/c'. Throws a 400 for a malformed escape.
 *
 * Route tables, prefix filters and the NanoRouter all compare these, so that no spelling slips past one of them. @internal
 */
export function components(path: string): string[] {
  const parts = path.split('/')
  try {
    // (A callback of map gets more arguments than one; decodeURIComponent takes one.)
    return path.indexOf('%') < 0 ? parts : parts.map(decodeURIComponent as (part: string) => string)
  } catch (_err) {
    throw new HttpError(400, 'malformed escape in path: ' + path)
  }
}

// --------------------------------------------------------------------------------------------------------- the run

/** A step as the run knows them. */
interface AnyStep {
  (...args: unknown[]): unknown
  readBody?: unknown
}

/**
 * The steps of a route: the use steps of the time of its definition, and its own. (Most routes have one step, and a device has many
 * routes: a list for it would take 72 bytes each.) @internal
 */
export interface Found {
  use_: readonly unknown[]
  mw_: readonly unknown[] | Step
}

/** No steps. */
const NONE: readonly AnyStep[] = []

/** The steps that run for every request. @internal */
export interface Categories {
  [name: string]: unknown[]
  pre: unknown[]
  use: unknown[]
  err: unknown[]
  post: unknown[]
}

/** What a router is to its runs. @internal */
export interface Plan {
  steps_: Categories
  /** The step that reads the body, or false. */
  body_: ReadBody | Step | false
  /** The route for a request; throws if there is none. */
  find_(req: Req): Found
}

/** A table for names from elsewhere: nothing is in it but what is put there. @internal */
export const bare = <T>(): { [name: string]: T } => Object.create(null)

/** Categories without steps. @internal */
export const noSteps = (): Categories => ({ pre: [], use: [], err: [], post: [] })

/** True if a path names a category. @internal */
export const isCategory = (path: unknown): boolean => hasOwn.call(noSteps(), path as string)

/** One step or a list of them as a new list. Throws for what is no function. @internal */
export function toSteps(steps: unknown): Step[] {
  const list: unknown[] = ([] as unknown[]).concat(steps)
  for (let ix = 0; ix < (list.length || 1); ix++) {
    if (!isFunction(list[ix])) refuse('mw step [' + ix + '] not a function', list[ix])
  }
  return list as Step[]
}

/** A request knows its innermost run, where there are post steps that have to wait for it. */
type RunReq = Req & { _run?: unknown; closed?: boolean }

/** The innermost run of a request, if it is one of ours: another copy of this script may be at work on the same request. */
function runOf(req: RunReq): Run | undefined {
  const { _run } = req
  return _run && _run instanceof Run ? _run : undefined
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
  declare readonly plan_: Plan
  declare readonly rest_: RestLike | undefined
  declare req_: RunReq
  declare res_: Res
  /** Without one the app is told, which gave itself as the rest. */
  declare callback_: ((err?: unknown) => void) | undefined
  declare phase_: number
  /** The steps of the phase, and the number of the first of them. */
  declare steps_: readonly AnyStep[]
  declare base_: number
  /** The route's own steps. */
  declare route_: readonly AnyStep[] | AnyStep
  /** The number of the current step, in the order of calls. Only its `next` counts. */
  declare number_: number
  /** How many steps `next()` may nest below another. */
  declare nesting_: number
  /** The number of the last step that did not go on by itself: what follows it began with an empty stack. */
  declare since_: number
  /** Set while a loop takes the steps: true if it is to go on, with the next one. */
  declare again_: boolean | undefined
  /** What a mount found, and changes; put back when it is done. */
  declare url_?: string | undefined
  declare baseUrl_?: string | undefined
  /** The `next` that the app was given by an outer server. */
  declare next_?: Next | undefined
  /** The run that this one is mounted in, if its post steps are to wait for the end of this one. */
  declare outer_?: Run | undefined
  /** The error that no err step has dealt with. */
  declare err_?: unknown
  /** How many promises of steps have not settled. */
  declare pending_?: number
  declare isListening_?: boolean
  declare isClosed_?: boolean
  /** The number of the step that was cut off when the response closed. */
  declare cut_?: number

  constructor(plan: Plan, rest: RestLike | undefined, req: HostReq, res: HostRes, callback: Run['callback_']) {
    this.plan_ = plan
    this.rest_ = rest
    this.req_ = req as Req
    this.res_ = res
    this.callback_ = callback
    this.phase_ = PRE
    this.steps_ = plan.steps_.pre as AnyStep[]
    this.base_ = 0
    this.route_ = undefined as never
    this.number_ = 0
    this.nesting_ = ((rest && rest.maxNesting) || MAX_NESTING) - 1
    this.since_ = -1
    this.again_ = undefined
  }
}

/**
 * Carry a request through a router's steps.
 *
 * `callback` is called once, with the error that no err step dealt with; without one the app, with the request and its `next` as well:
 * so it needs no function for each request. @internal
 */
export function runSteps(
  plan: Plan, rest: RestLike | undefined, req: HostReq, res: HostRes, callback: Run['callback_'], next?: Next
): void {
  const run = new Run(plan, rest, req, res, callback)
  const outer = runOf(run.req_)
  if (next) run.next_ = next
  if (outer) run.outer_ = outer
  // (The others keep off the request: one whose step never goes on has no end, and would be held by it in a cycle.)
  if (outer || plan.steps_.post.length) run.req_._run = run
  takeStep(run)
}

/** Begin a phase. Its steps are next. */
function enter(run: Run, phase: number, steps: readonly unknown[]): void {
  run.phase_ = phase
  run.steps_ = steps as readonly AnyStep[]
  run.base_ = run.number_
}

/** Call the next step. (What few steps need is elsewhere: this much an engine can inline into them, so that each level is one call.) */
function takeStep(run: Run): void {
  const { number_, steps_ } = run
  const ix = number_ - run.base_
  try {
    const step = ix < steps_.length ? steps_[ix] : turn(run)
    if (step) {
      const next: Next = (err) => proceed(run, number_, err)
      const value = run.phase_ < ERR ? step(run.req_, run.res_, next) : callLate(run, step, next)
      if (value !== undefined || number_ === run.number_) settle(run, number_, step, value)
    }
  } catch (err) {
    proceed(run, number_, toError(err))
  }
}

/** Call an err or post step. */
const callLate = (run: Run, step: AnyStep, next: Next): unknown =>
  run.phase_ === ERR ? step(run.err_, run.req_, run.res_, next) : step(run.req_, run.res_, next)

/** A step has returned a value, or has not gone on: then, if there are post steps, see to it that they run should it never. */
function settle(run: Run, number: number, step: AnyStep, value: unknown): void {
  const { phase_, res_ } = run
  // (Who has answered by `res` need not say so.)
  if (value !== undefined || phase_ === POST || !res_.headersSent) takeValue(run, number, step, value)
  if (number !== run.number_) return
  run.since_ = number
  if (run.isClosed_ || res_.destroyed) close(run)
  else if (!run.isListening_ && phase_ < POST && run.plan_.steps_.post.length && res_.on) {
    run.isListening_ = true
    res_.on('close', close.bind(null, run))
  }
}

/** The steps of a phase are through: turn to the next phase that has any. The first of them; none if the run is over. */
function turn(run: Run): AnyStep | undefined {
  const { plan_, req_ } = run
  if (run.phase_ === PRE) {
    if (!req_.params) req_.params = {}
    const found = plan_.find_(req_)
    run.route_ = found.mw_ as AnyStep[] | AnyStep
    enter(run, USE, found.use_)
    if (run.steps_.length) return run.steps_[0]
  }
  const { route_ } = run
  const first = isFunction(route_) ? route_ : route_ && route_[0]
  if (run.phase_ === USE && first && first.readBody !== false) {
    const readBody = plan_.body_ as ReadBody | false
    if (readBody && req_.body === undefined && !(readBody.isEmpty_ && readBody.isEmpty_(req_))) {
      enter(run, BODY, NONE)
      return readBody as AnyStep
    }
  }
  if (run.phase_ < ROUTE) {
    enter(run, ROUTE, isFunction(route_) ? NONE : route_)
    if (first) {
      // What reads the body by itself may be a mount.
      if (first.readBody === false) {
        run.url_ = req_.url
        run.baseUrl_ = req_.baseUrl
      }
      return first
    }
  }
  if (run.phase_ < POST) {
    enter(run, POST, plan_.steps_.post)
    if (run.steps_.length) return run.steps_[0]
  }
  end(run)
  return undefined
}

/** What a step's `next` does. Only the first call counts. */
function proceed(run: Run, number: number, err?: unknown): void {
  if (number !== run.number_) {
    if (err) warn('late error:', err)
    else if (!(number >= run.cut_!)) warn('next called twice')
    return
  }
  run.number_ = number + 1
  if (run.phase_ > BODY || err !== undefined) redirect(run, err)
  if (number - run.since_ < run.nesting_) takeStep(run)
  else if (run.again_ !== undefined) run.again_ = true
  else {
    // As deep as it may nest: from here on a loop takes the steps.
    do {
      run.again_ = false
      takeStep(run)
    } while (run.again_)
    run.again_ = undefined
  }
}

/** Where a run goes from its route on, and with an error. */
function redirect(run: Run, err: unknown): void {
  const { phase_, req_ } = run
  // What a mount has changed is put back.
  if (phase_ === ROUTE && run.url_ !== undefined && req_.baseUrl !== run.baseUrl_) {
    req_.url = run.url_
    req_.baseUrl = run.baseUrl_
  }
  if (phase_ === POST) {
    if (err) {
      if (run.err_) reportTo(run.rest_, err, 'post-mw error')
      else run.err_ = err
      enter(run, POST, NONE)
    }
  } else if (phase_ === ERR) {
    if (!err) {
      run.err_ = undefined
      enter(run, POST, run.plan_.steps_.post)
    } else if (err !== run.err_) reportTo(run.rest_, err, 'error mw error')
  } else if (err) {
    run.err_ = err
    enter(run, ERR, run.plan_.steps_.err)
  } else if (err === false) enter(run, POST, run.plan_.steps_.post)
}

/** Wait for the promise of a step. (Not all that has a `then` keeps to settling once.) */
function waitFor(run: Run, number: number, step: AnyStep, promise: PromiseLike<unknown>): void {
  let isSettled = false
  function settle(err: unknown, value?: unknown): void {
    if (isSettled) return
    isSettled = true
    run.pending_!--
    if (err) proceed(run, number, err)
    else takeValue(run, number, step, value)
    if (run.isClosed_) close(run)
  }
  const threw = (failure: unknown): void => settle(toError(failure))
  run.pending_ = (run.pending_ || 0) + 1
  try {
    promise.then((value) => settle(null, value), threw)
  } catch (err) {
    threw(err)
  }
}

/** Take what a step returned: the answer, if it declares no `res` to answer by. */
function takeValue(run: Run, number: number, step: AnyStep, value: unknown): void {
  // (A promise is known by its `then`.)
  if (value && isFunction((value as PromiseLike<unknown>).then)) return waitFor(run, number, step, value as PromiseLike<unknown>)
  const { res_, err_, phase_ } = run
  const arity = step.length
  if (arity > (phase_ < ERR ? 1 : 2)) return
  if (value instanceof Error) return proceed(run, number, value)
  if (number !== run.number_) return
  if (phase_ === POST) {
    // It is done, and declares no next to say so. A wrapper that passes next on may yet call it. (So may the step that the closing of
    // the response has cut off before.)
    if (!(run.cut_! < number)) run.cut_ = number
    return proceed(run, number)
  }
  if (value === res_ || res_.headersSent) return
  if (value !== undefined) {
    let status = res_.statusCode
    if (phase_ === ERR) {
      takeBack(res_, [CONTENT_LENGTH, CONTENT_ENCODING])
      // The answer to an error is an error, unless its step says otherwise.
      if (status === 200) status = statusOf(err_) || 500
    }
    proceed(run, number, respond(res_, undefined, 'returned', status, value) || false)
  } else if (arity) {
    // (A step of length 0 may be a wrapper, and what it wraps may go on later.)
    const { method, url } = run.req_
    proceed(run, number, new Error('step "' + step.name + '" of ' + method + ' ' + url + ' returned nothing and takes no next'))
  }
}

/** The response is closed: only the post steps are left, unless a promise or the body is still to be waited for. */
function close(run: Run): void {
  const { phase_, req_, res_, isClosed_ } = run
  run.isClosed_ = true
  if (phase_ === POST) return
  const inner = runOf(req_)
  if (inner && inner !== run) return close(inner)
  if (run.pending_) return
  // A client that has left closes the request after the response, and what reads the body then says that it has ended too early.
  if (phase_ === BODY && !isClosed_ && !req_.closed && !res_.writableEnded) {
    req_.on('close', () => close(run))
  } else {
    // An err step that has answered has dealt with the error. One that has not goes on as a route does: the error is kept.
    if (!res_.writableEnded) run.phase_ = ROUTE
    run.cut_ = run.number_
    proceed(run, run.number_, false)
  }
}

/** The run is over. It lets go of everything: whoever still holds a `next` must not hold the request. */
function end(run: Run): void {
  const { callback_, err_, outer_, req_, res_, rest_, next_ } = run
  if (req_._run === run) req_._run = outer_
  run.req_ = run.res_ = run.callback_ = run.steps_ = run.route_ = undefined as never
  if (err_) run.err_ = undefined
  if (next_) run.next_ = undefined
  try {
    if (callback_) callback_(err_)
    else rest_!.done_!(err_, req_, res_, next_)
  } catch (failure) {
    reportTo(rest_, failure, 'mw callback threw')
  }
  if (outer_ && outer_.isClosed_) close(outer_)
}
