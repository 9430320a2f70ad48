import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startDesk } from '../testing/desk-process.js'

/** @import { AddressInfo } from 'node:net' */

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }
const DESK = fileURLToPath(new URL('../desk.js', import.meta.url))

/** @param {readonly string[]} args */
function run(...args) {
  return spawnSync('node', [DESK, ...args], { encoding: 'utf8' })
}

describe('the command', options, () => {
  it('prints its options', () => {
    const { status, stdout } = run('--help')

    assert.equal(status, 0)
    for (const option of ['--port', '--feed', '--speed', '--seed', '--trades', '--nodes', '--grace', '--lifetime', '--redis', '--nats']) assert.match(stdout, new RegExp(`\n  ${option} `))
  })

  for (const [args, reason] of /** @type {[string[], RegExp][]} */ ([
    [['--port', 'x'], /^--port must be .* \(--help shows the options\)\n$/],
    [['--feed', 'none.ndjson'], /^none\.ndjson: cannot be read \(ENOENT\)\n$/],
    [['--redis', 'redis://127.0.0.1:1'], /^Cannot reach redis:\/\/127\.0\.0\.1:1: .*\n$/],
    [['--feed', DESK], /^.*desk\.js:1: is not JSON: .*\n$/],
  ])) {
    it(`ends with one line and exit code 2 for ${args.join(' ').replace(DESK, 'desk.js')}`, () => {
      const { status, stderr } = run(...args)

      assert.match(stderr, reason)
      assert.equal(status, 2)
    })
  }

  it('ends with exit code 2 where somebody else listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')

    const desk = await startDesk(['--port', String(/** @type {AddressInfo} */ (server.address()).port)], 'ignore')

    assert.equal(await desk.ended, 2)
    server.close()
  })

  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
    it(`serves until ${signal}, and then cleans up`, async () => {
      const desk = await startDesk()
      assert.match(desk.said[0], /^The desk is open: http:\/\/127\.0\.0\.1:\d+\/$/)
      assert.equal((await fetch(desk.url)).status, 200)

      desk.signal(signal)

      assert.equal(await desk.ended, 0)
      assert.match(desk.said.at(-1) ?? '', /^The desk is closed\. Connections that left: 0, /)
    })
  }
})
