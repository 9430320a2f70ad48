// The sizes of the library in a consumer's bundle, and their table in bench/README.md. Run by itself, prints the table.
import { pathToFileURL } from 'node:url'
import { constants, gzipSync } from 'node:zlib'
import { bundled } from './bundle.js'
import { CLIENT_HALVES } from './client-halves.js'
import { NAME } from './pack.js'
import { packedEntries } from './packed.js'

/**
 * @typedef {object} Size
 * @property {string} what is imported, in the words of the table
 * @property {number} minified bytes
 * @property {number} gzipped bytes of the minified code, gzipped at the highest level
 */

const BEGIN = '<!-- sizes: npm --prefix test/package run sizes -->'
const END = '<!-- /sizes -->'

/** What a client imports of its sub-path. */
const CLIENT_PARTS = ['createClient', 'trackPositions']

/** @returns {Promise<Size[]>} of each entry, all of it, and of what a browser client imports */
export function measuredSizes() {
  const entries = packedEntries().map(({ specifier }) => ({ what: `\`${specifier}\``, module: `export * from '${specifier}'` }))
  const clients = CLIENT_HALVES.map(({ names }) => ({
    what: `${names.map((name) => `\`${name}\``).join(' and ')} alone, as a browser client`,
    module: `export { ${names.join(', ')} } from '${NAME}'`,
  }))
  const parts = CLIENT_PARTS.map((name) => ({ what: `\`${name}\` of \`${NAME}/client\` alone`, module: `export { ${name} } from '${NAME}/client'` }))
  return Promise.all([...entries, ...clients, ...parts].map(async ({ what, module }) => ({ what, ...sizeOf((await bundled('esbuild', module)).code) })))
}

/** Returns the table, with its markers. */
export function tableOf(/** @type {readonly Size[]} */ sizes) {
  const rows = sizes.map(({ what, minified, gzipped }) => `| ${what} | ${kilobytes(minified)} | ${kilobytes(gzipped)} |`)
  return [BEGIN, '| Imported | Minified | Minified and gzipped |', '| --- | ---: | ---: |', ...rows, END].join('\n')
}

/** @returns {string[]} what is wrong with the table on a page */
export function objectionsTo(/** @type {string} */ page, /** @type {string} */ table) {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END, begin)
  if (begin === -1 || end === -1) return [`There is no table between ${BEGIN} and ${END}`]
  const stated = page.slice(begin, end + END.length).split('\n')
  const measured = table.split('\n')
  return [
    ...measured.filter((row) => !stated.includes(row)).map((row) => `measured, but not stated: ${row}`),
    ...stated.filter((row) => !measured.includes(row)).map((row) => `stated, but not measured: ${row}`),
    ...(new Set(stated).size < stated.length ? ['A row is stated twice'] : []),
  ]
}

function sizeOf(/** @type {string} */ code) {
  return { minified: Buffer.byteLength(code), gzipped: gzipSync(code, { level: constants.Z_BEST_COMPRESSION }).length }
}

function kilobytes(/** @type {number} */ bytes) {
  return `${(bytes / 1_000).toFixed(2)} kB`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(tableOf(await measuredSizes()))
