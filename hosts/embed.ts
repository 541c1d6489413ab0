/**
 * embed: how a request gets in where there is no `http` module. A host, such as a C program with an engine in it, hands over plain
 * values and gets plain values back.
 *
 * It makes the `req` and `res` that the core expects, and no more than that. Part of the scripts for small engines, so it imports
 * nothing but types and calls only what the smallest engines have. No timer, no promise: what happens, happens in a call of
 * the host's.
 */

import type { HostReq, HostRes, Listener } from '../mw.ts'

/** What is sent and received: text goes over the wire as UTF-8. */
export type Chunk = string | Uint8Array

/** Header fields: values by name, or names and values in turn, as they came (`['Host', 'a.test', 'Accept', '*']`). */
export type EmbedHeaders = readonly string[] | { readonly [name: string]: string | number | readonly string[] | undefined }

/** A request, as plain values. */
export interface EmbedRequest {
  /** As it came from the wire, upper-case. */
  method: string
  /** The request target as it came from the wire, percent-encoded. */
  url: string
  /**
   * Names in any case. Values of a name that comes again are joined by ', ', those of cookie by '; '. Kept, and read when a step asks
   * for them. Default none.
   */
  headers?: EmbedHeaders | undefined
  /**
   * The whole body; null if there is none. Without it one that is fed to the input is expected, if there is a content-length or a
   * transfer-encoding.
   */
  body?: Chunk | ArrayBuffer | null | undefined
  /** What is known of the client, such as `{ remoteAddress: '10.0.0.7' }`. Steps find it where node has it, as `req.socket`. */
  client?: object | undefined
  /** The longest body to take in, in bytes; the answer to a longer one is 413. Default 1048576 (1 MiB). */
  bodySizeLimit?: number | undefined
}

/** The header fields of an answer by lower-case name. An array is a field line for each of its values. */
export type EmbedAnswerHeaders = { readonly [name: string]: string | number | readonly string[] }

/** What takes an answer bit by bit. */
export interface EmbedReply {
  /** The head, once. It has a content-length if the length is known. */
  head(status: number, headers: EmbedAnswerHeaders): void
  /** A piece of the body. False if the host's buffer is full: then the host calls `input.drain()` when there is room again. */
  write(chunk: Chunk): boolean | void
  /** The end, maybe with the last or only piece. */
  end(chunk?: Chunk): void
  /** The app has cut the answer off: the host closes the connection, for the client to see that it is not whole. */
  abort(): void
}

/** What takes an answer at once. Text unless the app has sent bytes; an answer that the app cut off is a bare 500. */
export type EmbedWholeReply = (status: number, headers: EmbedAnswerHeaders, body: Chunk) => void

/** An app, or any other listener for requests. */
export type EmbedApp = (req: HostReq, res: HostRes) => unknown

/** The longest body to take in, if nothing else is said. */
const MAX_BODY_BYTES = 1 << 20

/**
 * How deep `next()` may nest, unless the app says otherwise: what follows the first step runs inside its `next()`, what follows the
 * others after theirs. A level takes 1.7 KB of stack in a 32-bit QuickJS, and a task of firmware has 16 KB for all.
 */
const MAX_NESTING = 2

const CONTENT_LENGTH = 'content-length'
const TRANSFER_ENCODING = 'transfer-encoding'

const isString = (value: unknown): value is string => typeof value == 'string'
const char = String.fromCharCode

// -------------------------------------------------------------------------------------------------- text and bytes

/**
 * A text in UTF-8 (RFC 3629): a character for each byte. Half a surrogate pair becomes U+FFFD.
 *
 * (Most text is ASCII, and passes with one look: for what it has not, as an engine that matches all of a text remembers each step.)
 */
