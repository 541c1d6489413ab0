// node: options, where it listens, what it does with requests, and what it does with those who are slow, break off, or ask for too much.
// The rest of it is in node-tls.ts, node-client.ts, node-closing.ts, node-process.ts and node-workers.ts.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import t from 'tap'
import type { Test } from 'tap'
import { Agent, request } from 'undici'
import { serve } from '../../hosts/node.ts'
import type { NodeApp, ServeOptions } from '../../hosts/node.ts'
import type { HostRes } from '../../microrest.ts'
import { rest, Router } from '../fixtures/core.ts'
import { gc } from '../fixtures/gc.ts'
import { onPosix, signal, start } from '../fixtures/node/start.ts'
import { Wire } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

const hi = rest(() => 'hi')

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

/** What a server answers: its status and its body, as one text. */
async function ask(url: string, init?: RequestInit): Promise<string> {
  const res = await fetch(url, init)
  return `${res.status} ${await res.text()}`.trim()
}

/** A request as it goes over the wire. */
const bytes = (target: string, ...headers: string[]): string => [`GET ${target} HTTP/1.1`, 'host: a.test', ...headers, '', ''].join('\r\n')

/** A folder for sockets. */
function makeFolder(t: Test): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A server of somebody else's that listens there. */
async function occupy(t: Test, where: net.ListenOptions): Promise<net.Server> {
  const server = net.createServer().listen(where)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return server
}

/** The request that a client makes by a unix socket. */
async function askSocket(socketPath: string): Promise<string> {
  const req = http.get({ socketPath, path: '/', agent: false })
  const [res] = await once(req, 'response') as [http.IncomingMessage]
  return (await res.setEncoding('utf8').toArray()).join('')
}

// ----------------------------------------------------------------------------------------------------- the options

