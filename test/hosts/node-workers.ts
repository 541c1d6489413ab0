// node: workers. The process of the test is the primary; what they run is fixtures/node/program.ts.

import cluster from 'node:cluster'
import type { Worker } from 'node:cluster'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { performance } from 'node:perf_hooks'
import tls from 'node:tls'
import t from 'tap'
import type { Test } from 'tap'
import { serve } from '../../hosts/node.ts'
import type { ServeOptions } from '../../hosts/node.ts'
import { makeCertificate } from '../fixtures/certificate.ts'
import { rest } from '../fixtures/core.ts'
import { EXEC_ARGV, Lines, PROGRAM, run } from '../fixtures/node/run.ts'
import { onPosix, start, testOptions } from '../fixtures/node/start.ts'
import type { Started } from '../fixtures/node/start.ts'

const app = rest(() => 'the app of the primary does not answer')

/** Say what workers run, from now on. */
function setProgram(options: object): void {
  cluster.setupPrimary({ exec: PROGRAM, execArgv: EXEC_ARGV, args: [JSON.stringify(options)], silent: true })
}

/** Have workers serve until the test is over. They get options that the primary does not have, too. */
async function startWorkers(t: Test, options: ServeOptions, ofWorkers: object = {}): Promise<Started & { lines: Lines[] }> {
  const lines: Lines[] = []
  setProgram({ ...options, ...ofWorkers })
  const onFork = (worker: Worker): void => { lines.push(new Lines(worker.process)) }
  cluster.on('fork', onFork)
  t.teardown(() => cluster.off('fork', onFork))
  return Object.assign(await start(t, app, options), { lines })
}

/** Ask on a connection of its own, so that any worker may answer. */
function ask(url: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    http.get(url + path, { agent: false }, async (res) => {
      resolve((await res.setEncoding('utf8').toArray()).join(''))
    }).on('error', reject)
  })
}

/** The processes that answer. */
async function pidsOf(url: string): Promise<Set<number>> {
  return new Set(await Promise.all(Array.from({ length: 16 }, async () => Number(await ask(url, '/pid')))))
}

/** Resolves when the next worker listens. */
async function nextListening(): Promise<Worker> {
  const [worker] = await once(cluster, 'listening')
  return worker as Worker
}

t.test('workers share a port, and those that end are replaced', async t => {
  const { url, port, server, close, reports } = await startWorkers(t, { workers: 2 })
  t.equal(url, `http://127.0.0.1:${port}`)
  t.equal(server, undefined)
  const pids = await pidsOf(url)
  t.equal(pids.size, 2)
  t.notOk(pids.has(process.pid))

  t.test('when they crash, and when they are killed', onPosix, async t => {
    for (const [end, how] of [
      [(_pid: number) => t.rejects(ask(url, '/exit')), 'ended with code 7'],
      [(pid: number) => process.kill(pid, 'SIGKILL'), 'was ended by SIGKILL'],
    ] as const) {
      const before = await pidsOf(url)
      const listening = nextListening()
      await end([...before][0]!)
      await listening
      t.match(reports.shift(), new RegExp(`^worker: worker \\d+ ${how}; the next one starts in \\d+ ms$`))
      const after = await pidsOf(url)
      t.strictSame([after.size, new Set([...before, ...after]).size], [2, 3], 'one of the two is another one')
    }
    t.strictSame(reports, [])
  })

  t.test('at once if they have lived for a while', onPosix, async t => {
    const { now } = performance
    t.teardown(() => { performance.now = now })
    performance.now = () => now.call(performance) + 10_001
    const listening = nextListening()
    process.kill([...await pidsOf(url)][0]!, 'SIGKILL')
    await listening
    t.match(reports.shift(), /^worker: worker \d+ was ended by SIGKILL; the next one starts in 0 ms$/)
  })

  t.test('not because of a signal that a terminal sends to all: that is for their primary', onPosix, async t => {
    const before = await pidsOf(url)
    for (const pid of before) process.kill(pid, 'SIGINT')
    t.strictSame(await pidsOf(url), before)
  })

  t.test('there cannot be others in the same process', async t => {
    for (const worker of Object.values(cluster.workers!)) worker!.send('a message of the program') // which is not for us
    await t.rejects(serve(app, { ...testOptions(), workers: 1 }), { message: 'there are workers already: they run this program too, from its beginning' })
  })

  t.test('until all is closed', async t => {
    await t.rejects(close(-1), { name: 'TypeError', message: 'bad graceTime: -1' })
    t.equal(await close(), 0)
    t.strictSame(Object.keys(cluster.workers!), [])
    await t.rejects(ask(url, '/pid'), { code: 'ECONNREFUSED' })
  })
})

