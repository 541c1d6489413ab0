// What hosts/connect costs: processor time per request, as a ratio to the same work on bare node:http.
//
//     node bench/hosts/connect.mjs [rounds] [requests]    rounds of so many requests each; by default 20 of 10000
//
// How that is measured is in cost.mjs.

import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { connect } from '../../dist/hosts/connect.js'
import rest, { Router } from '../../dist/microrest.js'
import { compareCosts, serveBare } from './cost.mjs'

/** @typedef {{ name: string, path: string, listener: () => http.RequestListener }} Way */

function makeApp() {
  const app = rest({ router: new Router() })
  app.get('/users/:id', (req, res) => void res.end('user ' + req.params.id))
  return app
}

/** What the server around the app answers. @type {(req: http.IncomingMessage, res: http.ServerResponse) => void} */
const outer = (_req, res) => void res.end('outer')

/** @param {import('../../dist/hosts/connect.js').ConnectOptions} [options] @returns {http.RequestListener} */
function around(options) {
  const api = connect(makeApp(), options)
  return (req, res) => api(req, res, () => outer(req, res))
}

/** Ways to serve: the first with a path is what the others with that path are compared to. @type {Way[]} */
const WAYS = [
  { name: 'answered by the app on node:http', path: '/users/7', listener: () => makeApp() },
  { name: 'by connect(app)', path: '/users/7', listener: () => around() },
  { name: 'by connect(app), with a time limit', path: '/users/7', listener: () => around({ timeout: 30_000 }) },
  { name: 'answered by the server around it', path: '/other', listener: () => outer },
  { name: 'by the same, behind connect(app)', path: '/other', listener: () => around() },
]

await compareCosts(
  fileURLToPath(import.meta.url),
  WAYS.map((way) => ({ ...way, request: `GET ${way.path} HTTP/1.1\r\nHost: a.test\r\n\r\n`, like: way.path })),
  ({ listener }) => serveBare(listener()),
)