t.test('options that cannot be throw at once, with the value', async t => {
  const pem = { key: 'k', cert: 'c' }
  const table: [options: unknown, message: string][] = [
    [{ port: -1 }, 'bad port: -1'],
    [{ port: 65536 }, 'bad port: 65536'],
    [{ port: 1.5 }, 'bad port: 1.5'],
    [{ port: '80a' }, 'bad port: 80a'],
    [{ port: '' }, 'bad port: '],
    [{ port: NaN }, 'bad port: NaN'],
    [{ host: 7 }, 'bad host: 7'],
    [{ tryNextPort: 'yes' }, 'bad tryNextPort: yes'],
    [{ path: '' }, 'bad path: '],
    [{ path: 'a\0b' }, 'bad path: a\0b'],
    [{ path: 'a', socketMode: 0o1000 }, 'bad socketMode: 512'],
    [{ socketMode: 0o600 }, 'socketMode without a path: 384'],
    [{ fd: -1 }, 'bad fd: -1'],
    [{ port: 0, path: 'a' }, 'only one place to listen on: ["port","path"]'],
    [{ path: 'a', fd: 3 }, 'only one place to listen on: ["path","fd"]'],
    [{ path: 'a', host: 'b' }, 'a host is for a port: b'],
    [{ fd: 3, tryNextPort: true }, 'tryNextPort without a port: 3'],
    [{ tls: true }, 'bad tls: true'],
    [{ tls: [] }, 'bad tls: []'],
    [{ tls: {} }, 'tls without a key: []'],
    [{ tls: { key: 'k' } }, 'tls without a cert: ["key"]'],
    [{ tls: { ...pem, key: 5 } }, 'bad tls.key: 5'],
    [{ tls: { ...pem, minVersion: 'SSLv3' } }, 'bad tls.minVersion: SSLv3'],
    [{ tls: { ...pem, passphrase: 5 } }, 'bad tls.passphrase: 5'],
    [{ tls: { ...pem, reloadInterval: -1 } }, 'bad tls.reloadInterval: -1'],
    [{ tls: { ...pem, clientCertificate: true } }, 'bad tls.clientCertificate: true'],
    [{ tls: { ...pem, clientCertificate: 'require' } }, 'tls.clientCertificate without a ca: require'],
    [{ tls: { ...pem, clientNames: [] } }, 'bad tls.clientNames: []'],
    [{ tls: { ...pem, ca: 'a', clientCertificate: 'request', clientNames: ['a'] } },
      "tls.clientNames without clientCertificate: 'require': [\"a\"]"],
    [{ http2: true }, 'http2 without tls: browsers do not speak it: true'],
    [{ headersTimeout: '5' }, 'bad headersTimeout: 5'],
    [{ requestTimeout: Infinity }, 'bad requestTimeout: Infinity'],
    [{ requestTimeout: 10, headersTimeout: 20 }, 'headersTimeout beyond requestTimeout: 20'],
    [{ answerTimeout: 2 ** 31 }, 'bad answerTimeout: 2147483648'],
    [{ idleTimeout: null }, 'bad idleTimeout: null'],
    [{ keepAliveTimeout: -5 }, 'bad keepAliveTimeout: -5'],
    [{ maxConnections: 0 }, 'bad maxConnections: 0'],
    [{ trustProxy: true }, 'bad trustProxy: true'],
    [{ trustProxy: 0 }, 'bad trustProxy: 0'],
    [{ trustProxy: [] }, 'bad trustProxy: []'],
    [{ trustProxy: ['10.0.0.0/33'] }, 'bad trustProxy: 10.0.0.0/33'],
    [{ trustProxy: ['::1/129'] }, 'bad trustProxy: ::1/129'],
    [{ trustProxy: ['10.0.0.0/8/8'] }, 'bad trustProxy: 10.0.0.0/8/8'],
    [{ trustProxy: ['10.0.0.0/'] }, 'bad trustProxy: 10.0.0.0/'],
    [{ trustProxy: ['proxy.test'] }, 'bad trustProxy: proxy.test'],
    [{ trustProxy: ['toString'] }, 'bad trustProxy: toString'],
    [{ trustProxy: 1, proxyHeaders: 'forwarded' }, 'bad proxyHeaders: forwarded'],
    [{ trustProxy: 1, proxyHeaders: ['x-real-ip'] }, 'bad proxyHeaders: ["x-real-ip"]'],
    [{ trustProxy: 1, proxyHeaders: ['forwarded', 'x-forwarded-for'] }, 'bad proxyHeaders: ["forwarded","x-forwarded-for"]'],
    [{ proxyHeaders: ['forwarded'] }, 'proxyHeaders without trustProxy: ["forwarded"]'],
    [{ closeDelay: '1s' }, 'bad closeDelay: 1s'],
    [{ graceTime: -1 }, 'bad graceTime: -1'],
    [{ onClosing: 5 }, 'bad onClosing: 5'],
    [{ onClose: 'x' }, 'bad onClose: x'],
    [{ ownsProcess: 1 }, 'bad ownsProcess: 1'],
    [{ workers: -1 }, 'bad workers: -1'],
    [{ workers: 1.5 }, 'bad workers: 1.5'],
    [{ reportError: {} }, 'bad reportError: {}'],
    [{ nodeOptions: 5 }, 'bad nodeOptions: 5'],
    [{ prot: 80 }, 'unknown option: prot'],
    [{ constructor: 1 }, 'unknown option: constructor'],
  ]
  for (const [options, message] of table) t.throws(() => serve(hi, wrong<ServeOptions>(options)), { name: 'TypeError', message }, JSON.stringify(message))
  t.throws(() => serve(wrong<NodeApp>({})), { name: 'TypeError', message: 'no app: {}' })
  t.throws(() => serve(wrong<NodeApp>(undefined)), { name: 'TypeError', message: 'no app: undefined' })
})

t.test('an option that is undefined is one that is not given', async t => {
  const { server } = await start(t, hi, { answerTimeout: undefined, keepAliveTimeout: undefined, port: undefined, tls: undefined })
  t.match(server, { keepAliveTimeout: 5000, headersTimeout: 20_000, requestTimeout: 120_000, timeout: 120_000 })
})

t.test('a head may not take longer than the whole request', async t => {
  const { server } = await start(t, hi, { requestTimeout: 5000 })
  t.match(server, { headersTimeout: 5000, requestTimeout: 5000 })
  const other = await start(t, hi, { requestTimeout: 0 })
  t.match(other.server, { headersTimeout: 20_000, requestTimeout: 0 })
})

t.test('what node takes besides goes to node', async t => {
  const { port } = await start(t, hi, { nodeOptions: { maxHeaderSize: 1000 } })
  const wire = new Wire(t, port)
  await wire.send(bytes('/', 'x: ' + 'y'.repeat(1000)))
  t.match(await wire.closed, /^HTTP\/1.1 431 /)
})

// ------------------------------------------------------------------------------------------------------- listening

