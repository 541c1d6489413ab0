// embed: plain values in, plain values out. Every promise of its docstrings, by a host that takes down all that it is told: what is
// made of a request, of a body however it comes, of an answer however it is written, and what becomes of both when the client
// leaves or the app gives up.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { Chunk, EmbedAnswerHeaders, EmbedApp, EmbedHeaders, EmbedInput, EmbedReply, EmbedRequest } from '../../hosts/embed.ts'
import type { App, HostReq, HostRes, HttpErrorLike, Next, Req, Step } from '../../microrest.ts'
import { HttpError, Router, mw, rest } from '../fixtures/core.ts'
import { SCRIPTS, decodersOf, handle, supplied } from '../fixtures/embed.ts'
import type { Decode } from '../fixtures/embed.ts'
import { gc } from '../fixtures/gc.ts'
import { quote } from '../fixtures/quote.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

// --------------------------------------------------------------------------------------------------------- the host

type Fields = { [name: string]: string | string[] }

/** What a host is told, in its order. */
type Told = ['head', status: number, headers: Fields] | ['write', chunk: Chunk] | ['end', ...chunks: Chunk[]] | ['abort']

/** Header fields as they go over the wire: texts. */
function fieldsOf(headers: EmbedAnswerHeaders): Fields {
  const entries = Object.entries(headers).map(([name, value]): [string, string | string[]] => (
    [name, Array.isArray(value) ? value.map(String) : String(value)]
  ))
  return Object.fromEntries(entries)
}

/** A host that takes down what it is told. */
class Host implements EmbedReply {
  told: Told[] = []
  /** What `write` gives back. */
  hasRoom: boolean | void = true

  head(status: number, headers: EmbedAnswerHeaders): void {
    this.told.push(['head', status, fieldsOf(headers)])
  }

  write(chunk: Chunk): boolean | void {
    this.told.push(['write', chunk])
    return this.hasRoom
  }

  end(...chunks: Chunk[]): void {
    this.told.push(['end', ...chunks])
  }

  abort(): void {
    this.told.push(['abort'])
  }
}

/** A request as embed makes it. */
type EmbedReq = HostReq & { body?: unknown; socket?: unknown; aborted?: boolean; destroyed: boolean; readableEnded: boolean }

interface Exchange {
  host: Host
  input: EmbedInput
  req: EmbedReq
  res: HostRes
}

/** Hand a request to an app. */
function start(app: EmbedApp, request: Partial<EmbedRequest> = {}, host = new Host()): Exchange {
  let seen: { req: EmbedReq; res: HostRes } | undefined
  const input = handle((req, res) => {
    seen = { req: req as EmbedReq, res }
    return app(req, res)
  }, { method: 'GET', url: '/', ...request }, host)
  return { host, input, ...seen! }
}

/** Have a listener answer a GET, and take down what the host is told. */
const tell = (answer: (res: HostRes) => unknown, request?: Partial<EmbedRequest>): Told[] => (
  start((_req, res) => answer(res), request).host.told
)

const idle: EmbedApp = () => {}
const never: Step = (_req, _res, _next) => {}

/** The request of a body that comes in pieces. */
const PIECES: Partial<EmbedRequest> = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } }

/** Listen for all that a request can tell; the list of it grows. */
function listenTo(req: HostReq): unknown[][] {
  const events: unknown[][] = []
  for (const event of ['data', 'error', 'close', 'end']) req.on(event, (value) => events.push(value === undefined ? [event] : [event, value]))
  return events
}

/** Bytes and texts as one text. */
const textOf = (chunks: readonly unknown[]): string => (
  Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as Uint8Array))).toString()
)

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

/** A promise, and what fulfils it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>((resolve) => { open = resolve })
  return { opened, open }
}

/** Let all happen that follows from what has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

const ROUTERS: [name: string, make: () => App][] = [['Router', () => rest({ router: new Router() })], ['NanoRouter', () => rest()]]

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const utf8 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text))

/** How many random cases each property is tried on. */
const numRuns = Number(process.env.RUNS) || 1000

/** Texts in which all kinds of UTF-16 units meet, also such that are no Unicode. */
const units = fc.oneof(
  fc.integer({ min: 0, max: 0x7f }), fc.integer({ min: 0x80, max: 0x7ff }), fc.integer({ min: 0x800, max: 0xffff }),
  fc.integer({ min: 0xd800, max: 0xdbff }), fc.integer({ min: 0xdc00, max: 0xdfff }),
)
const anyText = fc.array(units, { maxLength: 20 }).map((codes) => String.fromCharCode(...codes))

/** The same, with halves of surrogate pairs replaced as in UTF-8. */
const goodText = anyText.map((text) => Buffer.from(text).toString())

// ------------------------------------------------------------------------------------------------------ the request

t.test('a request is as it came', async t => {
  for (const [method, url] of [['GET', '/'], ['PURGE', '*'], ['GET', 'http://a/b?c#d'], ['get', ''], ['POST', '/%zz/../é?%00']] as const) {
    const { req } = start(idle, { method, url })
    t.match(req, { method, url }, method + ' ' + url)
  }
})

t.test('header fields are found by lower-case name', async t => {
  const table: [given: EmbedHeaders | undefined, headers: Fields, why: string][] = [
    [undefined, {}, 'none'],
    [[], {}, 'an empty list'],
    [{}, {}, 'an empty object'],
    [{ 'Content-TYPE': 'a/B', accept: 'X' }, { 'content-type': 'a/B', accept: 'X' }, 'names in any case, values as they are'],
    [['Host', 'a.test', 'ACCEPT', '*/*'], { host: 'a.test', accept: '*/*' }, 'names and values in turn'],
    [['X-A', '1', 'y', '-', 'x-a', '2', 'X-a', '3'], { 'x-a': '1, 2, 3', y: '-' }, 'a name that comes again'],
    [{ 'X-A': '1', 'x-a': '2' }, { 'x-a': '1, 2' }, 'again in another case'],
    [{ 'x-a': ['1', '2'] }, { 'x-a': '1, 2' }, 'a list of values'],
    [{ 'X-A': ['1', '2'], 'x-a': '3' }, { 'x-a': '1, 2, 3' }, 'a list, and again'],
    [{ 'x-a': ['1'] }, { 'x-a': '1' }, 'a list of one'],
    [{ 'x-a': [] }, {}, 'an empty list of values'],
    [['Cookie', 'a=1', 'cookie', 'b=2'], { cookie: 'a=1; b=2' }, 'cookies (RFC 9113, section 8.2.3)'],
    [{ Cookie: ['a=1', 'b=2'] }, { cookie: 'a=1; b=2' }, 'a list of cookies'],
    [['x', '', 'X', ''], { x: ', ' }, 'empty values'],
    [{ x: '' }, { x: '' }, 'an empty value'],
    [{ a: undefined, b: '1' }, { b: '1' }, 'no value'],
    [{ 'content-length': 12, x: 0 }, { 'content-length': '12', x: '0' }, 'numbers'],
    [['constructor', 'a', 'toString', 'b', 'hasOwnProperty', 'c'], { constructor: 'a', tostring: 'b', hasownproperty: 'c' }, 'names of Object'],
    [['valueOf', 'a', 'VALUEOF', 'b'], { valueof: 'a, b' }, 'and again'],
  ]
  for (const [given, expected, why] of table) {
    const { req } = start(idle, { headers: given })
    t.strictSame({ ...req.headers }, expected, why)
  }
})

t.test('__proto__ is the name of a header like any other', async t => {
  for (const headers of [['__proto__', 'a', '__PROTO__', 'b'], { ['__proto__']: ['a', 'b'] }]) {
    const { req } = start(idle, { headers })
    t.strictSame(Object.entries(req.headers), [['__proto__', 'a, b']])
    t.equal(({} as { [name: string]: unknown }).a, undefined)
  }
})

t.test('a header that was not sent is not there, whatever its name', async t => {
  const { req } = start(idle, { headers: ['x', '1'] })
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) t.notOk(name in req.headers, name)
})

t.test('a step may put other headers in the place of those that came', async t => {
  const { req } = start(idle, { headers: ['x', '1'] })
  req.headers = { y: '2' }
  t.strictSame(req.headers, { y: '2' })
  t.equal(req.headers, req.headers)
})

t.test('what the host hands over is left as it is', async t => {
  const request = Object.freeze({
    method: 'POST', url: '/x', headers: Object.freeze({ A: Object.freeze(['1', '2']) }), body: 'abc', client: Object.freeze({}), bodySizeLimit: 3,
  })
  handle((_req, res) => res.end(), request, new Host())
  const list = Object.freeze(['A', '1', 'a', '2'])
  handle((_req, res) => res.end(), { ...request, headers: list }, new Host())
  t.strictSame(list, ['A', '1', 'a', '2'])
})

