// Peers, and what draws pictures, are packages of this folder, which are installed when they are first wanted.

import fs from 'node:fs'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { BENCH, readJson } from './bench.mjs'

/** Install all packages, if some of a kind are not there. @param {'dependencies' | 'devDependencies'} kind */
export function install(kind) {
  const names = Object.keys(readJson(path.join(BENCH, 'package.json'))[kind])
  if (names.every((name) => fs.existsSync(path.join(BENCH, 'node_modules', name)))) return
  console.error('installing the packages of bench/')
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--omit-lockfile-registry-resolved'], { cwd: BENCH, stdio: 'inherit' })
}
