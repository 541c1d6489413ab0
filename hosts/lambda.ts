/**
 * lambda: an app as a function in the cloud. One handler for AWS Lambda, behind an API Gateway (REST APIs, and HTTP APIs with either
 * payload format), a function URL or an Application Load Balancer, and for the HTTP triggers of Alibaba Cloud's Function Compute.
 *
 *     export const handler = toLambda(app)
 *
 * Requests come as events, documents in JSON whose kind is known by its shape; the app sees a request as embed.ts makes it. Node is
 * what all of these run, so this may use its Buffer, and its timers.
 */

import { handle } from './embed.ts'
import type { Chunk, EmbedAnswerHeaders, EmbedApp, EmbedInput, EmbedReply } from './embed.ts'
import type { HostReq, HostRes, Listener } from '../mw.ts'

declare global {
  namespace Microrest {
    interface Extras {
      /** What a function in the cloud was called with. */
      lambda?: LambdaCall
    }
  }
}

/** What a function in the cloud was called with, for steps. */
export interface LambdaCall {
  readonly event: LambdaEvent
  readonly context: LambdaContext
}

/** One value for each name; null where there is none. */
type Fields = { readonly [name: string]: string | undefined } | null | undefined

/** All values of each name; null where there is none. */
type ListFields = { readonly [name: string]: readonly string[] | undefined } | null | undefined

/** What is used here of the events, whatever their kind. The rest is there as well. */
export interface LambdaEvent {
  readonly version?: string
  readonly httpMethod?: string
  readonly path?: string
  readonly rawPath?: string
  readonly rawQueryString?: string
  readonly queryStringParameters?: Fields
  readonly multiValueQueryStringParameters?: ListFields
  readonly queryParameters?: Fields
  readonly headers?: Fields
  readonly multiValueHeaders?: ListFields
  readonly cookies?: readonly string[]
  readonly body?: string | null
  readonly isBase64Encoded?: boolean
  readonly requestContext?: LambdaRequestContext
}

/** What the provider knows of a request. */
export interface LambdaRequestContext {
  readonly path?: string
  readonly stage?: string
  readonly domainName?: string
  readonly requestId?: string
  /** What an authorizer of the provider's has found. */
  readonly authorizer?: unknown
  readonly identity?: { readonly sourceIp?: string }
  readonly http?: { readonly method: string; readonly sourceIp?: string }
  readonly elb?: object
}

/** The second argument of a function in the cloud, as far as it is used here or asked for often. The rest is there as well. */
export interface LambdaContext {
  getRemainingTimeInMillis?(): number
  readonly awsRequestId?: string
  readonly functionName?: string
  readonly invokedFunctionArn?: string
  readonly requestId?: string
  callbackWaitsForEmptyEventLoop?: boolean
  /** At Function Compute: its configuration; `timeout` is in seconds. */
  readonly function?: { readonly timeout?: number }
}

export interface LambdaOptions {
  /** What a custom domain puts before the paths of the app, such as '/shop'. `req.baseUrl` has it, `req.url` has not. Default none. */
  basePath?: string | undefined
  /** The longest that an answer may take, in milliseconds; then it is a 503. Default is as long as the function may run. */
  timeLimit?: number | undefined
  /** How long before the function is stopped an answer is given up, in milliseconds: for a 503, and for post steps. Default 500. */
  timeMargin?: number | undefined
  /**
   * Send answers as they are written, where the runtime can do that. Default false, which gathers them.
   *
   * The function URL has to have the invoke mode RESPONSE_STREAM, the integration of a REST API the response transfer mode STREAM. To
   * other events the same handler gives its answers in one piece.
   */
  streaming?: boolean | undefined
}

/** An answer, in the form that the kind of its event asks for. */
export interface LambdaAnswer {
  statusCode: number
  /** The same with its phrase, for load balancers. */
  statusDescription?: string
  headers?: { [name: string]: string }
  multiValueHeaders?: { [name: string]: string[] }
  cookies?: string[]
  /** Text, or bytes in base64. */
  body: string
  isBase64Encoded: boolean
}

