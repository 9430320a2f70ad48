import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import type { Host } from './host.ts'
import type { Proxy } from './proxy.ts'
import type { WsPeer } from './ws-peer.ts'

const CLOSE_TIMEOUT_MS = 5_000

async function withVictim(host: Host, proxy?: Proxy): Promise<WsPeer> {
  await host.crowd('before', host.trial.between(1, 3))
  const victim = await host.join('victim', proxy === undefined ? {} : { proxy })
  victim.client.condition = 'faulty'
  await host.crowd('after', host.trial.between(1, 3))
  return victim
}

/** What no compression makes much shorter. */
function noise(trial: Trial, length: number): string {
  return Array.from({ length }, () => trial.between(0, 35).toString(36)).join('')
}

const stopsReading = fault('a peer stops reading', {
  async 'at its turn'(trial) {
    const host = await trial.host()
    const victim = await withVictim(host)
    trial.inject('pause')
    victim.pause()

    await host.publishUntil(() => victim.client.isGone, () => host.publish('BOOK', { padding: 100_000 }))

    assert.equal(victim.serverEnd.tcp.destroyed, true, 'it is terminated, with all that it buffered')
    assert.ok(host.stats.mostWaitingBytes < 262_144 + 101_000)
    host.assertForgotten(victim.client)
    host.expect({ failed: 1, purged: 'any', removals: ['victim slow-consumer'] })
  },

  async behind(trial) {
    const host = await trial.host({ isPlain: true })
    const victim = await withVictim(host)
    trial.inject('pause')
    await host.jam(victim)

    await host.publishUntil(() => victim.client.isGone, () => host.publish('BOOK', { padding: 50_000 }))
    await host.turn()

    assert.equal(victim.serverEnd.socket.readyState, victim.serverEnd.socket.CLOSING, 'a plain ws can only be asked to close')
    host.assertForgotten(victim.client)
    host.expect({ failed: 1, purged: 'any', conflated: 'any', removals: ['victim slow-consumer'] })
  },

  async 'during the flush'(trial) {
    const host = await trial.host({ isDeflating: true })
    const victim = await withVictim(host)
    assert.notEqual(victim.serverEnd.socket.extensions, '')
    const incompressible = noise(trial, 60_000)
    trial.inject('pause')
    victim.pause()

    const rest = host.peers.filter((peer) => peer !== victim)
    while (!victim.client.isGone) {
      host.publish('BOOK', { data: (plain) => ({ ...plain, incompressible }) })
      // At the pace of the others: to compress takes longer than to publish, so that without this all would be too slow.
      await host.until(() => rest.every(({ client: { received, due } }) => received.length === due.length))
    }

    assert.equal(victim.serverEnd.tcp.destroyed, true)
    host.expect({ failed: 1, purged: 'any', removals: ['victim slow-consumer'] })
  },

  async 'on drain'(trial) {
    const host = await trial.host()
    const victim = await withVictim(host)
    victim.client.condition = 'slow'
    trial.inject('pause')
    await host.jam(victim)
    for (let i = 0; i < 30; i++) host.publish(trial.one(['BOOK', 'PRICE', 'TICKS']))
    host.publish('ORDERS', { userId: 'victim' })
    const waiting = await host.waitingForThoseBehind()

    victim.resume()
    await host.until(() => victim.serverEnd.connection.flush())

    assert.ok(waiting > 0)
    assert.deepEqual([host.stats.connectionsBehind, host.stats.waiting], [0, 0])
    assert.equal(victim.serverEnd.tcp.listenerCount('drain') <= 1, true, 'no listener of the transport is left')
    host.expect({ conflated: 'any' })
  },

  async 'during close'(trial) {
    const host = await trial.host()
    const victim = await withVictim(host)
    trial.inject('pause')
    await host.jam(victim)
    host.publish()
    const waiting = await host.waitingForThoseBehind()

    const removal = victim.serverEnd.connection.remove()
    host.assertForgotten(victim.client)
    host.clock.advance(CLOSE_TIMEOUT_MS)

    assert.equal(await removal, true)
    assert.equal(victim.serverEnd.tcp.destroyed, true)
    host.expect({ purged: waiting, conflated: 'any', errors: ['close victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const host = await trial.host()
    const victim = await withVictim(host)
    const rest = host.peers.filter((peer) => peer !== victim)
    trial.inject('pause')
    await host.jam(victim)
    host.publish()
    const waiting = await host.waitingForThoseBehind()

    const cleanup = host.manager.cleanup()
    assert.deepEqual(await Promise.all(rest.map(({ closed }) => closed)), rest.map(() => 1001))
    await host.until(() => host.openSockets === 1)
    await host.turn()
    host.clock.advance(CLOSE_TIMEOUT_MS)

    assert.deepEqual(await cleanup, { closed: rest.length, failed: 0, timedOut: 1 })
    host.expect({ purged: waiting, conflated: 'any', errors: ['close victim'], removals: host.peers.map(({ client: { name } }) => `${name} cleanup`) })
  },
})

/** Two heartbeats, as far apart as the healthy need to answer. */
async function beatTwice(host: Host): Promise<void> {
  host.heartbeat()
  for (const peer of host.peers) if (peer.client.condition === 'healthy') await host.pong(peer)
  host.heartbeat()
}

async function withHalfOpen(trial: Trial, host: Host, how: 'swallow' | 'freeze'): Promise<{ victim: WsPeer; cut: () => void }> {
  const proxy = await host.proxy()
  const victim = await withVictim(host, proxy)
  return { victim, cut: () => (trial.inject('cut'), proxy[how]()) }
}

const halfOpen = fault('a peer is half-open', {
  async subscribing(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'swallow')
    victim.send('BOOK')
    await host.until(() => host.manager.getSubscribers('BOOK', 'B').length === 1)
    cut()
    host.publish('BOOK', { symbol: 'B' })

    await beatTwice(host)
    await host.until(() => victim.client.isGone)

    assert.deepEqual(host.manager.getSubscribers('BOOK', 'B'), [])
    host.assertNumbers(victim.client, [])
    host.expect({ removals: ['victim peer-closed'] })
  },

  async idle(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'swallow')
    cut()
    assert.equal(host.manager.activeConnections.has('victim'), true, 'nobody says that it has gone')

    await beatTwice(host)
    await host.until(() => victim.client.isGone)

    host.assertForgotten(victim.client)
    assert.equal(host.manager.connectionCount, host.peers.length - 1, 'who answers stays')
    host.expect({ removals: ['victim peer-closed'] })
  },

  async 'at its turn'(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'swallow')
    cut()
    for (let i = 0; i < 50; i++) {
      host.traffic(2)
      await host.turn()
    }
    const { sent, matched } = host.stats

    await beatTwice(host)
    await host.until(() => victim.client.isGone)

    assert.equal(sent, matched, 'accepted by the socket is not received by the peer')
    host.assertNumbers(victim.client, [])
    host.expect({ removals: ['victim peer-closed'] })
  },

  async behind(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'freeze')
    cut()
    await host.publishUntil(() => victim.client.isGone, () => host.publish('BOOK', { padding: 100_000 }))

    assert.equal(victim.serverEnd.tcp.destroyed, true, 'no heartbeat was needed')
    host.expect({ failed: 1, purged: 'any', removals: ['victim slow-consumer'] })
  },

  async 'during close'(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'swallow')
    cut()
    const removal = host.manager.removeUser('victim')

    host.clock.advance(CLOSE_TIMEOUT_MS)

    assert.equal(await removal, 1)
    await host.until(() => host.openSockets === host.peers.length - 1)
    assert.equal(victim.serverEnd.tcp.destroyed, true)
    host.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const host = await trial.host()
    const { victim, cut } = await withHalfOpen(trial, host, 'freeze')
    host.publish()
    cut()
    const cleanup = host.manager.cleanup({ deadlineMs: 1_000 })
    await host.until(() => host.openSockets === 1)
    await host.turn()

    host.clock.advance(1_000)

    assert.deepEqual(await cleanup, { closed: host.peers.length - 1, failed: 0, timedOut: 1 })
    host.assertNumbers(victim.client, [])
    host.expect({ errors: ['close victim'], removals: host.peers.map(({ client: { name } }) => `${name} cleanup`) })
  },
})

