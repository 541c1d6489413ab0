/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

import {
  HttpError, bare, buildReadBody, components, decode, fold, isCategory, isFunction, noSteps, pathOf, refuse, runSteps, sendResponse,
  setOwn, toSteps,
} from './mw.ts'
import type {
  Categories, ErrStep, Found, HostReq, HostRes, PathOptions, PathParams, ReadBody, ReadBodyOptions, Req, RestLike, Step,
} from './mw.ts'

export interface RouterOptions extends PathOptions, ReadBodyOptions {
  /** What reads the body into `req.body`, called as `(req, res, next)`; `false` reads none. Default as `mw.buildReadBody`. */
  readBody?: ReadBody | Step | false | undefined
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
  name: string
  from: number
  /** For a tail, where it ends. */
  to?: number
}

interface Route extends Found {
  method_: string
  path_: string | RegExp
  use_: Step[]
  mw_: Step[]
  keys_: Key[]
  /** The next route of this shape, for another method. */
  other_: Route | undefined
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

/** Routes by a text; those of one text for several methods are linked. */
interface Table {
  [text: string]: Route | undefined
}

/** A path or pattern taken apart. */
interface Pattern {
  parts: string[]
  keys: Key[]
}

const ANY = '_ANY_'

/** Take a pattern apart: `/a/:b/:*c`. The names go to the keys; ':' and ':*' stay in their places. Throws if it cannot be. */
function parse(path: string, options: PathOptions): Pattern {
  if (path.charAt(0) !== '/') path = '/' + path
  const parts = fold(path, options).split('/')
  const names = path.split('/')
  const keys: Key[] = []
  let tail = 0
  if (options.ignoreTrailingSlash && parts.length > 2 && !parts[parts.length - 1]) parts.pop()
  for (let ix = 1; ix < parts.length; ix++) {
    const part = names[ix] === '*' ? ':*' : names[ix]!
    if (part.charAt(0) !== ':') continue
    const isTail = part.charAt(1) === '*'
    const name = isTail ? part.slice(2) || '*' : part.slice(1)
    if (!name || (isTail && tail)) refuse(name ? 'two tails in path' : 'no name in path', path)
    for (const key of keys) if (key.name === name) refuse('same name twice in path', path)
    keys.push(isTail ? { name, from: ix, to: ix + 1 - parts.length } : { name, from: tail ? ix - parts.length : ix })
    if (isTail) tail = ix
    parts[ix] = isTail ? ':*' : ':'
  }
  return { parts, keys }
}

function child(node: Node, part: string): Node {
  const plain = node.plain_ || (node.plain_ = bare<Node>())
  return plain[part] || (plain[part] = {})
}

function lower(text: string): string {
  return text.toLowerCase()
}

function hasSlash(part: string): boolean {
  return part.indexOf('/') >= 0
}

/** Decode what a RegExp has cut out. */
function decodeGroup(text: string | undefined): string | undefined {
  return text && decode(text)
}

function update(table: Table, text: string, first: Route | undefined): void {
  if (first) table[text] = first
  else delete table[text]
}

/** Cut a route's parameters from the components of a path. */
function cut(keys: Key[], parts: string[], params: object): void {
  const count = parts.length
  for (const key of keys) {
    let value: string | undefined
    if (key.to === undefined) value = parts[key.from < 0 ? count + key.from : key.from]
    else if (key.from < count + key.to) value = '/' + parts.slice(key.from, count + key.to).join('/')
    setOwn(params, key.name, value)
  }
}

/** Of routes of one shape the one for a method; with a list for a method, none, but all their methods in the list. */
function pick(route: Route | undefined, method: string | string[]): Route | undefined {
  let found: Route | undefined
  for (; route; route = route.other_) {
    if (route.method_ === method) return route
    if (typeof method != 'string') {
      if (method.indexOf(route.method_) < 0) method.push(route.method_)
    } else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route
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
    const found = parts.length - length > ix ? walk(node, parts, parts.length - length, method) : undefined
    if (found && (!best || rank(found) < rank(best))) best = found
  }
  return best
}

/** A pattern as a text that sorts before those of less specific ones. */
function rank(route: Route): string {
  return (route.path_ as string).replace(/\/(:?\*|:)?[^/]*/g, (_part, sign) => (sign ? (sign === ':' ? 'b' : 'c') : 'a'))
}

/** Take the route for a method, or all, from those of a shape; what is left. */
function unlink(first: Route | undefined, method: string | undefined, gone: Route[]): Route | undefined {
  if (!first) return undefined
  const rest = unlink(first.other_, method, gone)
  if (!method || first.method_ === method) {
    gone.push(first)
    return rest
  }
  first.other_ = rest
  return first
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
  /** All routes in order of definition. */
  declare private routes_: Route[]
  /** Routes without parameters, by path, and RegExps, by their text. */
  declare private plain_: Table
  declare private regExps_: Table
  /** Routes with parameters. */
  declare private root_: Node
  /** How many routes have left the tree since it was built; their nodes stay until it is built again. */
  declare private gone_: number

  constructor(options?: RouterOptions) {
    this.options = options || {}
    const readBody = this.options.readBody
    if (readBody && !isFunction(readBody)) refuse('readBody must be a function', readBody)
    this.body_ = readBody === undefined ? buildReadBody(this.options) : readBody
    this.steps_ = noSteps()
    this.routes_ = []
    this.clear_()
  }

  /**
   * Define the steps of a route, or add steps to a category.
   *
   *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
   *
   * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
   */
  setRoute(category: 'err', steps: ErrStep | readonly ErrStep[]): void
  setRoute<Path extends string>(path: Path | RegExp, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void
  setRoute<Path extends string>(
    path: Path | RegExp, method: string, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]
  ): void
  setRoute(path: string | RegExp, method: unknown, steps?: unknown): void {
    if (!path || (typeof path != 'string' && !(path instanceof RegExp))) refuse('path is required', path)
    if (arguments.length < 3 && typeof method != 'string') {
      steps = method
      method = ANY
    }
    if (arguments.length > 3 || isFunction(method)) refuse('setRoute takes a single mw step or an array', path)
    const list = toSteps(steps)
    if (isCategory(path)) {
      // A new list: routes keep the one of the time of their definition.
      this.steps_[path as string] = this.steps_[path as string]!.concat(list)
      return
    }
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(method as string)) refuse('bad method', method)
    if (/[gy]/.test((path as RegExp).flags)) refuse('flags g and y are not for routes', path)
    const route: Route = {
      method_: ('' + method).toUpperCase(), path_: path, use_: this.steps_.use as Step[], mw_: list, keys_: [], other_: undefined,
    }
    const replaced = this.insert_(route)
    if (replaced) this.routes_[this.routes_.indexOf(replaced)] = route
    else this.routes_.push(route)
  }

