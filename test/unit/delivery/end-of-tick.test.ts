import { afterEach, describe, expect, it, vi } from 'vitest'
import { EndOfTick } from '../../../src/delivery/end-of-tick.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { endOfTick } from '../../support/pressured-socket.ts'

/** Collects strings, and records the strings of each tick. */
function gathering() {
  const ticks: (readonly string[])[] = []
  const gathered = new EndOfTick<string>(new ManualClock(), (items) => ticks.push(items))
  return { gathered, ticks }
}

describe('EndOfTick', () => {
  afterEach(() => vi.unstubAllGlobals())

  it('calls back once with everything that one tick added, in order', async () => {
    const { gathered, ticks } = gathering()

    gathered.add('a')
    gathered.add('b')
    expect(ticks).toEqual([])
    await endOfTick()

    expect(ticks).toEqual([['a', 'b']])
  })

  it('collects across awaits, which do not end a tick', async () => {
    const { gathered, ticks } = gathering()

    gathered.add('a')
    for (let i = 0; i < 10; i++) await Promise.resolve()
    gathered.add('b')
    await endOfTick()

    expect(ticks).toEqual([['a', 'b']])
  })

  it('starts again in the next tick, and does nothing in an idle one', async () => {
    const { gathered, ticks } = gathering()

    gathered.add('a')
    await endOfTick()
    await endOfTick()
    gathered.add('b')
    await endOfTick()

    expect(ticks).toEqual([['a'], ['b']])
  })

  it('keeps what the callback adds for the next tick', async () => {
    const ticks: (readonly string[])[] = []
    const gathered: EndOfTick<string> = new EndOfTick(new ManualClock(), (items) => {
      ticks.push(items)
      if (ticks.length === 1) gathered.add('from within')
    })

    gathered.add('a')
    await endOfTick()
    expect(ticks).toEqual([['a']])
    await endOfTick()

    expect(ticks).toEqual([['a'], ['from within']])
  })

  it('schedules one immediate a tick, however much is added', () => {
    const immediates: (() => void)[] = []
    vi.stubGlobal('setImmediate', (fn: () => void) => immediates.push(fn))
    const { gathered, ticks } = gathering()

    for (const item of ['a', 'b', 'c']) gathered.add(item)
    expect(immediates).toHaveLength(1)
    immediates[0]?.()
    gathered.add('d')

    expect(ticks).toEqual([['a', 'b', 'c']])
    expect(immediates).toHaveLength(2)
  })

  it('counts only the ticks in which something was added or that were awaited', async () => {
    const { gathered } = gathering()
    const first = gathered.tick

    gathered.await()
    expect(gathered.tick).toBe(first)
    await endOfTick()
    await endOfTick()

    expect(gathered.tick).toBe(first + 1)
  })

  it('schedules the end again if setImmediate was replaced', () => {
    const { gathered, ticks } = gathering()
    vi.stubGlobal('setImmediate', () => {})
    gathered.add('a')
    const immediates: (() => void)[] = []
    vi.stubGlobal('setImmediate', (fn: () => void) => immediates.push(fn))

    gathered.notice(0)
    gathered.notice(0)
    for (const immediate of immediates) immediate()

    expect([ticks, immediates.length]).toEqual([[['a']], 1])
  })

  it('schedules the end again, also by the clock, once it is late', () => {
    vi.stubGlobal('setImmediate', () => {})
    const clock = new ManualClock()
    const ticks: (readonly string[])[] = []
    const gathered = new EndOfTick<string>(clock, (items) => ticks.push(items))
    gathered.notice(0)
    gathered.add('a')

    gathered.notice(99)
    expect(clock.pendingTimers).toBe(0)
    gathered.notice(100)
    clock.advance(0)

    expect([ticks, clock.pendingTimers]).toEqual([[['a']], 0])
  })

  it('leaves no timer if a message finds the tick late while it ends', async () => {
    const clock = new ManualClock()
    const gathered: EndOfTick<string> = new EndOfTick(clock, () => gathered.notice(200))
    gathered.add('a')

    await endOfTick()

    expect(clock.pendingTimers).toBe(0)
  })

  it('ends each tick once, by the first of its scheduled ends', () => {
    const immediates: (() => void)[] = []
    vi.stubGlobal('setImmediate', (fn: () => void) => immediates.push(fn))
    const { gathered, ticks } = gathering()
    gathered.notice(0)
    gathered.add('a')
    gathered.notice(1_000)

    for (const immediate of immediates.splice(0)) immediate()
    gathered.add('b')
    expect(ticks).toEqual([['a']])
    for (const immediate of immediates) immediate()

    expect(ticks).toEqual([['a'], ['b']])
  })

  it.each([['does not exist', undefined], ['is not a function', {}]])('ends the tick with a microtask if setImmediate %s', async (_case, value) => {
    vi.stubGlobal('setImmediate', value)
    const { gathered, ticks } = gathering()

    gathered.add('a')
    gathered.add('b')
    expect(ticks).toEqual([])
    await Promise.resolve()

    expect(ticks).toEqual([['a', 'b']])
  })
})
