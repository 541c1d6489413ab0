// The demo: `npm start` serves it, README.md shows its answers (test/examples/readme.ts), and people copy from it.

import path from 'node:path'
import vm from 'node:vm'
import { build as bundle } from 'esbuild'
import t from 'tap'
import type { App } from '../../microrest.ts'
import { PACKAGE, ROOT } from '../../tools/project.mjs'
import { FakeReq, FakeRes } from '../fixtures/call.ts'
import { testDemo, testPorts } from './fixtures/demo.ts'
import { runExample } from './fixtures/example.ts'

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
  testDemo(t, await runExample(t, 'demo'))
})

testPorts(t, DEMO)
