// The built files in a real browser: `<script type=module>` and a classic `<script>`.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { askPage, withBrowser } from '../fixtures/browser.ts'
import { ANSWERS, DIST, EXERCISE, SMALL_ANSWERS } from './fixtures/helpers.ts'

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

t.test('a page runs every script', withBrowser, async t => {
  const report = await askPage(t, url => {
    const name = path.basename(url)
    return name.endsWith('.js') ? readFileSync(name === 'exercise.js' ? EXERCISE : path.join(DIST, name), 'utf8') : PAGE
  })
  t.strictSame(report, { module: ANSWERS, minified: ANSWERS, classic: ANSWERS, nano: SMALL_ANSWERS })
})
