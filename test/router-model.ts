// The Router against a slow, obvious model of the same rules, over random tables and requests. Their parts are of an alphabet so
// small that everything collides with everything. On a failure fast-check prints the seed, and the smallest case it can find.

import assert from 'node:assert/strict'
import t from 'tap'
import fc from 'fast-check'
import type { MatchedRoute, RouterOptions, Step } from '../microrest.ts'
import { Router, times } from './fixtures/core.ts'
import { FakeReq, FakeRes } from './fixtures/call.ts'
import { Model } from './fixtures/model.ts'
import type { ModelOptions } from './fixtures/model.ts'

type RouterType = InstanceType<typeof Router>
type Operation =
  | { kind: 'set'; path: string | RegExp; method: string }
  | { kind: 'delete'; path: string | RegExp; method: string | undefined }
  | { kind: 'request'; url: string | Like; method: string }

/** A url made of one of the patterns defined so far: `fill` goes where its parameters are. */
interface Like {
  pattern: number
  fill: string[]
}

/** How many random cases each property is tried on; more of them in a search for trouble: RUNS=100000. */
const numRuns = Number(process.env.RUNS) || times(2000)

const PLAIN = ['a', 'a', 'a', 'b', 'b', 'A', '', '__proto__', '%61', '*b', 'é', 'a:b']
const PARAMS = [':x', ':x', ':y', ':z', ':__proto__', ':*', ':*x', ':*t', '*', ':*__proto__', ':']
const REG_EXPS = [/^\/a/, /b$/, /^\/(a)?\/?(.*)$/i, /%(..)/, /^\/(..)(.*)/]
const METHODS = ['GET', 'GET', 'POST', 'HEAD', '_ANY_', 'OPTIONS', 'CONSTRUCTOR']

const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PLAIN) }, { weight: 2, arbitrary: fc.constantFrom(...PARAMS) },
)
const pattern = fc.tuple(fc.constantFrom('/', '/', '/', ''), fc.array(part, { minLength: 1, maxLength: 5 }))
  .map(([slash, parts]) => (slash + parts.join('/')) || '/')
const path = fc.oneof({ weight: 12, arbitrary: pattern }, { weight: 1, arbitrary: fc.constantFrom<RegExp>(...REG_EXPS) })

const requestPart = fc.constantFrom(
  'a', 'a', 'a', 'a', 'b', 'b', 'b', 'A', 'B', '', '', 'x', '%61', '%41', '%2F', 'a%2fb', '%2561', '__proto__', '%5f_proto__',
  '*b', '%2Ab', '%C3%A9', '%c3%89', ':x', '*', 'a:b', '..', '%',
)
const url = fc.tuple(
  fc.constantFrom('', '', '', '', '', 'http://a', 'HTTP://b:80'),
  fc.array(requestPart, { minLength: 1, maxLength: 6 }),
  fc.constantFrom('', '', '', '?', '?a/b', '#/a', '?%zz#'),
).map(([before, parts, after]) => before + '/' + parts.join('/') + after)

