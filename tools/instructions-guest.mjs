// The program whose instructions instructions.mjs counts. It is handed to the engine as text, so it refers to nothing outside.

/** @param {string} only what is in the names of the operations that are counted */
export function guest(only) {
  /** @typedef {{ count(name: string, f: (n: number) => void, n: number): void, keepGarbage(): void }} World see quickjs-native/host.c */
  const world = /** @type {World} */ (/** @type {unknown} */ (globalThis))
  const { microrest } = /** @type {{ microrest: typeof import('../microrest.ts') & typeof import('../hosts/embed.ts') }} */ (
    /** @type {unknown} */ (globalThis))
  const { NanoRouter, Router, handle, mw } = microrest
  const rest = /** @type {typeof import('../microrest.ts').default} */ (/** @type {unknown} */ (microrest))

  /** How often an operation is done at a stretch, and how many such rounds are counted. */
  const TIMES = 30
  const ROUNDS = 5

  // A collection falls into one operation or another, by chance. Whether requests leave any garbage is seen by quickjs-memory.mjs.
  world.keepGarbage()

  /** A string of its own, as from the wire: neither a slice of another one nor a name that the engine knows. @param {string} text */
  const fresh = (text) => String.fromCharCode.apply(null, text.split('').map((char) => char.charCodeAt(0)))

  /** Copies of texts, with the number of the copy in place of each #. @param {string[]} texts @param {number} n */
  const copy = (texts, n) => Array.from({ length: n }, (_, ix) => texts.map((text) => fresh(text.replace(/#/g, String(ix)))))

  /**
   * Look at the answer of an operation, then have it counted.
   *
   * @param {string} name
   * @param {string[]} texts what is handed to it: copies of these, new for each time
   * @param {(...texts: any[]) => unknown} operate
   * @param {unknown} expected what it gives for the copy with the number 0
   */
  function measure(name, texts, operate, expected) {
    if (!name.includes(only)) return
    const answer = JSON.stringify(operate(...copy(texts, 1)[0] ?? []))
    if (answer !== JSON.stringify(expected)) throw new Error(`${name}: ${answer}, and not ${JSON.stringify(expected)}`)
    for (let round = 0; round < ROUNDS; round++) {
      const all = copy(texts, TIMES)
      world.count(`${name} / ${TIMES}`, (times) => {
        for (let ix = 0; ix < times; ix++) operate(all[ix]?.[0], all[ix]?.[1])
      }, TIMES)
    }
  }

  /** The routes of a small device. */
  const ROUTES = [
    'GET /', 'GET /status', 'GET /time', 'GET /sensors', 'GET /sensors/:id', 'PUT /sensors/:id', 'GET /sensors/:id/history/:day',
    'GET /sensors/:id/alarms', 'POST /sensors/:id/alarms', 'DELETE /sensors/:id/alarms/:alarm', 'GET /leds', 'GET /leds/:id',
    'PUT /leds/:id', 'POST /leds/:id/blink', 'GET /relays', 'GET /relays/:id', 'PUT /relays/:id', 'GET /config',
    'GET /config/:section', 'GET /config/:section/:key', 'PUT /config/:section/:key', 'DELETE /config/:section/:key',
    'GET /files/:*path', 'GET /log', 'POST /log', 'GET /network', 'PUT /network', 'POST /login', 'GET /update',
    'GET /rooms/:room/devices/:device/values/:value',
  ]

  /** @typedef {import('../microrest.ts').Step} Step */

  /** @type {Step} */
  const goOn = (_req, _res, next) => next()
  /** @type {Step} */
  const answerId = (req, res) => res.end(req.params.id)

  /** @param {Step[]} steps */
  function buildRouter(steps) {
    const router = new Router()
    for (const route of ROUTES) {
      const [method = '', path = ''] = route.split(' ')
      router.setRoute(path, method, steps)
    }
    return router
  }

  // ------------------------------------------------------------------------------------------------------------- look-ups

  const table = buildRouter([answerId])

  /** The parameters of what is found; of a path without any, how many steps it has. @param {string} path */
  function lookUp(path) {
    const found = table.getRoute(path, 'GET')
    return found && ('params' in found ? found.params : found.length)
  }

  measure('look-up: a path without parameters', ['/network'], lookUp, 1)
  measure('look-up: one parameter', ['/sensors/s#'], lookUp, { id: 's0' })
  measure('look-up: three parameters', ['/rooms/r#/devices/d#/values/v#'], lookUp, { room: 'r0', device: 'd0', value: 'v0' })
  measure('look-up: a tail', ['/files/a/b/c#.txt'], lookUp, { path: '/a/b/c0.txt' })
  measure('look-up: an escape', ['/sensors/a%20b#'], lookUp, { id: 'a b0' })
  measure('look-up: a query behind the path', ['/sensors/s#?unit=C'], lookUp, { id: 's0' })
  measure('look-up: nothing found', ['/nowhere/at/all#'], lookUp, null)
  measure('30 routes defined, and the first look-up', ['/sensors/s#'], (path) => !!buildRouter([answerId]).getRoute(path, 'GET'), true)

  // ----------------------------------------------------------------------------------------------------------- dispatches

  // The least that the core takes for a request and for a response.

  class LightReq {
    headers = {}
    params = undefined
    body = ''

    /** @param {string} method @param {string} url */
    constructor(method, url) {
      this.method = method
      this.url = url
    }

    on() {}
  }

  class LightRes {
    statusCode = 200
    headersSent = false
    text = ''

    /** @param {string} text */
    end(text) {
      this.headersSent = true
      this.text = text
    }

    on() {}
  }

  /** @param {(req: any, res: any) => void} run */
  const dispatchBy = (run) => (/** @type {string} */ method, /** @type {string} */ url) => {
    const res = new LightRes()
    run(new LightReq(method, url), res)
    return res.text
  }

  /** @param {unknown} err */
  const rethrow = (err) => {
    if (err) throw err
  }

  for (const steps of [0, 1, 5, 20]) {
    const router = buildRouter([...Array.from({ length: steps }, () => goOn), answerId])
    const run = dispatchBy((req, res) => router.runRoute(undefined, req, res, rethrow))
    measure(`Router: an answer behind ${steps} ${steps === 1 ? 'step' : 'steps'}`, ['GET', '/sensors/s#'], run, 's0')
  }

  const nano = rest({ router: new NanoRouter() })
  nano.all('/sensors', (req, res) => res.end(req.url))
  measure('NanoRouter: an answer', ['GET', '/sensors/s#'], dispatchBy(nano), '/sensors/s0')

  const app = rest({ router: new Router() })
  app.use('pre', mw.mwParseQuery)
  app.use(goOn)
  app.use('post', goOn)
  app.get('/status', () => 'fine')
  app.get('/sensors/:id', (req) => ({ id: req.params.id, unit: req.query.unit }))
  app.put('/leds/:id', (req) => JSON.parse(String(req.body)))

  /** @param {string} method @param {string} url @param {string} [body] */
  function embed(method, url, body) {
    /** @type {unknown} */
    let answer
    const headers = ['Host', 'device.local', 'Accept', '*/*', 'Content-Type', 'application/json']
    handle(app, { method, url, headers, body }, (status, _headers, text) => { answer = [status, text] })
    return answer
  }

  const missing = '{"error":"404","message":"404 Not Found","debug":"GET /nowhere/0: path not routed"}'
  measure('embed: a text', ['GET', '/status'], embed, [200, 'fine'])
  measure('embed: a parameter, a query and JSON', ['GET', '/sensors/s#?unit=C'], embed, [200, '{"id":"s0","unit":"C"}'])
  measure('embed: a body of JSON, and back', ['PUT', '/leds/#'], (method, url) => embed(method, url, '{"on":true}'), [200, '{"on":true}'])
  measure('embed: nothing found', ['GET', '/nowhere/#'], embed, [404, missing])
}
