import { describe, expect, it } from 'vitest'
import { Spread } from '../../../src/time/spread.ts'

describe('Spread', () => {
  it.each([10, 1_000, 50_000])('has about as many of its first %d numbers in each tenth', (count) => {
    const spread = new Spread()
    const tenths = Array<number>(10).fill(0)
    for (let i = 0; i < count; i++) tenths[Math.floor(spread.next() * 10)]! += 1

    for (const tenth of tenths) expect(Math.abs(tenth - count / 10)).toBeLessThanOrEqual(3)
  })
})
