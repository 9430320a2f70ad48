// Packages with a fault, for the tests of the checks.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageIn } from './packed.js'

/** @import { Files } from './packed.js' */

/**
 * Changes one file of a package.
 *
 * @param {Files} files
 * @param {string} path of a file that exists or does not
 * @param {(text: string) => string} change
 * @returns {Files} the others as they are
 */
export function spoiled(files, path, change) {
  return new Map([...files, [path, Buffer.from(change(files.get(path)?.toString() ?? ''))]])
}

/**
 * Lets `use` have a project of its own, with a copy of the packed library in which some files are changed.
 *
 * @template TAnswer
 * @param {Readonly<Record<string, (text: string) => string>>} changes by path
 * @param {(project: string) => TAnswer | Promise<TAnswer>} use
 */
export async function withSpoiledProject(changes, use) {
  const project = mkdtempSync(join(tmpdir(), 'spoiled-'))
  try {
    cpSync(packageIn(), packageIn(project), { recursive: true })
    for (const [path, change] of Object.entries(changes)) {
      const file = join(packageIn(project), path)
      writeFileSync(file, change(readFileSync(file, 'utf8')))
    }
    return await use(project)
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}
