// One file copied into an empty folder, or into a context that has nothing but the language.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import vm from 'node:vm'
import t from 'tap'
import { ANSWERS, DIST, EXERCISE, SMALL_ANSWERS, makeFolder, run } from './fixtures/helpers.ts'

const RUN_EXERCISE = `
  ;(0, eval)(require('node:fs').readFileSync('exercise.js', 'utf8'))
  console.log(JSON.stringify(exercise(rest)))`

for (const name of ['microrest.js', 'microrest.min.js']) {
  t.test(`${name} alone in a folder can be imported`, async t => {
    const folder = makeFolder(t, {
      [name.replace('.js', '.mjs')]: path.join(DIST, name),
      'exercise.js': EXERCISE,
      'main.mjs': `
        import { createRequire } from 'node:module'
        import * as all from './${name.replace('.js', '.mjs')}'
        const require = createRequire(import.meta.url)
        const rest = Object.assign(all.default, all)
        ${RUN_EXERCISE}`,
    })
    const { stdout, stderr } = await run(folder, 'main.mjs')
    t.strictSame([JSON.parse(stdout), stderr], [ANSWERS, ''])
  })

  t.test(`${name} runs where there is no host at all`, async t => {
    const folder = makeFolder(t, { 'bare-module.mjs': path.join(path.dirname(EXERCISE), 'bare-module.mjs') })
    const { stdout } = await run(folder, '--experimental-vm-modules', '--no-warnings', 'bare-module.mjs', path.join(DIST, name), EXERCISE)
    t.strictSame(JSON.parse(stdout), ANSWERS)
  })
}

t.test('router.js and mw.js work alone in a folder', async t => {
  for (const [name, test] of [['router', 'new module.default().routes().length === 0'], ['mw', "module.parseQuery('a=b').a === 'b'"]] as const) {
    const folder = makeFolder(t, {
      [`${name}.mjs`]: path.join(DIST, `${name}.js`),
      'main.mjs': `import * as module from './${name}.mjs'; console.log(${test})`,
    })
    t.equal((await run(folder, 'main.mjs')).stdout, 'true\n', name)
  }
})

for (const [name, answers] of [['microrest.es5.js', ANSWERS], ['microrest.nano.es5.js', SMALL_ANSWERS]] as const) {
  t.test(`${name} alone in a folder can be required`, async t => {
    const folder = makeFolder(t, {
      [name]: path.join(DIST, name),
      'exercise.js': EXERCISE,
      'main.js': `const rest = require('./${name}'); ${RUN_EXERCISE}; if (globalThis.microrest !== rest) throw 'no global'`,
    })
    const { stdout, stderr } = await run(folder, 'main.js')
    t.strictSame([JSON.parse(stdout), stderr], [answers, ''])
  })

  t.test(`${name} is a classic script for engines that have ES5 alone, and leaves one global`, async t => {
    const context = makeES5Context()
    const before = Object.getOwnPropertyNames(context)
    vm.runInContext(readFileSync(path.join(DIST, name), 'utf8'), context)
    t.strictSame(Object.getOwnPropertyNames(context).filter(key => !before.includes(key)), ['microrest'])

    vm.runInContext(readFileSync(EXERCISE, 'utf8'), context)
    t.strictSame(vm.runInContext('JSON.stringify(exercise(microrest))', context), JSON.stringify(answers))
  })
}

t.test('the classic script is in shape what require gives', async t => {
  const context = makeES5Context()
  vm.runInContext(readFileSync(path.join(DIST, 'microrest.es5.js'), 'utf8'), context)
  const all = await import(path.join(DIST, 'microrest.js'))
  const keys = (value: object) => Object.keys(value).filter(key => key !== 'default').sort()
  t.strictSame(keys(context.microrest).filter(key => key in all), keys(all))
  t.strictSame(keys(context.microrest.mw), keys(all.mw))
})

/** A context whose library has been cut down to that of ES5. */
function makeES5Context(): vm.Context {
  const context = vm.createContext(Object.create(null))
  vm.runInContext(`
    (function (global) {
      var kept = {
        Array: 'concat every filter forEach indexOf join lastIndexOf map pop push reduce reduceRight reverse shift slice some sort splice toLocaleString toString unshift',
        String: 'charAt charCodeAt concat indexOf lastIndexOf localeCompare match replace search slice split substring toLowerCase toString toUpperCase trim valueOf',
        Object: 'hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf',
        Function: 'apply bind call toString',
        Number: 'toExponential toFixed toPrecision toString valueOf'
      }
      var statics = {
        Array: 'isArray',
        String: 'fromCharCode',
        Object: 'create defineProperties defineProperty freeze getOwnPropertyDescriptor getOwnPropertyNames getPrototypeOf isExtensible isFrozen isSealed keys preventExtensions seal',
        Function: '',
        Number: 'MAX_VALUE MIN_VALUE NaN NEGATIVE_INFINITY POSITIVE_INFINITY'
      }
      var globals = 'Array Boolean Date Error EvalError Function Infinity JSON Math NaN Number Object RangeError ReferenceError RegExp String ' +
        'SyntaxError TypeError URIError Uint8Array decodeURI decodeURIComponent encodeURI encodeURIComponent eval isFinite isNaN parseFloat parseInt undefined'
      var keepOnly = function (object, names) {
        names = names.split(' ').concat('length', 'name', 'prototype', 'constructor', 'arguments', 'caller')
        Reflect.ownKeys(object).forEach(function (key) { if (names.indexOf(key) < 0) delete object[key] })
      }
      for (var name in kept) {
        keepOnly(global[name].prototype, kept[name])
        keepOnly(global[name], statics[name])
      }
      keepOnly(global, globals)
    })(this)`.replace('Reflect.ownKeys(object)', 'ownKeys(object)').replace('(function (global) {', '(function (global) { var ownKeys = Reflect.ownKeys;'), context)
  return context
}