t.test('steps find the client where node has it, as req.socket', async t => {
  const client = { remoteAddress: '10.0.0.7', remotePort: 4711 }
  t.equal(start(idle, { client }).req.socket, client)
  t.equal(start(idle).req.socket, undefined)
})

t.test('two requests at a time have nothing to do with each other', async t => {
  const app = rest({ router: new Router() }).post('/:name', (req) => req.params.name + ':' + req.body + ':' + req.headers.x)
  const [one, two] = ['one', 'two'].map((name) => start(app, { ...PIECES, url: '/' + name, headers: ['transfer-encoding', 'x', 'x', name] }))
  one!.input.data('a')
  two!.input.data('b')
  one!.input.data('c')
  two!.input.end()
  t.strictSame(one!.host.told, [])
  one!.input.end()
  t.match([one!.host.told[1], two!.host.told[1]], [['end', 'one:ac:one'], ['end', 'two:b:two']])
})

t.test('next nests less deeply on a small stack, unless the app says otherwise', async t => {
  const plain = rest().get('/', () => 'hi')
  handle(plain, { method: 'GET', url: '/' }, () => {})
  t.ok(plain.rest.maxNesting! < 10, String(plain.rest.maxNesting))
  for (const maxNesting of [1, 200]) {
    const app = rest({ maxNesting }).get('/', () => 'hi')
    handle(app, { method: 'GET', url: '/' }, () => {})
    t.equal(app.rest.maxNesting, maxNesting)
  }
})

t.test('a thousand steps run on a small stack', async t => {
  const app = rest({ router: new Router() })
  let depth = 0
  let deepest = 0
  const step: Step = (_req, _res, next) => {
    deepest = Math.max(deepest, ++depth)
    next()
    depth--
  }
  app.get('/', ...Array.from({ length: 1000 }, () => step), () => 'hi')
  const host = new Host()
  handle(app, { method: 'GET', url: '/' }, host)
  t.match(host.told, [['head', 200], ['end', 'hi']])
  t.ok(deepest <= app.rest.maxNesting!, 'nested ' + deepest)
})

// --------------------------------------------------------------------------------------------------------- the body

for (const [name, make] of ROUTERS) {
  t.test('a whole body is there for the steps of a ' + name, async t => {
    const table: [body: EmbedRequest['body'], expected: unknown, why: string][] = [
      ['a€𝄞', 'a€𝄞', 'a text'],
      ['', '', 'an empty text'],
      [bytes(0, 255, 128), bytes(0, 255, 128), 'bytes'],
      [bytes(), bytes(), 'no bytes'],
      [bytes(1, 2, 3).buffer as ArrayBuffer, bytes(1, 2, 3), 'an ArrayBuffer'],
      [new ArrayBuffer(0), bytes(), 'an empty ArrayBuffer'],
      [bytes(1, 2, 3).subarray(1), bytes(2, 3), 'a part of bytes'],
      [Buffer.from('node'), Buffer.from('node'), 'a Buffer'],
    ]
    for (const [body, expected, why] of table) {
      let found: unknown
      const app = make().post('/', (req) => {
        found = req.body
        return 'hi'
      })
      const { host } = start(app, { method: 'POST', body })
      t.strictSame(found, expected, why)
      t.match(host.told, [['head', 200], ['end', 'hi']], why)
    }
  })

  t.test(`a body in pieces is put together for the steps of a ${name}, however it is cut`, async t => {
    const whole = utf8('a€𝄞é')
    const app = make().post('/', (req) => Buffer.from(req.body as Uint8Array).toString())
    for (let cut = 0; cut <= whole.length; cut++) {
      for (const asBuffer of [false, true]) {
        const { host, input } = start(app, PIECES)
        for (const piece of [whole.slice(0, cut), whole.slice(cut)]) input.data(asBuffer ? piece.buffer as ArrayBuffer : piece)
        t.strictSame(host.told, [], 'nothing before its end')
        input.end()
        t.match(host.told, [['head', 200, { 'content-length': '10' }], ['end', 'a€𝄞é']], 'cut at ' + cut)
      }
    }
  })

  t.test(`a body in pieces of text is a text for the steps of a ${name}`, async t => {
    const { host, input } = start(make().post('/', (req) => [typeof req.body, req.body]), PIECES)
    for (const piece of ['a€', '', '𝄞']) input.data(piece)
    input.end()
    t.match(host.told, [['head', 200], ['end', '["string","a€𝄞"]']])
  })

  t.test(`a request without a body does not keep the steps of a ${name} waiting`, async t => {
    const app = make().all('/', (req) => [req.body])
    for (const headers of [{}, { 'content-length': '0' }, { 'content-length': '' }, { 'content-length': 'x' }]) {
      const { host } = start(app, { method: 'DELETE', headers })
      t.match(host.told, [['head', 200], ['end', '[""]']], JSON.stringify(headers))
    }
  })
}

t.test('a body comes where the head says so', async t => {
  const table: [headers: EmbedHeaders, isExpected: boolean][] = [
    [{}, false],
    [{ 'content-type': 'text/plain' }, false],
    [{ 'content-length': '0' }, false],
    [{ 'content-length': '1' }, true],
    [{ 'Content-Length': 5 }, true],
    [['CONTENT-LENGTH', '5'], true],
    [{ 'content-length': 'many' }, false],
    [{ 'transfer-encoding': 'chunked' }, true],
    [['Transfer-Encoding', 'chunked'], true],
    [{ 'transfer-encoding': undefined, 'content-length': undefined }, false],
    [{ 'transfer-encoding': '' }, false],
  ]
  for (const [headers, isExpected] of table) {
    const { req, input } = start(idle, { headers })
    const events = listenTo(req)
    t.strictSame(events, isExpected ? [] : [['end'], ['close']], JSON.stringify(headers))
    input.data('abc')
    input.end()
    t.strictSame(events, isExpected ? [['data', 'abc'], ['end'], ['close']] : [['end'], ['close']], JSON.stringify(headers))
  }
})

t.test('a whole body has a content-length, its own unless the host has said it', async t => {
  const table: [body: EmbedRequest['body'], headers: EmbedHeaders, expected: string][] = [
    ['a€𝄞', {}, '8'],
    ['', {}, '0'],
    [bytes(1, 2), [], '2'],
    [new ArrayBuffer(3), {}, '3'],
    ['abc', { 'Content-Length': '4' }, '4'],
  ]
  for (const [body, headers, expected] of table) {
    t.equal(start(idle, { body, headers }).req.headers['content-length'], expected)
  }
})

t.test('a body is held until somebody listens for its end, whenever it comes', async t => {
  const steps: ((input: EmbedInput) => void)[] = [
    (input) => input.data('a'),
    (input) => input.data(bytes(1)),
    (input) => input.data(bytes(2).buffer as ArrayBuffer),
    (input) => input.end(),
  ]
  for (let turn = 0; turn <= steps.length; turn++) {
    const { req, input } = start(idle, PIECES)
    for (const step of steps.slice(0, turn)) step(input)
    const early: unknown[] = []
    req.on('data', (chunk) => early.push(chunk))
    t.strictSame(early, [], 'nothing for those who listen for data alone')
    const events = listenTo(req)
    for (const step of steps.slice(turn)) step(input)
    t.strictSame(events, [['data', 'a'], ['data', bytes(1)], ['data', bytes(2)], ['end'], ['close']], 'listened after ' + turn)
    t.equal(early.length, 3)
    t.ok(req.readableEnded)
  }
})

t.test('a body has one end, and nothing after it', async t => {
  const { req, input } = start(idle, PIECES)
  const events = listenTo(req)
  input.data('a')
  input.end()
  input.data('b')
  input.end()
  input.abort()
  t.strictSame(events, [['data', 'a'], ['end'], ['close']])
  t.notOk(req.aborted)
  const late = listenTo(req)
  t.strictSame(late, [])
})

t.test('the end of a body that there is none of is still to come for those who listen', async t => {
  const { req, input } = start(idle)
  input.end()
  input.end()
  t.strictSame(listenTo(req), [['end'], ['close']])
})

t.test('nothing comes after the end that has not been listened for yet', async t => {
  const { req, input } = start(idle, PIECES)
  input.data('a')
  input.end()
  input.data('b')
  input.end()
  t.strictSame(listenTo(req), [['data', 'a'], ['end'], ['close']])
})

