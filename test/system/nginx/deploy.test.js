import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DeployRun } from './deploy-run.ts'

const CLIENTS = 100

describe('a deploy behind nginx, while messages are published', { timeout: 120_000 }, () => {
  it('moves 100 clients to the next server and loses nothing', async () => {
    const { audit, counts, drained, settled, unhandled } = await DeployRun.run({ clients: CLIENTS, everyMs: 100, overMs: 3_000, stayMs: 5_000, isClustered: true })

    assert.deepEqual(unhandled, [])
    assert.ok(audit.isClean, String(audit))
    assert.ok(audit.counts.received > audit.counts.published, String(audit))
    assert.deepEqual([settled, drained.told, drained.remained], [CLIENTS, CLIENTS, 0])
    // Each client came back to both of its streams, and nobody was told of a loss.
    assert.deepEqual({ ...counts, told: audit.counts.told }, { recovered: 2 * CLIENTS, refused: 0, gaps: 0, told: 0 })
  })

  it('tells each client what it missed if the servers share no cluster', async () => {
    const { audit, counts } = await DeployRun.run({ clients: 20, everyMs: 100, overMs: 3_000, stayMs: 0, isClustered: false })

    assert.ok(audit.isClean, String(audit))
    assert.deepEqual(counts, { recovered: 0, refused: 40, gaps: 40 })
    assert.ok(audit.counts.told > 0)
  })
})
