// node: https and HTTP/2. Certificates that fit and those that do not, clients with certificates, renewal, and the limits of time that
// node has for HTTP/1 alone.

import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import fs from 'node:fs'
import http2 from 'node:http2'
import https from 'node:https'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import type { Test } from 'tap'
import tls from 'node:tls'
import type { TLSSocket } from 'node:tls'
import type { ServeTlsOptions } from '../../hosts/node.ts'
import { rest, Router } from '../fixtures/core.ts'
import { makeCertificate } from '../fixtures/certificate.ts'
import { signal, start } from '../fixtures/node/start.ts'

const hi = rest(() => 'hi')
const certificate = makeCertificate()
const other = makeCertificate()

/** Files in a folder, whose paths come back by the same names. */
function makeFiles<Name extends string>(t: Test, files: { [name in Name]: string }): { [name in Name]: string } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true, force: true }))
  const paths = Object.keys(files).map((name) => [name, path.join(folder, name + '.pem')] as const)
  for (const [name, file] of paths) fs.writeFileSync(file, files[name as Name])
  return Object.fromEntries(paths) as { [name in Name]: string }
}

/** Ask over https; resolves to the body. */
function get(url: string, options: https.RequestOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    https.get(url, { agent: false, ca: certificate.cert, ...options }, async (res) => {
      res.on('error', reject)
      resolve(`${res.statusCode} ${(await res.setEncoding('utf8').toArray()).join('')}`)
    }).on('error', reject)
  })
}

/** The key of the certificate that a server shows. */
async function keyOf(port: number): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { pubkey } = socket.getPeerCertificate()
  socket.destroy()
  return pubkey!.toString('hex')
}

function encrypt(key: string, passphrase: string): string {
  return createPrivateKey(key).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string
}

// ---------------------------------------------------------------------------------------------------- certificates

t.test('https, from files, texts or bytes', async t => {
  const files = makeFiles(t, certificate)
  const app = rest((req) => [req.protocol, req.host])
  for (const tls of [files, certificate, { key: Buffer.from(certificate.key), cert: Buffer.from(certificate.cert) }]) {
    const { url, port } = await start(t, app, { tls })
    t.equal(url, `https://127.0.0.1:${port}`)
    t.equal(await get(url), `200 ["https","127.0.0.1:${port}"]`)
  }
})

t.test('an encrypted key opens with its passphrase', async t => {
  const { url } = await start(t, hi, { tls: { cert: certificate.cert, key: encrypt(certificate.key, 'sesame'), passphrase: 'sesame' } })
  t.equal(await get(url), '200 hi')
})

t.test('what does not fit rejects, and names the file', async t => {
  const locked = encrypt(certificate.key, 'sesame')
  const half = certificate.cert.slice(0, 200)
  const files = makeFiles(t, { ...certificate, other: other.key, locked, garbage: 'garbage', empty: '', half })
  const { key, cert } = files
  const missing = path.join(path.dirname(key), 'missing.pem')
  const table: [tls: ServeTlsOptions, message: string][] = [
    [{ key: missing, cert }, `cannot read key ${missing}: ENOENT`],
    [{ key, cert: missing }, `cannot read certificate ${missing}: ENOENT`],
    [{ key, cert: path.dirname(key) }, `cannot read certificate ${path.dirname(key)}: EISDIR`],
    [{ key, cert, ca: missing }, `cannot read ca ${missing}: ENOENT`],
    [{ key: files.other, cert }, `key ${files.other} is not that of certificate ${cert}`],
    [{ key: files.locked, cert }, `key ${files.locked} is encrypted: it needs a passphrase`],
    [{ key: files.locked, cert, passphrase: 'wrong' }, `key ${files.locked} does not open with this passphrase`],
    [{ key: files.garbage, cert }, `key ${files.garbage} is no private key in PEM`],
    [{ key: files.empty, cert }, `key ${files.empty} is no private key in PEM`],
    [{ key: cert, cert }, `key ${cert} is no private key in PEM`],
    [{ key, cert: files.garbage }, `certificate ${files.garbage} is no certificate in PEM`],
    [{ key, cert: files.half }, `certificate ${files.half} is no certificate in PEM`],
    [{ key, cert: key }, `certificate ${key} is no certificate in PEM`],
    [{ key, cert, ca: files.garbage }, `ca ${files.garbage} is no certificate in PEM`],
    [{ key, cert, ciphers: 'no-such-cipher' }, `certificate ${cert} is not taken: `],
    [{ key: other.key, cert }, `the key that was given is not that of certificate ${cert}`],
    [{ key: locked, cert, passphrase: 'wrong' }, 'the key that was given does not open with this passphrase'],
  ]
  for (const [tls, message] of table) await t.rejects(start(t, hi, { tls }), { message }, message)
})

