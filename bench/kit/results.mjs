// What a run has measured: the figures of all its passes, the record in results/, and tables of them in text and in Markdown.

import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { BENCH, ROOT, isOurs, readJson, versionOf } from './bench.mjs'
import { median } from './clock.mjs'

/**
 * @typedef {import('./bench.mjs').Bench} Bench
 * @typedef {import('./bench.mjs').Figures} Figures
 * @typedef {import('./bench.mjs').Table} Table
 *
 * Rows of a table: for each contender and column the figures of all passes, in their order.
 * @typedef {{ [contender: string]: { [column: string]: number[] } }} Rows
 *
 * @typedef {object} Run
 * @property {string} date
 * @property {string} machine
 * @property {string} node
 * @property {string} commit of ours
 * @property {number} [load] how many processes wanted a core in the last minute, those of the bench among them
 * @property {boolean} quick
 * @property {{ [name: string]: string }} versions of the peers
 * @property {{ [table: string]: Rows }} tables
 * @property {{ [table: string]: Rows }} [ratios] to the base, pass by pass
 * @property {{ [table: string]: { [contender: string]: { [what: string]: string } } }} wrong what was not timed, and why
 */

/** Rounded as much as no reader minds. @param {number} value */
const round = (value) => (Number.isInteger(value) ? value : Number(value.toPrecision(4)))

/**
 * Pass by pass turned into row by row.
 *
 * @param {{ [contender: string]: Figures[] }} passes
 * @param {(column: string, contender: string, pass: number) => number | undefined} figureOf
 */
function collectRows(passes, figureOf) {
  /** @type {Rows} */
  const rows = {}
  for (const [contender, figures] of Object.entries(passes)) {
    rows[contender] = {}
    for (const column of Object.keys(figures[0] ?? {})) {
      const values = figures.map((_, pass) => figureOf(column, contender, pass)).filter((value) => value !== undefined)
      if (values.length) rows[contender][column] = values.map(round)
    }
  }
  return rows
}

/**
 * A run, with ratios where there is something to compare with: of passes that were next to each other, so that what disturbed the machine
 * then disturbed both.
 *
 * @param {Bench} bench
 * @param {object} measured
 * @param {{ [table: string]: { [contender: string]: Figures[] } }} measured.figures pass by pass
 * @param {{ [table: string]: { [contender: string]: Figures[] } }} [measured.bases] what the base had beside each contender, pass by pass,
 *   where that is not the pass of the base's own row
 * @param {Run['wrong']} measured.wrong
 * @param {boolean} measured.quick
 * @param {(contender: string) => string | undefined} measured.baseOf what a contender is compared with
 * @returns {Run}
 */
