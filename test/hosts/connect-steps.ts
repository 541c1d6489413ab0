// The other direction: middleware that was made for express, as steps of our apps, over real sockets. What it needs of express' own
// request and response is not there; docs/connect.md says what that is.

import { once } from 'node:events'
import http from 'node:http'
import { gunzipSync } from 'node:zlib'
import compression from 'compression'
import { rateLimit } from 'express-rate-limit'
import helmet from 'helmet'
import morgan from 'morgan'
import multer from 'multer'
import passport from 'passport'
import { Strategy as LocalStrategy } from 'passport-local'
import t from 'tap'
import { connect } from '../../hosts/connect.ts'
import type { App, Req, Res, Step } from '../../microrest.ts'
import { HttpError, Router, mw, rest } from '../fixtures/core.ts'
import { start } from '../fixtures/node/start.ts'
import { serve } from '../fixtures/server.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

const fullApp = (): App => rest({ router: new Router() })

/** Ask; the status and the text of the answer. */
async function ask(url: string, init?: RequestInit): Promise<[status: number, text: string]> {
  const res = await fetch(url, init)
  return [res.status, await res.text()]
}

t.test('helmet sets its headers: as a pre step on all answers, as a use step on those of routes', async t => {
  for (const [category, onMissing] of [['pre', true], ['use', false]] as const) {
    const { url } = await serve(t, fullApp().use(category, helmet()).get('/', () => 'hi'))
    t.equal((await fetch(url)).headers.get('x-content-type-options'), 'nosniff', category)
    t.equal((await fetch(url + '/missing')).headers.has('x-content-type-options'), onMissing, category + ', and a 404')
  }
})

t.test('morgan logs each answer, and the path that was asked for', async t => {
  catchWarnings(t)
  const lines: string[] = []
  let logged = (): void => {}
  const log = morgan(':method :url :status :res[content-type]', { stream: { write: (line) => { lines.push(line.trim()); logged() } } })
  const build = (...before: Step[]): App => fullApp().use('pre', ...before, log)
    .use('/inner', fullApp().get('/x', () => 'inner'))
    .get('/', () => 'hi')
    .get('/broken', () => { throw new Error('broken') })
  const keepUrl: Step = (req, _res, next) => next(void Object.assign(req, { originalUrl: req.url }))
  const middleware = connect(build())
  const hosts: { [host: string]: { url: string } } = {
    'http, after a step that keeps the url': await serve(t, build(keepUrl)),
    connect: await serve(t, middleware),
    'connect, in a server': await serve(t, (req, res) => middleware(req, res, () => res.writeHead(404).end())),
    node: await start(t, build()),
  }
  for (const [host, { url }] of Object.entries(hosts)) {
    for (const path of ['/', '/missing?a', '/broken', '/inner/x?a']) {
      const done = new Promise<void>((resolve) => { logged = resolve })
      await ask(url + path)
      await done
    }
    t.strictSame(lines.splice(0), [
      'GET / 200 text/plain; charset=utf-8', `GET /missing?a 404 ${host === 'connect, in a server' ? '-' : 'application/json'}`,
      'GET /broken 500 application/json', 'GET /inner/x?a 200 text/plain; charset=utf-8',
    ], host)
  }
})

t.test('compression', async t => {
  const text = 'a line of text\n'.repeat(1000)
  const app = fullApp().use('pre', compression())
  app.get('/text', () => text).get('/json', () => ({ text })).get('/short', () => 'short')
  app.get('/pieces', (_req, res) => {
    res.setHeader('content-type', 'text/plain')
    res.write('first, ')
    setImmediate(() => res.end('last'))
  })
  app.get('/error', () => new HttpError(400, text))
  const { url, port } = await serve(t, app)

  /** Ask without the help of fetch, which decodes; what came over the wire. */
  async function raw(path: string, method = 'GET'): Promise<{ headers: http.IncomingHttpHeaders; bytes: Buffer }> {
    const request = http.request({ host: '127.0.0.1', port, path, method, headers: { 'accept-encoding': 'gzip' }, agent: false }).end()
    const [response] = await once(request, 'response') as [http.IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of response) chunks.push(chunk)
    return { headers: response.headers, bytes: Buffer.concat(chunks) }
  }

  t.test('has answers sent compressed, those in pieces and errors too', async t => {
    const json = JSON.stringify({ text })
    for (const [path, expected] of [['/text', text], ['/json', json], ['/pieces', 'first, last'], ['/error', /a line/]] as const) {
      const { headers, bytes } = await raw(path)
      t.strictSame([headers['content-encoding'], headers['content-length'], headers.vary], ['gzip', undefined, 'Accept-Encoding'], path)
      t.match(gunzipSync(bytes).toString(), expected, path)
    }
  })

  t.test('leaves short answers, and clients that do not ask, as they are', async t => {
    const { headers, bytes } = await raw('/short')
    t.strictSame([headers['content-encoding'], bytes.toString()], [undefined, 'short'])
    t.equal((await fetch(url + '/text', { headers: { 'accept-encoding': 'identity' } })).headers.get('content-encoding'), null)
    t.equal((await raw('/text', 'HEAD')).bytes.length, 0)
  })
})

