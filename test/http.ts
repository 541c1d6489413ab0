// The app behind real sockets: what only the bytes on a wire can show. Raw bytes where they matter, undici where they do not.

import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { Agent, Client, request } from 'undici'
import type { App, HostReq, HostRes, Next, Req, Res, Step } from '../microrest.ts'
import { FakeReq, FakeRes } from './fixtures/call.ts'
import { makeCertificate } from './fixtures/certificate.ts'
import { HttpError, Router, mw, rest, sendResponse } from './fixtures/core.ts'
import { corpus } from './fixtures/corpora.ts'
import { Wire, feed, parseAnswers, raw, serve } from './fixtures/server.ts'
import { catchWarnings } from './fixtures/warnings.ts'

const fullApp = (options = {}) => rest({ router: new Router(options) })
const apps: [name: string, make: (options?: object) => App][] = [['NanoRouter', (options) => rest(options)], ['Router', fullApp]]

/** Answers with what it got as a body. */
const echo: Step = (req, res) => { res.end(req.body as Uint8Array) }

async function turns(count = 3): Promise<void> {
  for (let ix = 0; ix < count; ix++) await new Promise((resolve) => setImmediate(resolve))
}

/** A promise, and the function that fulfils it. */
function signal<T = void>(): { promise: Promise<T>; give(value: T): void } {
  let give: (value: T) => void = () => {}
  const promise = new Promise<T>((resolve) => { give = resolve })
  return { promise, give: (value) => give(value) }
}

/** What the wire sends for a request. */
function bytes(method: string, target: string, headers: string[] = [], body = ''): string {
  return [`${method} ${target} HTTP/1.1`, 'host: x', ...headers, '', body].join('\r\n')
}

function post(target: string, body: string, ...headers: string[]): string {
  return bytes('POST', target, ['content-length: ' + Buffer.byteLength(body), ...headers], body)
}

/** A chunk of a chunked body; an empty one is the last. */
function chunk(text: string): string {
  return text.length.toString(16) + '\r\n' + text + '\r\n'
}

const CLOSE = 'connection: close'

// -------------------------------------------------------------------------------------------------------- connections

for (const [name, make] of apps) {
  t.test(`connections of a ${name} app`, async t => {
    t.test('are kept alive: one answer after the other on one socket', async t => {
      const app = make().get('/a', () => 'one').get('/b', () => ({ two: 2 })).post('/c', echo)
      const { port } = await serve(t, app)
      const wire = new Wire(t, port)
      void wire.send(bytes('GET', '/a'))
      t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'keep-alive', 'content-length': '3' }, body: 'one' })
      void wire.send(bytes('GET', '/b'))
      t.match(await wire.answer(), { statusCode: 200, headers: { 'content-type': 'application/json' }, body: '{"two":2}' })
      void wire.send(post('/c', 'three'))
      t.match(await wire.answer(), { statusCode: 200, body: 'three' })
      void wire.send(bytes('GET', '/nowhere'))
      t.match(await wire.answer(), { statusCode: 404, headers: { connection: 'keep-alive' } })
      void wire.send(bytes('GET', '/a', [CLOSE]))
      t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'close' }, body: 'one' })
      t.equal(await wire.closed, '')
    })

    t.test('are kept alive after an error, and after a body that nobody read', async t => {
      catchWarnings(t)
      const app = make({ readBody: false }).post('/x', () => { throw new HttpError(418) }).post('/boom', () => { throw new Error('boom') })
      const { port } = await serve(t, app)
      const wire = new Wire(t, port)
      for (const [target, statusCode] of [['/x', 418], ['/boom', 500], ['/nowhere', 404], ['/%zz', 400], ['/x', 418]] as const) {
        void wire.send(post(target, 'a body of some length'))
        t.match(await wire.answer(), { statusCode }, target)
      }
    })

    t.test('carry many requests', async t => {
      const { url, server } = await serve(t, make().post('/x', echo))
      let connections = 0
      server.on('connection', () => { connections++ })
      const client = new Client(url)
      t.after(() => client.close())
      for (let ix = 0; ix < 500; ix++) {
        const { body } = await client.request({ method: 'POST', path: '/x', body: 'number ' + ix })
        if (await body.text() !== 'number ' + ix) t.fail('answer ' + ix)
      }
      t.equal(connections, 1)
    })

    t.test('take 200 requests at once, and mix none of them up', async t => {
      const app = make().post('/x', async (req) => {
        await turns(Number(req.headers.number) % 7)
        return { number: req.headers.number, body: String(req.body) }
      })
      const { url, drained, server } = await serve(t, app)
      const agent = new Agent()
      const answers = await Promise.all(Array.from({ length: 200 }, async (_, ix) => {
        const answer = await request(url + '/x', { method: 'POST', body: 'body ' + ix, headers: { number: '' + ix }, dispatcher: agent })
        return answer.body.json()
      }))
      t.strictSame(answers, answers.map((_, ix) => ({ number: '' + ix, body: 'body ' + ix })))
      await agent.close()
      server.close()
      t.equal(await drained(), 0)
    })

    t.test('close with the server, idle or busy', async t => {
      const asked = signal()
      const goOn = signal()
      const app = make().get('/slow', async () => {
        asked.give()
        await goOn.promise
        return 'slow'
      })
      app.get('/quick', () => 'quick')
      const { port, server, drained } = await serve(t, app)
      server.keepAliveTimeout = 1
      const idle = new Wire(t, port)
      void idle.send(bytes('GET', '/quick'))
      await idle.answer()
      const busy = new Wire(t, port)
      void busy.send(bytes('GET', '/slow'))
      await asked.promise
      server.close()
      goOn.give()
      t.match(await busy.answer(), { statusCode: 200, body: 'slow' })
      t.equal(await drained(), 0)
    })

    t.test('of HTTP/1.0 close after the answer', async t => {
      const { port } = await serve(t, make().get('/x', () => 'hi'))
      t.match(await raw(port, 'GET /x HTTP/1.0\r\n\r\n'), /^HTTP\/1.1 200 OK\r\n[^]*\r\n\r\nhi$/)
    })
  })
}

