// The demo: `npm start` serves it, README.md shows its answers (test/examples/readme.ts), and people copy from it.

import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import vm from 'node:vm'
import { build as bundle } from 'esbuild'
import t from 'tap'
import type { App } from '../../microrest.ts'
import { PACKAGE, ROOT } from '../../tools/project.mjs'
import { FakeReq, FakeRes } from '../fixtures/call.ts'
import { ask, runExample, runProgram } from './fixtures/example.ts'

const DEMO = path.join(ROOT, 'examples/demo.js')

t.test('npm start builds nothing and runs the demo', async t => {
  t.equal(PACKAGE.scripts.start, 'node examples/demo.js')
  t.notOk(PACKAGE.scripts.prestart)
})

t.test('the app needs nothing of its host but a console', async t => {
  const { outputFiles } = await bundle({
    entryPoints: [path.join(ROOT, 'examples/app.js')], bundle: true, write: false, format: 'iife', globalName: 'demo',
  })
  const lines: string[] = []
  const context = vm.createContext({ console: { log: (line: string) => lines.push(line) } })
  vm.runInContext(outputFiles[0]!.text, context)
  const { app } = context.demo as { app: App }

  const req = new FakeReq('POST', '/devices')
  // As from a host that has no bytes.
  req.body = '{"kind":"lamp","room":"hall","value":7}'
  const res = new FakeRes()
  app(req, res)
  t.match(res.answer, { statusCode: 201, body: '{"id":"4","kind":"lamp","room":"hall","value":7}' })
  t.match(lines, [/^POST \/devices 201 \d+ ms$/])
})

t.test('the demo', async t => {
  const { url, printed } = await runExample(t, 'demo')
  const devices = url + '/devices'

  t.test('refuses what cannot be', async t => {
    const table: [method: string, path: string, body: string | Uint8Array | undefined, answer: string, why: string][] = [
      ['POST', '', '{"kind":', '400 the body must be a JSON object', 'broken off'],
      ['POST', '', undefined, '400 the body must be a JSON object', 'empty'],
      ['POST', '', 'null', '400 the body must be a JSON object', 'JSON, and no object'],
      ['POST', '', '"lamp"', '400 the body must be a JSON object', 'JSON, and no object'],
      ['POST', '', new Uint8Array([0x7b, 0xff, 0x7d]), '400 the body must be a JSON object', 'no UTF-8'],
      ['POST', '', '[]', '400 kind must be one of thermostat, lamp, blind', 'a list has no kind'],
      ['POST', '', '{"kind":"__proto__","room":"hall","value":1}', '400 kind must be one of thermostat, lamp, blind', 'a name of every object'],
      ['POST', '', '{"kind":"lamp","room":"","value":1}', '400 room must be a text of 1 to 40 characters', 'no room'],
      ['POST', '', '{"kind":"lamp","room":["hall"],"value":1}', '400 room must be a text of 1 to 40 characters', 'no text'],
      ['POST', '', '{"kind":"lamp","room":"hall","value":101}', '400 value must be a number from 0 to 100', 'too bright'],
      ['POST', '', '{"kind":"lamp","room":"hall","value":"1"}', '400 value must be a number from 0 to 100', 'no number'],
      ['PATCH', '/1', '{"value":31}', '400 value must be a number from 5 to 30', 'too warm'],
      ['PATCH', '/1', '{}', '400 value must be a number from 5 to 30', 'no value'],
      ['PATCH', '/9', '{"value":1}', '404 no device 9', 'no such device'],
      ['DELETE', '/9', undefined, '404 no device 9', 'no such device'],
      ['DELETE', '', undefined, '405 DELETE /devices: method not allowed', 'routed for other methods'],
      ['GET', '/%zz', undefined, '400 malformed escape in path: /devices/%zz', 'no escape'],
      ['GET', '/1/2', undefined, '404 GET /devices/1/2: path not routed', 'not routed'],
      ['POST', '', 'x'.repeat(10_001), '400 max body size exceeded', 'over the limit'],
    ]
    for (const [method, path, body, answer, why] of table) {
      const res = await fetch(devices + path, { method, ...(body !== undefined && { body }) })
      const { status, problem } = await res.json() as { status: number; problem: string }
      t.equal(`${res.status} ${problem}`, answer, why)
      t.equal(status, res.status)
    }
    t.equal((JSON.parse((await ask(devices)).slice(4)) as unknown[]).length, 3, 'nothing of that has been kept')
  })

  t.test('says which methods there are', async t => {
    const res = await fetch(devices, { method: 'PUT' })
    t.strictSame(res.headers.get('allow')?.split(', ').sort(), ['GET', 'HEAD', 'OPTIONS', 'POST'])
  })

  t.test('creates, changes and deletes a device', async t => {
    const created = await fetch(devices, { method: 'POST', body: '{"kind":"blind","room":"<hall> & \\"stairs\\"","value":50,"id":"1"}' })
    t.equal(created.status, 201)
    const location = url + created.headers.get('location')
    t.equal(await ask(location, { method: 'PATCH', body: '{"value":0}' }), '200 {"id":"4","kind":"blind","room":"<hall> & \\"stairs\\"","value":0}')
    t.match(await (await fetch(url)).text(), '&lt;hall&gt; &amp; &quot;stairs&quot;', 'the page shows it, and as text')
    t.equal(await ask(location, { method: 'DELETE' }), '204')
    t.equal(await ask(location), '404 {"status":404,"problem":"no device 4"}')
  })

  t.test('keeps a bounded number of devices', async t => {
    const answers = []
    for (let count = 3; count <= 100; count++) {
      answers.push((await fetch(devices, { method: 'POST', body: '{"kind":"lamp","room":"hall","value":1}' })).status)
    }
    t.strictSame([...new Set(answers.slice(0, -1)), answers.at(-1)], [201, 409])
  })

  t.test('has a page of its routes that needs nothing from elsewhere', async t => {
    const res = await fetch(url)
    const page = await res.text()
    t.equal(res.headers.get('content-type'), 'text/html; charset=utf-8')
    const rows = [...page.matchAll(/<tr><td>(\w+)<td>(.*)/g)].map(([, method, path]) => `${method} ${path?.replace(/<[^>]+>/g, '')}`)
    t.strictSame(rows, [
      'GET /', 'GET /devices', 'GET /devices/:id', 'POST /devices', 'PATCH /devices/:id', 'DELETE /devices/:id',
    ])
    t.notMatch(page, /https?:|src=|@import|url\(|<script/)
    t.match(page, 'prefers-color-scheme: dark')
  })

  t.test('logs method, url, status and duration', async t => {
    await fetch(url + '/devices?room=attic')
    t.match(await printed(/room=attic/), /^GET \/devices\?room=attic 200 \d+ ms$/)
  })
})

t.test('with a PORT it listens there or says that it cannot', async t => {
  const blocker = http.createServer().listen(0, '127.0.0.1')
  t.after(() => blocker.close())
  await once(blocker, 'listening')
  const { port } = blocker.address() as AddressInfo
  await t.rejects(runProgram(t, DEMO, { PORT: String(port) }), { message: /EADDRINUSE/ })
  await t.rejects(runProgram(t, DEMO, { PORT: 'abc' }), { message: /bad port: abc/ })
})

t.test('without a PORT two demos listen beside each other', async t => {
  const first = await runProgram(t, DEMO, {})
  const second = await runProgram(t, DEMO, {})
  t.not(first.url, second.url)
  t.match(await ask(second.url + '/devices/1'), /^200 /)
})
