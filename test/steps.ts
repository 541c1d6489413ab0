// What a step is, and what it can rely on: how it goes on, answers and fails, in which order steps run, and that all of it ends
// well whatever they do. One suite for every way to run steps, as far as each has the thing; where the life of a socket or of
// the process is at stake, over real ones.

import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { App, ErrStep, Next, ProcessRequest, Res, RestOptions, RouterLike, Step } from '../microrest.ts'
import { FakeReq, FakeRes, textOf } from './fixtures/call.ts'
import type { Answer, CallOptions } from './fixtures/call.ts'
import { HttpError, NanoRouter, Router, mw, onNode, rest, times } from './fixtures/core.ts'
import { gc } from './fixtures/gc.ts'
import { Wire, serve } from './fixtures/server.ts'
import { catchWarnings } from './fixtures/warnings.ts'

const TEXT = 'text/plain; charset=utf-8'
const BYTES = 'application/octet-stream'
const JSON_TYPE = 'application/json'

// ------------------------------------------------------------------------------------------------------ ways to run

/** An app with steps before, around and after a route, by either router. */
const ROUTERS: [name: string, make: (options?: RestOptions) => App][] = [
  ['Router', options => rest({ ...options, router: new Router(options) })],
  ['NanoRouter', options => rest(options)],
]

/** An app that does one thing with every request, by each of the ways there are to say so. */
const APPS: [name: string, make: (step: Step, options?: RestOptions) => App][] = [
  ['Router', (step, options) => rest({ ...options, router: new Router() }).all('/', step)],
  ['NanoRouter', (step, options) => rest(options).all('/', step)],
  ['processRequest', (step, options) => rest({ ...options, processRequest: step as ProcessRequest })],
]

/** Let all happen that follows from what has happened, as far as it needs no clock and no socket. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
}

/** One turn of the event loop. */
function later(): Promise<void> {
  return new Promise(setImmediate)
}

/** What is thrown to nobody while something is done: what would end the process. */
async function deaths(f: () => Promise<unknown>): Promise<unknown[]> {
  const died: unknown[] = []
  const note = (err: unknown): void => { died.push(err) }
  process.on('uncaughtException', note).on('unhandledRejection', note)
  await f()
  await settle()
  process.off('uncaughtException', note).off('unhandledRejection', note)
  return died
}

/** One request through a router, with what its callback is called with. */
class Exchange {
  req: FakeReq
  res: FakeRes
  callbacks: unknown[][] = []

  constructor(method: string, url: string, options: CallOptions = {}, res = new FakeRes()) {
    this.req = new FakeReq(method, url, options)
    this.res = res
  }

  /** Run it through the router of an app, without the app. */
  start(app: App): this {
    app.rest.router!.runRoute(app.rest, this.req, this.res, (...all: unknown[]) => { this.callbacks.push(all) })
    return this
  }
}

/** Run a request through the router of an app until nothing more happens. */
async function run(app: App, method = 'GET', url = '/', options?: CallOptions): Promise<Exchange> {
  const exchange = new Exchange(method, url, options).start(app)
  await settle()
  return exchange
}

/** What an app answers; undefined if nothing more happens and it has not answered. */
async function ask(app: App, method = 'GET', url = '/', options: CallOptions = {}): Promise<Answer | undefined> {
  const res = new FakeRes()
  app(new FakeReq(method, url, options), res, options.next)
  await settle()
  return res.writableEnded ? res.answer : undefined
}

/** A promise and what resolves it. */
function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => { open = resolve })
  return { opened, open }
}

const hi: Step = (_req, res, next) => {
  res.end('hi')
  next()
}

/** A step that counts its calls and goes on. */
function counter(): Step & { count: number } {
  const step = ((_req, _res, next) => {
    step.count++
    next()
  }) as Step & { count: number }
  step.count = 0
  return step
}

/** A function that hides the parameters of a step, as decorators do. (QuickJS counts a rest parameter that is taken apart.) */
function wrap(step: Step): Step {
  return (...args) => step(...args)
}

// ----------------------------------------------------------------------------------------------------- short steps

interface Thenable { then(done: (value: unknown) => void, fail: (err: unknown) => void): unknown }

function thenable(then: Thenable['then']): Thenable {
  return { then }
}

const ANSWERS: [why: string, step: Step, statusCode: number, type: string | undefined, body: string][] = [
  ['a text', () => 'hi', 200, TEXT, 'hi'],
  ['an empty text', () => '', 200, TEXT, ''],
  ['a String object', () => new String('hi'), 200, TEXT, 'hi'],
  ['a Buffer', () => Buffer.from('hi'), 200, BYTES, 'hi'],
  ['a Uint8Array', () => new Uint8Array([104, 105]), 200, BYTES, 'hi'],
  ['no bytes', () => new Uint8Array(0), 200, BYTES, ''],
  ['an object', req => ({ method: req.method }), 200, JSON_TYPE, '{"method":"GET"}'],
  ['a list', () => [1, 'two'], 200, JSON_TYPE, '[1,"two"]'],
  ['null', () => null, 200, JSON_TYPE, 'null'],
  ['null by a step that takes req', _req => null, 200, JSON_TYPE, 'null'],
  ['false', () => false, 200, JSON_TYPE, 'false'],
  ['zero', () => 0, 200, JSON_TYPE, '0'],
  ['zero by a step that takes req', _req => 0, 200, JSON_TYPE, '0'],
  ['a date', () => new Date(0), 200, JSON_TYPE, '"1970-01-01T00:00:00.000Z"'],
  ['a promise of a text', async () => 'hi', 200, TEXT, 'hi'],
  ['a promise of an object', async req => ({ url: req.url }), 200, JSON_TYPE, '{"url":"/"}'],
  ['a promise of null', async _req => null, 200, JSON_TYPE, 'null'],
  ['a promise of bytes', async () => Buffer.from('hi'), 200, BYTES, 'hi'],
  ['a promise that takes its time', _req => new Promise(resolve => setImmediate(resolve, 'hi')), 200, TEXT, 'hi'],
  ['a thenable that does not wait', () => thenable(done => done('hi')), 200, TEXT, 'hi'],
  ['a thenable that does', _req => thenable(done => setImmediate(done, { a: 1 })), 200, JSON_TYPE, '{"a":1}'],
  ['a thenable that settles twice', () => thenable(done => [done('one'), done('two')]), 200, TEXT, 'one'],
  ['a thenable that fails after it is done', () => thenable((done, fail) => [done('one'), fail(new Error('two'))]), 200, TEXT, 'one'],
  ['an object whose then is no function', () => ({ then: 'hi' }), 200, JSON_TYPE, '{"then":"hi"}'],
  ['an object without a prototype', () => Object.assign(Object.create(null), { a: 1 }), 200, JSON_TYPE, '{"a":1}'],
  ['a text under a content-type', wrap((_req, res) => (res.setHeader('content-type', 'text/html'), '<p>')), 200, 'text/html', '<p>'],
  ['an object under one', wrap((_req, res) => (res.setHeader('Content-Type', 'application/hal+json'), {})), 200, 'application/hal+json', '{}'],
  ['bytes under one', wrap((_req, res) => (res.setHeader('content-type', 'image/png'), Buffer.from('x'))), 200, 'image/png', 'x'],
  ['a text under a status', wrap((_req, res) => ((res.statusCode = 201), 'made')), 201, TEXT, 'made'],
  ['a promise under a status', wrap(async (_req, res) => ((res.statusCode = 404), { no: 1 })), 404, JSON_TYPE, '{"no":1}'],
  ['an HttpError', () => new HttpError(409, 'taken'), 409, JSON_TYPE, '{"error":"409","message":"409 Conflict","debug":"taken"}'],
  ['an Error', () => new TypeError('secret'), 500, JSON_TYPE, '{"error":"500","message":"500 Internal Error"}'],
  ['a promise of an HttpError', async _req => new HttpError(404), 404, JSON_TYPE, '{"error":"404","message":"404 Not Found"}'],
  ['an Error under a status', wrap((_req, res) => ((res.statusCode = 201), new HttpError(409))), 409, JSON_TYPE, '{"error":"409","message":"409 Conflict"}'],
  ['what JSON cannot encode', () => 1n, 500, JSON_TYPE, '{"error":"500","message":"500 Internal Error","debug":"unable to json encode response"}'],
  ['a function', () => () => 1, 500, JSON_TYPE, '{"error":"500","message":"500 Internal Error","debug":"unable to json encode response"}'],
]

/** What each step does is answer "by res" and nothing else. */
const BY_RES: [why: string, step: Step][] = [
  ['a step that declares res', (_req, res) => (res.end('by res'), 'ignored')],
  ['one that does so later', (_req, res) => (setImmediate(() => res.end('by res')), 'ignored')],
  ['one that declares next', (_req, res, _next) => (setImmediate(() => res.end('by res')), { ignored: 1 })],
  ['its promise', async (_req, res) => (setImmediate(() => res.end('by res')), 'ignored')],
  ['its error as a value', (_req, res) => (res.end('by res'), new Error('ignored'))],
  ['a step without parameters that has sent', wrap((_req, res) => (res.end('by res'), 'ignored'))],
  ['one that has begun to send', wrap((_req, res) => (res.write('by '), setImmediate(() => res.end('res')), 'ignored'))],
  ['one whose promise comes after it has sent', wrap(async (_req, res) => (res.end('by res'), await null, 'ignored'))],
  ['one that returns res', wrap((_req, res) => res.end('by res'))],
  ['one that returns res before it answers', wrap((_req, res) => (setImmediate(() => res.end('by res')), res))],
  ['one that promises res before it answers', wrap(async (_req, res) => (setImmediate(() => res.end('by res')), res))],
  ['one that returns nothing before it answers', wrap((_req, res) => void setImmediate(() => res.end('by res')))],
  ['one that promises nothing before it answers', wrap(async (_req, res) => void setImmediate(() => res.end('by res')))],
  ['a wrapper', wrap((_req, res) => void setImmediate(() => res.end('by res')))],
]

/** Ways in which a step can fail with a value. */
const FAILURES: [why: string, fail: (value: unknown) => Step][] = [
  ['thrown', value => () => { throw value }],
  ['thrown by (req, res, next)', value => (_req, _res, _next) => { throw value }],
  ['rejected', value => () => Promise.reject(value)],
  ['rejected by async (req, res, next)', value => async (_req, _res, _next) => { throw value }],
  ['rejected later', value => async _req => {
    await later()
    throw value
  }],
  ['failed by a thenable', value => () => thenable((_done, fail) => fail(value))],
  ['failed by a thenable later', value => (_req, _res, _next) => thenable((_done, fail) => setImmediate(fail, value))],
  ['thrown by then', value => () => thenable(() => { throw value })],
  ['thrown by the getter of then', value => () => ({ get then() { throw value } })],
]

/** The same, and calls of next. */
const ALL_FAILURES: typeof FAILURES = [
  ...FAILURES,
  ['handed to next', value => (_req, _res, next) => next(value)],
  ['handed to next later', value => (_req, _res, next) => void setImmediate(next, value)],
  ['handed to next by async (req, res, next)', value => async (_req, _res, next) => next(value)],
]

