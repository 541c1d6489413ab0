// The HTTP bench: ours gives the right answers in each of its forms, servers are started, loaded and stopped. (Times are measured, and not
// looked at; peers are not installed for this.)

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { ROOT } from '../../tools/project.mjs'

const HTTP = path.join(ROOT, 'bench/http')

/** (bench/ has a type check of its own.) */
const load = (file: string) => import(path.join(HTTP, file))

const { BARE, CONTENDERS, contenderOf } = await load('contenders.mjs')
const { Server, checkAnswers, whatIsMissing } = await load('load.mjs')
const { JSON_BODY, TEXT, WORKLOADS, workloadOf } = await load('workloads.mjs')
const bench = (await load('bench.mjs')).default

const missing: string = whatIsMissing()
const skip = missing ? 'not here: ' + missing : false
const ours = CONTENDERS.filter(({ packages }: { packages: string[] }) => !packages.length)

async function listen(t: Test, server: http.Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function start(t: Test, contender: string) {
  const server = await Server.start(contenderOf(contender))
  t.teardown(() => server.stop())
  return server
}

t.test('the text and the body are as long as they are said to be', async t => {
  t.equal(Buffer.byteLength(TEXT), 200)
  t.equal(Buffer.byteLength(JSON_BODY), 1024)
  t.equal(JSON.stringify(JSON.parse(JSON_BODY)), JSON_BODY)
})

t.test('node:http, and ours in each form, answer as they should', async t => {
  t.ok(ours.length > 5)
  for (const { name, file, form } of ours) {
    const url = await listen(t, await (await import(file))[form]())
    for (const workload of WORKLOADS) await t.resolves(checkAnswers(url, workload), `${name}: ${workload.title}`)
  }
})

t.test('it is said what is wrong with an answer', async t => {
  const wrong: [what: RegExp, answer: (res: http.ServerResponse) => void][] = [
    [/^GET \/text: status is 404, and not 200$/, (res) => res.writeHead(404).end()],
    [/content-type is undefined, and not text\/plain$/, (res) => res.end(TEXT)],
    [/content-length is undefined, and not 200$/, (res) => {
      res.setHeader('content-type', 'text/plain').write('The ')
      res.end(TEXT.slice(4))
    }],
    [/body is the quick.*, and not The quick/, (res) => res.setHeader('content-type', 'text/plain').end(TEXT.replace('The', 'the'))],
  ]
  for (const [what, answer] of wrong) {
    const url = await listen(t, http.createServer((_req, res) => answer(res)))
    await t.rejects(checkAnswers(url, workloadOf('text')), { message: what })
  }
})

t.test('a server under load is asked what that has cost', { skip }, async t => {
  const server = await start(t, 'microrest')
  const { requests, cpu, user, rps, bytes } = await server.load(workloadOf('echo'), 100)
  t.ok(requests > 0)
  t.ok(cpu >= user && user > 0)
  t.ok(rps > requests, 'in a second there are more than in a tenth of it')
  t.ok(bytes > 1024, 'with its head an answer is longer than its body')
  await server.stop()
  t.equal(server.child.exitCode, 0)
})

t.test('wrong answers under load are an error', { skip }, async t => {
  const server = await start(t, BARE)
  const calls = [{ method: 'GET', url: '/nowhere' }]
  await t.rejects(server.load({ name: 'nowhere', calls }, 100), { message: /^\d+ answers, \d+ errors$/ })
})

t.test('a server that ends, or never begins, is an error', { skip }, async t => {
  const server = await start(t, BARE)
  // (Stopped first, or it might yet answer.)
  server.child.kill('SIGSTOP')
  const usage = server.usage()
  server.child.kill('SIGKILL')
  await t.rejects(usage, { message: 'the server ended with SIGKILL' })
  await t.rejects(server.usage(), { message: 'the server ended with SIGKILL' })
  await t.resolves(server.stop())
  await t.rejects(Server.start({ name: 'nobody' }, {}, ['--eval', 'process.exit(3)']), { message: 'the server ended with 3' })
})

t.test('contenders are measured in rounds, node:http beside each of them', { skip }, async t => {
  const rows = ['microrest', BARE, 'microrest Router'].map((contender) => ({ contender, env: {} }))
  t.strictSame(await bench.check({ contender: BARE, table: 'text' }), {})
  const figures = await bench.measureTogether({ table: 'text', rows, quick: true })
  t.equal(figures.length, 3)
  for (const { own } of figures) {
    t.ok(own.length > 2)
    for (const round of own) t.match(round, { 'CPU µs': Number, 'requests/s': Number })
  }
  const [nano, bare, router] = figures
  t.strictSame([nano.base.length, bare.base.length, router.base.length], [nano.own.length, 0, router.own.length])
  t.not(nano.base[0], router.base[0], 'each has a turn of node:http of its own')
})

t.test('a server that fails is out, and the others go on', { skip }, async t => {
  const broken = { MICROREST: '/nowhere.js' }
  const rows = [{ contender: BARE, env: {} }, { contender: 'microrest', env: broken }, { contender: 'microrest Router', env: {} }]
  const [bare, failed, router] = await bench.measureTogether({ table: 'text', rows, quick: true })
  t.strictSame(failed, { own: [], base: [], error: 'the server ended with 1' })
  t.ok(router.own.length > 2)
  t.equal(router.base.length, router.own.length)
  t.equal(bare.own.length, router.own.length)
})

t.test('without node:http there is nothing to hold others against', { skip }, async t => {
  const [figures] = await bench.measureTogether({ table: 'text', rows: [{ contender: 'microrest', env: {} }], quick: true })
  t.ok(figures.own.length > 2)
  t.strictSame(figures.base, [])
})

t.test('a profile says where the time goes', { skip }, async t => {
  const args = [path.join(HTTP, 'profile.mjs'), '--quick', '--only', 'microrest', '--table', 'text', '--functions', '2']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const rows = [...stdout.matchAll(/^\| (.+?) \| ([\d.]+) \| ([\d.]+) \|$/gm)]
  const all = rows.pop() ?? []
  t.equal(all[1], 'all')
  for (const column of [2, 3]) {
    const sum = rows.reduce((sum, row) => sum + Number(row[column]), 0)
    t.ok(Math.abs(sum - Number(all[column])) < 0.1, 'the parts are the whole')
  }
  t.match(stdout, /^microrest\n +[\d.]+ {2}\w/m, 'functions')
})

t.test('what there is not is named, with what there is', async t => {
  t.throws(() => contenderOf('polkka'), /no contender 'polkka'; there are .*polka/)
  t.throws(() => workloadOf('upload'), /no such workload: upload/)
})
