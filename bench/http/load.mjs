// A server under load: starting one on a core of its own, asking it whether its answers are right, and having wrk drive it from another
// core.

import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'

/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {import('./workloads.mjs').Workload} Workload */
/** @typedef {import('./workloads.mjs').Call} Call */

const SERVER_CORE = '1'
const WRK_CORE = '0'
const CONNECTIONS = '50'

const WARM_UP_REQUESTS = 30_000
const WARM_UP_TURN_MS = 250

/** How long wrk may take to begin. */
const MAX_START_MS = 5000

/**
 * What came of some load.
 *
 * @typedef {object} Load
 * @property {number} requests how many were answered
 * @property {number} cpu what the server has spent on a request, in µs
 * @property {number} user the part of it that was not the kernel's
 * @property {number} rps requests per second
 * @property {number} bytes of an answer, head and all
 * @property {number} preempted how often in a second something else has had its core
 * @property {number} p99 the latency that one in a hundred requests exceeds, in µs
 */

/** What this bench needs beyond npm's packages; nothing, if it is there. */
export function whatIsMissing() {
  const folders = (process.env.PATH ?? '').split(path.delimiter)
  const missing = ['wrk', 'taskset'].filter((tool) => !folders.some((folder) => fs.existsSync(path.join(folder, tool))))
  if (os.availableParallelism() < 2) missing.push('a second core')
  return missing.join(', ')
}

/** A contender's server, in a process of its own. */
export class Server {
  /** @param {import('node:child_process').ChildProcess} child */
  constructor(child) {
    this.child = child
    this.url = ''
    const ended = new AbortController()
    child.once('exit', (code, signal) => ended.abort(new Error(`the server ended with ${signal ?? code}`)))
    this.ended = ended.signal
  }

  /**
   * Start one; it listens when this resolves.
   *
   * @param {Contender} contender
   * @param {{ [name: string]: string }} [env] what it is to have in its environment
   * @param {string[]} [execArgv] options of Node
   */
  static async start(contender, env, execArgv = []) {
    const server = new Server(fork(path.join(import.meta.dirname, 'server.mjs'), [contender.name], {
      execPath: 'taskset',
      execArgv: ['-c', SERVER_CORE, process.execPath, ...execArgv],
      env: { ...process.env, NODE_ENV: 'production', ...env },
    }))
    const { port } = /** @type {{ port: number }} */ (await server.hear())
    server.url = `http://127.0.0.1:${port}`
    return server
  }

  /** Tell it something, and hear its answer. @param {string | object} message */
  tell(message) {
    // (That it cannot be told, since it has ended, is heard next.)
    this.child.send(message, () => {})
    return this.hear()
  }

  /** What it says next. Rejects if it has ended. @returns {Promise<unknown>} */
  async hear() {
    try {
      return (await once(this.child, 'message', { signal: this.ended }))[0]
    } catch (err) {
      throw this.ended.reason ?? err
    }
  }

  /** What it has used of the machine so far. */
  async usage() {
    return /** @type {NodeJS.ResourceUsage} */ (await this.tell('usage'))
  }

  /**
   * Put it under load.
   *
   * @param {Workload} workload
   * @param {number} ms
   * @returns {Promise<Load>}
   */
  async load(workload, ms) {
    const before = await this.usage()
    const { requests, microseconds, bytes, errors, p99 } = await wrk(this.url, callsFile(workload), ms)
    const after = await this.usage()
    if (errors || !requests) throw new Error(`${requests} answers, ${errors} errors`)
    const user = (after.userCPUTime - before.userCPUTime) / requests
    const system = (after.systemCPUTime - before.systemCPUTime) / requests
    const seconds = microseconds / 1e6
    const preempted = (after.involuntaryContextSwitches - before.involuntaryContextSwitches) / seconds
    return { requests, cpu: user + system, user, rps: requests / seconds, bytes: bytes / requests, preempted, p99 }
  }

  /**
   * Load it until its code is compiled: CPU per request falls until after some 25,000 requests, fivefold and more.
   *
   * @param {Workload} workload
   * @param {number} maxMs
   */
  async warmUp(workload, maxMs) {
    const end = performance.now() + maxMs
    for (let sum = 0; sum < WARM_UP_REQUESTS && performance.now() < end;) {
      sum += (await this.load(workload, WARM_UP_TURN_MS)).requests
    }
  }

  async stop() {
    if (this.ended.aborted) return
    const exited = once(this.child, 'exit')
    this.child.disconnect()
    await exited
  }
}

/**
 * Throws unless all calls of a workload are answered as they should be, byte for byte.
 *
 * @param {string} url where the server is
 * @param {Workload} workload
 */
export async function checkAnswers(url, workload) {
  for (const call of workload.calls) {
    const { type, body } = workload.answer(call)
    const answer = await ask(url, call)
    expect(call, 'status', answer.status, 200)
    expect(call, 'content-type', answer.headers['content-type']?.split(';')[0], type)
    expect(call, 'content-length', answer.headers['content-length'], String(Buffer.byteLength(body)))
    expect(call, 'body', answer.body, body)
  }
}

/**
 * Make a single call.
 *
 * @param {string} server
 * @param {Call} call
 * @returns {Promise<{ status: number | undefined, headers: http.IncomingHttpHeaders, body: string }>}
 */
function ask(server, { method, url, body }) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const req = http.request(server + url, { method, headers }, async (res) => {
      const chunks = await res.toArray()
      resolve({ status: res.statusCode, headers: res.headers, body: String(Buffer.concat(chunks)) })
    })
    req.on('error', reject).end(body)
  })
}

/** @param {Call} call @param {string} what @param {unknown} actual @param {unknown} expected */
function expect({ method, url }, what, actual, expected) {
  if (actual !== expected) throw new Error(`${method} ${url}: ${what} is ${actual}, and not ${expected}`)
}

const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-http-'))
process.on('exit', () => fs.rmSync(scratch, { recursive: true }))

/** The calls of a workload as a file for wrk.lua. @param {Workload} workload */
function callsFile({ name, calls }) {
  const file = path.join(scratch, name + '.tsv')
  const lines = calls.map(({ method, url, body = '' }) => `${method}\t${url}\t${body}\n`)
  if (!fs.existsSync(file)) fs.writeFileSync(file, lines.join(''))
  return file
}

/**
 * Have wrk make calls for some time; for longer, if it does not even begin in that.
 *
 * @param {string} url
 * @param {string} file the calls
 * @param {number} ms
 * @returns {Promise<{ requests: number, microseconds: number, bytes: number, errors: number, p99: number }>}
 */
async function wrk(url, file, ms) {
  const script = path.join(import.meta.dirname, 'wrk.lua')
  const child = spawn('taskset', ['-c', WRK_CORE, 'wrk', '-t', '1', '-c', CONNECTIONS, '-d', '60', '-s', script, url, '--', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  // It counts in whole seconds; interrupted, it ends early, and says how it went until then. (While it begins it ignores that.)
  /** @type {NodeJS.Timeout | undefined} */
  let interrupts
  const timer = setTimeout(() => {
    child.kill('SIGINT')
    interrupts = setInterval(() => child.kill('SIGINT'), 50)
  }, ms)
  const said = String(Buffer.concat(await child.stdout.toArray()))
  clearTimeout(timer)
  clearInterval(interrupts)
  const report = JSON.parse(said.match(/^\{ "requests".*$/m)?.[0] ?? 'null')
  if (report?.requests || report?.errors) return report
  if (ms > MAX_START_MS) throw new Error('wrk answers: ' + said)
  return wrk(url, file, 2 * ms)
}
