// The package as npm installs it, from both kinds of modules.

import t from 'tap'
import { ANSWERS, EXERCISE, installPackage, run } from './fixtures/helpers.ts'

// A whole server, asked over a socket.
const SERVE = `
  const app = rest()
  app.get('/hello', (req, res) => { res.end('hi') })
  app.listen(0, (err, info) => {
    if (err) throw err
    fetch('http://127.0.0.1:' + info.port + '/hello').then((res) => res.text()).then((text) => {
      console.log(text)
      app.close()
    })
  })`

t.test('the installed package', async t => {
  const folder = installPackage(t, { 'exercise.js': EXERCISE, 'package.json': '{}' })

  const evaluate = async (kind: 'commonjs' | 'module', code: string) => {
    const { stdout, stderr } = await run(folder, `--input-type=${kind}`, '--eval', code)
    t.equal(stderr, '', 'nothing is printed as a warning')
    return stdout.trim()
  }
  const exercise = "require('node:vm').runInThisContext(require('node:fs').readFileSync('exercise.js', 'utf8'));"

  t.test("require('microrest') gives the function, with everything as its properties", async t => {
    t.equal(await evaluate('commonjs', `const rest = require('microrest'); ${SERVE}`), 'hi')
    t.strictSame(JSON.parse(await evaluate('commonjs', `${exercise} console.log(JSON.stringify(exercise(require('microrest'))))`)), ANSWERS)
    t.equal(await evaluate('commonjs', `
      const rest = require('microrest')
      const names = 'createServer createHandler Rest NanoRouter Router HttpError readBody sendResponse reportError'
      console.log(typeof rest, names.split(' ').map((name) => typeof rest[name]).join(), typeof rest.mw.parseQuery)`),
    `function ${Array(9).fill('function').join()} function`)
  })

  t.test("import 'microrest' gives the same function, not a second copy", async t => {
    t.equal(await evaluate('module', `import rest from 'microrest'; ${SERVE}`), 'hi')
    t.equal(await evaluate('module', `
      import { createRequire } from 'node:module'
      import rest, { Router, mw, HttpError } from 'microrest'
      const required = createRequire(process.cwd() + '/')('microrest')
      console.log(required === rest, required.Router === Router, required.mw === mw, required.HttpError === HttpError)`),
    'true true true true')
  })

  t.test("'microrest/router' is the class", async t => {
    t.equal(await evaluate('commonjs', "console.log(new (require('microrest/router'))().getRoute('use'))"), '[]')
    t.equal(await evaluate('module', "import Router, { Router as Same } from 'microrest/router'; console.log(new Router().getRoute('use'), Router === Same)"), '[] true')
  })

  t.test("'microrest/mw' is the helpers", async t => {
    t.equal(await evaluate('commonjs', "console.log(require('microrest/mw').parseQuery('a=b').a)"), 'b')
    t.equal(await evaluate('module', "import { parseQuery } from 'microrest/mw'; import * as mw from 'microrest/mw'; console.log(parseQuery('a=b').a, typeof mw.warn)"), 'b function')
  })

  t.test('the minified module and package.json are there by name', async t => {
    t.equal(await evaluate('module', `import rest from 'microrest/microrest.min.js'; ${SERVE}`), 'hi')
    t.equal(await evaluate('commonjs', "console.log(require('microrest/package.json').name)"), 'microrest')
  })

  t.test('the classic scripts set their global when imported', async t => {
    t.equal(await evaluate('module', `import 'microrest/microrest.es5.js'; const rest = microrest; ${SERVE}`), 'hi')
    t.equal(await evaluate('module', `import 'microrest/microrest.nano.es5.js'; const rest = microrest; ${SERVE}`), 'hi')
  })
})
