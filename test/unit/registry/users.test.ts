import { describe, expect, it } from 'vitest'
import { registry } from '../../support/registry.ts'

describe('Users', () => {
  it('removes a user with the last connection', () => {
    const { connections, connect, known } = registry()
    const connection = connect('c1', 'alice')
    expect(known()).toEqual(['alice'])

    connections.remove(connection)

    expect(known()).toEqual([])
  })

  it('removes a user with the last pending subscription', () => {
    const { subscriptions, known } = registry()
    const first = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const second = subscriptions.holdForUser('alice', 'PRICE', 'ETHUSDT', undefined)

    subscriptions.end(first, 'unsubscribed')
    expect(known()).toEqual(['alice'])
    subscriptions.end(second, 'unsubscribed')

    expect(known()).toEqual([])
  })

  it('removes a user whose subscriptions end with the last connection', () => {
    const { connections, subscriptions, connect, known } = registry()
    const connection = connect('c1', 'alice')
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)

    connections.remove(connection)
    subscriptions.detach(connection, 'disconnected')

    expect(known()).toEqual([])
  })
})