const neverAnswersClose = fault('a peer never answers the close', {
  async 'during close'(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    host.publish()
    trial.inject('silence')
    const removal = victim.serverEnd.connection.remove()
    await host.until(() => victim.client.received.length === 1)
    const successor = await host.join('victim')
    host.publish()

    host.clock.advance(CLOSE_TIMEOUT_MS)

    assert.equal(await removal, true)
    assert.equal(await victim.closed, 1000, 'it was told')
    assert.deepEqual([successor.serverEnd.connection.removed, victim.client.numbers], [false, [1]])
    host.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victims = [await host.joinRaw('silent 1'), await host.joinRaw('silent 2')]
    for (let i = 0; i < 3; i++) host.publish()
    trial.inject('silence', 2)
    const cleanup = host.manager.cleanup()
    await host.until(() => host.openSockets === 2)
    await host.turn()

    host.clock.advance(CLOSE_TIMEOUT_MS)

    assert.deepEqual(await cleanup, { closed: 3, failed: 0, timedOut: 2 })
    assert.deepEqual(await Promise.all(victims.map(({ closed }) => closed)), [1001, 1001])
    for (const { client } of host.peers) host.assertNumbers(client, [1, 2, 3])
    host.expect({ errors: ['close silent 1', 'close silent 2'], removals: host.peers.map(({ client: { name } }) => `${name} cleanup`) })
  },
})