t.test('pipelining', async t => {
  for (const [name, make] of apps) {
    t.test(`answers come in the order of the requests, whatever finishes first, on a ${name}`, async t => {
      const slow = signal()
      const app = make().get('/slow', async () => {
        await slow.promise
        return 'slow'
      })
      app.post('/body', echo)
      app.get('/quick', () => {
        slow.give()
        return 'quick'
      })
      const { port } = await serve(t, app)
      const text = await raw(port, bytes('GET', '/slow') + post('/body', 'GET /fake HTTP/1.1\r\n\r\n') + bytes('GET', '/nowhere') +
        bytes('HEAD', '/quick') + bytes('GET', '/quick', [CLOSE]))
      const answers = parseAnswers(text, ['GET', 'POST', 'GET', 'HEAD', 'GET'])
      t.strictSame(answers.map(({ statusCode, body }) => [statusCode, body.slice(0, 22)]), [
        [200, 'slow'], [200, 'GET /fake HTTP/1.1\r\n\r\n'], [404, '{"error":"404","messag'], [200, ''], [200, 'quick'],
      ])
    })
  }

  t.test('100 requests in one piece, byte for byte the same as one by one', async t => {
    const { port } = await serve(t, fullApp().get('/:id', (req) => req.params.id).post('/:id', echo))
    const requests = Array.from({ length: 100 }, (_, ix) => (ix % 3 ? bytes('GET', '/' + ix) : post('/' + ix, 'body ' + ix)))
    const text = await raw(port, requests.join('') + bytes('GET', '/last', [CLOSE]))
    t.strictSame(parseAnswers(text).map(({ body }) => body), [...requests.map((_, ix) => (ix % 3 ? '' + ix : 'body ' + ix)), 'last'])
  })

  t.test('an over-long body behind a slow request takes no answer from that', async t => {
    const slow = signal()
    const app = fullApp({ bodySizeLimit: 10 }).get('/slow', async () => {
      await slow.promise
      return 'slow'
    })
    app.post('/body', echo)
    app.use('post', (req, _res, next) => {
      if (req.url === '/body') setImmediate(slow.give)
      next()
    })
    for (const body of [post('/body', 'x'.repeat(20)), bytes('POST', '/body', ['transfer-encoding: chunked'], chunk('x'.repeat(20)) + chunk(''))]) {
      const { port } = await serve(t, app)
      const answers = parseAnswers(await raw(port, bytes('GET', '/slow') + body))
      t.match(answers, [{ statusCode: 200, body: 'slow' }, { statusCode: 400, headers: { connection: 'close' } }])
      t.equal(answers.length, 2)
    }
  })
})

t.test('HEAD', async t => {
  const styles: [string, Step][] = [
    ['a string', () => 'text'],
    ['JSON', () => ({ a: 1 })],
    ['res.end', (_req, res) => { res.end('text') }],
    ['writes', (_req, res) => {
      res.write('te')
      res.end('xt')
    }],
    ['sendResponse', (req, res, next) => sendResponse(req, res, next, null, 200, { a: 1 }, { 'x-a': 'b' })],
    ['an error', () => { throw new HttpError(418) }],
    ['no content', (_req, res) => {
      res.statusCode = 204
      res.end()
    }],
  ]
  for (const [name, make] of apps) {
    for (const [why, step] of styles) {
      t.test(`answers ${why} without a body, and with the head of GET, on a ${name}`, async t => {
        const { port } = await serve(t, make().get('/x', step))
        const text = await raw(port, bytes('HEAD', '/x') + bytes('HEAD', '/x', [CLOSE]))
        t.match(text, /^HTTP\/1.1 \d{3} [^\r]*\r\n([^\r\n]+\r\n)*\r\nHTTP\/1.1 \d{3} [^\r]*\r\n([^\r\n]+\r\n)*\r\n$/, 'two heads and nothing else')
        const [get] = parseAnswers(await raw(port, bytes('GET', '/x', [CLOSE])))
        const [head] = parseAnswers(text, ['HEAD', 'HEAD'])
        t.equal(head!.statusCode, get!.statusCode)
        t.equal(head!.headers['content-type'], get!.headers['content-type'])
      })
    }
  }
})

t.test('204 and 304 have no body, whatever the step gives', async t => {
  for (const [name, make] of apps) {
    for (const statusCode of [204, 304]) {
      const steps: [string, Step][] = [
        ['res.end', (_req, res) => {
          res.statusCode = statusCode
          res.end()
        }],
        ['res.end of a body', (_req, res) => {
          res.statusCode = statusCode
          res.end('a body')
        }],
        ['sendResponse', (req, res, next) => sendResponse(req, res, next, null, statusCode)],
        ['sendResponse of a body', (req, res, next) => sendResponse(req, res, next, null, statusCode, 'a body')],
        ['a returned body', () => 'a body'],
      ]
      for (const [why, step] of steps) {
        const app = make().use((_req: Req, res: Res, next: Next) => {
          if (why === 'a returned body') res.statusCode = statusCode
          next()
        }).get('/x', step)
        const warnings = catchWarnings(t)
        const { port } = await serve(t, app)
        const answers = parseAnswers(await raw(port, bytes('GET', '/x') + bytes('GET', '/x', [CLOSE])))
        t.strictSame(answers.map((answer) => [answer.statusCode, answer.headers['content-length'] ?? '0']), [[statusCode, '0'], [statusCode, '0']], `${why}, on a ${name}`)
        t.strictSame(warnings, [])
      }
    }
  }
})

