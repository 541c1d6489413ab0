// The manual: its examples are run (see fixtures/blocks.ts), what it says of types is compiled, and nothing is left out.

import { existsSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { ROOT } from '../../tools/project.mjs'
import { core, mw, rest } from '../fixtures/core.ts'
import { catchWarnings } from '../fixtures/warnings.ts'
import { runBlocks } from './fixtures/blocks.ts'
import { readAnchors, readBlocks, readDocument, readLinks } from './fixtures/markdown.ts'

const MANUAL = 'docs/manual.md'

t.test('every js and http block does what it says', async t => {
  catchWarnings(t)
  await runBlocks(t, MANUAL, readBlocks(MANUAL))
})

const PAGES = ['connect', 'deploy', 'embed', 'fetch', 'firmware', 'inject', 'lambda', 'node'].map((name) => `docs/${name}.md`)

for (const page of PAGES) {
  t.test(`${page}: every js and http block does what it says`, t => runBlocks(t, page, readBlocks(page)))
}

// Strictly. A mistake is marked with `@ts-expect-error`.
t.test('every ts block compiles', async t => {
  // One file, each block on the lines that it has in the manual; its imports are those of the first line.
  const lines = [
    "import http from 'node:http'; import rest, { HttpError, Router, createServer, mw, sendResponse } from '../../dist/microrest.js'; " +
    "import type { ErrStep, PathParams, Req, Res, Step } from '../../dist/microrest.js'",
  ]
  for (const { language, code, line } of readBlocks(MANUAL)) {
    if (language !== 'ts') continue
    while (lines.length < line - 2) lines.push('')
    lines.push(...`{\n${code}}`.split('\n'))
  }
  const file = path.join(ROOT, 'test/examples/manual.md.ts')
  const options: ts.CompilerOptions = {
    strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true, types: ['node'], lib: ['lib.es2022.d.ts'],
    target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext, allowImportingTsExtensions: true,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile } = host
  host.getSourceFile = (name, ...rest) => (
    name === file ? ts.createSourceFile(name, lines.join('\n'), ts.ScriptTarget.ES2022, true) : getSourceFile.call(host, name, ...rest)
  )
  const program = ts.createProgram([file], options, host)
  t.equal(ts.formatDiagnostics(ts.getPreEmitDiagnostics(program), {
    getCanonicalFileName: (name) => name, getCurrentDirectory: () => ROOT, getNewLine: () => '\n',
  }), '')
})

t.test('everything that is exported is in the manual', async t => {
  const manual = readDocument(MANUAL)
  const names = [...Object.keys(core), ...Object.keys(rest), ...Object.keys(mw)].filter((name) => name !== 'default')
  for (const name of new Set(names)) t.match(manual, new RegExp(`\\b${name}\\b`), name)
})

t.test('no link of the documents leads nowhere', async t => {
  const performance = 'docs/performance.md'
  for (const document of ['README.md', MANUAL, ...PAGES, performance, 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']) {
    for (const link of readLinks(document)) {
      const [file = '', anchor] = link.split('#')
      if (anchor === undefined) t.ok(existsSync(path.join(ROOT, file)), `${document}: ${link}`)
      else t.ok(readAnchors(file.replace(/\/$/, '')).includes(anchor), `${document}: ${link}`)
    }
  }
})
