// Mounting: app.use('/prefix', other), where other is an app or a router, on both routers. What the inner one sees of the path, that
// the outer one gets it back, and who answers for what.

import { EventEmitter, once } from 'node:events'
import t from 'tap'
import type { App, HostReq, HostRes, Next, Req, Rest as RestType, RestLike, Router as RouterType, Step } from '../microrest.ts'
import { FakeReq, FakeRes, call } from './fixtures/call.ts'
import { HttpError, NanoRouter, Router, mw, rest } from './fixtures/core.ts'
import { catchWarnings } from './fixtures/warnings.ts'

/** Let every callback run that is due now, and those that they bring about. */
async function turns(count = 4): Promise<void> {
  for (let ix = 0; ix < count; ix++) await new Promise((resolve) => setImmediate(resolve))
}

/** Anything, for what the types would rightly refuse. */
function wrong<T>(value: unknown): T {
  return value as T
}

const view = (req: Req) => [req.url, req.baseUrl]
const fullApp = () => rest({ router: new Router() })

/** A step that notes where it is and what it sees, and goes on. */
function note(seen: unknown[], name: string): Step {
  return (req, _res, next) => {
    seen.push([name, ...view(req)])
    next()
  }
}

const outers: [name: string, make: () => App][] = [['NanoRouter', () => rest()], ['Router', fullApp]]

