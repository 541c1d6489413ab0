// README.md: what it shows is what happens.

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { STATUS_CODES } from 'node:http'
import os from 'node:os'
import path from 'node:path'
import t from 'tap'
import { PACKAGE, ROOT } from '../../tools/project.mjs'
import { catchWarnings } from '../fixtures/warnings.ts'
import { runBlocks } from './fixtures/blocks.ts'
import { ask, runExample, runProgram } from './fixtures/example.ts'
import { readBlocks, readDocument } from './fixtures/markdown.ts'

const README = 'README.md'
const blocks = readBlocks(README)
const hello = blocks.find(({ language }) => language === 'js')!

t.test('hello runs beside a copied file, in a folder that has nothing else', async t => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'microrest-test-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(path.join(folder, 'hello.mjs'), hello.code.replace('./microrest.js', './microrest.mjs'))
  for (const name of ['microrest.js', 'microrest.min.js']) {
    copyFileSync(path.join(ROOT, 'dist', name), path.join(folder, 'microrest.mjs'))
    const { url } = await runProgram(t, path.join(folder, 'hello.mjs'))
    t.equal(await ask(url + '/hello'), '200 hi', name)
  }
})

t.test('hello is examples/hello.js', async t => {
  const example = readFileSync(path.join(ROOT, 'examples/hello.js'), 'utf8')
  t.equal(example.replace('../dist/', './').replace(/^\/\/.*\n\n/, ''), hello.code)
})

t.test('the three shapes answer what it says', async t => {
  catchWarnings(t)
  await runBlocks(t, README, blocks.filter((block) => block !== hello))
})

interface Curl {
  line: string
  url: string
  method: string
  headers: [string, string][]
  body: string | undefined
  /** What is shown below the line. */
  shown: string
}

/** The words of a command line; single quotes keep what they hold together. */
function splitWords(line: string): string[] {
  return (line.match(/(?:'[^']*'|[^\s'])+/g) ?? []).map((word) => word.replace(/'/g, ''))
}

/** `$ curl [-i] [-X METHOD] [-H 'name: value'] [-d DATA] URL`, and what is below it up to the next one. */
function parseCurls(code: string): Curl[] {
  return code.split(/^\$ /m).slice(1).map((text) => {
    const [line = '', ...shown] = text.split('\n')
    const [command, ...words] = splitWords(line)
    if (command !== 'curl') throw new Error('no curl line: ' + line)
    const curl: Curl = { line, url: '', method: '', headers: [], body: undefined, shown: shown.join('\n').trim() }
    for (let word = words.shift(); word !== undefined; word = words.shift()) {
      if (word === '-X') curl.method = words.shift() ?? ''
      else if (word === '-d') curl.body = words.shift() ?? ''
      else if (word === '-H') curl.headers.push(/^([^:]+): *(.*)$/.exec(words.shift() ?? '')!.slice(1, 3) as [string, string])
      else if (word !== '-i') curl.url = word
    }
    curl.method ||= curl.body === undefined ? 'GET' : 'POST'
    return curl
  })
}

t.test('the curl lines get the answers that it shows', async t => {
  const curls = blocks.filter(({ language }) => language === 'console').flatMap(({ code }) => parseCurls(code))
  t.ok(curls.length >= 6)
  const { url } = await runExample(t, 'demo')
  for (const { line, url: target, method, headers, body, shown } of curls) {
    t.match(target, '127.0.0.1:1337/', 'the port that the demo takes if it is free')
    const res = await fetch(target.replace('127.0.0.1:1337', url), { method, headers, ...(body !== undefined && { body }) })
    const text = (await res.text()).trim()
    if (!shown.startsWith('HTTP/')) {
      t.equal(text, shown, line)
      continue
    }
    const [head = '', ...rest] = shown.split('\n\n')
    const [status, ...fields] = head.split('\n')
    t.equal(`HTTP/1.1 ${res.status} ${STATUS_CODES[res.status]}`, status, line)
    t.equal(text, rest.join('\n\n'), line)
    for (const field of fields) t.equal(`${field.split(':')[0]}: ${res.headers.get(field.split(':')[0] ?? '')}`, field, line)
  }
})

t.test('the sizes are those of tools/sizes.json, which the build is held to', async t => {
  const recorded = JSON.parse(readFileSync(path.join(ROOT, 'tools/sizes.json'), 'utf8')) as Record<string, { bytes: number }>
  const shown = [...readDocument(README).matchAll(/^\| `([^`]+)` \|.*\| ([\d,]+) \|$/gm)]
    .map(([, what = '', bytes = '']) => [what, bytes])
  t.strictSame(shown, Object.entries(recorded).map(([what, { bytes }]) => [what, bytes.toLocaleString('en-US')]))
})

t.test('the commands are those of the package', async t => {
  const commands = [...readDocument(README).matchAll(/`?npm (run )?([a-z]+)/g)].map(([, , command = '']) => command)
  for (const command of commands) t.ok(command === 'install' || command in PACKAGE.scripts, command)
})

t.test('a reader sees the commands and the hello on the first screen', async t => {
  const lines = readDocument(README).split('\n')
  const first = lines.slice(0, 30).join('\n')
  for (const text of ['npm install', 'npm test', 'npm start', 'dist/microrest.js', 'dist/microrest.min.js', "app.get('/hello'"]) t.match(first, text)
  t.ok(lines.length < 175, 'one page')
})
