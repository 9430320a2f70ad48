import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ROOT } from './pack.js'

const DENO = createRequire(import.meta.url).resolve('deno/bin.cjs')

/** @returns {Record<string, any>} */
function read(/** @type {string} */ path) {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'))
}

describe('the package for JSR', () => {
  const jsr = read('jsr.json')
  const manifest = read('package.json')

  it('has the version, the license and the sub-paths of the package for npm', () => {
    const subPaths = Object.keys(manifest.exports).filter((subPath) => subPath !== './package.json')

    assert.deepEqual([jsr.version, jsr.license, Object.keys(jsr.exports)], [manifest.version, manifest.license, subPaths])
  })

  it('passes the dry run of its publication', () => {
    const publish = [DENO, 'publish', '--dry-run', '--allow-dirty', '--no-lock']
    const { status, stdout, stderr } = spawnSync(process.execPath, publish, { cwd: ROOT, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } })

    assert.equal(status, 0, stdout + stderr)
    assert.match(stderr, /Success Dry run complete/)
  })
})
