// The full shape: a Router, with methods, path parameters, any number of steps, and the pre-use-route-err-post flow.

import rest, { HttpError, Router, mw } from '../dist/microrest.js'

const app = rest({ router: new Router() })

/** @type {Map<string, string>} */
const notes = new Map([['1', 'buy milk']])

// A step that guards what comes after it: without a call of next() nobody gets past.
app.use((req, res, next) => {
  if (req.headers.authorization !== 'Bearer secret') {
    res.setHeader('www-authenticate', 'Bearer')
    throw new HttpError(401)
  }
  next()
})

app.use(mw.mwParseQuery)

// Routes that are defined before a `use` step do without it; those after it do not.
app.get('/notes', (req) => [...notes.values()].filter((note) => note.includes(String(req.query.contains ?? ''))))

// A returned Error is an error, and so are a thrown one and a rejected promise.
app.get('/notes/:id', (req) => notes.get(req.params.id) ?? new HttpError(404, 'no such note'))

app.put('/notes/:id', async (req) => {
  notes.set(req.params.id, String(req.body))
  return { saved: req.params.id }
})

// The tail of a path, with its leading slash.
app.get('/files/:*path', (req) => ({ path: req.params.path }))

app.listen(process.env.PORT ?? 1337, (err, info) => {
  console.log(err ?? 'http://127.0.0.1:' + info.port + '/notes/1')
})
