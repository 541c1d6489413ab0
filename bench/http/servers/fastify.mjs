// fastify: as it is, and with schemas, which tell it what comes in and goes out.

import fastify from 'fastify'
import { TEXT } from '../workloads.mjs'

const STRING = { type: 'string' }
const POST_OF_USER = {
  params: toObject({ user: STRING, post: STRING }),
  querystring: toObject({ lang: STRING, page: STRING }),
  response: { 200: toObject({ user: STRING, post: STRING, page: STRING }) },
}
const ORDER = toObject({
  id: { type: 'integer' },
  paid: { type: 'boolean' },
  total: { type: 'number' },
  customer: toObject({ name: STRING, mail: STRING, tags: { type: 'array', items: STRING } }),
  lines: {
    type: 'array',
    items: toObject({ sku: STRING, count: { type: 'integer' }, price: { type: 'number' }, note: { type: ['string', 'null'] } }),
  },
  remark: STRING,
})

/** A schema of an object with these properties and no others. */
function toObject(properties) {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}

export default () => serve()

export const withSchemas = () => serve(POST_OF_USER, { body: ORDER, response: { 200: ORDER } })

async function serve(postOfUser, order) {
  const app = fastify()
  app.get('/text', (_req, reply) => { reply.send(TEXT) })
  app.get('/users/:user/posts/:post', { schema: postOfUser }, (req, reply) => {
    const { user, post } = req.params
    reply.send({ user, post, page: req.query.page })
  })
  app.post('/echo', { schema: order }, (req, reply) => { reply.send(req.body) })
  await app.ready()
  return app.server
}
