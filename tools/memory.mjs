// Does the process grow? A million requests over real sockets through the full Router, of every kind that there is: hits, misses,
// errors, bodies, async steps, answers by return. The heap after a forced collection is printed at 10,000 requests, at 100,000 (by
// then all that gets hot has been compiled) and at the end.
//
//     node --expose-gc tools/memory.mjs [requests]

import { fork } from 'node:child_process'
import net from 'node:net'
import { fileURLToPath } from 'node:url'
import rest, { HttpError, Router, mw } from '../dist/microrest.js'

const KINDS = [
  'GET /plain HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /users/7/posts/42?full HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /files/a/b%20c/d HTTP/1.1\r\nhost: x\r\n\r\n',
  'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 13\r\n\r\n{"on":true}  ',
  'POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"a":\r\n2\r\n1}\r\n0\r\n\r\n',
  'GET /async HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /missing HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /%zz HTTP/1.1\r\nhost: x\r\n\r\n',
  'GET /error HTTP/1.1\r\nhost: x\r\n\r\n',
  'PUT /plain HTTP/1.1\r\nhost: x\r\n\r\n',
]
const BATCH = 100
const CONNECTIONS = 4

function buildApp() {
  const app = rest({ router: new Router({ methodNotAllowed: true }) })
  app.use('pre', mw.mwParseQuery)
  app.use((_req, _res, next) => next())
  app.use('err', (err, _req, _res, next) => next(err))
  app.use('post', (_req, _res, next) => next())
  app.get('/plain', (_req, res) => res.end('plain'))
  app.get('/users/:id/posts/:post', (req) => ({ ...req.params, query: req.query }))
  app.get('/files/:*path', (req) => req.params.path)
  app.post('/echo', (req) => JSON.parse(String(req.body)))
  app.get('/async', async () => 'later')
  app.get('/error', () => { throw new HttpError(409) })
  return app
}

/** The client, in a process of its own: as many requests as it is told, pipelined in batches. */
function runClient() {
  const port = Number(process.argv[3])
  process.on('message', (/** @type {number} */ count) => {
    let open = CONNECTIONS
    for (let ix = 0; ix < CONNECTIONS; ix++) send(port, count / CONNECTIONS, () => --open || process.send?.('done'))
  })
  process.send?.('ready')
}

/** @type {(port: number, count: number, done: () => void) => void} */
function send(port, count, done) {
  const socket = net.connect(port, '127.0.0.1')
  let sent = 0
  let answered = 0
  const next = () => {
    let text = ''
    for (let ix = 0; ix < BATCH && sent < count; ix++) text += KINDS[sent++ % KINDS.length]
    socket.write(text)
  }
  socket.setEncoding('latin1').on('data', (/** @type {string} */ text) => {
    answered += text.split('HTTP/1.1 ').length - 1
    if (answered === count) socket.end(done)
    else if (answered === sent) next()
  })
  next()
}

/** @param {number} total */
async function runServer(total) {
  const server = buildApp().listen(0, async (_err, { port }) => {
    const client = fork(fileURLToPath(import.meta.url), ['client', String(port)])
    const ask = (/** @type {number} */ count) => new Promise((resolve) => {
      client.once('message', resolve)
      client.send(count)
    })
    const heap = async () => {
      // Sockets of the round before have closed by then, and what they held goes with the second collection.
      for (let ix = 0; ix < 3; ix++) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        globalThis.gc?.()
      }
      return process.memoryUsage().heapUsed
    }
    await new Promise((resolve) => client.once('message', resolve))
    let done = 0
    for (const count of [10_000, 100_000, total]) {
      await ask(count - done)
      done = count
      console.log('heap after', count.toLocaleString('en').padStart(9), 'requests:', await heap(), 'bytes')
    }
    client.kill()
    server.close()
  })
}

if (process.argv[2] === 'client') runClient()
else await runServer(Number(process.argv[2] || 1_000_000))
