import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { FakeSocket } from '../../../src/testing/fake-socket.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import { ManualClock } from '../../../src/testing/manual-clock.ts'
import { price, PRICE } from '../../support/messages.ts'
import { endOfTick } from '../../support/pressured-socket.ts'

function connected(hooks: Parameters<typeof fakeTransport>[0] = {}) {
  const clock = new ManualClock()
  const delivery = { softLimitBytes: 1_000, hardLimitBytes: 2_000 }
  const manager = new ConnectionManager<FakeSocket>({ clock, delivery, transport: fakeTransport(hooks) })
  const socket = new FakeSocket()
  const connection = manager.addConnection('c1', socket, 'alice')
  connection.subscribe(PRICE)
  connection.subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
  const trade = (data: unknown) => manager.publish({ streamType: 'TRADES', symbol: 'BTCUSDT', data })
  return { manager, clock, socket, connection, trade }
}

describe('fakeTransport', () => {
  it('writes the messages of one tick as one batch', async () => {
    const { manager, socket } = connected()

    for (const data of [1, 2, 3]) manager.publish(price(data))
    const before = socket.writes.length
    await endOfTick()

    expect([before, socket.writes.length, socket.received]).toEqual([0, 1, [1, 2, 3]])
  })

  it('reads bufferedAmount, and resumes when the socket drains', async () => {
    const { manager, socket } = connected()
    socket.bufferedAmount = 1_001

    const results = [1, 2, 3].map((data) => manager.publish(price(data)))
    await endOfTick()
    const before = [...socket.received]
    socket.drain()

    expect(results.map(({ queued, conflated }) => [queued, conflated])).toEqual([[1, 0], [0, 1], [0, 1]])
    expect([before, socket.received, socket.drainListeners.size]).toEqual([[], [3], 0])
  })

  it('terminates a slow consumer at once', async () => {
    const { manager, socket, trade } = connected()
    socket.bufferedAmount = 1_001

    while (manager.connectionCount > 0) trade('…')
    await endOfTick()

    expect([socket.terminateCalls, socket.closeCalls, socket.received]).toEqual([1, 0, []])
  })

  it('closes as the socket does', async () => {
    const { socket, connection } = connected()

    await connection.remove()

    expect([socket.closeCalls, socket.terminateCalls]).toEqual([1, 0])
  })

  it('lets a script accept part of a batch, and offers the rest again', async () => {
    const { manager, clock, socket } = connected({ onDrain: undefined })
    socket.script.write = () => 1

    for (const data of [1, 2, 3]) manager.publish({ streamType: 'TRADES', symbol: 'BTCUSDT', data })
    await endOfTick()
    const first = [...socket.received]
    socket.script.write = undefined
    clock.advance(50)

    expect([first, socket.received]).toEqual([[1], [1, 2, 3]])
  })

  it('uses the hooks that it is given instead of its own, and lacks those that are removed', async () => {
    const closed: unknown[] = []
    const { manager, socket, trade } = connected({
      write: undefined,
      terminate: undefined,
      frame: undefined,
      close: (each, reason) => void closed.push([each, reason]),
    })
    socket.bufferedAmount = 1_001

    while (manager.connectionCount > 0) trade('…')

    expect(closed).toEqual([[socket, 'slow-consumer']])
    expect([socket.terminateCalls, socket.closeCalls]).toEqual([0, 0])
  })
})
