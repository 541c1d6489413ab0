// hono, by way of its adapter for Node.

import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { TEXT } from '../workloads.mjs'

export default function () {
  const app = new Hono()
  app.get('/text', (c) => c.text(TEXT))
  app.get('/users/:user/posts/:post', (c) => {
    const { user, post } = c.req.param()
    return c.json({ user, post, page: c.req.query('page') })
  })
  app.post('/echo', async (c) => c.json(await c.req.json()))
  return createAdaptorServer(app)
}
