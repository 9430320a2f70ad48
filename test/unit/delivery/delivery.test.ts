import { describe, expect, it } from 'vitest'
import { Delivery, type DeliveryDependencies } from '../../../src/delivery/delivery.ts'
import { allOf, eachOf, eitherOf } from '../../../src/delivery/recipients.ts'
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
}

const dependencies: DeliveryDependencies<Connection> = {
  clock: new ManualClock(),
  maxDeferred: 10,
  softLimitBytes: Infinity,
  hardLimitBytes: Infinity,
  maxLagMs: 60_000, drainIntervalMs: Infinity,
  textOf: () => 'text',
  failed() {},
  attachQueue() {},
  tooSlow() {},
  hookFailed() {},
  gapTold() {},
  settled() {},
  change: (make) => make(),
  withinChange: (act) => act(),
}

const fields = readMessage(price(), tradingStreams, () => 0)

function connected(): Connection {
  const socket = new FakeSocket()
  return { socket, sink: socket, transport: undefined }
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
    const delivery: Delivery<Connection> = new Delivery<Connection>({
      ...dependencies,
      textOf() {
        delivery.withhold(() => true, (connection) => {
          asked.add(connection)
          return connection === recipients[0].connection
        })
        return 'text'
      },
    })

    const result = delivery.deliver(fields, () => eachOf(seats, recipients))

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
    const delivery = new Delivery<Connection>({ ...dependencies, textOf })

    try {
      delivery.deliver(fields, () => eitherOf(whole.seats, exact.seats))
    } catch {}
    for (const { seats, taken } of [whole, exact]) for (const seat of taken) seats.vacate(seat)

    expect([whole.seats.occupants, exact.seats.occupants]).toEqual([[], []])
  })

  it.each([
    ['no outbox', 'neither writes in batches nor measures', {}],
    ['an outbox', 'writes in batches', { write() {} }],
    ['an outbox', 'measures', { bufferedBytes: () => 0 }],
  ])('puts %s in front of a socket whose transport %s', (expected, _what, transport) => {
    const delivery = new Delivery<Connection>(dependencies)

    const maker = delivery.sendQueueMaker({ socket: new FakeSocket(), transport })

    expect(maker === undefined ? 'no outbox' : 'an outbox').toBe(expected)
  })

  it('puts an outbox in front of a socket that tells of its pressure while something waits, and lets go of it then', async () => {
    const { seats, taken: [seat] } = seated(1)
    const socket = Object.assign((seat as Seat<Connection>).connection.socket, { bufferedAmount: 11 })
    const interposed: (WeakRef<SendQueue> | undefined)[] = []
    const delivery = new Delivery<Connection>({
      ...dependencies,
      softLimitBytes: 10,
      attachQueue: (_connection, sendQueue) => interposed.push(sendQueue && new WeakRef(sendQueue)),
    })

    const maker = delivery.sendQueueMaker({ socket, transport: undefined })
    delivery.deliver(fields, () => allOf(seats))
    expect([maker, interposed.length, socket.sent]).toEqual([undefined, 1, []])
    socket.bufferedAmount = 10
    interposed[0]?.deref()?.drained()

    expect([interposed.length, interposed[1], socket.sent]).toEqual([2, undefined, ['text']])
    await collectGarbage()
    expect(interposed[0]?.deref()).toBeUndefined()
  })

  it('has nothing to tell where nothing was noted', () => {
    const { seats } = seated(1)
    let tellings = 0
    const delivery = new Delivery<Connection>({ ...dependencies, settled: () => tellings++ })

    delivery.settle()
    delivery.deliver(fields, () => allOf(seats))

    expect(tellings).toBe(0)
  })

  it('reads the clock for a message whose turn has come later, and goes on after a clock that throws', () => {
    const { seats, taken: [seat] } = seated(1)
    const { socket } = (seat as Seat<Connection>).connection
    let isBroken = true
    const clock = new ManualClock()
    clock.now = () => { if (isBroken) throw new Error('no time'); return 5 }
    const delivery = new Delivery<Connection>({ ...dependencies, clock })
    const deliver = () => delivery.deliver(fields, () => allOf(seats))
    const deliverAnotherMeanwhile = () => {
      socket.send = (text) => {
        socket.send = FakeSocket.prototype.send
        socket.send(text)
        deliver()
      }
      return deliver()
    }

    expect(deliverAnotherMeanwhile).toThrow('no time')
    expect(seats.servedAtMs).toBe(0)
    isBroken = false

    expect(deliverAnotherMeanwhile()).toMatchObject({ sent: 1, deferred: false })
    expect([socket.sent, seats.servedAtMs]).toEqual([['text', 'text', 'text'], 5])
  })
})
