import { describe, expect, it } from 'vitest'
import { Demand } from '../../src/demand/demand.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { BTC_ORDERS, PRICE } from '../support/messages.ts'

const ALICES = { ...BTC_ORDERS, userId: 'alice' }

describe('Demand', () => {
  it.each([0, 1_000])('tells of each stream that it is active, and then that it is idle, after a delay of %d ms', (idleDelayMs) => {
    const clock = new ManualClock()
    const told: unknown[] = []
    const demand = new Demand(clock, idleDelayMs, (...change) => told.push(change), () => {})

    for (const stream of [PRICE, ALICES]) demand.gained(stream)
    for (const stream of [PRICE, ALICES]) demand.lost(stream)
    clock.advance(idleDelayMs)

    expect(told).toEqual([['active', PRICE], ['active', ALICES], ['idle', PRICE], ['idle', ALICES]])
    expect([...demand.idling()]).toEqual([])
  })

  it('keeps two streams apart whose users and names read alike, one after the other', () => {
    const clock = new ManualClock()
    const told: unknown[] = []
    const demand = new Demand(clock, 1_000, (...change) => told.push(change), () => {})
    const one = { streamType: 'ORDERS', symbol: 'FILLS', userId: 'a' }
    const other = { streamType: 'FILLS', symbol: undefined, userId: 'a:ORDERS' }

    demand.lost(one)
    demand.lost(other)
    expect([...demand.idling()]).toEqual([one, other])
    demand.gained(one)
    clock.advance(1_000)

    expect(told).toEqual([['idle', other]])
  })
})