t.test('the oldest version that is spoken is TLS 1.2, or what one says', async t => {
  const table: [minVersion: ServeTlsOptions['minVersion'], maxVersion: tls.SecureVersion, isTaken: boolean][] = [
    [undefined, 'TLSv1.1', false],
    [undefined, 'TLSv1.2', true],
    ['TLSv1.3', 'TLSv1.2', false],
    ['TLSv1.3', 'TLSv1.3', true],
  ]
  for (const [minVersion, maxVersion, isTaken] of table) {
    const { url } = await start(t, hi, { tls: { ...certificate, minVersion } })
    const answer = get(url, { maxVersion, minVersion: 'TLSv1' })
    if (isTaken) t.equal(await answer, '200 hi')
    else await t.rejects(answer, `${minVersion} ${maxVersion}`)
  }
})

t.test('whatever else TLS has goes to node', async t => {
  const { port } = await start(t, hi, { tls: { ...certificate, ALPNProtocols: ['x'] } })
  const socket = tls.connect({ port, host: '127.0.0.1', ca: certificate.cert, ALPNProtocols: ['x'] })
  await once(socket, 'secureConnect')
  t.equal(socket.alpnProtocol, 'x')
  socket.destroy()
})

t.test('a client that does not shake hands is closed', async t => {
  const quick = await start(t, hi, { tls: certificate, headersTimeout: 50 })
  const patient = await start(t, hi, { tls: certificate, headersTimeout: 0 })
  const connect = ({ port }: { port: number }): net.Socket => net.connect(port, '127.0.0.1').resume().on('error', () => {})
  const socket = connect(quick)
  const other = connect(patient)
  await once(socket, 'close')
  t.equal(other.destroyed, false, 'unless there is to be no limit')
  other.destroy()
})

t.test('clients with certificates', async t => {
  const client = makeCertificate('device-7.test')
  const stranger = makeCertificate('device-7.test')
  const app = rest((req) => ({ isKnown: (req as unknown as { socket: TLSSocket }).socket.authorized }))

  t.test('are required to have one that is signed by the ca', async t => {
    const { url } = await start(t, app, { tls: { ...certificate, ca: client.cert, clientCertificate: 'require' } })
    t.equal(await get(url, client), '200 {"isKnown":true}')
    await t.rejects(get(url), 'none')
    await t.rejects(get(url, stranger), 'one of somebody else with the same name')
  })

  t.test('are asked for one, and the app knows whether it is good', async t => {
    const { url } = await start(t, app, { tls: { ...certificate, ca: client.cert, clientCertificate: 'request' } })
    t.equal(await get(url, client), '200 {"isKnown":true}')
    t.equal(await get(url), '200 {"isKnown":false}')
    t.equal(await get(url, stranger), '200 {"isKnown":false}')
  })

  t.test('are refused if theirs is for another host', async t => {
    for (const [clientNames, isTaken] of [
      [['device-7.test'], true], [['device-8.test', 'device-7.test'], true], [['device-8.test'], false], [['test', '7.test'], false],
    ] as const) {
      const { url, server } = await start(t, app, { tls: { ...certificate, ca: client.cert, clientCertificate: 'require', clientNames } })
      const refused = signal<Error>()
      server!.on('tlsClientError', (err: Error) => refused.give(err))
      if (isTaken) t.equal(await get(url, client), '200 {"isKnown":true}')
      else {
        await t.rejects(get(url, client))
        t.match(await refused.promise, { message: "the client's certificate is for none of " + clientNames.join(', ') })
      }
    }
  })

  t.test('are known when they resume a session, too', async t => {
    const tls = { ...certificate, ca: client.cert, clientCertificate: 'require', clientNames: ['device-7.test'] } as const
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const { port } = await start(t, app, { tls })
      // The agent keeps the session, not the connection.
      const agent = new https.Agent({ keepAlive: false, ca: certificate.cert, ...client, maxVersion })
      const reused: boolean[] = []
      for (let count = 0; count < 3; count++) {
        const req = https.get({ port, host: '127.0.0.1', servername: 'localhost', agent })
        const [res] = await once(req, 'response')
        reused.push((res.socket as TLSSocket).isSessionReused())
        t.equal((await res.setEncoding('utf8').toArray()).join(''), '{"isKnown":true}')
      }
      t.strictSame(reused, [false, true, true], maxVersion)
    }
  })
})

