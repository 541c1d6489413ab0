// The C host from outside: its program, built with fixtures/firmware/app.js, behind real sockets and real clients.
//
//     make -C firmware check        builds the program, and runs this with FIRMWARE=its path

import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import t from 'tap'
import { Agent, Client, fetch, request } from 'undici'
import { corpus } from '../fixtures/corpora.ts'
import { skip, start } from '../fixtures/firmware/program.ts'
import type { Program } from '../fixtures/firmware/program.ts'
import { Wire, parseAnswers, raw } from '../fixtures/server.ts'

/** What the program holds, by the constants that it is compiled with. */
const MAX_CONNECTIONS = 4
const MAX_BODY_BYTES = 8192
const MAX_HEAD_BYTES = 2048

const CLOSE = 'connection: close'

/** What the wire sends for a request. */
function bytes(method: string, target: string, headers: string[] = [], body = ''): string {
  return [`${method} ${target} HTTP/1.1`, 'host: x', ...headers, '', body].join('\r\n')
}

function post(target: string, body: string, ...headers: string[]): string {
  return bytes('POST', target, ['content-length: ' + Buffer.byteLength(body), ...headers], body)
}

/** A chunk of a chunked body; an empty one is the last. */
function chunk(text: string): string {
  return Buffer.byteLength(text).toString(16) + '\r\n' + text + '\r\n'
}

/** The text of /one-chunk: its own offsets. */
function ruler(size: number): string {
  let text = ''
  for (let at = 0; at < size; at += 8) text += String(10000000 + at).slice(1) + '\n'
  return text.slice(0, size)
}

function lines(count: number): string {
  return Array.from({ length: count }, (_none, ix) => `line ${ix}\n`).join('')
}

/** GET over a connection of its own. */
async function get(program: Program, target: string): Promise<{ statusCode: number; body: string }> {
  const [answer] = parseAnswers(await raw(program.port, bytes('GET', target, [CLOSE])))
  return answer!
}

async function stats(program: Program): Promise<Firmware.Stats & { abandoned: number }> {
  return JSON.parse((await get(program, '/stats')).body) as Firmware.Stats & { abandoned: number }
}

/** Send bytes and take what comes until the other side closes, without closing first; a reset counts as a close. */
function converse(port: number, text: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    let answer = ''
    socket.setEncoding('latin1').on('data', (data: string) => { answer += data })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  })
}

/** The same numbers every time, from 0 to 1. */
function pseudoRandom(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32
  }
}

// -------------------------------------------------------------------------------------------------------- connections

t.test('connections', { skip }, async t => {
  const program = await start(t)
  const { port } = program

  t.test('are kept alive: one answer after the other on one socket', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/hello'))
    t.match(await wire.answer(), { statusCode: 200, headers: { 'content-length': '5' }, body: 'hello' })
    void wire.send(bytes('GET', '/users/7/posts/a%20b?full'))
    t.same(JSON.parse((await wire.answer()).body), { id: '7', post: 'a b', query: { full: 1 } })
    void wire.send(post('/echo', 'three'))
    t.match(await wire.answer(), { statusCode: 200, body: 'three' })
    void wire.send(bytes('GET', '/nowhere'))
    t.match(await wire.answer(), { statusCode: 404 })
    void wire.send(bytes('PUT', '/hello'))
    t.match(await wire.answer(), { statusCode: 405, headers: { allow: 'GET, HEAD, OPTIONS' } })
    void wire.send(bytes('GET', '/hello', [CLOSE]))
    t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'close' }, body: 'hello' })
    t.equal(await wire.closed, '')
  })

  t.test('answer pipelined requests in their order, those with bodies and slow ones too', async t => {
    const wire = new Wire(t, port)
    void wire.send(
      bytes('GET', '/wait/20') + post('/echo', 'first') + bytes('GET', '/hello') +
      bytes('POST', '/echo', ['transfer-encoding: chunked'], chunk('sec') + chunk('ond') + chunk('')) +
      bytes('HEAD', '/hello') + bytes('GET', '/stream/3') + bytes('GET', '/nowhere', [CLOSE]) + bytes('GET', '/hello'),
    )
    for (const body of ['waited', 'first', 'hello', 'second']) t.match(await wire.answer(), { statusCode: 200, body })
    t.match(await wire.answer({ hasBody: false }), { statusCode: 200, headers: { 'content-length': '5' } })
    t.match(await wire.answer(), { statusCode: 200, body: lines(3) })
    t.match(await wire.answer(), { statusCode: 404 })
    t.equal(await wire.closed, '', 'what comes after Connection: close is not answered')
  })

  t.test('answer many more pipelined requests than fit into what a connection holds', async t => {
    const wire = new Wire(t, port)
    const count = 500
    void wire.send(Array.from({ length: count }, (_none, ix) => post('/echo', 'number ' + ix)).join(''))
    for (let ix = 0; ix < count; ix++) {
      const { body } = await wire.answer()
      if (body !== 'number ' + ix) t.equal(body, 'number ' + ix)
    }
    t.pass('all of them, in order')
  })

  t.test('take a request byte by byte', async t => {
    const wire = new Wire(t, port)
    for (const byte of post('/echo', 'slow', 'x-a: 1')) await wire.send(byte)
    t.match(await wire.answer(), { statusCode: 200, body: 'slow' })
    const chunked = bytes('POST', '/echo', ['transfer-encoding: chunked'], '3;a="b"\r\nslo\r\n' + chunk('wer') + '0\r\nx-b: 2\r\n\r\n')
    for (const byte of chunked) await wire.send(byte)
    t.match(await wire.answer(), { statusCode: 200, body: 'slower' })
  })

  t.test('skip an empty line before a request', async t => {
    const wire = new Wire(t, port)
    void wire.send('\r\n' + bytes('GET', '/hello'))
    t.match(await wire.answer(), { statusCode: 200, body: 'hello' })
  })

  t.test('of HTTP/1.0 are closed after the answer, unless the client asks otherwise', async t => {
    const [answer] = parseAnswers(await raw(port, 'GET /hello HTTP/1.0\r\n\r\n'))
    t.match(answer, { statusCode: 200, body: 'hello' })
    const wire = new Wire(t, port)
    void wire.send('GET /hello HTTP/1.0\r\nconnection: keep-alive\r\n\r\n')
    t.match(await wire.answer(), { headers: { connection: 'keep-alive' }, body: 'hello' })
    void wire.send('GET /hello HTTP/1.0\r\n\r\n')
    t.match(await wire.answer(), { body: 'hello' })
    t.equal(await wire.closed, '')
  })

  t.test('of HTTP/1.0 get a stream without chunks, up to the end of the connection', async t => {
    const text = await raw(port, 'GET /stream/3 HTTP/1.0\r\nconnection: keep-alive\r\n\r\n')
    const [answer] = parseAnswers(text)
    t.match(answer, { statusCode: 200, body: lines(3) })
    t.notMatch(answer!.headers, { 'transfer-encoding': String })
  })

  t.test('that the client has half-closed are answered, and then closed', async t => {
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    let text = ''
    socket.setEncoding('latin1').on('data', (data: string) => { text += data })
    socket.end(bytes('GET', '/wait/10') + bytes('GET', '/hello') + bytes('GET', '/stream/2000'))
    await once(socket, 'end')
    t.match(parseAnswers(text), [{ body: 'waited' }, { body: 'hello' }, { body: lines(2000) }])
  })

  t.test('that end in the middle of a request are closed, and not answered as a whole one', async t => {
    for (const part of ['GET /hel', 'GET /hello HTTP/1.1\r\nhost: x\r\n', post('/echo', 'a body').slice(0, -1)]) {
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      let text = ''
      socket.setEncoding('latin1').on('data', (data: string) => { text += data }).on('error', () => {})
      socket.end(part)
      await once(socket, 'close')
      t.notMatch(text, /^HTTP\/1.1 [23]/, JSON.stringify(part))
    }
  })

  t.test('are several at once: a slow answer does not hold up the others', async t => {
    const slow = new Wire(t, port)
    void slow.send(bytes('GET', '/never'))
    const others = Array.from({ length: MAX_CONNECTIONS - 1 }, () => new Wire(t, port))
    for (const wire of others) void wire.send(bytes('GET', '/hello'))
    for (const wire of others) t.match(await wire.answer(), { statusCode: 200, body: 'hello' })
  })

  t.test('are real clients\': undici with pipelining, node:http with an agent, fetch', async t => {
    const client = new Client(program.url, { pipelining: 10 })
    t.after(() => client.close())
    const answers = await Promise.all(Array.from({ length: 100 }, (_none, ix) => (
      client.request({ method: 'GET', path: '/users/' + ix + '/posts/1' }).then(({ body }) => body.json())
    )))
    t.match(answers, answers.map((_none, ix) => ({ id: String(ix), post: '1' })))

    const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
    t.after(() => agent.destroy())
    for (let ix = 0; ix < 10; ix++) {
      const outgoing = http.request(program.url + '/json', { agent, method: 'POST' })
      outgoing.write('{"ix":')
      outgoing.end(ix + '}')
      const [incoming] = await once(outgoing, 'response') as [http.IncomingMessage]
      let text = ''
      for await (const data of incoming) text += String(data)
      t.same(JSON.parse(text), { ix })
    }

    const dispatcher = new Agent()
    t.after(() => dispatcher.close())
    const response = await fetch(program.url + '/echo', { method: 'POST', body: new Uint8Array([0, 255, 128]), dispatcher })
    t.same(new Uint8Array(await response.arrayBuffer()), new Uint8Array([0, 255, 128]))
  })
})