for (const [name, make] of APPS) {
  t.test(`a step that declares at most req answers with what it returns (${name})`, async t => {
    catchWarnings(t)
    for (const [why, step, statusCode, type, body] of ANSWERS) {
      const answer = await ask(make(step))
      t.match(answer, { statusCode, body, headers: { 'content-type': type } }, why)
    }
  })

  t.test(`what a step returns counts only if it is the answer (${name})`, async t => {
    const warnings = catchWarnings(t)
    for (const [why, step] of BY_RES) t.match(await ask(make(step)), { statusCode: 200, body: 'by res', headers: { 'content-type': undefined } }, why)
    t.strictSame(warnings, [])
  })

  t.test(`a step of length 1 that returns nothing is a 500, and its name is told (${name})`, async t => {
    const steps: Step[] = [
      function forgetful(_req) {},
      async function forgetful(_req) {},
      function forgetful(_req) { return thenable(done => done(undefined)) },
    ]
    for (const step of steps) {
      const warnings = catchWarnings(t)
      t.match(await ask(make(step)), { statusCode: 500, body: '{"error":"500","message":"500 Internal Error"}' })
      t.match(warnings.join('\n'), /forgetful/)
    }
  })

  t.test(`a step of length 0 that returns nothing may be a wrapper, and is waited for (${name})`, async t => {
    const warnings = catchWarnings(t)
    for (const step of [() => {}, async () => {}, wrap((_req, _res, _next) => {})]) t.equal(await ask(make(step)), undefined)
    t.strictSame(warnings, [])
  })

  t.test(`throw, rejection and next(err) are the same, whatever the value (${name})`, async t => {
    catchWarnings(t)
    const values: unknown[] = [new Error('e'), new HttpError(409), 'text', 7, true, {}, [], Symbol('s'), () => 1, 1n]
    for (const [why, fail] of ALL_FAILURES) {
      for (const value of values) {
        const seen: unknown[] = []
        const app = make(fail(value))
        const { onError } = app.rest
        app.onError = (err, req, res, next) => {
          seen.push(err)
          return onError.call(app.rest, err, req, res, next)
        }
        const answer = await ask(app)
        t.strictSame([seen.length, seen[0] === value], [1, true], `${why}: ${String(value)}`)
        t.equal(answer && answer.statusCode, value instanceof Error && 'statusCode' in value ? 409 : 500, `${why}: ${String(value)}`)
      }
    }
  })

  t.test(`a falsy value that is thrown or rejected becomes an Error (${name})`, async t => {
    catchWarnings(t)
    for (const [why, fail] of FAILURES) {
      for (const value of [undefined, null, false, 0, '', NaN, 0n]) {
        const seen: unknown[] = []
        const app = make(fail(value), { onError: (err, req, res, next) => {
          seen.push(err)
          return mw.sendResponse(req, res, next, err)
        } })
        const answer = await ask(app)
        t.ok(seen.length === 1 && seen[0] instanceof Error, `${why}: ${String(value)}`)
        t.equal(answer && answer.statusCode, 500, `${why}: ${String(value)}`)
      }
    }
  })

  t.test(`the process lives and the socket is not leaked, however steps fail (${name})`, onNode('sockets'), async t => {
    catchWarnings(t)
    const steps = [
      ...ALL_FAILURES.flatMap(([, fail]) => [fail(new Error('e')), fail('text')]),
      ...FAILURES.map(([, fail]) => fail(undefined)),
    ]
    const app = make((...args) => {
      const ix = Number(args[0].headers['x-step'])
      return ix < steps.length ? steps[ix]!(...args) : 'fine'
    })
    const { port, drained } = await serve(t, app)
    const wire = new Wire(t, port)
    for (let ix = 0; ix < steps.length; ix++) {
      await wire.send(`GET / HTTP/1.1\r\nhost: a\r\nx-step: ${ix}\r\n\r\n`)
      t.equal((await wire.answer()).statusCode, 500)
    }
    await wire.send(`GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-step: ${steps.length}\r\n\r\n`)
    t.match(await wire.answer(), { statusCode: 200, body: 'fine' })
    t.equal(await drained(), 0)
  })
}

t.test('a step answers with what it returns wherever it stands, and no later step runs', async t => {
  for (const category of ['pre', 'use', 'route'] as const) {
    for (const answer of [() => 'hi', async () => 'hi', (_req => 'hi') as Step]) {
      const later = counter()
      const post = counter()
      const app = rest({ router: new Router() }).use('post', post)
      if (category === 'route') app.get('/', answer, later)
      else app.use(category, answer, later).get('/', later)
      t.match(await ask(app), { statusCode: 200, body: 'hi' }, category)
      t.strictSame({ later: later.count, post: post.count }, { later: 0, post: 1 }, category)
    }
  }
})

t.test('the exotic ways to write a function are steps too', async t => {
  const table: [why: string, step: Step, body: string][] = [
    ['a default', (_req, _res: unknown = 1) => 'hi', 'hi'],
    ['a rest parameter', (_req, ..._rest) => 'hi', 'hi'],
    ['destructuring', ({ method }) => method, 'GET'],
    ['a bound function', ((_a: unknown, req: { method?: string }) => req.method).bind(undefined, 1) as Step, 'GET'],
    ['a method', { step(_req: unknown) { return 'hi' } }.step, 'hi'],
    ['arguments', function () { return (arguments[0] as FakeReq).method }, 'GET'],
  ]
  for (const [, make] of APPS) for (const [why, step, body] of table) t.match(await ask(make(step)), { body }, why)
})

// -------------------------------------------------------------------------------------------------------- going on

/** Guards that let nothing through, however they end. */
const GUARDS: [why: string, guard: Step][] = [
  ['returns', (_req, _res, _next) => {}],
  ['returns true', (_req, _res, _next) => true],
  ['returns an answer', (_req, _res, _next) => 'come in'],
  ['returns its next', (_req, _res, next) => next],
  ['resolves', async (_req, _res, _next) => {}],
  ['resolves to true', async (_req, _res) => true],
  ['declares nothing and returns', () => {}],
  ['declares nothing and resolves', async () => {}],
  ['is wrapped', wrap((_req, _res, _next) => {})],
  ['is wrapped and resolves', wrap(async (_req, _res, _next) => {})],
  ['is wrapped twice', wrap(wrap((_req, _res, _next) => {}))],
  ['is bound', ((_req, _res, _next) => {}) as Step],
  ['answers and is wrapped', wrap((_req, res, _next) => void res.end('no'))],
  ['answers and returns true', (_req, res) => (res.end('no'), true)],
  ['answers by return', () => 'no'],
  ['answers by a promise', async () => 'no'],
  ['forgets', _req => {}],
  ['ends the chain', (_req, _res, next) => next(false)],
  ['fails', (_req, _res, next) => next(new HttpError(401))],
  ['fails with a text', (_req, _res, next) => next('no')],
  ['throws', () => { throw new HttpError(401) }],
  ['throws nothing', () => { throw undefined }],
  ['rejects nothing', () => Promise.reject()],
  ['fails, then goes on', (_req, _res, next) => (next(new HttpError(401)), next())],
  ['ends the chain, then goes on', (_req, _res, next) => (next(false), next())],
  ['answers by return, then goes on', wrap((_req, _res, next) => (setImmediate(next), 'no'))],
  ['fails by a value, then goes on', wrap((_req, _res, next) => (setImmediate(next), new HttpError(401)))],
  ['throws, then goes on', (_req, _res, next) => {
    setImmediate(next)
    throw new HttpError(401)
  }],
  ['answers by res, then goes on with an error', (_req, res, next) => (res.end('no'), next(new HttpError(401)))],
]

