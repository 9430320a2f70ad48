import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, describe, it } from 'node:test'
import { setImmediate as nextTick, setTimeout as sleep } from 'node:timers/promises'
import { ConnectionManager, defineStreams, parseServerMessage, tradingStreams } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { openWs, serve, versions } from './peers.js'

const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']
const PADDING = 'x'.repeat(4_000)
const SOFT_LIMIT_BYTES = 32_768
// A few dozen messages, where the default has room for some hundred.
const SMALL_HARD_LIMIT_BYTES = 131_072
const FILLER = 'x'.repeat(65_536)
const ABNORMAL = 1006

const droppable = defineStreams({ ...tradingStreams, TRADES: { audience: 'public', overflow: 'drop' } })

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

/** A host that serves one manager on ws. */
async function startHost(ws, { server: serverOptions, hardLimitBytes, ...managerOptions } = {}) {
  const server = await serve(ws, serverOptions)
  const manager = new ConnectionManager({
    transport: wsTransport(),
    delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes },
    ...managerOptions,
  })
  const removals = []
  manager.on('connectionRemoved', ({ connection, reason }) => removals.push(`${connection.userId}: ${reason}`))
  return {
    manager,
    removals,
    join: (userId, streams) => join(server, manager, userId, streams),
    async close() {
      await manager.cleanup({ deadlineMs: 0 })
      await server.close()
    },
  }
}

/** A client that listens to these streams; `received` grows. */
async function join(server, manager, userId, streams) {
  const peer = await openWs(server.url)
  const socket = server.sockets.at(-1)
  const connection = manager.addConnection(userId, socket, userId)
  for (const stream of streams) connection.subscribe(stream)
  socket.on('close', () => connection.remove({ close: false }))
  const { _socket: peerTcp } = peer.socket
  return {
    connection,
    socket,
    tcp: socket._socket,
    received: await peer.received(0),
    closed: peer.closed,
    pause: () => peerTcp.pause(),
    resume: () => peerTcp.resume(),
    destroy: () => peerTcp.destroy(),
  }
}

const prices = SYMBOLS.map((symbol) => ({ streamType: 'PRICE', symbol }))
const trades = SYMBOLS.map((symbol) => ({ streamType: 'TRADES', symbol }))
const orders = { streamType: 'ORDER_UPDATES' }

/** Numbers the messages of each stream from 1 on, and knows the last number of each. */
function startFeed(manager) {
  const numbers = new Map()
  return {
    publish(stream, padding = PADDING) {
      const key = nameOf(stream)
      const n = (numbers.get(key) ?? 0) + 1
      numbers.set(key, n)
      return manager.publish({ ...stream, data: { n, padding } })
    },
    /** The last number of each of these streams. */
    newestOf: (streams) => streams.map((stream) => numbers.get(nameOf(stream))),
    /** Every number of each of these streams, in order. */
    allOf: (streams) => streams.map((stream) => Array.from({ length: numbers.get(nameOf(stream)) }, (_, i) => i + 1)),
  }
}

function nameOf({ streamType, symbol }) {
  return `${streamType} ${symbol ?? ''}`
}

/** Publishes round after round, a tick each, until the condition holds. */
async function publishUntil(condition, publishRound) {
  while (!condition()) {
    publishRound()
    await nextTick()
  }
}

/** Looks again and again; the bound is the test's. */
async function until(condition) {
  while (!condition()) await sleep(5)
}

/** What this client got up to a last message of its own, read. */
async function readToTheEnd(manager, { connection, received }, streams) {
  await until(() => manager.stats().connectionsBehind === 0)
  manager.sendToConnection(connection.id, { streamType: 'RISK_ALERTS', data: 'end' })
  await until(() => received.at(-1)?.includes('RISK_ALERTS'))
  return received.slice(0, -1).filter((text) => text !== FILLER).map((text) => parseServerMessage(text, { streams }))
}

/** The messages and notices of each stream. */
function split(messages, streams) {
  return streams.map((stream) => messages.filter((message) => nameOf(message) === nameOf(stream)))
}

function numbersIn(messages, streams) {
  return split(messages, streams).map((each) => each.map(({ data }) => data.n))
}

/** The same with what each gap notice says is missing put in its place, and how many that are. */
function numbersWithGaps(messages) {
  const numbers = []
  let dropped = 0
  for (const message of messages) {
    const last = numbers.at(-1) ?? 0
    if (message.type !== 'gap') numbers.push(message.data.n)
    else for (let i = 1; i <= message.dropped; i++) numbers.push(last + i)
    dropped += message.dropped ?? 0
  }
  return { numbers, dropped }
}

/** Every message of every connection is accounted for. */
function assertBalanced({ matched, sent, conflated, dropped, failed, skipped, purged, waiting }) {
  assert.equal(matched, sent + conflated + dropped + failed + skipped + purged + waiting)
}

