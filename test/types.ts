// The types as a user meets them: the fixtures in test/fixtures/types are compiled against the sources and against the declarations
// of the build, and TypeScript must find in them the errors that they announce, on the line and with the code that they say, and
// no others. Then: what no fixture can show, and what the types cost.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import ts from 'typescript'
import { writeApp } from './fixtures/types/many-routes.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FOLDER = path.join(ROOT, 'test/fixtures/types')

/** Compiled without @types/node, and those that need it. */
const BARE = ['params.ts', 'steps.ts', 'extras.ts', 'values.ts']
const WITH_NODE = ['node.ts', 'express.ts']

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts'],
  module: ts.ModuleKind.NodeNext,
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noImplicitOverride: true,
  allowImportingTsExtensions: true,
  noEmit: true,
}

/** What the fixtures are compiled against. */
interface Subject {
  name: string
  /** The file that stands for a module of the core: 'microrest' => '…/microrest.ts'. */
  fileOf(part: string): string
  skip: string | false
}

const SUBJECTS: Subject[] = [
  { name: 'the sources', fileOf: part => path.join(ROOT, `${part}.ts`), skip: false },
  {
    name: 'the built declarations',
    fileOf: part => path.join(ROOT, `dist/${part}.js`),
    skip: fs.existsSync(path.join(ROOT, 'dist/microrest.d.ts')) ? false : 'no dist: npm run build',
  },
]

/** Files that any program may read, parsed once. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** Compile files of the folder of the fixtures; some may exist only here. */
function compile(subject: Subject, files: string[], options?: ts.CompilerOptions, made: Record<string, string> = {}): ts.Program {
  const all = { ...OPTIONS, ...options }
  const host = ts.createCompilerHost(all)
  const { fileExists, getSourceFile } = host
  host.fileExists = file => path.basename(file) in made || fileExists(file)
  host.getSourceFile = (file, version, ...rest) => {
    const name = path.relative(FOLDER, file)
    if (!files.includes(name)) {
      if (!parsed.has(file)) parsed.set(file, getSourceFile(file, version, ...rest))
      return parsed.get(file)
    }
    const text = made[name] ?? fs.readFileSync(file, 'utf8')
      // What is to be an error is one here.
      .replaceAll('@ts-expect-error', '@expect-error')
      .replace(/'\.\.\/\.\.\/\.\.\/(\w+)\.ts'/g, (_import, part: string) => `'${subject.fileOf(part)}'`)
    return ts.createSourceFile(file, text, version)
  }
  return ts.createProgram(files.map(file => path.join(FOLDER, file)), all, host)
}

/** All errors of a program: 'params.ts:12 TS2339', the same one of a line once; and their messages. */
function errorsOf(program: ts.Program): { found: string[]; messages: string[] } {
  const diagnostics = ts.getPreEmitDiagnostics(program)
  const at = ({ file, start = 0, code }: ts.Diagnostic) => (
    file ? `${path.basename(file.fileName)}:${file.getLineAndCharacterOfPosition(start).line + 1} TS${code}` : `TS${code}`
  )
  return {
    found: [...new Set(diagnostics.map(at))].sort(),
    messages: diagnostics.map(one => `${at(one)} ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`),
  }
}

/** The errors that a fixture announces, in the same form. */
function announcedBy(file: string): string[] {
  const lines = fs.readFileSync(path.join(FOLDER, file), 'utf8').split('\n')
  return lines.flatMap((line, ix) => {
    const codes = /\/\/ @ts-expect-error((?: TS\d+)+)/.exec(line)?.[1]?.trim().split(' ') ?? []
    return codes.map(code => `${file}:${ix + 2} ${code}`)
  })
}

/** What a fixture's first line says it shows. */
function titleOf(file: string): string {
  return fs.readFileSync(path.join(FOLDER, file), 'utf8').split('\n')[0]!.slice(3)
}

/** Compare what TypeScript finds in fixtures with what they announce. */
function check(t: Test, subject: Subject, files: string[], options?: ts.CompilerOptions): ts.Program {
  const program = compile(subject, files, options)
  const { found, messages } = errorsOf(program)
  for (const file of files) {
    const ofFile = (errors: string[]) => errors.filter(error => error.startsWith(file))
    t.strictSame(ofFile(found), announcedBy(file).sort(), titleOf(file), { messages: ofFile(messages) })
  }
  t.strictSame(messages.filter(message => !files.some(file => message.startsWith(file))), [], 'nothing else is wrong')
  return program
}

