// Packs the built library as it is published.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stage } from '../../release/stage.js'

const BUILT = fileURLToPath(new URL('../../dist/testing.js', import.meta.url))

/** Packs the library into a folder. Several programs may do so at the same time. @returns {string} the path of the tarball */
export function packInto(/** @type {string} */ folder) {
  if (!existsSync(BUILT)) throw new Error('The library is not built: run "npm ci" in the root of the repository first')
  const staged = mkdtempSync(join(tmpdir(), 'staged-'))
  try {
    stage(staged)
    const filename = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: staged, encoding: 'utf8' })
    return join(folder, filename.trim())
  } finally {
    rmSync(staged, { recursive: true, force: true })
  }
}
