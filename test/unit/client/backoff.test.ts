import { describe, expect, it } from 'vitest'
import { waitMs } from '../../../src/client/backoff.ts'

const BACKOFF = { minMs: 1_000, maxMs: 30_000 }

describe('waitMs', () => {
  it('is anything from 0 to a limit that doubles, up to the longest', () => {
    const limits = [0, 1, 2, 4, 5, 2_000].map((failures) => waitMs(failures, BACKOFF, 1))

    expect(limits).toEqual([1_000, 2_000, 4_000, 16_000, 30_000, 30_000])
    expect(waitMs(3, BACKOFF, 0)).toBe(0)
    expect(waitMs(3, BACKOFF, 0.5)).toBe(4_000)
  })
})
