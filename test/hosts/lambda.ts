// lambda: what an app sees of the events of each source, and the answers that it gives in the form of each. No cloud is needed: the
// events are documents, in fixtures/lambda.

import fc from 'fast-check'
import t from 'tap'
import { toLambda } from '../../hosts/lambda.ts'
import type { LambdaAnswer, LambdaContext, LambdaEvent, LambdaOptions } from '../../hosts/lambda.ts'
import type { HostReq, HostRes, Req, Step } from '../../microrest.ts'
import { HttpError, Router, mw, rest } from '../fixtures/core.ts'
import { gc } from '../fixtures/gc.ts'
import { SOURCES, getEvent, readEvent } from '../fixtures/lambda/events.ts'
import type { Source } from '../fixtures/lambda/events.ts'
import { RuntimeStream, installRuntime, invoke } from '../fixtures/lambda/runtime.ts'
import { quote } from '../fixtures/quote.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

type SeenReq = Req & { socket?: unknown }
type Listener = Parameters<typeof toLambda>[0]

/** A request as an app has seen it. */
interface Seen {
  method: unknown
  url: unknown
  baseUrl: unknown
  headers: { [name: string]: unknown }
  socket: unknown
  body: unknown
}

/** What an app sees of an event. */
async function see(event: unknown, options?: LambdaOptions): Promise<Seen> {
  let seen: Seen | undefined
  const app = rest((req) => {
    const { method, url, baseUrl, headers, socket, body } = req as SeenReq
    seen = { method, url, baseUrl, headers: { ...headers }, socket, body }
    return null
  })
  await toLambda(app, options)(event)
  return seen!
}

/** The answer to a GET from a source. */
async function ask(app: Listener, source: Source = 'http-api-2', options?: LambdaOptions): Promise<LambdaAnswer> {
  return toLambda(app, options)(getEvent(source, '/'))
}

/** An app that does one thing. */
const answering = (step: Step) => rest({ router: new Router() }).all('/', step)

/** A body as the client gets it. */
const bytesOf = ({ body, isBase64Encoded }: LambdaAnswer) => Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8')

const settle = () => new Promise(resolve => setImmediate(resolve))

// ------------------------------------------------------------------------------------------------------ the request

t.test('an app sees the same request, whatever its event', async t => {
  const app = rest({ router: new Router() })
  app.use(mw.mwParseQuery)
  app.put('/items/:name', (req) => {
    const { accept, 'content-type': type, 'content-length': length, cookie } = req.headers
    const { socket } = req as SeenReq
    return { name: req.params.name, query: { ...req.query, size: undefined }, accept, type, length, cookie, socket, body: String(req.body) }
  })
  for (const source of SOURCES) {
    const { statusCode, body } = await toLambda(app)(readEvent(source))
    t.equal(statusCode, 200, source)
    t.strictSame(JSON.parse(body), {
      name: 'café au lait',
      query: { name: 'Jürgen +1' },
      accept: 'application/json',
      type: 'application/json; charset=utf-8',
      length: '17',
      cookie: 'theme=dark; session=abc123',
      socket: { remoteAddress: '192.0.2.7' },
      body: '{"price":"3 €"}',
    }, source)
  }
})

t.test('of a field that comes twice an app sees what the source has kept', async t => {
  const table: { [source in Source]: [header: string, query: unknown] } = {
    'rest-api': ['one, two', ['large', 'a&b']],
    'http-api-1': ['one, two', ['large', 'a&b']],
    'http-api-2': ['one,two', ['large', 'a&b']],
    'function-url': ['one,two', ['large', 'a&b']],
    'load-balancer': ['two', 'a&b'],
    'load-balancer-lists': ['one, two', ['large', 'a&b']],
    'function-compute': ['one,two', 'large,a&b'],
  }
  for (const source of SOURCES) {
    const { headers, url } = await see(readEvent(source))
    t.strictSame([headers['x-tag'], mw.parseQuery(String(url).split('?')[1]!).size], table[source], source)
  }
})

t.test('steps reach the event and the context', async t => {
  const event = readEvent('http-api-2')
  const context = { awsRequestId: '1', getRemainingTimeInMillis: () => 3000 }
  let call: Req['lambda']
  const app = answering((req) => {
    call = req.lambda
    return String(req.lambda?.event.requestContext?.stage)
  })
  t.match(await toLambda(app)({ ...event, rawPath: '/live' }, context), { statusCode: 200, body: 'live' })
  t.strictSame(call?.event.requestContext?.authorizer, event.requestContext?.authorizer)
  t.equal(call?.context, context)

  await ask(app)
  t.strictSame(call?.context, {}, 'there is always one')
})

t.test('a path is the one that the client has sent', async t => {
  const table: [source: Source, given: string, url: string, why: string][] = [
    ['rest-api', '/a%20b/%2F%3f', '/a%20b/%2F%3f', 'as it was'],
    ['function-url', '/a%20b/%2F%3f', '/a%20b/%2F%3f', 'as it was'],
    ['load-balancer', '/a%20b/%2F%3f', '/a%20b/%2F%3f', 'as it was'],
    ['function-compute', '/a%20b/%2F%3f', '/a%20b/%2F%3f', 'as it was'],
    ['http-api-2', '/a b/café', '/a%20b/caf%C3%A9', 'encoded again'],
    ['http-api-1', '/a b/café', '/a%20b/caf%C3%A9', 'encoded again'],
    ['http-api-2', '/a?b#c', '/a%3Fb%23c', 'what would end a path is part of it'],
    ['http-api-2', '/100%/%2e%2e', '/100%25/%252e%252e', 'it is not decoded twice'],
    ['http-api-2', "/a:@!$&'()*+,;=-._~", "/a:@!$&'()*+,;=-._~", 'what needs no escape gets none'],
    ['http-api-2', '/a\ud800b\ud83d\ude00', '/a%EF%BF%BDb%F0%9F%98%80', 'half of a surrogate pair'],
    ['http-api-2', '/', '/', 'the root'],
    ['load-balancer', '/', '/', 'the root'],
    ['function-compute', '', '/', 'nothing'],
  ]
  for (const [source, given, url, why] of table) t.equal((await see(getEvent(source, given))).url, url, `${source}: ${given}: ${why}`)
})

