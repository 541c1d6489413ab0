// What it costs to carry a request to its handler: the route look-up, 0 to 20 steps that do nothing but go on, and the handler, which
// answers with the route's parameter. No server and no sockets: requests and responses are the lightest objects that each accepts.

import { STEADY, cpuTime, timeAll, timed } from '../kit/clock.mjs'
import { FRESH, FreshStrings } from '../kit/fresh.mjs'
import { contenders } from './contenders.mjs'
import { buildSteps } from './steps.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Job} Job
 * @typedef {import('./contenders.mjs').Contender} Contender
 */

const STEPS = [0, 1, 5, 20]
/** How many different paths there are before they come again. (0http remembers 50,000.) */
const IDS = 100_000

/** @param {string} name @returns {Contender} */
function find(name) {
  const contender = contenders[name]
  if (!contender) throw new Error(`no contender '${name}'`)
  return contender
}

/** @type {(count: number) => string} */
const columnOf = (count) => (count === 1 ? '1 step' : `${count} steps`)

/**
 * The right answer through the right steps in the right order, for several paths; and for a path that is not routed, no handler.
 *
 * @param {Job} job
 */
async function check({ contender: name }) {
  const contender = find(name)
  /** @type {{ [what: string]: string }} */
  const wrong = {}
  for (const count of STEPS) {
    /** @type {number[]} */
    const called = []
    try {
      const dispatch = await contender.build(buildSteps(contender.style, count, called))
      for (const id of ['1', 'x-y', '1234567890']) {
        called.length = 0
        const answer = await contender.textOf(await dispatch(`${contender.origin ?? ''}/users/${id}`))
        if (answer !== id) throw new Error(`/users/${id} was answered with ${answer}`)
        if (called.join() !== Array.from({ length: count }, (_, ix) => ix).join()) throw new Error(`the steps ran as ${called.join()}`)
      }
      const missed = await Promise.resolve(dispatch(`${contender.origin ?? ''}/nowhere/1`)).then(contender.textOf).catch(() => undefined)
      if (missed === '1') throw new Error('/nowhere/1 was answered by the handler')
    } catch (err) {
      wrong[columnOf(count)] = err instanceof Error ? err.message : String(err)
    }
  }
  return wrong
}

/** @param {Job} job */
async function measure({ table, contender: name, part, quick, wrong }) {
  const contender = find(name)
  const column = String(part)
  if (wrong[column]) return {}
  const dispatch = await contender.build(buildSteps(contender.style, parseInt(column)))
  const run = table === 'varied' ? buildVaried(contender, dispatch) : buildRepeated(contender, dispatch)
  return timeAll({ [column]: run }, { quick })
}

/** Where answers are put, so that no compiler finds that nobody wants them. @type {unknown} */
export let last

/** @type {(contender: Contender, dispatch: (url: string) => unknown) => (count: number) => number | Promise<number>} */
function buildRepeated({ isAsync, origin = '' }, dispatch) {
  const url = `${origin}/users/12345`
  if (!isAsync) return timed((count) => { for (let ix = 0; ix < count; ix++) last = dispatch(url) })
  return async (count) => {
    const start = cpuTime()
    for (let ix = 0; ix < count; ix++) last = await dispatch(url)
    return cpuTime() - start
  }
}

/** Each url is a new string with an id of its own, made before the clock starts. @type {typeof buildRepeated} */
function buildVaried({ isAsync, origin = '' }, dispatch) {
  const fresh = new FreshStrings(Array.from({ length: IDS }, (_, ix) => `${origin}/users/${100_000 + ix}`))
  return async (count) => {
    let ns = 0
    for (let left = count; left > 0; left -= FRESH) {
      const { strings: urls } = fresh.take(Math.min(left, FRESH))
      const start = cpuTime()
      if (isAsync) for (const url of urls) last = await dispatch(url)
      else for (const url of urls) last = dispatch(url)
      ns += cpuTime() - start
    }
    return ns
  }
}

/** @type {Bench} */
export default {
  name: 'dispatch',
  title: 'Dispatch: a request through its steps to the handler',
  notes: [
    'The floor is a loop over an array of steps, written for its one route and with no handling of errors.',
    'koa-compose, hono, itty and h3 answer by a promise, microrest 0.6 in a later turn; they are awaited, which is part of their figures.',
    'A step does nothing but go on. Each is a function of its own, as in a program, so that calls of steps cannot be inlined.',
    'Repeated is the same path again and again, varied is a path that was never seen before: 0http remembers the paths that it has seen.',
    'hono and itty are given, and answer with, a light object; h3 makes a response of the string that its handler gives.',
    'microrest nano is an app with a NanoRouter, which has one use step and no parameters: its handler cuts them from the url.',
  ],
  tables: {
    repeated: { title: 'the same path', unit: 'ns per dispatch', columns: STEPS.map(columnOf), parts: STEPS.map(columnOf) },
    varied: { title: 'a new path each time', unit: 'ns per dispatch', columns: STEPS.map(columnOf), parts: STEPS.map(columnOf) },
  },
  contenders: Object.keys(contenders),
  floor: 'bare loop',
  makesCode: ['find-my-way + middie', 'find-my-way compiled + middie', 'microrest 0.6 (JavaScript)'],
  packages: [
    '0http', 'polka', 'find-my-way', '@fastify/middie', 'router', 'koa-compose', '@koa/router', 'hono', 'itty-router', 'h3', 'microrest',
  ],
  passes: 3,
  execArgv: STEADY,
  check,
  measure,
}
