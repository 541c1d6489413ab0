// Declaration files that stand alone: one file each, everything inlined, nothing imported.
//
// TypeScript writes a .d.ts for every source once; rollup-plugin-dts joins those that one entry needs.

import path from 'node:path'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import ts from 'typescript'

/** @type {ts.CompilerOptions} */
const COMPILER_OPTIONS = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  verbatimModuleSyntax: true,
  declaration: true,
  stripInternal: true,
  emitDeclarationOnly: true,
  skipLibCheck: true,
  types: ['node'],
  newLine: ts.NewLineKind.LineFeed,
}

/**
 * Write the declarations of each source, and of what it imports.
 *
 * @param {string} root absolute path
 * @param {string[]} sources relative to root
 * @returns {Map<string, string>} path relative to root ('router.ts') => declarations
 */
export function emitDeclarations(root, sources) {
  const declarations = new Map()
  const program = ts.createProgram(sources.map((name) => path.join(root, name)), COMPILER_OPTIONS)
  const result = program.emit(undefined, (_name, text, _bom, _onError, files) => {
    declarations.set(relative(root, files?.[0]?.fileName ?? ''), untangleProperties(text))
  })
  const errors = result.diagnostics.filter((diagnostic) => diagnostic.category === ts.DiagnosticCategory.Error)
  if (errors.length > 0) {
    throw new Error(ts.formatDiagnostics(errors, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n',
    }))
  }
  return declarations
}

/**
 * `rest.createServer = createServer` is declared as `namespace rest { var createServer: typeof import("…").createServer }`.
 * Joined into one file that would be `var createServer: typeof createServer`, which means itself: give it an alias to mean.
 *
 * @param {string} text
 */
function untangleProperties(text) {
  let aliases = ''
  const untangled = text.replace(/^( +var (\w+): typeof )(import\("[^"]+"\)\.\2);$/gm, (_all, start, name, target) => {
    aliases += `declare const _${name}: typeof ${target};\n`
    return `${start}_${name};`
  })
  return untangled + aliases
}

/**
 * The declarations for `import`: those of one entry and of everything it leans on, in one text.
 *
 * @param {Map<string, string>} declarations
 * @param {string} entry 'router.ts'
 */
export async function bundleDeclarations(declarations, entry) {
  const bundled = await rollup({
    input: entry.replace(/\.ts$/, '.d.ts'),
    plugins: [fromMemory(declarations), dts()],
    onwarn: (warning) => { throw new Error(warning.message) },
  })
  const { output } = await bundled.generate({ format: 'es' })
  return withoutPrivates(output[0].code).trim() + '\n'
}

/**
 * The same for `require`, whose answer is the default export itself with all exports as its properties (without a default
 * export: an object of all exports). Types become members of a namespace of the same name.
 *
 * @param {string} text what bundleDeclarations gave
 */
export function toExportEquals(text) {
  const file = parse(text)
  const lists = file.statements.filter((statement) => ts.isExportDeclaration(statement))
  const exported = lists.flatMap(({ exportClause }) => (exportClause && ts.isNamedExports(exportClause) ? [...exportClause.elements] : []))
  const values = []
  const aliases = []
  const types = []
  let main = ''
  const of = exported.find(({ name }) => name.text === 'default')
  const byDefault = of ? membersOf(file, (of.propertyName ?? of.name).text) : []
  for (const { name: { text: name }, propertyName } of exported) {
    const local = propertyName?.text ?? name
    const { isValue, typeParameters } = declarationsOf(file, local)
    if (name === 'default') main = `typeof ${local} & `
    // A class that were there twice would be an intersection of itself, which the compiler does not let anybody extend.
    if (isValue && !byDefault.includes(name)) values.push(`  ${name}: typeof ${local};\n`)
    if (typeParameters && name !== 'default') {
      const names = typeParameters.map((parameter) => parameter.name.text).join(', ')
      const list = typeParameters.map((parameter) => parameter.getText()).join(', ')
      aliases.push(`type exported_${name}${list && `<${list}>`} = ${local}${names && `<${names}>`};\n`)
      types.push(`  export { exported_${name} as ${name} };\n`)
    }
  }
  const rest = lists.reduceRight((all, list) => all.slice(0, list.pos) + all.slice(list.end), text).trimEnd()
  return `${rest}

${aliases.join('')}declare const exported: ${main}{
${values.join('')}};
declare namespace exported {
${types.join('')}}
${isClass(file, of) ? `type exported = ${of?.propertyName?.text};\n` : ''}export = exported;
`
}

