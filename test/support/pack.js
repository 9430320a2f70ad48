// Packs the built library as it is published.
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stage, STAGED } from '../../release/stage.js'

const BUILT = fileURLToPath(new URL('../../dist/testing.js', import.meta.url))

/** Packs the library into a folder. @returns {string} the path of the tarball */
export function packInto(/** @type {string} */ folder) {
  if (!existsSync(BUILT)) throw new Error('The library is not built: run "npm ci" in the root of the repository first')
  stage()
  const filename = execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: STAGED, encoding: 'utf8' })
  return join(folder, filename.trim())
}
