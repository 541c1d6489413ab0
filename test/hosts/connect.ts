// connect by itself: what falls through and what is an answer, what the outer server finds then, time limits, and what fails. That it
// works in servers of others is in connect-servers.ts, and that their middleware works in our apps in connect-steps.ts.

import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import t, { type Test } from 'tap'
import { connect } from '../../hosts/connect.ts'
import type { ConnectApp, ConnectOptions } from '../../hosts/connect.ts'
import type { App, HostReq, HostRes, HttpErrorLike, Req, Step } from '../../microrest.ts'
import { FakeReq, FakeRes } from '../fixtures/call.ts'
import { HttpError, Router, mw, rest, sendResponse } from '../fixtures/core.ts'
import { gc } from '../fixtures/gc.ts'
import { Wire, serve } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

const fullApp = (): App => rest({ router: new Router() })

/** Let all happen that follows from what has happened. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

/** What middleware has done with a request. */
class Outcome {
  readonly req: FakeReq & { [name: string]: unknown }
  readonly res = new FakeRes()
  /** The arguments of each call of next. */
  readonly nexts: unknown[][] = []

  constructor(url: string, fields: object = {}, method = 'GET') {
    this.req = Object.assign(new FakeReq(method, url), fields) as Outcome['req']
  }

  async through(app: ConnectApp, options?: ConnectOptions): Promise<this> {
    connect(app, options)(this.req, this.res, (...args) => void this.nexts.push(args))
    await settle()
    return this
  }

  /** 'next', 'next: ' and an error, or what was answered. */
  get told(): string {
    const { headersSent, statusCode, answer } = this.res
    const nexts = this.nexts.map(([err]) => (err ? 'next: ' + (err as Error).message : 'next'))
    return [...nexts, ...(headersSent ? [statusCode + ' ' + answer.body] : [])].join(', ')
  }
}

/** What becomes of a request. */
async function send(app: ConnectApp, url: string, options?: ConnectOptions): Promise<string> {
  return (await new Outcome(url).through(app, options)).told
}

const NOT_FOUND = '404 {"error":"404","message":"404 Not Found"}'

// ------------------------------------------------------------------------------------------------------ falling through

t.test('what is not routed falls through, whatever the err steps and onError would say of it', async t => {
  for (const [name, make] of [['Router', fullApp], ['NanoRouter', () => rest()]] as const) {
    const app = make().use((err: unknown, _req: Req, res: HostRes, _next: unknown) => void res.end('err step: ' + err))
    app.onError = (_err, _req, res) => res.end('onError')
    app.all('/x', () => 'x')
    for (const errors of ['answer', 'pass'] as const) {
      t.equal(await send(app, '/nothing', { errors }), 'next', name)
      t.equal(await send(app, '/x', { errors }), '200 x', name)
    }
  }
  t.strictSame((await new Outcome('/').through(fullApp())).nexts, [[]], 'next gets nothing')
})

t.test('what is not routed inside of what is mounted falls through, too', async t => {
  const router = new Router()
  router.setRoute('/x', () => 'x')
  const app = fullApp().use('/router', router).use('/app', fullApp().get('/x', () => 'x'))
  app.use('err', (_err, _req, res) => res.end('err'))
  for (const path of ['/router/nothing', '/app/nothing', '/nothing']) t.equal(await send(app, path), 'next', path)
  for (const path of ['/router/x', '/app/x']) t.equal(await send(app, path), '200 x', path)
})

t.test('an app that answers nothing falls through', async t => {
  const on: Step = (_req, _res, next) => next()
  t.equal(await send(rest((_req, _res, next) => next()), '/'), 'next')
  t.equal(await send(fullApp().get('/', on), '/'), 'next')
  t.equal(await send(fullApp().get('/', (_req, _res, next) => next(false)), '/'), 'next')
  const dealing = fullApp().get('/', () => { throw new Error('dealt with') }).use('err', (_err, _req, _res, next) => next())
  t.equal(await send(dealing, '/'), 'next')
})

