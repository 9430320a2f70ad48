import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const LIBRARY = 'stream-connection-manager'

/**
 * Puts the library, packed as it would be published, into the `node_modules` of these folders: what runs there runs on what others get.
 *
 * @param {readonly string[]} folders
 */
export function installPacked(folders) {
  if (!existsSync(join(ROOT, 'dist/testing.js'))) throw new Error('The library is not built: run "npm ci" in the root of the repository first')
  const work = mkdtempSync(join(tmpdir(), 'packed-'))
  try {
    execFileSync('npm', ['pack', ROOT, '--ignore-scripts', '--silent', '--pack-destination', work], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [tarball] = readdirSync(work)
    if (tarball === undefined) throw new Error('npm pack left no tarball')
    for (const folder of folders) extract(join(work, tarball), join(folder, 'node_modules'))
  } finally {
    rmSync(work, { recursive: true })
  }
}

/**
 * @param {string} tarball
 * @param {string} modules
 */
function extract(tarball, modules) {
  mkdirSync(modules, { recursive: true })
  // Beside its place, so that who reads meanwhile finds all of it, old or new.
  const fresh = mkdtempSync(join(modules, '.packed-'))
  execFileSync('tar', ['-xzf', tarball, '-C', fresh, '--strip-components=1'])
  rmSync(join(modules, LIBRARY), { recursive: true, force: true })
  renameSync(fresh, join(modules, LIBRARY))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folders = process.argv.slice(2).map((folder) => resolve(folder))
  installPacked(folders.length > 0 ? folders : [join(ROOT, 'examples/hosts'), join(ROOT, 'test/system/hosts')])
}
