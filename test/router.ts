// The Router: what is defined, what is found, and what a request is told when nothing is. How steps run is in steps' own tests,
// random tables are in router-model.ts, spellings that try to get past a guard in spellings.ts.

import t from 'tap'
import type { MatchedRoute, Req, Res, RouterOptions, Step } from '../microrest.ts'
import { HttpError, Router, mw, rest, sendResponse, times } from './fixtures/core.ts'
import { FakeReq, FakeRes, call } from './fixtures/call.ts'
import type { Answer } from './fixtures/call.ts'
import { timesAsLong } from './fixtures/clock.ts'

type RouterType = InstanceType<typeof Router>
type Found = Step[] | MatchedRoute | null

/** A step that is told apart by its label. */
function says(label: string): Step {
  return () => label
}

/** A step that answers with its label, also in a header as there is no body for HEAD, and the request's parameters. */
function tells(label: string): Step {
  return (req, res, next) => sendResponse(req, res, next, null, 200, { label, params: req.params }, { label })
}

const ok = says('ok')

/** The labels of the steps that a look-up has found. */
function labels(found: Found): unknown[] | null {
  if (!found) return null
  return (Array.isArray(found) ? found : found.mw).map((step) => (step as () => unknown)())
}

/** The label of a route's own last step, or null. */
function labelOf(found: Found): unknown {
  return labels(found)?.pop() ?? null
}

function paramsOf(found: Found): unknown {
  return found && !Array.isArray(found) ? found.params : undefined
}

/** A router of 'METHOD /path' texts, each route's step saying its own text. */
function routerOf(routes: readonly string[], options?: RouterOptions): RouterType {
  const router = new Router(options)
  for (const text of routes) {
    const [method, path] = text.startsWith('/') ? ['GET', text] : text.split(' ')
    router.setRoute(path!, method!, tells(text))
  }
  return router
}

/** What answers a request: the text of the route, or the status. */
async function answers(router: RouterType, method: string, url: string): Promise<unknown> {
  const { statusCode, headers } = await call(rest({ router }), method, url)
  return headers.label ?? statusCode
}

function* permutations<T>(list: readonly T[]): Generator<T[]> {
  if (list.length < 2) yield [...list]
  else for (const [ix, first] of list.entries()) {
    for (const others of permutations(list.filter((_, other) => other !== ix))) yield [first, ...others]
  }
}

// ------------------------------------------------------------------------------------------------------ definition

t.test('takes a path and a step for any method', async (t) => {
  const router = new Router()
  router.setRoute('/a', ok)
  t.same(router.routes(), [{ method: '_ANY_', path: '/a' }])
})

t.test('takes a path, a method in any case, and a step', async (t) => {
  const router = new Router()
  router.setRoute('/a', 'get', ok)
  t.same(router.routes(), [{ method: 'GET', path: '/a' }])
})

t.test('takes a list of steps, with a method or without', async (t) => {
  const router = new Router()
  router.setRoute('/a', [says('1'), says('2')])
  router.setRoute('/b', 'PUT', [says('3'), says('4')])
  t.same([labels(router.getRoute('/a')), labels(router.getRoute('/b', 'PUT'))], [['1', '2'], ['3', '4']])
})

t.test('keeps its own copy of a list of steps', async (t) => {
  const list = [says('1')]
  const router = new Router()
  router.setRoute('/a', list)
  list.push(says('2'))
  t.same(labels(router.getRoute('/a')), ['1'])
})

t.test('takes methods that are not in any list, such as PURGE or M-SEARCH', async (t) => {
  const router = routerOf(['PURGE /a', 'M-SEARCH /a'])
  t.equal(await answers(router, 'M-SEARCH', '/a'), 'M-SEARCH /a')
})

