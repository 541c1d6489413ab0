// node: closing. What is running ends, what is on its way is answered, what takes too long is cut off; and others are told in time.

import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { readiness } from '../../hosts/node.ts'
import type { NodeApp, ServeOptions } from '../../hosts/node.ts'
import type { HostReq, HostRes } from '../../microrest.ts'
import { makeCertificate } from '../fixtures/certificate.ts'
import { rest, Router } from '../fixtures/core.ts'
import { inject } from '../../hosts/inject.ts'
import { signal, start } from '../fixtures/node/start.ts'
import type { Started } from '../fixtures/node/start.ts'
import { Wire } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

const bytes = (target: string): string => `GET ${target} HTTP/1.1\r\nhost: x\r\n\r\n`

/** A server whose requests are answered when the test says so. */
interface Held extends Started {
  /** The next request that has come, and its response. */
  next(): Promise<[req: HostReq, res: HostRes]>
}

async function hold(t: Test, options: ServeOptions = {}, app?: NodeApp): Promise<Held> {
  const waiting: [HostReq, HostRes][] = []
  let look = (): void => {}
  const started = await start(t, (req, res) => {
    if (app && req.url !== '/held') return app(req, res)
    waiting.push([req, res])
    look()
    return undefined
  }, options)
  return Object.assign(started, {
    async next() {
      while (waiting.length === 0) await new Promise<void>((resolve) => { look = resolve })
      return waiting.shift()!
    },
  })
}

/** Resolves when nobody can connect any more. */
async function refused(port: number): Promise<void> {
  for (;;) {
    const socket = net.connect(port, '127.0.0.1')
    const error = await new Promise((resolve) => socket.once('error', resolve).once('connect', () => resolve(undefined)))
    socket.destroy()
    if (error) return
  }
}

t.test('what is running ends, nothing new is taken, and the answer says that it is the last', async t => {
  const { port, next, close } = await hold(t)
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  const [, res] = await next()
  const closing = close()
  await refused(port)
  res.end('done')
  t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'close' }, body: 'done' })
  t.equal(await closing, 0)
  t.equal(await wire.closed, '')
})

t.test('closing what nobody uses takes no time to speak of, and closing twice is closing once', async t => {
  let count = 0
  const { close, server } = await start(t, () => {}, { onClose: () => { count++ } })
  t.strictSame(await Promise.all([close(), close(), close(5)]), [0, 0, 0])
  t.equal(await close(), 0)
  t.equal(count, 1)
  t.equal(server!.listening, false)
})

t.test('a server that was closed by its own method can still be closed', async t => {
  const { close, server } = await start(t, () => {})
  ;(server as http.Server).close()
  await once(server as http.Server, 'close')
  t.equal(await close(), 0)
})

t.test('a request that comes on an open connection while closing is answered, as its last', async t => {
  const { port, close } = await start(t, rest(() => 'hi'))
  const wire = new Wire(t, port)
  await wire.send(bytes('/'))
  t.match(await wire.answer(), { headers: { connection: 'keep-alive' } })
  const closing = close()
  await refused(port)
  await wire.send(bytes('/'))
  t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'close' }, body: 'hi' })
  t.equal(await closing, 0)
})

t.test('a connection on which nothing comes is closed', async t => {
  const { port, close } = await start(t, rest(() => 'hi'))
  const fresh = new Wire(t, port)
  const used = new Wire(t, port)
  await used.send(bytes('/'))
  await used.answer()
  t.equal(await close(), 0)
  t.strictSame(await Promise.all([fresh.closed, used.closed]), ['', ''])
})

t.test('a head that is only half there is waited for', async t => {
  const { port, close } = await start(t, rest(() => 'hi'))
  const wire = new Wire(t, port)
  await wire.send(bytes('/'))
  await wire.answer()
  const closing = close()
  await refused(port)
  await wire.send('GET / HTTP/1.1\r\nhost')
  // Longer than an idle connection is kept.
  const idle = new Wire(t, port)
  await idle.closed
  const other = await start(t, () => {})
  await new Wire(t, other.port).send('')
  const silent = new Wire(t, other.port)
  await Promise.all([once(silent.socket, 'connect'), other.close()])
  await silent.closed
  await wire.send(': x\r\n\r\n')
  t.match(await wire.answer(), { statusCode: 200, body: 'hi' })
  t.equal(await closing, 0)
})

