// toFetch and fromFetch with node's own fetch classes, without a socket. On other runtimes: fetch-runtimes.ts and fetch-browser.ts.

import { once } from 'node:events'
import http from 'node:http'
import type { IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import type { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import type { Test } from 'tap'
import { fromFetch, toFetch } from '../../hosts/fetch.ts'
import type { FetchApp, FetchHandler } from '../../hosts/fetch.ts'
import { handle as embed } from '../../hosts/embed.ts'
import type { HostReq, HostRes, Req, Step } from '../../microrest.ts'
import type { Listener } from '../../mw.ts'
import { HttpError, Router, core, rest } from '../fixtures/core.ts'
import { buildApp } from '../fixtures/fetch/app.ts'
import type { FetchHostReq } from '../fixtures/fetch/app.ts'
import { CASES, perform } from '../fixtures/fetch/cases.ts'
import { check } from '../fixtures/fetch/check.ts'
import { gc } from '../fixtures/gc.ts'
import { Wire, serve } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

const BASE = 'http://a.test'

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

/** What steps find on a request here, beside what all hosts have. */
type GotReq = Req & FetchHostReq & {
  aborted: boolean
  readableEnded: boolean
  destroy(): void
  off(event: string, listener: Listener): void
  once(event: string, listener: Listener): void
}

type GotRes = HostRes & { flushHeaders(): void; emit(event: string): boolean; removeListener(event: string, listener: Listener): void }

/** Hand a request to a listener that sees what this host has. */
function ask(app: (req: GotReq, res: GotRes) => unknown, path = '/', init: RequestInit = {}, ...runtime: unknown[]): Promise<Response> {
  return toFetch(app as FetchApp)(new Request(BASE + path, init), ...runtime)
}

/** What is printed as an error, caught until the test is over. */
function catchErrors(t: Test): unknown[] {
  const errors: unknown[] = []
  const { error } = console
  console.error = (err: unknown) => void errors.push(err)
  t.after(() => { console.error = error })
  return errors
}

/** A body that is sent piece by piece. */
function upload(pull: (controller: ReadableStreamDefaultController) => void): RequestInit {
  return { method: 'POST', body: new ReadableStream({ pull }, { highWaterMark: 0 }), duplex: 'half' }
}

/** Some turns of the event loop, for what must not happen in them. */
async function turns(): Promise<void> {
  for (let ix = 0; ix < 10; ix++) await new Promise(setImmediate)
}

t.test('the app answers as on all runtimes', async t => {
  catchWarnings(t)
  const handle = toFetch(buildApp(core, fromFetch, () => {}))
  for (const one of CASES) check(t, 'Node', one, await perform((url, init) => handle(new Request(url, init)), BASE, one))
})

// ------------------------------------------------------------------------------------------------------ the request

t.test('the target is the path and the query of the URL', async t => {
  const table: [url: string, target: string][] = [
    ['http://a.test?b', '/?b'],
    ['http://a.test:8080/b', '/b'],
    ['https://[::1]/b?c=https://d/e', '/b?c=https://d/e'],
    ['http://a.test/b#c', '/b'],
    ['http://a.test//b/../c', '//b/../c'],
    ['http://a.test/%zz', '/%zz'],
    ['/a?b=c://d/e', '/a?b=c://d/e'],
    ['http://a.test?b/c', '/?b/c'],
    ['http://a.test', '/'],
    ['http://a.test#/b', '/'],
  ]
  const handle = toFetch((req, res) => res.end(req.url))
  for (const [url, target] of table) {
    // (Not all runtimes make a URL whole, as `new Request` does, nor have they all a host for it.)
    const request = { url, method: 'GET', headers: new Headers() }
    t.equal(await (await handle(wrong(request))).text(), target, url)
  }
  const hosts = toFetch((req, res) => res.end(String(req.headers.host)))
  for (const [url, host] of [['http://a.test:80/b', 'a.test:80'], ['/b', 'undefined']] as const) {
    t.equal(await (await hosts(wrong({ url, headers: new Headers() }))).text(), host, url)
  }
})

t.test('a Host that would bring a path along is a 400, and no step sees it', async t => {
  for (const host of ['a/b', 'a?b', 'a#b', 'a b', 'u@a', 'a\\b']) {
    const answer = await ask(() => t.fail(), '/', { headers: { host } })
    t.strictSame([answer.status, await answer.json()], [400, { error: '400', message: '400 Bad Request' }], host)
  }
  t.equal((await ask((_req, res) => res.end(), '/', { headers: { host: '[::1]:80' } })).status, 200)
})

t.test('headers have lower-case names, and only those that were sent', async t => {
  await ask((req, res) => {
    t.strictSame({ ...req.headers }, { 'x-a': '1, 2', cookie: 'a=1; b=2', host: 'a.test', ['__proto__']: 'x' })
    t.equal(req.headers.constructor, undefined)
    res.end()
  }, '/', { headers: [['X-A', '1'], ['x-a', '2'], ['cookie', 'a=1'], ['Cookie', 'b=2'], ['__proto__', 'x']] })
})

t.test('steps may put other headers in the place of those that came', async t => {
  await ask((req, res) => {
    req.headers = { a: 'b' }
    t.strictSame(req.headers, { a: 'b' })
    res.end()
  })
})

t.test('the Request, and what else the runtime has, are on the req', async t => {
  const request = new Request(BASE)
  const runtime = [{ env: 1 }, { context: 2 }]
  await toFetch((req, res) => {
    t.equal((req as Req).request, request)
    t.strictSame((req as Req).runtime, runtime)
    res.end()
  })(request, ...runtime)
})

t.test('the client has the address that the runtime tells', async t => {
  const deno = { remoteAddr: { transport: 'tcp', hostname: '10.0.0.7', port: 1234 } }
  const bun = { requestIP(this: unknown, request: Request) { return this === bun && request.url && { address: '::1', port: 5 } } }
  const table: [what: string, runtime: unknown[], url: string, socket: object][] = [
    ['nothing', [], BASE, { remoteAddress: undefined, remotePort: undefined, encrypted: false }],
    ['Deno', [deno], BASE, { remoteAddress: '10.0.0.7', remotePort: 1234, encrypted: false }],
    ['Deno on a unix socket', [{ remoteAddr: { transport: 'unix', path: '/a' } }], BASE, { remoteAddress: undefined }],
    ['Bun', [bun], BASE, { remoteAddress: '::1', remotePort: 5 }],
    ['Bun after the answer', [{ requestIP: () => null }], BASE, { remoteAddress: undefined }],
    ['https', [], 'https://a.test', { encrypted: true }],
  ]
  for (const [what, runtime, url, socket] of table) {
    await toFetch((req, res) => {
      t.match((req as GotReq).socket, socket, what)
      t.equal((req as GotReq).socket, (req as GotReq).socket)
      res.end()
    })(new Request(url), ...runtime)
  }
})

t.test('a header tells the address only where it is asked to, and only one address', async t => {
  const info = { remoteAddr: { hostname: '10.0.0.7', port: 1 } }
  const table: [option: string | undefined, headers: { [name: string]: string }, address: string][] = [
    [undefined, { 'cf-connecting-ip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6' }, '10.0.0.7'],
    ['CF-Connecting-IP', { 'cf-connecting-ip': '192.0.2.1' }, '192.0.2.1'],
    ['cf-connecting-ip', {}, '10.0.0.7'],
    ['cf-connecting-ip', { 'cf-connecting-ip': '6.6.6.6, 192.0.2.1' }, '10.0.0.7'],
  ]
  for (const [clientAddressHeader, headers, address] of table) {
    await toFetch((req, res) => {
      t.equal((req as GotReq).socket.remoteAddress, address)
      res.end()
    }, { clientAddressHeader })(new Request(BASE, { headers }), info)
  }
})

t.test('waitUntil is that of the runtime, wherever it has it', async t => {
  const errors = catchErrors(t)
  const waited: Promise<unknown>[] = []
  const context = {
    waitUntil(this: unknown, promise: Promise<unknown>) {
      waited.push(promise.then((value) => this === context && value))
    },
  }
  for (const runtime of [[context], [undefined, 'env', context], []]) {
    await ask((req, res) => {
      req.waitUntil!(Promise.resolve('done'))
      req.waitUntil!(Promise.reject('failed'))
      res.end()
    }, '/', {}, ...runtime)
  }
  t.strictSame(await Promise.all(waited), ['done', undefined, 'done', undefined])
  t.strictSame(errors, ['failed', 'failed', 'failed'], 'what fails is told, with or without a runtime that waits')
})

// --------------------------------------------------------------------------------------------------------- the body

t.test('a body is a Buffer on node, and bytes that know their text where there is none', async t => {
  let read: (body: unknown) => void
  const handle = toFetch(rest({ router: new Router() }).post('/', (req) => {
    read(req.body)
    return null
  }))
  const pieces = [[0xef, 0xbb, 0xbf, 0xe2, 0x82], [0xac]]
  const requests = [
    new Request(BASE, { method: 'POST', body: '€' }),
    new Request(BASE, upload((controller) => {
      if (pieces.length) controller.enqueue(Uint8Array.from(pieces.shift()!))
      else controller.close()
    })),
  ]
  /** What the app has read, when there was no Buffer: none for the host, that is. Node's own fetch cannot do without. */
  const bodyOf = async (request: Request) => {
    const body = new Promise<unknown>((resolve) => { read = resolve })
    const { Buffer: native } = globalThis
    const asksHost = () => new Error().stack!.split('\n')[3]!.includes('hosts/fetch')
    Object.defineProperty(globalThis, 'Buffer', { get: () => asksHost() ? undefined : native, configurable: true })
    try {
      void handle(request)
      return await body
    } finally {
      Object.defineProperty(globalThis, 'Buffer', { value: native, writable: true, configurable: true })
    }
  }
  for (const [ix, text] of ['€', '\ufeff€'].entries()) {
    const body = await bodyOf(requests[ix]!)
    t.ok(body instanceof Uint8Array && !Buffer.isBuffer(body))
    t.equal(String(body), text)
  }
  const buffer = new Promise((resolve) => { read = resolve })
  await handle(new Request(BASE, { method: 'POST', body: 'a' }))
  t.ok(Buffer.isBuffer(await buffer))
})

t.test('a body that says that it is small comes as one piece, and a larger one as it comes', async t => {
  const pieces = async (size: number, headers: { [name: string]: string }) => {
    const answer = await ask(async (req, res) => {
      const sizes: number[] = []
      for await (const chunk of req) sizes.push(chunk.length)
      res.end(JSON.stringify(sizes))
    }, '/', {
      ...upload((controller) => {
        controller.enqueue(new Uint8Array(Math.min(size, 10_000)))
        size -= 10_000
        if (size <= 0) controller.close()
      }),
      headers,
    })
    return answer.json()
  }
  t.strictSame(await pieces(15_000, { 'content-length': '15000' }), [15_000])
  t.strictSame(await pieces(25_000, { 'content-length': '25000' }), [10_000, 10_000, 5000])
  t.strictSame(await pieces(15_000, {}), [10_000, 5000])
})

t.test('a body that nobody reads is not read', async t => {
  let pulled = 0
  await ask((_req, res) => res.end(), '/', upload(() => { pulled++ }))
  await turns()
  t.equal(pulled, 0)
})

t.test('a body is read on only when the step wants more', async t => {
  let pulled = 0
  const events: string[] = []
  const init = upload((controller) => {
    if (pulled++ < 3) controller.enqueue(Uint8Array.of(96 + pulled))
    else controller.close()
  })
  const paused = new Promise<GotReq>((resolve) => {
    void ask((req) => {
      req.setEncoding('utf8')
      req.on('data', (text: string) => {
        events.push(text)
        if (events.length > 1) return
        req.pause()
        req.pause()
        resolve(req)
      })
      req.on('end', () => events.push('end'))
    }, '/', init)
  })
  const req = await paused
  await turns()
  t.strictSame([events, pulled], [['a'], 2], 'one piece waits')
  const closed = once(req as never, 'close')
  req.resume()
  await closed
  t.strictSame(events, ['a', 'b', 'c', 'end'])
})

t.test('the end of a body that there is none of comes to those who listen', async t => {
  for (const init of [{}, { method: 'POST' }]) {
    const ended = new Promise<GotReq>((resolve) => {
      void ask((req, res) => {
        t.ok(req.readableEnded)
        req.on('end', () => resolve(req))
        res.end()
      }, '/', init)
    })
    t.notOk((await ended).aborted)
  }
})

t.test('a body may be resumed, and nobody listen', async t => {
  const closed = new Promise((resolve) => {
    void ask((req, res) => {
      req.on('close', resolve)
      req.resume()
      res.end()
    }, '/', { method: 'POST', body: 'abc' })
  })
  t.equal(await closed, undefined)
})

t.test('a body in pieces of text keeps characters and a byte order mark together', async t => {
  const bytes = [...new TextEncoder().encode('\ufeffa€𝄞')]
  const pieces: string[] = []
  await new Promise((resolve) => {
    void ask((req) => {
      req.setEncoding('utf8')
      req.on('data', (text: string) => pieces.push(text))
      req.on('end', resolve)
    }, '/', upload((controller) => {
      if (bytes.length) controller.enqueue(Uint8Array.of(bytes.shift()!))
      else controller.close()
    }))
  })
  t.strictSame(pieces, ['\ufeff', 'a', '€', '𝄞'])
  await ask((req, res) => {
    t.throws(() => req.setEncoding('hex'), RangeError)
    res.end()
  })
})

t.test('a step that wants no more of a body gets no more', async t => {
  const events: string[] = []
  const cancelled = new Promise<void>((resolve) => {
    void ask((req) => {
      req.on('data', () => {
        events.push('data')
        req.pause()
        // The next piece has come by then, and waits.
        setImmediate(() => {
          req.destroy()
          req.resume()
        })
      })
      req.on('end', () => events.push('end'))
      req.on('close', () => events.push('close'))
    }, '/', {
      method: 'POST',
      body: new ReadableStream({ pull: (controller) => controller.enqueue(Uint8Array.of(97)), cancel: () => resolve() }),
      duplex: 'half',
    })
  })
  await cancelled
  await turns()
  t.strictSame(events, ['data', 'close'])
})

t.test('a loop over the body ends with it, or when it is left', async t => {
  const cancelled: unknown[] = []
  const body = () => new ReadableStream({
    pull: (controller) => controller.enqueue(Uint8Array.of(97)),
    cancel: () => void cancelled.push('cancelled'),
  }, { highWaterMark: 0 })
  const left = await ask(async (req, res) => {
    for await (const chunk of req) {
      res.end(chunk)
      break
    }
  }, '/', { method: 'POST', body: body(), duplex: 'half' })
  t.equal(await left.text(), 'a')
  t.strictSame(cancelled, ['cancelled'])

  const none = await ask(async (req, res) => {
    for await (const _chunk of req) t.fail()
    res.end('none')
  })
  t.equal(await none.text(), 'none')
})

t.test('a body that breaks off is a 400, whichever way it is read', async t => {
  const warnings = catchWarnings(t)
  const broken = (headers: { [name: string]: string } = {}) => {
    let pulled = 0
    const init = upload((controller) => {
      if (pulled++) controller.error(new Error('connection reset'))
      else controller.enqueue(Uint8Array.of(97))
    })
    return { ...init, headers }
  }
  const app = rest({ router: new Router() })
  app.post('/read', () => t.fail())
  app.post('/loop', Object.assign(async (req: Req) => {
    for await (const _chunk of req as GotReq) continue
  }, { readBody: false as const }))
  for (const path of ['/read', '/loop']) {
    t.equal((await ask(app as never, path, broken())).status, 400, path)
    t.equal((await ask(app as never, path, broken({ 'content-length': '2' }))).status, 400, path + ', of a small body')
  }

  const events = await new Promise<unknown[]>((resolve) => {
    const events: unknown[] = []
    void ask((req) => {
      req.on('data', () => events.push('data'))
      req.on('error', ({ message, cause }: Error) => events.push(message, (cause as Error).message))
      req.on('end', () => events.push('end'))
      req.on('close', () => resolve(events))
    }, '/', broken())
  })
  t.strictSame(events, ['data', 'aborted', 'connection reset'])
  t.strictSame(warnings, [], 'it is nobody\'s fault here')
})

t.test('a body that somebody else reads already is an error of the app, not of the client', async t => {
  const errors = catchWarnings(t)
  const app = rest({ router: new Router() }).post('/', (req) => {
    req.request!.body!.getReader()
    return new Promise((resolve, reject) => {
      req.on('error', reject)
      req.on('data', resolve)
    })
  })
  app.use((req, _res, next) => {
    Object.assign(req, { body: null })
    next()
  })
  t.equal((await ask(app as never, '/', { method: 'POST', body: 'a' })).status, 500)
  t.match(errors, [/locked/])

  const twice = rest({ router: new Router() }).post('/', () => t.fail())
  twice.use('pre', async (req, _res, next) => next(await req.request!.text() && undefined))
  t.equal((await ask(twice as never, '/', { method: 'POST', body: 'a' })).status, 500)
  t.match(errors[1], /read already/)
})

t.test('the Request may be read in place of the req', async t => {
  const app = rest({ router: new Router() })
  app.post('/', Object.assign(async (req: Req) => (await (req.request as Request).formData()).get('a'), { readBody: false as const }))
  t.equal(await (await ask(app as never, '/', { method: 'POST', body: new URLSearchParams('a=b') })).text(), 'b')
})

// ------------------------------------------------------------------------------------------------------- the answer

t.test('a head is set by names in any case, and sent once', async t => {
  const answer = await ask((_req, res) => {
    res.setHeader('X-A', '1')
    res.setHeader('x-b', 2)
    res.setHeader('Connection', 'close')
    res.setHeader('transfer-encoding', 'chunked')
    res.removeHeader('X-B')
    t.strictSame(['x-A', 'x-b', 'toString'].map((name) => res.getHeader(name)), ['1', undefined, undefined])
    res.writeHead(201, { vary: ['a', 'b'] })
    t.ok(res.headersSent)
    for (const late of [() => res.setHeader('a', 'b'), () => res.removeHeader('a'), () => res.writeHead(200)]) {
      t.throws(late, { message: /head has been sent/ })
    }
    res.end()
  })
  t.strictSame([answer.status, [...answer.headers]], [201, [['vary', 'a, b'], ['x-a', '1']]])
})

t.test('a header that no runtime takes throws', async t => {
  const table: [name: string, value: unknown][] = [
    ['', 'a'], ['a b', 'a'], ['a:', 'a'], ['é', 'a'],
    ['a', 'b\r\nc: d'], ['a', 'b\0'], ['a', '€'], ['a', ['b', 'c\n']], ['a', null], ['a', undefined],
    // (Deno ends the whole process because of one of these in a Response.)
    ['a', 'b\x01c'], ['a', 'b\x1f'], ['a', 'b\x7f'],
  ]
  await ask((_req, res) => {
    for (const [name, value] of table) t.throws(() => res.setHeader(name, wrong(value)), { name: 'TypeError', message: /^bad header/ })
    res.end()
  })
})

t.test('a head may be written with a phrase, as in node', async t => {
  type WriteHead = (status: number, phrase: string, headers?: object) => HostRes
  const answer = await ask((_req, res) => wrong<WriteHead>(res.writeHead).call(res, 201, 'Made', { 'x-a': '1' }).end('a'))
  t.strictSame([answer.status, [...answer.headers]], [201, [['x-a', '1']]])
  const bare = await ask((_req, res) => wrong<WriteHead>(res.writeHead).call(res, 202, 'Taken').end())
  t.strictSame([bare.status, [...bare.headers]], [202, []])
})

t.test('what is neither text nor bytes throws, and so does what is written after the end', async t => {
  const answer = await ask((_req, res) => {
    for (const chunk of [1, {}, true]) t.throws(() => res.write(wrong(chunk)), { name: 'TypeError', message: /neither text nor bytes/ })
    res.write('')
    res.end('a')
    res.end('b')
    t.throws(() => res.write('c'), { message: 'write after end' })
  })
  t.equal(await answer.text(), 'a')
})

t.test('an answer whose head is refused has not begun', async t => {
  const answer = await ask((_req, res) => {
    for (const status of [0, 99, 101, 199, 600, NaN, 'x']) {
      res.statusCode = wrong(status)
      t.throws(() => res.end('a'), RangeError, String(status))
      t.throws(() => res.write('a'), RangeError, String(status))
    }
    t.notOk(res.headersSent)
    res.statusCode = 200
    res.end('b')
  })
  t.equal(await answer.text(), 'b')
})

t.test('the length of a body that is not sent is told where it is known, and never with a 204', async t => {
  const table: [method: string, status: number, chunk: string | undefined, length: string | null][] = [
    ['HEAD', 200, 'é', '2'],
    ['HEAD', 200, undefined, null],
    ['HEAD', 204, 'é', null],
    ['GET', 204, 'é', null],
    ['GET', 205, undefined, null],
  ]
  for (const [method, status, chunk, length] of table) {
    const answer = await ask((_req, res) => {
      if (status !== 200) res.setHeader('content-length', 2)
      res.statusCode = status
      res.end(chunk)
    }, '/', { method })
    t.strictSame([answer.body, answer.headers.get('content-length')], [null, length], `${method} ${status}`)
  }
  const said = await ask((_req, res) => {
    res.setHeader('content-length', 7)
    res.end('é')
  }, '/', { method: 'HEAD' })
  t.equal(said.headers.get('content-length'), '7', 'what the app says of it stays')
})

t.test('an answer to HEAD ends, however it is written', async t => {
  const answer = await ask((_req, res) => {
    while (!res.write(new Uint8Array(1 << 16))) t.fail()
    res.end('more')
    t.ok(res.destroyed)
  }, '/', { method: 'HEAD' })
  t.equal(answer.body, null)
})

t.test('an answer begins with its first piece, or before it', async t => {
  let app: GotRes | undefined
  for (const begin of [(res: GotRes) => void res.write('a'), (res: GotRes) => res.flushHeaders()]) {
    const answer = await ask((_req, res) => {
      app = res
      res.setHeader('x', 'y')
      begin(res)
      begin(res)
    })
    t.equal(answer.headers.get('x'), 'y')
    app!.end('b')
    t.match(await answer.text(), /^(aa)?b$/)
  }
})

t.test('a writer is told to wait, and when to go on', async t => {
  let drained = 0
  let writes: boolean[] = []
  const answer = await ask((_req, res) => {
    res.on('drain', () => {
      drained++
      writes.push(res.write(new Uint8Array(1000)))
      res.end()
    })
    writes = [res.write('a'), res.write(new Uint8Array(16_382)), res.write('a'), res.write('a')]
  })
  await turns()
  t.strictSame([writes, drained], [[true, true, false, false], 0])
  t.equal((await answer.arrayBuffer()).byteLength, 16_385 + 1000)
  t.strictSame([writes, drained], [[true, true, false, false, true], 1])
})

t.test('an app that throws when there is room again is cut off', async t => {
  const errors = catchErrors(t)
  const answer = await ask((_req, res) => {
    res.write(new Uint8Array(1 << 16))
    res.on('drain', () => { throw new Error('no more') })
  })
  await t.rejects(answer.text(), { message: 'cut off' })
  t.match(errors, [{ message: 'no more' }])
})

t.test('a stream of node is piped into an answer', async t => {
  const pieces = () => Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(1000, 'a')))
  const piped = await ask((_req, res) => void pieces().pipe(wrong<Writable>(res)))
  t.equal((await piped.text()).length, 100_000)
  const lined = await ask((_req, res) => pipeline(pieces(), wrong<Writable>(res)))
  t.equal((await lined.text()).length, 100_000)
})

