// The process of one contender on one table, or of one that has them all measured together: it is told by its argument what to do, and
// says in a message what came of it.

import { loadBench } from './bench.mjs'

/** @typedef {import('./bench.mjs').Job} Job */
/** @typedef {import('./bench.mjs').JointJob} JointJob */

/**
 * Check a contender, or measure it, or several together.
 *
 * @param {Job | JointJob} job
 * @param {boolean} isCheck
 */
export async function work(job, isCheck) {
  const bench = await loadBench(job.bench)
  if ('rows' in job) return bench.measureTogether?.(job)
  return isCheck ? bench.check(job) : bench.measure?.(job)
}

/** What went wrong; the class of an error may be all that it says. @param {unknown} err */
export function describe(err) {
  if (!(err instanceof Error)) return String(err)
  return err.constructor === Error ? err.message : `${err.constructor.name}: ${err.message}`
}

if (process.send) {
  const { job, isCheck } = JSON.parse(String(process.argv[2]))
  /** @type {unknown} */
  const answer = await work(job, isCheck).then((value) => ({ value }), (err) => ({ error: describe(err) }))
  // A contender may hold the process open.
  process.send(answer, () => process.exit())
}
