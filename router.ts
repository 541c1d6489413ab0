/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

import {
  HttpError, bare, buildReadBody, components, decode, fold, isCategory, isString, mustBeFunction, noSteps, notRouted, pathOf, refuse, runSteps, sendResponse,
  setOwn, toSteps,
} from './mw.ts'
import type {
  Categories, ErrStep, Found, HostReq, HostRes, PathOptions, PathParams, ReadBody, ReadBodyOptions, Req, RestLike, Step,
} from './mw.ts'

export interface RouterOptions extends PathOptions, ReadBodyOptions {
  /** What reads the body into `req.body`, called as `(req, res, next)`; `false` reads none. Default as `mw.buildReadBody`. */
  readBody?: Step | false | undefined
  /** Answer a path that is routed for other methods only with 405 and `Allow`, and OPTIONS with 204. Default false: 404. */
  methodNotAllowed?: boolean | undefined
}

/** What `routes()` says of a route. */
export interface RouteInfo {
  /** The method; `_ANY_` for all. */
  method: string
  /** The path or pattern as it was defined; of a RegExp its text. */
  path: string
}

/** A pattern that `getRoute` has matched. */
export interface MatchedRoute {
  mw: Step[]
  params: { [name: string]: string | undefined }
  path: string | RegExp
}

/** A name, and where its value is cut from the components of a path. Positions below 1 count from the end. */
interface Key {
  name_: string
  from_: number
  /** For a tail, where it ends. */
  to_?: number | undefined
}

interface Route extends Found {
  method_: string
  path_: string | RegExp
  use_: Step[]
  mw_: Step[]
  keys_: Key[]
  /** Of a pattern with a tail in the middle, a text that sorts before those of less specific ones, more parts before fewer. */
  rank_?: string
  /** The next route of this shape, for another method. */
  other_?: Route | undefined
}

/** A place in the tree of patterns: what has been matched so far, component by component. */
interface Node {
  /** What follows, by a literal component. */
  plain_?: { [part: string]: Node }
  /** What follows `:name`, any component that is not empty. */
  param_?: Node
  /** What follows a tail in the middle; there, how many components that may be. */
  middle_?: Node
  lengths_?: number[]
  /** The routes that end here, and those that end in a tail from here. */
  end_?: Route | undefined
  tail_?: Route | undefined
}

/** What look-ups use, made of the routes. */
interface Tables {
  /** Routes without parameters, by path. */
  plain_: { [path: string]: Route }
  /** Routes with parameters. */
  root_: Node
  regExps_: Route[]
}

const ANY = '_ANY_'

/** Take a path apart: of `/a/:b/:*c` the shape is `/a/:/:*`, and b and c are the keys. Throws if it cannot be. */
function parse(path: string | RegExp, options: PathOptions): { shape_: string; keys_: Key[] } {
  const keys: Key[] = []
  if (!isString(path)) return { shape_: 'RegExp ' + path, keys_: keys }
  const parts = trim(path.replace(/^\/?/, '/'), options).split('/')
  const count = parts.length
  let tail = 0
  for (let ix = 1; ix < count; ix++) {
    const part = parts[ix] === '*' ? ':*' : parts[ix]!
    parts[ix] = fold(part, options)
    if (part.charAt(0) !== ':') continue
    const isTail = part.charAt(1) === '*'
    const name = isTail ? part.slice(2) || '*' : part.slice(1)
    if (!name || (isTail && tail) || keys.some((key) => key.name_ === name)) refuse('bad parameter "' + part + '" in path', path)
    if (isTail) tail = ix
    keys.push({ name_: name, from_: tail && !isTail ? ix - count : ix, to_: isTail ? ix + 1 - count : undefined })
    parts[ix] = isTail ? ':*' : ':'
  }
  return { shape_: parts.join('/'), keys_: keys }
}

/** Without a trailing slash, if that is to be ignored. */
function trim(path: string, options: PathOptions): string {
  return options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path
}

function lower(text: string): string {
  return text.toLowerCase()
}

function hasSlash(part: string): boolean {
  return part.indexOf('/') >= 0
}

/** Cut a route's parameters from the components of a path. */
function cut(keys: Key[], parts: string[], params: object): void {
  const count = parts.length
  for (const { name_, from_, to_ } of keys) {
    let value: string | undefined
    if (to_ === undefined) value = parts[from_ < 0 ? count + from_ : from_]
    else if (from_ < count + to_) value = '/' + parts.slice(from_, count + to_).join('/')
    setOwn(params, name_, value)
  }
}

/** Of routes of one shape the one for a method; with a list for a method, none, but all their methods in the list. */
function pick(route: Route | undefined, method: string | string[]): Route | undefined {
  let found: Route | undefined
  for (; route; route = route.other_) {
    if (route.method_ === method) return route
    if (!isString(method)) method.push(route.method_)
    else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route
  }
  return found
}

