// The steps that requests are carried through. They do nothing but go on, in the manner of each framework.

/**
 * node: `(req, res, next)`, goes on by `next()`. koa: `(context, next)`, goes on by `next()` and gives its promise. itty: `(request)`, goes
 * on by giving nothing.
 *
 * @typedef {'node' | 'koa' | 'itty'} Style
 * @typedef {((...args: any[]) => any)[]} Steps
 */

/** @type {{ [style in Style]: [parameters: string, body: string] }} */
const SOURCES = {
  node: ['req, res, next', 'next()'],
  koa: ['context, next', 'return next()'],
  itty: ['request', ''],
}

/**
 * Steps, each with code of its own. A list that is given gets the numbers of the steps as they are called.
 *
 * (Functions made by one literal would be one function for the compiler, which could then inline it into the loop of its caller.)
 *
 * @param {Style} style
 * @param {number} count
 * @param {number[]} [called]
 * @returns {Steps}
 */
export function buildSteps(style, count, called) {
  const [parameters, body] = SOURCES[style]
  return Array.from({ length: count }, (_, ix) => {
    const note = called ? `called.push(${ix});` : ''
    return new Function('called', `return function step${ix}(${parameters}) { ${note} ${body} }`)(called)
  })
}
