// What hosts/connect costs: processor time per request, as a ratio to the same work on bare node:http.
//
//     node bench/hosts/connect.mjs [rounds] [requests]    rounds of so many requests each; by default 20 of 10000
//
// Each way to serve is a process of its own, and the rounds go from one to the next, so that whatever else the machine does meets all
// of them. What is compared is the processor time of the server, of the median round: the client's does not count.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { connect } from '../../dist/hosts/connect.js'
import rest, { Router } from '../../dist/microrest.js'

const CONNECTIONS = 10

/** @typedef {{ name: string, path: string, listener: () => http.RequestListener }} Way */

function makeApp() {
  const app = rest({ router: new Router() })
  app.get('/users/:id', (req, res) => void res.end('user ' + req.params.id))
  return app
}

/** What the server around the app answers. @type {(req: http.IncomingMessage, res: http.ServerResponse) => void} */
const outer = (_req, res) => void res.end('outer')

/** @param {import('../../dist/hosts/connect.js').ConnectOptions} [options] @returns {http.RequestListener} */
function around(options) {
  const api = connect(makeApp(), options)
  return (req, res) => api(req, res, () => outer(req, res))
}

/** Ways to serve: the first with a path is what the others with that path are compared to. @type {Way[]} */
const WAYS = [
  { name: 'answered by the app on node:http', path: '/users/7', listener: () => makeApp() },
  { name: 'by connect(app)', path: '/users/7', listener: () => around() },
  { name: 'by connect(app), with a time limit', path: '/users/7', listener: () => around({ timeout: 30_000 }) },
  { name: 'answered by the server around it', path: '/other', listener: () => outer },
  { name: 'by the same, behind connect(app)', path: '/other', listener: () => around() },
]

/** Serve one way, and tell the processor time used, in microseconds, when asked. @param {Way} way */
function serve({ listener }) {
  const server = http.createServer(listener())
  server.listen(0, '127.0.0.1', () => process.send?.(/** @type {net.AddressInfo} */ (server.address()).port))
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
}

/** Send requests over a connection, one after the other. @param {number} port @param {string} path @param {number} count */
async function ask(port, path, count) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true)
  const request = `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`
  let left = count
  await once(socket, 'connect')
  socket.write(request)
  // (The answers are short: each comes in one piece.)
  for await (const piece of socket) {
    if (!piece.includes('HTTP/1.1 200')) throw new Error('answered: ' + piece)
    left--
    if (left === 0) break
    socket.write(request)
  }
  if (left > 0) throw new Error(`${left} requests were not answered`)
}

/** @param {number[]} values */
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

/** @param {number} rounds @param {number} requests */
async function measure(rounds, requests) {
  const servers = await Promise.all(WAYS.map(async (way, ix) => {
    const child = fork(fileURLToPath(import.meta.url), ['--serve', String(ix)])
    const [port] = await once(child, 'message')
    return { ...way, child, port, times: /** @type {number[]} */ ([]) }
  }))
  for (let round = -1; round < rounds; round++) {
    for (const { child, port, path, times } of servers) {
      child.send('time')
      const [before] = await once(child, 'message')
      await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(port, path, requests / CONNECTIONS)))
      child.send('time')
      const [after] = await once(child, 'message')
      // (The first round warms up.)
      if (round >= 0) times.push((after - before) / requests)
    }
  }
  for (const { name, path, times, child } of servers) {
    const base = servers.find((one) => one.path === path)
    const time = median(times)
    console.log(`${name.padEnd(36)} ${time.toFixed(1).padStart(6)} µs a request, ${(time / median(base?.times ?? [])).toFixed(2)} times`)
    child.disconnect()
    child.kill()
  }
}

const [first = '20', second = '10000'] = process.argv.slice(2)
const way = first === '--serve' && WAYS[Number(second)]
if (way) serve(way)
else await measure(Number(first), Number(second))
