// `npm run start:quickjs`: the demo, unchanged, in QuickJS behind a socket; and what of HTTP gets through to an app there.

import { once } from 'node:events'
import http from 'node:http'
import path from 'node:path'
import t from 'tap'
import { PACKAGE, ROOT } from '../../tools/project.mjs'
import { Wire } from '../fixtures/server.ts'
import { testDemo, testPorts } from './fixtures/demo.ts'
import { ask, runProgram } from './fixtures/example.ts'

const SERVE = path.join(ROOT, 'tools/quickjs-serve.mjs')

t.test('npm run start:quickjs builds nothing and runs the demo in QuickJS', async t => {
  t.equal(PACKAGE.scripts['start:quickjs'], 'node tools/quickjs-serve.mjs')
  const { lines } = await runProgram(t, SERVE)
  t.match(lines(), [/^examples\/app\.js in QuickJS .* is at http:/])
})

t.test('the demo in QuickJS', async t => {
  testDemo(t, await runProgram(t, SERVE))
})

testPorts(t, SERVE)

t.test('an app in QuickJS', async t => {
  const { url, printed } = await runProgram(t, SERVE, { PORT: '0', APP: 'test/examples/fixtures/odd-app.js' })
  const port = Number(new URL(url).port)

  t.test('sends a piece when it has it', async t => {
    const { body } = await fetch(url + '/stream')
    const reader = body!.pipeThrough(new TextDecoderStream()).getReader()
    t.equal((await reader.read()).value, 'first ')
    t.equal(await ask(url + '/go'), '200 1')
    t.equal((await reader.read()).value, 'läst')
    t.ok((await reader.read()).done)
  })

  t.test('waits for a slow client, and goes on', async t => {
    const req = http.get(url + '/flood')
    const [res] = await once(req, 'response') as [http.IncomingMessage]
    let size = 0
    for await (const chunk of res) size += (chunk as Buffer).length
    t.equal(size, 128 << 16)
    t.match(await printed(/drained/), /^drained [1-9]\d* times$/)
  })

  t.test('hears of a client that leaves before the answer', async t => {
    const wire = new Wire(t, port)
    await wire.send('GET /never HTTP/1.1\r\nhost: a\r\n\r\n')
    // Whatever is answered after that has come after it.
    t.equal(await ask(url + '/go'), '200 0')
    wire.socket.destroy()
    t.equal(await printed(/never/), 'left: /never')
  })

  t.test('hears of a client that leaves in the middle of the answer', async t => {
    const wire = new Wire(t, port)
    const begun = once(wire.socket, 'data')
    await wire.send('GET /stream HTTP/1.1\r\nhost: a\r\n\r\n')
    await begun
    wire.socket.destroy()
    t.equal(await printed(/stream/), 'left: /stream')
    t.equal(await ask(url + '/go'), '200 1', 'and what is written then goes nowhere')
  })

  t.test('hears of a client that leaves in the middle of its body', async t => {
    const wire = new Wire(t, port)
    await wire.send('POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\nexpect: 100-continue\r\n\r\n')
    // (By then the request is in.)
    t.equal((await wire.answer({ hasBody: false })).statusCode, 100)
    await wire.send('part')
    wire.socket.destroy()
    t.equal(await printed(/body/), 'left: /body')
  })

  t.test('cuts an answer off, so that the client can tell', async t => {
    await t.rejects(fetch(url + '/cut').then((res) => res.text()))
    await t.rejects(fetch(url + '/header'), 'a header that node does not send')
    t.match(await ask(url + '/go'), /^200/, 'and others are served on')
  })

  t.test('gets text as text, wherever it is cut, and bytes as bytes', async t => {
    const wire = new Wire(t, port)
    const text = Buffer.from('é€𝄞')
    await wire.send(`POST /body HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`)
    for (const byte of text) await wire.send(Buffer.from([0x31, 13, 10, byte, 13, 10]))
    await wire.send('0\r\n\r\n')
    const { body } = await wire.answer()
    t.equal(Buffer.from(body, 'latin1').toString(), '{"text":"é€𝄞"}')

    const bytes = Uint8Array.from([0, 255, 10, 195])
    for (const type of ['application/octet-stream', 'image/png']) {
      t.equal(await ask(url + '/body', { method: 'PUT', headers: { 'content-type': type }, body: bytes }), '200 {"bytes":[0,255,10,195]}', type)
    }
    t.equal(await ask(url + '/body'), '200 {"text":""}')
    t.equal(await ask(url + '/text', { method: 'POST', body: 'a\0b' }), '200 a\0b', 'a NUL is no end')
  })

  t.test('knows the client', async t => {
    t.match(await (await fetch(url + '/client')).json(), { remoteAddress: '127.0.0.1', remotePort: Number })
  })

  t.test('sends headers that come more than once', async t => {
    const res = await fetch(url + '/cookies')
    t.strictSame([res.status, res.headers.getSetCookie()], [203, ['a=1', 'b=2']])
  })

  t.test('has timers', async t => {
    t.equal(await ask(url + '/timers'), '200 ["tick","tick","tick"]')
  })

  t.test('has what is thrown to nobody printed, and is served on', async t => {
    t.equal(await ask(url + '/late'), '200 before that')
    t.match(await printed(/by a timer/), /Error: thrown by a timer/)
    t.equal(await ask(url + '/timers'), '200 ["tick","tick","tick"]')
  })
})
