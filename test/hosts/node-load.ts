// node: a stop in the middle of many requests, as bench/hosts/shutdown.mjs measures it, with the built host.

import t from 'tap'
import { measureShutdown } from '../../bench/hosts/shutdown.mjs'
import { onPosix } from '../fixtures/node/start.ts'

for (const [what, options] of [
  ['one process', { connections: 30, requests: 600 }],
  ['workers', { connections: 30, requests: 600, workers: 2 }],
] as const) {
  t.test(`SIGTERM under load loses no request: ${what}`, onPosix, async t => {
    const { sent, answered, refused, untaken, lost, losses, code } = await measureShutdown(options)
    t.comment(`${sent} sent, ${answered} answered, ${refused} refused, ${untaken} untaken, ${lost} lost`)
    t.strictSame(losses, [])
    t.equal(lost, 0)
    t.ok(answered >= 600)
    t.equal(sent, answered + refused + untaken)
    t.equal(refused, 30, 'each client goes on until it is refused')
    t.equal(code, 0)
  })
}
