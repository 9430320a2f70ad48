import { describe, expect, it } from 'vitest'
import { Allowances } from '../../../src/recovery/allowances.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** A connection whose queue is empty, unless it is behind. Counts how often it was flushed. */
class Client {
  isBehind = false
  flushes = 0

  flush(): boolean {
    this.flushes++
    return !this.isBehind
  }
}

/** Each connection may get 3 messages and 100 units. */
function allowancesOf() {
  const clock = new ManualClock()
  return { clock, allowances: new Allowances<Client>({ count: 3, units: 100 }, clock), client: new Client() }
}

describe('Allowances', () => {
  it.each([
    ['messages', 3, 10],
    ['units', 1, 100],
  ])('allow as many %s as the limit, and nothing more until the end of the turn', (_what, count, units) => {
    const { clock, allowances, client } = allowancesOf()

    expect([allowances.take(client, count, units), allowances.take(client, 1, 1)]).toEqual([true, false])
    clock.advance(0)
    expect(allowances.take(client, count, units)).toBe(true)
  })

  it('add up what a connection takes in several steps', () => {
    const { allowances, client } = allowancesOf()

    expect([60, 41, 40, 1].map((units) => allowances.take(client, 1, units))).toEqual([true, false, true, false])
  })

  it('allow one message that is larger than the limit, if no units were taken before', () => {
    const { clock, allowances, client } = allowancesOf()
    const taken = [allowances.takeOne(client, 101), allowances.takeOne(client, 1), allowances.take(client, 1, 1)]
    clock.advance(0)
    allowances.take(client, 1, 1)

    expect([taken, allowances.takeOne(client, 100), allowances.takeOne(client, 99)]).toEqual([[true, false, false], false, true])
  })

  it('are separate for each connection', () => {
    const { allowances, client } = allowancesOf()
    allowances.take(client, 3, 100)

    expect(allowances.take(new Client(), 3, 100)).toBe(true)
  })

  it('stay spent while a connection is behind, and are given back at the end of the turn in which it caught up', () => {
    const { clock, allowances, client } = allowancesOf()
    client.isBehind = true
    allowances.take(client, 3, 100)
    clock.advance(0)
    const whileBehind = allowances.take(client, 1, 1)

    client.isBehind = false
    allowances.caughtUp(client)
    const before = allowances.take(client, 1, 1)
    clock.advance(0)

    expect([whileBehind, before, allowances.take(client, 3, 100)]).toEqual([false, false, true])
  })

  it.each<[string, (allowances: Allowances<Client>, client: Client) => void]>([
    ['missed nothing', (allowances, client) => void allowances.take(client, 0, 0)],
    ['missed too much', (allowances, client) => void allowances.take(client, 4, 1)],
    ['catches up, but got nothing again', (allowances, client) => allowances.caughtUp(client)],
  ])('start no timer for a connection that %s, and do not flush it', (_what, act) => {
    const { clock, allowances, client } = allowancesOf()

    act(allowances, client)
    const { pendingTimers } = clock
    clock.advance(0)

    expect([pendingTimers, client.flushes]).toEqual([0, 0])
  })

  it('let a client resume that missed nothing, although its allowance is spent', () => {
    const { allowances, client } = allowancesOf()
    allowances.take(client, 3, 100)

    expect(allowances.take(client, 0, 0)).toBe(true)
  })

  it('keep nothing of a connection that was removed', () => {
    const { clock, allowances, client } = allowancesOf()
    allowances.take(client, 3, 100)

    allowances.forget(client)
    clock.advance(0)

    expect(client.flushes).toBe(0)
    expect(allowances.take(client, 3, 100)).toBe(true)
  })
})