for (const [name, make] of outers) {
  t.test('mounting on a ' + name, async t => {
    t.test('takes the prefix off url and puts it on baseUrl', async t => {
      const table: [target: string, url: string, baseUrl: string, why: string][] = [
        ['/api/x', '/x', '/api', 'a path below'],
        ['/api/x/y', '/x/y', '/api', 'a longer one'],
        ['/api', '/', '/api', 'the prefix itself'],
        ['/api/', '/', '/api', 'with a trailing slash'],
        ['/api/x/', '/x/', '/api', 'a trailing slash further down'],
        ['/api//x', '//x', '/api', 'an empty component'],
        ['/api/x?q=1&r=/api/y', '/x?q=1&r=/api/y', '/api', 'the query is kept'],
        ['/api?q=1', '/?q=1', '/api', 'a query on the prefix itself'],
        ['/api/?q=1', '/?q=1', '/api', 'a query after the slash'],
        ['/api?', '/?', '/api', 'an empty query'],
        ['/api#f', '/#f', '/api', 'a fragment'],
        ['/api?a/b#c/d', '/?a/b#c/d', '/api', 'slashes behind the path'],
        ['http://host/api/x?q', '/x?q', '/api', 'the absolute form'],
        ['http://host:8080/api', '/', '/api', 'the absolute form of the prefix itself'],
        ['http://host/api?q=http://host/api', '/?q=http://host/api', '/api', 'with another in its query'],
        ['/%61pi/x', '/x', '/%61pi', 'the prefix in another spelling stays as it was spelled'],
        ['/%61%70%69?q', '/?q', '/%61%70%69', 'all of it escaped'],
        ['/api/%61%2Fb?%zz', '/%61%2Fb?%zz', '/api', 'what follows is left encoded'],
        ['/api/..', '/..', '/api', 'dots are no business of ours'],
      ]
      for (const [target, url, baseUrl, why] of table) {
        const app = make().use('/api', rest(wrong<() => unknown>(view)))
        t.strictSame((await call(app, 'GET', target)).json(), [url, baseUrl], target + ': ' + why)
      }
    })

    t.test('leaves alone what is not below the prefix', async t => {
      for (const target of ['/', '/apix', '/API/x', '/api%2Fx', '/x/api', '/ap', '//api', '/?/api', '/x?/api/x', 'http://api/x']) {
        let count = 0
        const app = make().use('/api', rest(() => { count++ }))
        t.match(await call(app, 'GET', target), { statusCode: 404 }, target)
        t.equal(count, 0, target)
      }
    })

    t.test('takes an app of any kind, a Router and a NanoRouter', async t => {
      const router = new Router()
      router.setRoute('/x', 'GET', wrong<Step>(view))
      const nano = new NanoRouter()
      nano.setRoute('/x', view)
      const others: [string, unknown][] = [
        ['processRequest', rest(wrong<() => unknown>(view))],
        ['NanoRouter app', rest().get('/x', view)],
        ['Router app', fullApp().get('/x', view)],
        ['Router', router],
        ['NanoRouter', nano],
      ]
      for (const [why, other] of others) {
        const app = make()
        t.equal(app.use('/api', wrong<App>(other)), app, why)
        t.strictSame((await call(app, 'GET', '/api/x?q')).json(), ['/x?q', '/api'], why)
      }
    })

    t.test('takes what has runRoute, or rest, whoever made it', async t => {
      const foreignRouter = {
        setRoute() {},
        runRoute(_rest: RestLike, req: HostReq, res: HostRes) { res.end(req.url) },
      }
      const foreignApp = Object.assign((req: HostReq, res: HostRes) => { res.end(req.url) }, { rest: {} })
      for (const other of [foreignRouter, foreignApp]) {
        t.match(await call(make().use('/api', wrong<App>(other)), 'GET', '/api/x'), { body: '/x' })
      }
    })

    t.test('is for every method', async t => {
      const app = make().use('/api', rest((req) => req.method))
      for (const method of ['GET', 'POST', 'PATCH', 'OPTIONS', 'PURGE']) t.match(await call(app, method, '/api/x'), { body: method })
    })

    t.test('may spell the prefix without its first slash, and with a last one', async t => {
      for (const prefix of ['api', '/api/', 'api/']) {
        const app = make().use(prefix, rest(wrong<() => unknown>(view)))
        t.strictSame((await call(app, 'GET', '/api/x')).json(), ['/x', '/api'], prefix)
        t.strictSame((await call(app, 'GET', '/api')).json(), ['/', '/api'], prefix)
      }
    })

    t.test('takes prefixes of several components, and of Unicode', async t => {
      const table: [prefix: string, target: string, url: string, baseUrl: string][] = [
        ['/api/v1', '/api/v1/x', '/x', '/api/v1'],
        ['/api/v1/', '/api/v1?q', '/?q', '/api/v1'],
        ['/café', '/caf%C3%A9/x', '/x', '/caf%C3%A9'],
        ['/café', '/caf%c3%a9', '/', '/caf%c3%a9'],
      ]
      for (const [prefix, target, url, baseUrl] of table) {
        const app = make().use(prefix, rest(wrong<() => unknown>(view)))
        t.strictSame((await call(app, 'GET', target)).json(), [url, baseUrl], target)
        t.match(await call(app, 'GET', '/api/x'), { statusCode: 404 })
      }
    })

    for (const [how, mount] of [
      ["at '/'", (app: App, other: App) => app.use('/', other)],
      ['without a path', (app: App, other: App) => app.use(wrong<Step>(other))],
    ] as const) {
      t.test(how + ' leaves url as it is', async t => {
        const app = mount(make(), rest(wrong<() => unknown>(view)))
        for (const target of ['/', '/x', '/x/y?q=1', '/?q', '//x', '/a%2Fb']) {
          t.strictSame((await call(app, 'GET', target)).json(), [target, ''], target)
        }
        t.strictSame((await call(app, 'GET', 'http://host/x?q')).json(), ['/x?q', ''], 'the absolute form')
      })

      t.test(how + ' is for what no other route takes', async t => {
        const app = mount(make(), rest(() => 'inner'))
        app.get('/own', () => 'own')
        t.match(await call(app, 'GET', '/own'), { body: 'own' })
        t.match(await call(app, 'GET', '/other'), { body: 'inner' })
      })
    }

    t.test('has routes of its own that are more specific go first', async t => {
      const app = make().use('/api', rest(() => 'inner'))
      app.get('/api/own', () => 'own')
      t.match(await call(app, 'GET', '/api/own'), { body: 'own' })
      t.match(await call(app, 'GET', '/api/other'), { body: 'inner' })
    })

    t.test('nests', async t => {
      const inmost = rest(wrong<() => unknown>(view))
      const middle = make().use('/v1', inmost)
      const app = make().use('/api', middle)
      t.strictSame((await call(app, 'GET', '/api/v1/x?q')).json(), ['/x?q', '/api/v1'])
      t.strictSame((await call(app, 'GET', 'http://host/%61pi/v1')).json(), ['/', '/%61pi/v1'])
    })

    t.test("nests at '/' too", async t => {
      const seen: unknown[] = []
      const middle = make().use('/', rest(wrong<() => unknown>(view))).use('post', note(seen, 'middle'))
      const app = make().use('/api', middle).use('post', note(seen, 'outer'))
      t.strictSame((await call(app, 'GET', '/api/x?q')).json(), ['/x?q', '/api'])
      await turns()
      t.strictSame(seen, [['middle', '/x?q', '/api'], ['outer', '/api/x?q', undefined]])
    })

    t.test('has one app at two prefixes', async t => {
      const inner = rest(wrong<() => unknown>(view))
      const app = make().use('/a', inner).use('/b', inner)
      t.strictSame((await call(app, 'GET', '/a/x')).json(), ['/x', '/a'])
      t.strictSame((await call(app, 'GET', '/b/y')).json(), ['/y', '/b'])
    })

    t.test('has two requests in flight each see their own', async t => {
      const inner = rest(async (req) => {
        await turns(req.url === '/slow' ? 6 : 1)
        return view(req)
      })
      const app = make().use('/a', inner).use('/b', inner)
      const answers = await Promise.all([call(app, 'GET', '/a/slow'), call(app, 'GET', '/b/quick')])
      t.strictSame(answers.map((answer) => answer.json()), [['/slow', '/a'], ['/quick', '/b']])
    })

    t.test('keeps url and baseUrl inside over asynchronous steps', async t => {
      const seen: unknown[] = []
      const inner = fullApp()
      inner.use('pre', async (req, _res, next) => {
        await turns(1)
        seen.push(view(req))
        next()
      })
      inner.get('/x', async (req: Req) => {
        await turns(1)
        return view(req)
      })
      t.strictSame((await call(make().use('/api', inner), 'GET', '/api/x')).json(), ['/x', '/api'])
      t.strictSame(seen, [['/x', '/api']])
    })

    t.test('has a guard before the mount in one line', async t => {
      let count = 0
      const guard: Step = (req, _res, next) => next(req.headers.key ? undefined : new HttpError(401))
      const inner = rest(() => 'inner ' + ++count)
      const app = make().use('/api', guard, wrong<Step>(inner))
      t.match(await call(app, 'GET', '/api/x'), { statusCode: 401 })
      t.match(await call(app, 'GET', '/%61pi'), { statusCode: 401 })
      t.match(await call(app, 'GET', '/api/x', { headers: { key: '1' } }), { body: 'inner 1' })
    })

    t.test('refuses a malformed escape before the inner one sees it', async t => {
      let count = 0
      const app = make().use('/api', rest(() => { count++ }))
      for (const target of ['/api/%zz', '/%zz/api', '/api%']) t.match(await call(app, 'GET', target), { statusCode: 400 }, target)
      t.equal(count, 0)
    })

    // ------------------------------------------------------------------------------------------------ and back again

    t.test('puts url and baseUrl back when the inner one goes on', async t => {
      const seen: unknown[] = []
      const inner = new Router()
      inner.setRoute('use', note(seen, 'inner use'))
      inner.setRoute('/x', 'GET', note(seen, 'inner route'))
      inner.setRoute('post', note(seen, 'inner post'))
      const app = make().use(note(seen, 'outer use')).use('/api', inner).use('post', note(seen, 'outer post'))
      await new Promise<void>((resolve) => {
        app(new FakeReq('GET', '/api/x?q'), new FakeRes(), wrong<Next>(function (this: void) { resolve() }))
      })
      t.strictSame(seen, [
        ['outer use', '/api/x?q', undefined],
        ['inner use', '/x?q', '/api'],
        ['inner route', '/x?q', '/api'],
        ['inner post', '/x?q', '/api'],
        ['outer post', '/api/x?q', undefined],
      ])
    })

    t.test('puts url and baseUrl back for the err steps when the inner one has an error', async t => {
      const failures: [string, Step][] = [
        ['next(err)', (_req, _res, next) => next(new HttpError(418))],
        ['throw', () => { throw new HttpError(418) }],
        ['rejection', async () => { throw new HttpError(418) }],
        ['later', (_req, _res, next) => { setImmediate(next, new HttpError(418)) }],
      ]
      for (const [why, step] of failures) {
        const seen: unknown[] = []
        const inner = new Router()
        inner.setRoute('/x', 'GET', step)
        inner.setRoute('post', note(seen, 'inner post'))
        const app = make().use('/api', inner).use('post', note(seen, 'outer post'))
        app.use('err', (err: unknown, req: Req, res: HostRes, next: Next) => {
          seen.push(['outer err', ...view(req)])
          res.statusCode = (err as { statusCode: number }).statusCode
          res.end()
          next()
        })
        t.match(await call(app, 'GET', '/api/x?q'), { statusCode: 418 }, why)
        t.strictSame(seen, [['inner post', '/x?q', '/api'], ['outer err', '/api/x?q', undefined], ['outer post', '/api/x?q', undefined]], why)
      }
    })

    const endings: [string, Step][] = [
      ['ends the response and never goes on', (_req, res) => { res.end('x') }],
      ['ends it later', (_req, res) => { setImmediate(() => res.end('x')) }],
      ['is async', async (_req, res) => {
        await turns(1)
        res.end('x')
      }],
      ['is async and not over when the response is', async (_req, res) => {
        res.end('x')
        await turns(6)
      }],
      ['answers by return', () => 'x'],
      ['answers by a promise', async () => 'x'],
      ['answers and goes on', (_req, res, next) => {
        res.end('x')
        next()
      }],
    ]
    const kinds: [string, (router: RouterType) => unknown][] = [['app', (router) => rest({ router })], ['Router', (router) => router]]

    /** Who is over, and what they see, of a request that a step inside answers. Behind an asynchronous step the outer one waits first. */
    async function runToEnd(mounted: (router: RouterType) => unknown, step: Step, isBehind: boolean): Promise<unknown[]> {
      const seen: unknown[] = []
      const inner = new Router()
      inner.setRoute('/x', 'GET', step)
      inner.setRoute('post', note(seen, 'inner'))
      const app = make()
      if (isBehind) app.use((_req: Req, _res: HostRes, next: Next) => { setImmediate(next) })
      app.use('/api', wrong<App>(mounted(inner))).use('post', note(seen, 'outer'))
      const answer = await call(app, 'GET', '/api/x?q')
      await turns(10)
      return answer.body === 'x' ? seen : [answer]
    }

    for (const [how, step] of endings) {
      for (const [kind, mounted] of kinds) {
        t.test(`has post steps inside and outside see their own url, once, where a step of a mounted ${kind} ${how}`, async t => {
          for (const isBehind of [false, true]) {
            const seen = await runToEnd(mounted, step, isBehind)
            t.strictSame(seen.sort(), [['inner', '/x?q', '/api'], ['outer', '/api/x?q', undefined]])
          }
        })
      }
    }

    t.test('is over inside before it is over outside', async t => {
      const early: string[] = []
      for (const [how, step] of endings) {
        for (const [kind, mounted] of kinds) {
          for (const isBehind of [false, true]) {
            const [first] = await runToEnd(mounted, step, isBehind) as [string[]]
            if (first[0] !== 'inner') early.push(`a step of a mounted ${kind}${isBehind ? ' behind an asynchronous one' : ''} ${how}`)
          }
        }
      }
      t.strictSame(early, [])
    })

    t.test('has a step inside that is at work when the client leaves keep its url, and post run once when it is done', async t => {
      const seen: unknown[] = []
      const inner = fullApp()
      let isDone: (() => void) | undefined
      inner.get('/x', async (req, _res, _next) => {
        await new Promise<void>((resolve) => { isDone = resolve })
        seen.push(['inner route', ...view(wrong<Req>(req))])
      })
      inner.use('post', note(seen, 'inner post'))
      const app = make().use('/api', inner).use('post', note(seen, 'outer post'))
      const res = new FakeRes()
      app(new FakeReq('GET', '/api/x'), res)
      await turns()
      res.close()
      await turns()
      isDone!()
      await turns()
      t.strictSame(seen.slice(0, 2), [['inner route', '/x', '/api'], ['inner post', '/x', '/api']])
      t.strictSame(seen.slice(2), [['outer post', '/api/x', undefined]])
    })

    t.test('puts back what steps inside have made of url', async t => {
      const seen: unknown[] = []
      const inner = new Router()
      inner.setRoute('pre', (req, _res, next) => {
        req.url = '/rewritten'
        next()
      })
      inner.setRoute('/rewritten', (_req: Req, _res: HostRes, next: Next) => next())
      const app = make().use('/api', inner).use('post', note(seen, 'outer'))
      app(new FakeReq('GET', '/api/x'), new FakeRes(), () => {})
      await turns()
      t.strictSame(seen, [['outer', '/api/x', undefined]])
    })

    t.test('puts url and baseUrl back for the server outside', async t => {
      const inner = rest((_req, _res, next) => next())
      const app = make().use('/api', inner)
      const req = new FakeReq('GET', '/api/x')
      req.baseUrl = '/outmost'
      const seen: unknown[] = []
      await new Promise<void>((resolve) => app(req, new FakeRes(), () => {
        seen.push(req.url, req.baseUrl)
        resolve()
      }))
      t.strictSame(seen, ['/api/x', '/outmost'])
    })

    t.test('adds to a baseUrl that is there already', async t => {
      const app = make().use('/api', rest(wrong<() => unknown>(view)))
      const req = new FakeReq('GET', '/api/x')
      req.baseUrl = '/outmost'
      const res = new FakeRes()
      app(req, res)
      await once(res, 'close')
      t.strictSame(res.answer.json(), ['/x', '/outmost/api'])
    })

    // --------------------------------------------------------------------------------------------- who answers for what

    t.test('has a mounted app answer its own 404, past the err steps outside', async t => {
      for (const inner of [rest().get('/x', () => 'x'), fullApp().get('/x', () => 'x')]) {
        const seen: unknown[] = []
        const app = make().use('/api', inner).use('post', note(seen, 'outer post'))
        app.use('err', (_err: unknown, _req: Req, _res: HostRes, next: Next) => {
          seen.push('outer err')
          next()
        })
        const answer = await call(app, 'GET', '/api/nowhere')
        await turns()
        t.equal(answer.statusCode, 404)
        t.match(answer.json(), { error: '404', debug: 'GET /nowhere: path not routed' })
        t.strictSame(seen, [['outer post', '/api/nowhere', undefined]])
      }
    })

    t.test('has the 404 of a mounted Router go to the err steps outside', async t => {
      const seen: unknown[] = []
      const app = make().use('/api', new Router())
      app.use('err', (err: unknown, req: Req, res: HostRes, next: Next) => {
        seen.push(err, ...view(req))
        res.statusCode = 404
        res.end('outer')
        next()
      })
      t.match(await call(app, 'GET', '/api/nowhere'), { statusCode: 404, body: 'outer' })
      t.match(seen, [{ statusCode: 404, debug: 'GET /nowhere: path not routed' }, '/api/nowhere', undefined])
    })

    t.test('has the 404 of a mounted Router answered outside where there are no err steps', async t => {
      t.match(await call(make().use('/api', new Router()), 'GET', '/api/nowhere'), { statusCode: 404, body: /GET .nowhere: path not routed/ })
    })

    t.test('has a mounted Router deal with errors by its own err steps first', async t => {
      const seen: unknown[] = []
      const inner = new Router()
      inner.setRoute('/x', () => { throw new HttpError(418) })
      inner.setRoute('err', (_err, _req, res, next) => {
        res.end('inner')
        next()
      })
      const app = make().use('/api', inner)
      app.use('err', (_err: unknown, _req: Req, _res: HostRes, next: Next) => {
        seen.push('outer err')
        next()
      })
      t.match(await call(app, 'GET', '/api/x'), { body: 'inner' })
      t.strictSame(seen, [])
    })

    t.test('has a mounted app deal with errors by its own onError, and hand on what that hands on', async t => {
      const err = new HttpError(418)
      const table: [onError: RestType['onError'], body: string, seen: unknown[]][] = [
        [(_err, _req, res) => { res.end('inner') }, 'inner', []],
        [(err, _req, _res, next) => next(err), 'outer', [err]],
        [() => { throw new Error('second') }, 'outer', [err]],
      ]
      for (const [onError, body, expected] of table) {
        catchWarnings(t)
        const seen: unknown[] = []
        const app = make().use('/api', rest(() => { throw err }, onError))
        app.use('err', (err: unknown, _req: Req, res: HostRes, next: Next) => {
          seen.push(err)
          res.end('outer')
          next()
        })
        t.match(await call(app, 'GET', '/api/x'), { body })
        t.strictSame(seen, expected)
      }
    })

    t.test('has a mounted Router report to the Rest outside', async t => {
      const emitter = new EventEmitter()
      const reported: unknown[] = []
      emitter.on('error', (err) => reported.push(err))
      const inner = new Router()
      inner.setRoute('/x', () => { throw new HttpError(418) })
      inner.setRoute('err', (_err, _req, _res, next) => next(new Error('second')))
      const app = make().use('/api', inner)
      app.rest.emitter = emitter
      t.match(await call(app, 'GET', '/api/x'), { statusCode: 418 })
      t.match(reported, [{ message: 'second' }])
    })

    t.test('calls the next outside if nothing was sent, once, and not if something was', async t => {
      const steps: [Step, number, string][] = [
        [(_req, _res, next) => next(), 1, 'goes on'],
        [(_req, _res, next) => {
          next()
          next()
        }, 1, 'goes on twice'],
        [(_req, res, next) => {
          res.end()
          next()
        }, 0, 'answers and goes on'],
        [(_req, res, next) => {
          res.writeHead(200)
          next()
        }, 0, 'has sent the head and goes on'],
      ]
      for (const [step, expected, why] of steps) {
        catchWarnings(t)
        let count = 0
        const app = make().use('/api', fullApp().get('/x', step))
        app(new FakeReq('GET', '/api/x'), new FakeRes(), () => { count++ })
        await turns()
        t.equal(count, expected, why)
      }
    })

    // ---------------------------------------------------------------------------------------------------------- bodies

    t.test('has the body read by the rules of the inner one', async t => {
      const outerLimit = name === 'Router' ? rest({ router: new Router({ bodySizeLimit: 3 }) }) : rest({ bodySizeLimit: 3 })
      const echo = (req: Req) => 'got ' + req.body
      outerLimit.use('/app', rest({ router: new Router({ bodySizeLimit: 6, bodySizeStatus: 413 }) }).post('/x', echo))
      const router = new Router({ bodySizeLimit: 6, bodySizeStatus: 413 })
      router.setRoute('/x', 'POST', echo)
      outerLimit.use('/router', router)
      outerLimit.use('/process', rest({ bodySizeLimit: 6, bodySizeStatus: 413, processRequest: wrong<() => unknown>(echo) }))
      outerLimit.post('/own', echo)
      for (const path of ['/app/x', '/router/x', '/process/x']) {
        t.match(await call(outerLimit, 'POST', path, { body: '123456' }), { statusCode: 200, body: 'got 123456' }, path)
        t.match(await call(outerLimit, 'POST', path, { body: '1234567' }), { statusCode: 413 }, path)
      }
      t.match(await call(outerLimit, 'POST', '/own', { body: '1234' }), { statusCode: 400 }, "the outer one's own")
    })

    t.test('has the body left alone if the inner one reads none', async t => {
      const app = make().use('/api', rest({ router: new Router({ readBody: false }) }).post('/x', (req) => typeof req.body))
      t.match(await call(app, 'POST', '/api/x', { body: 'x' }), { body: 'undefined' })
    })

    t.test('has the body read once where a step outside has set it', async t => {
      const app = make().use((req: Req, _res: HostRes, next: Next) => {
        req.body = 'set'
        next()
      })
      app.use('/api', fullApp().post('/x', (req) => String(req.body)))
      t.match(await call(app, 'POST', '/api/x', { body: 'unread' }), { body: 'set' })
    })
  })
}