t.test('listeners are called once, or no more, as node does', async t => {
  const events: string[] = []
  await ask((_req, res) => {
    const first = () => {
      events.push('first')
      res.removeListener('x', second)
    }
    const second = () => events.push('second')
    const once = () => events.push('once')
    t.notOk(res.emit('x'))
    res.on('x', first)
    res.on('x', second)
    ;(res as unknown as GotReq).once('x', once)
    ;(res as unknown as GotReq).once('x', second)
    ;(res as unknown as GotReq).off('x', second)
    ;(res as unknown as GotReq).off('y', first)
    t.ok(res.emit('x'))
    res.emit('x')
    res.end()
    res.on('close', () => events.push('close'))
  })
  t.strictSame(events, ['first', 'second', 'once', 'first'])
})

// ----------------------------------------------------------------------------------------------------- who leaves

t.test('an answer that is cancelled is closed, and post steps run', async t => {
  const events: string[] = []
  const app = rest({ router: new Router() })
  app.use('post', (_req, _res, next) => {
    events.push('post')
    next()
  })
  app.get('/', (_req, res) => {
    res.write('a')
    res.on('close', () => events.push('close'))
    res.on('finish', () => events.push('finish'))
  })
  const answer = await ask(app as never)
  await answer.body!.cancel()
  t.strictSame(events, ['close', 'post'])
})

