import { describe, expect, it } from 'vitest'
import { ConnectionManager, defineStreams, tradingStreams } from '../../../src/index.ts'
import { FakeSocket } from '../../../src/testing/fake-socket.ts'
import { hosted } from '../../../src/testing/hosted.ts'
import { order, price, PRICE } from '../../support/messages.ts'

describe('hosted', () => {
  it('drives a manager in this process', async () => {
    const manager = new ConnectionManager<FakeSocket>()
    const [alice, bob, carol] = [new FakeSocket(), new FakeSocket(), new FakeSocket()]
    manager.addConnection('c1', alice, 'alice').subscribe(PRICE)
    manager.addConnection('c2', bob, 'bob')
    const host = hosted(manager)

    expect(await host.publish([price(1), price(2, 'ETHUSDT')])).toMatchObject([{ matched: 1 }, { matched: 0 }])
    expect(await host.sendToUser('bob', order('bob', 3))).toMatchObject({ matched: 1 })
    expect([alice.received, bob.received]).toEqual([[1], [3]])
    expect(await host.counts()).toEqual({ connections: 2, users: 2, subscriptions: 1, streams: 1 })
    expect(await host.stats()).toEqual(manager.stats())
    expect([await host.connectionIds('alice'), await host.connectionIds('nobody')]).toEqual([['c1'], []])
    expect(await host.removeUser('bob')).toBe(1)
    manager.addConnection('c3', carol, 'carol')
    expect(await host.removeConnection('c3', { code: 4001, reason: 'bye' })).toBe(true)
    expect(await host.removeConnection('c3', { code: 4001, reason: 'bye' })).toBe(false)
    expect(carol.closedWith).toEqual({ code: 4001, reason: 'bye' })
    expect(await host.cleanup([price(4)])).toEqual({ closed: 1, failed: 0, timedOut: 0 })
    expect(alice.received).toEqual([1, 4])
    expect([alice.closeCalls, bob.closeCalls, manager.closed]).toEqual([1, 1, true])
  })

  it('accepts a manager with more streams than the suite uses', async () => {
    const streams = defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none' } })
    const manager = new ConnectionManager<FakeSocket, typeof streams>({ streams })

    expect(await hosted(manager).publish([price()])).toMatchObject([{ matched: 0 }])
  })
})