t.test('mounting on a Router', async t => {
  t.test('takes a prefix with parameters', async t => {
    const app = fullApp().use('/:tenant/api', rest((req) => [...view(req), req.params.tenant]))
    t.strictSame((await call(app, 'GET', '/acme/api/x?q')).json(), ['/x?q', '/acme/api', 'acme'])
    t.strictSame((await call(app, 'GET', '/a%2Fb/api')).json(), ['/', '/a%2Fb/api', 'a/b'])
    t.match(await call(app, 'GET', '/api/x'), { statusCode: 404 })
  })

  t.test('has parameters of both the prefix and the inner route', async t => {
    const app = fullApp().use('/:tenant', fullApp().get('/u/:id', (req) => [req.params.id, (req as Req).params.tenant]))
    t.strictSame((await call(app, 'GET', '/acme/u/7')).json(), ['7', 'acme'])
  })

  t.test('refuses a prefix with a tail, with the prefix in the message, and sets no route', async t => {
    for (const prefix of ['/a/:*', '/a/:*x/b', '/a/*']) {
      const router = new Router()
      t.throws(() => rest({ router }).use(prefix, rest()), { message: new RegExp(prefix.replace(/[^\w]/g, '\\$&')) }, prefix)
      t.strictSame(router.routes(), [], prefix)
    }
  })

  t.test('sets the routes /api and /api/:* for any method', async t => {
    const router = new Router()
    rest({ router }).use('/api', rest())
    t.strictSame(router.routes().map(({ method, path }) => method + ' ' + path).sort(), ['_ANY_ /api', '_ANY_ /api/:*'])
  })

  t.test('runs the use steps that stood before, and no later ones', async t => {
    const seen: unknown[] = []
    const app = fullApp().use(note(seen, 'before')).use('/api', rest(() => 'inner')).use(note(seen, 'after'))
    await call(app, 'GET', '/api/x')
    t.strictSame(seen, [['before', '/api/x', undefined]])
  })

  t.test('goes by its ignoreCase and ignoreTrailingSlash', async t => {
    const app = rest({ router: new Router({ ignoreCase: true, ignoreTrailingSlash: true }) }).use('/Api', rest(wrong<() => unknown>(view)))
    t.strictSame((await call(app, 'GET', '/aPI/X?q')).json(), ['/X?q', '/aPI'])
    t.strictSame((await call(app, 'GET', '/API')).json(), ['/', '/API'])
    t.strictSame((await call(app, 'GET', '/api/')).json(), ['/', '/api'])
  })

  t.test('does not hand in the _route that a pre step outside has chosen', async t => {
    const router = new Router()
    const app = rest({ router })
    for (const other of [fullApp().get('/x', () => 'inner'), (() => {
      const inner = new Router()
      inner.setRoute('/x', 'GET', () => 'inner')
      return inner
    })()]) {
      app.use('/api', wrong<App>(other))
      router.deleteRoute('pre')
      app.use('pre', (req, _res, next) => {
        const found = router.getRoute('/api/x', 'GET')
        req._route = found as { mw: Step[]; params: object }
        next()
      })
      t.match(await call(app, 'GET', '/elsewhere', {}), { statusCode: 404 }, 'the inner one looks up what is below the prefix')
      t.match(await call(app, 'GET', '/api/x'), { body: 'inner' })
    }
  })

  t.test('lets a pre step inside choose a _route', async t => {
    const inner = fullApp().use('pre', (req, _res, next) => {
      req._route = [() => 'chosen']
      next()
    })
    t.match(await call(fullApp().use('/api', inner), 'GET', '/api/nowhere'), { body: 'chosen' })
  })

  t.test('has a query value not replace a parameter of the prefix', async t => {
    const inner = fullApp().use('pre', mw.mwParseQuery).get('/x', (req) => (req as Req).params)
    t.match((await call(fullApp().use('/:tenant', inner), 'GET', '/acme/x?tenant=evil')).json(), { tenant: 'acme' })
  })

  t.test('takes OPTIONS * for no path below anything', async t => {
    const app = fullApp().use('/', rest(wrong<() => unknown>(view)))
    const answer = await call(app, 'OPTIONS', '*')
    if (answer.statusCode !== 404) t.strictSame(answer.json(), ['*', ''])
    else t.match(answer, { statusCode: 404 })
  })
})

