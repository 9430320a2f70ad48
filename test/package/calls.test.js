import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

const MOST_CALLS = 35

describe('a message to a plain socket', () => {
  const script = fileURLToPath(new URL('calls.js', import.meta.url))
  const calls = Object.entries(JSON.parse(execFileSync('node', [script], { encoding: 'utf8' })))

  it(`takes at most ${MOST_CALLS} calls`, () => {
    const count = calls.reduce((sum, [, times]) => sum + times, 0)

    assert.ok(count > 10 && count <= MOST_CALLS, `${count} calls:\n${calls.map(([name, times]) => `${times} ${name}`).join('\n')}`)
  })

  it('goes through the façade once', () => {
    assert.deepEqual(
      calls.filter(([name]) => name.startsWith('src/connection-manager.ts ')),
      [['src/connection-manager.ts publish', 1]],
    )
  })
})
