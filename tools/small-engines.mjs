// The script for small engines: ES5, and of that only what their parsers take.
//
// docs for the why: QuickJS takes all of ES2020, MicroQuickJS about ES5 in strict mode. esbuild cannot lower to ES5 and
// TypeScript cannot bundle, so the script goes through both.

import { build, transform } from 'esbuild'
import ts from 'typescript'

/**
 * What esbuild makes of the names of private members, the ones that end in a single `_`. Public names with an underscore
 * in front (`_route`) or on both ends (`__proto__`) are no such names; `'_ANY_'` is, and must only ever be a string.
 */
export const MANGLE_PROPS = /[^_]_$/

/**
 * The private members of classes that people extend, and of requests and responses, on which steps put what they like. One-letter names
 * would be in the way there. Keywords are in nobody's way, and engines have these names anyway: a new one would take 24 bytes of a heap.
 */
const OPEN_MEMBERS = {
  steps_: 'if', routes_: 'do', body_: 'in', names_: 'for', root_: 'new', tables_: 'var', find_: 'try', ownRun_: 'let', done_: 'else',
  match_: 'case', lists_: 'with', chunks_: 'this', listeners_: 'void', reply_: 'enum', headers_: 'null', error_: 'true', isWhole_: 'catch',
  isBare_: 'while', room_: 'super', given_: 'break',
}

/**
 * Bundle, mangle and minify a module to one ES module or, if it exports nothing, to statements.
 *
 * @param {string} entry the text of the module
 * @param {string} root absolute path that its imports are relative to
 * @param {import('esbuild').BuildOptions} options
 * @returns {Promise<string>}
 */
export async function bundleMangled(entry, root, options) {
  const { outputFiles, mangleCache } = await build({
    stdin: { contents: entry, resolveDir: root, sourcefile: 'entry.js' },
    absWorkingDir: root,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2020',
    mangleProps: MANGLE_PROPS,
    mangleCache: { ...OPEN_MEMBERS },
    legalComments: 'none',
    ...options,
  })
  for (const name in mangleCache) {
    if (!/^[a-z][a-zA-Z0-9]*_$/.test(name)) throw new Error(`${name} is no private name, but esbuild took it for one`)
  }
  return outputFiles?.[0]?.text ?? ''
}

/** The array of all that a classic script declares, by a name that nothing in there has. */
const ARRAY = '$declared'
const PUSH = ARRAY + '.push('

/** How much text goes into a part of a classic script, in characters, before it is made smaller. */
const PART_LENGTH = 12_000

/**
 * What a classic script begins with, and all that a QuickJS needs to run its bytecode where it lies, in flash: there names have numbers,
 * given in order of appearance, and this one has been given the first of them before any script is read. A QuickJS of another version
 * copies the code to its heap instead.
 */
const FIRST = 'typeof AggregateError;'

/**
 * Make one classic script of a module that exports nothing. Each of its lines is a script by itself: an engine holds all functions of a
 * script half compiled until it has read the last of them, and a host that hands over line by line needs half the memory for that.
 *
 * @param {string} entry the text of the module; `root` in it is the global object, and 'core' can be imported
 * @param {string} root absolute path that its imports are relative to
 * @param {string} core the text of the module 'core'
 * @returns {Promise<string>}
 */
export async function buildClassicScript(entry, root, core) {
  // Syntax is minified already here, because esbuild replaces a `const` by its value, but not a `var`.
  const modern = await bundleMangled(entry, root, { minifySyntax: true, plugins: [provide('core', core)] })
  const statements = keepInArray(printAt(ts.ScriptTarget.ES5, modern))
  /** @type {string[]} */
  const parts = []
  let before = ''
  for (const statement of statements) {
    const part = parts.pop() ?? ''
    // (Functions and constants in a row are pushed at once.)
    const isNextInRow = part && before.startsWith(PUSH) && statement.startsWith(PUSH)
    const text = isNextInRow ? part.slice(0, -2) + ',' + statement.slice(PUSH.length) : part + statement
    before = statement
    if (text.length < PART_LENGTH) parts.push(text + '\n')
    else parts.push(part, statement + '\n')
  }
  // What is declared is handed from part to part as what will be microrest in the end.
  parts[0] = `var ${ARRAY} = root.microrest = []\n${parts[0] ?? ''}`
  parts[parts.length - 1] += "if (typeof module == 'object') module.exports = root.microrest"
  const lines = await Promise.all(parts.map(async (part, ix) => {
    // Not esbuild's --global-name: its helper does not run on MicroQuickJS. Not plain globalThis: older engines lack it.
    /** @type {[name: string, value: string][]} */
    const given = []
    if (ix > 0) given.push([ARRAY, 'microrest'])
    if (/\broot\b/.test(part)) given.push(['root', "typeof globalThis == 'object' ? globalThis : this"])
    const script = `(function (${given.map(([name]) => name)}) {
      'use strict'
      ${part}
    })(${given.map(([, value]) => value)})`
    const { code } = await transform(script, { minify: true, target: 'es5', legalComments: 'none' })
    return code
  }))
  return FIRST + lines.join('')
}

