// Ours: with each of the two routers, and without one; with steps that return their answer, and with steps that send it themselves,
// as those of polka and 0http do.

import http from 'node:http'
import { loadOurs } from '../../kit/bench.mjs'
import { TEXT } from '../workloads.mjs'
import { JSON_TYPE, PLAIN, send } from './plain.mjs'

const { default: rest, Router, mw } = await loadOurs()

/** `rest()`, which routes by a NanoRouter. It has no parameters: the step that wants some cuts them from the path. */
export function nano() {
  const app = rest()
  app.get('/text', () => TEXT)
  app.get('/users', (req) => postOfUser(req.url))
  app.post('/echo', (req) => JSON.parse(req.body))
  return http.createServer(app)
}

export function nanoEnd() {
  const app = rest()
  app.get('/text', (_req, res) => send(res, PLAIN, TEXT))
  app.get('/users', (req, res) => send(res, JSON_TYPE, JSON.stringify(postOfUser(req.url))))
  app.post('/echo', (req, res) => send(res, JSON_TYPE, JSON.stringify(JSON.parse(req.body))))
  return http.createServer(app)
}

export function full() {
  const app = rest({ router: new Router() })
  app.get('/text', () => TEXT)
  app.get('/users/:user/posts/:post', mw.mwParseQuery, (req) => {
    const { user, post } = req.params
    return { user, post, page: req.query.page }
  })
  app.post('/echo', (req) => JSON.parse(req.body))
  return http.createServer(app)
}

export function fullEnd() {
  const app = rest({ router: new Router() })
  app.get('/text', (_req, res) => send(res, PLAIN, TEXT))
  app.get('/users/:user/posts/:post', mw.mwParseQuery, (req, res) => {
    const { user, post } = req.params
    send(res, JSON_TYPE, JSON.stringify({ user, post, page: req.query.page }))
  })
  app.post('/echo', (req, res) => send(res, JSON_TYPE, JSON.stringify(JSON.parse(req.body))))
  return http.createServer(app)
}

/** Handed its requests as 0http hands itself its own: when all that has come in has been read. */
export function fullLater() {
  const [app] = full().listeners('request')
  return http.createServer((req, res) => { setImmediate(app, req, res) })
}

/** `rest(processRequest)`: no router at all. */
export function bare() {
  const app = rest((req) => {
    const { url, method } = req
    if (url === '/text' && method === 'GET') return TEXT
    if (url === '/echo' && method === 'POST') return JSON.parse(req.body)
    return postOfUser(url)
  })
  return http.createServer(app)
}

/** @param {string} url */
function postOfUser(url) {
  const [path, query] = url.split('?')
  const [, , user, , post] = path.split('/')
  return { user, post, page: mw.parseQuery(query).page }
}
