// What becomes of requests when a server is told to stop in the middle of them.
//
//     node bench/hosts/shutdown.mjs [connections] [requests] [workers]    by default 50, 5000 and 0
//
// Clients send one request after the other, each on its connection, and open a new one where an answer says that it is the last. When
// so many requests are answered the server gets SIGTERM; the clients go on until it is gone. Then each request was
//
//     answered    whole, with the right body
//     refused     by the system: nobody listens any more
//     untaken     connected by the system, just before nobody listened any more, and taken by no server: as good as refused
//     lost        anything else: there should be none
//
// Clients that are sent elsewhere before (`closeDelay`, and readiness) are neither refused nor untaken: see docs/deploy.md.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { serve } from '../../dist/hosts/node.js'
import rest, { Router } from '../../dist/microrest.js'

const FILE = fileURLToPath(import.meta.url)

/** @typedef {{ sent: number, answered: number, refused: number, untaken: number, lost: number, code: number, losses: string[] }} Count */

/**
 * The server: its answers take up to 20 ms. It prints where it is, and in the end from which ports clients came.
 *
 * @param {number} workers
 */
async function runServer(workers) {
  const app = rest({ router: new Router() })
  app.get('/wait/:time', async (req) => {
    await new Promise((resolve) => setTimeout(resolve, Number(req.params.time)))
    return 'waited ' + req.params.time
  })
  /** @type {(number | undefined)[]} */
  const accepted = []
  const { server, url } = await serve(app, {
    host: '127.0.0.1',
    workers,
    onClose: () => console.log('accepted ' + JSON.stringify(accepted)),
  })
  // (A client may have come before this line; it came before the signal as well.)
  server?.on('connection', (/** @type {net.Socket} */ { remotePort }) => accepted.push(remotePort))
  if (!workers || !server) console.log('listening ' + new URL(url).port)
}

/** One client, until it is refused. @param {number} port @param {Count} count @param {() => void} onAnswer @param {number[]} unheard */
async function runClient(port, count, onAnswer, unheard) {
  for (let isOpen = true; isOpen;) {
    const socket = net.connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1')
    /** @type {Error & { code?: string } | undefined} */
    let error
    let text = ''
    let look = () => {}
    let isOver = false
    socket.on('data', (chunk) => {
      text += chunk
      look()
    })
    socket.on('error', (err) => { error = err })
    socket.on('close', () => {
      isOver = true
      look()
    })
    const isConnected = await once(socket, 'connect').then(() => true, () => false)
    if (!isConnected) {
      count.sent++
      count.refused++
      return
    }
    const { localPort = 0 } = socket
    for (let isFirst = true; ; isFirst = false) {
      const time = Math.floor(Math.random() * 20)
      text = ''
      count.sent++
      socket.write(`GET /wait/${time} HTTP/1.1\r\nhost: a.test\r\n\r\n`)
      while (!text.endsWith(`\r\n\r\nwaited ${time}`) && !isOver) await new Promise((resolve) => { look = () => resolve(undefined) })
      if (!text.endsWith(`\r\n\r\nwaited ${time}`)) {
        // What the system has connected and no server has taken: that is known when the servers tell whom they took.
        if (isFirst && text === '') unheard.push(localPort)
        else {
          count.lost++
          count.losses.push(`${error?.code ?? 'closed'} after ${text.length} bytes, on a connection that was ${isFirst ? 'new' : 'in use'}`)
        }
        isOpen = isFirst && text === ''
        break
      }
      count.answered++
      onAnswer()
      if (/^connection: close/mi.test(text)) break
    }
    socket.destroy()
  }
}

/**
 * Measure one stop.
 *
 * @param {{ connections?: number, requests?: number, workers?: number }} [options]
 * @returns {Promise<Count>}
 */
export async function measureShutdown({ connections = 50, requests = 5000, workers = 0 } = {}) {
  const child = fork(FILE, ['--serve', String(workers)], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], execArgv: [] })
  const exited = once(child, 'exit')
  /** @type {Set<number>} */
  const accepted = new Set()
  const port = await new Promise((resolve) => {
    createInterface(/** @type {import('node:stream').Readable} */ (child.stdout)).on('line', (line) => {
      const [what, value = ''] = line.split(' ')
      if (what === 'listening') resolve(Number(value))
      else if (what === 'accepted') for (const one of JSON.parse(value)) accepted.add(one)
    })
  })
  /** @type {Count} */
  const count = { sent: 0, answered: 0, refused: 0, untaken: 0, lost: 0, code: 0, losses: [] }
  /** @type {number[]} */
  const unheard = []
  const onAnswer = () => {
    if (count.answered === requests) child.kill('SIGTERM')
  }
  await Promise.all(Array.from({ length: connections }, () => runClient(port, count, onAnswer, unheard)))
  ;[count.code] = await exited
  for (const one of unheard) {
    if (!accepted.has(one)) count.untaken++
    else {
      count.lost++
      count.losses.push('not answered on a connection that a server had taken')
    }
  }
  return count
}

const [first, second, third] = process.argv.slice(2)
if (first === '--serve') await runServer(Number(second))
else if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { code, losses, ...count } = await measureShutdown({
    connections: Number(first ?? 50), requests: Number(second ?? 5000), workers: Number(third ?? 0),
  })
  console.log(Object.entries(count).map(([name, value]) => `${value} ${name}`).join(', ') + `; the server ended with code ${code}`)
  for (const loss of losses) console.log(loss)
}
