// Serves an app that runs in QuickJS, as WebAssembly, behind a server of node:http: `npm run start:quickjs`. It is the demo, or whatever
// ES module APP names by its path from the top, if that exports an `app`. On port 1337 or the next free one, or on PORT.
//
// Node parses and sends, and knows nothing of the app; the engine has only what quickjs-serve-guest.mjs puts there. So it is a device
// without the device.

import fs from 'node:fs'
import path from 'node:path'
import { createServer } from '../dist/microrest.js'
import { ROOT } from './project.mjs'
import { startEngine } from './quickjs.mjs'

const ENGINE = 'QuickJS 2025-09-13'
const { APP = 'examples/app.js', PORT } = process.env

/** Bodies that an app gets as text; others it gets as bytes. */
const TEXT = /^(text\/|application\/([\w.-]+\+)?(json|xml|x-www-form-urlencoded)|$)/

const engine = await startEngine(ENGINE, { load: (name) => fs.readFileSync(path.join(ROOT, name), 'utf8') })

/** The responses that are on their way, by number. @type {Map<number, import('node:http').ServerResponse>} */
const responses = new Map()
let lastId = 0

/**
 * Call into the engine, and run the jobs that this leaves. What is thrown there goes to the console.
 *
 * @param {string} name
 * @param {...import('./quickjs.mjs').Plain} args
 * @returns {boolean} true if nothing was thrown
 */
function enter(name, ...args) {
  try {
    engine.call(name, ...args)
    engine.runJobs()
    return true
  } catch (err) {
    console.error(err)
    return false
  }
}

// ------------------------------------------------------------------------------------------------- what the engine calls

/** @type {Map<unknown, NodeJS.Timeout>} */
const timers = new Map()

/**
 * Define a function by which the engine acts on the response to a request, if there still is one.
 *
 * @param {string} name
 * @param {(res: import('node:http').ServerResponse, ...args: import('./quickjs.mjs').Plain[]) => unknown} act
 */
function defineOnResponse(name, act) {
  engine.define(name, (id, ...args) => {
    const res = responses.get(Number(id))
    return res ? act(res, ...args) !== false : true
  })
}

defineOnResponse('sendHead', (res, status, headers) => res.writeHead(Number(status), JSON.parse(String(headers))))
defineOnResponse('sendChunk', (res, chunk) => res.write(/** @type {string | Uint8Array} */ (chunk)))
defineOnResponse('sendEnd', (res, chunk) => res.end(chunk))
defineOnResponse('cutOff', (res) => res.destroy())
engine.define('print', (text) => void console.log(text))
engine.define('startTimer', (id, ms) => {
  timers.set(id, setTimeout(() => {
    timers.delete(id)
    enter('fire', id)
  }, Number(ms)))
})
engine.define('stopTimer', (id) => {
  clearTimeout(timers.get(id))
  timers.delete(id)
})

// ---------------------------------------------------------------------------------------------- what calls into the engine

/** @type {import('node:http').RequestListener} */
function listener(req, res) {
  const id = ++lastId
  const { remoteAddress, remotePort } = req.socket
  responses.set(id, res)
  if (TEXT.test(req.headers['content-type'] ?? '')) req.setEncoding('utf8')
  const isOpen = enter('open', id, req.method, req.url, JSON.stringify(req.rawHeaders), JSON.stringify({ remoteAddress, remotePort }))
  if (!isOpen) res.destroy()
  req.on('data', (chunk) => enter('data', id, chunk))
  req.on('end', () => enter('end', id))
  res.on('drain', () => enter('drain', id))
  res.on('close', () => {
    responses.delete(id)
    enter('close', id)
  })
}

await engine.runModule(`
  import { serve } from './tools/quickjs-serve-guest.mjs'
  import { app } from './${APP}'
  serve(app)
`, 'entry.js')

// (Of a server of the core's the port, the next port and what can be wrong with them are the same as those of the demo.)
const app = /** @type {import('../dist/microrest.js').App} */ (/** @type {unknown} */ (listener))
createServer({ rest: app, host: '127.0.0.1', port: PORT ?? 1337, tryNextPort: PORT === undefined }, (err, info) => {
  if (err) throw err
  console.log(`${APP} in ${ENGINE} is at http://127.0.0.1:${info.port}`)
})
