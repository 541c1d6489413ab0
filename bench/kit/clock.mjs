// Time, as the processor spends it on this process: all of its threads, so that compiling and collecting garbage count as well, and what
// other processes do meanwhile does not (but for what they take of caches and of the clock rate).

/** How long to run, in ns of processor time. */
const FULL = { warmUp: 250e6, sample: 3e6, samples: 15 }
const QUICK = { warmUp: 100e6, sample: 1e6, samples: 5 }

/** The processor time that this process has taken, in ns. The system counts in µs. */
export function cpuTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? /** @type {number} */ (sorted[half]) : (/** @type {number} */ (sorted[half - 1]) + /** @type {number} */ (sorted[half])) / 2
}

/**
 * Time several things in turn, so that what disturbs one disturbs all.
 *
 * All are run until they are warm, then sampled round by round. A thing is a function that does itself `count` times and gives the ns that
 * it took, which leaves it free to prepare each count untimed. Gives the median of each, in ns for a single time.
 *
 * @param {{ [name: string]: (count: number) => number | Promise<number> }} things
 * @param {{ quick: boolean }} options
 * @returns {Promise<{ [name: string]: number }>}
 */
export async function timeAll(things, { quick }) {
  const { warmUp, sample, samples } = quick ? QUICK : FULL
  const names = Object.keys(things)
  /** @type {{ [name: string]: { count: number, times: number[] } }} */
  const runs = Object.fromEntries(names.map((name) => [name, { count: 1, times: [] }]))

  // Counts grow until a sample takes as long as it should; they all do so side by side, as code gets faster for all of them.
  let spent = 0
  for (let isLong = false; spent < warmUp || !isLong;) {
    isLong = true
    for (const name of names) {
      const run = /** @type {{ count: number }} */ (runs[name])
      const ns = await things[name]?.(run.count) ?? 0
      spent += Math.max(ns, 1000)
      if (ns < sample) {
        run.count = Math.ceil(run.count * Math.min(4, sample / Math.max(ns, 1)))
        isLong &&= ns > sample / 2
      }
    }
  }
  for (let round = 0; round < samples; round++) {
    for (const name of names) {
      const { count, times } = /** @type {{ count: number, times: number[] }} */ (runs[name])
      times.push((await things[name]?.(count) ?? 0) / count)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(runs[name]?.times ?? [])]))
}

/**
 * A thing for `timeAll`: a function that is called with a count, does as much at once, and is timed as a whole.
 *
 * @param {(count: number) => void} run
 */
export function timed(run) {
  return (/** @type {number} */ count) => {
    const start = cpuTime()
    run(count)
    return cpuTime() - start
  }
}
