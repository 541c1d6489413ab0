// What hosts/node costs: processor time per request, as a ratio to the same work on a bare server of node's.
//
//     node bench/hosts/node.mjs [rounds] [requests]    rounds of so many requests each; by default 20 of 10000
//
// How that is measured is in cost.mjs.

import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { serve } from '../../dist/hosts/node.js'
import { compareCosts, serveBare } from './cost.mjs'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 192.0.2.1, 127.0.0.2\r\nX-Forwarded-Proto: https\r\n\r\n'

/** @typedef {import('../../dist/hosts/node.js').ServeOptions} ServeOptions */

/** @type {http.RequestListener} */
const hello = (_req, res) => void res.end('hello')

/** What steps of our apps see as `req.ip`. @param {http.IncomingMessage & { ip?: string }} req @param {http.ServerResponse} res */
const tellAddress = (req, res) => void res.end(req.ip ?? req.socket.remoteAddress)

/** @typedef {{ name: string, listener: http.RequestListener, options?: ServeOptions }} Way */

/** Ways to serve: the first of each listener is what the others are compared to. @type {Way[]} */
const WAYS = [
  { name: 'http.createServer', listener: hello },
  { name: 'serve', listener: hello, options: {} },
  { name: 'serve, without limits of time', listener: hello, options: { headersTimeout: 0, requestTimeout: 0, answerTimeout: 0, idleTimeout: 0 } },
  { name: 'http.createServer, remoteAddress', listener: tellAddress },
  { name: 'serve, req.ip', listener: tellAddress, options: {} },
  { name: 'serve, req.ip behind a proxy', listener: tellAddress, options: { trustProxy: ['loopback'] } },
]

await compareCosts(
  fileURLToPath(import.meta.url),
  WAYS.map((way) => ({ ...way, request: REQUEST, like: way.listener })),
  async ({ listener, options }) => (options ? (await serve(listener, { host: '127.0.0.1', ...options })).port : serveBare(listener)),
)
