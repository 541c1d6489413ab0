// The small shape: without a Router an app has its NanoRouter. One step for a path and all that is below it, whatever the method;
// one use step, one err step, one post step.

import rest from '../dist/microrest.js'

const app = rest()

app.use((_req, res, next) => {
  res.setHeader('cache-control', 'no-store')
  next()
})

app.all('/status', () => ({ up: true }))

app.all('/echo', (req) => ({ method: req.method, url: req.url, body: String(req.body) }))

app.use('post', (req, res, next) => {
  console.log(req.method, req.url, res.statusCode)
  next()
})

app.listen(process.env.PORT ?? 1337, (err, info) => {
  console.log(err ?? 'http://127.0.0.1:' + info.port + '/status')
})