t.test('the stage of an API is no part of the path, and is found as baseUrl', async t => {
  const table: [source: Source, given: string, url: string, baseUrl: string | undefined, why: string][] = [
    ['http-api-2', '/live/a', '/a', '/live', 'it stands before the path'],
    ['http-api-2', '/live', '/', '/live', 'alone'],
    ['http-api-2', '/live/live/a', '/live/a', '/live', 'once'],
    ['http-api-2', '/lively/a', '/lively/a', undefined, 'a longer name is another one'],
    ['http-api-2', '/a/live', '/a/live', undefined, 'only in front'],
    ['http-api-1', '/live/a', '/a', '/live', 'in the older format as well'],
    ['rest-api', '/a', '/a', '/live', 'the source has taken it off'],
    ['rest-api', '/live/a', '/live/a', '/live', 'that it has taken off, and what is called like it stays'],
    ['rest-api', '/', '/', '/live', 'of the root'],
    ['function-url', '/live/a', '/live/a', undefined, 'these have no stage'],
    ['load-balancer', '/live/a', '/live/a', undefined, 'nor have these'],
  ]
  for (const [source, given, url, baseUrl, why] of table) {
    t.match(await see(getEvent(source, given)), { url, baseUrl }, `${source}: ${given}: ${why}`)
  }
  const event = getEvent('rest-api', '/shop/a')
  const { requestContext } = event
  const other = { ...event, requestContext: { ...requestContext, path: '/shop/a' } }
  t.match(await see(other), { url: '/shop/a', baseUrl: undefined }, 'a custom domain has another path, and no stage')
  for (const [stage, path] of [['$default', '/$default/a'], ['', '//a'], [null, '//a'], [undefined, '/undefined/a']]) {
    const named = getEvent('http-api-2', String(path))
    const seen = await see({ ...named, requestContext: { ...named.requestContext, stage } })
    t.match(seen, { url: path, baseUrl: undefined }, 'no stage: ' + stage)
  }
  for (const context of [null, undefined, {}, { path: null, stage: null, identity: null }]) {
    t.match(await see({ ...event, requestContext: context }), { url: '/shop/a', baseUrl: undefined, socket: undefined }, 'nothing is known')
  }
})

t.test('basePath is taken off as well', async t => {
  const table: [source: Source, given: string, url: string, baseUrl: string | undefined][] = [
    ['rest-api', '/shop/a', '/a', '/live/shop'],
    ['rest-api', '/shop', '/', '/live/shop'],
    ['rest-api', '/shopping', '/shopping', '/live'],
    ['http-api-2', '/live/shop/a', '/a', '/live/shop'],
    ['http-api-2', '/shop/live/a', '/live/a', '/shop'],
    ['load-balancer', '/shop/a', '/a', '/shop'],
    ['function-url', '/other/a', '/other/a', undefined],
  ]
  for (const [source, given, url, baseUrl] of table) {
    t.match(await see(getEvent(source, given), { basePath: '/shop' }), { url, baseUrl }, `${source}: ${given}`)
  }
})

t.test('a mount sees the stage before its own prefix', async t => {
  const inner = rest({ router: new Router() }).get('/a', (req) => req.baseUrl + ' ' + req.url)
  const app = rest({ router: new Router() })
  app.use('/inner', inner)
  t.equal((await toLambda(app)(getEvent('http-api-2', '/live/inner/a'))).body, '/live/inner /a')
})

t.test('a query is put together again', async t => {
  const lists = { a: ['1', ''], 'b c': ['d&e', '=', '+', 'é', '%41'] }
  const again = '?a=1&a=&b%20c=d%26e&b%20c=%3D&b%20c=%2B&b%20c=%C3%A9&b%20c=%2541'
  const raw = { 'a%20b': ['c%26d', 'e+f', '%zz'] }
  const single = { multiValueQueryStringParameters: null, queryStringParameters: { a: 'b c', d: null } as never }
  const table: [source: Source, fields: LambdaEvent, query: string, why: string][] = [
    ['rest-api', { multiValueQueryStringParameters: lists }, again, 'decoded before'],
    ['rest-api', single, '?a=b%20c', 'the older form'],
    ['rest-api', { multiValueQueryStringParameters: null, queryStringParameters: null }, '', 'none'],
    ['rest-api', { multiValueQueryStringParameters: { a: ['\ud800'] } }, '?a=%EF%BF%BD', 'half of a surrogate pair'],
    ['load-balancer-lists', { multiValueQueryStringParameters: raw }, '?a%20b=c%26d&a%20b=e+f&a%20b=%zz', 'as they were'],
    ['load-balancer', { queryStringParameters: { a: '%41' } }, '?a=%41', 'as they were'],
    ['http-api-2', { rawQueryString: 'a=%41&&b&c=+' }, '?a=%41&&b&c=+', 'as it was'],
    ['http-api-2', { rawQueryString: undefined } as never, '', 'none'],
    ['function-compute', { queryParameters: { a: 'b&c', d: '1,2' } }, '?a=b%26c&d=1%2C2', 'decoded before'],
  ]
  for (const [source, fields, query, why] of table) {
    const { url } = await see({ ...getEvent(source, source === 'http-api-2' ? '/live/x' : '/x'), ...fields })
    t.equal(url, '/x' + query, `${source}: ${why}`)
  }
  const hostile = JSON.parse('{"multiValueQueryStringParameters":{"__proto__":["x"],"constructor":["y"]}}')
  t.equal((await see({ ...getEvent('rest-api', '/x'), ...hostile })).url, '/x?__proto__=x&constructor=y')
})

