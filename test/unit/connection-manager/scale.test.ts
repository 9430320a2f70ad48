import { describe, expect, it } from 'vitest'
import { ConnectionManager } from '../../../src/index.ts'
import { PRICE, price } from '../../support/messages.ts'
import { NOTHING, stateOf } from '../../support/state.ts'

describe('ConnectionManager › scale', () => {
  it('visits only the subscribers of a stream, however many connections there are', () => {
    const manager = new ConnectionManager()
    const touched = new Set<string>()
    for (let i = 0; i < 20_000; i++) {
      const socket = { send() {}, close() {} }
      const watched = new Proxy(socket, { get: (target, name: 'send' | 'close') => (touched.add(`c${i}`), target[name]) })
      const symbol = i < 10 ? 'BTCUSDT' : `S${i}`
      manager.addConnection(`c${i}`, watched, `u${i % 5_000}`).subscribe({ streamType: 'PRICE', symbol })
    }
    touched.clear()

    expect(manager.publish(price())).toMatchObject({ matched: 10, sent: 10 })

    expect(touched.size).toBe(10)
  })

  it('keeps nothing after everyone has left, in any order', () => {
    const manager = new ConnectionManager()
    const handles = Array.from({ length: 3_000 }, (_, i) =>
      manager.addConnection(`c${i}`, { send() {}, close() {} }, `u${i % 700}`),
    )
    for (const [i, handle] of handles.entries()) {
      handle.subscribe(PRICE)
      handle.subscribe({ streamType: 'ORDER_UPDATES', symbol: i % 3 ? undefined : `S${i % 11}` })
      manager.addSubscription({ userId: `u${i % 700}`, streamType: 'TRADES', symbol: `S${i % 13}` })
    }

    // First every seventh, then every fifth of the rest, and so on: neither in order nor in reverse.
    for (const stride of [7, 5, 3, 2, 1]) {
      for (const [i, handle] of handles.entries()) if (i % stride === 0) void handle.remove()
    }

    expect(stateOf(manager)).toEqual(NOTHING)
  })
})
