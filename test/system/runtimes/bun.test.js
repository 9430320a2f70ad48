import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { hostTests } from 'stream-connection-manager/testing'
import { connectWs } from '../hosts/clients/ws-client.ts'
import { testClient } from './client-tests.ts'
import { run } from './command.ts'
import { startProcess } from './on-process.ts'
import { testRuntime } from './test-runtime.ts'

testRuntime({
  host: 'Bun',
  recipe: 'bun.ts',
  runtime: ['Bun', 'bun'],
  start: () => startProcess('bun', ['inside/bun-host.ts']),
  heartbeat: 'Bun sends pings and waits 60 s for an answer; the suite does not wait so long',
})

describe('Bun', { timeout: 60_000 }, () => {
  testClient('bun', [], 'WebSocket')

  it('passes the tests of the library and the host suite in "bun test"', async () => {
    const { exitCode, output } = await run('bun', ['test', './inside/bun-tests.ts'])

    assert.equal(exitCode, 0, output)
    assert.ok(Number(/^ *(\d+) pass$/m.exec(output)?.[1]) > hostTests.length, output)
  })

  it('queues messages that Bun would drop, and delivers them in order after the drain handler', async (test) => {
    const { manager, port, stop } = await startProcess('bun', ['inside/bun-dropping-host.ts'])
    test.after(stop)
    const client = await connectWs(port, 'alice', [{ streamType: 'TRADES', symbol: 'BTCUSDT' }])
    await client.pause()
    const trades = Array.from({ length: 3_000 }, (_, i) => i)

    for (let i = 0; i < trades.length; i += 10) await manager.publish(trades.slice(i, i + 10).map(trade))
    const { waiting } = await manager.stats()
    await client.resume()
    while (client.received.length < trades.length) await setTimeout(5)

    assert.ok(waiting > 0)
    assert.deepEqual(client.received.map((text) => JSON.parse(text).data[0]), trades)
    assert.equal((await manager.stats()).waiting, 0)
  })
})

/**
 * @param {number} i
 * @returns {import('stream-connection-manager').PublishableMessage}
 */
function trade(i) {
  return { streamType: 'TRADES', symbol: 'BTCUSDT', data: [i, 'x'.repeat(3_000)] }
}
