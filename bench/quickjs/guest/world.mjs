// What all contenders in QuickJS have in common: the routes of a small device, what each answers, and requests and responses that are
// cut down to what a router or a framework looks at. Runs in the engine.

/**
 * @typedef {{ [name: string]: string | undefined }} Params
 * @typedef {{ method: string, path: string, answer: (params: Params) => string }} Route
 * @typedef {(method: string, path: string) => unknown} Dispatch gives the text that was answered, or a promise of it
 */

/** @type {Route[]} */
export const ROUTES = [
  'GET /', 'GET /status', 'GET /time', 'GET /sensors', 'GET /sensors/:id', 'PUT /sensors/:id', 'GET /sensors/:id/history/:day',
  'GET /sensors/:id/alarms', 'POST /sensors/:id/alarms', 'DELETE /sensors/:id/alarms/:alarm', 'GET /leds', 'GET /leds/:id',
  'PUT /leds/:id', 'POST /leds/:id/blink', 'GET /relays', 'GET /relays/:id', 'PUT /relays/:id', 'GET /config', 'GET /config/:section',
  'GET /config/:section/:key', 'PUT /config/:section/:key', 'DELETE /config/:section/:key', 'GET /log', 'POST /log', 'GET /network',
  'PUT /network', 'POST /login', 'GET /update', 'POST /update', 'GET /rooms/:room/devices/:device/values/:value',
].map(toRoute)

/** Requests, with a number in place of #, and their answers: one of each kind that a device gets, and how far its routes reach. */
export const REQUESTS = [
  ['GET', '/', '0'],
  ['GET', '/status', '1'],
  ['GET', '/network', '24'],
  ['GET', '/sensors/s#', '4 s#'],
  ['PUT', '/sensors/s#', '5 s#'],
  ['GET', '/sensors/s#/history/d#', '6 s# d#'],
  ['POST', '/leds/l#/blink', '13 l#'],
  ['GET', '/relays/r#', '15 r#'],
  ['DELETE', '/config/c#/k#', '21 c# k#'],
  ['GET', '/rooms/r#/devices/d#/values/v#', '29 r# d# v#'],
]

/** What answers the text of a route: its number, and what its parameters are. @param {string} route @param {number} ix @returns {Route} */
function toRoute(route, ix) {
  const [method = '', path = ''] = route.split(' ')
  const [a, b, c] = path.split('/').filter((part) => part[0] === ':').map((part) => part.slice(1))
  /** @type {Route['answer'][]} */
  const answers = [
    () => String(ix),
    (params) => ix + ' ' + params[a ?? ''],
    (params) => ix + ' ' + params[a ?? ''] + ' ' + params[b ?? ''],
    (params) => ix + ' ' + params[a ?? ''] + ' ' + params[b ?? ''] + ' ' + params[c ?? ''],
  ]
  return { method, path, answer: /** @type {Route['answer']} */ (answers[path.split(':').length - 1]) }
}

/** A request of node's kind. */
export class Req {
  headers = {}
  /** @type {any} */
  params = undefined
  body = ''
  baseUrl = undefined
  originalUrl = undefined

  /** @param {string} method @param {string} url */
  constructor(method, url) {
    this.method = method
    this.url = url
  }

  on() {}
}

/** A response of node's kind. */
export class Res {
  statusCode = 200
  headersSent = false
  writableEnded = false
  /** @type {string | undefined} */
  text = undefined

  on() {}
  setHeader() {}
  getHeader() {}
  writeHead() {}

  /** @param {string} text */
  end(text) {
    this.headersSent = this.writableEnded = true
    this.text = text
  }
}

/** The handler of a route, for listeners of node's kind. @param {Route} route */
export const handlerOf = ({ answer }) => (/** @type {Req} */ req, /** @type {Res} */ res) => res.end(answer(req.params))

/** A step that goes on. @param {Req} _req @param {Res} _res @param {() => void} next */
export const goOn = (_req, _res, next) => next()

/** How many steps have been called, while a contender is being checked. */
export const called = { steps: 0 }

/** So many of a step. @template {(...args: any[]) => unknown} Step @param {number} count @param {Step} step */
export function steps(count, step) {
  const noting = (/** @type {any[]} */ ...args) => {
    called.steps++
    return step(...args)
  }
  // (Some tell by its length what a function is.)
  Object.defineProperty(noting, 'length', { value: step.length })
  return Array.from({ length: count }, () => (globalThis.JOB.task === 'check' ? noting : step))
}

/**
 * A dispatch by a listener of node's kind.
 *
 * @param {(req: any, res: any, next: (err?: unknown) => void) => void} listener
 * @returns {Dispatch}
 */
export const byListener = (listener) => (method, url) => {
  const res = new Res()
  listener(new Req(method, url), res, rethrow)
  return res.text
}

/**
 * The same for a listener that may answer in a later turn.
 *
 * @param {(req: any, res: any, next: (err?: unknown) => void) => void} listener
 * @returns {Dispatch}
 */
export const byLateListener = (listener) => (method, url) => new Promise((resolve, reject) => {
  const res = new Res()
  res.end = resolve
  listener(new Req(method, url), res, (err) => (err ? reject(err) : resolve(undefined)))
})

/** @param {unknown} [err] */
function rethrow(err) {
  if (err) throw err
}