/** True if a program has read a file of a folder. */
function hasRead(program: ts.Program, folder: string): boolean {
  return program.getSourceFiles().some(({ fileName }) => fileName.includes(`${folder}/`))
}

for (const subject of SUBJECTS) {
  t.test(`${subject.name} give the types that the fixtures expect, without @types/node`, { skip: subject.skip }, async t => {
    const program = check(t, subject, BARE)
    t.notOk(hasRead(program, 'node_modules/@types'), 'no installed types were read')
  })

  t.test(`${subject.name} fit @types/node and what stands on it`, { skip: subject.skip }, async t => {
    check(t, subject, WITH_NODE, { types: ['node'], skipLibCheck: true })
  })
}

/** Copies of @types/node of other versions: folders in NODE_TYPES, else those that are installed as types-node-*. */
function findNodeTypes(): string[] {
  if (process.env.NODE_TYPES) return process.env.NODE_TYPES.split(path.delimiter)
  const modules = path.join(ROOT, 'node_modules')
  return fs.readdirSync(modules).filter(name => name.startsWith('types-node-')).map(name => path.join(modules, name))
}

const copies = findNodeTypes()
const skipCopies = copies.length > 0 ? false : 'no copy: npm install --no-save types-node-latest@npm:@types/node'

t.test('the types of other versions of Node fit as well', { skip: skipCopies }, async t => {
  for (const copy of copies) {
    const options = { typeRoots: [path.dirname(copy)], types: [path.basename(copy)], lib: ['lib.esnext.d.ts'], skipLibCheck: true }
    for (const subject of SUBJECTS) {
      if (subject.skip) continue
      const program = check(t, subject, ['node.ts'], options)
      t.ok(hasRead(program, copy), `${copy} was read`)
    }
  }
})

t.test('a fixture is found out when it announces an error that is not there', async t => {
  const made = { 'made.ts': 'export const right: number = 1\nexport const wrong: number = "1"\n' }
  t.strictSame(errorsOf(compile(SUBJECTS[0]!, ['made.ts'], {}, made)).found, ['made.ts:2 TS2322'])
  t.strictSame(BARE.concat(WITH_NODE).filter(file => announcedBy(file).length === 0), [], 'each announces some')
  t.strictSame(
    fs.readdirSync(FOLDER).filter(file => file.endsWith('.ts') && file !== 'exactly.ts').sort(), [...BARE, ...WITH_NODE].sort(),
    'each is compiled'
  )
})

/**
 * Where the exports of a module say `any`, in what is written or in what TypeScript makes of it: 'rest.createServer', 'f(options).port'.
 *
 * Types of others (Error, RegExp, Promise) are taken as they are, but for what stands between their angle brackets.
 */
function findAny(program: ts.Program, file: string): string[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)!
  const seen = new Set<ts.Type>()
  const found: string[] = []

  function isOurs(type: ts.Type): boolean {
    const declarations = (type.aliasSymbol ?? type.symbol)?.declarations ?? []
    return declarations.every(declaration => !program.isSourceFileDefaultLibrary(declaration.getSourceFile()))
  }
  function visit(type: ts.Type, where: string): void {
    if (type.flags & ts.TypeFlags.Any) found.push(where)
    if (seen.has(type)) return
    seen.add(type)
    for (const [ix, argument] of (type.aliasTypeArguments ?? []).entries()) visit(argument, `${where}<${ix}>`)
    if (type.isUnionOrIntersection()) for (const part of type.types) visit(part, where)
    if (type.flags & ts.TypeFlags.Object && (type as ts.ObjectType).objectFlags & ts.ObjectFlags.Reference) {
      for (const [ix, argument] of checker.getTypeArguments(type as ts.TypeReference).entries()) visit(argument, `${where}<${ix}>`)
    }
    if (type.flags & ts.TypeFlags.TypeParameter) {
      for (const one of [type.getConstraint(), type.getDefault()]) if (one) visit(one, where)
    } else if (type.flags & ts.TypeFlags.Object && isOurs(type)) visitMembers(type, where)
  }
  function visitMembers(type: ts.Type, where: string): void {
    for (const property of type.getProperties()) {
      const [declaration] = property.declarations ?? []
      const isPrivate = declaration && ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Private
      if (!isPrivate) visit(checker.getTypeOfSymbol(property), `${where}.${property.name}`)
    }
    for (const { keyType, type: value } of checker.getIndexInfosOfType(type)) visit(value, `${where}[${checker.typeToString(keyType)}]`)
    for (const signature of [...type.getCallSignatures(), ...type.getConstructSignatures()]) visitSignature(signature, where)
  }
  function visitSignature(signature: ts.Signature, where: string): void {
    for (const parameter of signature.parameters) visit(checker.getTypeOfSymbol(parameter), `${where}(${parameter.name})`)
    for (const parameter of signature.typeParameters ?? []) visit(parameter, `${where}<${parameter.symbol.name}>`)
    visit(signature.getReturnType(), `${where}()`)
  }

  for (const name of checker.getExportsOfModule(checker.getSymbolAtLocation(source)!)) {
    const symbol = name.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(name) : name
    if (symbol.flags & ts.SymbolFlags.Value) visit(checker.getTypeOfSymbol(symbol), name.name)
    if (symbol.flags & ts.SymbolFlags.Type) visit(checker.getDeclaredTypeOfSymbol(symbol), name.name)
  }
  return found
}

