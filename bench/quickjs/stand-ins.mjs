// What some peers want of Node or of a browser that QuickJS has not: the least that gets them to run. It does as little work as it can,
// so that what is counted is the peer's own.

/** Globals, as a classic script. */
export const GLOBALS = `
globalThis.console = { log() {}, warn() {}, error() {}, debug() {} }
globalThis.setImmediate = (f, ...args) => void Promise.resolve().then(() => f(...args))
globalThis.setTimeout = (f, _ms, ...args) => setImmediate(f, ...args)
globalThis.process = { env: {}, version: 'v20.0.0', versions: { node: '20.0.0' }, nextTick: setImmediate }
globalThis.Buffer = { isBuffer: () => false, from: (text) => text, byteLength: (text) => text.length }
globalThis.TextEncoder = class TextEncoder {}
globalThis.Headers = class Headers {
  get() { return null }
  has() { return false }
}
globalThis.Response = class Response {
  constructor(body, init) {
    this.body = body
    this.status = init && init.status || 200
    this.headers = NO_HEADERS
  }

  text() { return this.body }
}
const NO_HEADERS = new Headers()
const NO_SEARCH = { forEach() {}, [Symbol.iterator]: () => [][Symbol.iterator]() }
globalThis.URLSearchParams = class URLSearchParams {}
// Of http://host/path, without a query.
globalThis.URL = class URL {
  constructor(href) {
    this.href = href
    this.pathname = href.slice(href.indexOf('/', 8))
    this.search = ''
    this.searchParams = NO_SEARCH
  }
}
`

/** Modules of Node, as CommonJS; those that are not here are empty. @type {{ [name: string]: string }} */
export const MODULES = {
  assert: 'module.exports = () => {}',
  diagnostics_channel: `
    const channel = { hasSubscribers: false }
    exports.channel = () => channel
    exports.tracingChannel = () => ({ start: channel, end: channel, asyncStart: channel, asyncEnd: channel, error: channel })`,
  events: 'module.exports = class EventEmitter { on() {} emit() {} }; module.exports.EventEmitter = module.exports',
  http: `
    exports.METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']
    exports.STATUS_CODES = {}
    exports.Server = class Server { on() {} }
    exports.createServer = () => new exports.Server()`,
  https: 'exports.Server = class Server {}',
  querystring: 'exports.parse = () => ({})',
  url: `
    exports.Url = class Url {}
    exports.parse = (url) => ({ pathname: url, search: null, query: null })`,
  util: `
    exports.inherits = (sub, base) => Object.setPrototypeOf(sub.prototype, base.prototype)
    exports.deprecate = (f) => f
    exports.format = String`,
}