/**
 * Keep what a script declares at its top level in one array: `function f() {}` and `f(1)` become `$declared.push(function () {})` and
 * `$declared[0](1)`.
 *
 * To QuickJS a function is then a value without a name, and knows one variable, the array. Else each of them would have a name to
 * be kept, a variable on the heap (40 bytes), and in every other function that calls it, or has one inside that does, a reference
 * (12 bytes): a fifth of what the script takes. The price are two instructions of its bytecode for each call.
 *
 * A function that is called by its name alone would see the array as its `this`: one that looks is refused.
 *
 * @param {string} code ES5
 * @returns {string[]} statements
 */
function keepInArray(code) {
  const file = ts.createSourceFile('script.js', code, ts.ScriptTarget.ES5, true)
  const host = { ...ts.createCompilerHost({}), getSourceFile: () => file }
  const checker = ts.createProgram(['script.js'], { allowJs: true, noLib: true, noResolve: true, types: [] }, host).getTypeChecker()

  /** @type {Map<ts.Symbol | undefined, number>} */
  const indexes = new Map()
  const symbolOf = (/** @type {ts.Identifier} */ name) => (
    ts.isShorthandPropertyAssignment(name.parent) ? checker.getShorthandAssignmentValueSymbol(name.parent) : checker.getSymbolAtLocation(name)
  )
  const add = (/** @type {ts.Node | undefined} */ name) => {
    if (!name || !ts.isIdentifier(name)) throw new Error('a declaration without a name')
    const symbol = symbolOf(name)
    if (!indexes.has(symbol)) indexes.set(symbol, indexes.size)
  }
  const variables = file.statements.filter(ts.isVariableStatement).flatMap((statement) => [...statement.declarationList.declarations])
  const { counts, assigned } = countUses(file, symbolOf)
  const countOf = (/** @type {Declared} */ { name }) => counts.get(name && ts.isIdentifier(name) ? symbolOf(name) : undefined) ?? 0
  const isFunction = (/** @type {ts.VariableDeclaration} */ { name, initializer }) => (
    initializer && ts.isFunctionExpression(initializer) && ts.isIdentifier(name) && !assigned.has(symbolOf(name))
  )
  // Functions first, as they are there before all else; and of these those that are used most, for their numbers to be short.
  const functions = [...file.statements.filter(ts.isFunctionDeclaration), ...variables.filter(isFunction)].sort((a, b) => countOf(b) - countOf(a))
  for (const { name } of [...functions, ...variables]) add(name)

  /** True if a function looks at its `this`. @param {ts.Node} node @returns {boolean} */
  const looks = (node) => node.kind === ts.SyntaxKind.ThisKeyword ||
    Boolean(ts.forEachChild(node, (child) => (ts.isFunctionLike(child) && !ts.isArrowFunction(child) ? false : looks(child))))

  const { factory } = ts
  const own = factory.createIdentifier(ARRAY)
  /** @type {ts.TransformerFactory<ts.SourceFile>} */
  const transformer = (context) => {
    /** @type {ts.Visitor} */
    const visit = (node) => {
      if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
        const called = symbolOf(node.expression)?.valueDeclaration
        const made = called && ts.isVariableDeclaration(called) ? called.initializer : called
        if (made && indexes.has(symbolOf(node.expression)) && ts.isFunctionLike(made) && looks(made)) {
          throw new Error(`${node.expression.text} looks at its this, and is called without one`)
        }
      }
      if (ts.isIdentifier(node)) {
        const isMember = (ts.isPropertyAccessExpression(node.parent) || ts.isPropertyAssignment(node.parent)) && node.parent.name === node
        const index = isMember ? undefined : indexes.get(symbolOf(node))
        return index === undefined ? node : factory.createElementAccessExpression(own, index)
      }
      return ts.visitEachChild(node, visit, context)
    }
    const visitAll = (/** @type {ts.Node} */ node) => ts.visitEachChild(node, visit, context)
    const asFunction = (/** @type {Declared} */ declared) => {
      const made = ts.isVariableDeclaration(declared) ? /** @type {ts.FunctionExpression} */ (declared.initializer) : declared
      const { parameters, body } = /** @type {ts.FunctionDeclaration | ts.FunctionExpression} */ (visitAll(made))
      return factory.createFunctionExpression(undefined, undefined, undefined, undefined, parameters, undefined, /** @type {ts.Block} */ (body))
    }
    const push = (/** @type {ts.Expression} */ value) => (
      factory.createExpressionStatement(factory.createCallExpression(factory.createPropertyAccessExpression(own, 'push'), undefined, [value]))
    )
    return () => {
      const first = functions.map((declared) => push(asFunction(declared)))
      const rest = file.statements.flatMap((statement) => {
        if (ts.isFunctionDeclaration(statement)) return []
        if (!ts.isVariableStatement(statement)) return /** @type {ts.Statement} */ (visit(statement))
        return statement.declarationList.declarations.flatMap((declared) => {
          if (functions.includes(declared)) return []
          // (What is undefined as well: to an engine an array with a hole is a table.)
          const { name, initializer = factory.createVoidZero() } = declared
          if (isConstant(initializer)) return push(initializer)
          const target = /** @type {ts.Expression} */ (visit(name))
          return factory.createExpressionStatement(factory.createAssignment(target, /** @type {ts.Expression} */ (visit(initializer))))
        })
      })
      return factory.updateSourceFile(file, [...first, ...rest])
    }
  }
  const { transformed: [moved] } = ts.transform(file, [transformer])
  const printer = ts.createPrinter()
  return moved?.statements.map((statement) => printer.printNode(ts.EmitHint.Unspecified, statement, file).replace(/;$/, '')) ?? []
}