t.test('a 404 that a route makes is an answer', async t => {
  const app = fullApp().get('/a', () => { throw new HttpError(404) }).get('/b', (req, res, next) => sendResponse(req, res, next, null, 404))
  app.get('/c', () => new HttpError(404)).get('/d', (_req, _res, next) => next(new HttpError(404)))
  t.equal(await send(app, '/a'), NOT_FOUND)
  t.equal(await send(app, '/b'), '404 ')
  t.equal(await send(app, '/c'), NOT_FOUND)
  t.equal(await send(app, '/d'), NOT_FOUND)
  t.equal(await send(app, '/d', { errors: 'pass' }), 'next: 404 Not Found')
})

t.test('a method that is not allowed is an answer where the router says so, and else falls through', async t => {
  const strict = rest({ router: new Router({ methodNotAllowed: true }) }).post('/x', () => 'x')
  t.match(await send(strict, '/x'), /^405 /)
  t.equal(await send(strict, '/y'), 'next')
  t.equal(await send(fullApp().post('/x', () => 'x'), '/x'), 'next')
})

t.test('a path that is malformed is an error', async t => {
  t.match(await send(fullApp(), '/%zz'), /^400 /)
  t.equal(await send(fullApp(), '/%zz', { errors: 'pass' }), 'next: 400 Bad Request')
})

t.test('pre and post steps run for all, and what they set stays', async t => {
  const ran: string[] = []
  const app = fullApp().use('pre', (req, res, next) => {
    ran.push('pre')
    res.setHeader('x-pre', 'yes')
    if (req.url === '/file') res.end('a file')
    else next()
  }).use('post', (_req, _res, next) => {
    ran.push('post')
    next()
  }).use(() => ran.push('use'))
  const outcome = await new Outcome('/nothing').through(app)
  t.strictSame([outcome.told, ran, outcome.res.headers], ['next', ['pre', 'post'], { 'x-pre': 'yes' }])
  t.equal(await send(app, '/file'), '200 a file', 'a pre step may answer')
})

t.test('what has been answered is not answered again', async t => {
  const app = fullApp().get('/both', (req, res, next) => sendResponse(req, res, next, null, 200, 'both'))
  app.get('/begun', (_req, res, next) => {
    res.write('begun')
    next()
  })
  t.equal(await send(app, '/both'), '200 both')
  t.equal(await send(app, '/begun'), '200 begun')
})

t.test('what the outer server has answered is not asked of the app', async t => {
  let count = 0
  const app = fullApp().use('pre', (_req, _res, next) => {
    count++
    next()
  })
  app.get('/hello', (_req, res) => {
    res.write('hi')
    res.end()
  })
  const outcome = new Outcome('/hello')
  outcome.res.end('from outside')
  t.equal((await outcome.through(app)).told, 'next, 200 from outside')

  const middleware = connect(app)
  const { url } = await serve(t, (req, res) => {
    res.end('from outside')
    middleware(req, res as never)
  })
  t.equal(await (await fetch(url + '/hello')).text(), 'from outside')
  t.equal(count, 0)
})

// ------------------------------------------------------------------------------------------ the request, and its return

t.test('the outer server finds the request as it was', async t => {
  const before = {
    url: '/nothing?a=1', originalUrl: '/api/nothing?a=1', baseUrl: '/api', params: { tenant: 'acme' }, query: { a: 'theirs' },
    path: '/nothing', body: { theirs: 1 }, _route: [() => 'theirs'],
  }
  const app = fullApp().use('pre', mw.mwParseQuery).use('pre', (req, _res, next) => {
    Object.assign(req, { url: '/rewritten', baseUrl: '/other', params: { more: 'x' } })
    next()
  })
  const failing = fullApp().use('pre', mw.mwParseQuery).get('/:any', () => { throw new Error('broken') })
  for (const fields of [before, { url: '/nothing', query: undefined }, { url: '/nothing' }]) {
    for (const [inner, told] of [[app, 'next'], [failing, 'next: broken']] as const) {
      const outcome = await new Outcome('/', fields).through(inner, { errors: 'pass' })
      const { url, originalUrl, baseUrl, params, query, path, body, _route } = outcome.req
      t.equal(outcome.told, told)
      t.match({ url, originalUrl, baseUrl, params, query, path, body, _route }, fields)
      for (const key of ['query', 'path']) t.equal(Object.hasOwn(outcome.req, key), key in fields, key)
    }
  }
})

