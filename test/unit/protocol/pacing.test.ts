import { describe, expect, it } from 'vitest'
import type { AnyConnection } from '../../../src/ports/connection.ts'
import { Pacing } from '../../../src/protocol/pacing.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** Somebody whose connection answers `flush` as the test says. */
function paced(flush: (connection: { removed: boolean }) => boolean) {
  const connection = { removed: false, flush: () => flush(connection) }
  const one = { connection: connection as unknown as AnyConnection, turns: 0, goOn: () => void one.turns++ }
  return one
}

describe('pacing', () => {
  it('holds a client until the turn after it has caught up', () => {
    const clock = new ManualClock()
    const pacing = new Pacing(clock, 1_000)
    let isEmpty = false
    const client = paced(() => isEmpty)
    pacing.hold(client)
    clock.advance(500)

    isEmpty = true
    pacing.caughtUp(client.connection)
    const before = client.turns
    clock.advance(0)

    expect([before, client.turns, pacing.isHeld(client)]).toEqual([0, 1, false])
    expect(clock.pendingTimers).toBe(0)
  })

  it('holds a client for two turns if its messages are sent later in the turn', () => {
    const clock = new ManualClock()
    const pacing = new Pacing(clock, 1_000)
    const client = paced(() => true)
    const turns: number[] = []
    pacing.hold(client, 2)
    clock.setTimeout(() => void turns.push(client.turns), 0)

    clock.advance(0)

    expect([turns, client.turns, pacing.isHeld(client)]).toEqual([[0], 1, false])
  })

  it('looks again if a client that caught up is behind again in the next turn', () => {
    const clock = new ManualClock()
    const pacing = new Pacing(clock, 1_000)
    const client = paced(() => false)
    pacing.hold(client)
    clock.advance(0)

    pacing.caughtUp(client.connection)
    clock.advance(0)

    expect([client.turns, pacing.isHeld(client)]).toEqual([0, true])
  })

  it('does nothing when a client catches up that it does not hold', () => {
    const clock = new ManualClock()
    const pacing = new Pacing(clock, 1_000)
    const client = paced(() => true)

    pacing.caughtUp(client.connection)

    expect([client.turns, clock.pendingTimers]).toEqual([0, 0])
  })

  it('does not hold a client whose connection is removed by its own flush', () => {
    const clock = new ManualClock()
    const pacing = new Pacing(clock, 1_000)
    const client = paced((connection) => {
      connection.removed = true
      // The server does this when it hears of the removal.
      pacing.forget(client)
      return false
    })
    pacing.hold(client)

    clock.advance(0)

    expect([pacing.isHeld(client), clock.pendingTimers]).toEqual([false, 0])
  })
})