t.test('refuses what cannot be a route when it is defined, and says what it was', async (t) => {
  const g = says('g')
  const table: [args: unknown[], message: RegExp, why: string][] = [
    [[undefined, ok], /path is required.*undefined/, 'no path'],
    [[null, 'GET', ok], /path is required.*null/, 'null for a path'],
    [[7, 'GET', ok], /path is required.*7/, 'a number for a path'],
    [[['/a', '/b'], 'GET', ok], /path is required.*\/a,\/b/, 'a list of paths, which is for the app'],
    [[{ toString: () => 'thing' }, ok], /path is required.*thing/, 'an object for a path'],
    [['/two', ok, g], /setRoute takes a single mw step or an array.*\/two/, 'two steps'],
    [['/two', 'GET', ok, g], /setRoute takes a single mw step or an array.*\/two/, 'two steps after a method'],
    [['/a', 'GET', 'nope'], /mw step \[0\] not a function.*nope/, 'a text for a step'],
    [['/a', 'GET'], /mw step \[0\] not a function.*undefined/, 'no step after a method'],
    [['/a'], /mw step \[0\] not a function.*undefined/, 'no step'],
    [['/a', []], /mw step \[0\] not a function.*undefined/, 'an empty list'],
    [['/a', 'GET', []], /mw step \[0\] not a function.*undefined/, 'an empty list after a method'],
    [['/a', 'GET', [ok, 12]], /mw step \[1\] not a function.*12/, 'a list with something else in it'],
    [['/a', [ok, null]], /mw step \[1\] not a function.*null/, 'a list with a null in it'],
    [['use', 'nope'], /mw step \[0\] not a function/, 'a category without a step'],
    [['use', [ok, 12]], /mw step \[1\] not a function.*12/, 'a category, and a list with something else in it'],
    [['/a/:', ok], /\/a\/:/, 'a parameter without a name'],
    [['/a/:/b', 'GET', ok], /\/a\/:\/b/, 'one in the middle'],
    [['/:*a/x/:*b', ok], /\/:\*a\/x\/:\*b/, 'two tails'],
    [['/:*/x/*', ok], /\/:\*\/x\/\*/, 'two tails in two spellings'],
    [['/:a/:a', ok], /\/:a\/:a/, 'two parameters of one name'],
    [['/:a/:*a', ok], /\/:a\/:\*a/, 'a parameter and a tail of one name'],
    [[/\/re/g, ok], /\/\\\/re\/g/, 'the flag g, by which a RegExp has a memory'],
    [[/\/re/iy, 'GET', ok], /\/\\\/re\/iy/, 'the flag y'],
    [['/a', 'GET /', ok], /GET \//, 'a method with a space'],
    [['/a', 'GET,PUT', ok], /GET,PUT/, 'two methods'],
    [['/a', 'É', ok], /É/, 'a method beyond ASCII'],
    [['/a', '', ok], /method/, 'an empty method'],
    [['/a', 'GET\r\n', ok], /method/, 'a method with a line end'],
    [['/a', 7, ok], /7|\/a/, 'a number for a method'],
    [['/a', null, ok], /null|\/a/, 'null for a method'],
    [['/a', undefined, ok], /undefined|\/a/, 'undefined for a method'],
    [['/a', ['GET'], ok], /GET|\/a/, 'a list for a method'],
  ]
  for (const [args, message, why] of table) {
    const router = new Router()
    t.throws(() => Reflect.apply(router.setRoute, router, args), { message }, why)
    t.same(router.routes(), [], 'nothing is defined: ' + why)
  }
})

t.test('refuses options that cannot be, and says what they were', async (t) => {
  t.throws(() => new Router({ readBody: 'yes' as never }), { message: /readBody.*yes/ })
  t.throws(() => new Router({ bodySizeLimit: -5 }), { message: /bodySizeLimit.*-5/ })
  t.throws(() => new Router({ bodySizeLimit: '1mb' as never }), { message: /bodySizeLimit.*1mb/ })
  t.throws(() => new Router({ bodySizeStatus: 200 }), { message: /bodySizeStatus.*200/ })
})

t.test('can be extended', async (t) => {
  class Shouting extends Router {
    override getRoute(path?: string | null, method = 'GET'): Found {
      return super.getRoute(path && path.toLowerCase(), method)
    }
  }
  const router = new Shouting()
  router.setRoute('/a', 'GET', ok)
  t.equal(labelOf(router.getRoute('/A')), 'ok')
  t.ok(router instanceof Router)
})

// ------------------------------------------------------------------------------------------------------ categories

t.test('appends the steps of a category, whatever is given for a method', async (t) => {
  const router = new Router()
  router.setRoute('use', says('1'))
  router.setRoute('use', 'GET', [says('2'), says('3')])
  t.same(labels(router.getRoute('use')), ['1', '2', '3'])
})

t.test('has an empty list for a category without steps', async (t) => {
  const router = new Router()
  t.same(['pre', 'use', 'err', 'post'].map((name) => router.getRoute(name)), [[], [], [], []])
})

t.test('takes the name of a category after a slash, or in another case, for a path', async (t) => {
  const router = new Router()
  router.setRoute('/use', 'GET', says('path'))
  router.setRoute('Post', 'GET', says('Post'))
  t.same(router.getRoute('use'), [])
  t.same([labelOf(router.getRoute('/use', 'GET')), labelOf(router.getRoute('/Post', 'GET'))], ['path', 'Post'])
})

t.test('does not let a request reach a category', async (t) => {
  const ran: string[] = []
  const app = rest({ router: new Router() })
  for (const category of ['pre', 'use', 'post'] as const) {
    app.use(category, (_req, _res, next) => { ran.push(category); next() })
  }
  app.use('err', (err, _req, _res, next) => { ran.push('err'); next(err) })
  app.get('/routed', ok)
  for (const url of ['use', '/use', 'err', '/err', 'pre', '/pre', 'post', '/post', '/%75se']) {
    ran.length = 0
    t.equal((await call(app, 'GET', url)).statusCode, 404, url)
    t.same(ran, ['pre', 'err', 'post'], url)
  }
})

// --------------------------------------------------------------------------------------------------------- look-up

t.test('finds a plain path as the array of its steps', async (t) => {
  const router = new Router()
  const step = says('1')
  router.setRoute('/a/b', 'GET', step)
  t.strictSame(router.getRoute('/a/b', 'GET'), [step])
})

t.test('finds a pattern as an object of steps, parameters and path', async (t) => {
  const router = new Router()
  const step = says('1')
  router.setRoute('/a/:b', 'GET', step)
  t.strictSame(router.getRoute('/a/x', 'GET'), { mw: [step], params: { b: 'x' }, path: '/a/:b' })
})

t.test('finds a RegExp as such an object', async (t) => {
  const router = new Router()
  const pattern = /^\/(\d+)$/
  router.setRoute(pattern, 'GET', ok)
  t.strictSame(router.getRoute('/12', 'GET'), { mw: [ok], params: { 0: '12' }, path: pattern })
})

t.test('puts the use steps of the time of definition in front', async (t) => {
  const router = new Router()
  router.setRoute('/before', ok)
  router.setRoute('use', says('u1'))
  router.setRoute('/plain', ok)
  router.setRoute('/:name/pattern', ok)
  router.setRoute(/^\/re/, ok)
  router.setRoute('use', says('u2'))
  router.setRoute('/after', ok)
  const found = ['/before', '/plain', '/x/pattern', '/re', '/after'].map((path) => labels(router.getRoute(path)))
  t.same(found, [['ok'], ['u1', 'ok'], ['u1', 'ok'], ['u1', 'ok'], ['u1', 'u2', 'ok']])
})

t.test('keeps the use steps of routes when the category is deleted', async (t) => {
  const router = new Router()
  router.setRoute('use', says('u1'))
  router.setRoute('/a', ok)
  router.deleteRoute('use')
  router.setRoute('/b', ok)
  t.same([labels(router.getRoute('/a')), labels(router.getRoute('/b')), router.getRoute('use')], [['u1', 'ok'], ['ok'], []])
})

t.test('gives lists that can be changed without a change to the route', async (t) => {
  const router = new Router()
  router.setRoute('use', says('u'))
  router.setRoute('/a', ok)
  const found = router.getRoute('/a') as Step[]
  found.length = 0
  t.same(labels(router.getRoute('/a')), ['u', 'ok'])
})

t.test('finds null for nothing, for no path, and for another method', async (t) => {
  const router = routerOf(['GET /a', 'GET /b/:c'])
  const found = [
    router.getRoute(), router.getRoute(null), router.getRoute(''), router.getRoute('/'), router.getRoute('/c'),
    router.getRoute('/a', 'PUT'), router.getRoute('/b/c', 'PUT'), router.getRoute('/b/'), router.getRoute('/b'),
  ]
  t.same(found, found.map(() => null))
})

t.test('looks for _ANY_ when no method is given', async (t) => {
  const router = routerOf(['GET /a', '_ANY_ /b'])
  t.equal(router.getRoute('/a'), null)
  t.ok(router.getRoute('/b'))
})

t.test('takes paths with or without a leading slash, defined and looked for', async (t) => {
  const router = new Router()
  router.setRoute('plain/path', says('plain'))
  router.setRoute(':a/pattern', says('pattern'))
  router.setRoute('/slash', says('slash'))
  const urls = ['plain/path', '/plain/path', 'x/pattern', '/x/pattern', 'slash', '/slash']
  t.same(urls.map((url) => labelOf(router.getRoute(url))), ['plain', 'plain', 'pattern', 'pattern', 'slash', 'slash'])
})

t.test('does not see a query or a fragment', async (t) => {
  const router = routerOf(['_ANY_ /a', '_ANY_ /b/:c', '_ANY_ /t/:*', '_ANY_ /'])
  router.setRoute(/^\/re(.*)$/, tells('re'))
  const table: [url: string, params: unknown][] = [
    ['/a?b=/c', undefined],
    ['/a?', undefined],
    ['/a#x?y', undefined],
    ['/a?x#y', undefined],
    ['/b/c?d/e', { c: 'c' }],
    ['/b/c#d/e', { c: 'c' }],
    ['/b/c#d?e/f', { c: 'c' }],
    ['/t/x/y?/z', { '*': '/x/y' }],
    ['/t?x/y', { '*': undefined }],
    ['/re1?2', { 0: '1' }],
    ['/re1#2', { 0: '1' }],
    ['/?a', undefined],
    ['?a', undefined],
    ['#a', undefined],
    ['/a?http://other/b/c', undefined],
    ['/b/c?%zz', { c: 'c' }],
  ]
  for (const [url, params] of table) {
    const found = router.getRoute(url)
    t.ok(found, url)
    t.strictSame(paramsOf(found), params, url)
  }
})

t.test('cuts an absolute-form url to its path (RFC 9112, section 3.2.2)', async (t) => {
  const router = routerOf(['/', '/a', '/b/:c'])
  const table: [url: string, route: unknown][] = [
    ['http://host/a', '/a'],
    ['https://host:8443/a?b', '/a'],
    ['HTTP://user:pw@HOST/a', '/a'],
    ['http://host', '/'],
    ['http://host?x=/a', '/'],
    ['http://host#/a', '/'],
    ['http://host/', '/'],
    ['http://[::1]:80/b/x', '/b/:c'],
    ['http://a/b/http:', '/b/:c'],
    ['/b/http:', '/b/:c'],
    ['/b/?u=http://host/a', 404],
    ['/x://host/a', 404],
    ['http://host//a', 404],
    ['//host/a', 404],
  ]
  for (const [url, route] of table) t.equal(await answers(router, 'GET', url), route, url)
})

// -------------------------------------------------------------------------------------------------------- deletion

t.test('deletes one method of a path and leaves the others', async (t) => {
  const router = routerOf(['GET /a', 'PUT /a', '_ANY_ /a', 'GET /:x', 'PUT /:x', '_ANY_ /:x'])
  router.deleteRoute('/a', 'GET')
  router.deleteRoute('/:x', 'PUT')
  t.equal(await answers(router, 'GET', '/a'), '_ANY_ /a')
  t.equal(await answers(router, 'PUT', '/a'), 'PUT /a')
  t.equal(await answers(router, 'PUT', '/q'), '_ANY_ /:x')
  t.equal(await answers(router, 'GET', '/q'), 'GET /:x')
})

t.test('deletes all methods of a path when none is given', async (t) => {
  const router = routerOf(['GET /a', 'PUT /a', '_ANY_ /a', 'GET /a/:*', 'GET /b/:*/c', 'PUT /b/:*/c'])
  router.deleteRoute('/a')
  router.deleteRoute('/b/:*/c')
  t.same(router.routes(), [{ method: 'GET', path: '/a/:*' }])
  t.equal(await answers(router, 'GET', '/a'), 'GET /a/:*')
  t.equal(await answers(router, 'PUT', '/b/x/c'), 404)
})

t.test('deletes by the shape of a pattern, whatever its names, its leading slash and the case of the method', async (t) => {
  const router = routerOf(['GET /a/:b/:*c', 'GET /*'])
  router.deleteRoute('a/:x/:*y', 'get')
  router.deleteRoute('/:*')
  t.same(router.routes(), [])
})

t.test('deletes a RegExp by its text', async (t) => {
  const router = new Router()
  router.setRoute(/^\/a/, 'GET', says('a'))
  router.setRoute(/^\/a/i, 'GET', says('i'))
  router.deleteRoute(/^\/a/)
  t.same(router.routes(), [{ method: 'GET', path: '/^\\/a/i' }])
  t.equal(labelOf(router.getRoute('/abc', 'GET')), 'i')
})

t.test('deletes the steps of a category', async (t) => {
  const router = new Router()
  router.setRoute('pre', ok)
  router.deleteRoute('pre')
  t.same(router.getRoute('pre'), [])
})

t.test('finds nothing wrong with deleting what is not there', async (t) => {
  const router = routerOf(['GET /a', 'GET /b/:c'])
  for (const path of ['/x', '/a/b', '/:x', '/b/:c/:d', '/:*', '/b/:*/c', '/', '__proto__', '/constructor/:x']) {
    router.deleteRoute(path)
    router.deleteRoute(path, 'GET')
  }
  router.deleteRoute('/a', 'PUT')
  router.deleteRoute('/b/:c', 'PUT')
  router.deleteRoute(/nothing/)
  t.same(router.routes().map(({ path }) => path), ['/a', '/b/:c'])
  t.equal(await answers(router, 'GET', '/a'), 'GET /a')
  t.equal(await answers(router, 'GET', '/b/c'), 'GET /b/:c')
  t.equal(await answers(router, 'GET', '/b/x/c'), 404)
})

t.test('stays right through many deletions and definitions', async (t) => {
  const router = new Router()
  const shapes = (n: number): string[] => [`/p${n}`, `/r${n}/:id`, `/r${n}/:id/x`, `/t${n}/:*`, `/m${n}/:*/end`]
  for (let n = 0; n < 100; n++) for (const path of shapes(n)) router.setRoute(path, 'GET', says(path))
  for (let n = 0; n < 100; n++) if (n % 10) for (const path of shapes(n)) router.deleteRoute(path, 'GET')
  for (let n = 0; n < 100; n += 4) for (const path of shapes(n)) router.setRoute(path, 'PUT', says('again ' + path))

  const urls = (n: number): string[] => [`/p${n}`, `/r${n}/1`, `/r${n}/1/x`, `/t${n}/1/2`, `/m${n}/1/2/end`]
  for (let n = 0; n < 100; n++) {
    t.same(urls(n).map((url) => labelOf(router.getRoute(url, 'GET'))), shapes(n).map((path) => (n % 10 ? null : path)))
    t.same(urls(n).map((url) => labelOf(router.getRoute(url, 'PUT'))), shapes(n).map((path) => (n % 4 ? null : 'again ' + path)))
  }
  t.equal(router.routes().length, 5 * (10 + 25))
})

// -------------------------------------------------------------------------------------------------------- the list

t.test('lists routes in order of definition, as they were written', async (t) => {
  const router = new Router()
  router.setRoute('use', ok)
  router.setRoute('/b/:id', 'get', ok)
  router.setRoute('a', ok)
  router.setRoute(/^\/re$/i, 'PUT', ok)
  router.setRoute('/Files/*', 'GET', ok)
  t.strictSame(router.routes(), [
    { method: 'GET', path: '/b/:id' },
    { method: '_ANY_', path: 'a' },
    { method: 'PUT', path: '/^\\/re$/i' },
    { method: 'GET', path: '/Files/*' },
  ])
})

t.test('lists a route that was defined twice once', async (t) => {
  const router = routerOf(['GET /a/:b', 'GET /c', 'GET /a/:x', 'GET /c'])
  t.same(router.routes().map(({ path }) => path).sort(), ['/a/:x', '/c'])
})

t.test('gives a list that is not its own', async (t) => {
  const router = routerOf(['GET /a'])
  router.routes()[0]!.path = '/b'
  router.routes().length = 0
  t.same(router.routes(), [{ method: 'GET', path: '/a' }])
})

// ----------------------------------------------------------------------------------------------------- specificity

t.test('lets the most specific pattern win, whatever the order of definition', async (t) => {
  const table: [patterns: string[], url: string, winner: unknown, why: string][] = [
    [['/u/me', '/u/:id', '/u/:*r'], '/u/me', '/u/me', 'plain before :name'],
    [['/u/me', '/u/:id', '/u/:*r'], '/u/7', '/u/:id', ':name before a tail'],
    [['/u/me', '/u/:id', '/u/:*r'], '/u/7/x', '/u/:*r', 'only the tail is long enough'],
    [['/u/me', '/u/:id', '/u/:*r'], '/u', '/u/:*r', 'a tail of no components'],
    [['/u', '/u/:*r', '/:*'], '/u', '/u', 'the end before an empty tail'],
    [['/:x', '/:x/:*r', '/:*'], '/u', '/:x', 'the end before an empty tail, in a pattern'],
    [['/a/b/:y', '/a/:x/c', '/:p/b/c', '/:*'], '/a/b/c', '/a/b/:y', 'the first component that differs decides'],
    [['/a/:*', '/:x/b', '/:x/:y'], '/a/b', '/a/:*', 'the first component even if a tail comes after it'],
    [['/:x/b', '/:x/:y', '/:*'], '/a/b', '/:x/b', 'the second if the first does not'],
    [['/a/b/:x/d', '/a/:y/c/e', '/:*r'], '/a/b/c/e', '/a/:y/c/e', 'back out of a branch that fails at its end'],
    [['/a/b/:x/d', '/a/:y/c/e', '/:*r'], '/a/b/c/f', '/:*r', 'back out of two'],
    [['/a/b/c/d', '/a/b/:x', '/a/:*', '/:x/b/c/e'], '/a/b/c/e', '/a/:*', 'back to a tail in between'],
    [['/a/b/c/d', '/a/b/:x', '/:x/b/c/e'], '/a/b/c/e', '/:x/b/c/e', 'back to the root'],
    [['/a/:*/z', '/a/:*'], '/a/b/c/z', '/a/:*/z', 'a tail with something after it before one without'],
    [['/a/:*/z', '/a/:*'], '/a/b/c', '/a/:*', 'which does not end so'],
    [['/a/:*/z', '/a/:*'], '/a/z', '/a/:*', 'a tail in the middle has at least one component'],
    [['/a/:*/z', '/a/:b/z', '/a/:b/:c'], '/a/q/z', '/a/:b/z', ':name before a tail in the middle'],
    [['/a/:*/z', '/a/:b/y', '/a/b/z/:c'], '/a/b/z', '/a/:*/z', 'back out to a tail in the middle'],
    [['/:*/z', '/:*/:k', '/:*'], '/q/r/z', '/:*/z', 'plain before :name after a tail'],
    [['/:*/z', '/:*/:k', '/:*'], '/q/r/y', '/:*/:k', ':name after a tail'],
    [['/:*/z', '/:*/:k', '/:*'], '/q', '/:*', 'no component left for a tail in the middle'],
    [['/:*/b', '/:*/a/b', '/:*'], '/x/a/b', '/:*/a/b', 'more after a tail before less of it'],
    [['/:*/b', '/:*/a/b', '/:*'], '/x/y/b', '/:*/b', 'and less where more does not fit'],
    [['/:*/*x', '/:*/:y/:z'], '/q/w/*x', '/:*/*x', 'a star that only begins a component is plain'],
    [['/:*/b', ':*/:y/b'], '/q/w/b', '/:*/b', 'without a leading slash it is as specific as with one'],
    [['/s/:x', '/s/:*'], '/s/', '/s/:*', 'an empty component is no :name'],
    [['/', '/:x', '/:*'], '/', '/', 'the root'],
    [['/:x', '/:*'], '/', '/:*', 'nor is the empty component of the root'],
    [['/:a//:b', '/:a/:*'], '/x//y', '/:a//:b', 'an empty component is a plain one'],
    [['/a/b', '/a%2Fb', '/:x'], '/a%2Fb', '/:x', 'an escaped slash separates nothing, and routes are literal'],
  ]
  for (const [patterns, url, winner, why] of table) {
    for (const order of permutations(patterns)) {
      const router = new Router()
      for (const path of order) router.setRoute(path, 'GET', says(path))
      const found = labelOf(router.getRoute(url, 'GET'))
      if (found !== winner) t.equal(found, winner, `${why}: ${url} of ${order.join(' ')}`)
    }
    t.pass(why)
  }
})

t.test('tries patterns before RegExps, and RegExps in order of definition', async (t) => {
  const router = new Router()
  router.setRoute(/^\/a/, 'GET', says('first'))
  router.setRoute(/^\/a\/b/, 'GET', says('second'))
  router.setRoute('/:x/b', 'GET', says('pattern'))
  router.setRoute('/a', 'GET', says('plain'))
  t.same(['/a', '/a/b', '/a/b/c'].map((url) => labelOf(router.getRoute(url, 'GET'))), ['plain', 'pattern', 'first'])
})

t.test('tries RegExps in order of definition where an earlier one has the text for another method', async (t) => {
  const router = new Router()
  router.setRoute(/^\/a/, 'POST', says('other method'))
  router.setRoute(/^\/./, 'GET', says('first'))
  router.setRoute(/^\/a/, 'GET', says('second'))
  t.equal(labelOf(router.getRoute('/a', 'GET')), 'first')
})

t.test('keeps the order of RegExps when others are deleted', async (t) => {
  const router = new Router()
  for (const label of ['a', 'b', 'c', 'd', 'e']) router.setRoute(new RegExp('^/x?' + label + '?'), 'GET', says(label))
  for (const label of ['a', 'b', 'd']) router.deleteRoute(new RegExp('^/x?' + label + '?'))
  t.equal(labelOf(router.getRoute('/', 'GET')), 'c')
})

t.test('replaces a route of the same shape and method, with its own parameter names', async (t) => {
  const router = new Router()
  router.setRoute('/a/:b/:*c', 'GET', says('old'))
  router.setRoute('/a/:x/:*y', 'PUT', says('put'))
  router.setRoute('/a/:p/*', 'GET', says('new'))
  const get = router.getRoute('/a/1/2/3', 'GET') as MatchedRoute
  const put = router.getRoute('/a/1/2/3', 'PUT') as MatchedRoute
  t.strictSame([labels(get), get.params, get.path], [['new'], { p: '1', '*': '/2/3' }, '/a/:p/*'])
  t.strictSame([labels(put), put.params, put.path], [['put'], { x: '1', y: '/2/3' }, '/a/:x/:*y'])
  t.equal(router.routes().length, 2)
})

t.test('replaces a plain route and a RegExp too', async (t) => {
  const router = new Router()
  for (const label of ['old', 'new']) {
    router.setRoute('/a', 'GET', says(label))
    router.setRoute(/^\/b/, 'GET', says(label))
  }
  t.same(['/a', '/b'].map((url) => labels(router.getRoute(url, 'GET'))), [['new'], ['new']])
})

// --------------------------------------------------------------------------------------------------------- methods

t.test('takes the exact method, then GET for HEAD, then _ANY_', async (t) => {
  const table: [routes: string[], method: string, winner: unknown][] = [
    [['GET /a', '_ANY_ /a'], 'GET', 'GET /a'],
    [['GET /a', '_ANY_ /a'], 'PUT', '_ANY_ /a'],
    [['GET /a', '_ANY_ /a'], 'HEAD', 'GET /a'],
    [['GET /a', 'HEAD /a', '_ANY_ /a'], 'HEAD', 'HEAD /a'],
    [['HEAD /a', '_ANY_ /a'], 'GET', '_ANY_ /a'],
    [['HEAD /a'], 'GET', 404],
    [['_ANY_ /a'], 'HEAD', '_ANY_ /a'],
    [['GET /a'], 'OPTIONS', 404],
    [['GET /a'], 'get', 404],
    [['GET /a'], '_ANY_', 404],
    [['GET /a'], '__proto__', 404],
    [['GET /a'], 'constructor', 404],
    [['_ANY_ /a'], 'toString', '_ANY_ /a'],
  ]
  for (const [routes, method, winner] of table) {
    for (const shape of ['/a', '/:a', '/:*a', '/:*a/b']) {
      for (const order of permutations(routes)) {
        const router = routerOf(order.map((text) => text.replace('/a', shape)))
        const expected = typeof winner === 'string' ? winner.replace('/a', shape) : winner
        const url = shape === '/:*a/b' ? '/a/b' : '/a'
        t.equal(await answers(router, method, url), expected, `${method} of ${order.join(', ')} as ${shape}`)
      }
    }
  }
})

t.test('goes on to a less specific pattern that has the method', async (t) => {
  const table: [routes: string[], method: string, url: string, winner: unknown][] = [
    [['POST /u/me', 'GET /u/:id'], 'GET', '/u/me', 'GET /u/:id'],
    [['_ANY_ /u/me', 'GET /u/:id'], 'GET', '/u/me', '_ANY_ /u/me'],
    [['GET /u/me', 'HEAD /u/:id'], 'HEAD', '/u/me', 'GET /u/me'],
    [['POST /u/me', 'HEAD /u/:id', 'GET /:*'], 'GET', '/u/me', 'GET /:*'],
    [['POST /:*/me', 'GET /:*/:id'], 'GET', '/u/me', 'GET /:*/:id'],
    [['POST /:*/a/b', 'GET /:*/b'], 'GET', '/x/a/b', 'GET /:*/b'],
    [['POST /a', 'GET /a/:*'], 'GET', '/a', 'GET /a/:*'],
    [['POST /a/b/c', 'PUT /a/:x/c', 'GET /:y/b/c'], 'GET', '/a/b/c', 'GET /:y/b/c'],
  ]
  for (const [routes, method, url, winner] of table) {
    for (const order of permutations(routes)) {
      t.equal(await answers(routerOf(order), method, url), winner, `${method} ${url} of ${order.join(', ')}`)
    }
  }
})

t.test('goes on to a RegExp that has the method', async (t) => {
  const router = routerOf(['POST /a'])
  router.setRoute(/^\/a/, 'PUT', tells('put'))
  router.setRoute(/^\/(a)/, 'GET', tells('get'))
  t.equal(await answers(router, 'HEAD', '/a'), 'get')
})

t.test('answers 404 to a method that the path does not have, as it does to a path it does not have', async (t) => {
  const router = routerOf(['GET /a'])
  const { statusCode, headers, json } = await call(rest({ router }), 'PUT', '/a?b')
  t.equal(statusCode, 404)
  t.equal(headers.allow, undefined)
  t.same(json(), { error: '404', message: '404 Not Found', debug: 'PUT /a: path not routed' })
})

/** The methods of an Allow header. */
function allowed({ headers }: Answer): string[] {
  return String(headers.allow).split(', ').sort()
}

t.test('answers 405 with Allow where only the method is wrong, if told to', async (t) => {
  const table: [routes: string[], method: string, url: string, allow: string[]][] = [
    [['GET /a', 'PUT /a'], 'DELETE', '/a', ['GET', 'HEAD', 'OPTIONS', 'PUT']],
    [['POST /a'], 'GET', '/a', ['OPTIONS', 'POST']],
    [['POST /a'], 'HEAD', '/a', ['OPTIONS', 'POST']],
    [['HEAD /a'], 'GET', '/a', ['HEAD', 'OPTIONS']],
    [['GET /a', 'HEAD /a', 'OPTIONS /a'], 'PUT', '/a', ['GET', 'HEAD', 'OPTIONS']],
    [['POST /u/me', 'PUT /u/:id', 'PATCH /:*'], 'GET', '/u/me', ['OPTIONS', 'PATCH', 'POST', 'PUT']],
    [['POST /u/me', 'PUT /u/:id', 'PATCH /:*'], 'GET', '/u/you', ['OPTIONS', 'PATCH', 'PUT']],
    [['POST /:*/b', 'PUT /:*/a/b', 'PUT /x/:*'], 'GET', '/x/a/b', ['OPTIONS', 'POST', 'PUT']],
    [['POST /a'], 'toString', '/a', ['OPTIONS', 'POST']],
    [['POST /a'], '__proto__', '/%61', ['OPTIONS', 'POST']],
  ]
  for (const [routes, method, url, allow] of table) {
    const answer = await call(rest({ router: routerOf(routes, { methodNotAllowed: true }) }), method, url)
    t.equal(answer.statusCode, 405, `${method} ${url}`)
    t.same(allowed(answer), allow, `${method} ${url}`)
    if (method !== 'HEAD') t.match(answer.json(), { error: '405', message: '405 Method Not Allowed' })
  }
})

t.test('lists the methods of RegExps in Allow too', async (t) => {
  const router = routerOf(['POST /a'], { methodNotAllowed: true })
  router.setRoute(/^\/a/, 'PUT', ok)
  router.setRoute(/^\/b/, 'PATCH', ok)
  t.same(allowed(await call(rest({ router }), 'GET', '/a')), ['OPTIONS', 'POST', 'PUT'])
})

t.test('still answers 404 to a path that no method has, and to OPTIONS for it', async (t) => {
  const router = routerOf(['GET /a', 'GET /b/:c'], { methodNotAllowed: true })
  for (const method of ['GET', 'PUT', 'OPTIONS']) {
    for (const url of ['/x', '/b', '/b/', '/a/']) {
      const { statusCode, headers } = await call(rest({ router }), method, url)
      t.same([statusCode, headers.allow], [404, undefined], method + ' ' + url)
    }
  }
})

t.test('answers OPTIONS with 204 and Allow, if told to', async (t) => {
  const router = routerOf(['GET /a', 'PUT /a'], { methodNotAllowed: true })
  const answer = await call(rest({ router }), 'OPTIONS', '/a')
  t.match(answer, { statusCode: 204, body: '' })
  t.same(allowed(answer), ['GET', 'HEAD', 'OPTIONS', 'PUT'])
})

t.test('leaves OPTIONS to a route that has it', async (t) => {
  const router = routerOf(['GET /a', 'OPTIONS /a', 'GET /b', '_ANY_ /:x'], { methodNotAllowed: true })
  t.equal(await answers(router, 'OPTIONS', '/a'), 'OPTIONS /a')
  t.equal(await answers(router, 'OPTIONS', '/b'), '_ANY_ /:x')
})

t.test('runs err steps for a 405, and post steps for an automatic OPTIONS', async (t) => {
  const seen: unknown[] = []
  const router = routerOf(['GET /a'], { methodNotAllowed: true })
  router.setRoute('err', (err, _req, _res, next) => {
    seen.push((err as { statusCode: number }).statusCode)
    next(err)
  })
  router.setRoute('post', (_req, res, next) => {
    seen.push('post ' + res.statusCode)
    next()
  })
  await call(rest({ router }), 'PUT', '/a')
  await call(rest({ router }), 'OPTIONS', '/a')
  t.equal(seen[0], 405)
  t.equal(seen[2], 'post 204')
  t.equal(seen.length, 3)
})

// ------------------------------------------------------------------------------------------------------ parameters

/** Look urls up, each in a router of one pattern: what is matched, or null for a url that is not. */
function putsParams(
  t: { equal(found: unknown, wanted: unknown, what: string): void; strictSame(found: unknown, wanted: unknown, what: string): void },
  table: [pattern: string | RegExp, url: string, params: { [name: string]: string | undefined } | null, why: string][],
): void {
  for (const [pattern, url, params, why] of table) {
    const router = new Router()
    router.setRoute(pattern, ok)
    const found = router.getRoute(url) as MatchedRoute | null
    const what = `${why}: ${url} of ${pattern}`
    if (!params || !found) t.equal(found, params, what)
    else t.strictSame(Object.entries(found.params).sort(), Object.entries(params).sort(), what)
  }
}

t.test('puts what parameters match under their names', async (t) => {
  const table: [pattern: string, url: string, params: { [name: string]: string | undefined } | null, why: string][] = [
    ['/:a', '/x', { a: 'x' }, 'one'],
    ['/:a/b/:c', '/x/b/y', { a: 'x', c: 'y' }, 'two'],
    ['/:a', '/', null, 'an empty component is none'],
    ['/:a/b', '//b', null, 'nor in the middle'],
    ['/:a/', '/x/', { a: 'x' }, 'a trailing slash is a component'],
    ['/:a/', '/x', null, 'and has to be there'],
    ['/:a.b-c d:e*', '/x', { 'a.b-c d:e*': 'x' }, 'names hold any character but the slash'],
    ['/a:b/:c', '/a:b/x', { c: 'x' }, 'a colon within a component is literal'],
    ['/a*/:c', '/a*/x', { c: 'x' }, 'so is a star'],
    ['/*a/:c', '/*a/x', { c: 'x' }, 'even at its start'],
    ['/**/:c', '/**/x', { c: 'x' }, 'two stars are literal'],
    ['/.+/:c', '/ab/x', null, 'so are dots'],
    ['/(a|b)?/:c', '/a/x', null, 'and brackets'],
    ['/:*all', '/', { all: '/' }, 'a tail has its leading slash'],
    ['/:*all', '/a', { all: '/a' }, 'a tail of one'],
    ['/:*all', '/a//b/', { all: '/a//b/' }, 'a tail as it is'],
    ['/a/:*', '/a', { '*': undefined }, 'a tail of none'],
    ['/a/:*', '/a/', { '*': '/' }, 'a tail of an empty one'],
    ['/a/:*', '/a/b/c', { '*': '/b/c' }, 'a tail without a name'],
    ['/a/*', '/a/b/c', { '*': '/b/c' }, 'its other spelling'],
    ['/*', '/a/b/c', { '*': '/a/b/c' }, 'at the root'],
    ['*', '/a/b/c', { '*': '/a/b/c' }, 'without the slash'],
    ['/a/:*', '/ab', null, 'a tail begins at a slash'],
    ['/:x/:*y', '/a', { x: 'a', y: undefined }, 'a tail of none after a parameter'],
    ['/:x/:*y', '/a/b', { x: 'a', y: '/b' }, 'a tail after a parameter'],
    ['/:a/:*/:b/end', '/1/2/3/4/end', { a: '1', '*': '/2/3', b: '4' }, 'a tail in the middle'],
    ['/:a/:*/:b/end', '/1/2/3/end', { a: '1', '*': '/2', b: '3' }, 'of one'],
    ['/:a/:*/:b/end', '/1/3/end', null, 'of none, which is too few'],
    ['/:a/:*/:b/end', '/1/2/end/3/end', { a: '1', '*': '/2/end', b: '3' }, 'what follows is found from the end'],
    ['/*/x', '/a/b/x', { '*': '/a/b' }, 'the other spelling in the middle'],
    ['/:*t/:a/:b', '/1/2/3/4', { t: '/1/2', a: '3', b: '4' }, 'parameters count from the end after a tail'],
    ['/:*t/x', '//x', { t: '/' }, 'a tail in the middle of an empty component'],
    ['/:*t/:a', '/x/', null, 'an empty component is no parameter after a tail'],
    ['/:__proto__/:b', '/x/y', { ['__proto__']: 'x', b: 'y' }, 'a name of the prototype is a name'],
    ['/:*__proto__', '/x/y', { ['__proto__']: '/x/y' }, 'for a tail too'],
    ['/:constructor/:toString', '/x/y', { constructor: 'x', toString: 'y' } as never, 'names that objects inherit'],
    ['/__proto__/:a', '/__proto__/x', { a: 'x' }, 'a component of that name'],
    ['/a/:b', '/__proto__/x', null, 'which is no node where it is not defined'],
    ['/:a/x', '/constructor/x', { a: 'constructor' }, 'nor are others'],
    ['/:0/:1', '/a/b', { 0: 'a', 1: 'b' }, 'numbers for names'],
  ]
  putsParams(t, table)
})

t.test('does not find what objects inherit, as a path or as a part of one', async (t) => {
  const router = routerOf(['GET /a', 'GET /a/:b', 'GET /x/:*/y'])
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length', '__defineGetter__']) {
    for (const path of ['/' + name, name, '/a/b/' + name, '/' + name + '/b', '/x/y/' + name, '/x/' + name, '/' + name + '/' + name]) {
      t.equal(router.getRoute(path, 'GET'), null, path)
    }
    t.equal(router.getRoute('/a', name), null, name + ' as a method')
  }
})

