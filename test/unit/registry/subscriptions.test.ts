import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionRecord, SubscriptionRecord } from '../../../src/registry/records.ts'
import { registry } from '../../support/registry.ts'

const userOf = (connection: ConnectionRecord) => ConnectionRecord.userOf(connection)
const ownOf = (connection: ConnectionRecord) => ConnectionRecord.ownSubscriptionsOf(connection)

/** Returns the subscriptions whose connections are looked up from now on. */
function lookUps() {
  const { slotOf, connectionsOf } = SubscriptionRecord
  const lookedUp = new Set<SubscriptionRecord>()
  vi.spyOn(SubscriptionRecord, 'slotOf').mockImplementation((each, connection) => slotOf(lookedUp.add(each) && each, connection))
  vi.spyOn(SubscriptionRecord, 'connectionsOf').mockImplementation((each) => connectionsOf(lookedUp.add(each) && each))
  return lookedUp
}

afterEach(() => vi.restoreAllMocks())

describe('Subscriptions', () => {
  it("does not visit other connections' subscriptions when one is added, subscribes to a whole type, or is removed", () => {
    const { connections, subscriptions, connect } = registry()
    const siblings = Array.from({ length: 20 }, (_, i) => {
      const sibling = connect(`c${i}`, 'alice')
      return subscriptions.holdForConnection(sibling, 'ORDER_UPDATES', `S${i}`, undefined)
    })
    const lookedUp = lookUps()

    const connection = connect('newcomer', 'alice')
    subscriptions.admit(connection)
    const whole = subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)
    subscriptions.release(connection, 'ORDER_UPDATES', undefined)
    subscriptions.holdForConnection(connection, 'ORDER_UPDATES', undefined, undefined)
    connections.remove(connection)
    subscriptions.detach(connection, 'disconnected')

    expect(lookedUp).toContain(whole)
    expect(siblings.filter((each) => lookedUp.has(each))).toEqual([])
  })

  it('does not visit the connections of a user who holds the subscription already', () => {
    const { subscriptions, connect } = registry()
    connect('c1', 'alice')
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const lookedUp = lookUps()

    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', { depth: 5 })

    expect([...lookedUp]).toEqual([])
  })

  it('gives a user one hold for repeated requests', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')

    const subscription = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', { depth: 5 })

    expect(userOf(connection).ownSubscriptions).toBe(subscription)
  })

  it('counts the connections that hold a subscription themselves, whether or not their user holds it', () => {
    const { connections, subscriptions, connect } = registry()
    const holder = connect('c1', 'alice')
    const bystander = connect('c2', 'alice')
    connect('c3', 'alice')
    const subscription = subscriptions.holdForConnection(holder, 'PRICE', 'BTCUSDT', undefined)
    subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const counted = [SubscriptionRecord.connectionHoldsOf(subscription)]

    connections.remove(bystander)
    subscriptions.detach(bystander, 'disconnected')
    counted.push(SubscriptionRecord.connectionHoldsOf(subscription))
    subscriptions.end(subscription, 'unsubscribed')
    counted.push(SubscriptionRecord.connectionHoldsOf(subscription))

    expect(counted).toEqual([1, 1, 0])
  })

  it('shares one list between a connection and its user as long as both hold the same subscriptions', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const user = userOf(connection)

    const [btc, eth] = ['BTCUSDT', 'ETHUSDT'].map((symbol) => subscriptions.holdForConnection(connection, 'PRICE', symbol, undefined))
    expect(ownOf(connection)).toBe(user.subscriptions)
    const sol = subscriptions.holdForUser('alice', 'PRICE', 'SOLUSDT', undefined)

    expect([user.subscriptions, ownOf(connection)]).toEqual([[btc, eth, sol], [btc, eth]])
  })

  it.each([0, 1])('removes all holds of a removed connection, if its user has %i other connections', (siblings) => {
    const { connections, subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    for (let i = 0; i < siblings; i++) connect(`sibling ${i}`, 'alice')
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) subscriptions.holdForConnection(connection, 'PRICE', symbol, undefined)

    connections.remove(connection)
    subscriptions.detach(connection, 'disconnected')

    expect([ownOf(connection), userOf(connection).subscriptions, subscriptions.count, subscriptions.userCount]).toEqual([undefined, undefined, 0, 0])
  })

  it('has no overlap between a whole type and itself', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')

    const [whole, exact] = [undefined, 'BTCUSDT'].map((symbol) =>
      SubscriptionRecord.listOf(subscriptions.holdForUser('alice', 'ORDER_UPDATES', symbol, undefined)),
    )

    expect([whole?.overlaps, exact?.overlaps]).toEqual([undefined, new Set([connection])])
  })

  it('knows the slot of each connection of a user after removals', () => {
    const { connections, subscriptions, connect } = registry()
    const [first, ...others] = ['c1', 'c2', 'c3', 'c4'].map((id) => connect(id, 'alice')) as [ConnectionRecord, ...ConnectionRecord[]]
    const subscription = subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined)
    const list = SubscriptionRecord.listOf(subscription)

    for (const connection of [first, ...others.slice(1)]) {
      connections.remove(connection)
      subscriptions.detach(connection, 'disconnected')
    }

    expect(SubscriptionRecord.connectionsOf(subscription)).toEqual([others[0]])
    expect(list.connections[SubscriptionRecord.slotOf(subscription, others[0] as ConnectionRecord)]).toBe(others[0])
    expect(SubscriptionRecord.slotOf(subscription, first)).toBe(-1)
  })

  it('keeps no lists for a connection or user without holds', () => {
    const { subscriptions, connect } = registry()
    const connection = connect('c1', 'alice')
    const user = userOf(connection)
    subscriptions.holdForConnection(connection, 'PRICE', 'BTCUSDT', undefined)
    subscriptions.end(subscriptions.holdForUser('alice', 'PRICE', 'BTCUSDT', undefined), 'unsubscribed')
    subscriptions.holdForConnection(connection, 'PRICE', 'ETHUSDT', undefined)
    subscriptions.release(connection, 'PRICE', 'ETHUSDT')

    expect([ownOf(connection), user.ownSubscriptions, user.subscriptions]).toEqual([undefined, undefined, undefined])
  })
})
