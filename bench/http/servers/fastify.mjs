// fastify, as it is: without schemas, which would be told what the answers look like.

import fastify from 'fastify'
import { TEXT } from '../workloads.mjs'

export default async function () {
  const app = fastify()
  app.get('/text', (_req, reply) => { reply.send(TEXT) })
  app.get('/users/:user/posts/:post', (req, reply) => {
    const { user, post } = req.params
    reply.send({ user, post, page: req.query.page })
  })
  app.post('/echo', (req, reply) => { reply.send(req.body) })
  await app.ready()
  return app.server
}