t.test('an answer that has begun goes on to its end, and its connection is closed then', async t => {
  const { port, next, close } = await hold(t)
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  const [, res] = await next()
  res.write('a')
  const closing = close()
  await refused(port)
  res.write('b')
  res.end('c')
  t.match(await wire.answer(), { headers: { connection: 'keep-alive' }, body: 'abc' })
  t.equal(await closing, 0)
})

t.test('an answer that the app has ended is sent to its last byte, however slowly the client reads', async t => {
  const size = 32 << 20
  const { port, close } = await start(t, (_req, res) => { res.end(Buffer.alloc(size, 'x')) })
  const socket = net.connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(bytes('/'))
  await once(socket, 'readable')
  const closing = close()
  await refused(port)
  let length = 0
  for await (const chunk of socket) {
    length += (chunk as Buffer).length
    await new Promise((resolve) => setImmediate(resolve))
  }
  t.ok(length > size, `${length} of ${size} bytes and a head`)
  t.equal(await closing, 0)
})

t.test('requests that were sent without waiting are all answered', async t => {
  const { port, next, close } = await hold(t)
  const wire = new Wire(t, port)
  await wire.send(bytes('/held') + bytes('/held'))
  const [, first] = await next()
  const [, second] = await next()
  const closing = close()
  await refused(port)
  await wire.send(bytes('/held'))
  const [, third] = await next()
  third.end('3')
  second.end('2')
  first.end('1')
  const answers = [await wire.answer(), await wire.answer(), await wire.answer()]
  const seen = answers.map(({ body, headers }) => [body, headers.connection ?? 'keep-alive'])
  t.strictSame(seen, [['1', 'keep-alive'], ['2', 'keep-alive'], ['3', 'close']])
  t.equal(await closing, 0)
})

t.test('what is not over in the grace time is cut off, and counted', async t => {
  const { port, next, close } = await hold(t)
  const wires = [new Wire(t, port), new Wire(t, port)]
  for (const wire of wires) {
    await wire.send(bytes('/held'))
    await next()
  }
  t.equal(await close(30), 2)
  t.strictSame(await Promise.all(wires.map((wire) => wire.closed)), ['', ''])
})

t.test('a grace time of 0 cuts off at once', async t => {
  const { port, next, close } = await hold(t, { graceTime: 0, closeDelay: 1e8 })
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  await next()
  t.equal(await close(), 1)
  t.equal(await wire.closed, '')
  await refused(port)
})

t.test('a grace time that cannot be throws, with the value', async t => {
  const { close } = await start(t, () => {})
  for (const graceTime of [-1, NaN, Infinity, '5', null]) {
    t.throws(() => close(graceTime as number), { name: 'TypeError', message: 'bad graceTime: ' + graceTime })
  }
  t.equal(await close(), 0)
})

t.test('the longest times are none that a timer takes for no time', async t => {
  const longest = 2 ** 31 - 1
  const { port, next, close } = await hold(t, { closeDelay: 1, graceTime: longest })
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  const [, res] = await next()
  const closing = close()
  await refused(port)
  res.end('done')
  t.match(await wire.answer(), { body: 'done' })
  t.equal(await closing, 0)
})

t.test('a second call can be in more of a hurry than the first', async t => {
  const { port, next, close } = await hold(t, { closeDelay: 1e8, graceTime: 1e8 })
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  await next()
  const closing = close()
  t.strictSame(await Promise.all([close(0), close(0), closing]), [1, 1, 1])
})

t.test('a client that leaves while closing is none that was cut off', async t => {
  const { port, next, close } = await hold(t)
  const wire = new Wire(t, port)
  await wire.send(bytes('/held'))
  await next()
  const closing = close()
  wire.socket.destroy()
  t.equal(await closing, 0)
})

