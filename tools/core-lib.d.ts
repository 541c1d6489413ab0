// The standard library that the core may lean on: what the smallest engine has, and nothing else.
//
// tsconfig.core.json compiles the core with this in place of TypeScript's own library, so that a call of anything that is
// not here (`[].includes`, Map, Promise, Object.assign, startsWith) is a compile error. Before adding a line, see that
// MicroQuickJS has it; what the core only looks for, and does without where it is missing, is at the end.

// ------------------------------------------------------------------------------------------- what tsc asks for by name

interface Object {
  hasOwnProperty(name: string): boolean
  toString(): string
}
interface Function {
  readonly name: string
  readonly length: number
  prototype: any
  apply(this: Function, self: any, args?: any): any
  call(this: Function, self: any, ...args: any[]): any
  bind(this: Function, self: any, ...args: any[]): any
}
interface CallableFunction extends Function {
  apply<This, Result>(this: (this: This) => Result, self: This): Result
  apply<This, Args extends any[], Result>(this: (this: This, ...args: Args) => Result, self: This, args: Args): Result
  call<This, Args extends any[], Result>(this: (this: This, ...args: Args) => Result, self: This, ...args: Args): Result
  bind<This, Fixed extends any[], Args extends any[], Result>(
    this: (this: This, ...args: [...Fixed, ...Args]) => Result, self: This, ...fixed: Fixed
  ): (...args: Args) => Result
}
interface NewableFunction extends Function {}
interface IArguments {
  [ix: number]: any
  readonly length: number
}
interface Boolean {}
interface Number {
  toString(radix?: number): string
  toFixed(digits?: number): string
}
interface String {
  readonly length: number
  readonly [ix: number]: string
  charAt(ix: number): string
  charCodeAt(ix: number): number
  concat(...parts: string[]): string
  indexOf(part: string, from?: number): number
  lastIndexOf(part: string, from?: number): number
  match(pattern: RegExp): RegExpExecArray | null
  replace(pattern: string | RegExp, by: string | ((match: string, ...groups: any[]) => string)): string
  search(pattern: RegExp): number
  slice(start?: number, end?: number): string
  split(separator: string | RegExp): string[]
  substring(start: number, end?: number): string
  toLowerCase(): string
  toUpperCase(): string
  trim(): string
}
interface RegExp {
  readonly source: string
  readonly flags: string
  lastIndex: number
  exec(text: string): RegExpExecArray | null
  test(text: string): boolean
}
interface RegExpExecArray extends Array<string> {
  index: number
  input: string
  // ES2018. The core's own expressions have no named groups; a route's may, where the engine has them.
  groups?: { [name: string]: string | undefined } | undefined
}
interface ReadonlyArray<T> {
  readonly length: number
  readonly [ix: number]: T
  concat(...parts: (T | readonly T[])[]): T[]
  every(test: (item: T, ix: number) => unknown): boolean
  filter(test: (item: T, ix: number) => unknown): T[]
  forEach(visit: (item: T, ix: number) => void): void
  indexOf(item: T, from?: number): number
  join(separator?: string): string
  lastIndexOf(item: T, from?: number): number
  map<U>(change: (item: T, ix: number) => U): U[]
  reduce<U>(join: (all: U, item: T, ix: number) => U, first: U): U
  slice(start?: number, end?: number): T[]
  some(test: (item: T, ix: number) => unknown): boolean
}
interface Array<T> extends ReadonlyArray<T> {
  length: number
  [ix: number]: T
  pop(): T | undefined
  push(...items: T[]): number
  reverse(): T[]
  shift(): T | undefined
  sort(compare?: (a: T, b: T) => number): this
  splice(start: number, count?: number, ...items: T[]): T[]
  unshift(...items: T[]): number
}
interface TemplateStringsArray extends ReadonlyArray<string> {
  readonly raw: readonly string[]
}
/** A promise is told by its `then`; the core makes none. */
interface PromiseLike<T> {
  then(resolved?: ((value: T) => unknown) | null, rejected?: ((reason: any) => unknown) | null): PromiseLike<unknown>
}

// ----------------------------------------------------------------------------------------------------------- the values

