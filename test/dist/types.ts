// The declaration files as people meet them: one copied file, or the package in all the ways TypeScript looks it up. And the
// core against the library of the smallest engine.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { ROOT, listEntries } from '../../tools/project.mjs'
import { DIST, installPackage, makeFolder } from './fixtures/helpers.ts'
import { findProblems, findProjectProblems } from './fixtures/problems.ts'

const { ModuleKind, ModuleResolutionKind } = ts

/** What everybody writes, however the package came in. */
const USES = `
const app = rest({ router: new Router() })
app.get('/users/:id', (req) => {
  const id: string = req.params.id
  return { id }
})
// @ts-expect-error there is no such parameter
app.get('/users/:id', (req) => req.params.nope)
app.use((err: unknown, req: Req, res: Res, next: Next) => next(err))
export const step: Step = (req, res, next) => next(new HttpError(404, mw.parseQuery('a=b')))
export class Mine extends Router {}
const server = rest().listen(0)
export const wrong: number = rest // an error, so that this file is known to be checked
`
const EXPECTED = /^consumer\.\w+:\d+ Type .* is not assignable to type 'number'/

const byImport = (from: string) => `import rest, { HttpError, Router, mw, type Next, type Req, type Res, type Step } from '${from}'\n${USES}`
const byRequire = (from: string) => `
import rest = require('${from}')
type Req = rest.Req
type Res = rest.Res
type Next = rest.Next
type Step = rest.Step
const { HttpError, Router, mw } = rest
${USES}
export const router: rest.Router = new rest.Router()`

t.test('microrest.d.ts and microrest.min.d.ts do for one copied file', async t => {
  for (const name of ['microrest', 'microrest.min']) {
    const folder = makeFolder(t, {
      [`${name}.js`]: path.join(DIST, `${name}.js`),
      [`${name}.d.ts`]: path.join(DIST, `${name}.d.ts`),
      'consumer.ts': byImport(`./${name}.js`),
    })
    const problems = findProblems(folder, ['consumer.ts'], { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler })
    t.match(problems, [EXPECTED], name)
    t.equal(problems.length, 1)
  }
})

