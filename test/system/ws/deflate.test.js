import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { after, afterEach, describe, it } from 'node:test'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { ConnectionManager, defineStreams } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { closeBrowser, decoders, open, openWs, serve, versions } from './peers.js'

const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15]
const NO_TAKEOVER = { serverNoContextTakeover: true, threshold: 0 }
const PUBLIC = { streamType: 'PRICE', data: null, timestamp: new Date(0), userId: undefined }

/** Repetitions that lie at many distances, so that a client whose window is too small would notice. */
const FAR = Array.from({ length: 60 }, (_, i) => randomBytes(20 * (i + 1)).toString('base64').repeat(3)).join('')
const SIZES = [0, 1, 125, 126, 1_023, 1_024, 65_535, 65_536, 1_000_000]
const SENT = [...SIZES.map((size) => 'x'.repeat(size)), FAR, '😀ä€'.repeat(20_000), 'a\uD800b'.repeat(500), randomBytes(3_000).toString('latin1'), FAR, 'end']
const RECEIVED = SENT.map((text) => shown(text.toWellFormed()))
const COMPRESSED = SENT.filter((text) => Buffer.byteLength(text) >= 1_024).length

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }

/** A transport that counts how often it compresses. */
function counting(more = {}) {
  const counted = { calls: 0 }
  const transport = wsTransport({
    deflate(bytes, how) {
      counted.calls++
      return deflateRawSync(bytes, how)
    },
    ...more,
  })
  const frame = (text) => transport.frame(text, PUBLIC)
  const write = (socket, texts) => transport.write(socket, texts.map(frame))
  counted.calls = 0
  return { transport, frame, write, counted }
}

/** What a failure is to show of a text that may have a million characters. */
function shown(text) {
  return text.length < 50 ? text : `${text.length} characters, SHA-1 ${createHash('sha1').update(text).digest('hex')}`
}

/** A client of ws that offers this. */
function openWsWith(url, { WebSocket }, perMessageDeflate) {
  class Offering extends WebSocket {
    constructor() {
      super(url, { perMessageDeflate })
    }
  }
  return open(url, Offering)
}

function paramsOf(socket) {
  return socket._extensions['permessage-deflate'].params
}

function forbidSends(socket) {
  socket.send = () => { throw new Error('it must be written directly') }
}

after(closeBrowser)

