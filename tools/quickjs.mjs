// QuickJS in Node: three engines as WebAssembly, from npm, behind one small interface. The tests run the core in them, and
// quickjs-memory.mjs measures in them. They have 32-bit pointers, as a microcontroller has.
//
// What an engine of these has is the language and nothing else: no console, no timers. Whoever starts one gives it what it needs.

import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { newQuickJSWASMModuleFromVariant } from 'quickjs-emscripten-core'
import { CompileFlags, EvalFlags, JSException, QuickJS } from 'quickjs-wasi'

/**
 * What goes in and comes out as it is. Bytes arrive inside as an ArrayBuffer, and are a copy on either side.
 *
 * @typedef {string | number | boolean | undefined | Uint8Array} Plain
 */

/**
 * @typedef {object} Memory
 * @property {number} bytes what is in use, the allocator's 8 bytes for each block included
 * @property {number} blocks how many blocks that is
 */

/**
 * An engine of its own: nothing in it is shared with another one, and it goes when nobody refers to it any more.
 *
 * @typedef {object} Engine
 * @property {(code: string, file: string) => void} runScript run a classic script; throws what it throws
 * @property {(code: string, file: string) => void} [runStripped] run a classic script from bytecode that has neither its source nor its
 * lines in it, as on a device; not every engine here can
 * @property {(code: string, file: string) => Promise<void>} runModule run an ES module, and the jobs that it leaves; rejects with what it throws
 * @property {(name: string, f: (...args: Plain[]) => Plain | void) => void} define make a global function that is called out here
 * @property {(name: string, ...args: Plain[]) => Plain} call call a global function; throws what it throws
 * @property {() => void} runJobs run promise jobs until there are none
 * @property {() => Memory} memory
 */

/**
 * @typedef {object} Options
 * @property {(name: string) => string} [load] gives the text of a module that is imported, and throws if there is none. A name that
 * begins with a dot is made relative to that of the module that imports it
 * @property {number} [stackSize] bytes of stack for the script. Default 256 KiB
 * @property {boolean} [collects] false: as far as it can be told so, the engine does not collect garbage by itself
 */

const STACK_SIZE = 256 * 1024

/** True for a text that UTF-8 and C cannot hold: with a NUL or half a surrogate pair. @param {string} text */
const isOdd = (text) => /\0|\p{Surrogate}/u.test(text)

/** What an allocator keeps beside each block in 32 bits, as dlmalloc and the engines' own accounts have it. */
const BLOCK_OVERHEAD = 8

/**
 * The engines, by name: each starts one.
 *
 * @type {{ [name: string]: (options?: Options) => Promise<Engine> }}
 */
export const ENGINES = {
  'QuickJS 2025-09-13': (options) => startEmscripten(import('@jitl/quickjs-wasmfile-release-sync'), options),
  'QuickJS-ng 0.12': (options) => startEmscripten(import('@jitl/quickjs-ng-wasmfile-release-sync'), options),
  'QuickJS-ng 0.17': startWasi,
}

/**
 * @param {string} name
 * @param {Options} [options]
 */
export function startEngine(name, options) {
  const start = ENGINES[name]
  if (!start) throw new Error('no such engine: ' + name)
  return start(options)
}

/**
 * An engine of quickjs-emscripten.
 *
 * @param {Parameters<typeof newQuickJSWASMModuleFromVariant>[0]} variant
 * @param {Options} [options]
 * @returns {Promise<Engine>}
 */
