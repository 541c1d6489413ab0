// What a run has measured: medians and spread over its passes, the record in results/, and tables of them in text and in Markdown.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { BENCH, ROOT, readJson, versionOf } from './bench.mjs'
import { median } from './clock.mjs'

/**
 * @typedef {import('./bench.mjs').Bench} Bench
 * @typedef {import('./bench.mjs').Figures} Figures
 * @typedef {import('./bench.mjs').Table} Table
 *
 * The median of all passes, the lowest and the highest.
 * @typedef {[middle: number, low: number, high: number]} Spread
 *
 * @typedef {{ [table: string]: { [contender: string]: { [column: string]: Spread } } }} Spreads
 *
 * @typedef {object} Run
 * @property {string} date
 * @property {string} machine
 * @property {string} node
 * @property {string} commit of ours
 * @property {boolean} quick
 * @property {{ [name: string]: string }} versions of the peers
 * @property {Spreads} tables
 * @property {Spreads} [ratios] to the base, pass by pass
 * @property {{ [table: string]: { [contender: string]: { [what: string]: string } } }} wrong what was not timed, and why
 */

/** @param {number[]} values @returns {Spread} */
function spreadOf(values) {
  const round = (/** @type {number} */ value) => (Number.isInteger(value) ? value : Number(value.toPrecision(4)))
  return [round(median(values)), round(Math.min(...values)), round(Math.max(...values))]
}

/**
 * @param {{ [contender: string]: Figures[] }} passes
 * @param {(column: string, contender: string, pass: number) => number | undefined} figureOf
 */
function summarize(passes, figureOf) {
  /** @type {Spreads[string]} */
  const rows = {}
  for (const [contender, figures] of Object.entries(passes)) {
    rows[contender] = {}
    for (const column of Object.keys(figures[0] ?? {})) {
      const values = figures.map((_, pass) => figureOf(column, contender, pass)).filter((value) => value !== undefined)
      if (values.length) rows[contender][column] = spreadOf(values)
    }
  }
  return rows
}

/**
 * The medians of a run. Passes are compared one with one: what disturbed the machine then disturbed both.
 *
 * @param {Bench} bench
 * @param {object} measured
 * @param {{ [table: string]: { [contender: string]: Figures[] } }} measured.figures pass by pass
 * @param {Run['wrong']} measured.wrong
 * @param {boolean} measured.quick
 * @param {(contender: string) => string | undefined} measured.baseOf what a contender is compared with
 * @returns {Run}
 */
export function toRun(bench, { figures, wrong, quick, baseOf }) {
  /** @type {Spreads} */
  const tables = {}
  /** @type {Spreads} */
  const ratios = {}
  for (const [table, rows] of Object.entries(figures)) {
    tables[table] = summarize(rows, (column, contender, pass) => rows[contender][pass][column])
    const compared = Object.entries(rows).filter(([contender]) => baseOf(contender) !== contender && rows[baseOf(contender) ?? ''])
    if (!compared.length) continue
    ratios[table] = summarize(Object.fromEntries(compared), (column, contender, pass) => {
      const other = rows[baseOf(contender) ?? ''][pass]?.[column]
      return other && rows[contender][pass][column] / other
    })
  }
  return {
    date: new Date().toISOString(), machine: machine(), node: process.version, commit: commit(), quick,
    versions: Object.fromEntries((bench.packages ?? []).map((name) => [name, versionOf(name) ?? 'not installed'])),
    tables, ...(Object.keys(ratios).length && { ratios }), wrong,
  }
}

function machine() {
  const cpus = os.cpus()
  return `${cpus[0]?.model.trim() ?? process.arch}, ${cpus.length} cores, ${os.type()} ${os.release()}`
}

function commit() {
  try {
    const of = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }).trim()
    return of('rev-parse', '--short', 'HEAD') + (of('status', '--porcelain', 'dist') ? ' and changes' : '')
  } catch {
    return 'unknown'
  }
}

