import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { after, afterEach, describe, it } from 'node:test'
import { wsTransport } from '../../../dist/transports/ws.js'
import { clients, closeBrowser, openWs, serve, versions } from './peers.js'

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 1_000_000]
const MANY_BYTES_A_CHARACTER = ['ä€😀', '€'.repeat(42), '😀'.repeat(16_384)]
const ILL_FORMED = ['a\uD800b', '\uDC00']
const SENT = [...SIZES.map((size) => 'x'.repeat(size)), ...MANY_BYTES_A_CHARACTER, ...ILL_FORMED, 'end']
const RECEIVED = SENT.map((text) => abbreviated(text.toWellFormed()))

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

/** Writes these texts in one call of the transport. */
function writer() {
  const transport = wsTransport()
  return (socket, texts) => transport.write(socket, texts.map((text) => transport.frame(text)))
}

/** What a failure is to show of a text that may have a million characters. */
function abbreviated(text) {
  return text.length < 50 ? text : `${text.length} characters, SHA-1 ${createHash('sha1').update(text).digest('hex')}`
}

/** Counts what passes through the socket's own `send`. */
function countSends(socket) {
  const send = socket.send
  const counted = { sends: 0 }
  socket.send = function (...args) {
    counted.sends++
    return send.apply(this, args)
  }
  return counted
}

after(closeBrowser)

for (const [version, ws] of versions) {
  describe(`wsTransport on ${version}`, options, () => {
    let server
    afterEach(() => server.close())

    for (const [name, open] of clients) {
      it(`delivers messages of every size completely and in order to ${name}`, async () => {
        server = await serve(ws)
        const peers = [await open(server.url), await open(server.url), await open(server.url)]
        const transport = wsTransport()
        const frames = SENT.map((text) => transport.frame(text))
        const counts = server.sockets.map(countSends)

        for (const socket of server.sockets) assert.equal(transport.write(socket, frames.slice()), frames.length)

        for (const { received } of peers) assert.deepEqual((await received(SENT.length)).map(abbreviated), RECEIVED)
        assert.deepEqual(counts, [{ sends: 0 }, { sends: 0 }, { sends: 0 }])
      })

      it(`delivers messages to ${name} even if permessage-deflate was negotiated`, async () => {
        server = await serve(ws, { perMessageDeflate: { threshold: 0 } })
        const peer = await open(server.url)
        const write = writer()
        const [socket] = server.sockets
        const counted = countSends(socket)

        write(socket, SENT.slice(0, 5))
        write(socket, SENT.slice(5))

        assert.equal(socket.extensions, 'permessage-deflate')
        assert.deepEqual((await peer.received(SENT.length)).map(abbreviated), RECEIVED)
        assert.equal(counted.sends, SENT.length)
      })
    }

    for (const perMessageDeflate of [false, true]) {
      const how = perMessageDeflate ? 'with' : 'without'

      it(`keeps its messages in order with those of the host, ${how} permessage-deflate`, async () => {
        server = await serve(ws, { perMessageDeflate })
        const peer = await openWs(server.url)
        const write = writer()
        const [socket] = server.sockets
        const long = 'long '.repeat(10_000)

        write(socket, ['1', long])
        socket.send('3')
        socket.ping()
        write(socket, ['4'])
        socket.send(long)
        write(socket, ['6', '7'])
        socket.ping()
        socket.send('8')

        assert.deepEqual(await peer.received(8), ['1', long, '3', '4', long, '6', '7', '8'])
      })

      it(`waits for the end of a fragmented message, ${how} permessage-deflate`, async () => {
        server = await serve(ws, { perMessageDeflate })
        const peer = await openWs(server.url)
        const write = writer()
        const [socket] = server.sockets

        socket.send('a', { fin: false })
        assert.equal(write(socket, ['1', '2']), 0)
        socket.send('b', { fin: false })
        assert.equal(write(socket, ['1', '2']), 0)
        socket.send('c', { fin: true })
        assert.equal(write(socket, ['1', '2']), 2)

        assert.deepEqual(await peer.received(3), ['abc', '1', '2'])
      })
    }

    it('keeps the place of a ping that the host sends', async () => {
      server = await serve(ws)
      const peer = await openWs(server.url)
      const write = writer()
      const [socket] = server.sockets
      const seen = []
      peer.socket.on('ping', (data) => seen.push(`ping ${data}`))
      peer.socket.on('message', (data) => seen.push(String(data)))

      write(socket, ['a', 'b'])
      socket.ping('1')
      write(socket, ['c'])
      socket.ping('2')
      write(socket, ['end'])
      await peer.received(4)

      assert.deepEqual(seen, ['a', 'b', 'ping 1', 'c', 'ping 2', 'end'])
    })

    it('masks messages on a client socket', async () => {
      server = await serve(ws)
      const client = new ws.WebSocket(server.url)
      await once(client, 'open')
      const [socket] = server.sockets
      const received = []
      const ended = new Promise((end) => {
        socket.on('message', (data) => {
          received.push(String(data))
          if (String(data) === 'end') end()
        })
      })

      writer()(client, ['ä', 'b', 'end'])
      await ended

      assert.deepEqual(received, ['ä', 'b', 'end'])
    })
  })
}

describe('wsTransport while ws reads a Blob, since 8.18', options, () => {
  it('keeps messages in order', async (test) => {
    const server = await serve(Object.fromEntries(versions)['ws 8.23.0'])
    test.after(() => server.close())
    const peer = await openWs(server.url)
    const write = writer()
    const [socket] = server.sockets

    write(socket, ['1'])
    socket.send(new Blob(['blob']))
    write(socket, ['3', '4'])
    const [first, blob, ...others] = await peer.received(4)

    assert.deepEqual([first, Buffer.from(blob.base64, 'base64').toString(), ...others], ['1', 'blob', '3', '4'])
  })
})