t.test('finds such names where they are defined', async (t) => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const paths = ['/' + name, '/' + name + '/:x', '/x/:*/' + name, '/:x/' + name]
    const router = routerOf(paths)
    t.equal(await answers(router, 'GET', '/' + name), paths[0])
    t.equal(await answers(router, 'GET', '/' + name + '/1'), paths[1])
    t.equal(await answers(router, 'GET', '/x/y/' + name), paths[2])
    t.equal(await answers(router, 'GET', '/z/' + name), paths[3])
    for (const path of paths) router.deleteRoute(path)
    t.equal(await answers(router, 'GET', '/' + name), 404)
  }
})

t.test('takes such names for methods', async (t) => {
  const router = routerOf(['__proto__ /a', 'constructor /a'], { methodNotAllowed: true })
  t.equal(await answers(router, '__PROTO__', '/a'), '__proto__ /a')
  t.same(allowed(await call(rest({ router }), 'GET', '/a')), ['CONSTRUCTOR', 'OPTIONS', '__PROTO__'])
})

t.test('sets any number of parameters', async t => {
  const names = 'abcdefghij'.split('')
  const router = new Router()
  router.setRoute('/:' + names.join('/:'), 'GET', () => {})
  const params = Object.fromEntries(names.map((name) => [name, name + name]))
  t.match(router.getRoute('/' + Object.values(params).join('/'), 'GET'), { params })
})