t.test('mounting on a NanoRouter', async t => {
  t.test('refuses a prefix with parameters', async t => {
    t.throws(() => rest().use('/:tenant', rest()), { message: /use new Router\(\).*\/:tenant/ })
  })

  t.test('has the longest prefix win', async t => {
    const app = rest().use('/api', rest(() => 'api')).use('/api/v1', rest(() => 'v1'))
    t.match(await call(app, 'GET', '/api/v1/x'), { body: 'v1' })
    t.match(await call(app, 'GET', '/api/v2/x'), { body: 'api' })
  })
})

t.test("mounting on somebody else's router gives it steps that work by themselves", async t => {
  const steps: Step[] = []
  const router = {
    setRoute(_path: unknown, _method: unknown, list: unknown) { steps.push(...(list as Step[])) },
    runRoute(_rest: RestLike, req: HostReq, res: HostRes, callback: (err?: unknown) => void) {
      steps[0]!(req as Req, res, callback)
    },
  }
  const app = rest({ router: wrong<RestType['router']>(router) })
  const seen: unknown[] = []
  app.use('/api', rest((req, _res, next) => {
    seen.push(view(req))
    next()
  }))
  app(new FakeReq('GET', '/api/x'), new FakeRes(), wrong<Next>(() => { seen.push('outer') }))
  await turns()
  t.strictSame(seen, [['/x', '/api'], 'outer'])

  t.test('and put url and baseUrl back', async t => {
    const req = new FakeReq('GET', '/api/x')
    app(req, new FakeRes(), () => {})
    await turns()
    t.strictSame([req.url, req.baseUrl], ['/api/x', undefined])
  })
})

