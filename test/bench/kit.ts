// The benches' kit, and that ours gives the right answers there. (What peers need is not installed for this; times are measured, and not
// looked at.)

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'

const BENCH = path.join(ROOT, 'bench')
const FINDS_NOTHING = path.join(import.meta.dirname, 'fixtures/finds-nothing.mjs')

/** (bench/ has a type check of its own.) */
const load = (file: string) => import(path.join(BENCH, file))

const { median, timeAll } = await load('kit/clock.mjs')
const { record, readRuns, toMarkdown, toRun, toText } = await load('kit/results.mjs')
const routes = (await load('routes/bench.mjs')).default
const dispatch = (await load('dispatch/bench.mjs')).default

async function runBench(env: NodeJS.ProcessEnv, ...args: string[]) {
  const command = [path.join(BENCH, 'run.mjs'), ...args]
  const { stdout } = await promisify(execFile)(process.execPath, command, { env: { ...process.env, ...env } })
  return stdout
}

const BALLS = {
  name: 'balls', title: 'Balls', notes: ['They are round.'], floor: 'marble', base: undefined, contenders: ['marble', 'golf', 'tennis'],
  tables: { small: { title: 'in the hand', unit: 'g', columns: ['weight', 'bounce'], more: ['bounce'] } },
}
const WEIGHED = {
  figures: { small: {
    marble: [{ weight: 5, bounce: 1 }, { weight: 5, bounce: 1 }, { weight: 5, bounce: 1 }],
    golf: [{ weight: 46, bounce: 20 }, { weight: 40, bounce: 30 }, { weight: 48, bounce: 10 }],
    tennis: [{ weight: 92, 'weight: wet': 184 }, { weight: 60, 'weight: wet': 150 }, { weight: 48, 'weight: wet': 120 }],
  } },
  wrong: { small: { tennis: { bounce: 'it is wet' } } }, quick: false, baseOf: () => undefined,
}

t.test('median is the one in the middle, or between the two', async t => {
  t.equal(median([9, 1, 2]), 2)
  t.equal(median([9, 1, 2, 4]), 3)
})

t.test('things are timed one by one, whatever their count, now or later', async t => {
  const counts = new Set<number>()
  const times = await timeAll({
    now: (count: number) => {
      counts.add(count)
      return 50 * count
    },
    later: async (count: number) => 7000 * count,
  }, { quick: true })
  t.strictSame(times, { now: 50, later: 7000 })
  t.ok(counts.size > 3, 'the count has grown')
})

t.test('a run has the figures of all passes, and ratios pass by pass', async t => {
  const run = toRun(BALLS, { ...WEIGHED, baseOf: (name: string) => (name === 'tennis' ? 'golf' : undefined) })
  t.strictSame(run.tables.small.golf, { weight: [46, 40, 48], bounce: [20, 30, 10] })
  t.strictSame(run.ratios.small, { tennis: { weight: [2, 1.5, 1] } })
})

t.test('a ratio is that to what the base had right beside, where it was measured there', async t => {
  const bases = { small: { tennis: [{ weight: 46 }, { weight: 20 }, { weight: 12 }] } }
  const run = toRun(BALLS, { ...WEIGHED, bases, baseOf: () => 'golf' })
  t.strictSame(run.ratios.small.tennis, { weight: [2, 3, 4] })
  t.strictSame(run.ratios.small.marble.weight, [0.1087, 0.125, 0.1042], 'else to the pass of its own row')
})

t.test('the text marks the best of each column, and neither the floor nor what makes code wins one', async t => {
  const text = toText(BALLS, toRun(BALLS, WEIGHED), true)
  t.match(text, /^golf +46 \(40-48\)\* +20 \(10-30\)\*$/m, 'less weight and more bounce')
  t.match(text, /^marble +5 +1$/m, 'no spread, no mark')
  t.match(text, /^tennis +60 \(48-92\) +-$/m, 'nothing where nothing was measured')
  t.match(text, /^weight: wet +- +- +150$/m, 'details the other way round')
  t.match(text, 'not timed: tennis: bounce: it is wet')
  t.match(text, /^Balls\. .*, load \d+\.\d$/m, 'how busy the machine was')
})

t.test('runs go on record by date, and are shown as one that has had all their passes', async t => {
  const file = path.join(t.testdir(), 'results/balls.json')
  const first = toRun(BALLS, WEIGHED)
  const second = { ...first, date: '2030-01-01T00:00:00.000Z', tables: { small: { golf: { weight: [45, 39, 50, 47] } } } }
  for (const run of [first, second, second]) record(file, 'balls', run)
  t.strictSame(readRuns(file), JSON.parse(JSON.stringify([first, second])))
  const markdown = toMarkdown(BALLS, readRuns(file))
  t.match(markdown, '| golf | **46** <sub>39\u201150</sub> | **20** <sub>10\u201130</sub> |')
  t.match(markdown, 'Not timed: tennis: bounce: it is wet')
  t.match(markdown, '- They are round.')
})