// ------------------------------------------------------------------------------------------------------------ bodies

t.test('bodies', { skip }, async t => {
  const program = await start(t)
  const { port } = program

  t.test('are given whole, as text or as bytes', async t => {
    const wire = new Wire(t, port)
    void wire.send(post('/json', '{"text":"\u00e4\u20ac\u{1f600}","n":[1,2]}'))
    t.same(JSON.parse(Buffer.from((await wire.answer()).body, 'latin1').toString()), { text: '\u00e4\u20ac\u{1f600}', n: [1, 2] })
    const binary = Buffer.from(Array.from({ length: 256 }, (_none, ix) => ix))
    void wire.send(Buffer.concat([Buffer.from(bytes('POST', '/echo', ['content-length: 256'])), binary]))
    t.same(Buffer.from((await wire.answer()).body, 'latin1'), binary)
    void wire.send(post('/length', ''))
    t.match(await wire.answer(), { statusCode: 200, body: '0' })
    void wire.send(bytes('POST', '/length'))
    t.match(await wire.answer(), { statusCode: 200, body: '0' })
  })

  t.test('keep a NUL and what is no UTF-8 as they are', async t => {
    const wire = new Wire(t, port)
    for (const text of ['a\0b', '\xff', '\xc3', '\xed\xa0\x80', '\xc0\x80', '\xf4\x90\x80\x80', '\xef\xbb\xbfx', '\x80']) {
      void wire.send(Buffer.from(bytes('POST', '/echo', ['content-length: ' + text.length], text), 'latin1'))
      t.equal((await wire.answer()).body, text, JSON.stringify(text))
    }
  })

  t.test('up to the limit are taken, over it answered with 413 before the app is asked', async t => {
    const wire = new Wire(t, port)
    void wire.send(post('/length', 'x'.repeat(MAX_BODY_BYTES)))
    t.match(await wire.answer(), { statusCode: 200, body: String(MAX_BODY_BYTES) })
    void wire.send(bytes('POST', '/length', ['transfer-encoding: chunked'], chunk('x'.repeat(MAX_BODY_BYTES - 1)) + chunk('x') + chunk('')))
    t.match(await wire.answer(), { statusCode: 200, body: String(MAX_BODY_BYTES) })
    const before = (await stats(program)).requests
    for (const request of [
      bytes('POST', '/length', ['content-length: ' + (MAX_BODY_BYTES + 1)]),
      bytes('POST', '/length', ['content-length: 99999999999999999999']),
      bytes('POST', '/length', ['transfer-encoding: chunked'], 'fffffff\r\n'),
      bytes('POST', '/length', ['transfer-encoding: chunked'], chunk('x'.repeat(MAX_BODY_BYTES)) + '1\r\n'),
    ]) {
      const [answer, more] = parseAnswers(await converse(port, request))
      t.match(answer, { statusCode: /413|400/, headers: { connection: 'close' } })
      t.equal(more, undefined)
    }
    t.equal((await stats(program)).requests, before + 1, 'but for the statistics')
  })

  t.test('over the limit that are sent to their end leave the client its answer', async t => {
    // A server that closes while bytes come in resets the connection, and the answer is lost with it.
    const text = await converse(port, post('/length', 'x'.repeat(4 * MAX_BODY_BYTES)))
    t.match(parseAnswers(text), [{ statusCode: 413 }])
  })

  t.test('that are large take turns with the memory for them, and one that stalls loses its turn', async t => {
    const { port } = await start(t, { body: 200 })
    const [first, second, third] = [new Wire(t, port), new Wire(t, port), new Wire(t, port)]
    void first!.send(bytes('POST', '/length', ['content-length: 5000', 'expect: 100-continue']))
    t.match(await first!.answer(), { statusCode: 100 })
    void first!.send('x'.repeat(2500))
    void second!.send(post('/length', 'y'.repeat(6000)) + bytes('GET', '/hello'))
    void third!.send(post('/length', 'short'))
    t.match(await third!.answer(), { statusCode: 200, body: '5' }, 'a short one has not to wait')
    t.match(await first!.answer(), { statusCode: 408 })
    t.match(await second!.answer(), { statusCode: 200, body: '6000' })
    t.match(await second!.answer(), { statusCode: 200, body: 'hello' })
  })

  t.test('that are large take turns also if one client has the next one ready', async t => {
    const { port } = await start(t)
    const greedy = new Wire(t, port)
    const head = bytes('POST', '/length', ['content-length: 5000'])
    void greedy.send(bytes('POST', '/length', ['content-length: 5000', 'expect: 100-continue']))
    t.match(await greedy.answer(), { statusCode: 100 })
    const patient = new Wire(t, port)
    await patient.send(post('/length', 'y'.repeat(6000)))
    const third = new Wire(t, port)
    void third.send(bytes('GET', '/hello'))
    await third.answer()
    void greedy.send('x'.repeat(5000) + head)
    t.match(await greedy.answer(), { statusCode: 200, body: '5000' })
    t.match(await patient.answer(), { statusCode: 200, body: '6000' })
    void greedy.send('x'.repeat(5000))
    t.match(await greedy.answer(), { statusCode: 200, body: '5000' })
  })

  t.test('that nobody has asked for do not disturb what follows', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/hello', ['content-length: 5'], 'GET /') + bytes('DELETE', '/nowhere', ['content-length: 3'], 'abc') + bytes('GET', '/hello'))
    t.match(await wire.answer(), { statusCode: 200, body: 'hello' })
    t.match(await wire.answer(), { statusCode: 404 })
    t.match(await wire.answer(), { statusCode: 200, body: 'hello' })
  })

  t.test('are asked for with 100 Continue, once, and only if they are wanted', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('POST', '/echo', ['content-length: 4', 'expect: 100-continue']))
    t.match(await wire.answer(), { statusCode: 100 })
    void wire.send('body')
    t.match(await wire.answer(), { statusCode: 200, body: 'body' })
    void wire.send(bytes('POST', '/echo', ['transfer-encoding: chunked', 'Expect: 100-Continue']))
    t.match(await wire.answer(), { statusCode: 100 })
    void wire.send(chunk('more') + chunk(''))
    t.match(await wire.answer(), { statusCode: 200, body: 'more' })
    void wire.send(post('/echo', 'at once', 'expect: 100-continue'))
    const first = await wire.answer()
    t.match(first.statusCode === 100 ? await wire.answer() : first, { statusCode: 200, body: 'at once' })
    void wire.send(bytes('GET', '/hello', ['expect: 100-continue']))
    t.match(await wire.answer(), { statusCode: 200, body: 'hello' }, 'not without a body')
    t.match(parseAnswers(await converse(port, 'POST /echo HTTP/1.0\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\nok')), [
      { statusCode: 200, body: 'ok' },
    ], 'not to HTTP/1.0')
    t.match(parseAnswers(await converse(port, bytes('POST', '/echo', ['content-length: 99999', 'expect: 100-continue']))), [
      { statusCode: 413 },
    ], 'not if it is too large')
    t.match(parseAnswers(await converse(port, bytes('POST', '/echo', ['content-length: 2', 'expect: gold', CLOSE]))), [
      { statusCode: 417 },
    ])
  })
})

