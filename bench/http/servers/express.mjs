// express, with its own body parser.

import http from 'node:http'
import express from 'express'
import { TEXT } from '../workloads.mjs'

export default function () {
  // (No other contender sends these two headers.)
  const app = express().disable('etag').disable('x-powered-by')
  app.get('/text', (_req, res) => { res.type('text').send(TEXT) })
  app.get('/users/:user/posts/:post', (req, res) => {
    const { user, post } = req.params
    res.json({ user, post, page: req.query.page })
  })
  app.post('/echo', express.json(), (req, res) => { res.json(req.body) })
  return http.createServer(app)
}
