// Sessions in Redis: all processes and machines that ask the same Redis share them, and any of them may be stopped.
//
//     REDIS_URL=redis://127.0.0.1:6379 node examples/sessions.js
//
// A session is an entry in Redis with a time to live; the client has its name, in a cookie, and cannot guess another one.

import { randomBytes } from 'node:crypto'
import { createClient } from '@redis/client'
import { readiness, serve } from '../dist/hosts/node.js'
import rest, { HttpError, Router } from '../dist/microrest.js'

/** Half an hour from the last request on, in seconds. */
const LIFETIME = 30 * 60

const redis = createClient({
  url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379',
  // Without Redis requests are to fail at once, and not to wait for it.
  disableOfflineQueue: true,
})
redis.on('error', (err) => console.error('redis: ' + (err.code ?? err.message)))
await redis.connect()

/** The entry of a request's session; undefined if its cookie names none. @param {{ headers: { cookie?: string } }} req */
function keyOf({ headers: { cookie = '' } }) {
  const [, id] = /(?:^|; )sid=([\w-]{43})(?:;|$)/.exec(cookie) ?? []
  return id && 'session:' + id
}

/** The cookie of a session. @param {string} id @param {number} seconds @param {string | undefined} protocol */
function cookieOf(id, seconds, protocol) {
  return `sid=${id}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${protocol === 'https' ? '; Secure' : ''}`
}

const app = rest({ router: new Router() })

app.get('/ready', readiness(() => redis.ping()))

app.post('/login', async (req, res) => {
  const name = String(req.body).trim()
  if (!/^\w{1,20}$/.test(name)) throw new HttpError(400, 'a name is 1 to 20 letters and digits')
  // Always a new one: a session that somebody else knows of must not become that of whoever logs in.
  const old = keyOf(req)
  if (old) await redis.del(old)
  const id = randomBytes(32).toString('base64url')
  await redis.setEx('session:' + id, LIFETIME, JSON.stringify({ name }))
  res.setHeader('set-cookie', cookieOf(id, LIFETIME, req.protocol))
  res.end('hello ' + name)
})

app.get('/me', async (req) => {
  const key = keyOf(req)
  const found = key && await redis.getEx(key, { type: 'EX', value: LIFETIME })
  return found ? JSON.parse(found) : new HttpError(401, 'log in first')
})

app.post('/logout', async (req, res) => {
  const key = keyOf(req)
  if (key) await redis.del(key)
  res.setHeader('set-cookie', cookieOf('', 0, req.protocol))
  res.end('bye')
})

const { url } = await serve(app, { port: process.env.PORT ?? 1337, onClose: () => redis.close() })
console.log(url)
