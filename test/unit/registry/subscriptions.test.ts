import { describe, expect, it, vi } from 'vitest'
import type { SubscriptionRecord } from '../../../src/registry/records.ts'
import { registry } from '../../support/registry.ts'

/** Notices whoever looks at the seats that are taken in a subscription. */
function lookUpsAt(subscription: SubscriptionRecord) {
  const { taken } = subscription
  const lookUp = vi.fn(() => taken)
  Object.defineProperty(subscription, 'taken', { get: lookUp })
  return lookUp
}

describe('Subscriptions', () => {
  it('do not look at what siblings hold when a connection comes, subscribes to a whole type, or goes', () => {
    const { connections, subscriptions, connect } = registry()
    const siblings = Array.from({ length: 20 }, (_, i) => {
      const sibling = connect(`c${i}`, 'alice')
      return subscriptions.holdForConnection(sibling, 'ORDER_UPDATES', `S${i}`, undefined)
    })
    const lookUps = siblings.map(lookUpsAt)

    const connection = connect('newcomer', 'alice')
    subscriptions.admit(connection)
    subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)
    subscriptions.letGo(connection, 'ORDER_UPDATES', undefined)
    connections.remove(connection)
    subscriptions.dismiss(connection)

    for (const lookUp of lookUps) expect(lookUp).not.toHaveBeenCalled()
  })

  it('do not look at the connections of a user who holds a subscription already', () => {
    const { subscriptions, connect } = registry()
    connect('c1', 'alice')
    const lookUp = lookUpsAt(subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined))

    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', { depth: 5 })

    expect(lookUp).not.toHaveBeenCalled()
  })

  it('are held once by a user who asks again', () => {
    const { subscriptions, connect } = registry()
    const { user } = connect('c1', 'alice')

    const subscription = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', { depth: 5 })

    expect(user.ownSubscriptions).toBe(subscription)
  })

  it('count the connections that hold one for themselves, whatever their user holds', () => {
    const { connections, subscriptions, connect } = registry()
    const holder = connect('c1', 'alice')
    const bystander = connect('c2', 'alice')
    connect('c3', 'alice')
    const subscription = subscriptions.holdForConnection(holder, 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const counted = [subscription.ownHolds]

    connections.remove(bystander)
    subscriptions.dismiss(bystander)
    counted.push(subscription.ownHolds)
    subscriptions.end(subscription)
    counted.push(subscription.ownHolds)

    expect(counted).toEqual([1, 1, 0])
  })

  it('are listed once for a connection and its user, as long as both hold the same', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const { user } = connection

    const [btc, eth] = ['BTCUSDT', 'ETHUSDT'].map((symbol) => subscriptions.holdForConnection(connection, 'PRICE', symbol, undefined))
    expect(connection.ownSubscriptions).toBe(user.subscriptions)
    const sol = subscriptions.holdForUser('alice', 'PRICE', 'SOLUSDT', undefined)

    expect([user.subscriptions, connection.ownSubscriptions]).toEqual([[btc, eth, sol], [btc, eth]])
  })

  it.each([0, 1])('are held by no connection that has gone, when %i are left', (siblings) => {
    const { connections, subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    for (let i = 0; i < siblings; i++) connect(`sibling ${i}`, 'alice')
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) subscriptions.holdForConnection(connection, 'PRICE', symbol, undefined)

    connections.remove(connection)
    subscriptions.dismiss(connection)

    expect([connection.ownSubscriptions, connection.user.subscriptions, subscriptions.count, subscriptions.userCount]).toEqual([undefined, undefined, 0, 0])
  })

  it('pair no seat in a whole type with itself', () => {
    const { subscriptions, connect } = registry()
    connect('c1', 'alice')

    const [whole, exact] = [undefined, 'BTCUSDT'].map((symbol) => subscriptions.holdForUser('alice', 'ORDER_UPDATES', symbol, undefined).seats)

    expect([whole?.doubles, exact?.doubles?.size]).toEqual([undefined, 1])
  })

  it('keep nothing with a connection, or a user, that holds nothing any more', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const { user } = connection
    subscriptions.holdForConnection(connection, 'PRICE', 'BTCUSDT', undefined)
    subscriptions.end(subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined))
    subscriptions.holdForConnection(connection, 'PRICE', 'ETHUSDT', undefined)
    subscriptions.letGo(connection, 'PRICE', 'ETHUSDT')

    expect(connection.ownSubscriptions).toBeUndefined()
    expect(user.ownSubscriptions).toBeUndefined()
    expect(user.subscriptions).toBeUndefined()
  })
})
