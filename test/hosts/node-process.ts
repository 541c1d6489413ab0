// node: what a process that serves does about signals, and about errors that nobody caught.

import { once } from 'node:events'
import net from 'node:net'
import t from 'tap'
import { run } from '../fixtures/node/run.ts'
import { onPosix } from '../fixtures/node/start.ts'

const ask = async (url: string): Promise<string> => (await fetch(url)).text()

t.test('SIGTERM ends a process when what is running has ended, with code 0', onPosix, async t => {
  const { child, lines, url, ended } = await run(t, { closeDelay: 300 })
  const held = ask(url + '/hold')
  await lines.printed(/^holding/)
  child.kill('SIGTERM')
  await lines.printed(/^closing/)
  t.equal(await ask(url + '/release'), 'ok')
  t.equal(await held, 'released')
  t.equal(await ended, 0)
  t.strictSame(lines.all.slice(1), ['holding', 'closing', 'closed'])
})

t.test('what is not over in the grace time is cut off, and the code is 1', onPosix, async t => {
  const { child, lines, url, ended } = await run(t, { graceTime: 30 })
  const held = ask(url + '/hold')
  await lines.printed(/^holding/)
  child.kill('SIGINT')
  await t.rejects(held)
  t.equal(await ended, 1)
})

t.test('a second signal ends it at once, with the code of that signal', onPosix, async t => {
  for (const [signal, code] of [['SIGTERM', 143], ['SIGINT', 130]] as const) {
    const { child, lines, url, ended } = await run(t, { graceTime: 1e8 })
    const held = ask(url + '/hold')
    await lines.printed(/^holding/)
    child.kill('SIGTERM')
    await lines.printed(/^closing/)
    child.kill(signal)
    await t.rejects(held)
    t.equal(await ended, code)
  }
})

t.test('an error that nobody caught closes in grace, and the code is 1', onPosix, async t => {
  for (const [path, report] of [
    ['/throw', 'report uncaught exception: broken by a request'], ['/reject', 'report unhandled rejection: rejected by a request'],
  ] as const) {
    const { child, lines, url, ended } = await run(t, { closeDelay: 300 })
    const held = ask(url + '/hold')
    await lines.printed(/^holding/)
    t.equal(await ask(url + path), 'soon')
    await lines.printed(/^closing/)
    // (The first signal is no second one.)
    child.kill('SIGTERM')
    t.equal(await ask(url + '/release'), 'ok')
    t.equal(await held, 'released')
    t.equal(await ended, 1)
    t.strictSame(lines.all.slice(1), ['holding', report, 'closing', 'closed'])
  }
})

t.test('a process that is not ours to end is left to itself', onPosix, async t => {
  const { child, lines, ended } = await run(t, { ownsProcess: false })
  child.kill('SIGTERM')
  t.equal(await ended, 'SIGTERM')
  t.notOk(lines.all.includes('closing'))
})

t.test('a socket that listens already is taken over by its file descriptor', onPosix, async t => {
  for (const workers of [0, 1]) {
    const server = net.createServer().listen(0, '127.0.0.1')
    t.teardown(() => server.close())
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const { fd } = (server as net.Server & { _handle: { fd: number } })._handle
    const { child, url, ended } = await run(t, { fd: 3, workers }, [fd])
    server.close()
    t.equal(url, `http://127.0.0.1:${port}`)
    const pid = Number(await ask(url + '/pid'))
    t.equal(pid === child.pid, workers === 0)
    child.kill('SIGTERM')
    t.equal(await ended, 0)
  }
})

t.test('a worker that is gone is replaced as long as another one listens on the file descriptor', onPosix, async t => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { fd } = (server as net.Server & { _handle: { fd: number } })._handle
  const { child, url, lines, ended } = await run(t, { fd: 3, workers: 2 }, [fd])
  await lines.printed(/^all are serving/)
  server.close()
  await t.rejects(ask(url + '/exit'))
  await lines.printed(/worker \d+ ended with code 7/)
  t.match(await ask(url + '/pid'), /^\d+$/)
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.notMatch(lines.all.join('\n'), 'was closed with it')
})

t.test('workers that all are gone have closed the file descriptor: the process ends, to be started again with it', onPosix, async t => {
  for (const ownsProcess of [true, false]) {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { fd } = (server as net.Server & { _handle: { fd: number } })._handle
    const { url, lines, ended } = await run(t, { fd: 3, workers: 1, ownsProcess }, [fd])
    await lines.printed(/^all are serving/)
    server.close()
    await t.rejects(ask(url + '/exit'))
    t.equal(await ended, ownsProcess ? 1 : 0)
    t.match(lines.all.join('\n'), /worker \d+ ended with code 7, and fd 3 was closed with it, as no other one listened/)
  }
})
