// The program that is measured: checks a contender, has its instructions counted, or times it. It is bundled with a contender, and
// told what to do by the global JOB. Runs in the engine.

import { build } from 'contender'
import { REQUESTS, called } from './world.mjs'

const { task, steps, rounds, samples } = globalThis.JOB
const dispatch = build(steps)

/** A string of its own, as from the wire: neither a slice of another one nor a name that the engine knows. */
const fresh = (text) => String.fromCharCode.apply(null, text.split('').map((char) => char.charCodeAt(0)))

let number = 0

/** So many rounds of all requests, with numbers that no request before had. */
function makeRequests(count) {
  const requests = []
  for (let round = 0; round < count; round++) {
    number++
    for (const [method, path] of REQUESTS) requests.push(method, fresh(path.replace(/#/g, number)))
  }
  return requests
}

/** Dispatch them one after the other. A promise is waited for, and nothing else. */
function run(requests) {
  for (let ix = 0; ix < requests.length; ix += 2) {
    const answer = dispatch(requests[ix], requests[ix + 1])
    if (typeof answer == 'object') return runLater(answer, requests, ix + 2)
  }
}

async function runLater(first, requests, start) {
  await first
  for (let ix = start; ix < requests.length; ix += 2) await dispatch(requests[ix], requests[ix + 1])
}

async function check() {
  for (const [method, path, expected] of REQUESTS) {
    for (const id of ['1', 'x-y', '1234567890']) {
      const url = path.replace(/#/g, id)
      called.steps = 0
      const answer = await dispatch(method, url)
      if (answer !== expected.replace(/#/g, id)) throw new Error(`${method} ${url} was answered with ${answer}`)
      if (called.steps !== steps) throw new Error(`${method} ${url} went through ${called.steps} steps in place of ${steps}`)
    }
  }
  // What it does with a path that is not routed is its own affair, as long as no handler answers.
  let missed
  try {
    missed = await dispatch('GET', '/nowhere/1')
  } catch {}
  if (typeof missed == 'string' && /^\d+( |$)/.test(missed)) throw new Error('/nowhere/1 was answered with ' + missed)
}

/** Nanoseconds for a dispatch. */
async function time() {
  const requests = makeRequests(rounds)
  const start = cpuTime()
  await run(requests)
  return (cpuTime() - start) / (requests.length / 2)
}

async function main() {
  if (task === 'check') return check()
  await run(makeRequests(10))
  if (task === 'time') {
    for (let sample = 0; sample < samples; sample++) print(String(await time()))
    return
  }
  for (const n of [rounds, 2 * rounds]) {
    const requests = makeRequests(n)
    count(String(n * REQUESTS.length), () => run(requests), undefined)
  }
}

main()