t.test('it resolves to where it listens', async t => {
  const { url, port, server } = await start(t, hi)
  t.equal(url, 'http://127.0.0.1:' + port)
  t.equal(await ask(url), '200 hi')
  t.equal((server!.address() as net.AddressInfo).port, port)
  t.equal(server!.listening, true)
})

t.test('it listens on all addresses if none is given, and says localhost', async t => {
  const { url, port } = await start(t, hi, { host: undefined })
  t.equal(url, 'http://localhost:' + port)
  t.equal(await ask(`http://127.0.0.1:${port}`), '200 hi')
})

const hasIPv6 = Object.values(os.networkInterfaces()).flat().some((one) => one?.address === '::1')

t.test('an address of IPv6 stands in brackets', { skip: !hasIPv6 && 'there is no IPv6 here' }, async t => {
  const { url, port } = await start(t, hi, { host: '::1' })
  t.equal(url, `http://[::1]:${port}`)
  t.equal(await ask(url), '200 hi')
})

t.test('a port may come as text, as from the environment', async t => {
  const { port } = await start(t, hi, { port: '0' })
  t.ok(port > 0)
})

t.test('a port in use rejects, and says which', async t => {
  const other = await occupy(t, { port: 0, host: '127.0.0.1' })
  const { port } = other.address() as net.AddressInfo
  await t.rejects(start(t, hi, { port }), { message: `port ${port} is in use`, code: 'EADDRINUSE' })
  await t.rejects(start(t, hi, { port: String(port) }), { message: `port ${port} is in use` })
})

t.test('tryNextPort goes up to the next free one', async t => {
  const { port } = (await occupy(t, { port: 0, host: '127.0.0.1' })).address() as net.AddressInfo
  const first = await start(t, hi, { port, tryNextPort: true })
  const second = await start(t, hi, { port, tryNextPort: true })
  t.ok(first.port > port)
  t.ok(second.port > first.port)
  t.equal(await ask(second.url), '200 hi')
})

t.test('port hunting ends at the last port', async t => {
  await occupy(t, { port: 65535, host: '127.0.0.1' })
  await t.rejects(start(t, hi, { port: 65535, tryNextPort: true }), { message: 'port 65535 is in use' })
})

t.test('an address that is not ours rejects, and says so', async t => {
  await t.rejects(start(t, hi, { host: '192.0.2.1' }), { message: /^cannot listen on port 0: .*192\.0\.2\.1/, code: 'EADDRNOTAVAIL' })
})

t.test('a unix socket', onPosix, async t => {
  t.test('is listened on by its path, with the permissions given', async t => {
    const file = path.join(makeFolder(t), 'app.sock')
    const { url, port, close } = await start(t, rest((req) => ({ ip: req.ip ?? null })), { path: file, socketMode: 0o660 })
    t.equal(url, 'unix:' + file)
    t.equal(port, undefined)
    t.equal(fs.statSync(file).mode & 0o777, 0o660)
    t.equal(await askSocket(file), '{"ip":null}')
    await close()
    t.notOk(fs.existsSync(file), 'nothing is left of it')
  })

  t.test('that a dead process has left behind is replaced', async t => {
    const file = path.join(makeFolder(t), 'app.sock')
    const code = `require('net').createServer().listen(${JSON.stringify(file)}, () => process.kill(process.pid, 'SIGKILL'))`
    await once(spawn(process.execPath, ['-e', code], { stdio: 'ignore' }), 'exit')
    t.ok(fs.existsSync(file))
    await start(t, hi, { path: file })
    t.equal(await askSocket(file), 'hi')
  })

  t.test('of a live process rejects, and stays', async t => {
    const file = path.join(makeFolder(t), 'app.sock')
    await start(t, hi, { path: file })
    await t.rejects(start(t, hi, { path: file }), { message: `${file} is in use`, code: 'EADDRINUSE' })
    t.equal(await askSocket(file), 'hi')
  })

  t.test('is not made in place of a file, a folder or a link', async t => {
    const folder = makeFolder(t)
    const file = path.join(folder, 'notes.txt')
    const link = path.join(folder, 'link')
    fs.writeFileSync(file, 'mine')
    fs.symlinkSync(file, link)
    for (const taken of [file, folder, link]) await t.rejects(start(t, hi, { path: taken }), { message: `${taken} exists, and is no socket` })
    t.equal(fs.readFileSync(file, 'utf8'), 'mine')
  })

  t.test('that somebody else makes at the same time is in use', async t => {
    const file = path.join(makeFolder(t), 'app.sock')
    const { lstatSync } = fs
    t.teardown(() => Object.assign(fs, { lstatSync }))
    // When it is looked for it is not there yet.
    Object.assign(fs, { lstatSync: () => undefined })
    await start(t, hi, { path: file })
    await t.rejects(start(t, hi, { path: file }), { message: `${file} is in use`, code: 'EADDRINUSE' })
    t.equal(await askSocket(file), 'hi')
  })

  t.test('where none can be made rejects with the path', async t => {
    const file = path.join(makeFolder(t), 'missing/app.sock')
    await t.rejects(start(t, hi, { path: file }), { message: `cannot listen on ${file}: ` })
  })

  t.test('that cannot be asked whether it is alive is left alone', async t => {
    const file = path.join(makeFolder(t), 'app.sock')
    await start(t, hi, { path: file })
    const { connect } = net
    t.teardown(() => { net.connect = connect })
    net.connect = wrong<typeof connect>(() => {
      const socket = new net.Socket()
      process.nextTick(() => socket.emit('error', Object.assign(new Error('no'), { code: 'EACCES' })))
      return socket
    })
    await t.rejects(start(t, hi, { path: file }), { message: `cannot listen on ${file}: no`, code: 'EACCES' })
    t.ok(fs.existsSync(file))
  })
})