t.test('an app mounted on itself ends', async t => {
  const app = fullApp()
  app.use('/again', app).get('/x', (req) => view(wrong<Req>(req)))
  t.strictSame((await call(app, 'GET', '/again/again/again/x')).json(), ['/x', '/again/again/again'])
})

for (const [what, inner] of [
  ['app', () => fullApp().all('/x', slowly)],
  ['Router', () => {
    const router = new Router()
    router.setRoute('/x', slowly)
    return router
  }],
] as const) {
  t.test(`outer post steps wait for a step of a mounted ${what} that has none of its own`, async t => {
    log.length = 0
    const app = fullApp().use('/api', inner()).use('post', (_req, _res, next) => {
      log.push('post')
      next()
    })
    await call(app, 'GET', '/api/x')
    await turns(5)
    t.strictSame(log, ['inner', 'post'])
  })
}

const log: string[] = []

/** Answer, and be busy for a while after the response has closed. */
async function slowly(_req: unknown, res: HostRes): Promise<void> {
  res.end('x')
  await turns(3)
  log.push('inner')
}

// ------------------------------------------------------------------------------------------------ what a host decides

/** What comes of a request whose host has set something on it: the answer's status, or what `next` was called with. */
async function handOver(app: App, url: string, fields: Partial<Req>, ran: unknown[] = []): Promise<unknown[]> {
  const res = new FakeRes()
  app(Object.assign(new FakeReq('GET', url), fields) as Req, res, (...args) => void ran.push('next', ...args))
  await turns()
  return res.writableEnded ? [...ran, res.statusCode] : ran
}