/**
 * True if what is exported is a class, whose name is then a type too.
 *
 * @param {ts.SourceFile} file
 * @param {ts.ExportSpecifier | undefined} specifier
 */
function isClass(file, specifier) {
  return file.statements.some((node) => ts.isClassDeclaration(node) && node.name?.text === specifier?.propertyName?.text)
}

/**
 * The members of a constant, by the interface that is its type; none if it is anything else.
 *
 * @param {ts.SourceFile} file
 * @param {string} local
 */
function membersOf(file, local) {
  const constant = file.statements.filter(ts.isVariableStatement).flatMap(({ declarationList }) => [...declarationList.declarations])
    .find(({ name }) => name.getText() === local)
  const type = file.statements.filter(ts.isInterfaceDeclaration).find(({ name }) => name.text === constant?.type?.getText())
  return (type?.members ?? []).map((member) => member.name?.getText())
}

/**
 * What a name stands for at the top of a file: a value, a type (then its parameters), or both.
 *
 * @param {ts.SourceFile} file
 * @param {string} name
 */
function declarationsOf(file, name) {
  let isValue = false
  /** @type {readonly ts.TypeParameterDeclaration[] | undefined} */
  let typeParameters
  for (const node of file.statements) {
    if (ts.isVariableStatement(node)) {
      isValue ||= node.declarationList.declarations.some((declaration) => declaration.name.getText() === name)
      continue
    }
    const isType = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node) || ts.isClassDeclaration(node)
    if (!isType && !ts.isFunctionDeclaration(node) && !ts.isModuleDeclaration(node)) continue
    if (node.name?.text !== name) continue
    if (isType) typeParameters = node.typeParameters ?? []
    if (!ts.isInterfaceDeclaration(node) && !ts.isTypeAliasDeclaration(node)) isValue = true
  }
  return { isValue, typeParameters }
}

/**
 * Resolve and load from a map. Only the entry's name says .d.ts: that keeps rollup-plugin-dts from compiling it once more.
 *
 * @param {Map<string, string>} declarations
 * @returns {import('rollup').Plugin}
 */
function fromMemory(declarations) {
  return {
    name: 'from-memory',
    resolveId(name, importer) {
      const file = path.posix.join(path.posix.dirname(importer ?? ''), name).replace(/\.d\.ts$/, '.ts')
      return declarations.has(file) ? file : null
    },
    load(file) {
      return declarations.get(file) ?? null
    },
  }
}

/**
 * Leave out members whose names end in `_`: they are ours, and in the minified builds they have other names.
 *
 * @param {string} text
 */
function withoutPrivates(text) {
  /** @type {ts.Node[]} */
  const found = []
  /** @param {ts.Node} node */
  const visit = (node) => {
    const isMember = ts.isClassElement(node) || ts.isTypeElement(node)
    if (isMember && node.name && /[^_]_$/.test(node.name.getText())) found.push(node)
    else ts.forEachChild(node, visit)
  }
  visit(parse(text))
  return found.reverse().reduce((rest, node) => rest.slice(0, node.pos) + rest.slice(node.end), text)
}

/** @param {string} text */
function parse(text) {
  return ts.createSourceFile('all.d.ts', text, ts.ScriptTarget.ESNext, true)
}

/**
 * @param {string} root
 * @param {string} file
 */
function relative(root, file) {
  return path.relative(root, file).split(path.sep).join('/')
}
