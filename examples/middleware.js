// As middleware in a server of express' kind: what the app does not answer goes on to the outer server's next step.

import http from 'node:http'
import rest, { HttpError, Router } from '../dist/microrest.js'

const api = rest({
  router: new Router(),
  // Errors are not answered here, but given to the outer server. A 404 is none of its errors: it goes on with its next step.
  onError(err, _req, _res, next) {
    const { statusCode } = /** @type {{ statusCode?: number }} */ (err)
    next(statusCode === 404 ? undefined : err)
  },
})

api.get('/users/:id', (req) => ({ id: req.params.id }))

api.get('/teapot', () => {
  throw new HttpError(418, 'short and stout')
})

// In express: server.use(api), and what is defined after it.
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
