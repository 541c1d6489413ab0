// As middleware in a server that is there already: what the app does not route falls through to it, and so do the errors.

import http from 'node:http'
import { connect } from '../dist/hosts/connect.js'
import rest, { HttpError, Router } from '../dist/microrest.js'

const app = rest({ router: new Router() })

app.get('/users/:id', (req) => ({ id: req.params.id }))

app.get('/teapot', () => {
  throw new HttpError(418, 'short and stout')
})

// In express: server.use(api), and what is defined after it.
const api = connect(app, { errors: 'pass' })

const server = http.createServer((req, res) => {
  api(req, res, (err) => {
    if (err) res.statusCode = 500
    res.end(err ? 'the error page of the outer server' : 'a page of the outer server')
  })
})

server.listen(process.env.PORT ?? 1337, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log('http://127.0.0.1:' + port + '/users/7')
})
