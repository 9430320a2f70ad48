import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/testing/manual-clock.ts'

function clockWithLog() {
  const clock = new ManualClock()
  const log: unknown[] = []
  const noteAt = (ms: number, name: string) => clock.setTimeout(() => void log.push([name, clock.monotonic()]), ms)
  return { clock, log, noteAt }
}

describe('ManualClock', () => {
  it('stands still at a fixed time, or at the time that it is given', () => {
    const given = new Date('2020-02-29T00:00:00.000Z')

    expect(new Date(new ManualClock().now()).toISOString()).toBe('2026-01-31T12:00:00.000Z')
    expect(new ManualClock({ startsAt: given }).now()).toBe(given.getTime())
    expect(new ManualClock({}).monotonic()).toBe(0)
  })

  it('advances both its readings', () => {
    const clock = new ManualClock()
    const start = clock.now()

    clock.advance(1_500)
    clock.advance(0)

    expect([clock.now() - start, clock.monotonic()]).toEqual([1_500, 1_500])
  })

  it('fires due timers at their own times, in order, and those of the same time in the order of setting', () => {
    const { clock, log, noteAt } = clockWithLog()
    noteAt(20, 'c')
    noteAt(10, 'a')
    noteAt(10, 'b')
    noteAt(31, 'late')

    clock.advance(30)

    expect(log).toEqual([['a', 10], ['b', 10], ['c', 20]])
    expect([clock.monotonic(), clock.pendingTimers]).toEqual([30, 1])
  })

  it('fires an immediate timer on advance, not in the call that sets it', () => {
    const { clock, log, noteAt } = clockWithLog()

    noteAt(0, 'at once')
    const before = [...log]
    clock.advance(0)

    expect([before, log]).toEqual([[], [['at once', 0]]])
  })

  it('does not fire a cancelled timer, even if it is cancelled by another timer, or twice', () => {
    const { clock, log, noteAt } = clockWithLog()
    const cancel = noteAt(20, 'cancelled')
    clock.setTimeout(() => cancel(), 10)

    clock.advance(30)
    cancel()

    expect([log, clock.pendingTimers]).toEqual([[], 0])
  })

  it('fires timers set by timers within the same advance if they are due', () => {
    const { clock, log, noteAt } = clockWithLog()
    const again = (): void => {
      log.push(clock.monotonic())
      clock.setTimeout(again, 10)
    }
    clock.setTimeout(again, 10)
    clock.setTimeout(() => void noteAt(5, 'nested'), 12)

    clock.advance(35)

    expect(log).toEqual([10, ['nested', 17], 20, 30])
    expect(clock.pendingTimers).toBe(1)
  })

  it("continues after a throwing timer at the next advance, from that timer's time", () => {
    const { clock, log, noteAt } = clockWithLog()
    clock.setTimeout(() => { throw new Error('boom') }, 10)
    noteAt(20, 'next')

    expect(() => clock.advance(30)).toThrow('boom')
    expect([clock.monotonic(), log]).toEqual([10, []])

    clock.advance(10)
    expect(log).toEqual([['next', 20]])
  })

  it('never goes back if a timer advances beyond the requested time', () => {
    const { clock, log, noteAt } = clockWithLog()
    clock.setTimeout(() => clock.advance(100), 10)
    noteAt(50, 'meanwhile')

    clock.advance(20)

    expect([clock.monotonic(), log]).toEqual([110, [['meanwhile', 50]]])
    expect(clock.now() - new ManualClock().now()).toBe(110)
  })

  it('moves its wall clock alone with jump, in both directions', () => {
    const { clock, log, noteAt } = clockWithLog()
    const start = clock.now()
    noteAt(10, 'due')

    clock.jump(3_600_000)
    clock.jump(-7_200_000)

    expect([clock.now() - start, clock.monotonic(), log]).toEqual([-3_600_000, 0, []])
  })

  it.each([-1, -0.5, NaN, Infinity, -Infinity, '5', undefined])('refuses to advance by %s, and fires nothing', (ms) => {
    const { clock, log, noteAt } = clockWithLog()
    noteAt(0, 'due')

    const refusal = expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(String(ms)) as string }) as Error
    expect(() => clock.advance(ms as number)).toThrow(refusal)
    expect([log, clock.monotonic()]).toEqual([[], 0])
  })
})
