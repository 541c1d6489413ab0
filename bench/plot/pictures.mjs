// What is drawn of what is on record: which figures of which bench, and the words around them.

import path from 'node:path'
import { isOurs, loadBench } from '../kit/bench.mjs'
import { median } from '../kit/clock.mjs'
import { describeRuns, mergeRows, readRuns } from '../kit/results.mjs'
import { drawDots, drawLines } from './chart.mjs'
import { THEMES } from './theme.mjs'

/**
 * @typedef {import('../kit/results.mjs').Run} Run
 * @typedef {import('./chart.mjs').DotPanel} DotPanel
 * @typedef {import('./chart.mjs').Point} Point
 * @typedef {import('./theme.mjs').Theme} Theme
 */

/** Names that would be too long. @type {{ [contender: string]: string }} */
const SHORT = {
  'find-my-way compiled + middie': 'find-my-way compiled',
  'find-my-way + middie': 'find-my-way, middie',
  'koa-compose + router': 'koa-router',
  'microrest 0.6 (JavaScript)': 'microrest 0.6 (JS)',
  'microrest 0.6 (JavaScript) router': 'microrest 0.6 router (JS)',
  'microrest Router res.end': 'Router, by res.end',
}

/** @param {string} name */
const short = (name) => SHORT[name] ?? name

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString('en')
/** @param {number} value */
const ratio = (value) => value.toFixed(2)
/** @param {number} value */
const thousands = (value) => (value < 10_000 ? (value / 1000).toFixed(1) : whole(value / 1000))

/**
 * The figures of a column: the median of all passes of all runs on record, and how far they reach.
 *
 * @param {Run[]} runs
 * @param {string} table
 * @param {string} column
 * @param {'tables' | 'ratios'} [kind]
 * @returns {Point[]}
 */
function pointsOf(runs, table, column, kind = 'tables') {
  return Object.entries(mergeRows(runs.map((run) => run[kind]?.[table]))).flatMap(([name, { [column]: values }]) => {
    return values ? [{ name, value: median(values), low: Math.min(...values), high: Math.max(...values) }] : []
  })
}

/**
 * The contenders of panels, the best first, by how many times the best of a panel they are.
 *
 * @param {DotPanel[]} panels
 * @param {boolean} [isMoreBetter]
 */
function order(panels, isMoreBetter = false) {
  const names = [...new Set(panels.flatMap(({ points }) => points.map(({ name }) => name)))]
  const scoreOf = (/** @type {string} */ name) => {
    const logs = panels.flatMap(({ points }) => {
      const own = points.find((point) => point.name === name)
      return own ? [Math.log(own.value / Math.min(...points.map(({ value }) => value)))] : []
    })
    return logs.reduce((sum, log) => sum + log, 0) / logs.length
  }
  return names.sort((a, b) => (isMoreBetter ? scoreOf(b) - scoreOf(a) : scoreOf(a) - scoreOf(b)))
}

/**
 * The growth of each contender over the number of routes.
 *
 * @param {Run[]} runs
 * @param {string} table
 */
function linesOf(runs, table) {
  const [first = {}] = Object.values(mergeRows(runs.map((run) => run.tables[table])))
  const columns = Object.keys(first).filter((column) => column.endsWith(' fresh'))
  /** @type {{ [name: string]: { x: number, y: number }[] }} */
  const lines = {}
  for (const column of columns) {
    for (const { name, value } of pointsOf(runs, table, column)) (lines[name] ??= []).push({ x: parseInt(column), y: value })
  }
  return Object.entries(lines).map(([name, points]) => ({ name, points }))
}

/**
 * @typedef {object} DotPicture
 * @property {string} bench
 * @property {string} title
 * @property {string} subtitle
 * @property {boolean} [isMoreBetter]
 * @property {string} [floor] the contender that is no rival
 * @property {string[]} [without] contenders that are left out
 * @property {(runs: Run[]) => DotPanel[]} panels
 */

