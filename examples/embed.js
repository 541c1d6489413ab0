// In a server of node:http that is there already: below /api the app answers, its own 404s too; the rest stays as it was.

import http from 'node:http'
import rest, { Router } from '../dist/microrest.js'

const api = rest({ router: new Router() })

api.get('/api/users/:id', (req) => ({ id: req.params.id }))

const server = http.createServer((req, res) => {
  if (req.url?.startsWith('/api/')) api(req, res)
  else res.end('the page that was there before')
})

server.listen(process.env.PORT ?? 1337, () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  console.log('http://127.0.0.1:' + port + '/api/users/7')
})