for (const [name, make] of ROUTERS) {
  t.test(`a guard that does not call next lets nobody through (${name})`, async t => {
    for (const [why, guard] of GUARDS) {
      for (const posts of [false, true]) {
        catchWarnings(t)
        const route = counter()
        const app = make().use('use', guard).all('/', route)
        if (posts) app.use('post', counter())
        for (const method of ['GET', 'POST']) await ask(app, method, '/', { body: 'text' })
        t.equal(route.count, 0, why)
      }
    }
  })

  t.test(`next goes on, whatever falsy value it is called with, and false ends (${name})`, async t => {
    for (const value of [undefined, null, 0, '', NaN, 0n]) {
      const route = counter()
      await ask(make().use('use', (_req, _res, next) => next(value)).get('/', route))
      t.equal(route.count, 1, String(value))
    }
  })

  t.test(`next goes on at once, later, or from a promise (${name})`, async t => {
    const table: [why: string, step: Step][] = [
      ['at once', (_req, _res, next) => next()],
      ['later', (_req, _res, next) => void setImmediate(next)],
      ['from an async function', async (_req, _res, next) => next()],
      ['from one that takes its time', async (_req, _res, next) => (await later(), next())],
      ['from a promise', (_req, _res, next) => Promise.resolve().then(() => next())],
      ['wrapped', wrap((_req, _res, next) => next())],
      ['wrapped and later', wrap((_req, _res, next) => void setImmediate(next))],
      ['with a value that is ignored', wrap((_req, _res, next) => (next(), 'ignored'))],
      ['with a promise that is ignored', wrap(async (_req, _res, next) => (next(), 'ignored'))],
    ]
    for (const [why, step] of table) {
      const warnings = catchWarnings(t)
      t.match(await ask(make().use('use', step).get('/', () => 'by the route')), { statusCode: 200, body: 'by the route' }, why)
      t.strictSame(warnings, [], why)
    }
  })

  t.test(`only the first call of next counts, a second one is reported (${name})`, async t => {
    const err = new Error('second')
    const table: [why: string, step: Step, warnings: string[]][] = [
      ['twice', (_req, _res, next) => (next(), next()), ['next called twice']],
      ['three times', (_req, _res, next) => (next(), next(), next()), ['next called twice', 'next called twice']],
      ['once more later', (_req, _res, next) => (next(), void setImmediate(next)), ['next called twice']],
      ['both later', (_req, _res, next) => (setImmediate(next), void setImmediate(next)), ['next called twice']],
      ['in a promise', async (_req, _res, next) => (next(), await null, next()), ['next called twice']],
      ['then with an error', (_req, _res, next) => (next(), next(err)), ['late error: second']],
      ['then with an error later', (_req, _res, next) => (next(), void setImmediate(next, err)), ['late error: second']],
      ['then a throw', (_req, _res, next) => {
        next()
        throw err
      }, ['late error: second']],
      ['then a rejection', async (_req, _res, next) => {
        next()
        throw err
      }, ['late error: second']],
      ['then a rejection later', async (_req, _res, next) => {
        next()
        await settle()
        throw err
      }, ['late error: second']],
      ['then an error as a value', wrap((_req, _res, next) => (next(), err)), ['late error: second']],
      ['then false', (_req, _res, next) => (next(), next(false)), ['next called twice']],
    ]
    for (const [why, step, expected] of table) {
      for (const method of ['GET', 'POST']) {
        const warnings = catchWarnings(t)
        const route = counter()
        const post = counter()
        const app = make().use('use', step).use('post', post).all('/', (req, res, next) => {
          route(req, res, next)
          res.end('by the route')
        })
        const { callbacks, res } = await run(app, method, '/', { body: 'text' })
        await settle()
        t.strictSame({ route: route.count, post: post.count, callbacks, warnings }, { route: 1, post: 1, callbacks: [[undefined]], warnings: expected }, `${why}, ${method}`)
        t.equal(res.answer.body, 'by the route')
      }
    }
  })

  t.test(`the first call counts, be it an error (${name})`, async t => {
    const warnings = catchWarnings(t)
    const route = counter()
    const err = new HttpError(401)
    const { callbacks } = await run(make().use('use', (_req, _res, next) => (next(err), next())).get('/', route))
    t.strictSame(callbacks, [[err]])
    t.equal(route.count, 0)
    t.strictSame(warnings, ['next called twice'])
  })

  t.test(`a second next while the body is being read does not let the request pass it (${name})`, async t => {
    catchWarnings(t)
    const bodies: unknown[] = []
    const app = make().use('use', (_req, _res, next) => {
      next()
      next()
      queueMicrotask(next)
      process.nextTick(next)
    })
    app.post('/', (req, res) => {
      bodies.push(textOf(req.body))
      res.end()
    })
    await run(app, 'POST', '/', { body: ['all ', 'of ', 'it'] })
    t.strictSame(bodies, ['all of it'])
  })

  t.test(`when the run is over a next does nothing more, and is reported (${name})`, async t => {
    const warnings = catchWarnings(t)
    const nexts: Next[] = []
    const post = counter()
    const keep: Step = (_req, _res, next) => {
      nexts.push(next)
      next()
    }
    const { callbacks } = await run(make().use('use', keep).use('post', post).get('/', keep))
    for (const next of nexts) {
      next()
      next(new Error('too late'))
      next(false)
    }
    await settle()
    t.strictSame({ post: post.count, callbacks }, { post: 1, callbacks: [[undefined]] })
    t.strictSame(warnings, ['next called twice', 'late error: too late', 'next called twice', 'next called twice', 'late error: too late', 'next called twice'])
  })

  t.test(`next(false) ends the chain without an error (${name})`, async t => {
    for (const category of ['use', 'route'] as const) {
      const log: string[] = []
      const end: Step = (_req, _res, next) => next(false)
      const app = make().use('err', (err, _req, _res, next) => (log.push('err'), next(err)))
      app.use('post', (_req, _res, next) => (log.push('post'), next()))
      if (category === 'use') app.use(end).get('/', (_req, _res, next) => (log.push('route'), next()))
      else app.get('/', end)
      const { callbacks } = await run(app)
      t.strictSame({ log, callbacks }, { log: ['post'], callbacks: [[undefined]] }, category)
    }
  })

  t.test(`a synchronous next runs what follows before it returns (${name})`, async t => {
    const log: string[] = []
    const note = (what: string): Step => (_req, _res, next) => {
      log.push(what)
      next()
      log.push('after ' + what)
    }
    const app = make({ bodySizeLimit: 1 }).use('use', note('use')).use('post', note('post')).get('/', Object.assign(note('route'), { readBody: false as const }))
    app.rest.router!.runRoute(app.rest, new FakeReq('GET', '/'), new FakeRes(), () => { log.push('callback') })
    t.strictSame(log, ['use', 'route', 'post', 'callback', 'after post', 'after route', 'after use'])
  })

  t.test(`try and finally around next enclose what follows (${name})`, async t => {
    const log: string[] = []
    const app = make().use('use', (_req, _res, next) => {
      log.push('in')
      try {
        next()
      } catch (err) {
        log.push('caught ' + err)
      } finally {
        log.push('out')
      }
    })
    app.get('/', Object.assign(((_req, _res, _next) => {
      log.push('route')
      throw new Error('for the err steps alone')
    }) as Step, { readBody: false as const }))
    app.use('err', (_err, _req, res, next) => {
      log.push('err')
      res.end()
      next()
    })
    const { callbacks } = await run(app)
    t.strictSame(log, ['in', 'route', 'err', 'out'])
    t.strictSame(callbacks, [[undefined]])
  })

  t.test(`what a synchronous AsyncLocalStorage.run holds is there in every later step (${name})`, onNode('AsyncLocalStorage'), async t => {
    const storage = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const look: Step = (_req, _res, next) => {
      seen.push(storage.getStore())
      next()
    }
    const app = make().use('use', (_req, _res, next) => storage.run('store', next)).use('post', look)
    app.all('/', async (_req, res, next) => {
      seen.push(storage.getStore())
      await later()
      seen.push(storage.getStore())
      res.end()
      next()
    })
    await run(app)
    t.strictSame(seen, ['store', 'store', 'store'])
    t.equal(storage.getStore(), undefined)
  })

  t.test(`two requests in flight do not mix (${name})`, async t => {
    const warnings = catchWarnings(t)
    const gates = [gate(), gate(), gate()]
    const posts: unknown[] = []
    const app = make().use('use', async (req, _res, next) => {
      await gates[Number(req.headers.id)]!.opened
      next()
    })
    app.use('post', (req, _res, next) => (posts.push(req.headers.id), next()))
    app.post('/', async req => {
      const body = textOf(req.body)
      if (body === 'bad') throw new HttpError(409, body)
      await later()
      return { id: req.headers.id, body }
    })
    const exchanges = ['zero', 'bad', 'two'].map((body, id) => new Exchange('POST', '/', { headers: { id: '' + id }, body }).start(app))
    for (const ix of [2, 0, 1]) {
      gates[ix]!.open()
      await new Promise(setImmediate)
    }
    await settle()
    await settle()
    t.strictSame(exchanges.map(({ res }) => res.answer.body), ['{"id":"0","body":"zero"}', '', '{"id":"2","body":"two"}'])
    t.match(exchanges.map(({ callbacks }) => callbacks), [[[undefined]], [[{ statusCode: 409 }]], [[undefined]]])
    t.strictSame(posts.sort(), ['0', '1', '2'])
    t.strictSame(warnings, [])
  })
}

// -------------------------------------------------------------------------------------------------------- the body

for (const [name, make] of ROUTERS) {
  t.test(`the body is read after the use steps and before the route (${name})`, async t => {
    const log: unknown[] = []
    const app = make().use('use', async (req, _res, next) => {
      log.push('use', req.body)
      await later()
      next()
    })
    app.post('/', (req, _res, next) => (log.push('route', textOf(req.body)), next()))
    app.use('post', (req, _res, next) => (log.push('post', textOf(req.body)), next()))
    await run(app, 'POST', '/', { body: 'text' })
    await settle()
    t.strictSame(log, ['use', undefined, 'route', 'text', 'post', 'text'])
  })

  t.test(`a body that is set is left, be it empty (${name})`, async t => {
    for (const body of ['', null, 0, false, 'set', { a: 1 }]) {
      const seen: unknown[] = []
      const app = make().use('use', (req, _res, next) => {
        req.body = body
        next()
      })
      app.post('/', (req, _res, next) => (seen.push(req.body), next()))
      const { req } = await run(app, 'POST', '/', { body: 'text' })
      t.strictSame(seen, [body])
      t.equal(req.listenerCount('data'), 0)
    }
  })

  t.test(`readBody = false on the first step of a route leaves the body to the route (${name})`, async t => {
    const app = make()
    const step: Step = async (req, res, next) => {
      t.equal(req.body, undefined)
      let text = ''
      ;(req as unknown as EventEmitter).on('data', (chunk: Buffer) => { text += chunk })
      await once(req as unknown as EventEmitter, 'end')
      res.end(text)
      next()
    }
    step.readBody = false
    app.post('/', step).post('/other', req => textOf(req.body))
    t.match(await ask(app, 'POST', '/', { body: ['by ', 'hand'] }), { body: 'by hand' })
    t.match(await ask(app, 'POST', '/other', { body: 'by itself' }), { body: 'by itself' })
  })

  t.test(`a body that cannot be read is an error, and no step of the route sees it (${name})`, async t => {
    const err = new Error('broken')
    const table: [why: string, options: RestOptions, breaks: (exchange: Exchange) => void, expected: unknown][] = [
      ['too long', { bodySizeLimit: 3 }, () => {}, { statusCode: 400, debug: 'max body size exceeded' }],
      ['too long, with another status', { bodySizeLimit: 3, bodySizeStatus: 413 }, () => {}, { statusCode: 413 }],
      ['broken', {}, ({ req }) => req.emit('error', err), err],
      ['cut off', {}, ({ req }) => req.emit('close'), { statusCode: 400, debug: 'aborted' }],
    ]
    for (const [why, options, breaks, expected] of table) {
      const route = counter()
      const post = counter()
      const seen: unknown[] = []
      const app = make(options).use('err', (err, _req, _res, next) => (seen.push(err), next(err))).use('post', post).post('/', route)
      const exchange = new Exchange('POST', '/', { body: ['te', 'xt'] }).start(app)
      breaks(exchange)
      await settle()
      t.match(exchange.callbacks, [[expected]], why)
      t.strictSame({ route: route.count, post: post.count, callbacks: exchange.callbacks.length, errs: seen }, { route: 0, post: 1, callbacks: 1, errs: exchange.callbacks[0] }, why)
    }
  })
}

t.test('a readBody of one\'s own reads the body, and hands an error to next only', async t => {
  const calls: unknown[][] = []
  const err = new HttpError(415)
  const table: [why: string, readBody: Step, statusCode: number, body: string][] = [
    ['it sets a body', (req, _res, next) => ((req.body = 'own'), next()), 200, 'own'],
    ['it takes its time', (req, _res, next) => void setImmediate(() => ((req.body = 'own'), next())), 200, 'own'],
    ['it is async', async (req, _res, next) => (await later(), (req.body = 'own'), next()), 200, 'own'],
    ['it sets none', (_req, _res, next) => next(), 200, 'undefined'],
    ['it hands an error on', (_req, _res, next) => next(err), 415, ''],
    ['it throws', (_req, _res, _next) => { throw err }, 415, ''],
    ['it rejects', async (_req, _res, _next) => { throw err }, 415, ''],
    ['it rejects nothing', (_req, _res, _next) => Promise.reject(), 500, ''],
    ['it answers', (_req, res, _next) => void mw.writeResponse(res, 413, 'own'), 413, 'own'],
    ['it calls next twice', (req, _res, next) => ((req.body = 'own'), next(), next()), 200, 'own'],
  ]
  for (const [why, step, statusCode, body] of table) {
    catchWarnings(t)
    const app = rest({ router: new Router({ readBody: (req, res, next) => (calls.push([req, res]), step(req as never, res, next)) }) })
    app.post('/', req => textOf(req.body))
    const answer = await ask(app, 'POST', '/', { body: 'text' })
    t.equal(answer && answer.statusCode, statusCode, why)
    if (body) t.equal(answer && answer.body, body, why)
  }
  t.equal(calls.length, table.length)
})

t.test('a readBody of one\'s own is not asked for a body that is set, or for routes that read none', async t => {
  const readBody = counter()
  const app = rest({ router: new Router({ readBody }) })
  app.use((req, _res, next) => {
    if (req.url !== '/unset') req.body = req.url === '/null' ? null : ''
    next()
  })
  app.get(['/null', '/empty'], hi).get('/unset', Object.assign(((_req, res, next) => (res.end(), next())) as Step, { readBody: false as const }))
  for (const url of ['/null', '/empty', '/unset']) await ask(app, 'GET', url)
  t.equal(readBody.count, 0)
})

