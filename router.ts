/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

import {
  HttpError, bare, buildReadBody, components, decode, fold, isCategory, isString, mustBeFunction, noSteps, notRouted, pathOf, refuse,
  runSteps, sendResponse, setOwn, toSteps,
} from './mw.ts'
import type {
  Categories, ErrStep, Found, HostReq, HostRes, Next, PathOptions, PathParams, ReadBody, ReadBodyOptions, Req, RestLike,
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

/** The name of a parameter, and which of the places in `setParam` stores values under it. */
interface Name {
  name_: string
  site_: number
}

const NO_NAMES: Name[] = []

interface Route extends Found {
  method_: string
  path_: string | RegExp
  /** Its pattern without the names, as `shapeOf` makes it. */
  shape_: string
  names_: Name[]
  use_: Step[]
  mw_: Step[] | Step
  /** All of its steps, once `getRoute` has given them to somebody. */
  steps_: Step[] | undefined
  count_: number
  /** The next route of this shape, for another method. */
  other_: Route | undefined
}

/**
 * A node of the tree that look-ups go through.
 *
 * It stands for what the shapes of some routes have in common: the text since the last parameter, or since the start. Which character
 * comes next tells which kid to go on with. The characters in between are not looked at on the way; the text is compared
 * as a whole, where it ends.
 */
interface Node {
  /** Where in the shapes that text ends. */
  at_: number
  /** Routes that are not sorted in yet: this is done by the first look-up that comes here. */
  routes_: Route[] | undefined
  /** Where the text goes on: nodes by the next character, and the lowest of these characters. */
  kids_: Node[] | undefined
  low_: number
  /** The text, if anything begins or ends after it. */
  text_: string | undefined
  /** What ends here, for each method. */
  end_: Route | undefined
  /** What goes on with a parameter. */
  param_: Node | undefined
  tails_: Tails | undefined
}

/** The ways on from a node by a tail. */
interface Tails {
  /** What ends in one, for each method. */
  end_: Route | undefined
  /** What goes on after one, and how many components that may be. */
  middle_: Node | undefined
  lengths_: number[]
}

/** What look-ups use, made of the routes. */
interface Tables {
  /** Routes without parameters, by path, if there are many. */
  plain_: { [path: string]: Route } | undefined
  root_: Node | undefined
  regExps_: Route[]
}

/** A method to look for; or a table, to be filled with all that the path has routes for. */
type Wanted = string | { [method: string]: boolean }

const ANY = '_ANY_'

/** From so many routes without parameters on a dictionary of them is faster than the tree, by more than its hashing of a fresh path costs. */
const MANY = 100


/** What stands for a parameter and its slash in a shape, and for a tail. A literal has neither: see `escape`. */
const PARAM = '?'
const TAIL = '#'

/** The names of a pattern's parameters. Patterns with the same names share them. */
function namesOf({ names_, lists_ }: Router, names: string[]): Name[] {
  const key = names.join('/')
  return lists_[key] || (lists_[key] = names.map((name) => {
    if (!names_[name]) {
      names_[name] = { name_: name, site_: 0 }
      const all = Object.keys(names_)
      names_[name] = { name_: all[all.length - 1]!, site_: name === '__proto__' ? 8 : all.length - 1 }
    }
    return names_[name]!
  }))
}

/** A component as it is in shapes, and in the paths compared with them: decoded, but for what would end or divide a path. */
const escape = (part: string): string => part.replace(/[%/?#]/g, (char) => '%' + char.charCodeAt(0).toString(16))

/** Take a path apart: of `/a/:b/:*c/d` the shape is `/a?#/d`, and b and c are added to the names. Throws if it cannot be. */
function shapeOf(path: string | RegExp, options: PathOptions, names: string[]): string {
  if (!isString(path)) return 'RegExp ' + path
  const parts = trim(path.replace(/^\/?/, '/'), options).split('/')
  let hasTail = false
  let shape = ''
  for (let ix = 1; ix < parts.length; ix++) {
    const part = parts[ix]!
    // `:` and a name, `:*` and perhaps a name, or `*` alone.
    const found = part.match(/^(:\*?|\*$)([^]*)/)
    if (found) {
      const isTail = found[1] !== ':'
      const name = found[2] || (isTail && '*')
      if (!name || (isTail && hasTail) || names.indexOf(name) >= 0) refuse('bad parameter "' + part + '" in path', path)
      names.push(name)
      hasTail = hasTail || isTail
      shape += isTail ? TAIL : PARAM
    } else shape += '/' + escape(fold(part, options))
  }
  return shape
}

/** Without a trailing slash, if that is to be ignored. */
function trim(path: string, options: PathOptions): string {
  return options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path
}

/** Of routes of one shape the one for a method; with a table for a method, none, but all their methods in the table. */
function pick(route: Route | undefined, method: Wanted): Route | undefined {
  let found: Route | undefined
  for (; route !== undefined; route = route.other_) {
    if (route.method_ === method) return route
    if (!isString(method)) method[route.method_] = true
    else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route
  }
  return found
}

/** Put a route below a node; without one, below a new one. */
function put(node: Node | undefined, at: number, route: Route): Node {
  if (!node) {
    return {
      kids_: undefined, low_: 0, at_: at, text_: undefined, param_: undefined, tails_: undefined, end_: undefined, routes_: [route],
    }
  }
  node.routes_!.push(route)
  return node
}

/** How far all of some routes have the same literal text, from `start` on. */
function common(routes: Route[], start: number): number {
  const first = routes[0]!.shape_
  let at = first.slice(start).search(/[?#]|$/) + start
  let text = first.slice(start, at)
  for (const { shape_ } of routes) {
    while (shape_.slice(start, at) !== text) text = first.slice(start, --at)
  }
  return at
}

const isLiteral = (char: string | undefined): boolean => !!char && char !== PARAM && char !== TAIL

/** Sort in the routes of a node whose text begins at `from`. */
function split(node: Node, from: number): void {
  const routes = node.routes_!
  node.routes_ = undefined
  // What all of them begin with.
  const at = common(routes, node.at_)
  const longer: Route[] = []
  for (const route of routes) {
    const { shape_ } = route
    const next = shape_[at]
    if (isLiteral(next)) {
      longer.push(route)
      continue
    }
    if (next === PARAM) node.param_ = put(node.param_, at + 1, route)
    else if (next) {
      const tails: Tails = node.tails_ || (node.tails_ = { end_: undefined, middle_: undefined, lengths_: [] })
      if (at + 1 === shape_.length) {
        route.other_ = tails.end_
        tails.end_ = route
      } else {
        const length = shape_.slice(at + 1).split(/[/?]/).length - 1
        tails.middle_ = put(tails.middle_, at + 1, route)
        if (tails.lengths_.indexOf(length) < 0) tails.lengths_.push(length)
      }
    } else {
      route.other_ = node.end_
      node.end_ = route
    }
    node.text_ = shape_.slice(from, at)
  }
  if (!longer.length) return
  const test = bestTest(longer, at)
  node.at_ = test
  let low = Infinity
  for (const { shape_ } of longer) low = Math.min(low, shape_.charCodeAt(test))
  node.low_ = low
  const kids: Node[] = node.kids_ = []
  for (const route of longer) {
    const ix = route.shape_.charCodeAt(test) - low
    kids[ix] = put(kids[ix], at, route)
  }
}

/** Where some routes differ most, from `at` on and before the first of them ends. */
function bestTest(routes: Route[], at: number): number {
  let best = at
  let most = 1
  for (let test = at; ; test++) {
    let seen = ''
    for (const { shape_ } of routes) {
      const char = shape_[test]
      if (!isLiteral(char)) return best
      if (seen.indexOf(char!) < 0) seen += char
    }
    if (seen.length > most) {
      most = seen.length
      best = test
    }
  }
}

/** The values of the parameters of a look-up: where in the text each begins and ends. */
const spans: number[] = []
/** What they are cut from, and whether the pieces are to be decoded. */
let text = ''
let isEscaped = false

const SLASH = 47

/**
 * The most specific route for a path from `at` on.
 *
 * `shift` is how much further on something is in the path than in the shapes.
 */
function search(node: Node, path: string, at: number, shift: number, depth: number, method: Wanted): Route | undefined {
  for (;;) {
    const { kids_, text_, param_, tails_ } = node
    const test = node.at_ + shift
    if (kids_ !== undefined && test < path.length) {
      const ix = path.charCodeAt(test) - node.low_
      const kid = ix >= 0 && ix < kids_.length ? kids_[ix] : undefined
      if (kid !== undefined) {
        if (param_ === undefined && tails_ === undefined) {
          node = kid
          continue
        }
        const found = search(kid, path, at, shift, depth, method)
        if (found !== undefined) return found
      }
    }
    if (text_ === undefined) {
      if (!node.routes_) return undefined
      split(node, at - shift)
      continue
    }
    const end = at + text_.length
    if (end === path.length) {
      if (end > at && (at > 0 ? path.slice(at, end) : path) !== text_) return undefined
      return pick(node.end_, method) || (tails_ && pickTail(tails_, end, end, depth, method))
    }
    if ((param_ === undefined && tails_ === undefined) || path.charCodeAt(end) !== SLASH) return undefined
    if (end > at && (end > at + 12 ? path.indexOf(text_, at) !== at : path.slice(at, end) !== text_)) return undefined
    if (param_ !== undefined) {
      let next = path.indexOf('/', end + 1)
      if (next < 0) next = path.length
      if (next > end + 1) {
        spans[depth] = end + 1
        spans[depth + 1] = next
        const further = shift + next - end - 1
        if (tails_ === undefined) {
          node = param_
          shift = further
          at = next
          depth += 2
          continue
        }
        const found = search(param_, path, next, further, depth + 2, method)
        if (found) return found
      }
    }
    if (!tails_) return undefined
    const found = tails_.middle_ && searchMiddle(tails_.middle_, tails_.lengths_, path, end, end - shift + 1, depth, method)
    return found || pickTail(tails_, end, path.length, depth, method)
  }
}

function pickTail({ end_ }: Tails, start: number, end: number, depth: number, method: Wanted): Route | undefined {
  spans[depth] = start
  spans[depth + 1] = end
  return pick(end_, method)
}

/** A text that sorts before those of less specific routes, as far as these have the same up to their tail. */
const rankOf = (route: Route): string => route.shape_.replace(/\/[^/?#]*/g, '!') + '~'

/** What follows a tail can start in as many places as it has lengths. The most specific pattern wins. */
function searchMiddle(
  node: Node, lengths: number[], path: string, at: number, from: number, depth: number, method: Wanted
): Route | undefined {
  let best: Route | undefined
  let bestStart = 0
  const look = (start: number): Route | undefined => {
    spans[depth] = at
    spans[depth + 1] = start
    return search(node, path, start, start - from, depth + 2, method)
  }
  for (const length of lengths) {
    let start = path.length
    for (let ix = 0; ix < length && start > at; ix++) start = path.lastIndexOf('/', start - 1)
    if (start <= at) continue
    const found = look(start)
    if (found && (!best || rankOf(found) < rankOf(best))) {
      best = found
      bestStart = start
    }
  }
  return best && look(bestStart)
}

/** Begin the tables for some routes. */
function buildTables(routes: { [methodAndShape: string]: Route }): Tables {
  const tables: Tables = { plain_: undefined, root_: undefined, regExps_: [] }
  const plain: Route[] = []
  for (const key in routes) {
    const route = routes[key]!
    if (isString(route.path_)) {
      tables.root_ = put(tables.root_, 0, route)
      if (route.names_ === NO_NAMES) plain.push(route)
    } else tables.regExps_.push(route)
  }
  if (plain.length > MANY) {
    const table = tables.plain_ = bare<Route>()
    for (const route of plain) {
      route.other_ = table[route.shape_]
      table[route.shape_] = route
    }
  }
  return tables
}

/** Add values to params, percent-decoded if they are escaped. */
function addTo(params: object, values: { [name: string]: unknown } | undefined, isEscaped?: boolean): void {
  if (!values) return
  for (const name of Object.keys(values)) {
    const value = values[name]
    setOwn(params, name, value && isEscaped ? decode(value as string) : value)
  }
}

/** Set a parameter. */
function setParam(params: { [name: string]: unknown }, { name_, site_ }: Name, value: string | undefined): void {
  switch (site_) {
    case 0: params[name_] = value; break
    case 1: params[name_] = value; break
    case 2: params[name_] = value; break
    case 3: params[name_] = value; break
    case 4: params[name_] = value; break
    case 5: params[name_] = value; break
    case 6: params[name_] = value; break
    case 7: params[name_] = value; break
    default: setOwn(params, name_, value)
  }
}

/** Match a request target. A table for the method is filled with all that the path has routes for. */
function match(router: Router, target: string, method: Wanted): Route | undefined {
  const { plain_, root_, regExps_ } = router.tables_ === undefined ? router.tables_ = buildTables(router.routes_) : router.tables_
  let found = plain_ === undefined ? undefined : pick(plain_[target], method)
  if (found !== undefined) return found
  const mark = target.indexOf('?')
  const url = mark < 0 ? target : target.slice(0, mark)
  const isOne = isString(method)
  // As it came: if it is found so, and has no parameters, there is nothing in it to cut off or decode.
  if (root_ !== undefined && isOne) found = search(root_, url, 0, 0, 0, method)
  if (found !== undefined && found.names_ === NO_NAMES) return found
  text = url
  isEscaped = false
  if (!isOne || url.charCodeAt(0) !== SLASH || url.indexOf('%') >= 0 || url.indexOf('#') >= 0 || router.folds_) {
    // (This throws what the client is told of a malformed escape: before any 404.)
    const path = normal(url, router.options)
    found = root_ && search(root_, path, 0, 0, 0, method)
  }
  if (found !== undefined) return found
  for (const route of regExps_) {
    if ((route.path_ as RegExp).test(pathOf(url)) && pick(route, method)) return route
  }
  return undefined
}

/** A path as it is compared with shapes; `text` is the same before it is folded. */
function normal(url: string, options: PathOptions): string {
  const path = trim(pathOf(url), options)
  text = path
  if (path.indexOf('%') >= 0) {
    const parts = components(path)
    isEscaped = /%(2[35f]|3f)/i.test(path)
    text = (isEscaped ? parts.map(escape) : parts).join('/')
  }
  return fold(text, options)
}

/** Add what the last look-up has found under the names of a route's parameters. */
function addParams(params: { [name: string]: unknown }, { names_, path_ }: Route, url: string): void {
  for (let ix = 0; ix < names_.length; ix++) {
    const start = spans[2 * ix]!
    const end = spans[2 * ix + 1]!
    const value = start < end ? text.slice(start, end) : undefined
    setParam(params, names_[ix]!, isEscaped && value ? decode(value) : value)
  }
  if (!isString(path_)) {
    const groups = path_.exec(pathOf(url))!
    addTo(params, groups.slice(1) as unknown as { [ix: string]: string }, true)
    addTo(params, groups.groups, true)
  }
}

/** All steps of a route, as one list that is kept. */
function stepsOf(route: Route): Step[] {
  const { steps_ } = route
  // (Whoever was given it may have emptied it.)
  if (steps_ !== undefined && steps_.length === route.count_) return steps_
  const { use_ } = route
  const steps = use_.concat(route.mw_)
  // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
  if (use_.length) Object.defineProperty(steps, 'bodyAt', { value: use_.length })
  route.count_ = steps.length
  route.steps_ = steps
  return steps
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
  /** Paths are compared in another form than they come in. @internal */
  declare readonly folds_: boolean
  /** The names of parameters, and lists of them by the names, joined. @internal */
  declare readonly names_: { [name: string]: Name }
  /** @internal */ declare readonly lists_: { [names: string]: Name[] }
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
    this.names_ = bare()
    this.folds_ = !!(this.options.ignoreCase || this.options.ignoreTrailingSlash)
    this.lists_ = bare()
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
    const names: string[] = []
    const shape = shapeOf(path, this.options, names)
    const name = (method as string).toUpperCase()
    this.routes_[name + ' ' + shape] = {
      method_: name === method ? method : name, steps_: undefined, count_: 0, mw_: list.length > 1 ? list : list[0]!, use_: this.steps_.use as Step[],
      other_: undefined, names_: names.length ? namesOf(this, names) : isString(path) ? NO_NAMES : [], path_: path, shape_: shape === path ? path : shape,
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
    if (path.charCodeAt(0) !== SLASH && isCategory(path)) return this.steps_[path] as Step[]
    const route = match(this, path, method || ANY)
    if (route === undefined) return null
    const mw = stepsOf(route)
    if (route.names_ === NO_NAMES) return mw
    const params = {}
    addParams(params, route, path)
    return { mw, params, path: route.path_ }
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
    const url = req.url!
    const route = match(this, url, method)
    if (route) {
      addParams(params, route, url)
      return route
    }
    const allow: Wanted = {}
    if (this.options.methodNotAllowed) match(this, url, allow)
    if (!Object.keys(allow).length) throw notRouted(req)

    if (allow.GET) allow.HEAD = true
    allow.OPTIONS = true
    const headers = { allow: Object.keys(allow).join(', ') }
    if (method === 'OPTIONS') {
      const answer: Step = (req, res, next) => sendResponse(req, res, next, null, 204, undefined, headers)
      return { use_: [], mw_: answer }
    }
    const err = new HttpError(405, method + ' ' + pathOf(url) + ': method not allowed')
    err.headers = headers
    throw err
  }
}

export default Router
