// A request through the route look-up to its handler, in QuickJS and QuickJS-ng: how many in a second, and how many instructions each.
//
// The engines are native (tools/quickjs-native.mjs), the contenders bundled by esbuild with the program that measures (guest/).

import fs from 'node:fs'
import path from 'node:path'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { countInstructions, findEngines, runScripts } from '../../tools/quickjs-native.mjs'
import { isOurs, oursFile } from '../kit/bench.mjs'
import { median } from '../kit/clock.mjs'
import { GLOBALS, MODULES } from './stand-ins.mjs'

/**
 * @typedef {import('../kit/bench.mjs').Bench} Bench
 * @typedef {import('../kit/bench.mjs').Job} Job
 * @typedef {import('../../tools/quickjs-native.mjs').NativeEngine} NativeEngine
 *
 * @typedef {{ task: 'check' | 'count' | 'time', steps: number, rounds: number, samples: number }} GuestJob
 *
 * @typedef {object} Contender
 * @property {string} file in guest/contenders
 * @property {boolean} [hasSteps] is more than a router
 * @property {boolean} [makesCode] makes code of text, which firmware without a parser cannot
 * @property {boolean} [needsStandIns] runs with stand-ins.mjs only
 */

const GUEST = fileURLToPath(new URL('guest', import.meta.url))
const STEPS = [0, 5]

/** How many rounds of ten requests. */
const ROUNDS = { count: 20, time: 200 }

/** @type {{ [name: string]: Contender }} */
const contenders = {
  microrest: { file: 'microrest', hasSteps: true },
  'microrest runRoute': { file: 'microrest-run-route', hasSteps: true },
  'microrest embed': { file: 'microrest-embed', hasSteps: true },
  'microrest getRoute': { file: 'microrest-get-route' },
  '0http': { file: '0http', hasSteps: true, needsStandIns: true },
  polka: { file: 'polka', hasSteps: true, needsStandIns: true },
  "express' router": { file: 'express-router', hasSteps: true, needsStandIns: true },
  'koa-compose + router': { file: 'koa-router', hasSteps: true, needsStandIns: true },
  hono: { file: 'hono', hasSteps: true },
  itty: { file: 'itty', hasSteps: true, needsStandIns: true },
  h3: { file: 'h3', hasSteps: true, needsStandIns: true },
  'microrest 0.6 (JavaScript)': { file: 'microrest-0.6', hasSteps: true, needsStandIns: true, makesCode: true },
  rou3: { file: 'rou3' },
  memoirist: { file: 'memoirist' },
  '@medley/router': { file: 'medley' },
  trouter: { file: 'trouter' },
  'find-my-way': { file: 'find-my-way', needsStandIns: true, makesCode: true },
  'hono SmartRouter': { file: 'hono-smart' },
}

/** @param {string} name @returns {Contender} */
function find(name) {
  const contender = contenders[name]
  if (!contender) throw new Error(`no contender '${name}'`)
  return contender
}

/** Node's modules, as stand-ins.mjs has them. @type {import('esbuild').Plugin} */
const standInModules = {
  name: 'stand-ins',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /./ }, ({ path: id }) => {
      const name = id.replace(/^node:/, '')
      return builtinModules.includes(name) ? { path: name, namespace: 'stand-in' } : undefined
    })
    onLoad({ filter: /./, namespace: 'stand-in' }, ({ path: name }) => ({ contents: MODULES[name] ?? '', loader: 'js' }))
  },
}

/**
 * The scripts of a contender, but for the one that says what to do.
 *
 * @param {string} name
 */
async function bundle(name) {
  const { file, needsStandIns } = find(name)
  const { outputFiles: [bundled] } = await build({
    entryPoints: [path.join(GUEST, 'guest.mjs')],
    alias: { contender: path.join(GUEST, 'contenders', `${file}.mjs`) },
    plugins: needsStandIns ? [standInModules] : [],
    bundle: true, write: false, logLevel: 'silent', format: 'iife', target: 'es2022', platform: 'browser',
    mainFields: ['browser', 'module', 'main'],
  })
  const before = needsStandIns ? [GLOBALS] : []
  if (isOurs(name)) before.push(fs.readFileSync(path.join(path.dirname(oursFile()), 'microrest.es5.js'), 'utf8'))
  return [...before, bundled?.text ?? '']
}

/** @param {GuestJob} job */
const toScript = (job) => `globalThis.JOB = ${JSON.stringify(job)}`

