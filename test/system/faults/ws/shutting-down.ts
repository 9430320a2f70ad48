import assert from 'node:assert/strict'
import type { WebSocket } from 'ws'
import { fault } from '../scenario.ts'
import { TRY_AGAIN_LATER, type Host } from './host.ts'
import { tellingTransport } from './telling-transport.ts'
import type { WsPeer } from './ws-peer.ts'

const GOING_AWAY = 1001
const removalsIn = (peers: readonly WsPeer[]): string[] => peers.map(({ client: { name } }) => `${name} cleanup`)

async function assertCodes(peers: readonly WsPeer[], code: number): Promise<void> {
  assert.deepEqual(await Promise.all(peers.map(({ closed }) => closed)), peers.map(() => code))
}

async function setOut(host: Host): Promise<{ before: WsPeer[]; victim: WsPeer; after: WsPeer[]; all: WsPeer[] }> {
  const before = await host.crowd('before', host.trial.between(1, 3))
  const victim = await host.join('victim')
  const after = await host.crowd('after', host.trial.between(1, 3))
  return { before, victim, after, all: [...before, victim, ...after] }
}

/** Calls back after each message that a socket was sent. */
function afterSend(socket: WebSocket, act: () => void): void {
  const send = socket.send.bind(socket) as (text: string) => void
  socket.send = ((text: string) => (send(text), act())) as WebSocket['send']
}

export const shuttingDown = fault('the server shuts down', {
  async connecting(trial) {
    const host = await trial.host()
    const { all } = await setOut(host)
    host.publish()
    host.beforeAdmission = trial.once('cleanup', () => void host.manager.cleanup())

    const newcomer = host.knock('newcomer')

    assert.equal(await newcomer.closed, TRY_AGAIN_LATER)
    await assertCodes(all, GOING_AWAY)
    for (const { client } of all) host.assertNumbers(client, [1])
    host.expect({ removals: removalsIn(all) })
  },

  async subscribing(trial) {
    const host = await trial.host()
    const { victim, all } = await setOut(host)
    host.manager.on('subscriptionAdded', ({ subscription: { symbol } }) => {
      if (symbol !== 'B') return
      host.sendTo(victim.client, 'BOOK', { symbol: 'B' })
      trial.inject('cleanup')
      void host.manager.cleanup()
    })

    victim.send('BOOK')

    await assertCodes(all, GOING_AWAY)
    host.assertNumbers(victim.client, [1])
    host.expect({ removals: removalsIn(all) })
  },

  async 'at its turn'(trial) {
    const host = await trial.host({ isPlain: true })
    const { before, victim, after, all } = await setOut(host)
    afterSend(victim.serverEnd.socket, trial.once('cleanup', () => void host.manager.cleanup()))

    const { sent, skipped } = host.publish()
    await assertCodes(all, 1005)

    assert.deepEqual([sent, skipped], [before.length + 1, after.length])
    for (const { client } of before) host.assertNumbers(client, [1])
    for (const { client } of after) host.assertNumbers(client, [])
    host.expect({ skipped: after.length, removals: removalsIn(all) })
  },

  async 'in the batch'(trial) {
    const host = await trial.host()
    const { all } = await setOut(host)
    for (let i = 0; i < 5; i++) host.publish()
    trial.inject('cleanup')

    const report = await host.manager.cleanup()

    await assertCodes(all, GOING_AWAY)
    assert.deepEqual(report, { closed: all.length, failed: 0, timedOut: 0 })
    for (const { client } of all) host.assertNumbers(client, [1, 2, 3, 4, 5])
    host.expect({ removals: removalsIn(all) })
  },

  async 'during the flush'(trial) {
    const cleanUp = trial.once('cleanup', () => void host.manager.cleanup())
    const host: Host = await trial.host({ transport: tellingTransport({ afterWrite: (socket) => void (socket === victim.serverEnd.socket && cleanUp()) }) })
    const { victim, all } = await setOut(host)
    for (let i = 0; i < 3; i++) host.publish()

    await assertCodes(all, GOING_AWAY)

    for (const { client } of all) host.assertNumbers(client, [1, 2, 3])
    host.expect({ removals: removalsIn(all) })
  },

  async behind(trial) {
    const host = await trial.host()
    const { victim, all } = await setOut(host)
    const rest = all.filter((peer) => peer !== victim)
    victim.client.condition = 'faulty'
    await host.jam(victim)
    for (let i = 0; i < 5; i++) host.publish()
    const waiting = await host.waitingForThoseBehind()
    trial.inject('cleanup')

    const cleanup = host.manager.cleanup()
    await assertCodes(rest, GOING_AWAY)
    victim.resume()
    const report = await cleanup

    assert.deepEqual(report, { closed: all.length, failed: 0, timedOut: 0 }, 'who reads on is closed in order')
    assert.equal(await victim.closed, GOING_AWAY)
    host.expect({ purged: waiting, conflated: 'any', removals: removalsIn(all) })
  },

  async 'in a deferred publish'(trial) {
    const host = await trial.host({ isPlain: true })
    const { before, victim, after, all } = await setOut(host)
    afterSend(victim.serverEnd.socket, trial.once('publish and cleanup', () => {
      assert.equal(host.publish('BOOK', { to: [] }).deferred, true)
      void host.manager.cleanup()
    }))

    host.publish()
    await assertCodes(all, 1005)

    assert.equal(host.stats.deferred, 1)
    for (const { client } of before) host.assertNumbers(client, [1])
    host.expect({ skipped: after.length, removals: removalsIn(all) })
  },
})
