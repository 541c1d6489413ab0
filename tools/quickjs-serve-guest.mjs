// What quickjs-serve.mjs puts into the engine, before the app: a console, timers, and the inside of its requests.

import { handle } from '../dist/hosts/embed.js'

/**
 * What the host has defined. A request is known by its number.
 *
 * @typedef {object} Host
 * @property {(text: string) => void} print
 * @property {(id: number, ms: number) => void} startTimer
 * @property {(id: number) => void} stopTimer
 * @property {(id: number, status: number, headers: string) => void} sendHead
 * @property {(id: number, chunk: string | Uint8Array) => boolean} sendChunk
 * @property {(id: number, chunk: string | Uint8Array | undefined) => void} sendEnd
 * @property {(id: number) => void} cutOff
 */

const world = /** @type {{ [name: string]: unknown }} */ (/** @type {unknown} */ (globalThis))
const host = /** @type {Host} */ (/** @type {unknown} */ (globalThis))

// ----------------------------------------------------------------------------------------------------------- console

/** @param {unknown} value */
const describe = (value) => (value instanceof Error ? value + '\n' + value.stack : String(value))

/** @param {unknown[]} values */
const log = (...values) => host.print(values.map(describe).join(' '))

world.console = { log, info: log, debug: log, warn: log, error: log }

// ------------------------------------------------------------------------------------------------------------ timers

/** @type {Map<number, () => void>} */
const timers = new Map()
let lastTimer = 0

/**
 * @param {boolean} repeats
 * @returns {(f: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => number}
 */
function buildStart(repeats) {
  return (f, ms = 0, ...args) => {
    const id = ++lastTimer
    timers.set(id, () => {
      if (repeats) host.startTimer(id, ms)
      else timers.delete(id)
      f(...args)
    })
    host.startTimer(id, ms)
    return id
  }
}

/** @param {number} id */
function stopTimer(id) {
  if (timers.delete(id)) host.stopTimer(id)
}

world.setTimeout = buildStart(false)
world.setInterval = buildStart(true)
world.clearTimeout = world.clearInterval = stopTimer

/** Called when a timer is due. @param {number} id */
world.fire = (id) => timers.get(id)?.()

// ---------------------------------------------------------------------------------------------------------- requests

/** The requests that are on their way. @type {Map<number, import('../hosts/embed.ts').EmbedInput>} */
const inputs = new Map()

/** Let requests come in to an app. @param {import('../hosts/embed.ts').EmbedApp} app */
export function serve(app) {
  /** @type {(id: number, method: string, url: string, headers: string, client: string) => void} */
  world.open = (id, method, url, headers, client) => {
    const input = handle(app, { method, url, headers: JSON.parse(headers), client: JSON.parse(client) }, {
      head: (status, headers) => host.sendHead(id, status, JSON.stringify(headers)),
      write: (chunk) => host.sendChunk(id, chunk),
      end: (chunk) => host.sendEnd(id, chunk),
      abort: () => host.cutOff(id),
    })
    inputs.set(id, input)
  }
  /** @type {(id: number, chunk: string | ArrayBuffer) => void} */
  world.data = (id, chunk) => inputs.get(id)?.data(chunk)
  /** @param {number} id */
  world.end = (id) => inputs.get(id)?.end()
  /** @param {number} id */
  world.drain = (id) => inputs.get(id)?.drain()
  /** The connection is done with the request, be its answer sent or not. @param {number} id */
  world.close = (id) => {
    inputs.get(id)?.abort()
    inputs.delete(id)
  }
}
