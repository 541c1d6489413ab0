// A server where there is fetch: `deno serve examples/fetch.js`, `bun examples/fetch.js`, or deployed as a worker.

import rest, { Router } from '../dist/microrest.js'
import { fromFetch, toFetch } from '../dist/hosts/fetch.js'

const app = rest({ router: new Router() })

app.get('/users/:id', (req) => ({ id: req.params.id }))

// What goes on after the answer: workers would be stopped, and are asked to wait.
app.get('/counted', (req) => {
  req.waitUntil?.(Promise.resolve().then(() => console.log('counted')))
  return 'counted in a moment'
})

// Pieces of an answer, each sent when it is there.
app.get('/count', async (req, res) => {
  for (const number of ['one ', 'two ', 'three']) {
    res.write(number)
    await null
  }
  res.end()
})

// A function from a Request to a Response is a step.
app.post('/upper', fromFetch(async (request) => new Response((await request.text()).toUpperCase())))

export default { fetch: toFetch(app) }
