// The core in Deno: its whole suite, sockets included, by Deno's own `node:http`. Skipped where there is no deno.

import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { flatten, tell } from '../fixtures/engines/run.ts'
import type { Report } from '../fixtures/engines/tap.ts'
import { findProgram } from '../fixtures/fetch/runtimes.ts'

const FOLDER = path.join(ROOT, 'test/fixtures/engines')

/** types.ts is about the compiler. */
const SUITE = readdirSync(path.join(ROOT, 'test')).filter((name) => name.endsWith('.ts') && name !== 'types.ts')

/** What Deno's `node:http` does otherwise than node's, and the tests that see it. */
const OTHERWISE: { [reason: string]: RegExp } = {
  'Deno does not tell that a server is closed that has not listened yet': /^at once after listen\(.*\) leaves nothing that listens$/,
  'Deno resets the connection of a client that is still sending': /^has its answer arrive at a client that goes on to send 3 MB/,
}

/** Mark what Deno does otherwise as skipped, with the reason. */
function excuse(report: Report): void {
  for (const one of flatten(report)) {
    const [reason] = Object.entries(OTHERWISE).find(([, pattern]) => pattern.test(one.name)) ?? []
    if (reason) Object.assign(one, { skip: reason, failures: [], isOver: true })
  }
}

/** Run a test file in Deno. */
async function runFile(deno: string, name: string): Promise<Report> {
  const { NODE_OPTIONS: _tap, ...env } = process.env
  const args = ['run', '--allow-all', '--no-prompt', '--import-map', path.join(FOLDER, 'imports.json'), path.join(FOLDER, 'deno.ts')]
  const file = pathToFileURL(path.join(ROOT, 'test', name)).href
  const { stdout } = await promisify(execFile)(deno, [...args, file], { cwd: ROOT, env, maxBuffer: 1 << 26 })
  return JSON.parse(stdout.trim().split('\n').pop()!) as Report
}

const deno = findProgram('deno')

for (const name of SUITE) {
  t.test(`test/${name}`, { skip: deno ? false : 'no deno on the PATH or in RUNTIMES' }, async t => {
    const report = await runFile(deno!, name)
    excuse(report)
    t.comment(`${flatten(report).length - 1} tests`)
    tell(t, report)
  })
}