// --------------------------------------------------------------------------------------------------------- renewal

t.test('certificates that have changed', async t => {
  function replace(files: { key: string; cert: string }, by: { key: string; cert: string }): void {
    for (const name of ['key', 'cert'] as const) {
      fs.writeFileSync(files[name] + '.new', by[name])
      fs.renameSync(files[name] + '.new', files[name])
    }
  }

  t.test('are taken by reload', async t => {
    const files = makeFiles(t, certificate)
    const { port, url, reload } = await start(t, hi, { tls: { ...files, reloadInterval: 0 } })
    const before = await keyOf(port)
    // A connection that is open stays so.
    const agent = new https.Agent({ keepAlive: true })
    t.equal(await get(url, { agent }), '200 hi')
    replace(files, other)
    t.equal(await keyOf(port), before)
    await reload()
    t.not(await keyOf(port), before)
    t.equal(await get(url, { ca: other.cert }), '200 hi')
    t.equal(await get(url, { agent }), '200 hi')
    agent.destroy()
  })

  t.test('and are not good leave the server as it is', async t => {
    const files = makeFiles(t, certificate)
    const { port, reload } = await start(t, hi, { tls: files })
    const before = await keyOf(port)
    fs.writeFileSync(files.key, other.key)
    await t.rejects(reload(), { message: `key ${files.key} is not that of certificate ${files.cert}` })
    t.equal(await keyOf(port), before)
    fs.rmSync(files.cert)
    await t.rejects(reload(), { message: `cannot read certificate ${files.cert}: ENOENT` })
    t.equal(await keyOf(port), before)
  })

  t.test('are found without being told of, as soon as they fit together', async t => {
    const files = makeFiles(t, certificate)
    const half = signal()
    const reports: string[] = []
    const { port } = await start(t, hi, {
      tls: { ...files, reloadInterval: 10 },
      reportError(err, cause) {
        reports.push(`${cause}: ${(err as Error).message}`)
        half.give()
      },
    })
    const before = await keyOf(port)
    fs.writeFileSync(files.key, other.key)
    await half.promise
    t.equal(reports[0], `certificate not renewed: key ${files.key} is not that of certificate ${files.cert}`)
    t.equal(await keyOf(port), before)
    fs.writeFileSync(files.cert, other.cert)
    while (await keyOf(port) === before) continue
    t.pass('the new one is shown')
  })

  t.test('are taken in HTTP/2, too', async t => {
    const files = makeFiles(t, certificate)
    const { port, reload } = await start(t, hi, { tls: files, http2: true })
    const before = await keyOf(port)
    replace(files, other)
    await reload()
    t.not(await keyOf(port), before)
  })

  t.test('without any there is nothing to reload', async t => {
    const { reload } = await start(t, hi)
    await t.resolves(reload())
  })
})

// ---------------------------------------------------------------------------------------------------------- HTTP/2

/** A session of HTTP/2 until the test is over. */
function connect(t: Test, url: string): http2.ClientHttp2Session {
  const session = http2.connect(url, { ca: certificate.cert }).on('error', () => {})
  t.teardown(() => session.destroy())
  return session
}

/** Ask in a session; resolves to status and body. */
async function ask(session: http2.ClientHttp2Session, headers: http2.OutgoingHttpHeaders, body?: string): Promise<string> {
  const stream = session.request({ ':path': '/', ...headers }, { endStream: body === undefined })
  if (body !== undefined) stream.end(body)
  const [answer] = await once(stream, 'response')
  return `${answer[':status']} ${(await stream.setEncoding('utf8').toArray()).join('')}`
}

