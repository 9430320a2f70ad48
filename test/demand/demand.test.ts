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
})
