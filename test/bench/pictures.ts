// What is made of the records of the benches: pictures, and the tables in the documents.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'

const BENCH = path.join(ROOT, 'bench')

/** (bench/ has a type check of its own.) */
const load = (file: string) => import(path.join(BENCH, file))

/** What draws belongs to the benches, and is installed with them. */
const skip = hasPackages('@observablehq/plot', 'jsdom') ? false : 'bench/node_modules is not installed: npm run bench'

function hasPackages(...names: string[]): boolean {
  const require = createRequire(path.join(BENCH, 'plot.mjs'))
  return names.every((name) => {
    try {
      return require.resolve(name)
    } catch {
      return false
    }
  })
}

/** A record of a bench with two runs. */
function record(tables: object, ratios?: object) {
  const from = { date: '2026-01-02T03:04:05.678Z', machine: 'a <fast> one', node: 'v1.2.3', commit: 'abc' }
  const run = { ...from, quick: false, versions: {}, wrong: {}, tables, ratios }
  return JSON.stringify({ runs: [run, run] })
}

/** The figures of two contenders in some columns: ours twice as good as a peer. */
const columns = (...names: string[]) => ({
  microrest: Object.fromEntries(names.map((name, ix) => [name, [10 + ix, 9, 30]])),
  'a peer': Object.fromEntries(names.map((name, ix) => [name, [20 + ix, 19, 60]])),
})

const RECORDS = {
  'routes.json': record({
    small: columns('fresh'), github: columns('fresh'),
    'static growth': columns('10 fresh', '1000 fresh'), 'parameter growth': columns('10 fresh', '1000 fresh'),
  }),
  'http.json': record({}, { text: columns('CPU µs'), params: columns('CPU µs'), echo: columns('CPU µs') }),
}

t.test('pictures are drawn of what is on record, for light pages and for dark ones', { skip }, async t => {
  const { drawPictures } = await load('plot/pictures.mjs')
  const pictures: Map<string, string> = await drawPictures(t.testdir(RECORDS))
  t.same([...pictures.keys()].sort(), [
    'growth-dark.svg', 'growth-light.svg', 'http-dark.svg', 'http-light.svg', 'routes-dark.svg', 'routes-light.svg',
  ])
  for (const [name, svg] of pictures) {
    t.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox/, name)
    t.match(svg, 'a &#60;fast&#62; one', 'names are escaped')
    t.notMatch(svg, /NaN|undefined|<script|<style|href|url\(/, 'nothing is missing, and nothing comes from elsewhere')
    t.match(svg, /<text [^>]*>microrest<\/text>/)
    t.match(svg, /less is better/)
  }
})

t.test('a contender that has no figure is shown without one', { skip }, async t => {
  const { drawPictures } = await load('plot/pictures.mjs')
  const small = columns('fresh')
  const github = { microrest: small.microrest }
  const pictures: Map<string, string> = await drawPictures(t.testdir({ 'routes.json': record({ small, github }) }))
  t.match(pictures.get('routes-light.svg'), /<text [^>]*>–<\/text>/)
})

t.test('what is far behind leaves the picture, and who makes code is drawn hollow', { skip }, async t => {
  const { drawPictures } = await load('plot/pictures.mjs')
  const growth = { microrest: { '10 fresh': [50], '1000 fresh': [60] }, trouter: { '10 fresh': [100], '1000 fresh': [1e6] } }
  const cpu = (value: number) => ({ 'CPU µs': [value] })
  const ratios = { text: { microrest: cpu(1.01), fastify: cpu(1.2), express: cpu(5.25) } }
  const pictures: Map<string, string> = await drawPictures(t.testdir({
    'routes.json': record({ 'static growth': growth, 'parameter growth': growth, small: columns('fresh') }),
    'http.json': record({}, ratios),
  }))
  t.match(pictures.get('growth-light.svg'), /<text [^>]*>trouter ↑<\/text>/)
  t.match(pictures.get('growth-light.svg'), /<text [^>]*>microrest<\/text>/)
  t.notMatch(pictures.get('growth-light.svg'), />1,?000k</, 'the axis ends before')
  t.match(pictures.get('http-light.svg'), /<text [^>]*>5.25 →<\/text>/)
  t.match(pictures.get('http-light.svg'), /<circle [^>]*fill="#ffffff"/)
  t.match(pictures.get('http-light.svg'), '○ makes code')
  t.notMatch(pictures.get('routes-light.svg'), '○', 'nothing is explained that is not there')
})

t.test('the pictures in docs/ are those of the record', { skip }, async t => {
  const { drawPictures } = await load('plot/pictures.mjs')
  const pictures: Map<string, string> = await drawPictures(path.join(BENCH, 'results'))
  const folder = path.join(ROOT, 'docs/pictures')
  t.same(fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [], [...pictures.keys()].sort(), 'npm run bench:plot')
  for (const [name, svg] of pictures) t.equal(fs.readFileSync(path.join(folder, name), 'utf8'), svg, `${name}: npm run bench:plot`)
})

t.test('the documents say what is on record', async t => {
  const { DOCUMENTS, fill } = await load('tables.mjs')
  for (const [file, folder] of Object.entries(DOCUMENTS)) {
    const document = fs.readFileSync(path.join(ROOT, file), 'utf8')
    t.match(document, /^<!-- bench: /m, file)
    t.equal(await fill(document, folder), document, `${file}: npm run bench:tables`)
  }
})

t.test('a region is filled, and what is around it stays', async t => {
  const { fill } = await load('tables.mjs')
  const filled = await fill('before\n<!-- bench: instructions -->\nold\n<!-- /bench -->\nafter\n', 'x')
  t.match(filled, /^before\n<!-- bench: instructions -->\n\n\| instructions, [^]*\|\n\n<!-- \/bench -->\nafter\n$/)
  t.notMatch(filled, 'old')
  t.equal(await fill(filled, 'x'), filled, 'to do it again changes nothing')
})
