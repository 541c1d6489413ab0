// microrest 0.6, the JavaScript original.

import http from 'node:http'
import rest from 'microrest'
import mw from 'microrest/mw.js'
import Router from 'microrest/router.js'
import { TEXT } from '../workloads.mjs'
import { JSON_TYPE, PLAIN, send } from './plain.mjs'

/** Without a router: its NanoRouter compares the whole URL, and so finds no path that is followed by a query. */
export function bare() {
  const app = rest((req, res, next) => {
    const { url, method } = req
    if (url === '/text' && method === 'GET') send(res, PLAIN, TEXT)
    else if (url === '/echo' && method === 'POST') send(res, JSON_TYPE, JSON.stringify(JSON.parse(req.body)))
    else {
      const [path, query] = url.split('?')
      const [, , user, , post] = path.split('/')
      send(res, JSON_TYPE, JSON.stringify({ user, post, page: mw.parseQuery(query).page }))
    }
    next()
  })
  return http.createServer(app)
}

export function full() {
  const app = rest({ router: new Router() })
  app.get('/text', (_req, res, next) => {
    send(res, PLAIN, TEXT)
    next()
  })
  app.get('/users/:user/posts/:post', mw.mwParseQuery, (req, res, next) => {
    const { user, post, page } = req.params
    send(res, JSON_TYPE, JSON.stringify({ user, post, page }))
    next()
  })
  app.post('/echo', (req, res, next) => {
    send(res, JSON_TYPE, JSON.stringify(JSON.parse(req.body)))
    next()
  })
  return http.createServer(app)
}