t.test('what is written after a client has left goes nowhere', async t => {
  let res: GotRes | undefined
  const answer = await ask((_req, got) => {
    res = got
    res.write('a')
  })
  await answer.body!.cancel()
  t.ok(res!.destroyed)
  t.notOk(res!.write('b'))
  res!.end('c')
  t.ok(res!.writableEnded)
})

t.test('an answer that has begun ends with its client', async t => {
  const client = new AbortController()
  const answer = await ask((_req, res) => {
    res.on('close', () => {})
    res.write('a')
  }, '/', { signal: client.signal })
  client.abort()
  await t.rejects(answer.text(), { message: 'cut off' })
})

t.test('a client that leaves before the answer closes it', async t => {
  const client = new AbortController()
  const events: string[] = []
  let aborted: boolean | undefined
  const asked = ask((req, res) => {
    res.on('close', () => {
      events.push('response')
      aborted = req.aborted
    })
    req.on('close', () => events.push('request'))
    res.on('close', () => res.end('nobody gets it'))
  }, '/', { ...upload(() => new Promise(() => {})), signal: client.signal })
  client.abort()
  t.equal((await asked).status, 499)
  t.strictSame(events, ['response', 'request'])
  t.notOk(aborted, 'the response is closed first')
})

t.test('a client that has left before anybody asked closes the answer', async t => {
  const answer = await ask((_req, res) => res.on('close', () => {}), '/', { signal: AbortSignal.abort() })
  t.equal(answer.status, 499)
})

