// koa, with the router and the body parser of its own people.

import http from 'node:http'
import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import { TEXT } from '../workloads.mjs'

export default function () {
  const router = new Router()
  router.get('/text', (ctx) => { ctx.body = TEXT })
  router.get('/users/:user/posts/:post', (ctx) => {
    const { user, post } = ctx.params
    ctx.body = { user, post, page: ctx.query.page }
  })
  router.post('/echo', bodyParser(), (ctx) => { ctx.body = ctx.request.body })
  return http.createServer(new Koa().use(router.routes()).callback())
}
