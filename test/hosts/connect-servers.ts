// connect inside of the servers of others, each a real one: what the app does not route falls through to them, errors reach theirs, and
// the path and the body are as they left them.

import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import 'reflect-metadata'
import fastifyExpress from '@fastify/express'
import middie from '@fastify/middie'
import { bodyParser } from '@koa/bodyparser'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import connectServer from 'connect'
import express from 'express'
import fastify from 'fastify'
import type { FastifyInstance } from 'fastify'
import Koa from 'koa'
import multer from 'multer'
import polka from 'polka'
import t, { type Test } from 'tap'
import { createServer as createVite } from 'vite'
import { toKoa } from '../../examples/to-koa.js'
import { connect } from '../../hosts/connect.ts'
import type { ConnectMiddleware, ConnectOptions } from '../../hosts/connect.ts'
import type { App, HostReq, HttpErrorLike, Req } from '../../microrest.ts'
import { makeCertificate } from '../fixtures/certificate.ts'
import { HttpError, Router, mw, rest, sendResponse } from '../fixtures/core.ts'
import { catchWarnings } from '../fixtures/warnings.ts'

// (It has no types of its own.)
const express4 = createRequire(import.meta.url)('express4') as typeof express


interface Server {
  name: string
  /** Serve with the middleware in place, below /api if the server knows prefixes; resolves to where it listens. */
  serve(t: Test, middleware: ConnectMiddleware, options: ServerOptions): Promise<string>
  /** It has no prefixes for middleware. */
  isFlat?: boolean
  /** It makes what it says of an error itself. */
  ownErrors?: boolean
}

interface ServerOptions {
  /** Have JSON bodies parsed by the server before the middleware runs. */
  parses?: boolean
}

// ------------------------------------------------------------------------------------------------------- the servers

/** What the outer server answers where the app does not: how it finds the request then. */
function look(req: HostReq): string {
  const { url, originalUrl, baseUrl, params, query } = req as Req & { originalUrl?: string }
  return JSON.stringify({ url, originalUrl: originalUrl ?? null, baseUrl: baseUrl || null, params, query })
}

/** Answer as the outer server. */
function answer(res: http.ServerResponse | http2.Http2ServerResponse, statusCode: number, text: string): void {
  res.statusCode = statusCode
  res.end(text)
}

/** What the outer server says of an error. */
const complain = (err: unknown): string => 'outer: ' + (err as Error).message
const statusOf = (err: unknown): number => (err as HttpErrorLike).statusCode ?? 500

/** Have a server listen until the test is over. */
async function listen(t: Test, server: http.Server | http2.Http2SecureServer): Promise<string> {
  server.listen(0, '127.0.0.1')
  t.after(() => {
    if (server instanceof http.Server) server.closeAllConnections()
    server.close()
  })
  await once(server, 'listening')
  return 'http://127.0.0.1:' + (server.address() as AddressInfo).port
}

/** Express, of whichever version. */
function expressServer(name: string, create: typeof express): Server {
  return {
    name,
    serve(t, middleware, { parses }) {
      const server = create()
      if (parses) server.use(create.json())
      server.use('/api', middleware)
      server.use((req, res) => answer(res, 200, look(req)))
      const onError: express.ErrorRequestHandler = (err, _req, res, _next) => answer(res, statusOf(err), complain(err))
      server.use(onError)
      return listen(t, http.createServer(server))
    },
  }
}

/** Fastify, with one of its plugins for middleware. */
function fastifyServer(name: string, register: (server: FastifyInstance, parses?: boolean) => Promise<unknown>): Server {
  return {
    name,
    async serve(t, middleware, { parses }) {
      const server = fastify()
      t.after(() => server.close())
      await register(server, parses)
      ;(server as unknown as { use(path: string, f: unknown): void }).use('/api', middleware)
      server.all('/*', (request, reply) => { reply.send(look(request.raw)) })
      server.setErrorHandler((err, _request, reply) => { reply.code(statusOf(err)).send(complain(err)) })
      return server.listen({ port: 0, host: '127.0.0.1' })
    },
  }
}