t.test('who reads the body of a client that has left gets a 400', async t => {
  const client = new AbortController()
  const read = new Promise((resolve) => {
    void ask(async (req, res) => {
      res.on('close', () => {})
      try {
        for await (const chunk of req) client.abort(chunk)
      } catch (err) {
        resolve(err)
      }
    }, '/', { ...upload((controller) => controller.enqueue(Uint8Array.of(1))), signal: client.signal })
  })
  t.match(await read, { statusCode: 400, message: 'aborted', cause: { message: 'the client has left' } })
})

t.test('a client that leaves after the answer is no concern of it', async t => {
  const client = new AbortController()
  const events: string[] = []
  const answer = await ask((_req, res) => {
    res.on('close', () => events.push('close'))
    res.end('a')
  }, '/', { signal: client.signal })
  client.abort()
  t.strictSame(events, ['close'])
  t.equal(await answer.text(), 'a')
})

t.test('an answer that the app cuts off is cut off for the client', async t => {
  const begun = await ask((req, res) => {
    res.write('a')
    res.destroy()
    res.destroy()
    t.ok(req.aborted, 'what reads the body learns of it')
  }, '/', { method: 'POST', body: 'a' })
  await t.rejects(begun.text(), { message: 'cut off' })

  const none = await ask((_req, res) => res.destroy())
  t.strictSame([none.status, await none.text()], [500, ''])
})

