// Each contender as an app with a use step or more and ten routes, and the function that hands it a request for one of them.

import { createRequire } from 'node:module'
import { loadOurs } from '../kit/bench.mjs'

// Peers are not typed here: their types are for servers, and some have none.
/** The CommonJS ones. @type {(name: string) => any} */
const loadCjs = createRequire(import.meta.url)
/** The others. @type {(name: string) => Promise<any>} */
const load = (name) => import(name)

/**
 * @typedef {object} Contender
 * @property {import('./steps.mjs').Style} style
 * @property {boolean} [isAsync] answers by a promise
 * @property {string} [origin] what its urls begin with
 * @property {(steps: import('./steps.mjs').Steps) => Promise<(url: string) => any>} build the app, as a function that carries one request
 *   through it
 * @property {(answer: any) => unknown} textOf what has been answered
 */

/** A request as servers see it, cut down to what somebody here reads. */
class Req {
  method = 'GET'
  headers = {}
  /** @type {{ [name: string]: string } | undefined} */
  params = undefined
  // It has been read.
  body = {}
  baseUrl = undefined
  originalUrl = undefined
  constructor(/** @type {string} */ url) { this.url = url }
}

class Res {
  statusCode = 200
  headersSent = false
  writableEnded = false
  /** @type {string | undefined} */
  text = undefined
  setHeader() {}
  writeHead() {}
  getHeader() {}
  end(/** @type {string} */ text) {
    this.headersSent = true
    this.writableEnded = true
    this.text = text
  }
}

/** The routes; the request is for the first that has a parameter. */
const PATHS = [
  '/', '/users', '/users/:id', '/users/:id/posts', '/users/:id/posts/:post', '/posts', '/posts/:post', '/about', '/search', '/status',
]

/** @type {(req: Req, res: Res) => void} */
const answer = (req, res) => res.end(req.params?.id ?? '')
/** @type {(req: Req, res: Res) => void} */
const other = (req, res) => res.end(`not /users/:id but ${req.url}`)
/** @param {string} path */
const handlerOf = (path) => (path === '/users/:id' ? answer : other)

/** @type {Pick<Contender, 'style' | 'textOf'>} */
const NODE = { style: 'node', textOf: (res) => res.text }

/**
 * A dispatch by a listener of node's kind.
 *
 * @param {(req: any, res: any, next: (err?: unknown) => void) => unknown} listener
 */
function byListener(listener) {
  const next = () => {}
  return (/** @type {string} */ url) => {
    const res = new Res()
    listener(new Req(url), res, next)
    return res
  }
}

/**
 * The same for one that runs the steps in a later turn.
 *
 * @param {(req: any, res: any, next: (err?: unknown) => void) => unknown} listener
 */
function byLateListener(listener) {
  return (/** @type {string} */ url) => new Promise((resolve) => {
    const res = new Res()
    res.end = (text) => {
      res.text = text
      resolve(res)
    }
    listener(new Req(url), res, () => resolve(res))
  })
}

/** find-my-way behind the steps of middie, as fastify has them. @param {boolean} isCompiled @returns {Contender} */
function findMyWay(isCompiled) {
  return {
    ...NODE,
    async build(steps) {
      const router = loadCjs('find-my-way')()
      const engine = loadCjs('@fastify/middie/lib/engine')((/** @type {unknown} */ err, /** @type {Req} */ req, /** @type {Res} */ res) => {
        if (err) throw err
        router.lookup(req, res)
      })
      for (const step of steps) engine.use(step)
      // It hands the parameters over as an argument.
      for (const path of PATHS) {
        const handler = handlerOf(path)
        router.on('GET', path, (/** @type {Req} */ req, /** @type {Res} */ res, /** @type {Req['params']} */ params) => {
          req.params = params
          handler(req, res)
        })
      }
      if (isCompiled) router.compile()
      return byListener((req, res) => engine.run(req, res, null))
    },
  }
}