t.test('with ignoreCase, gives parameters as they are, even where their lower case would be longer', async t => {
  const router = new Router({ ignoreCase: true })
  router.setRoute('/Of/:a/and/:b', 'GET', () => {})
  t.match(router.getRoute('/oF/%C4%B0/AND/%C4%B0x%2Fy', 'GET'), { params: { a: '\u0130', b: '\u0130x/y' } })
})

t.test('puts the groups of a RegExp under their numbers and names, decoded', async (t) => {
  const table: [pattern: RegExp, url: string, params: { [name: string]: string | undefined } | null, why: string][] = [
    [/^\/a$/, '/a', {}, 'no groups'],
    [/^\/(\d+)-(\d+)$/, '/12-34', { 0: '12', 1: '34' }, 'two'],
    [/^\/(?<year>\d+)-(?<month>\d+)$/, '/12-34', { 0: '12', 1: '34', year: '12', month: '34' }, 'names'],
    [/^\/(a)?(b)?$/, '/b', { 0: undefined, 1: 'b' }, 'one that has no part in the match'],
    [/^\/(a)?(?<b>b)?$/, '/a', { 0: 'a', 1: undefined, b: undefined }, 'one with a name'],
    [/^\/(.*)$/, '/', { 0: '' }, 'an empty one'],
    [/^\/(.*)$/, '/caf%C3%A9%2Fb/c', { 0: 'café/b/c' }, 'what is escaped'],
    [/^\/caf%C3%A9$/, '/caf%C3%A9', {}, 'it sees the raw path'],
    [/^\/caf\u00e9$/, '/caf%C3%A9', null, 'not the decoded one'],
    [/^\/%(..)(%..)/, '/%C3%A9', { 0: 'C3', 1: '%A9' }, 'half a character stays as it is'],
    [/b$/, '/a/b?c', {}, 'the query is not seen'],
    [/c/, '/a/b?c', null, 'not at all'],
    [/^\/B/i, '/b', {}, 'flags are obeyed'],
    [/^\/(?<__proto__>.+)$/, '/x', { 0: 'x', ['__proto__']: 'x' }, 'a name of the prototype is a name'],
    [/^\/(?<constructor>.+)$/, '/x', { 0: 'x', constructor: 'x' } as never, 'names that objects inherit'],
    [/^\/\/x/, '//x', {}, 'empty components'],
  ]
  putsParams(t, table)
})

