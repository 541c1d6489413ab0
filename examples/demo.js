// Serves the app of app.js: `npm start`, or `node examples/demo.js`. On port 1337 or the next free one, or on PORT.

import { app } from './app.js'

const { PORT } = process.env

app.listen({ host: '127.0.0.1', port: PORT ?? 1337, tryNextPort: PORT === undefined }, (err, info) => {
  if (err) throw err
  console.log('The demo is at http://127.0.0.1:' + info.port)
})
