// toFetch and fromFetch on Deno, Bun and workerd: the app of ../fixtures/fetch/app.ts, asked over sockets. Each is skipped where it is
// not; ../fixtures/fetch/runtimes.ts says where they are looked for.

import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import path from 'node:path'
import t from 'tap'
import * as undici from 'undici'
import { ROOT } from '../../tools/project.mjs'
import { MEMORY, PIECE_BYTES, SOCKET } from '../fixtures/fetch/app.ts'
import { CASES, perform } from '../fixtures/fetch/cases.ts'
import { check } from '../fixtures/fetch/check.ts'
import { RUNTIMES } from '../fixtures/fetch/runtimes.ts'
import { raw } from '../fixtures/server.ts'

/** More than there is room for on the way between two sides: in the system's buffers, and in some of the runtime's. */
const MAX_ON_THE_WAY_BYTES = 32 << 20

/** An upload that nothing on the way has room for, and that no runtime refuses for its length. */
const UPLOAD_BYTES = 100 << 20

/** What a heap may have grown by for reasons of its own: far less than anything that each of 10,000 requests leaves behind. */
const MAX_GROWTH_BYTES = 1 << 20

/** Send the head of a request and what is given of its body; the rest, and the answer, are for the test. */
function send(url: string, path: string, body?: string): http.ClientRequest {
  const request = http.request(url + path, { method: body === undefined ? 'GET' : 'POST' })
  if (body === undefined) request.end()
  else request.write(body)
  // Whoever leaves gets an error for it.
  return request.on('error', () => {})
}

const answerTo = async (request: http.ClientRequest): Promise<http.IncomingMessage> => (await once(request, 'response'))[0]

/** Ask for a figure until it no longer changes. */
async function settle(ask: () => Promise<number>): Promise<number> {
  let last = await ask()
  for (let same = 0; same < 100;) {
    const now = await ask()
    same = now === last ? same + 1 : 0
    last = now
  }
  return last
}

