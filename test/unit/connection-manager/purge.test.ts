import { describe, expect, it } from 'vitest'
import { ConnectionManager, type StreamReference } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ORDERS, PRICE, price } from '../../support/messages.ts'

const ETH = { ...PRICE, symbol: 'ETHUSDT' }

/** A manager whose texts are the data of their messages, with connections `a` and `b` that write when they are flushed. */
function desk() {
  const transport = { write: (socket: FakeSocket, texts: readonly string[]) => socket.write(texts) }
  const manager = new ConnectionManager<FakeSocket>({ serialize: ({ data }) => String(data), transport })
  const [a, b] = ['a', 'b'].map((id) => manager.addConnection(id, new FakeSocket(), id)) as [ReturnType<typeof manager.addConnection>, ReturnType<typeof manager.addConnection>]
  for (const connection of [a, b]) for (const stream of [PRICE, ETH, ORDERS]) connection.subscribe(stream)
  const received = () => [a, b].map((each) => (each.flush(), each.socket.sent))
  return { manager, a, b, received }
}

describe('connection.purge', () => {
  it('purges what waits of the stream for this connection alone, and keeps the subscription', () => {
    const { manager, a, received } = desk()
    manager.publish(price('btc'))
    manager.publish(price('eth', 'ETHUSDT'))
    a.send('mine')

    a.purge(PRICE)
    manager.publish(price('later'))

    expect(received()).toEqual([['eth', 'mine', 'later'], ['btc', 'eth', 'later']])
    expect(manager.stats()).toMatchObject({ purged: 1, sent: 6, waiting: 0 })
  })

  it('without a symbol purges all streams of the type', () => {
    const { manager, a, received } = desk()
    manager.publish(price('btc'))
    manager.publish(price('eth', 'ETHUSDT'))
    manager.sendToConnection('a', { streamType: 'ORDER_UPDATES', data: 'order' })

    a.purge({ streamType: 'PRICE' })

    expect(received()).toEqual([['order'], ['btc', 'eth']])
  })

  it('returns whether there was something to discard: what waits, or a message of the user that is being delivered', () => {
    const { manager, a, b } = desk()
    const whileRunning: boolean[] = []
    const other = manager.addConnection('c', new FakeSocket(), 'a', { transport: {} })
    other.socket.script.send = () => void whileRunning.push(...[a, b].map((each) => each.purge(ORDERS)))
    other.subscribe(ORDERS)
    manager.publish(price('btc'))
    a.send('text')

    expect([a.purge(ETH), a.purge(PRICE), a.purge(PRICE), b.purge({ streamType: 'PRICE' })]).toEqual([false, true, false, true])
    manager.publish({ ...ORDERS, userId: 'a', data: 'order' })
    expect(whileRunning).toEqual([true, false])
  })

  it('leaves the connection out of the delivery that is running, and not of deferred ones', () => {
    const manager = new ConnectionManager<FakeSocket>({ serialize: ({ data }) => String(data) })
    const [a, b] = ['a', 'b'].map((id) => manager.addConnection(id, new FakeSocket(), id)) as [ReturnType<typeof manager.addConnection>, ReturnType<typeof manager.addConnection>]
    for (const connection of [a, b]) connection.subscribe(PRICE)
    a.socket.script.send = () => {
      a.socket.script.send = undefined
      manager.publish(price('deferred'))
      b.purge(PRICE)
    }

    expect(manager.publish(price('running'))).toMatchObject({ matched: 2, sent: 1, skipped: 1 })

    expect([a.socket.sent, b.socket.sent]).toEqual([['running', 'deferred'], ['deferred']])
  })

  it('does nothing for a stream that nothing waits of, an unknown one, or a removed connection', async () => {
    const { manager, a, received } = desk()
    manager.publish(price('btc'))

    a.purge(ETH)
    a.purge({ streamType: 'NOTHING', symbol: null })
    expect(received()[0]).toEqual(['btc'])
    await a.remove()

    expect(() => a.purge(PRICE)).not.toThrow()
  })

  it.each([undefined, null, 'PRICE', {}, { streamType: 'PRICE', simbol: 'x' }])('refuses %j', (stream) => {
    const { a } = desk()

    expectCode('ERR_INVALID_ARGUMENT', () => a.purge(stream as StreamReference))
  })
})
