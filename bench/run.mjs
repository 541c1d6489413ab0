// The benches: what microrest is measured against, and how. README.md says what the figures mean.
//
//     npm run bench                                    all of them, with all contenders; the medians go on record in results/
//     npm run bench -- routes dispatch --quick         rough figures of two, in less than a minute each
//     npm run bench -- routes --only microrest,rou3    these contenders
//     npm run bench -- dispatch --table repeated --part '5 steps'        this table, and this part of it
//     npm run bench -- --against v0.7.0                ours now and ours as of then, pass by pass
//     npm run bench -- --jobs 2                        two processes at a time, where there is a core for each
//     npm run bench -- --markdown                      no run: all that is on record, as Markdown
//     node --cpu-prof bench/run.mjs routes --only microrest --table small --profile     one contender, in this process
//
// MICROREST=/a/microrest.js measures that file in place of dist/microrest.js.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { ROOT, isOurs, listBenches, loadBench } from './kit/bench.mjs'
import { install } from './kit/install.mjs'
import { work } from './kit/job.mjs'
import { runJob } from './kit/process.mjs'
import { planProgress } from './kit/progress.mjs'
import { readRuns, record, recordFile, toMarkdown, toRun, toText } from './kit/results.mjs'

/**
 * @typedef {import('./kit/bench.mjs').Bench} Bench
 * @typedef {import('./kit/bench.mjs').Figures} Figures
 * @typedef {import('./kit/bench.mjs').Job} Job
 * @typedef {import('./kit/bench.mjs').JointFigures} JointFigures
 *
 * A row of a table: the contender, and what its process has in the environment.
 * @typedef {{ label: string, contender: string, env: { [name: string]: string } }} Row
 */

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    against: { type: 'string' }, detail: { type: 'boolean' }, jobs: { type: 'string', default: '1' }, markdown: { type: 'boolean' },
    only: { type: 'string' },
    out: { type: 'string' }, part: { type: 'string' }, passes: { type: 'string' }, profile: { type: 'boolean' },
    quick: { type: 'boolean' }, table: { type: 'string' },
  },
})
/** How long a check is likely to take; and how much of a pass a quick one takes. For the estimate, until it is known. */
const CHECK_SECONDS = 0.5
const QUICK_SHARE = 0.4

const quick = options.quick ?? false
const jobs = Number(options.jobs)
const only = options.only?.split(',')

/** Install the peers, if one is wanted and some are not there. @param {Part[]} parts */
function installPeers(parts) {
  if (parts.every(({ rows }) => rows.every(({ contender }) => isOurs(contender)))) return
  install('dependencies')
}

/** @returns {Promise<Bench[]>} */
async function chooseBenches() {
  const known = listBenches()
  for (const name of names) if (!known.includes(name)) throw new Error(`no bench '${name}'; there are ${known.join(', ')}`)
  const benches = await Promise.all((names.length ? names : known).map(loadBench))
  for (const name of only ?? []) {
    if (!benches.some(({ contenders }) => contenders.includes(name))) {
      throw new Error(`no contender '${name}'; there are ${[...new Set(benches.flatMap(({ contenders }) => contenders))].join(', ')}`)
    }
  }
  return benches
}

/** @param {Bench} bench */
function chooseTables(bench) {
  const all = Object.keys(bench.tables)
  const chosen = options.table ? all.filter((table) => options.table?.split(',').includes(table)) : all
  if (!chosen.length) throw new Error(`${bench.name} has no table '${options.table}'; it has ${all.join(', ')}`)
  return chosen
}

/**
 * The rows of a table. Against an earlier version there are two for each of ours, and for nobody else unless they are asked for.
 *
 * @param {Bench} bench
 * @param {string} table
 * @param {string | undefined} earlier the file of the earlier version
 * @returns {Row[]}
 */
function chooseRows(bench, table, earlier) {
  const all = bench.tables[table]?.contenders ?? bench.contenders
  const usual = (quick && bench.quickContenders) || all
  const chosen = all.filter((name) => (only ? only.includes(name) : usual.includes(name) && (!earlier || isOurs(name))))
  return chosen.flatMap((contender) => {
    /** @type {Row[]} */
    const rows = [{ label: contender, contender, env: {} }]
    if (earlier && isOurs(contender)) rows.push({ label: `${contender}@${options.against}`, contender, env: { MICROREST: earlier } })
    return rows
  })
}

