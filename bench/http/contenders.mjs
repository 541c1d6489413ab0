// Who takes part in the HTTP bench, and where their servers are.

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {string} file the module that builds the server, a URL
 * @property {string} form the export that does
 * @property {string[]} packages what it is made of
 * @property {boolean} [makesCode] makes code of text: with --disallow-code-generation-from-strings it does not run
 */

/**
 * @param {string} name
 * @param {string} file
 * @param {string[]} [packages]
 * @param {string} [form]
 * @param {boolean} [makesCode]
 * @returns {Contender}
 */
function contender(name, file, packages = [name], form = 'default', makesCode = false) {
  return { name, file: new URL(`servers/${file}.mjs`, import.meta.url).href, packages, form, makesCode }
}

/** What all others are held against. */
export const BARE = 'node:http'

/** @type {Contender[]} */
export const CONTENDERS = [
  contender(BARE, 'bare', []),
  contender('microrest', 'microrest', [], 'nano'),
  contender('microrest res.end', 'microrest', [], 'nanoEnd'),
  contender('microrest Router', 'microrest', [], 'full'),
  contender('microrest Router res.end', 'microrest', [], 'fullEnd'),
  contender('microrest Router setImmediate', 'microrest', [], 'fullLater'),
  contender('microrest processRequest', 'microrest', [], 'bare'),
  contender('microrest 0.6 (JavaScript)', 'microrest-js', ['microrest'], 'bare', true),
  contender('microrest 0.6 (JavaScript) router', 'microrest-js', ['microrest'], 'full', true),
  contender('polka', 'polka'),
  contender('0http', '0http'),
  contender('fastify', 'fastify', ['fastify'], 'default', true),
  contender('fastify with schemas', 'fastify', ['fastify'], 'withSchemas', true),
  contender('hono', 'hono', ['hono', '@hono/node-server']),
  contender('h3', 'h3'),
  contender('koa', 'koa', ['koa', '@koa/router', '@koa/bodyparser'], 'default', true),
  contender('express', 'express'),
]

/** @param {string} name @returns {Contender} */
export function contenderOf(name) {
  const found = CONTENDERS.find((contender) => contender.name === name)
  if (!found) throw new Error(`no contender '${name}'; there are ${CONTENDERS.map(({ name }) => name).join(', ')}`)
  return found
}
