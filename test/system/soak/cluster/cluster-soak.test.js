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
  await new ClusterSoak({ nodes: 2, broker: 'redis', minutes: 0.33, clients: 300, churn: 100, rate: 4_000, seed: 1, injection: undefined, ...options }, verdict).run()
  return { text: lines.join('\n'), failed: lines.filter((line) => line.startsWith('FAILED')).map((line) => line.replace(/^FAILED +|:.*$/g, '')) }
}

/**
 * If nodes take too long to answer each other, a client is told that it may have missed something. So a busy machine decides these two checks. The run
 * prints them, and only a run on a quiet machine is to pass them.
 */
const DECIDED_BY_TIME = ['gaps told to a client that reads', 'streams of a client that reads, and that could not be resumed']

/** @param {readonly string[]} failed */
function withoutTime(failed) {
  return failed.filter((check) => !DECIDED_BY_TIME.includes(check))
}

/** What the first node does → the check that fails. */
const FAULTS = /** @type {const} */ ({
  lose: 'messages lost in silence',
  twice: 'messages received twice',
  gap: 'gaps told to a client that reads',
  end: 'connections of a client that reads, and that ended',
})

describe('two nodes with a broker between them, and clients that leave and come back to any node', { concurrency: 2, timeout: 180_000 }, () => {
  it('give 300 clients each message once and in order for 20 seconds, and tell each client what it missed', async (t) => {
    const { failed, text } = await soak({})

    t.diagnostic(text)
    assert.deepEqual(withoutTime(failed), [], text)
  })

  for (const [injection, check] of Object.entries(FAULTS)) {
    it(`fail the check that a fault of one node is about, and no other: ${injection}`, async () => {
      const { failed, text } = await soak({ clients: 60, minutes: 0.05, churn: 300, rate: 3_000, injection: /** @type {keyof typeof FAULTS} */ (injection) })

      assert.ok(failed.includes(check), text)
      assert.deepEqual(withoutTime(failed), withoutTime([check]), text)
    })
  }
})