/** The built scripts of an earlier version, in a folder of their own; gives the module. @param {string} revision */
function extract(revision) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-'))
  process.on('exit', () => fs.rmSync(folder, { recursive: true }))
  for (const [built, file] of [['microrest.js', 'microrest.mjs'], ['microrest.es5.js', 'microrest.es5.js']]) {
    fs.writeFileSync(path.join(folder, file), execFileSync('git', ['show', `${revision}:dist/${built}`], { cwd: ROOT, maxBuffer: 1 << 26 }))
  }
  return path.join(folder, 'microrest.mjs')
}

/**
 * What is run of a bench, and what has come of it.
 *
 * @typedef {object} Part
 * @property {Bench} bench
 * @property {string} table
 * @property {Row[]} rows
 * @property {number} passes
 * @property {{ [label: string]: Figures[] }} figures
 * @property {{ [label: string]: Figures[] }} bases what the base has had beside each, where it was measured beside each
 * @property {{ [label: string]: { [what: string]: string } }} wrong
 */

/**
 * Run one row of a part: the check, or a pass. What cannot be run is dropped from the part, with the reason.
 *
 * @param {Part} part
 * @param {Row} row
 * @param {boolean} isCheck
 */
async function runRow({ bench, table, figures, wrong }, { label, contender, env }, isCheck) {
  if (!isCheck && !figures[label]) return
  const job = { bench: bench.name, table, contender, quick, wrong: wrong[label] ?? {} }
  const process = { isCheck, execArgv: bench.execArgv ?? [], env }
  try {
    if (isCheck) {
      const reasons = await runJob(job, process)
      if (Object.keys(reasons).length) wrong[label] = /** @type {{ [what: string]: string }} */ (reasons)
    } else {
      /** @type {Figures} */
      const all = {}
      for (const part of partsOf(bench, table)) Object.assign(all, await runJob({ ...job, part }, process))
      figures[label]?.push(all)
    }
  } catch (err) {
    delete figures[label]
    wrong[label] = { all: err instanceof Error ? err.message : String(err) }
  }
}

/** Run a pass of a part whose contenders are measured together. @param {Part} part */
async function runTogether({ bench, table, rows, figures, bases, wrong }) {
  const able = rows.filter(({ label }) => figures[label])
  const job = { bench: bench.name, table, quick, rows: able.map(({ contender, env }) => ({ contender, env })) }
  try {
    const all = /** @type {JointFigures[]} */ (await runJob(job, { isCheck: false, execArgv: bench.execArgv ?? [], env: {} }))
    able.forEach(({ label }, ix) => {
      const { own, base = [], error } = /** @type {JointFigures} */ (all[ix])
      if (error === undefined) {
        figures[label]?.push(...own)
        ;(bases[label] ??= []).push(...base)
      } else {
        delete figures[label]
        wrong[label] = { all: error }
      }
    })
  } catch (err) {
    for (const { label } of able) wrong[label] = { all: err instanceof Error ? err.message : String(err) }
  }
}

/**
 * Check all contenders, then measure them, pass by pass. Every other pass goes through them backwards, so that it is not always the same
 * one that comes after the same other.
 *
 * @param {Part[]} parts of one bench
 * @param {import('./kit/progress.mjs').Progress} progress
 */
async function measure(parts, progress) {
  const most = Math.max(...parts.map(({ passes }) => passes))
  for (let pass = 0; pass <= most; pass++) {
    for (const part of parts.filter(({ passes }) => pass <= passes)) {
      const what = pass ? `pass ${pass} of ${part.passes}` : 'check'
      if (pass && part.bench.measureTogether) {
        await progress.step(kindOf(part, pass), what, () => runTogether(part))
        continue
      }
      await doAll(pass % 2 ? part.rows : [...part.rows].reverse(), (row) => {
        return progress.step(kindOf(part, pass), `${what}, ${row.label}`, () => runRow(part, row, !pass))
      })
    }
  }
}

/**
 * Do something with each of a list, in their order, with as many at a time as there are jobs.
 *
 * @template Item
 * @param {Item[]} items
 * @param {(item: Item) => Promise<void>} run
 */