// ----------------------------------------------------------------------------------------------------------- answers

t.test('answers', { skip }, async t => {
  const program = await start(t)
  const { port } = program

  t.test('to HEAD, 204 and 304 have no body', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('HEAD', '/hello') + bytes('HEAD', '/stream/100') + bytes('GET', '/empty') + bytes('GET', '/not-modified') + bytes('HEAD', '/nowhere'))
    t.match(await wire.answer({ hasBody: false }), { statusCode: 200, headers: { 'content-length': '5' } })
    t.match(await wire.answer({ hasBody: false }), { statusCode: 200 })
    const empty = await wire.answer()
    t.match(empty, { statusCode: 204, body: '' })
    t.notMatch(empty.headers, { 'content-length': String })
    t.notMatch(empty.headers, { 'transfer-encoding': String })
    t.match(await wire.answer(), { statusCode: 304, headers: { etag: '"1"' } })
    t.match(await wire.answer({ hasBody: false }), { statusCode: 404 })
    void wire.send(bytes('GET', '/hello', [CLOSE]))
    t.match(await wire.answer(), { body: 'hello' })
    t.equal(await wire.closed, '')
  })

  t.test('of unknown length come in chunks', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/stream/1000') + bytes('GET', '/hello'))
    t.match(await wire.answer(), { headers: { 'transfer-encoding': 'chunked' }, body: lines(1000) })
    t.match(await wire.answer(), { body: 'hello' })
  })

  t.test('larger than what a connection holds come whole: text, bytes, and what is written without regard to room', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/one-chunk/9000') + bytes('GET', '/bytes/20000') + bytes('GET', '/flood/500') + bytes('GET', '/hello'))
    t.match(await wire.answer(), { headers: { 'content-length': '9000' }, body: ruler(9000) })
    t.equal((await wire.answer()).body, Buffer.from(Array.from({ length: 20000 }, (_none, ix) => ix & 255)).toString('latin1'))
    t.match(await wire.answer(), { body: lines(500) })
    t.match(await wire.answer(), { body: 'hello' })
  })

  t.test('wait for a client that reads slowly, in bounded memory', async t => {
    const count = 400_000
    const socket = net.connect(port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.setEncoding('latin1')
    socket.write(bytes('GET', '/stream/' + count, [CLOSE]))
    await once(socket, 'readable')
    const used = await stats(program)
    let text = ''
    for await (const data of socket) text += String(data)
    const [answer] = parseAnswers(text)
    t.equal(answer!.body.length, lines(count).length)
    t.ok(answer!.body === lines(count))
    t.ok((await stats(program)).poolPeak - used.poolPeak < 8192)
  })

  t.test('are UTF-8, even of a text that has half of a pair', async t => {
    const [answer] = parseAnswers(await raw(port, bytes('GET', '/half-pair', [CLOSE])))
    t.match(answer, { headers: { 'content-length': '5' }, body: 'a\xef\xbf\xbdb' })
  })

  t.test('close the connection if the app says so', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/close') + bytes('GET', '/hello'))
    t.match(await wire.answer(), { statusCode: 200, headers: { connection: 'close' }, body: 'closed' })
    t.equal(await wire.closed, '')
  })

  t.test('keep two cookies apart', async t => {
    const text = await raw(port, bytes('GET', '/cookies', [CLOSE]))
    t.match(text, /set-cookie: a=1\r\nset-cookie: b=2\r\n/i)
  })

  t.test('have a date, as there is a clock', async t => {
    const [answer] = parseAnswers(await raw(port, bytes('GET', '/date', [CLOSE])))
    const date = Date.parse(answer!.headers.date ?? '')
    t.equal(answer!.headers.date, new Date(date).toUTCString())
    t.ok(Math.abs(Number(answer!.body) - date) < 2000, 'the same clock as the script\'s')
  })

  t.test('whose app cuts them off are seen to be cut off', async t => {
    for (const target of ['/too-short', '/destroy-late', '/throw-late']) {
      const wire = new Wire(t, port)
      void wire.send(bytes('GET', target))
      await t.rejects(wire.answer(), /closed before a whole answer/, target)
    }
    t.equal(await converse(port, bytes('GET', '/destroy')), '', 'before the head: nothing at all')
    const text = await converse(port, bytes('GET', '/too-long', [CLOSE]))
    t.notMatch(text, /longer/, 'no more than was announced')
    t.match(await get(program, '/hello'), { statusCode: 200 })
  })

  t.test('to a client that leaves in the middle are given up, and the app is told', async t => {
    const before = await stats(program)
    for (let ix = 1; ix <= 20; ix++) {
      const socket = net.connect(port, '127.0.0.1')
      // One that only closes may be half-closed, and is missed when it is written to; one that resets is missed at once.
      const isStreamed = ix % 2 === 0
      socket.write(bytes('GET', isStreamed ? '/forever' : '/never'))
      if (isStreamed) await once(socket, 'data')
      else await program.logged('there will be no answer')
      if (ix % 3 === 0 || !isStreamed) socket.resetAndDestroy()
      else socket.destroy()
      t.match(await get(program, '/abandoned/' + (before.abandoned + ix)), { statusCode: 200 })
    }
    const after = await stats(program)
    t.equal(after.restarts, before.restarts)
  })

  t.test('cannot be given a line that the app did not mean', async t => {
    for (const value of ['a%0d%0ax-injected:%20b', 'a%0ax-injected:%20b', 'a%0dx-injected:%20b', 'a%00b']) {
      const text = await raw(port, bytes('GET', '/header?value=' + value, [CLOSE]))
      t.notMatch(text, /^x-injected/im, value)
      t.match(parseAnswers(text), [{ statusCode: 500 }])
    }
    t.match(await raw(port, bytes('GET', '/header?value=fine', [CLOSE])), /x-value: fine\r\n/i)
  })

  t.test('of a handle that breaks the rules harm nobody', async t => {
    for (const name of ['header-value', 'header-name', 'header-nul', 'header-list', 'status-low', 'status-high', 'status-none', 'length', 'lengths', 'body-first']) {
      const text = await converse(port, bytes('GET', '/raw/' + name, [CLOSE]))
      t.notMatch(text, /^x-injected/im, name)
      if (text) t.match(parseAnswers(text), [{ statusCode: 500 }], name)
    }
    for (const name of ['head-twice', 'head-in-head', 'end-twice']) {
      const text = await converse(port, bytes('GET', '/raw/' + name, [CLOSE]))
      t.notMatch(text, /HTTP.*HTTP|okok/s, name)
    }
    t.match(await get(program, '/raw/keep'), { statusCode: 200, body: 'kept' })
    t.match(await get(program, '/raw/late'), { statusCode: 200, body: '4 calls' }, 'a reply that is over reaches no other one')
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
  })
})

