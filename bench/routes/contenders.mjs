// Each contender's route table, filled with the same routes and asked in the way that its authors mean it to be asked.

import { createRequire } from 'node:module'
import { loadOurs } from '../kit/bench.mjs'

// Peers are not typed here: their types are for servers, and some have none.
/** The CommonJS ones. @type {(name: string) => any} */
const loadCjs = createRequire(import.meta.url)
/** The others. @type {(name: string) => Promise<any>} */
const load = (name) => import(name)

/**
 * What is stored for a route, and called with what the contender gives for the parameters.
 * @typedef {(params: any) => any} Handler
 *
 * @typedef {{ method: string, path: string, handler: Handler }} Entry
 *
 * @typedef {object} Lookup
 * @property {(method: string, path: string) => any} find the contender's own look-up, with the result as it comes
 * @property {(found: any) => any} use call the handler of what was found, with its parameters; undefined if nothing was found
 *
 * @typedef {object} Contender
 * @property {(name: string) => [path: string, name: string]} tail how the rest of a path is written, and what it is called then
 * @property {(name: string) => string} [read] the expression that reads a parameter, of `params`. Default is `params.name`.
 * @property {() => Promise<(entries: Entry[]) => Lookup>} load load the code; what is given then fills a table
 * @property {string} [note] what a reader has to know of the way it is asked
 */

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** @param {string} method */
const orAll = (method) => (method === '_ANY_' ? 'ALL' : method)

/** @type {(name: string) => [string, string]} */
const star = () => ['*', '*']

/** What is left of those that run what they find: the handler, and the parameters that it was given. */
class Found {
  /** @type {Handler | undefined} */
  handler = undefined
  /** @type {object | undefined} */
  params = undefined
  constructor(/** @type {string} */ method, /** @type {string} */ url) {
    this.method = method
    this.url = url
  }
}

/**
 * One of hono's routers. Of the parameters the result has either the values, or their indexes in a list.
 *
 * @param {string} name the class
 * @param {string} file
 * @param {(load: (name: string) => Promise<any>) => Promise<object[]>} [loadArgs]
 * @returns {Contender}
 */
function hono(name, file, loadArgs) {
  return {
    tail: (tail) => [`:${tail}{.+}`, tail],
    // What its handlers call, `c.req.param(name)`, does this, and looks for a % besides.
    read: (param) => `params.list ? params.list[params.map.${param}] : params.map.${param}`,
    async load() {
      const { [name]: Router } = await load(`hono/router/${file}`)
      const parts = await loadArgs?.(load)
      return (entries) => {
        const router = parts ? new Router({ routers: parts.map((Part) => new /** @type {any} */ (Part)()) }) : new Router()
        for (const { method, path, handler } of entries) router.add(orAll(method), path, handler)
        return {
          find: (method, path) => router.match(method, path),
          use(found) {
            const first = found[0][0]
            return first && first[0]({ map: first[1], list: found[1] })
          },
        }
      }
    },
  }
}

/** rou3, which is the same for both of its ways. @param {boolean} isCompiled @returns {Contender} */
function rou3(isCompiled) {
  return {
    tail: (name) => [`**:${name}`, name],
    async load() {
      const { createRouter, addRoute, findRoute } = await load('rou3')
      const { compileRouter } = await load('rou3/compiler')
      return (entries) => {
        const router = createRouter()
        for (const { method, path, handler } of entries) addRoute(router, method === '_ANY_' ? '' : method, path, handler)
        const compiled = isCompiled && compileRouter(router)
        return {
          find: compiled || ((method, path) => findRoute(router, method, path)),
          use: (found) => found && found.data(found.params),
        }
      }
    },
  }
}

/** @param {boolean} isCompiled @returns {Contender} */
function findMyWay(isCompiled) {
  return {
    tail: star,
    async load() {
      const create = loadCjs('find-my-way')
      return (entries) => {
        const router = create()
        for (const { method, path, handler } of entries) {
          if (method === '_ANY_') router.all(path, handler)
          else router.on(method, path, handler)
        }
        if (isCompiled) router.compile()
        return {
          find: (method, path) => router.find(method, path),
          use: (found) => found && found.handler(found.params),
        }
      }
    },
  }
}