/** @param {string} name the bench */
export const recordFile = (name) => path.join(BENCH, 'results', `${name}.json`)

/** All runs on record, the oldest first. @param {string} file @returns {Run[]} */
export const readRuns = (file) => readJson(file)?.runs ?? []

/**
 * Add a run to a record.
 *
 * @param {string} file
 * @param {string} name the bench
 * @param {Run} run
 */
export function record(file, name, run) {
  const runs = [...readRuns(file).filter(({ date }) => date !== run.date), run]
  fs.mkdirSync(path.dirname(file), { recursive: true })
  // (A line for each row, so that a difference can be read.)
  fs.writeFileSync(file, toJson({ bench: name, runs }, 5) + '\n')
}

/** JSON whose outer levels have a line for each item. @type {(value: unknown, levels: number, indent?: string) => string} */
function toJson(value, levels, indent = '\n') {
  if (!levels || typeof value !== 'object' || !value) return JSON.stringify(value)
  const inner = indent + ' '
  const items = Object.entries(value).map(([key, item]) => {
    return inner + (Array.isArray(value) ? '' : `${JSON.stringify(key)}: `) + toJson(item, levels - 1, inner)
  })
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  return items.length ? `${open}${items.join(',')}${indent}${close}` : open + close
}

/** @param {number} value */
export function format(value) {
  if (value >= 10_000) return Math.round(value).toLocaleString('en')
  return Number.isInteger(value) ? String(value) : value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)
}

/** @param {number} low @param {number} high */
const formatRange = (low, high) => (low === high ? '' : ` (${format(low)}-${format(high)})`)

/** @param {Spread} spread */
const formatSpread = ([middle, low, high]) => format(middle) + formatRange(low, high)

/**
 * The columns of a table that there are figures for: what it shows first, then all that is left.
 *
 * @param {Table} table
 * @param {Spreads[string]} rows
 * @returns {[main: string[], detail: string[]]}
 */
function columnsOf(table, rows) {
  const all = [...new Set(Object.values(rows).flatMap((row) => Object.keys(row)))]
  return [table.columns.filter((column) => all.includes(column)), all.filter((column) => !table.columns.includes(column))]
}

/**
 * The best median of a column; the floor is no rival.
 *
 * @param {Bench} bench
 * @param {Table} table
 * @param {Spreads[string]} rows
 * @param {string} column
 */
function bestOf(bench, table, rows, column) {
  const rivals = Object.entries(rows).filter(([contender, row]) => contender !== bench.floor && row[column])
  const values = rivals.map(([, row]) => row[column][0])
  return table.more?.includes(column) ? Math.max(...values) : Math.min(...values)
}

/** @param {string[][]} rows the first is the heading */
function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) => {
    const cells = row.map((cell, ix) => (ix ? cell.padStart(widths[ix]) : cell.padEnd(widths[ix])))
    return cells.join('  ').trimEnd()
  }).join('\n')
}

/**
 * Rows of contenders, aligned.
 *
 * @param {Spreads[string]} rows
 * @param {string[]} columns
 * @param {(contender: string, column: string) => string} [markOf] what comes after a figure
 */
function alignRows(rows, columns, markOf = () => '') {
  const lines = Object.entries(rows).map(([contender, row]) => {
    return [contender, ...columns.map((column) => (row[column] ? formatSpread(row[column]) + markOf(contender, column) : '- '))]
  })
  return align([['', ...columns.map((column) => column + ' ')], ...lines])
}

/** The other way round, without the spread: a line for each column. @param {Spreads[string]} rows @param {string[]} columns */
function alignColumns(rows, columns) {
  const contenders = Object.keys(rows)
  return align([['', ...contenders], ...columns.map((column) => {
    return [column, ...contenders.map((contender) => (rows[contender][column] ? format(rows[contender][column][0]) : '-'))]
  })])
}

