// What the core costs in instructions is compared with what is on record by `npm run instructions`, for it takes valgrind and the
// sources of the engines. Here it is shown that this can tell a slower core from the same one.

import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { findRegressions, measure, recordedScript } from '../../tools/instructions.mjs'
import { findEngines } from '../../tools/quickjs-native.mjs'
import { ROOT } from '../../tools/project.mjs'

t.test('a rise of up to two percent is let through, and a fall of any size', async t => {
  t.same(findRegressions({ a: 1020, b: 1000, c: 1 }, { a: 1000, b: 1000, c: 1000 }), [])
})

t.test('what has risen further is named, with both figures', async t => {
  t.same(findRegressions({ a: 1021, b: 1000 }, { a: 1000, b: 1000 }), ['a: 1021 instructions, 2.1 % over the 1000 on record'])
})

t.test('what is not counted or not on record is no reason to pass', async t => {
  t.same(findRegressions({ added: 1 }, { dropped: 1 }), ['dropped: on record, and not counted', 'added: not on record'])
  t.same(findRegressions({ a: NaN }, { a: 1 }), ['a: on record, and not counted'])
})

t.test('the script that the record is of comes from the history, and only from a whole one', async t => {
  // (Outside of this checkout, which has a history of its own.)
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-history-'))
  t.teardown(() => fs.rmSync(folder, { recursive: true }))
  const [whole, shallow] = ['whole', 'shallow'].map((name) => path.join(folder, name)) as [string, string]
  for (const [file, content] of [['tools/instructions.json', '{}'], ['dist/microrest.es5.js', 'first']] as const) {
    fs.mkdirSync(path.join(whole, path.dirname(file)), { recursive: true })
    fs.writeFileSync(path.join(whole, file), content)
  }
  const git = (cwd: string, ...args: string[]) => {
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], { cwd, stdio: 'pipe' })
  }
  t.equal(recordedScript(whole), undefined, 'no history')
  git(whole, 'init')
  git(whole, 'add', '.')
  git(whole, 'commit', '-m', 'recorded')
  fs.writeFileSync(path.join(whole, 'dist/microrest.es5.js'), 'second')
  git(whole, 'commit', '-am', 'changed since')
  t.equal(recordedScript(whole), 'first')
  git(whole, 'clone', '--depth', '1', 'file://' + whole, shallow)
  t.equal(recordedScript(shallow), undefined, 'a history that is cut off')
})

/** A look-up that cuts the path up once for nothing. */
const SLOWED = `
;(function (router) {
  var getRoute = router.getRoute
  router.getRoute = function (path, method) {
    path.split('/')
    return getRoute.call(this, path, method)
  }
})(microrest.Router.prototype)`

const { engines, missing } = findEngines()
const core = fs.readFileSync(path.join(ROOT, 'dist/microrest.es5.js'), 'utf8')

t.test('a core that was slowed a little is found out, by each look-up', { skip: !engines.length && missing.join('; ') }, async t => {
  for (const engine of engines) {
    const figures = measure(engine, core, 'look-up: ')
    const found = findRegressions(measure(engine, core + SLOWED, 'look-up: '), figures)
    t.ok(found.length > 5, engine.name)
    t.same(found.map((sentence) => sentence.replace(/: \d+ instructions.*/, '')), Object.keys(figures), engine.name)
  }
})

t.test('the same core gives the same figures', { skip: !engines.length && missing.join('; ') }, async t => {
  for (const engine of engines) {
    t.same(measure(engine, core, 'Router: '), measure(engine, core, 'Router: '), engine.name)
  }
})
