// The small examples: each one runs, and answers what its comments say.

import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { ask, runExample } from './fixtures/example.ts'

// demo.js, with its app.js and page.js, has a test of its own, and so has lambda.js. koa.js has to-koa.js. serve.js and sessions.js are
// in deploy.ts, service-worker.js in test/hosts/fetch-browser.ts.
const TESTED = [
  'app', 'bare', 'demo', 'embed', 'errors', 'express', 'fetch', 'full', 'hello', 'koa', 'lambda', 'middleware', 'nano', 'page', 'serve',
  'service-worker', 'sessions', 'to-koa',
]

t.test('every example is tested', async t => {
  const files = readdirSync(path.join(ROOT, 'examples')).sort()
  t.strictSame(files, TESTED.map((name) => name + '.js'))
})

t.test('hello says hi', async t => {
  const { url } = await runExample(t, 'hello')
  t.equal(await ask(url + '/hello'), '200 hi')
})

t.test('full', async t => {
  const { url } = await runExample(t, 'full')
  const known = { headers: { authorization: 'Bearer secret' } }

  t.test('lets nobody past the guard without the token', async t => {
    const res = await fetch(url + '/notes/1')
    t.strictSame([res.status, res.headers.get('www-authenticate')], [401, 'Bearer'])
  })

  const table: [method: string, path: string, body: string | undefined, answer: string][] = [
    ['GET', '/notes/1', undefined, '200 buy milk'],
    ['GET', '/notes/2', undefined, '404 {"error":"404","message":"404 Not Found","debug":"no such note"}'],
    ['PUT', '/notes/2', 'sell eggs', '200 {"saved":"2"}'],
    ['GET', '/notes/2', undefined, '200 sell eggs'],
    ['GET', '/notes', undefined, '200 ["buy milk","sell eggs"]'],
    ['GET', '/notes?contains=eggs', undefined, '200 ["sell eggs"]'],
    ['GET', '/files/a/b%20c', undefined, '200 {"path":"/a/b c"}'],
    ['DELETE', '/notes/1', undefined, '404 {"error":"404","message":"404 Not Found","debug":"DELETE /notes/1: path not routed"}'],
  ]
  for (const [method, path, body, answer] of table) {
    t.equal(await ask(url + path, { ...known, method, ...(body && { body }) }), answer, `${method} ${path}`)
  }
})

t.test('nano answers for a path and what is below it, whatever the method', async t => {
  const { url, printed } = await runExample(t, 'nano')
  t.equal(await ask(url + '/status'), '200 {"up":true}')
  t.equal(await ask(url + '/echo/deeper', { method: 'PUT', body: 'x' }), '200 {"method":"PUT","url":"/echo/deeper","body":"x"}')
  t.match(await ask(url + '/statusquo'), /^404 /)
  t.equal((await fetch(url + '/status')).headers.get('cache-control'), 'no-store')
  t.equal(await printed(/statusquo/), 'GET /statusquo 404', 'the post step logs what is not routed, too')
})

t.test('bare answers every path by its one function', async t => {
  const { url } = await runExample(t, 'bare')
  t.equal(await ask(url + '/any/where', { method: 'POST', body: 'abc' }), '200 ABC')
  t.equal(await ask(url), '405 {"error":"405","message":"405 Method Not Allowed","debug":"post a text, and get it back"}')
})

t.test('errors', async t => {
  const { url, printed, lines } = await runExample(t, 'errors')

  t.test('an error that was made for the client tells it all', async t => {
    t.equal(await ask(url + '/expected'), '409 {"error":"409","message":"409 Conflict","debug":"there is one already","details":{"id":"7"}}')
  })

  t.test('an error that nobody foresaw is a bare 500 for the client, and on the console in full', async t => {
    t.equal(await ask(url + '/unforeseen'), '500 {"error":"500","message":"500 Internal Error"}')
    t.match(await printed(/TypeError/), 'the password is 1234')
  })

  t.test('an error that an err step knows is answered by it', async t => {
    t.equal(await ask(url + '/elsewhere'), '404 {"error":"404","message":"404 Not Found","debug":"no such file"}')
    t.notOk(lines().some((line) => line.includes('open failed')))
  })
})

t.test('embed answers below its prefix alone', async t => {
  const { url } = await runExample(t, 'embed')
  t.equal(await ask(url + '/api/users/7'), '200 {"id":"7"}')
  t.equal(await ask(url + '/api/nothing'), '404 {"error":"404","message":"404 Not Found","debug":"GET /api/nothing: path not routed"}')
  t.equal(await ask(url + '/other'), '200 the page that was there before')
})

t.test('fetch exports what a runtime serves', async t => {
  const { default: { fetch } } = await import(pathToFileURL(path.join(ROOT, 'examples/fetch.js')).href)
  const table: [method: string, path: string, body: string | undefined, answer: string][] = [
    ['GET', '/users/7', undefined, '200 {"id":"7"}'],
    ['GET', '/counted', undefined, '200 counted in a moment'],
    ['GET', '/count', undefined, '200 one two three'],
    ['POST', '/upper', 'abc', '200 ABC'],
  ]
  for (const [method, path, body, answer] of table) {
    const res: Response = await fetch(new Request('http://a.test' + path, { method, ...(body && { body }) }))
    t.equal(`${res.status} ${await res.text()}`, answer, path)
  }
})

t.test('middleware gives to the outer server what it does not answer', async t => {
  const { url } = await runExample(t, 'middleware')
  t.equal(await ask(url + '/users/7'), '200 {"id":"7"}')
  t.equal(await ask(url + '/other'), '200 a page of the outer server')
  t.equal(await ask(url + '/teapot'), '500 the error page of the outer server')
  t.equal(await ask(url + '/users/%zz'), '500 the error page of the outer server')
})

t.test('express parses the bodies, and answers what the app does not', async t => {
  const { url } = await runExample(t, 'express')
  const post = (body: string) => ({ method: 'POST', body, headers: { 'content-type': 'application/json' } })
  t.equal(await ask(url + '/api/notes', post('{"text":"buy milk"}')), '200 {"text":"buy milk","url":"/api/notes/1"}')
  t.equal(await ask(url + '/api/notes', post('{}')), '400 the error page of express: a note has a text')
  t.equal(await ask(url + '/api/nothing'), '404 a page of express')
})

t.test('koa answers what the app does not, over the bridge', async t => {
  const { url } = await runExample(t, 'koa')
  t.equal(await ask(url + '/api/users/7'), '200 {"name":"Ada"}')
  t.equal(await ask(url + '/api/users/8'), '404 the error page of koa')
  t.equal(await ask(url + '/other'), '200 a page of koa')
})