/** A step that notes that it has run. */
const mark = (ran: unknown[], name: string): Step => (_req, _res, next) => {
  ran.push(name)
  next()
}

t.test('a host says what runs for a path that is not routed', async t => {
  const _unrouted: Step = (_req, _res, next) => next(false)

  t.test('in place of the 404 and of the err steps that would see it', async t => {
    for (const [name, make] of outers) {
      const ran: unknown[] = []
      const app = make().use('err', (_err, _req, res) => res.end('seen')).use('post', mark(ran, 'post')).use(mark(ran, 'use'))
      app.all('/x', (_req, res) => res.end())
      t.strictSame(await handOver(app, '/nothing', { _unrouted }, ran), ['post', 'next'], name)
      ran.length = 0
      t.strictSame(await handOver(app, '/x', { _unrouted }, ran), ['use', 'post', 200], name)
    }
  })

  t.test('after the pre steps, which may answer, or choose a route', async t => {
    const app = fullApp().use('pre', (req, res, next) => {
      if (req.url === '/chosen') req._route = [() => 'chosen']
      if (req.url === '/answered') res.end()
      else next()
    })
    t.strictSame(await handOver(app, '/nothing', { _unrouted }), ['next'])
    t.strictSame(await handOver(app, '/chosen', { _unrouted }), [200])
    t.strictSame(await handOver(app, '/answered', { _unrouted }), [200])
  })

  t.test('which may be an answer', async t => {
    for (const [name, make] of outers) {
      const answer: Step = (_req, res) => {
        res.statusCode = 410
        res.end()
      }
      t.strictSame(await handOver(make().all('/x', () => 'x'), '/nothing', { _unrouted: answer }), [410], name)
    }
  })

  t.test('inside of what is mounted, too', async t => {
    const inner = new Router()
    inner.setRoute('/x', () => 'x')
    const app = fullApp().use('/router', inner).use('/app', fullApp().get('/x', () => 'x')).use('/nano', rest().all('/x', () => 'x'))
    for (const prefix of ['/router', '/app', '/nano']) {
      t.strictSame(await handOver(app, prefix + '/nothing', { _unrouted }), ['next'], prefix)
      t.strictSame(await handOver(app, prefix + '/x', { _unrouted }), [200], prefix)
    }
  })

  t.test('and not for a wrong method that is answered, a malformed path, or a 404 of a route', async t => {
    const app = rest({ router: new Router({ methodNotAllowed: true }) }).post('/x', () => 'x').get('/gone', () => new HttpError(404))
    t.strictSame(await handOver(app, '/x', { _unrouted }), [405])
    t.strictSame(await handOver(app, '/%zz', { _unrouted }), [400])
    t.strictSame(await handOver(app, '/gone', { _unrouted }), [404])
    t.strictSame(await handOver(fullApp().post('/x', () => 'x'), '/x', { _unrouted }), ['next'], 'a wrong method that is not')
  })
})