t.test('in Markdown ours comes first, then who is nearest to the best, then the floor; who makes code is marked', async t => {
  const weights = (...all: number[]) => all.map((weight) => ({ weight }))
  const figures = { small: {
    marble: weights(5), tennis: weights(60), golf: weights(46), bowling: weights(7000), bubble: weights(0.02), microrest: weights(50),
  } }
  const bench = { ...BALLS, base: 'marble', makesCode: ['bubble'] }
  const markdown = toMarkdown(bench, [toRun(bench, { ...WEIGHED, figures, wrong: {}, baseOf: () => 'marble' })])
  t.strictSame(markdown.split('\n').filter((line: string) => line.startsWith('|')), [
    '| | weight | × marble |', '| --- | --: | --: |',
    '| microrest | 50 | 10 |', '| bubble † | 0.02 | 0.00 |', '| golf | 46 | **9.20** |',
    '| tennis | 60 | 12 |', '| bowling | 7000 | 1400 |', '| *marble* | 5 | - |',
  ])
  t.match(markdown, /^- † makes code of text/m)
  t.match(markdown, /^Ours is behind in weight, by 9 % \(golf\)\.$/m)
})

t.test('it is said where ours is far behind, and nothing where it wins', async t => {
  const figures = { small: {
    golf: [{ weight: 46, bounce: 1000, roll: 5 }], tennis: [{ weight: 46, bounce: 1, roll: 6 }],
    microrest: [{ weight: 48, bounce: 40, roll: 4 }],
  } }
  const bench = { ...BALLS, tables: { small: { ...BALLS.tables.small, columns: ['weight', 'bounce', 'roll'] } } }
  const markdown = toMarkdown(bench, [toRun(bench, { ...WEIGHED, figures, wrong: {} })])
  t.match(markdown, /^Ours is behind in weight, by 4 % \(golf, tennis\); bounce, by a factor of 25\.0 \(golf\)\.$/m)
})

t.test('large figures are shortened', async t => {
  const figures = { small: { golf: [12_345, 123_456, 1_230_000].map((weight) => ({ weight })) } }
  t.match(toMarkdown(BALLS, [toRun(BALLS, { ...WEIGHED, figures, wrong: {} })]), '**123k** <sub>12,345\u20111.23M</sub>')
})

t.test('ours finds what there is in each table, with each parameter', async t => {
  for (const table of Object.keys(routes.tables)) {
    t.strictSame(await routes.check({ table, contender: 'microrest', quick: true }), {}, table)
  }
})

t.test('ours answers through each number of steps', async t => {
  for (const contender of ['microrest', 'microrest runRoute']) t.strictSame(await dispatch.check({ contender }), {}, contender)
  t.strictSame(Object.keys(await dispatch.check({ contender: 'microrest nano' })), ['5 steps', '20 steps'], 'a NanoRouter has one use step')
})

t.test('a bench runs by itself, for one contender, and leaves its figures where it is told to', async t => {
  const file = path.join(t.testdir(), 'out.json')
  const text = await runBench({}, 'routes', '--quick', '--only', 'microrest', '--table', 'small', '--passes', '2', '--out', file)
  t.match(text, /^microrest +[\d.]+\*? /m)
  const [run] = JSON.parse(readFileSync(file, 'utf8')).runs
  for (const way of ['find', 'use', 'fresh']) {
    t.equal(run.tables.small.microrest[way].length, 2, way)
    for (const ns of run.tables.small.microrest[way]) t.ok(ns > 0, way)
  }
})

t.test('several processes may run at a time', async t => {
  const file = path.join(t.testdir(), 'out.json')
  const chosen = ['--only', 'microrest,microrest runRoute', '--table', 'repeated', '--part', '1 step']
  await runBench({}, 'dispatch', '--quick', '--jobs', '2', '--passes', '2', ...chosen, '--out', file)
  const { repeated } = JSON.parse(readFileSync(file, 'utf8')).runs[0].tables
  t.strictSame(Object.keys(repeated), ['microrest', 'microrest runRoute'])
  for (const row of Object.values<{ [column: string]: number[] }>(repeated)) t.equal(row['1 step']?.length, 2)
  await t.rejects(runBench({}, 'routes', '--jobs', 'two'), /--jobs is a number of processes, and not 'two'/)
})

t.test('what is left is estimated before anything is known, and by what it took then', async t => {
  const { planProgress } = await load('kit/progress.mjs')
  const said: string[] = []
  t.capture(process.stderr, 'write', (text: string) => said.push(text))
  const { step } = planProgress({ check: { count: 2, seconds: 1, jobs: 2 }, pass: { count: 3, seconds: 40 } })
  await step('check', 'a peer', async () => {})
  t.match(said.join(''), /0 of 5, 2 min left: check: a peer/)
})

t.test('what gives a wrong answer is not timed, and it is said what was wrong', async t => {
  const file = path.join(t.testdir(), 'out.json')
  const args = ['routes', '--quick', '--only', 'microrest', '--table', 'static growth', '--part', '1000', '--out', file]
  await runBench({ MICROREST: FINDS_NOTHING }, ...args)
  const [run] = JSON.parse(readFileSync(file, 'utf8')).runs
  t.strictSame(run.tables['static growth'].microrest, {})
  t.match(run.wrong['static growth'].microrest['1000'], /^GET .* finds nothing$/)
})

t.test('what there is not is named, with what there is', async t => {
  await t.rejects(runBench({}, 'rutes'), /no bench 'rutes'; there are .*routes/)
  await t.rejects(runBench({}, 'routes', '--only', 'rou5'), /no contender 'rou5'; there are .*rou3/)
  await t.rejects(runBench({}, 'routes', '--table', 'tiny'), /routes has no table 'tiny'; it has small/)
})