for (const { name, skip, start, serve, tellsMemory, upgrades } of RUNTIMES) {
  t.test(`${name} serves the example`, { skip }, async t => {
    const { url } = await serve(t, path.join(ROOT, 'examples/fetch.js'))
    t.equal(await (await fetch(url + '/users/7')).text(), '{"id":"7"}')
  })

  t.test(name, { skip }, async t => {
    const { url, printed } = await start(t)
    const { port } = new URL(url)
    const ask = async (path: string) => (await fetch(url + path)).text()

    t.test('answers as all runtimes do', async t => {
      // A connection each: some answers end theirs.
      const dispatcher = new undici.Agent({ pipelining: 0 })
      t.teardown(() => dispatcher.destroy())
      const send = (url: string, init: RequestInit) => undici.fetch(url, { ...init, dispatcher } as undici.RequestInit) as Promise<unknown>
      for (const one of CASES) check(t, name, one, await perform(send as typeof fetch, url, one))
    })

    t.test('an answer begins with its first piece, while the body is still coming', async t => {
      const request = send(url, '/upper', 'a')
      const answer = (await answerTo(request)).setEncoding('utf8')
      const [first] = await once(answer, 'data')
      request.write('b')
      const [second] = await once(answer, 'data')
      request.end()
      await once(answer, 'end')
      t.strictSame([first, second], ['A', 'B'])
    })

    t.test('an answer is written no faster than the client takes it', async t => {
      const answer = await answerTo(send(url, '/endless/unread'))
      const written = await settle(async () => JSON.parse(await ask('/written')).written)
      t.ok(written < MAX_ON_THE_WAY_BYTES, `${written} bytes, and the client has read none`)
      for (let size = 0; size < MAX_ON_THE_WAY_BYTES;) size += (await once(answer, 'data'))[0].length
      t.pass('the client reads, and there is more')
      answer.destroy()
    })

    // workerd ends what it has of a request whose client has left, and mostly tells nothing of it.
    const leaving = { skip: name === 'workerd' && 'workerd does not tell of clients that leave' }

    t.test('a client that leaves while it is answered closes the answer', leaving, async t => {
      const answer = await answerTo(send(url, '/endless/left'))
      await once(answer, 'data')
      answer.destroy()
      t.ok(await printed(/^\/endless\/left closed/))
      t.ok(await printed(/^post \/endless\/left/), 'post steps run')
    })

    t.test('a body is read no faster than a step takes it', async t => {
      const socket = net.connect(Number(port), '127.0.0.1').on('error', () => {})
      t.teardown(() => socket.destroy())
      socket.write(`POST /paused HTTP/1.1\r\nHost: a.test\r\nContent-Length: ${UPLOAD_BYTES}\r\n\r\n`)
      let left = UPLOAD_BYTES
      const write = () => {
        while (left > 0 && socket.write(new Uint8Array(PIECE_BYTES))) left -= PIECE_BYTES
      }
      socket.on('drain', write)
      write()
      await printed(/^paused/)
      const sent = await settle(async () => {
        await ask('/hello')
        return socket.bytesWritten
      })
      t.ok(sent < MAX_ON_THE_WAY_BYTES, `${sent} bytes, and nobody has taken them`)
    })

    t.test('a client that leaves before the answer closes it', leaving, async t => {
      const request = send(url, '/never')
      await printed(/^\/never begun/)
      request.destroy()
      t.ok(await printed(/^\/never closed/))
      t.ok(await printed(/^post \/never/))
    })

    t.test('a body that breaks off is a 400 to who reads it', async t => {
      const table: [framing: string, body: string][] = [
        ['Content-Length: 10', 'abc'], ['Content-Length: 99999', 'abc'], ['Transfer-Encoding: chunked', '3\r\nabc\r\n'],
      ]
      for (const [framing, body] of table) {
        const socket = net.connect(Number(port), '127.0.0.1')
        socket.write(`POST /broken HTTP/1.1\r\nHost: a.test\r\n${framing}\r\n\r\n${body}`)
        await printed(/^\/broken begun/)
        socket.destroy()
        t.match(await printed(/^\/broken ended/), '400', framing)
      }
    })

    t.test('a Host does not bring a path along', async t => {
      for (const host of ['a.test/users/7', 'a.test/users/7?', 'a.test/users/7#', '/users/7?']) {
        t.notMatch(await raw(Number(port), `GET /hello HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`), '"id":"7"', host)
      }
    })

    t.test('the client has its address', async t => {
      t.equal(await ask('/client'), '127.0.0.1')
    })

    t.test('what goes on after the answer is waited for', async t => {
      t.equal(await ask('/later'), 'now')
      t.ok(await printed(/^later/))
    })

    const upgrading = { skip: !upgrades && name + ' upgrades without a Response' }
    t.test('a function of fetch upgrades to a WebSocket', upgrading, async t => {
      const socket = new undici.WebSocket(url.replace('http', 'ws') + SOCKET)
      await once(socket, 'open')
      socket.send('a')
      const [{ data }] = await once(socket, 'message') as [MessageEvent]
      t.equal(data, 'you sent a')
      const closed = once(socket, 'close')
      socket.close()
      await closed
    })

    t.test('500 requests at once are all answered, each by its own answer', async t => {
      const ids = Array.from({ length: 500 }, (_none, id) => String(id))
      const answers = await Promise.all(ids.map(async (id) => JSON.parse(await ask('/users/' + id)).id))
      t.strictSame(answers, ids)
    })

    t.test('10,000 requests one after another are all answered, and leave nothing behind', async t => {
      const memory = async () => tellsMemory ? Number(await ask(MEMORY)) : 0
      const answered = async (requests: number) => {
        let count = 0
        for (let ix = 0; ix < requests; ix++) if (await ask('/hello') === 'hi') count++
        return count
      }
      await answered(1000)
      const before = await memory()
      t.equal(await answered(10_000), 10_000)
      const more = await memory() - before
      t.ok(more < MAX_GROWTH_BYTES, `${more} bytes more`)
    })
  })
}