const SERVERS: Server[] = [
  {
    name: 'node:http',
    isFlat: true,
    serve(t, middleware) {
      return listen(t, http.createServer((req, res) => {
        middleware(req, res, (err) => answer(res, err ? statusOf(err) : 200, err ? complain(err) : look(req)))
      }))
    },
  },
  expressServer('express 5', express),
  expressServer('express 4', express4),
  {
    name: 'connect',
    serve(t, middleware, { parses }) {
      const server = connectServer()
      if (parses) server.use(express4.json())
      server.use('/api', middleware)
      server.use((req, res) => answer(res, 200, look(req)))
      const onError: connectServer.ErrorHandleFunction = (err, _req, res, _next) => answer(res, statusOf(err), complain(err))
      server.use(onError)
      return listen(t, http.createServer(server))
    },
  },
  {
    name: 'polka',
    async serve(t, middleware, { parses }) {
      const server = polka({ onError: (err, _req, res) => answer(res, statusOf(err), complain(err)) })
      if (parses) server.use(express4.json())
      server.use('/api', middleware)
      server.all('*', (req, res) => answer(res, 200, look(req)))
      const outer = http.createServer()
      server.server = outer
      server.listen(0, '127.0.0.1')
      t.after(() => outer.close())
      await once(outer, 'listening')
      return 'http://127.0.0.1:' + (outer.address() as AddressInfo).port
    },
  },
  // (Its bodies are parsed before the hook preHandler, and after onRequest.)
  fastifyServer('fastify with @fastify/middie', async (server, parses) => (
    server.register(middie, { hook: parses ? 'preHandler' : 'onRequest' })
  )),
  fastifyServer('fastify with @fastify/express', async (server, parses) => (
    server.register(fastifyExpress, { expressHook: parses ? 'preHandler' : 'onRequest' })
  )),
  {
    name: 'koa',
    isFlat: true,
    serve(t, middleware, { parses }) {
      const server = new Koa()
      server.use(async (ctx, next) => {
        try {
          await next()
        } catch (err) {
          ctx.status = statusOf(err)
          ctx.body = complain(err)
        }
      })
      if (parses) server.use(bodyParser())
      server.use(toKoa(middleware))
      server.use((ctx) => { ctx.body = look(ctx.req) })
      return listen(t, http.createServer(server.callback()))
    },
  },
  {
    name: 'a dev server of Vite',
    async serve(t, middleware, { parses }) {
      const server = await createVite({
        configFile: false,
        root: t.testdir({ 'index.html': '<html></html>', 'page.txt': 'a file' }),
        logLevel: 'silent',
        appType: 'custom',
        server: { port: 0, host: '127.0.0.1', watch: null, ws: false },
        optimizeDeps: { noDiscovery: true },
        plugins: [{
          name: 'api',
          configureServer(server) {
            if (parses) server.middlewares.use(express4.json())
            server.middlewares.use('/api', middleware)
            // What is returned here is put after Vite's own middleware.
            return () => {
              server.middlewares.use((req, res) => answer(res, 200, look(req)))
              const onError: connectServer.ErrorHandleFunction = (err, _req, res, _next) => answer(res, statusOf(err), complain(err))
              server.middlewares.use(onError)
            }
          },
        }],
      })
      t.after(() => server.close())
      await server.listen()
      return server.resolvedUrls!.local[0]!.replace(/\/$/, '')
    },
  },
  {
    name: 'NestJS',
    ownErrors: true,
    async serve(t, middleware, { parses }) {
      class AppModule {}
      Module({})(AppModule)
      const server = await NestFactory.create(AppModule, { logger: false })
      t.after(() => server.close())
      if (parses) server.use(express.json())
      server.use('/api', middleware)
      await server.listen(0, '127.0.0.1')
      return server.getUrl()
    },
  },
]

// --------------------------------------------------------------------------------------------------------- the tests

