// What the core costs in the memory of a small engine, to the byte: the scripts, a route, a request on its way, and what a thousand
// requests leave behind.
//
//     node tools/quickjs-memory.mjs              print the table; fail where a figure is not the one on record
//     node tools/quickjs-memory.mjs --update     also record the figures in quickjs-memory.json, which the tests hold to exactly
//     node tools/quickjs-memory.mjs --kinds      print what each kind of request leaves behind, for when that is not nothing
//
// The engines are 32-bit, as a microcontroller is. Counted are the bytes in use as the engine accounts for them, and 8 for each block,
// which is what an allocator keeps beside it. Blocks that the engine does not account for (the data of a promise) are counted with
// their 8 bytes only.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT } from './project.mjs'
import { ENGINES, startEngine } from './quickjs.mjs'
import { KINDS, guest } from './quickjs-memory-guest.mjs'

/** @typedef {{ what: string, bytes: number, blocks: number, recorded: number | undefined, budget: number | undefined }} Figure */
/** @typedef {import('./quickjs.mjs').Engine} Engine */
/** @typedef {import('./quickjs.mjs').Memory} Memory */

const RECORD = path.join(ROOT, 'tools/quickjs-memory.json')
const SCRIPTS = ['microrest.es5.js', 'microrest.nano.es5.js']

const REQUESTS = 1000

/** So many rounds of requests, and all has been made that is made once: shapes, and tables that double. */
const WARM_UP = 3
const ROUTES = 30
const PARKED = 100

/** Bytes. What is over its budget is said, here and as a TODO of the tests; the budget is not widened. @type {{ [what: string]: number }} */
const BUDGETS = {
  'microrest.es5.js, loaded from source': 72 * 1024,
  'microrest.es5.js, a route': 450,
  'microrest.es5.js, a request on its way': 700,
  'microrest.es5.js, left by 1000 requests': 0,
  'microrest.nano.es5.js, a request on its way': 700,
  'microrest.nano.es5.js, left by 1000 requests': 0,
}

/** @param {string} engineName */
async function start(engineName) {
  const engine = await startEngine(engineName, { collects: false })
  // What an engine makes when it first runs a script is none of ours.
  engine.runScript('0', 'first.js')
  return engine
}

/** @param {string} script */
const read = (script) => fs.readFileSync(path.join(ROOT, 'dist', script), 'utf8')

/** The program as a script. */
const GUEST = `(${guest})()`

/**
 * Start an engine with a script and the program.
 *
 * @param {string} engineName
 * @param {string} script
 */
export async function bootGuest(engineName, script) {
  const engine = await start(engineName)
  engine.runScript(read(script), script)
  engine.runScript(GUEST, 'guest.js')
  return engine
}

/**
 * What is in use after something has been done, and was not before; if it is done several times, for each time, rounded up.
 *
 * @param {Engine} engine
 * @param {() => void} f
 * @param {number} [times]
 * @returns {Memory}
 */
function added(engine, f, times = 1) {
  // (To be asked makes names, and may double the engine's table of them.)
  engine.memory()
  const before = engine.memory()
  f()
  const after = engine.memory()
  return { bytes: Math.ceil((after.bytes - before.bytes) / times), blocks: Math.ceil((after.blocks - before.blocks) / times) }
}

/**
 * Make a request and do all that follows from it.
 *
 * @param {Engine} engine
 * @param {string | undefined} kind
 */
export function ask(engine, kind) {
  engine.call('ask', kind)
  do engine.runJobs()
  while (engine.call('turn'))
}

/**
 * What a thousand requests leave behind, of one kind or of all in turn. Reference counting alone has to have freed the rest: no
 * collection may have run.
 *
 * @param {Engine} engine
 * @param {readonly string[]} kinds
 */
export function measureLeft(engine, kinds) {
  const round = () => {
    for (let ix = 0; ix < REQUESTS; ix++) ask(engine, kinds[ix % kinds.length])
  }
  for (let rounds = 0; rounds < WARM_UP; rounds++) round()
  const left = added(engine, round)
  if (engine.call('hasCollected')) throw new Error('a collection has run, and nothing is known')
  return left
}

/**
 * What a request holds while it waits for a step to go on. Not counted are what belongs to the host, its strings and its `reply`, and
 * the list in which the program keeps what it goes on by. The request has two header fields.
 *
 * @param {Engine} engine
 * @param {string} how
 */
