/**
 * microrest: the app. `rest()` makes one, `createServer()` puts it on a port, and the NanoRouter is what it routes with until it
 * is given a Router.
 *
 * The third of the core's three modules: it imports router.ts and mw.ts, and finds `node:http` only when a server is asked for.
 */

import {
  HttpError, bare, buildParseQuery, buildReadBody, builtin, components, decode, fold, isCategory, isFunction, isPattern, isString,
  mustBeFunction, mwParseQuery, mwReadBody, noSteps, notRouted, originForm, parseQuery, pathOf, prefixOf, refuse,
  runSteps, sendResponse, toSteps, warn, writeResponse,
} from './mw.ts'
import type {
  AnyParams, Categories, ErrStep, Found, Headers, HostReq, HostRes, HttpErrorConstructor, Listener, Next, PathOptions,
  PathParams, Plan, ReadBody, ReadBodyOptions, Req, Res, RestLike, Step,
} from './mw.ts'

/** The middleware helpers, together. */
export const mw = {
  HttpError, buildParseQuery, buildReadBody, mwParseQuery, mwReadBody, parseQuery, sendResponse, warn, writeResponse,
}
export { HttpError, sendResponse, mwReadBody as readBody } from './mw.ts'
export type {
  AnyParams, ErrStep, HostReq, HostRes, HttpErrorLike, Next, PathOptions, PathParams, Query, QueryValue, ReadBody, ReadBodyOptions,
  Req, Res, RestLike, Step,
} from './mw.ts'
export { Router } from './router.ts'
export type { MatchedRoute, RouteInfo, RouterOptions } from './router.ts'

/** What an app needs of a router. */
export interface RouterLike {
  setRoute(path: string | RegExp, method: string, steps: Step[]): void
  setRoute(category: string, steps: Step | ErrStep | readonly Step[] | readonly ErrStep[]): void
  runRoute(rest: RestLike, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void
  getRoute?(path: string): unknown
  readonly options?: PathOptions
  /** Every path is a prefix for this router, as for the NanoRouter. Default false. */
  readonly matchPrefix?: boolean
}

/** Handle a request in place of a router. May answer by `res`, or as short steps do by what it returns. */
export type ProcessRequest = (req: Req, res: Res, next: Next, body: unknown) => unknown

/** Handle an error that nobody has dealt with. */
export type OnError = (err: unknown, req: Req, res: Res, next: Next) => unknown

export interface RestOptions extends ReadBodyOptions {
  /** The router to use. Default is `processRequest`, or a NanoRouter as soon as the app is given a route. */
  router?: RouterLike | undefined
  /** What handles requests when there is no router. */
  processRequest?: ProcessRequest | undefined
  /** What handles the errors that are left. Default answers with `sendResponse`. */
  onError?: OnError | undefined
  /** Gets an 'error' event for what is reported; else it goes to `warn`. */
  emitter?: Emitter | undefined
  /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
  maxNesting?: number | undefined
}

export interface Emitter {
  emit(event: 'error', err: unknown): unknown
}

/** A server of `node:http` or `node:https`, as far as it is used here. */
export interface Server {
  listen(port: number, host?: string): unknown
  close(callback?: (err?: Error) => void): unknown
  closeIdleConnections?(): void
  address(): unknown
  on(event: string, listener: Listener): unknown
  /** The app that is serving. */
  _rest?: App
  /** The listen error that there was no callback for. */
  _error?: unknown
  /** Set by `app.close`. @internal */
  _closing?: boolean
}

export interface ServerInfo {
  pid: number
  /** The port that it listens on: the real one where 0 was asked for. */
  port: number
  server: Server
}

export type ListenCallback = (err: Error | null | undefined, info: ServerInfo) => void

/** Options of `createServer`. All of them are also handed to `http.createServer` or `https.createServer`. */
export interface ServerOptions extends RestOptions {
  /** The app, or the Rest, to serve. Default is a new one of these options. */
  rest?: App | Rest | undefined
  /** Default 'http:'. */
  protocol?: 'http:' | 'https:' | undefined
  /** The port to listen on; 0 is any free one. Default is not to listen. */
  port?: number | string | undefined
  /** The address to listen on. Default is all of them. */
  host?: string | undefined
  /** If the port is busy try the next one up, to 65535. Default false. */
  tryNextPort?: boolean | undefined
  /** The same, and without a port any free one. Default false. */
  anyPort?: boolean | undefined
  [option: string]: unknown
}

type StepList<Params> = readonly (Step<Params> | readonly Step<Params>[])[]

/** Define a route. Steps, and lists of steps, run in the order given. */
export interface DefineRoute {
  <Path extends string | RegExp>(path: Path | readonly Path[], ...steps: StepList<PathParams<Path>>): App
}

/**
 * Middleware that is typed against node's or express' objects, and err steps of any typing.
 *
 * The second, generic signature of each takes what the first takes. TypeScript derives no parameter types from two signatures
 * of which one is generic, so none of these competes with `Step` to say what an un-annotated `(req) =>` is.
 */
interface Foreign {
  (req: never, res: never, next: Next): unknown
  <None>(req: never, res: never, next: Next): unknown
}
interface ForeignErr {
  (err: never, req: never, res: never, next: Next): unknown
  <None>(err: never, req: never, res: never, next: Next): unknown
}

/**
 * Says what the parameters of an un-annotated function of four are, by the same rule: one of three or less has two signatures
 * here, hence none, and one of four only the first. Nothing fits it; what it helps to type fits `ForeignErr`.
 */
interface FourParameters extends ErrStep {
  <None>(err: never, req: never, res: never): unknown
}

/** What `use` takes: a step; by its four parameters an err step; what is to be mounted. */
type UseStep = Step | Foreign | FourParameters | ForeignErr | RouterLike

/** An app: a listener for requests, with methods that define what it does. */
export interface App {
  (req: HostReq, res: HostRes, next?: Next): void
  readonly rest: Rest
  /** Handles the errors that are left. */
  onError: OnError

