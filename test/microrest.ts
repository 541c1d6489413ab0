// The app: rest() and its methods, the class Rest, createServer, and the NanoRouter. What needs bytes on a wire is in http.ts, what is
// mounted in mount.ts, and what every router does with steps and paths in router.ts.

import { lookup } from 'node:dns'
import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type {
  App, HostReq, HostRes, NanoRouter as NanoRouterType, Next, Req, Rest as RestType, RestLike, Router as RouterType, Server, ServerInfo,
  ServerOptions, Step,
} from '../microrest.ts'
import { FakeReq, FakeRes, call, textOf } from './fixtures/call.ts'
import { HttpError, NanoRouter, Rest, Router, core, createHandler, createServer, mw, onNode, readBody, reportError, rest, sendResponse, times } from './fixtures/core.ts'
import { Wire, raw, serve } from './fixtures/server.ts'
import { catchWarnings } from './fixtures/warnings.ts'

const ok: Step = (_req, res) => { res.end('ok') }
const pass: Step = (_req, _res, next) => { next() }

/** Let every callback run that is due now, and those that they bring about. */
async function turns(count = 3): Promise<void> {
  for (let ix = 0; ix < count; ix++) await new Promise((resolve) => setImmediate(resolve))
}

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

/** A router of somebody else: it notes what it is told, and does what it is given to do. */
class Recorder {
  calls: unknown[][] = []
  run: (rest: RestLike, req: HostReq, res: HostRes, callback: (err?: unknown) => void) => void = (_rest, _req, res) => { res.end('recorded') }

  setRoute(...args: unknown[]): void {
    this.calls.push(args)
  }