async function doAll(items, run) {
  const left = [...items]
  await Promise.all(Array.from({ length: jobs }, async () => {
    for (let item = left.shift(); item; item = left.shift()) await run(item)
  }))
}

/** @type {(bench: Bench, table: string) => (string | undefined)[]} */
function partsOf({ tables }, table) {
  const { parts, quickParts } = tables[table]
  return parts ? (options.part?.split(',') ?? (quick && quickParts ? quickParts : parts)) : [undefined]
}

/** Steps of a kind take about as long as each other. @param {Part} part @param {number} pass */
const kindOf = ({ bench, table }, pass) => `${bench.name} ${table}${pass ? '' : ', check'}`

/** One contender, table after table, in this process: for profilers. @param {Bench[]} benches */
async function profile(benches) {
  if (only?.length !== 1) throw new Error('--profile is for one contender: --only name')
  for (const bench of benches) {
    if (!bench.measure) throw new Error(`${bench.name}: its contenders run in processes of their own`)
    for (const table of chooseTables(bench)) {
      for (const { contender } of chooseRows(bench, table, undefined)) {
        for (const part of partsOf(bench, table)) {
          console.log(bench.name, table, contender, await work({ bench: bench.name, table, contender, part, quick, wrong: {} }, false))
        }
      }
    }
  }
}

async function main() {
  if (!(jobs >= 1)) throw new Error(`--jobs is a number of processes, and not '${options.jobs}'`)
  if (options.markdown) {
    for (const bench of await chooseBenches()) console.log(toMarkdown(bench, readRuns(options.out ?? recordFile(bench.name))) + '\n')
    return
  }
  const benches = (await chooseBenches()).filter(({ isOfBuild }) => !(isOfBuild && options.against))
  if (options.profile) return profile(benches)

  const earlier = options.against && extract(options.against)
  const parts = benches.flatMap((bench) => chooseTables(bench).map((table) => {
    const passes = Number(options.passes) || (quick ? 1 : (bench.tables[table]?.passes ?? bench.passes))
    // (Ratios need many pairs. Rounds are some.)
    const pairs = Number(options.passes) || (bench.measureTogether ? (quick ? 1 : 4) : (quick ? 3 : 11))
    const rows = chooseRows(bench, table, earlier)
    const figures = Object.fromEntries(rows.map(({ label }) => [label, []]))
    return { bench, table, rows, passes: earlier ? pairs : passes, figures, bases: {}, wrong: {} }
  })).filter(({ rows }) => rows.length)
  installPeers(parts)
  for (const { prepare } of benches) prepare?.()
  const progress = planProgress(Object.fromEntries(parts.flatMap((part) => {
    const { bench, table, rows, passes } = part
    const seconds = (bench.tables[table]?.seconds ?? 2) * (quick ? QUICK_SHARE : 1)
    const joint = { count: passes, seconds: rows.length * seconds }
    return [
      [kindOf(part, 0), { count: rows.length, seconds: CHECK_SECONDS, jobs }],
      [kindOf(part, 1), bench.measureTogether ? joint : { count: rows.length * passes, seconds, jobs }],
    ]
  })))
  for (const bench of benches) {
    const own = parts.filter((part) => part.bench === bench)
    if (!own.length) continue
    await measure(own, progress)
    progress.clear()
    const baseOf = (/** @type {string} */ label) => (earlier ? `${label}@${options.against}` : bench.base)
    const run = toRun(bench, {
      figures: Object.fromEntries(own.map(({ table, figures }) => [table, figures])),
      bases: Object.fromEntries(own.map(({ table, bases }) => [table, bases])),
      wrong: Object.fromEntries(own.map(({ table, wrong }) => [table, wrong])),
      quick, baseOf,
    })
    console.log(toText(bench, run, options.detail ?? false) + '\n')
    // On record is only what can be compared: whole runs of what is built.
    const isPartial = quick || only || options.table || options.part || options.passes || options.against || process.env.MICROREST
    if (options.out || !isPartial) record(options.out ?? recordFile(bench.name), bench.name, run)
  }
}

await main().catch((err) => {
  console.error(err.message)
  process.exitCode = 1
})
