// inject: what it makes of its options and of an answer, when it rejects, and that an app answers it as it answers node's own server.

import { once } from 'node:events'
import http from 'node:http'
import t from 'tap'
import { inject } from '../../hosts/inject.ts'
import type { InjectApp, InjectOptions } from '../../hosts/inject.ts'
import type { HostReq, HostRes, Req, Step } from '../../microrest.ts'
import { HttpError, Router, mw, rest } from '../fixtures/core.ts'
import { serve } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

/** A request as an app got it. */
interface Got {
  method: unknown
  url: unknown
  headers: { [name: string]: unknown }
  socket: unknown
  body: unknown
}

/** What an app gets of a request. */
async function send(method: string, url: string, options?: InjectOptions): Promise<Got> {
  let got: Got | undefined
  const app = rest((req) => {
    const { socket } = req as Req & { socket?: unknown }
    got = { method: req.method, url: req.url, headers: { ...req.headers }, socket, body: req.body }
    return null
  })
  await inject(app, method, url, options)
  return got!
}

/** What inject makes of an answer. */
const ask = (answer: (res: HostRes) => unknown, method = 'GET') => inject((_req, res) => void answer(res), method, '/')

// ------------------------------------------------------------------------------------------------------ the request

t.test('an app gets the method, the target and the client as they are', async t => {
  const client = { remoteAddress: '10.0.0.7' }
  t.strictSame(await send('PURGE', '/a?b#c', { client }), { method: 'PURGE', url: '/a?b#c', headers: {}, socket: client, body: '' })
  t.strictSame(await send('get', '*'), { method: 'get', url: '*', headers: {}, socket: undefined, body: '' })
})

t.test('headers come by name, or names and values in turn', async t => {
  const table: [given: InjectOptions['headers'], headers: Got['headers']][] = [
    [undefined, {}],
    [{}, {}],
    [[], {}],
    [{ 'X-A': '1', b: ['2', '3'], c: 4, d: undefined, e: [] }, { 'x-a': '1', b: '2, 3', c: '4' }],
    [['X-A', '1', 'x-a', '2', 'Cookie', 'a=1', 'cookie', 'b=2'], { 'x-a': '1, 2', cookie: 'a=1; b=2' }],
  ]
  for (const [headers, expected] of table) t.strictSame((await send('GET', '/', { headers })).headers, expected)
})

t.test('text and bytes are sent as they are, anything else as JSON', async t => {
  const json = 'application/json'
  const table: [body: unknown, bytes: number[], type: string | undefined, why: string][] = [
    ['a€', [97, 0xe2, 0x82, 0xac], undefined, 'a text'],
    ['', [], undefined, 'an empty text'],
    ['\ud800', [0xef, 0xbf, 0xbd], undefined, 'half of a surrogate pair'],
    [Uint8Array.of(0, 255), [0, 255], undefined, 'bytes'],
    [Uint8Array.of(1, 2, 3, 4).subarray(1, 3), [2, 3], undefined, 'a part of bytes'],
    [Buffer.from('ab'), [97, 98], undefined, 'a Buffer'],
    [Uint8Array.of(7).buffer, [7], undefined, 'an ArrayBuffer'],
    [{ a: 1 }, [...Buffer.from('{"a":1}')], json, 'an object'],
    [[], [91, 93], json, 'a list'],
    [null, [...Buffer.from('null')], json, 'null'],
    [false, [...Buffer.from('false')], json, 'false'],
    [0, [48], json, 'zero'],
  ]
  for (const [body, bytes, type, why] of table) {
    const got = await send('POST', '/', { body })
    t.strictSame([...got.body as Uint8Array], bytes, why)
    t.strictSame(got.headers, { ...type && { 'content-type': type }, 'content-length': String(bytes.length) }, why)
  }
})

t.test('what has no JSON throws, with its value', async t => {
  for (const [body, shown] of [[() => 'hi', /=> 'hi'/], [Symbol('hi'), /Symbol\(hi\)/]] as const) {
    t.throws(() => inject(() => {}, 'POST', '/', { body }), { name: 'TypeError', message: shown })
  }
})