t.test('a body that is no text and no bytes throws', async t => {
  const table: [body: unknown, shown: string][] = [[5, '5'], [{ a: 1 }, '[object Object]'], [[1], '1'], [new Uint16Array([7]), '7']]
  for (const [body, shown] of table) {
    const expected = { name: 'TypeError', message: 'neither text nor bytes: ' + shown }
    t.throws(() => handle(idle, { method: 'POST', url: '/', body: wrong<string>(body) }, new Host()), expected)
    const { input, req } = start(idle, PIECES)
    t.throws(() => input.data(wrong<string>(body)), expected)
    input.end()
    t.strictSame(listenTo(req), [['end'], ['close']], 'and is not taken')
  }
  for (const piece of [undefined, null]) {
    t.throws(() => start(idle, PIECES).input.data(wrong<string>(piece)), { message: 'neither text nor bytes: ' + piece })
  }
})

t.test('a host may say that there is no body, whatever the header fields say', t => {
  const { host, req } = start(rest({ router: new Router() }).post('/', (req) => ({ body: req.body })), { ...PIECES, body: null })
  t.match(host.told[1], ['end', '{"body":""}'])
  t.strictSame(listenTo(req), [['end'], ['close']])
  t.end()
})

t.test('where there is no body a step may still wait for its end', async t => {
  const app = rest({ router: new Router() }).get('/', (req, res, next) => {
    req.on('end', () => {
      res.end('ended ' + JSON.stringify(req.body))
      next()
    })
  })
  t.match(start(app).host.told[1], ['end', 'ended ""'])
})

t.test('steps may put what they like on a request: the input does not go by it', async t => {
  const { host, input, res } = start(rest({ router: new Router() }).post('/', (req, res, next) => {
    res.write('first')
    res.on('drain', () => {
      res.end(' last ' + req.body)
      next()
    })
  }).use('pre', (req, _res, next) => {
    Object.assign(req, { data: 1, end: 2, abort: 3, drain: 4 })
    next()
  }), PIECES)
  input.data('body')
  input.end()
  input.drain()
  t.match(host.told.slice(1), [['write', 'first'], ['end', ' last body']])
  input.abort()
  t.equal(res.writableEnded, true)
})

t.test('a step may read the body by itself', async t => {
  const app = rest({ router: new Router() })
  const read: Step = (req, res) => {
    let text = ''
    req.on('data', (chunk: string) => { text += chunk })
    req.on('end', () => res.end(text.toUpperCase()))
  }
  read.readBody = false
  app.post('/', read)
  const { host, input } = start(app, PIECES)
  for (const piece of ['a', 'b', 'c']) input.data(piece)
  input.end()
  t.match(host.told, [['head', 200], ['end', 'ABC']])
})

// ------------------------------------------------------------------------------------------------ the limit of bodies

/** The ways in which a body of four bytes can come. */
const WAYS: [why: string, request: Partial<EmbedRequest>, feed: (input: EmbedInput) => void][] = [
  ['told by its length', { headers: { 'content-length': '4' } }, () => {}],
  ['a whole text', { body: '𝄞' }, () => {}],
  ['whole bytes', { body: bytes(1, 2, 3, 4) }, () => {}],
  ['a whole ArrayBuffer', { body: new ArrayBuffer(4) }, () => {}],
  ['whole, with its length', { body: '€a', headers: { 'content-length': '4' } }, () => {}],
  ['pieces of text', PIECES, (input) => ['é', 'é'].forEach((piece) => input.data(piece))],
  ['pieces of bytes', PIECES, (input) => [1, 2, 3, 4].forEach((value) => input.data(bytes(value)))],
  ['one piece', PIECES, (input) => input.data(new ArrayBuffer(4))],
]

for (const [why, request, feed] of WAYS) {
  for (const [name, make] of ROUTERS) {
    t.test(`a body over the limit is a 413 of the ${name}: ${why}`, async t => {
      const posts: unknown[] = []
      const app = make().use('post', (req) => { posts.push(req.url) })
      app.post('/', () => t.fail('no step runs'))
      const { host, input } = start(app, { method: 'POST', ...request, bodySizeLimit: 3 })
      feed(input)
      t.match(host.told, [
        ['head', 413, { 'content-type': 'application/json' }],
        ['end', JSON.stringify({ error: '413', message: '413 Payload Too Large' })],
      ])
      t.equal(host.told.length, 2)
      t.equal(posts.length, 1)
      input.data(bytes(5))
      input.end()
      input.abort()
      t.equal(host.told.length, 2)
      t.equal(posts.length, 1)
    })
  }

  t.test('a body of just the limit passes: ' + why, async t => {
    const { input, req } = start(idle, { method: 'POST', ...request, bodySizeLimit: 4 })
    const events = listenTo(req)
    feed(input)
    input.end()
    const names = events.map(([event]) => event).filter((event) => event !== 'data')
    t.strictSame(names, ['end', 'close'])
  })

  t.test('who listens late learns of a body over the limit too, and gets nothing of it: ' + why, async t => {
    const { input, req } = start(idle, { method: 'POST', ...request, bodySizeLimit: 3 })
    feed(input)
    const events = listenTo(req)
    t.match(events, [['error', { message: 'body too long', statusCode: 413 }]])
    t.ok(events[0]![1] instanceof Error)
    input.data(bytes(1))
    input.end()
    t.notOk(events.some(([event]) => event === 'data' || event === 'end'))
    t.notOk(req.readableEnded)
  })
}

t.test('the limit is 1 MiB if nothing else is said', async t => {
  const app = rest().post('/', (req) => String((req.body as Uint8Array).length))
  app.rest.readBody = mw.buildReadBody({ bodySizeLimit: Infinity })
  for (const [size, status] of [[1 << 20, 200], [(1 << 20) + 1, 413]] as const) {
    t.match(start(app, { method: 'POST', body: new Uint8Array(size) }).host.told, [['head', status]], size + ' bytes')
  }
})

t.test('a limit that is no number of bytes throws', async t => {
  for (const bodySizeLimit of [-1, NaN, '1k', {}, -Infinity]) {
    for (const request of [{}, { body: 'a' }]) {
      const message = 'bad bodySizeLimit: ' + bodySizeLimit
      t.throws(() => start(idle, { ...request, bodySizeLimit: bodySizeLimit as number }), { name: 'RangeError', message })
    }
  }
  for (const bodySizeLimit of [0, undefined]) t.match(tell((res) => res.end(), { bodySizeLimit }), [['head', 200]])
})

t.test('the app may have a smaller limit', async t => {
  const app = rest({ bodySizeLimit: 3 }).post('/', () => 'hi')
  const refused = [['head', 400, { connection: 'close' }], ['end', /max body size exceeded/]]
  t.match(start(app, { method: 'POST', body: 'abcd' }).host.told, refused)
  const { host, input } = start(app, PIECES)
  input.data('ab')
  input.data('cd')
  t.match(host.told, refused)
})

t.test('who takes no notice of a body that is too long is told that it has closed', async t => {
  let posts = 0
  const app = rest().use('post', () => { posts++ }).post('/', never)
  app.rest.readBody = (req, _res, next) => {
    req.on('data', () => t.fail('nothing of it comes'))
    req.on('end', () => next())
  }
  const { input, host } = start(app, { ...PIECES, bodySizeLimit: 1 })
  input.data('ab')
  t.equal(posts, 0)
  input.abort()
  t.equal(posts, 1)
  t.strictSame(host.told, [])
})

t.test('no limit is Infinity', async t => {
  const { req } = start(idle, { method: 'POST', body: new Uint8Array(3 << 20), bodySizeLimit: Infinity })
  t.strictSame(listenTo(req).map(([event]) => event), ['data', 'end', 'close'])
})

t.test('an err step sees that a body is too long, and may answer', async t => {
  const app = rest({ router: new Router() }).post('/', () => 'hi')
  app.use((err: unknown, _req: Req, res: HostRes, _next: Next) => {
    res.statusCode = (err as HttpErrorLike).statusCode
    res.end('no more than 3')
  })
  const { host } = start(app, { method: 'POST', body: 'abcd', bodySizeLimit: 3 })
  t.match(host.told, [['head', 413], ['end', 'no more than 3']])
})

t.test('what has come of a body that is refused is let go', async t => {
  const { input, req } = start(idle, { ...PIECES, bodySizeLimit: 1000 })
  let piece: Uint8Array | undefined = new Uint8Array(1000)
  const ref = new WeakRef(piece)
  input.data(piece)
  piece = undefined
  input.data(bytes(1))
  await settle()
  gc()
  t.equal(ref.deref(), undefined)
  t.match(listenTo(req), [['error', { statusCode: 413 }]])
})

