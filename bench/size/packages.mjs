// What npm installs for a package: the package itself, what it depends on, and so on.

import fs from 'node:fs'
import path from 'node:path'
import { readJson } from '../kit/bench.mjs'

/**
 * The folders of packages and of all that they depend on, each once.
 *
 * @param {string[]} names
 * @param {string} from the folder of who needs them
 * @param {Set<string>} [found] the folders so far
 */
export function foldersOf(names, from, found = new Set()) {
  for (const name of names) {
    const folder = folderOf(name, from)
    if (!folder || found.has(folder)) continue
    found.add(folder)
    const { dependencies, optionalDependencies, peerDependencies, peerDependenciesMeta } = readJson(path.join(folder, 'package.json'))
    const needed = { ...dependencies, ...optionalDependencies, ...peerDependencies }
    foldersOf(Object.keys(needed).filter((peer) => !peerDependenciesMeta?.[peer]?.optional), folder, found)
  }
  return found
}

/**
 * Where a package is installed for somebody; nothing, if it is not, as an optional one may be.
 *
 * @param {string} name
 * @param {string} from the folder of who needs it
 */
function folderOf(name, from) {
  for (let above = from; ; above = path.dirname(above)) {
    const folder = path.join(above, 'node_modules', name)
    if (fs.existsSync(path.join(folder, 'package.json'))) return folder
    if (above === path.dirname(above)) return undefined
  }
}

/** The bytes of all files of a package, without those of packages inside it. @param {string} folder @returns {number} */
export function bytesOf(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const file = path.join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? sum : sum + bytesOf(file)
    return sum + fs.statSync(file).size
  }, 0)
}
