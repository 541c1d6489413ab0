// 0http, with its own router. It leaves bodies, and what is answered how, to its user.

import zero from '0http'
import { TEXT } from '../workloads.mjs'
import { JSON_TYPE, PLAIN, readJson, send } from './plain.mjs'

export default function () {
  const { router, server } = zero()
  router.get('/text', (_req, res) => send(res, PLAIN, TEXT))
  router.get('/users/:user/posts/:post', (req, res) => {
    const { user, post } = req.params
    send(res, JSON_TYPE, JSON.stringify({ user, post, page: req.query.page }))
  })
  router.post('/echo', (req, res) => readJson(req, (value) => send(res, JSON_TYPE, JSON.stringify(value))))
  return server
}