// (One that is good needs another process: see node-process.ts.)
t.test('a file descriptor that is none rejects, and says which', async t => {
  await t.rejects(start(t, hi, { fd: 12345 }), { message: 'cannot listen on fd 12345' })
})

// -------------------------------------------------------------------------------------------------------- requests

t.test('an app that throws or rejects', async t => {
  const broken = new Error('the password is 1234')
  const answered = '{"error":"500","message":"500 Internal Server Error"}'

  t.test('before its answer is a bare 500, and reported', async t => {
    for (const app of [() => { throw broken }, () => Promise.reject(broken), async (_req: unknown, res: HostRes) => {
      res.setHeader('content-type', 'text/html')
      res.setHeader('content-encoding', 'br')
      throw broken
    }]) {
      const { url, reports } = await start(t, app)
      const res = await fetch(url + '/x')
      t.equal(res.status, 500)
      t.equal(res.headers.get('content-type'), 'application/json')
      t.equal(res.headers.get('content-encoding'), null)
      t.equal(await res.text(), answered)
      t.strictSame(reports, ['GET /x: the password is 1234'])
    }
  })

  t.test('in its answer cuts it off, so that the client can tell', async t => {
    const { url, reports } = await start(t, async (_req, res) => {
      res.write('a')
      throw broken
    })
    await t.rejects(ask(url), { message: 'terminated' })
    t.strictSame(reports, ['GET /: the password is 1234'])
  })

  t.test('after its answer is reported, and the answer stays', async t => {
    const { url, reports } = await start(t, async (_req, res) => {
      res.end('a')
      throw broken
    })
    t.equal(await ask(url), '200 a')
    t.equal(await ask(url), '200 a')
    t.strictSame(reports, ['GET /: the password is 1234', 'GET /: the password is 1234'])
  })
})

t.test('a header that node refuses is a 500', async t => {
  const warnings = catchWarnings(t)
  const app = rest({ router: new Router() })
  app.get('/crlf', (_req, res) => {
    res.setHeader('x', 'a\r\nset-cookie: b')
    res.end()
  })
  app.get('/name', (_req, res) => {
    res.writeHead(200, { 'a b': 'c' }).end()
  })
  const { url } = await start(t, app)
  for (const target of ['/crlf', '/name']) t.equal(await ask(url + target), '500 {"error":"500","message":"500 Internal Error"}')
  t.match(warnings, [/Invalid character in header content/, /Header name must be a valid HTTP token/])
})

t.test('bytes that are no request get a 400, and the connection closes', async t => {
  const { port } = await start(t, hi)
  const twoLengths = bytes('/', 'content-length: 1', 'content-length: 2')
  for (const rubbish of ['hello\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', bytes('/', 'x: a\0b'), twoLengths]) {
    const wire = new Wire(t, port)
    await wire.send(rubbish)
    t.match(await wire.closed, /^HTTP\/1.1 400 Bad Request/, JSON.stringify(rubbish))
  }
})