t.test('a host has the errors that are left passed on, and not answered', async t => {
  const err = new HttpError(409)
  const fail: Step = () => { throw err }

  for (const [name, make] of outers) {
    const ran: unknown[] = []
    const app = make().all('/x', fail).use('post', mark(ran, 'post'))
    app.onError = () => ran.push('onError')
    t.strictSame(await handOver(app, '/x', { _pass: true }, ran), ['post', 'next', err], name)
    app.use('err', (_err, _req, res, next) => next(void res.end()))
    ran.length = 0
    t.strictSame(await handOver(app, '/x', { _pass: true }, ran), ['post', 200], name + ', with an err step')
  }
  t.strictSame(await handOver(rest(fail as never), '/x', { _pass: true }), ['next', err], 'a processRequest')
  t.strictSame(await handOver(fullApp().use('/x', fullApp().get('/', fail)), '/x', { _pass: true }), ['next', err], 'of what is mounted')

  catchWarnings(t)
  const late = rest((_req, res) => {
    res.write('x')
    throw err
  })
  const res = new FakeRes()
  late(Object.assign(new FakeReq('GET', '/'), { _pass: true }), res, () => t.fail('next'))
  await turns()
  t.ok(res.destroyed, 'after the answer has begun it is cut off')
  const alone = new FakeRes()
  rest(fail as never)(Object.assign(new FakeReq('GET', '/'), { _pass: true }), alone)
  await turns()
  t.equal(alone.statusCode, 409, 'where there is no next to pass it to')
})
