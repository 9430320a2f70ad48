import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { wsTransport } from '../../../dist/transports/ws.js'
import { openWs, serve, versions } from './peers.js'

const MESSAGES = 16
// Together more than the system takes of a connection whose peer does not read.
const BYTES = 4_000_000

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

const transport = wsTransport()

/** The next call of a drain listener. */
function drained(socket) {
  return new Promise((resolve) => {
    const end = transport.onDrain(socket, () => {
      end()
      resolve()
    })
  })
}

for (const [version, ws] of versions) {
  describe(`wsTransport on ${version}`, options, () => {
    let server
    afterEach(() => server.close())

    it('reads how much waits for a peer that does not read, and reports the drain when it reads', async () => {
      server = await serve(ws)
      const peer = await openWs(server.url)
      const [socket] = server.sockets
      const frames = Array.from({ length: MESSAGES }, (_, i) => transport.frame(`${i}`.padEnd(BYTES)))
      let drains = 0
      peer.socket._socket.pause()

      transport.write(socket, frames)
      const waiting = transport.bufferedBytes(socket)
      const end = transport.onDrain(socket, () => drains++)
      const draining = drained(socket)
      transport.write(socket, frames)
      const waitingThen = transport.bufferedBytes(socket)
      const drainsWhilePaused = drains
      peer.socket._socket.resume()
      await draining

      assert.ok(waiting > BYTES, `${waiting} bytes wait`)
      assert.ok(waitingThen >= waiting + MESSAGES * BYTES, `${waitingThen} bytes wait`)
      assert.deepEqual([drainsWhilePaused, drains], [0, 1])
      assert.equal(transport.bufferedBytes(socket), 0)
      assert.equal((await peer.received(2 * MESSAGES)).length, 2 * MESSAGES)
      end()
      assert.equal(socket._socket.listenerCount('drain'), 0)
    })

    it('polls if Node reports no drain', async () => {
      server = await serve(ws)
      await openWs(server.url)
      const [socket] = server.sockets

      transport.write(socket, [transport.frame('below any mark')])

      await drained(socket)
    })

    it('polls while ws itself queues messages', async () => {
      server = await serve(ws, { perMessageDeflate: { threshold: 0 } })
      const { received } = await openWs(server.url)
      const [socket] = server.sockets
      const frames = Array.from({ length: MESSAGES }, () => transport.frame('x'.repeat(100_000)))

      transport.write(socket, frames)
      const waiting = transport.bufferedBytes(socket)
      while (transport.bufferedBytes(socket) > 0) await drained(socket)

      assert.ok(waiting >= MESSAGES * 100_000, `${waiting} bytes wait`)
      await received(MESSAGES)
    })
  })
}