/** Counts the writes that the server's TCP socket of a client hands to the system. */
function countWrites({ tcp }) {
  const counted = { writes: 0 }
  for (const name of ['_write', '_writev']) {
    const write = tcp[name]
    tcp[name] = function (...args) {
      counted.writes++
      return write.apply(this, args)
    }
  }
  return counted
}

for (const [version, ws] of versions) {
  describe(`ConnectionManager with wsTransport on ${version}`, options, () => {
    let host
    afterEach(() => host.close())

    it('sends a paused ws client on PRICE, when it resumes, the newest price of each symbol and no stale one', async () => {
      host = await startHost(ws)
      const { manager } = host
      const alice = await host.join('alice', prices)
      const feed = startFeed(manager)
      const publishPrices = () => prices.forEach((price) => feed.publish(price))
      alice.pause()

      await publishUntil(() => manager.stats().waiting > 0 && manager.stats().conflated > 100, publishPrices)
      alice.resume()
      const messages = await readToTheEnd(manager, alice)

      const stats = manager.stats()
      const received = numbersIn(messages, prices)
      for (const numbers of received) assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b))
      assert.deepEqual(received.map((numbers) => numbers.at(-1)), feed.newestOf(prices))
      assert.equal(messages.length, stats.matched - stats.conflated - 1)
      assert.deepEqual(host.removals, [])
      assertBalanced(stats)
    })

    it('sends a paused client on TRADES that resumes in time all trades and all its own messages', async () => {
      host = await startHost(ws)
      const { manager } = host
      const alice = await host.join('alice', [...trades, orders])
      const feed = startFeed(manager)
      const publishAll = () => {
        for (const trade of trades) feed.publish(trade)
        feed.publish({ ...orders, userId: 'alice' })
      }
      alice.pause()

      await publishUntil(() => manager.stats().waiting > 100, publishAll)
      alice.resume()
      // The feed does not wait for a client to catch up.
      await publishUntil(() => manager.stats().connectionsBehind === 0, publishAll)
      const messages = await readToTheEnd(manager, alice)

      assert.deepEqual(numbersIn(messages, [...trades, orders]), feed.allOf([...trades, orders]))
      assert.equal(messages.length, feed.newestOf([...trades, orders]).reduce((sum, n) => sum + n))
      assert.ok(messages.every(({ data }) => data.padding === PADDING))
      assert.deepEqual(host.removals, [])
      assertBalanced(manager.stats())
    })

    it('disconnects only a paused client on TRADES as a slow consumer, at the hard limit', async () => {
      host = await startHost(ws, { hardLimitBytes: SMALL_HARD_LIMIT_BYTES })
      const { manager, removals } = host
      const alice = await host.join('alice', [...trades, orders])
      const bob = await host.join('bob', trades)
      const feed = startFeed(manager)
      const publishAll = () => {
        for (const trade of trades) feed.publish(trade)
        feed.publish({ ...orders, userId: 'alice' })
      }
      alice.pause()

      await publishUntil(() => removals.length > 0, publishAll)
      const isDestroyed = alice.tcp.destroyed
      publishAll()
      alice.resume()
      const code = await alice.closed
      const messages = await readToTheEnd(manager, bob)

      const stats = manager.stats()
      assert.deepEqual(removals, ['alice: slow-consumer'])
      assert.deepEqual({ isDestroyed, code }, { isDestroyed: true, code: ABNORMAL })
      assert.deepEqual(numbersIn(messages, trades), feed.allOf(trades))
      for (const stream of [...trades, orders]) {
        const [numbers] = numbersIn(alice.received.map((text) => parseServerMessage(text)), [stream])
        const [all] = feed.allOf([stream])
        assert.deepEqual(numbers, all.slice(0, numbers.length))
      }
      assert.ok(stats.mostWaitingBytes <= SMALL_HARD_LIMIT_BYTES + 2 * PADDING.length, `${stats.mostWaitingBytes} waited`)
      assert.deepEqual([stats.connectionsBehind, stats.waitingBytes, manager.connectionCount], [0, 0, 1])
      assertBalanced(stats)
    })

    it('sends a paused client on droppable TRADES all trades except those counted by gap notices, in their place', async () => {
      host = await startHost(ws, { hardLimitBytes: SMALL_HARD_LIMIT_BYTES, streams: droppable })
      const { manager } = host
      const alice = await host.join('alice', [...trades, orders])
      const feed = startFeed(manager)
      const gaps = []
      manager.on('gap', ({ connection, ...gap }) => gaps.push(gap))
      const publishAll = () => {
        for (const trade of trades) feed.publish(trade)
        feed.publish({ ...orders, userId: 'alice' }, '')
      }
      alice.pause()

      await publishUntil(() => manager.stats().dropped > 100, publishAll)
      alice.resume()
      await publishUntil(() => manager.stats().connectionsBehind === 0, publishAll)
      const messages = await readToTheEnd(manager, alice, droppable)

      const stats = manager.stats()
      const received = split(messages, trades).map(numbersWithGaps)
      assert.deepEqual(received.map(({ numbers }) => numbers), feed.allOf(trades))
      assert.equal(received.reduce((sum, { dropped }) => sum + dropped, 0), stats.dropped)
      assert.deepEqual(
        gaps,
        messages.filter(({ type }) => type === 'gap').map(({ streamType, symbol, dropped }) => ({ streamType, symbol, dropped })),
      )
      assert.deepEqual(numbersIn(messages, [orders]), feed.allOf([orders]))
      assert.deepEqual(host.removals, [])
      assertBalanced(stats)
    })

    it('writes the messages of a tick to each TCP socket at once, in order', async () => {
      host = await startHost(ws)
      const { manager } = host
      const clients = [await host.join('alice', trades), await host.join('bob', trades), await host.join('carol', trades)]
      const feed = startFeed(manager)
      const counts = clients.map(countWrites)

      for (let i = 0; i < 50; i++) feed.publish(trades[0], '')
      const writesAtOnce = counts.map(({ writes }) => writes)
      await until(() => clients.every(({ received }) => received.length === 50))

      assert.deepEqual(writesAtOnce, [0, 0, 0])
      assert.deepEqual(counts, [{ writes: 1 }, { writes: 1 }, { writes: 1 }])
      for (const { received } of clients) {
        assert.deepEqual(numbersIn(received.map((text) => parseServerMessage(text)), [trades[0]]), feed.allOf([trades[0]]))
      }
    })

    it('delivers a single message, even if none follows', async () => {
      host = await startHost(ws)
      const alice = await host.join('alice', trades)
      const counted = countWrites(alice)

      const result = startFeed(host.manager).publish(trades[0])
      await until(() => alice.received.length === 1)

      assert.equal(result.sent, 1)
      assert.equal(counted.writes, 1)
    })

    it('keeps messages in order with those of the host if flush() is called', async () => {
      host = await startHost(ws)
      const alice = await host.join('alice', trades)
      const feed = startFeed(host.manager)

      feed.publish(trades[0], '')
      feed.publish(trades[0], '')
      const isFlushed = alice.connection.flush()
      alice.socket.send('from the host')
      feed.publish(trades[0], '')
      await until(() => alice.received.length === 4)

      const seen = alice.received.map((text) => (text.startsWith('{') ? parseServerMessage(text).data.n : text))
      assert.equal(isFlushed, true)
      assert.deepEqual(seen, [1, 2, 'from the host', 3])
    })

    for (const [whose, destroy] of [
      ['client', ({ destroy }) => destroy()],
      ['server', ({ tcp }) => tcp.destroy()],
    ]) {
      it(`frees everything of a client that is behind when the ${whose} destroys its TCP socket`, async () => {
        host = await startHost(ws)
        const { manager, removals } = host
        const alice = await host.join('alice', [...trades, orders])
        const feed = startFeed(manager)
        alice.pause()
        await publishUntil(() => manager.stats().waiting > 20, () => trades.forEach((trade) => feed.publish(trade)))

        destroy(alice)
        await until(() => removals.length > 0)

        const { connectionsBehind, waitingBytes, waiting, ...stats } = manager.stats()
        assert.deepEqual({ connectionsBehind, waitingBytes, waiting }, { connectionsBehind: 0, waitingBytes: 0, waiting: 0 })
        assert.ok(stats.purged > 20, `${stats.purged} purged`)
        assertBalanced({ waiting, ...stats })
        assert.deepEqual([manager.connectionCount, manager.subscriptionCount], [0, 0])
        assert.equal(alice.tcp.listenerCount('drain'), 0)
      })
    }

    it('delivers everything in order to a paused client that resumes, with permessage-deflate', async () => {
      host = await startHost(ws, { server: { perMessageDeflate: { threshold: 0 } } })
      const { manager } = host
      const alice = await host.join('alice', [...trades, orders])
      const feed = startFeed(manager)
      const paddings = []
      const publishAll = () => {
        const padding = randomBytes(3_000).toString('base64')
        paddings.push(padding)
        for (const trade of trades) feed.publish(trade, padding)
        feed.publish({ ...orders, userId: 'alice' }, padding)
      }
      alice.pause()
      // To deflate takes longer than to publish: this way the system's buffers are full before much waits.
      await publishUntil(() => alice.tcp.writableLength > 0, () => alice.socket.send(FILLER, { compress: false }))

      await publishUntil(() => manager.stats().waiting > 100, publishAll)
      alice.resume()
      const messages = await readToTheEnd(manager, alice)

      assert.equal(alice.socket.extensions, 'permessage-deflate')
      assert.deepEqual(numbersIn(messages, [...trades, orders]), feed.allOf([...trades, orders]))
      for (const each of split(messages, [...trades, orders])) {
        assert.deepEqual(each.map(({ data }) => data.padding), paddings)
      }
      assertBalanced(manager.stats())
    })
  })
}
