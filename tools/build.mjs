// Makes dist/, what people copy and what the package holds.
//
//     npm run build                    write dist/
//     node tools/build.mjs --check     write nothing; fail if dist/ is not what would be written
//
// The same sources give the same bytes on every machine: nothing in here knows the time, the folder or the platform.
//
//     rollup        joins modules and keeps our words and lines            dist/*.js
//     esbuild       makes it small, private names included                 dist/*.min.js
//     TypeScript    between the two esbuilds, lowers to ES5                dist/*.es5.js     (small-engines.mjs)
//     TypeScript    writes declarations, rollup joins those as well        dist/*.d.ts       (bundle-types.mjs)

import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { rollup } from 'rollup'
import ts from 'typescript'
import { bundleDeclarations, emitDeclarations, toExportEquals } from './bundle-types.mjs'
import { PACKAGE, ROOT, listEntries } from './project.mjs'
import { buildClassicScript, bundleMangled, findTrouble } from './small-engines.mjs'
import { stripTypes } from './strip-types.mjs'

const SHORT_BANNER = `/*! microrest ${PACKAGE.version} MIT */\n`

/**
 * Build everything in memory.
 *
 * @returns {Promise<Map<string, string>>} path under dist/ => content
 */
export async function build() {
  /** @type {Map<string, string>} */
  const files = new Map()
  const entries = listEntries()
  const declarations = emitDeclarations(ROOT, entries)
  /** @type {readonly string[]} */
  let embedNames = []

  for (const entry of entries) {
    const name = entry.replace(/\.ts$/, '')
    const bundled = await bundleDeclarations(declarations, entry)
    // An add-on or a host brings types of the core along, and is not what mw.ts says of itself.
    const types = entry.includes('/') ? bundled.replace(/\/\*\*\n \* mw: [^]*?\*\/\n/, '') : bundled
    const { code, exports } = await bundleReadable(entry, types)
    files.set(`${name}.js`, banner(entry) + code)
    files.set(`${name}.d.ts`, banner(entry) + types)
    files.set(`${name}.cjs`, commonJs(path.basename(name), exports.includes('default')))
    files.set(`${name}.d.cts`, banner(entry) + toExportEquals(types))
    if (entry === 'hosts/embed.ts') embedNames = exports
  }

  const core = files.get('microrest.js') ?? ''
  files.set('microrest.min.js', SHORT_BANNER + await bundleMangled(core, ROOT, { minify: true }))
  files.set('microrest.min.cjs', commonJs('microrest.min', true))
  for (const extension of ['d.ts', 'd.cts']) files.set(`microrest.min.${extension}`, files.get(`microrest.${extension}`) ?? '')
  files.set('microrest.es5.js', await classicScript(await everythingEntry(core, embedNames), core))
  files.set('microrest.nano.es5.js', await classicScript(nanoEntry(embedNames), core))
  return files
}

/** @param {string} entry */
function banner(entry) {
  const name = entry === 'microrest.ts' ? 'microrest' : `microrest/${path.basename(entry, '.ts')}`
  return `/*! ${name} ${PACKAGE.version}, MIT licence, (c) the microrest authors. Generated from ${entry} by \`npm run build\`. */\n\n`
}

/**
 * One module and what it imports as one ES module, to be read. It exports what its declarations do: what a module exports for the
 * other modules of the core alone is not for those who use it.
 *
 * @param {string} entry
 * @param {string} types the declarations
 */
async function bundleReadable(entry, types) {
  const module = JSON.stringify(path.join(ROOT, entry))
  const names = [...types.matchAll(/^export \{(.*)\};$/gm)].flatMap(([, list = '']) => list.split(','))
    .filter((name) => !/^\s*type /.test(name)).map((name) => name.replace(/.* as /, '').trim())
  const bundled = await rollup({
    input: 'entry',
    // (Hosts may build on what their platform has.)
    external: /^node:/,
    plugins: [{
      name: 'from-typescript',
      resolveId: (id) => (id === 'entry' ? id : null),
      load: (id) => (id === 'entry' ? `export { ${names} } from ${module}` : null),
      transform: (code, id) => (id === 'entry' ? null : stripTypes(code, path.basename(id))),
    }],
    onwarn: (warning) => { throw new Error(warning.message) },
  })
  const { output: [chunk] } = await bundled.generate({
    format: 'es',
    freeze: false,
    generatedCode: { preset: 'es2015', symbols: false },
  })
  // A namespace object is an object like others here; not every small engine knows `__proto__` in a literal.
  const code = chunk.code.replace(/\n{3,}/g, '\n\n').replace(/^  __proto__: null,\n/gm, '')
  assertModern(entry, code)
  return { code, exports: chunk.exports }
}

