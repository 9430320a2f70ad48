// Lays the package out in release/package, as npm publishes it: `npm run stage && npm publish ./release/package`. The work tree stays as it is.
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

/** The folder to publish from. */
export const STAGED = fileURLToPath(new URL('package/', import.meta.url))

/** Matches code, and the beginning of a link up to and with its target if that is relative. */
const CODE_OR_LINK = /^```[^]*?^```|`[^`\n]+`|(\]\(|^\[[^\]\n]+\]: )(?![#/]|[a-z]+:)([^)\s]+)/gm

/** Copies the built library, its texts and its manifest into a folder. What the folder had before is removed. */
export function stage(folder = STAGED) {
  const { scripts, devDependencies, overrides, ...manifest } = JSON.parse(read('package.json'))
  const write = (/** @type {string} */ path, /** @type {string} */ text) => writeFileSync(join(folder, path), text)
  rmSync(folder, { recursive: true, force: true })
  for (const path of ['dist', 'LICENSE']) cpSync(join(ROOT, path), join(folder, path), { recursive: true })
  for (const path of ['README.md', 'CHANGELOG.md']) write(path, withAbsoluteLinks(read(path), repositoryOf(manifest)))
  write('package.json', `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Returns the page of the repository that a manifest names. */
export function repositoryOf(/** @type {{ repository: { url: string } }} */ { repository }) {
  return repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
}

/** Returns a text of the root with its relative links leading to the repository: the package lacks most files that they name. */
export function withAbsoluteLinks(/** @type {string} */ markdown, /** @type {string} */ repository) {
  return markdown.replaceAll(CODE_OR_LINK, (whole, before, target) => (target === undefined ? whole : before + new URL(target, `${repository}/blob/HEAD/`)))
}

function read(/** @type {string} */ path) {
  return readFileSync(join(ROOT, path), 'utf8')
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) stage()