t.test('shows RegExps the path of an absolute-form url', async (t) => {
  const router = new Router()
  router.setRoute(/^\/(.*)$/, ok)
  t.same(paramsOf(router.getRoute('http://host/a?b')), { 0: 'a' })
})

t.test('finds the same with a RegExp twice in a row', async (t) => {
  const router = new Router()
  router.setRoute(/^\/a/, ok)
  t.same([1, 2, 3].map(() => labelOf(router.getRoute('/a'))), ['ok', 'ok', 'ok'])
})

// -------------------------------------------------------------------------------------------------------- decoding

t.test('decodes a path component by component, once', async (t) => {
  const table: [pattern: string, url: string, params: unknown, why: string][] = [
    ['/:a', '/caf%C3%A9', { a: 'café' }, 'upper-case hex'],
    ['/:a', '/caf%c3%a9', { a: 'café' }, 'lower-case hex'],
    ['/:a', '/a%2Fb', { a: 'a/b' }, 'a slash stays within its component'],
    ['/:a/:b', '/a%2fb/c', { a: 'a/b', b: 'c' }, 'and separates nothing'],
    ['/:a', '/%252F', { a: '%2F' }, 'once'],
    ['/:a', '/a+b', { a: 'a+b' }, 'a plus is a plus'],
    ['/:a', '/%20%00%0d%0a', { a: ' \0\r\n' }, 'control characters'],
    ['/:a', '/%3F%23', { a: '?#' }, 'what would end the path'],
    ['/:a', '/%3Aa', { a: ':a' }, 'a colon'],
    ['/:a', '/%F0%9F%98%80', { a: '\u{1f600}' }, 'beyond the basic plane'],
    ['/:a', '/%5F%5fproto%5f_', { a: '__proto__' }, 'a name of the prototype'],
    ['/:*t', '/a%2Fb/c%20d', { t: '/a/b/c d' }, 'a tail'],
    ['/:*t/x', '/a%2Fx/%78', { t: '/a/x' }, 'what follows a tail'],
    ['/:*t', '/%2F', { t: '//' }, 'a tail of a slash'],
    ['/stra%C3%9Fe/:a', '/stra%25C3%259Fe/x', { a: 'x' }, 'routes are literal: what looks like an escape is none'],
  ]
  for (const [pattern, url, params, why] of table) {
    const router = new Router()
    router.setRoute(pattern, ok)
    t.strictSame(paramsOf(router.getRoute(url)), params, `${why}: ${url} of ${pattern}`)
  }
})

