// The smallest app: one route, one port.

import rest, { Router } from '../dist/microrest.js'

const app = rest({ router: new Router() })

app.get('/hello', () => 'hi')

app.listen(process.env.PORT ?? 1337, (err, info) => {
  console.log(err ?? 'http://127.0.0.1:' + info.port + '/hello')
})