t.test('a Router with readBody: false reads no bodies', async t => {
  const app = rest({ router: new Router({ readBody: false }) }).post('/', req => textOf(req.body))
  const exchange = await run(app, 'POST', '/', { body: 'text' })
  t.equal(exchange.res.answer.body, 'undefined')
  t.equal(exchange.req.listenerCount('data'), 0)
})

// --------------------------------------------------------------------------------------------------------- err steps

/** An app whose err steps are these, with what is reported. */
function failing(make: (options?: RestOptions) => App, err: unknown, ...steps: ErrStep[]): { app: App; reports: unknown[][]; post: { count: number } } {
  const reports: unknown[][] = []
  const post = counter()
  const app = make()
  app.rest.reportError = (...args: unknown[]) => { reports.push(args) }
  app.get('/', (_req, _res, next) => next(err)).use('post', post)
  if (steps.length) app.use('err', ...steps)
  return { app, reports, post }
}

for (const [name, make] of ROUTERS) {
  t.test(`without err steps the callback gets the error (${name})`, async t => {
    for (const err of [new Error('e'), 'text', 7, {}]) {
      const { app, reports, post } = failing(make, err)
      const { callbacks } = await run(app)
      t.strictSame({ callbacks, reports, post: post.count }, { callbacks: [[err]], reports: [], post: 1 })
    }
  })

  t.test(`err steps run only if there was an error (${name})`, async t => {
    let count = 0
    const app = make().use('err', (err, _req, _res, next) => (count++, next(err))).get('/', hi)
    await run(app)
    await run(app)
    t.equal(count, 0)
  })

  t.test(`a falsy next of an err step says that the error has been dealt with (${name})`, async t => {
    const values: unknown[] = [undefined, null, false, 0, '', NaN]
    const steps: [why: string, step: ErrStep][] = [
      ...values.map((value): [string, ErrStep] => ['next ' + value, (_err, _req, _res, next) => next(value)]),
      ['later', (_err, _req, _res, next) => void setImmediate(next)],
      ['async', async (_err, _req, _res, next) => (await later(), next())],
      ['wrapped', (...args) => args[3]()],
    ]
    for (const [why, step] of steps) {
      const { app, reports, post } = failing(make, new Error('e'), step)
      app.onError = () => t.fail('onError is not for it')
      const { callbacks } = await run(app)
      await ask(app)
      t.strictSame({ callbacks, reports, post: post.count }, { callbacks: [[undefined]], reports: [], post: 2 }, why)
    }
  })

  t.test(`an err step that hands on the error leaves it to the callback (${name})`, async t => {
    const err = new Error('e')
    const steps: ErrStep[] = [
      (err, _req, _res, next) => next(err),
      err => { throw err },
      (err, _req, _res, _next) => Promise.reject(err),
      err => err,
    ]
    for (const step of steps) {
      const { app, reports, post } = failing(make, err, step)
      const { callbacks } = await run(app)
      t.strictSame({ callbacks, reports, post: post.count }, { callbacks: [[err]], reports: [], post: 1 })
    }
  })

  t.test(`an error of an err step is reported, and the callback gets the original one (${name})`, async t => {
    const err = new Error('original')
    const err2 = new Error('second')
    const steps: [why: string, step: ErrStep, reported: unknown][] = [
      ['handed to next', (_err, _req, _res, next) => next(err2), err2],
      ['thrown', (_err, _req, _res, _next) => { throw err2 }, err2],
      ['rejected', async (_err, _req, _res, _next) => { throw err2 }, err2],
      ['thrown, falsy', (_err, _req, _res, _next) => { throw undefined }, Error],
      ['rejected, falsy', (_err, _req, _res, _next) => Promise.reject(null), Error],
      ['a text', (_err, _req, _res, next) => next('second'), 'second'],
      ['returned by a short one', _err => err2, err2],
      ['promised by a short one', async (_err, _req) => err2, err2],
      ['a short one that returns nothing', function forgetful(_err) {}, /forgetful/],
    ]
    for (const [why, step, reported] of steps) {
      const { app, reports, post } = failing(make, err, step)
      const { callbacks } = await run(app)
      t.equal(reports.length, 1, why)
      if (reported instanceof RegExp) t.match(reports, [[{ message: reported }, 'error mw error']], why)
      else t.match(reports, [[reported, 'error mw error']], why)
      t.strictSame({ callbacks, post: post.count }, { callbacks: [[err]], post: 1 }, why)
    }
  })

  t.test(`a short err step answers with what it returns, under the status of the error (${name})`, async t => {
    catchWarnings(t)
    const conflict = new HttpError(409, 'taken')
    const table: [why: string, err: unknown, step: ErrStep, statusCode: number, type: string, body: string][] = [
      ['a text', conflict, () => 'sorry', 409, TEXT, 'sorry'],
      ['of the error', conflict, err => ({ why: (err as { debug: string }).debug }), 409, JSON_TYPE, '{"why":"taken"}'],
      ['of the request', conflict, (_err, req) => ({ url: req.url }), 409, JSON_TYPE, '{"url":"/"}'],
      ['a promise', conflict, async (_err, _req) => 'sorry', 409, TEXT, 'sorry'],
      ['null', conflict, () => null, 409, JSON_TYPE, 'null'],
      ['an error without a status', new Error('e'), () => 'sorry', 500, TEXT, 'sorry'],
      ['an error with a status that is none', Object.assign(new Error('e'), { statusCode: 200 }), () => 'sorry', 500, TEXT, 'sorry'],
      ['a text as an error', 'text', err => ({ err }), 500, JSON_TYPE, '{"err":"text"}'],
      ['a status of its own', conflict, (...args) => ((args[2].statusCode = 418), 'sorry'), 418, TEXT, 'sorry'],
    ]
    for (const [why, err, step, statusCode, type, body] of table) {
      const { app, post } = failing(make, err, step)
      app.onError = () => t.fail('onError is not for it')
      const answer = await ask(app)
      t.match(answer, { statusCode, body, headers: { 'content-type': type } }, why)
      t.equal(post.count, 1, why)
    }
  })

  t.test(`an err step that answers by res has dealt with the error, be it that it never calls next (${name})`, async t => {
    const { app, reports, post } = failing(make, new HttpError(409), (_err, _req, res, _next) => {
      res.statusCode = 409
      res.end('sorry')
    })
    const warnings = catchWarnings(t)
    let count = 0
    app.onError = () => { count++ }
    t.match(await ask(app), { statusCode: 409, body: 'sorry' })
    t.strictSame({ onError: count, reports, warnings, post: post.count }, { onError: 0, reports: [], warnings: [], post: 1 })
  })

  t.test(`an err step gets errors from everywhere before it (${name})`, async t => {
    const err = new Error('e')
    const thrower: Step = (_req, _res, _next) => { throw err }
    const table: [why: string, app: App, method: string, url: string, expected: unknown][] = [
      ['use', make().use('use', thrower).get('/', hi), 'GET', '/', err],
      ['the body', make({ bodySizeLimit: 1 }).post('/', hi), 'POST', '/', { statusCode: 400 }],
      ['the route', make().get('/', thrower), 'GET', '/', err],
      ['a malformed escape', make().get('/', hi), 'GET', '/%zz', { statusCode: 400 }],
    ]
    for (const [why, app, method, url, expected] of table) {
      const seen: unknown[] = []
      app.use((err: unknown, _req: unknown, _res: unknown, next: Next) => (seen.push(err), next()))
      const { callbacks } = await run(app, method, url, { body: 'text' })
      t.equal(seen.length, 1, why)
      t.match(seen, [expected], why)
      t.strictSame(callbacks, [[undefined]], why)
    }
  })

  t.test(`next of an err step counts once (${name})`, async t => {
    const warnings = catchWarnings(t)
    const err = new Error('e')
    const { app, post } = failing(make, err, (err, _req, _res, next) => (next(), next(err), next()))
    const { callbacks } = await run(app)
    t.strictSame({ callbacks, post: post.count }, { callbacks: [[undefined]], post: 1 })
    t.strictSame(warnings, ['late error: e', 'next called twice'])
  })
}

t.test('a path that is not routed is an error as any other (Router)', async t => {
  const log: unknown[] = []
  const app = rest({ router: new Router() }).use('use', (_req, _res, next) => (log.push('use'), next())).get('/', hi)
  app.use('post', (_req, _res, next) => (log.push('post'), next()))
  app.use('err', (err, _req, _res, next) => (log.push(err), next(err)))
  const { callbacks } = await run(app, 'GET', '/nowhere?a=1')
  t.match(log, [{ statusCode: 404, message: /^404 Not Found/, debug: 'GET /nowhere: path not routed' }, 'post'])
  t.equal(log.length, 2)
  t.strictSame(callbacks, [[log[0]]])
})

t.test('a path that is not routed is answered, and the post step runs (NanoRouter)', async t => {
  const log: unknown[] = []
  const app = rest().use('use', (_req, _res, next) => (log.push('use'), next())).get('/here', hi)
  app.use('post', (_req, _res, next) => (log.push('post'), next()))
  app.use('err', (err, _req, _res, next) => (log.push('err'), next(err)))
  const { callbacks, res } = await run(app, 'GET', '/nowhere')
  t.strictSame({ log, callbacks }, { log: ['post'], callbacks: [[undefined]] })
  t.match(res.answer, { statusCode: 404, body: /"message":"404 Not Found"/ })
})

t.test('each err step sees the original error, until one deals with it', async t => {
  const err = new Error('original')
  const err2 = new Error('second')
  const seen: unknown[] = []
  const reports: unknown[][] = []
  const app = rest({ router: new Router() }).use('pre', (_req, _res, next) => next(err))
  app.rest.reportError = (...args: unknown[]) => { reports.push(args) }
  const steps: ErrStep[] = [
    (err, _req, _res, next) => (seen.push(err), next(err)),
    (err, _req, _res, next) => (seen.push(err), next(err2)),
    err => {
      seen.push(err)
      throw err2
    },
    async (err, _req, _res, _next) => {
      seen.push(err)
      throw err
    },
    err => (seen.push(err), err2),
    (err, _req, _res, next) => (seen.push(err), next()),
    (_err, _req, _res, next) => (seen.push('not this one'), next()),
  ]
  app.use('err', ...steps)
  const { callbacks } = await run(app)
  t.strictSame(seen, [err, err, err, err, err, err])
  t.strictSame(reports, [[err2, 'error mw error'], [err2, 'error mw error'], [err2, 'error mw error']])
  t.strictSame(callbacks, [[undefined]])
})

t.test('err steps that answer by return end the err steps', async t => {
  const log: string[] = []
  const app = rest({ router: new Router() }).use('err', () => 'sorry', (_err, _req, _res, next) => (log.push('err'), next()))
  app.get('/', () => { throw new HttpError(409) }).use('post', (_req, _res, next) => (log.push('post'), next()))
  t.match(await ask(app), { statusCode: 409, body: 'sorry' })
  t.strictSame(log, ['post'])
})

t.test('functions of four parameters are err steps', async t => {
  for (const [, make] of ROUTERS) {
    const app = make().use((_err: unknown, _req: unknown, res: Res, next: Next) => {
      res.end('dealt with')
      next()
    })
    app.get('/', () => { throw new Error('e') })
    t.match(await ask(app), { body: 'dealt with' })
  }
})

// -------------------------------------------------------------------------------------------------------- post steps

