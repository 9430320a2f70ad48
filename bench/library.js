// The library under test: what `npm ci` built in the root, or the build that BENCH_LIBRARY names.
import { fileURLToPath, pathToFileURL } from 'node:url'

/** Where the build lies. */
export const LIBRARY = process.env.BENCH_LIBRARY ?? fileURLToPath(new URL('../dist', import.meta.url))

/** Returns one module of the build: `index`, `transports/ws`. */
export function libraryModule(/** @type {string} */ name) {
  return import(`${pathToFileURL(LIBRARY)}/${name}.js`)
}
