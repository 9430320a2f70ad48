// The source maps of the packed library. The sources are in them, since the package has no src: a map must lead to nothing that is missing.
import { existsSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { ROOT } from './pack.js'

/** @import { Files } from './packed.js' */

/** @returns {string[]} what is wrong with the maps, and with what leads to them */
export function objectionsTo(/** @type {Files} */ files) {
  const code = [...files.keys()].filter((path) => /\.c?js$/.test(path))
  const maps = [...files.keys()].filter((path) => path.endsWith('.map'))
  return [
    ...code.filter((path) => mapOf(path, files) !== `${path}.map`).map((path) => `${path} does not lead to its map`),
    ...code.filter((path) => !files.has(`${path}.map`)).map((path) => `${path} has no map`),
    ...maps.filter((path) => !files.has(path.replace(/\.map$/, ''))).map((path) => `${path} is the map of nothing`),
    ...maps.flatMap((path) => objectionsToMap(path, JSON.parse(String(files.get(path))))),
  ]
}

function mapOf(/** @type {string} */ path, /** @type {Files} */ files) {
  const [, url] = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(String(files.get(path))) ?? []
  return url === undefined ? undefined : posix.join(posix.dirname(path), url)
}

/** @returns {string[]} */
function objectionsToMap(/** @type {string} */ path, /** @type {{ sources: string[], sourcesContent?: (string | null)[] }} */ map) {
  return map.sources.flatMap((source, i) => {
    const file = posix.join(posix.dirname(path), source)
    const content = map.sourcesContent?.[i]
    if (!/^src\/.+\.ts$/.test(file)) return [`${path} leads to ${source}, which is no source of the library`]
    if (typeof content !== 'string') return [`${path} leads to ${source}, which is neither in it nor in the package`]
    return content === sourceAt(file) ? [] : [`${path} has another ${file} in it than there is: build anew`]
  })
}

function sourceAt(/** @type {string} */ file) {
  const path = join(ROOT, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