t.test('getters of the outer server for query and path come back', async t => {
  const inherited = Object.defineProperties(Object.create(FakeReq.prototype), {
    query: { get: () => 'their query' },
    path: { get: () => 'their path' },
  })
  const outcome = new Outcome('/nothing?a=1')
  Object.setPrototypeOf(outcome.req, inherited)
  const seen: unknown[] = []
  await outcome.through(fullApp().use('pre', mw.mwParseQuery).use('pre', (req, _res, next) => {
    seen.push(req.query, req.path)
    next()
  }))
  t.strictSame(seen, [{ a: '1' }, '/nothing'])
  t.strictSame([outcome.told, outcome.req.query, outcome.req.path], ['next', 'their query', 'their path'])
})

t.test('the parameters of outer routes are seen inside, and stay as they are', async t => {
  const params = Object.freeze({ tenant: 'acme', id: '1' })
  const outcome = await new Outcome('/users/7', { params }).through(fullApp().get('/users/:id', (req) => req.params))
  t.equal(outcome.told, '200 {"tenant":"acme","id":"7"}')
})

t.test('a route that an outer pre step has chosen is not for this app', async t => {
  t.equal((await new Outcome('/nothing', { _route: [() => 'theirs'] }).through(fullApp())).told, 'next')
})

t.test('the prefix is what the server says, or else what is missing of the url that came', async t => {
  type Text = string | undefined
  const table: [baseUrl: Text, originalUrl: Text, url: string, expected: Text, why: string][] = [
    ['/api', '/api/x', '/x', '/api', 'said'],
    ['', '/x', '/x', '', 'said that there is none'],
    ['/said', '/api/x', '/x', '/said', 'said, and something else'],
    [undefined, undefined, '/x', undefined, 'a server that knows no prefixes'],
    [undefined, '/x?a', '/x?a', undefined, 'no prefix'],
    [undefined, '/api/x', '/x', '/api', 'cut off'],
    [undefined, '/api/x?a=/x', '/x?a=/x', '/api', 'with a query'],
    [undefined, '/a/b/c/x', '/x', '/a/b/c', 'a longer one'],
    [undefined, '/api', '/', '/api', 'the prefix itself'],
    [undefined, '/api/', '/', '/api', 'the prefix with a slash'],
    [undefined, '/api?a', '/?a', '/api', 'the prefix with a query'],
    [undefined, '/api?a', '?a', '/api', 'the same, as polka has it'],
    [undefined, 'http://a.test/api/x', 'http://a.test/x', '/api', 'the absolute form'],
    [undefined, '/api.json', '/.json', undefined, 'something else has been made of it'],
    [undefined, '/old', '/new', undefined, 'rewritten'],
  ]
  const app = rest((req) => [req.baseUrl ?? null])
  for (const [baseUrl, originalUrl, url, expected, why] of table) {
    const outcome = await new Outcome(url, { baseUrl, originalUrl }).through(app)
    t.equal(outcome.told, '200 ' + JSON.stringify([expected ?? null]), why)
    t.equal(outcome.req.originalUrl, originalUrl ?? url)
  }
})

t.test('steps find the url as it came, where the server has not kept it too', async t => {
  const table: [fields: object, expected: string][] = [
    [{}, '/x?a'],
    [{ baseUrl: '/api' }, '/api/x?a'],
    [{ originalUrl: '/api/x?a' }, '/api/x?a'],
  ]
  const app = rest((req) => [req.originalUrl])
  for (const [fields, expected] of table) {
    t.equal((await new Outcome('/x?a', fields).through(app)).told, `200 ["${expected}"]`)
  }
  const { req, told } = await new Outcome('/x').through(fullApp())
  t.strictSame([told, req.originalUrl], ['next', undefined], 'what falls through is as it was')
})

