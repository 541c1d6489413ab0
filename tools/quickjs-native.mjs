// QuickJS as a native program: built from the sources that the C host is built from, to run scripts at full speed and to count the
// instructions that they take. quickjs-native/host.c says what scripts find there.
//
// What it needs (gcc, make, valgrind, the engines' sources) may be missing: then `findEngines` says so, and what.

import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ROOT } from './project.mjs'

const FIRMWARE = path.join(ROOT, 'firmware')
const PROGRAMS = path.join(FIRMWARE, 'build/native')
const MAKE_FOLDER = path.join(ROOT, 'tools/quickjs-native')

/**
 * @typedef {object} NativeEngine
 * @property {string} name with its version, such as 'QuickJS 2025-04-26'
 * @property {string} program
 */

/** Where firmware/get-quickjs.sh puts the sources when it is called as .ci/run and the documents do. */
const SOURCES = [
  { folder: 'quickjs', suite: 'bellard', nameOf: (/** @type {string} */ sources) => 'QuickJS ' + read(sources, 'VERSION').trim() },
  { folder: 'quickjs-ng', suite: 'ng', nameOf: (/** @type {string} */ sources) => 'QuickJS-ng ' + versionOfNg(read(sources, 'quickjs.h')) },
]

/** @param {string[]} names */
const read = (...names) => fs.readFileSync(path.join(...names), 'utf8')

/** @param {string} header */
function versionOfNg(header) {
  return ['MAJOR', 'MINOR', 'PATCH'].map((part) => new RegExp(`define QJS_VERSION_${part} (\\d+)`).exec(header)?.[1]).join('.')
}

/** @param {string} command */
const hasCommand = (command) => spawnSync(command, ['--version']).status === 0

/**
 * Build what can be built.
 *
 * @returns {{ engines: NativeEngine[], missing: string[] }} the engines, and why there are not more
 */
export function findEngines() {
  const missing = ['gcc', 'make', 'valgrind'].filter((command) => !hasCommand(command)).map((command) => `${command} is not installed`)
  if (missing.length) return { engines: [], missing }
  const found = SOURCES.filter(({ folder }) => fs.existsSync(path.join(FIRMWARE, folder, 'quickjs.c')))
  for (const { folder, suite } of SOURCES) {
    if (found.every((one) => one.folder !== folder)) missing.push(`no sources: firmware/get-quickjs.sh ${suite} firmware/${folder}`)
  }
  if (found.length) {
    const engines = 'ENGINES=' + found.map(({ folder }) => folder).join(' ')
    execFileSync('make', ['--silent', '-C', MAKE_FOLDER, '-j2', engines], { stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return {
    engines: found.map(({ folder, nameOf }) => ({ name: nameOf(path.join(FIRMWARE, folder)), program: path.join(PROGRAMS, folder) })),
    missing,
  }
}

/** What the machine code depends on, such as 'gcc 12.2.0 x64'. */
export function describeToolchain() {
  return `gcc ${execFileSync('gcc', ['-dumpfullversion'], { encoding: 'utf8' }).trim()} ${process.arch}`
}

/**
 * Run scripts in a process of their own.
 *
 * @param {NativeEngine} engine
 * @param {string[]} scripts their texts
 * @returns {string} what they have printed; throws if one of them has thrown
 */
export function runScripts({ program }, scripts) {
  return inFolder(scripts, (_folder, files) => run(program, files))
}

/**
 * Run scripts under callgrind.
 *
 * @param {NativeEngine} engine
 * @param {string[]} scripts their texts
 * @returns {{ name: string, total: number }[]} the instructions of each `count(name, …)`, in their order
 */
export function countInstructions({ program }, scripts) {
  return inFolder(scripts, (folder, files) => {
    run('valgrind', ['-q', '--tool=callgrind', '--instr-atstart=no', `--callgrind-out-file=${folder}/out`, program, ...files])
    const counts = []
    // (Dumps are numbered from 1 on. The one without a number is of the end of the process.)
    for (let ix = 1; fs.existsSync(path.join(folder, 'out.' + ix)); ix++) {
      const dump = read(folder, 'out.' + ix)
      const name = /^desc: Trigger: Client Request: (.*)$/m.exec(dump)?.[1]
      if (name !== undefined) counts.push({ name, total: Number(/^totals: (\d+)$/m.exec(dump)?.[1]) })
    }
    return counts
  })
}

/**
 * @template Result
 * @param {string[]} scripts
 * @param {(folder: string, files: string[]) => Result} f
 */
function inFolder(scripts, f) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-quickjs-'))
  try {
    const files = scripts.map((script, ix) => {
      const file = path.join(folder, `${ix}.js`)
      fs.writeFileSync(file, script)
      return file
    })
    return f(folder, files)
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function run(command, args) {
  const env = { PATH: process.env.PATH }
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env, maxBuffer: 1 << 26 })
  if (error) throw error
  if (status !== 0) throw new Error(`${path.basename(command)} has ended with ${signal ?? status}\n${stdout}${stderr}`)
  return stdout
}
