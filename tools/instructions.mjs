// What look-ups and dispatches cost a small engine, in machine instructions: a count is exact where a time is not, so that a change
// that makes the core slower by a few percent is seen before it is in.
//
//     npm run instructions                  print the table; fail where a figure is more than 2 % above the one on record
//     npm run instructions -- --update      also record the figures in instructions.json
//     npm run instructions -- --script FILE   count another script than dist/microrest.es5.js
//
// The engines are QuickJS and QuickJS-ng, native, under callgrind: what firmware/get-quickjs.sh has fetched. The same script gives
// the same figures in every folder and at every time, yet not by another compiler. By that one the script is counted again whose
// figures are on record, as the history has it.

import fs from 'node:fs'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { ROOT } from './project.mjs'
import { guest } from './instructions-guest.mjs'
import { countInstructions, describeToolchain, findEngines } from './quickjs-native.mjs'

const RECORD = path.join(ROOT, 'tools/instructions.json')
const SCRIPT = path.join(ROOT, 'dist/microrest.es5.js')

/** A figure may rise by so much of itself. By chance (names that hash elsewhere, another processor's memcpy) it moves by half a percent. */
const TOLERANCE = 0.02

/**
 * Instructions of one operation, by what it is.
 *
 * @typedef {{ [what: string]: number }} Figures
 */

/**
 * Count what each operation takes in an engine.
 *
 * @param {import('./quickjs-native.mjs').NativeEngine} engine
 * @param {string} script the text of the core, a classic script
 * @param {string} [only] what is in the names of the operations that are counted. Default is all of them
 * @returns {Figures}
 */
export function measure(engine, script, only = '') {
  /** @type {{ [what: string]: number[] }} */
  const rounds = {}
  for (const { name, total } of countInstructions(engine, [script, `(${guest})(${JSON.stringify(only)})`])) {
    const [, what = '', times] = /^(.*) \/ (\d+)$/.exec(name) ?? []
    ;(rounds[what] ??= []).push(Math.round(total / Number(times)))
  }
  // (The median: now and then a round has a table of the engine grow.)
  return Object.fromEntries(Object.entries(rounds).map(([what, all]) => [what, all.sort((a, b) => a - b)[all.length >> 1] ?? NaN]))
}

/**
 * Compare figures with those on record.
 *
 * @param {Figures} figures
 * @param {Figures} records
 * @returns {string[]} what is wrong: a sentence for each figure that has risen too far, or that is in one of them alone
 */
export function findRegressions(figures, records) {
  const names = new Set([...Object.keys(records), ...Object.keys(figures)])
  return [...names].flatMap((what) => {
    const [now, before] = [figures[what], records[what]]
    if (before === undefined) return [`${what}: not on record`]
    if (!now) return [`${what}: on record, and not counted`]
    return now > before * (1 + TOLERANCE) ? [`${what}: ${now} instructions, ${percent(now, before)} over the ${before} on record`] : []
  })
}

/**
 * The script whose figures are on record: as it was when they were put there.
 *
 * @param {string} [checkout]
 * @returns {string | undefined} nothing, if there is no history that would say so
 */
export function recordedScript(checkout = ROOT) {
  /** @param {string[]} args */
  const git = (...args) => execFileSync('git', args, { cwd: checkout, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 }).trim()
  try {
    // (A history that is cut off seems to begin with everything.)
    if (git('rev-parse', '--is-shallow-repository') !== 'false') return undefined
    return git('show', git('log', '-1', '--format=%H', '--', path.relative(ROOT, RECORD)) + ':' + path.relative(ROOT, SCRIPT))
  } catch {
    return undefined
  }
}

/** @param {number} now @param {number} before */
const percent = (now, before) => `${(100 * (now / before - 1)).toFixed(1)} %`

/**
 * @param {{ [engine: string]: Figures }} all
 * @param {{ [engine: string]: Figures }} records
 */
function table(all, records) {
  const names = Object.keys(all)
  const whats = Object.keys(Object.values(all)[0] ?? {})
  const rows = [
    ['instructions', ...names.flatMap((name) => [name, 'change'])],
    ...whats.map((what) => [what, ...names.flatMap((name) => {
      const [now = NaN, before] = [all[name]?.[what], records[name]?.[what]]
      return [now.toLocaleString('en'), before ? percent(now, before) : '']
    })]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => row.map((cell, ix) => (ix ? cell.padStart(widths[ix] ?? 0) : cell.padEnd(widths[ix] ?? 0))).join('  ')).join('\n')
}

function main() {
  const { values: { script, update } } = parseArgs({ options: { script: { type: 'string', default: SCRIPT }, update: { type: 'boolean' } } })
  const { engines, missing } = findEngines()
  for (const reason of missing) console.log('skipped:', reason)
  if (!engines.length) return

  const { toolchain, ...records } = JSON.parse(fs.readFileSync(RECORD, 'utf8'))
  const own = describeToolchain()
  /** @param {string} text @returns {{ [engine: string]: Figures }} */
  const measureAll = (text) => Object.fromEntries(engines.map((engine) => [engine.name, measure(engine, text)]))
  const all = measureAll(fs.readFileSync(script, 'utf8'))
  if (update) {
    // (An engine that is not here keeps its figures, if they are by this compiler.)
    fs.writeFileSync(RECORD, JSON.stringify({ toolchain: own, ...(toolchain === own && records), ...all }, null, 2) + '\n')
  }

  const recorded = toolchain === own ? undefined : recordedScript()
  const before = toolchain === own ? records : recorded ? measureAll(recorded) : {}
  console.log(table(all, before))
  if (toolchain !== own) {
    console.log(`the figures on record are by ${toolchain}, these by ${own}: ` +
      (recorded ? 'compared with the script of those, counted again' : 'not compared, as there is no history with the script of those'))
  }
  if (update || (toolchain !== own && !recorded)) return
  for (const { name } of engines) {
    for (const wrong of findRegressions(all[name] ?? {}, before[name] ?? {})) {
      console.error(`${name}: ${wrong}`)
      process.exitCode = 1
    }
  }
  if (process.exitCode) console.error('If that is meant to be so: npm run instructions -- --update')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