t.test('every declaration file stands alone', async t => {
  const names = listEntries().map(entry => entry.replace(/\.ts$/, ''))
  const files = [...names.map(name => `${name}.d.ts`), ...names.map(name => `${name}.d.cts`), 'microrest.min.d.ts']
  for (const file of files) {
    t.notMatch(readFileSync(path.join(DIST, file), 'utf8'), /^import\b|\bfrom '|\bimport\(|<reference/m, `${file} imports nothing`)
    const copy = path.basename(file)
    t.strictSame(findProblems(makeFolder(t, { [copy]: path.join(DIST, file) }), [copy], { module: ModuleKind.NodeNext }), [], file)
  }
})

t.test('private members are not declared', async t => {
  for (const file of ['microrest.d.ts', 'microrest.d.cts', 'router.d.ts', 'mw.d.ts']) {
    t.notMatch(readFileSync(path.join(DIST, file), 'utf8'), /[a-z]_\b/, file)
  }
})

t.test('the installed package type-checks', async t => {
  const folder = installPackage(t)
  const ways: [what: string, packageType: string, consumer: string, options: ts.CompilerOptions][] = [
    ['import, node16', 'module', byImport('microrest'), { module: ModuleKind.Node16 }],
    ['import, nodenext', 'module', byImport('microrest'), { module: ModuleKind.NodeNext }],
    ['import, bundler', 'module', byImport('microrest'), { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler }],
    ['import = require, node16', 'commonjs', byRequire('microrest'), { module: ModuleKind.Node16 }],
    ['import = require, nodenext', 'commonjs', byRequire('microrest'), { module: ModuleKind.NodeNext }],
    ['import = require, bundler', 'commonjs', byRequire('microrest'), { module: ModuleKind.Preserve, moduleResolution: ModuleResolutionKind.Bundler }],
    ['import = require, node10', 'commonjs', byRequire('microrest'), { module: ModuleKind.CommonJS }],
    ['import in CommonJS, node16', 'commonjs', byImport('microrest'), { module: ModuleKind.Node16, esModuleInterop: true }],
    ['import in CommonJS, nodenext', 'commonjs', byImport('microrest'), { module: ModuleKind.NodeNext, esModuleInterop: true }],
    ['import in CommonJS, node10', 'commonjs', byImport('microrest'), { module: ModuleKind.CommonJS, esModuleInterop: true }],
    ['import in CommonJS without esModuleInterop', 'commonjs', byImport('microrest'), { module: ModuleKind.CommonJS, esModuleInterop: false }],
  ]
  for (const [what, packageType, consumer, options] of ways) {
    ts.sys.writeFile(path.join(folder, 'package.json'), JSON.stringify({ type: packageType }))
    ts.sys.writeFile(path.join(folder, 'consumer.ts'), consumer)
    const problems = findProblems(folder, ['consumer.ts'], options)
    t.match(problems, [EXPECTED], what)
    t.equal(problems.length, 1, what)
  }
})

t.test('the parts of the installed package type-check', async t => {
  const folder = installPackage(t, {
    'package.json': '{ "type": "commonjs" }',
    'module.mts': `
      import Router, { type RouterOptions } from 'microrest/router'
      import { parseQuery, type Query } from 'microrest/mw'
      export const options: RouterOptions = {}
      export const router: Router = new Router(options)
      export const query: Query = parseQuery('a=b')`,
    'script.cts': `
      import Router = require('microrest/router')
      import mw = require('microrest/mw')
      import rest = require('microrest')
      const options: Router.RouterOptions = {}
      export const router: Router = new Router(options)
      export const query: mw.Query = mw.parseQuery('a=b')
      export class MyRest extends rest.Rest {}
      export class MyNano extends rest.NanoRouter {}
      export class MyRouter extends rest.Router {}`,
  })
  for (const module of [ModuleKind.Node16, ModuleKind.NodeNext]) {
    t.strictSame(findProblems(folder, ['module.mts', 'script.cts'], { module }), [])
  }
  t.strictSame(findProblems(folder, ['script.cts'], { module: ModuleKind.CommonJS, moduleResolution: ModuleResolutionKind.Node10 }), [])
})

t.test('the core needs nothing that the smallest engine lacks', async t => {
  t.strictSame(findProjectProblems(path.join(ROOT, 'tsconfig.core.json')), [])
})

t.test('what the smallest engine lacks is a compile error in the core', async t => {
  const lines = [
    'new Map()', 'new Set()', 'Symbol.iterator', 'Promise.resolve()', 'async () => {}', 'encodeURIComponent("a")', 'new URL("a:b")',
    'setTimeout(() => {})', 'console.error("a")', '"a".startsWith("a")', '"a".endsWith("a")', '"a".includes("a")', '"a".padStart(2)',
    '"a".substr(1)', '[1].find(x => x)', '[1].includes(1)', '[1].fill(0)', 'Array.from([1])', '[[1]].flat()', 'Number.isInteger(1)',
    'Object.assign({}, {})', 'Object.entries({})', 'Object.values({})', 'Object.freeze({})', 'Object.getOwnPropertyNames({})',
    'new Date(0)', 'JSON.stringify({}, null, 2)', 'JSON.parse("1", x => x)', 'new Error("a").message = "b"', '/(?<year>a)/',
    'for (const x of { length: 0 }) x', '[...arguments]', 'new Proxy({}, {})', 'process.exit()', 'require("fs")',
  ]
  const problems = findProjectProblems(path.join(ROOT, 'tsconfig.core.json'), {
    'modern.ts': `${lines.map(line => `;${line}`).join('\n')}\nexport {}`,
  })
  const rejected = new Set(problems.map(problem => Number(/^modern\.ts:(\d+) /.exec(problem)?.[1])))
  t.strictSame(lines.filter((_line, ix) => !rejected.has(ix + 1)), [])
})
