import { describe, expect, it } from 'vitest'
import { Delivery } from '../../src/delivery/delivery.ts'
import { allOf, eitherOf } from '../../src/delivery/recipients.ts'
import { Seats } from '../../src/seats.ts'
import { FakeSocket } from '../support/fake-socket.ts'

interface Connection {
  readonly socket: FakeSocket
}

const surroundings = { now: () => 0, maxDeferred: 10, failed: () => {} }

function seated(count: number) {
  const seats = new Seats<Connection>()
  const taken = Array.from({ length: count }, () => seats.take({ socket: new FakeSocket() }))
  return { seats, taken }
}

describe('Delivery', () => {
  it.each([
    ['was delivered', () => 'text'],
    ['could not be serialized', () => { throw new Error('no') }],
  ])('lets seats be compacted again once a message %s', (_case, text) => {
    const whole = seated(10)
    const exact = seated(10)
    const delivery = new Delivery<Connection>(surroundings)

    try {
      delivery.deliver({ recipients: () => eitherOf(whole.seats, exact.seats), text })
    } catch {}
    for (const { seats, taken } of [whole, exact]) for (const seat of taken) seats.vacate(seat)

    expect([whole.seats.occupants, exact.seats.occupants]).toEqual([[], []])
  })

  it('goes on after a clock that throws', () => {
    const { seats, taken } = seated(1)
    let isBroken = true
    const now = (): number => { if (isBroken) throw new Error('no time'); return 0 }
    const delivery = new Delivery<Connection>({ ...surroundings, now })
    const message = { recipients: () => allOf(seats), text: () => 'text' }

    expect(() => delivery.deliver(message)).toThrow('no time')
    isBroken = false

    expect(delivery.deliver(message)).toMatchObject({ sent: 1, deferred: false })
    expect(taken[0]?.connection.socket.sent).toEqual(['text'])
  })
})