t.test('what comes of a body after the answer is let go, if nobody reads it', async t => {
  const { input, req } = start((_req, res) => res.end(), PIECES)
  let piece: Uint8Array | undefined = new Uint8Array(1000)
  const ref = new WeakRef(piece)
  input.data(piece)
  piece = undefined
  await settle()
  gc()
  t.equal(ref.deref(), undefined)
  t.notOk(req.destroyed)
})

t.test('a body is read on after the answer', async t => {
  const { input, req, res } = start(idle, PIECES)
  const events = listenTo(req)
  input.data('a')
  res.end()
  input.data('b')
  input.end()
  t.strictSame(events, [['data', 'a'], ['data', 'b'], ['end'], ['close']])
})

// ----------------------------------------------------------------------------------------------------- the response

t.test('headers are set, found and removed by names in any case', async t => {
  const told = tell((res) => {
    t.equal(res.setHeader('X-A', 'one'), res)
    t.equal(res.getHeader('x-a'), 'one')
    t.equal(res.getHeader('X-a'), 'one')
    res.setHeader('x-A', 'two')
    t.equal(res.getHeader('x-a'), 'two')
    res.setHeader('Number', 5)
    t.equal(res.getHeader('number'), 5)
    res.setHeader('Gone', '1')
    t.equal(res.removeHeader('gOnE'), undefined)
    t.equal(res.getHeader('gone'), undefined)
    res.removeHeader('never-was')
    res.setHeader('list', ['a', 'b'])
    t.strictSame(res.getHeader('List'), ['a', 'b'])
    res.setHeader('empty', '')
    res.end()
  })
  t.strictSame(told, [['head', 200, { 'x-a': 'two', number: '5', list: ['a', 'b'], empty: '', 'content-length': '0' }], ['end']])
})

t.test('names of Object are names of headers like others', async t => {
  const names = ['__proto__', 'constructor', 'toString']
  const host = new Host()
  let headers: EmbedAnswerHeaders = {}
  host.head = (_status, given) => { headers = given }
  start((_req, res) => {
    for (const name of names) t.equal(res.getHeader(name), undefined)
    for (const name of names) res.setHeader(name, 'of ' + name)
    for (const name of names) t.equal(res.getHeader(name), 'of ' + name)
    res.removeHeader('constructor')
    t.equal(res.getHeader('constructor'), undefined)
    res.end()
  }, {}, host)
  t.strictSame(Object.keys(headers), ['__proto__', 'tostring', 'content-length'])
})

t.test('several values of a header are kept apart', async t => {
  const told = tell((res) => res.writeHead(200, { 'Set-Cookie': ['a=1, b', 'c=2'], Vary: ['x', 'y'] }).end())
  t.strictSame(told[0], ['head', 200, { 'set-cookie': ['a=1, b', 'c=2'], vary: ['x', 'y'] }])
})

t.test('a name that is no token, or a value that would end its line, throws', async t => {
  const table: [name: unknown, value: unknown, why: string][] = [
    ['', 'x', 'no name'],
    ['a b', 'x', 'a space in a name'],
    [' a', 'x', 'a space before it'],
    ['a ', 'x', 'a space behind it'],
    ['a:', 'x', 'a colon'],
    ['a\r\nb', 'x', 'a line end in a name'],
    ['a\n', 'x', 'a line end behind it'],
    ['a\0', 'x', 'a NUL in a name'],
    ['a\tb', 'x', 'a tab'],
    ['é', 'x', 'a letter that is not ASCII'],
    ['ſ', 'x', 'one that folds to ASCII'],
    ['a"', 'x', 'a quote'],
    ['a/b', 'x', 'a slash'],
    ['(a)', 'x', 'a bracket'],
    ['a@b', 'x', 'an at'],
    ['a[', 'x', 'another'],
    ['x', 'a\r\nb: c', 'a header in a value'],
    ['x', 'a\rb', 'CR'],
    ['x', 'a\nb', 'LF'],
    ['x', 'a\n', 'LF at the end'],
    ['x', '\0', 'NUL'],
    ['x', ['a', 'b\nc'], 'LF in a list'],
    ['x', ['a\0'], 'NUL in a list'],
    ['x', undefined, 'no value'],
    ['x', null, 'null'],
    ['x', { toString: () => 'a\nb' }, 'LF in what becomes a text'],
  ]
  for (const [name, value, why] of table) {
    for (const set of [
      (res: HostRes) => res.setHeader(name as string, value as string),
      (res: HostRes) => res.writeHead(200, { [name as string]: value as string }),
    ]) {
      const { host, res } = start(idle)
      t.throws(() => set(res), { name: 'TypeError', message: 'bad header ' + name + ': ' + value }, why)
      t.notOk(res.headersSent, why)
      t.strictSame(host.told, [], why)
      t.equal(res.getHeader(name as string), undefined, why)
    }
  }
})

