// Where the CPU time of a request goes, ours beside node:http: µs for each part of the program, as a table in Markdown.
//
//     node bench/http/profile.mjs                                        rest() and the Router, all workloads
//     node bench/http/profile.mjs --only polka,0http --table text        others
//     node bench/http/profile.mjs --functions 25                         also the functions that take most
//     node bench/http/profile.mjs --quick                                roughly
//     node --cpu-prof bench/http/server.mjs 'microrest Router' 8080      a server alone, for a profiler and a load of one's own
//
// V8's sampling profiler says how the time is shared out, process.cpuUsage without the profiler how much there is of it. Like the bench it
// measures dist/microrest.js, or what MICROREST names.

import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { oursFile } from '../kit/bench.mjs'
import { median } from '../kit/clock.mjs'
import { BARE, contenderOf } from './contenders.mjs'
import { Server, checkAnswers, whatIsMissing } from './load.mjs'
import { WORKLOADS } from './workloads.mjs'

/** @typedef {import('./workloads.mjs').Workload} Workload */

const FULL = { maxWarmUpMs: 5000, turnMs: 1000, rounds: 5, profileMs: 4000 }
const QUICK = { maxWarmUpMs: 500, turnMs: 250, rounds: 2, profileMs: 500 }

/**
 * What is told apart, the first that fits: a name, and what a function of it looks like.
 *
 * @type {[group: string, fits: (name: string, url: string) => boolean][]}
 */
const GROUPS = [
  ['ours', (_name, url) => url === pathToFileURL(oursFile()).href],
  ['its handlers', (_name, url) => url.includes('/bench/http/')],
  ['the framework', (_name, url) => url.includes('/node_modules/')],
  ['garbage collection', (name) => name === '(garbage collector)'],
  ['writing to the socket, the kernel\'s part too', (name, url) => !url && /^write/.test(name)],
  ['outside JavaScript: event loop, reading, parser', (name) => name === '(program)'],
  ['functions of V8 and others of node\'s that are native', (name, url) => !url && name !== '(idle)' && name !== '(root)'],
  ['node: http', (_name, url) => /^node:(internal\/)?_?http/.test(url)],
  ['node: sockets and streams', (_name, url) => /^node:(net$|_?stream|internal\/(streams|stream_base|js_stream|net))/.test(url)],
  ['node: the rest', (_name, url) => url.startsWith('node:')],
]

/**
 * The time spent in a function itself.
 * @typedef {{ name: string, url: string, line: number, time: number }} SelfTime
 *
 * What a request costs a contender, and how that is made up, in µs.
 * @typedef {{ contender: string, cpu: number, functions: SelfTime[] }} Profile
 */

/** A function's group; none while there is nothing to do. @param {SelfTime} time */
function groupOf({ name, url }) {
  return GROUPS.find(([, fits]) => fits(name, url))?.[0]
}

/**
 * Profile contenders under a workload. Their times are taken in turns, as in the bench.
 *
 * @param {string[]} names
 * @param {Workload} workload
 * @param {typeof FULL} times
 * @returns {Promise<Profile[]>}
 */
async function profile(names, workload, { maxWarmUpMs, turnMs, rounds, profileMs }) {
  const execArgv = ['--import', path.join(import.meta.dirname, 'profiler.mjs')]
  /** @type {{ contender: string, server: Server, costs: number[] }[]} */
  const runs = await Promise.all(names.map(async (contender) => {
    return { contender, server: await Server.start(contenderOf(contender), {}, execArgv), costs: [] }
  }))
  for (const { server } of runs) {
    await checkAnswers(server.url, workload)
    await server.warmUp(workload, maxWarmUpMs)
  }
  for (let round = 0; round < rounds; round++) {
    for (const { server, costs } of runs) costs.push((await server.load(workload, turnMs)).cpu)
  }
  /** @type {Profile[]} */
  const profiles = []
  for (const { contender, server, costs } of runs) {
    await server.tell({ profile: 'start' })
    await server.load(workload, profileMs)
    const functions = /** @type {SelfTime[]} */ (await server.tell({ profile: 'stop' }))
    const cpu = median(costs)
    profiles.push({ contender, cpu, functions: perRequest(functions, cpu) })
    await server.stop()
  }
  return profiles
}

/**
 * Self times as parts of what a request costs, the longest first. Waiting is no part of it.
 *
 * @param {SelfTime[]} functions
 * @param {number} cpu
 */
function perRequest(functions, cpu) {
  const busy = functions.filter(groupOf)
  const total = sumOf(busy)
  return busy.map((one) => ({ ...one, time: one.time / total * cpu })).sort((a, b) => b.time - a.time)
}

/** @param {SelfTime[]} functions */
const sumOf = (functions) => functions.reduce((sum, { time }) => sum + time, 0)

/** @param {Profile[]} profiles @param {Workload} workload */
function toMarkdown(profiles, { name, title }) {
  const lines = [
    `**${name}**: ${title} (µs of CPU time for a request)`, '',
    `| | ${profiles.map(({ contender }) => contender).join(' | ')} |`,
    `| --- |${' --: |'.repeat(profiles.length)}`,
  ]
  for (const [group] of GROUPS) {
    const times = profiles.map(({ functions }) => sumOf(functions.filter((one) => groupOf(one) === group)))
    if (times.some((time) => time >= 0.005)) lines.push(`| ${group} | ${times.map((time) => time.toFixed(2)).join(' | ')} |`)
  }
  lines.push(`| all | ${profiles.map(({ cpu }) => cpu.toFixed(2)).join(' | ')} |`)
  return lines.join('\n')
}

/** The functions that take most. @param {Profile} profile @param {number} count */
function toList({ contender, functions }, count) {
  return [contender, ...functions.slice(0, count).map(({ name, url, line, time }) => {
    return `  ${time.toFixed(2).padStart(6)}  ${name || '(anonymous)'}  ${url && `${url.split('/').slice(-2).join('/')}:${line}`}`
  })].join('\n')
}

async function main() {
  const { values: options } = parseArgs({
    options: { only: { type: 'string' }, table: { type: 'string' }, functions: { type: 'string' }, quick: { type: 'boolean' } },
  })
  const missing = whatIsMissing()
  if (missing) throw new Error('not here: ' + missing)
  const names = [BARE, ...(options.only ?? 'microrest,microrest Router').split(',')]
  const tables = options.table?.split(',')
  for (const workload of WORKLOADS.filter(({ name }) => !tables || tables.includes(name))) {
    const profiles = await profile(names, workload, options.quick ? QUICK : FULL)
    console.log(toMarkdown(profiles, workload) + '\n')
    if (options.functions) console.log(profiles.map((one) => toList(one, Number(options.functions))).join('\n\n') + '\n')
  }
}

await main()
