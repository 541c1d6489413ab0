// Real servers: what a request costs them, in CPU time, and how many they answer in a second, against node:http doing the same by hand.

import { BARE, CONTENDERS, contenderOf } from './contenders.mjs'
import { Server, checkAnswers, whatIsMissing } from './load.mjs'
import { WORKLOADS, workloadOf } from './workloads.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Figures} Figures
 */

/** How long to run. A round is a turn of each contender. */
const FULL = { maxWarmUpMs: 5000, turnMs: 1000, rounds: 5 }
const QUICK = { maxWarmUpMs: 2000, turnMs: 500, rounds: 4 }

/** @type {Bench} */
export default {
  name: 'http',
  title: 'Real servers, each on one core, under 50 connections of wrk on another',
  notes: [
    'CPU µs: user and system time of the server process for one request, so the part of the kernel that serves its sockets counts too.',
    'Ratios are those of a round, in which each contender has a turn of a second.',
    'node:http, polka, 0http and the JavaScript microrest send their answers by the same two lines; ours does so where its name says '
      + 'res.end, and else returns them.',
    '0http hands itself each request by setImmediate, so that all that has come in is read before anything is answered. wrk then has '
      + 'to be woken a third as often, which the server pays for. In the row that says setImmediate ours is handed its requests so too.',
  ],
  tables: Object.fromEntries(WORKLOADS.map(({ name, title }) => {
    return [name, { title, unit: 'µs, 1/s', columns: ['CPU µs', 'requests/s'], more: ['requests/s'] }]
  })),
  contenders: CONTENDERS.map(({ name }) => name),
  quickContenders: [BARE, 'microrest', 'microrest Router', 'polka', '0http'],
  floor: BARE,
  base: BARE,
  packages: [...new Set(CONTENDERS.flatMap(({ packages }) => packages))],
  passes: 3,

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
    /** @type {{ server: Server, figures: Figures[] }[]} */
    const runs = await Promise.all(rows.map(async ({ contender, env }) => ({ server: await start(contender, env), figures: [] })))
    try {
      for (const { server } of runs) await server.warmUp(workload, maxWarmUpMs)
      for (let round = 0; round < rounds; round++) {
        for (const { server, figures } of inTurn(runs, round)) {
          const { cpu, user, rps, bytes, preempted, p99 } = await server.load(workload, turnMs)
          figures.push({ 'CPU µs': cpu, 'requests/s': rps, 'user µs': user, 'p99 µs': p99, 'bytes': bytes, 'preempted/s': preempted })
        }
      }
    } finally {
      await Promise.all(runs.map(({ server }) => server.stop()))
    }
    return runs.map(({ figures }) => figures)
  },
}

/**
 * All of a list, another one first in each round, and every other round backwards: nobody always comes after the same other.
 *
 * @template Run
 * @param {Run[]} runs
 * @param {number} round
 */
function inTurn(runs, round) {
  const first = round % runs.length
  const turned = [...runs.slice(first), ...runs.slice(0, first)]
  return round % 2 ? turned.reverse() : turned
}

/** @param {string} contender @param {{ [name: string]: string }} [env] */
function start(contender, env) {
  const missing = whatIsMissing()
  if (missing) throw new Error('not here: ' + missing)
  return Server.start(contenderOf(contender), env)
}