t.test('Expect: 100-continue', async t => {
  for (const [name, make] of apps) {
    t.test(`is answered before the body is sent, on a ${name}`, async t => {
      const { port } = await serve(t, make().post('/x', echo))
      const wire = new Wire(t, port)
      void wire.send(bytes('POST', '/x', ['content-length: 5', 'expect: 100-continue']))
      t.match(await wire.answer(), { statusCode: 100 })
      void wire.send('hello')
      t.match(await wire.answer(), { statusCode: 200, body: 'hello' })
    })

    t.test(`with a declared length over the limit has its answer without the body, on a ${name}`, async t => {
      const { port, drained } = await serve(t, make({ bodySizeLimit: 5 }).post('/x', echo))
      const wire = new Wire(t, port)
      void wire.send(bytes('POST', '/x', ['content-length: 6', 'expect: 100-continue']))
      t.match(await wire.answer(), { statusCode: 100 })
      t.match(await wire.answer(), { statusCode: 400, headers: { connection: 'close' } })
      wire.socket.end()
      await wire.closed
      t.equal(await drained(), 0)
    })
  }

  t.test('may be decided by the app, as a listener of checkContinue', async t => {
    const app = fullApp({ bodySizeLimit: 5, bodySizeStatus: 413 }).post('/x', echo)
    const { port, server } = await serve(t, app)
    server.on('checkContinue', (req, res) => app(req, res))
    const wire = new Wire(t, port)
    void wire.send(bytes('POST', '/x', ['content-length: 6', 'expect: 100-continue']))
    t.match(await wire.answer(), { statusCode: 413 })
  })
})

// -------------------------------------------------------------------------------------------------------------- bodies

t.test('bodies', async t => {
  const requests: [string, string, string][] = [
    ['content-length', post('/x', 'hello, world', CLOSE), 'hello, world'],
    ['no bytes', post('/x', '', CLOSE), ''],
    ['no body', bytes('POST', '/x', [CLOSE]), ''],
    ['chunked', bytes('POST', '/x', ['transfer-encoding: chunked', CLOSE], '5\r\nhello\r\n7;ext=1\r\n, world\r\n0\r\n\r\n'), 'hello, world'],
    ['chunked with a trailer', bytes('POST', '/x', ['Transfer-Encoding: Chunked', CLOSE], '00A\r\nhello, wor\r\n2\r\nld\r\n0\r\nx-sum: 1\r\n\r\n'), 'hello, world'],
    ['chunked without bytes', bytes('POST', '/x', ['transfer-encoding: chunked', CLOSE], '0\r\n\r\n'), ''],
    ['UTF-8', post('/x', 'Grüße, 世界 🌍', CLOSE), Buffer.from('Grüße, 世界 🌍').toString('latin1')],
  ]
  for (const [name, make] of apps) {
    for (const [why, text, expected] of requests) {
      const all = Buffer.from(text)
      t.test(`${why}: whole at every place where the request may be split, on a ${name}`, async t => {
        const { server } = await serve(t, make().post('/x', echo))
        const wrong: number[] = []
        await Promise.all(Array.from({ length: all.length - 1 }, async (_, ix) => {
          const answer = await feed(server, all.subarray(0, ix + 1), all.subarray(ix + 1))
          if (parseAnswers(answer)[0]!.body !== expected) wrong.push(ix + 1)
        }))
        t.strictSame(wrong, [])
      })

      t.test(`${why}: whole byte by byte, on a ${name}`, async t => {
        const { server, port } = await serve(t, make().post('/x', echo))
        const single = Array.from(all, (_, ix) => all.subarray(ix, ix + 1))
        t.equal(parseAnswers(await feed(server, ...single))[0]!.body, expected)
        t.equal(parseAnswers(await raw(port, ...single))[0]!.body, expected, 'over a socket too')
      })
    }
  }

  t.test('as text keep characters whole wherever they are split', async t => {
    const text = 'Grüße, 世界 🌍'
    const app = fullApp()
    app.use('pre', (req, _res, next) => {
      (req as unknown as http.IncomingMessage).setEncoding('utf8')
      next()
    })
    app.post('/x', (req) => ({ isText: typeof req.body === 'string', body: req.body }))
    const { server } = await serve(t, app)
    const all = Buffer.from(post('/x', text, CLOSE))
    const body = Buffer.byteLength(text)
    for (let ix = all.length - body; ix < all.length; ix++) {
      const [answer] = parseAnswers(await feed(server, all.subarray(0, ix), all.subarray(ix)))
      t.strictSame(JSON.parse(Buffer.from(answer!.body, 'latin1').toString()), { isText: true, body: text }, 'at ' + ix)
    }
  })

  t.test('of 900 KB in many chunks arrive whole', async t => {
    const { url } = await serve(t, fullApp().post('/x', echo))
    const body = Buffer.alloc(900_000, 'The quick brown fox jumps over the lazy dog. ')
    async function* pieces() {
      for (let at = 0; at < body.length; at += 7001) yield body.subarray(at, at + 7001)
    }
    for (const sent of [body, Readable.from(pieces())]) {
      const answer = await request(url + '/x', { method: 'POST', body: sent })
      t.ok(Buffer.from(await answer.body.arrayBuffer()).equals(body))
    }
  })

  t.test('that are no HTTP do not reach the app', async t => {
    let count = 0
    const { port } = await serve(t, fullApp().all('/:*', () => { count++ }))
    for (const [text, why] of [
      [bytes('POST', '/x', ['transfer-encoding: chunked', 'content-length: 3'], 'abc'), 'both framings'],
      [bytes('POST', '/x', ['content-length: 3', 'content-length: 4'], 'abcd'), 'two lengths'],
      [bytes('POST', '/x', ['content-length: -1'], ''), 'a negative length'],
      [bytes('POST', '/x', ['content-length: 3x'], 'abc'), 'a length that is no number'],
      ['GET /x HTTP/9.9\r\n\r\n', 'another version'],
      ['\0\0\0', 'garbage'],
    ] as const) {
      t.match(await raw(port, text), /^HTTP\/1.1 (400|505)/, why)
    }
    t.equal(count, 0)
  })
})

