import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/testing/manual-clock.ts'

function clockWithLog() {
  const clock = new ManualClock()
  const log: unknown[] = []
  const noteAt = (ms: number, name: string) => clock.setTimeout(() => void log.push([name, clock.monotonic()]), ms)
  return { clock, log, noteAt }
}

describe('ManualClock', () => {
  it('stands still, at the same moment each time, or at one that is given', () => {
    const given = new Date('2020-02-29T00:00:00.000Z')

    expect(new Date(new ManualClock().now()).toISOString()).toBe('2026-01-31T12:00:00.000Z')
    expect(new ManualClock({ startsAt: given }).now()).toBe(given.getTime())
    expect(new ManualClock({}).monotonic()).toBe(0)
  })

  it('passes time on both of its faces', () => {
    const clock = new ManualClock()
    const start = clock.now()

    clock.advance(1_500)
    clock.advance(0)

    expect([clock.now() - start, clock.monotonic()]).toEqual([1_500, 1_500])
  })

  it('lets what falls due happen at its own moment, in order, those of one moment as they were set', () => {
    const { clock, log, noteAt } = clockWithLog()
    noteAt(20, 'c')
    noteAt(10, 'a')
    noteAt(10, 'b')
    noteAt(31, 'late')

    clock.advance(30)

    expect(log).toEqual([['a', 10], ['b', 10], ['c', 20]])
    expect([clock.monotonic(), clock.pendingTimers]).toEqual([30, 1])
  })

  it('lets what is due at once happen when time is asked to pass, and not before', () => {
    const { clock, log, noteAt } = clockWithLog()

    noteAt(0, 'at once')
    const before = [...log]
    clock.advance(0)

    expect([before, log]).toEqual([[], [['at once', 0]]])
  })

  it('forgets a timer that is cancelled, also from within another, and twice', () => {
    const { clock, log, noteAt } = clockWithLog()
    const cancel = noteAt(20, 'cancelled')
    clock.setTimeout(() => cancel(), 10)

    clock.advance(30)
    cancel()

    expect([log, clock.pendingTimers]).toEqual([[], 0])
  })

  it('lets timers happen that timers set, within the same advance where they fall due in it', () => {
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

  it('goes on after a timer that throws at the next advance, from its moment', () => {
    const { clock, log, noteAt } = clockWithLog()
    clock.setTimeout(() => { throw new Error('boom') }, 10)
    noteAt(20, 'next')

    expect(() => clock.advance(30)).toThrow('boom')
    expect([clock.monotonic(), log]).toEqual([10, []])

    clock.advance(10)
    expect(log).toEqual([['next', 20]])
  })

  it('never goes back when a timer lets more time pass than was asked for', () => {
    const { clock, log, noteAt } = clockWithLog()
    clock.setTimeout(() => clock.advance(100), 10)
    noteAt(50, 'meanwhile')

    clock.advance(20)

    expect([clock.monotonic(), log]).toEqual([110, [['meanwhile', 50]]])
    expect(clock.now() - new ManualClock().now()).toBe(110)
  })

  it('jumps with its wall clock alone, either way', () => {
    const { clock, log, noteAt } = clockWithLog()
    const start = clock.now()
    noteAt(10, 'due')

    clock.jump(3_600_000)
    clock.jump(-7_200_000)

    expect([clock.now() - start, clock.monotonic(), log]).toEqual([-3_600_000, 0, []])
  })

  it.each([-1, -0.5, NaN, Infinity, -Infinity, '5', undefined])('refuses to advance by %s, and lets nothing happen', (ms) => {
    const { clock, log, noteAt } = clockWithLog()
    noteAt(0, 'due')

    const refusal = expect.objectContaining({ name: 'RangeError', message: expect.stringContaining(String(ms)) as string }) as Error
    expect(() => clock.advance(ms as number)).toThrow(refusal)
    expect([log, clock.monotonic()]).toEqual([[], 0])
  })
})