const definition = fc.record({ kind: fc.constant('set' as const), path, method: fc.constantFrom(...METHODS) })
const deletion = fc.record({
  kind: fc.constant('delete' as const), path, method: fc.option(fc.constantFrom(...METHODS), { nil: undefined }),
})
const request = fc.record({
  kind: fc.constant('request' as const),
  url: fc.oneof(
    { weight: 1, arbitrary: url },
    { weight: 2, arbitrary: fc.record({ pattern: fc.nat({ max: 30 }), fill: fc.array(requestPart, { minLength: 1, maxLength: 4 }) }) },
  ),
  method: fc.constantFrom('GET', 'GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'constructor'),
})
const options = fc.record({ ignoreCase: fc.boolean(), ignoreTrailingSlash: fc.boolean(), methodNotAllowed: fc.boolean() })

interface Outcome {
  id?: number
  status?: number
  params?: [string, string | undefined][]
  allow?: string[]
}

function byName(params: [string, string | undefined][]): [string, string | undefined][] {
  return params.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** What a request is told by the router. All of it happens at once, there is nothing to wait for. */
function ask(router: RouterType, method: string, url: string): Outcome {
  const req = new FakeReq(method, url)
  const res = new FakeRes()
  let outcome: Outcome | undefined
  router.runRoute(undefined, req, res, (err) => {
    const { statusCode, headers = res.headers } = (err || res) as { statusCode: number; headers?: { allow?: string } }
    outcome = statusCode === 200
      ? { id: Number(res.chunks.join('')), params: byName(Object.entries(req.params)) }
      : { status: statusCode, ...(headers.allow !== undefined && { allow: String(headers.allow).split(', ').sort() }) }
    assert.equal(Object.getPrototypeOf(req.params), Object.prototype)
  })
  assert.ok(outcome, 'the callback has been called')
  return outcome
}

/** What it should be told. */
function expect(model: Model, method: string, url: string, methodNotAllowed: boolean): Outcome {
  const found = model.find(url, method)
  if (found === 'malformed') return { status: 400 }
  if (found !== 'none') return { id: found.id, params: byName(found.params) }
  const allow = new Set(model.methods(url))
  if (!methodNotAllowed || !allow.size) return { status: 404 }
  if (allow.has('GET')) allow.add('HEAD')
  allow.add('OPTIONS')
  return { status: method === 'OPTIONS' ? 204 : 405, allow: [...allow].sort() }
}

/** What getRoute finds, in the form of a request's outcome. */
function lookUp(router: RouterType, method: string, url: string): Outcome {
  let found: Step[] | MatchedRoute | null
  try {
    found = router.getRoute(url, method)
  } catch (err) {
    return { status: (err as { statusCode: number }).statusCode }
  }
  if (!found) return { status: 404 }
  const mw = Array.isArray(found) ? found : found.mw
  return {
    id: Number((mw[0] as () => unknown)()),
    params: Array.isArray(found) ? [] : byName(Object.entries(found.params)),
  }
}

function accepts(f: () => void): boolean {
  try {
    f()
    return true
  } catch {
    return false
  }
}

/** The url of a request. */
function toUrl(url: string | Like, patterns: readonly (string | RegExp)[]): string {
  if (typeof url === 'string') return url
  const pattern = patterns[url.pattern % (patterns.length || 1)]
  if (typeof pattern !== 'string') return '/' + url.fill.join('/')
  // A name takes the next part to fill in, a tail takes all.
  let at = 0
  const filled = pattern.replace(/(^|(?<=\/))(:\*|\*(?=\/|$))[^/]*/g, () => url.fill.join('/'))
    .replace(/(^|(?<=\/)):[^/]*/g, () => url.fill[at++ % url.fill.length]!)
  return filled.replace(/^\/?/, '/')
}

/** Do the same to a router and to its model, and compare what comes of it. */
function compare(given: RouterOptions, operations: readonly Operation[]): void {
  const router = new Router({ ...given, readBody: false })
  const model = new Model(given as ModelOptions)
  const patterns: (string | RegExp)[] = []
  for (const [id, operation] of operations.entries()) {
    const { kind, method = '' } = operation
    if (kind === 'request') {
      const url = toUrl(operation.url, patterns)
      const message = method + ' ' + url
      const expected = expect(model, method, url, given.methodNotAllowed!)
      assert.deepEqual({ message, ...ask(router, method, url) }, { message, ...expected })
      assert.deepEqual({ message, ...lookUp(router, method, url) }, { message, ...expect(model, method, url, false) })
    } else if (kind === 'set') {
      patterns.push(operation.path)
      const isTaken = accepts(() => router.setRoute(operation.path, method, () => String(id)))
      assert.equal(isTaken, model.setRoute(operation.path, method, id))
    } else {
      // (What cannot be a route may be refused, or be nothing to delete.)
      accepts(() => router.deleteRoute(operation.path, operation.method))
      model.deleteRoute(operation.path, operation.method)
    }
  }
  assert.deepEqual(
    router.routes().map(({ method, path }) => method + ' ' + path).sort(),
    model.routes.map(({ method, path }) => method + ' ' + path).sort(),
  )
}

t.test('finds in a random table what the model finds', async () => {
  const property = fc.property(
    options, fc.array(definition, { minLength: 1, maxLength: 12 }), fc.array(request, { minLength: 1, maxLength: 12 }),
    (given, table, requests) => compare(given, [...table, ...requests]),
  )
  fc.assert(property, { numRuns })
})

t.test('finds in a table what the model finds, through definitions, deletions and requests in any order', async () => {
  const operation = fc.oneof(
    { weight: 5, arbitrary: definition }, { weight: 2, arbitrary: deletion }, { weight: 4, arbitrary: request },
  )
  fc.assert(fc.property(options, fc.array(operation, { maxLength: 60, size: 'max' }), compare), { numRuns: numRuns / 4 })
})

/** The paths that can be routes, without those that have the shape of an earlier one and would take its place. */
function distinct(given: RouterOptions, paths: readonly string[]): string[] {
  const model = new Model(given as ModelOptions)
  return paths.filter((path) => {
    const count = model.routes.length
    return model.setRoute(path, 'GET', 0) && model.routes.length > count
  })
}

t.test('finds the same whatever the order of definition', async () => {
  const table = fc.uniqueArray(pattern, { minLength: 2, maxLength: 8 })
  const orders = table.chain((paths) => fc.tuple(fc.constant(paths), fc.shuffledSubarray(paths, { minLength: paths.length })))
  const property = fc.property(options, orders, url, (given, [paths, shuffled], url) => {
    const once = distinct(given, paths)
    const [found, again] = [paths, shuffled].map((order) => {
      const router = new Router({ ...given, readBody: false })
      for (const path of order) {
        const id = once.indexOf(path)
        if (id >= 0) router.setRoute(path, 'GET', () => String(id))
      }
      return ask(router, 'GET', url)
    })
    assert.deepEqual(found, again)
  })
  fc.assert(property, { numRuns })
})

t.test('gives back, from a tail or a name, whatever was encoded into it', async () => {
  const router = new Router({ readBody: false })
  router.setRoute('/name/:value', 'GET', () => '1')
  router.setRoute('/tail/:*value', 'GET', () => '2')
  router.setRoute('/middle/:*value/:x/end', 'GET', () => '3')
  const text = fc.string({ unit: 'grapheme', minLength: 1 })
  const property = fc.property(text, fc.array(text, { minLength: 1 }), (value, parts) => {
    const tail = parts.map(encodeURIComponent).join('/')
    const one = encodeURIComponent(value)
    assert.deepEqual(ask(router, 'GET', '/name/' + one + '?' + one), { id: 1, params: [['value', value]] })
    assert.deepEqual(ask(router, 'GET', '/tail/' + tail), { id: 2, params: [['value', '/' + parts.join('/')]] })
    assert.deepEqual(ask(router, 'GET', '/middle/' + tail + '/' + one + '/end'), {
      id: 3, params: [['value', '/' + parts.join('/')], ['x', value]],
    })
  })
  fc.assert(property, { numRuns })
})

t.test('answers any text for a url with a route, a 400 or a 404', async () => {
  const router = new Router({ readBody: false, methodNotAllowed: true, ignoreCase: true, ignoreTrailingSlash: true })
  for (const path of ['/', '/a', '/:x', '/a/:*t', '/:*t/b', '/:x/:y']) router.setRoute(path, 'GET', () => '1')
  router.setRoute(/(.)%(?<g>.)/, 'GET', () => '1')
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('/', '%', ':', '*', '?', '#', 'a', '6', '1', '.', '\\', '\ud800') }),
  )
  const property = fc.property(texts, (url) => {
    const { status = 200 } = ask(router, 'GET', url)
    assert.ok([200, 400, 404].includes(status), String(status))
  })
  fc.assert(property, { numRuns })
})