t.test('a name may be any token (RFC 9110, section 5.6.2)', async t => {
  const { res } = start(idle)
  for (let code = 0; code < 256; code++) {
    const name = String.fromCharCode(code)
    const isToken = /^[-!#$%&'*+.^_`|~0-9A-Za-z]$/.test(name)
    if (isToken) res.setHeader(name, 'x')
    else t.throws(() => res.setHeader(name, 'x'), { name: 'TypeError' }, quote(name))
    t.equal(res.getHeader(name), isToken ? 'x' : undefined)
  }
})

t.test('a bad header is answered with a 500 by an app, and nothing of it is sent', async t => {
  catchWarnings(t)
  const app = rest().get('/', (_req, res) => {
    res.setHeader('x', 'a\r\nset-cookie: b')
    res.end()
  })
  t.match(start(app).host.told, [['head', 500, { 'content-type': 'application/json' }], ['end', /500 Internal Error/]])
})

t.test('a head is sent once, and no header after it', async t => {
  for (const send of [(res: HostRes) => res.writeHead(200), (res: HostRes) => res.write('a'), (res: HostRes) => res.end('a')]) {
    const { host, res } = start(idle)
    t.equal(res.headersSent, false)
    send(res)
    t.equal(res.headersSent, true)
    const told = host.told.length
    const lates = [() => res.setHeader('x', '1'), () => res.removeHeader('x'), () => res.writeHead(200), () => res.writeHead(204, { x: '1' })]
    for (const late of lates) {
      t.throws(late, { message: /^head has been sent/ })
    }
    t.equal(host.told.length, told)
    t.equal(res.statusCode, 200)
  }
})

t.test('a status that is set after the head changes nothing', async t => {
  for (const status of [204, 304, 99, 500]) {
    const told = tell((res) => {
      res.write('a')
      res.statusCode = status
      res.write('b')
      res.end('c')
    })
    t.strictSame(told, [['head', 200, {}], ['write', 'a'], ['write', 'b'], ['end', 'c']], 'status ' + status)
  }
})

t.test('an answer that could not be sent leaves nothing behind for the next one', async t => {
  const told = tell((res) => {
    res.statusCode = 99
    t.throws(() => res.end('abc'))
    t.throws(() => res.write('abc'))
    t.equal(res.writableEnded, false)
    res.statusCode = 500
    res.end('failed')
  })
  t.strictSame(told, [['head', 500, { 'content-length': '6' }], ['end', 'failed']])
})

t.test('writeHead takes a phrase, as that of node does, and drops it', async t => {
  type ByPhrase = (statusCode: number, phrase: string, headers?: { [name: string]: string }) => HostRes
  t.strictSame(tell((res) => (res.writeHead as unknown as ByPhrase)(201, 'Made', { A: '1' })), [['head', 201, { a: '1' }]])
  t.strictSame(tell((res) => (res.writeHead as unknown as ByPhrase)(201, 'Made')), [['head', 201, {}]])
})

t.test('writeHead sets the status and headers beside those that are set, and sends them', async t => {
  const told = tell((res) => {
    res.setHeader('a', '1')
    res.setHeader('b', '2')
    t.equal(res.writeHead(404, { B: '3', C: ['4'] }), res)
    t.equal(res.statusCode, 404)
  })
  t.strictSame(told, [['head', 404, { a: '1', b: '3', c: ['4'] }]])
})

t.test('a status is a number from 200 to 999', async t => {
  const { res } = start(idle)
  t.equal(res.statusCode, 200)
  for (const status of [200, 201, 404, 599, 999]) {
    t.match(tell((res) => res.writeHead(status)), [['head', status]])
    t.match(tell((res) => {
      res.statusCode = status
      res.end()
    }), [['head', status], ['end']])
  }
  // As over node, what is no integer is cut to one.
  for (const [status, sent] of [['404', 404], [404.9, 404]] as const) {
    t.match(tell((res) => res.writeHead(status as number)), [['head', sent]])
  }
  t.strictSame(tell((res) => Object.assign(res, { statusCode: '204' }).end('a')), [['head', 204, {}], ['end']])
  for (const status of [0, -1, 100, 101, 199, 1000, NaN, Infinity, undefined, null, 'two', {}]) {
    for (const send of [
      (res: HostRes) => res.writeHead(status as number),
      (res: HostRes) => Object.assign(res, { statusCode: status }).end('a'),
      (res: HostRes) => Object.assign(res, { statusCode: status }).write('a'),
    ]) {
      const { host, res } = start(idle)
      t.throws(() => send(res), { name: 'RangeError', message: 'bad status: ' + status })
      t.strictSame(host.told, [])
      t.equal(res.headersSent, false)
    }
  }
})

t.test('an answer is told as it is written', async t => {
  const table: [why: string, write: (res: HostRes) => unknown, told: Told[]][] = [
    ['an end alone', (res) => res.end(), [['head', 200, { 'content-length': '0' }], ['end']]],
    ['an end with a text', (res) => res.end('a€'), [['head', 200, { 'content-length': '4' }], ['end', 'a€']]],
    ['an end with bytes', (res) => res.end(bytes(1, 2)), [['head', 200, { 'content-length': '2' }], ['end', bytes(1, 2)]]],
    ['a piece and the end', (res) => [res.write('a'), res.end()], [['head', 200, {}], ['write', 'a'], ['end']]],
    [
      'pieces of both kinds, and one with the end', (res) => [res.write('a'), res.write(bytes(1)), res.end('b')],
      [['head', 200, {}], ['write', 'a'], ['write', bytes(1)], ['end', 'b']],
    ],
    ['a head and the end', (res) => res.writeHead(201).end(), [['head', 201, {}], ['end']]],
    ['a head, and the end with a text', (res) => res.writeHead(201).end('a'), [['head', 201, {}], ['end', 'a']]],
    ['a head and a piece', (res) => res.writeHead(201).write('a'), [['head', 201, {}], ['write', 'a']]],
    ['a head alone', (res) => res.writeHead(201), [['head', 201, {}]]],
    [
      'a length that the app knows', (res) => res.writeHead(200, { 'Content-Length': 2 }).write('a'),
      [['head', 200, { 'content-length': '2' }], ['write', 'a']],
    ],
    [
      'and says before the end', (res) => (res.setHeader('content-length', '1'), res.end('a')),
      [['head', 200, { 'content-length': '1' }], ['end', 'a']],
    ],
    ['an ArrayBuffer', (res) => res.end(wrong<Uint8Array>(bytes(7).buffer)), [['head', 200, { 'content-length': '1' }], ['end', bytes(7)]]],
    // A host that sends chunks would end the body with an empty one.
    ['empty pieces', (res) => [res.write(''), res.write('a'), res.write(bytes()), res.end('')], [['head', 200, {}], ['write', 'a'], ['end']]],
    ['an empty piece', (res) => res.write(''), [['head', 200, {}]]],
    ['null at the end', (res) => res.end(wrong<string>(null)), [['head', 200, { 'content-length': '0' }], ['end']]],
    [
      'a transfer-encoding of the app, which is for the host to say',
      (res) => res.writeHead(200, { 'Transfer-Encoding': 'chunked', te: 'x' }).end('a'), [['head', 200, { te: 'x' }], ['end', 'a']],
    ],
  ]
  for (const [why, write, told] of table) t.strictSame(tell(write), told, why)
})

t.test('the content-length is that of UTF-8', async t => {
  const texts = ['', 'a', 'é', '€', '𝄞', '\x7f', '\x80', '\u07ff', '\u0800', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '\u{10ffff}',
    '\ud800', '\udfff', '\udc00\ud800', 'a\ud800b', '\ud800\ud800\udc00', '\0', '\ufeffa']
  const check = (text: string): void => {
    const [head] = tell((res) => res.end(text)) as [['head', number, Fields]]
    assert.equal(head[2]['content-length'], String(Buffer.byteLength(text)), JSON.stringify(text))
  }
  texts.forEach(check)
  fc.assert(fc.property(anyText, check), { numRuns })
  t.pass(texts.length + ' texts, and random ones')
})

t.test('what has no body is told without one (RFC 9110, section 6.4.1)', async t => {
  const writes: [why: string, write: (res: HostRes) => unknown][] = [
    ['an end', (res) => res.end()],
    ['an end with a text', (res) => res.end('abc')],
    ['an end with bytes', (res) => res.end(bytes(1, 2, 3))],
    ['pieces', (res) => [t.equal(res.write('abc'), true), t.equal(res.write(bytes(1)), true), res.end('d')]],
  ]
  for (const [method, status] of [['HEAD', 200], ['HEAD', 404], ['HEAD', 204], ['HEAD', 304], ['GET', 204], ['GET', 304], ['PUT', 204]] as const) {
    for (const [why, write] of writes) {
      const told = tell((res) => {
        res.statusCode = status
        write(res)
      }, { method })
      t.match(told, [['head', status], ['end']], `${method} ${status}, ${why}`)
      t.strictSame(told[1], ['end'], `${method} ${status}, ${why}`)
      t.equal(told.length, 2)
    }
  }
})

t.test('the length of a body that is not sent is told where it is known, but never with a 204', async t => {
  const table: [method: string, status: number, write: (res: HostRes) => unknown, length: string | undefined][] = [
    ['HEAD', 200, (res) => res.end('a€'), '4'],
    ['HEAD', 200, (res) => res.end(''), '0'],
    ['HEAD', 200, (res) => res.end(), undefined],
    ['HEAD', 200, (res) => [res.write('a'), res.end()], undefined],
    ['HEAD', 200, (res) => [res.setHeader('content-length', 9), res.end()], '9'],
    ['HEAD', 200, (res) => [res.setHeader('content-length', 9), res.end('abc')], '9'],
    ['GET', 304, (res) => res.end(), undefined],
    ['GET', 304, (res) => [res.setHeader('content-length', 9), res.end()], '9'],
    ['GET', 204, (res) => res.end('abc'), undefined],
    ['GET', 204, (res) => [res.setHeader('content-length', 9), res.end()], undefined],
    ['HEAD', 204, (res) => res.end('abc'), undefined],
  ]
  for (const [method, status, write, length] of table) {
    const [head] = tell((res) => {
      res.statusCode = status
      write(res)
    }, { method }) as [['head', number, Fields]]
    t.equal(head[2]['content-length'], length, method + ' ' + status)
  }
})

t.test('what is neither text nor bytes throws, and is not sent', async t => {
  for (const chunk of [5, 0, true, {}, [], [1], new Date(0), () => {}, new Uint16Array(1), new DataView(new ArrayBuffer(1))]) {
    for (const send of [(res: HostRes) => res.write(chunk as string), (res: HostRes) => res.end(chunk as string)]) {
      const { host, res } = start(idle)
      t.throws(() => send(res), { name: 'TypeError', message: 'neither text nor bytes: ' + chunk })
      t.strictSame(host.told, [])
      res.end('still open')
      t.match(host.told, [['head', 200], ['end', 'still open']])
    }
  }
  for (const chunk of [undefined, null]) {
    t.throws(() => start(idle).res.write(wrong<string>(chunk)), { message: 'neither text nor bytes: ' + chunk })
  }
})

t.test('after the end nothing is told', async t => {
  const { host, res } = start((_req, res) => res.end('a'))
  t.equal(res.writableEnded, true)
  const told = [...host.told]
  t.equal(res.end('b'), res)
  t.equal(res.end(), res)
  t.throws(() => res.write('b'), { message: 'write after end' })
  t.throws(() => res.writeHead(200), { message: /^head has been sent/ })
  res.destroy()
  t.strictSame(host.told, told)
})

t.test('finish and close come once each, in that order, after the host has been told', async t => {
  const host = new Host()
  const events: unknown[] = []
  const { res } = start((_req, res) => {
    t.equal(res.on('close', () => events.push(['close', host.told.length, res.writableEnded, res.destroyed])), res)
    res.on('finish', () => events.push(['finish', host.told.length, res.writableEnded]))
    res.on('finish', () => events.push('the second listener'))
    res.on('error', () => t.fail())
    res.end('a')
  }, {}, host)
  t.strictSame(events, [['finish', 2, true], 'the second listener', ['close', 2, true, true]])
  res.on('close', () => t.fail('a late listener is not told'))
  res.on('finish', () => t.fail('a late listener is not told'))
  res.end()
  res.destroy()
  t.equal(events.length, 3)
})

t.test('what a listener for finish does to the response is too late', async t => {
  const events: string[] = []
  const write = (res: HostRes): void => {
    res.on('finish', () => {
      events.push('finish')
      res.on('finish', () => events.push('not this'))
      res.destroy()
      res.end('b')
    })
    res.on('close', () => events.push('close'))
    res.end('a')
  }
  t.strictSame(tell(write), [['head', 200, { 'content-length': '1' }], ['end', 'a']])
  t.strictSame(tellWhole(write), [[200, { 'content-length': '1' }, 'a']])
  t.strictSame(events, ['finish', 'close', 'finish', 'close'])
})

// ---------------------------------------------------------------------------------------------------- back-pressure

t.test('write says whether the host has room', async t => {
  const { host, res } = start(idle)
  for (const hasRoom of [true, false, undefined]) {
    host.hasRoom = hasRoom
    t.equal(res.write('a'), hasRoom !== false)
  }
})

t.test('a writer that waits for drain goes on when the host has room', async t => {
  const host = new Host()
  let room = 0
  host.write = (chunk) => {
    host.told.push(['write', chunk])
    return --room > 0
  }
  const { input, res } = start((_req, res) => {
    let count = 0
    const more = (): void => {
      while (count < 5) if (!res.write(String(count++))) return
      res.end('end')
    }
    res.on('drain', more)
    room = 2
    more()
  }, {}, host)
  const written = (): string => textOf(host.told.slice(1).map(([, chunk]) => chunk as Chunk))
  t.equal(written(), '01')
  room = 1
  input.drain()
  t.equal(written(), '012')
  room = 9
  input.drain()
  t.equal(written(), '01234end')
  t.equal(res.writableEnded, true)
  input.drain()
  t.equal(written(), '01234end')
})

t.test('drain is told to all who listen, and to nobody after the end', async t => {
  const drains: string[] = []
  const { input, res } = start((_req, res) => {
    res.on('drain', () => drains.push('one'))
    res.on('drain', () => drains.push('two'))
  })
  input.drain()
  t.strictSame(drains, ['one', 'two'])
  res.end()
  input.drain()
  t.equal(drains.length, 2)
})

t.test('who waits for drain while it is told is told the next time', async t => {
  let drains = 0
  const { input } = start((_req, res) => {
    const drained = (): void => {
      drains++
      res.on('drain', drained)
    }
    res.on('drain', drained)
  })
  input.drain()
  t.equal(drains, 1)
  input.drain()
  t.equal(drains, 3)
})

// ------------------------------------------------------------------------------------------------- clients that leave

/** A request whose client leaves. `gate` opens after that. */
interface Leaving {
  why: string
  request?: Partial<EmbedRequest>
  step: (gate: Promise<void>) => Step
  /** What comes before the client leaves. */
  feed?: (input: EmbedInput) => void
  /** What the host has been told by then. */
  told?: Told[]
  /** The error that an err step sees. */
  err?: unknown
  /** The request had all come. */
  isWhole?: true
}

const unread: Step = Object.assign<Step, Partial<Step>>((_req, _res, _next) => {}, { readBody: false })
const HI_TOLD: Told[] = [['head', 200, { 'content-type': 'text/plain; charset=utf-8', 'content-length': '2' }], ['end', 'hi']]

const LEAVINGS: Leaving[] = [
  { why: 'while a step does not go on', step: () => never, isWhole: true },
  { why: 'before a body that is waited for', request: PIECES, step: () => never, err: { statusCode: 400, debug: 'aborted' } },
  {
    why: 'in the middle of a body', request: PIECES, step: () => never, feed: (input) => input.data('ab'),
    err: { statusCode: 400, debug: 'aborted' },
  },
  { why: 'before a body that nobody reads', request: PIECES, step: () => unread, feed: (input) => input.data('ab') },
  { why: 'after a body', request: { method: 'POST', body: 'ab' }, step: () => never, isWhole: true },
  {
    why: 'after a body in pieces', request: PIECES, step: () => never, isWhole: true,
    feed(input) {
      input.data('ab')
      input.end()
    },
  },
  {
    why: 'after a body that was too long', request: { ...PIECES, bodySizeLimit: 1 }, step: () => never, feed: (input) => input.data('ab'),
    err: { statusCode: 413 },
    told: [
      ['head', 413, { 'content-type': 'application/json', 'content-length': '49' }],
      ['end', '{"error":"413","message":"413 Payload Too Large"}'],
    ],
  },
  {
    why: 'while a promise is pending, and then answers', isWhole: true,
    step: (gate) => async (_req) => {
      await gate
      return 'too late'
    },
  },
  {
    why: 'while a promise is pending, and then fails', isWhole: true, err: { statusCode: 409 },
    step: (gate) => async (_req) => {
      await gate
      throw new HttpError(409)
    },
  },
  {
    why: 'while a promise is pending, and then goes on', isWhole: true,
    step: (gate) => async (_req, _res, next) => {
      await gate
      next()
    },
  },
  {
    why: 'in the middle of an answer', isWhole: true, told: [['head', 200, {}], ['write', 'a']],
    step: () => (_req, res, _next) => { res.write('a') },
  },
  {
    why: 'in the middle of an answer that a promise writes', isWhole: true, told: [['head', 200, {}], ['write', 'a']],
    step: (gate) => async (_req, res, _next) => {
      res.write('a')
      await gate
      res.write('b')
      res.end('c')
    },
  },
  { why: 'after the answer', isWhole: true, step: () => () => 'hi', told: HI_TOLD },
  {
    why: 'after an answer that did not wait for the body', request: PIECES, told: HI_TOLD,
    step: () => Object.assign<Step, Partial<Step>>((_req) => 'hi', { readBody: false }),
  },
]

for (const [name, make] of ROUTERS) {
  for (const { why, request, step, feed, told = [], err, isWhole } of LEAVINGS) {
    t.test(`a client of a ${name} leaves ${why}: post steps run once, and the host is told no more`, async t => {
      const warnings = catchWarnings(t)
      const { opened, open } = gate()
      const posts: unknown[] = []
      const errs: unknown[] = []
      const app = make().use('post', (_req, _res, next) => {
        posts.push('post')
        next()
      })
      app.use((err: unknown, _req: Req, _res: HostRes, next: Next) => {
        errs.push(err)
        next(err)
      })
      app.all('/', step(opened))
      let closed = 0
      const { host, input, req, res } = start((req, res) => {
        res.on('close', () => closed++)
        return app(req, res)
      }, request)
      feed?.(input)
      input.abort()
      input.abort()
      t.equal(closed, 1)
      t.equal(res.destroyed, true)
      input.data('late')
      input.end()
      input.drain()
      open()
      await settle()
      t.strictSame(host.told, told)
      t.equal(posts.length, 1)
      if (err) t.match(errs, [err])
      else t.strictSame(errs, [])
      t.strictSame(warnings, [])
      t.equal(req.destroyed, true)
      if (!isWhole) t.equal(req.aborted, true)
    })
  }
}

t.test('nothing that is written after the client has left reaches the host', async t => {
  for (const before of [() => {}, (res: HostRes) => res.writeHead(200), (res: HostRes) => res.write('a')]) {
    const { host, input, res } = start((_req, res) => before(res))
    const told = [...host.told]
    input.abort()
    if (!res.headersSent) t.equal(res.writeHead(200), res)
    t.equal(res.write('b'), false)
    t.equal(res.end('c'), res)
    t.equal(res.writableEnded, true)
    res.destroy()
    t.strictSame(host.told, told)
  }
})

t.test('a host may find that the client has left while it is told of the answer', async t => {
  const table: [what: 'head' | 'write' | 'end', write: (res: HostRes) => unknown, told: Told[]][] = [
    ['head', (res) => res.end('a'), [['head', 200, { 'content-length': '1' }]]],
    ['head', (res) => [t.equal(res.write('a'), false), res.write('b')], [['head', 200, {}]]],
    ['head', (res) => [res.writeHead(200), res.destroy()], [['head', 200, {}]]],
    ['write', (res) => [res.write('a'), t.equal(res.write('b'), false), res.end('c')], [['head', 200, {}], ['write', 'a']]],
    ['end', (res) => [res.end('a'), res.destroy()], [['head', 200, { 'content-length': '1' }], ['end', 'a']]],
  ]
  for (const [what, write, told] of table) {
    const host = new Host()
    const tellHost: (...args: never[]) => unknown = host[what]
    const events: string[] = []
    const { input, res } = start((_req, res) => {
      res.on('finish', () => events.push('finish'))
      res.on('close', () => events.push('close'))
    }, {}, host)
    host[what] = (...args: never[]) => {
      tellHost.apply(host, args)
      input.abort()
    }
    write(res)
    t.strictSame(host.told, told, what)
    t.strictSame(events, ['close'], what)
  }
})

t.test('a body that was not whole when the client left stays so', async t => {
  for (const request of [PIECES, { method: 'POST', body: 'ab' }]) {
    const { input, req } = start(idle, request)
    input.abort()
    input.end()
    t.strictSame(listenTo(req), [])
    t.match(req, { aborted: true, destroyed: true })
    t.notOk(req.readableEnded)
  }
})

t.test('who reads a body learns that the client has left, after the response has', async t => {
  const events: string[] = []
  const { input, req } = start((req, res) => {
    req.on('data', (chunk) => events.push('data ' + chunk))
    req.on('end', () => t.fail('there is no end'))
    req.on('close', () => events.push('close of the request'))
    res.on('close', () => events.push('close of the response'))
    res.on('finish', () => t.fail('it did not finish'))
  }, PIECES)
  input.data('a')
  input.abort()
  t.strictSame(events, ['data a', 'close of the response', 'close of the request'])
  t.match(req, { aborted: true, destroyed: true })
  t.notOk(req.readableEnded)
})

t.test('what has come of a body is let go when the client has left', async t => {
  const { input, req } = start(idle, { ...PIECES, bodySizeLimit: 1000 })
  let piece: Uint8Array | undefined = new Uint8Array(1000)
  const ref = new WeakRef(piece)
  input.data(piece)
  piece = undefined
  input.abort()
  input.data('over the limit')
  await settle()
  gc()
  t.equal(ref.deref(), undefined)
  t.strictSame(listenTo(req), [])
})

// ------------------------------------------------------------------------------------------- answers that are cut off

t.test('an answer that the app cuts off is cut off for the client', async t => {
  const table: [why: string, write: (res: HostRes) => unknown, told: Told[]][] = [
    ['before its head', () => {}, [['abort']]],
    ['after its head', (res) => res.writeHead(200), [['head', 200, {}], ['abort']]],
    ['in its middle', (res) => res.write('a'), [['head', 200, {}], ['write', 'a'], ['abort']]],
    ['after its end', (res) => res.end('a'), [['head', 200, { 'content-length': '1' }], ['end', 'a']]],
  ]
  for (const [why, write, told] of table) {
    let closed = 0
    const { host, input, res } = start((_req, res) => {
      res.on('close', () => closed++)
      res.on('finish', () => t.equal(why, 'after its end'))
      write(res)
    })
    t.equal(res.destroy(), res)
    res.destroy(new Error('why'))
    t.equal(res.destroyed, true)
    t.equal(closed, 1)
    res.end('late')
    input.abort()
    t.strictSame(host.told, told, why)
    t.equal(closed, 1, why)
  }
})

for (const [name, make] of ROUTERS) {
  t.test(`an error after the head of a ${name}'s answer cuts it off`, async t => {
    const warnings = catchWarnings(t)
    let posts = 0
    const app = make().use('post', () => { posts++ }).get('/', (_req, res) => {
      res.write('a')
      throw new Error('broken')
    })
    t.strictSame(start(app).host.told, [['head', 200, {}], ['write', 'a'], ['abort']])
    t.strictSame(warnings, ['broken'])
    t.equal(posts, 1)
  })

  t.test(`nothing is reported of a ${name} whose answer to a body in pieces has run a post step without next`, async t => {
    const warnings = catchWarnings(t)
    const order: string[] = []
    const app = make().use('post', () => { order.push('post') }).all('/', () => 'ok')
    const { host, input } = start(app, PIECES)
    input.data('text')
    input.end()
    t.strictSame(order, ['post'])
    t.match(host.told, [['head', 200, {}], ['end', 'ok']])
    t.strictSame(warnings, [])
  })

  t.test(`a step of a ${name} that destroys the response has post steps run`, async t => {
    let posts = 0
    const app = make().use('post', () => { posts++ }).get('/', (_req, res, _next) => { res.destroy() })
    t.strictSame(start(app).host.told, [['abort']])
    t.equal(posts, 1)
  })
}

// --------------------------------------------------------------------------------------------- replies that go wrong

for (const [name, make] of ROUTERS) {
  for (const broken of ['head', 'write', 'end', 'abort'] as const) {
    t.test(`a reply that throws in ${broken} leaves the steps of a ${name} in order`, async t => {
      const warnings = catchWarnings(t)
      for (const step of [
        (() => 'hi') as Step,
        ((_req, res) => { res.end('hi') }) as Step,
        ((_req, res, next) => {
          res.write('a')
          res.end('b')
          next()
        }) as Step,
        ((_req, res) => {
          res.write('a')
          res.destroy()
        }) as Step,
      ]) {
        const host = new Host()
        const tellHost: (...args: never[]) => unknown = host[broken]
        host[broken] = (...args: never[]) => {
          tellHost.apply(host, args)
          throw new Error('host failed')
        }
        let posts = 0
        const app = make().use('post', () => { posts++ }).get('/', step)
        const { input, res } = start(app, {}, host)
        input.abort()
        t.equal(posts, 1)
        t.equal(res.destroyed, true)
        const names = host.told.map(([what]) => what)
        t.strictSame(names, [...new Set(names)], 'nothing is told twice')
      }
      t.ok(warnings.every((text) => /host failed/.test(text)), warnings.join())
    })
  }
}

t.test('what a reply throws reaches who wrote', async t => {
  for (const [broken, writableEnded] of [['head', false], ['end', true]] as const) {
    const host = new Host()
    host[broken] = () => { throw new Error('host failed') }
    const { res } = start(idle, {}, host)
    t.throws(() => res.end('a'), { message: 'host failed' })
    t.match(res, { headersSent: true, writableEnded })
    host[broken] = () => t.fail('told twice')
    res.end('b')
  }
})

// ------------------------------------------------------------------------------------------------- whole answers at once

/** All the answers that a function was called with. */
function tellWhole(answer: (res: HostRes) => unknown, request?: Partial<EmbedRequest>): [number, Fields, Chunk][] {
  const answers: [number, Fields, Chunk][] = []
  handle((_req, res) => answer(res), { method: 'GET', url: '/', ...request }, (status, headers, body) => {
    answers.push([status, fieldsOf(headers), body])
  })
  return answers
}

t.test('a function gets a whole answer, once', async t => {
  const table: [why: string, write: (res: HostRes) => unknown, answer: [number, Fields, Chunk]][] = [
    ['an end', (res) => res.end(), [200, { 'content-length': '0' }, '']],
    ['a text', (res) => res.end('a€'), [200, { 'content-length': '4' }, 'a€']],
    ['texts', (res) => [res.write('a'), res.write(''), res.end('€')], [200, {}, 'a€']],
    ['bytes', (res) => res.end(bytes(255, 0)), [200, { 'content-length': '2' }, bytes(255, 0)]],
    ['bytes in pieces', (res) => [res.write(bytes(255)), res.write(bytes()), res.end(bytes(0))], [200, {}, bytes(255, 0)]],
    ['text and bytes', (res) => [res.write('a€𝄞'), res.end(bytes(255))], [200, {}, bytes(...utf8('a€𝄞'), 255)]],
    ['bytes and text', (res) => [res.write(bytes(255)), res.write('é'), res.end()], [200, {}, bytes(255, ...utf8('é'))]],
    ['text and an ArrayBuffer', (res) => [res.write('a'), res.end(wrong<string>(bytes(1).buffer))], [200, {}, bytes(97, 1)]],
    ['half of a surrogate pair, and bytes', (res) => [res.write('\ud800'), res.end(bytes(1))], [200, {}, bytes(0xef, 0xbf, 0xbd, 1)]],
    ['no bytes', (res) => res.end(bytes()), [200, { 'content-length': '0' }, '']],
    ['a head', (res) => res.writeHead(404, { 'Set-Cookie': ['a', 'b'] }).end(), [404, { 'set-cookie': ['a', 'b'] }, '']],
    ['an answer that is cut off before its head', (res) => res.destroy(), [500, {}, '']],
    ['one that is cut off', (res) => [res.writeHead(200, { x: '1' }), res.write('a'), res.destroy(), res.destroy()], [500, {}, '']],
  ]
  for (const [why, write, answer] of table) t.strictSame(tellWhole(write), [answer], why)
  t.strictSame(tellWhole((res) => res.end('abc'), { method: 'HEAD' }), [[200, { 'content-length': '3' }, '']])
})

t.test('a function is not called before the end, nor when the client has left', async t => {
  const answers: unknown[] = []
  let held: HostRes | undefined
  const input = handle((_req, res) => {
    held = res
    t.equal(res.write('a'), true)
  }, { method: 'GET', url: '/' }, (...answer) => answers.push(answer))
  t.strictSame(answers, [])
  input.abort()
  held!.end('b')
  t.strictSame(answers, [])
})

t.test('text and bytes in any order are the bytes that node would send', async t => {
  const chunk = fc.oneof(goodText, fc.uint8Array({ maxLength: 5 }))
  fc.assert(fc.property(fc.array(chunk, { maxLength: 5 }), (chunks) => {
    const [answer] = tellWhole((res) => {
      for (const chunk of chunks) res.write(chunk)
      res.end()
    })
    const body = answer![2]
    assert.deepEqual([...Buffer.from(body as Uint8Array)], [...Buffer.concat(chunks.map((chunk) => Buffer.from(chunk as Uint8Array)))])
    assert.equal(typeof body === 'string', chunks.every((chunk) => typeof chunk === 'string' || !chunk.length))
  }), { numRuns })
  t.pass()
})

// ------------------------------------------------------------------------------------------------ arguments, and the app

t.test('what is no app, no request or no reply throws at once', async t => {
  const request = { method: 'GET', url: '/' }
  const table: [app: unknown, request: unknown, reply: unknown, message: RegExp][] = [
    [undefined, request, new Host(), /undefined/],
    ['app', request, new Host(), /app/],
    [{}, request, new Host(), /object Object/],
    [idle, {}, new Host(), /undefined/],
    [idle, { url: '/' }, new Host(), /undefined/],
    [idle, { method: 'GET' }, new Host(), /undefined/],
    [idle, { method: 5, url: '/' }, new Host(), /5/],
    [idle, { method: 'GET', url: 7 }, new Host(), /7/],
    [idle, undefined, new Host(), /undefined/],
    [idle, request, undefined, /undefined/],
    [idle, request, null, /null/],
    [idle, request, {}, /object Object/],
    [idle, request, 'reply', /reply/],
  ]
  for (const [app, given, reply, message] of table) {
    t.throws(() => handle(app as EmbedApp, given as EmbedRequest, reply as EmbedReply), { name: 'TypeError', message })
  }
})

t.test('an app is a listener of any kind, what it returns does not matter, and what it throws reaches the host', async t => {
  t.match(tell((res) => [res.end('a'), Promise.resolve(1)]), [['head', 200], ['end', 'a']])
  t.throws(() => handle(() => { throw new Error('app failed') }, { method: 'GET', url: '/' }, new Host()), { message: 'app failed' })
  t.match(start(rest((_req, res) => { res.end('a') })).host.told, [['head', 200], ['end', 'a']])
})

t.test('an answer may come inside handle, or later', async t => {
  const { opened, open } = gate()
  const app = rest().get('/', () => 'now').get('/later', async () => {
    await opened
    return 'later'
  })
  t.match(start(app).host.told, [['head', 200], ['end', 'now']])
  const { host } = start(app, { url: '/later' })
  await settle()
  t.strictSame(host.told, [])
  open()
  await settle()
  t.match(host.told, [['head', 200], ['end', 'later']])
})

t.test('listeners are let go when the last event is over', async t => {
  const ends: [why: string, end: (exchange: Exchange) => void][] = [
    ['after the end', ({ res, input }) => [res.end(), input.end()]],
    ['when the client has left', ({ input }) => input.abort()],
    ['when it was cut off', ({ res, input }) => [res.destroy(), input.end()]],
  ]
  for (const [why, end] of ends) {
    const refs: WeakRef<() => void>[] = []
    const listener = (): () => void => {
      const listener = (): void => {}
      refs.push(new WeakRef(listener))
      return listener
    }
    const exchange = start((req, res) => {
      for (const event of ['data', 'error', 'close', 'end']) req.on(event, listener())
      for (const event of ['finish', 'close', 'drain']) res.on(event, listener())
    }, PIECES)
    end(exchange)
    for (const event of ['data', 'close', 'end']) exchange.req.on(event, listener())
    for (const event of ['finish', 'close', 'drain']) exchange.res.on(event, listener())
    await settle()
    gc()
    t.strictSame(refs.map((ref) => ref.deref()), refs.map(() => undefined), why)
    t.ok(exchange.input)
  }
})

// --------------------------------------------------------------------------------------------------- decodeURIComponent

const DECODERS: [name: string, decode: Decode][] = [
  ['hosts/embed.ts', supplied],
  ...SCRIPTS.map((script): [string, Decode] => [script, decodersOf(script, false).after]),
]

/** What a decoder makes of a text; undefined if it throws. */
function tryDecode(decode: Decode, text: string): string | undefined {
  try {
    return decode(text)
  } catch {
    return undefined
  }
}

t.test('decodeURIComponent is left alone where it is', async t => {
  for (const script of SCRIPTS) {
    const { before, after } = decodersOf(script, true)
    t.type(before, 'function')
    t.equal(after, before, script)
    t.equal(decodersOf(script, false).before, undefined)
  }
  t.not(supplied, decodeURIComponent)
})

const hex = fc.constantFrom(...'0123456789abcdefABCDEF')
const octet = fc.tuple(hex, hex).map((digits) => '%' + digits.join(''))
/** Octets that are the first of so many, or follow one. */
const sequence = fc.tuple(
  fc.constantFrom('%c1', '%C2', '%df', '%e0', '%E1', '%ed', '%ef', '%f0', '%f1', '%f4', '%f5', '%f8', '%fc', '%fe', '%ff'),
  fc.array(fc.constantFrom('%80', '%8f', '%90', '%9F', '%a0', '%bf', '%BF', '%7f', '%c0'), { maxLength: 6 }),
).map(([first, more]) => first + more.join(''))
const escaped = fc.oneof(
  anyText, octet, sequence, goodText.map(encodeURIComponent), fc.constantFrom('%', '%%', '%4', '%g0', '%0g', '+'),
)
const escapes = fc.array(escaped, { maxLength: 4 }).map((parts) => parts.join(''))

for (const [name, decode] of DECODERS) {
  t.test(`what ${name} puts in the place of a missing decodeURIComponent does the same`, async t => {
    const check = (text: string): void => {
      assert.equal(tryDecode(decode, text), tryDecode(decodeURIComponent, text), JSON.stringify(text))
    }
    const texts = ['', 'a', '%', '%%', '%a', '%4', '%41', '%zz', '%4z', '%z4', '% 41', '%-1', '%+1', '%0x', '%00', '%2F', '%2f', '%25', '%2541', '+',
      '%C3%A9', '%c3%a9', '%C3', '%C3%', '%C3%A', '%C3é', '%C3a', '%C3%41', '%A9', '%C3%A9%A9', '%E2%82%AC', '%E2%82', '%F0%9D%84%9E',
      '%F0%9D%84', '%c0%80', '%c1%bf', '%e0%9f%bf', '%e0%a0%80', '%ed%9f%bf', '%ed%a0%80', '%ed%bf%bf', '%ee%80%80', '%ef%bf%bf', '%ef%bb%bf',
      '%f0%8f%bf%bf', '%f0%90%80%80', '%f4%8f%bf%bf', '%f4%90%80%80', '%f5%80%80%80', '%f7%bf%bf%bf', '%f8%88%80%80%80', '%fc%84%80%80%80%80',
      '%fe%80%80%80%80%80%80', '%ff', '%80', '%bf', '\ud800', '%41\udc00', '%f0%9d\udc00', 'é%41é', '%0a%0d', '%e2%82%ac%', '%E2%28%A1',
    ]
    texts.forEach(check)
    for (let code = 0; code < 0x10000; code++) check(code.toString(16).padStart(4, '0').replace(/../g, '%$&'))
    fc.assert(fc.property(escapes, check), { numRuns: 5 * numRuns })
    t.equal(decode('%F0%9D%84%9E%2f'), '𝄞/')
    t.throws(() => decode('a%C3b'), { message: /%C3/ })
  })
}
