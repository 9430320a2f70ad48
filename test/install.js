// Installs the packages of the suites if they are missing, so that each command of a suite runs from a fresh clone.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))

if (!existsSync(`${HERE}node_modules/.package-lock.json`)) {
  console.error('Installing what the suites need: npm ci --prefix test')
  const { status } = spawnSync('npm', ['ci'], { cwd: HERE, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  process.exitCode = status ?? 1
}
