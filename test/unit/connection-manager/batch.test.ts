import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { PRICE, price } from '../../support/messages.ts'
import { stateOf } from '../../support/state.ts'

const ETH = { ...PRICE, symbol: 'ETHUSDT' }

/** A manager whose texts are the data of their messages, a connection, and a log of what the listeners and the socket are told. */
function desk() {
  const manager = new ConnectionManager<FakeSocket>({ serialize: ({ data }) => String(data) })
  const log: string[] = []
  const socket = new FakeSocket()
  const connection = manager.addConnection('c', socket, 'alice')
  for (const name of EVENT_NAMES) manager.on(name, () => log.push(name))
  socket.script.send = (text) => void log.push(`sent ${text}`)
  return { manager, connection, socket, log }
}

describe('manager.batch', () => {
  it('returns what the function returns, when the listeners have been told', () => {
    const { manager, connection, log } = desk()

    expect(manager.batch(() => connection.subscribe(PRICE).key)).toBe('alice:PRICE:BTCUSDT')

    expect(log).toEqual(['subscriptionAdded', 'streamActive'])
  })

  it('sends in order what the function sends, and tells the listeners at the end', () => {
    const { manager, connection, log } = desk()

    manager.batch(() => {
      connection.subscribe(PRICE)
      connection.send('notice')
      manager.publish(price('live'))
      connection.subscribe(ETH)
      log.push('end of the step')
    })

    expect(log).toEqual(['sent notice', 'sent live', 'end of the step', 'subscriptionAdded', 'streamActive', 'subscriptionAdded', 'streamActive'])
  })

  it('holds back what others publish meanwhile until it ends: a socket, a toJSON, a listener', () => {
    const { manager, connection, socket } = desk()
    socket.script.send = (text) => {
      if (text === 'notice') manager.publish(price('by the socket'))
    }
    manager.on('subscriptionAdded', () => manager.publish(price('by a listener')))
    const data = { toString: () => (manager.publish(price('by a toString')), 'replay') }

    manager.batch(() => {
      connection.subscribe(PRICE)
      connection.send('notice')
      manager.sendToConnection('c', price(data))
      connection.send('last')
    })

    expect(socket.sent).toEqual(['notice', 'replay', 'last', 'by the socket', 'by a toString', 'by a listener'])
  })

  it('is one with a batch in it', () => {
    const { manager, connection, log } = desk()

    manager.batch(() => {
      manager.batch(() => connection.subscribe(PRICE))
      log.push('after the inner one')
      connection.subscribe(ETH)
      log.push('end of the outer one')
    })

    expect(log.slice(0, 2)).toEqual(['after the inner one', 'end of the outer one'])
    expect(log.filter((name) => name === 'subscriptionAdded').length).toBe(2)
  })

  it('settles before it throws what the function throws', () => {
    const { manager, connection, socket, log } = desk()
    socket.script.send = () => {
      socket.script.send = undefined
      manager.sendToConnection('c', price('deferred'))
    }

    const act = (): void => manager.batch(() => {
      connection.subscribe(PRICE)
      connection.send('notice')
      throw new Error('refused')
    })

    expect(act).toThrow('refused')
    expect(log).toEqual(['subscriptionAdded', 'streamActive'])
    expect(socket.sent).toEqual(['notice', 'deferred'])
  })

  it('removes a connection whose socket fails in it, and tells so at the end', () => {
    const { manager, connection, socket, log } = desk()
    socket.script.send = () => { throw new Error('gone') }

    manager.batch(() => {
      connection.send('notice')
      log.push(`removed: ${connection.removed}`)
    })

    expect(log).toEqual(['removed: true', 'error', 'connectionRemoved', 'userOffline'])
  })

  it('defers what it sends if a delivery is running, and keeps that in order', () => {
    const { manager, connection, socket } = desk()
    connection.subscribe(PRICE)
    socket.script.send = () => {
      socket.script.send = undefined
      manager.batch(() => {
        connection.send('first')
        manager.sendToConnection('c', price('second'))
        connection.send('third')
      })
    }

    manager.publish(price('running'))

    expect(socket.sent).toEqual(['running', 'first', 'second', 'third'])
  })

  it('tells the listeners of a batch in a delivery when that batch ends', () => {
    const { manager, connection, socket, log } = desk()
    socket.script.send = (text) => {
      if (text !== 'running') return
      manager.batch(() => connection.subscribe(PRICE))
      log.push('after the batch')
    }

    connection.send('running')

    expect(log).toEqual(['subscriptionAdded', 'streamActive', 'after the batch'])
  })

  it('is one change for a listener that is registered in it', () => {
    const { manager, connection } = desk()
    const heard: string[] = []

    manager.batch(() => {
      manager.on('subscriptionAdded', ({ subscription }) => heard.push(subscription.key))
      connection.subscribe(PRICE)
    })
    connection.subscribe(ETH)

    expect(heard).toEqual(['alice:PRICE:ETHUSDT'])
  })

  it('is one change for a listener that is registered in it, also if a message that it sends has consequences', () => {
    const { manager, connection, socket } = desk()
    const heard: string[] = []
    connection.subscribe(PRICE)
    socket.script.send = () => { throw new Error('gone') }

    manager.batch(() => {
      manager.on('connectionRemoved', () => heard.push('removed'))
      manager.publish(price(1))
    })

    expect([connection.removed, heard]).toEqual([true, []])
  })

  it('may shut the manager down', async () => {
    const { manager, connection, log } = desk()

    const done = manager.batch(() => {
      connection.subscribe(PRICE)
      const report = manager.cleanup()
      expectCode('ERR_CLOSED', () => manager.publish(price()))
      return { report }
    })

    expect(await done.report).toMatchObject({ closed: 1 })
    expect(log.slice(-2)).toEqual(['userOffline', 'streamIdle'])
    expect(stateOf(manager).counts.connections).toBe(0)
  })

  it('refuses a function that returns a promise, and settles what it did before', async () => {
    const { manager, connection, log } = desk()

    expectCode('ERR_INVALID_ARGUMENT', () => manager.batch(async () => {
      connection.subscribe(PRICE)
      await Promise.reject(new Error('late'))
    }))
    await new Promise((resolve) => setImmediate(resolve))

    expect(log).toEqual(['subscriptionAdded', 'streamActive'])
  })

  it('returns an object whose then cannot be read as it is', () => {
    const { manager } = desk()
    const outcome = { get then(): never { throw new Error('read') } }

    expect(Object.is(manager.batch(() => outcome), outcome)).toBe(true)
  })

  it('counts messages that are deferred in it against maxDeferred together', () => {
    const manager = new ConnectionManager<FakeSocket>({ maxDeferred: 2 })
    const codes: unknown[] = []
    const socket = new FakeSocket({
      send: (text) => {
        if (!text.startsWith('step')) return
        try {
          manager.publish(price())
        } catch (error) {
          codes.push((error as { code: unknown }).code)
        }
      },
    })
    const connection = manager.addConnection('c', socket, 'alice')

    manager.batch(() => {
      for (const step of ['step 1', 'step 2', 'step 3']) connection.send(step)
    })
    connection.send('step 4')

    expect(codes).toEqual(['ERR_PUBLISH_DEPTH'])
  })
})
