import { ConnectionManager } from 'stream-connection-manager'
import { describeHost, FakeSocket, type TestRunner } from 'stream-connection-manager/testing'
import { memoryHost } from './memory-host.ts'

/** Registers what the packed library is to do in any runtime, without a network: with FakeSockets, and by the host suite. */
export function libraryTests({ describe, it }: TestRunner): void {
  describe('the library', () => {
    it('delivers each message to exactly its subscribers', async () => {
      const manager = new ConnectionManager()
      const [desk, phone, other] = [new FakeSocket(), new FakeSocket(), new FakeSocket()]
      manager.addConnection('desk', desk, 'alice')
      manager.addConnection('phone', phone, 'alice').subscribe({ streamType: 'ORDER_UPDATES' })
      manager.addConnection('other', other, 'bob').subscribe({ streamType: 'ORDER_UPDATES' })
      manager.addSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'BTCUSDT' })

      manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 })
      manager.publish({ streamType: 'PRICE', symbol: 'ETHUSDT', data: 2 })
      manager.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', data: 3 })

      expectSame([desk, phone, other].map(({ received }) => received), [[1], [1, 3], []])
      expectSame(await manager.cleanup(), { closed: 3, failed: 0, timedOut: 0 })
    })
  })
  describeHost('memory', memoryHost, { describe, it })
}

export function expectSame(actual: unknown, expected: unknown): void {
  const [got, wanted] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (got !== wanted) throw new Error(`Expected ${wanted}; it is ${got}`)
}
