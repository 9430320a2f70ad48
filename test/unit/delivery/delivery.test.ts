import { describe, expect, it } from 'vitest'
import { Changes } from '../../../src/events/changes.ts'
import type { PublishResult } from '../../../src/model/publish-result.ts'
import type { AnyConnection } from '../../../src/ports/connection.ts'
import { Delivery, type DeliveryDependencies } from '../../../src/delivery/delivery.ts'
import { allOf, eachOf, eitherOf, type Recipients } from '../../../src/delivery/recipients.ts'
import type { SendQueue } from '../../../src/ports/sink.ts'
import { Seats, type Seat } from '../../../src/collections/fan-out-list.ts'
import { tradingStreams } from '../../../src/model/catalogue.ts'
import { readMessage } from '../../../src/model/message-fields.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { price } from '../../support/messages.ts'
import { seatIn } from '../../support/seat.ts'

interface Connection {
  readonly socket: FakeSocket
  readonly sink: FakeSocket
  readonly transport: undefined
  readonly handle: AnyConnection
}

const HANDLE = { id: 'c', userId: 'u' } as AnyConnection

function deliveryWith(own: Partial<DeliveryDependencies<Connection>> = {}): Delivery<Connection> {
  const changes = new Changes()
  return new Delivery<Connection>({
    clock: new ManualClock(),
    changes,
    events: changes.events,
    softLimitBytes: Infinity,
    hardLimitBytes: Infinity,
    maxLagMs: 60_000,
    drainIntervalMs: Infinity,
    attachQueue() {},
    endService() {},
    ...own,
  })
}

function deliver(delivery: Delivery<Connection>, recipients: Recipients<Connection>, textOf = () => 'text'): PublishResult {
  const fanOut = delivery.begin(fields, recipients, [])
  let text: string | undefined
  try {
    text = textOf()
    return delivery.serve(fanOut, text, 5)
  } finally {
    if (text === undefined) delivery.abandon(fanOut)
  }
}

const fields = readMessage(price(), tradingStreams, { now: () => 0 })

function connected(): Connection {
  const socket = new FakeSocket()
  return { socket, sink: socket, transport: undefined, handle: HANDLE }
}

function seated(count: number) {
  const seats = new Seats<Connection>()
  const taken = Array.from({ length: count }, () => seatIn(seats, connected()))
  return { seats, taken }
}

describe('Delivery', () => {
  it('asks of none but its recipients whether the message is kept from them', () => {
    const { seats, taken } = seated(5)
    const recipients = [taken[1], taken[3]] as [(typeof taken)[0], (typeof taken)[0]]
    const asked = new Set<Connection>()
    const delivery = deliveryWith()

    const result = deliver(delivery, eachOf(seats, recipients), () => {
      delivery.exclude(() => true, (connection) => {
        asked.add(connection)
        return connection === recipients[0].connection
      })
      return 'text'
    })

    expect([...asked]).toEqual(recipients.map(({ connection }) => connection))
    expect(result).toMatchObject({ matched: 2, sent: 1, skipped: 1 })
    expect(seats.sinks).toEqual(taken.map(({ connection }) => connection.sink))
  })

  it.each([
    ['was delivered', () => 'text'],
    ['could not be serialized', () => { throw new Error('no') }],
  ])('lets seats be compacted again once a message %s', (_case, textOf) => {
    const whole = seated(10)
    const exact = seated(10)

    try {
      deliver(deliveryWith(), eitherOf(whole.seats, exact.seats), textOf)
    } catch {}
    for (const { seats, taken } of [whole, exact]) for (const seat of taken) seats.vacate(seat)

    expect([whole.seats.occupants, exact.seats.occupants]).toEqual([[], []])
  })

  it.each([
    ['no send queue', 'neither writes in batches nor measures', {}],
    ['a send queue', 'writes in batches', { write() {} }],
    ['a send queue', 'measures', { bufferedBytes: () => 0 }],
  ])('puts %s in front of a socket whose transport %s', (expected, _what, transport) => {
    const maker = deliveryWith().queueMaker({ socket: new FakeSocket(), transport })

    expect(maker === undefined ? 'no send queue' : 'a send queue').toBe(expected)
  })

  it('puts a send queue in front of a socket that tells of its pressure while something waits, and releases it then', async () => {
    const { seats, taken: [seat] } = seated(1)
    const socket = Object.assign((seat as Seat<Connection>).connection.socket, { bufferedAmount: 11 })
    const attached: (WeakRef<SendQueue> | undefined)[] = []
    const delivery = deliveryWith({
      softLimitBytes: 10,
      attachQueue: (_connection, queue) => attached.push(queue && new WeakRef(queue)),
    })

    const maker = delivery.queueMaker({ socket, transport: undefined })
    deliver(delivery, allOf(seats))
    expect([maker, attached.length, socket.sent]).toEqual([undefined, 1, []])
    socket.bufferedAmount = 10
    attached[0]?.deref()?.drained()

    expect([attached.length, attached[1], socket.sent]).toEqual([2, undefined, ['text']])
    await collectGarbage()
    expect(attached[0]?.deref()).toBeUndefined()
  })
})
