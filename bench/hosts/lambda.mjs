// What the lambda host costs: CPU time for an event, as a ratio to a handler that is written by hand and does the same work, without
// any framework. Both answer the same events, in turn, round by round, and the least time of each counts.
//
//     node bench/hosts/lambda.mjs [rounds]

import assert from 'node:assert/strict'
import { toLambda } from '../../dist/hosts/lambda.js'
import rest, { Router, mw } from '../../dist/microrest.js'

const EVENTS = 2000
const rounds = Number(process.argv[2] ?? 40)

/** @param {string} rawPath @param {{ rawQueryString?: string, method?: string, body?: string, isBase64Encoded?: boolean }} [more] */
function functionUrl(rawPath, { rawQueryString = '', method = 'GET', ...more } = {}) {
  const headers = {
    accept: 'application/json', 'content-type': 'application/json', host: 'abc.lambda-url.eu-west-1.on.aws', 'user-agent': 'client/1.0',
    'x-amzn-trace-id': 'Root=1-67a0b1c2-0123456789abcdef01234567', 'x-forwarded-for': '192.0.2.7', 'x-forwarded-port': '443',
  }
  const http = { method, path: rawPath, protocol: 'HTTP/1.1', sourceIp: '192.0.2.7', userAgent: 'client/1.0' }
  const requestContext = { accountId: 'anonymous', domainName: headers.host, http, stage: '$default', requestId: '1' }
  return { version: '2.0', routeKey: '$default', rawPath, rawQueryString, headers, requestContext, isBase64Encoded: false, ...more }
}

const app = rest({ router: new Router() })
app.get('/hello', () => ({ hello: 'world' }))
app.use(mw.mwParseQuery)
app.get('/users/:id', (req) => ({ id: req.params.id, query: req.query }))
app.post('/echo', (req) => JSON.parse(String(req.body)))

const user = /^\/users\/([^/]+)$/

/** The same by hand. @param {any} event */
async function bare(event) {
  const { rawPath, rawQueryString, requestContext: { http: { method } } } = event
  let body
  if (method === 'GET' && rawPath === '/hello') body = { hello: 'world' }
  else if (method === 'GET' && user.test(rawPath)) {
    body = { id: decodeURIComponent(user.exec(rawPath)?.[1] ?? ''), query: Object.fromEntries(new URLSearchParams(rawQueryString)) }
  } else if (method === 'POST' && rawPath === '/echo') {
    body = JSON.parse(event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString() : event.body)
  } else return { statusCode: 404, headers: {}, body: '' }
  const text = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }
  return { statusCode: 200, headers, body: text, isBase64Encoded: false }
}

const item = { name: 'lamp', rooms: ['attic', 'kitchen'], on: true, value: 40, text: 'x'.repeat(500) }
const posted = { method: 'POST', body: JSON.stringify(item) }
const encoded = { method: 'POST', body: Buffer.from(JSON.stringify(item)).toString('base64'), isBase64Encoded: true }
/** @type {[what: string, event: object][]} */
const WORK = [
  ['GET, a fixed path', functionUrl('/hello')],
  ['GET, a parameter and a query', functionUrl('/users/caf%C3%A9', { rawQueryString: 'a=1&b=two&c=x%20y' })],
  ['POST, 600 bytes of JSON', functionUrl('/echo', posted)],
  ['POST, the same in base64', functionUrl('/echo', encoded)],
]

const context = { getRemainingTimeInMillis: () => 3000 }

/** CPU time for one event, in microseconds. @param {Function} handler @param {object} event */
async function measure(handler, event) {
  const start = process.cpuUsage()
  for (let ix = 0; ix < EVENTS; ix++) await handler(event, context)
  const { user, system } = process.cpuUsage(start)
  return (user + system) / EVENTS
}

const handler = toLambda(app)
console.log(`node ${process.version}, ${rounds} rounds of ${EVENTS} events, CPU time for one event`)
for (const [what, event] of WORK) {
  assert.deepEqual(await handler(event, context), await bare(event))
  const least = [Infinity, Infinity]
  for (let round = 0; round < rounds; round++) {
    for (const [ix, one] of [bare, handler].entries()) least[ix] = Math.min(least[ix] ?? 0, await measure(one, event))
  }
  const [byHand = 0, ours = 0] = least
  console.log(`${what.padEnd(30)} by hand ${byHand.toFixed(2)} us, microrest ${ours.toFixed(2)} us: ${(ours / byHand).toFixed(2)} times`)
}
