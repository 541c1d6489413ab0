// What hosts/node costs: processor time per request, as a ratio to the same work on a bare server of node's.
//
//     node bench/hosts/node.mjs [rounds] [requests]    rounds of so many requests each; by default 20 of 10000
//
// Each way to serve is a process of its own, and the rounds go from one to the next, so that whatever else the machine does meets all
// of them. What is compared is the processor time of the server, of the median round: the client's does not count.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import { serve } from '../../dist/hosts/node.js'

const CONNECTIONS = 10

/** @typedef {import('../../dist/hosts/node.js').ServeOptions} ServeOptions */

/** @type {http.RequestListener} */
const hello = (_req, res) => void res.end('hello')

/** What steps of our apps see as `req.ip`. @param {http.IncomingMessage & { ip?: string }} req @param {http.ServerResponse} res */
const tellAddress = (req, res) => void res.end(req.ip ?? req.socket.remoteAddress)

/** @typedef {{ name: string, listener: http.RequestListener, options?: ServeOptions }} Way */

/** Ways to serve: the first of each listener is what the others are compared to. @type {Way[]} */
const WAYS = [
  { name: 'http.createServer', listener: hello },
  { name: 'serve', listener: hello, options: {} },
  { name: 'serve, without limits of time', listener: hello, options: { headersTimeout: 0, requestTimeout: 0, answerTimeout: 0, idleTimeout: 0 } },
  { name: 'http.createServer, remoteAddress', listener: tellAddress },
  { name: 'serve, req.ip', listener: tellAddress, options: {} },
  { name: 'serve, req.ip behind a proxy', listener: tellAddress, options: { trustProxy: ['loopback'] } },
]

/** Serve one way, and tell the processor time used, in microseconds, when asked. @param {Way} way */
async function serveWay({ listener, options }) {
  if (options) process.send?.((await serve(listener, { host: '127.0.0.1', ...options })).port)
  else {
    const server = http.createServer(listener)
    server.listen(0, '127.0.0.1', () => process.send?.(/** @type {net.AddressInfo} */ (server.address()).port))
  }
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
}

/** Send requests over a connection, one after the other. @param {number} port @param {number} count */
async function ask(port, count) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true)
  const request = 'GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.2\r\nX-Forwarded-Proto: https\r\n\r\n'
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
    for (const { child, port, times } of servers) {
      child.send('time')
      const [before] = await once(child, 'message')
      await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(port, requests / CONNECTIONS)))
      child.send('time')
      const [after] = await once(child, 'message')
      // (The first round warms up.)
      if (round >= 0) times.push((after - before) / requests)
    }
  }
  for (const { name, listener, times, child } of servers) {
    const base = servers.find((one) => one.listener === listener)
    const time = median(times)
    console.log(`${name.padEnd(36)} ${time.toFixed(1).padStart(6)} µs a request, ${(time / median(base?.times ?? [])).toFixed(2)} times`)
    child.disconnect()
    child.kill('SIGKILL')
  }
}

const [first = '20', second = '10000'] = process.argv.slice(2)
const way = first === '--serve' && WAYS[Number(second)]
if (way) await serveWay(way)
else await measure(Number(first), Number(second))
