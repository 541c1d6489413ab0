// Looks for the smallest pool in which each form of the scripts passes, and prints a table of them against the budgets:
//
//     node firmware/measure/run.mjs PROGRAM…      as built by the Makefile here, or images (*.elf) of ../rv32
//
// A pool is the memory of the app, the engine and all that the scripts make; buffers of connections are not in it. A size that
// passes is followed by larger ones that pass too, so it is looked for by halving. Instructions per request are what 600
// requests take more than 300, of a native program as valgrind counts them; of an image the emulator counts them.

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const QEMU = resolve(dirname(fileURLToPath(import.meta.url)), '../rv32/qemu.sh')
const STEP = 256
const LARGEST = 1 << 20

/** Of DESIGN.md, for a 32-bit QuickJS 2025-04-26. */
const BUDGETS = { 'es5 source': 192, 'es5 bytecode': 144, 'nano source': 128, 'nano bytecode': 96 }

/** Run a program; its figures, and whether it has passed. */
function run(program, form, options) {
  const [command, ...before] = program.endsWith('.elf') ? [QEMU, program] : [program]
  const { stdout, stderr, status, error } = spawnSync(command, [...before, ...form.split(' '), ...options], { encoding: 'utf8' })
  if (error) throw error
  const output = stdout + stderr
  const figures = Object.fromEntries([...output.matchAll(/(\w+)=(\d+)(?!\S)/g)].map(([, name, value]) => [name, Number(value)]))
  return { passed: status === 0 && output.includes('PASS'), output, figures }
}

/** The smallest pool that passes, in bytes; undefined if none does. */
function findSmallest(program, form) {
  const passes = (size) => run(program, form, ['pool=' + size]).passed
  let [low, high] = [0, LARGEST]
  if (!passes(high)) return undefined
  while (high - low > STEP) {
    const middle = Math.floor((low + high) / 2 / STEP) * STEP
    if (passes(middle)) high = middle
    else low = middle
  }
  return high
}

/** How many instructions callgrind counts in a run. */
function countInstructions(program, form, requests) {
  const out = join(dirname(program), 'callgrind.out')
  const options = ['--tool=callgrind', '--callgrind-out-file=' + out, program, ...form.split(' '), 'pool=' + LARGEST, 'requests=' + requests]
  const { error, status } = spawnSync('valgrind', options, { encoding: 'utf8' })
  if (error || status !== 0) return undefined
  const total = /^(?:summary|totals): (\d+)/m.exec(readFileSync(out, 'utf8'))
  rmSync(out)
  return Number(total?.[1])
}

function instructionsPerRequest(program, form) {
  if (program.endsWith('.elf')) {
    return run(program, form, ['pool=' + LARGEST]).figures.request_instructions
  }
  const [fewer, more] = [300, 600].map((requests) => countInstructions(program, form, requests))
  return fewer && more ? (more - fewer) / 300 : undefined
}

const kilobytes = (bytes) => (bytes / 1024).toFixed(1)

const rows = [['program', 'script', 'smallest pool', 'budget', 'at boot', 'peak', 'instructions a request', 'boot', 'C stack']]
for (const program of process.argv.slice(2)) {
  const name = program.endsWith('.elf') ? basename(dirname(program)) + '-rv32' : basename(dirname(program))
  for (const [form, budget] of Object.entries(BUDGETS)) {
    const smallest = findSmallest(program, form)
    if (smallest === undefined) {
      console.error(run(program, form, ['pool=' + LARGEST, 'verbose']).output)
      process.exitCode = 1
      continue
    }
    const { figures } = run(program, form, ['pool=' + smallest])
    const hasBudget = /^bellard-(32|rv32)/.test(name)
    if (hasBudget && smallest > budget * 1024) process.exitCode = 1
    const instructions = instructionsPerRequest(program, form)
    rows.push([
      name, form, kilobytes(smallest) + ' KB', hasBudget ? (smallest > budget * 1024 ? 'OVER ' : '') + budget + ' KB' : '',
      kilobytes(figures.boot) + ' KB', kilobytes(figures.peak) + ' KB', instructions ? Math.round(instructions).toLocaleString('en') : '',
      figures.boot_instructions ? (figures.boot_instructions / 1e6).toFixed(2) + ' M' : '', figures.stack ? figures.stack + ' B' : '',
    ])
  }
}

const widths = rows[0].map((_none, column) => Math.max(...rows.map((row) => row[column].length)))
for (const row of rows) console.log(row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '))