t.test('an upload that is broken off', async t => {
  const cuts: [string, string][] = [
    ['content-length, no byte', bytes('POST', '/x', ['content-length: 10'])],
    ['content-length, some bytes', bytes('POST', '/x', ['content-length: 10'], 'hello')],
    ['content-length, all but one', bytes('POST', '/x', ['content-length: 10'], '123456789')],
    ['chunked, no byte', bytes('POST', '/x', ['transfer-encoding: chunked'])],
    ['chunked, in a size', bytes('POST', '/x', ['transfer-encoding: chunked'], '5')],
    ['chunked, in a chunk', bytes('POST', '/x', ['transfer-encoding: chunked'], '5\r\nhel')],
    ['chunked, before the last chunk', bytes('POST', '/x', ['transfer-encoding: chunked'], '5\r\nhello\r\n')],
    ['chunked, in the trailer', bytes('POST', '/x', ['transfer-encoding: chunked'], '5\r\nhello\r\n0\r\n')],
    ['chunked, broken', bytes('POST', '/x', ['transfer-encoding: chunked'], '5\r\nhello\r\nzz\r\n')],
  ]
  for (const [name, make] of apps) {
    for (const [why, text] of cuts) {
      for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
        t.test(`${why}, by ${how}: err and post see a 400, no route step runs, the socket is gone, on a ${name}`, async t => {
          const warnings = catchWarnings(t)
          const seen: unknown[] = []
          const begun = signal()
          const over = signal()
          const app = make().use((_req: Req, _res: Res, next: Next) => {
            setImmediate(begun.give)
            next()
          })
          app.post('/x', () => { seen.push('route') })
          app.use('err', (err, _req, _res, next) => {
            seen.push(['err', (err as HttpErrorShape).statusCode, (err as HttpErrorShape).debug])
            next(err)
          })
          app.use('post', (_req: Req, _res: Res, next: Next) => {
            seen.push('post')
            over.give()
            next()
          })
          const { url, port, drained } = await serve(t, app)
          const wire = new Wire(t, port)
          await wire.send(text)
          await begun.promise
          if (how === 'end') wire.socket.end()
          else wire.socket[how]()
          await over.promise
          await turns()
          t.strictSame(seen, [['err', 400, 'aborted'], 'post'])
          t.equal(await drained(), 0)
          t.strictSame(warnings, [])
          t.equal((await request(url + '/alive')).statusCode, 404, 'the server lives')
        })
      }
    }

    for (const withPost of [true, false]) {
      t.test(`while an async use step is at work runs no route${withPost ? ', and post once' : ''}, on a ${name}`, async t => {
        catchWarnings(t)
        const seen: string[] = []
        const begun = signal()
        const over = signal()
        const app = make().use(async (_req: Req, res: Res, next: Next) => {
          begun.give()
          await once(res as unknown as http.ServerResponse, 'close')
          await turns()
          next()
          setImmediate(over.give)
        })
        app.post('/x', () => { seen.push('route') })
        if (withPost) {
          app.use('post', (_req: Req, _res: Res, next: Next) => {
            seen.push('post')
            next()
          })
        }
        const { port, drained } = await serve(t, app)
        const wire = new Wire(t, port)
        void wire.send(bytes('POST', '/x', ['content-length: 10'], 'hello'))
        await begun.promise
        wire.socket.destroy()
        await over.promise
        await turns()
        t.strictSame(seen, withPost ? ['post'] : [])
        t.equal(await drained(), 0)
      })
    }

    t.test(`before the body reader listens is an aborted one, on a ${name}`, async t => {
      catchWarnings(t)
      const seen: unknown[] = []
      const begun = signal()
      const over = signal()
      const app = make().use((_req: Req, res: Res, next: Next) => {
        begun.give()
        res.on('close', () => {
          setImmediate(() => {
            next()
            setImmediate(over.give)
          })
        })
      })
      app.post('/x', () => { seen.push('route') })
      app.use('err', (err, _req, _res, next) => {
        seen.push((err as HttpErrorShape).statusCode)
        next()
      })
      const { port } = await serve(t, app)
      const wire = new Wire(t, port)
      void wire.send(bytes('POST', '/x', ['content-length: 10'], 'hello'))
      await begun.promise
      wire.socket.destroy()
      await over.promise
      await turns()
      t.strictSame(seen, [400], 'the run does not hang in the body reader')
    })
  }

  t.test('is a 400 for onError where there is no err step', async t => {
    const told = signal<unknown>()
    const app = rest({ processRequest: () => 'never', onError: (err) => told.give(err) })
    const { port } = await serve(t, app)
    const wire = new Wire(t, port)
    await wire.send(bytes('POST', '/x', ['content-length: 10'], 'hello'))
    wire.socket.end()
    t.match(await told.promise, { statusCode: 400, debug: 'aborted' })
  })

  t.test('100 times at once leaves no socket and no run behind', async t => {
    let posts = 0
    const over = signal()
    const app = fullApp().post('/x', () => 'never').use('post', (_req, _res, next) => {
      if (++posts === 100) over.give()
      next()
    })
    const { port, drained } = await serve(t, app)
    await Promise.all(Array.from({ length: 100 }, async (_, ix) => {
      const wire = new Wire(t, port)
      await wire.send(bytes('POST', '/x', ['content-length: 100'], 'x'.repeat(ix)))
      wire.socket.end()
      await wire.closed
    }))
    await over.promise
    t.equal(await drained(), 0)
    t.equal(posts, 100)
  })

  interface HttpErrorShape {
    statusCode: number
    debug: unknown
  }
})

t.test('a client that leaves in the middle of an answer', async t => {
  for (const [name, make] of apps) {
    for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
      t.test(`by ${how} has post run once, no socket stay and the process live, on a ${name}`, async t => {
        const warnings = catchWarnings(t)
        let posts = 0
        const over = signal()
        const app = make().get('/endless', (_req, res) => {
          function more(): void {
            if (res.destroyed) return
            res.write('x'.repeat(65_536))
            setImmediate(more)
          }
          more()
        })
        app.use('post', (_req: Req, _res: Res, next: Next) => {
          posts++
          over.give()
          next()
        })
        const { url, port, drained } = await serve(t, app)
        const wire = new Wire(t, port)
        void wire.send(bytes('GET', '/endless'))
        await once(wire.socket, 'data')
        wire.socket[how === 'end' ? 'destroySoon' : how]()
        await over.promise
        await turns(10)
        t.equal(posts, 1)
        t.equal(await drained(), 0)
        t.strictSame(warnings, [])
        t.equal((await request(url + '/alive')).statusCode, 404)
      })
    }

    t.test(`has post wait for the step that is at work, on a ${name}`, async t => {
      const seen: string[] = []
      const over = signal()
      const begun = signal()
      const app = make().get('/x', async (_req, res, _next) => {
        res.write('begun')
        begun.give()
        await once(res as unknown as http.ServerResponse, 'close')
        await turns(5)
        seen.push('step is over')
      })
      app.use('post', (_req: Req, _res: Res, next: Next) => {
        seen.push('post')
        over.give()
        next()
      })
      const { port, drained } = await serve(t, app)
      const wire = new Wire(t, port)
      void wire.send(bytes('GET', '/x'))
      await begun.promise
      wire.socket.destroy()
      await over.promise
      await turns()
      t.strictSame(seen, ['step is over', 'post'])
      t.equal(await drained(), 0)
    })

    t.test(`has an error of the step that is at work reported, not thrown, on a ${name}`, async t => {
      const warnings = catchWarnings(t)
      const over = signal()
      const begun = signal()
      const app = make().get('/x', async (_req, res, _next) => {
        res.write('begun')
        begun.give()
        await once(res as unknown as http.ServerResponse, 'close')
        setImmediate(over.give)
        throw new Error('too late')
      })
      const { url, port, drained } = await serve(t, app)
      const wire = new Wire(t, port)
      void wire.send(bytes('GET', '/x'))
      await begun.promise
      wire.socket.destroy()
      await over.promise
      await turns()
      t.match(warnings, [/too late/])
      t.equal(await drained(), 0)
      t.equal((await request(url + '/alive')).statusCode, 404)
    })
  }
})

