// Looking up routes: what a router takes to find the route of a path, as tables grow; to take in routes; and the memory that it keeps.

import v8 from 'node:v8'
import { STEADY, cpuTime, timeAll, timed } from '../kit/clock.mjs'
import { FRESH, FreshStrings, collect, flat } from '../kit/fresh.mjs'
import { contenders } from './contenders.mjs'
import { Random, fill, grown, tables, valuesFor } from './tables.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Figures} Figures
 * @typedef {import('../kit/bench.mjs').Job} Job
 * @typedef {import('./contenders.mjs').Contender} Contender
 * @typedef {import('./contenders.mjs').Entry} Entry
 * @typedef {import('./contenders.mjs').Lookup} Lookup
 * @typedef {import('./tables.mjs').Request} Request
 * @typedef {import('./tables.mjs').Route} Route
 * @typedef {import('./tables.mjs').RouteTable} RouteTable
 */

const SIZES = [10, 100, 1000, 10_000]
const QUICK_SIZES = [1000]
/** How many routes are registered at once, and how many such tables are weighed. */
const MANY = 1000
const WEIGHED = 10
const QUICK_WEIGHED = 3
/** How many fresh paths there are before one comes again. */
const POOL = 6000

/** @param {string} name @returns {Contender} */
function contenderOf(name) {
  const contender = contenders[name]
  if (!contender) throw new Error(`no contender '${name}'`)
  return contender
}

/**
 * The routes as a contender writes them, each with a handler.
 *
 * @param {Contender} contender
 * @param {Route[]} routes
 * @param {(reads: string[], route: Route) => Entry['handler']} toHandler gets the expressions that read the route's parameters, of `params`
 * @returns {Entry[]}
 */
function toEntries({ tail, read = (name) => (name === '*' ? "params['*']" : `params.${name}`) }, routes, toHandler) {
  return routes.map((route) => {
    /** @type {string[]} */
    const reads = []
    const path = route.path.replace(/:(\*?)(\w+)/g, (parameter, isTail, name) => {
      const [written, called] = isTail ? tail(name) : [parameter, name]
      reads.push(`(${read(called)})`)
      return written
    })
    // (Made in one piece: a string that is put together may be left in its pieces.)
    return { method: route.method, path: flat(path), handler: toHandler(reads, route) }
  })
}

/** @type {Map<string, Entry['handler']>} */
const compiled = new Map()

/** A function of `params`; one for the same source. @param {string} source @returns {Entry['handler']} */
function compile(source) {
  const known = compiled.get(source)
  if (known) return known
  const made = /** @type {Entry['handler']} */ (new Function('params', `return ${source}`))
  compiled.set(source, made)
  return made
}

/**
 * Handlers for timing, which read all parameters by name: with code of their own, as in a program.
 *
 * @param {string[]} reads
 * @param {Route} route
 */
const toOwnReader = (reads, { method, path }) => compile(`/* ${method} ${path.replaceAll('*', '')} */ ${toSum(reads)}`)

/** The same with the same code for all, where there are thousands and they are not called. @param {string[]} reads */
const toReader = (reads) => compile(toSum(reads))

/** @param {string[]} reads */
const toSum = (reads) => ['1', ...reads.map((one) => `${one}.length`)].join(' + ')

/** Handlers for checking: which it is, and the values. @param {string[]} reads @param {Route} route @returns {Entry['handler']} */
function toTeller(reads, { method, path }) {
  const values = compile(`[${reads.join(', ')}]`)
  return (params) => [`${method} ${path}`, ...values(params)]
}

// -------------------------------------------------------------------------------------------------------- the check

/**
 * What a contender gets wrong of a table's requests.
 *
 * @param {Contender} contender
 * @param {RouteTable} table
 */
async function checkTable(contender, { routes, requests }) {
  /** @type {{ [what: string]: string }} */
  const wrong = {}
  const lookup = (await contender.load())(toEntries(contender, routes, toTeller))
  const random = new Random()
  for (const { kind, method, pattern, route } of requests) {
    // Twice, as it may remember.
    for (let ix = 0; ix < 2; ix++) {
      const values = valuesFor(pattern, random)
      const path = flat(fill(pattern, values))
      try {
        const given = lookup.use(lookup.find(method, path))
        const expected = route && [`${route.method} ${route.path}`, ...Object.values(values)].join(' ')
        const [name, ...rest] = given || []
        const found = name && [name, ...rest.map(toText)].join(' ')
        if (found !== expected) wrong[kind] = `${method} ${path} finds ${found ?? 'nothing'}`
      } catch (err) {
        wrong[kind] = `${method} ${path}: ${err instanceof Error ? err.message : err}`
      }
    }
  }
  return wrong
}

