// In a server of koa, over a bridge: errors go to koa, and what the app does not route to koa's next middleware.

import Koa from 'koa'
import { connect } from '../dist/hosts/connect.js'
import rest, { HttpError, Router } from '../dist/microrest.js'
import { toKoa } from './to-koa.js'

const api = rest({ router: new Router() })

api.get('/api/users/:id', (req) => {
  if (req.params.id !== '7') throw new HttpError(404, 'no such user')
  return { name: 'Ada' }
})

const server = new Koa()

server.use(async (ctx, next) => {
  try {
    await next()
  } catch (err) {
    const { statusCode = 500 } = /** @type {{ statusCode?: number }} */ (err)
    ctx.status = statusCode
    ctx.body = 'the error page of koa'
  }
})

server.use(toKoa(connect(api, { errors: 'pass' })))

server.use((ctx) => {
  ctx.body = 'a page of koa'
})

const listening = server.listen(process.env.PORT ?? 1337, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (listening.address())
  console.log('http://127.0.0.1:' + port + '/api/users/7')
})