t.test('an error after the head was sent breaks the answer off, so that the client can tell', async t => {
  for (const [name, make] of apps) {
    const warnings = catchWarnings(t)
    const app = make().get('/x', (_req, res) => {
      res.write('half of it')
      throw new Error('boom')
    })
    const { port, drained } = await serve(t, app)
    const text = await raw(port, bytes('GET', '/x')).catch((err: { code: string }) => err.code)
    t.notMatch(text, /0\r\n\r\n$/, name)
    t.equal(await drained(), 0)
    t.match(warnings, [/boom/])
  }
})

// ----------------------------------------------------------------------------------------------------- over-long bodies

t.test('an over-long body', async t => {
  const MB = 1 << 20
  const framings: [string, (size: number) => [head: string[], body: string]][] = [
    ['declared', (size) => [['content-length: ' + size], 'x'.repeat(size)]],
    ['chunked', (size) => [['transfer-encoding: chunked'], (size ? chunk('x'.repeat(size)) : '') + chunk('')]],
    ['chunked byte by byte', (size) => [['transfer-encoding: chunked'], chunk('x').repeat(size) + chunk('')]],
  ]

  for (const [name, make] of apps) {
    for (const [framing, frame] of framings) {
      t.test(`${framing}: exactly the limit passes, one more is a 400, on a ${name}`, async t => {
        for (const limit of [0, 1, 1000]) {
          const { port } = await serve(t, make({ bodySizeLimit: limit }).post('/x', (req) => 'got ' + (req.body as Uint8Array).length))
          const [head, body] = frame(limit)
          t.match(parseAnswers(await raw(port, bytes('POST', '/x', [...head, CLOSE], body))), [{ statusCode: 200, body: 'got ' + limit }])
          const [longHead, longBody] = frame(limit + 1)
          const [answer] = parseAnswers(await raw(port, bytes('POST', '/x', longHead, longBody)))
          t.match(answer, { statusCode: 400, headers: { connection: 'close' }, body: /max body size exceeded/ })
        }
      })

      t.test(`${framing}: is a 413 by option, and err and post see it, on a ${name}`, async t => {
        const seen: unknown[] = []
        const app = make({ bodySizeLimit: 10, bodySizeStatus: 413 }).post('/x', () => { seen.push('route') })
        app.use('err', (err, req, _res, next) => {
          seen.push((err as { statusCode: number }).statusCode, req.body)
          next(err)
        })
        app.use('post', (_req: Req, _res: Res, next: Next) => {
          seen.push('post')
          next()
        })
        const { port } = await serve(t, app)
        const [head, body] = frame(11)
        t.match(parseAnswers(await raw(port, bytes('POST', '/x', head, body))), [{ statusCode: 413 }])
        t.strictSame(seen, [413, undefined, 'post'])
      })

      t.test(`${framing}: the connection closes by itself once all has come, and nothing behind it is obeyed, on a ${name}`, async t => {
        let count = 0
        const app = make({ bodySizeLimit: 10 }).post('/x', echo).get('/y', () => 'behind ' + ++count)
        const { port, drained } = await serve(t, app)
        const [head, body] = frame(100)
        const answers = parseAnswers(await raw(port, bytes('POST', '/x', head, body) + bytes('GET', '/y')))
        t.equal(answers.length, 1)
        t.equal(answers[0]!.statusCode, 400)
        t.equal(await drained(), 0)
      })
    }

    // Each is done many times: a connection that is reset may lose the answer only now and then.
    t.test(`has its answer arrive at a client that goes on to send 3 MB, on a ${name}`, async t => {
      const { port, url, drained } = await serve(t, make().post('/x', echo))
      const body = 'x'.repeat(3 * MB)
      for (let ix = 0; ix < 10; ix++) {
        const wire = new Wire(t, port)
        void wire.send(bytes('POST', '/x', ['content-length: ' + body.length], body))
        t.match(await wire.answer(), { statusCode: 400, headers: { connection: 'close' }, body: /max body size exceeded/ }, 'raw, declared')
        wire.socket.destroy()

        const chunked = new Wire(t, port)
        void chunked.send(bytes('POST', '/x', ['transfer-encoding: chunked'], chunk(body) + chunk('')))
        t.match(await chunked.answer(), { statusCode: 400, headers: { connection: 'close' } }, 'raw, chunked')
        chunked.socket.destroy()

        const agent = new Agent()
        t.equal((await request(url + '/x', { method: 'POST', body, dispatcher: agent })).statusCode, 400, 'undici, declared')
        async function* pieces() {
          for (let at = 0; at < body.length; at += MB / 8) yield body.slice(at, at + MB / 8)
        }
        t.equal((await request(url + '/x', { method: 'POST', body: Readable.from(pieces()), dispatcher: agent })).statusCode, 400, 'undici, chunked')
        await agent.destroy()
      }
      t.equal(await drained(), 0)
    })

    t.test(`has its answer read by a client that reads only when it has sent all, on a ${name}`, async t => {
      const { port, drained } = await serve(t, make({ bodySizeLimit: 1000 }).post('/x', echo))
      for (let ix = 0; ix < 10; ix++) {
        const body = 'x'.repeat(900_000)
        const wire = new Wire(t, port)
        wire.socket.pause()
        await wire.send(bytes('POST', '/x', ['content-length: ' + body.length], body))
        wire.socket.resume()
        t.match(await wire.answer(), { statusCode: 400 })
      }
      t.equal(await drained(), 0, 'and the connections close')
    })

    t.test(`has its answer arrive though an err step takes its time, on a ${name}`, async t => {
      const app = make({ bodySizeLimit: 1000 }).post('/x', echo)
      app.use('err', async (err, _req, res, next) => {
        // As long as anything goes on in the connection, and then some.
        for (let ix = 0; ix < 300 && !res.destroyed; ix++) await turns(1)
        next(err)
      })
      const { port } = await serve(t, app)
      const body = 'x'.repeat(3 * MB)
      for (const [head, sent] of [['content-length: ' + body.length, body], ['transfer-encoding: chunked', chunk(body)]] as const) {
        const wire = new Wire(t, port)
        void wire.send(bytes('POST', '/x', [head], sent))
        t.match(await wire.answer(), { statusCode: 400 }, head)
        wire.socket.destroy()
      }
    })

    t.test(`is cut off in the end, where a client sends and sends, on a ${name}`, async t => {
      const { port, drained } = await serve(t, make({ bodySizeLimit: 1000 }).post('/x', echo))
      const wire = new Wire(t, port)
      void wire.send(bytes('POST', '/x', ['transfer-encoding: chunked']))
      const more = chunk('x'.repeat(65_536))
      const pump = () => { if (!wire.socket.destroyed) void wire.send(more).then(pump) }
      pump()
      t.match(await wire.answer(), { statusCode: 400 })
      await wire.closed
      t.equal(await drained(), 0)
    })
  }

  t.test('passes where the limit is lifted', async t => {
    const { url } = await serve(t, fullApp({ bodySizeLimit: Infinity }).post('/x', (req) => ({ size: (req.body as Uint8Array).length })))
    const answer = await request(url + '/x', { method: 'POST', body: 'x'.repeat(3 * MB) })
    t.strictSame(await answer.body.json(), { size: 3 * MB })
  })

  t.test('of exactly 1 MiB passes where no limit is set, one byte more does not', async t => {
    const { url } = await serve(t, fullApp().post('/x', (req) => ({ size: (req.body as Uint8Array).length })))
    t.equal((await request(url + '/x', { method: 'POST', body: 'x'.repeat(MB) })).statusCode, 200)
    t.equal((await request(url + '/x', { method: 'POST', body: 'x'.repeat(MB + 1) })).statusCode, 400)
  })

  t.test('of a host whose socket is no socket of Node is refused as any other', async t => {
    for (const socket of [{}, { remoteAddress: '127.0.0.1' }, Object.freeze({}), null]) {
      const res = new FakeRes()
      const req = Object.assign(new FakeReq('POST', '/x', { body: ['12345', '67890'] }), { socket })
      fullApp({ bodySizeLimit: 5 }).post('/x', echo)(req, res)
      await once(res, 'close')
      await turns()
      t.equal(res.statusCode, 400)
    }
  })

  t.test('over HTTP/2 ends its own stream and no other', async t => {
    const warnings: string[] = []
    const onWarning = (warning: Error) => warnings.push(warning.message)
    process.on('warning', onWarning)
    t.after(() => process.off('warning', onWarning))
    const slow = signal()
    const app = fullApp({ bodySizeLimit: 10 }).post('/x', echo).get('/slow', async () => {
      await slow.promise
      return 'slow'
    })
    const server = http2.createServer(app as unknown as (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => void).listen(0)
    await once(server, 'listening')
    const session = http2.connect('http://127.0.0.1:' + (server.address() as AddressInfo).port)
    t.after(() => {
      session.destroy()
      server.close()
    })
    session.on('error', () => {})

    /** The status and the body of a request on the one connection. */
    async function ask(headers: http2.OutgoingHttpHeaders, body?: string): Promise<[number | undefined, string]> {
      const stream = session.request(headers)
      let text = ''
      let status: number | undefined
      stream.setEncoding('utf8').on('data', (chunk) => { text += chunk }).on('response', (head) => { status = head[':status'] })
      const closed = new Promise((resolve) => stream.on('error', resolve).on('close', resolve))
      stream.end(body)
      await closed
      return [status, text]
    }
    const waiting = ask({ ':path': '/slow' })
    t.match(await ask({ ':path': '/x', ':method': 'POST' }, 'x'.repeat(20)), [400, /max body size exceeded/])
    await turns()
    slow.give()
    t.strictSame(await waiting, [200, 'slow'])
    t.strictSame(await ask({ ':path': '/x', ':method': 'POST' }, 'hello'), [200, 'hello'])
    t.strictSame(warnings, [])
  })
})

// --------------------------------------------------------------------------------------------------- hostile requests

t.test('header injection', async t => {
  const { rows, skip } = corpus<string>('crlf-injection')
  // Node refuses what cannot be in a header; whatever of that reaches us must end in an answer, and a single one.
  const steps: [string, (app: App) => void][] = [
    ['a path parameter in a header', (app) => app.get('/p/:*tail', (req, res) => {
      res.setHeader('x-echo', String((req as Req).params.tail))
      res.end()
    })],
    ['a path parameter in headers of sendResponse', (app) => app.get('/p/:*tail', (req, res, next) => {
      sendResponse(req, res, next, null, 200, 'ok', { 'x-echo': String((req as Req).params.tail) })
    })],
    ['a redirect to a path parameter', (app) => app.get('/p/:*tail', (req, res) => {
      res.writeHead(302, { location: String((req as Req).params.tail) })
      res.end()
    })],
    ['headers of an error', (app) => app.get('/p/:*tail', (req) => {
      const err = new HttpError(401)
      err.headers = { 'www-authenticate': 'Basic realm="' + (req as Req).params.tail + '"' }
      throw err
    })],
    ['a query value in a redirect', (app) => app.get('/p', (req, res, next) => {
      sendResponse(req, res, next, null, 302, undefined, { location: String(req.query.to) })
    })],
    ['a query value in a header', (app) => app.get('/p', (req, res) => {
      res.setHeader('x-echo', [String(req.query.to)])
      res.end()
    })],
    ['a query name as the name of a header', (app) => app.get('/p', (req, res) => {
      for (const name of Object.keys(req.query)) res.setHeader('x-' + name, '1')
      res.end()
    })],
    ['a cookie handed back', (app) => app.get('/p', (req, res) => {
      res.setHeader('x-echo', decodeURIComponent(String(req.headers.cookie)))
      res.end()
    })],
    ['the url in a header', (app) => app.get('/p', (req, res) => {
      res.setHeader('x-echo', String(req.url))
      res.end()
    })],
    ['a status', (app) => app.get('/p', (req, res) => {
      res.statusCode = req.query.to as unknown as number
      res.end()
    })],
  ]
  for (const [why, define] of steps) {
    t.test(why + ' makes no new header line', { skip }, async t => {
      catchWarnings(t)
      const app = fullApp().use('pre', mw.mwParseQuery)
      define(app)
      const { port } = await serve(t, app)
      const bad: string[] = []
      for (const row of rows) {
        for (const target of ['/p' + row, '/p?to=' + row, '/p?' + row + '=1', '/p?to=%20' + row.slice(1) + '#']) {
          const answers = parseAnswers(await raw(port, bytes('GET', target, ['cookie: a=' + row, CLOSE])))
          const lines = answers.flatMap(({ lines }) => lines.slice(1))
          const isClean = lines.every((line) => /^(?!set-cookie|crlf)[\w-]+: [^\r\n\0]*$/i.test(line))
          if (answers.length !== 1 || !isClean) bad.push(target + ' => ' + lines.join(' | '))
        }
      }
      t.strictSame(bad, [])
    })
  }

  t.test('has its row in nobody else’s answer on the same connection', { skip }, async t => {
    catchWarnings(t)
    const app = fullApp().use('pre', mw.mwParseQuery)
    app.get('/p', (req, res, next) => sendResponse(req, res, next, null, 302, undefined, { location: String(req.query.to) }))
    app.get('/after', () => 'after')
    const { port } = await serve(t, app)
    const text = await raw(port, rows.map((row) => bytes('GET', '/p?to=' + row) + bytes('GET', '/after')).join('') + bytes('GET', '/after', [CLOSE]))
    const answers = parseAnswers(text)
    t.equal(answers.length, 2 * rows.length + 1)
    t.strictSame(answers.filter((_, ix) => ix % 2).map(({ body }) => body), rows.map(() => 'after'))
  })
})

t.test('names from the wire are data', async t => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', '__defineGetter__', 'valueOf', 'then']
  const app = fullApp().use('pre', mw.mwParseQuery)
  app.get('/q', (req) => ({ query: Object.entries(req.query), params: Object.entries(req.params) }))
  app.get('/p/:__proto__/:constructor', (req) => Object.entries((req as Req).params))
  app.post('/form', (req) => Object.entries(mw.parseQuery(String(req.body))))
  const { port } = await serve(t, app)

  for (const name of names) {
    t.test(name, async t => {
      const [query] = parseAnswers(await raw(port, bytes('GET', `/q?${name}=1&${name}=2&${name}&a[${name}]=3`, [CLOSE])))
      const entries = [[name, ['1', '2', 1]], [`a[${name}]`, '3']]
      t.strictSame(JSON.parse(query!.body), { query: entries, params: entries })
      const [form] = parseAnswers(await raw(port, post('/form', `${name}=x`, CLOSE)))
      t.strictSame(JSON.parse(form!.body), [[name, 'x']])
      for (const target of ['/' + name, '/p/' + name, '/q/' + name]) {
        t.match(parseAnswers(await raw(port, bytes('GET', target, [CLOSE]))), [{ statusCode: 404 }], target)
      }
      t.equal(({} as { [name: string]: unknown })['1'], undefined)
    })
  }

  t.test('as names of path parameters too', async t => {
    const [answer] = parseAnswers(await raw(port, bytes('GET', '/p/a/b?constructor=evil', [CLOSE])))
    t.strictSame(JSON.parse(answer!.body).sort(), [['__proto__', 'a'], ['constructor', 'b']])
  })

  t.test('as names of headers and methods', async t => {
    const text = await raw(port, bytes('GET', '/q', ['__proto__: x', 'constructor: y', CLOSE]))
    t.match(parseAnswers(text), [{ statusCode: 200 }])
    t.match(await raw(port, bytes('_ANY_', '/q', [CLOSE])), /^HTTP\/1.1 400/)
  })
})

