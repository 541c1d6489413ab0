// Who takes part in the HTTP bench, and where their servers are.

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {URL} file the module that builds the server
 * @property {string} [form] the export that does, where there is more than one
 * @property {string[]} packages what it is made of
 */

/**
 * @param {string} name
 * @param {string} file
 * @param {string[]} [packages]
 * @param {string} [form]
 * @returns {Contender}
 */
function contender(name, file, packages = [name], form) {
  return { name, file: new URL(`servers/${file}.mjs`, import.meta.url), packages, form }
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
  contender('microrest processRequest', 'microrest', [], 'bare'),
  contender('microrest 0.6 (JavaScript)', 'microrest-js', ['microrest'], 'bare'),
  contender('microrest 0.6 (JavaScript) router', 'microrest-js', ['microrest'], 'full'),
  contender('polka', 'polka'),
  contender('0http', '0http'),
  contender('fastify', 'fastify'),
  contender('hono', 'hono', ['hono', '@hono/node-server']),
  contender('h3', 'h3'),
  contender('koa', 'koa', ['koa', '@koa/router', '@koa/bodyparser']),
  contender('express', 'express'),
]