t.test('finds routes in Unicode by their percent-encoded requests', async (t) => {
  const paths = ['/café', '/straße/:a', '/日本/語', '/:x/ключ', '/\u{1f600}/:*', '/:*t/ñ', '/a b', '/<"|>']
  const router = routerOf([])
  for (const path of paths) router.setRoute(path, 'GET', says(path))
  for (const path of paths) {
    const upper = encodeURI(path.replace(':x', 'q').replace(':a', 'q').replace(':*t', 'q/r').replace(':*', 'q'))
    const lower = upper.replace(/%../g, (escape) => escape.toLowerCase())
    const all = upper.replace(/(%..)|([^/])/g, (_, escape, char) => escape || '%' + char.charCodeAt(0).toString(16))
    for (const url of [upper, lower, all]) t.equal(labelOf(router.getRoute(url, 'GET')), path, url)
  }
})

t.test('finds a plain route by any escape of it but the slash', async (t) => {
  const router = routerOf(['/a/b.c', '/x'])
  for (const url of ['/%61/b.c', '/a/%62%2E%63', '/a/b%2ec', '/%61/%62.c?%zz', '/a/b.c#%zz']) {
    t.equal(await answers(router, 'GET', url), '/a/b.c', url)
  }
  for (const url of ['/a%2Fb.c', '%2Fa/b.c', '/%2Fa/b.c', '/a/b.c%20', '/a/b.c%00', '/a/%2562.c', '/%2Fx', '/x%3Fy', '/x%23']) {
    t.equal(await answers(router, 'GET', url), 404, url)
  }
})

t.test('answers 400 to a malformed escape, before any 404 or 405', async (t) => {
  const bad = [
    '/%', '/a/%', '/%z', '/%zz', '/%2', '/a%2', '/%u0041', '/x/%E0%A4%A', '/%C3', '/%C3/%A9', '/%A9', '/%ff', '/%c0%af', '/%c0%80',
    '/%ed%a0%80', '/%f4%90%80%80', '/%f8%88%80%80%80', '/% 41', '/%%', '/%25%', '/t/ok/%zz', '/p/ok/%', '/re/%zz', '/%?%61',
  ]
  for (const routes of [[], ['/a', '/p/:x', '/t/:*', '/:*/z', '/:x'], ['PUT /:*']]) {
    const router = routerOf(routes, { methodNotAllowed: true })
    router.setRoute(/^\/re/, 'GET', ok)
    for (const url of bad) {
      const { statusCode, json } = await call(rest({ router }), 'GET', url)
      t.equal(statusCode, 400, url)
      t.match(json(), { error: '400', message: '400 Bad Request' })
    }
  }
})

t.test('runs err steps and post steps for a malformed escape', async (t) => {
  const seen: string[] = []
  const app = rest({ router: new Router() })
  app.use('pre', (_req, _res, next) => { seen.push('pre'); next() })
  app.use('use', (_req, _res, next) => { seen.push('use'); next() })
  app.get('/:x', ok)
  app.use((err: unknown, _req: Req, _res: Res, next: (err?: unknown) => void) => { seen.push('err'); next(err) })
  app.use('post', (_req, _res, next) => { seen.push('post'); next() })
  await call(app, 'GET', '/%zz')
  t.same(seen, ['pre', 'err', 'post'])
})

t.test('throws the 400 from getRoute', async (t) => {
  t.throws(() => new Router().getRoute('/%zz'), { message: '400 Bad Request' })
})

// --------------------------------------------------------------------------------------------------------- options

t.test('tells apart a trailing slash and the case unless told otherwise', async (t) => {
  const router = routerOf(['/a', '/b/', '/c/:x', '/C/:x/'])
  const table: [url: string, route: unknown][] = [
    ['/a/', 404], ['/A', 404], ['/b', 404], ['/b/', '/b/'], ['/c/1/', 404], ['/C/1', 404], ['/C/1/', '/C/:x/'], ['/c/1', '/c/:x'],
  ]
  for (const [url, route] of table) t.equal(await answers(router, 'GET', url), route, url)
})

t.test('ignores one trailing slash with ignoreTrailingSlash', async (t) => {
  const router = routerOf(['/', '/a', '/b/', '/c/:x', '/d/:x/', '/t/:*', '/m/:*/z/'], { ignoreTrailingSlash: true })
  const table: [url: string, route: unknown][] = [
    ['/', '/'], ['/a', '/a'], ['/a/', '/a'], ['/a//', 404], ['/b', '/b/'], ['/b/', '/b/'], ['/c/1', '/c/:x'], ['/c/1/', '/c/:x'],
    ['/c/', 404], ['/c//', 404], ['/d/1', '/d/:x/'], ['/d/1/', '/d/:x/'], ['/t', '/t/:*'], ['/t/', '/t/:*'], ['/m/1/z', '/m/:*/z/'],
    ['/m/1/z/', '/m/:*/z/'], ['/a/?q', '/a'], ['/a/#f', '/a'], ['/%61/', '/a'], ['/a%2F', 404], ['http://h/a/', '/a'],
  ]
  for (const [url, route] of table) t.equal(await answers(router, 'GET', url), route, url)
})

t.test('is as specific with a trailing slash as without one with ignoreTrailingSlash', async (t) => {
  for (const order of permutations(['/:*/a/', '/:*/a/:x', '/:*/b/', '/:*/a/b'])) {
    const router = routerOf(order, { ignoreTrailingSlash: true })
    t.equal(await answers(router, 'GET', '/q/a/a'), '/:*/a/:x', order.join(' '))
    t.equal(await answers(router, 'GET', '/q/a/b/'), '/:*/a/b', order.join(' '))
  }
})

t.test('takes two paths that differ in a trailing slash for one with ignoreTrailingSlash', async (t) => {
  const router = routerOf(['/a', '/a/', '/c/:x/', '/c/:y'], { ignoreTrailingSlash: true })
  t.same(router.routes().map(({ path }) => path), ['/a/', '/c/:y'])
  router.deleteRoute('/a')
  router.deleteRoute('/c/:z/')
  t.same(router.routes(), [])
})

t.test('finds with getRoute what requests find with ignoreTrailingSlash', async (t) => {
  const router = routerOf(['_ANY_ /a/', '_ANY_ /b/:c'], { ignoreTrailingSlash: true })
  t.ok(router.getRoute('/a'))
  t.same(paramsOf(router.getRoute('/b/c/')), { c: 'c' })
})

