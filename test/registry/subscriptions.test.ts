import { describe, expect, it, vi } from 'vitest'
import { registry } from '../support/registry.ts'

describe('Subscriptions', () => {
  it('do not look at what siblings hold when a connection comes, subscribes to a whole type, or goes', () => {
    const { connections, subscriptions, connect } = registry()
    const siblings = Array.from({ length: 20 }, (_, i) => {
      const sibling = connect(`c${i}`, 'alice')
      return subscriptions.holdForConnection(sibling, 'ORDER_UPDATES', `S${i}`, undefined)
    })
    const lookUps = siblings.map(({ seatOf }) => vi.spyOn(seatOf, 'get'))

    const connection = connect('newcomer', 'alice')
    subscriptions.admit(connection)
    subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)
    subscriptions.letGo(connection, 'ORDER_UPDATES', undefined)
    connections.remove(connection)
    subscriptions.dismiss(connection)

    for (const lookUp of lookUps) expect(lookUp).not.toHaveBeenCalled()
  })

  it('keep nothing with a connection, or a user, that holds nothing any more', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const { user } = connection
    subscriptions.holdForConnection(connection, 'PRICE', 'BTCUSDT', undefined)
    subscriptions.end(subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined))
    subscriptions.holdForConnection(connection, 'PRICE', 'ETHUSDT', undefined)
    subscriptions.letGo(connection, 'PRICE', 'ETHUSDT')

    expect(connection.ownSubscriptions?.size).toBe(0)
    expect(user.ownSubscriptions?.size).toBe(0)
    expect(user.subscriptions.size).toBe(0)
  })
})
