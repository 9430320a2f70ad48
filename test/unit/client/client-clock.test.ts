import { describe, expect, it } from 'vitest'
import { runtimeClock } from '../../../src/client/client-clock.ts'

describe('the clock of the runtime', () => {
  it('has a chance from 0 up to, but not including, 1, which is another one each time', () => {
    const chances = Array.from({ length: 100 }, () => runtimeClock.random())

    expect(chances.filter((chance) => !(chance >= 0 && chance < 1))).toEqual([])
    expect(new Set(chances).size).toBeGreaterThan(1)
  })
})