function measureParked(engine, how) {
  const park = (/** @type {number} */ count) => {
    engine.call('park', how, count)
    engine.runJobs()
  }
  park(1)
  const held = added(engine, () => park(PARKED), PARKED)
  engine.call('unpark')
  engine.runJobs()
  return held
}

/**
 * All that is measured in an engine.
 *
 * @param {string} engineName
 */
async function measureAll(engineName) {
  /** @type {{ [what: string]: Memory }} */
  const all = {}
  for (const script of SCRIPTS) {
    const stripped = await start(engineName)
    if (stripped.runStripped) all[`${script}, loaded from stripped bytecode`] = added(stripped, () => stripped.runStripped?.(read(script), script))

    const engine = await start(engineName)
    all[`${script}, loaded from source`] = added(engine, () => engine.runScript(read(script), script))
    engine.runScript(GUEST, 'guest.js')

    engine.call('addRoutes', 1)
    all[`${script}, a route`] = added(engine, () => engine.call('addRoutes', ROUTES), ROUTES)

    all[`${script}, left by ${REQUESTS} requests`] = measureLeft(engine, Object.keys(KINDS))
    all[`${script}, a request on its way`] = measureParked(engine, 'step')
    all[`${script}, of that hosts/embed`] = measureParked(engine, 'alone')
    all[`${script}, a request in an async step`] = measureParked(engine, 'async')
  }
  return all
}

/**
 * The figures of an engine beside those on record, and the budgets.
 *
 * @param {string} engineName
 * @returns {Promise<Figure[]>}
 */
export async function measure(engineName) {
  const records = JSON.parse(fs.readFileSync(RECORD, 'utf8'))
  return Object.entries(await measureAll(engineName)).map(([what, { bytes, blocks }]) => (
    { what, bytes, blocks, recorded: records[engineName]?.[what], budget: BUDGETS[what] }
  ))
}

/** @param {readonly Figure[][]} columns of each engine */
function table(columns) {
  const names = [...new Set(columns.flat().map(({ what }) => what))]
  const rows = names.sort((a, b) => order(a) - order(b)).map((what) => [
    what, ...columns.flatMap((figures) => {
      const figure = figures.find((one) => one.what === what)
      return [figure?.bytes, figure?.blocks]
    }), BUDGETS[what],
  ].map((cell) => String(cell ?? '')))
  return format([['', ...Object.keys(ENGINES).flatMap((name) => [name, 'blocks']), 'budget'], ...rows])

  /** @param {string} what */
  function order(what) {
    return SCRIPTS.findIndex((script) => what.startsWith(script))
  }
}

/** @param {readonly string[][]} rows */
function format(rows) {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => row.map((cell, ix) => (ix ? cell.padStart(widths[ix] ?? 0) : cell.padEnd(widths[ix] ?? 0))).join('  ')).join('\n')
}

/** What a thousand requests of each kind leave behind. */
async function printKinds() {
  const kinds = Object.keys(KINDS)
  const columns = await Promise.all(Object.keys(ENGINES).map(async (name) => {
    const engine = await bootGuest(name, 'microrest.es5.js')
    return kinds.map((kind) => String(measureLeft(engine, [kind]).bytes))
  }))
  const rows = kinds.map((kind, ix) => [kind, ...columns.map((column) => column[ix] ?? '')])
  console.log(format([[`left by ${REQUESTS} of a kind`, ...Object.keys(ENGINES)], ...rows]))
}

/** @param {readonly Figure[][]} columns */
function record(columns) {
  const lines = Object.keys(ENGINES).map((name, ix) => {
    const figures = columns[ix]?.map(({ what, bytes }) => `    ${JSON.stringify(what)}: ${bytes}`) ?? []
    return `  ${JSON.stringify(name)}: {\n${figures.join(',\n')}\n  }`
  })
  fs.writeFileSync(RECORD, `{\n${lines.join(',\n')}\n}\n`)
}

async function main() {
  if (process.argv.includes('--kinds')) return printKinds()
  const columns = await Promise.all(Object.keys(ENGINES).map(measure))
  console.log(table(columns))
  if (process.argv.includes('--update')) return record(columns)
  Object.keys(ENGINES).forEach((name, ix) => {
    for (const { what, bytes, recorded } of columns[ix] ?? []) {
      if (bytes === recorded) continue
      console.error(`${name}: ${what}: ${bytes} bytes, and not ${recorded} as in tools/quickjs-memory.json`)
      process.exitCode = 1
    }
  })
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