/** @type {{ [name: string]: DotPicture }} */
const DOTS = {
  routes: {
    bench: 'routes', title: 'Finding a route',
    subtitle: 'ns of CPU time for a path that was never seen before; less is better; logarithmic',
    panels: (runs) => [
      { title: '14 routes', points: pointsOf(runs, 'small', 'fresh'), format: whole },
      { title: '229 routes, those of GitHub', points: pointsOf(runs, 'github', 'fresh'), format: whole },
    ],
  },
  dispatch: {
    bench: 'dispatch', floor: 'bare loop', title: 'From the request through all steps to the handler',
    subtitle: 'ns of CPU time for a path that was never seen before; less is better; logarithmic',
    panels: (runs) => ['0 steps', '5 steps', '20 steps'].map((column) => (
      { title: column, points: pointsOf(runs, 'varied', column), format: whole }
    )),
  },
  http: {
    bench: 'http', title: 'HTTP: what a framework adds to node:http',
    without: ['microrest res.end', 'microrest Router setImmediate', 'microrest processRequest'],
    subtitle: 'CPU time of a request, as a multiple of bare node:http doing the same; less is better',
    panels: (runs) => [
      { title: 'a text of 200 B', points: pointsOf(runs, 'text', 'CPU µs', 'ratios'), format: ratio, reference: 1, most: 2 },
      { title: 'parameters, JSON', points: pointsOf(runs, 'params', 'CPU µs', 'ratios'), format: ratio, reference: 1, most: 2 },
      { title: 'a JSON body of 1 KB', points: pointsOf(runs, 'echo', 'CPU µs', 'ratios'), format: ratio, reference: 1, most: 2 },
    ],
  },
  size: {
    bench: 'size', title: 'Size', without: ['microrest Router readable', 'microrest min.js as it is'],
    subtitle: 'KB of an app with routes, parameters, middleware and bodies of JSON; less is better; logarithmic',
    panels: (runs) => [
      { title: 'minified and gzipped', points: pointsOf(runs, 'app', 'gzip'), format: thousands },
      { title: 'installed', points: pointsOf(runs, 'app', 'installed'), format: whole },
    ],
  },
  quickjs: {
    bench: 'quickjs', title: 'In an engine for microcontrollers',
    subtitle: 'thousands of dispatches per second of CPU time, without steps; more is better; logarithmic', isMoreBetter: true,
    // Routers alone are no frameworks; the table has them.
    without: ['microrest getRoute', 'rou3', 'memoirist', '@medley/router', 'trouter', 'find-my-way', 'hono SmartRouter'],
    panels: (runs) => ['QuickJS', 'QuickJS-ng'].map((column) => (
      { title: column, points: pointsOf(runs, 'speed', column), format: thousands }
    )),
  },
}

const GROWTH = {
  title: 'Finding a route among more and more of them',
  subtitle: 'ns of CPU time for a path that was never seen before; less is better; both axes logarithmic',
}

/** Those whose time grows with the table leave the picture: on an axis as long as theirs the others would be one line. */
const GROWTHS = [
  { table: 'static growth', title: 'paths without parameters', most: 10_000 },
  { table: 'parameter growth', title: 'paths with two parameters', most: 10_000 },
]

/**
 * Draw all pictures that there are figures for.
 *
 * @param {string} results the folder with the records
 * @returns {Promise<Map<string, string>>} SVGs by name, such as routes-dark.svg
 */
export async function drawPictures(results) {
  const runsOf = (/** @type {string} */ bench) => readRuns(path.join(results, `${bench}.json`))
  /** @type {Map<string, string>} */
  const pictures = new Map()
  const add = (/** @type {string} */ name, /** @type {(theme: Theme) => string} */ draw) => {
    for (const theme of THEMES) pictures.set(`${name}-${theme.name}.svg`, draw(theme))
  }

  for (const [name, { bench, panels: panelsOf, isMoreBetter, without = [], ...words }] of Object.entries(DOTS)) {
    const runs = runsOf(bench)
    if (!runs.length) continue
    const panels = panelsOf(runs).map((panel) => ({ ...panel, points: panel.points.filter((point) => !without.includes(point.name)) }))
    const names = order(panels, isMoreBetter)
    const { makesCode: makers = [] } = await loadBench(bench)
    const makesCode = (/** @type {string} */ contender) => makers.includes(contender)
    const picture = { ...words, note: describeRuns(runs), legend: names.some(makesCode) ? LEGEND : undefined, isOurs, short, makesCode }
    add(name, (theme) => drawDots({ ...picture, names, panels }, theme))
  }

  const runs = runsOf('routes')
  if (runs.length) {
    const panels = GROWTHS.map(({ table, ...panel }) => ({ ...panel, lines: linesOf(runs, table) }))
    const picture = { ...GROWTH, note: describeRuns(runs), isOurs, short, makesCode: () => false }
    add('growth', (theme) => drawLines({ ...picture, panels, height: 400 }, theme))
  }
  return pictures
}

const LEGEND = '○ makes code of text while it runs'
