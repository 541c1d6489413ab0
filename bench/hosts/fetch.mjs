// What hosts/fetch costs: CPU time per request of an app, as a ratio to a fetch handler that does the same work by hand.
//
//     node bench/hosts/fetch.mjs [rounds]
//
// On node's own fetch classes, without a socket; on Deno and Bun, where these are (on the PATH, or in a node_modules that RUNTIMES names),
// behind wrk. Both are asked in turns, round by round, and the ratio is that of the same round: what is told is its median, and the
// least and the greatest.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from '../kit/clock.mjs'
import { HANDLERS, WORK } from './fetch-serve.mjs'

const NAMES = Object.keys(HANDLERS)
const ROUNDS = Number(process.argv[2] ?? 9)
/** How many requests a round is, without a socket. */
const REQUESTS = 5000

/** @typedef {typeof WORK[number]} Work */

/** A program: from the PATH, or from a package of a scope in RUNTIMES. @param {string} name @param {string} [scope] */
function find(name, scope) {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const packages = path.join(process.env.RUNTIMES ?? '', scope ?? '')
  if (process.env.RUNTIMES && scope && fs.existsSync(packages)) {
    for (const one of fs.readdirSync(packages)) folders.push(path.join(packages, one), path.join(packages, one, 'bin'))
  }
  return folders.map((folder) => path.join(folder, name)).find((file) => fs.existsSync(file))
}

/**
 * Measure all work in turns.
 *
 * @param {string} where
 * @param {(name: string, work: Work) => Promise<number>} use gives the CPU time of a request, in microseconds
 */
async function compare(where, use) {
  console.log(`\n${where}`)
  for (const work of WORK) {
    /** @type {{ [name: string]: number[] }} */
    const times = {}
    /** @type {number[]} */
    const ratios = []
    for (let round = -1; round < ROUNDS; round++) {
      /** @type {number[]} */
      const both = []
      for (const name of NAMES) both.push(await use(name, work))
      // The first round is for the compilers.
      if (round < 0) continue
      NAMES.forEach((name, ix) => (times[name] ??= []).push(both[ix] ?? NaN))
      ratios.push((both[1] ?? NaN) / (both[0] ?? NaN))
    }
    const each = NAMES.map((name) => `${name} ${median(times[name] ?? []).toFixed(1)} µs`).join(', ')
    const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`
    console.log(`  ${work.what}: ${each}; ratio ${median(ratios).toFixed(2)} (${spread})`)
  }
}

/** @param {Work} work @returns {RequestInit} */
const initOf = ({ body }) => body === undefined ? {} : { method: 'POST', body, headers: { 'content-type': 'application/json' } }

/** Without a socket. @param {string} name @param {Work} work */
async function useClasses(name, work) {
  const start = process.cpuUsage()
  for (let ix = 0; ix < REQUESTS; ix++) {
    const response = await HANDLERS[name]?.(new Request('http://a.test' + work.path, initOf(work)))
    if (await response?.text() !== work.answer) throw new Error(`${name} is wrong about ${work.path}`)
  }
  const { user, system } = process.cpuUsage(start)
  return (user + system) / REQUESTS
}

/** Over sockets. @param {string} where @param {string} runtime @param {string[]} args */
async function compareServers(where, runtime, args) {
  const file = fileURLToPath(new URL('fetch-serve.mjs', import.meta.url))
  const scripts = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-bench-'))
  /** @type {{ [name: string]: string }} */
  const urls = {}
  const children = NAMES.map((name) => spawn(runtime, [...args, file, name], { stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    for (const [ix, child] of children.entries()) urls[NAMES[ix] ?? ''] = String((await once(child.stdout, 'data'))[0]).trim()
    await compare(where, async (name, work) => {
      const url = urls[name] + work.path
      const answer = await (await fetch(url, initOf(work))).text()
      if (answer !== work.answer) throw new Error(`${name} is wrong about ${work.path}: ${answer}`)
      const script = path.join(scripts, 'post.lua')
      fs.writeFileSync(script, work.body ? `wrk.method = "POST"\nwrk.body = ${JSON.stringify(work.body)}\n` : '')
      const used = async () => {
        const { user, system } = /** @type {NodeJS.CpuUsage} */ (await (await fetch(urls[name] + '/cpu')).json())
        return user + system
      }
      const before = await used()
      const { stdout } = await promisify(execFile)('wrk', ['-t1', '-c20', '-d1s', '-s', script, url])
      const requests = Number(/(\d+) requests in/.exec(stdout)?.[1])
      if (/Non-2xx/.test(stdout)) throw new Error(stdout)
      return (await used() - before) / requests
    })
  } finally {
    for (const child of children) child.kill()
    fs.rmSync(scripts, { recursive: true })
  }
}

await compare(`node ${process.versions.node}, fetch classes alone`, useClasses)

const wrk = find('wrk')
for (const { name, scope, args } of [
  { name: 'deno', scope: '@deno', args: ['run', '--allow-all', '--no-config'] },
  { name: 'bun', scope: '@oven', args: ['run'] },
]) {
  const runtime = find(name, scope)
  if (!runtime || !wrk) console.log(`\nno ${runtime ? 'wrk' : name}: skipped`)
  else {
    const { stdout } = await promisify(execFile)(runtime, ['--version'])
    await compareServers(`${name} ${/\d+\.\d+\.\d+/.exec(stdout)?.[0]}, its server`, runtime, args)
  }
}
