// What is allocated for one request through the full Router, by the function that allocates it.
//
//     node tools/profile.mjs
//
// The request is GET /users/:id/posts/:post, through a pre, a use, a route and a post step, on the lightest objects that the core
// accepts, so that all that is counted is the core's own. V8's heap profiler samples at every byte; what scavenges have freed counts too.

import inspector from 'node:inspector'
import rest, { Router } from '../dist/microrest.js'

const REQUESTS = 20_000

const app = rest({ router: new Router() })
app.use('pre', (_req, _res, next) => next())
app.use((_req, _res, next) => next())
app.use('post', (_req, _res, next) => next())
app.get('/users/:id/posts/:post', (_req, res, next) => {
  res.end()
  next()
})

class Req {
  method = 'GET'
  headers = {}
  params = undefined
  body = ''
  baseUrl = undefined
  constructor(/** @type {string} */ url) { this.url = url }
  on() {}
}

class Res {
  statusCode = 200
  headersSent = false
  destroyed = false
  end() { this.headersSent = true }
  on() {}
}

function serve() {
  for (let ix = 0; ix < REQUESTS; ix++) {
    app(/** @type {any} */ (new Req('/users/' + ix + '/posts/42')), /** @type {any} */ (new Res()))
  }
}

const session = new inspector.Session()
session.connect()

/** @type {(method: string, params?: object) => Promise<any>} */
const post = (method, params) => new Promise((resolve, reject) => {
  session.post(method, params, (err, result) => (err ? reject(err) : resolve(result)))
})

for (let ix = 0; ix < 5; ix++) serve()
await post('HeapProfiler.startSampling', {
  samplingInterval: 16, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true,
})
serve()
const { profile } = await post('HeapProfiler.stopSampling')

/** @type {Map<string, number>} */
const bytes = new Map()
const visit = (/** @type {any} */ node) => {
  const name = (node.callFrame.functionName || '(anonymous)') + ' ' + node.callFrame.url.replace(/.*\//, '') + ':' + (node.callFrame.lineNumber + 1)
  bytes.set(name, (bytes.get(name) || 0) + node.selfSize)
  node.children.forEach(visit)
}
visit(profile.head)
let total = 0
for (const [name, size] of [...bytes].sort((a, b) => b[1] - a[1])) {
  const perRequest = size / REQUESTS
  if (name.includes('microrest.js')) total += perRequest
  if (perRequest >= 1) console.log(perRequest.toFixed(0).padStart(6), name)
}
console.log(total.toFixed(0).padStart(6), 'bytes in all by microrest.js for one request')
