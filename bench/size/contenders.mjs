// Who takes part in the size bench, and what an app imports that has routes with parameters, middleware and bodies of JSON.

import path from 'node:path'
import { ROOT } from '../kit/bench.mjs'

/**
 * @typedef {object} Contender
 * @property {string} name
 * @property {{ [from: string]: string[] }} imports the names that an app needs, by what it imports them from: a package or a file of ours
 * @property {string} server the server of the HTTP bench that shows that they are enough
 * @property {string} [form] the export that builds it, where it is not the default one
 * @property {string[]} [workloads] what of that bench it is for. Default is all.
 */

const MIN = path.join(ROOT, 'dist/microrest.min.js')
const READABLE = path.join(ROOT, 'dist/microrest.js')

/** @type {Contender[]} */
export const CONTENDERS = [
  // (Its NanoRouter knows no parameters.)
  { name: 'microrest', imports: { [MIN]: ['default'] }, server: 'microrest', form: 'nano', workloads: ['text', 'echo'] },
  { name: 'microrest Router', imports: { [MIN]: ['default', 'Router', 'mw'] }, server: 'microrest', form: 'full' },
  { name: 'microrest Router readable', imports: { [READABLE]: ['default', 'Router', 'mw'] }, server: 'microrest', form: 'full' },
  { name: 'microrest min.js as it is', imports: { [MIN]: ['*'] }, server: 'microrest', form: 'full' },
  {
    name: 'microrest 0.6 (JavaScript)',
    imports: { microrest: ['default'] },
    server: 'microrest-js',
    form: 'bare',
    workloads: ['text', 'echo'],
  },
  {
    name: 'microrest 0.6 (JavaScript) router',
    imports: { 'microrest': ['default'], 'microrest/mw.js': ['default'], 'microrest/router.js': ['default'] },
    server: 'microrest-js',
    form: 'full',
  },
  { name: 'polka', imports: { polka: ['default'] }, server: 'polka' },
  { name: '0http', imports: { '0http': ['default'] }, server: '0http' },
  { name: 'fastify', imports: { fastify: ['default'] }, server: 'fastify' },
  { name: 'hono', imports: { 'hono': ['Hono'], '@hono/node-server': ['createAdaptorServer'] }, server: 'hono' },
  { name: 'h3', imports: { h3: ['H3', 'getQuery', 'toNodeHandler'] }, server: 'h3' },
  { name: 'koa', imports: { 'koa': ['default'], '@koa/router': ['Router'], '@koa/bodyparser': ['bodyParser'] }, server: 'koa' },
  { name: 'express', imports: { express: ['default'] }, server: 'express' },
]

/** @param {string} name @returns {Contender} */
export function contenderOf(name) {
  const found = CONTENDERS.find((contender) => contender.name === name)
  if (!found) throw new Error('no such contender: ' + name)
  return found
}

/** True for what is imported from a package, and not from a file of ours. @param {string} from */
export const isPackage = (from) => !path.isAbsolute(from)

/** The package of an import. @param {string} from */
export const packageOf = (from) => /** @type {RegExpMatchArray} */ (from.match(/^(@[^/]+\/)?[^/]+/))[0]
