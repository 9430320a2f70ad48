import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import { stall } from '../scripted/clocks.ts'

/** On the system's clock: it is the real event loop that stands still, the clients' included. */
const REAL_CLOCK = { clock: undefined }

export const stalling = fault('the event loop stalls', {
  async connecting(trial) {
    const host = await trial.host(REAL_CLOCK)
    const joining = Array.from({ length: 5 }, (_, i) => host.join(`client ${i}`))
    for (let i = 0; i < 3; i++) {
      stall(host, 20)
      await host.turn()
    }
    const peers = await Promise.all(joining)

    assert.equal(host.publish().matched, peers.length)
    assert.deepEqual([...host.manager.activeConnections.keys()].toSorted(), peers.map(({ client: { name } }) => name))
  },

  async idle(trial) {
    const host = await trial.host(REAL_CLOCK)
    const peers = await host.crowd('client', 4)
    host.heartbeat()

    stall(host, 150)
    for (const peer of peers) await host.pong(peer)
    host.heartbeat()
    for (const peer of peers) await host.pong(peer)

    assert.equal(host.manager.connectionCount, peers.length, 'a stall is no fault of the clients')
  },

  async 'during the flush'(trial) {
    const host = await trial.host(REAL_CLOCK)
    const peers = await host.crowd('client', 4)
    const healthy = host.peers.length
    for (let i = 0; i < 40; i++) {
      // A tick brings more than the soft limit, and nobody can read meanwhile.
      for (let j = 0; j < 5; j++) host.publish('BOOK', { padding: 20_000 })
      if (i % 10 === 0) stall(host, 20)
      await host.turn()
    }

    assert.deepEqual([peers.length, host.manager.connectionCount, host.observer.errors], [healthy, healthy, []])
    for (const { client } of peers) client.condition = 'slow'
  },

  async 'on drain'(trial) {
    const host = await trial.host(REAL_CLOCK)
    await host.crowd('other', 2)
    const victim = await host.join('victim')
    victim.client.condition = 'slow'
    await host.jam(victim)
    for (let i = 0; i < 20; i++) host.publish(trial.one(['BOOK', 'TICKS', 'QUOTES']))

    victim.resume()
    for (let i = 0; i < 3; i++) {
      stall(host, 20)
      await host.turn()
    }
    await host.until(() => host.stats.connectionsBehind === 0)

    assert.equal(victim.serverEnd.connection.removed, false)
    host.expect({ conflated: 'any' })
  },
})
