// The program that quickjs-memory.mjs measures, and its requests. It is handed to the engine as text, so it refers to nothing outside.

/** What `ask` can be told to ask for, and the status that is answered where there is a Router; 0 for no answer. */
export const KINDS = {
  'a hit': 200,
  'a hit with parameters and a query': 200,
  'a hit with an escaped tail': 200,
  'HEAD': 200,
  'a text and a header': 201,
  'a body of JSON': 200,
  'a body of bytes': 200,
  'a body in pieces': 200,
  'a body in pieces, left unread': 202,
  'a body that is too long': 400,
  'a body too long in pieces': 400,
  'an async step': 200,
  'an async step that fails': 409,
  'a timer': 200,
  'a promise that waits for a timer': 200,
  'a stream': 200,
  'an answer at once': 200,
  'a miss': 404,
  'a wrong method': 405,
  'a malformed escape': 400,
  'an HttpError': 409,
  'a mistake': 500,
  'an error dealt with': 203,
  'a step that calls next twice': 204,
  'many steps': 200,
  'a mounted app': 200,
  'an answer cut off': 206,
  'a client that leaves a body': 0,
  'a client that leaves a step': 0,
  'a client that leaves a stream': 200,
  'a step that never goes on': 0,
}

export function guest() {
  const world = /** @type {{ [name: string]: unknown }} */ (/** @type {unknown} */ (globalThis))
  const { microrest } = /** @type {{ microrest: typeof import('../microrest.ts') & typeof import('../hosts/embed.ts') }} */ (
    /** @type {unknown} */ (globalThis))
  const { HttpError, Router, handle, mw, sendResponse } = microrest
  const rest = /** @type {typeof import('../microrest.ts').default} */ (/** @type {unknown} */ (microrest))

  world.console = { warn() {} }

  // ----------------------------------------------------------------------------------------------------- the clock

  /** @type {(() => void)[]} */
  let timers = []
  /** @param {() => void} f */
  const setTimeout = (f) => void timers.push(f)
  world.turn = () => {
    const due = timers
    timers = []
    for (const f of due) f()
    return due.length > 0
  }

  // ------------------------------------------------------------------------------------------------------- the app

  /** The app, by either router: what the NanoRouter does not have is left out. */
  function buildApp() {
    const app = rest(Router ? { router: new Router({ methodNotAllowed: true, bodySizeLimit: 64 }) } : { bodySizeLimit: 64 })
    if (Router) app.use('pre', mw.mwParseQuery)
    app.use((_req, _res, next) => next())
    app.use('err', (err, _req, res, next) => {
      if (/** @type {{ debug?: unknown }} */ (err).debug !== 'known') return next(err)
      res.statusCode = 203
      res.end('dealt with')
      next()
    })
    app.use('post', (_req, _res, next) => next())

    app.all('/plain', () => 'plain')
    app.all('/text', (req, res, next) => sendResponse(req, res, next, null, 201, 'text', { 'x-id': '7' }))
    app.all('/json', (req) => JSON.parse(String(req.body)))
    app.all('/bytes', (req) => req.body)
    app.all('/async', async () => ({ later: await 'yes' }))
    app.all('/fails', async () => { throw await new HttpError(409) })
    app.all('/timer', (_req, res, next) => setTimeout(() => {
      res.end('later')
      next()
    }))
    app.all('/wait', async () => {
      await /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve)))
      return 'waited'
    })
    app.all('/stream', (_req, res, next) => {
      res.writeHead(200, { 'content-type': 'text/plain' })
      res.on('drain', () => {
        res.end('end')
        next()
      })
      res.write('begin')
    })
    app.all('/error', () => { throw new HttpError(409, 'taken') })
    app.all('/known', () => { throw new HttpError(409, 'known') })
    app.all('/mistake', () => { throw new TypeError('secret') })
    app.all('/twice', (_req, res, next) => {
      res.writeHead(204)
      res.end()
      next()
      next()
    })
    app.all('/cut', (_req, res, next) => {
      res.statusCode = 206
      res.write('part')
      next(new Error('cut off'))
    })
    app.all('/never', (_req, _res, _next) => {})
    app.use('/mount', rest(() => 'mounted'))
    if (Router) {
      app.all('/users/:id/posts/:post', (req) => req.params.id)
      app.all('/files/:*path', (req) => req.params.path)
      app.post('/post', () => 'posted')
      /** @type {import('../microrest.ts').Step} */
      const goOn = (_req, _res, next) => next()
      app.get('/many', Array(30).fill(goOn), () => 'many')
      /** @type {import('../microrest.ts').Step} */
      const unread = (_req, res, next) => {
        res.statusCode = 202
        res.end('unread')
        next()
      }
      unread.readBody = false
      app.all('/unread', unread)
    }
    return app
  }
  const app = buildApp()

  // -------------------------------------------------------------------------------------------------- the requests

  /** What a client of a device sends, more or less. */
  const HEADERS = ['Host', 'device.test', 'Accept', '*/*']
  const CHUNKED = [...HEADERS, 'Transfer-Encoding', 'chunked']

  let status = 0
  /** The status of the last answer. */
  world.status = () => status

  /** A host that throws away what it is given, and whose buffer is always full. */
  const reply = {
    /** @param {number} sent */
    head(sent) { status = sent },
    write: () => false,
    end() {},
    abort() {},
  }

  /** @param {string} url @param {string} [method] @param {string | Uint8Array} [body] */
  const ask = (url, method = 'GET', body) => handle(app, { method, url, headers: HEADERS, body }, reply)

  /** @param {string} url @param {readonly (string | Uint8Array)[]} pieces */
  const feed = (url, ...pieces) => {
    const input = handle(app, { method: 'POST', url, headers: CHUNKED }, reply)
    for (const piece of pieces) input.data(piece)
    return input
  }

  /** @type {{ [kind: string]: () => unknown }} */
  const kinds = {
    'a hit': () => ask('/plain'),
    'a hit with parameters and a query': () => ask('/users/7/posts/42?full&a=1&a=2'),
    'a hit with an escaped tail': () => ask('/files/a/b%20c/%C3%A9'),
    'HEAD': () => ask('/plain', 'HEAD'),
    'a text and a header': () => ask('/text'),
    'a body of JSON': () => ask('/json', 'POST', '{"on":[true,null,1.5]}'),
    'a body of bytes': () => ask('/bytes', 'POST', new Uint8Array(8)),
    'a body in pieces': () => feed('/json', '{"on"', ':t', 'rue}').end(),
    'a body in pieces, left unread': () => feed('/unread', 'one', new Uint8Array(8)).end(),
    'a body that is too long': () => ask('/json', 'POST', 'x'.repeat(65)),
    'a body too long in pieces': () => feed('/json', 'x'.repeat(60), 'y'.repeat(60), 'z'.repeat(60)).end(),
    'an async step': () => ask('/async'),
    'an async step that fails': () => ask('/fails'),
    'a timer': () => ask('/timer'),
    'a promise that waits for a timer': () => ask('/wait'),
    'a stream': () => ask('/stream').drain(),
    'an answer at once': () => handle(app, { method: 'GET', url: '/json', headers: HEADERS, body: '[1]' }, reply.head),
    'a miss': () => ask('/nowhere/at/all'),
    'a wrong method': () => ask('/post', 'PUT'),
    'a malformed escape': () => ask('/%zz'),
    'an HttpError': () => ask('/error'),
    'a mistake': () => ask('/mistake'),
    'an error dealt with': () => ask('/known'),
    'a step that calls next twice': () => ask('/twice'),
    'many steps': () => ask('/many'),
    'a mounted app': () => ask('/mount/inner'),
    'an answer cut off': () => ask('/cut'),
    'a client that leaves a body': () => feed('/json', '{"half"').abort(),
    'a client that leaves a step': () => ask('/wait').abort(),
    'a client that leaves a stream': () => ask('/stream').abort(),
    'a step that never goes on': () => ask('/never').abort(),
    // No request: for the tests, what no request may leave behind.
    'a cycle'() {
      /** @type {{ self?: unknown }} */
      const cycle = {}
      cycle.self = cycle
    },
  }
  world.ask = (/** @type {string} */ kind) => {
    const make = kinds[kind]
    if (!make) throw new Error('no such kind: ' + kind)
    status = 0
    make()
  }

  // ---------------------------------------------------------------------------------------- routes, and the parked

  const small = rest(Router ? { router: new Router() } : {})
  let routes = 0
  const ok = () => 'ok'
  /** Define routes as an API has them, and look one up, so that all tables are made. @param {number} count */
  world.addRoutes = (count) => {
    for (let ix = 0; ix < count; ix++, routes++) {
      const path = '/api/thing' + (routes / 3 | 0)
      if (!Router) small.all(path + (routes % 3 ? '/part' + routes % 3 : ''), ok)
      else if (routes % 3 === 0) small.get(path, ok)
      else if (routes % 3 === 1) small.get(path + '/:id', ok)
      else small.post(path, ok)
    }
    handle(small, { method: 'GET', url: '/api/thing0' }, reply)
  }

  /** Slots for what is kept, made beforehand. @type {((err?: unknown) => void)[]} */
  const parked = new Array(200).fill(undefined)
  const inputs = new Array(200).fill(undefined)
  /** @type {unknown[]} */
  const held = new Array(400).fill(undefined)
  let count = 0
  const waiting = rest(Router ? { router: new Router() } : {})
  waiting.all('/step', (_req, _res, next) => { parked[count] = next })
  waiting.all('/async', async (_req, _res, next) => {
    await new Promise((resolve) => { parked[count] = resolve })
    next(false)
  })
  /** @type {{ [how: string]: import('../hosts/embed.ts').EmbedApp }} */
  const ways = {
    step: waiting,
    async: waiting,
    alone(req, res) {
      held[2 * count] = req
      held[2 * count + 1] = res
    },
  }
  const requests = Object.keys(ways).map((how) => ({ method: 'GET', url: '/' + how, headers: HEADERS }))
  /**
   * Have requests wait: for the `next` of a step, for a promise of a step, or in no app at all.
   *
   * @param {string} how
   * @param {number} more
   */
  world.park = (how, more) => {
    const app = /** @type {import('../hosts/embed.ts').EmbedApp} */ (ways[how])
    const request = /** @type {import('../hosts/embed.ts').EmbedRequest} */ (requests.find(({ url }) => url === '/' + how))
    for (let ix = 0; ix < more; ix++, count++) inputs[count] = handle(app, request, reply)
  }
  world.unpark = () => {
    for (let ix = 0; ix < count; ix++) parked[ix]?.(false)
    for (let ix = 0; ix < count; ix++) inputs[ix].abort()
    for (const slots of [parked, inputs, held]) slots.fill(/** @type {never} */ (undefined))
    count = 0
  }

  // ----------------------------------------------------------------------------------------------- the collections

  /** @type {{ self?: unknown }} */
  const cycle = {}
  cycle.self = cycle
  const canary = new WeakRef(cycle)
  /** True when a collection has run: nothing else frees what refers to itself. */
  world.hasCollected = () => canary.deref() === undefined
}
