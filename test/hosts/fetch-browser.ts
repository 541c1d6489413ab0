// toFetch and fromFetch in a service worker of a real browser: the app of ../fixtures/fetch/app.ts, asked by a page.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { askPage, withBrowser } from '../fixtures/browser.ts'
import { PIECE_BYTES } from '../fixtures/fetch/app.ts'
import { CASES } from '../fixtures/fetch/cases.ts'
import { check } from '../fixtures/fetch/check.ts'
import type { Report } from '../fixtures/fetch/page.ts'
import { bundle } from '../fixtures/fetch/runtimes.ts'

t.test('a service worker', withBrowser, async t => {
  const files: { [path: string]: string } = {
    '/': '<!doctype html><script type="module" src="/page.js"></script>',
    '/page.js': await bundle('page.ts'),
    '/service-worker.js': await bundle('service-worker.ts'),
  }
  const { answers, told, first, ...others } = await askPage(t, (path) => files[path] ?? '') as Report
  t.strictSame(others, {}, 'nothing failed')

  t.test('answers as all runtimes do', async t => {
    const cases = CASES.filter(({ onWire }) => !onWire)
    t.equal(answers.length, cases.length)
    for (const [ix, one] of cases.entries()) check(t, 'Chromium', one, answers[ix]!)
  })

  t.test('begins an answer with its first piece, and closes it when the page leaves', async t => {
    t.equal(first, PIECE_BYTES)
    t.strictSame(told, ['now', 'later', '/endless/left closed', 'post /endless/left'])
  })
})

t.test('the example answers a page', withBrowser, async t => {
  const page = `<!doctype html><meta charset="utf-8"><script type="module">
    const controlled = new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve))
    await navigator.serviceWorker.register('/service-worker.js', { type: 'module' })
    if (!navigator.serviceWorker.controller) await controlled
    const saved = await (await fetch('/api/notes/7', { method: 'PUT', body: '{"text":"é"}' })).json()
    const note = await (await fetch('/api/notes/7')).json()
    fetch('/report', { method: 'POST', body: JSON.stringify({ saved, note }) })
  </script>`
  const report = await askPage(t, (url) => {
    if (!url.endsWith('.js')) return page
    return readFileSync(path.join(ROOT, url === '/service-worker.js' ? 'examples' : '', url), 'utf8')
  })
  t.strictSame(report, { saved: { saved: '7' }, note: { text: 'é' } })
})
