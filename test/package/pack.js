// Packs the built library as it is published, and lays the package out as its users have it. Every check judges this copy.
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { packInto } from '../support/pack.js'

export const NAME = 'stream-connection-manager'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

/** A folder in which the packed library resolves by its name. */
export const PROJECT = fileURLToPath(new URL('packed/', import.meta.url))

export const TARBALL = join(PROJECT, `${NAME}.tgz`)

function main() {
  rmSync(PROJECT, { recursive: true, force: true })
  mkdirSync(join(PROJECT, 'node_modules'), { recursive: true })
  renameSync(packInto(PROJECT), TARBALL)
  execFileSync('tar', ['-xzf', TARBALL], { cwd: PROJECT })
  renameSync(join(PROJECT, 'package'), join(PROJECT, 'node_modules', NAME))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main()