interface Situation {
  why: string
  build: (app: App) => unknown
  options?: RestOptions
  method?: string
  url?: string
  /** What happens to the exchange when it has begun. */
  then?: (exchange: Exchange) => unknown
  res?: () => FakeRes
  /** What the callback gets. */
  err?: unknown
}

/** A response that closes while it is being ended, as hosts without an event loop may have it. */
class HastyRes extends FakeRes {
  override end(chunk?: string | Uint8Array): this {
    super.end(chunk)
    this.close()
    return this
  }
}

const boom = new Error('boom')

async function goAway({ req, res }: Exchange): Promise<void> {
  await new Promise(setImmediate)
  req.emit('close')
  res.close()
}

const SITUATIONS: Situation[] = [
  { why: 'answered, then next', build: app => app.all('/', hi) },
  { why: 'answered by return', build: app => app.all('/', () => 'hi') },
  { why: 'answered by a promise', build: app => app.all('/', async () => 'hi') },
  { why: 'answered without next', build: app => app.all('/', (_req, res) => res.end('hi')) },
  { why: 'answered later without next', build: app => app.all('/', (_req, res) => void setImmediate(() => res.end('hi'))) },
  { why: 'answered by async without next', build: app => app.all('/', async (_req, res) => void res.end('hi')) },
  { why: 'answered by use without next', build: app => app.use('use', (_req, res) => res.end('hi')).all('/', hi) },
  { why: 'answered without next after an async use', build: app => app.use('use', async (_req, _res, next) => (await null, next())).all('/', (_req, res) => res.end('hi')) },
  { why: 'nothing but next', build: app => app.all('/', counter()) },
  { why: 'ended by false', build: app => app.all('/', (_req, _res, next) => next(false)) },
  { why: 'thrown', build: app => app.all('/', () => { throw boom }), err: boom },
  { why: 'rejected', build: app => app.all('/', () => Promise.reject(boom)), err: boom },
  { why: 'failed in use', build: app => app.use('use', (_req, _res, next) => next(boom)).all('/', hi), err: boom },
  { why: 'failed after it had answered', build: app => app.all('/', (_req, res, next) => (res.end('hi'), next(boom))), err: boom },
  { why: 'failed in the middle of the answer', build: app => app.all('/', (_req, res, _next) => {
    res.write('part')
    throw boom
  }), err: boom },
  { why: 'dealt with', build: app => app.use('err', (_err, _req, _res, next) => next()).all('/', () => { throw boom }) },
  { why: 'dealt with by an answer', build: app => app.use('err', () => 'sorry').all('/', () => { throw boom }) },
  { why: 'dealt with later', build: app => app.use('err', async (_err, _req, _res, next) => (await later(), next())).all('/', () => { throw boom }) },
  { why: 'not dealt with', build: app => app.use('err', (err, _req, _res, next) => next(err)).all('/', () => { throw boom }), err: boom },
  { why: 'the err step throws', build: app => app.use('err', (_err, _req, _res, _next) => { throw new Error('second') }).all('/', () => { throw boom }), err: boom },
  { why: 'the err step answers without next', build: app => app.use('err', (_err, _req, res, _next) => res.end('sorry')).all('/', () => { throw boom }) },
  { why: 'a malformed escape', build: app => app.all('/', hi), url: '/%zz', err: { statusCode: 400 } },
  { why: 'a body that is too long', build: app => app.all('/', hi), options: { bodySizeLimit: 1 }, method: 'POST', err: { statusCode: 400 } },
  { why: 'next twice', build: app => app.use('use', (_req, _res, next) => (next(), next())).all('/', hi) },
  { why: 'next, then a throw', build: app => app.use('use', (_req, _res, next) => {
    next()
    throw boom
  }).all('/', hi) },
  { why: 'next, and a promise that never settles', build: app => app.use('use', (_req, _res, next) => (next(), new Promise(() => {}))).all('/', hi) },
  { why: 'a thenable that settles twice, then an answer without next', build: app => (
    app.use('use', (_req, _res, next) => (next(), thenable(done => [done(1), done(2)]))).all('/', (_req, res) => void setImmediate(() => res.end('hi')))
  ) },
  { why: 'a then that throws, then an answer without next', build: app => (
    app.use('err', (_err, _req, res, _next) => res.end('sorry')).all('/', () => thenable(() => { throw boom }))
  ) },
  { why: 'a then that fails and throws, then an answer without next', build: app => (
    app.use('err', (_err, _req, res, _next) => res.end('sorry')).all('/', () => thenable((_done, fail) => {
      fail(boom)
      throw boom
    }))
  ) },
  { why: 'the client goes away, the step never goes on', build: app => app.all('/', (_req, _res, _next) => {}), then: goAway },
  { why: 'the client goes away, use never goes on', build: app => app.use('use', (_req, _res, _next) => {}).all('/', hi), then: goAway },
  { why: 'the client goes away, a wrapper never goes on', build: app => app.all('/', wrap((_req, _res, _next) => {})), then: goAway },
  { why: 'the client goes away, the step goes on later', build: app => app.all('/', (_req, _res, next) => void settle().then(() => next())), then: goAway },
  { why: 'the client goes away, the step fails later', build: app => app.all('/', (_req, _res, next) => void settle().then(() => next(boom))), then: goAway },
  { why: 'the client goes away, the promise resolves', build: app => app.all('/', async (_req, _res, _next) => settle()), then: goAway },
  { why: 'the client goes away, the promise resolves to an answer', build: app => app.all('/', async () => (await settle(), 'hi')), then: goAway },
  { why: 'the client goes away, async goes on', build: app => app.all('/', async (_req, _res, next) => (await settle(), next())), then: goAway },
  { why: 'the client goes away, the promise rejects', build: app => app.all('/', async (_req, _res, _next) => {
    await settle()
    throw boom
  }), then: goAway, err: boom },
  { why: 'the client goes away, the promise of use resolves to next, the route never goes on', build: app => (
    app.use('use', async (_req, _res, next) => (await settle(), next())).all('/', Object.assign(((_req, _res, _next) => {}) as Step, { readBody: false as const }))
  ), then: goAway },
  { why: 'the client goes away while an err step waits', build: app => app.use('err', (_err, _req, _res, _next) => {}).all('/', () => { throw boom }), then: goAway, err: boom },
  { why: 'the client has gone before the first step', build: app => app.all('/', Object.assign(((_req, _res, _next) => {}) as Step, { readBody: false as const })), res: () => {
    const res = new FakeRes()
    res.close()
    return res
  } },
  { why: 'the client goes away twice', build: app => app.all('/', (_req, _res, _next) => {}), then: async exchange => {
    await goAway(exchange)
    exchange.res.emit('close')
  } },
  { why: 'the response closes within its end', build: app => app.all('/', hi), res: () => new HastyRes() },
  { why: 'the response closes within its end, without next', build: app => app.all('/', (_req, res) => res.end('hi')), res: () => new HastyRes() },
  { why: 'the response closes within its end, after a wait', build: app => app.use('use', async (_req, _res, next) => (await null, next())).all('/', hi), res: () => new HastyRes() },
  { why: 'the response closes within its end, by return', build: app => app.use('use', async (_req, _res, next) => (await null, next())).all('/', () => 'hi'), res: () => new HastyRes() },
]