t.test('an app in an app of ours, by connect, goes on with the steps of that', async t => {
  const inner = fullApp().get('/api/x', () => 'inner').use('err', (_err, _req, res) => res.end('err'))
  const outer = fullApp().use(connect(inner, { errors: 'pass' })).get('/api/:any', (req) => 'outer ' + req.params.any)
  t.equal(await send(outer, '/api/x'), '200 inner')
  t.equal(await send(outer, '/api/y'), '200 outer y')
  t.equal(await send(outer, '/z'), 'next')
})

t.test('an app in an app that passes its errors answers its own', async t => {
  const inner = fullApp().get('/x', () => new HttpError(409))
  const outer = fullApp().use('pre', connect(inner)).get('/y', () => new HttpError(410))
  t.equal(await send(outer, '/x', { errors: 'pass' }), '409 {"error":"409","message":"409 Conflict"}')
  t.equal(await send(outer, '/y', { errors: 'pass' }), 'next: 410 Gone')
  t.equal(await send(outer, '/z', { errors: 'pass' }), 'next')
})

t.test('apps one after the other get the same request', async t => {
  const first = fullApp().use('pre', mw.mwParseQuery).get('/users/:id', (req) => 'first ' + req.params.id)
  const second = fullApp().get('/:what/:name', (req) => ['second', req.url, req.params, req.query ?? null])
  const table: [url: string, told: string][] = [
    ['/users/7', '200 first 7'],
    ['/a/b?c', '200 ["second","/a/b?c",{"what":"a","name":"b"},null]'],
    ['/d', 'next'],
  ]
  for (const [url, told] of table) {
    const { req, res, nexts } = new Outcome(url)
    connect(first)(req, res, () => connect(second)(req, res, (...args) => void nexts.push(args)))
    await settle()
    t.equal(nexts.length ? 'next' : res.statusCode + ' ' + res.answer.body, told)
  }
})

t.test('a server that overrides headersSent is not believed, and has its own again', async t => {
  // (As @fastify/express does, for which an answer is what fastify has sent.)
  const api = connect(fullApp().get('/both', (req, res, next) => sendResponse(req, res, next, null, 200, 'both')))
  const { url } = await serve(t, (req, res) => {
    Object.defineProperty(res, 'headersSent', { get: () => false, configurable: true })
    api(req, res, () => res.end('outer ' + Object.hasOwn(res, 'headersSent')))
  })
  t.equal(await (await fetch(url + '/both')).text(), 'both')
  t.equal(await (await fetch(url + '/nothing')).text(), 'outer true')
})

// ------------------------------------------------------------------------------------------------------------ the body

t.test('a body that has been read is used, and one that has not is read', async t => {
  const sent = { body: 'abc', headers: { 'content-length': '3' } }
  const app = rest(({ body }) => (body instanceof Uint8Array ? 'read ' + Buffer.from(body) : JSON.stringify(body)))
  const table: [fields: object, told: string, why: string][] = [
    [{}, 'read abc', 'no parser'],
    [{ body: undefined }, 'read abc', 'what express 5 has by default'],
    [{ body: {} }, 'read abc', 'what express 4 has by default'],
    [{ body: {}, _body: true }, '{}', 'parsed, as express 4 says'],
    [{ body: {}, readableDidRead: true }, '{}', 'parsed, as the stream says'],
    [{ body: {}, readableEnded: true }, '{}', 'parsed, and there was nothing'],
    [{ body: { a: 1 } }, '{"a":1}', 'parsed'],
    [{ body: [] }, '[]', 'a list'],
    [{ body: null }, 'null', 'null'],
    [{ body: '' }, '""', 'a text'],
    [{ body: Buffer.from('') }, 'read ', 'bytes'],
    [{ readableEnded: true }, 'read ', 'read by somebody who has kept it'],
  ]
  for (const [fields, told, why] of table) {
    const outcome = new Outcome('/')
    Object.assign(outcome.req, Object.assign(new FakeReq('POST', '/', sent), fields))
    t.equal((await outcome.through(app)).told, '200 ' + told, why)
  }
})