/** @param {{ [what: string]: string }} reasons */
const formatReasons = (reasons) => Object.entries(reasons).map(([what, reason]) => `${what}: ${reason}`).join('; ')

/**
 * A run as text.
 *
 * @param {Bench} bench
 * @param {Run} run
 * @param {boolean} detail also the columns that are not shown at first
 */
export function toText(bench, run, detail) {
  const lines = [`${bench.title}. ${run.date}, Node ${run.node}, ${run.machine}${run.quick ? ', quick' : ''}`]
  for (const [name, rows] of Object.entries(run.tables)) {
    const table = bench.tables[name]
    const [main, more] = columnsOf(table, rows)
    const ratios = run.ratios?.[name]
    const isBest = (/** @type {string} */ contender, /** @type {string} */ column) => {
      return contender !== bench.floor && rows[contender][column][0] === bestOf(bench, table, rows, column)
    }
    lines.push('', `${name}: ${table.title}. ${table.unit}, median (lowest-highest); * is the best`, '')
    lines.push(alignRows(rows, main, (contender, column) => (isBest(contender, column) ? '*' : ' ')))
    if (ratios) lines.push('', 'as a ratio, pass by pass', '', alignRows(ratios, main))
    if (detail && more.length) lines.push('', alignColumns(rows, more))
    for (const [contender, reasons] of Object.entries(run.wrong[name] ?? {})) {
      lines.push('', `not timed: ${contender}: ${formatReasons(reasons)}`)
    }
  }
  return lines.join('\n')
}

/**
 * Several runs side by side, in Markdown: the medians of each, and in brackets the lowest and the highest of all.
 *
 * @param {Bench} bench
 * @param {Run[]} runs
 */
export function toMarkdown(bench, runs) {
  const lines = [`### ${bench.title}`, '']
  for (const run of runs) lines.push(`- ${run.date.slice(0, 16).replace('T', ' ')} UTC, Node ${run.node}, ${run.machine}, ${run.commit}`)
  for (const [name, table] of Object.entries(bench.tables)) {
    const all = runs.map((run) => run.tables[name] ?? {})
    const contenders = [...new Set(all.flatMap((rows) => Object.keys(rows)))]
    if (!contenders.length) continue
    lines.push('', `**${name}**: ${table.title} (${table.unit})`, '', ...sideBySide(table, all))
    const ratios = runs.map((run) => run.ratios?.[name] ?? {})
    if (ratios.some((rows) => Object.keys(rows).length)) {
      lines.push('', `${name}, as a ratio, pass by pass`, '', ...sideBySide(table, ratios))
    }
    for (const contender of contenders) {
      const reasons = formatReasons(Object.assign({}, ...runs.map((run) => run.wrong[name]?.[contender])))
      if (reasons) lines.push('', `Not timed: ${contender}: ${reasons}`)
    }
  }
  return [...lines, '', ...bench.notes.map((note) => `- ${note}`)].join('\n')
}

/**
 * @param {Table} table
 * @param {Spreads[string][]} all the rows of each run
 */
function sideBySide(table, all) {
  const main = columnsOf(table, Object.assign({}, ...all))[0]
  const lines = [`| | ${main.join(' | ')} |`, `| --- |${' --: |'.repeat(main.length)}`]
  for (const contender of new Set(all.flatMap((rows) => Object.keys(rows)))) {
    const cells = main.map((column) => {
      const spreads = all.map((rows) => rows[contender]?.[column]).filter((spread) => spread !== undefined)
      if (!spreads.length) return '-'
      const [low, high] = [Math.min(...spreads.map((spread) => spread[1])), Math.max(...spreads.map((spread) => spread[2]))]
      const range = formatRange(low, high)
      return spreads.map(([middle]) => format(middle)).join(' / ') + range
    })
    lines.push(`| ${contender} | ${cells.join(' | ')} |`)
  }
  return lines
}