// ------------------------------------------------------------------------------------------------------------- heads

t.test('heads', { skip }, async t => {
  const program = await start(t)
  const { port } = program

  t.test('reach the app: names in lower case, repeated ones joined', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('PATCH', '/request?a=%20b', ['X-Twice: 1', 'x-twice:2', 'Cookie: a=1', 'COOKIE: b=2', 'X-Empty:', 'x-spaces: \t a  b \t ', '__proto__: 1', 'constructor: 2']))
    const seen = JSON.parse((await wire.answer()).body) as { method: string; url: string; headers: object }
    t.match(seen, { method: 'PATCH', url: '/request?a=%20b' })
    t.match(seen.headers, { host: 'x', 'x-twice': '1, 2', cookie: 'a=1; b=2', 'x-empty': '', 'x-spaces': 'a  b', constructor: '2' })
    t.equal(Object.getOwnPropertyDescriptor(seen.headers, '__proto__')?.value, '1')
  })

  t.test('tell the app who the client is', async t => {
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/client'))
    const client = JSON.parse((await wire.answer()).body) as object
    t.match(client, { remoteAddress: '127.0.0.1', remotePort: wire.socket.localPort })
  })

  t.test('that do not fit are answered with 431, with a request line that does not fit 414', async t => {
    const line = 'x-long: ' + 'v'.repeat(MAX_HEAD_BYTES)
    t.match(parseAnswers(await converse(port, bytes('GET', '/hello', [line]))), [{ statusCode: 431, headers: { connection: 'close' } }])
    t.match(parseAnswers(await converse(port, bytes('GET', '/' + 'a'.repeat(MAX_HEAD_BYTES)))), [{ statusCode: 414 }])
    t.match(parseAnswers(await converse(port, bytes('GET', '/hello', Array.from({ length: 300 }, (_none, ix) => 'x: ' + ix)))), [{ statusCode: 431 }])
    const fits = bytes('GET', '/hello', ['x-long: ' + 'v'.repeat(1800), CLOSE])
    t.match(parseAnswers(await converse(port, fits)), [{ statusCode: 200 }])
  })

  t.test('of an answer that do not fit are a 500, or sent whole', async t => {
    for (const size of [100, 1500, 2040, 2100, 5000]) {
      const [answer] = parseAnswers(await raw(port, bytes('GET', '/header-bytes/' + size, [CLOSE])))
      if (answer!.statusCode === 200) t.equal(answer!.headers['x-value']?.length, size)
      else t.equal(answer!.statusCode, 500, String(size))
    }
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
  })

  t.test('need a Host, and one only', async t => {
    for (const text of ['GET /hello HTTP/1.1\r\n\r\n', 'GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n']) {
      t.match(parseAnswers(await converse(port, text)), [{ statusCode: 400 }])
    }
  })

  t.test('with another version or a target in another form', async t => {
    t.match(parseAnswers(await converse(port, 'GET /hello HTTP/2.0\r\nhost: x\r\n\r\n')), [{ statusCode: 505 }])
    t.match(parseAnswers(await converse(port, 'GET /hello HTTP/1.2\r\nhost: x\r\nconnection: close\r\n\r\n')), [{ statusCode: 200 }])
    t.match(parseAnswers(await converse(port, 'GET http://x/hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')), [{ statusCode: 200, body: 'hello' }])
    t.match(parseAnswers(await converse(port, 'OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')), [{ statusCode: 404 }])
    t.match(parseAnswers(await converse(port, 'GET hello HTTP/1.1\r\nhost: x\r\n\r\n')), [{ statusCode: 400 }])
  })
})

