// The short form of the soak of a cluster, and the faults that it must notice.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Verdict } from '../verdict.ts'
import { ClusterSoak } from './cluster-soak.ts'

/**
 * Runs a soak on two nodes. Returns its checks.
 *
 * @param {Partial<import('./cluster-soak.ts').ClusterSoakOptions>} options
 */
async function soak(options) {
  /** @type {string[]} */
  const lines = []
  const verdict = new Verdict((line) => lines.push(line))
  await new ClusterSoak({ nodes: 2, broker: 'redis', minutes: 20 / 60, clients: 300, churn: 100, rate: 4_000, seed: 1, injection: undefined, ...options }, verdict).run()
  return { text: lines.join('\n'), failed: lines.filter((line) => line.startsWith('FAILED')).map((line) => line.replace(/^FAILED +|:.*$/g, '')) }
}

/** What the first node does → the check that fails. */
const FAULTS = /** @type {const} */ ({
  lose: 'messages lost in silence',
  twice: 'messages received twice',
  gap: 'gaps told to a client that reads',
  end: 'connections of a client that reads, and that ended',
})

describe('two nodes with a broker between them, and clients that leave and come back to any node', { concurrency: 2, timeout: 180_000 }, () => {
  it('give 300 clients each message once and in order for 20 seconds, and tell slow clients what they missed', async (t) => {
    const { failed, text } = await soak({})

    t.diagnostic(text)
    assert.deepEqual(failed, [], text)
  })

  for (const [injection, check] of Object.entries(FAULTS)) {
    it(`fail because of a fault of one node, and of no other reason: ${injection}`, async () => {
      const { failed, text } = await soak({ clients: 60, minutes: 0.05, churn: 300, rate: 3_000, injection: /** @type {keyof typeof FAULTS} */ (injection) })

      assert.deepEqual(failed, [check], text)
    })
  }
})
