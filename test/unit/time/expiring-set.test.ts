import { describe, expect, it } from 'vitest'
import { ExpiringSet, type ExpiryTimer } from '../../../src/time/expiring-set.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A set of expiring items, and a log of those that expired, in groups. */
function expiring(ttlMs: number, timer?: ExpiryTimer) {
  const clock = new ManualClock()
  const log: (readonly string[])[] = []
  const expiry = new ExpiringSet<string>(clock, ttlMs, (expired) => void (expired.length > 0 && log.push(expired)), timer)
  return { clock, expiry, log }
}

describe('ExpiringSet', () => {
  it('expires each item at its own time, with one timer for all', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    clock.advance(40)
    expiry.add('b')
    expect(clock.pendingTimers).toBe(1)

    clock.advance(59)
    expect(log).toEqual([])
    clock.advance(1)
    expect(log).toEqual([['a']])
    expect(clock.pendingTimers).toBe(1)
    clock.advance(40)

    expect(log).toEqual([['a'], ['b']])
    expect(clock.pendingTimers).toBe(0)
  })

  it('expires items that were added at the same time together, in the order of adding', () => {
    const { clock, expiry, log } = expiring(100)
    for (const item of ['b', 'a', 'c']) expiry.add(item)

    clock.advance(100)

    expect(log).toEqual([['b', 'a', 'c']])
  })

  it('counts from the first time that an item was added', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    clock.advance(99)
    expiry.add('a')

    clock.advance(1)

    expect(log).toEqual([['a']])
  })

  it('counts again from the start for an item that was deleted and added again', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    expiry.add('b')
    clock.advance(60)
    expiry.delete('a')
    expiry.add('a')

    clock.advance(99)
    expect(log).toEqual([['b']])
    clock.advance(1)

    expect(log).toEqual([['b'], ['a']])
  })

  it('does not expire a deleted item, and leaves no timer after the last one', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    expiry.add('b')

    expiry.delete('a')
    expiry.delete('unknown')
    expect(clock.pendingTimers).toBe(1)
    expiry.delete('b')

    expect(clock.pendingTimers).toBe(0)
    clock.advance(1_000)
    expect(log).toEqual([])
  })

  it('removes all items and the timer with `clear`', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    expiry.add('b')

    expiry.clear()

    expect(clock.pendingTimers).toBe(0)
    clock.advance(1_000)
    expect(log).toEqual([])
    expiry.add('b')
    clock.advance(100)
    expect(log).toEqual([['b']])
  })

  describe('whose timer stays when it is empty', () => {
    it('sets one timer for items that come and go, and each item still expires at its own time', () => {
      const { clock, expiry, log } = expiring(100, { staysWhenEmpty: true })
      let set = 0
      const { setTimeout } = clock
      clock.setTimeout = (fn, ms) => (set++, setTimeout.call(clock, fn, ms))
      for (let i = 0; i < 10; i++) {
        expiry.add('a')
        clock.advance(5)
        expiry.delete('a')
      }
      expect(set).toBe(1)

      clock.advance(49)
      expiry.add('b')
      clock.advance(99)
      expect(log).toEqual([])
      clock.advance(1)

      expect(log).toEqual([['b']])
      expect([set, clock.pendingTimers]).toEqual([2, 0])
    })

    it('has no timer once the timer fired in vain, and none after `clear`', () => {
      const { clock, expiry, log } = expiring(100, { staysWhenEmpty: true })
      const comeAndGo = (): void => {
        expiry.add('a')
        expiry.delete('a')
      }

      comeAndGo()
      clock.advance(100)
      expect(clock.pendingTimers).toBe(0)
      comeAndGo()
      expect(clock.pendingTimers).toBe(1)
      expiry.clear()

      expect([log, clock.pendingTimers]).toEqual([[], 0])
    })

    it('replaces a timer that was lost while it was empty', () => {
      const { clock, expiry, log } = expiring(100, { staysWhenEmpty: true })
      const { setTimeout } = clock
      clock.setTimeout = () => () => {}
      expiry.add('a')
      expiry.delete('a')
      clock.setTimeout = setTimeout
      clock.advance(100)

      expiry.renew()
      expect(clock.pendingTimers).toBe(0)
      expiry.add('b')
      clock.advance(100)

      expect(log).toEqual([['b']])
    })
  })

  it('waits for later items after the first was deleted', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')
    clock.advance(50)
    expiry.add('b')
    expiry.delete('a')

    clock.advance(99)
    expect(log).toEqual([])
    clock.advance(1)

    expect(log).toEqual([['b']])
  })

  describe('after its timer was lost', () => {
    /** A set of expiring items on a clock that loses its first timer before that could fire. */
    function losing(ttlMs: number) {
      const { clock, expiry, log } = expiring(ttlMs)
      const { setTimeout } = clock
      let areLost = true
      clock.setTimeout = (fn, ms) => (areLost ? () => {} : setTimeout.call(clock, fn, ms))
      const recover = (): void => void (areLost = false)
      return { clock, expiry, log, recover }
    }

    it("sets a new timer at the next item, once the old timer's time has passed", () => {
      const { clock, expiry, log, recover } = losing(100)
      expiry.add('a')
      recover()
      clock.advance(99)
      expiry.add('b')
      expect(clock.pendingTimers).toBe(0)
      clock.advance(1)

      expiry.add('c')
      expect([log, clock.pendingTimers]).toEqual([[], 1])
      clock.advance(0)

      expect(log).toEqual([['a']])
      clock.advance(99)
      expect(log).toEqual([['a'], ['b']])
      clock.advance(1)
      expect(log).toEqual([['a'], ['b'], ['c']])
      expect(clock.pendingTimers).toBe(0)
    })

    it("sets a new timer when it is renewed, once the old timer's time has passed", () => {
      const { clock, expiry, log, recover } = losing(100)
      expiry.renew()
      expiry.add('a')
      recover()
      clock.advance(99)
      expiry.renew()
      clock.advance(1)
      expiry.renew()

      clock.advance(0)
      expiry.renew()

      expect(log).toEqual([['a']])
      expect(clock.pendingTimers).toBe(0)
    })

    it('waits for the remaining time if the clock went back', () => {
      const { clock, expiry, log, recover } = losing(100)
      const ticking: ManualClock & { wentBackMs?: number } = clock
      ticking.wentBackMs = 0
      expiry.add('a')
      recover()
      clock.advance(40)
      ticking.wentBackMs = 1_000

      expiry.renew()
      clock.advance(59)
      expiry.renew()
      const logBefore = [...log]
      clock.advance(1)

      expect(logBefore).toEqual([])
      expect(log).toEqual([['a']])
    })

    it('sets one timer at a time, and waits longer each time before it replaces a late timer', () => {
      const { clock, expiry } = expiring(0)
      const { setTimeout } = clock
      let timers = 0
      clock.setTimeout = (fn, ms) => (timers++, setTimeout.call(clock, fn, ms))

      for (let i = 0; i < 1_000; i++) {
        expiry.add(`item ${i}`)
        // Time passes, and the event loop gets no chance to fire a timer.
        clock.monotonic = () => i
      }

      expect(clock.pendingTimers).toBe(1)
      expect(timers).toBeLessThan(15)
    })

    it('starts again after the last item was deleted', () => {
      const { clock, expiry, log, recover } = losing(100)
      expiry.add('a')
      expiry.delete('a')
      recover()
      clock.advance(1_000)

      expiry.add('b')
      clock.advance(100)

      expect(log).toEqual([['b']])
      expect(clock.pendingTimers).toBe(0)
    })
  })

  it.each([[true], [false]])('passes on whether its timers keep the process alive: %s', (holdsProcess) => {
    const clock = new ManualClock()
    const held: unknown[] = []
    const setTimeout = (_fn: () => void, _ms: number, holds?: boolean) => (held.push(holds), () => {})
    const expiry = new ExpiringSet<string>({ monotonic: () => clock.monotonic(), setTimeout }, 100, () => {}, { holdsProcess })

    expiry.add('a')
    clock.advance(100)
    expiry.renew()

    expect(held).toEqual([holdsProcess, holdsProcess])
  })

  it('accepts items that are added while others expire', () => {
    const clock = new ManualClock()
    const log: string[] = []
    const expiry: ExpiringSet<string> = new ExpiringSet<string>(clock, 100, (expired) => {
      log.push(...expired)
      if (log.length < 3) expiry.add(`after ${expired.join()}`)
    })
    expiry.add('a')

    clock.advance(300)

    expect(log).toEqual(['a', 'after a', 'after after a'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('expires an item whose timer fires early by the clock, but no later item', () => {
    const { clock, expiry, log } = expiring(100)
    const { monotonic } = clock
    expiry.add('a')
    clock.advance(20)
    expiry.add('b')
    clock.monotonic = () => monotonic.call(clock) - 1

    clock.advance(80)

    expect(log).toEqual([['a']])
    clock.advance(21)
    expect(log).toEqual([['a'], ['b']])
  })

  it('uses elapsed time, not the wall clock', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')

    clock.jump(1_000_000)
    clock.advance(99)
    expect(log).toEqual([])
    clock.jump(-2_000_000)
    clock.advance(1)

    expect(log).toEqual([['a']])
  })

  it('expires items with a lifetime of 0 at the next timer, not in the call', () => {
    const { clock, expiry, log } = expiring(0)

    expiry.add('a')
    expect(log).toEqual([])
    clock.advance(0)

    expect(log).toEqual([['a']])
  })

  it('keeps items with an infinite lifetime, without a timer', () => {
    const { clock, expiry, log } = expiring(Infinity)

    expiry.add('a')
    expiry.delete('a')
    expiry.add('b')
    clock.advance(1e9)

    expect(log).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
