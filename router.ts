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

/** The name of a parameter. */
interface Name {
  name_: string
  /** Which of the statements in `setParam` sets it. */
  site_: number
}

const NO_NAMES: Name[] = []

interface Route extends Found {
  method_: string
  /** All its steps, once somebody has asked for them, and how many they are. */
  all_: Step[] | undefined
  count_: number
  mw_: Step[] | Step
  use_: Step[]
  /** The next route of this shape, for another method. */
  other_: Route | undefined
  /** The names of its parameters, from left to right. `NO_NAMES` if it is plain: neither a pattern nor a RegExp. */
  names_: Name[]
  path_: string | RegExp
  shape_: string
}

/** A method to look for; or a table, to be filled with all that the path has routes for. */
type Wanted = string | { [method: string]: boolean }

const ANY = '_ANY_'

/** What stands in a shape for a parameter, with the slash before it, and for a tail. */
const PARAM = '?'
const TAIL = '#'

/** A decoded component as text without what has a meaning in a path or a shape. */
const escape = (part: string): string => part.replace(/[%/?#]/g, (char) => '%' + char.charCodeAt(0).toString(16))

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
  let shape = ''
  for (const part of trim(path.replace(/^\/?/, '/'), options).slice(1).split('/')) {
    // `:` and a name, `:*` and perhaps a name, or `*` alone.
    const found = part.match(/^(:\*?|\*$)([^]*)/)
    if (!found) {
      shape += '/' + escape(fold(part, options))
      continue
    }
    const isTail = found[1] !== ':'
    const name = found[2] || (isTail && '*')
    if (!name || (isTail && shape.indexOf(TAIL) >= 0) || names.indexOf(name) >= 0) refuse('bad parameter "' + part + '" in path', path)
    names.push(name)
    shape += isTail ? TAIL : PARAM
  }
  return shape
}

/** The names of a pattern's parameters as they are kept: once for each name, and once for each list of them. */
function keepNames({ names_, lists_ }: Router, names: string[]): Name[] {
  const list = names.join('/')
  return lists_[list] || (lists_[list] = names.map((name) => {
    // (Read back from where it is a key, it is the very string that an engine knows such keys by, and faster.)
    const key: { [name: string]: unknown } = bare()
    key[name] = key
    return names_[name] || (names_[name] = {
      name_: Object.keys(key)[0]!, site_: name === '__proto__' ? -1 : Object.keys(names_).length,
    })
  }))
}

// ---------------------------------------------------------------------------------------------------------- the table

/**
 * A node of the tree of shapes.
 *
 * A path goes down the tree blindly: at each node one character decides which way, and what is before that character is not looked
 * at. Only where something ends or a parameter begins is all the text compared that there is since the last parameter, at once.
 * Engines do that much faster than they look at characters one by one.
 */
interface Node {
  /** Where in the shapes the character is that decides, the lowest that it can be, and the nodes by what it is more than that. */
  at_: number
  low_: number
  kids_: Node[] | undefined
  /** The text since the last parameter, if something ends or a parameter begins after it. */
  text_: string | undefined
  /** What ends here, one for each method. */
  end_: Route | undefined
  /** What goes on with a parameter. */
  param_: Node | undefined
  /** What goes on with a tail. */
  tails_: Tails | undefined
  /** All routes that come through here, until the first look-up does. The other fields are set then. */
  routes_: Route[] | undefined
}

interface Tails {
  /** What ends in the tail, one for each method. */
  end_: Route | undefined
  /** What goes on after it, and how many components that can be. */
  node_: Node | undefined
  lengths_: number[]
}

/** What look-ups use, made of the routes. */
interface Tables {
  /** The plain routes by path, if they are more than the patterns. */
  plain_: { [path: string]: Route } | undefined
  root_: Node
  regExps_: Route[]
}

const newNode = (at: number, routes: Route[]): Node =>
  ({ at_: at, low_: 0, kids_: undefined, text_: undefined, end_: undefined, param_: undefined, tails_: undefined, routes_: routes })

/** Have a route go through a node; without one, through a new one. */
function through(node: Node | undefined, at: number, route: Route): Node {
  if (!node) return newNode(at, [route])
  node.routes_!.push(route)
  return node
}

/** Where the literal text ends that a shape has at `from`. */
const textEnd = (shape: string, from: number): number => from + shape.slice(from).search(/[?#]|$/)

/** Set the fields of a node by the routes that go through it. The text begins at `from` in their shapes. */
function grow(node: Node, from: number): void {
  const routes = node.routes_!
  const shape = routes[0]!.shape_
  node.routes_ = undefined

  // As far as all of them are the same.
  const start = node.at_
  let at = textEnd(shape, start)
  for (const { shape_ } of routes) while (shape_.slice(start, at) !== shape.slice(start, at)) at--

  const longer: Route[] = []
  for (const route of routes) {
    const char = route.shape_[at]
    if (char && char !== PARAM && char !== TAIL) {
      longer.push(route)
      continue
    }
    node.text_ = shape.slice(from, at)
    if (char === PARAM) node.param_ = through(node.param_, at + 1, route)
    else if (char) addTail(node, at + 1, route)
    else {
      route.other_ = node.end_
      node.end_ = route
    }
  }
  if (longer.length) branch(node, at, longer)
}

/** Add a route whose tail is before `at` in its shape. */
function addTail(node: Node, at: number, route: Route): void {
  const tails: Tails = node.tails_ || (node.tails_ = { end_: undefined, node_: undefined, lengths_: [] })
  const length = route.shape_.slice(at).split(/[/?]/).length - 1
  if (length) {
    tails.node_ = through(tails.node_, at, route)
    if (tails.lengths_.indexOf(length) < 0) tails.lengths_.push(length)
  } else {
    route.other_ = tails.end_
    tails.end_ = route
  }
}

/** Have routes part where they differ most, from `at` on and before any of them ends. */
function branch(node: Node, at: number, routes: Route[]): void {
  let end = Infinity
  for (const { shape_ } of routes) end = Math.min(end, textEnd(shape_, at))
  let most = 0
  for (let ix = at; ix < end; ix++) {
    let seen = ''
    for (const { shape_ } of routes) if (seen.indexOf(shape_[ix]!) < 0) seen += shape_[ix]
    if (seen.length > most) {
      most = seen.length
      node.at_ = ix
    }
  }
  let low = Infinity
  for (const { shape_ } of routes) low = Math.min(low, shape_.charCodeAt(node.at_))
  const kids: Node[] = []
  for (const route of routes) {
    const ix = route.shape_.charCodeAt(node.at_) - low
    kids[ix] = through(kids[ix], at, route)
  }
  node.kids_ = kids
  node.low_ = low
}

function buildTables(routes: { [methodAndShape: string]: Route }): Tables {
  const all = Object.keys(routes).map((key) => routes[key]!)
  const paths = all.filter(({ path_ }) => isString(path_))
  const plain = paths.filter(({ names_ }) => names_ === NO_NAMES)
  const tables: Tables = {
    plain_: undefined, root_: newNode(0, paths), regExps_: all.filter(({ path_ }) => !isString(path_)),
  }
  // To an engine that has to compute the hash of each path first, a look into a large table is more than the way down the tree.
  if (plain.length > paths.length / 2) {
    const table: { [path: string]: Route } = tables.plain_ = bare()
    for (const route of plain) {
      route.other_ = table[route.shape_]
      table[route.shape_] = route
    }
  }
  return tables
}

// ---------------------------------------------------------------------------------------------------------- look-ups

/** What the last look-up has found: from where to where the value of each parameter is, */
const spans: number[] = []
/** in which text, if it is not the url as it came, */
let text: string | undefined
/** or the groups of a RegExp. */
let groups: RegExpExecArray | null = null

const SLASH = 47

/** Of routes of one shape the one for a method; with a table for a method, none, but all their methods in the table. */
function pick(routes: Route | undefined, method: Wanted): Route | undefined {
  for (let route = routes; route !== undefined; route = route.other_) if (route.method_ === method) return route
  return routes === undefined ? undefined : pickOther(routes, method)
}

function pickOther(routes: Route | undefined, method: Wanted): Route | undefined {
  let found: Route | undefined
  for (let route = routes; route !== undefined; route = route.other_) {
    if (!isString(method)) method[route.method_] = true
    else if (route.method_ === 'GET' ? method === 'HEAD' : route.method_ === ANY && !found) found = route
  }
  return found
}

/**
 * The most specific route for the rest of a path, `at` being where its last parameter has ended.
 *
 * `shift` is how much further on that is in the path than in the shapes, `count` how many spans there are so far. A node is come to
 * once at the most; after a tail in the middle, once for each length of what may follow there.
 */
function search(node: Node, path: string, at: number, shift: number, count: number, method: Wanted): Route | undefined {
  for (;;) {
    const { kids_, param_, tails_, text_ } = node
    // (Compared with undefined, since to V8 it is more work to find out whether something is truthy.)
    const test = node.at_ + shift
    if (kids_ !== undefined && test < path.length) {
      const ix = path.charCodeAt(test) - node.low_
      const kid = ix >= 0 && ix < kids_.length ? kids_[ix] : undefined
      if (kid !== undefined) {
        if (param_ === undefined && tails_ === undefined) {
          node = kid
          continue
        }
        const found = search(kid, path, at, shift, count, method)
        if (found !== undefined) return found
      }
    }
    if (text_ === undefined) {
      if (node.routes_ === undefined || !node.routes_.length) return undefined
      grow(node, at - shift)
      continue
    }
    const end = at + text_.length
    if (end === path.length) {
      if (end > at && (at > 0 ? path.slice(at) : path) !== text_) return undefined
      return pick(node.end_, method) || (tails_ && pickTail(tails_, end, end, count, method))
    }
    if ((param_ === undefined && tails_ === undefined) || path.charCodeAt(end) !== SLASH) return undefined
    // (A slice of up to 12 characters is a copy to V8; a longer one is a reference, and slow to compare.)
    if (end > at && (end - at > 12 ? path.indexOf(text_, at) !== at : path.slice(at, end) !== text_)) return undefined
    if (param_ !== undefined) {
      let next = path.indexOf('/', end + 1)
      if (next < 0) next = path.length
      if (next > end + 1) {
        spans[count] = end + 1
        spans[count + 1] = next
        const further = shift + next - end - 1
        if (tails_ === undefined) {
          node = param_
          at = next
          shift = further
          count += 2
          continue
        }
        const found = search(param_, path, next, further, count + 2, method)
        if (found !== undefined) return found
      }
    }
    return tails_ && ((tails_.node_ && searchTail(tails_, path, end, shift, count, method)) || pickTail(tails_, end, path.length, count, method))
  }
}

/** What ends in a tail from `start` to `end`. */
function pickTail({ end_ }: Tails, start: number, end: number, count: number, method: Wanted): Route | undefined {
  spans[count] = start
  spans[count + 1] = end
  return pick(end_, method)
}

/** A text that sorts before those of less specific shapes, as far as these have the same before their tail. */
const rankOf = ({ shape_ }: Route): string => shape_.replace(/\/[^/?#]*/g, '!') + '~'

/** What goes on after a tail: it can start in as many places as it has lengths. The most specific pattern wins. */
function searchTail({ node_, lengths_ }: Tails, path: string, at: number, shift: number, count: number, method: Wanted): Route | undefined {
  let best: Route | undefined
  let bestStart = 0
  const from = (start: number): Route | undefined => {
    spans[count] = at
    spans[count + 1] = start
    return search(node_!, path, start, shift + start - at - 1, count + 2, method)
  }
  for (const length of lengths_) {
    let start = path.length
    for (let ix = 0; ix < length && start > at; ix++) start = path.lastIndexOf('/', start - 1)
    const found = start > at ? from(start) : undefined
    if (found && (!best || rankOf(found) < rankOf(best))) {
      best = found
      bestStart = start
    }
  }
  // (Others that were tried after it have left their spans.)
  return best && from(bestStart)
}

/** Change spans of a folded text to those of the text itself. (In lower case 'İ' is two characters.) */
function unfold(text: string, count: number): void {
  for (let span = 0; span < count; span++) {
    let ix = 0
    for (let left = spans[span]!; left > 0; ix++) left -= text[ix]!.toLowerCase().length
    spans[span] = ix
  }
}

/** Look a request target up: in the tree, then among the RegExps. A table for the method is filled with all that fit. */
function match(router: Router, target: string, method: Wanted): Route | undefined {
  const { options } = router
  const { root_, regExps_ } = router.tables_ === undefined ? router.tables_ = buildTables(router.routes_) : router.tables_
  const mark = target.indexOf('?')
  const url = mark < 0 ? target : target.slice(0, mark)
  const isOne = isString(method)
  let found = isOne ? search(root_, url, 0, 0, 0, method) : undefined
  // A plain route is all that the path can be. Anything else is right only if there was nothing to cut off, to decode or to fold.
  if (found !== undefined && found.names_ === NO_NAMES) return found
  text = undefined
  if (
    url.charCodeAt(0) !== SLASH || url.indexOf('%') >= 0 || url.indexOf('#') >= 0 ||
    options.ignoreCase || options.ignoreTrailingSlash || !isOne
  ) {
    text = trim(pathOf(url), options)
    if (text.indexOf('%') >= 0) {
      const parts = components(text)
      text = (/%(2[35f]|3f)/i.test(text) ? parts.map(escape) : parts).join('/')
    }
    const folded = fold(text, options)
    found = search(root_, folded, 0, 0, 0, method)
    if (found !== undefined && folded.length > text.length) unfold(text, 2 * found.names_.length)
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
 * Set a parameter.
 *
 * V8 remembers, statement by statement, how to set the name that it has come across there: so each of the first names has one of its
 * own, which is twice as fast as one for all.
 */
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

/** Add the parameters of the route that the last look-up has found. */
function addParams(params: { [name: string]: unknown }, { names_, path_ }: Route, url: string): void {
  if (!isString(path_)) {
    addTo(params, groups!.slice(1) as unknown as { [ix: string]: string }, true)
    addTo(params, groups!.groups, true)
  }
  for (let ix = 0; ix < names_.length; ix++) {
    const start = spans[2 * ix]!
    const end = spans[2 * ix + 1]!
    let value: string | undefined
    // (A tail of nothing has none.)
    if (end > start) value = text === undefined ? url.slice(start, end) : decode(text.slice(start, end))
    setParam(params, names_[ix]!, value)
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
  /** The names of parameters, and the lists of them that patterns have. @internal */
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
    const { tables_ } = this
    const plain = tables_ !== undefined && tables_.plain_ !== undefined ? tables_.plain_[path!] : undefined
    if (plain !== undefined && plain.method_ === method) return stepsOf(plain)
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