t.test('HTTP/2', async t => {
  const secure = { tls: certificate, http2: true, trustProxy: ['loopback'] } as const

  t.test('is for those who speak it; the others get HTTP/1', async t => {
    const app = rest({ router: new Router() })
    app.get('/', (req) => [(req as { httpVersion?: string }).httpVersion, req.headers.host, req.host, req.protocol, req.ip])
    app.post('/', (req) => `got ${String(req.body)}`)
    const { url, port } = await start(t, app, secure)
    const session = connect(t, url)
    const host = `127.0.0.1:${port}`
    t.equal(await ask(session, {}), `200 ["2.0","${host}","${host}","https","127.0.0.1"]`)
    const forwarded = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'b.test' }
    t.equal(await ask(session, forwarded), `200 ["2.0","${host}","b.test","https","192.0.2.1"]`)
    t.equal(await ask(session, { ':method': 'POST' }, 'a body'), '200 got a body')
    t.equal(await get(url), `200 ["1.1","${host}","${host}","https","127.0.0.1"]`)
    t.equal(await get(url, { headers: { 'x-forwarded-for': '192.0.2.1' } }), `200 ["1.1","${host}","${host}","https","192.0.2.1"]`)
  })

  t.test('a request may say its host by the header of HTTP/1', async t => {
    const { url } = await start(t, rest((req) => req.headers.host), secure)
    const session = connect(t, url)
    t.equal(await ask(session, { host: 'b.test' }), '200 b.test')
  })

  t.test('an app that throws, before its answer and in it', async t => {
    const { url, reports } = await start(t, async (req, res) => {
      if (req.url === '/late') res.write('a')
      throw new Error('broken')
    }, secure)
    const session = connect(t, url)
    t.equal(await ask(session, {}), '500 {"error":"500","message":"500 Internal Server Error"}')
    await t.rejects(ask(session, { ':path': '/late' }), { code: 'ERR_HTTP2_STREAM_ERROR' })
    t.strictSame(reports, ['GET /: broken', 'GET /late: broken'])
  })

  t.test('an app that never answers', async t => {
    const { url, reports } = await start(t, () => {}, { ...secure, answerTimeout: 30 })
    t.equal(await ask(connect(t, url), {}), '503 {"error":"503","message":"503 Service Unavailable"}')
    t.strictSame(reports, ['GET /: no answer within 30 ms'])
  })

  t.test('an app that never answers, nor takes its body', async t => {
    const { url } = await start(t, () => {}, { ...secure, answerTimeout: 30 })
    const stream = connect(t, url).request({ ':path': '/', ':method': 'POST' }).on('error', () => {})
    stream.write(Buffer.alloc(1_000_000))
    const [headers] = await once(stream, 'response') as [http2.IncomingHttpHeaders]
    t.equal(headers[':status'], 503)
  })

  t.test('a client that cancels has its response closed, whatever it has asked for', async t => {
    for (const method of ['GET', 'HEAD']) {
      const begun = signal()
      const over = signal()
      const app = rest({ router: new Router() })
      app.use('post', () => over.give())
      app.get('/', (_req, _res, _next) => begun.give())
      const { url, close } = await start(t, app, secure)
      const stream = connect(t, url).request({ ':path': '/', ':method': method }).on('error', () => {})
      await begun.promise
      stream.close(http2.constants.NGHTTP2_CANCEL)
      await over.promise
      t.equal(await close(0), 0, 'nothing of it is left')
    }
  })

  t.test('a body that never ends', async t => {
    const { url } = await start(t, rest(() => 'hi'), { ...secure, headersTimeout: 50, requestTimeout: 50 })
    const session = connect(t, url)
    const stream = session.request({ ':path': '/', ':method': 'POST' })
    const drip = setInterval(() => stream.write('x'), 5)
    t.teardown(() => clearInterval(drip))
    await once(stream.on('error', () => {}), 'close')
    t.equal(stream.rstCode, http2.constants.NGHTTP2_CANCEL)
  })

  t.test('an answer that nobody reads', async t => {
    const closed = signal()
    const { url } = await start(t, (_req, res) => {
      res.on('close', () => closed.give())
      res.end(Buffer.alloc(8 << 20))
    }, { ...secure, idleTimeout: 60 })
    const session = connect(t, url)
    const stream = session.request({ ':path': '/' }).on('error', () => {})
    await once(stream, 'response')
    await closed.promise
    t.pass('it is over')
  })

  t.test('a session without requests, whatever else it says', async t => {
    const { url } = await start(t, hi, { ...secure, idleTimeout: 60, answerTimeout: 50 })
    const session = connect(t, url)
    t.equal(await ask(session, {}), '200 hi')
    const ping = setInterval(() => session.destroyed || session.ping(() => {}), 10)
    t.teardown(() => clearInterval(ping))
    await once(session, 'close')
    t.pass('it is over')
  })

  t.test('500 requests at once', async t => {
    const { url } = await start(t, rest((req) => req.url), secure)
    const session = connect(t, url)
    const answers = await Promise.all(Array.from({ length: 500 }, (_, ix) => ask(session, { ':path': '/' + ix })))
    t.strictSame(answers, Array.from({ length: 500 }, (_, ix) => '200 /' + ix))
  })
})
