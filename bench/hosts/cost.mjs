// What the benches of hosts share that serve by node:http: processor time per request, of one way to serve beside another.
//
// Each way is a process of its own, and the rounds go from one to the next, so that whatever else the machine does meets all of them.
// What is compared is the processor time of the server, of the median round: the client's does not count. Knows no host.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { median } from '../kit/clock.mjs'

const CONNECTIONS = 10

/**
 * A way to serve: by what name, what is asked of it, as it is on the wire, and what it is to be compared with.
 *
 * @typedef {{ name: string, request: string, like: unknown }} Way `like`: the first way with the same is what the others are compared to
 */

/** Serve by node:http; resolves to the port. @param {http.RequestListener} listener */
export async function serveBare(listener) {
  const server = http.createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return /** @type {net.AddressInfo} */ (server.address()).port
}

/**
 * Compare ways to serve, as the command line says: `[rounds] [requests]`, by default 20 of 10000.
 *
 * @template {Way} W
 * @param {string} program the file that calls this: it is started once for each way
 * @param {readonly W[]} ways
 * @param {(way: W) => Promise<number | undefined>} serve serves one way; resolves to the port
 */
export async function compareCosts(program, ways, serve) {
  const [first = '20', second = '10000'] = process.argv.slice(2)
  const way = first === '--serve' && ways[Number(second)]
  if (!way) return measure(program, ways, Number(first), Number(second))
  process.send?.(await serve(way))
  // Tell the processor time used, in microseconds, when asked.
  process.on('message', () => {
    const { user, system } = process.cpuUsage()
    process.send?.(user + system)
  })
}

/** @param {string} program @param {readonly Way[]} ways @param {number} rounds @param {number} requests */
async function measure(program, ways, rounds, requests) {
  const servers = await Promise.all(ways.map(async (way, ix) => {
    const child = fork(program, ['--serve', String(ix)])
    const [port] = await once(child, 'message')
    return { ...way, child, port, times: /** @type {number[]} */ ([]) }
  }))
  for (let round = -1; round < rounds; round++) {
    for (const { child, port, request, times } of servers) {
      child.send('time')
      const [before] = await once(child, 'message')
      await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(port, request, requests / CONNECTIONS)))
      child.send('time')
      const [after] = await once(child, 'message')
      // (The first round warms up.)
      if (round >= 0) times.push((after - before) / requests)
    }
  }
  for (const { name, like, times, child } of servers) {
    const base = servers.find((one) => one.like === like)
    const time = median(times)
    console.log(`${name.padEnd(36)} ${time.toFixed(1).padStart(6)} µs a request, ${(time / median(base?.times ?? [])).toFixed(2)} times`)
    child.disconnect()
    child.kill('SIGKILL')
  }
}

/** Send requests over a connection, one after the other. @param {number} port @param {string} request @param {number} count */
async function ask(port, request, count) {
  const socket = net.connect(port, '127.0.0.1').setNoDelay(true)
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