t.test('whatever a client says in a path or a query, an app gets', async t => {
  const app = rest({ router: new Router() }).use(mw.mwParseQuery)
  const handler = toLambda(app.get('/:name', (req) => ({ name: req.params.name, query: req.query })))
  const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((one) => !one.includes('/'))
  const query = fc.dictionary(fc.string({ unit: 'binary' }), fc.array(fc.string({ unit: 'binary' }), { minLength: 2, maxLength: 3 }))
  await fc.assert(fc.asyncProperty(text, query, async (name, values) => {
    const expected = { name, query: { ...values } }
    const raw = Object.fromEntries(Object.entries(values).map(([key, list]) => [encodeURIComponent(key), list.map(encodeURIComponent)]))
    for (const [event, multiValueQueryStringParameters] of [
      [getEvent('http-api-1', '/live/' + name), values],
      [getEvent('rest-api', '/' + encodeURIComponent(name)), values],
      [getEvent('load-balancer-lists', '/' + encodeURIComponent(name)), raw],
    ] as const) {
      const { body } = await handler({ ...event, multiValueQueryStringParameters })
      t.strictSame(JSON.parse(body), expected, event.path ?? '')
    }
  }), { numRuns: 50 })
})

t.test('headers are found in whichever form they come', async t => {
  const table: [source: Source, fields: object, headers: object, why: string][] = [
    ['rest-api', { multiValueHeaders: { 'X-A': ['1', '2'], Cookie: ['a=1', 'b=2'] } }, { 'x-a': '1, 2', cookie: 'a=1; b=2' }, 'lists'],
    ['rest-api', { multiValueHeaders: null, headers: { 'X-A': '1' } }, { 'x-a': '1' }, 'no lists'],
    ['rest-api', { multiValueHeaders: null, headers: null }, {}, 'nothing, as from the console of the provider'],
    ['http-api-2', { headers: { Cookie: 'a=1' }, cookies: ['b=2', 'c=3'] }, { cookie: 'b=2; c=3' }, 'cookies that are there twice'],
    ['http-api-2', { headers: { cookie: 'a=1' }, cookies: undefined }, { cookie: 'a=1' }, 'cookies among the headers'],
    ['http-api-2', { headers: undefined, cookies: ['a=1'] }, { cookie: 'a=1' }, 'cookies alone'],
    ['function-compute', { headers: { 'X-A': '1' } }, { 'x-a': '1' }, 'names in any case'],
  ]
  for (const [source, fields, headers, why] of table) {
    const seen = await see({ ...getEvent(source, '/'), ...fields })
    t.strictSame(seen.headers, headers, why)
  }
})

