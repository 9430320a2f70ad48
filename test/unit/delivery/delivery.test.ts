import { describe, expect, it } from 'vitest'
import { Changes } from '../../../src/events/changes.ts'
import type { PublishResult } from '../../../src/model/publish-result.ts'
import type { AnyConnection } from '../../../src/ports/connection.ts'
import { Delivery, type DeliveryDependencies } from '../../../src/delivery/delivery.ts'
import { allOf, eachOf, eitherOf, type Recipients } from '../../../src/delivery/recipients.ts'
import type { SendQueue } from '../../../src/ports/sink.ts'
import type { FanOutList } from '../../../src/collections/fan-out-list.ts'
import { tradingStreams } from '../../../src/model/catalogue.ts'
import { readMessage } from '../../../src/model/message-fields.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { fanOutList, type Listed } from '../../support/fan-out-list.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { noticeText } from '../../../src/model/notices.ts'
import { price } from '../../support/messages.ts'

type Connection = Listed & AnyConnection

/** A list of this many connections without handles, because no test here needs one. */
function connected(count: number) {
  return fanOutList(count) as unknown as { readonly list: FanOutList<Connection>; readonly connections: readonly Connection[] }
}

const LIMITS = { softLimitBytes: Infinity, hardLimitBytes: Infinity, maxLagMs: 60_000, drainIntervalMs: Infinity }

function deliveryWith(own: Partial<DeliveryDependencies<Connection>> = {}): Delivery<Connection> {
  const changes = new Changes()
  return new Delivery<Connection>({
    clock: new ManualClock(),
    changes,
    events: changes.events,
    limits: LIMITS,
    noticeData: noticeText,
    transportOf: () => undefined,
    attachQueue() {},
    remove() {},
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

describe('Delivery', () => {
  it('checks whether a connection is excluded only if it is a recipient', () => {
    const { list, connections } = connected(5)
    const recipients = [connections[1], connections[3]]
    const asked = new Set<Connection>()
    const delivery = deliveryWith()

    const result = deliver(delivery, eachOf(list, [1, 3]), () => {
      delivery.exclude(() => true, (connection) => {
        asked.add(connection)
        return connection === recipients[0]
      })
      return 'text'
    })

    expect([...asked]).toEqual(recipients)
    expect(result).toMatchObject({ matched: 2, sent: 1, skipped: 1 })
    expect(list.sockets).toEqual(connections.map(({ sink }) => sink))
  })

  it.each([
    ['was delivered', () => 'text'],
    ['could not be serialized', () => { throw new Error('no') }],
  ])('lets lists compact again once a message %s', (_case, textOf) => {
    const whole = connected(10)
    const exact = connected(10)

    try {
      deliver(deliveryWith(), eitherOf(whole.list, exact.list, []), textOf)
    } catch {}
    for (const { list, connections } of [whole, exact]) for (const { slot } of connections) list.remove(slot)

    expect([whole.list.connections, exact.list.connections]).toEqual([[], []])
  })

  it.each([
    ['no send queue', 'neither writes in batches nor measures', {}],
    ['a send queue', 'writes in batches', { write() {} }],
    ['a send queue', 'measures', { bufferedBytes: () => 0 }],
  ])('puts %s in front of a socket if its transport %s', (expected, _what, transport) => {
    const maker = deliveryWith().queueMaker({ socket: new FakeSocket(), transport })

    expect(maker === undefined ? 'no send queue' : 'a send queue').toBe(expected)
  })

  it('does not count texts that were delivered before the first socket was measured', () => {
    const { list, connections: [connection] } = connected(1)
    const attached: (SendQueue | undefined)[] = []
    const delivery = deliveryWith({ limits: { ...LIMITS, softLimitBytes: 10 }, attachQueue: (_connection, queue) => attached.push(queue) })

    deliver(delivery, allOf(list), () => 'a text of many bytes')
    const socket = Object.assign((connection as Connection).socket as FakeSocket, { bufferedAmount: 11 })
    delivery.queueMaker({ socket, transport: undefined })
    deliver(delivery, allOf(list))

    // If the first text counted, it could explain the eleven bytes.
    expect([attached.length, socket.sent]).toEqual([1, ['a text of many bytes']])
  })

  it('puts a send queue in front of a socket with a readable buffer while messages are queued, and removes it afterwards', async () => {
    const { list, connections: [connection] } = connected(1)
    const socket = Object.assign((connection as Connection).socket as FakeSocket, { bufferedAmount: 11 })
    const attached: (WeakRef<SendQueue> | undefined)[] = []
    const delivery = deliveryWith({
      limits: { ...LIMITS, softLimitBytes: 10 },
      attachQueue: (_connection, queue) => attached.push(queue && new WeakRef(queue)),
    })

    const maker = delivery.queueMaker({ socket, transport: undefined })
    deliver(delivery, allOf(list))
    expect([maker, attached.length, socket.sent]).toEqual([undefined, 1, []])
    socket.bufferedAmount = 10
    attached[0]?.deref()?.drained()

    expect([attached.length, attached[1], socket.sent]).toEqual([2, undefined, ['text']])
    await collectGarbage()
    expect(attached[0]?.deref()).toBeUndefined()
  })
})