export function toRun(bench, { figures, bases = {}, wrong, quick, baseOf }) {
  /** @type {{ [table: string]: Rows }} */
  const tables = {}
  /** @type {{ [table: string]: Rows }} */
  const ratios = {}
  for (const [table, rows] of Object.entries(figures)) {
    tables[table] = collectRows(rows, (column, contender, pass) => rows[contender][pass][column])
    const compared = Object.entries(rows).filter(([contender]) => baseOf(contender) !== contender && rows[baseOf(contender) ?? ''])
    if (!compared.length) continue
    ratios[table] = collectRows(Object.fromEntries(compared), (column, contender, pass) => {
      const base = bases[table]?.[contender]?.[pass] ?? rows[baseOf(contender) ?? ''][pass]
      return base?.[column] && rows[contender][pass][column] / base[column]
    })
  }
  return {
    date: new Date().toISOString(), machine: machine(), node: process.version, commit: commit(), load: round(os.loadavg()[0]), quick,
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

/** @param {number} value @param {boolean} [isCount] a number of things, which has no fraction */
export function format(value, isCount = Number.isInteger(value)) {
  if (value >= 1e6) return `${digits(value / 1e6)}M`
  if (value >= 1e5) return `${digits(value / 1e3)}k`
  if (value >= 1e4) return Math.round(value).toLocaleString('en')
  return isCount ? String(value) : digits(value)
}

/** Three of them, or more before the point. @param {number} value */
const digits = (value) => value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)

/**
 * The median, and from the lowest to the highest: nothing, if there is no difference to be seen.
 *
 * @param {number[]} values
 * @returns {[middle: string, range: string]}
 */
function formatValues(values) {
  const isCount = values.every(Number.isInteger)
  const [middle, low, high] = [median(values), Math.min(...values), Math.max(...values)].map((value) => format(value, isCount))
  return [middle, low === high ? '' : `${low}-${high}`]
}

/** @param {number[]} values */
function formatSpread(values) {
  const [middle, range] = formatValues(values)
  return middle + (range && ` (${range})`)
}

/**
 * The columns of a table that there are figures for: what it shows first, then all that is left.
 *
 * @param {Table} table
 * @param {Rows} rows
 * @returns {[main: string[], detail: string[]]}
 */
function columnsOf(table, rows) {
  const all = [...new Set(Object.values(rows).flatMap((row) => Object.keys(row)))]
  return [table.columns.filter((column) => all.includes(column)), all.filter((column) => !table.columns.includes(column))]
}

/**
 * Whether a contender can win a column: no floor can, and nobody who makes code while it runs, which is not allowed everywhere.
 *
 * @param {Bench} bench
 * @param {string} contender
 */
const isRival = (bench, contender) => contender !== bench.floor && !bench.makesCode?.includes(contender)

/**
 * The best median of a column.
 *
 * @param {Bench} bench
 * @param {Table} table
 * @param {Rows} rows
 * @param {string} column
 */
function bestOf(bench, table, rows, column) {
  const values = Object.keys(rows).filter((name) => isRival(bench, name) && rows[name][column]).map((name) => median(rows[name][column]))
  return table.more?.includes(column) ? Math.max(...values) : Math.min(...values)
}

/**
 * @param {Bench} bench
 * @param {Table} table
 * @param {Rows} rows
 * @param {string} contender
 * @param {string} column
 */
function isBest(bench, table, rows, contender, column) {
  return isRival(bench, contender) && rows[contender][column] !== undefined &&
    median(rows[contender][column]) === bestOf(bench, table, rows, column)
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
 * @param {Rows} rows
 * @param {string[]} columns
 * @param {(contender: string, column: string) => string} [markOf] what comes after a figure
 */
function alignRows(rows, columns, markOf = () => '') {
  const lines = Object.entries(rows).map(([contender, row]) => {
    return [contender, ...columns.map((column) => (row[column] ? formatSpread(row[column]) + markOf(contender, column) : '- '))]
  })
  return align([['', ...columns.map((column) => column + ' ')], ...lines])
}

/** The other way round, without the spread: a line for each column. @param {Rows} rows @param {string[]} columns */
function alignColumns(rows, columns) {
  const contenders = Object.keys(rows)
  return align([['', ...contenders], ...columns.map((column) => {
    return [column, ...contenders.map((contender) => (rows[contender][column] ? format(median(rows[contender][column])) : '-'))]
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
  const load = run.load === undefined ? '' : `, load ${run.load.toFixed(1)}`
  const lines = [`${bench.title}. ${run.date}, Node ${run.node}, ${run.machine}${load}${run.quick ? ', quick' : ''}`]
  for (const [name, rows] of Object.entries(run.tables)) {
    const table = bench.tables[name]
    const [main, more] = columnsOf(table, rows)
    const ratios = run.ratios?.[name]
    const passes = Math.max(0, ...Object.values(rows).flatMap((row) => Object.values(row).map((values) => values.length)))
    lines.push('', `${name}: ${table.title}. ${table.unit}, median (lowest-highest) of ${passes}; * is the best`, '')
    lines.push(alignRows(rows, main, (contender, column) => (isBest(bench, table, rows, contender, column) ? '*' : ' ')))
    if (ratios) lines.push('', 'as a ratio, pass by pass', '', alignRows(ratios, main))
    if (detail && more.length) lines.push('', alignColumns(rows, more))
    for (const [contender, reasons] of Object.entries(run.wrong[name] ?? {})) {
      lines.push('', `not timed: ${contender}: ${formatReasons(reasons)}`)
    }
  }
  return lines.join('\n')
}

/**
 * The rows of several runs as those of one that has had all their passes.
 *
 * @param {(Rows | undefined)[]} all
 */
export function mergeRows(all) {
  /** @type {Rows} */
  const merged = {}
  for (const rows of all) {
    for (const [contender, row] of Object.entries(rows ?? {})) {
      const own = merged[contender] ??= {}
      for (const [column, values] of Object.entries(row)) own[column] = [...own[column] ?? [], ...values]
    }
  }
  return merged
}

/** When and where runs were made, and of what. @param {Run[]} runs */
export function describeRuns(runs) {
  const all = (/** @type {(run: Run) => string} */ of) => [...new Set(runs.map(of))].join(', ')
  return `${all(({ date }) => date.slice(0, 10))}, Node ${all(({ node }) => node)}, ${all(({ machine }) => machine)}`
}

/**
 * All runs as one, in Markdown: the median of all passes, and small beside it the lowest and the highest.
 *
 * @param {Bench} bench
 * @param {Run[]} runs
 */
export function toMarkdown(bench, runs) {
  const times = runs.map(({ date, load }) => date.slice(11, 16) + (load === undefined ? '' : ` (load ${load.toFixed(1)})`)).join(', ')
  const commits = [...new Set(runs.map(({ commit }) => commit))].join(', ')
  const lines = [`### ${bench.title}`, '', `${describeRuns(runs)}; of ${commits}, at ${times} UTC.`]
  for (const [name, table] of Object.entries(bench.tables)) {
    const rows = mergeRows(runs.map((run) => run.tables[name]))
    if (!Object.keys(rows).length) continue
    lines.push('', `**${name}**: ${table.title} (${table.unit})`, '')
    lines.push(...toTable(bench, table, rows, mergeRows(runs.map((run) => run.ratios?.[name]))))
    for (const contender of Object.keys(rows)) {
      const reasons = formatReasons(Object.assign({}, ...runs.map((run) => run.wrong[name]?.[contender])))
      if (reasons) lines.push('', `Not timed: ${contender}: ${reasons}`)
    }
  }
  const notes = [...(bench.makesCode?.length ? [`${MAKES_CODE} ${MAKES_CODE_NOTE}`] : []), ...bench.notes]
  return [...lines, '', ...notes.map((note) => `- ${note}`)].join('\n')
}

/**
 * A table in Markdown, in which each ratio is beside what it is one of. Where there are ratios they say who is best: they are of what was
 * measured side by side.
 *
 * @param {Bench} bench
 * @param {Table} table
 * @param {Rows} rows
 * @param {Rows} ratios
 */
function toTable(bench, table, rows, ratios) {
  const hasRatios = Object.keys(ratios).length > 0
  const compared = hasRatios ? ratios : rows
  const columns = columnsOf(table, rows)[0]
  const heads = columns.flatMap((column) => [column, ...(hasRatios ? [`× ${bench.base}`] : [])])
  const lines = [`| | ${heads.join(' | ')} |`, `| --- |${' --: |'.repeat(heads.length)}`]
  for (const name of sortRows(bench, table, rows, compared)) {
    const cells = columns.flatMap((column) => {
      const isFirst = name in compared && isBest(bench, table, compared, name, column)
      const own = toCell(rows[name][column], isFirst && !hasRatios)
      return hasRatios ? [own, toCell(ratios[name]?.[column], isFirst)] : [own]
    })
    lines.push(`| ${markName(bench, name)} | ${cells.join(' | ')} |`)
  }
  const behind = whereBehind(bench, table, compared)
  if (behind.length) lines.push('', `Ours is behind in ${behind.join('; ')}.`)
  return lines
}

/**
 * The columns that none of ours wins, by how much, and whose they are.
 *
 * @param {Bench} bench
 * @param {Table} table
 * @param {Rows} rows
 */
function whereBehind(bench, table, rows) {
  return columnsOf(table, rows)[0].flatMap((column) => {
    const own = Object.keys(rows).filter((name) => isOurs(name) && rows[name][column]).map((name) => median(rows[name][column]))
    const winners = Object.keys(rows).filter((name) => isBest(bench, table, rows, name, column))
    if (!own.length || winners.some(isOurs)) return []
    const best = bestOf(bench, table, rows, column)
    const ratio = table.more?.includes(column) ? best / Math.max(...own) : Math.min(...own) / best
    return [`${column}, by ${ratio < 2 ? `${Math.round(100 * (ratio - 1))} %` : `a factor of ${digits(ratio)}`} (${winners.join(', ')})`]
  })
}

const MAKES_CODE = '†'
const MAKES_CODE_NOTE = 'makes code of text while it runs (`new Function`), which a Content-Security-Policy and several runtimes forbid. ' +
  'In bold is the best of the others.'

/** @param {Bench} bench @param {string} name */
function markName(bench, name) {
  if (name === bench.floor) return `*${name}*`
  return name + (bench.makesCode?.includes(name) ? ` ${MAKES_CODE}` : '')
}

/** @param {number[] | undefined} values @param {boolean} isBest */
function toCell(values, isBest) {
  if (!values) return '-'
  const [middle, range] = formatValues(values)
  // (A hyphen that no line is broken at: in a narrow cell the range is below the figure as a whole.)
  return (isBest ? `**${middle}**` : middle) + (range && ` <sub>${range.replace('-', '\u2011')}</sub>`)
}

/**
 * Contenders in the order of a table: ours, then the others by how near they are to the best of each column, then the floor.
 *
 * @param {Bench} bench
 * @param {Table} table
 * @param {Rows} rows
 * @param {Rows} compared
 */
function sortRows(bench, table, rows, compared) {
  const columns = columnsOf(table, compared)[0]
  const distances = Object.fromEntries(Object.entries(compared).map(([name, row]) => {
    // (Of nothing there is no multiple.)
    const logs = columns.filter((column) => row[column] && bestOf(bench, table, compared, column)).map((column) => {
      const log = Math.log(median(row[column]) / bestOf(bench, table, compared, column))
      return table.more?.includes(column) ? -log : log
    })
    return [name, logs.reduce((sum, log) => sum + log, 0) / logs.length]
  }))
  const groupOf = (/** @type {string} */ name) => (isOurs(name) ? 0 : name === bench.floor ? 2 : 1)
  const order = (/** @type {string} */ a, /** @type {string} */ b) => (groupOf(a) || groupOf(b) ? distances[a] - distances[b] : 0)
  return Object.keys(rows).sort((a, b) => groupOf(a) - groupOf(b) || order(a, b))
}
