// toFetch and fromFetch in a service worker of a real browser: the app of ../fixtures/fetch/app.ts, asked by a page.

import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import type { Page } from 'playwright-core'
import t from 'tap'
import { ROOT } from '../../tools/project.mjs'
import { openPage, withBrowser } from '../fixtures/browser.ts'
import { PIECE_BYTES } from '../fixtures/fetch/app.ts'
import { CASES } from '../fixtures/fetch/cases.ts'
import type { perform as Perform } from '../fixtures/fetch/cases.ts'
import { check } from '../fixtures/fetch/check.ts'
import { bundle, lineReader } from '../fixtures/fetch/runtimes.ts'

/** More than there is room for on the way between a worker and a page: of an answer that nobody reads Chromium takes 55 MiB. */
const MAX_ON_THE_WAY_BYTES = 64 << 20

/** What of the requests may still be in memory: those that a test has left open, and the last ones. */
const MAX_REQUESTS_LEFT = 100

/** A page that has a service worker answer it. */
const PAGE = `<!doctype html><meta charset="utf-8"><script type="module">
  const { serviceWorker } = navigator
  const controlled = new Promise((resolve) => serviceWorker.addEventListener('controllerchange', resolve))
  globalThis.served = serviceWorker.register('/service-worker.js', { type: 'module' }).then(() => serviceWorker.controller ?? controlled)
</script>`

// In the page, and in the worker.
declare const perform: typeof Perform
declare const countRequests: () => Promise<number>
declare let kept: unknown

/** Ask in the page. */
const ask = (page: Page, path: string): Promise<string> => page.evaluate(async (path) => (await fetch(path)).text(), path)