for (const [name, make] of ROUTERS) {
  t.test(`post steps run exactly once, and the callback is called exactly once (${name})`, async t => {
    for (const { why, build, options, method = 'GET', url = '/', then, res, err } of SITUATIONS) {
      catchWarnings(t)
      const post = counter()
      const app = make(options).use('post', post)
      build(app)
      const exchange = new Exchange(method, url, { body: 'text' }, res && res()).start(app)
      if (then) await then(exchange)
      await settle()
      await settle()
      t.equal(post.count, 1, 'post: ' + why)
      t.equal(exchange.callbacks.length, 1, 'callback: ' + why)
      t.match(exchange.callbacks[0], [err], why)
      if (!err) t.equal(exchange.callbacks[0] && exchange.callbacks[0][0], undefined, 'no error: ' + why)
    }
  })

  t.test(`the callback is called without post steps too (${name})`, async t => {
    // Where the response is all that is left to happen, nobody but post steps waits for it.
    const silent = /without next|never goes on|goes on later|fails later|resolves$|resolves to an answer|err step waits|goes away twice/
    for (const { why, build, options, method = 'GET', url = '/', then, res, err } of SITUATIONS) {
      if (silent.test(why)) continue
      catchWarnings(t)
      const app = make(options)
      build(app)
      const exchange = new Exchange(method, url, { body: 'text' }, res && res()).start(app)
      if (then) await then(exchange)
      await settle()
      await settle()
      t.equal(exchange.callbacks.length, 1, why)
      t.match(exchange.callbacks[0], [err], why)
    }
  })

  t.test(`after a close post steps wait for a promise that is pending (${name})`, async t => {
    const { opened, open } = gate()
    const log: string[] = []
    const app = make().use('post', (_req, _res, next) => (log.push('post'), next()))
    app.get('/', async (_req, _res, _next) => {
      await opened
      log.push('settled')
    })
    const exchange = await run(app)
    exchange.res.close()
    await settle()
    t.strictSame(log, [])
    open()
    await settle()
    t.strictSame(log, ['settled', 'post'])
    t.strictSame(exchange.callbacks, [[undefined]])
  })

  t.test(`after a close a first next is dropped, and an error told (${name})`, async t => {
    const err = new Error('e')
    for (const [value, expected] of [[undefined, []], [err, ['late error: e']]] as const) {
      const warnings = catchWarnings(t)
      const nexts: Next[] = []
      const post = counter()
      const exchange = await run(make().use('post', post).get('/', (_req, _res, next) => void nexts.push(next)))
      exchange.res.close()
      await settle()
      nexts[0]!(value)
      await settle()
      t.strictSame({ warnings, post: post.count, callbacks: exchange.callbacks }, { warnings: [...expected], post: 1, callbacks: [[undefined]] })
    }
  })

  t.test(`after a close no further step of the chain runs (${name})`, async t => {
    catchWarnings(t)
    const route = counter()
    const nexts: Next[] = []
    const app = make().use('use', (_req, _res, next) => void nexts.push(next)).use('post', counter()).get('/', route)
    const exchange = await run(app)
    exchange.res.close()
    nexts[0]!()
    await settle()
    t.equal(route.count, 0)
  })

  t.test(`an error of a post step goes to the callback, and to no err step (${name})`, async t => {
    const err = new Error('post')
    const ways: [why: string, step: Step, expected: unknown][] = [
      ['handed to next', (_req, _res, next) => next(err), err],
      ['thrown', (_req, _res, _next) => { throw err }, err],
      ['rejected', async (_req, _res, _next) => { throw err }, err],
      ['a text', (_req, _res, next) => next('text'), 'text'],
      ['thrown, falsy', (_req, _res, _next) => { throw undefined }, Error],
      ['returned by a short one', _req => err, err],
    ]
    for (const [why, step, expected] of ways) {
      const reports: unknown[][] = []
      const app = make().get('/', hi).use('post', step).use('err', (_err, _req, _res, _next) => t.fail('no err step is for it'))
      app.rest.reportError = (...args: unknown[]) => { reports.push(args) }
      const { callbacks } = await run(app)
      t.equal(callbacks.length, 1, why)
      t.match(callbacks, [[expected]], why)
      t.strictSame(reports, [], why)
    }
  })

  t.test(`an earlier error goes before that of a post step, which is reported (${name})`, async t => {
    const err = new Error('earlier')
    const postErr = new Error('post')
    const { app, reports } = failing(make, err)
    if (name === 'NanoRouter') catchWarnings(t)
    app.use('post', (_req, _res, next) => next(postErr))
    const { callbacks } = await run(app)
    t.strictSame({ callbacks, reports }, { callbacks: [[err]], reports: [[postErr, 'post-mw error']] })
  })

  t.test(`a post step that declares no next goes on when it is done (${name})`, async t => {
    const log: string[] = []
    const steps: Step[] = [
      (_req, res) => { log.push('by res ' + res.statusCode) },
      async (_req, res) => {
        await later()
        log.push('by res ' + res.statusCode)
      },
      _req => { log.push('sync') },
      async _req => {
        await later()
        log.push('async')
      },
    ]
    for (const step of steps) {
      const { callbacks } = await run(make().get('/', hi).use('post', step))
      t.strictSame(callbacks, [[undefined]])
    }
    t.strictSame(log, ['by res 200', 'by res 200', 'sync', 'async'])
  })

  t.test(`what a post step returns does not make an error a success (${name})`, async t => {
    catchWarnings(t)
    let count = 0
    for (const step of [_req => ++count, async _req => 'done', _req => null] as Step[]) {
      const app = make().get('/', () => { throw new HttpError(409) }).use('post', step)
      t.match(await ask(app), { statusCode: 409 })
    }
    for (const step of [() => ++count, async () => 'done'] as Step[]) {
      const answer = await ask(make().get('/', () => { throw new HttpError(409) }).use('post', step))
      t.not(answer && answer.statusCode, 200)
    }
  })

  t.test(`next of a post step counts once (${name})`, async t => {
    const warnings = catchWarnings(t)
    const { callbacks } = await run(make().get('/', hi).use('post', (_req, _res, next) => (next(), next(), next(new Error('e')))))
    t.strictSame(callbacks, [[undefined]])
    t.strictSame(warnings, ['next called twice', 'late error: e'])
  })

  t.test(`a post step is waited for, and sees the response as it is (${name})`, async t => {
    const log: unknown[] = []
    const app = make().get('/', () => 'hi').use('post', async (_req, res, next) => {
      await later()
      log.push(res.statusCode, res.headersSent)
      next()
    })
    const exchange = new Exchange('GET', '/').start(app)
    t.strictSame(exchange.callbacks, [])
    await settle()
    await settle()
    t.strictSame({ log, callbacks: exchange.callbacks }, { log: [200, true], callbacks: [[undefined]] })
  })

  t.test(`only post steps make the run listen for the close of the response, and once (${name})`, async t => {
    for (const [posts, expected] of [[false, 0], [true, 1]] as const) {
      const counts: number[] = []
      const count: Step = async (_req, res, next) => {
        await later()
        counts.push((res as unknown as FakeRes).listenerCount('close'))
        next()
      }
      const app = make().use('use', count).post('/', count).use('err', (_err, _req, _res, next) => next())
      if (posts) app.use('post', count)
      await run(app, 'POST', '/', { body: 'text' })
      await settle()
      await settle()
      t.strictSame(counts, posts ? [expected, expected, expected] : [0, 0])
    }
  })

  t.test(`a run that does not wait does not listen (${name})`, async t => {
    const exchange = new Exchange('GET', '/')
    const route = Object.assign(((_req, _res, next) => next()) as Step, { readBody: false as const })
    exchange.start(make().use('use', counter()).get('/', route).use('post', counter()))
    t.strictSame(exchange.callbacks, [[undefined]])
    t.equal(exchange.res.listenerCount('close'), 0)
  })

  t.test(`who still holds a next does not hold the request (${name})`, async t => {
    const nexts: Next[] = []
    const keep: Step = (_req, _res, next) => {
      nexts.push(next)
      next()
    }
    const app = make().use('use', keep).use('post', keep).get('/', (req, res, next) => {
      res.end('hi')
      keep(req, res, next)
    })
    const refs = [1, 2, 3].map(() => {
      const { req, res } = new Exchange('GET', '/').start(app)
      return [new WeakRef(req), new WeakRef(res)]
    })
    await settle()
    await settle()
    gc()
    t.equal(nexts.length, 9)
    t.strictSame(refs.flat().map(ref => ref.deref() !== undefined), [false, false, false, false, false, false])
    t.type(nexts[0], 'function')
  })

  t.test(`an exception of the callback is caught and reported (${name})`, async t => {
    const err = new Error('callback')
    for (const step of [hi, (async (_req, _res, next) => (await null, next())) as Step]) {
      const reports: unknown[][] = []
      let count = 0
      const app = make().get('/', step)
      app.rest.reportError = (...args: unknown[]) => { reports.push(args) }
      app.rest.router!.runRoute(app.rest, new FakeReq('GET', '/'), new FakeRes(), () => {
        count++
        throw err
      })
      await settle()
      t.strictSame({ reports, count }, { reports: [[err, 'mw callback threw']], count: 1 })
    }
  })
}

t.test('a post error skips the post steps that are left', async t => {
  const err = new Error('post')
  const last = counter()
  const app = rest({ router: new Router() }).get('/', hi).use('post', counter(), (_req, _res, next) => next(err), last)
  const { callbacks } = await run(app)
  t.strictSame({ callbacks, last: last.count }, { callbacks: [[err]], last: 0 })
})

t.test('next(false) of a pre step ends the chain before it is routed', async t => {
  const log: string[] = []
  const note = (what: string): Step => (_req, _res, next) => (log.push(what), next())
  const app = rest({ router: new Router() }).use('pre', note('pre'), (_req, _res, next) => next(false), note('pre 2')).use(note('use'))
  app.get('/', note('route')).use('err', (err, _req, _res, next) => (log.push('err'), next(err))).use('post', note('post'))
  for (const url of ['/', '/nowhere']) t.strictSame((await run(app, 'GET', url)).callbacks, [[undefined]])
  t.strictSame(log, ['pre', 'post', 'pre', 'post'])
})

t.test('post steps run when a readBody of one\'s own answers or waits forever', async t => {
  const table: [why: string, readBody: Step, then?: (exchange: Exchange) => unknown][] = [
    ['it answers', (_req, res, _next) => res.end('too long')],
    ['it waits, and the client goes away', (_req, _res, _next) => {}, goAway],
    ['it waits for a client that has gone long since', (_req, _res, _next) => {}],
  ]
  for (const [why, readBody, then] of table) {
    const post = counter()
    const app = rest({ router: new Router({ readBody }) }).post('/', hi).use('post', post)
    const exchange = new Exchange('POST', '/', { body: 'text' })
    if (/long since/.test(why)) {
      // (A request that sends nothing any more.)
      Object.assign(exchange.req, { destroyed: true, closed: true }).removeAllListeners('newListener')
      exchange.res.close()
    }
    exchange.start(app)
    if (then) await then(exchange)
    await settle()
    t.strictSame({ post: post.count, callbacks: exchange.callbacks.length }, { post: 1, callbacks: 1 }, why)
  }
})

// ------------------------------------------------------------------------------------------------------ many steps

t.test('steps run in the order of the manual', async t => {
  const log: string[] = []
  const note = (what: string): Step => (_req, _res, next) => (log.push(what), next())
  const app = rest({ router: new Router({ readBody: note('body') }) })
  app.use('post', note('post 1')).use(note('use 1')).use('pre', note('pre 1'))
  app.get('/', note('route 1'), [note('route 2'), note('route 3')])
  app.use(note('use later')).use('pre', [note('pre 2'), note('pre 3')]).use('post', note('post 2'))
  await run(app)
  t.strictSame(log, ['pre 1', 'pre 2', 'pre 3', 'use 1', 'body', 'route 1', 'route 2', 'route 3', 'post 1', 'post 2'])
})

t.test('a second next does not let the request through while a later guard is still thinking', async t => {
  const warnings = catchWarnings(t)
  const { opened, open } = gate()
  const route = counter()
  const post = counter()
  const app = rest({ router: new Router() })
  app.use((_req, _res, next) => {
    next()
    next()
    process.nextTick(next)
    queueMicrotask(next)
    setImmediate(next)
  })
  app.use(async (_req, _res, next) => {
    await opened
    next(new HttpError(401))
  })
  app.use('post', post).get('/', route)
  const exchange = await run(app)
  t.strictSame({ route: route.count, post: post.count, callbacks: exchange.callbacks }, { route: 0, post: 0, callbacks: [] })
  open()
  await settle()
  t.match(exchange.callbacks, [[{ statusCode: 401 }]])
  t.equal(route.count, 0)
  t.strictSame(warnings, Array(4).fill('next called twice'))
})

t.test('an error of a step that has gone on does not end a later guard\'s thinking', async t => {
  const warnings = catchWarnings(t)
  const { opened, open } = gate()
  const app = rest({ router: new Router() })
  app.use((_req, _res, next) => {
    next()
    setImmediate(next, new Error('late'))
  })
  app.use((_req, _res, next) => void opened.then(() => next()))
  app.get('/', () => 'hi')
  const exchange = await run(app)
  t.strictSame(exchange.callbacks, [])
  open()
  await settle()
  t.equal(exchange.res.answer.body, 'hi')
  t.strictSame(warnings, ['late error: late'])
})

const MANY = times(10_000)

/** Kinds of steps, by number. */
const KINDS: [why: string, make: (ix: number, note: (ix: number) => void) => Step][] = [
  ['synchronous', (ix, note) => (_req, _res, next) => (note(ix), next())],
  ['with code after next', (ix, note) => (_req, _res, next) => {
    try {
      note(ix)
      next()
    } finally {
      note(ix)
    }
  }],
  ['async', (ix, note) => async (_req, _res, next) => (note(ix), next())],
  ['waiting for a promise', (ix, note) => async (_req, _res, next) => (note(ix), await null, next())],
  ['waiting for a turn', (ix, note) => (_req, _res, next) => (note(ix), void setImmediate(next))],
  ['wrapped', (ix, note) => wrap((_req, _res, next) => (note(ix), next()))],
]

/** Wait for the callback of a run. */
function finish(app: App, req = new FakeReq('GET', '/'), res = new FakeRes()): Promise<unknown[]> {
  return new Promise(resolve => app.rest.router!.runRoute(app.rest, req, res, (...all: unknown[]) => resolve(all)))
}

const MIXED: typeof KINDS = [['mixed', (ix, note) => KINDS[ix % KINDS.length]![1](ix, note)]]

for (const [why, make] of [...KINDS, ...MIXED]) {
  t.test(`very many steps in a row, ${why}`, async t => {
    for (const category of ['pre', 'use', 'route', 'post'] as const) {
      const seen: number[] = []
      const calls = new Uint8Array(MANY)
      const steps = Array.from({ length: MANY }, (_, ix) => make(ix, ix => {
        if (calls[ix]!++ === 0) seen.push(ix)
      }))
      const app = rest({ router: new Router() })
      if (category === 'route') app.get('/', steps)
      else app.use(category, steps).get('/', hi)
      t.strictSame(await finish(app), [undefined])
      t.equal(seen.length, MANY, category)
      t.ok(seen.every((ix, at) => ix === at), 'in order')
    }
  })
}