/** @param {NativeEngine} engine */
const columnOf = ({ name }, steps = 0) => name.replace(/ .*/, '') + (steps ? `, ${steps} steps` : '')

/** @param {string} name */
const stepsOf = (name) => (find(name).hasSteps ? STEPS : [0])

const listStandIns = () => Object.keys(contenders).filter((name) => find(name).needsStandIns).join(', ')

/** @param {Job} job */
async function check({ contender }) {
  const { engines, missing } = findEngines()
  if (!engines.length) throw new Error(missing.join('; '))
  const scripts = await bundle(contender)
  /** @type {{ [what: string]: string }} */
  const wrong = {}
  for (const engine of engines) {
    for (const steps of stepsOf(contender)) {
      try {
        runScripts(engine, [toScript({ task: 'check', steps, rounds: 1, samples: 1 }), ...scripts])
      } catch (err) {
        wrong[columnOf(engine, steps)] = err instanceof Error ? err.message.replace(/\s+/g, ' ').slice(0, 200) : String(err)
      }
    }
  }
  return wrong
}

/** @param {Job} job */
async function measure({ table, contender, quick, wrong }) {
  const scripts = await bundle(contender)
  /** @type {import('../kit/bench.mjs').Figures} */
  const figures = {}
  for (const engine of findEngines().engines) {
    for (const steps of stepsOf(contender)) {
      const column = columnOf(engine, steps)
      if (wrong[column]) continue
      figures[column] = table === 'speed' ? time(engine, scripts, steps, quick) : count(engine, scripts, steps)
    }
  }
  return figures
}

/** Dispatches per second. @type {(engine: NativeEngine, scripts: string[], steps: number, quick: boolean) => number} */
function time(engine, scripts, steps, quick) {
  const output = runScripts(engine, [toScript({ task: 'time', steps, rounds: ROUNDS.time, samples: quick ? 1 : 5 }), ...scripts])
  return 1e9 / median(output.trim().split('\n').map(Number))
}

/** Instructions of a dispatch: what twice as many take more. @type {(engine: NativeEngine, scripts: string[], steps: number) => number} */
function count(engine, scripts, steps) {
  const counts = countInstructions(engine, [toScript({ task: 'count', steps, rounds: ROUNDS.count, samples: 1 }), ...scripts])
  const [fewer, more] = counts.map(({ name, total }) => ({ n: Number(name), total }))
  if (!fewer || !more) throw new Error('nothing was counted')
  return (more.total - fewer.total) / (more.n - fewer.n)
}

const columns = ['QuickJS', 'QuickJS, 5 steps', 'QuickJS-ng', 'QuickJS-ng, 5 steps']

/** @type {Bench} */
export default {
  name: 'quickjs',
  title: 'QuickJS: a request through its steps to the handler, in an engine without a compiler',
  notes: [
    'Ten requests to a table of 30 routes, with none to three parameters, on strings that the engine has not seen before.',
    'What has no figure for steps is a router alone: it looks a handler up, and that is called. microrest getRoute is ours in that way.',
    'microrest embed takes a request as plain values and gives the answer so, as firmware does; the others are handed light objects.',
    `${listStandIns()} do not run by themselves, but with stand-ins for what the engine lacks: URL, Response, process, console, ` +
      'modules of Node. These do next to nothing; the real ones would cost more.',
    'Not here: fastify, koa and express as a whole, which are made of the streams and servers of Node; and the compilers of rou3 and ' +
      'find-my-way, since firmware that loads bytecode has no parser for what they write.',
    'koa-compose, hono, itty and h3 answer by a promise, which is waited for.',
    'The clock is CPU time. An instruction is one of the processor, as callgrind counts them; the same run gives the same count.',
  ],
  tables: {
    speed: { title: 'dispatches', unit: 'per second', columns, more: columns, seconds: 0.7 },
    instructions: { title: 'what a dispatch takes', unit: 'instructions', columns, passes: 1, seconds: 3 },
  },
  contenders: Object.keys(contenders),
  quickContenders: ['microrest', 'microrest embed', 'microrest getRoute', 'polka', 'h3', 'memoirist', 'microrest 0.6 (JavaScript)'],
  makesCode: Object.keys(contenders).filter((name) => find(name).makesCode),
  packages: [
    '0http', 'polka', 'router', 'koa-compose', '@koa/router', 'hono', 'itty-router', 'h3', 'microrest', 'rou3', 'memoirist',
    '@medley/router', 'trouter', 'find-my-way',
  ],
  passes: 3,
  // (Engines are built when they are first looked for.)
  prepare: findEngines,
  check,
  measure,
}
