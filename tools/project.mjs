// Where things are: the top of the checkout, and the modules that people import.

import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/** The top of the checkout, an absolute path. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** What is known of the package itself. */
export const PACKAGE = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8'))

/**
 * The modules that people import, by path from the top: the core and its parts, and whatever addons/ and hosts/ hold.
 *
 * @returns {string[]} 'microrest.ts', …, 'addons/cors.ts', …
 */
export function listEntries() {
  const optional = ['addons', 'hosts'].flatMap((folder) => {
    const dir = path.join(ROOT, folder)
    if (!fs.existsSync(dir)) return []
    return fs.readdirSync(dir).filter((name) => name.endsWith('.ts')).sort().map((name) => `${folder}/${name}`)
  })
  return ['microrest.ts', 'router.ts', 'mw.ts', ...optional]
}