t.test('with a delay, all goes on for a while, but for readiness', async t => {
  const app = rest({ router: new Router() })
  app.get('/ready', readiness()).get('/', () => 'hi')
  const { url, close } = await start(t, app, { closeDelay: 300 })
  const ask = async (path: string): Promise<unknown[]> => {
    const res = await fetch(url + path)
    return [res.status, await res.text(), res.headers.get('connection')]
  }
  t.strictSame(await ask('/ready'), [200, '{"ready":true}', 'keep-alive'])
  const closing = close()
  t.strictSame(await ask('/ready'), [503, '{"ready":false}', 'close'])
  t.strictSame(await ask('/'), [200, 'hi', 'close'])
  t.equal(await closing, 0)
  await t.rejects(fetch(url))
})

t.test('onClosing ends what would not end by itself, and onClose comes after all else', async t => {
  const events: string[] = []
  const ends: (() => void)[] = []
  const { port, close } = await start(t, (_req, res) => {
    res.write('event: 1\n\n')
    res.on('close', () => events.push('answer'))
    ends.push(() => res.end('event: bye\n\n'))
  }, {
    onClosing() {
      events.push('closing')
      for (const end of ends) end()
    },
    async onClose() {
      await new Promise((resolve) => setImmediate(resolve))
      events.push('close')
    },
  })
  const wire = new Wire(t, port)
  await wire.send(bytes('/'))
  while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve))
  const closing = close()
  t.match(await wire.answer(), { body: 'event: 1\n\nevent: bye\n\n' })
  t.equal(await closing, 0)
  t.strictSame(events, ['closing', 'answer', 'close'])
})

t.test('closing ends whatever those two do', async t => {
  const { close, reports } = await start(t, () => {}, {
    onClosing() { throw new Error('closing failed') },
    onClose() { return Promise.reject(new Error('close failed')) },
  })
  t.equal(await close(), 0)
  t.strictSame(reports, ['onClosing: closing failed', 'onClose: close failed'])
  const never = await start(t, () => {}, { graceTime: 30, onClose: () => new Promise(() => {}) })
  t.equal(await never.close(), 0)
})

t.test('a connection that speaks something else by now is left alone until the end', async t => {
  const { port, close, server } = await start(t, rest(() => 'hi'))
  const upgraded = signal<net.Socket>()
  server!.on('upgrade', (_req: unknown, socket: net.Socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
    socket.on('end', () => socket.end('bye'))
    upgraded.give(socket)
  })
  const wire = new Wire(t, port)
  await wire.send('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n')
  await upgraded.promise
  const idle = new Wire(t, port)
  await once(idle.socket, 'connect')
  const closing = close()
  await idle.closed
  t.equal(wire.socket.destroyed, false)
  wire.socket.end()
  t.match(await wire.closed, /101 Switching Protocols[^]*bye$/)
  t.equal(await closing, 0)
})

