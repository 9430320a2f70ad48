import { describe, expect, it } from 'vitest'
import type { Connection, Socket, StreamCatalogue } from '../../src/index.ts'
import { Connections } from '../../src/registry/connections.ts'
import { Subscriptions } from '../../src/registry/subscriptions.ts'
import { Users } from '../../src/registry/users.ts'
import { tradingStreams } from '../../src/streams/catalogue.ts'
import { FakeSocket } from '../support/fake-socket.ts'

function registry() {
  const users = new Users()
  const connections = new Connections(users, () => ({}) as Connection<Socket, StreamCatalogue>)
  const subscriptions = new Subscriptions(tradingStreams, users, () => 0, () => {})
  return { users, connections, subscriptions, known: () => Array.from(users.all(), ({ id }) => id) }
}

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