/** True for what needs nothing else to be there already. @param {ts.Expression} value */
function isConstant(value) {
  return ts.isLiteralExpression(value) || ts.isVoidExpression(value) || value.kind === ts.SyntaxKind.NullKeyword ||
    (ts.isArrayLiteralExpression(value) && !value.elements.length)
}

/** @typedef {ts.FunctionDeclaration | ts.VariableDeclaration} Declared */

/**
 * How often each name is used, and which names are assigned to.
 *
 * @param {ts.SourceFile} file
 * @param {(name: ts.Identifier) => ts.Symbol | undefined} symbolOf
 */
function countUses(file, symbolOf) {
  /** @type {Map<ts.Symbol | undefined, number>} */
  const counts = new Map()
  /** @type {Set<ts.Symbol | undefined>} */
  const assigned = new Set()
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isIdentifier(node)) {
      const symbol = symbolOf(node)
      counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
      if (ts.isBinaryExpression(node.parent) && node.parent.left === node && node.parent.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
        assigned.add(symbol)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(file)
  return { counts, assigned }
}

/**
 * Let esbuild import a module that is no file.
 *
 * @param {string} name
 * @param {string} contents
 * @returns {import('esbuild').Plugin}
 */
function provide(name, contents) {
  return {
    name: 'provide',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: 'provided' }))
      onLoad({ filter: /.*/, namespace: 'provided' }, () => ({ contents }))
    },
  }
}

/**
 * Say what a small engine would not take.
 *
 * @param {string} script
 * @returns {string[]} one line for each trouble; empty when all is well
 */
export function findTrouble(script) {
  /** @type {string[]} */
  const found = []
  const file = ts.createSourceFile('script.js', script, ts.ScriptTarget.ESNext, true)
  const report = (/** @type {string} */ what, /** @type {ts.Node} */ node) => {
    found.push(`${what}: ${node.getText().slice(0, 60)}`)
  }
  if (/[^\0-\x7f]/.test(script)) found.push('a character outside of ASCII')
  if (printAt(ts.ScriptTarget.ES5, script) !== printAt(ts.ScriptTarget.ESNext, script)) found.push('syntax that is newer than ES5')

  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isOmittedExpression(node)) report('an array hole', node.parent)
    if (ts.isCallOrNewExpression(node) && node.arguments?.hasTrailingComma) report('a trailing comma in a call', node)
    if (ts.isFunctionDeclaration(node) && ts.isBlock(node.parent) && !ts.isFunctionLike(node.parent.parent)) {
      report('a function declaration in a block', node)
    }
    if (ts.isRegularExpressionLiteral(node) && /\(\?<|\\p|\/[gim]*[^gim/]+$/i.test(node.text)) report('a newer regular expression', node)
    if (ts.isCallExpression(node) && node.expression.getText() === 'eval') report('direct eval', node)
    if (ts.isIdentifier(node) && /^__(?!proto__$)/.test(node.text)) report('a helper of a compiler', node.parent)
    if (ts.isFunctionLike(node)) for (const name of catchNamesTakenTwice(node)) report(`the catch variable ${name} is taken`, node)
    ts.forEachChild(node, visit)
  }
  visit(file)
  return found
}

/**
 * MicroQuickJS puts a catch variable among the names of its function, so it must differ from all the others there.
 *
 * @param {ts.Node} scope a function
 */
function catchNamesTakenTwice(scope) {
  /** @type {string[]} */
  const catches = []
  /** @type {Set<string>} */
  const others = new Set()
  /** @param {ts.Node} node */
  const visit = (node) => {
    if (ts.isParameter(node)) others.add(node.name.getText())
    if (ts.isVariableDeclaration(node)) {
      if (ts.isCatchClause(node.parent)) catches.push(node.name.getText())
      else others.add(node.name.getText())
    }
    if (ts.isFunctionDeclaration(node) && node.name) others.add(node.name.text)
    if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit)
  }
  ts.forEachChild(scope, visit)
  return catches.filter((name, ix) => others.has(name) || catches.indexOf(name) !== ix)
}

/**
 * @param {ts.ScriptTarget} target
 * @param {string} code
 */
function printAt(target, code) {
  const compilerOptions = { target, module: ts.ModuleKind.ESNext, alwaysStrict: false, newLine: ts.NewLineKind.LineFeed }
  return ts.transpileModule(code, { compilerOptions, fileName: 'script.js' }).outputText
}
