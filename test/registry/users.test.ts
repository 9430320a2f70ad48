import { describe, expect, it } from 'vitest'
import { FakeSocket } from '../support/fake-socket.ts'
import { registry } from '../support/registry.ts'

describe('Users', () => {
  it('forget a user whose last connection went', () => {
    const { connections, known } = registry()
    const connection = connections.add('c1', new FakeSocket(), 'alice')
    expect(known()).toEqual(['alice'])

    connections.remove(connection)

    expect(known()).toEqual([])
  })

  it('forget a user whose last pending subscription ended', () => {
    const { subscriptions, known } = registry()
    const first = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const second = subscriptions.holdForUser('alice', 'PRICE', 'ETHUSDT', undefined)

    subscriptions.end(first)
    expect(known()).toEqual(['alice'])
    subscriptions.end(second)

    expect(known()).toEqual([])
  })

  it('forget a user whose connection went and took the subscriptions with it', () => {
    const { connections, subscriptions, known } = registry()
    const connection = connections.add('c1', new FakeSocket(), 'alice')
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)

    connections.remove(connection)
    subscriptions.dismiss(connection)

    expect(known()).toEqual([])
  })
})