t.test('HTTP/2', async t => {
  const tls = makeCertificate()
  const connect = async (t: Test, { url }: Started): Promise<http2.ClientHttp2Session> => {
    const session = http2.connect(url, { ca: tls.cert })
    t.teardown(() => session.destroy())
    await once(session, 'connect')
    return session
  }
  const bodyOf = async (stream: http2.ClientHttp2Stream): Promise<string> => (await stream.setEncoding('utf8').toArray()).join('')

  t.test('what is running ends, and what comes is answered, until it is refused: it can be sent again', async t => {
    const held = await hold(t, { tls, http2: true }, rest(() => 'hi'))
    const session = await connect(t, held)
    const running = session.request({ ':path': '/held' })
    const [, res] = await held.next()
    const closing = held.close()
    let refusal: unknown
    while (!refusal) {
      try {
        t.equal(await bodyOf(session.request({ ':path': '/' })), 'hi')
      } catch (err) {
        refusal = err
      }
    }
    // (The second is what node's client says without sending anything.)
    t.match(refusal, { message: /NGHTTP2_REFUSED_STREAM|New streams cannot be created after receiving a GOAWAY/ })
    res.end('done')
    t.equal(await bodyOf(running), 'done')
    t.equal(await closing, 0)
  })

  t.test('a session without requests is closed', async t => {
    const started = await start(t, () => {}, { tls, http2: true })
    const session = await connect(t, started)
    const closed = once(session, 'close')
    t.equal(await started.close(), 0)
    await closed
  })

  t.test('what is not over in the grace time is cut off', async t => {
    const held = await hold(t, { tls, http2: true })
    const session = await connect(t, held)
    session.on('error', () => {})
    const stream = session.request({ ':path': '/held' }).on('error', () => {})
    await held.next()
    const closed = once(stream, 'close')
    t.equal(await held.close(30), 1)
    await closed
  })

  t.test('a connection whose hands are being shaken is closed as soon as they are', async t => {
    for (const ALPNProtocols of [['h2'], ['http/1.1']]) {
      const { port, close } = await start(t, () => {}, { tls, http2: true })
      const raw = net.connect(port, '127.0.0.1')
      t.teardown(() => raw.destroy())
      await once(raw, 'connect')
      const closing = close()
      await refused(port)
      const socket = connectTls({ socket: raw, ca: tls.cert, ALPNProtocols }).resume().on('error', () => {})
      await once(socket, 'close')
      t.equal(await closing, 0)
    }
  })

  t.test('a connection that was opened to spare is closed, while a request on another one goes on', async t => {
    for (const http2 of [true, false]) {
      const held = await hold(t, { tls, http2, graceTime: 1e8 })
      const spare = new Wire(t, held.port)
      await once(spare.socket, 'connect')
      const req = https.get(held.url + '/held', { ca: tls.cert, agent: false })
      const [, res] = await held.next()
      const closing = held.close()
      t.equal(await spare.closed, '')
      res.end('done')
      const [answer] = await once(req, 'response') as [http.IncomingMessage]
      t.equal((await answer.setEncoding('utf8').toArray()).join(''), 'done')
      t.equal(await closing, 0)
    }
  })

  t.test('connections of HTTP/1 over TLS close like others', async t => {
    const held = await hold(t, { tls, http2: true })
    const req = https.get(held.url + '/held', { ca: tls.cert, agent: false })
    const [, res] = await held.next()
    const closing = held.close()
    res.end('done')
    const [answer] = await once(req, 'response') as [http.IncomingMessage]
    t.equal(answer.headers.connection, 'close')
    t.equal((await answer.setEncoding('utf8').toArray()).join(''), 'done')
    t.equal(await closing, 0)
  })
})

// ------------------------------------------------------------------------------------------------------- readiness

t.test('readiness', async t => {
  const ask = async (check?: () => unknown): Promise<unknown[]> => {
    const app = rest({ router: new Router() }).get('/ready', readiness(check))
    const { url, reports } = await start(t, app)
    const res = await fetch(url + '/ready')
    return [res.status, await res.text(), res.headers.get('content-type'), res.headers.get('cache-control'), reports]
  }
  const ready = [200, '{"ready":true}', 'application/json', 'no-store', []]
  const notReady = [503, '{"ready":false}', 'application/json', 'no-store']

  t.test('asks what the app needs', async t => {
    t.strictSame(await ask(), ready)
    t.strictSame(await ask(() => {}), ready)
    t.strictSame(await ask(async () => 'PONG'), ready)
    t.strictSame(await ask(() => false), [...notReady, []])
    t.strictSame(await ask(async () => false), [...notReady, []])
    t.strictSame(await ask(() => { throw new Error('no database') }), [...notReady, ['not ready: no database']])
    t.strictSame(await ask(() => Promise.reject(new Error('no database'))), [...notReady, ['not ready: no database']])
  })

  t.test('is over if closing has begun while it asked', async t => {
    const asked = signal()
    const go = signal()
    const app = rest({ router: new Router() }).get('/ready', readiness(() => {
      asked.give()
      return go.promise
    }))
    const { url, close } = await start(t, app)
    const answer = fetch(url + '/ready')
    await asked.promise
    const closing = close()
    go.give()
    t.equal((await answer).status, 503)
    await closing
  })

  t.test('asks in other hosts too', async t => {
    const warnings = catchWarnings(t)
    const app = rest({ router: new Router() })
    app.get('/ready', readiness()).get('/not', readiness(() => { throw new Error('no database') }))
    t.equal((await inject(app, 'GET', '/ready')).statusCode, 200)
    t.equal((await inject(app, 'GET', '/not')).statusCode, 503)
    t.strictSame(warnings, ['not ready: no database'])
  })

  t.test('is asked of a function', async t => {
    const wrong = '/ready' as unknown as () => unknown
    t.throws(() => readiness(wrong), { name: 'TypeError', message: 'readiness is asked of a function: /ready' })
  })
})