const utf8 = (text: string): string => !/[\x80-\uffff]/.test(text) ? text : text.replace(/[\ud800-\udbff][\udc00-\udfff]|[\x80-\uffff]/g, (symbol) => {
  let code = symbol.charCodeAt(0)
  if (symbol[1]) code = (code - 0xd7c0 << 10) + (symbol.charCodeAt(1) & 0x3ff)
  else if (code >> 11 === 0x1b) code = 0xfffd
  let bytes = ''
  // What the first byte has room for: 5 bits if it is one of two bytes, then 4, and 3.
  let max = 0x3f
  do {
    bytes = char(0x80 | code & 0x3f) + bytes
    code >>= 6
    max >>= 1
  } while (code > max)
  return char(0xfe - 2 * max | code) + bytes
})

/** How many bytes a chunk has on the wire. */
const lengthOf = (chunk: Chunk): number => isString(chunk) ? utf8(chunk).length : chunk.length

/** A chunk as all others are; throws for what can be none. */
function toChunk(value: unknown): Chunk {
  if (value instanceof ArrayBuffer) return new Uint8Array(value)
  if (!isString(value) && !(value instanceof Uint8Array)) throw new TypeError('neither text nor bytes: ' + value)
  return value
}

/** Chunks as one: text if all of them are. */
function join(chunks: Chunk[]): Chunk {
  if (chunks.every(isString)) return chunks.join('')
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + lengthOf(chunk), 0))
  let at = 0
  for (const chunk of chunks) {
    const data = isString(chunk) ? utf8(chunk) : chunk
    for (let ix = 0; ix < data.length; ix++) bytes[at++] = isString(data) ? data.charCodeAt(ix) : data[ix]!
  }
  return bytes
}

if (typeof decodeURIComponent == 'undefined') {
  /** For the engines that lack it. Takes no bytes but those that `utf8` makes: none too many, and no half of a surrogate pair. */
  const decode = (text: string): string => text.replace(/%([\da-f]{2}(%[89ab][\da-f])*)?/gi, (run) => {
    const bytes = run.slice(1).split('%').map((hex) => char(parseInt(hex, 16))).join('')
    const more = bytes.length - 1
    let code = bytes.charCodeAt(0) & (more ? 0x3f >> more : 0x7f)
    for (let ix = 1; ix <= more; ix++) code = code << 6 | bytes.charCodeAt(ix) & 0x3f
    const decoded = code < 0x10000 ? char(code) : char(0xd7c0 + (code >> 10), 0xdc00 | code & 0x3ff)
    if (!run[1] || utf8(decoded) !== bytes) throw new Error('malformed escape: ' + run)
    return decoded
  })
  ;(globalThis as { decodeURIComponent?: unknown }).decodeURIComponent = decode
}

// ---------------------------------------------------------------------------------------------------------- events

/** What emits events. Listeners are kept beside their events in one list, as they are few. */
interface Emitter {
  listeners_?: unknown[] | undefined
  /** Nothing more will be emitted. */
  destroyed: boolean
  closed?: boolean
  /** What has come of a body while nobody takes it. */
  chunks_?: Chunk[] | undefined
  /** All of a body has come. */
  isWhole_?: boolean
  /** Too much of a body has come. */
  error_?: (Error & { statusCode?: number }) | undefined
  readableEnded?: boolean
}

/** The method `on` of both the request and the response. (A response has no body that could flow.) */
function on<Self extends Emitter>(this: Self, event: string, listener: Listener): Self {
  const { error_ } = this
  if (error_ && event === 'error') listener(error_)
  else if (!this.destroyed) (this.listeners_ || (this.listeners_ = [])).push(event, listener)
  if (event === 'end') flow(this)
  return this
}

function emit(list: unknown[] | undefined, event: string, value?: unknown): void {
  // (A listener may add another one, which is for the next time.)
  const count = list ? list.length : 0
  for (let ix = 0; ix < count; ix += 2) {
    if (list![ix] === event) (list![ix + 1] as Listener)(value)
  }
}

/** Emit the last events. Listeners mostly refer to what they listen to, in a cycle that ends here. */
function close(emitter: Emitter, lastEvent: string): void {
  if (emitter.destroyed) return
  emit(emitter.listeners_, lastEvent)
  const list = emitter.listeners_
  emitter.destroyed = emitter.closed = true
  emitter.listeners_ = undefined
  emit(list, 'close')
}