/** An app with all kinds of answers. */
function makeApp(): App {
  const app = rest({ router: new Router() })
  app.use(mw.mwParseQuery)
  app.get('/users/:id', (req) => ({ id: req.params.id, url: req.url, baseUrl: req.baseUrl, query: req.query }))
  app.get('/', (req) => [req.url, req.baseUrl])
  app.post('/echo', ({ body }) => (body instanceof Uint8Array ? 'bytes ' + Buffer.from(body) : 'parsed ' + JSON.stringify(body)))
  app.post('/length', ({ body }) => String((body as Uint8Array).length))
  app.get('/gone', () => new HttpError(404, 'no such user'))
  app.get('/taken', () => new HttpError(409))
  app.get('/broken', () => { throw new TypeError('broken') })
  app.get('/both', (req, res, next) => sendResponse(req, res, next, null, 200, 'both'))
  app.get('/begun', (_req, res, next) => {
    res.write('a')
    next()
    setImmediate(() => res.end('b'))
  })
  app.get('/cut', (_req, res) => {
    res.write('a')
    throw new Error('cut')
  })
  app.get('/on', (_req, _res, next) => next())
  return app
}

/** Ask; the status and the text of the answer. */
async function ask(url: string, init?: RequestInit): Promise<[status: number, text: string]> {
  const res = await fetch(url, init)
  return [res.status, await res.text()]
}

for (const server of SERVERS) {
  /** Serve an app, below /api, or what is to be there in place of it. */
  function serve(t: Test, app: App | undefined, options?: ConnectOptions & ServerOptions): Promise<string> {
    if (!app) return server.serve(t, (_req, _res, next) => next!(), options ?? {})
    const { parses = false, ...ours } = options ?? {}
    const mounted = server.isFlat ? rest({ router: new Router() }).use('/api', app) : app
    return server.serve(t, connect(mounted, ours), { parses })
  }

  t.test('an app in ' + server.name, async t => {
    t.test('answers what it routes, and sees the path below its prefix', async t => {
      const url = await serve(t, makeApp())
      const user = { id: '7', url: '/users/7?a=1&b', baseUrl: '/api', query: { a: '1', b: 1 } }
      t.strictSame(await ask(url + '/api/users/7?a=1&b'), [200, JSON.stringify(user)])
      t.strictSame(await ask(url + '/api/'), [200, '["/","/api"]'])
      t.match(await ask(url + '/api'), [200, /"\/api"\]$/], 'the prefix itself')
      t.match(await ask(url + '/api?a'), [200, /"\/api"\]$/], 'and with a query')
      t.equal((await fetch(url + '/api/users/7', { method: 'HEAD' })).status, 200)
    })

    t.test('lets fall through what it does not route, as it was', async t => {
      const url = await serve(t, makeApp())
      const without = await serve(t, undefined)
      for (const path of ['/api/nothing?a=1&b', '/api/users', '/api/users/7/more', '/api/on', '/apis', '/other?a[]=1']) {
        t.strictSame(await ask(url + path), await ask(without + path), path)
      }
      const put = { method: 'PUT', body: 'abc' }
      t.strictSame(await ask(url + '/api/users/7', put), await ask(without + '/api/users/7', put), 'another method')
    })

    t.test('answers once', async t => {
      const url = await serve(t, makeApp())
      t.strictSame(await ask(url + '/api/both'), [200, 'both'])
      t.strictSame(await ask(url + '/api/begun'), [200, 'ab'])
    })

    t.test('answers its errors', async t => {
      const warnings = catchWarnings(t)
      const url = await serve(t, makeApp())
      t.strictSame(await ask(url + '/api/gone'), [404, '{"error":"404","message":"404 Not Found","debug":"no such user"}'])
      t.strictSame(await ask(url + '/api/taken'), [409, '{"error":"409","message":"409 Conflict"}'])
      t.strictSame(await ask(url + '/api/broken'), [500, '{"error":"500","message":"500 Internal Error"}'])
      t.match(await ask(url + '/api/users/%zz'), [400, /./])
      t.strictSame(warnings, ['broken'])
    })

    t.test('passes its errors on if it is to', async t => {
      const warnings = catchWarnings(t)
      const url = await serve(t, makeApp(), { errors: 'pass' })
      const said = (text: string): string | RegExp => (server.ownErrors ? /^\{"/ : text)
      t.match(await ask(url + '/api/gone'), [404, said('outer: 404 Not Found')])
      t.match(await ask(url + '/api/taken'), [server.ownErrors ? Number : 409, said('outer: 409 Conflict')])
      t.match(await ask(url + '/api/broken'), [500, said('outer: broken')])
      t.strictSame(await ask(url + '/api/both'), [200, 'both'])
      t.strictSame(warnings, [], 'and says nothing of them itself')
    })

    t.test('cuts off an answer that fails when it has begun', async t => {
      const warnings = catchWarnings(t)
      for (const errors of ['answer', 'pass'] as const) {
        await t.rejects(ask(await serve(t, makeApp(), { errors }) + '/api/cut'), errors)
      }
      t.strictSame(warnings, ['cut', 'cut'])
    })

    t.test('reads a body itself', async t => {
      const url = await serve(t, makeApp()) + '/api'
      t.strictSame(await ask(url + '/echo', { method: 'POST', body: 'abc' }), [200, 'bytes abc'])
      t.strictSame(await ask(url + '/echo', { method: 'POST' }), [200, 'bytes '])
      t.strictSame(await ask(url + '/length', { method: 'POST', body: 'x'.repeat(500_000) }), [200, '500000'])
    })

    t.test('takes a body that has been parsed before, and reads one that has not', async t => {
      const url = await serve(t, makeApp(), { parses: true }) + '/api/echo'
      const json = { 'content-type': 'application/json' }
      const parses = server.name !== 'node:http'
      for (const body of ['{"a":[1]}', '{}']) {
        t.strictSame(await ask(url, { method: 'POST', body, headers: json }), [200, (parses ? 'parsed ' : 'bytes ') + body])
      }
      const text = await ask(url, { method: 'POST', body: 'abc', headers: { 'content-type': 'text/plain' } })
      t.match(text, [200, /^(bytes abc|parsed "abc")$/])
      t.strictSame(await ask(url, { method: 'POST' }), [200, 'bytes '])
    })
  })
}

