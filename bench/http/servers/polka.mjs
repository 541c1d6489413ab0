// polka. It leaves bodies, and what is answered how, to its user.

import http from 'node:http'
import polka from 'polka'
import { TEXT } from '../workloads.mjs'
import { JSON_TYPE, PLAIN, readJson, send } from './plain.mjs'

export default function () {
  const app = polka()
  app.get('/text', (_req, res) => send(res, PLAIN, TEXT))
  app.get('/users/:user/posts/:post', (req, res) => {
    const { user, post } = req.params
    send(res, JSON_TYPE, JSON.stringify({ user, post, page: req.query.page }))
  })
  app.post('/echo', (req, res) => readJson(req, (value) => send(res, JSON_TYPE, JSON.stringify(value))))
  return http.createServer(app.handler)
}