// ------------------------------------------------------------------------------------------------------ the request

/** A request. What has come of the body is held until somebody listens for its 'end'. */
interface EmbedReq extends HostReq, Emitter {
  headers: { [name: string]: string }
  /** The header fields as they were given; by lower-case name once somebody has looked. */
  given_: EmbedHeaders | undefined
  headers_?: EmbedReq['headers'] | undefined
  readableEncoding: string | undefined
  readableEnded: boolean
  aborted: boolean
  socket: object | undefined
  /** How many bytes may still come. */
  room_: number
}

/** What all requests share, and those without a body need not have: a request in flight should hold little. */
const commonReq = {
  // Where there is no body there is nothing to wait for, and it is an empty text.
  readableEncoding: 'utf8',
  readableEnded: true,
  isWhole_: true,

  get headers(): EmbedReq['headers'] {
    const req = this as unknown as EmbedReq
    if (!req.headers_) {
      req.headers_ = readHeaders(req.given_ || [])
      req.given_ = undefined
    }
    return req.headers_
  },

  set headers(headers: EmbedReq['headers']) {
    ;(this as unknown as EmbedReq).headers_ = headers
  },

  on,
}

/** True for the names of the fields that tell of a body. (By the length first: most names need no more.) */
const isFraming = (name: string): boolean =>
  !!name && (name.length === 14 || name.length === 17) && [CONTENT_LENGTH, TRANSFER_ENCODING].indexOf(name.toLowerCase()) >= 0

function buildReq({ method, url, headers, body, client, bodySizeLimit = MAX_BODY_BYTES }: EmbedRequest): EmbedReq {
  const req: EmbedReq = Object.create(commonReq)
  if (!(bodySizeLimit >= 0)) throw new RangeError('bad bodySizeLimit: ' + bodySizeLimit)
  req.method = method
  req.url = url
  req.given_ = headers
  if (client) req.socket = client
  // (Most requests need no more: what else is in their header fields is for those who look.)
  const names: readonly string[] = Array.isArray(headers) ? headers : Object.keys(headers || {})
  if (body === null || body === undefined && !names.some(isFraming)) return req
  const size = req.headers[CONTENT_LENGTH]
  if (body === undefined && !+size! && !req.headers[TRANSFER_ENCODING]) return req

  req.readableEncoding = undefined
  req.readableEnded = req.isWhole_ = false
  req.chunks_ = []
  req.room_ = bodySizeLimit
  if (+size! > bodySizeLimit) refuseBody(req)
  if (body !== undefined) {
    const chunk = toChunk(body)
    takeChunk(req, chunk)
    req.isWhole_ = true
    if (!size) req.headers[CONTENT_LENGTH] = '' + lengthOf(chunk)
  }
  return req
}

/** Header fields by lower-case name, as node has them. */
function readHeaders(given: EmbedHeaders): EmbedReq['headers'] {
  const headers: EmbedReq['headers'] = Object.create(null)
  const add = (mixed: string, values: unknown): void => {
    const name = mixed.toLowerCase()
    for (const value of ([] as unknown[]).concat(values)) {
      if (value !== undefined) headers[name] = headers[name] === undefined ? '' + value : headers[name] + (name === 'cookie' ? '; ' : ', ') + value
    }
  }
  if (Array.isArray(given)) for (let ix = 0; ix < given.length; ix += 2) add(given[ix], given[ix + 1])
  else for (const name of Object.keys(given)) add(name, (given as { [name: string]: unknown })[name])
  return headers
}

function takeChunk(req: EmbedReq, chunk: Chunk): void {
  if (req.destroyed || req.isWhole_ || req.error_) return
  req.room_ -= lengthOf(chunk)
  if (req.room_ < 0) refuseBody(req)
  else if (req.chunks_) req.chunks_.push(chunk)
  else emit(req.listeners_, 'data', chunk)
}