/** Where a file has the word `any` as a type. */
function findWrittenAny(source: ts.SourceFile): number[] {
  const lines: number[] = []
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) lines.push(source.getLineAndCharacterOfPosition(node.pos).line + 1)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return lines
}

t.test('no export of the sources says any', async t => {
  const files = ['microrest.ts', 'router.ts', 'mw.ts'].map(name => path.join(ROOT, name))
  const program = ts.createProgram(files, OPTIONS)
  for (const file of files) {
    t.strictSame(findAny(program, file), [], path.basename(file))
    t.strictSame(findWrittenAny(program.getSourceFile(file)!), [], path.basename(file))
  }
})

t.test('no export of the build says any', { skip: SUBJECTS[1]!.skip }, async t => {
  const dist = path.join(ROOT, 'dist')
  const files = fs.readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name => /\.d\.c?ts$/.test(name))
  const program = ts.createProgram(files.map(name => path.join(dist, name)), OPTIONS)
  for (const name of files) {
    t.strictSame(findAny(program, path.join(dist, name)), [], name)
    t.strictSame(findWrittenAny(program.getSourceFile(path.join(dist, name))!), [], name)
  }
})

t.test('any is found wherever it hides', async t => {
  const table: [code: string, where: string[]][] = [
    ['export const a: any = 1', ['a']],
    ['export const a = JSON.parse("1")', ['a']],
    ['export function f(a: any) { a }', ['f(a)']],
    ['export function f() { return JSON.parse("1") }', ['f()']],
    ['export interface I { deep: { er: any[] } }', ['I.deep.er<0>']],
    ['export interface I { [name: string]: any }', ['I[string]']],
    ['export interface I { f(g: (a: any) => void): void }', ['I.f(g)(a)']],
    ['export interface I { new (a: any): I }', ['I(a)']],
    ['export type T = Promise<any> | 1', ['T<0>']],
    ['export type T<P extends any[] = []> = { p: P }', ['T<0><0>']],
    ['export class C { private a: any; b?: any; protected c(a?: any) { a } }', ['C.prototype.b', 'C.prototype.c(a)']],
    ['export class C { static a: any }', ['C.a']],
    ['interface Hidden { a: any } export const a = {} as Hidden', ['a.a']],
    // (Its own type: TypeScript gives up, and where library declarations are not checked it says nothing.)
    ['declare function f(): 1; declare namespace n { var f: typeof f } export { n }', ['n.f']],
    ['export const a: Error | RegExp | Uint8Array = new Error()', []],
    ['export const a: unknown = 1', []],
  ]
  for (const [code, where] of table) {
    const made = path.join(FOLDER, 'made.ts')
    t.strictSame(findAny(compile(SUBJECTS[0]!, ['made.ts'], {}, { 'made.ts': code }), made), where, code)
  }
})

/** The most that a route may cost, on the average of those that many-routes.mjs writes: 148 and 24 when this was written. */
const MOST = { instantiations: 160, types: 26 }

for (const subject of SUBJECTS) {
  t.test(`${subject.name}: a route costs TypeScript little, the 200th no more than the 20th`, { skip: subject.skip }, async t => {
    const [none, few, many] = [0, 20, 200].map(routes => {
      const program = compile(subject, ['made.ts'], {}, { 'made.ts': writeApp(routes, '../../../microrest.ts') })
      t.strictSame(errorsOf(program).messages, [], `${routes} routes`)
      return { instantiations: program.getInstantiationCount(), types: program.getTypeCount() }
    })
    for (const what of ['instantiations', 'types'] as const) {
      const early = (few![what] - none![what]) / 20
      const late = (many![what] - few![what]) / 180
      t.ok(late > 0 && late <= MOST[what], `${what}: ${late} each`)
      t.ok(late <= early, `${what}: they were ${early} each`)
    }
  })
}
