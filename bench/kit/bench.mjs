// What a bench is, and where everything is that the kit and the benches share.
//
// A bench is a folder here with a file bench.mjs, whose default export is a `Bench`. The kit runs each of its contenders on each of its
// tables in a process of their own (kit/job.mjs), several times over, and sees to order, progress, medians, records and print.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/**
 * One table of a bench: a row for each contender, a column for each figure.
 *
 * @typedef {object} Table
 * @property {string} title what its figures are, in a line
 * @property {string} unit 'ns', 'B', … Said in the heading.
 * @property {string[]} columns the figures to print first. Others are printed below, with --detail.
 * @property {string[]} [more] the columns in which more is better. In all others less is.
 * @property {string[]} [contenders] who is in it. Default is all of the bench.
 * @property {string[]} [parts] what of the table has a process of its own, so that one does not spoil the other. Default is none.
 * @property {string[]} [quickParts] those that are enough for a quick run. Default is all.
 * @property {number} [passes] how often each is measured. Default is the bench's.
 * @property {number} [seconds] what a pass of a contender is likely to take, for the estimate of a run. Default is 2.
 *
 * What one process is to do.
 *
 * @typedef {object} Job
 * @property {string} bench
 * @property {string} table
 * @property {string} contender
 * @property {string | undefined} [part] one of the table's parts; none for the check, which is of the whole table
 * @property {boolean} quick a rough figure is enough, in a fraction of the time
 * @property {{ [what: string]: string }} wrong what of this table the contender has not passed, which is not to be timed
 *
 * @typedef {{ [column: string]: number }} Figures
 *
 * What one process is to do for a bench whose contenders are measured together.
 *
 * @typedef {object} JointJob
 * @property {string} bench
 * @property {string} table
 * @property {{ contender: string, env: { [name: string]: string } }[]} rows
 * @property {boolean} quick
 *
 * The figures of a contender, round by round; and what the bench's base had right beside each of them, if it was measured there. Or what
 * went wrong with this one.
 *
 * @typedef {{ own: Figures[], base?: Figures[], error?: string }} JointFigures
 *
 * @typedef {object} Bench
 * @property {string} name the name of its folder
 * @property {string} title what is measured, in a line
 * @property {string[]} notes what a reader of the tables has to know
 * @property {{ [name: string]: Table }} tables
 * @property {string[]} contenders in the order of the rows. Names that begin with 'microrest' and have no digit are ours.
 * @property {string[]} [quickContenders] who is in a quick run, if nobody is named. Default is all.
 * @property {string} [floor] the contender that is no rival but a floor: it wins no column
 * @property {string[]} [makesCode] contenders that make code of text while they run, by `new Function`: they win no column either
 * @property {string} [base] the contender that all figures are also given as a ratio to, pass by pass
 * @property {string[]} [packages] peers whose versions are recorded
 * @property {number} passes how often each is measured
 * @property {boolean} [isOfBuild] it measures all that is built, so no single file can take part: not for --against
 * @property {string[]} [execArgv] options of Node for its processes
 * @property {() => void} [prepare] what takes long and is done once, before all else: the processes of contenders have a limit of time
 * @property {(job: Job) => Promise<{ [what: string]: string }>} check what the contender gets wrong in a table, and how: nothing, if it is
 *   all right. Throws if it cannot do the table at all. Runs in a process of its own, before anything is timed.
 * @property {(job: Job) => Promise<Figures>} [measure]
 * @property {(job: JointJob) => Promise<JointFigures[]>} [measureTogether] in place of measure, where contenders have processes of their
 *   own anyway: what each row has, in the same order. Each round counts as a pass.
 */

/** The folder of the benches, an absolute path. */
export const BENCH = fileURLToPath(new URL('..', import.meta.url))

/** The top of the checkout. */
export const ROOT = path.dirname(path.resolve(BENCH))

/** The names of all benches. */
export function listBenches() {
  return fs.readdirSync(BENCH).filter((name) => name !== 'kit' && fs.existsSync(path.join(BENCH, name, 'bench.mjs')))
}

/**
 * @param {string} name
 * @returns {Promise<Bench>}
 */
export async function loadBench(name) {
  return (await import(pathToFileURL(path.join(BENCH, name, 'bench.mjs')).href)).default
}

/** The file of ours to measure: dist/microrest.js, or the one that the environment names. */
export function oursFile() {
  return path.resolve(process.env.MICROREST || path.join(ROOT, 'dist/microrest.js'))
}

/** Load what is to be measured of ours. */
export async function loadOurs() {
  return import(pathToFileURL(oursFile()).href)
}

/** True for ours, in any of the ways it is measured; false for peers, the JavaScript original among them. @param {string} contender */
export const isOurs = (contender) => /^microrest\D*$/.test(contender)

/** The version of a peer, if it is installed. @param {string} name @returns {string | undefined} */
export const versionOf = (name) => readJson(path.join(BENCH, 'node_modules', name, 'package.json'))?.version

/** @param {string} file @returns {any} */
export function readJson(file) {
  return fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined
}