async function startEmscripten(variant, { load = loadNothing, stackSize = STACK_SIZE } = {}) {
  const quickjs = await newQuickJSWASMModuleFromVariant(variant)
  const runtime = quickjs.newRuntime()
  const context = runtime.newContext()
  runtime.setMaxStackSize(stackSize)
  runtime.setModuleLoader((name) => load(name), resolve)

  /** @typedef {import('quickjs-emscripten-core').QuickJSHandle} Handle */

  /** @param {Handle} thrown @returns {never} */
  const raise = (thrown) => {
    const error = toError(context.dump(thrown))
    thrown.dispose()
    throw error
  }

  /** @param {ReturnType<typeof context.evalCode>} result */
  const take = (result) => (result.error ? raise(result.error) : result.value)

  const stringify = take(context.evalCode('JSON.stringify'))

  /** @param {string} text */
  const enterText = (text) => (isOdd(text) ? take(context.evalCode(JSON.stringify(text))) : context.newString(text))

  /** @param {Handle} handle @returns {string} */
  const leaveText = (handle) => {
    const text = context.getString(handle)
    if (text.length === context.getLength(handle) && !text.includes('\ufffd')) return text
    const json = take(context.callFunction(stringify, context.undefined, handle))
    const escaped = context.getString(json)
    json.dispose()
    return JSON.parse(escaped)
  }

  /** @param {Plain | void} value */
  const enter = (value) => {
    if (typeof value == 'string') return enterText(value)
    if (typeof value == 'number') return context.newNumber(value)
    if (typeof value == 'boolean') return value ? context.true : context.false
    return value ? context.newArrayBuffer(Uint8Array.from(value).buffer) : context.undefined
  }

  /** @param {Handle} handle an ArrayBuffer, or a view of one */
  const leaveBytes = (handle) => {
    const [buffer, offset, length] = /** @type {[Handle, Handle, Handle]} */ (
      ['buffer', 'byteOffset', 'byteLength'].map((name) => context.getProp(handle, name)))
    if (context.typeof(length) !== 'number') throw new TypeError('only plain values and bytes leave an engine')
    const isView = context.typeof(offset) === 'number'
    const bytes = context.getArrayBuffer(isView ? buffer : handle)
    const start = isView ? context.getNumber(offset) : 0
    const copy = bytes.value.slice(start, start + context.getNumber(length))
    for (const used of [bytes, buffer, offset, length]) used.dispose()
    return copy
  }

  /** @param {Handle} handle @returns {Plain} */
  const leave = (handle) => {
    const type = context.typeof(handle)
    if (type === 'string') return leaveText(handle)
    if (type === 'number') return context.getNumber(handle)
    if (type === 'boolean') return context.dump(handle)
    if (type === 'undefined') return undefined
    return leaveBytes(handle)
  }

  const runJobs = () => {
    const { error } = runtime.executePendingJobs()
    if (error) raise(error)
  }

  return {
    runJobs,
    runScript: (code, file) => take(context.evalCode(code, file)).dispose(),
    async runModule(code, file) {
      const promise = take(context.evalCode(code, file, { type: 'module' }))
      runJobs()
      const state = context.getPromiseState(promise)
      promise.dispose()
      if (state.type === 'rejected') raise(state.error)
      if (state.type === 'pending') throw new Error(file + ' awaits what never comes')
    },
    define(name, f) {
      const inside = context.newFunction(name, (...handles) => enter(f(...handles.map(leave))))
      context.setProp(context.global, name, inside)
      inside.dispose()
    },
    call(name, ...args) {
      const f = context.getProp(context.global, name)
      const handles = args.map(enter)
      const result = context.callFunction(f, context.undefined, ...handles)
      for (const handle of [f, ...handles]) handle.dispose()
      const value = take(result)
      const plain = leave(value)
      value.dispose()
      return plain
    },
    memory() {
      const usage = runtime.computeMemoryUsage()
      const { memory_used_size: size, malloc_count: blocks } = context.dump(usage)
      usage.dispose()
      return { bytes: size + BLOCK_OVERHEAD * blocks, blocks }
    },
  }
}

/**
 * The engine of quickjs-wasi.
 *
 * @param {Options} [options]
 * @returns {Promise<Engine>}
 */