t.test('ignores the case with ignoreCase, and keeps it in parameters', async (t) => {
  const router = routerOf(['/Admin', '/U/:Id/Edit', '/Files/:*Rest', '/M/:*T/Z', '/É/x'], { ignoreCase: true })
  const table: [url: string, route: unknown, params?: unknown][] = [
    ['/admin', '/Admin', {}],
    ['/ADMIN', '/Admin', {}],
    ['/%41dmi%4E', '/Admin', {}],
    ['/u/AbC/EDIT', '/U/:Id/Edit', { Id: 'AbC' }],
    ['/FILES/A/b', '/Files/:*Rest', { Rest: '/A/b' }],
    ['/m/A/B/z', '/M/:*T/Z', { T: '/A/B' }],
    ['/%C3%A9/X', '/É/x', {}],
    ['/%C3%89/X', '/É/x', {}],
  ]
  for (const [url, label, params] of table) {
    t.strictSame((await call(rest({ router }), 'GET', url)).json(), { label, params }, url)
  }
})

t.test('takes two paths that differ in case for one with ignoreCase, but not two RegExps', async (t) => {
  const router = routerOf(['/a', '/A', '/b/:c', '/B/:C'], { ignoreCase: true })
  router.setRoute(/^\/x/, 'GET', ok)
  router.setRoute(/^\/X/, 'GET', ok)
  t.same(router.routes().map(({ path }) => path), ['/A', '/B/:C', '/^\\/x/', '/^\\/X/'])
  router.deleteRoute('/a')
  router.deleteRoute('/b/:d')
  t.equal(router.routes().length, 2)
})

t.test('lets the app know several paths of one handler, each with its own parameters', async (t) => {
  const app = rest({ router: new Router() })
  app.get(['/', '/index', '/by/:id', /^\/re\/(?<id>.*)$/], (req) => ({ params: req.params }))
  const table: [url: string, params: unknown][] = [
    ['/', {}], ['/index', {}], ['/by/7', { id: '7' }], ['/re/8', { 0: '8', id: '8' }],
  ]
  for (const [url, params] of table) t.strictSame((await call(app, 'GET', url)).json(), { params }, url)
})

// ------------------------------------------------------------------------------------------------------ req.params

/** Have a router answer a request that has been prepared, and see its parameters. */
function paramsAfter(router: RouterType, url: string, prepare?: (req: FakeReq) => void): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const req = new FakeReq('GET', url)
    if (prepare) prepare(req)
    router.runRoute(undefined, req, new FakeRes(), (err) => (err ? reject(err) : resolve(req.params)))
  })
}

t.test('makes req.params a plain object, like a literal', async (t) => {
  const router = routerOf(['/plain', '/u/:id'])
  const plain = await paramsAfter(router, '/plain') as object
  const params = await paramsAfter(router, '/u/7') as object
  t.strictSame([plain, params], [{}, { id: '7' }])
  t.same([plain, params].map(Object.getPrototypeOf), [Object.prototype, Object.prototype])
})

t.test('takes an empty url for the path of a slash', async (t) => {
  t.strictSame(await paramsAfter(routerOf(['/:*']), ''), { '*': '/' })
})

t.test('does not change Object.prototype, whatever the names', async (t) => {
  const router = routerOf(['/:__proto__/:*constructor'])
  const params = await paramsAfter(router, '/x/y') as object
  t.equal(Object.getPrototypeOf(params), Object.prototype)
  t.same(Object.keys(params).sort(), ['__proto__', 'constructor'])
  t.equal(({} as { x?: unknown }).x, undefined)
})

t.test('keeps the params that are there, and overwrites those of the same name', async (t) => {
  const mine: { [name: string]: string } = { id: 'mine', other: 'kept', rest: 'gone' }
  const params = await paramsAfter(routerOf(['/u/:id/:*rest']), '/u/7', (req) => { req.params = mine })
  t.equal(params, mine)
  t.strictSame(params, { id: '7', other: 'kept', rest: undefined })
})

t.test('has params in pre steps that set them, and in err and post steps', async (t) => {
  const seen: unknown[] = []
  const router = new Router()
  router.setRoute('pre', (req, _res, next) => { req.params = { a: 'pre' }; next() })
  router.setRoute('/:id', 'GET', () => { throw new HttpError(418) })
  router.setRoute('err', (_err, req, _res, next) => { seen.push({ ...req.params }); next() })
  router.setRoute('post', (req, _res, next) => { seen.push({ ...req.params }); next() })
  await paramsAfter(router, '/7')
  t.strictSame(seen, [{ a: 'pre', id: '7' }, { a: 'pre', id: '7' }])
})

t.test('never lets a query value replace a route parameter, whatever the order of steps', async (t) => {
  for (const category of ['pre', 'use', 'route']) {
    const router = new Router()
    const steps: Step[] = [(_req, _res, next) => next()]
    if (category === 'route') steps.push(mw.mwParseQuery)
    else router.setRoute(category, mw.mwParseQuery)
    router.setRoute('/u/:id/:*rest', 'GET', steps)
    const params = await paramsAfter(router, '/u/7?id=1&rest=2&q=3&id=4')
    t.strictSame(params, { id: '7', rest: undefined, q: '3' }, category)
  }
})

t.test('leaves no parameters of a branch that failed', async (t) => {
  const router = routerOf(['/:a/:b/x', '/:c/:*d', 'POST /:e/:f/y'])
  router.setRoute(/^\/(q)\/(?<g>.*)$/, 'PUT', ok)
  t.strictSame(await paramsAfter(router, '/q/2/y'), { c: 'q', d: '/2/y' })
})

t.test('sets no parameters when nothing is routed', async (t) => {
  const seen: unknown[] = []
  const router = routerOf(['POST /:a', '/:a/:b'], { methodNotAllowed: true })
  router.setRoute('err', (_err, req, _res, next) => { seen.push(req.params); next() })
  await paramsAfter(router, '/x')
  t.strictSame(seen, [{}])
})

// ---------------------------------------------------------------------------------------------------------- _route

/** A router whose pre step chooses a route, and what ran. */
function choosing(choose: (router: RouterType) => unknown, options?: RouterOptions): { ran: string[]; router: RouterType } {
  const ran: string[] = []
  const note = (label: string): Step => (req, _res, next) => {
    ran.push(label + (req.body === undefined ? '' : '+body'))
    next()
  }
  const router = new Router(options)
  router.setRoute('pre', (req, _res, next) => {
    req._route = choose(router) as Req['_route']
    next()
  })
  router.setRoute('use', note('use'))
  router.setRoute('/plain', 'GET', [note('plain'), note('plain2')])
  router.setRoute('/p/:id', 'GET', note('pattern'))
  router.setRoute('use', note('later'))
  router.setRoute('/requested', 'GET', note('requested'))
  return { ran, router }
}

/** Run a request with a body to its end. */
function runWith(router: RouterType, url = '/requested'): Promise<FakeReq> {
  return new Promise((resolve, reject) => {
    const req = new FakeReq('GET', url, { body: 'hello' })
    router.runRoute(undefined, req, new FakeRes(), (err) => (err ? reject(err) : resolve(req)))
  })
}

t.test('runs an array that a pre step has chosen, and nothing else, after reading the body', async (t) => {
  const { ran, router } = choosing(() => [
    ((req, _res, next) => { ran.push('mine ' + req.body); next() }) as Step,
    ((_req, _res, next) => { ran.push('mine2'); next() }) as Step,
  ])
  await runWith(router)
  t.same(ran, ['mine hello', 'mine2'])
})

t.test('runs what getRoute has given for a plain path, its body read after its use steps', async (t) => {
  const { ran, router } = choosing((router) => router.getRoute('/plain', 'GET'))
  const req = await runWith(router)
  t.same(ran, ['use', 'plain+body', 'plain2+body'])
  t.strictSame(req.params, {})
})

t.test('runs what getRoute has given for a pattern, with its parameters', async (t) => {
  const { ran, router } = choosing((router) => router.getRoute('/p/7', 'GET'))
  const req = await runWith(router)
  t.same(ran, ['use', 'pattern+body'])
  t.strictSame(req.params, { id: '7' })
})

t.test('takes the steps and parameters of an object of one own', async (t) => {
  const step: Step = (_req, _res, next) => next()
  const own = Object.defineProperty({ a: 'x' }, '__proto__', { value: 'y', enumerable: true })
  const { router } = choosing(() => ({ mw: [step], params: own }))
  const { params } = await runWith(router)
  t.same(Object.entries(params), [['a', 'x'], ['__proto__', 'y']])
  t.equal(Object.getPrototypeOf(params), Object.prototype)
})

t.test('takes an object without parameters', async (t) => {
  const { ran, router } = choosing(() => ({ mw: [((_req, _res, next) => { ran.push('mine'); next() }) as Step] }))
  const req = await runWith(router)
  t.same(ran, ['mine'])
  t.strictSame(req.params, {})
})

t.test('runs a chosen route for a path that is not routed, or cannot be', async (t) => {
  for (const url of ['/nowhere', '/%zz']) {
    const { ran, router } = choosing((router) => router.getRoute('/plain', 'GET'))
    await runWith(router, url)
    t.same(ran, ['use', 'plain+body', 'plain2+body'], url)
  }
})