// --------------------------------------------------------------------------------------------- what one server alone has

t.test('a dev server of Vite goes on to serve its own files', async t => {
  const url = await SERVERS.find(({ name }) => name.includes('Vite'))!.serve(t, connect(makeApp()), {})
  t.match(await ask(url + '/page.txt'), [200, 'a file'])
  t.match(await ask(url + '/api/users/7'), [200, /"id":"7"/])
})

t.test('the routes of express and their parameters', async t => {
  const server = express()
  server.use('/:tenant', connect(rest({ router: new Router() }).get('/users/:id', (req) => req.params)))
  server.get('/:tenant/:other', (req, res) => res.json(req.params))
  const url = await listen(t, http.createServer(server))
  t.strictSame(await ask(url + '/acme/users/7'), [200, '{"tenant":"acme","id":"7"}'])
  t.strictSame(await ask(url + '/acme/nothing'), [200, '{"tenant":"acme","other":"nothing"}'])
})

t.test('a form with a file that express has had read by multer', async t => {
  const server = express()
  server.use(multer().single('file'))
  server.use(connect(rest({ router: new Router() }).post('/', (req) => {
    const { body, file } = req as Req & { file?: Express.Multer.File }
    return [body, file?.originalname, String(file?.buffer)]
  })))
  const url = await listen(t, http.createServer(server))
  const body = new FormData()
  body.set('a', '1')
  body.set('file', new Blob(['content']), 'b.txt')
  t.strictSame(await ask(url, { method: 'POST', body }), [200, '[{"a":"1"},"b.txt","content"]'])
  t.strictSame(await ask(url, { method: 'POST', body: new FormData() }), [200, '[{},null,"undefined"]'], 'an empty form')
})

