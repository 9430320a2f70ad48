import { describe, expect, it } from 'vitest'
import { Expiry } from '../src/expiry.ts'
import { ManualClock } from './support/manual-clock.ts'

/** Items that expire, and a log of those that did, each time in one group. */
function expiring(ttlMs: number) {
  const clock = new ManualClock()
  const log: (readonly string[])[] = []
  const expiry = new Expiry<string>(clock, ttlMs, (expired) => void (expired.length > 0 && log.push(expired)))
  return { clock, expiry, log }
}

describe('Expiry', () => {
  it('lets each item expire in its own time, with one timer for all', () => {
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

  it('lets those that came at the same time expire together, in the order in which they came', () => {
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

  it('counts anew for an item that was deleted and added again', () => {
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

  it('keeps what was deleted, and leaves no timer for the last one', () => {
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

  it('waits for later items once the first was deleted', () => {
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

  it('lets an item go for which no timer could be set, and sets one for the next', () => {
    const { clock, expiry, log } = expiring(100)
    const { setTimeout } = clock
    clock.setTimeout = () => { throw new Error('no timers left') }
    expect(() => expiry.add('a')).toThrow('no timers left')

    expiry.delete('a')
    clock.setTimeout = setTimeout
    expiry.add('b')
    clock.advance(100)

    expect(log).toEqual([['b']])
  })

  it('takes what is added while others expire', () => {
    const clock = new ManualClock()
    const log: string[] = []
    const expiry: Expiry<string> = new Expiry<string>(clock, 100, (expired) => {
      log.push(...expired)
      if (log.length < 3) expiry.add(`after ${expired.join()}`)
    })
    expiry.add('a')

    clock.advance(300)

    expect(log).toEqual(['a', 'after a', 'after after a'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('lets an item expire when its timer fires early by the clock, and not a later one', () => {
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

  it('goes by elapsed time, not by the wall clock', () => {
    const { clock, expiry, log } = expiring(100)
    expiry.add('a')

    clock.jump(1_000_000)
    clock.advance(99)
    expect(log).toEqual([])
    clock.jump(-2_000_000)
    clock.advance(1)

    expect(log).toEqual([['a']])
  })

  it('lets items of no time expire at the next timer, not in the call', () => {
    const { clock, expiry, log } = expiring(0)

    expiry.add('a')
    expect(log).toEqual([])
    clock.advance(0)

    expect(log).toEqual([['a']])
  })

  it('keeps items of infinite time, without a timer', () => {
    const { clock, expiry, log } = expiring(Infinity)

    expiry.add('a')
    expiry.delete('a')
    expiry.add('b')
    clock.advance(1e9)

    expect(log).toEqual([])
    expect(clock.pendingTimers).toBe(0)
  })
})