/** @type {{ [name: string]: Contender }} */
export const contenders = {
  microrest: {
    ...NODE,
    async build(steps) {
      const { default: rest, Router } = await loadOurs()
      const app = rest({ router: new Router() })
      if (steps.length) app.use(...steps)
      for (const path of PATHS) app.get(path, handlerOf(path))
      return byListener(app)
    },
  },

  'microrest runRoute': {
    ...NODE,
    async build(steps) {
      const { Router } = await loadOurs()
      const router = new Router()
      if (steps.length) router.setRoute('use', steps)
      for (const path of PATHS) router.setRoute(path, 'GET', handlerOf(path))
      return byListener((req, res, next) => router.runRoute(undefined, req, res, next))
    },
  },

  'microrest nano': {
    ...NODE,
    async build(steps) {
      if (steps.length > 1) throw new Error('has one use step')
      const { default: rest } = await loadOurs()
      const app = rest()
      if (steps.length) app.use(...steps)
      /** @type {(req: Req, res: Res) => void} */
      const cut = (req, res) => res.end(req.url.slice('/users/'.length))
      for (const path of PATHS.filter((one) => !one.includes(':'))) app.get(path, path === '/users' ? cut : other)
      return byListener(app)
    },
  },

  'bare loop': {
    ...NODE,
    async build(steps) {
      return byListener((req, res) => {
        let ix = 0
        const next = () => {
          const step = steps[ix++]
          if (step) step(req, res, next)
          else if (req.url.startsWith('/users/')) {
            req.params = { id: req.url.slice('/users/'.length) }
            answer(req, res)
          }
        }
        next()
      })
    },
  },

  '0http': {
    ...NODE,
    async build(steps) {
      const { router } = loadCjs('0http')()
      for (const step of steps) router.use(step)
      for (const path of PATHS) router.get(path, handlerOf(path))
      return byListener((req, res) => router.lookup(req, res))
    },
  },

  polka: {
    ...NODE,
    async build(steps) {
      const app = loadCjs('polka')()
      if (steps.length) app.use(...steps)
      for (const path of PATHS) app.get(path, handlerOf(path))
      return byListener((req, res) => app.handler(req, res))
    },
  },

  'find-my-way + middie': findMyWay(false),
  'find-my-way compiled + middie': findMyWay(true),

  "express' router": {
    ...NODE,
    async build(steps) {
      const router = loadCjs('router')()
      if (steps.length) router.use(...steps)
      for (const path of PATHS) router.get(path, handlerOf(path))
      return byListener(router)
    },
  },

  'koa-compose + router': {
    style: 'koa',
    isAsync: true,
    textOf: (context) => context.body,
    async build(steps) {
      const { default: Router } = await load('@koa/router')
      const router = new Router()
      for (const path of PATHS) {
        router.get(path, path === '/users/:id'
          ? (/** @type {any} */ context) => { context.body = context.params.id }
          : (/** @type {any} */ context) => { context.body = `not /users/:id but ${context.path}` })
      }
      const run = loadCjs('koa-compose')([...steps, router.routes()])
      return (path) => {
        const context = { method: 'GET', path, request: {}, params: {}, body: undefined }
        return run(context).then(() => context)
      }
    },
  },

  hono: {
    style: 'koa',
    isAsync: true,
    origin: 'http://localhost',
    textOf: ({ text }) => text,
    async build(steps) {
      const { Hono } = await load('hono')
      const app = new Hono()
      if (steps.length) app.use(...steps)
      for (const path of PATHS) {
        app.get(path, path === '/users/:id'
          ? (/** @type {any} */ context) => fetchAnswer(context.req.param('id'))
          : () => fetchAnswer('not /users/:id'))
      }
      return async (url) => app.fetch(fetchRequest(url))
    },
  },

  itty: {
    style: 'itty',
    isAsync: true,
    origin: 'http://localhost',
    textOf: (response) => response?.text,
    async build(steps) {
      const { Router } = await load('itty-router')
      const app = Router({ before: steps })
      for (const path of PATHS) {
        app.get(path, path === '/users/:id'
          ? (/** @type {any} */ request) => fetchAnswer(request.params.id)
          : () => fetchAnswer('not /users/:id'))
      }
      return (url) => app.fetch(fetchRequest(url))
    },
  },

  h3: {
    style: 'koa',
    isAsync: true,
    origin: 'http://localhost',
    textOf: (response) => response.text(),
    async build(steps) {
      const { H3 } = await load('h3')
      const app = new H3()
      for (const step of steps) app.use(step)
      for (const path of PATHS) {
        app.get(path, path === '/users/:id'
          ? (/** @type {any} */ event) => event.context.params.id
          : () => 'not /users/:id')
      }
      return (url) => app.fetch(fetchRequest(url))
    },
  },

  'microrest 0.6 (JavaScript)': {
    ...NODE,
    isAsync: true,
    async build(steps) {
      const rest = loadCjs('microrest')
      const Router = loadCjs('microrest/router')
      const app = rest({ router: new Router() })
      for (const step of steps) app.use(step)
      for (const path of PATHS) app.get(path, handlerOf(path))
      return byLateListener(app)
    },
  },
}

/** What fetch-style routers read of a request. @param {string} url */
const fetchRequest = (url) => ({ method: 'GET', url, headers: new Map(), params: undefined })

/** An answer that they hand back as it is. @param {string} text */
const fetchAnswer = (text) => ({ status: 200, headers: new Map(), text })