t.test('a body that breaks off ends its request, and no other', async t => {
  const ended = signal<unknown>()
  const app = rest({ router: new Router() })
  app.use('err', (err, _req, _res, next) => {
    ended.give((err as Error & { debug: string }).debug)
    next()
  })
  app.post('/', () => 'whole').get('/', () => 'hi')
  const { port, url } = await start(t, app)
  const wire = new Wire(t, port)
  await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345')
  wire.socket.destroy()
  t.equal(await ended.promise, 'aborted')
  t.equal(await ask(url), '200 hi')
})

t.test('a step finds the url as it came, below a mount too', async t => {
  const inner = rest({ router: new Router() }).get('/x', (req) => [req.originalUrl, req.url])
  const { url } = await start(t, rest({ router: new Router() }).use('/api', inner))
  t.strictSame(await (await fetch(url + '/api/x?a')).json(), ['/api/x?a', '/x?a'])
})

t.test('a client that leaves has its response closed', async t => {
  const began = signal()
  const closed = signal<boolean>()
  const { port, close } = await start(t, (_req, res) => {
    res.on('close', () => closed.give(res.writableEnded!))
    began.give()
  })
  const wire = new Wire(t, port)
  await wire.send(bytes('/'))
  await began.promise
  wire.socket.destroy()
  t.equal(await closed.promise, false)
  t.equal(await close(0), 0, 'nothing of it is left')
})

t.test('a client that leaves has the responses closed that wait for an earlier one to end', async t => {
  const closed = [signal(), signal(), signal()]
  const begun = signal()
  let posts = 0
  const app = rest({ router: new Router() })
  app.use('post', () => { posts++ })
  app.get('/:number', (req, res, _next) => {
    const number = Number(req.params.number)
    res.on('close', () => closed[number]!.give())
    if (number > 0) res.end('queued')
    if (number === 2) begun.give()
  })
  const { port, close } = await start(t, app)
  const wire = new Wire(t, port)
  await wire.send([0, 1, 2].map((number) => bytes('/' + number)).join(''))
  await begun.promise
  wire.socket.destroy()
  await Promise.all(closed.map(({ promise }) => promise))
  t.equal(posts, 3)
  t.equal(await close(0), 0, 'nothing of them is left to be cut off')
})

t.test('10,000 requests one after another and 500 at once: each is answered, and nothing of them stays', async t => {
  const app = rest({ router: new Router() })
  app.get('/users/:id', (req) => ({ id: req.params.id, ip: req.ip }))
  const { url, server } = await start(t, app, { trustProxy: ['loopback'] })
  const agent = new Agent({ connections: 500, pipelining: 1 })
  t.teardown(() => agent.destroy())
  let wrongAnswers = 0
  const get = async (id: number): Promise<void> => {
    const { statusCode, body } = await request(`${url}/users/${id}`, { dispatcher: agent, headers: { 'x-forwarded-for': '192.0.2.1' } })
    if (statusCode !== 200 || await body.text() !== `{"id":"${id}","ip":"192.0.2.1"}`) wrongAnswers++
  }
  const usedAfter = async (count: number): Promise<number> => {
    for (let id = 0; id < count; id++) await get(id)
    gc()
    return process.memoryUsage().heapUsed
  }
  await Promise.all(Array.from({ length: 500 }, (_, id) => get(id)))
  const before = await usedAfter(2000)
  const after = await usedAfter(10_000)
  await Promise.all(Array.from({ length: 500 }, (_, id) => get(id)))
  t.equal(wrongAnswers, 0)
  // (A request that stayed would be some 3 KB: 30 MB of them.)
  t.ok(after - before < 3e6, `${after - before} bytes more`)
  await agent.destroy()
  const count = await new Promise((resolve) => (server as http.Server).getConnections((_err, open) => resolve(open)))
  t.ok(Number(count) <= 500)
})

t.test('an error of the server itself is reported', async t => {
  const { server, reports } = await start(t, hi)
  ;(server as http.Server).emit('error', new Error('EMFILE'))
  t.strictSame(reports, ['server: EMFILE'])
})

t.test('without a function for it, errors are printed', async t => {
  const warnings = catchWarnings(t)
  const { url } = await start(t, () => { throw new Error('broken') }, { reportError: undefined })
  await ask(url + '/x')
  t.strictSame(warnings, ['GET /x: broken'])
})