  runRoute(rest: RestLike, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void {
    this.run(rest, req, res, callback)
  }
}

/** An app on a Recorder, and the Recorder. */
function recorded(): { app: App; router: Recorder } {
  const router = new Recorder()
  return { app: rest({ router }), router }
}

// ------------------------------------------------------------------------------------------------------------- rest()

t.test('rest is createHandler and carries the rest of the interface', async t => {
  t.equal(rest.createHandler, rest)
  t.equal(createHandler, rest)
  t.equal(rest.createServer, createServer)
  t.equal(rest.Rest, Rest)
  t.equal(rest.NanoRouter, NanoRouter)
  t.equal(rest.Rest.NanoRouter, NanoRouter)
  t.equal(rest.HttpError, HttpError)
  t.equal(rest.readBody, readBody)
  t.equal(rest.Rest.readBody, readBody)
  t.equal(readBody, mw.mwReadBody)
  t.equal(rest.sendResponse, sendResponse)
  t.equal(rest.sendResponse, mw.sendResponse)
  t.equal(rest.reportError, reportError)
  t.equal(core.Router, Router)
})

t.test('the app is the onRequest of its Rest, a function of three parameters', async t => {
  const app = rest()
  t.type(app.rest, Rest)
  t.equal(app.rest.onRequest, app)
  t.equal(app.length, 3)
})

t.test('a Rest has the helpers that the manual lists', async t => {
  const instance = new Rest()
  t.equal(instance.HttpError, HttpError)
  t.equal(instance.sendResponse, sendResponse)
  t.type(instance.readBody, 'function')
  t.type(instance.onError, 'function')
})

t.test('options of a Rest are its properties', async t => {
  const router = new Recorder()
  const processRequest: Step = ok
  const onError = () => {}
  t.match(new Rest({ router, processRequest, onError }), { router, processRequest, onError })
})

t.test('rest(fn) has fn process every request', async t => {
  const answer = await call(rest((req, res) => { res.end(req.method + ' ' + req.url) }), 'PUT', '/any/path')
  t.match(answer, { statusCode: 200, body: 'PUT /any/path' })
})

t.test('rest(fn, onError) has onError handle what fn throws', async t => {
  const app = rest(() => { throw new Error('boom') }, (err, _req, res) => {
    res.statusCode = 503
    res.end(String(err))
  })
  t.match(await call(app, 'GET', '/'), { statusCode: 503, body: 'Error: boom' })
})

t.test('rest({ processRequest, onError }) is the same', async t => {
  const app = rest({
    processRequest: () => { throw new Error('boom') },
    onError: (err, _req, res) => { res.end(String(err)) },
  })
  t.match(await call(app, 'GET', '/'), { body: 'Error: boom' })
})

t.test('a processRequest or onError that is no function throws at once, with the value', async t => {
  const values = ['soon', 7, {}, true]
  for (const value of values) {
    t.throws(() => new Rest({ processRequest: wrong(value) }), { message: new RegExp('processRequest.*' + String(value).replace(/[[\]]/g, '\\$&')) })
    t.throws(() => new Rest({ onError: wrong(value) }), { message: new RegExp('onError.*' + String(value).replace(/[[\]]/g, '\\$&')) })
    t.throws(() => rest({ onError: wrong(value) }))
    t.throws(() => rest(ok, wrong(value)))
    t.throws(() => createServer({ processRequest: wrong(value) }))
  }
})

t.test('a bodySizeLimit that is no number of bytes throws at once, with the value', async t => {
  for (const value of [-1, NaN, '1mb', null]) {
    t.throws(() => rest({ bodySizeLimit: wrong(value) }), { message: new RegExp('bodySizeLimit.*' + value) })
  }
})

t.test('an app without a router or a processRequest says so to onError', async t => {
  const app = rest()
  const seen: unknown[] = []
  app.onError = (err, _req, res) => {
    seen.push(err)
    res.end()
  }
  await call(app, 'GET', '/')
  t.match(seen, [{ message: /no router or processRequest/ }])
  t.type(seen[0], Error)
})

t.test('an app without a router or a processRequest answers 500', async t => {
  const warnings = catchWarnings(t)
  t.match(await call(rest(), 'GET', '/'), { statusCode: 500 })
  t.match(warnings, [/no router or processRequest/])
})

// ------------------------------------------------------------------------------------------------------- app methods

t.test('app methods', async t => {
  const methods = ['options', 'get', 'head', 'post', 'put', 'delete', 'trace', 'connect', 'patch'] as const

  for (const method of methods) {
    t.test(`app.${method} sets a route for its method, bears its name and returns the app`, async t => {
      const { app, router } = recorded()
      t.equal(app[method]('/path', ok), app)
      t.strictSame(router.calls, [['/path', method.toUpperCase(), [ok]]])
      t.equal(app[method].name, method)
    })
  }

  t.test('app.del is app.delete itself', async t => {
    const { app, router } = recorded()
    t.equal(app.del, app.delete)
    app.del('/path', ok)
    t.strictSame(router.calls, [['/path', 'DELETE', [ok]]])
  })

  t.test('app.all is for any method', async t => {
    const { app, router } = recorded()
    t.equal(app.all('/path', ok), app)
    t.strictSame(router.calls, [['/path', '_ANY_', [ok]]])
    t.equal(app.all.name, 'all')
  })

  t.test('steps come as one, as several, as lists, and as all of these; the router gets one flat list', async t => {
    const { app, router } = recorded()
    app.get('/a', ok)
    app.get('/b', [ok])
    app.get('/c', pass, ok)
    app.get('/d', [pass, ok])
    app.get('/e', pass, [pass, ok])
    app.get('/f', [pass], [pass], ok)
    t.strictSame(router.calls, [
      ['/a', 'GET', [ok]],
      ['/b', 'GET', [ok]],
      ['/c', 'GET', [pass, ok]],
      ['/d', 'GET', [pass, ok]],
      ['/e', 'GET', [pass, pass, ok]],
      ['/f', 'GET', [pass, pass, ok]],
    ])
  })

  t.test('the list that the router gets is its own: the caller may go on using his', async t => {
    const app = rest({ router: new Router() })
    const steps = [pass, ok]
    app.get('/', steps)
    steps.length = 0
    t.match(await call(app, 'GET', '/'), { body: 'ok' })
  })

  t.test('no path at all throws', async t => {
    t.throws(() => rest().get([], ok), { message: /path is required/ })
  })

  t.test('several paths at once are several routes', async t => {
    const { app, router } = recorded()
    t.equal(app.get(['/', '/index', /^\/home/], pass, ok), app)
    t.strictSame(router.calls, [['/', 'GET', [pass, ok]], ['/index', 'GET', [pass, ok]], [/^\/home/, 'GET', [pass, ok]]])
  })

  t.test('several paths reach the same steps', async t => {
    for (const app of [rest(), rest({ router: new Router() })]) {
      app.get(['/one', '/two'], (req) => req.url)
      t.match(await call(app, 'GET', '/one'), { body: '/one' })
      t.match(await call(app, 'GET', '/two'), { body: '/two' })
    }
  })

  t.test('a route without a step, or with one that is no function, throws with the value', async t => {
    for (const app of [rest(), rest({ router: new Router() })]) {
      t.throws(() => app.get('/x'), { message: /undefined/ })
      t.throws(() => app.get('/x', []), { message: /undefined/ })
      t.throws(() => app.get('/x', wrong('handler')), { message: /handler/ })
      t.throws(() => app.get('/x', wrong(null)), { message: /null/ })
    }
  })
})

// ------------------------------------------------------------------------------------------------------------ app.use

t.test('app.use', async t => {
  const errStep = (_err: unknown, _req: Req, _res: HostRes, next: Next) => { next() }

  t.test('a step goes to the router as setRoute("use", fn), with two arguments', async t => {
    const { app, router } = recorded()
    t.equal(app.use(pass), app)
    t.strictSame(router.calls, [['use', pass]])
    t.equal(router.calls[0]!.length, 2)
    t.equal(router.calls[0]![1], pass)
  })

  t.test('a function of four parameters goes as setRoute("err", fn), with two arguments', async t => {
    const { app, router } = recorded()
    t.equal(app.use(errStep), app)
    t.equal(router.calls[0]!.length, 2)
    t.equal(router.calls[0]![0], 'err')
    t.equal(router.calls[0]![1], errStep)
  })

  t.test('several functions, and lists of them, are added one by one, each to its category', async t => {
    const { app, router } = recorded()
    app.use(pass, ok)
    app.use(wrong<Step>(errStep), [pass])
    t.strictSame(router.calls, [['use', pass], ['use', ok], ['err', errStep], ['use', pass]])
  })

  for (const category of ['pre', 'use', 'post'] as const) {
    t.test(`app.use('${category}', …) names the category`, async t => {
      const { app, router } = recorded()
      t.equal(app.use(category, pass), app)
      app.use(category, ok, [pass])
      t.strictSame(router.calls.map(([path]) => path), router.calls.map(() => category))
      t.strictSame(router.calls.map(([, steps]) => steps).flat(), [pass, ok, pass])
    })
  }

  t.test("app.use('err', …) takes functions of any length", async t => {
    const { app, router } = recorded()
    const short = () => 'sorry'
    t.equal(app.use('err', errStep, short), app)
    t.strictSame(router.calls.map(([path]) => path), router.calls.map(() => 'err'))
    t.strictSame(router.calls.map(([, steps]) => steps).flat(), [errStep, short])
  })

  t.test("a function of four parameters in a named category is a step of that category", async t => {
    const { app, router } = recorded()
    const four = (_req: Req, _res: HostRes, next: Next, _more?: unknown) => { next() }
    Object.defineProperty(four, 'length', { value: 4 })
    app.use('pre', four)
    t.equal(router.calls[0]![0], 'pre')
  })

  t.test('what is no step throws with the value', async t => {
    for (const app of [rest(), rest({ router: new Router() }), recorded().app]) {
      t.throws(() => app.use(wrong<Step>('nothing')), { message: /nothing/ })
      t.throws(() => app.use('/path', wrong<Step>(7)), { message: /7/ })
      t.throws(() => app.use(wrong<Step>(undefined)), { message: /undefined/ })
      t.throws(() => app.use(wrong<Step>({})), { message: /object/ })
      t.throws(() => app.use(wrong<Step>([])))
      t.throws(() => app.use(...wrong<Step[]>([])))
    }
  })

  for (const [name, make] of [['NanoRouter', () => rest()], ['Router', () => rest({ router: new Router() })]] as const) {
    t.test(name + ': a prefix makes a filter of a step, whatever the spelling', async t => {
      const guard: Step = (_req, _res, next) => { next(new HttpError(401)) }
      const table: [spelling: string, status: number, why: string][] = [
        ['/admin', 401, 'the prefix itself'],
        ['/admin/', 401, 'with a trailing slash'],
        ['/admin/x', 401, 'below it'],
        ['/admin?x=/', 401, 'with a query'],
        ['/%61dmin', 401, 'an escaped letter'],
        ['/%61%64%6D%69%6e/x', 401, 'all escaped'],
        ['http://host/admin/x', 401, 'absolute form'],
        ['HTTP://host/admin/x', 401, 'absolute form, in capitals'],
        ['/admin#x', 401, 'with a fragment'],
        ['/administrator', 200, 'another word'],
        ['/Admin', 200, 'another case is another path'],
        ['/admin%2Fx', 200, 'an escaped slash is part of its component'],
        ['/x/admin', 200, 'elsewhere in the path'],
      ]
      for (const [spelling, statusCode, why] of table) {
        const app = make()
        app.use('/admin', guard)
        // Everything is routed, so that only the guard decides.
        if (name === 'Router') app.all('/:*', ok)
        else app.all('/', ok)
        t.match(await call(app, 'GET', spelling), { statusCode }, spelling + ': ' + why)
      }
    })

    t.test(name + ': a prefix may be written without its first slash, and with a last one', async t => {
      for (const prefix of ['admin', 'admin/', '/admin/']) {
        const app = make().use(prefix, (_req, _res, next) => next(new HttpError(401)))
        app.all('/admin/x', ok).all('/other', ok)
        t.match(await call(app, 'GET', '/admin/x'), { statusCode: 401 }, prefix)
        t.match(await call(app, 'GET', '/other'), { statusCode: 200 }, prefix)
      }
    })

    t.test(name + ': an err step of a prefix is for errors below it only', async t => {
      const app = make().use('/api', wrong<Step>((_err: unknown, _req: Req, res: HostRes, next: Next) => {
        res.end('api')
        next()
      }))
      app.all('/api/x', () => { throw new HttpError(418) }).all('/x', () => { throw new HttpError(418) })
      t.match(await call(app, 'GET', '/api/x'), { body: 'api' })
      t.match(await call(app, 'GET', '/x'), { statusCode: 418, body: /"error":"418"/ })
    })

    t.test(name + ': a malformed escape is no cause for a warning, err step of a prefix or not', async t => {
      const warnings = catchWarnings(t)
      const app = make().use('/api', wrong<Step>((_err: unknown, _req: Req, _res: HostRes, next: Next) => { next() }))
      t.match(await call(app, 'GET', '/%zz'), { statusCode: 400 })
      t.strictSame(warnings, [])
    })

    t.test(name + ': a filter may be a short step', async t => {
      const app = make().use('/api', (req: Req) => ({ filtered: req.url }))
      app.all('/api/x', ok)
      t.strictSame((await call(app, 'GET', '/api/x')).json(), { filtered: '/api/x' })
    })

    t.test(name + ': a prefix with a parameter throws, with the prefix', async t => {
      t.throws(() => make().use('/u/:id', pass), { message: /\/u\/:id/ })
    })
  }

  t.test('NanoRouter: no step goes missing that a later one would take the place of', async t => {
    const multiple = { message: /multiple mw steps not supported.*/ }
    t.throws(() => rest().use(pass, pass), multiple)
    t.throws(() => rest().use('/a', pass).use('/b', pass), { message: /multiple mw steps not supported: \/b/ })
    t.throws(() => rest().use(pass).use('/b', pass), multiple)
    t.doesNotThrow(() => rest().use(pass).use('/b', rest(ok)).use('/c', wrong<Step>((_err: unknown, _req: unknown, _res: unknown, next: Next) => next())))
  })

  t.test('a url that a step has made malformed is a 400 where a filter meets it', async t => {
    const app = rest({ router: new Router() }).use((req: Req, _res: HostRes, next: Next) => {
      req.url = '/%zz'
      next()
    })
    app.use('/api', pass).all('/api/x', ok)
    t.match(await call(app, 'GET', '/api/x'), { statusCode: 400 })
  })

  t.test("somebody else's router gets a filter that filters by itself", async t => {
    const { app, router } = recorded()
    const seen: unknown[] = []
    app.use('/api', (req: Req, _res: HostRes, next: Next) => {
      seen.push(req.url)
      next()
    })
    const [, step] = wrong<[string, Step]>(router.calls[0])
    let count = 0
    for (const url of ['/api/x', '/other']) step(wrong(new FakeReq('GET', url)), wrong(new FakeRes()), () => { count++ })
    t.strictSame(seen, ['/api/x'])
    t.equal(count, 2, 'both went on')
  })
})

// -------------------------------------------------------------------------------------------------------- the router

t.test('the router of an app', async t => {
  t.test('is undefined until the first route, and then a NanoRouter that stays', async t => {
    const defines: [string, (app: App) => unknown][] = [
      ['get', (app) => app.get('/', ok)], ['use', (app) => app.use(pass)], ['all', (app) => app.all('/', ok)], ['del', (app) => app.del('/', ok)],
    ]
    for (const [name, define] of defines) {
      const app = rest(ok)
      t.equal(app.rest.router, undefined, name)
      define(app)
      const { router } = app.rest
      t.type(router, NanoRouter, name)
      app.get('/more', ok).use(wrong<Step>((_e: unknown, _q: unknown, _s: unknown, next: Next) => next()))
      t.equal(app.rest.router, router, name)
    }
  })

  t.test('routes once given take over from processRequest', async t => {
    const app = rest((_req, res) => { res.end('processed') })
    t.match(await call(app, 'GET', '/x'), { body: 'processed' })
    app.get('/x', ok)
    t.match(await call(app, 'GET', '/x'), { body: 'ok' })
  })

  t.test('is the one that was given', async t => {
    const router = new Router()
    const app = rest({ router, processRequest: () => 'never' })
    app.get('/u/:id', (req) => req.params.id)
    t.equal(app.rest.router, router)
    t.match(await call(app, 'GET', '/u/7'), { body: '7' })
  })

  t.test('may be set later', async t => {
    const app = rest(() => 'processed')
    app.rest.router = new Router()
    app.get('/u/:id', (req) => req.params.id)
    t.match(await call(app, 'GET', '/u/7'), { body: '7' })
  })

  t.test('may be anything with setRoute and runRoute: it gets the rest, both objects and a callback', async t => {
    const { app, router } = recorded()
    const req = new FakeReq('GET', '/x')
    const res = new FakeRes()
    const seen: unknown[] = []
    router.run = (...args) => { seen.push(...args) }
    app(req, res)
    t.equal(seen.length, 4)
    t.equal(seen[0], app.rest)
    t.equal(seen[1], req)
    t.equal(seen[2], res)
    t.type(seen[3], 'function')
  })

  t.test('has its callback call the next of the outer server, once, if nothing was sent', async t => {
    const { app, router } = recorded()
    const calls: unknown[][] = []
    router.run = (_rest, _req, _res, callback) => callback()
    app(new FakeReq('GET', '/'), new FakeRes(), (...args) => { calls.push(args) })
    t.strictSame(calls, [[]])
  })

  t.test('has its callback not call the next of the outer server if a header was sent', async t => {
    const { app, router } = recorded()
    router.run = (_rest, _req, res, callback) => {
      res.end('done')
      callback()
    }
    let count = 0
    app(new FakeReq('GET', '/'), new FakeRes(), () => { count++ })
    await turns()
    t.equal(count, 0)
  })

  t.test('has an error of its callback, or what it throws, go to onError', async t => {
    const runs: [string, Recorder['run']][] = [
      ['callback', (_rest, _req, _res, callback) => callback(new HttpError(418))],
      ['throw', () => { throw new HttpError(418) }],
    ]
    for (const [why, run] of runs) {
      const { app, router } = recorded()
      router.run = run
      const seen: unknown[] = []
      app.onError = (err, _req, res) => {
        seen.push(err)
        res.end()
      }
      await call(app, 'GET', '/')
      t.match(seen, [{ statusCode: 418 }], why)
    }
  })

  t.test('may be async: what it rejects with goes to onError', async t => {
    const { app, router } = recorded()
    router.runRoute = async () => { throw new HttpError(418) }
    t.match(await call(app, 'GET', '/'), { statusCode: 418 })
  })

  t.test('has the body to read', async t => {
    const { app, router } = recorded()
    const seen: unknown[] = []
    router.run = (_rest, req, res) => {
      seen.push((req as { body?: unknown }).body)
      req.on('data', (chunk: unknown) => { seen.push(textOf(chunk)) })
      req.on('end', () => { res.end() })
    }
    await call(app, 'POST', '/', { body: 'hello' })
    t.strictSame(seen, [undefined, 'hello'])
  })

  t.test('is followed if it is replaced by another', async t => {
    const { app, router } = recorded()
    await call(app, 'GET', '/')
    app.rest.router = { setRoute: router.setRoute, runRoute: (_rest, _req, res) => { res.end('another') } }
    t.match(await call(app, 'GET', '/'), { body: 'another' })
  })

  t.test('that throws a falsy value has thrown an Error', async t => {
    const { app, router } = recorded()
    router.run = () => { throw undefined }
    const seen: unknown[] = []
    app.onError = (err, _req, res) => {
      seen.push(err)
      res.end()
    }
    await call(app, 'GET', '/')
    t.type(seen[0], Error)
  })

  t.test('that calls back and then throws has the request answered once', async t => {
    const warnings = catchWarnings(t)
    const { app, router } = recorded()
    router.run = (_rest, _req, _res, callback) => {
      callback()
      throw new HttpError(500)
    }
    let count = 0
    const res = new FakeRes()
    app(new FakeReq('GET', '/'), res, () => { count++ })
    await turns()
    t.equal(count, 1, 'the outer next')
    t.equal(res.headersSent, false)
    t.equal(warnings.length, 1, 'the error is reported')
  })
})

// ----------------------------------------------------------------------------------------------------- processRequest

t.test('processRequest', async t => {
  t.test('gets the body as its fourth argument, and in req.body', async t => {
    const seen: unknown[] = []
    const app = rest((req, res, next, body) => {
      seen.push(body, req.body, typeof next)
      res.end()
    })
    await call(app, 'POST', '/', { body: ['hel', 'lo'] })
    t.equal(textOf(seen[0]), 'hello')
    t.equal(seen[0], seen[1])
    t.equal(seen[2], 'function')
  })

  t.test('gets the body as its fourth argument even if it does not declare it', async t => {
    const seen: unknown[] = []
    const app = rest(function () {
      // eslint-disable-next-line prefer-rest-params
      const args = arguments as unknown as [Req, HostRes, Next, unknown]
      seen.push(args.length, String(args[3]))
      args[1].end()
    })
    await call(app, 'POST', '/', { body: 'hello' })
    t.strictSame(seen, [4, 'hello'])
  })

  t.test('gets the body through a wrapper that hides its parameters', async t => {
    const inner = (_req: Req, res: HostRes, _next: Next, body: unknown) => { res.end('got ' + body) }
    const app = rest((...args) => inner(...args))
    t.match(await call(app, 'POST', '/', { body: 'hello' }), { body: 'got hello' })
  })

  t.test('gets a body that was there before', async t => {
    for (const body of ['', null, { a: 1 }]) {
      const seen: unknown[] = []
      const app = rest((_req, res, _next, given) => {
        seen.push(given)
        res.end()
      })
      const req = new FakeReq('POST', '/', { body: 'unread' })
      req.body = body
      const res = new FakeRes()
      app(req, res)
      await once(res, 'close')
      t.strictSame(seen, [body])
    }
  })

  t.test('may be one of the short styles', async t => {
    const table: [processRequest: () => unknown, type: string, body: string, why: string][] = [
      [() => 'hi', 'text/plain; charset=utf-8', 'hi', 'a string'],
      [wrong((req: Req) => ({ path: req.url })), 'application/json', '{"path":"/p"}', 'an object'],
      [async () => [1, 2], 'application/json', '[1,2]', 'a promise'],
      [wrong(async (req: Req) => Buffer.from(req.method!)), 'application/octet-stream', 'GET', 'bytes of a promise'],
      [() => null, 'application/json', 'null', 'null'],
      [() => 0, 'application/json', '0', 'zero'],
    ]
    for (const [processRequest, type, body, why] of table) {
      t.match(await call(rest(processRequest), 'GET', '/p'), { statusCode: 200, headers: { 'content-type': type }, body }, why)
    }
  })

  t.test('of one parameter that returns nothing is a 500 and a warning', async t => {
    const warnings = catchWarnings(t)
    t.match(await call(rest(wrong((_req: Req) => {})), 'GET', '/'), { statusCode: 500 })
    t.equal(warnings.length, 1)
  })

  t.test('may be async', async t => {
    const app = rest(async (_req, res) => {
      await turns(1)
      res.end('later')
    })
    t.match(await call(app, 'GET', '/'), { body: 'later' })
  })

  t.test('reaches onError by next(err), throw and rejection, falsy ones too', async t => {
    const table: [processRequest: (req: Req, res: HostRes, next: Next) => unknown, err: unknown, why: string][] = [
      [(_req, _res, next) => next(new HttpError(418)), { statusCode: 418 }, 'next(err)'],
      [(_req, _res, next) => next('text'), 'text', 'next of a text'],
      [(_req, _res, _next) => { throw new HttpError(418) }, { statusCode: 418 }, 'throw'],
      [async (_req, _res, _next) => { throw new HttpError(418) }, { statusCode: 418 }, 'rejection'],
      [(_req, _res, _next) => { throw 0 }, { message: /0/ }, 'falsy throw'],
      [(_req, _res, _next) => Promise.reject(), { message: /undefined/ }, 'falsy rejection'],
      [() => new HttpError(418), { statusCode: 418 }, 'returned Error'],
    ]
    for (const [processRequest, err, why] of table) {
      const seen: unknown[] = []
      const app = rest(processRequest, (err, _req, res) => {
        seen.push(err)
        res.end()
      })
      await call(app, 'GET', '/')
      t.equal(seen.length, 1, why)
      t.match(seen[0], err, why)
    }
  })

  t.test('is read when a request needs it', async t => {
    const app = rest(() => 'old')
    app.rest.processRequest = () => 'new'
    t.match(await call(app, 'GET', '/'), { body: 'new' })
  })

  t.test('has the Rest for its this, in every style', async t => {
    class Named extends Rest {
      declare label: string
    }
    const styles: [string, (this: Named, req: Req, res: HostRes) => unknown][] = [
      ['(req, res)', function (_req, res) { res.end(this.label) }],
      ['(req)', wrong(function (this: Named, _req: Req) { return this.label })],
      ['()', function () { return this.label }],
    ]
    for (const [why, processRequest] of styles) {
      const instance = new Named({ processRequest })
      instance.label = 'me'
      t.match(await call(instance.onRequest, 'GET', '/'), { body: 'me' }, why)
    }
  })

  t.test('that goes on without an answer hands the request to the outer server, once', async t => {
    let count = 0
    rest((_req, _res, next) => { next() })(new FakeReq('GET', '/'), new FakeRes(), () => { count++ })
    await turns()
    t.equal(count, 1)
  })
})

t.test('readBody of a Rest', async t => {
  t.test('is read when a request needs it', async t => {
    const app = rest((_req, res, _next, body) => { res.end('got ' + body) })
    app.rest.readBody = (req, _res, next) => {
      wrong<Req>(req).body = 'mine'
      next()
    }
    t.match(await call(app, 'POST', '/', { body: 'theirs' }), { body: 'got mine' })
  })

  t.test('has its errors, called, thrown or rejected, go to onError', async t => {
    const readers: [string, RestType['readBody']][] = [
      ['next(err)', (_req, _res, next) => next(new HttpError(418))],
      ['throw', () => { throw new HttpError(418) }],
      ['rejection', async () => { throw new HttpError(418) }],
    ]
    for (const [why, reader] of readers) {
      const seen: unknown[] = []
      const app = rest(() => 'never', (err, _req, res) => {
        seen.push(err)
        res.end()
      })
      app.rest.readBody = reader
      await call(app, 'POST', '/', { body: 'x' })
      t.match(seen, [{ statusCode: 418 }], why)
    }
  })

  t.test('keeps to the limits of the options', async t => {
    const app = rest({ processRequest: (req) => String(req.body), bodySizeLimit: 5, bodySizeStatus: 413 })
    t.match(await call(app, 'POST', '/', { body: '12345' }), { statusCode: 200, body: '12345' })
    t.match(await call(app, 'POST', '/', { body: '123456' }), { statusCode: 413 })
  })

  t.test('keeps to the limits of the options on the NanoRouter of the app too', async t => {
    const app = rest({ bodySizeLimit: 5, bodySizeStatus: 413 }).post('/', (req) => String(req.body))
    t.match(await call(app, 'POST', '/', { body: '12345' }), { statusCode: 200, body: '12345' })
    t.match(await call(app, 'POST', '/', { body: '123456' }), { statusCode: 413 })
  })
})

// ------------------------------------------------------------------------------------------------------------ onError

t.test('onError', async t => {
  const boom = new HttpError(409, 'boom')

  t.test('of the app and of its Rest are one: set either, get both', async t => {
    const app = rest()
    const mine = () => {}
    const yours = () => {}
    app.onError = mine
    t.equal(app.rest.onError, mine)
    app.rest.onError = yours
    t.equal(app.onError, yours)
  })

  t.test('is read when a request needs it', async t => {
    for (const set of [(app: App) => { app.onError = (_err, _req, res) => { res.end('new') } },
      (app: App) => { app.rest.onError = (_err, _req, res) => { res.end('new') } }]) {
      const app = rest(() => { throw boom }, (_err, _req, res) => { res.end('old') })
      set(app)
      t.match(await call(app, 'GET', '/'), { body: 'new' })
    }
  })

  t.test('of the start answers with sendResponse', async t => {
    const answer = await call(rest(() => { throw boom }), 'GET', '/')
    t.equal(answer.statusCode, 409)
    t.equal(answer.headers['content-type'], 'application/json')
    t.match(answer.json(), { error: '409', message: '409 Conflict', debug: 'boom' })
  })

  t.test('gets (err, req, res, next)', async t => {
    const seen: unknown[] = []
    const app = rest(() => { throw boom }, (...args) => {
      seen.push(...args)
      args[2].end()
    })
    const req = new FakeReq('GET', '/')
    const res = new FakeRes()
    app(req, res)
    await turns()
    t.equal(seen[0], boom)
    t.equal(seen[1], req)
    t.equal(seen[2], res)
    t.type(seen[3], 'function')
  })

  const failures: [string, (err: unknown, req: Req, res: HostRes, next: Next) => unknown][] = [
    ['throws', () => { throw new Error('second') }],
    ['calls next(e2)', (_err, _req, _res, next) => next(new Error('second'))],
    ['rejects', async () => { throw new Error('second') }],
  ]
  for (const [how, onError] of failures) {
    t.test(`that ${how} has that reported, and the callback gets the original error`, async t => {
      const emitter = new EventEmitter()
      const reported: unknown[] = []
      emitter.on('error', (err) => reported.push(err))
      const calls: unknown[][] = []
      const app = rest({ processRequest: () => { throw boom }, onError, emitter })
      app(new FakeReq('GET', '/'), new FakeRes(), (...args) => { calls.push(args) })
      await turns()
      t.match(reported, [{ message: 'second' }])
      t.equal(calls.length, 1)
      t.equal(calls[0]![0], boom)
    })

    t.test(`that ${how} has that reported, and without a callback the client is told`, async t => {
      const warnings = catchWarnings(t)
      const app = rest({ processRequest: () => { throw boom }, onError })
      t.match(await call(app, 'GET', '/'), { statusCode: 409 })
      t.match(warnings, [/second/])
      t.equal(warnings.length, 1)
    })
  }

  t.test('that calls next(err) with the same error hands it on, and nothing is reported', async t => {
    const warnings = catchWarnings(t)
    const calls: unknown[][] = []
    const app = rest(() => { throw boom }, (err, _req, _res, next) => next(err))
    app(new FakeReq('GET', '/'), new FakeRes(), (...args) => { calls.push(args) })
    await turns()
    t.strictSame(calls, [[boom]])
    t.strictSame(warnings, [])
  })

  t.test('that calls next() has dealt with it: the callback gets no error', async t => {
    const calls: unknown[][] = []
    const app = rest(() => { throw boom }, (_err, _req, _res, next) => next())
    app(new FakeReq('GET', '/'), new FakeRes(), (...args) => { calls.push(args) })
    await turns()
    t.equal(calls.length, 1)
    t.notOk(calls[0]![0])
  })

  t.test('that answers and goes on does not reach the outer server', async t => {
    let count = 0
    const app = rest(() => { throw boom }, (_err, _req, res, next) => {
      res.end('sorry')
      next()
    })
    const res = new FakeRes()
    app(new FakeReq('GET', '/'), res, () => { count++ })
    await turns()
    t.equal(res.answer.body, 'sorry')
    t.equal(count, 0)
  })

  t.test('counts once, however often it calls next', async t => {
    const calls: unknown[][] = []
    const app = rest(() => { throw boom }, (err, _req, _res, next) => {
      next(err)
      next(err)
      next()
    })
    app(new FakeReq('GET', '/'), new FakeRes(), (...args) => { calls.push(args) })
    await turns()
    t.equal(calls.length, 1)
  })

  t.test('is not called for an error that an err step has dealt with', async t => {
    for (const app of [rest(), rest({ router: new Router() })]) {
      let count = 0
      app.onError = () => { count++ }
      app.get('/', () => { throw boom })
      app.use('err', (_err, _req, res, next) => {
        res.end('dealt with')
        next()
      })
      t.match(await call(app, 'GET', '/'), { body: 'dealt with' })
      t.equal(count, 0)
    }
  })

  t.test('gets what the err steps have left, and errors of post steps', async t => {
    for (const app of [rest(), rest({ router: new Router() })]) {
      const seen: unknown[] = []
      app.onError = (err) => { seen.push(err) }
      app.get('/left', () => { throw boom })
      app.get('/post', ok)
      app.use('err', (err, _req, _res, next) => next(err))
      app.use('post', (req: Req, _res: HostRes, next: Next) => next(req.url === '/post' && 'of post'))
      app(new FakeReq('GET', '/left'), new FakeRes())
      await turns()
      await call(app, 'GET', '/post')
      await turns()
      t.strictSame(seen, [boom, 'of post'])
    }
  })
})

t.test('an error whose headers cannot be sent is answered all the same', async t => {
  catchWarnings(t)
  const app = rest(() => {
    const err = new HttpError(401)
    err.headers = { 'www-authenticate': 'Basic realm="a\r\nset-cookie: b"' }
    throw err
  })
  const res = new FakeRes()
  app(new FakeReq('GET', '/'), res)
  await turns()
  t.ok(res.writableEnded || res.destroyed, 'the client does not wait for ever')
  t.ok(res.statusCode >= 400)
})

t.test('writeResponse with headers that cannot be sent does not leave the client waiting', async t => {
  catchWarnings(t)
  const app = rest((_req, res) => { mw.writeResponse(res, 302, undefined, { location: '/a\r\nset-cookie: b' }) })
  const res = new FakeRes()
  app(new FakeReq('GET', '/'), res)
  await turns()
  t.ok(res.writableEnded || res.destroyed)
  t.ok(res.statusCode >= 400)
})

t.test('reportError', async t => {
  t.test('does nothing for a falsy error', async t => {
    const warnings = catchWarnings(t)
    const emitted: unknown[] = []
    const emitter = { emit: (...args: unknown[]) => emitted.push(args) }
    for (const err of [undefined, null, false, 0, '']) {
      reportError(err, 'cause')
      reportError(err, 'cause', emitter)
    }
    t.strictSame([warnings, emitted], [[], []])
  })

  t.test('emits to the emitter, and then does not warn', async t => {
    const warnings = catchWarnings(t)
    const err = new Error('boom')
    const emitted: unknown[] = []
    reportError(err, 'cause', { emit: (...args: unknown[]) => emitted.push(args) })
    t.strictSame(emitted, [['error', err]])
    t.strictSame(warnings, [])
  })

  t.test('warns in one line, with the cause, without an emitter', async t => {
    const warnings = catchWarnings(t)
    reportError(new Error('boom'), 'cause')
    t.equal(warnings.length, 1)
    t.match(warnings[0], /cause.*boom/)
  })
})

// ------------------------------------------------------------------------------------------------------- to be extended

t.test('options that cannot be throw at once, with the value', async t => {
  const table: [options: unknown, message: RegExp][] = [
    ['text', /options: text/], [5, /options: 5/], [{ router: Router }, /router: (class|function)/], [{ router: {} }, /router/], [{ router: 5 }, /router: 5/],
    [{ emitter: 5 }, /emitter: 5/], [{ emitter: {} }, /emitter/], [{ maxNesting: 0 }, /maxNesting: 0/], [{ maxNesting: 'x' }, /maxNesting: x/],
  ]
  for (const [options, message] of table) t.throws(() => rest(wrong(options)), { message })
  t.throws(() => new Router(wrong('text')), { message: /options: text/ })
})

t.test('close calls back where there is no process', async t => {
  const app = rest(ok)
  const { process } = globalThis
  let count = 0
  try {
    wrong<{ process: unknown }>(globalThis).process = undefined
    app.close(() => { count++ })
  } finally {
    globalThis.process = process
  }
  t.equal(count, 1)
})

t.test('a class that extends one of ours may use any name', async t => {
  const names = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
  class MyRouter extends Router {
    constructor() {
      super()
      for (const name of names) wrong<{ [name: string]: unknown }>(this)[name] = 'mine'
    }
  }
  class MyNano extends NanoRouter {
    constructor() {
      super()
      for (const name of names) wrong<{ [name: string]: unknown }>(this)[name] = 'mine'
    }
  }
  for (const router of [new MyRouter(), new MyNano()]) {
    const app = rest({ router: wrong<RestType['router']>(router) }).use(pass).get('/x', ok).use('post', pass)
    t.match(await call(app, 'GET', '/x'), { statusCode: 200 })
  }
})

t.test('classes can be extended', async t => {
  t.test('a Rest with its own processRequest and onError', async t => {
    class Mine extends Rest {
      count = 0

      constructor() {
        super({})
        this.processRequest = this.process
      }

      process(_req: Req, res: HostRes): void {
        if (this.count++) throw new Error('only once')
        res.end('first')
      }

      override onError(err: unknown, _req: Req, res: HostRes): void {
        res.end(this.count + ': ' + (err as Error).message)
      }
    }
    const { onRequest } = new Mine()
    t.type(onRequest.rest, Mine)
    t.match(await call(onRequest, 'GET', '/'), { body: 'first' })
    t.match(await call(onRequest, 'GET', '/'), { body: '2: only once' })
  })

  t.test('a Rest whose prototype has processRequest and readBody', async t => {
    class Mine extends Rest {}
    Object.assign(Mine.prototype, {
      processRequest(this: Mine, _req: Req, res: HostRes, _next: Next, body: unknown) { res.end('processed ' + body) },
      readBody(req: Req, _res: HostRes, next: Next) {
        req.body = 'my own'
        next()
      },
    })
    t.match(await call(new Mine().onRequest, 'POST', '/', { body: 'theirs' }), { body: 'processed my own' })
  })

  t.test('a Rest whose methods stand although the options name none', async t => {
    class Mine extends Rest {
      override onError(_err: unknown, _req: Req, res: HostRes): void { res.end('mine') }
    }
    t.match(await call(new Mine({ onError: undefined, processRequest: () => { throw 1 } }).onRequest, 'GET', '/'), { body: 'mine' })
  })

  t.test('a Rest that is given to createServer', onNode('servers'), async t => {
    class Mine extends Rest {
      override onError(_err: unknown, _req: Req, res: HostRes): void { res.end('mine') }
    }
    const mine = new Mine()
    t.equal(createServer({ rest: mine })._rest, mine.onRequest)
  })

  t.test('a Router that sees every route and every request', async t => {
    const seen: string[] = []
    class Mine extends Router {
      override setRoute(path: string | RegExp, ...more: unknown[]): void {
        seen.push('set ' + path)
        super.setRoute(...[path, ...more] as [string, Step])
      }

      override runRoute(...args: Parameters<RouterType['runRoute']>): void {
        seen.push('run ' + args[1].url)
        super.runRoute(...args)
      }
    }
    const app = rest({ router: new Mine() }).get('/a/:b', (req) => req.params.b).use(pass)
    t.match(await call(app, 'GET', '/a/c'), { body: 'c' })
    t.strictSame(seen, ['set /a/:b', 'set use', 'run /a/c'])
  })

  t.test('a NanoRouter that sees every route and every request', async t => {
    const seen: string[] = []
    class Mine extends NanoRouter {
      override setRoute(path: string | RegExp | Step, ...more: unknown[]): void {
        seen.push('set ' + path)
        super.setRoute(...[path, ...more] as [string, Step])
      }

      override runRoute(...args: Parameters<NanoRouterType['runRoute']>): void {
        seen.push('run ' + args[1].url)
        super.runRoute(...args)
      }
    }
    const app = rest({ router: new Mine() }).get('/a', ok)
    t.match(await call(app, 'GET', '/a/c'), { body: 'ok' })
    t.strictSame(seen, ['set /a', 'run /a/c'])
  })

  t.test('an extended NanoRouter is mounted on and filtered by as the original', async t => {
    class Mine extends NanoRouter {}
    const app = rest({ router: new Mine() })
    app.use('/api', rest((req) => req.url))
    t.match(await call(app, 'GET', '/api/c'), { body: '/c' })
  })
})

// ------------------------------------------------------------------------------------------------------- createServer

/** A server of ours as what it is: the slim type is for those without Node's types. */
function nodeServer(server: Server): http.Server {
  return server as unknown as http.Server
}

/** Have a server closed when the test is over. */
function closing(t: { after(f: () => unknown): void }, server: Server): http.Server {
  t.after(() => {
    nodeServer(server).closeAllConnections()
    server.close()
  })
  return nodeServer(server)
}

/** A port that is busy until the test is over. */
async function busyPort(t: { after(f: () => unknown): void }): Promise<number> {
  const server = net.createServer().listen(0)
  t.after(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function portOf(server: { address(): unknown }): number {
  return (server.address() as AddressInfo).port
}

/** What a fake server is told to listen on, and how it fares. */
class FakeServer extends EventEmitter {
  ports: unknown[] = []
  args: unknown[] = []
  declare _rest: App
  declare _error: unknown
  private code: string
  private free: number[]

  /** With an error code each port fails that is not in `free`. */
  constructor(code: string, free: number[] = []) {
    super()
    this.code = code
    this.free = free
  }

  listen(port: number): this {
    this.ports.push(port)
    process.nextTick(() => {
      if (this.free.includes(port)) this.emit('listening')
      else this.emit('error', Object.assign(new Error('port ' + port), { code: this.code }))
    })
    return this
  }

  address(): { port: unknown } {
    return { port: this.ports.at(-1) }
  }

  close(callback?: () => void): this {
    process.nextTick(() => {
      this.emit('close')
      if (callback) callback()
    })
    return this
  }
}

/** Replace createServer of a node module until the test is over. */
function replaceServer(t: { after(f: () => unknown): void }, module: typeof http | typeof https, fake: FakeServer): void {
  const { createServer } = module
  const replacement = (...args: unknown[]) => {
    fake.args = args
    return fake
  }
  Object.assign(module, { createServer: replacement })
  t.after(() => Object.assign(module, { createServer }))
}

t.test('createServer', async t => {
  t.test('returns the http server, which has the app in _rest', onNode('servers'), async t => {
    const server = createServer({ processRequest: ok })
    t.type(server, http.Server)
    t.type(server._rest, 'function')
    t.match(await call(server._rest!, 'GET', '/'), { body: 'ok' })
  })

  t.test('serves the app, or the Rest, that it is given', onNode('servers'), async t => {
    const app = rest(ok)
    t.equal(createServer({ rest: app })._rest, app)
    t.equal(createServer({ rest: app.rest })._rest, app)
  })

  t.test('makes an app of its options', onNode('servers'), async t => {
    const router = new Recorder()
    const onError = () => {}
    const { _rest: app } = createServer({ router, onError })
    t.equal(app!.rest.router, router)
    t.equal(app!.onError, onError)
  })

  t.test('does not listen without a port', onNode('servers'), async t => {
    const calls: unknown[] = []
    for (const server of [createServer(), createServer({}), createServer(() => calls.push(1)), createServer({ tryNextPort: true }),
      createServer({ anyPort: false }), createServer({ port: undefined })]) {
      await turns()
      t.equal(nodeServer(server).listening, false)
    }
    t.strictSame(calls, [])
  })

  t.test('listens after it has returned', onNode('servers'), async t => {
    const server = closing(t, createServer({ port: 0 }))
    t.equal(server.listening, false)
    t.equal(server.address(), null)
    await once(server, 'listening')
    t.equal(server.listening, true)
  })

  t.test('calls back with null and { pid, port, server }, with the real port for 0', onNode('servers'), async t => {
    let given: Server | undefined
    const [err, info] = await new Promise<[unknown, ServerInfo]>((resolve) => {
      given = createServer({ port: 0 }, (...args) => resolve(args))
    })
    const server = closing(t, given!)
    t.notOk(err)
    t.strictSame(Object.keys(info).sort(), ['pid', 'port', 'server'])
    t.equal(info.pid, process.pid)
    t.equal(info.port, portOf(server))
    t.not(info.port, 0)
    t.equal(info.server, given)
  })

  t.test('takes a port as text', onNode('servers'), async t => {
    const info = await new Promise<ServerInfo>((resolve) => createServer({ port: '0' }, (_err, info) => resolve(info)))
    closing(t, info.server)
    t.type(info.port, 'number')
  })

  t.test('listens on the host that it is given', onNode('servers'), async t => {
    const server = closing(t, createServer({ port: 0, host: '127.0.0.1' }))
    await once(server, 'listening')
    t.match(server.address(), { address: '127.0.0.1' })
  })

  t.test('listens with anyPort alone', onNode('servers'), async t => {
    const server = closing(t, createServer({ anyPort: true }))
    await once(server, 'listening')
    t.ok(portOf(server))
  })

  t.test('answers requests', onNode('servers'), async t => {
    const info = await new Promise<ServerInfo>((resolve) => createServer({ port: 0, processRequest: ok }, (_err, info) => resolve(info)))
    closing(t, info.server)
    t.match(await raw(info.port, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /200 OK[^]*\r\n\r\nok$/)
  })

  t.test('hands its options to http.createServer, and leaves them as they are', onNode('servers'), async t => {
    const options = Object.freeze({ keepAliveTimeout: 1234, processRequest: ok })
    t.equal(nodeServer(createServer(options)).keepAliveTimeout, 1234)
  })

  for (const option of ['tryNextPort', 'anyPort'] as const) {
    t.test(option + ' goes past a busy port', onNode('servers'), async t => {
      const port = await busyPort(t)
      const info = await new Promise<ServerInfo>((resolve, reject) => {
        createServer({ port, [option]: true }, (err, info) => (err ? reject(err) : resolve(info)))
      })
      const server = closing(t, info.server)
      t.ok(info.port > port)
      t.equal(info.port, portOf(server))
    })

    t.test(option + ' goes past as many busy ports as there are, one by one', onNode('servers'), async t => {
      const fake = new FakeServer('EADDRINUSE', [7010])
      replaceServer(t, http, fake)
      const [err, info] = await new Promise<[unknown, ServerInfo]>((resolve) => {
        createServer({ port: 7000, [option]: true }, (...args) => resolve(args))
      })
      t.notOk(err)
      t.equal(info.port, 7010)
      t.strictSame(fake.ports, [7000, 7001, 7002, 7003, 7004, 7005, 7006, 7007, 7008, 7009, 7010])
    })

    t.test(option + ' ends at 65535, with the last error', onNode('servers'), async t => {
      const fake = new FakeServer('EADDRINUSE')
      replaceServer(t, http, fake)
      const [err, info] = await new Promise<[Error | null | undefined, ServerInfo]>((resolve) => {
        createServer({ port: '65533', [option]: true }, (...args) => resolve(args))
      })
      t.match(err, { code: 'EADDRINUSE', message: 'port 65535' })
      t.strictSame(fake.ports, [65533, 65534, 65535])
      t.match(info, { pid: process.pid, port: 65535, server: fake })
    })

    t.test(option + ' is for busy ports: another error is told at once', onNode('servers'), async t => {
      const fake = new FakeServer('EACCES')
      replaceServer(t, http, fake)
      const err = await new Promise((resolve) => createServer({ port: 80, [option]: true }, resolve))
      t.match(err, { code: 'EACCES' })
      t.strictSame(fake.ports, [80])
    })
  }

  t.test('a busy port is told to the callback alone', onNode('servers'), async t => {
    const port = await busyPort(t)
    let count = 0
    const [err, info] = await new Promise<[unknown, ServerInfo]>((resolve) => {
      createServer({ port }, (...args) => {
        count++
        resolve(args)
      })
    })
    await turns()
    t.match(err, { code: 'EADDRINUSE' })
    t.match(info, { pid: process.pid, port })
    t.equal(info.server._error, undefined)
    t.equal(count, 1)
  })

  t.test('a busy port is in _error without a callback', onNode('servers'), async t => {
    const port = await busyPort(t)
    const server = createServer({ port })
    await new Promise((resolve) => nodeServer(server).on('error', resolve))
    t.match(server._error, { code: 'EADDRINUSE' })
  })

  t.test('an address that cannot be is told, not thrown', onNode('servers'), async t => {
    const err = await new Promise((resolve) => createServer({ port: 0, host: '203.0.113.1' }, resolve))
    t.type(err, Error)
  })

  t.test('a bad port throws at once, with the value', async t => {
    for (const port of [-1, 65536, 1.5, NaN, Infinity, 'http', '80x', '-1', true, {}, () => {}]) {
      t.throws(() => createServer({ port: wrong(port) }), { message: new RegExp('port.*' + escape(String(port))) }, 'createServer: ' + port)
      if (typeof port !== 'function' && typeof port !== 'object') {
        t.throws(() => rest().listen(wrong(port)), { message: new RegExp('port.*' + escape(String(port))) }, 'listen: ' + port)
      }
    }
    function escape(text: string): string {
      return text.replace(/[^\w ]/g, '\\$&')
    }
  })

  t.test('a bad protocol throws at once, with the value', async t => {
    for (const protocol of ['ftp:', 'http', 'https', 'HTTP:', 'https:\n', 'http2:', '', 7, {}]) {
      t.throws(() => createServer({ protocol: wrong(protocol) }), { message: new RegExp('protocol.*' + String(protocol).replace(/[[\]]/g, '\\$&'), 's') })
    }
  })

  t.test('http.createServer is called as a property of its module, with the options and the app', onNode('servers'), async t => {
    const fake = new FakeServer('none', [7000])
    replaceServer(t, http, fake)
    const options = { port: 7000, insecureHTTPParser: true }
    const info = await new Promise<ServerInfo>((resolve) => createServer(options, (_err, info) => resolve(info)))
    t.equal(wrong(info.server), fake)
    t.match(fake.args[0], options)
    t.equal(fake.args[1], fake._rest)
  })

  t.test('https.createServer is called for https:, with the options and the app', onNode('servers'), async t => {
    const fake = new FakeServer('none', [7000])
    replaceServer(t, https, fake)
    const options: ServerOptions = { protocol: 'https:', port: 7000, key: 'key', cert: 'cert', honorCipherOrder: true }
    const info = await new Promise<ServerInfo>((resolve) => createServer(options, (_err, info) => resolve(info)))
    t.equal(wrong(info.server), fake)
    t.match(fake.args[0], options)
    t.equal(fake.args[1], fake._rest)
  })

  t.test('says what to use instead where there is no node:http', async t => {
    const { getBuiltinModule } = process
    t.after(() => { process.getBuiltinModule = getBuiltinModule })
    Object.assign(process, { getBuiltinModule: undefined })
    const app = rest(ok)
    t.throws(() => createServer({ port: 0 }), { message: /\(req, res, next\)/ })
    t.throws(() => app.listen(), { message: /\(req, res, next\)/ })
    t.match(await call(app, 'GET', '/'), { body: 'ok' }, 'the app works all the same')
  })
})

t.test('app.listen', async t => {
  t.test('takes a port, options, a callback, all or none of it', onNode('servers'), async t => {
    const table: [listen: (app: App, callback: (err: unknown, info: ServerInfo) => void) => Server, why: string][] = [
      [(app, callback) => app.listen(callback), 'callback'],
      [(app, callback) => app.listen(0, callback), 'port and callback'],
      [(app, callback) => app.listen('0', callback), 'port as text'],
      [(app, callback) => app.listen(undefined, callback), 'undefined and callback'],
      [(app, callback) => app.listen({}, callback), 'options without a port'],
      [(app, callback) => app.listen({ port: 0 }, callback), 'options'],
      [(app, callback) => app.listen({ port: 0, host: '127.0.0.1' }, callback), 'options with host'],
      [(app, callback) => app.listen({ anyPort: true }, callback), 'any port'],
    ]
    for (const [listen, why] of table) {
      const app = rest(ok)
      let returned: Server | undefined
      const [err, info] = await new Promise<[unknown, ServerInfo]>((resolve) => {
        returned = listen(app, (...args) => resolve(args))
      })
      t.notOk(err, why)
      t.equal(info.server, returned, why)
      t.equal(info.port, portOf(returned!), why)
      t.equal(returned!._rest, app, why)
      t.match(await raw(info.port, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n'), /ok$/, why)
      await new Promise<unknown>((resolve) => app.close(resolve))
    }
  })

  t.test('needs no arguments', onNode('servers'), async t => {
    const server = closing(t, rest(ok).listen())
    await once(server, 'listening')
    t.ok(portOf(server))
  })

  t.test('takes a port alone', onNode('servers'), async t => {
    const port = await busyPort(t)
    const server = rest(ok).listen(port)
    await new Promise((resolve) => nodeServer(server).on('error', resolve))
    t.match(server._error, { code: 'EADDRINUSE', port })
  })

  t.test('serves the app itself, whatever the options say', onNode('servers'), async t => {
    const app = rest(ok)
    t.equal(app.listen({ rest: rest(), processRequest: () => 'no' })._rest, app)
    app.close()
  })
})

t.test('app.close', async t => {
  /** An app that listens; its server. */
  async function listening(app: App): Promise<http.Server> {
    const server = nodeServer(app.listen())
    await once(server, 'listening')
    return server
  }

  t.test('closes what listen has opened, all of it, and then calls back', onNode('servers'), async t => {
    const app = rest(ok)
    const servers = [await listening(app), await listening(app)]
    await new Promise<unknown>((resolve) => app.close(resolve))
    t.strictSame(servers.map((server) => server.listening), [false, false])
  })

  t.test('needs no callback', onNode('servers'), async t => {
    const app = rest(ok)
    const server = await listening(app)
    const closed = once(server, 'close')
    t.equal(app.close(), undefined)
    await closed
    t.equal(server.listening, false)
  })

  t.test('calls back without an error where nothing listens, and the second time', onNode('servers'), async t => {
    const app = rest(ok)
    t.notOk(await new Promise((resolve) => app.close(resolve)))
    await listening(app)
    t.notOk(await new Promise((resolve) => app.close(resolve)))
    t.notOk(await new Promise((resolve) => app.close(resolve)))
  })

  t.test('calls back after it has returned', onNode('a process'), async t => {
    let isReturned = false
    await new Promise<void>((resolve) => {
      rest(ok).close(() => {
        t.equal(isReturned, true)
        resolve()
      })
      isReturned = true
    })
  })

  t.test('calls back where a server was closed by hand before', onNode('servers'), async t => {
    const app = rest(ok)
    const server = await listening(app)
    server.close()
    t.notOk(await new Promise((resolve) => app.close(resolve)))
  })

  t.test('lets the app listen again', onNode('servers'), async t => {
    const app = rest(ok)
    await listening(app)
    await new Promise<unknown>((resolve) => app.close(resolve))
    const server = await listening(app)
    t.equal(server.listening, true)
    await new Promise<unknown>((resolve) => app.close(resolve))
  })

  t.test('closes idle keep-alive connections', onNode('servers'), async t => {
    const app = rest(ok)
    const server = await listening(app)
    // Neither side would ever close them by itself.
    server.keepAliveTimeout = 0
    const used = new Wire(t, portOf(server))
    void used.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    t.equal((await used.answer()).headers.connection, 'keep-alive')
    await new Promise<unknown>((resolve) => app.close(resolve))
    t.equal(await used.closed, '')
  })

  t.test('has busy connections get their answer, and closes them then', onNode('servers'), async t => {
    const app = rest(ok)
    let answer: (() => void) | undefined
    const asked = new Promise<void>((resolve) => {
      app.rest.processRequest = (_req, res) => {
        answer = () => { res.end('ok') }
        resolve()
      }
    })
    const server = await listening(app)
    server.keepAliveTimeout = 1
    const wire = new Wire(t, portOf(server))
    void wire.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await asked
    const closed = new Promise<unknown>((resolve) => app.close(resolve))
    answer!()
    t.match(await wire.answer(), { statusCode: 200, body: 'ok' })
    t.notOk(await closed)
  })

  for (const host of [undefined, '127.0.0.1', 'localhost']) {
    // The ways from listen() to the listening server: its own tick, and then the look-up of the host.
    for (const [when, wait] of [
      ['at once', async () => {}],
      ['a microtask later', () => Promise.resolve()],
      ['a tick later', () => new Promise<void>((resolve) => process.nextTick(resolve))],
      ['two ticks later', () => new Promise<void>((resolve) => process.nextTick(() => process.nextTick(resolve)))],
      ['a turn later', () => turns(1)],
    ] as const) {
      t.test(`${when} after listen(${host ?? ''}) leaves nothing that listens`, onNode('servers'), async t => {
        const app = rest(ok)
        let count = 0
        let server: Server | undefined
        const told = new Promise<void>((resolve) => {
          server = app.listen({ port: 0, host }, () => {
            count++
            resolve()
          })
        })
        t.after(() => server!.close())
        if (when === 'at once') app.close()
        else {
          await wait()
          await new Promise<unknown>((resolve) => app.close(resolve))
        }
        // Whether it had got to listen or not, listen's callback comes, once. The look-up may take longer than all the rest.
        const lookedUp = new Promise<void>((resolve) => lookup('localhost', () => resolve()))
        await Promise.race([told, lookedUp.then(() => turns())])
        await turns()
        t.equal(nodeServer(server!).listening, false)
        t.equal(count, 1)
      })
    }
  }

  t.test('closes a server that got to listen after all', onNode('servers'), async t => {
    const fake = new FakeServer('none', [7000])
    replaceServer(t, http, fake)
    const app = rest(ok)
    let closed = 0
    fake.on('close', () => { closed++ })
    const err = new Promise((resolve) => app.listen(7000, resolve))
    // (By now it has been told to listen.)
    await new Promise<void>((resolve) => process.nextTick(resolve))
    fake.emit('listening')
    t.equal(await err, null)
    app.close()
    fake.emit('listening')
    await turns()
    t.equal(closed, 2)
  })

  t.test('ends the hunt for a port', onNode('servers'), async t => {
    const fake = new FakeServer('EADDRINUSE')
    replaceServer(t, http, fake)
    const app = rest(ok)
    const err = new Promise((resolve) => app.listen({ port: 7000, anyPort: true }, resolve))
    fake.once('error', () => app.close())
    t.type(await err, Error)
    t.ok(fake.ports.length <= 2)
  })
})

// --------------------------------------------------------------------------------------------------------- NanoRouter

/** Run a request through a router, to the end of the run; what its callback was called with, and the response. */
async function runRoute(
  router: { runRoute: Recorder['runRoute'] }, req: FakeReq, rest: RestLike = {}
): Promise<{ calls: unknown[][]; res: FakeRes }> {
  const res = new FakeRes()
  const calls: unknown[][] = []
  await new Promise<void>((resolve) => {
    router.runRoute(rest, req, res, (...args) => {
      calls.push(args)
      resolve()
    })
  })
  await turns()
  return { calls, res }
}

t.test('NanoRouter matches', async t => {
  const routes = ['/my/path', '/my/path/deep/er', '/my', '/café', '/a b', '/%41', '/__proto__', '/constructor', '/x/toString']
  const table: [url: string, route: string | undefined, why: string][] = [
    ['/my/path', '/my/path', 'a path in its entirety'],
    ['/my/path/name', '/my/path', 'a path below it'],
    ['/my/path/', '/my/path', 'a trailing slash'],
    ['/my/path//', '/my/path', 'two of them'],
    ['/my/path/deep', '/my/path', 'the longest that there is'],
    ['/my/path/deep/er', '/my/path/deep/er', 'the longest, behind a gap'],
    ['/my/path/deep/er/still', '/my/path/deep/er', 'below the longest'],
    ['/my/path/deep/erst', '/my/path', 'not a component in part'],
    ['/my/otherpath', '/my', 'a shorter prefix where the longer does not match'],
    ['/my/pathname', '/my', 'a component that only begins like one'],
    ['/my', '/my', 'the prefix itself'],
    ['/my?x=1', '/my', 'without the query'],
    ['/my/path?a=/my/path/deep/er', '/my/path', 'a path in the query is no path'],
    ['/my#/path', '/my', 'without the fragment'],
    ['http://host/my/path', '/my/path', 'the absolute form'],
    ['http://host:80/my?x', '/my', 'the absolute form with port and query'],
    ['/%6d%79/p%61th', '/my/path', 'escaped letters'],
    ['/%6D%79/P%41th', '/my', 'another case is another path'],
    ['/MY', undefined, 'another case is another path'],
    ['/my%2Fpath', undefined, 'an escaped slash stays inside its component'],
    ['/my%2fpath/x', undefined, 'in lower case too'],
    ['/my/path%2Fdeep%2Fer', '/my', 'also behind a prefix that matches'],
    ['/my/path/deep%2Fer', '/my/path', 'also behind a longer one'],
    ['/caf%C3%A9', '/café', 'UTF-8 in capital hex'],
    ['/caf%c3%a9/x', '/café', 'UTF-8 in small hex'],
    ['/café', '/café', 'not escaped at all'],
    ['/a%20b', '/a b', 'a space'],
    ['/a+b', undefined, 'a plus is no space in a path'],
    ['/%2541', '/%41', 'an escaped percent sign is decoded once'],
    ['/A', undefined, 'static parts are literal: %41 in a route is no A'],
    ['/__proto__', '/__proto__', 'a name like any other'],
    ['/constructor/x', '/constructor', 'a name like any other'],
    ['/x/toString', '/x/toString', 'a name like any other'],
    ['/toString', undefined, 'nobody has defined it'],
    ['/hasOwnProperty', undefined, 'nobody has defined it'],
    ['/x', undefined, 'the way to a route is no route'],
    ['/', undefined, 'nor is the root'],
    ['//my', undefined, 'an empty component counts'],
    ['/use', undefined, 'a category is no path'],
    ['use', undefined, 'a category is no path from the wire'],
    ['/err', undefined, 'a category is no path'],
  ]

  function build(): NanoRouterType {
    const router = new NanoRouter()
    router.setRoute('use', pass)
    router.setRoute('err', (_err: unknown, _req: Req, _res: HostRes, next: Next) => next())
    for (const route of routes) router.setRoute(route, (_req: Req, res: HostRes) => { res.end(route) })
    return router
  }
  for (const [url, route, why] of table) {
    t.test(url + ': ' + why, async t => {
      const answer = await call(rest({ router: build() }), 'GET', url)
      t.equal(answer.statusCode, route === undefined ? 404 : 200)
      if (route !== undefined) t.equal(answer.body, route)
      const step = build().getRoute(url)
      if (url !== 'use') t.equal(typeof step, route === undefined ? 'undefined' : 'function', 'and getRoute agrees')
    })
  }

  t.test('whatever the method', async t => {
    const app = rest().get('/x', (req) => req.method)
    for (const method of ['GET', 'POST', 'DELETE', 'BREW', '_ANY_']) t.match(await call(app, method, '/x'), { statusCode: 200, body: method })
  })

  t.test('with /, every path that begins with a slash', async t => {
    const app = rest().get('/', ok)
    for (const url of ['/', '/x', '/x/y', '//', '/?q', '/a%2Fb', 'http://host/x', 'http://host']) {
      t.match(await call(app, 'GET', url), { statusCode: 200 }, url)
    }
    t.match(await call(app, 'OPTIONS', '*'), { statusCode: 404 }, '* begins with no slash')
  })

  t.test('the longest, in whatever order they were defined', async t => {
    for (const paths of [['/', '/a', '/a/b'], ['/a/b', '/a', '/'], ['/a', '/a/b', '/']]) {
      const app = rest()
      for (const path of paths) app.get(path, () => path)
      t.match(await call(app, 'GET', '/a/b/c'), { body: '/a/b' })
      t.match(await call(app, 'GET', '/a/c'), { body: '/a' })
      t.match(await call(app, 'GET', '/c'), { body: '/' })
    }
  })

  t.test('a route written without its first slash, or with a last one', async t => {
    for (const path of ['my/path', '/my/path/', 'my/path/']) {
      const app = rest().get(path, ok)
      t.match(await call(app, 'GET', '/my/path/x'), { statusCode: 200 }, path)
      t.match(await call(app, 'GET', '/my'), { statusCode: 404 }, path)
    }
  })

  t.test('a malformed escape with 400, before any 404', async t => {
    for (const url of ['/%', '/%zz', '/%c3', '/nowhere/%e0%a4', '/x/%u0041', '/x/y/z/%ff']) {
      for (const app of [rest().get('/x', ok), rest().get('/', ok)]) t.match(await call(app, 'GET', url), { statusCode: 400 }, url)
    }
  })

  t.test('deep paths at the cost of what has been routed', async t => {
    // Quadratic in the components this would take minutes, and the test would not end in time.
    const count = times(300_000)
    const app = rest().get('/a/b', ok)
    t.match(await call(app, 'GET', '/a/b' + '/x'.repeat(count)), { statusCode: 200 })
    t.match(await call(app, 'GET', '/x'.repeat(count)), { statusCode: 404 })
    t.match(await call(app, 'GET', '/'.repeat(count)), { statusCode: 404 })
    t.match(await call(app, 'GET', '/%61'.repeat(count)), { statusCode: 404 })
  })
})

t.test('NanoRouter definitions', async t => {
  t.test('a function alone is the use step, with four parameters the err step', async t => {
    const router = new NanoRouter()
    const errStep = (_err: unknown, _req: Req, _res: HostRes, next: Next) => { next() }
    router.setRoute(pass)
    router.setRoute(errStep)
    t.equal(router.getRoute('use'), pass)
    t.equal(router.getRoute('err'), errStep)
  })

  t.test('take a step or a list of one, with or without a method', async t => {
    const router = new NanoRouter()
    router.setRoute('/a', ok)
    router.setRoute('/b', [ok])
    router.setRoute('/c', 'GET', ok)
    router.setRoute('/d', 'GET', [ok])
    for (const path of ['/a', '/b', '/c', '/d']) t.equal(router.getRoute(path), ok, path)
  })

  for (const [what, define] of [
    ['a category', (router: NanoRouterType, step: Step) => router.setRoute('use', step)],
    ['a function alone', (router: NanoRouterType, step: Step) => router.setRoute(step)],
    ['a path', (router: NanoRouterType, step: Step) => router.setRoute('/path', step)],
    ['a path of another method', (router: NanoRouterType, step: Step) => router.setRoute('/path', step === pass ? 'GET' : 'PUT', step)],
    ['a path in another spelling', (router: NanoRouterType, step: Step) => router.setRoute(step === pass ? '/path' : 'path/', step)],
  ] as const) {
    t.test(`again of ${what} overwrite the first, with a warning`, async t => {
      const warnings = catchWarnings(t)
      const router = new NanoRouter()
      define(router, pass)
      t.strictSame(warnings, [])
      define(router, ok)
      t.equal(warnings.length, 1)
      t.equal(router.getRoute('/path') ?? router.getRoute('use'), ok)
    })
  }

  t.test('after a deletion are no redefinition', async t => {
    const warnings = catchWarnings(t)
    const router = new NanoRouter()
    for (const path of ['/path', 'use', 'post', 'err']) {
      router.setRoute(path, ok)
      router.deleteRoute(path)
      router.setRoute(path, ok)
    }
    t.strictSame(warnings, [])
  })

  t.test('of what it does not have throw, and name the Router that has it, and the value', async t => {
    const table: [path: unknown, text: RegExp, why: string][] = [
      ['/u/:id', /\/u\/:id/, 'a parameter'],
      ['/:id/x', /\/:id\/x/, 'a parameter that is followed by more'],
      [':id', /:id/, 'a parameter without the slash'],
      ['/f/:*tail', /\/f\/:\*tail/, 'a tail'],
      ['/f/:*', /\/f\/:\*/, 'a tail without a name'],
      ['/f/*', /\/f\/\*/, 'the other spelling of it'],
      ['/*', /\/\*/, 'a tail alone'],
      [/^\/re/, /re/, 'a RegExp'],
      ['pre', /pre/, 'a category'],
    ]
    for (const [path, text, why] of table) {
      for (const define of [
        () => new NanoRouter().setRoute(wrong<string>(path), ok), () => new NanoRouter().setRoute(wrong<string>(path), 'GET', [ok]),
      ]) {
        t.throws(define, { message: /use new Router\(\)/ }, why)
        t.throws(define, { message: text }, why)
      }
    }
    t.throws(() => rest().get('/u/:id', ok), { message: /use new Router\(\)/ })
    t.throws(() => rest().get(/^\/re/, ok), { message: /use new Router\(\)/ })
    t.throws(() => rest().use('pre', pass), { message: /use new Router\(\)/ })
  })

  t.test('of several steps throw', async t => {
    t.throws(() => new NanoRouter().setRoute('/x', [pass, ok]), { message: /multiple mw steps not supported/ })
    t.throws(() => new NanoRouter().setRoute('use', [pass, ok]), { message: /multiple mw steps not supported/ })
    t.throws(() => rest().get('/x', pass, ok), { message: /multiple mw steps not supported/ })
  })

  t.test('of what is no function throw, with the value', async t => {
    for (const step of [undefined, null, 'soon', 7, {}]) {
      t.throws(() => new NanoRouter().setRoute('/x', step), { message: /mw step must be a function/ })
      t.throws(() => new NanoRouter().setRoute('/x', 'GET', [step]), { message: /mw step must be a function/ })
    }
    t.throws(() => new NanoRouter().setRoute('/x', 'GET', 7), { message: /7/ })
  })

  t.test('that throw leave what was there', async t => {
    const warnings = catchWarnings(t)
    const router = new NanoRouter()
    router.setRoute('/x', ok)
    t.throws(() => router.setRoute('/x', [pass, pass]))
    t.throws(() => router.setRoute('/x', 'GET', 7))
    t.equal(router.getRoute('/x'), ok)
    t.strictSame(warnings, [])
  })
})

t.test('NanoRouter getRoute and deleteRoute', async t => {
  t.test('getRoute gives the function, or undefined', async t => {
    const router = new NanoRouter()
    router.setRoute('/x', ok)
    t.equal(router.getRoute('/x'), ok)
    t.equal(router.getRoute('/x/y?z'), ok)
    for (const path of ['/', '/y', 'use', 'err', 'post']) t.equal(router.getRoute(path), undefined, path)
  })

  t.test('deleteRoute forgets a path, and what is below it finds the next shorter one', async t => {
    const router = new NanoRouter()
    router.setRoute('/', pass)
    router.setRoute('/x', ok)
    router.deleteRoute('/x')
    t.equal(router.getRoute('/x/y'), pass)
  })

  t.test('deleteRoute takes the path in the spellings that setRoute takes', async t => {
    for (const path of ['/x', 'x', '/x/']) {
      const router = new NanoRouter()
      router.setRoute('/x', ok)
      router.deleteRoute(path)
      t.equal(router.getRoute('/x'), undefined, path)
    }
  })

  t.test('deleteRoute forgets a category', async t => {
    const router = new NanoRouter()
    router.setRoute('use', () => 'no')
    router.setRoute('/x', ok)
    router.deleteRoute('use')
    t.equal(router.getRoute('use'), undefined)
    t.match(await call(rest({ router }), 'GET', '/x'), { body: 'ok' })
  })

  t.test('deleting what is not there is no error', async t => {
    const router = new NanoRouter()
    for (const path of ['/x', '/', 'use', 'err', 'post', '/__proto__']) t.doesNotThrow(() => router.deleteRoute(path), path)
  })
})

t.test('NanoRouter runs', async t => {
  t.test('use, the body, the route, post, in this order', async t => {
    const seen: unknown[] = []
    const router = new NanoRouter()
    router.setRoute('use', (req: Req, _res: HostRes, next: Next) => {
      seen.push(['use', String(req.body)])
      next()
    })
    router.setRoute('/x', 'POST', (req: Req, res: HostRes, next: Next) => {
      seen.push(['route', String(req.body)])
      res.end()
      next()
    })
    router.setRoute('err', (_err: unknown, _req: Req, _res: HostRes, next: Next) => {
      seen.push(['err'])
      next()
    })
    router.setRoute('post', (_req: Req, _res: HostRes, next: Next) => {
      seen.push(['post'])
      next()
    })
    const { calls } = await runRoute(router, new FakeReq('POST', '/x', { body: 'hello' }))
    t.strictSame(seen, [['use', 'undefined'], ['route', 'hello'], ['post']])
    t.equal(calls.length, 1)
    t.notOk(calls[0]![0])
  })

  t.test('its own body reader, if it was given one', async t => {
    const router = new NanoRouter((req, _res, next) => {
      wrong<Req>(req).body = 'mine'
      next()
    })
    router.setRoute('/x', (req: Req) => 'got ' + req.body)
    t.match(await call(rest({ router }), 'POST', '/x', { body: 'theirs' }), { body: 'got mine' })
  })

  t.test('no body reader where the body is set', async t => {
    const router = new NanoRouter(() => { throw new Error('not to be called') })
    router.setRoute('/x', () => 'ok')
    for (const body of ['', null, 0, {}]) {
      const req = new FakeReq('POST', '/x', { body: 'unread' })
      req.body = body
      const { res } = await runRoute(router, req)
      t.equal(res.answer.body, 'ok', JSON.stringify(body))
    }
  })

  t.test('an unrouted path by itself: a 404, post, and no error for the callback', async t => {
    const warnings = catchWarnings(t)
    const seen: string[] = []
    const router = new NanoRouter()
    router.setRoute('use', () => { seen.push('use') })
    router.setRoute('err', () => { seen.push('err') })
    router.setRoute('post', (_req: Req, _res: HostRes, next: Next) => {
      seen.push('post')
      next()
    })
    const { calls, res } = await runRoute(router, new FakeReq('GET', '/nowhere?x=1'))
    t.match(res.answer, { statusCode: 404, headers: { 'content-type': 'application/json' } })
    t.match(res.answer.json(), { error: '404', message: '404 Not Found', debug: 'GET /nowhere: path not routed' })
    t.strictSame(seen, ['post'])
    t.equal(calls.length, 1)
    t.notOk(calls[0]![0])
    t.strictSame(warnings, [])
  })

  t.test('an unrouted path without reading its body', async t => {
    const req = new FakeReq('POST', '/nowhere', { body: 'unread' })
    await runRoute(new NanoRouter(), req)
    t.equal(req.body, undefined)
  })

  t.test('err for what use, the body reader or the route threw, with the error', async t => {
    const thrower = () => { throw new HttpError(418) }
    const table: [router: NanoRouterType, why: string][] = [[new NanoRouter(), 'use'], [new NanoRouter(thrower), 'body'], [new NanoRouter(), 'route']]
    table[0]![0].setRoute('use', thrower)
    table[2]![0].setRoute('/x', thrower)
    for (const [router, why] of table) {
      if (why !== 'route') router.setRoute('/x', ok)
      const seen: unknown[] = []
      router.setRoute('err', (err: unknown, _req: Req, res: HostRes, next: Next) => {
        seen.push(err)
        res.end()
        next()
      })
      const { calls } = await runRoute(router, new FakeReq('POST', '/x', { body: 'x' }))
      t.match(seen, [{ statusCode: 418 }], why)
      t.equal(calls.length, 1, why)
      t.notOk(calls[0]![0], why)
    }
  })

  t.test('out with the error if there is no err step, or that does not deal with it', async t => {
    const err = new HttpError(418)
    for (const errStep of [undefined, (err: unknown, _req: Req, _res: HostRes, next: Next) => next(err)]) {
      const router = new NanoRouter()
      router.setRoute('/x', () => { throw err })
      if (errStep) router.setRoute('err', errStep)
      t.strictSame((await runRoute(router, new FakeReq('GET', '/x'))).calls, [[err]])
    }
  })

  t.test('out with the earlier error if the err step throws, and has that reported', async t => {
    const err = new HttpError(418)
    const reported: unknown[][] = []
    const router = new NanoRouter()
    router.setRoute('/x', () => { throw err })
    router.setRoute('err', (_err: unknown, _req: Req, _res: HostRes, _next: Next) => { throw new Error('second') })
    const { calls } = await runRoute(router, new FakeReq('GET', '/x'), { reportError: (...args: unknown[]) => { reported.push(args) } })
    t.strictSame(calls, [[err]])
    t.match(reported, [[{ message: 'second' }, String]])
  })

  t.test('out with what post throws', async t => {
    const err = new Error('of post')
    const router = new NanoRouter()
    router.setRoute('/x', () => 'ok')
    router.setRoute('post', () => { throw err })
    t.strictSame((await runRoute(router, new FakeReq('GET', '/x'))).calls, [[err]])
  })

  t.test('post after an error too, once', async t => {
    let count = 0
    const router = new NanoRouter()
    router.setRoute('/x', () => { throw new HttpError(418) })
    router.setRoute('post', (_req: Req, _res: HostRes, next: Next) => {
      count++
      next()
    })
    await runRoute(router, new FakeReq('GET', '/x'))
    t.equal(count, 1)
  })

  t.test('its callback once, and reports what that throws', async t => {
    const warnings = catchWarnings(t)
    let count = 0
    const router = new NanoRouter()
    router.setRoute('/x', (_req: Req, res: HostRes, next: Next) => {
      res.end()
      next()
    })
    t.doesNotThrow(() => {
      router.runRoute({}, withBody(new FakeReq('GET', '/x')), new FakeRes(), () => {
        count++
        throw new Error('of the callback')
      })
    })
    await turns()
    t.equal(count, 1)
    t.match(warnings, [/mw callback threw.*of the callback/])
  })

  t.test('without a rest', async t => {
    const router = new NanoRouter()
    router.setRoute('/x', () => 'ok')
    const res = new FakeRes()
    router.runRoute(undefined, new FakeReq('GET', '/x'), res, () => {})
    await once(res, 'close')
    t.equal(res.answer.body, 'ok')
  })

  t.test('no step twice for two requests in flight', async t => {
    const seen: string[] = []
    const app = rest()
    app.use(async (req: Req, _res: HostRes, next: Next) => {
      await turns(req.url === '/slow' ? 3 : 1)
      next()
    })
    app.get('/', (req) => req.url)
    app.use('post', (req: Req, _res: HostRes, next: Next) => {
      seen.push(req.url!)
      next()
    })
    const answers = await Promise.all([call(app, 'GET', '/slow'), call(app, 'GET', '/quick')])
    await turns()
    t.match(answers, [{ body: '/slow' }, { body: '/quick' }])
    t.strictSame(seen, ['/quick', '/slow'])
  })

  /** A request whose body has been read. */
  function withBody(req: FakeReq): FakeReq {
    req.body = ''
    return req
  }
})
