// @ts-nocheck
// Bursts of one turn on real connections, whatever these are made of. test/system/hosts runs it as well, on the packed library.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { afterEach, it } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

const SOFT_LIMIT_BYTES = 65_536
const HARD_LIMIT_BYTES = 1_048_576
const BURST_BYTES = 3 * 1_048_576
const MESSAGE_BYTES = 4_096
/** The test's own limit comes first: no deadline of the manager's decides. */
const CLOSE_TIMEOUT_MS = 100_000
/** What the envelope, the framing and TLS add to a message at most. */
const OVERHEAD_BYTES = 512
/** No system takes as much of a connection whose peer does not read. */
const MOST_BYTES = 64 * 1_048_576

const ALICE = 'alice'
const TRADES = { streamType: 'TRADES', symbol: 'BTCUSDT' }
const STREAMS = [TRADES, { streamType: 'DEALS', symbol: 'BTCUSDT' }, { streamType: 'PRICE', symbol: 'BTCUSDT' }, { streamType: 'FILLS', userId: ALICE }]

/** One stream that disconnects, one that drops, one that conflates, and a private one. */
const definitions = {
  TRADES: { audience: 'public' },
  DEALS: { audience: 'public', overflow: 'drop' },
  PRICE: { audience: 'public', delivery: 'latest' },
  FILLS: { audience: 'private' },
}

/** Looks again and again; the bound is the test's. */
async function until(condition) {
  while (!condition()) await sleep(2)
}

/** Publishes numbered messages that nothing compresses, each of the next stream, and knows what was published. */
class Feed {
  published = []
  #manager

  constructor(manager) {
    this.#manager = manager
  }

  /** So many bytes in the running turn. */
  publish(bytes, streams = STREAMS) {
    for (let i = 0; i < bytes / MESSAGE_BYTES; i++) {
      const n = this.published.length + 1
      const data = { n, padding: randomBytes((MESSAGE_BYTES * 3) / 4).toString('base64') }
      this.published.push(data)
      this.#manager.publish({ ...streams[n % streams.length], data })
    }
  }
}

/**
 * Tests one kind of connection. `serve(onSocket)` starts a server that calls back with each client's socket, at once when it comes, and answers
 * `{ connect, close }`; what `onSocket` returns it calls when the socket is over. A client has `received`, which grows, `closed`, `pause()` and
 * `destroy()`.
 */
