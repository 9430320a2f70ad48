import { describe, expect, it } from 'vitest'
import { Demand, type DemandEvents } from '../../../src/demand/demand.ts'
import type { ActiveStream } from '../../../src/events/events.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { BTC_ORDERS, PRICE } from '../../support/messages.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const CHANGES: Record<string, string> = { streamActive: 'active', streamIdle: 'idle' }

/** Events that are emitted at once. */
function eventsFor(tell: (change: string | undefined, stream: ActiveStream) => unknown): DemandEvents {
  return { post: (name, payload) => void tell(CHANGES[name], payload as ActiveStream) }
}

const ALICES = { ...BTC_ORDERS, userId: 'alice' }

describe('Demand', () => {
  it.each([0, 1_000])('reports each stream as active, and then as idle after a delay of %d ms', (idleDelayMs) => {
    const clock = new ManualClock()
    const reported: unknown[] = []
    const demand = new Demand(clock, { idleDelayMs, idleStreams: Infinity }, eventsFor((...change) => reported.push(change)))

    for (const stream of [PRICE, ALICES]) demand.gained(stream)
    for (const stream of [PRICE, ALICES]) demand.lost(stream)
    clock.advance(idleDelayMs)

    expect(reported).toEqual([['active', PRICE], ['active', ALICES], ['idle', PRICE], ['idle', ALICES]])
    expect([...demand.idling()]).toEqual([])
  })

  it('keeps two streams apart if their users and names read alike, one after the other', () => {
    const clock = new ManualClock()
    const reported: unknown[] = []
    const demand = new Demand(clock, { idleDelayMs: 1_000, idleStreams: Infinity }, eventsFor((...change) => reported.push(change)))
    const one = { streamType: 'ORDERS', symbol: 'FILLS', userId: 'a' }
    const other = { streamType: 'FILLS', symbol: undefined, userId: 'a:ORDERS' }

    demand.lost(one)
    demand.lost(other)
    expect([...demand.idling()]).toEqual([one, other])
    demand.gained(one)
    clock.advance(1_000)

    expect(reported).toEqual([['idle', other]])
  })

  it('sets one timer for a stream that loses and regains its only subscriber all the time', () => {
    const clock = new ManualClock()
    const demand = new Demand(clock, { idleDelayMs: 1_000, idleStreams: Infinity }, eventsFor(() => {}))
    let set = 0
    const { setTimeout } = clock
    clock.setTimeout = (fn, ms) => (set++, setTimeout.call(clock, fn, ms))

    for (let i = 0; i < 10; i++) {
      demand.lost(PRICE)
      demand.gained(PRICE)
    }

    expect([set, clock.pendingTimers]).toEqual([1, 1])
    demand.end()
    expect(clock.pendingTimers).toBe(0)
  })

  describe('when as many streams are idling as are allowed', () => {
    const stream = (i: number) => ({ streamType: 'PRICE', symbol: `S${i}` })

    function limited(idleStreams: number, idleDelayMs = 1_000) {
      const clock = new ManualClock()
      const reported: string[] = []
      const demand = new Demand(clock, { idleDelayMs, idleStreams }, eventsFor((change, { symbol }) => reported.push(`${change} ${symbol}`)))
      const idling = (): unknown[] => [...demand.idling()].map(({ symbol }) => symbol)
      return { clock, demand, reported, idling }
    }

    it('makes the oldest idle at once', () => {
      const { clock, demand, reported, idling } = limited(2)

      for (const i of [1, 2, 3, 4]) demand.lost(stream(i))

      expect(reported).toEqual(['idle S1', 'idle S2'])
      expect(idling()).toEqual(['S3', 'S4'])
      clock.advance(1_000)
      expect(reported).toEqual(['idle S1', 'idle S2', 'idle S3', 'idle S4'])
      expect(clock.pendingTimers).toBe(0)
    })

    it('counts the stream that has idled longest as the oldest, not the one that was active first', () => {
      const { demand, reported, idling } = limited(2)
      for (const i of [1, 2, 3]) demand.lost(stream(i))
      for (const i of [2, 4]) demand.gained(stream(i))
      demand.lost(stream(2))

      demand.lost(stream(4))

      expect(reported).toEqual(['idle S1', 'active S4', 'idle S3'])
      expect(idling()).toEqual(['S2', 'S4'])
    })

    it('reports each stream once, whatever the order of subscribing and leaving', () => {
      const { clock, demand, reported, idling } = limited(10)
      const random = seededRandom(7)
      const below = (count: number): number => Math.floor(random() * count)
      let most = 0
      const wanted = new Set<number>()
      for (let turn = 0; turn < 5_000; turn++) {
        const i = below(40)
        if (wanted.delete(i)) demand.lost(stream(i))
        else demand.gained((wanted.add(i), stream(i)))
        if (below(100) === 0) clock.advance(300)
        most = Math.max(most, idling().length)
      }

      const active = new Set<string>()
      const unbalanced = reported.filter((line) => {
        const [change, symbol] = line.split(' ') as [string, string]
        return change === 'active' ? active.size === active.add(symbol).size : !active.delete(symbol)
      })
      expect(unbalanced).toEqual([])
      expect(active).toEqual(new Set([...[...wanted].map((i) => `S${i}`), ...idling()]))
      expect(most).toBe(10)
    })

    it('keeps no idling stream and sets no timer if none is allowed', () => {
      const { clock, demand, reported, idling } = limited(0)

      demand.lost(stream(1))

      expect([reported, idling(), clock.pendingTimers]).toEqual([['idle S1'], [], 0])
    })

    it('keeps no more than allowed, even if they would idle until cleanup', () => {
      const { demand, reported, idling } = limited(1, Infinity)

      for (const i of [1, 2]) demand.lost(stream(i))
      const idlingBefore = idling()
      demand.end()

      expect(idlingBefore).toEqual(['S2'])
      expect(reported).toEqual(['idle S1', 'idle S2'])
    })
  })
})