t.test('a default body is there again for the outer server, and what was read of the body stays', async t => {
  const body = {}
  const outcome = await new Outcome('/', { body }).through(fullApp())
  t.equal(outcome.req.body, body)
  const app = fullApp().use('pre', (req, res, next) => mw.mwReadBody(req, res, next))
  const read = await new Outcome('/', { body }, 'POST').through(app)
  t.strictSame([read.told, read.req.body], ['next', Buffer.alloc(0)])
})

t.test('a stream that has been consumed is not waited for', async t => {
  const api = connect(rest(({ body }) => 'read ' + (body as Uint8Array).length))
  const { url } = await serve(t, async (req, res) => {
    if (req.url === '/event') req.resume().on('end', () => api(req, res, () => {}))
    else {
      for await (const _chunk of req) { /* let it go */ }
      api(req, res, () => {})
    }
  })
  for (const path of ['/', '/event']) {
    t.equal(await (await fetch(url + path, { method: 'POST', body: 'abc' })).text(), 'read 0', path)
  }
})

// ---------------------------------------------------------------------------------------------------------- the errors

t.test('errors that the app did not deal with are answered by its onError, or passed on', async t => {
  const warnings = catchWarnings(t)
  const broken = new Error('broken')
  const app = fullApp().get('/broken', () => { throw broken }).get('/known', () => new HttpError(409, 'taken'))
  app.get('/text', (_req, _res, next) => next('router')).get('/object', (_req, _res, next) => next({ code: 7 }))
  t.equal(await send(app, '/broken'), '500 {"error":"500","message":"500 Internal Error"}')
  t.equal(await send(app, '/known'), '409 {"error":"409","message":"409 Conflict","debug":"taken"}')
  t.strictSame(warnings.splice(0), ['broken'])

  const pass = { errors: 'pass' } as const
  t.strictSame((await new Outcome('/broken').through(app, pass)).nexts, [[broken]])
  t.strictSame((await new Outcome('/object').through(app, pass)).nexts, [[{ code: 7 }]])
  t.match((await new Outcome('/text').through(app, pass)).nexts, [[Error('router')]], "a word of express' router is an error, too")
  app.onError = (_err, _req, res) => res.end('onError')
  t.equal(await send(app, '/known'), '200 onError')
  t.equal(await send(app, '/known', pass), 'next: 409 Conflict', 'onError is not asked')
  app.use('err', (_err, _req, res) => res.end('err step'))
  t.equal(await send(app, '/known', pass), '200 err step')
  t.strictSame(warnings, [])
})

t.test('what onError hands on goes to the outer server in either case', async t => {
  const app = rest(() => { throw new Error('broken') }, (err, _req, _res, next) => next(err))
  t.equal(await send(app, '/'), 'next: broken')
})

t.test('what the outer server throws is its own', async t => {
  const warnings = catchWarnings(t)
  const failure = new Error('outer')
  const fail = (): never => { throw failure }
  const { req, res } = new Outcome('/nothing')
  t.throws(() => connect(fullApp())(req, res, fail), failure, 'at once')

  const died: unknown[] = []
  const note = (err: unknown): void => void died.push(err)
  process.on('uncaughtException', note)
  const later = new Outcome('/')
  connect(fullApp().get('/', (_req, _res, next) => void setImmediate(next)))(later.req, later.res, fail)
  await settle()
  process.off('uncaughtException', note)
  t.strictSame(died, [failure], 'or as of any listener of node')
  t.strictSame(warnings, [])
})

t.test('without a next the app answers everything', async t => {
  catchWarnings(t)
  const app = fullApp().get('/x', (req) => 'x ' + req.baseUrl).get('/broken', () => { throw new Error('broken') })
  const { url } = await serve(t, connect(app, { errors: 'pass' }))
  for (const [path, status] of [['/x', 200], ['/nothing', 404], ['/broken', 500]] as const) {
    t.equal((await fetch(url + path)).status, status)
  }
})

