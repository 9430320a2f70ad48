// What the packed library consists of.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { NAME, PROJECT } from './pack.js'

/** @typedef {ReadonlyMap<string, Buffer>} Files path → contents, in the order of the paths */

/**
 * A name that the package can be imported by.
 *
 * @typedef {object} Entry
 * @property {string} subPath `.`, or `./transports/ws`
 * @property {string} specifier what a consumer imports
 * @property {string} path the path in dist, without its ending: `index`, `transports/ws`
 */

/** Returns where the packed library lies in a project. */
export function packageIn(project = PROJECT) {
  return join(project, 'node_modules', NAME)
}

/** @returns {Files} */
export function packedFiles(project = PROJECT) {
  const folder = packageIn(project)
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const paths = entries.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
  return new Map(paths.sort().map((path) => [path, readFileSync(join(folder, path))]))
}

/** @returns {Entry[]} the entries of the packed library, as its manifest has them; `package.json` is none */
export function packedEntries(project = PROJECT) {
  const { exports } = JSON.parse(readFileSync(join(packageIn(project), 'package.json'), 'utf8'))
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subPath, target]) => ({
      subPath,
      specifier: `${NAME}${subPath.slice(1)}`,
      path: target.import.default.replace(/^\.\/dist\//, '').replace(/\.js$/, ''),
    }))
}

/** Returns a path, or a text with paths, without the hashes of the pieces that entries share: they change with the contents. */
export function unhashed(/** @type {string} */ text) {
  return text.replaceAll(/-[\w-]{8}(?=\.)/g, '-HASH')
}