for (const [version, ws] of versions) {
  describe(`wsTransport that compresses once, on ${version}`, options, () => {
    let servers = []
    afterEach(async () => {
      await Promise.all(servers.map((server) => server.close()))
      servers = []
    })

    async function start(perMessageDeflate = NO_TAKEOVER) {
      const server = await serve(ws, { perMessageDeflate })
      servers.push(server)
      return server
    }

    for (const [name, openOne] of decoders) {
      it(`delivers messages of every size to ${name}, compressed once for three clients`, async () => {
        const server = await start()
        const peers = [await openOne(server.url), await openOne(server.url), await openOne(server.url)]
        const { transport, frame, counted } = counting()
        const frames = SENT.map(frame)
        server.sockets.forEach(forbidSends)

        for (const socket of server.sockets) transport.write(socket, frames.slice(0, 4))
        for (const socket of server.sockets) transport.write(socket, frames.slice(4))

        for (const { received } of peers) assert.deepEqual((await received(SENT.length)).map(shown), RECEIVED)
        assert.equal(counted.calls, COMPRESSED)
      })

      it(`keeps messages in order with those of the host for ${name}`, async () => {
        const server = await start()
        const peers = [await openOne(server.url), await openOne(server.url), await openOne(server.url)]
        const { write } = counting({ threshold: 0 })
        const expected = []
        const all = (act) => server.sockets.forEach(act)

        for (let round = 0; round < 20; round++) {
          const texts = Array.from({ length: 8 }, (_, i) => `${round}.${i} ${FAR.slice(0, (round * 977 + i * 331) % 9_000)}`)
          all((socket) => write(socket, texts.slice(0, 2)))
          all((socket) => socket.send(texts[2]))
          all((socket) => write(socket, [texts[3]]))
          all((socket) => socket.ping())
          all((socket) => write(socket, texts.slice(4, 6)))
          all((socket) => socket.send(texts[6], { compress: false }))
          all((socket) => write(socket, [texts[7]]))
          expected.push(...texts)
          if (round % 3 === 0) await nextTurn()
          if (round % 7 === 0) await sleep(5)
        }

        for (const { received } of peers) assert.deepEqual((await received(expected.length)).map(shown), expected.map(shown))
      })
    }

    it('serves all kinds of clients, with windows of 8 to 15 bits, from one message', async () => {
      const peers = []
      for (const bits of WINDOWS) {
        const server = await start({ ...NO_TAKEOVER, serverMaxWindowBits: bits })
        for (const [name, openOne] of decoders) peers.push({ name: `${name}, ${bits} bits`, ...(await openOne(server.url)) })
      }
      const sockets = servers.flatMap((server) => server.sockets)
      const { transport, frame, counted } = counting()
      const frames = SENT.map(frame)

      for (const socket of sockets) transport.write(socket, frames.slice())

      assert.deepEqual([...new Set(sockets.map((socket) => paramsOf(socket).server_max_window_bits))], WINDOWS)
      assert.equal(counted.calls, COMPRESSED * (WINDOWS.length - 1))
      for (const { name, received } of peers) assert.deepEqual([name, ...(await received(SENT.length)).map(shown)], [name, ...RECEIVED])
    })

    it('serves windows that clients asked for, context takeover and uncompressed clients side by side', async () => {
      const [server, withTakeover, without] = [await start(), await start({ threshold: 0 }), await start(false)]
      const peers = []
      for (const bits of WINDOWS) peers.push(await openWsWith(server.url, ws, { serverMaxWindowBits: bits }))
      for (const { url } of [withTakeover, without, server, withTakeover, without, server]) peers.push(await openWs(url))
      const { transport, frame } = counting()
      const sockets = servers.flatMap((each) => each.sockets)

      for (let turn = 0; turn < 3; turn++) {
        const frames = SENT.map(frame)
        for (const socket of sockets) transport.write(socket, frames.slice())
        await nextTurn()
      }

      assert.deepEqual(server.sockets.slice(0, WINDOWS.length).map((socket) => paramsOf(socket).server_max_window_bits), WINDOWS)
      for (const { received } of peers) assert.deepEqual((await received(SENT.length * 3)).map(shown), [...RECEIVED, ...RECEIVED, ...RECEIVED])
    })

    it('compresses for a client that asks for no context takeover by itself', async () => {
      const server = await start({ threshold: 0 })
      const peer = await openWsWith(server.url, ws, { serverNoContextTakeover: true })
      const { write, counted } = counting()
      server.sockets.forEach(forbidSends)

      write(server.sockets[0], SENT)

      assert.deepEqual((await peer.received(SENT.length)).map(shown), RECEIVED)
      assert.equal(counted.calls, COMPRESSED)
    })

    it('waits for the end of a fragmented message', async () => {
      const server = await start()
      const peers = [await openWs(server.url), await openWs(server.url), await openWs(server.url)]
      const { write } = counting({ threshold: 0 })
      const accepted = []

      for (const socket of server.sockets) {
        accepted.push(write(socket, [FAR]))
        socket.send('a'.repeat(2_000), { fin: false })
        accepted.push(write(socket, ['too early']))
        socket.send('b', { fin: false })
        await nextTurn()
        accepted.push(write(socket, ['too early']))
        socket.send('c', { fin: true })
        accepted.push(write(socket, [FAR, 'd']))
      }

      assert.deepEqual(accepted, [1, 0, 0, 2, 1, 0, 0, 2, 1, 0, 0, 2])
      for (const { received } of peers) assert.deepEqual(await received(4), [FAR, `${'a'.repeat(2_000)}bc`, FAR, 'd'])
    })

    it('sends public messages compressed, and private messages and texts of the host uncompressed', async () => {
      const server = await start()
      const peer = await openWs(server.url)
      const { transport } = counting()
      const manager = new ConnectionManager({ transport })
      const [socket] = server.sockets
      const connection = manager.addConnection('c1', socket, 'alice')
      connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
      connection.subscribe({ streamType: 'ORDER_UPDATES' })
      const data = 'x'.repeat(50_000)
      const bytesOf = (act) => {
        const before = socket._socket.bytesWritten
        act()
        connection.flush()
        return socket._socket.bytesWritten - before
      }

      const bytes = {
        public: bytesOf(() => manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data })),
        private: bytesOf(() => manager.publish({ streamType: 'ORDER_UPDATES', userId: 'alice', data })),
        host: bytesOf(() => connection.send(data)),
      }

      assert.ok(bytes.public < 1_000 && bytes.private > 50_000 && bytes.host > 50_000, JSON.stringify(bytes))
      assert.equal((await peer.received(3))[2], data)
      await manager.cleanup()
    })

    it('delivers every trade in order to a client that is slow for a while, beside one that reads', async () => {
      const server = await start()
      const { transport } = counting()
      const manager = new ConnectionManager({
        streams: defineStreams({ TRADES: { audience: 'public' } }),
        transport,
        delivery: { hardLimitBytes: Infinity },
      })
      const peers = [await openWs(server.url), await openWs(server.url)]
      for (const [i, socket] of server.sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`).subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
      peers[0].socket._socket.pause()

      let n = 0
      while (manager.stats().waiting < 50) {
        manager.publish({ streamType: 'TRADES', symbol: 'BTCUSDT', data: { n: ++n, padding: randomBytes(15_000).toString('base64') } })
        await nextTurn()
      }
      peers[0].socket._socket.resume()

      const numbers = Array.from({ length: n }, (_, i) => i + 1)
      for (const { received } of peers) assert.deepEqual((await received(n)).map((text) => JSON.parse(text).data.n), numbers)
      assert.equal(manager.stats().conflated + manager.stats().dropped, 0)
      await manager.cleanup()
    })

    it('closes only a client that does not read as a slow consumer', async () => {
      const server = await start()
      const { transport } = counting()
      const manager = new ConnectionManager({ streams: defineStreams({ TRADES: { audience: 'public' } }), transport })
      const peers = [await openWs(server.url), await openWs(server.url)]
      const removals = []
      manager.on('connectionRemoved', ({ connection, reason }) => removals.push([connection.id, reason]))
      for (const [i, socket] of server.sockets.entries()) manager.addConnection(`c${i}`, socket, `u${i}`).subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
      const [stuck] = server.sockets
      const ended = once(stuck, 'close')
      peers[0].socket._socket.pause()

      let n = 0
      while (removals.length === 0) {
        manager.publish({ streamType: 'TRADES', symbol: 'BTCUSDT', data: { n: ++n, padding: randomBytes(15_000).toString('base64') } })
        await nextTurn()
        await peers[1].received(n)
      }
      await ended

      assert.deepEqual(removals, [['c0', 'slow-consumer']])
      assert.deepEqual((await peers[1].received(n)).map((text) => JSON.parse(text).data.n), Array.from({ length: n }, (_, i) => i + 1))
      peers[0].socket._socket.resume()
      await manager.cleanup()
    })
  })
}
