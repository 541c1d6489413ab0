// h3, by way of its adapter for Node.

import http from 'node:http'
import { H3, getQuery, toNodeHandler } from 'h3'
import { TEXT } from '../workloads.mjs'

export default function () {
  const app = new H3()
  app.get('/text', () => TEXT)
  app.get('/users/:user/posts/:post', (event) => {
    const { user, post } = event.context.params
    return { user, post, page: getQuery(event).page }
  })
  app.post('/echo', (event) => event.req.json())
  return http.createServer(toNodeHandler(app))
}
