import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const ROOT = new URL('../../', import.meta.url)

/**
 * What users import → the file of src that it is built from: whatever package.json exports, so that no sub-path is forgotten.
 *
 * @type {ReadonlyMap<string, string>}
 */
export const entryPoints = new Map(publicPaths().map(({ specifier, built }) => [specifier, sourceOf(built)]))

function publicPaths() {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subPath, target]) => ({ specifier: subPath.replace('.', name), built: target.import.default }))
}

/** @param {string} built */
function sourceOf(built) {
  const stem = built.replace('./dist/', 'src/').replace(/\.js$/, '')
  const source = [`${stem}.ts`, `${stem}/index.ts`].map((path) => fileURLToPath(new URL(path, ROOT))).find((path) => existsSync(path))
  if (source === undefined) throw new Error(`No file of src for ${built}`)
  return source
}
