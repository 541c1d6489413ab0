// The scripts of a device as bytecode, by tools/bytecode.mjs. Wants the compiler of Bellard's QuickJS: $QJSC, or firmware/quickjs/qjsc.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = (path: string) => fileURLToPath(new URL('../../' + path, import.meta.url))

const qjsc = process.env.QJSC || root('firmware/quickjs/qjsc')
const isBellards = existsSync(qjsc) && !/QuickJS-ng/.test(String(spawnSync(qjsc, ['-h']).stdout))
const skip = isBellards ? false : 'no compiler of QuickJS: firmware/get-quickjs.sh bellard firmware/quickjs'

/** The scripts in the C file that is made of files. */
function compile(folder: string, ...args: string[]): { name: string; bytes: Buffer }[] {
  execFileSync(process.execPath, [root('tools/bytecode.mjs'), '--qjsc=' + qjsc, '--output=' + folder + '/scripts.c', ...args], { cwd: folder })
  const text = readFileSync(folder + '/scripts.c', 'utf8')
  const arrays = [...text.matchAll(/script_\d+\[\] = \{([^}]*)\}/g)].map(([, list]) => Buffer.from(list!.split(',').map(Number)))
  return [...text.matchAll(/\{"(.*)", script_(\d+), /g)].map(([, name, ix]) => ({ name: name!, bytes: arrays[Number(ix)]! }))
}

t.test('scripts become one with those of microrest, unless one is strict and another is not', { skip }, async t => {
  const folder = t.testdir({
    'strict.js': "// first\n'use strict'\nlet strict",
    'other.js': '"use strict"; let other',
    'sloppy.js': 'var sloppy // and no more',
    'last.js': 'with (sloppy) last()',
  })
  const names = (...args: string[]) => compile(folder, ...args).map(({ name }) => name)
  t.strictSame(names('strict.js', 'other.js', 'sloppy.js', 'last.js'), ['other.js', 'last.js'])
  t.strictSame(names('--nano', 'sloppy.js', 'last.js'), ['last.js'])
  t.strictSame(names('--bare', 'last.js', 'strict.js'), ['last.js', 'strict.js'])
})

t.test('the first name in the bytecode is one that a new engine knows', { skip }, async t => {
  const folder = t.testdir({ 'app.js': 'microrest()' })
  for (const option of ['--', '--nano']) {
    const [{ bytes } = { bytes: Buffer.alloc(0) }] = compile(folder, option, 'app.js')
    // A version and the count of names, of which there are some hundreds; then the length of the first, doubled, and its text.
    t.equal(bytes[3]! / 2, 'AggregateError'.length)
    t.equal(bytes.toString('latin1', 4, 4 + 'AggregateError'.length), 'AggregateError')
  }
})