t.test('a header that is given stays, in any case', async t => {
  const table: [headers: InjectOptions['headers'], expected: Got['headers']][] = [
    [{ 'Content-Type': 'application/hal+json' }, { 'content-type': 'application/hal+json', 'content-length': '2' }],
    [['CONTENT-TYPE', 'a/b'], { 'content-type': 'a/b', 'content-length': '2' }],
    [['x', 'content-type'], { x: 'content-type', 'content-type': 'application/json', 'content-length': '2' }],
    [{ 'Content-Length': '2' }, { 'content-type': 'application/json', 'content-length': '2' }],
    [{ 'Transfer-Encoding': 'chunked' }, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' }],
  ]
  for (const [headers, expected] of table) {
    const got = await send('POST', '/', { headers, body: {} })
    t.strictSame(got.headers, expected)
    t.equal(String(got.body), '{}')
  }
})

t.test('options are left as they are', async t => {
  const headers = Object.freeze(['x', '1'])
  await send('POST', '/', Object.freeze({ headers, body: Object.freeze({ a: 1 }) }))
  t.strictSame(headers, ['x', '1'])
})

t.test('a body is a Buffer on node, as over a socket, and bytes where there is none', async t => {
  t.ok(Buffer.isBuffer((await send('POST', '/', { body: 'ab' })).body))
  const { Buffer: native } = globalThis
  Reflect.deleteProperty(globalThis, 'Buffer')
  const asked = send('POST', '/', { body: 'ab' })
  globalThis.Buffer = native
  const { body } = await asked
  t.strictSame(body, Uint8Array.of(97, 98))
  t.notOk(Buffer.isBuffer(body))
})

t.test('a body comes after the head, and is what it was when it was sent', async t => {
  const events: string[] = []
  const app: InjectApp = (req, res) => {
    req.on('data', (chunk: Uint8Array) => events.push('body ' + chunk.join()))
    req.on('end', () => {
      events.push('end')
      res.end()
    })
    events.push('head')
  }
  const bytes = Uint8Array.of(1, 2)
  await inject(app, 'POST', '/', { body: bytes })
  t.strictSame(events, ['head', 'body 1,2', 'end'])

  let read = (): void => {}
  const asked = inject((req, res) => {
    read = () => {
      req.on('data', (chunk: Uint8Array) => res.write(chunk))
      req.on('end', () => res.end())
    }
  }, 'POST', '/', { body: bytes })
  bytes.fill(9)
  read()
  t.strictSame((await asked).bytes, Uint8Array.of(1, 2))
})

t.test('the app alone says how long a body may be', async t => {
  const body = 'x'.repeat(2 << 20)
  const app = rest({ bodySizeLimit: Infinity, processRequest: (req) => String((req.body as Uint8Array).length) })
  t.match(await inject(app, 'POST', '/', { body }), { statusCode: 200, body: String(body.length) })
  t.match(await inject(rest(() => 'hi'), 'POST', '/', { body }), { statusCode: 400, body: /max body size exceeded/ })
})

// ------------------------------------------------------------------------------------------------------- the answer

t.test('an answer has its status, its headers by lower-case name, and its body', async t => {
  const { json, bytes, ...answer } = await ask((res) => res.writeHead(201, { 'X-A': 'B', n: 5, list: ['a', 'b'] }).end('"a€"'))
  t.strictSame(answer, { statusCode: 201, headers: { 'x-a': 'B', n: '5', list: 'a, b' }, body: '"a€"' })
  t.strictSame([...bytes], [...Buffer.from('"a€"')])
  t.equal(json(), 'a€')
})

t.test('several Set-Cookie are a list, and so is one', async t => {
  for (const [cookies, expected] of [[['a=1, 2', 'b=3'], ['a=1, 2', 'b=3']], ['a=1', ['a=1']]] as const) {
    const { headers } = await ask((res) => {
      res.setHeader('Set-Cookie', cookies)
      res.end()
    })
    t.strictSame(headers, { 'set-cookie': expected, 'content-length': '0' })
  }
})

t.test('__proto__ is the name of a header like any other', async t => {
  const { headers } = await ask((res) => {
    res.setHeader('__proto__', 'a')
    res.setHeader('constructor', 'b')
    res.end()
  })
  t.strictSame(Object.entries(headers), [['__proto__', 'a'], ['constructor', 'b'], ['content-length', '0']])
  t.equal(Object.getPrototypeOf(headers), Object.prototype)
})

t.test('an answer in pieces is put together, text and bytes', async t => {
  const euro = Buffer.from('€')
  const piece = Uint8Array.from(euro.subarray(0, 1))
  const answer = await ask((res) => {
    res.write('a')
    t.equal(res.write(piece), true)
    piece.fill(0)
    res.write('')
    res.write(euro.subarray(1))
    res.end('é')
  })
  t.strictSame([answer.body, answer.headers], ['a€é', {}])
  t.equal(answer.bytes.length, 6)
  t.match(await ask((res) => [res.write('a'), res.end()]), { body: 'a' })
  t.match(await ask((res) => [res.write('a'), setImmediate(() => res.end('b'))]), { body: 'ab' })
})

t.test('a body is text as it is, a byte order mark included, and bytes where it is none', async t => {
  t.equal((await ask((res) => res.end('\ufeffa'))).body, '\ufeffa')
  const { body, bytes } = await ask((res) => res.end(Uint8Array.of(0xff, 0x61)))
  t.equal(body, '\ufffda')
  t.strictSame(bytes, Uint8Array.of(0xff, 0x61))
})

t.test('json throws for what is no JSON, and when it is called', async t => {
  for (const body of ['', '{', 'hi']) {
    const answer = await ask((res) => res.end(body))
    t.throws(() => answer.json(), { name: 'SyntaxError' }, body)
  }
})

t.test('there is no body where there can be none', async t => {
  t.match(await ask((res) => res.end('abc'), 'HEAD'), { statusCode: 200, body: '', headers: { 'content-length': '3' } })
  for (const statusCode of [204, 304]) {
    t.match(await ask((res) => res.writeHead(statusCode).end('abc')), { statusCode, body: '', bytes: { length: 0 } })
  }
})

t.test('an answer that comes later is waited for', async t => {
  const app = rest().get('/', async () => {
    await new Promise(setImmediate)
    return 'late'
  })
  t.match(await inject(app, 'GET', '/'), { body: 'late' })
})

t.test('the nesting of an app stays as it is', async t => {
  const app = rest().get('/', () => 'hi')
  await inject(app, 'GET', '/')
  t.equal(app.rest.maxNesting, undefined)
})

// -------------------------------------------------------------------------------------------------------- rejections

t.test('it rejects with what the app throws or rejects with', async t => {
  const err = new Error('broken')
  await t.rejects(inject(() => { throw err }, 'GET', '/'), err)
  await t.rejects(inject(async () => { throw err }, 'GET', '/'), err)
  await t.rejects(inject(() => ({ then: (_done: unknown, fail: (err: Error) => void) => fail(err) }), 'GET', '/'), err)
})

t.test('it rejects if the app cuts its answer off', async t => {
  for (const write of [() => {}, (res: HostRes) => res.writeHead(200), (res: HostRes) => res.write('a')]) {
    await t.rejects(ask((res) => [write(res), res.destroy()]), { message: 'GET / was cut off' })
  }
  catchWarnings(t)
  const app = rest().get('/x', (_req, res) => {
    res.write('a')
    throw new Error('broken')
  })
  await t.rejects(inject(app, 'GET', '/x?y'), { message: 'GET /x?y was cut off' })
})

t.test('it rejects if the app calls next, with its error or because nobody answers', async t => {
  const err = new HttpError(409)
  await t.rejects(inject((_req, _res, next) => next!(err), 'GET', '/'), err)
  for (const falsy of [undefined, null, false]) {
    await t.rejects(inject((_req, _res, next) => next!(falsy), 'GET', '/x'), { message: 'GET /x was not answered' })
  }
  await t.rejects(inject(rest((_req, _res, next) => next()), 'GET', '/'), { message: 'GET / was not answered' })
  await t.rejects(inject(rest(() => { throw err }, (err, _req, _res, next) => next(err)), 'GET', '/'), err)
})

t.test('what goes wrong after the answer is too late', async t => {
  const app: InjectApp = async (_req, res, next) => {
    res.end('a')
    next!(new Error('late'))
    res.destroy()
    throw new Error('late')
  }
  t.match(await inject(app, 'GET', '/'), { body: 'a' })
})

t.test('what is no app and no request is refused', async t => {
  for (const app of [undefined, null, {}, 'app']) {
    t.throws(() => inject(wrong<InjectApp>(app), 'GET', '/'), { name: 'TypeError', message: 'no app: ' + app })
  }
  await t.rejects(inject(() => {}, wrong<string>(5), '/'), { name: 'TypeError', message: /5/ })
  await t.rejects(inject(() => {}, 'GET', wrong<string>(undefined)), { name: 'TypeError', message: /undefined/ })
})

// ------------------------------------------------------------------------------------------ the same as over a socket

/** A request as it goes over the wire: the header lines are a list, so that both get the same. */
type WireRequest = [method: string, target: string, headers?: string[], body?: string | Uint8Array]

/** An answer without what says how it was framed, and when. */
interface Answered {
  statusCode: number | undefined
  headers: { [name: string]: unknown }
  body: string
}

/** Fields for one connection, or for one answer. (Node does not tell the length of what it does not send.) */
const FRAMING = ['date', 'connection', 'keep-alive', 'transfer-encoding']
const BODILESS_FRAMING = [...FRAMING, 'content-length']

function strip(method: string, statusCode: number | undefined, headers: Answered['headers'], body: Uint8Array): Answered {
  const framing = method === 'HEAD' || statusCode === 304 ? BODILESS_FRAMING : FRAMING
  const kept = Object.entries(headers).filter(([name]) => !framing.includes(name)).sort(([a], [b]) => (a < b ? -1 : 1))
  return { statusCode, headers: Object.fromEntries(kept), body: Buffer.from(body).toString('latin1') }
}

async function askSocket(port: number, [method, path, headers = [], body]: WireRequest): Promise<Answered> {
  const request = http.request({ host: '127.0.0.1', port, method, path, headers: ['Host', 'a.test', ...headers], agent: false })
  request.end(body)
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return strip(method, response.statusCode, response.headers, Buffer.concat(chunks))
}

async function askInjected(app: InjectApp, [method, target, headers = [], body]: WireRequest): Promise<Answered> {
  const answer = await inject(app, method, target, { headers: ['Host', 'a.test', ...headers], body })
  return strip(method, answer.statusCode, answer.headers, answer.bytes)
}

/** An app with all kinds of routes. */
function makeApp() {
  const echo: Step = (req, res) => { res.end(req.body as Uint8Array) }
  const app = rest({ router: new Router({ methodNotAllowed: true }), bodySizeLimit: 100, bodySizeStatus: 413 })
  app.use('pre', (_req, res, next) => {
    res.setHeader('x-pre', 'yes')
    next()
  })
  app.use(mw.mwParseQuery)
  app.get('/text', () => 'hällo €').get('/json', () => ({ a: [1, 'é'] })).get('/bytes', () => Uint8Array.of(0, 255, 128))
  app.get('/empty', () => '').get('/null', () => null).get('/late', async () => 'late')
  app.get('/users/:id', (req) => req.params).get('/files/:*path', (req) => ({ path: req.params.path, url: req.url }))
  app.get('/query', (req) => [req.query, req.path])
  app.get('/headers', (req) => ['x-a', 'cookie', 'accept', 'host', 'constructor'].map((name) => req.headers[name]))
  app.get('/cookies', (_req, res) => {
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.end('c')
  })
  app.get('/moved', (_req, res) => { res.writeHead(301, { Location: '/text' }).end() })
  app.get('/stream', (_req, res) => {
    res.write('a')
    res.write(Uint8Array.of(200))
    setImmediate(() => res.end('é'))
  })
  app.get('/status/:status', (req, res) => {
    res.statusCode = Number(req.params.status)
    res.end('a body')
  })
  app.get('/error/:status', (req) => { throw new HttpError(Number(req.params.status), 'why', { more: 1 }) })
  app.get('/throws', () => { throw new TypeError('secret') }).get('/rejects', async () => { throw new Error('secret') })
  app.get('/bad-header', (_req, res) => res.setHeader('x', 'a\r\nb: c')).get('/bad-chunk', (_req, res) => res.end(wrong<string>(5)))
  app.post('/echo', echo).put('/echo', echo).post('/type', (req) => [Buffer.isBuffer(req.body), String(req.body)])
  app.use('/nano', rest().get('/here', (req) => [req.url, req.baseUrl]))
  app.use('/process', rest((req) => [req.method, req.url]))
  return app
}

/** A listener that writes by itself. */
const listener = (req: HostReq, res: HostRes): void => {
  const writes: { [path: string]: () => unknown } = {
    '/end': () => res.end(),
    '/end-text': () => res.end('a€𝄞\ud800'),
    '/head': () => res.writeHead(202, { 'X-A': ['1', '2'], 'x-b': 3 }).end('a'),
    '/head-length': () => res.writeHead(200, { 'content-length': 3 }).end('abc'),
    '/pieces': () => [res.write('a'), res.write(''), res.write(Uint8Array.of(1)), res.end('')],
    '/late-status': () => [res.write('a'), Object.assign(res, { statusCode: 304 }), res.end('b')],
    '/headers': () => [res.setHeader('a', '1'), res.setHeader('A', '2'), res.setHeader('b', ''), res.removeHeader('B'), res.end('a')],
    '/header': () => [res.setHeader('a', '1'), res.end(String(res.getHeader('A')) + res.getHeader('b'))],
    '/twice': () => [res.end('a'), res.end()],
    '/204': () => [res.writeHead(204), res.end('a')],
    '/304': () => [res.setHeader('etag', '"a"'), Object.assign(res, { statusCode: 304 }), res.end()],
    '/404': () => [Object.assign(res, { statusCode: '404' }), res.end('a')],
    '/upper': () => {
      let text = ''
      req.on('data', (chunk) => { text += chunk })
      req.on('end', () => res.end(text.toUpperCase()))
    },
  }
  writes[req.url!]!()
}

const REQUESTS: WireRequest[] = [
  ...['/text', '/json', '/bytes', '/empty', '/null', '/late', '/stream', '/cookies', '/moved',
    '/status/201', '/status/204', '/status/304', '/status/999', '/status/99', '/status/nan',
    '/error/404', '/error/418', '/error/500', '/error/999', '/throws', '/rejects', '/bad-header', '/bad-chunk',
    '/nowhere', '/%zz', '/', '//', '/text/', '/nano/here', '/process/x',
  ].flatMap((target): WireRequest[] => [['GET', target], ['HEAD', target]]),
  ['GET', '/users/7'], ['GET', '/users/%C3%A9%2F?x'], ['GET', '/users/__proto__'], ['GET', '/users/'], ['GET', '/files/a/b'], ['GET', '/files'],
  ['GET', 'http://b.test/users/7?x'], ['GET', '/query?a=1&b&a=2&__proto__=%zz&%C3%A9=+'], ['OPTIONS', '*'],
  ['POST', '/text'], ['DELETE', '/echo'], ['OPTIONS', '/echo'], ['OPTIONS', '/nowhere'], ['PATCH', '/process/y?z'],
  ['GET', '/headers'], ['GET', '/headers', ['X-A', '1', 'x-a', '2', 'Cookie', 'a=1', 'cookie', 'b=2', 'Accept', 'x', 'ACCEPT', 'y']],
  ['GET', '/headers', ['Constructor', 'a']],
  ['POST', '/echo', [], 'a€𝄞'], ['PUT', '/echo', [], Uint8Array.of(0, 255, 128)], ['POST', '/echo'], ['POST', '/echo', ['Content-Length', '0']],
  ['POST', '/echo', ['Content-Length', '3'], 'abc'],
  ['POST', '/echo', ['Transfer-Encoding', 'chunked'], 'abc'], ['POST', '/echo', ['Transfer-Encoding', 'chunked']],
  ['POST', '/type', [], 'abc'], ['POST', '/echo', [], 'x'.repeat(100)], ['POST', '/echo', [], 'x'.repeat(101)],
  ['POST', '/echo', ['Content-Length', '101'], 'x'.repeat(101)], ['POST', '/nowhere', [], 'abc'], ['GET', '/text', [], 'abc'],
]

t.test('an app answers as it does on a server of node', async t => {
  catchWarnings(t)
  const app = makeApp()
  const { port } = await serve(t, app)
  for (const request of REQUESTS) {
    t.strictSame(await askInjected(app, request), await askSocket(port, request), request.slice(0, 3).join(' '))
  }
})

t.test('a listener answers as it does on a server of node', async t => {
  const { port } = await serve(t, listener)
  const targets = [
    '/end', '/end-text', '/head', '/head-length', '/pieces', '/late-status', '/headers', '/header', '/twice', '/204', '/304', '/404', '/upper',
  ]
  for (const target of targets) {
    for (const request of [['GET', target], ['HEAD', target], ['POST', target, [], 'abc']] as WireRequest[]) {
      t.strictSame(await askInjected(listener, request), await askSocket(port, request), request.join(' '))
    }
  }
})

t.test('an answer that is cut off is none on a server of node either', async t => {
  const cut: InjectApp = (_req, res) => {
    res.write('a')
    res.destroy()
  }
  const { port } = await serve(t, cut)
  await t.rejects(askSocket(port, ['GET', '/']))
  await t.rejects(askInjected(cut, ['GET', '/']))
})
