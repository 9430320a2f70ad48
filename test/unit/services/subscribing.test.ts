import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'

describe('Subscribing', () => {
  it('names a connection in a subscription event only if the connection caused the event', () => {
    const manager = new ConnectionManager()
    const connection = manager.addConnection('c', new FakeSocket(), 'alice')
    const keys: string[][] = []
    manager.on('subscriptionAdded', (event) => keys.push(Object.keys(event)))

    manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })
    connection.subscribe({ streamType: 'PRICE', symbol: 'ETHUSDT' })

    expect(keys).toEqual([['subscription'], ['subscription', 'connection']])
  })
})
