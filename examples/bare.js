// The bare shape: no router, one function for every request. Its body has been read, and its errors are answered.

import rest, { HttpError } from '../dist/microrest.js'

const app = rest((req) => {
  if (req.method !== 'POST') throw new HttpError(405, 'post a text, and get it back')
  return String(req.body).toUpperCase()
})

app.listen(process.env.PORT ?? 1337, (err, info) => {
  console.log(err ?? 'http://127.0.0.1:' + info.port + '/')
})
