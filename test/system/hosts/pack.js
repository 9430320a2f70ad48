import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { packInto } from '../../support/pack.js'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const LIBRARY = 'stream-connection-manager'

/**
 * Puts the library, packed as it would be published, into the `node_modules` of these folders: what runs there runs on what others get.
 *
 * @param {readonly string[]} folders
 */
export function installPacked(folders) {
  const work = mkdtempSync(join(tmpdir(), 'packed-'))
  try {
    const tarball = packInto(work)
    for (const folder of folders) extract(tarball, join(folder, 'node_modules'))
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
