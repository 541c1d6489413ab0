// In a server of express: below /api the app answers, with the bodies that express has parsed; express answers the rest, and the errors.

import express from 'express'
import { connect } from '../dist/hosts/connect.js'
import rest, { HttpError, Router } from '../dist/microrest.js'

const api = rest({ router: new Router() })

api.post('/notes', ({ body, baseUrl }) => {
  const { text } = /** @type {{ text?: string }} */ (body ?? {})
  if (!text) throw new HttpError(400, 'a note has a text')
  return { text, url: baseUrl + '/notes/1' }
})

const server = express()

server.use(express.json())
server.use('/api', connect(api, { errors: 'pass' }))

server.use((_req, res) => {
  res.status(404).send('a page of express')
})

/** @type {import('express').ErrorRequestHandler} */
const onError = (err, _req, res, _next) => void res.status(err.statusCode ?? 500).send('the error page of express: ' + err.debug)
server.use(onError)

const listening = server.listen(process.env.PORT ?? 1337, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (listening.address())
  console.log('http://127.0.0.1:' + port + '/api/notes')
})