// -------------------------------------------------------------------------------------------------- what goes wrong

t.test('what an app throws is a 500, and told', async t => {
  const errors = catchErrors(t)
  const listeners: [what: string, app: (req: GotReq, res: GotRes) => unknown][] = [
    ['throws', () => { throw new Error('thrown') }],
    ['rejects', () => Promise.reject(new Error('thrown'))],
    ['throws after a head', (_req, res) => {
      res.writeHead(200)
      throw new Error('thrown')
    }],
    ['throws when it listens', (req) => req.on('data', () => { throw new Error('thrown') })],
    ['throws at the end', (req) => req.on('end', () => { throw new Error('thrown') })],
  ]
  for (const [what, app] of listeners) {
    const answer = await ask(app, '/', { method: 'POST', body: 'a' })
    t.strictSame([answer.status, await answer.json()], [500, { error: '500', message: '500 Internal Error' }], what)
    t.match(errors.splice(0), [{ message: 'thrown' }], what)
  }
  const head = await ask(() => { throw new Error('thrown') }, '/', { method: 'HEAD' })
  t.strictSame([head.status, head.body], [500, null])
})

t.test('what an app throws after the beginning cuts the answer off', async t => {
  const errors = catchErrors(t)
  const answer = await ask(async (_req, res) => {
    res.write('a')
    throw new Error('thrown')
  })
  await t.rejects(answer.text(), { message: 'cut off' })
  t.match(errors, [{ message: 'thrown' }])
})

t.test('an app that does not answer in time is a 503, and its late answer goes nowhere', async t => {
  const warnings = catchWarnings(t)
  const events: string[] = []
  const app = rest({ router: new Router() })
  app.use('post', (_req, res, next) => {
    events.push('post ' + res.statusCode)
    next()
  })
  let late: (() => void) | undefined
  app.get('/', (_req, res, next) => {
    late = () => {
      res.setHeader('x', 'y')
      res.end('late')
      next()
    }
  })
  const answer = await toFetch(app, { timeout: 1 })(new Request(BASE))
  t.strictSame([answer.status, answer.headers.get('x')], [503, null])
  t.strictSame(await answer.json(), { error: '503', message: '503 Service Unavailable' })
  t.strictSame(events, ['post 503'])
  late!()
  t.strictSame(warnings, [])
})

t.test('an answer that has begun in time takes the time that it takes', async t => {
  let end: (() => void) | undefined
  const answer = await toFetch((_req, res) => {
    res.write('a')
    end = () => res.end('b')
  }, { timeout: 1 })(new Request(BASE))
  await new Promise((resolve) => setTimeout(resolve, 5))
  end!()
  t.equal(await answer.text(), 'ab')
})

