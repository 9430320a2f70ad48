import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { generatedMarket } from '../market/generated-market.js'
import { openDesk } from '../open-desk.js'
import { BrokerProcess } from '../testing/broker.js'
import { connect } from '../testing/client.js'
import { until } from '../testing/until.js'

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }
const SYMBOL = 'BTCUSDT'

for (const kind of /** @type {const} */ (['redis', 'nats'])) {
  describe(`a desk on two nodes over ${kind}`, options, () => {
    /** @type {BrokerProcess} */
    let broker
    /** @type {Awaited<ReturnType<typeof openDesk>>} */
    let desk

    beforeEach(async () => {
      broker = new BrokerProcess(kind)
      await broker.start()
      desk = await openDesk(generatedMarket(1), { port: 0, speed: 2, trades: 'drop', nodes: 2, broker: broker.address })
    })

    afterEach(async () => {
      await desk.close()
      await broker.kill()
    })

    /** One client on each node. */
    async function clients() {
      const first = await connect(desk.port, 'user=alice')
      const second = await until('a client on the other node', async () => {
        const other = await connect(desk.port, 'user=bob')
        if (other.node !== first.node) return other
        await other.client.close()
        return undefined
      })
      return [first.client, second.client]
    }

    it('has all trades on both nodes, and goes on when the broker was killed and is back', async () => {
      const both = await clients()
      for (const client of both) client.subscribe('TRADES', SYMBOL)
      const { id } = await both[0].hears('TRADES')
      await both[1].hears('TRADES', (trade) => trade.id > id)

      await broker.kill()
      await broker.start()

      const last = Math.max(...both[0].received.map((each) => ('data' in each ? /** @type {any} */ (each.data).id : 0)))
      const later = await Promise.all(both.map((client) => client.hears('TRADES', (trade) => trade.id > last + 2)))
      assert.ok(later.length === 2)
      await Promise.all(both.map((client) => client.close()))
    })

    it('shows an order that was placed on one node on the other', async () => {
      const [first] = await clients()
      const observer = await until('a client of the same user on the other node', async () => {
        const other = await connect(desk.port, 'user=alice')
        return other.node === (await first.request('hello')).node ? void other.client.close() : other.client
      })
      const subscription = observer.subscribe('ORDER_UPDATES')
      await until('the subscription', () => subscription.live)
      await first.request('place', { symbol: SYMBOL, side: 'buy', quantity: 2, limit: 0.01 })

      assert.equal((await observer.hears('ORDER_UPDATES')).quantity, 2)
    })
  })
}

describe('a desk whose broker cannot be reached', options, () => {
  for (const kind of /** @type {const} */ (['redis', 'nats'])) {
    it(`does not open: ${kind}`, async () => {
      const broker = { kind, url: `${kind}://127.0.0.1:1` }

      await assert.rejects(openDesk(generatedMarket(1), { port: 0, speed: 1, trades: 'drop', nodes: 2, broker }), /^Error: Cannot reach \w+:\/\/127\.0\.0\.1:1: ./)
    })
  }
})