export function testBursts({ ConnectionManager, defineStreams, transport, serve }) {
  let host
  afterEach(() => host.close())

  async function start(onConnection = () => {}) {
    const manager = new ConnectionManager({ streams: defineStreams(definitions), transport, closeTimeoutMs: CLOSE_TIMEOUT_MS })
    const removals = []
    manager.on('connectionRemoved', ({ reason }) => removals.push(reason))
    const feed = new Feed(manager)
    const server = await serve((socket) => {
      const connection = manager.addConnection(ALICE, socket, ALICE)
      for (const { streamType, symbol } of STREAMS) connection.subscribe({ streamType, symbol })
      onConnection(connection, feed)
      return () => connection.remove({ close: false })
    })
    const clients = []
    host = {
      manager,
      feed,
      removals,
      async connect() {
        const client = await server.connect()
        clients.push(client)
        return client
      },
      async close() {
        for (const client of clients) client.destroy()
        await manager.cleanup({ deadlineMs: 0 })
        await server.close()
      },
    }
    return host
  }

  /** A client in the middle of its life: what came first was read long ago. */
  async function startInTheMiddle() {
    await start()
    const client = await host.connect()
    await until(() => host.manager.connectionCount === 1)
    host.feed.publish(MESSAGE_BYTES)
    await until(() => client.received.length === 1)
    await sleep(20)
    return { ...host, client }
  }

  /** All of it came, whole and in order, and the manager says so. */
  async function assertAllArrives({ received }, removals = []) {
    const { feed, manager } = host
    await until(() => received.length >= feed.published.length || host.removals.length > removals.length)
    assert.deepEqual(host.removals, removals)
    assert.deepEqual(received.map((text) => JSON.parse(text).data.n), feed.published.map(({ n }) => n))
    assert.ok(received.every((text, i) => JSON.parse(text).data.padding === feed.published[i].padding), 'not whole')
    const { matched, sent, rejected, gapNotices } = manager.stats()
    assert.deepEqual({ matched, sent, rejected, gapNotices }, { matched: received.length, sent: received.length, rejected: 0, gapNotices: 0 })
  }

  it('delivers 3 MiB in one turn in order to a client that reads', async () => {
    const { feed, client } = await startInTheMiddle()

    feed.publish(BURST_BYTES)

    await assertAllArrives(client)
  })

  it('delivers 3 MiB in one turn in order after the messages of the turn before', async () => {
    const { feed, client } = await startInTheMiddle()

    feed.publish(MESSAGE_BYTES)
    await nextTurn()
    feed.publish(BURST_BYTES)

    await assertAllArrives(client)
  })

  it('delivers two turns of 1.5 MiB each in order', async () => {
    const { feed, client } = await startInTheMiddle()

    feed.publish(BURST_BYTES / 2)
    await nextTurn()
    feed.publish(BURST_BYTES / 2)

    await assertAllArrives(client)
  })

  it('delivers 3 MiB in one turn in order to a client that has just connected', async () => {
    await start((_connection, feed) => feed.publish(BURST_BYTES))

    const client = await host.connect()

    await until(() => host.feed.published.length > 0)
    await assertAllArrives(client)
  })

  it('delivers 3 MiB in one turn in order right before cleanup()', async () => {
    const { manager, feed, client } = await startInTheMiddle()

    feed.publish(BURST_BYTES)
    const report = await manager.cleanup({ deadlineMs: CLOSE_TIMEOUT_MS })
    await client.closed

    assert.deepEqual(report, { closed: 1, failed: 0, timedOut: 0 })
    await assertAllArrives(client, ['cleanup'])
  })

  it('delivers 3 MiB in one turn in order right before the removal of the client', async () => {
    const { manager, feed, client } = await startInTheMiddle()

    feed.publish(BURST_BYTES)
    const isRemoved = await manager.removeConnection(ALICE)
    await client.closed

    assert.equal(isRemoved, true)
    await assertAllArrives(client, ['removed'])
  })

  it('delivers 3 MiB to a client that is added and removed in the same turn', async () => {
    let removal
    await start((connection, feed) => {
      feed.publish(BURST_BYTES)
      removal = connection.remove()
    })

    const client = await host.connect()
    await client.closed

    assert.equal(await removal, true)
    await assertAllArrives(client, ['removed'])
  })

  for (const [size, bytesInTurn] of [['64 KiB', 65_536], ['1.5 MiB', 1_572_864]]) {
    it(`removes a client that never reads as a slow consumer, with bounded memory, in turns of ${size}`, async () => {
      const { manager, feed, client, removals } = await startInTheMiddle()
      const { socket } = manager.getConnection(ALICE)
      client.pause()
      let mostBufferedBytes = 0

      while (removals.length === 0 && feed.published.length * MESSAGE_BYTES < MOST_BYTES) {
        feed.publish(bytesInTurn, [TRADES])
        await nextTurn()
        mostBufferedBytes = Math.max(mostBufferedBytes, socket.bufferedAmount)
      }

      const messageBytes = MESSAGE_BYTES + OVERHEAD_BYTES
      const twoTurnsBytes = (2 * bytesInTurn * messageBytes) / MESSAGE_BYTES
      const boundBytes = SOFT_LIMIT_BYTES + (SOFT_LIMIT_BYTES + messageBytes) + twoTurnsBytes
      const { mostWaitingBytes, waitingBytes, waiting, connectionsBehind } = manager.stats()
      assert.deepEqual(removals, ['slow-consumer'])
      assert.ok(mostBufferedBytes <= boundBytes, `${mostBufferedBytes} buffered, bound ${boundBytes}`)
      assert.ok(mostWaitingBytes <= HARD_LIMIT_BYTES + messageBytes, `${mostWaitingBytes} waited`)
      assert.deepEqual({ waitingBytes, waiting, connectionsBehind }, { waitingBytes: 0, waiting: 0, connectionsBehind: 0 })
    })
  }
}
