// What the built scripts weigh, against their budgets.
//
//     npm run size                 print the table; fail where a size is not the one on record
//     npm run size -- --update     also record the bytes in sizes.json, which the tests hold to exactly, and in the README
//
// A size over its budget is said, here and as a TODO of the tests, until it is met: a budget is not widened, nor is it a reason to
// drop what was promised. gzip is level 9 of this Node's zlib. It differs a little between versions of Node, so it is never recorded.

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { ROOT } from './project.mjs'
import { bundleMangled } from './small-engines.mjs'

const RECORD = path.join(ROOT, 'tools/sizes.json')
const README = path.join(ROOT, 'README.md')

/**
 * @typedef {{ bytes: number, gzip?: number }} Budget
 * @typedef {{ what: string, bytes: number, gzip: number, recorded: number, budget: Budget }} Size
 */

/**
 * Measure what has a budget.
 *
 * @returns {Promise<Size[]>}
 */
export async function measure() {
  const records = JSON.parse(fs.readFileSync(RECORD, 'utf8'))
  return Promise.all(Object.keys(records).map(async (what) => {
    const content = what === 'rest() alone' ? await bundleRestAlone('./microrest.ts') : fs.readFileSync(path.join(ROOT, 'dist', what))
    const { bytes: recorded, budget } = records[what]
    return { what, bytes: content.length, gzip: gzipSync(content, { level: 9 }).length, recorded, budget }
  }))
}

/**
 * What a bundler leaves of the core when only its default export is used, which runs on the NanoRouter.
 *
 * @param {string} from the core to import from, relative to the top
 */
export async function bundleRestAlone(from) {
  return Buffer.from(await bundleMangled(`export { default } from '${from}'`, ROOT, { minify: true }))
}

/** @param {Size[]} sizes */
function table(sizes) {
  const rows = sizes.map(({ what, bytes, gzip, budget }) => [
    what, bytes, gzip, budget.bytes, budget.gzip ?? '', budget.bytes - bytes, budget.gzip ? budget.gzip - gzip : '',
  ])
  const all = [['', 'bytes', 'gzip', 'budget', 'gzip', 'to spare', 'gzip'], ...rows].map((row) => row.map(String))
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? []
  return all.map((row) => row.map((cell, ix) => (ix ? cell.padStart(widths[ix] ?? 0) : cell.padEnd(widths[ix] ?? 0))).join('  ')).join('\n')
}

/** @param {Size[]} sizes */
function record(sizes) {
  const lines = sizes.map(({ what, bytes, budget }) => `  ${JSON.stringify(what)}: ${spaced({ bytes, budget })}`)
  fs.writeFileSync(RECORD, `{\n${lines.join(',\n')}\n}\n`)
  let readme = fs.readFileSync(README, 'utf8')
  for (const { what, bytes } of sizes) readme = readme.replace(new RegExp(`(?<=\\| \`${what.replace(/[().]/g, '\\$&')}\` .*\\| )[\\d,]+`), bytes.toLocaleString('en-US'))
  fs.writeFileSync(README, readme)
}

/** @param {unknown} value */
function spaced(value) {
  return JSON.stringify(value).replace(/([:,])/g, '$1 ').replaceAll('{', '{ ').replaceAll('}', ' }')
}

async function main() {
  const sizes = await measure()
  console.log(table(sizes))
  if (process.argv.includes('--update')) record(sizes)
  for (const { what, bytes, gzip, budget } of sizes) {
    if (bytes > budget.bytes || gzip > (budget.gzip ?? Infinity)) console.log('over budget:', what)
  }
  const changed = (await measure()).filter(({ bytes, recorded }) => bytes !== recorded)
  for (const { what, bytes, recorded } of changed) console.error(`${what}: ${bytes} bytes, and not ${recorded} as in tools/sizes.json`)
  process.exitCode = changed.length ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
