// What the core costs in the memory of a small engine: each figure is the one on record, and within its budget.

import t from 'tap'
import { ENGINES } from '../../tools/quickjs.mjs'
import { KINDS } from '../../tools/quickjs-memory-guest.mjs'
import { ask, bootGuest, measure, measureLeft } from '../../tools/quickjs-memory.mjs'

for (const name of Object.keys(ENGINES)) {
  t.test(`${name} uses as much memory as is on record`, async t => {
    for (const { what, bytes, recorded, budget } of await measure(name)) {
      t.equal(bytes, recorded, `${what}: node tools/quickjs-memory.mjs --update`)
      if (budget === undefined) continue
      // What is over its budget is known to be, to the byte, by the line above: a TODO, and not forgotten.
      const over = { todo: bytes > budget && `${bytes - budget} bytes over` }
      t.ok(bytes <= budget, `${what}: ${bytes} of ${budget} bytes`, over)
    }
  })

  t.test(`${name} is measured with requests that are what they are called`, async t => {
    const engine = await bootGuest(name, 'microrest.es5.js')
    for (const [kind, status] of Object.entries(KINDS)) {
      ask(engine, kind)
      t.equal(engine.call('status'), status, kind)
    }
  })

  t.test(`${name} is seen to keep what is in a cycle`, async t => {
    const engine = await bootGuest(name, 'microrest.es5.js')
    t.ok(measureLeft(engine, ['a cycle']).bytes >= 1000 * 48)
  })
}
