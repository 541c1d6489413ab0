// docs/firmware.md: its page of C is what a compiler takes. ESP-IDF itself is not here: its declarations are ours, after its documentation.

import { spawnSync } from 'node:child_process'
import path from 'node:path'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { readBlocks } from '../examples/fixtures/markdown.ts'

const CC = process.env.CC ?? 'cc'
const skip = spawnSync(CC, ['--version']).status !== 0 && `no C compiler: ${CC}`

t.test('the page of C compiles without a warning', { skip }, async t => {
  const pages = readBlocks('docs/firmware.md').filter(({ language }) => language === 'c')
  t.equal(pages.length, 1)
  const includes = ['firmware/include', 'test/fixtures/firmware/esp'].map((folder) => '-I' + path.join(ROOT, folder))
  // (What it defines is for a main of one's own to use.)
  const flags = ['-std=c11', '-Wall', '-Wextra', '-Wconversion', '-Wno-unused-function', '-Werror', '-fsyntax-only', '-x', 'c', '-']
  const { status, stderr } = spawnSync(CC, [...includes, ...flags], { input: pages[0]!.code, encoding: 'utf8' })
  t.equal(stderr, '')
  t.equal(status, 0)
})