t.test('multer', async t => {
  catchWarnings(t)
  const upload = multer({ limits: { fileSize: 2_000_000 } })
  const show = (req: Req) => {
    const { body, file } = req as Req & { file?: Express.Multer.File }
    return [body, file?.originalname, file?.size]
  }
  const form = (size: number): RequestInit => {
    const body = new FormData()
    body.set('name', 'Ada')
    body.set('file', new Blob(['x'.repeat(size)]), 'a.txt')
    return { method: 'POST', body }
  }

  t.test('reads a form as a use step, before the body would be read', async t => {
    const app = fullApp().use('/up', upload.single('file') as never).post('/up/:any', show).post('/other', (req) => String(req.body))
    const { url } = await serve(t, app)
    t.strictSame(await ask(url + '/up/x', form(1_500_000)), [200, '[{"name":"Ada"},"a.txt",1500000]'], 'whatever bodySizeLimit is')
    t.strictSame(await ask(url + '/up/x', { method: 'POST', body: 'abc' }).then(([status]) => status), 200, 'what is no form it leaves')
    t.strictSame(await ask(url + '/other', { method: 'POST', body: 'abc' }), [200, 'abc'])
    t.strictSame((await ask(url + '/up/x', form(2_500_000)))[0], 500, 'its own limit is an error without a status')
  })

  t.test('reads a form as the first step of a route that leaves its body unread', async t => {
    const single: Step = Object.assign(upload.single('file') as never as Step, { readBody: false as const })
    const app = fullApp().post('/up', single, show).use('err', (err, _req, _res, next) => {
      next((err as { code?: string }).code === 'LIMIT_FILE_SIZE' ? new HttpError(413) : err)
    })
    const { url } = await serve(t, app)
    t.strictSame(await ask(url + '/up', form(3)), [200, '[{"name":"Ada"},"a.txt",3]'])
  })

  t.test('fails on a route whose body has been read, and does not wait', async t => {
    const { url } = await serve(t, fullApp().post('/up', upload.single('file') as never, show))
    t.equal((await ask(url + '/up', form(3)))[0], 500)
  })
})

t.test('passport', async t => {
  catchWarnings(t)
  const auth = new passport.Passport()
  auth.use(new LocalStrategy((name, password, done) => done(null, password === 'secret' && { id: '7', name })))
  /** Forms as an object, where the strategy looks for the name and the password. */
  const parseForm: Step = (req, _res, next) => {
    req.body = mw.parseQuery(String(req.body))
    next()
  }
  const app = fullApp().use(auth.initialize())
  app.post('/login', parseForm, auth.authenticate('local', { session: false }), (req) => (req as Req & { user?: unknown }).user)
  app.post('/redirecting', parseForm, auth.authenticate('local', { session: false, failureRedirect: '/login' }), () => 'in')
  function form(password: string): RequestInit {
    return { method: 'POST', body: new URLSearchParams({ username: 'ada', password }), redirect: 'manual' }
  }

  t.test('lets in who is known, and answers others itself', async t => {
    const { url } = await serve(t, app)
    t.strictSame(await ask(url + '/login', form('secret')), [200, '{"id":"7","name":"ada"}'])
    t.strictSame(await ask(url + '/login', form('guess')), [401, 'Unauthorized'])
    t.strictSame(await ask(url + '/login', { method: 'POST' }), [400, 'Bad Request'])
  })

  t.test('redirects if it is given the redirect of express', async t => {
    const bare = await serve(t, app)
    t.equal((await ask(bare.url + '/redirecting', form('guess')))[0], 500, 'which is not there')
    const { url } = await serve(t, fullApp().use('pre', (_req, res, next) => {
      Object.assign(res, { redirect: (to: string) => (res as Res).writeHead(302, { location: to }).end() })
      next()
    }).use('/', app))
    t.strictSame((await fetch(url + '/redirecting', form('guess'))).headers.get('location'), '/login')
    t.strictSame(await ask(url + '/redirecting', form('secret')), [200, 'in'])
  })
})

t.test('express-rate-limit counts by what it is told, and has its refusals answered as errors', async t => {
  const logged: unknown[] = []
  const limit = rateLimit({
    limit: 2,
    standardHeaders: 'draft-7',
    legacyHeaders: false,
    keyGenerator: (req) => String(req.headers['x-key']),
    handler: (_req, _res, next) => next(new HttpError(429, 'not so fast')),
    validate: { trustProxy: false },
    logger: { error: (what: unknown) => logged.push(what), warn: (what: unknown) => logged.push(what) } as never,
  })
  const { url } = await serve(t, fullApp().use('pre', limit).get('/', () => 'hi'))
  const headers = { 'x-key': 'a' }
  t.equal((await fetch(url, { headers })).headers.get('ratelimit')?.split(', reset')[0], 'limit=2, remaining=1')
  t.strictSame(await ask(url, { headers }), [200, 'hi'])
  t.strictSame(await ask(url, { headers }), [429, '{"error":"429","message":"429 Too Many Requests","debug":"not so fast"}'])
  t.strictSame(await ask(url, { headers: { 'x-key': 'b' } }), [200, 'hi'])
  t.strictSame(logged, [])
})