/**
 * What the runtime calls. Rejects for what is no event of a request.
 *
 * (Of a length of two: the newer runtimes refuse what declares a callback.)
 */
export type LambdaHandler = (event: unknown, context?: LambdaContext) => Promise<LambdaAnswer>

/** How long before its end a call is given up, in milliseconds, if nothing else is said. */
const TIME_MARGIN_MS = 500

/** The longest delay that timers know, in milliseconds. */
const MAX_DELAY_MS = 0x7fffffff

// -------------------------------------------------------------------------------------------------------- the sources

/** Where events come from, and what is particular to them. */
interface Source {
  /** It decodes the path, and leaves the name of the stage in front of it. */
  decodesPath?: boolean
  /** The query of a request, encoded. */
  toQuery(event: LambdaEvent): string
  /** The header fields of an answer. */
  toHead(headers: EmbedAnswerHeaders): Partial<LambdaAnswer>
  /** It asks for the phrase of the status too. */
  takesPhrase?: boolean
  /** It can take an answer as it is written. */
  isStreamable?: boolean
}

const REST_API: Source = { toQuery: encodedAnew, toHead: inTwoTables, isStreamable: true }
const HTTP_API_1: Source = { decodesPath: true, toQuery: encodedAnew, toHead: inTwoTables }
const HTTP_API_2: Source = { decodesPath: true, toQuery: asItWas, toHead: cookiesApart }
const FUNCTION_URL: Source = { toQuery: asItWas, toHead: cookiesApart, isStreamable: true }
// Load balancers alone leave names and values of a query as they came over the wire.
const BALANCER: Source = { toQuery: joinedAsTheyWere, toHead: oneValueEach, takesPhrase: true }
const BALANCER_OF_LISTS: Source = { toQuery: joinedAsTheyWere, toHead: listsAlone, takesPhrase: true }
const FUNCTION_COMPUTE: Source = { toQuery: encodedAnew, toHead: oneValueEach }

/** What an event comes from; undefined if it is none of a request. */
function sourceOf({ version, httpMethod, path, rawPath, multiValueHeaders, requestContext }: LambdaEvent): Source | undefined {
  const { http, elb, domainName } = requestContext ?? {}
  if (http && isString(http.method) && isString(rawPath)) {
    if (version === 'v1') return FUNCTION_COMPUTE
    if (version === '2.0') return domainName?.includes('.lambda-url.') ? FUNCTION_URL : HTTP_API_2
  } else if (isString(httpMethod) && isString(path)) {
    if (elb) return multiValueHeaders ? BALANCER_OF_LISTS : BALANCER
    return version === '1.0' ? HTTP_API_1 : REST_API
  }
  return undefined
}

// ------------------------------------------------------------------------------------------------------ the request

/** A request, read from an event. */
interface Reading {
  event: LambdaEvent
  source: Source
  method: string
  /** The path and the query, encoded. */
  url: string
  /** What stands before that in the client's URL, or in the event's. */
  baseUrl: string
  headers: Fields | ListFields
  address: string | undefined
  body: Uint8Array | null
  /** It was to be base64, and is not. */
  isBroken: boolean
}

/** Read an event. Throws for what is none of a request. */
function readEvent(given: unknown, basePath: string): Reading {
  // Function Compute hands over the bytes of the document.
  const isText = isString(given) || given instanceof Uint8Array
  const event = (isText ? JSON.parse(Buffer.from(given as string).toString()) : given) as LambdaEvent
  const source = event && typeof event == 'object' ? sourceOf(event) : undefined
  if (!source || !isString(event.body ?? '')) {
    // (Its names alone: what else is in it may be secret.)
    throw new TypeError('no event of a request: ' + (event && typeof event == 'object' ? 'it has ' + Object.keys(event) : event))
  }
  const { http, elb, identity } = event.requestContext ?? {}
  const headers = event.multiValueHeaders ?? withCookies(event)
  const body = event.body ?? ''
  const bytes = Buffer.from(body, event.isBase64Encoded ? 'base64' : 'utf8')
  return {
    event,
    source,
    method: http?.method ?? event.httpMethod!,
    ...readTarget(event, source, basePath),
    headers,
    address: elb ? lastForwarded(headers) : (http ?? identity)?.sourceIp,
    body: body ? bytes : null,
    isBroken: !!event.isBase64Encoded && bytes.toString('base64') !== body,
  }
}