async function startWasi({ load = loadNothing, stackSize = STACK_SIZE, collects = true } = {}) {
  const wasm = fs.readFileSync(createRequire(import.meta.url).resolve('quickjs-wasi/quickjs.wasm'))
  const vm = await QuickJS.create({
    wasm,
    maxStackSize: stackSize,
    moduleLoader: { load, normalize: resolve },
  })

  // (Not 0, which does not turn it off.)
  if (!collects) vm.gcThreshold = 2 ** 31 - 1

  /** @param {Plain | void} value */
  const enter = (value) => {
    if (typeof value == 'string') return vm.newString(value)
    if (typeof value == 'number') return vm.newNumber(value)
    if (typeof value == 'boolean') return value ? vm.true : vm.false
    return value ? vm.newArrayBuffer(value) : vm.undefined
  }

  /** @param {import('quickjs-wasi').JSValueHandle} handle */
  const leave = (handle) => {
    const value = vm.dump(handle)
    if (value instanceof ArrayBuffer) return new Uint8Array(value)
    if (value instanceof Uint8Array || value === undefined || typeof value != 'object') return /** @type {Plain} */ (value)
    throw new TypeError('only plain values and bytes leave an engine')
  }

  /** @param {import('quickjs-wasi').JSValueHandle} handle */
  const errorOf = (handle) => {
    if (!handle.isError) return toError(vm.dump(handle))
    const [name, message, stack] = ['name', 'message', 'stack'].map((name) => handle.getProp(name).toString())
    return toError({ name, message, stack })
  }

  /** @template Result @param {(scope: import('quickjs-wasi').HandleScope) => Result} f @returns {Result} */
  const take = (f) => vm.withScope((scope) => {
    try {
      return f(scope)
    } catch (err) {
      throw err instanceof JSException ? errorOf(err.handle) : err
    }
  })

  return {
    runJobs: () => take(() => void vm.executePendingJobs()),
    runScript: (code, file) => take(() => void vm.evalCode(code, file)),
    runStripped(code, file) {
      const flags = CompileFlags.STRIP_SOURCE | CompileFlags.STRIP_DEBUG
      take(() => void vm.evalBytecode(vm.compile(code, file, EvalFlags.TYPE_GLOBAL, flags)))
    },
    async runModule(code, file) {
      const promise = take((scope) => scope.escape(vm.evalCode(code, file, EvalFlags.TYPE_MODULE)))
      const settled = vm.resolvePromise(promise)
      vm.executePendingJobs()
      if (promise.promiseState === 0) throw new Error(file + ' awaits what never comes')
      const result = await settled
      promise.dispose()
      if ('error' in result) throw errorOf(result.error)
      result.value.dispose()
    },
    define(name, f) {
      const inside = vm.newFunction(name, (...handles) => enter(f(...handles.map(leave))))
      vm.setProp(vm.global, name, inside)
      inside.dispose()
    },
    call(name, ...args) {
      return take(() => leave(vm.callFunction(vm.global.getProp(name), vm.undefined, ...args.map(enter))))
    },
    memory() {
      const { memoryUsedSize, mallocCount } = vm.getMemoryUsage()
      return { bytes: memoryUsedSize + BLOCK_OVERHEAD * mallocCount, blocks: mallocCount }
    },
  }
}

/** @param {string} name @returns {string} */
function loadNothing(name) {
  throw new Error('no such module: ' + name)
}

/**
 * The name of a module, from the top if it is relative to the one that imports it.
 *
 * @param {string} importer
 * @param {string} name
 */
function resolve(importer, name) {
  return name.startsWith('.') ? path.posix.join(path.posix.dirname(importer), name) : name
}

/** What was thrown inside as an Error out here. @param {unknown} thrown */
function toError(thrown) {
  if (thrown instanceof Error || !thrown || typeof thrown != 'object') return new Error('thrown in the engine: ' + thrown)
  const { name, message, stack } = /** @type {{ name?: string, message?: string, stack?: string }} */ (thrown)
  return Object.assign(new Error(`${name}: ${message}`), { stack: `${name}: ${message}\n${stack}` })
}
