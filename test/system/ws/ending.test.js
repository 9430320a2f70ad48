import assert from 'node:assert/strict'
import { once } from 'node:events'
import { afterEach, describe, it } from 'node:test'
import { ConnectionManager } from '../../../dist/index.js'
import { wsTransport } from '../../../dist/transports/ws.js'
import { openWs, serve, versions } from './peers.js'

// A deadlock is to end as a failure.
const options = { timeout: 60_000 }

function managing() {
  const manager = new ConnectionManager({ transport: wsTransport() })
  const reasons = []
  manager.on('connectionRemoved', ({ reason }) => reasons.push(reason))
  return { manager, reasons }
}

for (const [version, ws] of versions) {
  describe(`a manager on ${version}, without close listeners in the host`, options, () => {
    let server
    afterEach(() => server.close())

    for (const [how, leave] of [
      ['closes', (peer) => peer.close()],
      ['is cut off', (peer) => peer._socket.resetAndDestroy()],
    ]) {
      it(`removes a connection whose peer ${how}`, async () => {
        server = await serve(ws)
        const { manager, reasons } = managing()
        const { socket: peer } = await openWs(server.url)
        const [socket] = server.sockets
        socket.on('error', () => {})
        manager.addConnection('c1', socket, 'alice')

        peer.on('error', () => {})
        leave(peer)
        await once(socket, 'close')

        assert.equal(manager.connectionCount, 0)
        assert.deepEqual(reasons, ['peer-closed'])
      })
    }

    it('refuses a socket that closed before it was registered', async () => {
      server = await serve(ws)
      const { manager } = managing()
      const { socket: peer } = await openWs(server.url)
      const [socket] = server.sockets
      peer.close()
      await once(socket, 'close')

      assert.throws(() => manager.addConnection('c1', socket, 'alice'), { code: 'ERR_SOCKET_CLOSED' })
      assert.equal(manager.connectionCount, 0)
    })

    it('leaves no listener on the socket of a removed connection', async () => {
      server = await serve(ws)
      const { manager } = managing()
      await openWs(server.url)
      const [socket] = server.sockets
      const before = socket.listenerCount('close')

      for (let i = 0; i < 20; i++) await manager.addConnection('c1', socket, `user${i}`).remove({ close: false })

      assert.equal(socket.listenerCount('close'), before)
      assert.equal(socket.readyState, ws.WebSocket.OPEN)
    })
  })
}