t.test('what is no app, and options that cannot be, throw at once', async t => {
  for (const app of [undefined, {}, 'app']) t.throws(() => toFetch(wrong(app)), { name: 'TypeError', message: /^no app/ })
  for (const timeout of [0, -1, NaN, Infinity, 2 ** 31, '5s']) {
    t.throws(() => toFetch(() => {}, { timeout: wrong(timeout) }), { name: 'RangeError', message: 'bad timeout: ' + timeout })
  }
  for (const clientAddressHeader of ['', 'a b', true, 7]) {
    const options = { clientAddressHeader: wrong<string>(clientAddressHeader) }
    t.throws(() => toFetch(() => {}, options), { message: 'bad clientAddressHeader: ' + clientAddressHeader })
  }
  for (const handler of [undefined, {}]) t.throws(() => fromFetch(wrong(handler)), { name: 'TypeError', message: /^no handler/ })
})

// ------------------------------------------------------------------------------------------------------- fromFetch

/** An app with one function of fetch, for all there is. */
const buildFetchApp = (handler: Parameters<typeof fromFetch>[0]) => rest({ router: new Router() }).all('/:*', fromFetch(handler))

t.test('a function of fetch gets the Request as it is', async t => {
  const request = new Request(BASE + '/a/b?c', { method: 'POST', body: 'd' })
  const inner = buildFetchApp((got, req) => {
    t.equal(got, request)
    t.equal(req.params['*'], '/b')
    return new Response()
  })
  await toFetch(rest({ router: new Router() }).use('/a', inner))(request)
})

t.test('a function of fetch gets what steps have made of the request', async t => {
  const app = rest({ router: new Router() })
  app.use('pre', (req, _res, next) => {
    req.url = '//b?c'
    req.headers = { 'x-a': ['1', '2'] as never, 'x-b': undefined as never, ':path': '/' }
    next()
  })
  app.all('/:*', fromFetch(async (request) => {
    t.strictSame([request.url, request.method, await request.text()], [BASE + '//b?c', 'POST', 'body'])
    t.strictSame([...request.headers], [['x-a', '1, 2']])
    return new Response()
  }))
  const client = new AbortController()
  await toFetch(app)(new Request(BASE + '/a', { method: 'POST', body: 'body', signal: client.signal }))
})

