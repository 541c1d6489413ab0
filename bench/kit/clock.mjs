// Time, as the processor spends it on this process: all of its threads, so that compiling and collecting garbage count as well, and what
// other processes do meanwhile does not (but for what they take of caches and of the clock rate).

/**
 * Options of Node for steady figures. Code is compiled at once, and not whenever another thread has the time: on a busy machine the warm-up
 * could be over by then. Young objects have room: a collection in the midst of a sample is the exception.
 */
export const STEADY = ['--no-concurrent-recompilation', '--min-semi-space-size=16']

/**
 * How long to run, in ns of processor time. Code is warm when for so long no round has been faster than the best before, by a factor. Some
 * never is: there is an end to it.
 */
const FULL = { steady: 150e6, maxWarmUp: 2000e6, sample: 2e6, samples: 9 }
const QUICK = { steady: 60e6, maxWarmUp: 400e6, sample: 1e6, samples: 3 }
const FASTER = 0.97

/** The processor time that this process has taken, in ns. The system counts in µs. */
export function cpuTime() {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
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
  const { steady, maxWarmUp, sample, samples } = quick ? QUICK : FULL
  const names = Object.keys(things)
  /** @type {{ [name: string]: { count: number, times: number[] } }} */
  const runs = Object.fromEntries(names.map((name) => [name, { count: 1, times: [] }]))

  // Counts grow until a sample takes as long as it should; they all do so side by side, as code gets faster for all of them.
  let best = Infinity
  for (let spent = 0, bestAt = 0; spent - bestAt < steady && spent < maxWarmUp;) {
    let sum = 0
    let isGrowing = false
    for (const name of names) {
      const run = runs[name]
      const ns = await things[name](run.count)
      spent += Math.max(ns, 1000)
      sum += ns / run.count
      if (ns >= sample / 2) continue
      isGrowing = true
      run.count = Math.ceil(run.count * Math.min(4, sample / Math.max(ns, 1)))
    }
    if (isGrowing || sum < best * FASTER) bestAt = spent
    best = Math.min(best, sum)
  }
  for (let round = 0; round < samples; round++) {
    for (const name of names) {
      const { count, times } = runs[name]
      times.push(await things[name](count) / count)
    }
  }
  return Object.fromEntries(names.map((name) => [name, median(runs[name].times)]))
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