  /** Forget the route for a method, or for all methods if none is given; or all steps of a category. */
  deleteRoute(path: string | RegExp, method?: string): void {
    if (isCategory(path)) {
      this.steps_[path as string] = []
      return
    }
    const gone: Route[] = []
    this.place_(path, (first) => unlink(first, method && method.toUpperCase(), gone))
    for (const route of gone) this.routes_.splice(this.routes_.indexOf(route), 1)
    this.gone_ += gone.length
    if (this.gone_ > this.routes_.length) {
      const routes = this.routes_
      this.clear_()
      for (const route of routes) this.insert_(route)
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
    const route = this.match_(pathOf(path), method || ANY, params)
    if (!route) return null
    const mw = route.use_.concat(route.mw_)
    // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
    Object.defineProperty(mw, 'bodyAt', { value: route.use_.length })
    return route.keys_.length || typeof route.path_ != 'string' ? { mw, params, path: route.path_ } : mw
  }

  /** List the routes in the order of their definition. */
  routes(): RouteInfo[] {
    return this.routes_.map((route) => ({ method: route.method_, path: '' + route.path_ }))
  }

  /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
  runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void {
    runSteps(this, rest, req, res, callback)
  }

  /** The route for a request, its parameters in `req.params`. Throws what the client is told if there is none. @internal */
  find_(req: Req): Found {
    const path = pathOf(req.url!)
    const method = req.method!
    const chosen = req._route
    if (chosen) return this.chosen_(chosen as MatchedRoute, req.params)
    const route = this.match_(path, method, req.params)
    if (route) return route
    const allow: string[] = []
    if (this.options.methodNotAllowed) this.match_(path, allow, {})
    if (!allow.length) throw new HttpError(404, method + ' ' + path + ': path not routed')

    if (allow.indexOf('GET') >= 0 && allow.indexOf('HEAD') < 0) allow.push('HEAD')
    if (allow.indexOf('OPTIONS') < 0) allow.push('OPTIONS')
    const headers = { allow: allow.join(', ') }
    if (method === 'OPTIONS') {
      return { use_: [], mw_: [(req: Req, res: HostRes, next: () => void) => sendResponse(req, res, next, null, 204, undefined, headers)] }
    }
    const err = new HttpError(405, method + ' ' + path + ': method not allowed')
    err.headers = headers
    throw err
  }

  /** What a pre step has chosen, an array of steps or what `getRoute` has given, as a route. */
  private chosen_(chosen: Step[] | MatchedRoute, params: object): Found {
    const { mw = chosen as Step[], params: own = {} } = chosen as MatchedRoute
    const bodyAt = (mw as { bodyAt?: number }).bodyAt || 0
    for (const name of Object.keys(own)) setOwn(params, name, own[name])
    return { use_: mw.slice(0, bodyAt), mw_: mw.slice(bodyAt) }
  }

  /** Match a path: paths without parameters first, then the tree, then RegExps. A list for the method is filled with all that fit. */
  private match_(path: string, method: string | string[], params: object): Route | undefined {
    const options = this.options
    const raw = path
    if (path.charCodeAt(0) !== 47 /* slash */) path = '/' + path
    if (options.ignoreTrailingSlash && path.length > 1 && path.charAt(path.length - 1) === '/') path = path.slice(0, -1)
    const isEscaped = path.indexOf('%') >= 0
    let found = isEscaped ? undefined : pick(this.plain_[fold(path, options)], method)
    if (found) return found

    const parts = components(path)
    const folded = options.ignoreCase ? parts.map(lower) : parts
    if (isEscaped && !parts.some(hasSlash)) found = pick(this.plain_[folded.join('/')], method)
    if (!found) found = walk(this.root_, folded, 1, method)
    if (found) cut(found.keys_, parts, params)
    return found || this.matchRegExps_(raw, method, params)
  }

  private matchRegExps_(path: string, method: string | string[], params: object): Route | undefined {
    for (const text in this.regExps_) {
      const match = (this.regExps_[text]!.path_ as RegExp).exec(path)
      const found = match && pick(this.regExps_[text], method)
      if (!found) continue
      for (let ix = 1; ix < match.length; ix++) setOwn(params, '' + (ix - 1), decodeGroup(match[ix]))
      const groups = match.groups
      if (groups) for (const name in groups) setOwn(params, name, decodeGroup(groups[name]))
      return found
    }
    return undefined
  }

  private clear_(): void {
    this.plain_ = bare()
    this.regExps_ = bare()
    this.root_ = {}
    this.gone_ = 0
  }

  /** Find the routes of this path's shape, and put others, or none, in their place. */
  private place_(path: string | RegExp, change: (first: Route | undefined, keys: Key[]) => Route | undefined): void {
    if (typeof path != 'string') return update(this.regExps_, '' + path, change(this.regExps_['' + path], []))
    const { parts, keys } = parse(path, this.options)
    const text = parts.join('/')
    if (!keys.length) return update(this.plain_, text, change(this.plain_[text], keys))

    let node = this.root_
    const last = parts.length - 1
    for (let ix = 1; ix <= last; ix++) {
      const part = parts[ix]!
      if (part === ':') node = node.param_ || (node.param_ = {})
      else if (part !== ':*') node = child(node, part)
      else if (ix < last) {
        node = node.middle_ || (node.middle_ = { lengths_: [] })
        if (node.lengths_!.indexOf(last - ix) < 0) node.lengths_!.push(last - ix)
      } else {
        node.tail_ = change(node.tail_, keys)
        return
      }
    }
    node.end_ = change(node.end_, keys)
  }

  /** Put a route in its place; the one that was there. */
  private insert_(route: Route): Route | undefined {
    const replaced: Route[] = []
    this.place_(route.path_, (first, keys) => {
      route.keys_ = keys
      route.other_ = unlink(first, route.method_, replaced)
      return route
    })
    return replaced[0]
  }
}

export default Router
