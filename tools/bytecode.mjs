// Makes a C file of scripts, as bytecode of an engine or as they are, for firmware that links them: the table mr_scripts of
// firmware/include/microrest.h.
//
//     npm run bytecode -- --qjsc=/path/to/qjsc --output=scripts.c app.js
//     npm run bytecode -- --source --output=scripts.c app.js
//
//     --qjsc=FILE      the compiler of the very engine that the firmware has; bytecode is understood by that version alone. Bellard's or
//                      QuickJS-ng's. Default is $QJSC, or qjsc in $PATH
//     --output=FILE    default is the standard output
//     --source         do not compile: the engine parses the text when it boots, which takes longer
//     --nano           begin with dist/microrest.nano.es5.js
//     --bare           begin with neither: what is named is all
//
// What is named are classic scripts, run in this order behind dist/microrest.es5.js; or a module (with --bare), which brings
// what it imports. Names and positions in the sources are left out of the bytecode.
//
// Scripts are compiled as one, since an engine leaves the code of the first in flash (load_first in firmware/src/script.c).

import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import ts from 'typescript'
import { ROOT } from './project.mjs'

/** @typedef {{ name: string, bytes: Uint8Array, kind: 'MR_SOURCE' | 'MR_BYTECODE' | 'MR_MODULE' }} Script */

const BYTES_A_LINE = 24

/**
 * A script as it is; one of ours as its lines, each of which is a script by itself. (An engine holds all functions of a script half
 * compiled until it has read the last one.)
 *
 * @param {string} file
 * @returns {Script[]}
 */
function readSource(file) {
  const text = fs.readFileSync(file, 'utf8')
  if (/^(import|export)\b/m.test(text)) throw new Error(`${file} is a module, which has to be compiled`)
  const scripts = text.startsWith('/*! microrest ') ? text.split('\n').filter((line) => line && !line.startsWith('/*')) : [text]
  return scripts.map((script) => ({ name: path.basename(file), bytes: Buffer.from(script), kind: 'MR_SOURCE' }))
}

/** @typedef {{ file: string, text: string, isModule?: boolean, isStrict?: boolean | undefined }} Source */

/**
 * Join classic scripts, as far as that changes nothing: those that are strict as a whole are not joined to those that are not.
 *
 * @param {readonly string[]} files
 */
function join(files) {
  /** @type {Source[]} */
  const sources = []
  for (const file of files) {
    const next = readScript(file)
    const last = sources.at(-1)
    const isSame = last && (last.isStrict ?? next.isStrict) === (next.isStrict ?? last.isStrict)
    if (!isSame || last.isModule || next.isModule) sources.push(next)
    else sources.splice(-1, 1, { file, text: `${last.text}\n;${next.text}`, isStrict: last.isStrict ?? next.isStrict })
  }
  return sources
}

/**
 * @param {string} file
 * @returns {Source}
 */
function readScript(file) {
  const text = fs.readFileSync(file, 'utf8')
  if (/^(import|export)\b/m.test(text)) return { file, text, isModule: true }
  // (Those of microrest are strict inside, whatever is around them.)
  if (text.startsWith('/*! microrest ')) return { file, text }
  const [first] = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext).statements
  const isStrict = first && ts.isExpressionStatement(first) && ts.isStringLiteral(first.expression) && first.expression.text === 'use strict'
  return { file, text, isStrict: Boolean(isStrict) }
}

/**
 * A script, behind the modules that it imports.
 *
 * @param {string} qjsc
 * @param {Source} source
 * @returns {Script[]}
 */
function compile(qjsc, { file, text, isModule, isStrict }) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'microrest-bytecode-'))
  try {
    const output = path.join(folder, 'bytecode.c')
    const name = path.basename(file)
    if (!isModule) fs.writeFileSync(path.join(folder, name), isStrict ? `'use strict';${text}` : text)
    // (Modules are found again by the names that they are compiled by. So these must not depend on where the compiler was
    // started. It is started elsewhere, so a path to it has to be a whole one.)
    const command = qjsc.includes('/') ? path.resolve(qjsc) : qjsc
    execFileSync(command, [...optionsOf(qjsc), '-o', output, name], { cwd: isModule ? path.dirname(path.resolve(file)) : folder })
    const arrays = [...fs.readFileSync(output, 'utf8').matchAll(/const uint8_t (\w+)\[\d+\] = \{([^}]*)\}/g)]
    return arrays.map(([, array = '', list = ''], ix) => {
      const isMain = ix === arrays.length - 1
      const bytes = Uint8Array.from(list.match(/0x[\da-f]+/gi) ?? [], Number)
      return { name: isMain ? name : array, bytes, kind: isMain ? 'MR_BYTECODE' : 'MR_MODULE' }
    })
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}

/** @param {string} qjsc */
function optionsOf(qjsc) {
  const { error, stdout, stderr } = spawnSync(qjsc, ['-h'], { encoding: 'utf8' })
  if (error) throw new Error(`no ${qjsc}: say by --qjsc where the compiler of your engine is`, { cause: error })
  return /QuickJS-ng/.test(stdout + stderr) ? ['-s', '-s', '-P'] : ['-c', '-s']
}

/** @param {readonly Script[]} scripts */
export function toC(scripts) {
  const arrays = scripts.map(({ bytes, kind }, ix) => {
    const lines = []
    for (let at = 0; at < bytes.length; at += BYTES_A_LINE) lines.push(bytes.subarray(at, at + BYTES_A_LINE).join(','))
    // (The engine wants a text to end with a zero.)
    if (kind === 'MR_SOURCE') lines.push('0')
    return `static const uint8_t script_${ix}[] = {\n${lines.join(',\n')}\n};\n`
  })
  const rows = scripts.map(({ name, bytes, kind }, ix) => `  {"${name}", script_${ix}, ${bytes.length}, ${kind}},\n`)
  return `// Made by tools/bytecode.mjs.

#include "microrest.h"

${arrays.join('\n')}
extern const mr_script mr_scripts[];
extern const size_t mr_n_scripts;
const mr_script mr_scripts[] = {
${rows.join('')}};
const size_t mr_n_scripts = ${rows.length};
`
}

function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      qjsc: { type: 'string', default: process.env.QJSC ?? 'qjsc' },
      output: { type: 'string' },
      source: { type: 'boolean', default: false },
      nano: { type: 'boolean', default: false },
      bare: { type: 'boolean', default: false },
    },
  })
  const core = path.join(ROOT, 'dist', values.nano ? 'microrest.nano.es5.js' : 'microrest.es5.js')
  const files = values.bare ? positionals : [core, ...positionals]
  if (files.length === 0) throw new Error('no scripts are named')
  const text = toC(values.source ? files.flatMap(readSource) : join(files).flatMap((source) => compile(values.qjsc, source)))
  if (values.output === undefined) process.stdout.write(text)
  else fs.writeFileSync(values.output, text)
}

// (Started through a link, it is still this file.)
if (process.argv[1] && import.meta.url === pathToFileURL(fs.realpathSync(process.argv[1])).href) {
  try {
    main()
  } catch (err) {
    console.error(err instanceof Error ? err.message : err)
    process.exitCode = 1
  }
}