t.test('a service worker', withBrowser, async t => {
  const files: { [path: string]: string } = {
    '/': PAGE + '<script type="module" src="/page.js"></script>',
    '/page.js': await bundle('page.ts'),
    '/service-worker.js': await bundle('service-worker.ts'),
  }
  const page = await openPage(t, (path) => files[path])
  const context = page.context()
  await page.evaluate('served')
  const worker = context.serviceWorkers()[0] ?? await context.waitForEvent('serviceworker')
  const printout = new PassThrough()
  const { printed } = lineReader(printout)
  worker.on('console', (message) => printout.write(message.text() + '\n'))

  t.test('answers as all runtimes do', async t => {
    for (const one of CASES.filter(({ onWire }) => !onWire)) {
      check(t, 'Chromium', one, await page.evaluate((one) => perform(fetch, '', one), one))
    }
  })

  t.test('answers who goes there, and who sends a form', async t => {
    const visitor = await context.newPage()
    const answer = await visitor.goto(new URL('/users/7?a=b', page.url()).href)
    t.ok(answer!.fromServiceWorker())
    t.equal(await answer!.text(), '{"id":"7","query":{"a":"b"}}')

    await visitor.goto(page.url())
    await visitor.setContent('<form method="post" action="/echo"><input name="a" value="é"><button>send</button></form>')
    await visitor.click('button')
    await visitor.waitForURL('**/echo')
    t.equal(await visitor.textContent('body'), 'a=%C3%A9')
    await visitor.close()
  })

  t.test('sends the browser elsewhere', async t => {
    const found = await page.evaluate(async () => {
      const answer = await fetch('/moved/hello')
      return { url: answer.url, redirected: answer.redirected, text: await answer.text() }
    })
    t.strictSame(found, { url: new URL('/hello', page.url()).href, redirected: true, text: 'hi' })
  })

  t.test('begins an answer with its first piece, while the body is still coming', async t => {
    const pieces = await page.evaluate(async () => {
      const { readable, writable } = new TextEncoderStream()
      const writer = writable.getWriter()
      const answering = fetch('/upper', { method: 'POST', body: readable, duplex: 'half' })
      void writer.write('a')
      const reader = (await answering).body!.pipeThrough(new TextDecoderStream()).getReader()
      const first = await reader.read()
      void writer.write('b')
      const second = await reader.read()
      void writer.close()
      return [first.value, second.value, (await reader.read()).done]
    })
    t.strictSame(pieces, ['A', 'B', true])
  })

  t.test('writes an answer no faster than the page takes it', async t => {
    const { written, taken } = await page.evaluate(async (max) => {
      const { body } = await fetch('/endless/unread')
      let written = -1
      // Until it no longer changes.
      for (let same = 0; same < 100; same++) {
        const now = await (await fetch('/written')).json() as { written: number }
        if (now.written !== written) same = 0
        written = now.written
      }
      const reader = body!.getReader()
      let taken = 0
      while (taken < max) taken += (await reader.read()).value!.length
      await reader.cancel()
      return { written, taken }
    }, MAX_ON_THE_WAY_BYTES)
    t.ok(written < MAX_ON_THE_WAY_BYTES, `${written} bytes, and the page has read none`)
    t.ok(taken >= MAX_ON_THE_WAY_BYTES, 'the page reads, and there is more')
    await printed(/^\/endless\/unread closed/)
  })

  t.test('reads a body no faster than a step takes it', async t => {
    const reading = printed(/^paused/)
    await page.evaluate((size) => {
      const counts = { sent: 0 }
      const body = new ReadableStream({
        pull(controller) {
          counts.sent += size
          controller.enqueue(new Uint8Array(size))
        },
      })
      const left = new AbortController()
      fetch('/paused', { method: 'POST', body, duplex: 'half', signal: left.signal }).catch(() => {})
      Object.assign(globalThis, { kept: { counts, left } })
    }, PIECE_BYTES)
    await reading
    const sent = await page.evaluate(async () => {
      const { counts, left } = kept as { counts: { sent: number }; left: AbortController }
      let sent = -1
      for (let same = 0; same < 100; same++) {
        await (await fetch('/hello')).text()
        if (counts.sent !== sent) same = 0
        sent = counts.sent
      }
      left.abort()
      return sent
    })
    t.ok(sent < MAX_ON_THE_WAY_BYTES, `${sent} bytes, and nobody has taken them`)
  })

  t.test('a body that breaks off is a 400 to who reads it', async t => {
    const status = page.evaluate(async () => {
      let breakOff = () => {}
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new Uint8Array(3))
          breakOff = () => controller.error(new Error('broken off'))
        },
      })
      const answering = fetch('/broken', { method: 'POST', body, duplex: 'half' })
      Object.assign(globalThis, { kept: breakOff })
      return (await answering).status
    })
    await printed(/^\/broken begun/)
    await page.evaluate('kept()')
    t.equal(await printed(/^\/broken ended/), '/broken ended with 400')
    t.equal(await status, 400)
  })

  t.test('a page that leaves while it is answered closes the answer', async t => {
    for (const [name, leave] of [
      ['by cancelling', (visitor: Page) => visitor.evaluate('kept.reader.cancel()')],
      ['by aborting', (visitor: Page) => visitor.evaluate('kept.left.abort()')],
      ['by going on', (visitor: Page) => visitor.goto('about:blank')],
      ['by closing', (visitor: Page) => visitor.close()],
    ] as const) {
      const visitor = await context.newPage()
      await visitor.goto(page.url())
      const first = await visitor.evaluate(async () => {
        const left = new AbortController()
        const reader = (await fetch('/endless/left', { signal: left.signal })).body!.getReader()
        Object.assign(globalThis, { kept: { reader, left } })
        return (await reader.read()).value!.length
      })
      t.ok(first > 0)
      await leave(visitor)
      await printed(/^\/endless\/left closed/)
      t.ok(await printed(/^post \/endless\/left/), `${name}: post steps run`)
      await visitor.close()
    }
  })

  t.test('a page that leaves before the answer has an error for it, and others are answered', async t => {
    const left = page.evaluate(async () => {
      const leaving = new AbortController()
      Object.assign(globalThis, { kept: leaving })
      return fetch('/never', { signal: leaving.signal }).then(String, (err) => err.name)
    })
    await printed(/^\/never begun/)
    await page.evaluate('kept.abort()')
    t.equal(await left, 'AbortError')
    t.equal(await ask(page, '/hello'), 'hi')
  })

  t.test('cookies stay between the browser and its servers', async t => {
    await context.addCookies([{ name: 'mine', value: '1', url: page.url() }])
    t.equal(await ask(page, '/header/cookie'), 'undefined', 'the app sees none')
    t.equal(await ask(page, '/cookies'), 'two')
    t.equal(await ask(page, '/fetch/'), 'GET /fetch/ ')
    t.strictSame((await context.cookies()).map(({ name }) => name), ['mine'], 'and sets none')
  })

  t.test('the client has no address', async t => {
    t.equal(await ask(page, '/client'), 'undefined')
  })

  t.test('what goes on after the answer is waited for', async t => {
    t.equal(await ask(page, '/later'), 'now')
    t.ok(await printed(/^later/))
  })

  t.test('500 requests at once are all answered, each by its own answer', async t => {
    const ids = Array.from({ length: 500 }, (_none, id) => String(id))
    const answers = await page.evaluate((ids) => Promise.all(ids.map(async (id) => (await fetch('/users/' + id)).json())), ids)
    t.strictSame(answers, ids.map((id) => ({ id, query: {} })))
  })

  t.test('10,000 requests one after another are all answered, and leave nothing behind', async t => {
    const count = await page.evaluate(async () => {
      let answered = 0
      for (let ix = 0; ix < 10_000; ix++) if (await (await fetch('/hello')).text() === 'hi') answered++
      return answered
    })
    t.equal(count, 10_000)
    const left = await worker.evaluate(() => countRequests())
    t.ok(left < MAX_REQUESTS_LEFT, `${left} are still there`)
  })

  t.test('a worker that the browser has stopped begins anew with the next request', async t => {
    const stopped = worker.evaluate(() => new Promise(() => {})).catch(() => 'stopped')
    const session = await context.newCDPSession(page)
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
    t.equal(await stopped, 'stopped')
    t.equal(await ask(page, '/written'), '{"written":0}', 'it has forgotten what it knew')
  })
})

t.test('the example answers a page', withBrowser, async t => {
  const page = await openPage(t, (url) => {
    if (url === '/') return PAGE
    const file = path.join(ROOT, url === '/service-worker.js' ? 'examples' : '', url)
    return existsSync(file) ? readFileSync(file, 'utf8') : undefined
  })
  await page.evaluate('served')
  const saved = await page.evaluate(async () => (await fetch('/api/notes/7', { method: 'PUT', body: '{"text":"é"}' })).json())
  t.strictSame(saved, { saved: '7' })
  t.strictSame(JSON.parse(await ask(page, '/api/notes/7')), { text: 'é' })
})
