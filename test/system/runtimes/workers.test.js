import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { hostTests } from 'stream-connection-manager/testing'
import { connectWs } from '../hosts/clients/ws-client.ts'
import { bundleWorker, post, startWorkerd } from './on-workerd.ts'
import { testRuntime } from './test-runtime.ts'

before(bundleWorker)

testRuntime({
  host: 'Cloudflare Workers',
  recipe: 'workers.ts',
  runtime: ['workerd', 'workerd'],
  start: startWorkerd,
  heartbeat: 'a Worker cannot send pings; the platform notices peers that have gone',
  skip: [
    {
      reason: 'workerd does not report a client that left before the upgrade; the limits for slow clients end its connection',
      tests: ['registers no client that left before it was accepted'],
    },
  ],
})

describe('workerd', { timeout: 60_000 }, () => {
  it('passes the tests of the library and the host suite', async (test) => {
    const { port, stop } = await startWorkerd()
    test.after(stop)

    const outcomes = /** @type {import('./inside/outcomes.ts').Outcome[]} */ (await post(port, '/tests'))

    assert.deepEqual(outcomes.filter(({ error }) => error !== undefined), [])
    assert.ok(outcomes.length > hostTests.length)
  })

  it('publishes from a feed by a call of the durable object', async (test) => {
    const { port, stop } = await startWorkerd()
    test.after(stop)
    const client = await connectWs(port, 'alice', [{ streamType: 'PRICE', symbol: 'BTCUSDT' }])

    const result = /** @type {import('stream-connection-manager').PublishResult} */ (
      await post(port, '/feed', { streamType: 'PRICE', symbol: 'BTCUSDT', data: 64_000 })
    )
    while (client.received.length === 0) await setTimeout(5)

    assert.equal(result.sent, 1)
    assert.equal(JSON.parse(client.received[0] ?? '').data, 64_000)
  })
})