/** The most specific route for the components from `ix` on. A node is one place in the path: it is visited once at the most. */
function walk(node: Node, parts: string[], ix: number, method: string | string[]): Route | undefined {
  if (ix >= parts.length) return pick(node.end_, method) || pick(node.tail_, method)
  const part = parts[ix]!
  const plain = node.plain_ && node.plain_[part]
  return (plain && walk(plain, parts, ix + 1, method)) ||
    (part && node.param_ && walk(node.param_, parts, ix + 1, method)) ||
    (node.middle_ && walkMiddle(node.middle_, parts, ix, method)) ||
    pick(node.tail_, method)
}

/** What follows a tail in the middle can start in as many places as it has lengths. The most specific pattern wins. */
function walkMiddle(node: Node, parts: string[], ix: number, method: string | string[]): Route | undefined {
  let best: Route | undefined
  for (const length of node.lengths_!) {
    const start = parts.length - length
    const found = start > ix && walk(node, parts, start, method)
    if (found && (!best || found.rank_! < best.rank_!)) best = found
  }
  return best
}

/** Put a route in its place among the others. */
function insert(tables: Tables, route: Route, shape: string): void {
  const parts = shape.split('/')
  const last = parts.length - 1
  let node = tables.root_
  if (!isString(route.path_)) {
    route.other_ = undefined
    tables.regExps_.push(route)
    return
  }
  if (!route.keys_.length) {
    route.other_ = tables.plain_[shape]
    tables.plain_[shape] = route
    return
  }
  for (let ix = 1; ix <= last; ix++) {
    const part = parts[ix]!
    if (part === ':') node = node.param_ || (node.param_ = {})
    else if (part !== ':*') {
      const plain = node.plain_ || (node.plain_ = bare<Node>())
      node = plain[part] || (plain[part] = {})
    } else if (ix < last) {
      node = node.middle_ || (node.middle_ = { lengths_: [] })
      if (node.lengths_!.indexOf(last - ix) < 0) node.lengths_!.push(last - ix)
      route.rank_ = parts.map((part) => (part === ':' ? 'b' : part === ':*' ? 'c' : 'a')).join('') + 'd'
    } else {
      route.other_ = node.tail_
      node.tail_ = route
      return
    }
  }
  route.other_ = node.end_
  node.end_ = route
}

/** What a pre step has chosen, an array of steps or what `getRoute` has given, as a route. */
function chosenRoute(chosen: Step[] | MatchedRoute, params: object): Found {
  const { mw = chosen as Step[], params: own } = chosen as MatchedRoute
  const bodyAt = (mw as { bodyAt?: number }).bodyAt || 0
  if (own) for (const name of Object.keys(own)) setOwn(params, name, own[name])
  return { use_: mw.slice(0, bodyAt), mw_: mw.slice(bodyAt) }
}

function buildTables(routes: { [methodAndShape: string]: Route }): Tables {
  const tables: Tables = { plain_: bare(), root_: {}, regExps_: [] }
  for (const key of Object.keys(routes)) insert(tables, routes[key]!, key.slice(key.indexOf(' ') + 1))
  return tables
}

/** Match a path: paths without parameters first, then the tree, then RegExps. A list for the method is filled with all that fit. */
function match(router: Router, path: string, method: string | string[], params: object): Route | undefined {
  const { options } = router
  const { plain_, root_, regExps_ } = router.tables_ || (router.tables_ = buildTables(router.routes_))
  const trimmed = trim(path, options)
  const isEscaped = trimmed.indexOf('%') >= 0
  let found = isEscaped ? undefined : pick(plain_[fold(trimmed, options)], method)
  if (found) return found

  const parts = components(trimmed)
  const folded = options.ignoreCase ? parts.map(lower) : parts
  if (isEscaped && !parts.some(hasSlash)) found = pick(plain_[folded.join('/')], method)
  // (The target * of an OPTIONS request is one part, and below no path.)
  if (!found && parts.length > 1) found = walk(root_, folded, 1, method)
  if (found) cut(found.keys_, parts, params)
  for (let ix = 0; !found && ix < regExps_.length; ix++) {
    const groups = (regExps_[ix]!.path_ as RegExp).exec(path)
    found = groups ? pick(regExps_[ix], method) : undefined
    if (!groups || !found) continue
    groups.slice(1).forEach((group, index) => setOwn(params, '' + index, group && decode(group)))
    const named = groups.groups || {}
    for (const name of Object.keys(named)) setOwn(params, name, named[name] && decode(named[name]!))
  }
  return found
}

/**
 * A router with methods, path parameters and any number of steps.
 *
 *     const app = rest({ router: new Router() })
 *     app.get('/users/:id', (req) => find(req.params.id))
 *
 * Throws, when a route is defined, for a path, method or step that cannot be.
 */