t.test('very many err steps in a row', async t => {
  const err = new Error('e')
  let count = 0
  const kinds: ErrStep[] = [
    (err, _req, _res, next) => (count++, next(err)),
    async (err, _req, _res, next) => (count++, next(err)),
    err => {
      count++
      throw err
    },
    (err, _req, _res, next) => (count++, void setImmediate(next, err)),
  ]
  const app = rest({ router: new Router() }).use('err', Array.from({ length: MANY }, (_, ix) => kinds[ix % kinds.length]!))
  app.get('/', () => { throw err })
  t.strictSame(await finish(app), [err])
  t.equal(count, MANY)
})

t.test('very many filters that do not fit', async t => {
  const app = rest({ router: new Router() })
  for (let ix = 0; ix < MANY; ix++) app.use('/elsewhere', (_req, _res, _next) => t.fail('not here'))
  t.match(await ask(app.get('/', () => 'hi')), { body: 'hi' })
})

for (const [maxNesting, options] of [[1, {}], [2, {}], [7, {}], [1000, onNode('a stack for that')]] as const) {
  t.test(`the nesting can be bounded, and nothing else changes (${maxNesting})`, options, async t => {
    const seen: number[] = []
    let depth = 0
    let deepest = 0
    const app = rest({ router: new Router(), maxNesting })
    app.get('/', Array.from({ length: 500 }, (_, ix): Step => (_req, _res, next) => {
      seen.push(ix)
      deepest = Math.max(deepest, ++depth)
      next()
      depth--
    }))
    t.strictSame(await finish(app), [undefined])
    t.strictSame(seen, Array.from({ length: 500 }, (_, ix) => ix))
    t.ok(deepest <= maxNesting + 1, `${deepest} deep for a bound of ${maxNesting}`)
  })
}

t.test('100 steps nest', async t => {
  let depth = 0
  let deepest = 0
  const app = rest({ router: new Router() }).get('/', Array.from({ length: 90 }, (): Step => (_req, _res, next) => {
    deepest = Math.max(deepest, ++depth)
    next()
    depth--
  }))
  await finish(app)
  t.equal(deepest, 90)
})

// --------------------------------------------------------------------------------------------------------- reports

t.test('what is reported goes to the emitter, if there is one, else to warn', async t => {
  const warnings = catchWarnings(t)
  const err2 = new Error('second')
  for (const [, make] of ROUTERS) {
    const emitter = new EventEmitter()
    const emitted: unknown[] = []
    emitter.on('error', err => emitted.push(err))
    for (const options of [{ emitter }, {}]) {
      const app = make(options).use('err', (_err, _req, _res, next) => next(err2)).get('/', () => { throw new HttpError(404) })
      await ask(app)
    }
    t.strictSame(emitted, [err2])
    t.strictSame(warnings.splice(0), ['error mw error: second'])
  }
})

t.test('a router without a rest reports by warn', async t => {
  const warnings = catchWarnings(t)
  const callbacks: unknown[] = []
  const router = new Router()
  router.setRoute('/', () => { throw new Error('first') })
  router.setRoute('err', (_err, _req, _res, next) => next(new Error('second')))
  for (const rest of [undefined, {}]) router.runRoute(rest, new FakeReq('GET', '/'), new FakeRes(), err => callbacks.push(err))
  await settle()
  t.match(callbacks, [{ message: 'first' }, { message: 'first' }])
  t.strictSame(warnings, ['error mw error: second', 'error mw error: second'])
})

t.test('an emitter that nobody listens to takes nothing down', async t => {
  // An EventEmitter throws what it is to emit as 'error' and nobody takes.
  catchWarnings(t)
  for (const [, make] of ROUTERS) {
    for (const late of [false, true]) {
      const post = counter()
      const app = make({ emitter: new EventEmitter() }).use('post', post)
      app.use('err', (_err, _req, _res, next) => {
        if (late) setImmediate(next, new Error('second'))
        else next(new Error('second'))
      })
      app.get('/', () => { throw new HttpError(409) })
      let answer: Answer | undefined
      const died = await deaths(async () => { answer = await ask(app) })
      t.strictSame(died, [])
      t.match(answer, { statusCode: 409 })
      t.equal(post.count, 1)
    }
  }
})

// ---------------------------------------------------------------------------------------------------- the app's end

for (const [name, make] of APPS) {
  t.test(`an outer next is called once, and only if nothing was sent (${name})`, async t => {
    catchWarnings(t)
    const err = new HttpError(409)
    const table: [why: string, step: Step, onError: RestOptions['onError'], expected: unknown[][]][] = [
      ['next, nothing sent', (_req, _res, next) => next(), undefined, [[]]],
      ['next later', (_req, _res, next) => void setImmediate(next), undefined, [[]]],
      ['next twice', (_req, _res, next) => (next(), next()), undefined, [[]]],
      ['the chain ended', (_req, _res, next) => next(false), undefined, [[]]],
      ['answered', hi, undefined, []],
      ['answered by return', () => 'hi', undefined, []],
      ['begun to answer', (_req, res, next) => (res.write('part'), next()), undefined, []],
      ['an error, answered', () => { throw err }, undefined, []],
      ['an error after the answer', (_req, res, next) => (res.end('hi'), next(err)), undefined, []],
      ['an error handed on', () => { throw err }, (err, _req, _res, next) => next(err), [[err]]],
      ['an error dealt with, and not answered', () => { throw err }, (_err, _req, _res, next) => next(), [[]]],
      ['an error handed on twice', () => { throw err }, (err, _req, _res, next) => (next(err), next(err)), [[err]]],
      ['onError throws', () => { throw err }, () => { throw new Error('second') }, [[err]]],
      ['onError hands on and throws', () => { throw err }, (err, _req, _res, next) => {
        next(err)
        throw new Error('second')
      }, [[err]]],
      ['onError rejects', () => { throw err }, () => Promise.reject(new Error('second')), [[err]]],
      ['onError hands on something else', () => { throw err }, (_err, _req, _res, next) => next(new Error('second')), [[err]]],
      ['onError answers and hands on', () => { throw err }, (err, _req, res, next) => (res.end('sorry'), next(err)), []],
      ['onError after the answer', (_req, res, next) => (res.end('hi'), next(err)), (err, _req, _res, next) => next(err), []],
    ]
    for (const [why, step, onError, expected] of table) {
      const nexts: unknown[][] = []
      await ask(make(step, { onError }), 'GET', '/', { next: (...all: unknown[]) => { nexts.push(all.filter(Boolean)) } })
      t.strictSame(nexts, expected, why)
    }
  })

  t.test(`an outer next that throws is called once (${name})`, async t => {
    catchWarnings(t)
    const table: [why: string, step: Step, onError: RestOptions['onError']][] = [
      ['nothing sent', (_req, _res, next) => next(), undefined],
      ['nothing sent, later', async (_req, _res, next) => (await null, next()), undefined],
      ['an error handed on', () => { throw new Error('e') }, (err, _req, _res, next) => next(err)],
      ['an error handed on by async', () => { throw new Error('e') }, async (err, _req, _res, next) => next(err)],
    ]
    for (const [why, step, onError] of table) {
      const warnings = catchWarnings(t)
      let count = 0
      const died = await deaths(() => ask(make(step, { onError }), 'GET', '/', { next: () => {
        count++
        throw new Error('outer')
      } }))
      t.strictSame({ count, died }, { count: 1, died: [] }, why)
      t.match(warnings.join('\n'), /outer/, 'reported: ' + why)
    }
  })

  t.test(`onError gets what no err step dealt with, and the default answers it (${name})`, async t => {
    catchWarnings(t)
    const err = new HttpError(409, 'taken')
    const seen: unknown[][] = []
    const app = make(() => { throw err })
    t.match(await ask(app), { statusCode: 409, body: '{"error":"409","message":"409 Conflict","debug":"taken"}' })
    const before = app.onError
    app.onError = (...args) => {
      seen.push(args)
      args[2].end('by onError')
    }
    t.match(await ask(app), { statusCode: 200, body: 'by onError' })
    t.equal(seen.length, 1)
    t.equal(seen[0]![0], err)
    t.ok(seen[0]![1] instanceof FakeReq && seen[0]![2] instanceof FakeRes)
    t.type(seen[0]![3], 'function')
    t.equal(app.rest.onError, app.onError)
    app.rest.onError = before
    t.match(await ask(app), { statusCode: 409 }, 'changed back')
  })

  t.test(`an error of onError is reported, and the original one answered (${name})`, async t => {
    const second = new Error('second')
    const table: [why: string, onError: RestOptions['onError'], reported: unknown][] = [
      ['thrown', () => { throw second }, second],
      ['rejected', () => Promise.reject(second), second],
      ['rejected later', async () => {
        await later()
        throw second
      }, second],
      ['thrown, falsy', () => { throw undefined }, Error],
      ['handed to next', (_err, _req, _res, next) => next(second), second],
      ['a text handed to next', (_err, _req, _res, next) => next('second'), 'second'],
    ]
    for (const [why, onError, reported] of table) {
      const warnings = catchWarnings(t)
      const emitter = new EventEmitter()
      const emitted: unknown[] = []
      emitter.on('error', err => emitted.push(err))
      const app = make(() => { throw new HttpError(409, 'taken') }, { onError, emitter })
      t.match(await ask(app), { statusCode: 409, body: /taken/ }, why)
      t.equal(emitted.length, 1, why)
      t.match(emitted, [reported], why)
      t.strictSame(warnings, [], why)
    }
  })

  t.test(`an onError that hands the error back has it answered, unreported (${name})`, async t => {
    const emitter = new EventEmitter()
    emitter.on('error', () => t.fail('nothing to report'))
    const app = make(() => { throw new HttpError(409) }, { onError: (err, _req, _res, next) => next(err), emitter })
    t.match(await ask(app), { statusCode: 409 })
  })

  t.test(`an onError that fails after its answer is reported, and that is all (${name})`, async t => {
    const emitted: unknown[] = []
    const emitter = new EventEmitter().on('error', err => emitted.push(err))
    const onError: RestOptions['onError'] = (_err, _req, res) => {
      res.end('sorry')
      throw new Error('second')
    }
    t.match(await ask(make(() => { throw new HttpError(409) }, { onError, emitter })), { body: 'sorry' })
    t.match(emitted, [{ message: 'second' }])
  })

  t.test(`a response that has begun is cut off, whatever onError does (${name})`, async t => {
    const table: [why: string, onError: RestOptions['onError']][] = [
      ['the default', undefined],
      ['it throws', () => { throw new Error('second') }],
      ['it rejects', () => Promise.reject(new Error('second'))],
      ['it hands the error on', (err, _req, _res, next) => next(err)],
      ['it hands on something else', (_err, _req, _res, next) => next(new Error('second'))],
      ['it sends the error', (err, req, res, next) => mw.sendResponse(req, res, next, err)],
    ]
    for (const [why, onError] of table) {
      for (const next of [undefined, (() => t.fail('an outer server cannot answer any more')) as Next]) {
        catchWarnings(t)
        const res = new FakeRes()
        make((_req, res, next) => (res.write('part'), next(boom)), { onError })(new FakeReq('GET', '/'), res, next)
        await settle()
        t.strictSame([res.destroyed, res.writableEnded], [true, false], why)
      }
    }
  })
}

