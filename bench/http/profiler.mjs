// Loaded into a server before all else (node --import), it profiles the server while it is told to:
// `{ profile: 'start' }`, and `{ profile: 'stop' }`, which it answers with where the time has gone.

import { Session } from 'node:inspector/promises'

/** How often to look, in µs. */
const INTERVAL_US = 250

const session = new Session()
session.connect()

process.on('message', async (/** @type {{ profile?: string }} */ { profile }) => {
  if (profile === 'start') {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US })
    await session.post('Profiler.start')
    process.send?.('started')
  } else if (profile === 'stop') {
    const { profile } = await session.post('Profiler.stop')
    process.send?.(selfTimes(profile))
  }
})

/**
 * The time spent in each function itself, in µs.
 *
 * @param {import('node:inspector').Profiler.Profile} profile
 */
function selfTimes({ nodes, samples = [], timeDeltas = [] }) {
  /** @type {Map<number, import('node:inspector').Runtime.CallFrame>} */
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  /** @type {Map<string, { name: string, url: string, line: number, time: number }>} */
  const functions = new Map()
  samples.forEach((id, ix) => {
    const { functionName: name, url, lineNumber } = /** @type {import('node:inspector').Runtime.CallFrame} */ (frames.get(id))
    const key = `${name} ${url}:${lineNumber}`
    const entry = functions.get(key) ?? { name, url, line: lineNumber + 1, time: 0 }
    functions.set(key, entry)
    // A delta is the time since the sample before.
    entry.time += timeDeltas[ix + 1] ?? 0
  })
  return [...functions.values()]
}
