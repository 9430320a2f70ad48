// Sees to what an example needs before it can run: the built library, and the packages of this folder.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const LIBRARY = fileURLToPath(new URL('../dist/index.js', import.meta.url))
const MOST_REASONS = 5

/** What has to be there before an example can run. */
export class MissingPieceError extends Error {}

/** Throws if the library is not built. */
export function ensureLibrary() {
  if (!existsSync(LIBRARY)) throw new MissingPieceError('The library is not built yet: `npm ci` in its root builds it')
}

/**
 * Installs what the examples run on, if one of these packages is missing.
 *
 * @param {readonly string[]} packages
 */
export function ensurePackages(packages) {
  if (packages.every((name) => existsSync(`${HERE}node_modules/${name}/package.json`))) return
  // What tells people about the run goes to where errors go: what is printed is the example's.
  console.error('Installing what the examples need…')
  const { status, error, stderr } = spawnSync('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], {
    cwd: HERE,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  if (status === 0) return
  const reasons = error ? [error.message] : stderr.split('\n').filter((line) => /^npm error(?! +at )/.test(line))
  throw new MissingPieceError([
    'The example needs a few packages, and `npm ci` in examples could not install them:',
    ...reasons.slice(0, MOST_REASONS),
  ].join('\n'))
}
