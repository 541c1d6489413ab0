// Real servers: what a request costs them, in CPU time, and how many they answer in a second, against node:http doing the same by hand.

import { median } from '../kit/clock.mjs'
import { BARE, CONTENDERS, contenderOf } from './contenders.mjs'
import { Server, checkAnswers, whatIsMissing } from './load.mjs'
import { WORKLOADS, workloadOf } from './workloads.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Figures} Figures
 */

/** How long to run. In a round each contender has a turn, and node:http one beside it: short ones, as what is near in time is alike. */
const FULL = { maxWarmUpMs: 5000, turnMs: 250, rounds: 5 }
const QUICK = { maxWarmUpMs: 1500, turnMs: 200, rounds: 3 }

/** @type {Bench} */
export default {
  name: 'http',
  title: 'Real servers on one core, under 50 connections of wrk on another',
  notes: [
    'CPU µs: user and system time of the server process for one request, so the part of the kernel that serves its sockets counts too.',
    'A ratio is that of two turns side by side, a quarter of a second each: one of the contender, one of node:http. It says who is best.',
    'node:http, polka, 0http and the JavaScript microrest send their answers by the same two lines; ours does so where its name says '
      + 'res.end, and else returns them.',
    'fastify with schemas is told what the parameters, the query and the bodies look like, and writes JSON by code made for that.',
    '0http hands itself each request by setImmediate, so that all that has come in is read before anything is answered. wrk then has '
      + 'to be woken a third as often, which the server pays for. In the row that says setImmediate ours is handed its requests so too.',
  ],
  tables: Object.fromEntries(WORKLOADS.map(({ name, title }) => {
    return [name, { title, unit: 'µs, 1/s', columns: ['CPU µs', 'requests/s'], more: ['requests/s'], seconds: 4 }]
  })),
  contenders: CONTENDERS.map(({ name }) => name),
  quickContenders: [BARE, 'microrest', 'microrest Router', 'polka', '0http'],
  floor: BARE,
  makesCode: CONTENDERS.filter(({ makesCode }) => makesCode).map(({ name }) => name),
  base: BARE,
  packages: [...new Set(CONTENDERS.flatMap(({ packages }) => packages))],
  passes: 1,

  async check({ contender, table }) {
    const server = await start(contender)
    try {
      await checkAnswers(server.url, workloadOf(table))
      return {}
    } finally {
      await server.stop()
    }
  },

  async measureTogether({ table, rows, quick }) {
    const workload = workloadOf(table)
    const { maxWarmUpMs, turnMs, rounds } = quick ? QUICK : FULL
    const runs = rows.map(({ contender, env }) => new Run(contender, env))
    const bare = runs.find(({ contender }) => contender === BARE)
    const others = runs.filter((run) => run !== bare)
    try {
      await Promise.all(runs.map((run) => run.start()))
      for (const run of runs) await run.attempt((server) => server.warmUp(workload, maxWarmUpMs))
      for (let round = 0; round < rounds; round++) {
        /** @type {Figures[]} */
        const bareTurns = []
        const turnOfBare = async () => {
          const figures = await bare?.turn(workload, turnMs)
          if (figures) bareTurns.push(figures)
          return figures
        }
        for (const run of inTurn(others, round)) {
          // The bar has a turn right beside each contender's, before it or after it: a machine seldom changes in half a second.
          const isBefore = round % 2 === 1
          let base = isBefore ? await turnOfBare() : undefined
          const own = await run.turn(workload, turnMs)
          if (!isBefore) base = await turnOfBare()
          if (own) run.figures.own.push(own)
          if (own && base) run.figures.base.push(base)
        }
        if (bare && !others.length) await turnOfBare()
        if (bareTurns.length) bare?.figures.own.push(medians(bareTurns))
      }
    } finally {
      await Promise.all(runs.map((run) => run.server?.stop()))
    }
    return runs.map(({ figures }) => figures)
  },
}

/** A contender's server among those of the others. One that fails is out, and spoils nothing for the rest. */
class Run {
  /** @type {{ own: Figures[], base: Figures[], error?: string }} */
  figures = { own: [], base: [] }
  /** @type {Server | undefined} */
  server = undefined

  /** @param {string} contender @param {{ [name: string]: string }} env */
  constructor(contender, env) {
    this.contender = contender
    this.env = env
  }

  async start() {
    try {
      this.server = await start(this.contender, this.env)
    } catch (err) {
      this.#fail(err)
    }
  }

  /**
   * Do something with the server, if it has not failed before.
   *
   * @template Result
   * @param {(server: Server) => Promise<Result>} act
   * @returns {Promise<Result | undefined>} nothing, if it has failed
   */
  async attempt(act) {
    if (!this.server || this.figures.error !== undefined) return undefined
    try {
      return await act(this.server)
    } catch (err) {
      this.#fail(err)
      return undefined
    }
  }

  /**
   * @param {import('./workloads.mjs').Workload} workload
   * @param {number} ms
   * @returns {Promise<Figures | undefined>}
   */
  async turn(workload, ms) {
    const load = await this.attempt((server) => server.load(workload, ms))
    if (!load) return undefined
    const { cpu, user, rps, bytes, preempted, p99 } = load
    return { 'CPU µs': cpu, 'requests/s': rps, 'user µs': user, 'p99 µs': p99, 'bytes': bytes, 'preempted/s': preempted }
  }

  /** @param {unknown} err */
  #fail(err) {
    this.figures = { own: [], base: [], error: err instanceof Error ? err.message : String(err) }
  }
}

/**
 * The medians of several turns, as the figures of one.
 *
 * @param {Figures[]} turns
 * @returns {Figures}
 */
function medians(turns) {
  return Object.fromEntries(Object.keys(turns[0]).map((column) => [column, median(turns.map((turn) => turn[column]))]))
}

/**
 * All of a list, another one first in each round, and every other round backwards: nobody always comes after the same other.
 *
 * @template Item
 * @param {Item[]} items
 * @param {number} round
 */
function inTurn(items, round) {
  const first = round % (items.length || 1)
  const turned = [...items.slice(first), ...items.slice(0, first)]
  return round % 2 ? turned.reverse() : turned
}

/** @param {string} contender @param {{ [name: string]: string }} [env] */
function start(contender, env) {
  const missing = whatIsMissing()
  if (missing) throw new Error('not here: ' + missing)
  return Server.start(contenderOf(contender), env)
}
