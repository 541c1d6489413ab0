// The API of a small house: path parameters, queries, JSON bodies, errors, a log, and a page that shows it all.
//
// It knows no host. demo.js gives it to a server of Node; whatever else can run an app of microrest may take it as it is.

import rest, { HttpError, Router, mw, sendResponse } from '../dist/microrest.js'
import { renderPage } from './page.js'

/** @typedef {{ id: string, kind: string, room: string, value: number }} Device */

const MAX_DEVICES = 100

/** What a device can be, and from where to where it can be set. @type {Map<unknown, [low: number, high: number]>} */
const RANGES = new Map([['thermostat', [5, 30]], ['lamp', [0, 100]], ['blind', [0, 100]]])

/** @type {Map<string, Device>} */
const devices = new Map()
let lastId = 0

// ------------------------------------------------------------------------------------------------------ what it does

/** @param {{ kind?: unknown, room?: unknown, value?: unknown }} wanted */
function addDevice({ kind, room, value }) {
  if (typeof kind != 'string' || !RANGES.has(kind)) throw new HttpError(400, 'kind must be one of ' + [...RANGES.keys()].join(', '))
  if (typeof room != 'string' || !/^.{1,40}$/.test(room)) throw new HttpError(400, 'room must be a text of 1 to 40 characters')
  if (devices.size >= MAX_DEVICES) throw new HttpError(409, 'no room for more than ' + MAX_DEVICES + ' devices')
  const device = { id: String(lastId + 1), kind, room, value: checkValue(kind, value) }
  devices.set(device.id, device)
  lastId++
  return device
}

/** @param {string} id */
function findDevice(id) {
  const device = devices.get(id)
  if (!device) throw new HttpError(404, 'no device ' + id)
  return device
}

/**
 * @param {string} kind
 * @param {unknown} value
 */
function checkValue(kind, value) {
  const [low, high] = RANGES.get(kind) ?? [0, 0]
  if (typeof value == 'number' && value >= low && value <= high) return value
  throw new HttpError(400, 'value must be a number from ' + low + ' to ' + high)
}

/** The JSON object in a body: Node's hosts give bytes, others a string. @param {{ body: unknown }} req */
function jsonOf(req) {
  let json
  try {
    json = JSON.parse(String(req.body))
  } catch { /* Answered below. */ }
  if (!json || typeof json != 'object') throw new HttpError(400, 'the body must be a JSON object')
  return json
}

addDevice({ kind: 'thermostat', room: 'kitchen', value: 21 })
addDevice({ kind: 'lamp', room: 'kitchen', value: 80 })
addDevice({ kind: 'blind', room: 'bedroom', value: 35 })

// ----------------------------------------------------------------------------------------------------------- the app

const router = new Router({ methodNotAllowed: true, bodySizeLimit: 10_000 })

export const app = rest({ router })

/** When each request came in. @type {WeakMap<object, number>} */
const started = new WeakMap()

app.use('pre', (req, _res, next) => {
  started.set(req, Date.now())
  next()
})

app.use(mw.mwParseQuery)

app.get('/', (req, res, next) => {
  const page = renderPage(router.routes(), [...devices.values()])
  sendResponse(req, res, next, null, 200, page, { 'content-type': 'text/html; charset=utf-8' })
})

app.get('/devices', ({ query: { room } }) => [...devices.values()].filter((device) => room === undefined || device.room === room))

app.get('/devices/:id', (req) => findDevice(req.params.id))

app.post('/devices', (req, res, next) => {
  const device = addDevice(jsonOf(req))
  sendResponse(req, res, next, null, 201, device, { location: '/devices/' + device.id })
})

app.patch('/devices/:id', (req) => {
  const device = findDevice(req.params.id)
  device.value = checkValue(device.kind, jsonOf(req).value)
  return device
})

app.delete('/devices/:id', (req, res, next) => {
  devices.delete(findDevice(req.params.id).id)
  sendResponse(req, res, next, null, 204)
})

// Errors that were made for a client are answered in this API's own form.
app.use('err', (err, req, res, next) => {
  const { statusCode, debug, headers } = /** @type {import('../dist/microrest.js').HttpErrorLike} */ (err)
  // What nobody foresaw is left to microrest: a bare 500 for the client, the error for the console.
  if (!(statusCode < 500)) return next(err)
  sendResponse(req, res, next, null, statusCode, { status: statusCode, problem: debug }, headers)
})

app.use('post', (req, res, next) => {
  const ms = Date.now() - (started.get(req) ?? 0)
  console.log(req.method + ' ' + req.url + ' ' + res.statusCode + ' ' + ms + ' ms')
  next()
})
