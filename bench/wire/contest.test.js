import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { installedBun } from '../parts/bun.js'
import { inRounds, withSites } from './contest.js'

const HOSTS = {
  'the plain loop': { host: 'ws-loop' },
  'this library': { host: 'manager', options: { hasTransport: false } },
  'this library with its transport': { host: 'manager', options: { hasTransport: true } },
  'socket.io': { host: 'socket-io' },
  crossws: { host: 'crossws' },
}
const BUN = installedBun()
for (const way of ['native publish', 'send loop', 'no hook', 'bunTransport']) {
  HOSTS[`Bun, by ${way}`] = { host: 'bun', options: { way }, program: BUN, needsBun: true }
}
const LOAD = { messagesPerTick: 3, bytes: 200 }

for (const [name, host] of Object.entries(HOSTS)) {
  describe(`a server of ${name}`, () => {
    it('brings each client every message once, and says what that cost', { skip: host.needsBun && BUN === undefined }, async () => {
      // Each blast and each pace fails unless every client has exactly what was published.
      await withSites([{ name, ...host }], 5, async ([site]) => {
        const { cpuUs, perSecond } = await site.blast({ messagesPerTick: 3, bytes: 2_000 }, 200)
        assert.ok(cpuUs > 0 && perSecond > 0)

        const { p50, p99, messages } = await site.pace({ ...LOAD, ticks: 4, everyMs: 1 })
        assert.equal(messages, 3 * 4 * 5)
        assert.ok(p50 <= p99)
      })
    })
  })
}

describe('a contest', () => {
  it('serves those who read while others are stuck', async () => {
    await withSites([{ name: 'stuck', ...HOSTS['this library with its transport'] }], 4, async ([site]) => {
      await site.stick(1, { messagesPerTick: 1, bytes: 2_000 })

      assert.equal(await site.connectionsBehind(), 1)
      assert.equal((await site.pace({ ...LOAD, ticks: 2, everyMs: 1 })).messages, 3 * 2 * 3)
    })
  })

  it('gives each site its turn in every round, and begins each with another one', async () => {
    const turns = []
    const sites = [{ name: 'a' }, { name: 'b' }]

    const results = await inRounds(sites, 2, async ({ name }) => turns.push(name))

    assert.deepEqual(turns, ['a', 'b', 'b', 'a'])
    assert.deepEqual(results, { a: [1, 4], b: [2, 3] })
  })

  it('fails where a server cannot be started', async () => {
    await assert.rejects(withSites([{ name: 'none', host: 'no-such-host' }], 1, async () => {}), /The server of none is gone/)
  })
})