t.test('a malformed escape', async t => {
  const targets = ['/%', '/%z', '/%zz', '/%4', '/a%', '/%c3', '/%c3%28', '/%e0%a4', '/%ff', '/%c0%af', '/%ed%a0%80', '/a/%u000a', '/x/%2', '/%%', '/x%zz?q=1']
  for (const [name, make] of apps) {
    t.test(`in a path is a 400, on a ${name}`, async t => {
      const warnings = catchWarnings(t)
      const app = make().get('/', () => 'root').get('/x', () => 'x')
      if (name === 'Router') app.get('/:a/:*', (req) => req.params['*'])
      const { port } = await serve(t, app)
      for (const target of targets) {
        const [answer] = parseAnswers(await raw(port, bytes('GET', target, [CLOSE])))
        t.match(answer, { statusCode: 400, headers: { 'content-type': 'application/json' } }, target)
        t.match(JSON.parse(answer!.body), { error: '400', message: '400 Bad Request' })
      }
      t.strictSame(warnings, [])
    })
  }

  t.test('in a query stays as it is', async t => {
    const { port } = await serve(t, fullApp().use('pre', mw.mwParseQuery).get('/x', (req) => req.query))
    const [answer] = parseAnswers(await raw(port, bytes('GET', '/x?a=%zz&b%=1&c=%41%', [CLOSE])))
    t.strictSame(JSON.parse(answer!.body), { a: '%zz', 'b%': '1', c: '%41%' })
  })
})

