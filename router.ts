/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

import {
  HttpError, bare, buildReadBody, components, decode, fold, isCategory, isString, mustBeFunction, noSteps, notRouted, pathOf,
  placeOf, refuse, runSteps, sendResponse, setOwn, toSteps,
} from './mw.ts'
import type {
  Categories, ErrStep, Found, HostReq, HostRes, Next, PathOptions, PathParams, Place, ReadBody, ReadBodyOptions, Req, RestLike,
  Step,
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

/**
 * What of a path is which parameter, three items for each: the name, the index of the component that is its value, and for a tail
 * how many components the pattern has, else 0. (One flat list, as a device has many routes.)
 */
type Keys = (string | number)[]

const NO_KEYS: Keys = []

interface Route extends Found {
  method_: string
  path_: string | RegExp
  use_: Step[]
  mw_: Step[] | Step
  keys_: Keys
  /** Of a pattern with a tail in the middle, a text that sorts before those of less specific ones, more parts before fewer. */
  rank_?: string
  /** The next route of this shape, for another method. */
  other_?: Route | undefined
}

/** What look-ups use, made of the routes. */
interface Tables {
  /** Routes without parameters, by path. */
  plain_: { [path: string]: Route }
  /** Routes with parameters, by shape. */
  root_: Place<Route>
  regExps_: Route[]
}

/** A method to look for; or a table, to be filled with all that the path has routes for. */
type Wanted = string | { [method: string]: boolean }

const ANY = '_ANY_'

/** Take a path apart: of `/a/:b/:*c` the shape is `/a/:/:*`, and b and c are added to the keys. Throws if it cannot be. */
function shapeOf(path: string | RegExp, options: PathOptions, keys: Keys): string {
  if (!isString(path)) return 'RegExp ' + path
  const parts = trim(path.replace(/^\/?/, '/'), options).split('/')
  const count = parts.length
  let hasTail = false
  for (let ix = 1; ix < count; ix++) {
    const part = parts[ix]!
    // `:` and a name, `:*` and perhaps a name, or `*` alone.
    const found = part.match(/^(:\*?|\*$)([^]*)/)
    if (found) {
      const isTail = found[1] !== ':'
      const name = found[2] || (isTail && '*')
      if (!name || (isTail && hasTail) || keys.indexOf(name) >= 0) refuse('bad parameter "' + part + '" in path', path)
      keys.push(name, ix, isTail ? count : 0)
      hasTail = hasTail || isTail
      parts[ix] = isTail ? ':*' : ':'
    } else parts[ix] = fold(part, options)
  }
  return parts.join('/')
}

/** Without a trailing slash, if that is to be ignored. */
function trim(path: string, options: PathOptions): string {
  return options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path
}

/** Of routes of one shape the one for a method; with a table for a method, none, but all their methods in the table. */
function pick(route: Route | undefined, method: Wanted): Route | undefined {
  let found: Route | undefined
  for (; route; route = route.other_) {
    if (route.method_ === method) return route
    if (!isString(method)) method[route.method_] = true
    else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route
  }
  return found
}

/**
 * The most specific route for the components from `ix` on.
 *
 * A place is visited once at the most; behind a tail in the middle, once for each length of what may follow there.
 */
function walk(place: Place<Route> | undefined, parts: string[], ix: number, method: Wanted): Route | undefined {
  if (!place) return undefined
  const { next_, tail_ } = place
  const part = parts[ix]
  let found: Route | undefined
  if (part === undefined) found = pick(place.end_, method)
  else if (next_) found = walk(next_[part], parts, ix + 1, method)
  if (!found && part) found = walk(place.param_, parts, ix + 1, method)
  if (found || !tail_) return found

  // What follows a tail can start in as many places as it has lengths. The most specific pattern wins.
  for (const length of tail_.lengths_ || []) {
    const start = parts.length - length
    const other = start > ix ? walk(tail_, parts, start, method) : undefined
    if (other && (!found || other.rank_! < found.rank_!)) found = other
  }
  return found || pick(tail_.end_, method)
}

/** Put all routes in their places. */
function buildTables(routes: { [methodAndShape: string]: Route }): Tables {
  const plain: Tables['plain_'] = bare()
  const root: Place<Route> = {}
  const regExps: Route[] = []
  for (const key in routes) {
    const route = routes[key]!
    const shape = key.slice(key.indexOf(' ') + 1)
    const parts = shape.split('/')
    if (!isString(route.path_)) regExps.push(route)
    else if (route.keys_.length) {
      const place = placeOf(root, parts)
      const tailAt = parts.indexOf(':*')
      const length = parts.length - tailAt - 1
      route.other_ = place.end_
      place.end_ = route
      if (tailAt > 0 && length) {
        const tail = placeOf(root, parts.slice(0, tailAt + 1))
        const lengths = tail.lengths_ || (tail.lengths_ = [])
        if (lengths.indexOf(length) < 0) lengths.push(length)
        route.rank_ = parts.map((part) => (part === ':' ? 'b' : part === ':*' ? 'c' : 'a')).join('') + 'd'
      }
    } else {
      route.other_ = plain[shape]
      plain[shape] = route
    }
  }
  return { plain_: plain, root_: root, regExps_: regExps }
}

/** Add values to params, percent-decoded if they are escaped. */
function addTo(params: object, values: { [name: string]: unknown } | undefined, isEscaped?: boolean): void {
  if (!values) return
  for (const name of Object.keys(values)) {
    const value = values[name]
    setOwn(params, name, value && isEscaped ? decode(value as string) : value)
  }
}

/** Match a path: paths without parameters first, then the tree, then RegExps. A table for the method is filled with all that fit. */
function match(router: Router, path: string, method: Wanted, params: object): Route | undefined {
  const { options } = router
  const { plain_, root_, regExps_ } = router.tables_ || (router.tables_ = buildTables(router.routes_))
  const trimmed = trim(path, options)
  const isEscaped = trimmed.indexOf('%') >= 0
  let found = isEscaped ? undefined : pick(plain_[fold(trimmed, options)], method)
  if (found) return found

  const parts = components(trimmed)
  const folded = options.ignoreCase ? parts.map((part) => part.toLowerCase()) : parts
  // An escaped slash is part of its component.
  if (isEscaped && !parts.some((part) => part.indexOf('/') >= 0)) found = pick(plain_[folded.join('/')], method)
  // (The target * of an OPTIONS request is below no path: all that is in the tree begins with a slash.)
  found = found || walk(root_, folded, 0, method)
  if (found) {
    // A tail has one component and so many more; or none, then it is -1.
    let more = 0
    const { keys_ } = found
    for (let key = 0; key < keys_.length; key += 3) {
      const at = keys_[key + 1] as number
      const tailOf = keys_[key + 2] as number
      let value: string | undefined = parts[at + more]
      if (tailOf) {
        more = parts.length - tailOf
        value = more < 0 ? undefined : '/' + parts.slice(at, at + more + 1).join('/')
      }
      setOwn(params, keys_[key] as string, value)
    }
    return found
  }

  for (const route of regExps_) {
    const groups = (route.path_ as RegExp).exec(path)
    if (groups && pick(route, method)) {
      addTo(params, groups.slice(1) as unknown as { [ix: string]: string }, true)
      addTo(params, groups.groups, true)
      return route
    }
  }
  return undefined
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
  /** @internal */ declare readonly ownRun_: unknown

  constructor(options?: RouterOptions) {
    this.ownRun_ = Router.prototype.runRoute
    this.options = options || {}
    if (typeof this.options != 'object') refuse('bad options', options)
    const { readBody = buildReadBody(this.options) } = this.options
    mustBeFunction('readBody', readBody)
    this.body_ = readBody
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
    const keys: Keys = []
    const shape = shapeOf(path, this.options, keys)
    const name = (method as string).toUpperCase()
    this.routes_[name + ' ' + shape] = {
      method_: name === method ? method : name, path_: path, use_: this.steps_.use as Step[], mw_: list.length > 1 ? list : list[0]!,
      keys_: keys.length ? keys : NO_KEYS, other_: undefined,
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
    const forgotten = (method || '').toUpperCase() + ' ' + shapeOf(path, this.options, [])
    for (const key in this.routes_) {
      const from = method ? 0 : key.indexOf(' ')
      if (key.slice(from) === forgotten) delete this.routes_[key]
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
    // (An app hands its `next` along.)
    runSteps(this, rest, req, res, callback, arguments[4] as Next | undefined)
  }

  /** The route for a request, its parameters in `req.params`. Throws what the client is told if there is none. @internal */
  find_(req: Req): Found {
    const { params, _route } = req
    if (_route) {
      // An array of steps, or what `getRoute` has given.
      const { mw = _route as Step[], params: own } = _route as MatchedRoute
      const bodyAt = (mw as { bodyAt?: number }).bodyAt || 0
      addTo(params, own)
      return { use_: mw.slice(0, bodyAt), mw_: mw.slice(bodyAt) }
    }
    const method = req.method!
    const path = pathOf(req.url!)
    const route = match(this, path, method, params)
    if (route) return route
    const allow: Wanted = {}
    if (this.options.methodNotAllowed) match(this, path, allow, {})
    if (!Object.keys(allow).length) throw notRouted(req)

    if (allow.GET) allow.HEAD = true
    allow.OPTIONS = true
    const headers = { allow: Object.keys(allow).join(', ') }
    if (method === 'OPTIONS') {
      const answer: Step = (req, res, next) => sendResponse(req, res, next, null, 204, undefined, headers)
      return { use_: [], mw_: answer }
    }
    const err = new HttpError(405, method + ' ' + path + ': method not allowed')
    err.headers = headers
    throw err
  }
}

export default Router