t.test('the client of a load balancer is the one that the balancer has seen', async t => {
  const table: [forwarded: string | undefined, address: string | undefined][] = [
    ['192.0.2.7', '192.0.2.7'],
    ['203.0.113.9, 192.0.2.7', '192.0.2.7'],
    ['10.0.0.1,192.0.2.7:4711', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['x, [2001:db8::1]:4711', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['', undefined],
    [undefined, undefined],
  ]
  for (const [forwarded, address] of table) {
    const socket = address === undefined ? undefined : { remoteAddress: address }
    const one = { ...getEvent('load-balancer', '/'), headers: { 'X-Forwarded-For': forwarded } }
    const list = { ...getEvent('load-balancer-lists', '/'), multiValueHeaders: { 'x-forwarded-for': ['6.6.6.6', forwarded ?? ''] } }
    t.strictSame((await see(one)).socket, socket, String(forwarded))
    if (forwarded) t.strictSame((await see(list)).socket, socket, 'in a list: ' + forwarded)
  }
  const { requestContext } = readEvent('rest-api')
  t.equal((await see({ ...getEvent('rest-api', '/'), requestContext: { ...requestContext, identity: undefined } })).socket, undefined)
})

t.test('a body is bytes, as over a socket', async t => {
  const table: [fields: object, body: string | number[], length: string | undefined, why: string][] = [
    [{ body: 'a€' }, [97, 0xe2, 0x82, 0xac], '4', 'text'],
    [{ body: 'AP/+', isBase64Encoded: true }, [0, 255, 254], '3', 'base64'],
    [{ body: 'AA==', isBase64Encoded: true }, [0], '1', 'base64 with padding'],
    [{ body: '' }, '', undefined, 'an empty one'],
    [{ body: '', isBase64Encoded: true }, '', undefined, 'an empty one in base64'],
    [{ body: null }, '', undefined, 'none'],
    [{ body: undefined }, '', undefined, 'not even null'],
    [{ body: 'abc', headers: { 'Content-Length': '2' }, multiValueHeaders: null }, [97, 98, 99], '3', 'another length than it says'],
  ]
  for (const [fields, expected, length, why] of table) {
    const { body, headers } = await see({ ...getEvent('rest-api', '/'), multiValueHeaders: {}, ...fields })
    t.strictSame(typeof body == 'string' ? body : [...body as Uint8Array], expected, why)
    if (expected !== '') t.ok(Buffer.isBuffer(body), why)
    t.equal(headers['content-length'], length, why)
  }
})

t.test('how long a body may be is for the app to say', async t => {
  const body = 'x'.repeat(2 << 20)
  const event = { ...getEvent('rest-api', '/'), httpMethod: 'POST', body }
  t.match(await toLambda(answering(() => 'read'))(event), { statusCode: 400, body: /max body size/ })
  const large = rest({ router: new Router({ bodySizeLimit: 3 << 20 }) }).post('/', (req) => String((req.body as Uint8Array).length))
  t.match(await toLambda(large)(event), { statusCode: 200, body: String(2 << 20) })
})

t.test('a body that is broken is a 400, which err and post steps see', async t => {
  const seen: unknown[] = []
  const app = rest({ router: new Router() }).post('/', (req) => String(req.body))
  app.use('err', (err, _req, _res, next) => {
    seen.push((err as { statusCode: number }).statusCode)
    next(err)
  })
  app.use('post', (_req, _res, next) => {
    seen.push('post')
    next()
  })
  for (const body of ['a', 'aGVsbG8', 'aGVsbG8==', 'aGVs!bG8=', 'aGVs bG8=', 'aGVsbG9=', 'a-_b', '====', '€']) {
    const event = { ...getEvent('rest-api', '/'), httpMethod: 'POST', body, isBase64Encoded: true }
    const { statusCode, body: answer } = await toLambda(app)(event)
    t.equal(statusCode, 400, body)
    t.strictSame(JSON.parse(answer), { error: '400', message: '400 Bad Request', debug: 'the body is no base64' }, body)
  }
  t.strictSame(seen, Array(9).fill([400, 'post']).flat())
  const event = { ...getEvent('rest-api', '/'), httpMethod: 'POST', body: 'a', isBase64Encoded: true }
  const unread = rest({ router: new Router({ readBody: false }) }).post('/', () => 'not asked for')
  t.match(await toLambda(unread)(event), { statusCode: 200, body: 'not asked for' })
})

t.test('an event may be the bytes, or the text, of a document', async t => {
  const event = readEvent('function-compute')
  for (const given of [Buffer.from(JSON.stringify(event)), new TextEncoder().encode(JSON.stringify(event)), JSON.stringify(event)]) {
    t.match(await see(given), { method: 'PUT', url: /^\/items\/caf%C3%A9/ })
  }
  await t.rejects(toLambda(() => {})(Buffer.from('{')), { name: 'SyntaxError' })
})

t.test('what is no event of a request is refused, with the names that are in it', async t => {
  const rest1 = getEvent('rest-api', '/')
  const http2 = getEvent('http-api-2', '/')
  const table: [event: unknown, message: RegExp | string, why: string][] = [
    [{ Records: [{ eventSource: 'aws:sqs', body: 'x' }] }, 'no event of a request: it has Records', 'a message from a queue'],
    [{ version: '0', 'detail-type': 'Scheduled Event', detail: {} }, /has version,detail-type,detail$/, 'a clock'],
    [{ requestContext: { routeKey: '$connect', connectionId: '1' }, headers: {} }, /requestContext,headers/, 'a WebSocket'],
    [{ version: '2.0', method: 'GET', path: '/', headers: {} }, /version,method,path,headers/, 'an unknown kind of request'],
    [{ ...http2, version: '3.0' }, /version/, 'an unknown version'],
    [{ ...http2, version: undefined }, /rawPath/, 'no version'],
    [{ ...http2, rawPath: undefined }, /routeKey/, 'no path'],
    [{ ...http2, requestContext: { http: {} } }, /routeKey/, 'no method'],
    [{ ...rest1, path: null }, /resource/, 'no path'],
    [{ ...rest1, httpMethod: 7 }, /resource/, 'no method'],
    [{ ...rest1, body: { a: 1 } }, /resource/, 'a body that is no text'],
    [{ ...rest1, body: 0 }, /resource/, 'nor is this'],
    [{}, 'no event of a request: it has ', 'nothing in it'],
    ['null', 'no event of a request: null', 'null'],
    ['"text"', 'no event of a request: text', 'a text'],
    [null, 'no event of a request: null', 'null itself'],
    [undefined, 'no event of a request: undefined', 'nothing at all'],
    [7, 'no event of a request: 7', 'a number'],
    [[], 'no event of a request: it has ', 'a list'],
  ]
  for (const [event, message, why] of table) {
    const called: unknown[] = []
    await t.rejects(toLambda((...args) => called.push(args))(event), { name: 'TypeError', message }, why)
    t.strictSame(called, [], why)
  }
})

// ------------------------------------------------------------------------------------------------------- the answer

t.test('an answer has the form that its source asks for', async t => {
  const app = answering((_req, res) => {
    res.statusCode = 201
    res.setHeader('Content-Type', 'text/plain')
    res.setHeader('Vary', ['accept', 'origin'])
    res.setHeader('Set-Cookie', ['a=1', 'b=2', 'c=3'])
    res.setHeader('Connection', 'close')
    res.end('hi')
  })
  const headers = { 'content-type': 'text/plain', 'content-length': '2' }
  const cookies = ['a=1', 'b=2', 'c=3']
  const vary = ['accept', 'origin']
  const body = { body: 'hi', isBase64Encoded: false }
  const twoTables = { statusCode: 201, headers, multiValueHeaders: { vary, 'set-cookie': cookies }, ...body }
  const cookiesApart = { statusCode: 201, headers: { ...headers, vary: 'accept, origin' }, cookies, ...body }
  const spelled = { 'set-cookie': 'a=1', 'Set-cookie': 'b=2', 'sEt-cookie': 'c=3' }
  const oneEach = { statusCode: 201, headers: { ...headers, vary: 'accept, origin', ...spelled }, ...body }
  const lists = { 'content-type': ['text/plain'], 'content-length': ['2'], vary, 'set-cookie': cookies }
  const table: { [source in Source]: object } = {
    'rest-api': twoTables,
    'http-api-1': twoTables,
    'http-api-2': cookiesApart,
    'function-url': cookiesApart,
    'load-balancer': { ...oneEach, statusDescription: '201 Created' },
    'load-balancer-lists': { statusCode: 201, statusDescription: '201 Created', multiValueHeaders: lists, ...body },
    'function-compute': oneEach,
  }
  for (const source of SOURCES) t.strictSame(await ask(app, source), table[source], source)
})

t.test('an answer without lists has none, and one cookie needs no list', async t => {
  const headers = { 'content-type': 'text/plain; charset=utf-8', 'content-length': '2' }
  for (const source of ['rest-api', 'http-api-2', 'function-compute'] as const) {
    t.strictSame(await ask(answering(() => 'hi'), source), { statusCode: 200, headers, body: 'hi', isBase64Encoded: false }, source)
  }
  const baked = answering((_req, res) => {
    res.setHeader('set-cookie', 'a=1')
    res.end()
  })
  t.match(await ask(baked, 'http-api-2'), { cookies: ['a=1'] })
  t.match(await ask(baked, 'rest-api'), { headers: { 'set-cookie': 'a=1' } })
  t.match(await ask(baked, 'load-balancer'), { headers: { 'set-cookie': 'a=1' } })
})

t.test('as many cookies as you like have names of their own', async t => {
  const cookies = Array.from({ length: 500 }, (_, ix) => 'c' + ix)
  const { headers = {} } = await ask(answering((_req, res) => {
    res.setHeader('set-cookie', cookies)
    res.end()
  }), 'load-balancer')
  t.strictSame(Object.entries(headers).filter(([name]) => name.toLowerCase() === 'set-cookie').map(([, value]) => value), cookies)
})

t.test('a status that has no phrase gets one', async t => {
  t.match(await ask(answering((_req, res) => {
    res.statusCode = 799
    res.end()
  }), 'load-balancer'), { statusCode: 799, statusDescription: '799 Unknown' })
})

t.test('what belongs to a connection is not for the app to say', async t => {
  const names = ['Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade']
  const { headers } = await ask(answering((_req, res) => {
    for (const name of names) res.setHeader(name, 'x')
    res.setHeader('x-upgrade', 'y')
    res.end()
  }))
  t.strictSame(headers, { 'x-upgrade': 'y', 'content-length': '0' })
})

t.test('text goes as text, and all else in base64', async t => {
  const utf16 = Buffer.from('é', 'utf16le')
  const euro = Buffer.from('"€"')
  const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
  type Chunks = (string | Uint8Array)[]
  const table: [type: string | undefined, encoding: string | undefined, chunks: Chunks, isBase64: boolean, why: string][] = [
    ['text/plain', undefined, ['a', '€'], false, 'a text'],
    [undefined, undefined, ['a'], false, 'a text without a type'],
    ['image/svg+xml', undefined, [Buffer.from('<svg/>')], false, 'bytes of a type of text'],
    ['application/json', undefined, [euro.subarray(0, 2), euro.subarray(2)], false, 'a character in two chunks'],
    ['application/problem+json; charset=utf-8', undefined, ['{', Buffer.from('}')], false, 'text and bytes'],
    ['text/html', undefined, [Buffer.from('\ufeff<a>')], false, 'a byte order mark stays'],
    ['text/plain', undefined, [Uint8Array.of(0x66, 0xfc)], true, 'text in another encoding'],
    ['text/plain; charset=utf-16le', undefined, [utf16], true, 'and one more'],
    ['text/html', 'gzip', [Uint8Array.of(0x1f, 0x8b)], true, 'compressed'],
    ['text/html', 'br', [Buffer.from('plain by chance')], true, 'compressed, although it looks like text'],
    ['image/png', undefined, [Uint8Array.of(0x89, 0x50)], true, 'an image'],
    ['application/octet-stream', undefined, [Buffer.from('abc')], true, 'bytes'],
    [undefined, undefined, [Buffer.from('abc')], true, 'bytes without a type'],
    [word, undefined, [Buffer.from('PK')], true, 'a name with xml in it'],
    ['text/plain', undefined, [Uint8Array.of(1, 97, 98, 2).subarray(1, 3)], false, 'a part of bytes'],
  ]
  for (const [type, encoding, chunks, isBase64, why] of table) {
    const answer = await ask(answering((_req, res) => {
      if (type) res.setHeader('content-type', type)
      if (encoding) res.setHeader('content-encoding', encoding)
      for (const chunk of chunks) res.write(chunk)
      res.end()
    }))
    t.equal(answer.isBase64Encoded, isBase64, why)
    t.strictSame(bytesOf(answer), Buffer.concat(chunks.map(chunk => Buffer.from(chunk as string))), why)
  }
})

t.test('half of a surrogate pair is the replacement character', async t => {
  t.match(await ask(answering(() => 'a\ud800b\ud83d\ude00')), { body: 'a\ufffdb\ud83d\ude00', headers: { 'content-length': '9' } })
})

t.test('answers without a body have none', async t => {
  const app = rest({ router: new Router() })
  app.get('/', (_req, res) => {
    res.setHeader('etag', '"1"')
    res.end('hi')
  })
  app.get('/gone', (_req, res) => {
    res.statusCode = 204
    res.end()
  })
  const event = getEvent('rest-api', '/')
  t.strictSame(await toLambda(app)({ ...event, httpMethod: 'HEAD' }), {
    statusCode: 200, headers: { etag: '"1"', 'content-length': '2' }, body: '', isBase64Encoded: false,
  })
  t.strictSame(await toLambda(app)(getEvent('rest-api', '/gone')), { statusCode: 204, headers: {}, body: '', isBase64Encoded: false })
})

t.test('what is not routed is a 404, as everywhere', async t => {
  t.match(await toLambda(rest({ router: new Router() }))(getEvent('http-api-2', '/live/a b')), {
    statusCode: 404,
    headers: { 'content-type': 'application/json' },
    body: '{"error":"404","message":"404 Not Found","debug":"GET /a%20b: path not routed"}',
  })
})

// ---------------------------------------------------------------------------------------------------------- failures

t.test('a header that the runtimes refuse throws when it is set, and costs no more than its step', async t => {
  const warnings = catchWarnings(t)
  for (const value of ['a\nb', 'a\rb', 'a\0b', 'a\x01b', 'a\x7fb', 'caf\u0301', '€', ['fine', '\u2603']]) {
    const app = answering((_req, res) => {
      res.setHeader('x-a', value)
      res.end('unreachable')
    })
    t.match(await ask(app), { statusCode: 500, body: '{"error":"500","message":"500 Internal Error"}' }, quote(value))
    t.match(warnings.pop(), /^TypeError|bad header x-a: /)
  }
  for (const name of ['a b', '', 'ä', 'a:']) {
    t.match(await ask(answering((_req, res) => void res.writeHead(200, { [name]: '1' }))), { statusCode: 500 }, name)
  }
  const fine = await ask(answering((_req, res) => {
    res.setHeader('x-a', '\ttab and caf\xe9')
    res.setHeader('x-b', 7)
    res.end()
  }))
  t.match(fine.headers, { 'x-a': '\ttab and caf\xe9', 'x-b': '7' })
})

t.test('an app that throws is a 500, whether its answer had begun or not', async t => {
  const warnings = catchWarnings(t)
  const table: [why: string, app: Listener][] = [
    ['a step throws', answering(() => { throw new Error('secret') })],
    ['a step rejects', answering(async () => { throw new Error('secret') })],
    ['a step throws after its first chunk', answering((_req, res) => {
      res.write('a')
      throw new Error('secret')
    })],
    ['a step rejects after its first chunk', answering(async (_req, res) => {
      res.write('a')
      await settle()
      throw new Error('secret')
    })],
    ['a listener throws', () => { throw new Error('secret') }],
    ['a listener rejects', async () => { throw new Error('secret') }],
    ['a listener throws after its first chunk', (_req: HostReq, res: HostRes) => {
      res.write('a')
      throw new Error('secret')
    }],
  ]
  for (const [why, app] of table) {
    t.match(await ask(app), {
      statusCode: 500,
      headers: { 'content-type': 'application/json' },
      body: '{"error":"500","message":"500 Internal Error"}',
      isBase64Encoded: false,
    }, why)
    t.match(warnings.splice(0), [/secret/], why)
  }
})

t.test('an app that throws after its answer has answered', async t => {
  const warnings = catchWarnings(t)
  t.match(await ask((_req, res) => {
    res.end('done')
    throw new Error('late')
  }), { statusCode: 200, body: 'done' })
  t.match(warnings, [/late/])
})

t.test('an answer that the app cuts off is a 500', async t => {
  t.match(await ask((_req, res) => res.destroy()), { statusCode: 500 })
  t.match(await ask((_req, res) => {
    res.setHeader('x-a', '1')
    res.write('a')
    res.destroy()
  }), { statusCode: 500, headers: { 'x-a': undefined }, body: /500 Internal Error/ })
})

t.test('an app that never answers is a 503 before its time is over, and its post steps run', async t => {
  const table: [context: LambdaContext, options: LambdaOptions, why: string][] = [
    [{ getRemainingTimeInMillis: () => 2 }, {}, 'what the function may run'],
    [{ getRemainingTimeInMillis: () => 20 }, { timeMargin: 18 }, 'a margin of that'],
    [{ getRemainingTimeInMillis: () => 60_000 }, { timeLimit: 1 }, 'an own limit'],
    [{}, { timeLimit: 1 }, 'an own limit alone'],
    [{ function: { timeout: 0.002 } }, {}, 'what Function Compute says'],
    [{ function: {} }, { timeLimit: 1 }, 'Function Compute says nothing'],
    [{ getRemainingTimeInMillis: () => -5 }, {}, 'it is over already'],
  ]
  for (const [context, options, why] of table) {
    const post: string[] = []
    const app = answering(() => new Promise(() => {}))
    const silent = rest({ router: new Router() }).all('/', (_req, _res, _next) => {})
    silent.use('post', (req, _res, next) => {
      post.push(String(req.url))
      next()
    })
    for (const one of [app, silent]) {
      t.strictSame(await toLambda(one, options)(getEvent('function-url', '/'), context), {
        statusCode: 503,
        headers: { 'content-type': 'application/json' },
        body: '{"error":"503","message":"503 Service Unavailable"}',
        isBase64Encoded: false,
      }, why)
    }
    t.strictSame(post, ['/'], why)
  }
})

t.test('what has begun is a 503 as well when its time is over, and what comes later is dropped', async t => {
  let later = (): unknown => t.fail('not asked')
  const app: Listener = (_req, res) => {
    res.write('a')
    later = () => res.end('b')
  }
  t.match(await ask(app, 'function-url', { timeLimit: 1 }), { statusCode: 503 })
  t.doesNotThrow(() => later())
})

t.test('the longest limits that there are do not end at once', async t => {
  for (const timeLimit of [0x7fffffff, 2 ** 40, Infinity]) {
    t.match(await ask(answering(async () => {
      await new Promise(resolve => setTimeout(resolve, 2))
      return 'hi'
    }), 'function-url', { timeLimit }), { statusCode: 200 })
  }
})

t.test('the answer does not wait until nothing is left to do', async t => {
  const context = { callbackWaitsForEmptyEventLoop: true }
  const timer = setInterval(() => {}, 60_000)
  t.match(await toLambda(answering(() => 'hi'))(getEvent('rest-api', '/'), context), { body: 'hi' })
  clearInterval(timer)
  t.strictSame(context, { callbackWaitsForEmptyEventLoop: true }, 'nor is it told to')
})

t.test('the handler declares no callback, which newer runtimes refuse', async t => {
  const handler = toLambda(() => {})
  t.ok(handler.length <= 2)
})

t.test('options that cannot be throw, with their value', async t => {
  const table: [options: unknown, message: RegExp][] = [
    [{ basePath: 'shop' }, /basePath: shop/],
    [{ basePath: '/shop/' }, /basePath: \/shop\//],
    [{ basePath: '/' }, /basePath: \//],
    [{ timeLimit: 0 }, /timeLimit: 0/],
    [{ timeLimit: NaN }, /timeLimit: NaN/],
    [{ timeLimit: 'x' }, /timeLimit: x/],
    [{ timeMargin: -1 }, /timeMargin: -1/],
    [{ timeMargin: 'x' }, /timeMargin: x/],
  ]
  for (const [options, message] of table) t.throws(() => toLambda(() => {}, options as LambdaOptions), { message })
  t.throws(() => toLambda({} as Listener), { message: 'no app: [object Object]' })
  t.doesNotThrow(() => toLambda(() => {}, { basePath: undefined, timeLimit: undefined, timeMargin: undefined, streaming: undefined }))
})

// ---------------------------------------------------------------------------------------------------------- streaming

/** A handler that streams, or would if it could. */
const streaming = (app: Listener, options?: LambdaOptions) => toLambda(app, { ...options, streaming: true })

/** The events whose sources take an answer as it is written. */
const streamed = () => (['function-url', 'rest-api'] as const).map(source => getEvent(source, '/'))

t.test('where the runtime cannot stream answers are gathered', async t => {
  t.match(await streaming(answering(() => 'hi'))(getEvent('function-url', '/')), { statusCode: 200, body: 'hi' })
})

t.test('in a runtime that can stream', async t => {
  installRuntime(t)

  t.test('handlers are as before unless they are told to', async t => {
    t.match(await ask(answering(() => 'hi'), 'function-url'), { statusCode: 200, body: 'hi' })
    t.notOk('isStreaming' in toLambda(() => {}))
    t.ok('isStreaming' in streaming(() => {}))
  })

  t.test('a chunk is sent when it is written, the head with the first', async t => {
    for (const event of streamed()) {
      const stream = new RuntimeStream()
      let send: HostRes | undefined
      const done = invoke(streaming((_req, res) => {
        send = res
        res.writeHead(201, { 'content-type': 'text/plain' })
      }), event, { stream })
      t.strictSame([stream.head, stream.chunks], [undefined, []])
      send!.write('a')
      t.match([stream.head, stream.chunks], [{ statusCode: 201, headers: { 'content-type': 'text/plain' } }, ['a']])
      send!.write(Buffer.from('b'))
      t.strictSame([stream.chunks, stream.isEnded], [['a', 'b'], false])
      send!.end('c')
      await done
      t.strictSame([stream.body, stream.isEnded], ['abc', true])
      t.equal(stream.contentType, 'application/vnd.awslambda.http-integration-response')
    }
  })

  t.test('the head has the form that the source asks for', async t => {
    const app = answering((_req, res) => {
      res.setHeader('set-cookie', ['a=1', 'b=2'])
      res.setHeader('vary', ['accept', 'origin'])
      res.setHeader('connection', 'close')
      res.end('hi')
    })
    const [url, api] = await Promise.all(streamed().map(event => invoke(streaming(app), event)))
    t.strictSame(url?.head, { statusCode: 200, headers: { 'content-length': '2', vary: 'accept, origin' }, cookies: ['a=1', 'b=2'] })
    t.strictSame(api?.head, {
      statusCode: 200, headers: { 'content-length': '2' }, multiValueHeaders: { 'set-cookie': ['a=1', 'b=2'], vary: ['accept', 'origin'] },
    })
  })

  t.test('an answer without a body has its head', async t => {
    const app = rest({ router: new Router() })
    app.get('/', (_req, res) => {
      res.statusCode = 302
      res.setHeader('location', '/a')
      res.end()
    })
    const { head, body } = await invoke(streaming(app), getEvent('function-url', '/'))
    t.match([head, body], [{ statusCode: 302, headers: { location: '/a', 'content-length': '0' } }, ''])
    const event = { ...getEvent('rest-api', '/'), httpMethod: 'HEAD' }
    t.match(await invoke(streaming(app), event), { head: { statusCode: 302 }, body: '' })
  })

  t.test('steps reach the event and the context, and errors are answered', async t => {
    const context = { awsRequestId: 'id-1' }
    const app = answering((req) => new HttpError(409, req.lambda?.context.awsRequestId))
    const { head, body } = await invoke(streaming(app), getEvent('function-url', '/'), { context })
    t.match([head, JSON.parse(body)], [{ statusCode: 409 }, { error: '409', debug: 'id-1' }])
  })

  t.test('an app is told when there is no more room, and when there is again', async t => {
    const stream = new RuntimeStream()
    stream.hasRoom = false
    const told: unknown[] = []
    const done = invoke(streaming((_req, res) => {
      told.push(res.write('a'))
      res.on('drain', () => {
        told.push('drain')
        res.end('b')
      })
    }), getEvent('function-url', '/'), { stream })
    t.strictSame(told, [false])
    stream.emit('drain')
    await done
    t.strictSame([told, stream.body], [[false, 'drain'], 'ab'])
  })

  t.test('an app that fails before its head is a 500', async t => {
    const warnings = catchWarnings(t)
    const throws = () => { throw new Error('secret') }
    for (const app of [answering(throws), throws, (_req: HostReq, res: HostRes) => res.destroy()]) {
      const { head, body } = await invoke(streaming(app), getEvent('function-url', '/'))
      t.match(head, { statusCode: 500, headers: { 'content-type': 'application/json' } })
      t.equal(body, '{"error":"500","message":"500 Internal Error"}')
    }
    t.match(warnings, [/secret/, /secret/])
  })

  t.test('an app that fails after its head fails the call, for the client not to take it for the end', async t => {
    const warnings = catchWarnings(t)
    const apps: Listener[] = [
      answering((_req, res) => {
        res.write('a')
        throw new Error('secret')
      }),
      answering(async (_req, res) => {
        res.write('a')
        await settle()
        throw new Error('secret')
      }),
      (_req, res) => {
        res.write('a')
        res.destroy()
      },
    ]
    for (const app of apps) {
      const stream = new RuntimeStream()
      await t.rejects(invoke(streaming(app), getEvent('function-url', '/'), { stream }), { message: /cut off: 500/ })
      t.strictSame([stream.body, stream.isEnded], ['a', false])
    }
    t.match(warnings, [/secret/, /secret/])
  })

  t.test('an app that never answers is a 503; what has begun is cut off', async t => {
    const context = { getRemainingTimeInMillis: () => 2 }
    const silent = await invoke(streaming(() => {}), getEvent('function-url', '/'), { context })
    t.match([silent.head, silent.body], [{ statusCode: 503 }, '{"error":"503","message":"503 Service Unavailable"}'])

    let isClosed = false
    const slow: Listener = (_req, res) => {
      res.on('close', () => { isClosed = true })
      res.write('a')
    }
    await t.rejects(invoke(streaming(slow), getEvent('function-url', '/'), { context }), { message: /cut off: 503/ })
    t.ok(isClosed)
  })

  t.test('a client that leaves ends the call, and closes the response', async t => {
    for (const [event, message] of [['close', 'the client has left'], ['error', 'broken pipe']] as const) {
      const stream = new RuntimeStream()
      const post: unknown[] = []
      const app = rest({ router: new Router() })
      app.use('post', (_req, res, next) => {
        post.push(res.destroyed)
        next()
      })
      let res: HostRes | undefined
      app.get('/', (_req, it, _next) => {
        res = it
        it.write('a')
      })
      const done = invoke(streaming(app), getEvent('function-url', '/'), { stream })
      stream.emit(event, event === 'error' ? new Error(message) : undefined)
      await t.rejects(done, { message })
      t.strictSame(post, [true])
      t.equal(res?.write('b'), false)
      t.equal(stream.body, 'a')
    }
  })

  t.test('what comes of the stream after the end is nothing to the app', async t => {
    const stream = new RuntimeStream()
    await invoke(streaming(answering(() => 'hi')), getEvent('function-url', '/'), { stream })
    t.doesNotThrow(() => ['drain', 'close'].forEach(event => stream.emit(event)))
    t.doesNotThrow(() => stream.emit('error', new Error('late')))
  })

  t.test('a source that takes no stream gets what a handler returns, as JSON', async t => {
    const app = answering((_req, res) => {
      res.write('a')
      res.end('b')
    })
    for (const source of SOURCES) {
      const event = getEvent(source, '/')
      const stream = await invoke(streaming(app), event)
      if (source === 'function-url' || source === 'rest-api') {
        t.match(stream, { head: { statusCode: 200 }, chunks: ['a', 'b'] }, source)
      } else {
        t.match(stream, { head: undefined, contentType: 'application/json', isEnded: true }, source)
        t.strictSame(JSON.parse(stream.body), await toLambda(app)(event), source)
      }
    }
  })

  t.test('what is no event of a request is refused', async t => {
    const stream = new RuntimeStream()
    await t.rejects(invoke(streaming(() => {}), { Records: [] }, { stream }), { name: 'TypeError', message: /Records/ })
    t.strictSame(stream.chunks, [])
  })

  t.test('500 streams at once get each their own answer', async t => {
    const handler = streaming(buildEcho([]))
    const ids = Array.from({ length: 500 }, (_, id) => id)
    const streams = await Promise.all(ids.map(id => invoke(handler, echoEvent(id, SOURCES[id % 2 ? 0 : 3]!))))
    t.strictSame(streams.map(({ body }) => body), ids.map(id => `${id} body ${id}`))
  })
})

// ---------------------------------------------------------------------------------------------------------- in number

/** An app whose answers say for which request they are, some of them later. */
function buildEcho(refs: WeakRef<object>[]) {
  const app = rest({ router: new Router() })
  app.use('post', (_req, _res, next) => next())
  app.post('/echo/:id', async (req, res) => {
    refs.push(new WeakRef(req), new WeakRef(res))
    if (Number(req.params.id) % 2) await settle()
    res.end(req.params.id + ' ' + req.body)
  })
  app.get('/fails/:id', (req) => new HttpError(409, req.params.id))
  return app
}

const echoEvent = (id: number, source: Source): LambdaEvent => {
  const event = getEvent(source, `/echo/${id}`)
  const { http } = event.requestContext!
  return {
    ...event,
    ...(http ? { requestContext: { ...event.requestContext, http: { ...http, method: 'POST' } } } : { httpMethod: 'POST' }),
    body: 'body ' + id,
  }
}

t.test('10,000 events one after another lose nothing and leave nothing behind', async t => {
  const refs: WeakRef<object>[] = []
  const handler = toLambda(buildEcho(refs))
  let wrong = 0
  for (let id = 0; id < 10_000; id++) {
    const source = SOURCES[id % SOURCES.length]!
    const { body } = await handler(echoEvent(id, source), { getRemainingTimeInMillis: () => 60_000 })
    if (body !== `${id} body ${id}`) wrong++
  }
  t.equal(wrong, 0)
  await settle()
  gc()
  t.equal(refs.length, 20_000)
  t.ok(refs.filter(ref => ref.deref()).length <= 2, 'but for what the last call may have left on the stack')
})

t.test('500 events at once get each their own answer', async t => {
  const refs: WeakRef<object>[] = []
  const handler = toLambda(buildEcho(refs))
  const ids = Array.from({ length: 500 }, (_, id) => id)
  const context = { getRemainingTimeInMillis: () => 60_000 }
  const answers = await Promise.all(ids.map(id => handler(echoEvent(id, SOURCES[id % SOURCES.length]!), context)))
  t.strictSame(answers.map(({ body }) => body), ids.map(id => `${id} body ${id}`))
  const failures = await Promise.all(ids.map(id => handler(getEvent('rest-api', `/fails/${id}`))))
  t.strictSame(failures.map(({ statusCode, body }) => [statusCode, JSON.parse(body).debug]), ids.map(id => [409, String(id)]))
})
