/**
 * inject: asks an app without a socket, for its tests.
 *
 *     const answer = await inject(app, 'GET', '/users/7')
 *     answer.statusCode, answer.json()
 *
 * The app sees a request as embed.ts makes it, which is what a device sees.
 */

import { handle } from './embed.ts'
import type { Chunk, EmbedAnswerHeaders, EmbedHeaders } from './embed.ts'
import type { HostReq, HostRes, Next } from '../mw.ts'

/** An app, or any other listener for requests. */
export type InjectApp = (req: HostReq, res: HostRes, next?: Next) => unknown

export interface InjectOptions {
  /** Header fields by name, in any case, or names and values in turn. Default none. */
  headers?: EmbedHeaders | undefined
  /** Text and bytes are sent as they are, anything else as JSON, with its content-type. Default no body. */
  body?: unknown
  /** What the app finds as `req.socket`, such as `{ remoteAddress: '10.0.0.7' }`. */
  client?: object | undefined
}

/** An answer as it would have come over the wire. */
export interface InjectAnswer {
  statusCode: number
  /** The header fields by lower-case name; those sent more than once are joined by ', ', but for set-cookie, a list. */
  headers: { [name: string]: string | string[] | undefined }
  /** The body as text. */
  body: string
  /** The body as bytes. */
  bytes: Uint8Array
  /** The body, parsed as JSON. Throws if it is not JSON. */
  json(): unknown
}

/** The header fields as names and values in turn, and the body as bytes (a Buffer on Node, as over a socket) or undefined. */
function encodeBody({ headers = [], body }: InjectOptions): { headers: string[]; bytes: Uint8Array | undefined } {
  const list = Array.isArray(headers) ? [...headers as string[]] : Object.entries(headers).flatMap(([name, value]) => (
    [value ?? []].flat().flatMap(one => [name, String(one)])
  ))
  if (body === undefined) return { headers: list, bytes: undefined }
  const isNamed = (name: string): boolean => list.some((item, ix) => ix % 2 === 0 && item.toLowerCase() === name)
  const isPlain = typeof body == 'string' || body instanceof Uint8Array || body instanceof ArrayBuffer
  const sent = isPlain ? body : JSON.stringify(body) as string | undefined
  if (sent === undefined) throw new TypeError('bad body: ' + String(body))
  const bytes = toBytes(sent)
  if (!isPlain && !isNamed('content-type')) list.push('content-type', 'application/json')
  if (!isNamed('content-length') && !isNamed('transfer-encoding')) list.push('content-length', String(bytes.length))
  return { headers: list, bytes: typeof Buffer == 'undefined' ? bytes : Buffer.from(bytes.buffer) }
}

/** Bytes that stay as they are, whatever becomes of what they come from. */
function toBytes(chunk: Chunk | ArrayBuffer): Uint8Array {
  return typeof chunk == 'string' ? new TextEncoder().encode(chunk) : new Uint8Array(chunk).slice()
}

function toAnswer(statusCode: number, sent: EmbedAnswerHeaders, chunks: readonly Uint8Array[]): InjectAnswer {
  const headers = Object.fromEntries(Object.entries(sent).map(([name, value]) => (
    [name, name === 'set-cookie' ? [value].flat().map(String) : [value].flat().join(', ')]
  )))
  const bytes = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  const body = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  return { statusCode, headers, body, bytes, json: () => JSON.parse(body) }
}

/**
 * Ask an app, and wait for its answer.
 *
 * Rejects if the app throws, cuts its answer off, or has its `next` called without an answer, with the error that it was called with.
 * The body comes after the head, as over a network. An app that never answers is waited for.
 */
export function inject(app: InjectApp, method: string, url: string, options: InjectOptions = {}): Promise<InjectAnswer> {
  if (typeof app != 'function') throw new TypeError('no app: ' + app)
  const { client } = options
  const { headers, bytes } = encodeBody(options)
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    let status = 0
    let answerHeaders: EmbedAnswerHeaders = {}
    const reply = {
      head(statusCode: number, headers: EmbedAnswerHeaders): void {
        status = statusCode
        answerHeaders = headers
      },
      write(chunk: Chunk): void {
        chunks.push(toBytes(chunk))
      },
      end(chunk?: Chunk): void {
        if (chunk !== undefined) chunks.push(toBytes(chunk))
        resolve(toAnswer(status, answerHeaders, chunks))
      },
      abort(): void {
        reject(new Error(method + ' ' + url + ' was cut off'))
      },
    }
    // (Not the app itself, whose nesting embed would cut down to what a small stack bears.)
    const listener = (req: HostReq, res: HostRes): unknown => app(req, res, (err) => {
      reject(err || new Error(method + ' ' + url + ' was not answered'))
    })
    const input = handle((req, res) => {
      Promise.resolve(listener(req, res)).catch(reject)
    }, { method, url, headers, client, bodySizeLimit: Infinity }, reply)
    if (bytes) input.data(bytes)
    input.end()
  })
}
