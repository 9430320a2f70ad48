import { describe, expect, it } from 'vitest'
import { ConnectionManager, type PublishableMessage } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { price } from '../../support/messages.ts'

/** A manager on its own clock, with one subscriber to prices whose `send` can be replaced. */
function subscribed() {
  const clock = new ManualClock()
  const manager = new ConnectionManager({ clock })
  const socket = new FakeSocket()
  const subscription = manager.addConnection('c', socket, 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
  return { clock, manager, socket, subscription, startMs: clock.now() }
}

describe('Publishing', () => {
  it('does not read a message after the manager was closed', async () => {
    const { manager } = subscribed()
    await manager.cleanup()
    let reads = 0
    const message = { ...price(), get symbol() { reads++; return 'BTCUSDT' } } as PublishableMessage

    expect(() => manager.publish(message)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }) as Error)

    expect(reads).toBe(0)
  })

  it('sets lastUpdate to the time at which the message was read, however long serialization takes', () => {
    const { clock, manager, subscription, startMs } = subscribed()
    const data = { toJSON: () => (clock.advance(5), 1) }

    manager.publish({ ...price(), data })

    expect(subscription.lastUpdate).toEqual(new Date(startMs))
  })

  it('sets lastUpdate for a deferred message to the time of its delivery', () => {
    const { clock, manager, socket, subscription, startMs } = subscribed()
    socket.send = () => {
      socket.send = FakeSocket.prototype.send
      manager.publish(price())
      clock.advance(5)
    }

    manager.publish(price())

    expect(subscription.lastUpdate).toEqual(new Date(startMs + 5))
  })

  it('tells nobody of a removal while the removal still flushes, even if a socket publishes then', async () => {
    const steps: string[] = []
    const transport = {
      write() {
        manager.publish(price())
        steps.push('flushed')
      },
    }
    const manager = new ConnectionManager({ transport })
    manager.addConnection('c', new FakeSocket(), 'alice').subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    manager.publish(price())
    manager.on('connectionRemoved', () => steps.push('told'))

    await manager.removeConnection('c')

    expect(steps).toEqual(['flushed', 'told'])
  })
})
