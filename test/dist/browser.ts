// The built files in a real browser: `<script type=module>` and a classic `<script>`, in a page that lets no code be made of text.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import t from 'tap'
import { openPage, withBrowser } from '../fixtures/browser.ts'
import { ANSWERS, DIST, EXERCISE, SMALL_ANSWERS } from './fixtures/helpers.ts'

const PAGE = `<!doctype html>
<meta http-equiv="content-security-policy" content="default-src 'self' 'unsafe-inline'">
<script src="/exercise.js"></script>
<script src="/microrest.es5.js"></script>
<script>const classic = exercise(microrest)</script>
<script src="/microrest.nano.es5.js"></script>
<script>const nano = exercise(microrest)</script>
<script type="module">
  import * as all from '/microrest.js'
  import * as minified from '/microrest.min.js'
  const rest = (namespace) => Object.assign(namespace.default, namespace)
  let evaluated
  try {
    evaluated = eval('1')
  } catch (err) {
    evaluated = err.name
  }
  globalThis.report = { evaluated, module: exercise(rest(all)), minified: exercise(rest(minified)), classic, nano }
</script>
`

t.test('a page runs every script', withBrowser, async t => {
  const page = await openPage(t, url => {
    const name = path.basename(url)
    return name.endsWith('.js') ? readFileSync(name === 'exercise.js' ? EXERCISE : path.join(DIST, name), 'utf8') : PAGE
  })
  t.strictSame(await page.evaluate('report'), {
    evaluated: 'EvalError', module: ANSWERS, minified: ANSWERS, classic: ANSWERS, nano: SMALL_ANSWERS,
  })
})