  /** Add err steps. */
  use(category: 'err', ...steps: readonly (ErrStep | readonly ErrStep[])[]): App
  /** Add steps to a category. */
  use(category: 'pre' | 'use' | 'post', ...steps: StepList<AnyParams>): App
  /** Run steps for the paths at and below a prefix only; mount an app or a router there. */
  use(prefix: string, ...steps: readonly (UseStep | readonly UseStep[])[]): App
  /** Add use steps; a function of four parameters is an err step. */
  use(...steps: readonly (UseStep | readonly UseStep[])[]): App

  options: DefineRoute
  get: DefineRoute
  head: DefineRoute
  post: DefineRoute
  put: DefineRoute
  delete: DefineRoute
  del: DefineRoute
  trace: DefineRoute
  connect: DefineRoute
  patch: DefineRoute
  /** Define a route for any method. */
  all: DefineRoute

  /** Listen. `port` 0, the default, is any free one. The callback gets what went wrong, and where it listens. */
  listen(callback?: ListenCallback): Server
  listen(portOrOptions: number | string | ServerOptions | undefined, callback?: ListenCallback): Server
  /** Close what `listen` has opened. Idle connections are closed, busy ones after their answer. */
  close(callback?: (err?: Error) => void): void
}

declare const process: { pid: number; nextTick(f: () => void): void; getBuiltinModule?(name: string): unknown } | undefined

/** Report an error that can reach nobody: to the emitter, if there is one, else by `warn`. Nothing for a falsy one. */
export function reportError(err: unknown, cause: string, emitter?: Emitter): void {
  if (!err) return
  if (emitter) emitter.emit('error', err)
  else warn(cause + ':', err)
}

// ------------------------------------------------------------------------------------------------------ NanoRouter

/** A place in a tree of paths, reached component by component: what follows it, and the step of the path that ends here. */
interface Place {
  next_?: { [part: string]: Place }
  step_?: Step | undefined
}

/** The place for a path below another; what is missing on the way there is made. */
function placeOf(root: Place, parts: string[]): Place {
  let place = root
  for (const part of parts) {
    const next = place.next_ || (place.next_ = bare())
    place = next[part] || (next[part] = {})
  }
  return place
}

/**
 * The smallest router: one use, err and post step, and routes that are a step for a path and all below it, whatever the method.
 *
 * '/my/path' matches '/my/path/name', and not '/my/pathname'. The longest match wins.
 */
export class NanoRouter {
  declare readonly options: PathOptions
  /** Routes are prefixes. */
  declare readonly matchPrefix: true
  /** @internal */ declare readonly steps_: Categories
  /** @internal */ declare readonly body_: ReadBody
  declare private readonly root_: Place
  /** @internal */ declare readonly ownRun_: unknown