t.test('what is no app, and options that cannot be, throw at once', async t => {
  for (const app of [undefined, null, {}, 'app', rest, new Router(), () => {}]) {
    t.throws(() => connect(wrong<App>(app)), { name: 'TypeError', message: 'no app: ' + String(app).slice(0, 99) })
  }
  for (const errors of ['next', true, null, 0]) {
    t.throws(() => connect(rest(), { errors: wrong<'pass'>(errors) }), { name: 'TypeError', message: 'bad errors: ' + errors })
  }
  for (const timeout of [-1, NaN, Infinity, 2 ** 31, '5', true, null]) {
    t.throws(() => connect(rest(), { timeout: wrong<number>(timeout) }), { name: 'TypeError', message: 'bad timeout: ' + timeout })
  }
  t.doesNotThrow(() => connect(rest(), { errors: undefined, timeout: undefined }))
  t.equal(connect(rest()).name, 'connect')
  t.equal(connect(rest()).length, 3, 'by which servers know that it is no handler of errors')
})

// -------------------------------------------------------------------------------------------------------- time limits

const LIMIT_MS = 12345

/** Timers of LIMIT_MS that are set until the test is over: to be run out by hand, for no test waits for a clock. */
function catchTimers(t: Test): { pending(): number; runOut(): void } {
  const { setTimeout, clearTimeout } = globalThis
  const timers = new Set<() => void>()
  globalThis.setTimeout = wrong<typeof setTimeout>((f: () => void, delay: number) => {
    if (delay !== LIMIT_MS) return setTimeout(f, delay)
    timers.add(f)
    return f
  })
  globalThis.clearTimeout = (timer) => {
    if (!timers.delete(wrong(timer))) clearTimeout(timer)
  }
  t.after(() => Object.assign(globalThis, { setTimeout, clearTimeout }))
  return {
    pending: () => timers.size,
    runOut() {
      for (const timer of timers) timer()
      timers.clear()
    },
  }
}

/** An app whose step waits until it is told to go on, and then does something. */
function slowApp(late: Step): { app: App; goOn(): void } {
  let goOn = (): void => {}
  const app = fullApp().get('/', (req, res, next) => {
    goOn = () => void late(req, res, next)
  })
  return { app, goOn: () => goOn() }
}

t.test('an app that does not begin its answer in time has failed with a 503', async t => {
  const warnings = catchWarnings(t)
  const { app } = slowApp(() => {})
  const { url } = await serve(t, (req, res) => connect(app, { timeout: 5 })(req, res, () => res.end('outer')))
  const answer = await fetch(url + '/')
  t.strictSame([answer.status, await answer.text()], [503, '{"error":"503","message":"503 Service Unavailable"}'])
  t.strictSame(warnings, ['GET /: no answer within 5 ms'])

  const passing = await serve(t, (req, res) => connect(app, { timeout: 5, errors: 'pass' })(req, res, (err) => {
    res.end((err as HttpErrorLike).statusCode + ' ' + (err as Error).message)
  }))
  t.equal(await (await fetch(passing.url + '/?a')).text(), '503 GET /?a: no answer within 5 ms')
  const alone = await serve(t, connect(app, { timeout: 5, errors: 'pass' }))
  t.equal((await fetch(alone.url + '/')).status, 503, 'without a next')
})

t.test('what the app does after its time changes nothing, and is told if it is an error', async t => {
  const warnings = catchWarnings(t)
  const table: [what: string, late: Step, warnings: string[]][] = [
    ['answers', (_req, res) => res.end('late'), []],
    ['goes on', (_req, _res, next) => next(), []],
    ['fails', (_req, _res, next) => next(new Error('late')), ['late']],
  ]
  for (const [what, late, expected] of table) {
    const { app, goOn } = slowApp(late)
    const expired: Error[] = []
    const { url } = await serve(t, (req, res) => connect(app, { timeout: 5, errors: 'pass' })(req, res, (err) => {
      expired.push(err as Error)
      res.end('outer')
    }))
    t.equal(await (await fetch(url + '/')).text(), 'outer', what)
    goOn()
    await settle()
    t.match(expired, [{ message: 'GET /: no answer within 5 ms' }], what)
    t.strictSame(warnings.splice(0), expected, what)
  }
})

