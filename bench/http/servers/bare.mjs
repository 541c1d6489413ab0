// The bar: node:http and nothing else, written by hand.

import http from 'node:http'
import { parse } from 'node:querystring'
import { TEXT } from '../workloads.mjs'
import { JSON_TYPE, PLAIN, readJson, send } from './plain.mjs'

const POST_OF_USER = /^\/users\/([^/]+)\/posts\/([^/]+)$/

export default function bare() {
  return http.createServer((req, res) => {
    const { url, method } = req
    const mark = url.indexOf('?')
    const path = mark < 0 ? url : url.slice(0, mark)
    if (path === '/text' && method === 'GET') return send(res, PLAIN, TEXT)
    if (path === '/echo' && method === 'POST') return readJson(req, (value) => send(res, JSON_TYPE, JSON.stringify(value)))
    const found = method === 'GET' && POST_OF_USER.exec(path)
    if (found) {
      const { page } = parse(url.slice(path.length + 1))
      return send(res, JSON_TYPE, JSON.stringify({ user: found[1], post: found[2], page }))
    }
    res.statusCode = 404
    res.end()
  })
}