/**
 * The add-ons and the hosts may use ES2022, the core ES2020: this looks for what TypeScript would have to lower.
 *
 * @param {string} entry
 * @param {string} code
 */
function assertModern(entry, code) {
  const target = entry.includes('/') ? ts.ScriptTarget.ES2022 : ts.ScriptTarget.ES2020
  const [lowered, kept] = [target, ts.ScriptTarget.ESNext].map((at) => (
    ts.transpileModule(code, { compilerOptions: { target: at, module: ts.ModuleKind.ESNext } }).outputText
  ))
  if (lowered !== kept) throw new Error(`${entry} uses syntax that is newer than ${ts.ScriptTarget[target]}`)
}

/**
 * What require() gives: the default export with all exports as its properties, else an object of them.
 *
 * @param {string} name
 * @param {boolean} hasDefault
 */
function commonJs(name, hasDefault) {
  const all = `require('./${name}.js')`
  return `module.exports = ${hasDefault ? `Object.assign(${all}.default, ${all})` : all}\n`
}

/**
 * @param {string} entry
 * @param {string} core
 */
async function classicScript(entry, core) {
  const code = await buildClassicScript(entry, ROOT, core)
  const troubles = findTrouble(code)
  if (troubles.length > 0) throw new Error(`the ES5 script has ${troubles.join('; ')}`)
  return SHORT_BANNER + code
}

/**
 * What goes into the classic script of everything: the properties that make it what require('microrest') gives.
 *
 * @param {string} core the built core
 * @param {readonly string[]} embedNames
 */
async function everythingEntry(core, embedNames) {
  const all = await import(`data:text/javascript,${encodeURIComponent(core)}`)
  const names = Object.keys(all).filter((name) => name !== 'default' && all.default[name] !== all[name])
  return `
    import { ${names} } from 'core'
    ${names.map((name) => `main.${name} = ${name}`).join('\n')}
    ${nanoEntry(embedNames)}`
}

/**
 * What goes into the classic script for the smallest engines: the app with its NanoRouter, and hosts/embed.
 *
 * @param {readonly string[]} embedNames what hosts/embed.ts exports; nothing where there is no such file
 */
function nanoEntry(embedNames) {
  const embed = embedNames.length > 0 ? `import { ${embedNames} } from './hosts/embed.ts'` : ''
  return `
    import main from 'core'
    ${embed}
    ${embedNames.map((name) => `main.${name} = ${name}`).join('\n')}
    root.microrest = main`
}

/**
 * Names of the files that differ from what is in dist/, missing and surplus ones included.
 *
 * @param {Map<string, string>} files
 * @returns {string[]}
 */
export function findStale(files) {
  const dist = path.join(ROOT, 'dist')
  const present = fs.existsSync(dist)
    ? fs.readdirSync(dist, { recursive: true, withFileTypes: true }).filter((item) => item.isFile())
    : []
  const names = present.map((item) => path.relative(dist, path.join(item.parentPath, item.name)).split(path.sep).join('/'))
  const all = new Set([...files.keys(), ...names])
  return [...all].sort().filter((name) => !names.includes(name) || fs.readFileSync(path.join(dist, name), 'utf8') !== files.get(name))
}

/** @param {Map<string, string>} files */
function write(files) {
  for (const name of findStale(files)) {
    const file = path.join(ROOT, 'dist', name)
    const content = files.get(name)
    fs.mkdirSync(path.dirname(file), { recursive: true })
    if (content === undefined) fs.rmSync(file)
    else fs.writeFileSync(file, content)
    console.log(`${content === undefined ? 'removed' : 'wrote'} dist/${name}`)
  }
}

async function main() {
  const files = await build()
  if (!process.argv.includes('--check')) return write(files)
  const stale = findStale(files)
  for (const name of stale) console.error(`dist/${name} is not what the sources make`)
  if (stale.length > 0) console.error('run `npm run build`')
  process.exitCode = stale.length > 0 ? 1 : 0
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main()