export class Router {
  declare readonly options: RouterOptions
  /** @internal */ declare readonly steps_: Categories
  /** @internal */ declare body_: ReadBody | Step | false
  /** All routes in order of definition, by method and shape: the same again takes the place of the earlier one. @internal */
  declare readonly routes_: { [methodAndShape: string]: Route }
  /** Made of the routes at the first look-up after a change. @internal */
  declare tables_: Tables | undefined

  constructor(options?: RouterOptions) {
    this.options = options || {}
    const readBody = this.options.readBody
    mustBeFunction('readBody', readBody)
    this.body_ = readBody === undefined ? buildReadBody(this.options) : readBody
    this.steps_ = noSteps()
    this.routes_ = bare()
  }

  /**
   * Define the steps of a route, or add steps to a category.
   *
   *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
   *
   * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
   */
  setRoute(category: 'err', steps: ErrStep | readonly ErrStep[]): void
  setRoute(category: 'pre' | 'use' | 'post', steps: Step | readonly Step[]): void
  setRoute<Path extends string | RegExp>(path: Path, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void
  setRoute<Path extends string | RegExp>(
    path: Path, method: string, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]
  ): void
  setRoute(path: string | RegExp, method: unknown, steps?: unknown): void {
    if (!path || !(isString(path) || path instanceof RegExp)) refuse('path is required', path)
    if (arguments.length > (isString(method) ? 3 : 2)) refuse('setRoute takes a single mw step or an array', path)
    if (!isString(method)) {
      steps = method
      method = ANY
    }
    const list = toSteps(steps)
    if (isCategory(path)) {
      // A new list: routes keep the one of the time of their definition.
      this.steps_[path as string] = this.steps_[path as string]!.concat(list)
      return
    }
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method as string)) refuse('bad method', method)
    if (/[gy]/.test((path as RegExp).flags)) refuse('flags g and y are not for routes', path)
    const { shape_, keys_ } = parse(path, this.options)
    const name = ('' + method).toUpperCase()
    this.routes_[name + ' ' + shape_] = {
      method_: name, path_: path, use_: this.steps_.use as Step[], mw_: list, keys_, other_: undefined,
    }
    this.tables_ = undefined
  }

  /** Forget the route for a method, or for all methods if none is given; or all steps of a category. */
  deleteRoute(path: string | RegExp, method?: string): void {
    this.tables_ = undefined
    if (isCategory(path)) {
      this.steps_[path as string] = []
      return
    }
    const { shape_ } = parse(path, this.options)
    for (const key of Object.keys(this.routes_)) {
      const at = key.indexOf(' ')
      if (key.slice(at + 1) === shape_ && (!method || key.slice(0, at) === method.toUpperCase())) delete this.routes_[key]
    }
  }

  /**
   * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
   *
   * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
   */
  getRoute(path?: string | null, method?: string): Step[] | MatchedRoute | null {
    if (!path) return null
    if (isCategory(path)) return this.steps_[path] as Step[]
    const params = {}
    const route = match(this, pathOf(path), method || ANY, params)
    if (!route) return null
    const mw = route.use_.concat(route.mw_)
    // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
    Object.defineProperty(mw, 'bodyAt', { value: route.use_.length })
    return route.keys_.length || !isString(route.path_) ? { mw, params, path: route.path_ } : mw
  }

  /** List the routes in the order of their definition. */
  routes(): RouteInfo[] {
    return Object.keys(this.routes_).map((key) => ({ method: this.routes_[key]!.method_, path: '' + this.routes_[key]!.path_ }))
  }

  /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
  runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void {
    runSteps(this, rest, req, res, callback)
  }

  /** The route for a request, its parameters in `req.params`. Throws what the client is told if there is none. @internal */
  find_(req: Req): Found {
    const { params, _route } = req
    if (_route) return chosenRoute(_route as MatchedRoute, params)
    const method = req.method!
    const path = pathOf(req.url!)
    const route = match(this, path, method, params)
    if (route) return route
    const allow: string[] = []
    if (this.options.methodNotAllowed) match(this, path, allow, {})
    if (!allow.length) throw notRouted(req)

    if (allow.indexOf('GET') >= 0) allow.push('HEAD')
    allow.push('OPTIONS')
    const headers = { allow: allow.filter((name, ix) => allow.indexOf(name) === ix).join(', ') }
    if (method === 'OPTIONS') {
      return { use_: [], mw_: [(req: Req, res: HostRes, next: () => void) => sendResponse(req, res, next, null, 204, undefined, headers)] }
    }
    const err = new HttpError(405, method + ' ' + path + ': method not allowed')
    err.headers = headers
    throw err
  }
}

export default Router
