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

// ------------------------------------------------------------------------------------------------------- definitions

/** The names of a route's parameters, from left to right, as numbers in the router's list of names. */
type Names = readonly number[]

/** Those of a plain route, neither a pattern nor a RegExp. */
const NO_NAMES: Names = []

interface Route extends Found {
  method_: string
  /** All its steps, once somebody has asked for them, and how many they are. */
  all_: Step[] | undefined
  count_: number
  mw_: Step[] | Step
  use_: Step[]
  /** The next route of this shape, for another method. */
  other_: Route | undefined
  names_: Names
  path_: string | RegExp
  /** Its path without names: in place of a parameter, and the slash before it, there is `?`, of a tail `#`. */
  shape_: string
}

const ANY = '_ANY_'

/** A character that means something in a path or a shape, as one that does not. */
const escape = (char: string): string => '%' + char.charCodeAt(0).toString(16)

/** Without a trailing slash, if that is to be ignored. */
const trim = (path: string, options: PathOptions): string =>
  options.ignoreTrailingSlash ? path.replace(/(.)\/$/, '$1') : path

/**
 * What a path is without the names of its parameters: of `/a/:b/c/:*d` it is `/a?/c#`, and b and d are added to the names.
 *
 * Throws if it cannot be a path.
 */
function shapeOf(path: string | RegExp, options: PathOptions, names: string[]): string {
  if (!isString(path)) return 'RegExp ' + path
  let hasTail = false
  // `:` and a name, `:*` and perhaps a name, or `*` alone; and elsewhere what means something in a shape.
  const expression = /\/(:\*?|\*(?=\/|$))([^/]*)|[%?#]/g
  const shape = trim((path[0] === '/' ? '' : '/') + path, options).replace(expression, (found, kind?: string, rest?: string) => {
    if (!kind) return escape(found)
    const isTail = kind !== ':'
    const name = rest || (isTail && '*')
    if (!name || (isTail && hasTail) || names.indexOf(name) >= 0) refuse('bad parameter "' + kind + rest + '" in path', path)
    names.push(name)
    hasTail = hasTail || isTail
    return isTail ? '#' : '?'
  })
  return fold(shape, options)
}

/** The names of a pattern's parameters as they are kept: once for each list of names. */
function keepNames({ names_, lists_ }: Router, names: string[]): Names {
  const key = names.join('/')
  return lists_[key] || (lists_[key] = names.map((name) => {
    const known = names_.indexOf(name)
    if (known >= 0) return known
    // (Read back from where it is a key, it is the very string that an engine knows such keys by, and faster.)
    const table: { [name: string]: unknown } = bare()
    table[name] = name
    return names_.push(Object.keys(table)[0]!) - 1
  }))
}

// ---------------------------------------------------------------------------------------------------------- the table

/**
 * A node of the tree of shapes.
 *
 * A path goes down the tree blindly: at each node one character decides which way, and what is before that character is not looked
 * at. Only where something ends, or a parameter begins, is all the text compared that there is since the last parameter, at once.
 * Engines do that much faster than they look at characters one by one.
 */
interface Node {
  /** All routes that go through here, until the first look-up comes here as well: then the other fields are set. */
  routes_: Route[] | undefined
  /** Where in the text the character is that decides, the lowest that it can be, and the nodes by what it is more than that. */
  at_: number
  low_: number
  kids_: Node[] | undefined
  /** The text as far as here, if something ends or a parameter begins. */
  text_: string | undefined
  /** What ends here, one for each method. */
  end_: Route | undefined
  /** What goes on with a parameter. */
  param_: Node | undefined
  /** What goes on with a tail, the most specific first. */
  tails_: Tail[] | undefined
}

/** What follows a tail. */
interface Tail {
  /** The kinds of the components that follow, and an end: a text that sorts before those of less specific ones. */
  rank_: string
  node_: Node
}

/** What look-ups use, made of the routes. */
interface Tables {
  /** Plain routes by path, as `getRoute` has found them: it looks here first, if they are more than the patterns. */
  plain_: { [path: string]: Route } | undefined
  root_: Node | undefined
  regExps_: Route[]
  /** All methods that there are routes for. */
  methods_: { [method: string]: boolean }
}

/** Have a route go through a node, whose text is at `from` in the shapes; without a node, through a new one. */
function through(node: Node | undefined, from: number, route: Route): Node {
  if (!node) {
    return {
      at_: from, low_: 0, kids_: undefined, text_: undefined, param_: undefined, tails_: undefined, end_: undefined, routes_: [route],
    }
  }
  node.routes_!.push(route)
  return node
}

/** Set the fields of a node by the routes that go through it. */
function grow(node: Node): void {
  const from = node.at_
  const routes = node.routes_!
  const longer: Route[] = []
  const tails: { [rank: string]: Node } = bare()
  node.routes_ = undefined

  // The text of all of them goes as far as that of the first, or as they are the same.
  let common = routes[0]!.shape_.slice(from).match(/[^?#]*/)![0]!
  for (const { shape_ } of routes) while (shape_.indexOf(common, from) !== from) common = common.slice(0, -1)
  const at = from + common.length
  for (const route of routes) {
    const char = route.shape_[at]
    if (char === '?') node.param_ = through(node.param_, at + 1, route)
    else if (char === '#') {
      const rank = route.shape_.slice(at + 1).replace(/\/[^/?]*/g, '!') + '~'
      tails[rank] = through(tails[rank], at + 1, route)
    } else if (char) longer.push(route)
    else {
      route.other_ = node.end_
      node.end_ = route
    }
  }
  if (longer.length < routes.length) node.text_ = common
  const ranks = Object.keys(tails).sort()
  if (ranks.length) node.tails_ = ranks.map((rank) => ({ rank_: rank, node_: tails[rank]! }))
  if (!longer.length) return

  decide(node, longer, at)
  node.kids_ = []
  for (const route of longer) {
    const ix = route.shape_.charCodeAt(from + node.at_) - node.low_
    node.kids_[ix] = through(node.kids_[ix], from, route)
  }
}

/** Have a node decide where literal texts have many different characters, from `at` on and before the first of them ends. */
function decide(node: Node, routes: Route[], at: number): void {
  // So many are enough. (To find the most of a large table takes longer than it gains.)
  const MANY = 8
  const from = node.at_
  let most = ''
  for (let ix = at; most.length < MANY; ix++) {
    let seen = ''
    for (const { shape_ } of routes) {
      const char = shape_[ix]
      if (!char || char === '?' || char === '#') return
      if (seen.indexOf(char) < 0) seen += char
    }
    if (seen.length > most.length) {
      most = seen
      node.at_ = ix - from
      node.low_ = seen.split('').sort()[0]!.charCodeAt(0)
    }
  }
}

function buildTables(routes: { [methodAndShape: string]: Route }): Tables {
  const regExps: Route[] = []
  const methods: Tables['methods_'] = bare()
  let root: Node | undefined
  let plain = 0
  for (const key in routes) {
    const route = routes[key]!
    methods[route.method_] = true
    if (isString(route.path_)) root = through(root, 0, route)
    else regExps.push(route)
    plain += route.names_ === NO_NAMES ? 1 : -1
  }
  return { plain_: plain > 0 ? bare() : undefined, root_: root, regExps_: regExps, methods_: methods }
}

// ---------------------------------------------------------------------------------------------------------- look-ups

/** What the last look-up has found: from where to where the value of each parameter is, */
const spans: number[] = []
/** in which text, if it is not the url as it came, */
let text: string | undefined
/** or the groups of a RegExp. */
let groups: RegExpExecArray | null = null

/** Of routes of one shape the one for a method: the method's own, for HEAD that for GET, or the one for all methods. */
function pick(routes: Route | undefined, method: string): Route | undefined {
  for (let route = routes; route !== undefined; route = route.other_) if (route.method_ === method) return route
  return routes === undefined || method === ANY ? undefined : pick(routes, method === 'HEAD' ? 'GET' : ANY)
}

/**
 * The most specific route for the rest of a path, `at` being where its last parameter has ended, and `count` how many spans there are.
 *
 * A node is come to once at the most; after a tail, once for each kind of what follows it.
 */
function search(node: Node, path: string, at: number, count: number, method: string): Route | undefined {
  for (;;) {
    const { kids_, param_, tails_, text_ } = node
    // (Compared with undefined, since to V8 it is more work to find out whether something is truthy.)
    const test = at + node.at_
    if (kids_ !== undefined && test < path.length) {
      const ix = path.charCodeAt(test) - node.low_
      const kid = ix >= 0 && ix < kids_.length ? kids_[ix] : undefined
      if (kid !== undefined) {
        if (param_ === undefined && tails_ === undefined) {
          node = kid
          continue
        }
        const found = search(kid, path, at, count, method)
        if (found !== undefined) return found
      }
    }
    if (text_ === undefined) {
      if (node.routes_ === undefined) return undefined
      grow(node)
      continue
    }
    const end = at + text_.length
    // (47 is a slash.)
    if (end < path.length && path.charCodeAt(end) !== 47) return undefined
    // (A slice of up to 12 characters is a copy to V8; a longer one is a reference, and slow to compare.)
    if (end > at && (at > 0 || path !== text_) && (end - at > 12 ? path.indexOf(text_, at) !== at : path.slice(at, end) !== text_)) {
      return undefined
    }
    let found: Route | undefined
    if (end === path.length) found = pick(node.end_, method)
    else if (param_ !== undefined) {
      let next = path.indexOf('/', end + 1)
      if (next < 0) next = path.length
      if (next > end + 1) {
        spans[count] = end + 1
        spans[count + 1] = next
        if (tails_ === undefined) {
          node = param_
          at = next
          count += 2
          continue
        }
        found = search(param_, path, next, count + 2, method)
      }
    }
    return found === undefined && tails_ !== undefined ? searchTails(tails_, path, end, count, method) : found
  }
}

/** What goes on with a tail that begins at `at`. It ends where so many components are left as there have to be. */
function searchTails(tails: Tail[], path: string, at: number, count: number, method: string): Route | undefined {
  for (const { rank_, node_ } of tails) {
    let end = path.length
    for (let ix = 1; ix < rank_.length && end > at; ix++) end = path.lastIndexOf('/', end - 1)
    // (Only at the end of a pattern it may be of nothing.)
    if (end <= at && rank_.length > 1) continue
    spans[count] = at
    spans[count + 1] = end
    const found = search(node_, path, end, count + 2, method)
    if (found !== undefined) return found
  }
  return undefined
}

/** Look a request target up: in the tree, then among the RegExps. */
function match(router: Router, target: string, method: string): Route | undefined {
  const { options } = router
  const { root_, regExps_ } = router.tables_ || (router.tables_ = buildTables(router.routes_))
  const mark = target.indexOf('?')
  const url = mark < 0 ? target : target.slice(0, mark)
  let found = root_ && search(root_, url, 0, 0, method)
  // A plain route is all that the path can be. Anything else is right only if there was nothing to cut off, to decode or to fold.
  if (found !== undefined && found.names_ === NO_NAMES) return found
  text = undefined
  if (
    url[0] !== '/' || url.indexOf('%') >= 0 || url.indexOf('#') >= 0 ||
    options.ignoreCase || options.ignoreTrailingSlash
  ) {
    text = trim(pathOf(url), options)
    if (text.indexOf('%') >= 0) {
      const parts = components(text)
      text = (/%(2[35f]|3f)/i.test(text) ? parts.map((part) => part.replace(/[%/?#]/g, escape)) : parts).join('/')
    }
    found = root_ && search(root_, fold(text, options), 0, 0, method)
  }
  if (found !== undefined) return found

  for (const route of regExps_) {
    groups = (route.path_ as RegExp).exec(pathOf(url))
    if (groups && pick(route, method)) return route
  }
  return undefined
}

/** Add values to params, percent-decoded if they are escaped. */
function addTo(params: object, values: { [name: string]: unknown } | undefined, isEscaped?: boolean): void {
  if (!values) return
  for (const name of Object.keys(values)) {
    const value = values[name]
    setOwn(params, name, value && isEscaped ? decode(value as string) : value)
  }
}

/**
 * Add the parameters of the route that the last look-up has found.
 *
 * V8 remembers, statement by statement, how to set the name that it has come across there: so a router's first names have one each,
 * which is twice as fast as one for all. (Four are as good as eight in a table of thirty names, and three are not.)
 */
function addParams(router: Router, params: { [name: string]: unknown }, { names_, path_ }: Route, url: string): void {
  if (!isString(path_)) {
    addTo(params, groups!.slice(1) as unknown as { [ix: string]: string }, true)
    addTo(params, groups!.groups, true)
  }
  for (let ix = 0; ix < names_.length; ix++) {
    const name = router.names_[names_[ix]!]!
    const start = spans[2 * ix]!
    const end = spans[2 * ix + 1]!
    let value: string | undefined
    // (A tail of nothing has none.)
    if (end > start) value = text === undefined ? url.slice(start, end) : decode(text.slice(start, end))
    switch (names_[ix]) {
      case 1: params[name] = value; break
      case 2: params[name] = value; break
      case 3: params[name] = value; break
      case 4: params[name] = value; break
      default: setOwn(params, name, value)
    }
  }
}

/** All steps of a route, as one list that is kept. */
function stepsOf(route: Route): Step[] {
  const { all_, use_ } = route
  // (Somebody may have added to it, or emptied it.)
  if (all_ !== undefined && all_.length === route.count_) return all_
  const all = use_.concat(route.mw_)
  // Noted where nobody who compares the steps sees it: how many of them run before the body is read.
  if (use_.length) Object.defineProperty(all, 'bodyAt', { value: use_.length })
  route.all_ = all
  route.count_ = all.length
  return all
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
  /** All names of parameters. The first is one that `addParams` has no statement for. @internal */
  declare readonly names_: string[]
  /** The lists of names that patterns have, by the names. @internal */
  declare readonly lists_: { [names: string]: Names }
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
    this.names_ = ['__proto__']
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
    if (!(isString(path) ? path : path instanceof RegExp)) refuse('path is required', path)
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
    if (!isString(path) && /[gy]/.test(path.flags)) refuse('flags g and y are not for routes', path)
    const names: string[] = []
    const shape = shapeOf(path, this.options, names)
    const name = (method as string).toUpperCase()
    this.routes_[name + ' ' + shape] = {
      method_: name === method ? method : name, all_: undefined, count_: 0, mw_: list.length > 1 ? list : list[0]!,
      use_: this.steps_.use as Step[], other_: undefined,
      names_: isString(path) && !names.length ? NO_NAMES : keepNames(this, names), path_: path,
      // (Where it is the same text, the same string.)
      shape_: shape === path ? path : shape,
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
    const shape = shapeOf(path, this.options, [])
    for (const key in this.routes_) {
      const { method_, shape_ } = this.routes_[key]!
      if (shape_ === shape && (!method || method_ === method.toUpperCase())) delete this.routes_[key]
    }
  }

  /**
   * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
   *
   * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
   */
  getRoute(path?: string | null, method?: string): Step[] | MatchedRoute | null {
    const { tables_ } = this
    const plain = tables_ && tables_.plain_
    if (plain !== undefined) {
      const known = plain[path!]
      if (known !== undefined && known.method_ === method) return stepsOf(known)
    }
    if (!path) return null
    if (path[0] !== '/' && isCategory(path)) return this.steps_[path] as Step[]
    const route = match(this, path, method || ANY)
    if (route === undefined) return null
    const mw = stepsOf(route)
    if (route.names_ === NO_NAMES) {
      if (plain && path === route.shape_) plain[path] = route
      return mw
    }
    const params = {}
    addParams(this, params, route, path)
    return { mw, params, path: route.path_ }
  }

  /** List the routes in the order of their definition. */
  routes(): RouteInfo[] {
    const { routes_ } = this
    return Object.keys(routes_).map((key) => ({ method: routes_[key]!.method_, path: '' + routes_[key]!.path_ }))
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
      addParams(this, params, route, url)
      return route
    }
    const allow: { [method: string]: boolean } = bare()
    if (this.options.methodNotAllowed) {
      for (const other in this.tables_!.methods_) if (match(this, url, other)) allow[other] = true
    }
    if (!Object.keys(allow).length) {
      if (req._unrouted) return { use_: [req._unrouted], mw_: [] }
      throw notRouted(req)
    }

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
