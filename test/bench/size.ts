// The size bench: ours, in each of its bundles, and what is counted of a package. (Peers are not installed for this.)

import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'

/** (bench/ has a type check of its own.) */
const load = (file: string) => import(path.join(ROOT, 'bench/size', file))

const bench = (await load('bench.mjs')).default
const { contenderOf, isPackage, packageOf } = await load('contenders.mjs')
const { bytesOf, foldersOf } = await load('packages.mjs')
const ours: string[] = bench.contenders.filter((name: string) => /^microrest\D*$/.test(name))

t.test('a bundle of ours has all that an app needs', async t => {
  t.ok(ours.length > 3)
  for (const contender of ours) t.strictSame(await bench.check({ contender }), {}, contender)
})

t.test('a bundle that lacks something is found out', async t => {
  const { imports } = contenderOf('microrest Router')
  const [file] = Object.keys(imports)
  t.teardown(() => { imports[file!] = ['default', 'Router', 'mw'] })
  imports[file!] = ['default']
  await t.rejects(bench.check({ contender: 'microrest Router' }), { message: 'Router is not a constructor' })
})

t.test('sizes are those of the bundles, and of what npm would install', async t => {
  const file = path.join(ROOT, 'dist/microrest.min.js')
  const all = Object.fromEntries(await Promise.all(ours.map(async (contender) => [contender, await bench.measure({ contender })])))
  const asItIs = all['microrest min.js as it is']
  t.equal(asItIs.minified, statSync(file).size)
  t.equal(asItIs.dependencies, 0)
  t.equal(asItIs.gzip, gzipSync(readFileSync(file), { level: 9 }).length)
  t.ok(asItIs.minified < asItIs.installed * 1000)
  t.ok(all.microrest.minified < all['microrest Router'].minified, 'a bundler drops what is not used')
  t.ok(all['microrest Router'].minified < all['microrest Router readable'].minified, 'long private names cost')
})

t.test('a package is counted with what it needs, each once', async t => {
  const leaf = () => ({ 'package.json': '{}', 'index.js': '12345' })
  const top = t.testdir({
    'node_modules': {
      'app': {
        'package.json': JSON.stringify({
          dependencies: { 'shared': '', '@scope/own': '' },
          optionalDependencies: { 'for-another-system': '' },
          peerDependencies: { 'peer': '', 'optional-peer': '' },
          peerDependenciesMeta: { 'optional-peer': { optional: true } },
        }),
        'node_modules': { '@scope': { 'own': { 'package.json': '{"dependencies":{"shared":"","app":""}}' } } },
      },
      'shared': leaf(),
      'peer': leaf(),
      'optional-peer': leaf(),
      'stranger': leaf(),
    },
  })
  const folders = [...foldersOf(['app'], top)].map((folder) => path.relative(path.join(top, 'node_modules'), folder))
  t.strictSame(folders.sort(), ['app', 'app/node_modules/@scope/own', 'peer', 'shared'])
  t.equal(bytesOf(path.join(top, 'node_modules/shared')), '{}'.length + '12345'.length)
  const app = path.join(top, 'node_modules/app')
  t.equal(bytesOf(app), statSync(path.join(app, 'package.json')).size, 'its own files only')
})

t.test('an import is of a package or of a file', async t => {
  t.strictSame(['koa', 'microrest/mw.js', '@koa/router', '@scope/name/part'].map(packageOf), ['koa', 'microrest', '@koa/router', '@scope/name'])
  t.ok(isPackage('koa'))
  t.notOk(isPackage('/somewhere/dist/microrest.js'))
})
