import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** @import { Setup } from '../page/setup.js' */

/**
 * @typedef {object} Page
 * @property {string} type
 * @property {string | Uint8Array} body
 */

const FOLDER = new URL('../page/', import.meta.url)
const HTML = 'text/html; charset=utf-8'
const TYPES = /** @type {const} */ ({ js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', map: 'application/json' })

/** Everything is ours: nothing is loaded from anywhere else, and nobody else may frame it. */
export const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:", "frame-src 'self'",
    "frame-ancestors 'self'", "base-uri 'none'", "form-action 'self'",
  ].join('; '),
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

/**
 * What the server answers to a GET, by path: bundled as it starts, the library's half for clients included.
 *
 * @param {Setup} setup what the page has to know before it connects
 * @returns {Promise<(url: URL) => Page | undefined>}
 */
export async function buildPages(setup) {
  const files = await bundle()
  const desk = readPage('index.html').replace('{{setup}}', () => JSON.stringify(setup).replaceAll('<', '\\u003c'))
  const sideBySide = readPage('side-by-side.html')
  return ({ pathname, searchParams }) => {
    if (pathname === '/') return { type: HTML, body: desk }
    if (pathname === '/side-by-side') return { type: HTML, body: fillFrames(sideBySide, setup, searchParams.get('user')) }
    return files.get(pathname)
  }
}

/** @returns {Promise<Map<string, Page>>} */
async function bundle() {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(FOLDER),
    entryPoints: ['desk.jsx', 'side-by-side.css'],
    bundle: true,
    outdir: '/',
    write: false,
    format: 'esm',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify: true,
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'error',
  })
  return new Map(outputFiles.map(({ path, contents }) => {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const type = TYPES[/** @type {keyof typeof TYPES} */ (name.slice(name.lastIndexOf('.') + 1))]
    return [`/${name}`, { type, body: contents }]
  }))
}

/** @param {string} name */
function readPage(name) {
  return readFileSync(new URL(name, FOLDER), 'utf8')
}

/**
 * Two tabs of one user, each of which begins with another symbol.
 *
 * @param {string} page
 * @param {Setup} setup
 * @param {string | null} asked
 */
function fillFrames(page, { users, instruments }, asked) {
  const user = users.find((known) => known === asked) ?? users[0]
  const [one, other] = instruments.map(({ symbol }) => `/?${new URLSearchParams({ user, pick: symbol })}`)
  return page.replaceAll('{{user}}', user).replace('{{one}}', escapeHtml(one)).replace('{{other}}', escapeHtml(other ?? one))
}

/** @param {string} text */
function escapeHtml(text) {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;')
}
