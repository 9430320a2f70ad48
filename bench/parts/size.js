// What the library adds to a bundle, and to the start of a process.
import { execFileSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { constants, gzipSync } from 'node:zlib'
import esbuild from 'esbuild'
import { LIBRARY } from '../library.js'
import { spread } from '../measure/statistics.js'

export const title = 'Size'

const ENTRIES = {
  'core: ConnectionManager': { module: 'index', names: 'ConnectionManager' },
  'the whole package root': { module: 'index' },
  'transports/ws': { module: 'transports/ws' },
  'transports/uws': { module: 'transports/uws' },
  'transports/bun': { module: 'transports/bun' },
  'transports/sse': { module: 'transports/sse' },
  throttle: { module: 'throttle' },
  recovery: { module: 'recovery' },
  client: { module: 'client' },
  testing: { module: 'testing' },
}
const IMPORTS = { 'import of the package root': undefined, ws: 'ws', 'socket.io': 'socket.io', crossws: 'crossws/adapters/node' }

export function cases(/** @type {boolean} */ isQuick) {
  return [{ starts: isQuick ? 3 : 15 }]
}

export async function measure({ starts }) {
  const sizes = {}
  for (const [what, entry] of Object.entries(ENTRIES)) sizes[what] = await sizeOf(entry)
  /** @type {Record<string, number[]>} */
  const imports = Object.fromEntries(Object.keys(IMPORTS).map((what) => [what, []]))
  for (let start = 0; start < starts; start++) {
    for (const [what, specifier] of Object.entries(IMPORTS)) imports[what].push(importMs(specifier ?? `${pathToFileURL(LIBRARY)}/index.js`))
  }
  return { sizes, imports }
}

/** Returns bytes, minified and gzipped, as a consumer's bundler makes them of the built package. */
async function sizeOf({ module, names }) {
  const { outputFiles: [{ contents }] } = await esbuild.build({
    stdin: { contents: `export ${names ? `{ ${names} }` : '*'} from ${JSON.stringify(`${LIBRARY}/${module}.js`)}`, resolveDir: LIBRARY },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    logLevel: 'error',
  })
  return { minified: contents.length, gzipped: gzipSync(contents, { level: constants.Z_BEST_COMPRESSION }).length }
}

/** Returns the milliseconds that an import takes in a process that has just started. */
function importMs(/** @type {string} */ specifier) {
  const code = `
    const start = performance.now()
    await import(${JSON.stringify(specifier)})
    process.stdout.write(String(performance.now() - start))
    process.exit()`
  return Number(execFileSync(process.execPath, ['--input-type=module', '--eval', code], { cwd: new URL('..', import.meta.url), encoding: 'utf8' }))
}

export function rows([{ outcome: { sizes, imports } }]) {
  const size = Object.entries(sizes).map(([what, { minified, gzipped }]) => ({
    what,
    metric: 'minified and gzipped',
    facts: { entry: what },
    ...spread([gzipped / 1_000]),
    unit: 'kB',
    costs: {},
    remark: `${(minified / 1_000).toFixed(1)} kB minified`,
  }))
  const { 'import of the package root': ours, ...others } = imports
  return [...size, {
    what: 'import of the package root',
    metric: 'in a fresh process',
    facts: {},
    ...spread(ours),
    unit: 'ms',
    costs: {},
    peers: Object.fromEntries(Object.entries(others).map(([what, times]) => [what, spread(times).value])),
  }]
}
