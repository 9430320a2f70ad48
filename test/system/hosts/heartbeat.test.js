import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, it, mock } from 'node:test'
import { ConnectionManager } from 'stream-connection-manager'
import { commentAll, pingAll } from '../../../examples/hosts/heartbeat.ts'

/** @import { SseSocket } from 'stream-connection-manager/transports/sse' */
/** @import { WebSocket } from 'ws' */

const BEAT_MS = 1_000

/** Notes what is done to it; answers nothing by itself. */
class FakePeer extends EventEmitter {
  readyState = 1
  pings = 0
  comments = 0
  terminations = 0
  send() {}
  close() {}
  ping() {
    this.pings++
  }
  comment() {
    this.comments++
  }
  terminate() {
    this.terminations++
  }
}

/** @param {FakePeer} peer */
const asWebSocket = (peer) => /** @type {WebSocket} */ (/** @type {unknown} */ (peer))

describe('the heartbeat of the recipes', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }))
  afterEach(() => mock.timers.reset())

  function pinging() {
    /** @type {ConnectionManager<WebSocket>} */
    const manager = new ConnectionManager()
    pingAll(manager, BEAT_MS)
    return manager
  }

  it('disconnects only the peers that did not answer', () => {
    const manager = pinging()
    const [alive, gone] = [new FakePeer(), new FakePeer()]
    manager.addConnection('alive', asWebSocket(alive), 'alice')
    manager.addConnection('gone', asWebSocket(gone), 'bob')

    mock.timers.tick(BEAT_MS)
    alive.emit('pong')
    mock.timers.tick(BEAT_MS)

    assert.deepEqual([alive.pings, alive.terminations], [2, 0])
    assert.deepEqual([gone.pings, gone.terminations], [1, 1])
  })

  it('listens to a socket once, however often it is added', async () => {
    const manager = pinging()
    const peer = new FakePeer()

    for (let i = 0; i < 20; i++) await manager.addConnection('c1', asWebSocket(peer), `user${i}`).remove({ close: false })

    assert.equal(peer.listenerCount('pong'), 1)
  })

  it('pings a socket with two connections once a beat, and keeps it if it answers', () => {
    const manager = pinging()
    const peer = new FakePeer()
    manager.addConnection('c1', asWebSocket(peer), 'alice')
    manager.addConnection('c2', asWebSocket(peer), 'alice')

    mock.timers.tick(BEAT_MS)
    assert.deepEqual([peer.pings, peer.terminations], [1, 0])
    peer.emit('pong')
    mock.timers.tick(BEAT_MS)

    assert.deepEqual([peer.pings, peer.terminations], [2, 0])
  })

  it('removes every connection of a closed socket without waiting for a `close` that came before', () => {
    const manager = pinging()
    const peer = new FakePeer()
    manager.addConnection('c1', asWebSocket(peer), 'alice')
    manager.addConnection('c2', asWebSocket(peer), 'alice')
    peer.readyState = 3

    mock.timers.tick(BEAT_MS)

    assert.equal(manager.connectionCount, 0)
    assert.deepEqual([peer.pings, peer.terminations], [0, 0])
  })

  it('sends a comment on every event stream, until the manager is closed', async () => {
    /** @type {ConnectionManager<SseSocket>} */
    const manager = new ConnectionManager()
    commentAll(manager, BEAT_MS)
    const peer = new FakePeer()
    manager.addConnection('c1', /** @type {SseSocket} */ (/** @type {unknown} */ (peer)), 'alice')

    mock.timers.tick(BEAT_MS)
    await manager.cleanup()
    mock.timers.tick(BEAT_MS)

    assert.equal(peer.comments, 1)
  })
})