  constructor(readBody?: ReadBody) {
    this.ownRun_ = NanoRouter.prototype.runRoute
    this.options = {}
    this.matchPrefix = true
    this.steps_ = noSteps()
    this.body_ = readBody || mwReadBody
    this.root_ = {}
  }

  /**
   * Define the step for a path, or the 'use', 'err' or 'post' step. A step alone is the use step, or with four parameters the err
   * step.
   *
   * Throws for what only a Router has: patterns, RegExps, pre steps, several steps.
   */
  setRoute(path: string | RegExp | Step | ErrStep, method?: unknown, steps?: unknown): void {
    if (isFunction(path)) {
      steps = path
      path = path.length === 4 ? 'err' : 'use'
    } else if (!isString(method)) steps = method
    const list = ([] as unknown[]).concat(steps)
    if (list.length > 1) refuse('multiple mw steps not supported', path)
    if (!isFunction(list[0])) refuse('mw step must be a function', list[0])
    if (!isString(path) || path === 'pre' || isPattern(path)) return refuse('use new Router() for', path)
    let earlier: unknown
    if (isCategory(path)) {
      earlier = this.steps_[path]!.length
      this.steps_[path] = list
    } else {
      const place = placeOf(this.root_, prefixOf(path))
      earlier = place.step_
      place.step_ = list[0] as Step
    }
    if (earlier) warn('redefined:', path)
  }

  /** The step for a path, or of a category; undefined if there is none. */
  getRoute(path: string): Step | ErrStep | undefined {
    return isCategory(path) ? this.steps_[path]![0] as Step | undefined : this.match_(path)
  }

  /** Forget the step for a path, or of a category. */
  deleteRoute(path: string): void {
    if (isCategory(path)) this.steps_[path] = []
    else placeOf(this.root_, prefixOf(path)).step_ = undefined
  }

  /** Run a request through its route. What is not routed is answered with 404. */
  runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void {
    // (An app of ours hands its `next` along.)
    runSteps(this, rest, req, res, callback, arguments[4] as Next | undefined)
  }

  /** @internal */
  find_(req: Req): Found {
    const found = this.match_(req.url!)
    if (found) return { use_: this.steps_.use, mw_: found }
    // (After `false` there is no body to read.)
    return {
      use_: [req._unrouted || ((req: Req, res: Res, next: Next) => sendResponse(req, res, (err) => next(err || false), notRouted(req)))],
      mw_: [],
    }
  }

  private match_(path: string): Step | undefined {
    let place: Place | undefined = this.root_
    let found: Step | undefined
    for (const part of components(pathOf(path))) {
      place = place.next_ && place.next_[part]
      if (!place) break
      found = place.step_ || found
    }
    return found
  }
}

// ------------------------------------------------------------------------------------------------------------ Rest

/** What an app is made of: it has a request routed or processed, and sees to the errors that are left. */
export class Rest implements RestLike {
  declare static NanoRouter: typeof NanoRouter
  declare static readBody: ReadBody
  declare router: RouterLike | undefined
  processRequest?(req: Req, res: Res, next: Next, body: unknown): unknown
  declare emitter: Emitter | undefined
  declare maxNesting: number | undefined
  /** Reads the body, by default as `mw.buildReadBody` with the options given. */
  declare readBody: ReadBody
  declare HttpError: typeof HttpError
  declare sendResponse: typeof sendResponse
  /** @internal */ declare done_: NonNullable<RestLike['done_']>
  /** The app: a bound listener for requests. */
  declare readonly onRequest: App