/** The request target, and what stands before it. */
function readTarget(event: LambdaEvent, source: Source, basePath: string): { url: string; baseUrl: string } {
  const given = event.rawPath ?? event.path!
  const { stage, path: full } = event.requestContext ?? {}
  const path = source.decodesPath ? encodePath(given) : given
  let prefix = source.decodesPath && stage && stage !== '$default' ? leading(path, '/' + encodePath(stage)) : ''
  prefix += leading(path.slice(prefix.length), basePath)
  // A REST API has taken the stage off, and says so beside it. (With a custom domain there is none.)
  const taken = source === REST_API && full?.endsWith(given) ? full.slice(0, -given.length) : ''
  const query = source.toQuery(event)
  return { url: path.slice(prefix.length).replace(/^(?!\/)/, '/') + (query && '?' + query), baseUrl: taken + prefix }
}

const isString = (value: unknown): value is string => typeof value == 'string'

/** Half of a surrogate pair is no text: in UTF-8 it is the replacement character. */
const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd')

const encode = (text: string): string => encodeURIComponent(wellFormed(text))

/** A path that has been decoded, as it may stand in a request target. (Which of its slashes were encoded is lost.) */
const encodePath = (path: string): string => encodeURI(wellFormed(path)).replace(/[?#]/g, encodeURIComponent)

/** The prefix if a path begins with it, component by component; else nothing. */
const leading = (path: string, prefix: string): string => (prefix && (path + '/').startsWith(prefix + '/') ? prefix : '')

function asItWas({ rawQueryString }: LambdaEvent): string {
  return rawQueryString ?? ''
}

/** A query of names and values. (In which order those of different names stood is lost, and that a name had no value.) */
function joined(event: LambdaEvent, encoded: (text: string) => string): string {
  const values = event.multiValueQueryStringParameters ?? event.queryStringParameters ?? event.queryParameters
  return fieldsOf(values).map(([name, value]) => encoded(name) + '=' + encoded(value)).join('&')
}

function joinedAsTheyWere(event: LambdaEvent): string {
  return joined(event, String)
}

function encodedAnew(event: LambdaEvent): string {
  return joined(event, encode)
}

/** The fields of a table, one for each value. */
function fieldsOf(table: Fields | ListFields): [name: string, value: string][] {
  return Object.entries(table ?? {}).flatMap(([name, values]) => [values ?? []].flat().map((value): [string, string] => [name, value]))
}

/** Header fields; the payload format 2.0 has the cookies apart. */
function withCookies({ headers, cookies }: LambdaEvent): Fields {
  if (!cookies) return headers
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'cookie')
  return Object.fromEntries([...others, ['cookie', cookies.join('; ')]])
}

/** The client of a load balancer: the last address, which the balancer itself has added, maybe with a port. */
function lastForwarded(headers: Fields | ListFields): string | undefined {
  const all = fieldsOf(headers).filter(([name]) => name.toLowerCase() === 'x-forwarded-for').map(([, value]) => value).join()
  const last = all.split(',').pop()!.trim()
  return last.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1') || undefined
}

// ------------------------------------------------------------------------------------------------------- the answer

/** What belongs to a connection (RFC 9110, section 7.6.1), and is for the provider to say. */
const CONNECTION_FIELD = /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/

/** What may go as text, if it is text. */
const TEXT_TYPE = /^text\/|\b(json|xml|javascript|x-www-form-urlencoded)\b/i

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

type Value = EmbedAnswerHeaders[string]

/** The names of the fields of an answer that are sent. */
const namesOf = (headers: EmbedAnswerHeaders): string[] => Object.keys(headers).filter((name) => !CONNECTION_FIELD.test(name))

const toList = (value: Value): string[] => [value].flat().map(String)

/** All values of a field as one, which those of a cookie cannot be (RFC 6265, section 3). */
const toLine = (value: Value): string => (Array.isArray(value) ? value.join(', ') : String(value))

/** Those of one value in a table, and those that have a list in another one. */
function inTwoTables(headers: EmbedAnswerHeaders): Partial<LambdaAnswer> {
  const lines: { [name: string]: string } = {}
  const lists: { [name: string]: string[] } = {}
  for (const name of namesOf(headers)) {
    const value = headers[name]!
    if (Array.isArray(value)) lists[name] = toList(value)
    else lines[name] = toLine(value)
  }
  return Object.keys(lists).length ? { headers: lines, multiValueHeaders: lists } : { headers: lines }
}

function listsAlone(headers: EmbedAnswerHeaders): Partial<LambdaAnswer> {
  return { multiValueHeaders: Object.fromEntries(namesOf(headers).map((name) => [name, toList(headers[name]!)])) }
}

function cookiesApart(headers: EmbedAnswerHeaders): Partial<LambdaAnswer> {
  const lines: { [name: string]: string } = {}
  for (const name of namesOf(headers)) if (name !== 'set-cookie') lines[name] = toLine(headers[name]!)
  const cookies = headers['set-cookie']
  return cookies === undefined ? { headers: lines } : { headers: lines, cookies: toList(cookies) }
}

/** One value for each name; cookies have names that differ in case. */
function oneValueEach(headers: EmbedAnswerHeaders): Partial<LambdaAnswer> {
  const lines: { [name: string]: string } = {}
  for (const name of namesOf(headers)) {
    if (name !== 'set-cookie') lines[name] = toLine(headers[name]!)
    else toList(headers[name]!).forEach((value, ix) => { lines[spelling(name, ix)] = value })
  }
  return { headers: lines }
}

/** A name in one of the ways to write it: each bit of the number is the case of a letter. */
function spelling(name: string, number: number): string {
  let bits = number
  return name.replace(/[a-z]/g, (letter) => {
    const isUpper = bits & 1
    bits >>= 1
    return isUpper ? letter.toUpperCase() : letter
  })
}

type Head = Omit<LambdaAnswer, 'body' | 'isBase64Encoded'>

/** The status and the header fields of an answer, in the form of its source. */
function headOf({ toHead, takesPhrase }: Source, status: number, headers: EmbedAnswerHeaders): Head {
  const head: Head = Object.assign({ statusCode: status }, toHead(headers))
  if (takesPhrase) head.statusDescription = status + ' ' + (process.getBuiltinModule('node:http').STATUS_CODES[status] ?? 'Unknown')
  return head
}

/** A body as text, or else in base64. */
function encodeBody(chunks: Chunk[], headers: EmbedAnswerHeaders): Pick<LambdaAnswer, 'body' | 'isBase64Encoded'> {
  if (chunks.every(isString)) return { body: wellFormed(chunks.join('')), isBase64Encoded: false }
  const bytes = Buffer.concat(chunks.map((chunk) => (isString(chunk) ? Buffer.from(chunk) : chunk)))
  if (TEXT_TYPE.test(String(headers['content-type'])) && !headers['content-encoding']) {
    try {
      return { body: utf8.decode(bytes), isBase64Encoded: false }
    } catch {
      // It is in another encoding.
    }
  }
  return { body: bytes.toString('base64'), isBase64Encoded: true }
}

/** What takes an answer, and can give one of its own in its place. */
interface Sink extends EmbedReply {
  /** Answer with an error; what has been sent already is cut off. */
  fail(status: number): void
  /** There is an input now. */
  attach?(input: EmbedInput): void
}

type Settle = { resolve: (answer: LambdaAnswer) => void; reject: (err: Error) => void }

const ERROR_HEADERS = { 'content-type': 'application/json' }
const ERRORS: { [status: number]: string } = { 500: '500 Internal Error', 503: '503 Service Unavailable' }

/** An error as the core tells of it. */
const errorBody = (status: number): string => JSON.stringify({ error: String(status), message: ERRORS[status] })

/** Gather an answer, for a runtime that takes it at once. */
function gather(source: Source, { resolve }: Settle): Sink {
  const chunks: Chunk[] = []
  let head: { status: number; headers: EmbedAnswerHeaders }
  function give(status: number, headers: EmbedAnswerHeaders, body: Chunk[]): void {
    resolve(Object.assign(headOf(source, status, headers), encodeBody(body, headers)))
  }
  return {
    head(status, headers) {
      head = { status, headers }
    },
    write(chunk) {
      chunks.push(chunk)
    },
    end(chunk) {
      if (chunk !== undefined) chunks.push(chunk)
      give(head.status, head.headers, chunks)
    },
    abort() {
      this.fail(500)
    },
    fail(status) {
      give(status, ERROR_HEADERS, [errorBody(status)])
    },
  }
}

// ----------------------------------------------------------------------------------------------------- the runtime

/** The stream that a runtime takes an answer by. */
interface AnswerStream {
  write(chunk: Chunk): boolean
  end(): unknown
  on(event: string, listener: Listener): unknown
  setContentType?(type: string): void
}

/** The global that the runtime of AWS has for those who stream. */
declare const awslambda: {
  streamifyResponse(handler: (event: unknown, stream: AnswerStream, context: LambdaContext) => Promise<void>): LambdaHandler
  HttpResponseStream: { from(stream: AnswerStream, head: Partial<LambdaAnswer>): AnswerStream }
} | undefined

/** Send an answer as it is written. */
function send(stream: AnswerStream, source: Source, { resolve, reject }: Settle): Sink {
  let body: AnswerStream | undefined
  let isOpen = true
  return {
    head(status, headers) {
      body = awslambda!.HttpResponseStream.from(stream, headOf(source, status, headers))
    },
    write(chunk) {
      return body!.write(chunk)
    },
    end(chunk) {
      // The head goes out with the first chunk, and with nothing else.
      body!.write(chunk ?? '')
      isOpen = false
      body!.end()
      resolve(undefined as never)
    },
    abort() {
      this.fail(500)
    },
    fail(status) {
      // The runtime tells its client of a handler that fails: it must not be taken for the end.
      if (body) return reject(new Error('the answer was cut off: ' + ERRORS[status]))
      this.head(status, ERROR_HEADERS)
      this.end(errorBody(status))
    },
    attach(input) {
      function leave(err?: unknown): void {
        if (!isOpen) return
        input.abort()
        reject(err instanceof Error ? err : new Error('the client has left'))
      }
      stream.on('drain', () => input.drain())
      stream.on('error', leave)
      stream.on('close', leave)
    },
  }
}

/** Node refuses these characters in the value of a header, and so do the runtimes: then the whole answer would be lost. */
function setHeader(this: HostRes, name: string, value: string | number | readonly string[]): unknown {
  if (/[^\t\x20-\x7e\x80-\xff]/.test(String(value))) throw new TypeError('bad header ' + name + ': ' + value)
  return (Object.getPrototypeOf(this) as HostRes).setHeader.call(this, name, value)
}

/** Hand a request to the app. */
function ask(app: EmbedApp, reading: Reading, context: LambdaContext, sink: Sink): EmbedInput {
  const { event, method, url, baseUrl, headers, body, isBroken, address } = reading
  function listener(req: HostReq, res: HostRes): void {
    function failed(err: unknown): void {
      console.warn('microrest/lambda:', err)
      res.destroy()
    }
    Object.assign(req, { lambda: { event, context } })
    if (baseUrl) Object.assign(req, { baseUrl })
    // (Of what was decoded on the way the length that the client has told need not be true.)
    if (body) Object.assign(req.headers, { 'content-length': String(body.length) })
    if (isBroken) req.on = refuseBody
    res.setHeader = setHeader
    // (Apps of microrest neither throw nor reject.)
    try {
      const value = app(req, res) as PromiseLike<unknown> | undefined
      if (typeof value?.then == 'function') value.then(undefined, failed)
    } catch (err) {
      failed(err)
    }
  }
  const client = address === undefined ? undefined : { remoteAddress: address }
  // (How long a body may be is for the app to say; the providers have limits of their own.)
  return handle(listener, { method, url, headers: headers ?? {}, body, client, bodySizeLimit: Infinity }, sink)
}

/** What a request does, in place of emitting a body, whose body is broken. */
function refuseBody(this: HostReq, event: string, listener: Listener): unknown {
  const err = new Error('bad base64')
  if (event === 'error') listener(Object.assign(err, { statusCode: 400, debug: 'the body is no base64' }))
  return this
}

/** How long an answer may take, in milliseconds. */
function limitOf(context: LambdaContext, { timeLimit = Infinity, timeMargin = TIME_MARGIN_MS }: LambdaOptions): number {
  const left = context.getRemainingTimeInMillis?.() ?? (context.function?.timeout ?? Infinity) * 1000
  // (The margin takes no more than half of what there is.)
  return Math.min(timeLimit, Math.max(left - timeMargin, left / 2))
}

/** Have a request answered: in time, or with a 503. */
async function answer(
  app: EmbedApp, reading: Reading, context: LambdaContext, options: LambdaOptions, toSink: (settle: Settle) => Sink
): Promise<LambdaAnswer> {
  let timer: unknown
  try {
    return await new Promise((resolve, reject) => {
      const sink = toSink({ resolve, reject })
      const input = ask(app, reading, context, sink)
      sink.attach?.(input)
      const limit = limitOf(context, options)
      // (Not `unref`: where nothing else is to come the runtime takes the call for ended, with nothing as its answer.)
      if (limit <= MAX_DELAY_MS) timer = setTimeout(giveUp, limit)
      function giveUp(): void {
        sink.fail(503)
        input.abort()
      }
    })
  } finally {
    clearTimeout(timer as undefined)
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
export function toLambda(app: EmbedApp, options: LambdaOptions = {}): LambdaHandler {
  const { basePath = '', timeLimit = 1, timeMargin = 1, streaming } = options
  if (typeof app != 'function') throw new TypeError('no app: ' + app)
  if (basePath && !/^\/.*[^/]$/.test(basePath)) throw new TypeError('bad basePath: ' + basePath)
  if (!(timeLimit > 0)) throw new RangeError('bad timeLimit: ' + timeLimit)
  if (!(timeMargin >= 0)) throw new RangeError('bad timeMargin: ' + timeMargin)

  async function gathered(event: unknown, context: LambdaContext = {}): Promise<LambdaAnswer> {
    const reading = readEvent(event, basePath)
    return answer(app, reading, context, options, (settle) => gather(reading.source, settle))
  }
  async function streamed(event: unknown, stream: AnswerStream, context: LambdaContext): Promise<void> {
    const reading = readEvent(event, basePath)
    if (reading.source.isStreamable) {
      await answer(app, reading, context, options, (settle) => send(stream, reading.source, settle))
    } else {
      // What comes by the stream is then taken for what a handler returns.
      const whole = await answer(app, reading, context, options, (settle) => gather(reading.source, settle))
      stream.setContentType?.('application/json')
      stream.write(JSON.stringify(whole))
      stream.end()
    }
  }
  return streaming && typeof awslambda != 'undefined' ? awslambda.streamifyResponse(streamed) : gathered
}
