import { describe, expect, it } from 'vitest'
import { Rate } from '../../../src/protocol/rate.ts'

/** How many of `tries` tokens there are at a time. */
function taken(rate: Rate, nowMs: number, tries = 100): number {
  return Array.from({ length: tries }, () => rate.take(nowMs)).filter(Boolean).length
}

describe('a rate', () => {
  it('has a burst at once, and then so many a second, never more than the burst', () => {
    const rate = new Rate({ burst: 5, perSecond: 2 }, 1_000)

    expect([1_000, 1_000, 1_499, 1_500, 2_500, 1e9].map((nowMs) => taken(rate, nowMs))).toEqual([5, 0, 0, 1, 2, 5])
  })

  it('adds up fractions of a token', () => {
    const rate = new Rate({ burst: 1, perSecond: 1 }, 0)
    rate.take(0)

    expect([250, 500, 750, 1_000].map((nowMs) => rate.take(nowMs))).toEqual([false, false, false, true])
  })

  it('takes a token back, but never more than the burst', () => {
    const rate = new Rate({ burst: 2, perSecond: 1 }, 0)
    rate.take(0)

    rate.giveBack()
    rate.giveBack()

    expect(taken(rate, 0)).toBe(2)
  })

  it.each([
    ['two a second', 2, [1_000, 1_500]],
    ['one in two seconds', 0.5, [2_000, 4_000]],
  ])('counts what happens without a token, but no more than a second of tokens, or one: %s', (_, perSecond, [debtMs = 0, nextMs = 0]) => {
    const rate = new Rate({ burst: 1, perSecond }, 0)

    for (let i = 0; i < 100; i++) rate.spend(0)

    expect([debtMs, nextMs - 1, nextMs].map((nowMs) => taken(rate, nowMs))).toEqual([0, 0, 1])
  })

  it('names a later turn to each who comes too early, and begins anew once those are over', () => {
    const rate = new Rate({ burst: 1, perSecond: 4 }, 0)

    expect([rate.nextTurnMs(0), rate.nextTurnMs(0), rate.nextTurnMs(100), rate.nextTurnMs(10_000)]).toEqual([250, 500, 650, 250])
  })

  it('names whole milliseconds', () => {
    const rate = new Rate({ burst: 1, perSecond: 3 }, 0)

    expect(rate.nextTurnMs(0)).toBe(334)
  })

  it('without a limit at once has no end', () => {
    const rate = new Rate({ burst: Infinity, perSecond: 1 }, 0)

    expect(taken(rate, 0, 10_000)).toBe(10_000)
  })
})