/** @type {{ [name: string]: Contender }} */
export const contenders = {
  microrest: {
    tail: (name) => [`:*${name}`, name],
    async load() {
      const { Router } = await loadOurs()
      return (entries) => {
        const router = new Router()
        for (const { method, path, handler } of entries) router.setRoute(path, method, handler)
        return {
          find: (method, path) => router.getRoute(path, method),
          use: (found) => found && (found.mw ? found.mw[0](found.params) : found[0]()),
        }
      }
    },
  },

  rou3: rou3(false),
  'rou3 compiled': { ...rou3(true), note: 'makes one function for the whole table' },
  'find-my-way': findMyWay(false),
  'find-my-way compiled': { ...findMyWay(true), note: 'makes a function for the whole table, and by itself one for each node' },

  memoirist: {
    tail: star,
    note: 'has no routes for all methods: such a route is one for each method',
    async load() {
      const { Memoirist } = await load('memoirist')
      return (entries) => {
        const router = new Memoirist()
        for (const { method, path, handler } of entries) {
          for (const one of method === '_ANY_' ? METHODS : [method]) router.add(one, path, handler)
        }
        return {
          find: (method, path) => router.find(method, path),
          use: (found) => found && found.store(found.params),
        }
      }
    },
  },

  '@medley/router': {
    tail: star,
    note: 'finds what is stored for a path; the method is looked up in that',
    async load() {
      const Router = loadCjs('@medley/router')
      return (entries) => {
        const router = new Router()
        for (const { method, path, handler } of entries) router.register(path)[orAll(method)] = handler
        return {
          find: (method, path) => {
            const found = router.find(path)
            if (!found) return null
            const handler = found.store[method] || found.store.ALL
            return handler ? { handler, params: found.params } : null
          },
          use: (found) => found && found.handler(found.params),
        }
      }
    },
  },

  'hono RegExpRouter': hono('RegExpRouter', 'reg-exp-router'),
  'hono TrieRouter': hono('TrieRouter', 'trie-router'),
  'hono SmartRouter': hono('SmartRouter', 'smart-router', async (loadPart) => [
    (await loadPart('hono/router/reg-exp-router')).RegExpRouter, (await loadPart('hono/router/trie-router')).TrieRouter,
  ]),

  trouter: {
    tail: star,
    read: (name) => `params['${name}']`,
    async load() {
      const { Trouter } = await load('trouter')
      return (entries) => {
        const router = new Trouter()
        for (const { method, path, handler } of entries) router.add(method === '_ANY_' ? '' : method, path, handler)
        return {
          find: (method, path) => router.find(method, path),
          use: ({ handlers, params }) => handlers.length ? handlers[0](params) : undefined,
        }
      }
    },
  },

  'itty-router': {
    tail: (name) => [`:${name}+`, name],
    note: 'has no look-up by itself; its list of routes is gone through as its fetch() does, without the URL that it makes and the promise',
    async load() {
      const { Router } = await load('itty-router')
      return (entries) => {
        const router = Router()
        for (const { method, path, handler } of entries) router[orAll(method).toLowerCase()](path, handler)
        /** @type {[method: string, pattern: RegExp, handlers: Handler[], path: string][]} */
        const routes = router.routes
        return {
          find(method, path) {
            for (const [own, pattern, handlers] of routes) {
              if (own !== method && own !== 'ALL') continue
              const match = path.match(pattern)
              if (match) return { handlers, params: match.groups || {} }
            }
            return null
          },
          use: (found) => found && found.handlers[0](found.params),
        }
      }
    },
  },

  'koa-router': {
    tail: (name) => [`{*${name}}`, name],
    note: 'has no public look-up: its match() is asked for the layers of the path, and the first of them for the parameters',
    async load() {
      const { default: Router } = await load('@koa/router')
      return (entries) => {
        const router = new Router()
        for (const { method, path, handler } of entries) {
          if (method === '_ANY_') router.all(path, handler)
          else router.register(path, [method], [handler])
        }
        return {
          find(method, path) {
            const matched = router.match(path, method)
            if (!matched.route) return null
            // Most routes can be more than one; the first that was defined answers.
            const layer = matched.pathAndMethod[0]
            return { handler: layer.stack[0], params: layer.params(path, layer.captures(path)) }
          },
          use: (found) => found && found.handler(found.params),
        }
      }
    },
  },

  "express' router": {
    tail: (name) => [`*${name}`, name],
    note: 'has no look-up by itself: it is handed a request, and the handler notes that it was called, with what parameters',
    async load() {
      const Router = loadCjs('router')
      return (entries) => {
        const router = Router({ strict: true, caseSensitive: true })
        for (const { method, path, handler } of entries) {
          router[orAll(method).toLowerCase()](path, (/** @type {Found} */ found) => { found.handler = handler })
        }
        const done = () => {}
        return {
          find(method, path) {
            const found = new Found(method, path)
            router(found, {}, done)
            return found
          },
          use: (found) => found.handler && found.handler(found.params),
        }
      }
    },
  },

  'microrest 0.6 (JavaScript)': {
    tail: (name) => [`:*${name}`, name],
    async load() {
      const Router = loadCjs('microrest/router')
      return (entries) => {
        const router = new Router()
        for (const { method, path, handler } of entries) router.setRoute(path, method, handler)
        return {
          find: (method, path) => router.getRoute(path, method),
          use: (found) => found && (found.mw ? found.mw[0](found.params) : found[0]()),
        }
      }
    },
  },
}
