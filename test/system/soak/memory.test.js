// How the soak judges what the memory of a process does.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { growthOf, slopePerMinute } from './memory.ts'

const MINUTE_MS = 60_000

/**
 * One sample a minute.
 *
 * @param {number} count
 * @param {(minute: number) => number} bytesAt
 */
function samplesOf(count, bytesAt) {
  return Array.from({ length: count }, (_, minute) => ({ atMs: minute * MINUTE_MS, heapBytes: bytesAt(minute), externalBytes: 0, rssBytes: 0 }))
}

describe('growthOf', () => {
  it('measures a straight line without uncertainty', () => {
    const { bytesPerHour, uncertainty } = growthOf(samplesOf(20, (minute) => 1_000 + 5 * minute), 'heapBytes')

    assert.equal(Math.round(bytesPerHour), 300)
    assert.ok(uncertainty < 1e-6, String(uncertainty))
  })

  it('leaves out the first half, in which a process warms up', () => {
    const { bytesPerHour } = growthOf(samplesOf(20, (minute) => (minute < 10 ? 100 * minute : 1_000)), 'heapBytes')

    assert.equal(bytesPerHour, 0)
  })

  it('is more uncertain the more the samples vary', () => {
    const [calm, wild] = [1, 100].map((swing) => growthOf(samplesOf(40, (minute) => 1_000 + (minute % 2) * swing), 'heapBytes'))

    assert.ok(calm && wild && wild.uncertainty > 50 * calm.uncertainty)
    assert.ok(Math.abs(wild.bytesPerHour) < wild.uncertainty)
  })

  it('knows nothing of fewer than three samples', () => {
    assert.deepEqual(growthOf(samplesOf(4, () => 1), 'heapBytes'), { bytesPerHour: NaN, uncertainty: NaN })
    assert.equal(slopePerMinute(samplesOf(4, () => 1), 'heapBytes'), NaN)
  })
})
