// How far a run has come, and how long it will still take: on one line of a terminal, else in a line of its own every half a minute.

const LINE_MS = 30_000

/**
 * @typedef {object} Progress
 * @property {(kind: string, what: string, run: () => Promise<unknown>) => Promise<void>} step say what is being done, and do it
 * @property {() => void} clear make room for something else
 *
 * @param {string[]} kinds the kind of each step that there will be. Those of a kind are taken to last as long as its last one.
 * @returns {Progress}
 */
export function planProgress(kinds) {
  const isTerminal = process.stderr.isTTY
  /** @type {{ [kind: string]: { left: number, ms?: number } }} */
  const known = {}
  for (const kind of kinds) (known[kind] ??= { left: 0 }).left++
  let done = 0
  let spent = 0
  let shownAt = -Infinity

  function remaining() {
    const mean = spent / done
    return Object.values(known).reduce((sum, { left, ms }) => sum + left * (ms ?? mean), 0)
  }

  /** @param {string} text */
  function show(text) {
    const now = performance.now()
    if (!isTerminal && now - shownAt < LINE_MS) return
    shownAt = now
    const line = `${done} of ${kinds.length}${done ? `, ${duration(remaining())} left` : ''}: ${text}`
    process.stderr.write(isTerminal ? `\r\x1b[K${line}` : `${line}\n`)
  }

  return {
    async step(kind, what, run) {
      show(`${kind}: ${what}`)
      const start = performance.now()
      await run()
      const ms = performance.now() - start
      const one = known[kind] ??= { left: 1 }
      one.left--
      one.ms = ms
      spent += ms
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