t.test('a Response goes on as it is, with what steps have set beside it', async t => {
  const given = new Response('a', { headers: [['x-a', '1'], ['set-cookie', 'a=1']] })
  const app = rest({ router: new Router() })
  app.get('/plain', fromFetch(() => given))
  app.get('/set', (_req, res, next) => {
    res.setHeader('X-A', '2')
    res.setHeader('x-b', '2')
    res.setHeader('set-cookie', ['b=2', 'c=3'])
    next()
  }, fromFetch(() => given))
  // (Only some runtimes can make one of these.)
  const upgrade = Object.defineProperty(new Response(), 'status', { value: 101 })
  app.get('/socket', (_req, res, next) => {
    res.setHeader('x-a', '2')
    next()
  }, fromFetch(() => upgrade))

  t.equal(await ask(app as never, '/plain'), given)
  const set = await ask(app as never, '/set')
  t.strictSame([...set.headers], [
    ['content-type', 'text/plain;charset=UTF-8'],
    ['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['set-cookie', 'c=3'],
    ['x-a', '1'], ['x-b', '2'],
  ])
  t.equal(await set.text(), 'a')
  t.equal(await ask(app as never, '/socket'), upgrade, 'what cannot be copied is not')
})

t.test('a step may answer with a Response, once', async t => {
  const answer = await ask((_req, res) => {
    const respond = (text: string) => (res as unknown as { respondWith(response: Response): void }).respondWith(new Response(text))
    respond('a')
    respond('b')
    res.end('c')
  })
  t.equal(await answer.text(), 'a')
})

t.test('an answer that has begun is cut off if a step answers it with a Response, too', async t => {
  const warnings = catchWarnings(t)
  for (const begin of [(res: HostRes) => void res.write('begun'), (res: HostRes) => void res.writeHead(200)]) {
    const app = rest({ router: new Router() })
    let cancelled = 0
    const body = new ReadableStream({
      cancel() {
        cancelled++
        throw new Error('not to be let go')
      },
    })
    app.get('/', (_req, res, next) => {
      begin(res)
      next()
    }, fromFetch(() => new Response(body)))
    const answer = await ask(app as never)
    if (answer.status === 200) await t.rejects(answer.text(), { message: 'cut off' })
    else t.equal(answer.status, 500)
    t.equal(cancelled, 1)
  }
  t.match(warnings, [/head has been sent: 200/, /head has been sent: 200/])
})

t.test('what is no Response, or one that has been read, is a 500 on all hosts, and nothing of its head is sent', async t => {
  const warnings = catchWarnings(t)
  const app = rest({ router: new Router() })
  const init = { headers: { etag: '"1"' } }
  app.get('/text', fromFetch(() => wrong('text')))
  app.get('/object', fromFetch(() => wrong({ headers: {} })))
  app.get('/read', fromFetch(async () => {
    const response = new Response('a', init)
    await response.text()
    return response
  }))
  app.get('/locked', fromFetch(() => {
    const response = new Response('a', init)
    response.body!.getReader()
    return response
  }))
  app.get('/fails', fromFetch(() => new Response(new ReadableStream({ pull: (controller) => controller.error(new Error('none')) }), init)))
  const { url } = await serve(t, app)
  for (const path of ['/text', '/object', '/read']) t.equal((await ask(app as never, path)).status, 500, path)
  for (const path of ['/text', '/object', '/read', '/locked', '/fails']) {
    const answer = await fetch(url + path)
    t.strictSame([answer.status, answer.headers.get('etag')], [500, null], path)
  }
  t.match(warnings.map(String), [/no Response: text/, /no Response: \[object/, /read already/])
})

t.test('a Response for a client that has left is let go', async t => {
  const client = new AbortController()
  const cancelled = new Promise((resolve) => {
    const app = buildFetchApp(async () => {
      client.abort()
      await turns()
      return new Response(new ReadableStream({
        cancel(reason) {
          resolve(reason)
          throw new Error('not to be let go')
        },
      }))
    })
    void ask(app.use('post', () => {}) as never, '/', { signal: client.signal })
  })
  await cancelled
  t.ok(client.signal.aborted)
})

t.test('a function of fetch answers on node', async t => {
  const app = rest({ router: new Router() })
  app.all('/echo/:*', fromFetch(async (request) => {
    const { method, url, headers } = request
    return Response.json({ method, url, x: headers.get('x'), body: await request.text() }, {
      status: 201, headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ['x-a', '1']],
    })
  }))
  app.post('/parsed', (req, _res, next) => {
    req.body = { a: [1] }
    next()
  }, fromFetch(async (request) => new Response(`${request.headers.get('content-type')} ${await request.text()}`)))
  app.post('/text', (req, _res, next) => {
    req.body = 'text of ' + req.body
    next()
  }, fromFetch(async (request) => new Response(await request.text())))
  app.get('/head', (_req, res, next) => {
    res.setHeader('set-cookie', 'c=3')
    next()
  }, fromFetch(() => new Response('body', { headers: [['set-cookie', 'd=4'], ['connection', 'x'], ['x-a', '1']] })))
  app.get('/none', fromFetch(() => new Response(null, { status: 204 })))
  const { url } = await serve(t, app)

  const echo = await fetch(url + '/echo/a?b', { method: 'POST', body: 'é', headers: { x: 'y' } })
  t.strictSame([echo.status, echo.headers.get('x-a'), echo.headers.getSetCookie(), await echo.json()], [
    201, '1', ['a=1', 'b=2'], { method: 'POST', url: url + '/echo/a?b', x: 'y', body: 'é' },
  ])
  t.match(await (await fetch(url + '/echo/')).json(), { method: 'GET', body: '' })
  t.equal(await (await fetch(url + '/parsed', { method: 'POST', body: 'x' })).text(), 'application/json {"a":[1]}')
  t.equal(await (await fetch(url + '/text', { method: 'POST', body: 'x' })).text(), 'text of x')
  const head = await fetch(url + '/head', { method: 'HEAD' })
  t.strictSame([head.headers.getSetCookie(), head.headers.get('x-a'), await head.text()], [['c=3', 'd=4'], '1', ''])
  t.equal((await fetch(url + '/none')).status, 204)
})

t.test('a function of fetch streams both ways on node', async t => {
  const app = rest({ router: new Router() })
  app.post('/', fromFetch((request) => new Response(request.body!.pipeThrough(new TransformStream({
    transform: (chunk: Uint8Array, controller) => controller.enqueue(Uint8Array.from(chunk, (byte) => byte - 32)),
  })))))
  const { port } = await serve(t, app)
  const request = http.request({ port, host: '127.0.0.1', method: 'POST' })
  request.write('a')
  const [answer] = await once(request, 'response') as [http.IncomingMessage]
  answer.setEncoding('utf8')
  t.strictSame(await once(answer, 'data'), ['A'])
  request.write('b')
  t.strictSame(await once(answer, 'data'), ['B'])
  request.end()
  await once(answer, 'end')
})

t.test('large bodies go through a function of fetch on node whole', async t => {
  const { url } = await serve(t, buildFetchApp((request) => new Response(request.body)))
  const body = new Uint8Array(4 << 20).map((_none, ix) => ix % 251)
  const answer = await fetch(url, { method: 'POST', body })
  t.ok(Buffer.from(await answer.arrayBuffer()).equals(body))
})

t.test('a body that a function of fetch does not read to its end does not keep the next request waiting', async t => {
  const { port } = await serve(t, buildFetchApp(async (request) => {
    const path = new URL(request.url).pathname
    const reader = request.body?.getReader()
    if (path !== '/unread') await reader?.read()
    if (path === '/cancelled') await reader?.cancel()
    return new Response(path)
  }))
  for (const path of ['/unread', '/begun', '/cancelled']) {
    const wire = new Wire(t, port)
    const size = 1 << 20
    void wire.send(`POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${size}\r\n\r\n${'a'.repeat(size)}`)
    t.equal((await wire.answer()).body, path)
    void wire.send('GET /next HTTP/1.1\r\nHost: a.test\r\n\r\n')
    t.equal((await wire.answer()).body, '/next', path)
  }
})

t.test('a function of fetch learns that a client of node has left', async t => {
  const events: string[] = []
  let go: () => void = () => {}
  const cancelled = new Promise<void>((resolve) => { go = resolve })
  const app = buildFetchApp((request) => {
    request.signal.addEventListener('abort', () => events.push('abort'))
    return new Response(new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1 << 16)),
      cancel: () => {
        events.push('cancel')
        go()
      },
    }))
  })
  const { url } = await serve(t, app)
  const client = new AbortController()
  const answer = await fetch(url, { signal: client.signal })
  await answer.body!.getReader().read()
  client.abort()
  await cancelled
  t.strictSame(events.sort(), ['abort', 'cancel'])
})

t.test('a function of fetch gets a body that breaks off as an error', async t => {
  catchWarnings(t)
  const failed = new Promise((resolve) => {
    const app = buildFetchApp(async (request) => {
      await request.text().catch(resolve)
      return null
    })
    void serve(t, app).then(async ({ port }) => {
      const wire = new Wire(t, port)
      await wire.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc')
      wire.socket.destroy()
    })
  })
  t.type(await failed, Error)
})

t.test('a function of fetch gets an error for the body of a request that others have answered', async t => {
  catchWarnings(t)
  for (const hasBegun of [false, true]) {
    const failed = new Promise((resolve) => {
      let answer: () => void = () => {}
      const app = buildFetchApp(async (request) => {
        const reader = request.body!.getReader()
        if (hasBegun) await reader.read()
        answer()
        await turns()
        await reader.read().catch(resolve)
        return null
      })
      void serve(t, (req, res) => {
        answer = () => res.end('in its place')
        app(req, res as never)
      }).then(({ port }) => {
        void new Wire(t, port).send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc')
      })
    })
    t.match(await failed, { message: 'aborted' })
  }
})

t.test('a function of fetch gets an error for the body of a client that has left before it began', async t => {
  catchWarnings(t)
  let left: () => void = () => {}
  const failed = new Promise((resolve) => {
    const app = rest({ router: new Router() })
    app.use('pre', (req, _res, next) => {
      (req as unknown as IncomingMessage).on('close', () => next())
      left()
    })
    app.post('/', fromFetch(async (request) => {
      await request.text().catch(resolve)
      return null
    }))
    void serve(t, app).then(async ({ port }) => {
      const wire = new Wire(t, port)
      left = () => wire.socket.destroy()
      await wire.send('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc')
    })
  })
  t.match(await failed, { message: 'aborted' })
})