t.test('those that end again and again are replaced later and later', onPosix, async t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true }))
  const trouble = path.join(folder, 'trouble')
  const { url, reports } = await startWorkers(t, { workers: 1 }, { failsIfThere: trouble })
  fs.writeFileSync(trouble, '')
  const [pid] = await pidsOf(url)
  process.kill(pid!, 'SIGKILL')
  while (reports.length < 4) await once(cluster, 'exit')
  const [, ...delays] = reports.map((report) => Number(/in (\d+) ms/.exec(report)![1]))
  t.match(reports.slice(1), Array(3).fill(/^worker: worker \d+ ended with code 1; the next one starts in \d+ ms$/))
  t.ok(delays[0]! >= 100)
  t.strictSame(delays.map((delay) => delay / delays[0]!), [1, 2, 4])
  const listening = nextListening()
  fs.rmSync(trouble)
  await listening
  t.equal((await pidsOf(url)).size, 1)
})

t.test('an error in a worker that nobody caught: what it is at ends, while another one starts', async t => {
  const { url, lines, reports } = await startWorkers(t, { workers: 1 }, { graceTime: 1e8 })
  const cutOff = t.rejects(ask(url, '/hold'), 'it was held until the worker was killed')
  await lines[0]!.printed(/^holding/)
  const listening = nextListening()
  t.equal(await ask(url, '/throw'), 'soon')
  await listening
  t.match(reports, [/^worker: worker \d+ is closing; the next one starts in 100 ms$/])
  t.match(lines[0]!.all.slice(2), ['report uncaught exception: broken by a request', 'closing'])
  process.kill(Number(/\d+/.exec(reports[0]!)![0]), 'SIGKILL')
  await cutOff
  t.equal(reports.length, 1, 'it is replaced once')
})

t.test('requests that workers had to cut off are counted', async t => {
  const { url, lines, close } = await startWorkers(t, { workers: 1 })
  const cutOff = [t.rejects(ask(url, '/hold')), t.rejects(ask(url, '/hold'))]
  while (lines[0]!.all.filter((line) => line === 'holding').length < 2) await new Promise((resolve) => setImmediate(resolve))
  t.equal(await close(30), 2)
  await Promise.all(cutOff)
})

t.test('a worker that does not hear is killed in the end', async t => {
  const { url, close } = await startWorkers(t, { workers: 1, graceTime: 50 })
  t.equal(await ask(url, '/block'), 'for ever')
  t.equal(await close(), 0)
  t.strictSame(Object.keys(cluster.workers!), [])
})

t.test('closing waits for no worker that is only to come', async t => {
  const { url, close, reports } = await startWorkers(t, { workers: 1 })
  const [pid] = await pidsOf(url)
  const forked = once(cluster, 'fork')
  process.kill(pid!, 'SIGKILL')
  await forked
  // It has begun, and does not listen yet.
  t.equal(await close(), 0)
  t.equal(reports.length, 1)

  const other = await startWorkers(t, { workers: 1 })
  const exited = once(cluster, 'exit')
  process.kill([...await pidsOf(other.url)][0]!, 'SIGKILL')
  await exited
  // It is to begin in a while.
  t.equal(await other.close(), 0)
  t.strictSame(Object.keys(cluster.workers!), [])
})