  constructor(options?: RestOptions) {
    const given = options || {}
    if (typeof given != 'object') refuse('bad options', given)
    // What is not given is not set: a class that extends this one may have its own.
    for (const name of ['processRequest', 'onError'] as const) {
      mustBeFunction(name, given[name])
      if (given[name]) this[name] = given[name] as never
    }
    if (given.bodySizeLimit !== undefined || given.bodySizeStatus !== undefined) this.readBody = buildReadBody(given)
    const { router, emitter, maxNesting } = given
    if (router && !(isFunction(router.setRoute) && isFunction(router.runRoute))) refuse('bad router', router)
    if (emitter && !isFunction(emitter.emit)) refuse('bad emitter', emitter)
    if (maxNesting !== undefined && !(maxNesting > 0)) refuse('bad maxNesting', maxNesting)
    this.router = router
    this.emitter = emitter
    this.maxNesting = maxNesting
    this.onRequest = buildApp(this)
  }

  /** Handle an error that nobody has dealt with: by the `onError` of the options, else by `sendResponse`. */
  onError(err: unknown, req: Req, res: Res, next: Next): unknown {
    return sendResponse(req, res, next, err)
  }

  /** Report an error that can reach nobody. */
  reportError(err: unknown, cause: string): void {
    reportError(err, cause, this.emitter)
  }
}
Rest.NanoRouter = NanoRouter
Rest.readBody = mwReadBody
Rest.prototype.HttpError = HttpError
Rest.prototype.sendResponse = sendResponse
Rest.prototype.readBody = mwReadBody

// --------------------------------------------------------------------------------------------------------- the app

/** What `use` mounts: an app has a rest, a router can run routes. */
type Mounted = { rest?: Rest; runRoute?: RouterLike['runRoute'] } & Step

/** A router of ours, as long as nobody has put another `runRoute` in place of its own: without a callback that tells the app. */
interface OwnRouter {
  runRoute(rest: RestLike, req: HostReq, res: HostRes, callback: undefined, next: Next | undefined): void
}

/** Build the step that hands requests to an app or a router, without the prefix that its path has matched. */
function buildMount(rest: Rest, prefix: string, other: Mounted): Step {
  const depth = prefixOf(prefix).length
  const mount: Step = (req, res, next) => {
    const { url, baseUrl } = req
    const cut = pathOf(url!).split('/').slice(0, depth).join('/')
    // (A router of ours puts back what a mount has changed; somebody else's does not.)
    function onwards(err?: unknown): void {
      req.url = url
      req.baseUrl = baseUrl
      next(err)
    }
    req.baseUrl = (baseUrl || '') + cut
    req.url = originForm(originForm(url!).slice(cut.length))
    // A route that an outer pre step has chosen is not for the inner one, nor is the tail that the mount itself has matched.
    req._route = undefined
    if (req.params) delete req.params['*']
    if (other.runRoute) other.runRoute(rest, req, res, onwards)
    else other(req, res, onwards)
  }
  // What is mounted reads the body by its own rules.
  mount.readBody = false
  return mount
}

/** The step, as one that runs only for the paths at and below a prefix. */
function buildFilter(path: string, step: Step, router: RouterLike): Step {
  const { options } = router
  const prefix = prefixOf(path, options)
  const isErr = step.length === 4
  if (isPattern(path)) refuse('bad prefix', path)

  function isBelow(req: Req): boolean {
    const pathname = pathOf(req.url!)
    // (The error that an err step is called for may be a malformed escape: no cause for another one.)
    const parts = isErr ? pathname.split('/').map(decode) : components(pathname)
    return prefix.every((part, ix) => ix < parts.length && fold(parts[ix]!, options) === part)
  }
  const filter: Step = (req, res, next) => (isBelow(req) ? step(req, res, next) : next())
  const errFilter: ErrStep = (err, req, res, next) => (isBelow(req) ? (step as unknown as ErrStep)(err, req, res, next) : next(err))
  return inPlaceOf(step, (isErr ? errFilter : filter) as Step)
}

/** A step that calls another, and looks like that: what a step may do is known by its length, and what it is in messages by its name. */
function inPlaceOf(other: { length: number; name: string }, step: Step): Step {
  for (const key of ['length', 'name'] as const) Object.defineProperty(step, key, { value: other[key] })
  return step
}

/** Make the app of a Rest: the listener, and the methods on it. */
function buildApp(rest: Rest): App {
  const readBody: ReadBody = (req, res, next, context) => rest.readBody(req, res, next, context)
  readBody.isEmpty_ = (req) => !!rest.readBody.isEmpty_ && rest.readBody.isEmpty_(req)
  const servers: Server[] = []
  // Without a router of ours requests go the same way, through a route that matches them all.
  let handler: unknown
  let route: Found
  const plan: Plan = {
    steps_: noSteps(),
    body_: readBody,
    find_() {
      const { router, processRequest } = rest
      const current = router || processRequest
      if (!current) throw new Error('no router or processRequest')
      if (handler !== current) {
        handler = current
        const step: Step = router
          ? (req, res, next) => router.runRoute(rest, req, res, next)
          : inPlaceOf(processRequest!, (req, res, next) => processRequest!.call(rest, req, res, next, req.body))
        // A router reads the body itself.
        if (router) step.readBody = false
        route = { use_: [], mw_: step }
      }
      return route
    },
  }
  // What errors are left run on: a chain with one step.
  const last = noSteps()
  last.err.push(((err, req, res, next) => rest.onError(err, req, res, next)) as ErrStep)

  /** The app's router: a NanoRouter, unless it has been given another before its first route. */
  function routerOf(): RouterLike {
    return rest.router || (rest.router = new NanoRouter(readBody))
  }

  /** The request is through: what is left of an error goes to the outer server, or else to the client. */
  function leave(res: HostRes, next: Next | undefined, left: unknown): void {
    // (Called back after an answer, an outer server would answer too.)
    if (!next || res.headersSent) {
      if (left) writeResponse(res, left)
    } else if (left) next(left)
    else next()
  }

  rest.done_ = (err, req, res, next) => {
    if (!err || (req as Req)._pass) leave(res, next, err)
    else runSteps({ steps_: last, body_: false, find_() { throw err } }, rest, req, res, leave.bind(null, res, next))
  }
  const app = function onRequest(req: Req, res: Res, next?: Next) {
    const { router } = rest
    if (router && router.runRoute === (router as { ownRun_?: unknown }).ownRun_) {
      (router as unknown as OwnRouter).runRoute(rest, req, res, undefined, next)
    } else runSteps(plan, rest, req, res, undefined, next)
  } as unknown as App & { rest: Rest; [method: string]: unknown }

  app.rest = rest
  Object.defineProperty(app, 'onError', {
    get: () => rest.onError,
    set: (onError) => { rest.onError = onError },
  })
  app.use = (...args: unknown[]) => {
    const router = routerOf()
    const path = isString(args[0]) ? (args.shift() as string).replace(/\/$/, '') : ''
    const steps = ([] as unknown[]).concat(...args) as Mounted[]
    if (!steps.length) refuse('no step to use', path)
    if (isCategory(path)) {
      router.setRoute(path, steps)
      return app
    }
    const isNano = router.matchPrefix
    steps.forEach((step, ix) => {
      if (step && (step.rest || step.runRoute)) {
        const mount = [buildMount(rest, path, step)]
        // (What cannot be a prefix throws here, before any route is set.)
        if (!isNano) router.setRoute(path + '/:*', '_ANY_', mount)
        router.setRoute(path || '/', '_ANY_', mount)
        return
      }
      const category = toSteps(step)[0]!.length === 4 ? 'err' : 'use'
      // The NanoRouter has one of each, and puts the later in the place of the earlier. A guard must not go missing like that.
      if (isNano && (path || ix) && router.getRoute!(category)) refuse('multiple mw steps not supported', path || category)
      router.setRoute(category, path ? buildFilter(path, step, router) : step)
    })
    return app
  }
  for (const name of 'options get head post put delete trace connect patch all'.split(' ')) {
    const method = name === 'all' ? '_ANY_' : name.toUpperCase()
    const define: DefineRoute = (path, ...steps) => {
      const paths = ([] as (string | RegExp)[]).concat(path)
      if (!paths.length) refuse('path is required', path)
      for (const one of paths) routerOf().setRoute(one, method, ([] as Step[]).concat(...steps as Step[][]))
      return app
    }
    app[name] = Object.defineProperty(define, 'name', { value: name })
  }
  app.del = app.delete
  app.listen = (options?: unknown, callback?: ListenCallback) => {
    const all = options && typeof options == 'object' ? options : { port: isFunction(options) ? 0 : options }
    const server = serve(app, all as ServerOptions, 0, isFunction(options) ? options : callback)
    servers.push(server)
    return server
  }
  app.close = (callback) => {
    let open = 1
    const closed = () => {
      open--
      if (!open && callback) callback()
    }
    for (const server of servers.splice(0)) {
      open++
      server._closing = true
      server.close(closed)
    }
    // (Where there is no process nothing is open.)
    if (typeof process == 'undefined') closed()
    else process.nextTick(closed)
  }
  return app
}

// ------------------------------------------------------------------------------------------------------ the server

/** Make a server for an app; if there is a port, by the options or else by default, it listens once this has returned. */
function serve(app: App, options: ServerOptions, defaultPort: number | undefined, callback: ListenCallback | undefined): Server {
  const { protocol = 'http:', host, port = defaultPort, tryNextPort, anyPort } = options
  let current = +(port as string)
  if (!/^https?:$/.test(protocol)) refuse('bad protocol', protocol)
  if (port !== undefined && !(/^\d+$/.test(port as string) && current < 65536)) refuse('bad port', port)
  const http = builtin(protocol.slice(0, -1)) as { createServer(options: object, listener: App): Server } | undefined
  if (!http) throw new Error('no node:http here: give the app (req, res, next) to your server')
  const server = http.createServer(options, app)
  server._rest = app

  function tell(err: Error | null): void {
    const listener = callback
    callback = undefined
    if (listener) listener(err, { pid: process!.pid, port: current, server })
    else if (err) server._error = err
  }
  function listen(): void {
    if (!server._closing) server.listen(current, host)
  }
  server.on('listening', () => {
    if (server._closing) return server.close()
    current = (server.address() as { port: number }).port
    return tell(null)
  })
  server.on('close', () => {
    if (callback) tell(new Error('closed'))
  })
  server.on('error', (err: Error & { code?: string }) => {
    if (err.code !== 'EADDRINUSE' || !(tryNextPort || anyPort) || current > 65534) return tell(err)
    current++
    listen()
  })
  if (port !== undefined) process!.nextTick(listen)
  return server
}

/**
 * Make a server of `node:http` or `node:https` for an app; if there is a `port`, or `anyPort`, it listens once this has returned.
 *
 * The callback gets the listen error, or null, and `{ pid, port, server }`. Without a callback the error is `server._error`.
 * Throws for a port or protocol that cannot be, and where there is no `node:http`.
 */
export function createServer(options?: ServerOptions | ListenCallback, callback?: ListenCallback): Server {
  const all = !options || isFunction(options) ? {} : options as ServerOptions
  const app = all.rest || new Rest(all)
  return serve((app as Rest).onRequest || app, all, all.anyPort ? 0 : undefined, isFunction(options) ? options : callback)
}

/** `rest` itself, and what it carries. */
export interface RestFactory {
  (options?: RestOptions | ProcessRequest, onError?: OnError): App
  createHandler: RestFactory
  createServer(options?: ServerOptions | ListenCallback, callback?: ListenCallback): Server
  Rest: typeof Rest
  NanoRouter: typeof NanoRouter
  HttpError: HttpErrorConstructor
  readBody: ReadBody
  sendResponse(
    req: HostReq, res: HostRes, next?: Next | null, err?: unknown, statusCode?: number | null, body?: unknown, headers?: Headers | null
  ): void
  reportError(err: unknown, cause: string, emitter?: Emitter): void
}

/**
 * Make an app: a listener `(req, res, next)` for requests.
 *
 *     const app = rest()
 *     app.get('/hello', () => 'hi')
 *     app.listen(1337, (err, info) => console.log(err || info.port))
 *
 * Given a function, that handles all requests, and a second one what errors are left.
 */
const rest = function rest(options?: RestOptions | ProcessRequest, onError?: OnError): App {
  return new Rest(isFunction(options) ? { processRequest: options, onError } : options as RestOptions | undefined).onRequest
} as RestFactory
rest.createHandler = rest
rest.createServer = createServer
rest.Rest = Rest
rest.NanoRouter = NanoRouter
rest.HttpError = HttpError
rest.readBody = mwReadBody
rest.sendResponse = sendResponse
rest.reportError = reportError

export const createHandler: RestFactory = rest
export default rest