t.test('request targets in every form', async t => {
  const table: [target: string, method: string, statusCode: number, body: string, why: string][] = [
    ['/a/b?q', 'GET', 200, '/a/b?q', 'origin form'],
    ['http://other.test/a/b?q', 'GET', 200, 'http://other.test/a/b?q', 'absolute form'],
    ['http://other.test', 'GET', 404, '', 'absolute form without a path'],
    ['/a/b#frag', 'GET', 200, '/a/b#frag', 'a fragment, that no client should send'],
    ['//a/b', 'GET', 404, '', 'an empty component is no authority'],
    ['/a/../a/b', 'GET', 404, '', 'dots are not resolved'],
    ['*', 'OPTIONS', 404, '', 'asterisk form'],
    ['/a/b?' + 'x'.repeat(8000), 'GET', 200, '/a/b?' + 'x'.repeat(8000), 'a long query'],
    ['/a/b;v=1', 'GET', 404, '', 'a parameter of a component is part of it'],
  ]
  const { port } = await serve(t, fullApp().get('/a/b', (req) => req.url))
  for (const [target, method, statusCode, body, why] of table) {
    const [answer] = parseAnswers(await raw(port, bytes(method, target, [CLOSE])))
    t.equal(answer!.statusCode, statusCode, why)
    if (statusCode === 200) t.equal(answer!.body, body, why)
  }
})