t.test('an answer of the app right after that of its time limit does not end the process', async t => {
  catchWarnings(t)
  const { app, goOn } = slowApp((_req, res) => res.end('late'))
  app.onError = (_err, _req, res) => {
    res.end('too late')
    goOn()
  }
  const { url } = await serve(t, connect(app, { timeout: 5 }))
  for (let ix = 0; ix < 2; ix++) t.equal(await (await fetch(url + '/')).text(), 'too late')
})

t.test('what the app hands on after its time goes nowhere, and an error is told', async t => {
  const warnings = catchWarnings(t)
  const timers = catchTimers(t)
  for (const [late, expected] of [[new Error('late'), ['late error: late']], [undefined, []]] as const) {
    const { app, goOn } = slowApp((_req, _res, next) => next(late))
    app.onError = (err, _req, _res, next) => next(err)
    const outcome = await new Outcome('/').through(app, { timeout: LIMIT_MS, errors: 'pass' })
    timers.runOut()
    goOn()
    await settle()
    t.equal(outcome.told, 'next: GET /: no answer within 12345 ms')
    t.strictSame(warnings.splice(0), expected)
  }
})

t.test('what has been answered, or fell through, or has begun, is in time', async t => {
  const timers = catchTimers(t)
  const app = fullApp().get('/x', () => 'x').get('/begun', (_req, res) => void res.write('begun'))
  for (const [path, told] of [['/x', '200 x'], ['/nothing', 'next'], ['/begun', '200 begun']] as const) {
    const outcome = await new Outcome(path).through(app, { timeout: LIMIT_MS })
    timers.runOut()
    await settle()
    t.equal(outcome.told, told)
    t.equal(outcome.res.destroyed, outcome.res.writableEnded, 'and is not cut off')
  }
})

t.test('a timer lives as long as its response', async t => {
  const timers = catchTimers(t)
  const outcome = await new Outcome('/').through(slowApp(() => {}).app, { timeout: LIMIT_MS })
  t.equal(timers.pending(), 1)
  outcome.res.close()
  t.equal(timers.pending(), 0)
  await new Outcome('/').through(fullApp())
  t.equal(timers.pending(), 0, 'and without a limit there is none')
})

t.test('onError may fail with the 503, too, or hand it on', async t => {
  const timers = catchTimers(t)
  const failure = new Error('failure')
  const table: [what: string, onError: App['onError'], told: string, alone: string][] = [
    ['answers', (_err, _req, res) => res.end('mine'), '200 mine', '200 mine'],
    ['hands it on', (err, _req, _res, next) => next(err), 'next: GET /: no answer within 12345 ms', '503 '],
    ['throws', () => { throw failure }, 'next: failure', '503 '],
    ['rejects', () => Promise.reject(failure), 'next: failure', '503 '],
    ['goes on', (_err, _req, _res, next) => next(), 'next', '503 '],
    ['answers, and throws', (_err, _req, res) => { res.end('mine'); throw failure }, '200 mine', '200 mine'],
  ]
  for (const [what, onError, told, alone] of table) {
    const { app } = slowApp(() => {})
    app.onError = onError
    const outcome = await new Outcome('/').through(app, { timeout: LIMIT_MS })
    const { req, res } = new Outcome('/')
    connect(app, { timeout: LIMIT_MS })(req, res)
    timers.runOut()
    await settle()
    t.equal(outcome.told, told, what)
    t.equal(res.statusCode + ' ' + res.answer.body, alone, what + ', without a next')
  }
})

// ------------------------------------------------------------------------------------------------------------ failure

t.test('a header that node refuses is an error like any other', async t => {
  const warnings = catchWarnings(t)
  const app = fullApp().get('/set', (_req, res) => { res.setHeader('x-a', 'a\nb') })
  app.get('/sent', (req, res, next) => sendResponse(req, res, next, null, 200, 'x', { 'x a': 'b' }))
  const { url } = await serve(t, (req, res) => connect(app, { errors: req.headers.pass ? 'pass' : 'answer' })(req, res, (err) => {
    res.end('outer: ' + (err as NodeJS.ErrnoException).code)
  }))
  for (const [path, code] of [['/set', 'ERR_INVALID_CHAR'], ['/sent', 'ERR_INVALID_HTTP_TOKEN']] as const) {
    const answer = await fetch(url + path)
    t.strictSame([answer.status, await answer.text()], [500, '{"error":"500","message":"500 Internal Error"}'], path)
    t.equal(await (await fetch(url + path, { headers: { pass: '1' } })).text(), 'outer: ' + code, path)
  }
  t.ok(warnings.length > 0)
})

