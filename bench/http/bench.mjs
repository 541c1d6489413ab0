// Real servers: what a request costs them, in CPU time, and how many they answer in a second, against node:http doing the same by hand.

import { CONTENDERS, BARE } from './contenders.mjs'
import { Server, whatIsMissing } from './load.mjs'
import { WORKLOADS } from './workloads.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Figures} Figures
 * @typedef {import('../kit/bench.mjs').Job} Job
 */

/** How long to run. A round is a turn of each contender. */
const FULL = { warmUpMs: 2000, turnMs: 1000, rounds: 5 }
const QUICK = { warmUpMs: 1000, turnMs: 500, rounds: 4 }

const COLUMNS = ['CPU µs', 'requests/s']

/** @type {Bench} */
export default {
  name: 'http',
  title: 'Real servers, each on one core, under 50 connections of wrk on another',
  notes: [
    'CPU µs: user and system time of the server process for one request, so the part of the kernel that serves its sockets counts too.',
    'Ratios are those of a round, in which each contender has a turn of a second.',
    'node:http, polka, 0http and the JavaScript microrest send their answers by the same two lines; ours does so where its name says '
      + 'res.end, and else returns them.',
  ],
  tables: Object.fromEntries(WORKLOADS.map(({ name, title }) => [name, { title, unit: 'µs, 1/s', columns: COLUMNS, more: ['requests/s'] }])),
  contenders: CONTENDERS.map(({ name }) => name),
  quickContenders: [BARE, 'microrest', 'microrest Router', 'polka', '0http'],
  floor: BARE,
  base: BARE,
  packages: [...new Set(CONTENDERS.flatMap(({ packages }) => packages))],
  passes: 3,

  async check({ contender, table }) {
    const server = await start(contender)
    try {
      await server.check(workloadOf(table))
      return {}
    } finally {
      await server.stop()
    }
  },

  async measureTogether({ table, rows, quick }) {
    const workload = workloadOf(table)
    const { warmUpMs, turnMs, rounds } = quick ? QUICK : FULL
    /** @type {Figures[][]} */
    const figures = rows.map(() => [])
    const servers = await Promise.all(rows.map(({ contender, env }) => start(contender, env)))
    for (const server of servers) await server.load(workload, warmUpMs)
    for (let round = 0; round < rounds; round++) {
      for (let turn = 0; turn < servers.length; turn++) {
        // Nobody always comes first, or after the same other.
        const ix = (round % 2 ? servers.length - 1 - turn : turn + round) % servers.length
        const { cpu, user, rps, bytes, p99 } = await servers[ix].load(workload, turnMs)
        figures[ix].push({ 'CPU µs': cpu, 'requests/s': rps, 'user µs': user, 'bytes': bytes, 'p99 µs': p99 })
      }
    }
    await Promise.all(servers.map((server) => server.stop()))
    return figures
  },
}

/** @param {string} contender @param {{ [name: string]: string }} [env] */
function start(contender, env) {
  const missing = whatIsMissing()
  if (missing) throw new Error('not here: ' + missing)
  return Server.start(CONTENDERS.find(({ name }) => name === contender), env)
}

/** @param {string} table */
function workloadOf(table) {
  return WORKLOADS.find(({ name }) => name === table)
}