/** The body is too long: whoever reads it gets an error, now or when it comes to that. */
function refuseBody(req: EmbedReq): void {
  const error: NonNullable<EmbedReq['error_']> = new Error('body too long')
  error.statusCode = 413
  req.error_ = error
  req.chunks_ = undefined
  emit(req.listeners_, 'error', error)
}

/** Let the body flow to those who listen, to its end if that has come. */
function flow(req: Emitter): void {
  const { chunks_ } = req
  req.chunks_ = undefined
  for (const chunk of chunks_ || []) emit(req.listeners_, 'data', chunk)
  if (!req.isWhole_ || req.destroyed) return
  req.readableEnded = !req.error_
  close(req, req.error_ ? '' : 'end')
}

// ----------------------------------------------------------------------------------------------------- the response

interface EmbedRes extends HostRes, Emitter {
  headersSent: boolean
  writableEnded: boolean
  destroyed: boolean
  readonly reply_: EmbedReply
  /** Made when the first is set. */
  headers_?: { [name: string]: string | number | readonly string[] }
  /** The answer has no body (RFC 9110, section 6.4.1): it is one to HEAD, or its head has been sent and says so. */
  isBare_?: boolean
}

/** What all responses share. */
const commonRes = {
  statusCode: 200,
  headersSent: false,
  writableEnded: false,
  destroyed: false,

  setHeader(this: EmbedRes, name: string, value: string | number | readonly string[]): EmbedRes {
    if (this.headersSent) throw new Error('head has been sent: ' + name)
    if (value == null || /[^\w!#$%&'*+.^`|~-]|^$/.test(name) || /[\r\n\0]/.test('' + value)) {
      throw new TypeError('bad header ' + name + ': ' + value)
    }
    headersOf(this)[name.toLowerCase()] = value
    return this
  },

  getHeader(this: EmbedRes, name: string) {
    return headersOf(this)[name.toLowerCase()]
  },

  removeHeader(this: EmbedRes, name: string): void {
    if (this.headersSent) throw new Error('head has been sent: ' + name)
    delete headersOf(this)[name.toLowerCase()]
  },

  writeHead(this: EmbedRes, statusCode: number, phrase?: string | EmbedAnswerHeaders, headers?: EmbedAnswerHeaders): EmbedRes {
    if (this.headersSent) throw new Error('head has been sent: ' + statusCode)
    // (Of a phrase nobody is told.)
    const fields = (isString(phrase) ? headers : phrase) || {}
    for (const name of Object.keys(fields)) this.setHeader(name, fields[name]!)
    this.statusCode = statusCode
    sendHead(this)
    return this
  },

  write(this: EmbedRes, chunk: unknown): boolean {
    const data = toChunk(chunk)
    if (this.writableEnded) throw new Error('write after end')
    if (!this.headersSent) sendHead(this)
    // (A host that sends chunks would end the body with an empty one.)
    return !this.destroyed && (this.isBare_ || !data.length || this.reply_.write(data) !== false)
  },

  end(this: EmbedRes, chunk?: unknown): EmbedRes {
    const { headersSent, writableEnded, reply_ } = this
    const data = chunk == null ? undefined : toChunk(chunk)
    if (!headersSent) sendHead(this, data || '', data === undefined)
    this.writableEnded = true
    if (this.destroyed || writableEnded) return this
    if (this.isBare_ || !data || !data.length) reply_.end()
    else reply_.end(data)
    close(this, 'finish')
    return this
  },

  on,

  /** Cut the answer off. */
  destroy(this: EmbedRes): EmbedRes {
    const { destroyed, writableEnded, reply_ } = this
    close(this, '')
    if (!destroyed && !writableEnded) reply_.abort()
    return this
  },
}

/** The header fields: nothing is in the table but what is put there. */
const headersOf = (res: EmbedRes): NonNullable<EmbedRes['headers_']> => res.headers_ || (res.headers_ = Object.create(null))

/** Send the head; with a content-length, if all of the body is known. */
function sendHead(res: EmbedRes, body?: Chunk, isNothing?: boolean): void {
  const headers = headersOf(res)
  const status = res.statusCode | 0
  if (res.destroyed) return
  if (status < 200 || status > 999) throw new RangeError('bad status: ' + res.statusCode)
  // How an answer is framed is for the host to say (RFC 9112, section 6).
  delete headers[TRANSFER_ENCODING]
  if (status === 204 || status === 304) res.isBare_ = true
  // A 204 has no length (RFC 9110, section 8.6). Of others without a body nobody knows it, unless the app says so.
  if (status === 204) delete headers[CONTENT_LENGTH]
  else if (body !== undefined && !headers[CONTENT_LENGTH] && !(res.isBare_ && isNothing)) headers[CONTENT_LENGTH] = lengthOf(body)
  res.headersSent = true
  res.reply_.head(status, headers)
}

/** What gathers an answer for a host that wants all of it at once. */
function gather(reply: EmbedWholeReply): EmbedReply {
  const chunks: Chunk[] = []
  let status: number
  let headers: EmbedAnswerHeaders
  return {
    head(statusCode, fields) {
      status = statusCode
      headers = fields
    },
    write(chunk) {
      chunks.push(chunk)
    },
    end(chunk) {
      if (chunk !== undefined) chunks.push(chunk)
      reply(status, headers, join(chunks))
    },
    abort() {
      reply(500, {}, '')
    },
  }
}

// --------------------------------------------------------------------------------------------------------- the host

/** What a host tells of a request that is on its way. */
export interface EmbedInput {
  /** A piece of the body. */
  data(chunk: Chunk | ArrayBuffer): void
  /** The body is whole. */
  end(): void
  /** The client has left: nothing more comes from it, and nobody takes the answer. */
  abort(): void
  /** There is room in the host's buffer again. */
  drain(): void
}

interface Input {
  req_: EmbedReq
  res_: EmbedRes
}

const commonInput = {
  data(this: Input, chunk: unknown): void {
    const { req_, res_ } = this
    const data = toChunk(chunk)
    // After the answer nobody comes for what is being held.
    if (!res_.destroyed || !req_.chunks_) takeChunk(req_, data)
  },

  end(this: Input): void {
    const { req_ } = this
    if (req_.isWhole_) return
    req_.isWhole_ = true
    if (!req_.chunks_) flow(req_)
  },

  abort(this: Input): void {
    const { req_, res_ } = this
    if (!req_.destroyed) req_.aborted = true
    req_.chunks_ = undefined
    // The response first: the post steps then wait for what reads the body, which learns of it next.
    close(res_, '')
    close(req_, '')
  },

  drain(this: Input): void {
    emit(this.res_.listeners_, 'drain')
  },
}

/**
 * Hand a request to an app; what it answers goes to `reply`, maybe before this returns.
 *
 *     handle(app, { method: 'GET', url: '/hello' }, (status, headers, body) => print(status, body))
 *
 * Returns what takes a body that comes in pieces, and other news of the client. The host calls `end` or `abort` of it, unless it
 * has given the whole body or there is none. Throws on what is no app, no request or no reply.
 */
export function handle(app: EmbedApp, request: EmbedRequest, reply: EmbedReply | EmbedWholeReply): EmbedInput {
  const { method, url } = request
  if (typeof app != 'function' || !isString(method) || !isString(url)) throw new TypeError('bad app or request: ' + app + ' ' + method + ' ' + url)
  const whole = typeof reply == 'function' ? gather(reply) : reply
  if (typeof whole.abort != 'function') throw new TypeError('bad reply: ' + reply)
  const req = buildReq(request)
  const res: { -readonly [name in keyof EmbedRes]: EmbedRes[name] } = Object.create(commonRes)
  res.reply_ = whole
  if (method === 'HEAD') res.isBare_ = true
  const { rest } = app as { rest?: { maxNesting?: number | undefined } }
  if (rest && !rest.maxNesting) rest.maxNesting = MAX_NESTING
  app(req, res)
  const input: Input & EmbedInput = Object.create(commonInput)
  input.req_ = req
  input.res_ = res
  return input
}