t.test('a function for reports that throws or rejects fails nothing else, and errors are printed', async t => {
  const warnings = catchWarnings(t)
  for (const reportError of [() => { throw new Error('no log') }, async () => { throw new Error('no log') }]) {
    const { url } = await start(t, () => { throw new Error('broken') }, { reportError })
    t.equal((await fetch(url + '/x')).status, 500)
    t.strictSame(warnings.splice(0), ['GET /x: broken', 'reportError: no log'])
    const other = await start(t, () => {}, { reportError, answerTimeout: 30 })
    t.equal((await fetch(other.url + '/x')).status, 503)
    t.strictSame(warnings.splice(0), ['GET /x: no answer within 30 ms', 'reportError: no log'])
  }
})

// --------------------------------------------------------------------------------------------------- limits of time

t.test('a client that is slow to send', async t => {
  const quick = { headersTimeout: 50, requestTimeout: 100 }

  t.test('its head gets a 408', async t => {
    const { port } = await start(t, hi, quick)
    for (const begun of ['', 'GET /', 'GET / HTTP/1.1\r\nhost: a.test\r\nx: y\r\n']) {
      const wire = new Wire(t, port)
      await wire.send(begun)
      t.match(await wire.closed, /^HTTP\/1.1 408 Request Timeout\r\nConnection: close/, begun)
    }
  })

  t.test('its head byte by byte gets a 408', async t => {
    const { port } = await start(t, hi, quick)
    const wire = new Wire(t, port)
    const drip = setInterval(() => wire.socket.write('x'), 5)
    t.teardown(() => clearInterval(drip))
    await wire.send('GET / HTTP/1.1\r\nx: ')
    t.match(await wire.closed, /^HTTP\/1.1 408 /)
  })

  t.test('its body byte by byte gets a 408, and the app is told', async t => {
    const { port } = await start(t, rest((req) => String(req.body)), quick)
    const wire = new Wire(t, port)
    await wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n')
    const drip = setInterval(() => wire.socket.write('x'), 5)
    t.teardown(() => clearInterval(drip))
    t.match(await wire.closed, /^HTTP\/1.1 408 /)
  })

  t.test('is not what one is that sends nothing more after its answer: that is closed without a word', async t => {
    const { port } = await start(t, hi, { ...quick, keepAliveTimeout: 50 })
    const wire = new Wire(t, port)
    await wire.send(bytes('/'))
    t.match(await wire.answer(), { statusCode: 200, body: 'hi' })
    t.equal(await wire.closed, '')
  })
})

t.test('a client that does not read is cut off, and the response closed', async t => {
  const closed = signal()
  const { port } = await start(t, (_req, res) => {
    res.on('close', () => closed.give())
    res.end(Buffer.alloc(64 << 20))
  }, { idleTimeout: 100 })
  const wire = new Wire(t, port)
  wire.socket.pause()
  await wire.send(bytes('/'))
  await closed.promise
  t.pass('it is over')
})

