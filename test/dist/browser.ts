// The built files in a real browser: `<script type=module>` and a classic `<script>`.
//
// Debian's chromium, or another one on the PATH; skipped where there is none. The page tells us itself what it found, so no
// driver is needed.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import t from 'tap'
import { ANSWERS, DIST, EXERCISE, SMALL_ANSWERS, makeFolder } from './fixtures/helpers.ts'

const PAGE = `<!doctype html>
<script src="/exercise.js"></script>
<script src="/microrest.es5.js"></script>
<script>const classic = exercise(microrest)</script>
<script src="/microrest.nano.es5.js"></script>
<script>const nano = exercise(microrest)</script>
<script type="module">
  import * as all from '/microrest.js'
  import * as minified from '/microrest.min.js'
  const rest = (namespace) => Object.assign(namespace.default, namespace)
  const report = { module: exercise(rest(all)), minified: exercise(rest(minified)), classic, nano }
  fetch('/report', { method: 'POST', body: JSON.stringify(report) })
</script>
<script>addEventListener('error', (event) => fetch('/report', { method: 'POST', body: JSON.stringify(event.message) }))</script>
`

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']
const browser = (process.env.PATH ?? '').split(path.delimiter).flatMap(dir => NAMES.map(name => path.join(dir, name))).find(existsSync)

/** Chromium without a screen, a sandbox (which root may not have) or anything that talks to the network by itself. */
function openBrowser(executable: string, url: string, profile: string): ChildProcess {
  return spawn(executable, [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-sync',
    '--disable-background-networking', '--disable-component-update', '--disable-extensions', `--user-data-dir=${profile}`, url,
  ], { stdio: 'ignore', detached: true, env: { ...process.env, TMPDIR: profile } })
}

t.test('a page runs every script', { skip: browser ? false : 'no chromium on the PATH' }, async t => {
  let onReport: (report: string) => void = () => {}
  const reported = new Promise<string>(resolve => { onReport = resolve })

  const server = http.createServer((req, res) => {
    if (req.method === 'POST') {
      const chunks: Buffer[] = []
      req.on('data', chunk => chunks.push(chunk)).on('end', () => {
        onReport(Buffer.concat(chunks).toString())
        res.end()
      })
      return
    }
    const name = path.basename(req.url ?? '')
    const file = name === 'exercise.js' ? EXERCISE : path.join(DIST, name)
    res.setHeader('content-type', name.endsWith('.js') ? 'text/javascript' : 'text/html')
    res.end(name.endsWith('.js') ? readFileSync(file) : PAGE)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const chromium = openBrowser(browser!, `http://127.0.0.1:${port}/`, makeFolder(t))
  t.teardown(async () => {
    // The whole group, and at once: what is left of a browser would go on writing into the folder that is to be removed.
    if (chromium.pid && chromium.exitCode === null) {
      process.kill(-chromium.pid, 'SIGKILL')
      await new Promise(resolve => chromium.once('exit', resolve))
    }
    server.closeAllConnections()
    server.close()
  })
  const failed = new Promise<never>((_resolve, reject) => {
    chromium.once('error', reject)
    chromium.once('exit', code => reject(new Error(`the browser left early, with ${code}`)))
  })

  t.strictSame(JSON.parse(await Promise.race([reported, failed])), {
    module: ANSWERS, minified: ANSWERS, classic: ANSWERS, nano: SMALL_ANSWERS,
  })
})
