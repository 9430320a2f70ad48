import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Patience, describe as describeValue } from '../../../../src/testing/suite/patience.ts'

const never = new Promise<never>(() => {})

describe('Patience, by the clock of the runtime', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('resolves with a value that arrives in time, and leaves no timer behind', async () => {
    const patience = new Patience()

    expect(await patience.within('it comes', Promise.resolve(1))).toBe(1)
    expect(await patience.within('it is there', 2)).toBe(2)
    await expect(patience.within('it comes', Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits ten seconds and no longer', async () => {
    const failure = new Patience().within('it comes', never).catch((error: unknown) => error)

    await vi.advanceTimersByTimeAsync(9_999)
    const before = vi.getTimerCount()
    await vi.advanceTimersByTimeAsync(1)

    expect([before, vi.getTimerCount()]).toEqual([1, 0])
    expect(await failure).toEqual(new Error('Expected that it comes within 10000 ms, but it did not happen'))
  })

  it('checks every five milliseconds, and a last time at the end', async () => {
    let looks = 0
    const expected = { look: () => ++looks, isAsExpected: () => false, describeSeen: (seen: number) => `look ${seen}` }
    const failure = new Patience({ deadlineMs: 20 }).until('it is there', expected).catch((error: unknown) => error)

    await vi.advanceTimersByTimeAsync(100)

    expect(vi.getTimerCount()).toBe(0)
    expect(await failure).toEqual(new Error('Expected that it is there within 20 ms, but got look 5'))
  })

  it('resolves as soon as the checked value is as expected', async () => {
    let looks = 0
    const seen = new Patience().until('it is there', { look: async () => ++looks, isAsExpected: (look) => look === 3 })

    await vi.advanceTimersByTimeAsync(10)

    expect([await seen, looks]).toEqual([3, 3])
  })

  it('rejects if the check throws', async () => {
    const expected = { look: (): never => { throw new Error('blind') }, isAsExpected: () => true }

    await expect(new Patience().until('it is there', expected)).rejects.toThrow('blind')
  })
})

describe('a value in an error message', () => {
  it('is shown as JSON, and truncated if it is longer than 300 units', () => {
    expect(describeValue({ a: [1, 'b'] })).toBe('{"a":[1,"b"]}')
    expect(describeValue('x'.repeat(298))).toBe(`"${'x'.repeat(298)}"`)
    expect(describeValue('x'.repeat(299))).toBe(`"${'x'.repeat(299)}… (301 units)`)
  })
})