t.test('an app that never answers', async t => {
  const late = '503 {"error":"503","message":"503 Service Unavailable"}'

  t.test('has its client told by a 503, and the connection goes on', async t => {
    const { port, reports } = await start(t, (req, res) => { if (req.url !== '/hang') res.end('hi') }, { answerTimeout: 30 })
    const wire = new Wire(t, port)
    await wire.send(bytes('/hang'))
    t.match(await wire.answer(), { statusCode: 503, headers: { 'content-type': 'application/json' }, body: late.slice(4) })
    await wire.send(bytes('/'))
    t.match(await wire.answer(), { statusCode: 200, body: 'hi' })
    t.strictSame(reports, ['GET /hang: no answer within 30 ms'])
  })

  t.test('and then does, does nothing by it, and harms nobody', async t => {
    const response = signal<HostRes>()
    const { url, reports } = await start(t, (_req, res) => {
      res.setHeader('x', 'early')
      response.give(res)
    }, { answerTimeout: 30 })
    t.equal(await ask(url), late)
    const res = await response.promise as http.ServerResponse
    res.setHeader('x', 'late')
    res.removeHeader('y')
    t.equal(res.appendHeader('x', 'z'), res)
    t.equal(res.write('more'), true)
    t.equal(res.writeHead(200, { a: 'b' }).end('late'), res)
    res.flushHeaders()
    res.writeEarlyHints({ link: '</late.css>' })
    await new Promise<unknown>((resolve) => res.write('more', resolve))
    await new Promise<void>((resolve) => res.end('late', resolve))
    t.equal(reports.length, 1)
  })

  t.test('has its post steps run', async t => {
    const over = signal()
    const app = rest({ router: new Router() })
    app.use('post', () => over.give())
    app.get('/', (_req, _res, _next) => {})
    const { url } = await start(t, app, { answerTimeout: 30 })
    t.equal(await ask(url), late)
    await over.promise
    t.pass('they ran')
  })

  t.test('is not one that takes its time with an answer that has begun, nor one whose client is still sending', async t => {
    const go = signal()
    const other = signal()
    const app = rest({ router: new Router() })
    app.get('/slow', async (_req, res) => {
      res.write('a')
      await go.promise
      res.end('b')
    })
    app.get('/hang', (_req, _res, _next) => {})
    app.post('/upload', (req) => `${String(req.body).length} bytes`)
    const { port, url } = await start(t, app, { answerTimeout: 30 })
    const upload = new Wire(t, port)
    await upload.send('POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345')
    const slow = ask(url + '/slow')
    // Twice as long as an answer may take.
    for (const _time of [1, 2]) t.equal(await ask(url + '/hang'), late)
    go.give()
    other.give()
    t.equal(await slow, '200 ab')
    await upload.send('67890')
    t.match(await upload.answer(), { statusCode: 200, body: '10 bytes' })
  })

  t.test('nor takes its body, of which its client can send no more', async t => {
    const { port, url, reports } = await start(t, (req, res) => { if (req.url !== '/') res.end('hi') }, { answerTimeout: 30 })
    const wire = new Wire(t, port)
    void wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
    void wire.send(Buffer.alloc(1_000_000))
    t.match(await wire.answer(), { statusCode: 503 })
    t.strictSame(reports, ['POST /: no answer within 30 ms'])
    await wire.send(bytes('/next'))
    t.match(await wire.answer(), { statusCode: 200, body: 'hi' }, 'the rest of the body is out of the way')
    t.equal(await ask(url + '/x'), '200 hi')
  })

  t.test('is not one that takes a body slowly', async t => {
    let time = 0
    let looks = 0
    const { now } = performance
    performance.now = () => {
      looks++
      return time
    }
    t.teardown(() => { performance.now = now })
    /** Wait for something to be so. */
    const until = async (isSo: () => boolean): Promise<void> => { while (!isSo()) await new Promise(setImmediate) }
    const app: NodeApp = async (req, res) => {
      const body = req as http.IncomingMessage
      let size = 0
      for await (const chunk of body) {
        size += chunk.length
        await until(() => body.readableLength >= body.readableHighWaterMark || body.complete)
        if (body.complete) continue
        const before = looks
        time += 20
        await until(() => looks > before + 1)
      }
      res.end(`${size} bytes after ${time > 100 ? 'a long time' : 'a short time'}`)
    }
    const { port, reports } = await start(t, app, { answerTimeout: 30 })
    const wire = new Wire(t, port)
    void wire.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2000000\r\n\r\n')
    void wire.send(Buffer.alloc(2_000_000))
    t.match(await wire.answer(), { statusCode: 200, body: '2000000 bytes after a long time' })
    t.strictSame(reports, [])
  })

  t.test('is waited for if there is to be no limit', async t => {
    const go = signal()
    const { url } = await start(t, async (_req, res) => {
      await go.promise
      res.end('at last')
    }, { answerTimeout: 0, requestTimeout: 0, headersTimeout: 0, idleTimeout: 0, keepAliveTimeout: 0 })
    const answer = ask(url)
    const other = await start(t, () => {}, { answerTimeout: 30 })
    t.equal(await ask(other.url), late)
    go.give()
    t.equal(await answer, '200 at last')
  })
})

t.test('connections beyond maxConnections are closed at once, and there is room again when one goes', async t => {
  const { port, url, server } = await start(t, hi, { maxConnections: 2 })
  const wires = [new Wire(t, port), new Wire(t, port)]
  for (const wire of wires) {
    await wire.send(bytes('/'))
    await wire.answer()
  }
  t.equal(await new Wire(t, port).closed, '')
  wires[0]!.socket.destroy()
  await wires[0]!.closed
  while (await new Promise((resolve) => (server as http.Server).getConnections((_err, count) => resolve(count))) === 2) continue
  t.equal(await ask(url), '200 hi')
})
