// The library as a consumer's bundler takes it in: what a module that imports it becomes, and how much of it comes from which file of src.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import esbuild from 'esbuild'
import { rollup } from 'rollup'
import webpack from 'webpack'
import { bytesBySource } from './attribution.js'
import { PROJECT } from './pack.js'

/**
 * @typedef {object} Bundle
 * @property {string} code an ES module
 * @property {ReadonlyMap<string, number>} sources the files of src that some of the code comes from, each with its bytes
 *
 * @typedef {(entry: string) => Promise<{ code: string, map: string }>} Bundler bundles the module at a path
 */

/** @type {Readonly<Record<string, Bundler>>} */
export const BUNDLERS = {
  async esbuild(entry) {
    const { outputFiles } = await esbuild.build({
      entryPoints: [entry],
      outdir: dirname(entry),
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      // Apart from the code, so that no comment that leads to it counts as the library's.
      sourcemap: 'external',
      write: false,
    })
    const [map, code] = outputFiles.map(({ text }) => text)
    return { code, map }
  },

  async rollup(entry) {
    const bundle = await rollup({ input: entry, plugins: [nodeResolve({ browser: true })] })
    const { output } = await bundle.generate({ format: 'es', sourcemap: true })
    return { code: output[0].code, map: String(output[0].map) }
  },

  async webpack(entry) {
    const folder = dirname(entry)
    await compiled({
      entry,
      mode: 'production',
      target: ['web', 'es2022'],
      devtool: 'hidden-source-map',
      experiments: { outputModule: true },
      output: { path: folder, filename: 'bundle.js', library: { type: 'module' } },
      performance: false,
    })
    const [code, map] = ['bundle.js', 'bundle.js.map'].map((name) => readFileSync(join(folder, name), 'utf8'))
    return { code, map }
  },
}

/**
 * Bundles a module for browsers.
 *
 * @param {string} bundler the name of one
 * @param {string} module the module, which imports the library by its name
 * @param {string} [project] where the library resolves
 * @returns {Promise<Bundle>}
 */
export async function bundled(bundler, module, project = PROJECT) {
  const folder = mkdtempSync(join(project, 'bundle-'))
  try {
    const entry = join(folder, 'entry.js')
    writeFileSync(entry, module)
    const { code, map } = await BUNDLERS[bundler](entry)
    return { code, sources: bytesBySource(code, map) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @returns {Promise<void>} */
function compiled(/** @type {webpack.Configuration} */ configuration) {
  return new Promise((done, failed) => {
    webpack(configuration, (error, stats) => {
      if (error || stats?.hasErrors()) failed(error ?? new Error(stats?.toString('errors-only')))
      else done()
    })
  })
}