t.test('a function of fetch that answers when its client has left is over with that, over HTTP/2 too', async t => {
  const over: Promise<unknown>[] = []
  for (const name of ['http', 'http2']) {
    let begun: () => void = () => {}
    const began = new Promise<void>((resolve) => { begun = resolve })
    const app = rest({ router: new Router() })
    over.push(new Promise((resolve) => app.use('post', () => resolve(name))))
    app.get('/', fromFetch(async (request) => {
      begun()
      await once(request.signal, 'abort')
      await turns()
      return new Response(new Uint8Array(1 << 20))
    }))
    const server = name === 'http2' ? http2.createServer(app as never) : http.createServer(app)
    server.listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    if (name === 'http2') {
      const client = http2.connect(`http://127.0.0.1:${port}`)
      client.request({ ':path': '/' }).on('error', () => {})
      await began
      client.destroy()
    } else {
      const wire = new Wire(t, port)
      await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
      await began
      wire.socket.destroy()
    }
  }
  t.strictSame(await Promise.all(over), ['http', 'http2'])
})

t.test('an answer that a function of fetch cannot finish is cut off', async t => {
  const warnings = catchWarnings(t)
  const { url } = await serve(t, buildFetchApp((request) => {
    let left = request.url.endsWith('late') ? 1 : 0
    return new Response(new ReadableStream({
      pull(controller) {
        if (left--) controller.enqueue(Uint8Array.of(97))
        else controller.error(new Error('broken'))
      },
    }, { highWaterMark: 0 }))
  }))
  t.equal((await fetch(url)).status, 500)
  await t.rejects(fetch(url + '/late').then((answer) => answer.text()))
  t.match(warnings, [/broken/])
})

t.test('what cannot be a Request is a 400', async t => {
  const { port } = await serve(t, buildFetchApp(() => new Response('fine')))
  const table: [head: string, status: number, why: string][] = [
    ['GET /a HTTP/1.1\r\nHost: a.test', 200, 'a request'],
    ['GET http://b.test/a HTTP/1.1\r\nHost: a.test', 200, 'an absolute URL'],
    ['OPTIONS * HTTP/1.1\r\nHost: a.test', 404, 'no path'],
    ['GET / HTTP/1.0', 200, 'no Host'],
    ['TRACE /a HTTP/1.1\r\nHost: a.test', 400, 'a method that fetch forbids'],
    ['GET /a HTTP/1.1\r\nHost: a.test/b', 400, 'a Host with a path'],
    ['GET /a HTTP/1.1\r\nHost: a:b:c', 400, 'a Host that is none'],
  ]
  for (const [head, status, why] of table) {
    const wire = new Wire(t, port)
    void wire.send(head + '\r\n\r\n')
    t.equal((await wire.answer()).statusCode, status, why)
  }
})

t.test('what fetch has decoded is not said to be encoded', async t => {
  const { url: upstream } = await serve(t, (req, res) => {
    if (req.url === '/encoded') res.setHeader('content-encoding', 'gzip')
    res.end(req.url === '/encoded' ? gzipSync('a text') : 'a text')
  })
  const { url } = await serve(t, buildFetchApp((_request, req) => fetch(upstream + req.url)))
  for (const path of ['/encoded', '/plain']) {
    const answer = await fetch(url + path)
    t.strictSame([answer.headers.get('content-encoding'), await answer.text()], [null, 'a text'], path)
  }
})

t.test('a function of fetch answers where there is no stream of any kind', async t => {
  const app = buildFetchApp(async (request) => new Response(`${request.url} ${await request.text()}`))
  const answer = await new Promise<unknown[]>((resolve) => {
    const headers = { host: 'a.test', 'content-length': 2 }
    const input = embed(app, { method: 'POST', url: '/a', headers, client: { encrypted: true } }, (...whole) => resolve(whole))
    input.data('é')
    input.end()
  })
  t.equal(Buffer.from(answer[2] as Uint8Array).toString(), 'https://a.test/a é')
})

t.test('a Response that is an error is a 500', async t => {
  const warnings = catchWarnings(t)
  const app = buildFetchApp(() => Response.error())
  const { url } = await serve(t, app)
  for (const answer of [await ask(app as never), await fetch(url)]) {
    t.strictSame([answer.status, await answer.json()], [500, { error: '500', message: '500 Internal Error' }])
  }
  t.match(warnings, [/the Response is an error/, /the Response is an error/])
})

/** One request of each kind, with its answer read, cancelled, or cut off. */
async function useAll(handle: FetchHandler): Promise<number> {
  const answers = await Promise.all([
    handle(new Request(BASE + '/hello')),
    handle(new Request(BASE + '/nothing')),
    handle(new Request(BASE + '/json', { method: 'POST', body: '{"a":1}' })),
    handle(new Request(BASE + '/pieces')),
    handle(new Request(BASE + '/cookies', { signal: new AbortController().signal })),
    handle(new Request(BASE + '/fetch/a', { method: 'POST', body: 'a' })),
  ])
  for (const answer of answers) await answer.arrayBuffer()
  const left = await handle(new Request(BASE + '/endless/left'))
  await left.body!.cancel()
  return answers.length
}

t.test('thousands of requests one after another leave nothing behind', async t => {
  const handle = toFetch(buildApp(core, fromFetch, () => {}), { timeout: 60_000 })
  const held = async (rounds: number): Promise<number> => {
    for (let ix = 0; ix < rounds; ix++) await useAll(handle)
    // What is finalised in one collection goes in the next.
    for (let ix = 0; ix < 3; ix++) {
      await turns()
      gc()
    }
    return process.memoryUsage().heapUsed
  }
  await held(300)
  const before = await held(300)
  const after = await held(10_000 / 7)
  t.ok(after - before < 1 << 20, `${after - before} bytes more`)
})

t.test('500 requests at once are all answered, each by its own answer', async t => {
  const handle = toFetch(buildApp(core, fromFetch, () => {}))
  const ids = Array.from({ length: 500 }, (_none, id) => String(id))
  const answers = await Promise.all(ids.map(async (id) => (await handle(new Request(BASE + '/json', { method: 'POST', body: id }))).text()))
  t.strictSame(answers, ids)
})