// --------------------------------------------------------------------------------------------------------- smuggling

/** The head that is refused, and why. None of it may be answered as a request, nor what is hidden behind it. */
const SMUGGLED: [name: string, head: string, body: string][] = [
  ['two lengths', 'Content-Length: 5\r\nContent-Length: 6', 'abcde'],
  ['two lengths in a list', 'Content-Length: 5, 6', 'abcde'],
  ['a length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked', '0\r\n\r\n'],
  ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 5', '0\r\n\r\n'],
  ['chunked twice', 'Transfer-Encoding: chunked, chunked', '0\r\n\r\n'],
  ['chunked and then not', 'Transfer-Encoding: chunked, identity', '0\r\n\r\n'],
  ['chunked on two lines', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', '0\r\n\r\n'],
  ['an unknown coding', 'Transfer-Encoding: xchunked', '0\r\n\r\n'],
  ['a coding in quotes', 'Transfer-Encoding: "chunked"', '0\r\n\r\n'],
  ['a vertical tab in the coding', 'Transfer-Encoding: \x0bchunked', '0\r\n\r\n'],
  ['white space before the colon', 'Transfer-Encoding : chunked', '0\r\n\r\n'],
  ['white space before the colon of a length', 'Content-Length : 5', 'abcde'],
  ['a tab before the colon', 'Content-Length\t: 5', 'abcde'],
  ['a line that is folded', 'X-A: b\r\n Content-Length: 5', 'abcde'],
  ['a coding that is folded', 'Transfer-Encoding:\r\n chunked', '0\r\n\r\n'],
  ['a first line that begins with a space', ' X-A: b', ''],
  ['a sign in the length', 'Content-Length: +5', 'abcde'],
  ['a negative length', 'Content-Length: -1', ''],
  ['a length in hexadecimal', 'Content-Length: 0x5', 'abcde'],
  ['a length with a fraction', 'Content-Length: 5.0', 'abcde'],
  ['a length with an exponent', 'Content-Length: 5e0', 'abcde'],
  ['an empty length', 'Content-Length:', ''],
  ['a length that overflows', 'Content-Length: 18446744073709551621', 'abcde'],
  ['a bare LF at the end of a line', 'X-A: b\nContent-Length: 5', 'abcde'],
  ['a bare CR in a value', 'X-A: b\rContent-Length: 5', 'abcde'],
  ['a NUL in a value', 'X-A: b\0c', ''],
  ['a NUL in a name', 'X\0A: b', ''],
  ['an empty name', ': b', ''],
  ['a line without a colon', 'X-A', ''],
  ['a name that is no token', 'X(A): b', ''],
  ['a chunk size with a sign', 'Transfer-Encoding: chunked', '+5\r\nabcde\r\n0\r\n\r\n'],
  ['a negative chunk size', 'Transfer-Encoding: chunked', '-1\r\nabcde\r\n0\r\n\r\n'],
  ['a chunk size with 0x', 'Transfer-Encoding: chunked', '0x5\r\nabcde\r\n0\r\n\r\n'],
  ['a chunk size with a space before', 'Transfer-Encoding: chunked', ' 5\r\nabcde\r\n0\r\n\r\n'],
  ['an empty chunk size', 'Transfer-Encoding: chunked', '\r\nabcde\r\n0\r\n\r\n'],
  ['a chunk size that overflows', 'Transfer-Encoding: chunked', '10000000000000005\r\nabcde\r\n0\r\n\r\n'],
  ['a chunk with more than its size', 'Transfer-Encoding: chunked', '5\r\nabcdefg\r\n0\r\n\r\n'],
  ['a chunk without CRLF', 'Transfer-Encoding: chunked', '5\r\nabcde0\r\n\r\n'],
  ['a chunk with a bare LF', 'Transfer-Encoding: chunked', '5\nabcde\n0\n\n'],
  ['a chunk extension with a bare LF', 'Transfer-Encoding: chunked', '5;a\nb\r\nabcde\r\n0\r\n\r\n'],
  ['a chunk extension with a bare CR', 'Transfer-Encoding: chunked', '5;a\rb\r\nabcde\r\n0\r\n\r\n'],
  ['chunks in HTTP/1.0', 'Transfer-Encoding: chunked', '5\r\nabcde\r\n0\r\n\r\n'],
]

t.test('smuggling', { skip }, async t => {
  const program = await start(t)
  const { port } = program

  t.test('is refused with 400, the connection closed, and what was hidden is not answered', async t => {
    for (const [name, head, body] of SMUGGLED) {
      const version = name.endsWith('HTTP/1.0') ? '1.0' : '1.1'
      const text = await converse(port, `POST /echo HTTP/${version}\r\nHost: x\r\n${head}\r\n\r\n${body}` + bytes('GET', '/hello'))
      const answers = parseAnswers(text)
      t.equal(answers.length, 1, name)
      // A length beyond all limits may be called too large, an unknown coding not implemented: RFC 9112, sections 6.1 and 6.3.
      const allowed = /overflows/.test(name) ? [400, 413] : /coding|chunked twice|and then not|on two lines/.test(name) ? [400, 501] : [400]
      t.ok(allowed.includes(answers[0]!.statusCode), `${name}: ${answers[0]!.statusCode}`)
      t.match(answers[0]!.headers, { connection: 'close' }, name)
    }
  })

  t.test('in request lines is refused too', async t => {
    for (const line of [
      'GET  /hello HTTP/1.1', 'GET /hello  HTTP/1.1', ' GET /hello HTTP/1.1', 'GET\t/hello HTTP/1.1', 'GET /hello HTTP/1.1 ',
      'GET /hello', 'GET /hello HTTP/1', 'GET /hello http/1.1', 'GET /hello HTTP/1.1\n', 'GET /he\0llo HTTP/1.1', 'G(T /hello HTTP/1.1',
      'GET /hello HTTP/01.1', 'GET /hello HTTP/1.10', '/hello', 'GET /h\x7fi HTTP/1.1', 'GET #/hello HTTP/1.1',
    ]) {
      const answers = parseAnswers(await converse(port, line + '\r\nhost: x\r\n\r\n' + bytes('GET', '/hello')))
      t.match(answers, [{ statusCode: /400|505/, headers: { connection: 'close' } }], JSON.stringify(line))
      t.equal(answers.length, 1)
    }
  })

  for (const name of ['http1-llhttp', 'http1-gunicorn']) {
    const { rows, skip: missing } = corpus<{ name: string; raw: string }>(name)
    t.test(`the ${name} table does not crash it, nor is anything answered after a refusal`, { skip: missing }, async t => {
      let answered = 0
      for (const { name: row, raw: text } of rows) {
        // (What is incomplete ends when the client half-closes.)
        const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
        let answer = ''
        socket.setEncoding('latin1').on('data', (data: string) => { answer += data }).on('error', () => {})
        socket.end(Buffer.from(text, 'latin1'))
        await once(socket, 'close')
        if (/^connection: close\r$[^]*^HTTP\/1\.1 /m.test(answer)) t.fail(row)
        if (answer) answered++
      }
      t.ok(answered > rows.length / 2)
      t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
      t.match(await stats(program), { restarts: 0, timeouts: 0 })
    })
  }

  t.test('garbage does not crash it', async t => {
    const random = pseudoRandom(3)
    const whole = post('/echo', 'a body', 'x-a: b') + bytes('POST', '/echo', ['transfer-encoding: chunked'], chunk('abc') + chunk(''))
    for (let ix = 0; ix < 300; ix++) {
      const text = ix % 3 === 0
        ? Buffer.from(Array.from({ length: random() * 400 }, () => random() * 256))
        : Buffer.from(whole, 'latin1')
      for (let flips = random() * 4; flips > 0; flips--) text[Math.floor(random() * text.length)] = random() * 256
      const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      socket.on('error', () => {}).resume()
      socket.end(text)
      await once(socket, 'close')
    }
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
    t.match(await stats(program), { restarts: 0, timeouts: 0 })
  })
})

// ------------------------------------------------------------------------------------------------------------ limits

t.test('time limits', { skip }, async t => {
  t.test('close an idle connection without a word, before and after a request', async t => {
    const { port } = await start(t, { idle: 100 })
    t.equal(await new Wire(t, port).closed, '')
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/hello'))
    await wire.answer()
    t.equal(await wire.closed, '')
  })

  t.test('end a head that does not come to its end, however steadily it drips', async t => {
    const { port } = await start(t, { head: 200 })
    const wire = new Wire(t, port)
    void wire.send('GET /hello HTTP/1.1\r\nhost: x\r\n')
    t.match(await wire.answer(), { statusCode: 408, headers: { connection: 'close' } })
    t.equal(await wire.closed, '')

    const dripping = new Wire(t, port)
    void dripping.send('GET /hello HTTP/1.1\r\nhost: x\r\nx: ')
    const timer = setInterval(() => void dripping.send('y'), 20)
    t.match(await dripping.answer(), { statusCode: 408 })
    clearInterval(timer)
    await dripping.closed
  })

  t.test('end a body that does not come to its end', async t => {
    const program = await start(t, { body: 200 })
    const wire = new Wire(t, program.port)
    void wire.send(bytes('POST', '/echo', ['content-length: 10'], 'half'))
    t.match(await wire.answer(), { statusCode: 408, headers: { connection: 'close' } })
    t.equal(await wire.closed, '')
    const dripping = new Wire(t, program.port)
    void dripping.send(bytes('POST', '/echo', ['transfer-encoding: chunked']))
    const timer = setInterval(() => void dripping.send(chunk('y')), 20)
    t.match(await dripping.answer(), { statusCode: 408 })
    clearInterval(timer)
    await dripping.closed
    t.match(await get(program, '/hello'), { statusCode: 200 })
  })

  t.test('cut off a client that does not take its answer, and the app is told', async t => {
    const program = await start(t, { write: 200, answer: 60_000, idle: 60_000 })
    const wire = new Wire(t, program.port)
    wire.socket.pause()
    void wire.send(bytes('GET', '/forever'))
    t.match(await get(program, '/abandoned/1'), { statusCode: 200 })
    wire.socket.resume()
    await wire.closed
    t.match(await get(program, '/hello'), { statusCode: 200 })
  })

  t.test('do not count what others keep the script busy with against a request that came in time', async t => {
    const program = await start(t, { idle: 1000, script: 5000 })
    const [patient, greedy] = [new Wire(t, program.port), new Wire(t, program.port)]
    for (const wire of [patient!, greedy!]) {
      void wire.send(bytes('GET', '/hello'))
      await wire.answer()
    }
    void greedy!.send(bytes('GET', '/busy/300').repeat(8))
    await program.logged('the script is busy')
    void patient!.send(bytes('GET', '/hello'))
    t.match(await patient!.answer(), { statusCode: 200, body: 'hello' })
    for (let ix = 0; ix < 8; ix++) t.match(await greedy!.answer(), { statusCode: 200, body: 'done' })
  })

  t.test('end a stream without news to a client that has left, and the app is told', async t => {
    const program = await start(t, { answer: 200 })
    for (let ix = 0; ix < MAX_CONNECTIONS; ix++) {
      const wire = new Wire(t, program.port)
      void wire.send(bytes('GET', '/events'))
      await once(wire.socket, 'data')
      wire.socket.destroy()
    }
    t.match(await get(program, `/abandoned/${MAX_CONNECTIONS}`), { statusCode: 200, body: '4' })
  })

  t.test('answer for an app that does not', async t => {
    const program = await start(t, { answer: 200 })
    const wire = new Wire(t, program.port)
    void wire.send(bytes('GET', '/never'))
    t.match(await wire.answer(), { statusCode: 503 })
    t.match(await get(program, '/hello'), { statusCode: 200 })
  })
})

t.test('the cap on connections', { skip }, async t => {
  t.test('has the next one wait until a busy one is done, and no byte of its request is lost', async t => {
    const program = await start(t)
    const busy = Array.from({ length: MAX_CONNECTIONS }, () => new Wire(t, program.port))
    for (const wire of busy) {
      void wire.send(bytes('GET', '/never'))
      await program.logged('there will be no answer')
    }
    const next = new Wire(t, program.port)
    void next.send(bytes('GET', '/hello', [CLOSE]))
    await once(next.socket, 'connect')
    busy[0]!.socket.resetAndDestroy()
    t.match(await next.answer(), { statusCode: 200, body: 'hello' })
  })

  t.test('has an idle one give way', async t => {
    const program = await start(t)
    const idle = Array.from({ length: MAX_CONNECTIONS }, () => new Wire(t, program.port))
    for (const wire of idle) {
      void wire.send(bytes('GET', '/hello'))
      await wire.answer()
    }
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
    t.equal(await idle[0]!.closed, '')
  })
})

// ------------------------------------------------------------------------------------------------- the script's limits

t.test('a script', { skip }, async t => {
  const program = await start(t, { script: 200, answer: 1000 })
  const { port } = program

  t.test('that loops for ever is stopped: 500, counted, and the rest goes on', async t => {
    let { timeouts } = await stats(program)
    for (const target of ['/loop', '/loop-caught', '/regexp']) {
      t.match(await get(program, target), { statusCode: 500 }, target)
      t.equal((await stats(program)).timeouts, ++timeouts, target)
    }
    t.match(await get(program, '/loop-in-job'), { statusCode: /500|503/ }, 'whose job it was need not be known')
    t.equal((await stats(program)).timeouts, ++timeouts)
    t.match(await get(program, '/loop-late'), { statusCode: 500 }, 'of what it has written nothing had left yet')
    t.equal((await stats(program)).timeouts, ++timeouts)
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/loop-in-drain'))
    await t.rejects(wire.answer(), /closed before a whole answer/)
    t.equal((await stats(program)).timeouts, ++timeouts)
    t.match(await get(program, '/loop-in-timer'), { statusCode: 200, body: 'the timer comes' })
    t.match(await get(program, '/wait/5'), { statusCode: 200, body: 'waited' })
    t.equal((await stats(program)).timeouts, ++timeouts)
    t.equal((await stats(program)).restarts, 0)
  })

  t.test('that recurses for ever is a 500, and the rest goes on', async t => {
    t.match(await get(program, '/recursion'), { statusCode: 500 })
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
  })

  t.test('takes JSON nested as deeply as a body can be, or refuses it', async t => {
    for (const [open, close] of [['[', ']'], ['{"a":', '}']] as const) {
      for (const depth of [10, 100, 1000, 1300]) {
        const body = open.repeat(depth) + '1' + close.repeat(depth)
        const [answer] = parseAnswers(await raw(port, post('/json', body, CLOSE)))
        if (answer!.statusCode === 200) t.equal(answer!.body, body)
        else t.match(answer!.statusCode, /500|503/, depth + ' ' + open)
        if (depth === 10) t.equal(answer!.statusCode, 200)
      }
    }
    t.match(parseAnswers(await raw(port, post('/json', '['.repeat(MAX_BODY_BYTES), CLOSE))), [{ statusCode: /500|503/ }])
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
  })

  t.test('that throws is a 500 without a word of why, and the log has the error', async t => {
    const { statusCode, body } = await get(program, '/throw')
    t.equal(statusCode, 500)
    t.notMatch(body, /thrown by a step/)
    await program.logged('thrown by a step')
    t.match(await get(program, '/error/418'), { statusCode: 418 })
  })

  t.test('has promise jobs, timers and intervals, in the order that they have elsewhere', async t => {
    t.match(await get(program, '/async/later'), { statusCode: 200, body: 'later' })
    t.match(await get(program, '/order'), { body: 'step, job, timer, its job, second timer' })
    t.match(await get(program, '/ticks'), { body: '3 ticks' })
    t.match(await get(program, '/cleared'), { body: 'by an argument' })
    t.match(await get(program, '/throw-in-timer'), { body: 'after it' })
    await program.logged('thrown in a timer')
  })

  t.test('has collections as soon as it names one, or its own in place of them', async t => {
    t.match(await get(await start(t), '/collections'), { body: '[30,2,"held",true,true]' })
    t.match(await get(await start(t), '/own-collection'), { body: '["our own","function"]' })
  })

  t.test('whose rejection nobody handles has it in the log; a handled one is not there', async t => {
    t.match(await get(program, '/rejection-handled'), { statusCode: 200 })
    t.match(await get(program, '/rejection'), { statusCode: 200, body: 'rejected' })
    await program.logged('nobody handles this')
    t.notMatch(program.log(), /somebody handles this/)
  })

  t.test('writes to the log', async t => {
    await get(program, '/log')
    await program.logged('to the log: 1 two null undefined')
    await program.logged('with a message')
  })
})

// ------------------------------------------------------------------------------------------------------------- memory

t.test('out of memory', { skip }, async t => {
  const program = await start(t)
  const { port } = program
  let restarts = 0

  t.test('is a 503, and the app is booted again behind the same port', async t => {
    for (const target of ['/exhaust', '/exhaust-caught', '/exhaust-by-text']) {
      t.match(await get(program, target), { statusCode: 503 }, target)
      t.match(await stats(program), { restarts: ++restarts }, target)
      t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' }, target)
    }
    t.equal((await get(program, '/exhaust-at-once')).statusCode >= 500, true)
    restarts = (await stats(program)).restarts
  })

  t.test('after the head cuts the answer off, unless nothing of it has left yet', async t => {
    t.match(await get(program, '/exhaust-late'), { statusCode: 503 })
    t.match(await stats(program), { restarts: ++restarts })
    const wire = new Wire(t, port)
    void wire.send(bytes('GET', '/exhaust-in-drain'))
    await t.rejects(wire.answer(), /closed before a whole answer/)
    t.match(await stats(program), { restarts: ++restarts })
  })

  t.test('in a timer takes the requests in flight with it: 503 for those that have no head', async t => {
    const waiting = new Wire(t, port)
    void waiting.send(bytes('GET', '/never'))
    const streaming = new Wire(t, port)
    void streaming.send(bytes('GET', '/forever'))
    await once(streaming.socket, 'data')
    t.match(await get(program, '/exhaust-in-timer'), { statusCode: 200 })
    t.match(await waiting.answer(), { statusCode: 503 })
    await streaming.closed
    t.match(await stats(program), { restarts: ++restarts })
  })

  t.test('by and by, a little with each request, is the same', async t => {
    const agent = new Agent({ connections: 1 })
    t.after(() => agent.close())
    const seen: { [status: number]: number } = {}
    // Memory may also run out behind an answer that was whole, and was sent: then the app begins anew with the next one.
    let begun = 0
    for (let ix = 0; ix < 2000 && !seen[503]; ix++) {
      const { statusCode, body } = await request(program.url + '/leak/' + (2000 + ix * 37 % 2000), { dispatcher: agent })
      if (await body.text() === '1') begun++
      seen[statusCode] = (seen[statusCode] ?? 0) + 1
    }
    t.equal(seen[503], 1)
    t.ok(seen[200]! > 5)
    restarts += begun
    t.match(await stats(program), { restarts })
  })

  t.test('again and again wears nothing down', async t => {
    for (let ix = 0; ix < 25; ix++) {
      const { statusCode } = await get(program, '/exhaust')
      if (statusCode !== 503) t.equal(statusCode, 503)
    }
    t.match(await stats(program), { restarts: restarts + 25 })
    t.match(await get(program, '/hello'), { statusCode: 200, body: 'hello' })
  })
})

t.test('10,000 requests of every kind leave the pool as it was', { skip }, async t => {
  const program = await start(t)
  const kinds = [
    bytes('GET', '/hello'), bytes('GET', '/users/7/posts/42?full'), bytes('GET', '/nowhere'), bytes('GET', '/%zz'), bytes('PUT', '/hello'),
    post('/json', '{"on":true,"list":[1,2,3]}'), post('/json', 'no JSON'), bytes('GET', '/async/x'), bytes('GET', '/error/418'),
    bytes('GET', '/stream/50'), bytes('GET', '/wait/0'), bytes('POST', '/echo', ['transfer-encoding: chunked'], chunk('abc') + chunk('')),
    bytes('GET', '/one-chunk/5000'), bytes('GET', '/cookies'), bytes('GET', '/rejection-handled'), bytes('GET', '/raw/keep'),
  ]
  const wire = new Wire(t, program.port)
  async function run(count: number): Promise<void> {
    for (let ix = 0; ix < count; ix += kinds.length) {
      void wire.send(kinds.join(''))
      for (let answers = 0; answers < kinds.length; answers++) await wire.answer()
    }
  }
  await run(1000)
  // (To look makes names and shapes of its own, for which an engine may double a table.)
  await stats(program)
  await run(1000)
  const before = await stats(program)
  await run(10_000)
  const after = await stats(program)
  t.ok(after.requests >= before.requests + 10_000)
  t.equal(after.restarts, 0)
  t.ok(after.poolUsed <= before.poolUsed + 64, `${before.poolUsed} bytes before, ${after.poolUsed} after`)
})

// ----------------------------------------------------------------------------------------------------------- shutdown

t.test('shutdown', { skip }, async t => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    t.test(`on ${signal} finishes what has begun, closes what is idle, and exits with 0`, async t => {
      const program = await start(t)
      const idle = new Wire(t, program.port)
      void idle.send(bytes('GET', '/hello'))
      await idle.answer()
      const busy = new Wire(t, program.port)
      void busy.send(bytes('GET', '/hello') + bytes('GET', '/wait/100'))
      await busy.answer()
      await program.logged('a timer is set')
      program.kill(signal)
      t.match(await busy.answer(), { statusCode: 200, body: 'waited' })
      t.equal(await busy.closed, '')
      t.equal(await idle.closed, '')
      t.equal(await program.exited, 0)
      const socket = net.connect(program.port, '127.0.0.1')
      const [err] = await once(socket, 'error') as [{ code: string }]
      t.equal(err.code, 'ECONNREFUSED')
    })
  }

  t.test('by the script is the same', async t => {
    const program = await start(t)
    t.match(parseAnswers(await raw(program.port, post('/stop', ''))), [{ statusCode: 200, body: 'stopping' }])
    t.equal(await program.exited, 0)
  })

  t.test('does not wait for ever for an answer without an end, and cuts it off', async t => {
    const program = await start(t, { answer: 300 })
    const wire = new Wire(t, program.port)
    void wire.send(bytes('GET', '/forever'))
    await once(wire.socket, 'data')
    program.kill('SIGTERM')
    t.equal(await program.exited, 0)
    t.notMatch(await wire.closed, /\r\n0\r\n\r\n$/)
  })

  t.test('does not wait for ever for an app that never answers', async t => {
    const program = await start(t, { answer: 300 })
    const wire = new Wire(t, program.port)
    void wire.send(bytes('GET', '/hello') + bytes('GET', '/never'))
    await wire.answer()
    program.kill('SIGTERM')
    t.equal(await program.exited, 0)
  })
})
