// Packs the built library as it is published, and lays the package out as its users have it. Every check judges this copy.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { stage, STAGED } from '../../release/stage.js'

export const NAME = 'stream-connection-manager'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A folder in which the packed library resolves by its name. */
export const PROJECT = fileURLToPath(new URL('packed/', import.meta.url))

export const TARBALL = join(PROJECT, `${NAME}.tgz`)

function main() {
  if (!existsSync(join(ROOT, 'dist'))) throw new Error('There is nothing to pack: run `npm run build` in the root first')
  rmSync(PROJECT, { recursive: true, force: true })
  mkdirSync(join(PROJECT, 'node_modules'), { recursive: true })
  stage()
  const filename = execFileSync('npm', ['pack', '--silent', '--pack-destination', PROJECT], { cwd: STAGED, encoding: 'utf8' })
  renameSync(join(PROJECT, filename.trim()), TARBALL)
  execFileSync('tar', ['-xzf', TARBALL], { cwd: PROJECT })
  renameSync(join(PROJECT, 'package'), join(PROJECT, 'node_modules', NAME))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