// --------------------------------------------------------------------------------------------------- inside other servers

t.test('https', async t => {
  const tls = makeCertificate()
  const agent = new Agent({ connect: { ca: tls.cert } })
  t.after(() => agent.destroy())

  t.test('serves as http does, checked by the client', async t => {
    const { url, drained, server } = await serve(t, fullApp({ bodySizeLimit: 100 }).post('/:id', (req) => req.params.id + ' ' + req.body), tls)
    const answer = await request(url + '/a', { method: 'POST', body: 'hello', dispatcher: agent })
    t.equal(await answer.body.text(), 'a hello')
    const long = await request(url + '/a', { method: 'POST', body: 'x'.repeat(200_000), dispatcher: agent })
    t.equal(long.statusCode, 400)
    await long.body.dump()
    server.closeAllConnections()
    t.equal(await drained(), 0)
  })

  t.test('is what createServer and listen open for protocol https:', async t => {
    for (const open of [
      (app: App, callback: Parameters<App['listen']>[1]) => app.listen({ protocol: 'https:', port: 0, ...tls }, callback),
      (app: App, callback: Parameters<App['listen']>[1]) => rest.createServer({ rest: app, protocol: 'https:', port: 0, ...tls }, callback),
    ]) {
      const told = signal<number>()
      const server = open(rest(() => 'secure'), (_err, info) => told.give(info.port)) as unknown as http.Server
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      const answer = await request(`https://localhost:${await told.promise}/`, { dispatcher: agent })
      t.equal(await answer.body.text(), 'secure')
    }
  })
})

t.test('inside an existing server', async t => {
  for (const [name, make] of apps) {
    t.test(`answers what it routes, and has the server go on with what it lets pass, on a ${name}`, async t => {
      const app = make().get('/mine', () => 'mine').get('/pass', (_req, _res, next) => next())
      app.use('post', (_req: Req, res: Res, next: Next) => {
        if (!res.headersSent) res.setHeader('x-passed', '1')
        next()
      })
      let count = 0
      const { url } = await serve(t, (req, res) => {
        app(req, res, (err) => {
          count++
          res.end(err ? 'outer error' : 'outer')
        })
      })
      t.equal(await (await request(url + '/mine')).body.text(), 'mine')
      t.equal(count, 0)
      const passed = await request(url + '/pass')
      t.equal(await passed.body.text(), 'outer')
      t.equal(passed.headers['x-passed'], '1')
      t.equal(count, 1)
      t.equal((await request(url + '/nowhere')).statusCode, 404)
      t.equal(count, 1)
    })

    t.test(`hands on the error that its onError does not deal with, on a ${name}`, async t => {
      const app = make().get('/x', () => { throw new HttpError(418) })
      app.onError = (err, _req, _res, next) => next(err)
      const { url } = await serve(t, (req, res) => {
        app(req, res, (err) => {
          res.statusCode = (err as { statusCode: number }).statusCode
          res.end('outer')
        })
      })
      const answer = await request(url + '/x')
      t.equal(answer.statusCode, 418)
      t.equal(await answer.body.text(), 'outer')
    })

    t.test(`takes a body that the server has read, on a ${name}`, async t => {
      const app = make().post('/x', (req) => 'got ' + req.body)
      const { url } = await serve(t, (req, res) => {
        req.resume().on('end', () => app(Object.assign(req, { body: 'theirs' }), res))
      })
      t.equal(await (await request(url + '/x', { method: 'POST', body: 'hello' })).body.text(), 'got theirs')
    })

    t.test(`does not wait for a body that the server has read and thrown away, on a ${name}`, async t => {
      const app = make().post('/x', () => 'answered')
      const { url } = await serve(t, (req, res) => {
        req.resume().on('close', () => app(req, res))
      })
      const controller = new AbortController()
      const answer = request(url + '/x', { method: 'POST', body: 'hello', signal: controller.signal })
      // What is to come of this comes in a few turns of the loop, over one connection that stands.
      const outcome = await Promise.race([answer.then(({ statusCode }) => statusCode), untilQuiet(url).then(() => 'no answer')])
      controller.abort()
      await answer.catch(() => {})
      t.type(outcome, 'number')
    })
  }

  /** Resolves after some requests have gone all the way there and back. */
  async function untilQuiet(url: string): Promise<void> {
    for (let ix = 0; ix < 20; ix++) await (await request(url + '/nowhere')).body.dump()
  }

  t.test('goes beside a listener of its own on the same server', async t => {
    const seen: string[] = []
    const app = rest((req: Req) => 'app ' + req.url)
    const { url, server } = await serve(t, app)
    server.on('request', (req: HostReq, _res: HostRes) => seen.push(req.url!))
    t.equal(await (await request(url + '/x')).body.text(), 'app /x')
    t.strictSame(seen, ['/x'])
  })
})
