import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hostTests } from 'stream-connection-manager/testing'
import { testClient } from './client-tests.ts'
import { run } from './command.ts'
import { startProcess } from './on-process.ts'
import { testRuntime } from './test-runtime.ts'

const start = () => startProcess('deno', ['run', '--no-prompt', '--allow-net=127.0.0.1', 'inside/deno-host.ts'])

testRuntime({
  host: 'Deno',
  recipe: 'deno.ts',
  runtime: ['Deno', 'deno'],
  start,
  heartbeat: 'Deno sends pings and waits 30 s for an answer; the suite does not wait so long',
})

describe('Deno', () => {
  // Deno's EventSource holds the process for 5 s after it was cut, even if it is closed.
  for (const kind of /** @type {const} */ (['WebSocket', 'EventSource'])) {
    testClient('deno', ['run', '--no-prompt', '--allow-net=127.0.0.1'], kind)
  }

  it('accepts the types of the recipe', async () => {
    const { exitCode, output } = await run('deno', ['check', 'inside/deno-host.ts'])

    assert.equal(exitCode, 0, output)
  })

  it('passes the tests of the library and the host suite in "deno test"', async () => {
    const { exitCode, output } = await run('deno', ['test', '--no-prompt', '--allow-read=.', 'inside/deno-tests.ts'])

    assert.equal(exitCode, 0, output)
    assert.ok(Number(/^ok \| (\d+) passed/m.exec(output)?.[1]) > hostTests.length, output)
  })
})