t.test('looks the route up where the pre step has chosen none', async (t) => {
  for (const none of [null, undefined]) {
    const { ran, router } = choosing(() => none)
    await runWith(router)
    t.same(ran, ['use', 'later', 'requested+body'])
  }
})

t.test('leaves the body to a chosen array whose first step says so', async (t) => {
  const bodies: unknown[] = []
  const first: Step = (req, _res, next) => { bodies.push(req.body); next() }
  first.readBody = false
  const { router } = choosing(() => [first])
  await runWith(router)
  t.same(bodies, [undefined])
})

// -------------------------------------------------------------------------------------------------------- the body

t.test('reads the body after the use steps and before those of the route', async (t) => {
  const { ran, router } = choosing(() => undefined)
  const req = await runWith(router)
  t.same(ran, ['use', 'later', 'requested+body'])
  t.equal(String(req.body), 'hello')
})

t.test('calls the readBody of the options with the request, the response and next', async (t) => {
  const seen: unknown[] = []
  const router = new Router({
    readBody(...args: unknown[]) {
      const [req, res, next] = args as [Req, Res, () => void]
      seen.push(args.length >= 3, res.headersSent)
      req.body = 'mine'
      next()
    },
  })
  router.setRoute('/a', (req: Req) => { seen.push(req.body); return 'ok' })
  await call(rest({ router }), 'GET', '/a')
  t.same(seen, [true, false, 'mine'])
})

t.test('takes what the readBody of the options hands to next for an error', async (t) => {
  const router = new Router({ readBody: (_req, _res, next) => next(new HttpError(415)) })
  router.setRoute('/a', ok)
  t.equal((await call(rest({ router }), 'GET', '/a')).statusCode, 415)
})

t.test('calls no readBody where req.body is set, to the empty string or null too', async (t) => {
  for (const body of ['text', '', null, 0, false]) {
    let reads = 0
    const router = new Router({ readBody: (_req, _res, next) => { reads++; next() } })
    router.setRoute('use', (req, _res, next) => { req.body = body; next() })
    router.setRoute('/a', 'GET', (req: Req) => ({ body: req.body }))
    t.strictSame((await call(rest({ router }), 'GET', '/a')).json(), { body })
    t.equal(reads, 0, String(body))
  }
})

t.test('reads no bodies with readBody: false', async (t) => {
  const { ran, router } = choosing(() => undefined, { readBody: false })
  const req = await runWith(router)
  t.same(ran, ['use', 'later', 'requested'])
  t.equal(req.body, undefined)
})

t.test('leaves the body of a route to its steps if the first of them says so', async (t) => {
  const bodies: unknown[] = []
  const first: Step = (req, _res, next) => { bodies.push(req.body); next() }
  first.readBody = false
  const router = new Router()
  router.setRoute('use', (_req, _res, next) => next())
  router.setRoute('/own', 'GET', [first, mw.mwReadBody as Step, (req, _res, next) => { bodies.push(String(req.body)); next() }])
  await runWith(router, '/own')
  t.same(bodies, [undefined, 'hello'])
})

t.test('takes the limit of bodies as an option, and the status of those over it', async (t) => {
  const router = new Router({ bodySizeLimit: 4, bodySizeStatus: 413 })
  router.setRoute('/a', ok)
  t.equal((await call(rest({ router }), 'POST', '/a', { body: '1234' })).statusCode, 200)
  t.equal((await call(rest({ router }), 'POST', '/a', { body: '12345' })).statusCode, 413)
})

// ------------------------------------------------------------------------------------------------------ the effort

t.test('looks up among very many routes as it does among ten', async (t) => {
  const build = (count: number): RouterType => {
    const router = new Router({ methodNotAllowed: true })
    for (let ix = 0; ix < count; ix++) {
      router.setRoute(`/plain/p${ix}`, 'GET', ok)
      router.setRoute(`/param/p${ix}/:id/x`, 'GET', ok)
      router.setRoute(`/deep/:id/p${ix}/:*`, 'GET', ok)
      router.setRoute(`/middle/:*/p${ix}`, 'GET', ok)
    }
    return router
  }
  const routers = [build(10), build(times(10_000))] as const
  const urls: string[] = []
  for (const ix of [0, 5, 9]) {
    urls.push(`/plain/p${ix}`, `/param/p${ix}/1/x`, `/deep/1/p${ix}/2/3`, `/middle/1/2/p${ix}`)
    urls.push(`/plain/q${ix}`, `/param/p${ix}/1/y`, `/deep/1/q${ix}/2/3`, `/middle/1/2/q${ix}`, `/q${ix}`)
  }
  const [few, many] = routers.map((router) => () => {
    for (let round = 0; round < times(100); round++) for (const url of urls) router.getRoute(url, 'GET')
  })
  // Were every route looked at, it would be 1,000 times as much.
  const ratio = timesAsLong(few!, many!, 20)
  t.ok(ratio < 20, `${ratio} times as much`)
})

t.test('takes a long and odd path in time that grows as its length', async (t) => {
  const tables: { [name: string]: string[] } = {
    plain: ['/a/b/c', '/a'],
    params: ['/:a/:b/:c', '/:a', '/a/:b/a/:c/a'],
    tails: ['/:*', '/a/:*', '/:a/:*b', '/:a/a/:*c'],
    middles: [],
    both: [],
  }
  // After a tail, all lengths from 1 to 20; and all ways to write eight components with 'a' and ':x'.
  for (let length = 1; length <= 20; length++) {
    tables.middles!.push('/:*t' + '/a'.repeat(length) + '/end', '/a/:*t/:x' + '/a'.repeat(length))
  }
  for (let bits = 0; bits < 256; bits++) {
    const parts = [7, 6, 5, 4, 3, 2, 1, 0].map((bit) => (bits >> bit & 1 ? 'a' : ':p' + bit))
    tables.both!.push('/' + parts.join('/') + '/end', '/' + parts.join('/') + '/:*t/end')
  }
  const paths: { [name: string]: (length: number) => string } = {
    slashes: (length) => '/'.repeat(length),
    escapes: (length) => '/' + '%41'.repeat(length / 3),
    'escaped components': (length) => '/%41'.repeat(length / 4),
    'short components': (length) => '/a'.repeat(length / 2),
    'one component': (length) => '/' + 'a'.repeat(length),
    'a query': (length) => '/a?' + '/?#'.repeat(length / 3),
    'an authority': (length) => 'http://' + 'a:'.repeat(length / 2),
    'schemes': (length) => 'a://'.repeat(length / 4),
    'a malformed end': (length) => '/a'.repeat(length / 2) + '/%',
    'dots': (length) => '/..'.repeat(length / 3),
  }
  for (const [table, patterns] of Object.entries(tables)) {
    for (const options of [{}, { ignoreCase: true, ignoreTrailingSlash: true }]) {
      const router = routerOf(patterns, options)
      for (const [kind, path] of Object.entries(paths)) {
        const look = (url: string) => () => {
          for (let ix = 0; ix < times(16); ix++) {
            try {
              router.getRoute(url, 'GET')
            } catch (err) {
              if ((err as { statusCode?: number }).statusCode !== 400) throw err
            }
          }
        }
        // Sixteen times as long: 16 times as much if it is linear, 256 if it is quadratic, and no end if it is exponential.
        const ratio = timesAsLong(look(path(times(1024))), look(path(16 * times(1024))), 100)
        t.ok(ratio < 100, `${kind}, ${table}: ${ratio.toFixed(1)} times as much`)
      }
    }
  }
})

t.test('looks at each place of a table made for backtracking once at the most', async (t) => {
  // Every prefix of 'a' and ':x' ends in a wrong component, so that all of them are tried.
  const router = new Router()
  const depth = 10
  for (let bits = 0; bits < 1 << depth; bits++) {
    let path = ''
    for (let bit = 0; bit < depth; bit++) path += bits >> bit & 1 ? '/a' : '/:p' + bit
    router.setRoute(path + '/wrong', 'GET', ok)
  }
  router.setRoute('/:*', 'GET', says('tail'))
  const hit = '/a'.repeat(depth) + '/wrong'
  const miss = '/a'.repeat(depth) + '/right'
  const deep = '/a'.repeat(8000)
  t.same([hit, miss, deep].map((url) => labelOf(router.getRoute(url, 'GET'))), ['ok', 'tail', 'tail'])
})

t.test('takes thousands of definitions, re-definitions and deletions', async (t) => {
  const router = new Router()
  const last = times(2000) - 1
  for (const round of ['old', 'new']) {
    for (let ix = 0; ix <= last; ix++) router.setRoute(`/r${ix}/:id`, 'GET', says(round + ix))
  }
  t.equal(labelOf(router.getRoute(`/r${last}/1`, 'GET')), 'new' + last)
  for (let ix = 0; ix < last; ix++) router.deleteRoute(`/r${ix}/:other`)
  t.same(router.routes(), [{ method: 'GET', path: `/r${last}/:id` }])
  t.same([`/r${last - 1}/1`, `/r${last}/1`].map((url) => labelOf(router.getRoute(url, 'GET'))), [null, 'new' + last])
})
