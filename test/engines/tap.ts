// The small tap of the engines: what would make a test fail in Node makes it fail there.

import t from 'tap'
import { flatten, runFile } from '../fixtures/engines/run.ts'
import { ENGINES } from '../../tools/quickjs.mjs'

for (const engine of Object.keys(ENGINES)) {
  t.test(engine, async t => {
    const report = await runFile(engine, 'microrest.es5.js', 'fixtures/engines/trials.ts')
    const all = flatten(report).slice(1)
    t.test('fails what has to fail, and nothing else', async t => {
      const failed = all.filter(({ failures, isOver }) => failures.length || !isOver).map(({ name }) => name)
      // What is thrown to nobody, or asserted when all is over, is not put down to a test.
      const outside = ['fails: an assertion after the end', 'fails: what is thrown to nobody']
      t.strictSame([...failed, ...outside].sort(), all.map(({ name }) => name).filter((name) => name.startsWith('fails')).sort())
      t.match(report.failures, [/after the end of "fails: an assertion after the end": too late/, /uncaught: Error: to nobody/])
      t.equal(report.failures.length, 2)
      t.notOk(report.isOver)
    })

    t.test('counts what passes, and says what was expected', async t => {
      t.match(all[0], { name: 'passes what is true', passes: 13, failures: [] })
      t.match(all.find(({ name }) => name === 'fails: strictSame')!.failures, [/should be equivalent[^]*-  "a": "1",\n\+  "a": 1,[^]*trials/])
    })

    t.test('skips with a reason', async t => {
      t.match(all.filter(({ skip }) => skip), [{ name: 'skips what an engine is not enough for', skip: 'only Node has this', passes: 0, failures: [] }])
    })
  })
}