t.test('in a handler of fastify the body is handed along', async t => {
  const api = connect(makeApp())
  const server = fastify()
  t.after(() => server.close())
  server.all('/*', (request, reply) => {
    reply.hijack()
    api(Object.assign(request.raw, { body: request.body }), reply.raw, () => answer(reply.raw, 404, 'outer'))
  })
  const url = await server.listen({ port: 0, host: '127.0.0.1' })
  const post = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
  t.strictSame(await ask(url + '/echo', post), [200, 'parsed {"a":1}'])
  t.strictSame(await ask(url + '/nothing'), [404, 'outer'])
})

// ----------------------------------------------------------------------------------------------------------- HTTP/2

/** Ask over HTTP/2; the status and the text of the answer. Rejects if the stream is cut off. */
async function askHttp2(
  session: http2.ClientHttp2Session, path: string, method = 'GET', body = ''
): Promise<[status: unknown, text: string]> {
  const stream = session.request({ ':path': path, ':method': method }, { endStream: !body })
  if (body) stream.end(body)
  const [headers] = await once(stream, 'response') as [http2.IncomingHttpHeaders & { ':status'?: number }]
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return [headers[':status'], text]
}

/** Ask over HTTP/1.1, on TLS. */
async function askHttps(port: number, ca: string, path: string, method = 'GET', body = ''): Promise<[status: unknown, text: string]> {
  const request = https.request({ host: '127.0.0.1', port, path, method, ca, agent: false })
  request.end(body)
  const [response] = await once(request, 'response') as [http.IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return [response.statusCode, text]
}

t.test('http2.createSecureServer with allowHTTP1', async t => {
  const warnings = catchWarnings(t)
  const { key, cert } = makeCertificate()

  /** Serve; what asks by each of the protocols. */
  async function serve(t: Test, app: App, options?: ConnectOptions) {
    const api = connect(app, options)
    const closed: unknown[] = []
    const server = http2.createSecureServer({ key, cert, allowHTTP1: true }, (req, res) => {
      api(req, res, (err) => {
        closed.push(err)
        answer(res, err ? statusOf(err) : 200, err ? complain(err) : 'outer ' + req.url)
      })
    })
    const { port } = new URL(await listen(t, server))
    const session = http2.connect('https://127.0.0.1:' + port, { ca: cert })
    t.after(() => session.destroy())
    await once(session, 'connect')
    const asks = [
      ['HTTP/2', (...args: [path: string, method?: string, body?: string]) => askHttp2(session, ...args)],
      ['HTTP/1.1', (...args: [path: string, method?: string, body?: string]) => askHttps(Number(port), cert, ...args)],
    ] as const
    return { asks, session, closed }
  }

  t.test('answers, falls through and fails over both protocols', async t => {
    const passing = new Map((await serve(t, makeApp(), { errors: 'pass' })).asks)
    for (const [protocol, ask] of (await serve(t, makeApp())).asks) {
      t.strictSame(await ask('/users/7?a=1'), [200, '{"id":"7","url":"/users/7?a=1","query":{"a":"1"}}'], protocol)
      t.strictSame(await ask('/nothing?a'), [200, 'outer /nothing?a'], protocol)
      t.strictSame(await ask('/echo', 'POST', 'abc'), [200, 'bytes abc'], protocol)
      t.strictSame(await ask('/both'), [200, 'both'], protocol)
      t.strictSame(await ask('/taken'), [409, '{"error":"409","message":"409 Conflict"}'], protocol)
      t.strictSame(await passing.get(protocol)!('/taken'), [409, 'outer: 409 Conflict'], protocol)
      await t.rejects(ask('/cut'), protocol)
    }
    t.strictSame(warnings, ['cut', 'cut'])
  })

  t.test('a client that cancels does not have its request handed to the outer server', async t => {
    let begun = (_res: unknown): void => {}
    const asked = new Promise<unknown>((resolve) => { begun = resolve })
    const app = rest({ router: new Router() }).get('/', (_req, res) => begun(res)).use('post', (_req, _res, next) => next())
    const { session, closed } = await serve(t, app)
    const stream = session.request({ ':path': '/' })
    const ended = once(await asked as http2.Http2ServerResponse, 'close')
    stream.close(http2.constants.NGHTTP2_CANCEL)
    await ended
    await new Promise(setImmediate)
    t.strictSame(closed, [])
  })
})