t.test('workers that cannot begin', async t => {
  t.test('since the port is in use: it rejects, and says which', async t => {
    const other = net.createServer().listen(0, '127.0.0.1')
    t.teardown(() => other.close())
    await once(other, 'listening')
    const { port } = other.address() as net.AddressInfo
    const reports: string[] = []
    const reportError = (err: unknown): unknown => reports.push(String(err))
    await t.rejects(startWorkers(t, { workers: 2, port, reportError }), { message: `port ${port} is in use`, code: 'EADDRINUSE' })
    t.strictSame(reports, [])
    t.strictSame(Object.keys(cluster.workers!), [])

    const next = await startWorkers(t, { workers: 2, port, tryNextPort: true })
    t.ok(next.port > port)
    t.equal((await pidsOf(next.url)).size, 2, 'the others take the port that the first one has found')
    await next.close()
  })

  t.test('since the address is not ours: it rejects, and says which', async t => {
    await t.rejects(startWorkers(t, { workers: 2, host: '192.0.2.1' }), { message: /^cannot listen on port 0: .*192\.0\.2\.1/ })
  })

  t.test('since the program does not: it rejects', async t => {
    await t.rejects(startWorkers(t, { workers: 2 }, { failsIfThere: PROGRAM }), { message: 'a worker ended with code 1 before it listened' })
    t.strictSame(Object.keys(cluster.workers!), [])
  })
})

t.test('a worker of another program serves by itself, and takes its signals', onPosix, async t => {
  setProgram({ workers: 2 })
  const worker = cluster.fork()
  t.teardown(() => worker.process.kill('SIGKILL'))
  const exited = once(worker, 'exit')
  const url = (await new Lines(worker.process).printed(/^serving /)).slice('serving '.length)
  t.equal(Number(await ask(url, '/pid')), worker.process.pid)
  worker.process.kill('SIGINT')
  t.strictSame(await exited, [0, null])
})

t.test('workers at a unix socket, with certificates that are reloaded', onPosix, async t => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true }))
  const [file, key, cert] = ['app.sock', 'key.pem', 'cert.pem'].map((name) => path.join(folder, name)) as [string, string, string]
  const write = (certificate: { key: string; cert: string }): void => {
    fs.writeFileSync(key, certificate.key)
    fs.writeFileSync(cert, certificate.cert)
  }
  async function shown(): Promise<string> {
    const socket = tls.connect({ path: file, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const { fingerprint256 } = socket.getPeerCertificate()
    socket.destroy()
    return fingerprint256
  }
  write(makeCertificate())
  const { url, close, reload, lines } = await startWorkers(t, { workers: 1, path: file, tls: { key, cert, reloadInterval: 0 } })
  t.equal(url, 'unix:' + file)
  await t.rejects(start(t, app, { path: file }), { message: `${file} is in use` })
  const before = await shown()
  write(makeCertificate())
  await reload()
  while (await shown() === before) continue
  fs.writeFileSync(key, 'garbage')
  await reload()
  await lines[0]!.printed(/^report certificate not renewed: key .* is no private key in PEM/)
  await close()
  t.notOk(fs.existsSync(file))
})

t.test('signals', onPosix, async t => {
  t.test('SIGTERM for the primary closes all, with code 0', async t => {
    const { child, lines, url, ended } = await run(t, { workers: 1, closeDelay: 300 })
    const held = ask(url, '/hold')
    await lines.printed(/^holding/)
    child.kill('SIGTERM')
    await lines.printed(/^closing/)
    t.equal(await ask(url, '/release'), 'ok')
    t.equal(await held, 'released')
    t.equal(await ended, 0)
  })

  t.test('SIGTERM before all of them have begun ends the process', async t => {
    const { child, lines, ended } = await run(t, { workers: 2 })
    // (What has been printed is the first worker's address. Where it was the last one's, this is as above.)
    child.kill('SIGTERM')
    t.equal(await ended, 0)
    t.notOk(lines.all.some((line) => line.startsWith('report')))
  })

  t.test('a second one ends the process at once, and its workers', async t => {
    const { child, lines, url, ended } = await run(t, { workers: 1, graceTime: 1e8 })
    const cutOff = t.rejects(ask(url, '/hold'))
    await lines.printed(/^holding/)
    child.kill('SIGINT')
    await lines.printed(/^closing/)
    child.kill('SIGINT')
    t.equal(await ended, 130)
    await cutOff
  })

  t.test('a primary that is killed takes its workers along', async t => {
    const { child, url } = await run(t, { workers: 1 })
    const pid = Number(await ask(url, '/pid'))
    child.kill('SIGKILL')
    const isAlive = (): boolean => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    while (isAlive()) await new Promise((resolve) => setImmediate(resolve))
    t.pass('it is gone')
  })
})