t.test('a body that breaks off fails, and is passed on as a 400', async t => {
  const errs: unknown[] = []
  const posts: unknown[] = []
  const app = fullApp().post('/', () => 'x').use('post', (_req, res, next) => {
    posts.push(res.headersSent)
    next()
  })
  const handed = new Promise<void>((resolve) => {
    void serve(t, (req, res) => connect(app, { errors: 'pass' })(req, res, (err) => {
      errs.push(err)
      resolve()
    })).then(({ port }) => {
      const socket = net.connect(port, '127.0.0.1')
      socket.write('POST / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 10\r\n\r\nabc', () => socket.destroy())
    })
  })
  await handed
  await settle()
  t.match(errs, [{ statusCode: 400, debug: 'aborted' }])
  t.strictSame(posts, [false])
})

t.test('a client that leaves does not have its request handed to the outer server', async t => {
  for (const hasPost of [true, false]) {
    let goOn = (): void => {}
    const nexts: unknown[] = []
    const app = fullApp()
    if (hasPost) app.use('post', (_req, _res, next) => next())
    const begun = new Promise<HostRes>((resolve) => app.get('/', (_req, res, next) => {
      goOn = next
      resolve(res)
    }))
    const { port } = await serve(t, (req, res) => connect(app)(req, res, (err) => nexts.push(err)))
    const wire = new Wire(t, port)
    await wire.send('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n')
    const closed = once(await begun as http.ServerResponse, 'close')
    wire.socket.destroy()
    await closed
    goOn()
    await settle()
    t.strictSame(nexts, [])
  }
})

// ---------------------------------------------------------------------------------------------------------------- load

/** A server whose requests are answered by an app and by what is around it in turn; and what it has seen. */
async function serveBoth(t: Test): Promise<{ ask(ix: number, agent: http.Agent): Promise<string>; refs: WeakRef<HostReq>[] }> {
  const refs: WeakRef<HostReq>[] = []
  const app = fullApp().use(mw.mwParseQuery).post('/inner/:ix', (req) => req.params.ix + req.body).use('post', (_req, _res, next) => next())
  const api = connect(app, { errors: 'pass', timeout: 60_000 })
  const { port } = await serve(t, (req, res) => {
    refs.push(new WeakRef(req))
    api(req, res, () => res.end('outer'))
  })
  async function ask(ix: number, agent: http.Agent): Promise<string> {
    const path = ix % 2 ? '/inner/' + ix : '/outer'
    const request = http.request({ host: '127.0.0.1', port, path, method: 'POST', agent })
    request.end('!')
    const [response] = await once(request, 'response') as [http.IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return text
  }
  return { ask, refs }
}

/** What is answered to the request of that number. */
const expectedOf = (ix: number): string => (ix % 2 ? ix + '!' : 'outer')

t.test('10,000 requests one after another are all answered, and nothing is kept of them', async t => {
  const { ask, refs } = await serveBoth(t)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  let wrongOnes = 0
  for (let ix = 0; ix < 10_000; ix++) {
    if (await ask(ix, agent) !== expectedOf(ix)) wrongOnes++
  }
  agent.destroy()
  await settle()
  gc()
  const alive = refs.filter((ref) => ref.deref()).length
  t.strictSame([wrongOnes, refs.length], [0, 10_000])
  // (The connection has its last request.)
  t.ok(alive < 10, `${alive} requests are held`)
})

t.test('500 requests at once are all answered', async t => {
  const { ask, refs } = await serveBoth(t)
  const agent = new http.Agent({ keepAlive: false })
  const answers = await Promise.all(Array.from({ length: 500 }, (_, ix) => ask(ix, agent)))
  t.strictSame(answers, Array.from({ length: 500 }, (_, ix) => expectedOf(ix)))
  t.equal(refs.length, 500)
})