const endsWithoutClose = fault('a peer ends without a close', {
  async idle(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    host.publish()
    await host.until(() => victim.client.received.length === 1)

    trial.inject('end')
    victim.end()
    await host.until(() => victim.client.isGone)

    assert.equal(await victim.closed, 1006)
    assert.equal(host.publish().matched, 3)
    host.expect({ removals: ['victim peer-closed'] })
  },

  async 'in the batch'(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    for (let i = 0; i < 3; i++) host.publish()
    trial.inject('end')
    victim.end()

    await host.until(() => victim.client.isGone)
    await victim.closed

    host.assertNumbers(victim.client, [1, 2, 3])
    host.expect({ removals: ['victim peer-closed'] })
  },

  async behind(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    await host.jam(victim)
    host.publish()
    const { waiting } = host.stats

    trial.inject('end')
    victim.end()
    await host.until(() => victim.serverEnd.socket.readyState !== victim.serverEnd.socket.OPEN)
    victim.resume()
    await host.until(() => victim.client.isGone)

    assert.equal(host.stats.connectionsBehind, 0)
    host.expect({ purged: 'any', conflated: 'any', removals: ['victim peer-closed'] })
    assert.ok(host.stats.purged <= waiting)
  },
})

/** Reserved bits, no mask: no WebSocket client sends that. */
const BAD_FRAME = Uint8Array.of(0xf3, 0x7f, 0xff)

const sendsBadFrame = fault('a peer sends a bad frame', {
  async idle(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')

    trial.inject('bad frame')
    victim.sendBytes(BAD_FRAME)
    await host.until(() => victim.client.isGone)

    host.assertForgotten(victim.client)
    host.traffic(10)
    host.expect({ removals: ['victim peer-closed'] })
  },

  async 'in the batch'(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    trial.inject('bad frame')
    victim.sendBytes(BAD_FRAME)
    await host.publishUntil(() => victim.client.isGone, () => host.traffic(3))

    assert.ok(victim.client.due.length > 0)
    host.expect({ purged: 'any', removals: ['victim peer-closed'] })
  },

  async behind(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = await host.joinRaw('victim')
    await host.jam(victim)
    host.publish()
    const waiting = await host.waitingForThoseBehind()

    trial.inject('bad frame')
    victim.sendBytes(BAD_FRAME)
    await host.until(() => victim.client.isGone)

    assert.deepEqual([host.stats.connectionsBehind, victim.serverEnd.tcp.destroyed], [0, true])
    host.expect({ purged: waiting, conflated: 'any', removals: ['victim peer-closed'] })
  },
})

export const stopping = [...stopsReading, ...halfOpen, ...neverAnswersClose, ...endsWithoutClose, ...sendsBadFrame]
