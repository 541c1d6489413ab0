// The route tables, and the requests that are looked up in them.

import fs from 'node:fs'

/**
 * A route; `:name` is a parameter and `:*name`, at the end, the rest of the path. The method `_ANY_` is for all.
 *
 * @typedef {{ method: string, path: string }} Route
 *
 * A request for a route, or for none. The path is the route's with a value for each parameter.
 * @typedef {{ kind: string, method: string, pattern: string, route?: Route }} Request
 *
 * @typedef {{ routes: Route[], requests: Request[] }} RouteTable
 */

/** A small table: fourteen routes. */
const BOOKS = `
GET /
GET /books
GET /bookshops
GET /bookshops/open
GET /books/:book
POST /books/:book
PUT /books/:book
DELETE /books/:book
GET /books/:book/reviews/:review/votes/:vote
GET /authors/:author
GET /authors/:author/books
GET /shop/checkout/payment/methods/credit-card
GET /assets/:*path
_ANY_ /health
`

/** A request of each kind for it. */
const KINDS = {
  'static': 'GET /books',
  'same prefix': 'GET /bookshops',
  '1 parameter': 'GET /books/:book',
  '3 parameters': 'GET /books/:book/reviews/:review/votes/:vote',
  'mixed': 'GET /authors/:author/books',
  'long static': 'GET /shop/checkout/payment/methods/credit-card',
  'wildcard': 'GET /assets/:*path',
  'post': 'POST /books/:book',
  'all methods': 'DELETE /health',
  'miss': 'GET /authors/:author/films',
}

/** @param {string} text a method and a path on each line */
function parse(text) {
  return text.split('\n').filter((line) => /^[A-Z_]/.test(line)).map((line) => {
    const [method = '', path = ''] = line.split(' ')
    return { method, path }
  })
}

/** @returns {RouteTable} */
function small() {
  const routes = parse(BOOKS)
  const requests = Object.entries(KINDS).map(([kind, line]) => {
    const [method = '', pattern = ''] = line.split(' ')
    const route = routes.find((one) => one.path === pattern && (one.method === method || one.method === '_ANY_'))
    return { kind, method, pattern, ...(route && { route }) }
  })
  return { routes, requests }
}

/** One request for each route, in an order that has nothing to do with that of the routes. @returns {RouteTable} */
function github() {
  const routes = parse(fs.readFileSync(new URL('github.txt', import.meta.url), 'utf8'))
  const requests = routes.map((route) => {
    const count = route.path.split(':').length - 1
    const kind = count === 0 ? 'static' : count === 1 ? '1 parameter' : `${count} parameters`
    return { kind, method: route.method, pattern: route.path, route }
  })
  return { routes, requests: shuffle(requests) }
}

/**
 * A table of any size: paths of three words, of which about as many differ in each place, or of five components with parameters between.
 *
 * @param {number} count
 * @param {boolean} hasParams
 * @param {string} [prefix] for words that are not those of another table
 * @returns {RouteTable} with a hundred requests, or as many as there are routes
 */
export function grown(count, hasParams, prefix = '') {
  const fan = Math.ceil(Math.cbrt(count))
  const routes = Array.from({ length: count }, (_, ix) => {
    const words = [ix % fan, Math.floor(ix / fan) % fan, Math.floor(ix / fan / fan)].map((number) => prefix + word(number))
    return { method: 'GET', path: '/' + words.join(hasParams ? '/:id/' : '/').replace(':id', ':first').replace(':id', ':second') }
  })
  const requests = shuffle(routes).slice(0, 100).map((route) => ({ kind: 'route', method: 'GET', pattern: route.path, route }))
  return { routes, requests }
}

/** A word for a number: 'zura', 'kilo', … @param {number} number */
function word(number) {
  let text = ''
  for (let left = number + 60; left; left = Math.floor(left / 60)) text += 'bdfgklmnprsz'[left % 12] + 'aeiou'[Math.floor(left / 12) % 5]
  return text
}

/** Numbers that look random and are the same in each run. */
export class Random {
  #state = 20_261_120
  /** @param {number} below */
  next(below) {
    // A linear congruential generator of 32 bits; its high bits are the good ones.
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor(this.#state / 2 ** 32 * below)
  }
}

/** @template Item @param {Item[]} items */
function shuffle(items) {
  const random = new Random()
  const shuffled = [...items]
  for (let ix = shuffled.length - 1; ix > 0; ix--) {
    const other = random.next(ix + 1)
    const item = shuffled[ix]
    shuffled[ix] = shuffled[other]
    shuffled[other] = item
  }
  return shuffled
}

/**
 * A value for each parameter of a pattern, of the kind that its name promises; a tail is two components and a file.
 *
 * @param {string} pattern
 * @param {Random} random
 */
export function valuesFor(pattern, random) {
  /** @type {{ [name: string]: string }} */
  const values = {}
  const letters = (/** @type {number} */ count, alphabet = 'abcdefghijklmnopqrstuvwxyz') => {
    return Array.from({ length: count }, () => alphabet[random.next(alphabet.length)]).join('')
  }
  for (const [, tail, name = ''] of pattern.matchAll(/:(\*?)(\w+)/g)) {
    if (tail) values[name] = `${letters(3)}/${letters(6)}/${letters(8)}.js`
    else if (name === 'sha') values[name] = letters(40, '0123456789abcdef')
    else if (/^(id|number|comment|review|vote|first|second)$/.test(name)) values[name] = letters(4 + random.next(4), '123456789')
    else values[name] = letters(4 + random.next(9))
  }
  return values
}

/** @param {string} pattern @param {{ [name: string]: string }} values */
export const fill = (pattern, values) => pattern.replace(/:\*?(\w+)/g, (_, name) => values[name] ?? '')

/** @type {{ [name: string]: () => RouteTable }} */
export const tables = { small, github }