/** The rest of a path may be a list of components, and may begin with its slash. @param {unknown} value */
const toText = (value) => (Array.isArray(value) ? value.join('/') : String(value)).replace(/^\//, '')

/** @param {Job} job */
async function check({ table, contender: name, quick }) {
  const contender = contenderOf(name)
  const make = tables[table]
  if (make) return checkTable(contender, make())
  const isGrowth = table !== 'registration'
  /** @type {{ [what: string]: string }} */
  const wrong = {}
  for (const part of (isGrowth ? (quick ? QUICK_SIZES : SIZES).map(String) : ['static', 'parameter'])) {
    const grownTable = isGrowth ? grown(Number(part), table.startsWith('parameter')) : grown(MANY, part === 'parameter')
    const [reason] = Object.values(await checkTable(contender, grownTable))
    if (reason) wrong[part] = reason
  }
  return wrong
}

// ------------------------------------------------------------------------------------------------------- the clocks

/** Where results are put, so that no compiler finds that nobody wants them. @type {unknown} */
export let last

/**
 * The same few strings again and again.
 *
 * @param {Lookup} lookup
 * @param {Request[]} requests
 * @param {Random} random
 */
function buildFind({ find }, requests, random) {
  const methods = requests.map(({ method }) => method)
  const paths = requests.map(({ pattern }) => flat(fill(pattern, valuesFor(pattern, random))))
  let at = 0
  return timed((count) => {
    for (let ix = 0; ix < count; ix++) {
      last = find(methods[at], paths[at])
      if (++at === paths.length) at = 0
    }
  })
}

/** And with what was found the handler is called, which reads the parameters. @type {typeof buildFind} */
function buildUse({ find, use }, requests, random) {
  const methods = requests.map(({ method }) => method)
  const paths = requests.map(({ pattern }) => flat(fill(pattern, valuesFor(pattern, random))))
  let at = 0
  return timed((count) => {
    let sum = 0
    for (let ix = 0; ix < count; ix++) {
      sum += use(find(methods[at], paths[at])) || 0
      if (++at === paths.length) at = 0
    }
    last = sum
  })
}

/**
 * Strings that have not been seen before, with values of their own, made before the clock starts.
 *
 * @type {typeof buildFind}
 */
function buildFresh({ find }, requests, random) {
  const pool = Array.from({ length: POOL }, (_, ix) => requests[ix % requests.length])
  const fresh = new FreshStrings(pool.map(({ pattern }) => fill(pattern, valuesFor(pattern, random))))
  return (count) => {
    let ns = 0
    for (let left = count; left > 0; left -= FRESH) {
      const { first, strings } = fresh.take(Math.min(left, FRESH))
      const start = cpuTime()
      for (let ix = 0; ix < strings.length; ix++) last = find(pool[first + ix].method, strings[ix])
      ns += cpuTime() - start
    }
    return ns
  }
}

/** @param {number[]} values */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length

// ----------------------------------------------------------------------------------------------------- measurements

/**
 * Find, use and fresh, for each kind of request and over all of them.
 *
 * In the small table a kind is one request, timed by itself, and the mean is over the kinds; the large one is timed as a whole as well,
 * all requests in turn.
 *
 * @param {Job} job
 */
async function measureTable({ table, contender: name, quick, wrong }) {
  const contender = contenderOf(name)
  const { routes, requests } = /** @type {() => RouteTable} */ (tables[table])()
  const lookup = (await contender.load())(toEntries(contender, routes, toOwnReader))
  const random = new Random()
  const kinds = [...new Set(requests.map(({ kind }) => kind))].filter((kind) => !wrong[kind])
  const isWhole = table !== 'small'
  const groups = Object.fromEntries(kinds.map((kind) => [kind, requests.filter((request) => request.kind === kind)]))
  const all = isWhole && !Object.keys(wrong).length ? { all: requests, ...groups } : groups

  /** @type {Figures} */
  const figures = {}
  const ways = { find: buildFind, use: buildUse, fresh: buildFresh }
  for (const [way, build] of Object.entries(ways)) {
    const things = Object.entries(all).map(([kind, group]) => [kind, build(lookup, group, random)])
    const times = await timeAll(Object.fromEntries(things), { quick })
    const overall = isWhole ? times.all : mean(Object.values(times))
    // (A mean without what is wrong would be one of something else.)
    if (overall !== undefined && !Object.keys(wrong).length) figures[way] = overall
    for (const kind of kinds) figures[`${way}: ${kind}`] = times[kind] ?? 0
  }
  return figures
}

/** @param {Job} job */
async function measureGrowth({ table, contender: name, part, quick, wrong }) {
  const contender = contenderOf(name)
  const size = Number(part)
  if (wrong[size]) return {}
  const { routes, requests } = grown(size, table.startsWith('parameter'))
  const lookup = (await contender.load())(toEntries(contender, routes, toReader))
  const random = new Random()
  const hot = await timeAll({ hot: buildFind(lookup, requests, random) }, { quick })
  const fresh = await timeAll({ fresh: buildFresh(lookup, requests, random) }, { quick })
  return { [`${size} hot`]: hot.hot ?? 0, [`${size} fresh`]: fresh.fresh ?? 0 }
}

/**
 * How long it takes until the first answer, in a process that has run none of the code before; and then what tables weigh. Several of them,
 * as the heap goes up and down by some hundred KB by itself.
 *
 * @param {Job} job
 */
async function measureRegistration({ contender: name, part, quick, wrong }) {
  const weighed = quick ? QUICK_WEIGHED : WEIGHED
  const kind = String(part)
  if (wrong[kind]) return {}
  // (Else the collector might throw away code between two looks at the heap.)
  v8.setFlagsFromString('--no-flush-bytecode')
  const contender = contenderOf(name)
  const fillTable = await contender.load()
  const parts = Array.from({ length: 1 + weighed }, (_, ix) => {
    const { routes, requests: [request] } = grown(MANY, kind === 'parameter', 'abcdefghijk'[ix])
    const { method, pattern } = request
    return { entries: toEntries(contender, routes, toReader), method, path: flat(fill(pattern, valuesFor(pattern, new Random()))) }
  })
  /** @param {typeof parts[number]} part */
  const build = (part) => {
    const { entries, method, path } = part
    const lookup = fillTable(entries)
    last = lookup.find(method, path)
    return lookup
  }

  heapUsed()
  const start = cpuTime()
  /** @type {Lookup[]} */
  const kept = [build(parts[0])]
  const ms = (cpuTime() - start) / 1e6

  const before = heapUsed()
  for (const one of parts.slice(1)) kept.push(build(one))
  const bytes = (heapUsed() - before) / MANY / weighed
  last = [kept, parts]
  return { [`${kind}, ms`]: ms, [`${kind}, B per route`]: bytes }
}

/** What the heap holds when all has been collected that can be. */
function heapUsed() {
  for (let ix = 0; ix < 3; ix++) collect()
  return process.memoryUsage().heapUsed
}

const GROWN = {
  unit: 'ns', passes: 2, seconds: 3.3, parts: SIZES.map(String), quickParts: QUICK_SIZES.map(String),
  columns: SIZES.flatMap((size) => [`${size} hot`, `${size} fresh`]),
}

/** @type {Bench} */
export default {
  name: 'routes',
  title: 'Route look-up',
  notes: [
    'find: the look-up alone, of strings that have been looked up before. use: and the handler is called, which reads every parameter.',
    'fresh: find, of strings that were never seen before. Theirs is the figure that a server has.',
    'small: fourteen routes, the mean over ten kinds of request. github: 229 routes, a request for each of them in turn.',
    'Growth is over paths of three words, or of three words and two parameters; a hundred of the routes are looked up.',
    'Registration is the processor time of 1,000 routes and the first answer, in a process that has just started.',
    'Bytes are what the heap grows by for ten such tables, each with its own words.',
    ...Object.entries(contenders).flatMap(([name, { note }]) => (note ? [`${name} ${note}.`] : [])),
  ],
  tables: {
    small: { title: 'a table of 14 routes, mean over the kinds of request', unit: 'ns', columns: ['find', 'use', 'fresh'] },
    github: { title: 'a table of 229 routes, all requests in turn', unit: 'ns', columns: ['find', 'use', 'fresh'] },
    'parameter growth': { title: 'tables of 10 to 10,000 routes with two parameters', ...GROWN },
    'static growth': { title: 'tables of 10 to 10,000 routes without parameters', ...GROWN },
    registration: {
      title: '1,000 routes and the first answer; what they weigh', unit: 'ms and B', parts: ['static', 'parameter'], passes: 3, seconds: 0.5,
      columns: ['static, ms', 'parameter, ms', 'static, B per route', 'parameter, B per route'],
    },
  },
  contenders: Object.keys(contenders),
  // Those that try one route after the other are far behind, and take long to be so.
  quickContenders: Object.keys(contenders).filter((name) => !['trouter', 'itty-router', 'koa-router', "express' router"].includes(name)),
  makesCode: ['rou3 compiled', 'find-my-way', 'find-my-way compiled', 'microrest 0.6 (JavaScript)'],
  packages: ['rou3', 'memoirist', '@medley/router', 'find-my-way', 'hono', 'trouter', 'itty-router', '@koa/router', 'router', 'microrest'],
  passes: 3,
  execArgv: STEADY,
  check,
  measure: (job) => (tables[job.table] ? measureTable(job) : job.table === 'registration' ? measureRegistration(job) : measureGrowth(job)),
}
