// Puts what is on record into the documents: tables and pictures, between lines that say which.
//
//     npm run bench:tables                write docs/performance.md and README.md
//     npm run bench:tables -- --check     write nothing; fail where a document says something else than the record
//
// A region of a document begins with <!-- bench: name --> and ends with <!-- /bench -->. Its name is that of a bench, for its tables;
// `pictures` or `picture: name`; or `instructions`, for the figures of tools/instructions.json.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ROOT, listBenches, loadBench, readJson } from './kit/bench.mjs'
import { describeRuns, readRuns, recordFile, toMarkdown } from './kit/results.mjs'

/** The documents, and the folder of the pictures as seen from there. @type {{ [file: string]: string }} */
export const DOCUMENTS = { 'docs/performance.md': 'pictures', 'README.md': 'docs/pictures' }

/** What the pictures show, in words. @type {{ [name: string]: string }} */
const PICTURES = {
  routes: 'Finding a route: ns of CPU time for a path that was never seen before, of microrest and its peers',
  growth: 'The same over the number of routes, from 10 to 10,000',
  dispatch: 'A request through 0, 5 and 20 steps to its handler, in ns of CPU time',
  http: 'HTTP: CPU time of a request as a multiple of that of bare node:http',
  size: 'Size of an app, minified and gzipped, and installed',
  quickjs: 'Dispatches per second in QuickJS and QuickJS-ng',
}

/** @param {string} name */
const isDrawn = (name) => fs.existsSync(path.join(ROOT, 'docs/pictures', `${name}-light.svg`))

/** @param {string} folder of the pictures @param {string} name */
function picture(folder, name) {
  if (!isDrawn(name)) return '(No picture has been drawn: `npm run bench:plot`.)'
  return [
    `<picture><source media="(prefers-color-scheme: dark)" srcset="${folder}/${name}-dark.svg">`,
    `<img alt="${PICTURES[name] ?? name}" src="${folder}/${name}-light.svg" width="760"></picture>`,
  ].join('\n')
}

/** The pictures of the README, and where their figures are from. @param {string} folder */
function pictures(folder) {
  const names = ['routes', 'growth', 'dispatch', 'http', 'size'].filter(isDrawn)
  const runs = listBenches().flatMap((name) => readRuns(recordFile(name))).sort((a, b) => (a.date < b.date ? -1 : 1))
  const times = Math.max(0, ...listBenches().map((name) => readRuns(recordFile(name)).length))
  const source = runs.length && `\`npm run bench\`, ${times === 1 ? 'once' : `${times} times`}, medians of all passes. ${describeRuns(runs)}.`
  return [names.map((name) => picture(folder, name)).join('\n'), ...(source ? [source] : [])].join('\n\n')
}

/** What look-ups and dispatches take in the engines of devices. */
function instructions() {
  const { toolchain, ...engines } = readJson(path.join(ROOT, 'tools/instructions.json'))
  const names = Object.keys(engines)
  const lines = [
    `| instructions, ${toolchain} | ${names.join(' | ')} |`,
    `| --- |${' --: |'.repeat(names.length)}`,
  ]
  for (const what of Object.keys(Object.values(engines)[0] ?? {})) {
    lines.push(`| ${what} | ${names.map((name) => engines[name][what].toLocaleString('en')).join(' | ')} |`)
  }
  return lines.join('\n')
}

/** @param {string} name of a region @param {string} folder of the pictures */
async function contentOf(name, folder) {
  if (name === 'instructions') return instructions()
  if (name === 'pictures') return pictures(folder)
  if (name.startsWith('picture: ')) return picture(folder, name.slice('picture: '.length))
  const runs = readRuns(recordFile(name))
  if (!runs.length) return `(Nothing is on record: \`npm run bench -- ${name}\`.)`
  // (The document has headings of its own.)
  return toMarkdown(await loadBench(name), runs).replace(/^### .*\n\n/, '')
}

/**
 * A document with all its regions filled.
 *
 * @param {string} document
 * @param {string} folder of the pictures
 */
export async function fill(document, folder) {
  const parts = document.split(/^(<!-- bench: .* -->\n)[^]*?^(?=<!-- \/bench -->$)/m)
  for (let ix = 1; ix < parts.length; ix += 2) {
    const [, name = ''] = /bench: (.*) -->/.exec(parts[ix] ?? '') ?? []
    const content = await contentOf(name, folder)
    parts[ix] += content && `\n${content}\n\n`
  }
  return parts.join('')
}

async function main() {
  for (const [file, folder] of Object.entries(DOCUMENTS)) {
    const before = fs.readFileSync(path.join(ROOT, file), 'utf8')
    const after = await fill(before, folder)
    if (before === after) continue
    if (!process.argv.includes('--check')) {
      fs.writeFileSync(path.join(ROOT, file), after)
      console.log(path.join(path.relative(process.cwd(), ROOT), file))
    } else {
      console.error(`${file} says something else than what is on record: npm run bench:tables`)
      process.exitCode = 1
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
