import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, afterEach, describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import { ConnectionManager } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { closeBrowser, decoders, openWs, serve, versions } from './peers.js'

const WINDOWS = [8, 9, 10, 11, 12, 13, 14, 15]
const NO_TAKEOVER = { serverNoContextTakeover: true, threshold: 0 }
const PUBLIC = { streamType: 'PRICE', data: null, timestamp: new Date(0), userId: undefined }
const PRICE = { streamType: 'PRICE', symbol: 'BTCUSDT' }

/** Bytes that compress well, and are no UTF-8. */
const PATTERN = randomBytes(3_000)
const patterned = (size) => Buffer.alloc(size, PATTERN)
const SIZES = [0, 1, 125, 126, 1_023, 1_024, 65_535, 65_536, 200_000]
/** Texts and bytes of every size in turn, in every kind of array. */
const SENT = [
  ...SIZES.flatMap((size) => [patterned(size), 'x'.repeat(size)]),
  randomBytes(5_000),
  new Uint8Array(patterned(9_000).buffer, 100, 8_000),
  Buffer.from('a text as bytes 😀'),
  Uint8Array.of(0xc3, 0x28, 0xff),
  new Uint8Array(new SharedArrayBuffer(2_000)),
  'end',
]
const RECEIVED = SENT.map(shownSent)

// A deadlock is to end as a failure.
const options = { timeout: 120_000 }

/** What a failure is to show of a message that may have many bytes. */
function shownSent(message) {
  const kind = typeof message === 'string' ? 'text' : 'binary'
  return `${kind}, ${message.length} long, SHA-1 ${createHash('sha1').update(message).digest('hex')}`
}

/** The same of a message as a peer has received it. */
function shown(message) {
  return shownSent(typeof message === 'string' ? message : Buffer.from(message.base64, 'base64'))
}

function framer(more = {}) {
  const transport = wsTransport(more)
  return { transport, frame: (message) => transport.frame(message, PUBLIC) }
}

function forbidSends(socket) {
  socket.send = () => { throw new Error('it must be written directly') }
}

after(closeBrowser)

for (const [version, ws] of versions) {
  describe(`texts and bytes in turn, on ${version}`, options, () => {
    let servers = []
    afterEach(async () => {
      await Promise.all(servers.map((server) => server.close()))
      servers = []
    })

    async function start(perMessageDeflate = false) {
      const server = await serve(ws, { perMessageDeflate })
      servers.push(server)
      return server
    }

    for (const [name, openOne] of decoders) {
      for (const [how, perMessageDeflate, more] of [['uncompressed', false, {}], ['compressed once', NO_TAKEOVER, { deflate: deflateRawSync }]]) {
        it(`reach ${name} as what they are, ${how}, each byte of them`, async () => {
          const server = await start(perMessageDeflate)
          const peers = [await openOne(server.url), await openOne(server.url), await openOne(server.url)]
          const { transport, frame } = framer(more)
          const frames = SENT.map(frame)
          server.sockets.forEach(forbidSends)

          for (const socket of server.sockets) transport.write(socket, frames.slice(0, 5))
          for (const socket of server.sockets) transport.write(socket, frames.slice(5))

          for (const { received } of peers) assert.deepEqual((await received(SENT.length)).map(shown), RECEIVED)
        })
      }

      it(`reach ${name} through the manager, on a plain socket and by the transport`, async () => {
        const [plain, compressing] = [await start(), await start(NO_TAKEOVER)]
        const peers = [await openOne(plain.url), await openOne(compressing.url)]
        const { transport } = framer({ deflate: deflateRawSync })
        const manager = new ConnectionManager({ serialize: ({ data }) => data, serializeNotice: ({ type }) => Buffer.from(type) })
        manager.addConnection('plain', plain.sockets[0], 'alice').subscribe(PRICE)
        manager.addConnection('framed', compressing.sockets[0], 'bob', { transport }).subscribe(PRICE)

        for (const data of SENT) {
          manager.publish({ ...PRICE, data })
          await nextTurn()
        }
        manager.notifyGap(PRICE, 1)
        for (const id of ['plain', 'framed']) manager.getConnection(id).send(Uint8Array.of(1))

        const expected = [...RECEIVED, shownSent(Buffer.from('gap')), shownSent(Uint8Array.of(1))]
        for (const { received } of peers) assert.deepEqual((await received(expected.length)).map(shown), expected)
        assert.equal(manager.stats().failed, 0)
        await manager.cleanup()
      })
    }

    it('reach all kinds of clients with windows of 8 to 15 bits from one frame', async () => {
      const peers = []
      for (const bits of WINDOWS) {
        const server = await start({ ...NO_TAKEOVER, serverMaxWindowBits: bits })
        for (const [name, openOne] of decoders) peers.push({ name: `${name}, ${bits} bits`, ...(await openOne(server.url)) })
      }
      const { transport, frame } = framer({ deflate: deflateRawSync })
      const frames = SENT.map(frame)
      const sockets = servers.flatMap((server) => server.sockets)

      for (const socket of sockets) transport.write(socket, frames.slice())

      for (const { name, received } of peers) assert.deepEqual([name, ...(await received(SENT.length)).map(shown)], [name, ...RECEIVED])
    })

    it('keep their order beside what the host sends and ws compresses, with context takeover and without', async () => {
      const all = [await start(NO_TAKEOVER), await start({ threshold: 0 }), await start()]
      const peers = []
      for (const { url } of [...all, ...all]) peers.push(await openWs(url))
      const { transport, frame } = framer({ deflate: deflateRawSync, threshold: 0 })
      const sockets = servers.flatMap((server) => server.sockets)
      const expected = []

      for (let round = 0; round < 6; round++) {
        const messages = SENT.map((_, i) => SENT[(i * 7 + round) % SENT.length])
        const frames = messages.map(frame)
        for (const socket of sockets) {
          transport.write(socket, frames.slice(0, 3))
          socket.send(messages[3])
          transport.write(socket, frames.slice(4, 5))
          socket.send(messages[5], { compress: false })
          transport.write(socket, frames.slice(6))
        }
        expected.push(...messages)
        if (round % 3 === 0) await nextTurn()
      }

      for (const { received } of peers) assert.deepEqual((await received(expected.length)).map(shown), expected.map(shownSent))
    })

    it('arrive as they were at the write, even if the host uses the array again before the client reads', async () => {
      const server = await start()
      const peer = await openWs(server.url)
      const { transport } = framer()
      const manager = new ConnectionManager({ transport, delivery: { softLimitBytes: Infinity }, quotas: { messageUnits: Infinity } })
      const connection = manager.addConnection('c', server.sockets[0], 'alice')
      const bytes = randomBytes(12_000_000)
      const expected = shownSent(bytes)
      peer.socket._socket.pause()

      connection.send(bytes)
      connection.flush()
      bytes.fill(0)
      const buffered = server.sockets[0].bufferedAmount
      peer.socket._socket.resume()

      assert.ok(buffered > 1_000_000, `${buffered} bytes are still to be sent`)
      assert.deepEqual((await peer.received(1)).map(shown), [expected])
      await manager.cleanup()
    })
  })
}
