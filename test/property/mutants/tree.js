// A copy of the project to change at will. The checkout is never touched.
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** What the suites need: neither the build, nor what is only read, nor what the suites left behind. */
const COPIED = ['package.json', 'tsconfig.json', 'vitest.config.ts', 'src', 'test']
const LEFT_OUT = new Set(['node_modules', 'report', 'coverage'])

const FOLDERS_WITH_PACKAGES = ['', 'test']

/** Returns the path of a fresh copy of the project's sources and tests. The packages are those of the checkout. */
export function copyOfTree(root = ROOT) {
  const copy = mkdtempSync(join(tmpdir(), 'mutants-'))
  for (const name of COPIED) {
    cpSync(join(root, name), join(copy, name), { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) })
  }
  for (const folder of FOLDERS_WITH_PACKAGES) linkPackages(join(root, folder), join(copy, folder))
  return copy
}

export function removeTree(copy) {
  rmSync(copy, { recursive: true, force: true })
}

function linkPackages(from, to) {
  const packages = join(from, 'node_modules')
  if (existsSync(packages)) symlinkSync(packages, join(to, 'node_modules'))
}
