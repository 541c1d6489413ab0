// Prints what the demo takes on the C host and on Node, side by side: `make figures`.
//
//     node firmware/figures.mjs build/quickjs/demo quickjs
//
// The same app.js, the same requests, one after the other on each of a few connections that are kept alive. Requests per second
// are measured by wrk where it is installed, else from here; then the measuring has a large share in them.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CONNECTIONS = 4
const SECONDS = 3
const PATHS = ['/devices/2', '/devices', '/', '/nope']

/**
 * Start a host. Both log each request, to a file: a pipe would have to be read meanwhile.
 *
 * @param {string} command
 * @param {string[]} args
 */
async function start(command, args) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-figures-'))
  const file = path.join(folder, 'output')
  const output = fs.openSync(file, 'a')
  const child = spawn(command, args, { stdio: ['ignore', output, output], env: { ...process.env, PORT: '0' } })
  const exited = once(child, 'exit')
  let url
  while (!(url = /http:\/\/\S+/.exec(fs.readFileSync(file, 'utf8'))?.[0])) {
    if (child.exitCode !== null) throw new Error(`${command} has ended: ${fs.readFileSync(file, 'utf8')}`)
    await setTimeout(20)
  }
  /** Stop it; answers the last line that it has written. */
  async function stop() {
    child.kill()
    await exited
    const last = fs.readFileSync(file, 'utf8').trim().split('\n').pop() ?? ''
    fs.closeSync(output)
    fs.rmSync(folder, { recursive: true })
    return last
  }
  return { pid: child.pid ?? 0, url, stop }
}

/** @param {string} url */
function measureByWrk(url) {
  const { stdout } = spawnSync('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${SECONDS}s`, url], { encoding: 'utf8' })
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

/** @param {string} url */
async function measureFromHere(url) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const end = performance.now() + SECONDS * 1000
  let answers = 0
  async function ask() {
    while (performance.now() < end) {
      const [res] = await once(http.get(url, { agent }), 'response')
      await once(res.resume(), 'end')
      answers++
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, ask))
  agent.destroy()
  return answers / SECONDS
}

/** Kilobytes of a process that are in memory: all, and those that are its own and not of files. @param {number} pid */
function readMemory(pid) {
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  return ['VmRSS', 'RssAnon'].map((name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]))
}

/** @param {number} bytes */
const inKB = (bytes) => `${Math.round(bytes / 1024)} KB`

/** Code, and data that is there from the beginning, of a program. @param {string} program */
function readSizes(program) {
  const [, row = ''] = execFileSync('size', [program], { encoding: 'utf8' }).split('\n')
  const [text, data] = row.trim().split(/\s+/).map(Number)
  return { text: text ?? 0, data: data ?? 0 }
}

async function main() {
  const [program = 'build/quickjs/demo', engine = 'quickjs'] = process.argv.slice(2)
  const hasWrk = spawnSync('wrk', ['-v']).error === undefined
  /** @type {[name: string, command: string, args: string[]][]} */
  const hosts = [
    [`C host, ${engine}`, path.resolve(program), ['port=0']],
    [`node ${process.version}`, process.execPath, [path.join(ROOT, 'examples/demo.js')]],
  ]
  const rows = [['', 'resident', 'of its own', ...PATHS.map((name) => `${name} /s`)]]
  const lastWords = []
  for (const [name, command, args] of hosts) {
    const { pid, url, stop } = await start(command, args)
    const rates = []
    for (const target of PATHS) rates.push(hasWrk ? measureByWrk(url + target) : await measureFromHere(url + target))
    const [resident = 0, own = 0] = readMemory(pid)
    rows.push([name, `${resident} KB`, `${own} KB`, ...rates.map((rate) => String(Math.round(rate)))])
    lastWords.push(await stop())
  }
  const { text, data } = readSizes(program)
  console.log(`The demo of npm start on ${CONNECTIONS} connections, measured by ${hasWrk ? 'wrk' : 'node'}\n`)
  console.log(`program   ${inKB(text)} of code and constants, scripts included, and ${inKB(data)} of data`)
  console.log(`pool      ${lastWords[0]}\n`)
  const widths = rows[0]?.map((_, ix) => Math.max(...rows.map((row) => row[ix]?.length ?? 0))) ?? []
  for (const [name = '', ...cells] of rows) {
    console.log([name.padEnd(widths[0] ?? 0), ...cells.map((cell, ix) => cell.padStart(widths[ix + 1] ?? 0))].join('   '))
  }
}

await main()
