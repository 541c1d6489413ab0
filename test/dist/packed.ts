// What somebody gets who installs the package: the tarball that npm packs, unpacked in an empty folder. Each subpath of the exports,
// whichever there are, is imported from each kind of module. (What the parts do is tested in package.ts and types.ts.)

import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import t from 'tap'
import ts from 'typescript'
import { PACKAGE, ROOT } from '../../tools/project.mjs'
import { addFiles, installPackage, run } from './fixtures/helpers.ts'
import { findProblems, listImported } from './fixtures/problems.ts'

const { ModuleKind, ModuleResolutionKind } = ts

/** './cors' as it is imported: 'microrest/cors'. */
const specifiers = Object.keys(PACKAGE.exports).map((subpath) => path.posix.join(PACKAGE.name, subpath))

/** Scripts that set a global: to be imported for that, or to be read as files. */
const scripts = specifiers.filter((specifier) => specifier.endsWith('.es5.js'))
const modules = specifiers.filter((specifier) => !scripts.includes(specifier) && !specifier.endsWith('.json'))

interface Report {
  [specifier: string]: { names: string[]; differing: string[]; isDefault: boolean }
}

const folder = installPackage(t, { 'subpaths.mjs': path.join(ROOT, 'test/dist/fixtures/subpaths.mjs') })
const installed = path.join(folder, 'node_modules', PACKAGE.name)

/** What comes of importing every module, under some flags of Node. */
async function importAll(...flags: string[]): Promise<Report> {
  const { stdout, stderr } = await run(folder, ...flags, 'subpaths.mjs', ...modules)
  t.equal(stderr, '', 'nothing is printed as a warning')
  return JSON.parse(stdout)
}

const report = await importAll()

t.test('the tarball holds what is built, and what npm adds', async t => {
  t.strictSame(readdirSync(installed).sort(), ['LICENSE', 'README.md', 'dist', 'package.json'])
  t.strictSame(readdirSync(path.join(installed, 'dist')).sort(), readdirSync(path.join(ROOT, 'dist')).sort())
  const { dependencies, scripts } = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8'))
  t.equal(dependencies, undefined)
  t.strictSame(['preinstall', 'install', 'postinstall'].filter((name) => name in scripts), [], 'nothing runs when it is installed')
})

t.test('what is imported and what is required are the same', async t => {
  t.ok(modules.length >= 6)
  for (const specifier of modules) {
    t.not(report[specifier]?.names.length, 0, `${specifier} exports something`)
    t.match(report[specifier], { differing: [], isDefault: true }, specifier)
  }
})

t.test('a subpath is the same file under the conditions of every runtime', async t => {
  for (const condition of ['browser', 'worker', 'workerd', 'deno', 'bun', 'edge-light', 'module-sync', 'production']) {
    t.strictSame(await importAll('--conditions', condition), report, condition)
  }
})

t.test('bundlers find every subpath, for every platform', async t => {
  const contents = [...modules, ...scripts].map((specifier) => `export * from '${specifier}'`).join('\n')
  const stdin = { contents, resolveDir: folder }
  for (const platform of ['browser', 'node', 'neutral'] as const) {
    const bundled = build({ stdin, platform, format: 'esm', bundle: true, write: false, external: ['node:*'], logLevel: 'silent' })
    await t.resolves(bundled, platform)
  }
})

t.test('TypeScript finds the types of every subpath, and they declare what is there', async t => {
  const imports = modules.map((specifier, ix) => `import * as _${ix} from '${specifier}'; export { _${ix} }`)
  const requires = modules.map((specifier, ix) => `import _${ix} = require('${specifier}'); export { _${ix} }`)
  const effects = scripts.map((specifier) => `import '${specifier}'`)
  const meta = `import meta from '${PACKAGE.name}/package.json' with { type: 'json' }; export { meta }`
  addFiles(folder, {
    'module.mts': [...imports, ...effects, meta].join('\n'),
    'script.cts': [...requires, ...effects].join('\n'),
    'bundled.ts': [...imports, ...effects].join('\n'),
  })
  const nodenext = { module: ModuleKind.NodeNext, resolveJsonModule: true }
  const bundler = { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }
  for (const [file, options] of [['module.mts', nodenext], ['script.cts', nodenext], ['bundled.ts', bundler]] as const) {
    t.strictSame(findProblems(folder, [file], options), [], file)
    const imported = listImported(folder, file, options)
    for (const specifier of modules) {
      const { [specifier]: declared = [] } = imported
      const names = report[specifier]?.names ?? []
      t.strictSame(declared.filter((name) => !names.includes(name)), [], `${file}: ${specifier} declares nothing that is not there`)
      // (What require() gives is the default export, and has it as a property only by the way.)
      const missing = names.filter((name) => name !== 'default' && !declared.includes(name))
      t.strictSame(missing, [], `${file}: ${specifier} declares all that is there`)
    }
  }
  t.strictSame(findProblems(folder, ['module.mts', 'script.cts'], nodenext), [], 'both kinds together')
})