t.test('processRequest gets the body as its fourth argument', async t => {
  const table: [why: string, processRequest: ProcessRequest][] = [
    ['four parameters', (_req, res, next, body) => (res.end(textOf(body)), next())],
    ['none', (...args) => textOf(args[3])],
    ['by the request', req => textOf(req.body)],
  ]
  for (const [why, processRequest] of table) {
    for (const app of [rest(processRequest), rest({ processRequest })]) {
      t.match(await ask(app, 'POST', '/any/path?a=1', { body: ['te', 'xt'] }), { statusCode: 200, body: 'text' }, why)
    }
  }
})

t.test('without a router or a processRequest onError is told so', async t => {
  const errs: unknown[] = []
  const app = rest({ onError: (err, _req, res, next) => {
    errs.push(err)
    res.end()
    next()
  } })
  await ask(app)
  t.match(errs, [{ message: /no router or processRequest/ }])
  t.equal(errs.length, 1)
})

t.test('an exception or a second callback of somebody\'s own router is for that request alone', async t => {
  catchWarnings(t)
  const err = new HttpError(409)
  const table: [why: string, runRoute: RouterLike['runRoute'], expected: unknown[][]][] = [
    ['it throws', () => { throw err }, [[err]]],
    ['it calls back twice', (_rest, _req, _res, callback) => (callback(), callback()), [[]]],
    ['it calls back twice with errors', (_rest, _req, _res, callback) => (callback(err), callback(err)), [[err]]],
    ['it calls back and throws', (_rest, _req, _res, callback) => {
      callback()
      throw err
    }, [[]]],
  ]
  for (const [why, runRoute, expected] of table) {
    const nexts: unknown[][] = []
    const app = rest({ router: { setRoute() {}, runRoute }, onError: (err, _req, _res, next) => next(err) })
    await ask(app, 'GET', '/', { next: (...all: unknown[]) => { nexts.push(all.filter(Boolean)) } })
    t.strictSame(nexts, expected, why)
  }
})

// ---------------------------------------------------------------------------------------------------- over sockets

interface OnWire {
  wire: Wire
  port: number
  drained(): Promise<number>
  /** Resolves when the first response has closed and all that follows from that has happened. */
  closed(): Promise<void>
}

async function onWire(t: { after(f: () => unknown): void }, app: App): Promise<OnWire> {
  const closed = gate()
  const { port, drained } = await serve(t, (req, res) => {
    res.once('close', closed.open)
    app(req, res)
  })
  return { wire: new Wire(t, port), port, drained, closed: () => closed.opened.then(settle) }
}

/** A request on a connection of its own is answered. */
async function isAlive(t: { after(f: () => unknown): void }, port: number): Promise<boolean> {
  const wire = new Wire(t, port)
  await wire.send('GET /fine HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
  const { statusCode, body } = await wire.answer()
  await wire.closed
  return statusCode === 200 && body === 'fine'
}

/** An app that answers '/fine', with a post step that counts the requests for '/'. */
function countingApp(make: () => App): { app: App; posts: { count: number } } {
  const posts = { count: 0 }
  const app = make().get('/fine', () => 'fine').use('post', (req, _res, next) => {
    if (req.url === '/') posts.count++
    next()
  })
  return { app, posts }
}

t.test('a readBody of one\'s own that answers ends the run, be it that the rest of the body never comes', onNode('sockets'), async t => {
  const { app, posts } = countingApp(() => rest({ router: new Router({ readBody: (_req, res) => { res.end('no') } }) }))
  const { wire, drained, closed } = await onWire(t, app.post('/', hi))
  await wire.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart')
  t.match(await wire.answer(), { statusCode: 200, body: 'no' })
  await closed()
  t.equal(posts.count, 1)
  wire.socket.destroy()
  t.equal(await drained(), 0)
})

for (const [name, make] of ROUTERS) {
  t.test(`a client that goes away in the middle of its body is a 400 that no step of the route sees (${name})`, onNode('sockets'), async t => {
    const route = counter()
    const errs: unknown[] = []
    const reading = gate()
    const { app, posts } = countingApp(make)
    app.use('use', (_req, _res, next) => {
      next()
      reading.open()
    })
    app.post('/', route).use('err', (err, _req, _res, next) => (errs.push(err), next(err)))
    const { wire, port, drained, closed } = await onWire(t, app)
    await wire.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart')
    await reading.opened
    wire.socket.destroy()
    await closed()
    t.match(errs, [{ statusCode: 400, debug: 'aborted' }])
    t.strictSame({ errs: errs.length, route: route.count, posts: posts.count }, { errs: 1, route: 0, posts: 1 })
    t.ok(await isAlive(t, port))
    t.equal(await drained(), 0)
  })

  t.test(`a client that goes away before its body is read is no run without an end (${name})`, onNode('sockets'), async t => {
    catchWarnings(t)
    const route = counter()
    const thinking = gate()
    const begun = gate()
    const { app, posts } = countingApp(make)
    app.use('use', async (_req, _res, next) => {
      begun.open()
      await thinking.opened
      next()
    })
    app.post('/', route)
    const { wire, port, drained, closed } = await onWire(t, app)
    await wire.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\npart')
    await begun.opened
    wire.socket.destroy()
    await closed()
    t.equal(posts.count, 0, 'not while the step is thinking')
    thinking.open()
    await settle()
    t.strictSame({ route: route.count, posts: posts.count }, { route: 0, posts: 1 })
    t.ok(await isAlive(t, port))
    t.equal(await drained(), 0)
  })

  t.test(`a client that goes away in the middle of the answer ends the run (${name})`, onNode('sockets'), async t => {
    const { app, posts } = countingApp(make)
    app.get('/', (_req, res, _next) => {
      const chunk = 'x'.repeat(1 << 16)
      const more = (): void => {
        if (res.destroyed) return
        res.write(chunk)
        setImmediate(more)
      }
      more()
    })
    const { wire, port, drained, closed } = await onWire(t, app)
    await wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(wire.socket, 'data')
    wire.socket.destroy()
    await closed()
    t.equal(posts.count, 1)
    t.ok(await isAlive(t, port))
    t.equal(await drained(), 0)
  })

  t.test(`a step that never answers holds a connection only as long as the client does (${name})`, onNode('sockets'), async t => {
    const begun = gate()
    const { app, posts } = countingApp(make)
    app.get('/', (_req, _res, _next) => begun.open())
    const { wire, port, drained, closed } = await onWire(t, app)
    await wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await begun.opened
    t.equal(posts.count, 0)
    wire.socket.destroy()
    await closed()
    t.equal(posts.count, 1)
    t.ok(await isAlive(t, port))
    t.equal(await drained(), 0)
  })

  t.test(`a step that never answers keeps nobody else waiting (${name})`, onNode('sockets'), async t => {
    const begun = gate()
    const { app } = countingApp(make)
    app.get('/', (_req, _res, _next) => begun.open())
    const { wire, port, drained } = await onWire(t, app)
    await wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await begun.opened
    t.ok(await isAlive(t, port))
    wire.socket.destroy()
    t.equal(await drained(), 0)
  })

  t.test(`a step that answers and never calls next leaves the connection to the next request (${name})`, onNode('sockets'), async t => {
    const posts = counter()
    const app = make().get('/', (_req, res, _next) => res.end('hi')).use('post', posts)
    const { wire, drained } = await onWire(t, app)
    for (let ix = 0; ix < 5; ix++) {
      await wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      t.match(await wire.answer(), { statusCode: 200, body: 'hi' })
    }
    wire.socket.end()
    t.equal(await drained(), 0)
    t.equal(posts.count, 5)
  })

  t.test(`an error after the response has begun cuts it off, so that the client can tell (${name})`, onNode('sockets'), async t => {
    const err = new Error('e')
    for (const [why, fail] of ALL_FAILURES) {
      const warnings = catchWarnings(t)
      const step = fail(err)
      const { app, posts } = countingApp(make)
      app.get('/', (...args) => {
        args[1].write('part of it')
        return step(...args)
      })
      const { wire, port, drained } = await onWire(t, app)
      await wire.send('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
      const text = await wire.closed
      t.notMatch(text, /\r\n0\r\n\r\n$/, 'no last chunk: ' + why)
      t.strictSame({ warnings, posts: posts.count }, { warnings: ['e'], posts: 1 }, why)
      t.ok(await isAlive(t, port), why)
      t.equal(await drained(), 0, why)
    }
  })

  t.test(`AsyncLocalStorage.run(store, next) reaches the route past the body, for every request its own (${name})`, onNode('AsyncLocalStorage'), async t => {
    const storage = new AsyncLocalStorage<string>()
    const app = make().use('use', (req, _res, next) => storage.run(String(req.headers['x-id']), next))
    app.all('/', async req => ({ store: storage.getStore() ?? 'none', body: String(req.body), later: await later().then(() => storage.getStore() ?? 'none') }))
    const { wire } = await onWire(t, app)
    const other = new Wire(t, wire.socket.remotePort || (await once(wire.socket, 'connect'), wire.socket.remotePort!))
    await Promise.all([wire.send('POST / HTTP/1.1\r\nhost: a\r\nx-id: one\r\ncontent-length: 6\r\n\r\nab'), other.send('POST / HTTP/1.1\r\nhost: a\r\nx-id: two\r\ncontent-length: 6\r\n\r\nuv')])
    await settle()
    await Promise.all([other.send('wxyz'), wire.send('cdef')])
    t.strictSame(JSON.parse((await wire.answer()).body), { store: 'one', body: 'abcdef', later: 'one' })
    t.strictSame(JSON.parse((await other.answer()).body), { store: 'two', body: 'uvwxyz', later: 'two' })
    await wire.send('GET / HTTP/1.1\r\nhost: a\r\nx-id: three\r\n\r\n')
    t.strictSame(JSON.parse((await wire.answer()).body), { store: 'three', body: '', later: 'three' })
  })
}

t.test('a NanoRouter and a Router can be used without an app', async t => {
  for (const router of [new Router(), new NanoRouter()] as RouterLike[]) {
    router.setRoute('/', '_ANY_', [hi])
    const res = new FakeRes()
    const callbacks: unknown[] = []
    router.runRoute({}, new FakeReq('GET', '/'), res, err => callbacks.push(err))
    await settle()
    t.strictSame({ callbacks, body: res.answer.body }, { callbacks: [undefined], body: 'hi' })
  }
})

t.test('an answer to an error has nothing of the answer that was not sent', async t => {
  const app = rest({ router: new Router() }).get('/', (_req, res) => {
    res.setHeader('content-length', 1000)
    res.setHeader('content-encoding', 'gzip')
    throw new HttpError(409)
  })
  app.use('err', _err => ({ sorry: 1 }))
  t.match(await ask(app), { statusCode: 409, headers: { 'content-length': undefined, 'content-encoding': undefined }, body: '{"sorry":1}' })
})

t.test('what a program puts on the request is its own, whatever its name', async t => {
  const app = rest({ router: new Router() }).get('/', (_req, res) => { res.end('x') })
  let posts = 0
  app.use('pre', (req, _res, next) => {
    const fields = req as unknown as { [name: string]: unknown }
    for (const name of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_$') fields[name] = { user: 1 }
    fields._run = { user: 1 }
    next()
  }).use('post', (_req, _res, next) => {
    posts++
    next()
  })
  await ask(app)
  await settle()
  t.equal(posts, 1)
})
