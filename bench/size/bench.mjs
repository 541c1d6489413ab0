// What each weighs: in a bundle, on disk, and in packages that are not its own.

import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { checkAnswers } from '../http/load.mjs'
import { WORKLOADS } from '../http/workloads.mjs'
import { BENCH, ROOT } from '../kit/bench.mjs'
import { CONTENDERS, contenderOf, isPackage, packageOf } from './contenders.mjs'
import { bytesOf, foldersOf } from './packages.mjs'

/** @typedef {import('./contenders.mjs').Contender} Contender */

/** @type {import('../kit/bench.mjs').Bench} */
export default {
  name: 'size',
  title: 'What is needed for an app with routes, their parameters, middleware and bodies of JSON',
  notes: [
    'minified, gzip: what esbuild leaves of the imports that such an app needs; level 9 of zlib.',
    'dependencies: the packages that npm installs beside the one that is named, with those that they depend on.',
    'installed: the bytes of all files of all these packages, in KB of 1000.',
    'rest() alone has the NanoRouter, which knows no parameters. node:http, polka and 0http leave reading bodies to their user.',
  ],
  tables: { app: { title: 'one app', unit: 'B, packages, KB', columns: ['minified', 'gzip', 'dependencies', 'installed'] } },
  contenders: CONTENDERS.map(({ name }) => name),
  packages: [...new Set(CONTENDERS.flatMap(({ imports }) => Object.keys(imports).filter(isPackage).map(packageOf)))],
  passes: 1,
  isOfBuild: true,

  async check({ contender }) {
    await checkBundle(contenderOf(contender))
    return {}
  },

  async measure({ contender }) {
    const { imports } = contenderOf(contender)
    const content = await bundle(contenderOf(contender))
    const packages = [...new Set(Object.keys(imports).filter(isPackage).map(packageOf))]
    const folders = [...foldersOf(packages, BENCH)]
    return {
      'minified': content.length,
      'gzip': gzipSync(content, { level: 9 }).length,
      'dependencies': Math.max(folders.length - 1, 0),
      'installed': (packages.length ? folders.reduce((sum, folder) => sum + bytesOf(folder), 0) : packedBytes()) / 1000,
    }
  },
}

/**
 * Bundle what an app needs of a contender.
 *
 * @param {Contender} contender
 */
async function bundle({ imports }) {
  const [first = ''] = Object.keys(imports)
  if (imports[first]?.[0] === '*') return fs.readFileSync(first)
  const lines = Object.entries(imports).map(([from, names], ix) => {
    return `export { ${names.map((name) => (ix && name === 'default' ? `default as default${ix}` : name)).join(', ')} } from '${from}'`
  })
  return run({ stdin: { contents: lines.join('\n'), resolveDir: BENCH } })
}

/** @param {import('esbuild').BuildOptions} options */
async function run(options) {
  const { outputFiles } = await build({
    bundle: true, minify: true, format: 'esm', platform: 'node', target: 'node20', legalComments: 'none', write: false, logLevel: 'error',
    ...options,
  })
  return Buffer.from(outputFiles?.[0]?.contents ?? [])
}

/**
 * Show that nothing is missing in a bundle: that of a peer's server, and a server of ours on its bundle, answer as in the HTTP bench.
 *
 * @param {Contender} contender
 */
async function checkBundle(contender) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bench-size-'))
  process.on('exit', () => fs.rmSync(folder, { recursive: true }))
  const source = path.join(BENCH, 'http/servers', contender.server + '.mjs')
  const isOurs = !Object.keys(contender.imports).some(isPackage)
  const file = path.join(folder, isOurs ? 'bundle.mjs' : 'bundle.cjs')
  if (isOurs) {
    fs.writeFileSync(file, await bundle(contender))
    process.env.MICROREST = file
  } else {
    // (As CommonJS that is not strict: microrest 0.6 assigns to variables that it has not declared.)
    const contents = `module.exports = require(${JSON.stringify(source)})`
    fs.writeFileSync(file, await run({ stdin: { contents, resolveDir: BENCH }, format: 'cjs' }))
  }

  // (The query has the server loaded anew for each bundle.)
  const servers = isOurs ? await import(`${pathToFileURL(source).href}?${path.basename(folder)}`) : createRequire(import.meta.url)(file)
  /** @type {http.Server} */
  const server = await servers[contender.form ?? 'default']()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  try {
    for (const workload of WORKLOADS) {
      if (!contender.workloads || contender.workloads.includes(workload.name)) await checkAnswers(`http://127.0.0.1:${port}`, workload)
    }
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** What npm would install of ours. */
function packedBytes() {
  const said = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' })
  return JSON.parse(said)[0].unpackedSize
}