interface PropertyDescriptor {
  value?: any
  writable?: boolean
  enumerable?: boolean
  configurable?: boolean
  get?: () => any
  set?: (value: any) => void
}
declare const Object: {
  readonly prototype: Object
  create(prototype: object | null): any
  /** The flags are ignored by MicroQuickJS: hide nothing with them that must stay hidden. */
  defineProperty<T>(object: T, name: string, descriptor: PropertyDescriptor): T
  getPrototypeOf(object: any): any
  keys(object: object): string[]
}
declare const Array: {
  new <T = any>(length?: number): T[]
  isArray(value: unknown): value is any[]
  readonly prototype: any[]
}
declare const Function: { readonly prototype: Function }
declare const Number: { (value: unknown): number }
declare const Boolean: { (value: unknown): boolean }
declare const String: {
  (value: unknown): string
  new (value: unknown): String
  fromCharCode(...codes: number[]): string
  readonly prototype: String
}
declare const RegExp: { new (pattern: string | RegExp, flags?: string): RegExp }
interface Error {
  name: string
  /** Read it: assigning throws on MicroQuickJS. */
  readonly message: string
  stack?: string
}
interface ErrorConstructor {
  new (message?: string): Error
  (message?: string): Error
  readonly prototype: Error
}
declare const Error: ErrorConstructor
declare const TypeError: ErrorConstructor
declare const RangeError: ErrorConstructor
declare const SyntaxError: ErrorConstructor
interface Uint8Array {
  readonly length: number
  [ix: number]: number
  set(bytes: Uint8Array, at?: number): void
  subarray(start?: number, end?: number): Uint8Array
}
interface ArrayBuffer {
  readonly byteLength: number
}
declare const ArrayBuffer: { new (length: number): ArrayBuffer }
declare const Uint8Array: { new (from: number | ArrayBuffer): Uint8Array }
declare const Math: {
  abs(value: number): number
  ceil(value: number): number
  floor(value: number): number
  max(...values: number[]): number
  min(...values: number[]): number
  random(): number
}
declare const JSON: {
  /** One argument only: MicroQuickJS knows no reviver. */
  parse(text: string): any
  /** One argument only: MicroQuickJS knows no replacer and no indent. Undefined for what has no JSON, as TypeScript's own does not say. */
  stringify(value: unknown): string
}
declare const Infinity: number
declare const NaN: number
declare function isNaN(value: number): boolean
declare function isFinite(value: number): boolean
declare function parseInt(text: string, radix?: number): number
declare function parseFloat(text: string): number
/** Missing on MicroQuickJS, where hosts/embed supplies it. */
declare function decodeURIComponent(text: string): string

// ------------------------------------------------------------------------------- types that exist at compile time only

type Partial<T> = { [K in keyof T]?: T[K] }
type Required<T> = { [K in keyof T]-?: T[K] }
type Readonly<T> = { readonly [K in keyof T]: T[K] }
type Record<K extends keyof any, T> = { [P in K]: T }
type Pick<T, K extends keyof T> = { [P in K]: T[P] }
type Exclude<T, U> = T extends U ? never : T
type Extract<T, U> = T extends U ? T : never
type Omit<T, K extends keyof any> = Pick<T, Exclude<keyof T, K>>
type NonNullable<T> = T & {}
type Parameters<T extends (...args: any) => any> = T extends (...args: infer P) => any ? P : never
type ReturnType<T extends (...args: any) => any> = T extends (...args: any) => infer R ? R : any
type ConstructorParameters<T extends abstract new (...args: any) => any> = T extends abstract new (...args: infer P) => any ? P : never
type InstanceType<T extends abstract new (...args: any) => any> = T extends abstract new (...args: any) => infer R ? R : any
type ThisParameterType<T> = T extends (this: infer U, ...args: never) => any ? U : unknown
type Uppercase<S extends string> = intrinsic
type Lowercase<S extends string> = intrinsic
type NoInfer<T> = intrinsic
interface ThisType<T> {}

// --------------------------------------------- what the core looks for, and does without; never call without looking

/** MicroQuickJS has `Date.now` alone. */
interface Date {
  toISOString(): string
}
declare const Date: {
  new (): Date
  now(): number
  readonly prototype: Date
}
declare const console: { warn?(...args: unknown[]): void } | undefined
declare const process: { getBuiltinModule?(name: string): unknown } | undefined
declare const Buffer: { concat(chunks: Uint8Array[]): Uint8Array } | undefined
