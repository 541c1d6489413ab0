// How far a run has come, and how long it will still take: on one line of a terminal, else in a line of its own every half a minute.

const LINE_MS = 30_000

/**
 * Steps of a kind, which last about as long as each other.
 *
 * @typedef {object} Kind
 * @property {number} count how many there will be
 * @property {number} seconds how long one is likely to take, until one has been done
 * @property {number} [jobs] how many are done at the same time. Default is 1.
 *
 * @typedef {object} Progress
 * @property {(kind: string, what: string, run: () => Promise<unknown>) => Promise<void>} step say what is being done, and do it
 * @property {() => void} clear make room for something else
 *
 * @param {{ [kind: string]: Kind }} kinds all steps that there will be
 * @returns {Progress}
 */
export function planProgress(kinds) {
  const isTerminal = process.stderr.isTTY
  const known = Object.fromEntries(Object.entries(kinds).map(([name, { count, seconds, jobs = 1 }]) => {
    return [name, { left: count, ms: seconds * 1000, jobs }]
  }))
  const all = Object.values(kinds).reduce((sum, { count }) => sum + count, 0)
  let done = 0
  let shownAt = -Infinity

  const remaining = () => Object.values(known).reduce((sum, { left, ms, jobs }) => sum + left * ms / jobs, 0)

  /** @param {string} text */
  function show(text) {
    const now = performance.now()
    if (!isTerminal && now - shownAt < LINE_MS) return
    shownAt = now
    const line = `${done} of ${all}, ${duration(remaining())} left: ${text}`
    process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`)
  }

  return {
    async step(kind, what, run) {
      show(`${kind}: ${what}`)
      const start = performance.now()
      await run()
      known[kind].left--
      known[kind].ms = performance.now() - start
      done++
    },
    clear() {
      if (isTerminal) process.stderr.write('\r\x1b[K')
    },
  }
}

/** @param {number} ms */
function duration(ms) {
  const seconds = Math.round(ms / 1000)
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`
}
