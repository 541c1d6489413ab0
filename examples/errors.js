// What goes wrong, and who is told what.

import rest, { HttpError, Router, sendResponse } from '../dist/microrest.js'

const app = rest({ router: new Router() })

// Made for the client: status, debug and details are sent.
app.get('/expected', () => {
  throw new HttpError(409, 'there is one already', { id: '7' })
})

// Made by a mistake: the client gets a bare 500, the console the whole error.
app.get('/unforeseen', async () => {
  throw new TypeError('the password is 1234')
})

// Made elsewhere: an err step knows what it means, and answers. What it does not know it hands on.
app.get('/elsewhere', (_req, _res, next) => {
  next(Object.assign(new Error('open failed'), { code: 'ENOENT' }))
})

app.use('err', (err, req, res, next) => {
  const { code } = /** @type {{ code?: string }} */ (err)
  if (code !== 'ENOENT') return next(err)
  sendResponse(req, res, next, new HttpError(404, 'no such file'))
})

app.listen(process.env.PORT ?? 1337, (err, info) => {
  console.log(err ?? 'http://127.0.0.1:' + info.port + '/expected')
})
