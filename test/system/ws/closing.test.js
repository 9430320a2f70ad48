import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, afterEach, describe, it } from 'node:test'
import { wsTransport } from '../../../dist/transports/ws.js'
import { clients, closeBrowser, openWs, serve, versions } from './peers.js'

const CODES = { removed: 1000, cleanup: 1001, 'send-failed': 1011, 'slow-consumer': 1013 }
const ABNORMAL = 1006

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

const transport = wsTransport()
const frame = (text) => transport.frame(text)

after(closeBrowser)

for (const [version, ws] of versions) {
  describe(`wsTransport on ${version}`, options, () => {
    let server
    afterEach(() => server.close())

    for (const [name, open] of clients) {
      for (const [reason, code] of Object.entries(CODES)) {
        it(`closes with ${code} for ${reason}, as seen by ${name}`, async () => {
          server = await serve(ws)
          const { closed } = await open(server.url)
          const [socket] = server.sockets

          await transport.close(socket, reason)

          assert.equal(socket.readyState, ws.WebSocket.CLOSED)
          assert.equal(await closed, code)
        })
      }
    }

    it('delivers written messages before the close', async () => {
      server = await serve(ws)
      const { closed, received } = await openWs(server.url)
      const [socket] = server.sockets

      transport.write(socket, ['a', 'b'].map(frame))
      await transport.close(socket, 'cleanup')

      assert.equal(await closed, CODES.cleanup)
      assert.deepEqual(await received(2), ['a', 'b'])
    })

    it('settles a close at once on a closed socket', async () => {
      server = await serve(ws)
      await openWs(server.url)
      const [socket] = server.sockets
      await transport.close(socket, 'removed')

      await transport.close(socket, 'removed')
    })

    it('terminates a socket whose peer does not answer a close', async () => {
      server = await serve(ws)
      const peer = await openWs(server.url)
      const [socket] = server.sockets
      peer.socket._socket.pause()

      const closing = transport.close(socket, 'removed')
      const isClosing = socket.readyState
      transport.terminate(socket)
      await closing

      assert.equal(isClosing, ws.WebSocket.CLOSING)
      assert.equal(socket.readyState, ws.WebSocket.CLOSED)
      peer.socket._socket.resume()
      await peer.closed
    })

    it('disconnects a socket at once with terminate', async () => {
      server = await serve(ws)
      const { closed } = await openWs(server.url)
      const [socket] = server.sockets

      transport.terminate(socket)

      assert.equal(await closed, ABNORMAL)
    })

    it('tolerates a write to a socket that no longer sends', async () => {
      server = await serve(ws)
      const { closed } = await openWs(server.url)
      const [socket] = server.sockets

      const closing = transport.close(socket, 'removed')
      assert.equal(transport.write(socket, [frame('a')]), 1)
      await closing
      assert.equal(transport.write(socket, [frame('a')]), 1)

      assert.equal((await closed), 1000)
    })

    it('tolerates a write if the TCP socket is destroyed', async () => {
      server = await serve(ws)
      const { closed } = await openWs(server.url)
      const [socket] = server.sockets

      socket._socket.destroy()
      assert.equal(transport.write(socket, [frame('a')]), 1)

      await once(socket, 'close')
      assert.equal(await closed, ABNORMAL)
    })
  })
}
