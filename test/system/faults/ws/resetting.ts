import assert from 'node:assert/strict'
import type { WebSocket } from 'ws'
import { fault } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import type { Host } from './host.ts'
import type { RawPeer } from './raw-peer.ts'
import { tellingTransport } from './telling-transport.ts'

const GONE = ['victim peer-closed']

/** Resets a peer, and counts it. */
function reset(trial: Trial, peer: RawPeer): void {
  trial.inject('reset')
  peer.reset()
}

/** Some healthy clients around a victim on bare TCP. */
async function setOut(host: Host): Promise<{ victim: RawPeer; others: number }> {
  const before = await host.crowd('before', host.trial.between(1, 3))
  const victim = await host.joinRaw('victim')
  const after = await host.crowd('after', host.trial.between(1, 3))
  return { victim, others: before.length + after.length }
}

const peerResets = fault('a peer resets its socket', {
  async connecting(trial) {
    const host = await trial.host()
    await host.crowd('other', 3)
    const victim = host.approach('victim')
    host.beforeAdmission = () => reset(trial, victim)
    victim.shakeHands()
    await host.until(() => !victim.client.isGone)

    const { matched } = host.publish()
    await host.until(() => victim.client.isGone)

    assert.equal(matched, 4, 'nobody knows yet')
    host.assertForgotten(victim.client)
    host.assertNumbers(victim.client, [])
    host.expect({ removals: GONE })
  },

  async subscribing(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    const friend = await host.join('friend', { userId: 'victim' })
    host.manager.on('subscriptionAdded', ({ subscription: { symbol }, connection }) => {
      if (symbol !== 'B' || connection?.id !== 'victim') return
      reset(trial, victim)
      host.sendTo(victim.client, 'BOOK', { symbol: 'B' })
    })

    host.obey(victim, 'BOOK')
    await host.until(() => victim.client.isGone)

    assert.deepEqual(host.manager.getSubscribers('BOOK', 'B'), [])
    assert.equal(host.manager.getUserConnections('victim')[0], friend.serverEnd.socket)
    host.expect({ removals: GONE })
  },

  async idle(trial) {
    const host = await trial.host()
    const { victim, others } = await setOut(host)
    host.traffic(20)

    reset(trial, victim)
    await host.until(() => victim.client.isGone)

    assert.equal(host.publish().matched, others)
    host.assertForgotten(victim.client)
    host.expect({ removals: GONE })
  },

  async 'at its turn'(trial) {
    const host = await trial.host({ isPlain: true })
    const { victim } = await setOut(host)
    const send = victim.serverEnd.socket.send.bind(victim.serverEnd.socket) as (text: string) => void
    let calls = 0
    victim.serverEnd.socket.send = ((text: string) => {
      if (++calls === 5) reset(trial, victim)
      send(text)
    }) as WebSocket['send']

    await host.publishUntil(() => victim.client.isGone)

    assert.ok(victim.client.due.length >= 5)
    host.assertForgotten(victim.client)
    host.expect({ removals: GONE })
  },

  async 'in the batch'(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    for (let i = 0; i < 5; i++) host.publish()
    reset(trial, victim)
    host.publish('ORDERS', { userId: 'victim' })

    await host.until(() => victim.client.isGone)

    assert.equal(victim.client.due.length, 6)
    host.assertForgotten(victim.client)
    host.expect({ removals: GONE })
  },

  async 'during the flush'(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    void host.until(() => victim.client.received.length > 0).then(() => reset(trial, victim))

    await host.publishUntil(() => victim.client.isGone, () => {
      for (let i = 0; i < 3; i++) host.publish('BOOK', { padding: 30_000 })
    })

    host.assertForgotten(victim.client)
    host.expect({ purged: 'any', removals: GONE })
  },

  async behind(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    await host.jam(victim)
    for (let i = 0; i < 10; i++) host.publish()
    const waiting = await host.waitingForThoseBehind()

    reset(trial, victim)
    await host.until(() => victim.client.isGone)

    const { connectionsBehind, waitingBytes } = host.stats
    assert.deepEqual([waiting >= 10, connectionsBehind, waitingBytes], [true, 0, 0])
    host.expect({ purged: waiting, conflated: 'any', removals: GONE })
  },

  async 'on drain'(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    await host.jam(victim)
    for (let i = 0; i < 10; i++) host.publish()
    const received = victim.client.received.length

    victim.resume()
    await host.until(() => victim.client.received.length > received)
    reset(trial, victim)
    await host.until(() => victim.client.isGone)

    assert.equal(host.stats.connectionsBehind, 0)
    host.expect({ purged: 'any', conflated: 'any', removals: GONE })
  },

  async 'during close'(trial) {
    const host = await trial.host({ idleDelayMs: 0 })
    const { victim } = await setOut(host)
    host.publish()
    const removal = victim.serverEnd.connection.remove()
    await host.until(() => victim.client.received.length === 1)

    reset(trial, victim)

    assert.equal(await removal, true, 'it is closed, and no deadline had to pass')
    assert.equal(host.clock.pendingTimers, 0)
    host.expect({ removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const host = await trial.host()
    const { victim, others } = await setOut(host)
    for (let i = 0; i < 3; i++) host.publish()
    const cleanup = host.manager.cleanup()

    reset(trial, victim)

    assert.deepEqual(await cleanup, { closed: others + 1, failed: 0, timedOut: 0 })
    const rest = host.peers.filter(({ client }) => client !== victim.client)
    await Promise.all(rest.map(({ closed }) => closed))
    for (const { client } of rest) host.assertNumbers(client, [1, 2, 3])
    host.expect({ removals: host.peers.map(({ client: { name } }) => `${name} cleanup`) })
  },
})

const tcpIsDestroyed = fault('a TCP socket is destroyed', {
  async connecting(trial) {
    const host = await trial.host()
    await host.crowd('other', 2)
    host.beforeAdmission = (_, socket) => {
      trial.inject('destroy')
      ;(socket as unknown as { _socket: { destroy(): void } })._socket.destroy()
    }
    const victim = host.approach('victim')
    victim.shakeHands()
    await host.until(() => !victim.client.isGone)

    for (let i = 0; i < 3; i++) assert.equal(host.publish().matched, 3)
    await host.until(() => victim.client.isGone)

    host.assertNumbers(victim.client, [])
    host.expect({ removals: GONE })
  },

  async 'before its turn'(trial) {
    const host = await trial.host({ isPlain: true })
    const first = await host.join('first')
    const { victim, others } = await setOut(host)
    const send = first.serverEnd.socket.send.bind(first.serverEnd.socket) as (text: string) => void
    const destroy = trial.once('destroy', () => victim.serverEnd.tcp.destroy())
    first.serverEnd.socket.send = ((text: string) => (destroy(), send(text))) as WebSocket['send']

    const { matched, failed } = host.publish()
    await host.until(() => victim.client.isGone)

    assert.deepEqual([matched, failed], [others + 2, 0], 'ws takes it all the same, and tells of the end by its close')
    host.assertNumbers(victim.client, [])
    host.expect({ removals: GONE })
  },

  async 'after its turn'(trial) {
    const host = await trial.host({ isPlain: true })
    const { victim } = await setOut(host)
    const last = await host.join('last')
    const send = last.serverEnd.socket.send.bind(last.serverEnd.socket) as (text: string) => void
    const destroy = trial.once('destroy', () => victim.serverEnd.tcp.destroy())
    last.serverEnd.socket.send = ((text: string) => (destroy(), send(text))) as WebSocket['send']

    host.publish()
    await host.until(() => victim.client.isGone)
    assert.equal(await victim.closed, 1006)

    host.assertNumbers(victim.client, [1])
    host.expect({ removals: GONE })
  },

  async 'in the batch'(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    for (let i = 0; i < 3; i++) host.publish()
    trial.inject('destroy')
    victim.serverEnd.tcp.destroy()

    await host.until(() => victim.client.isGone)

    host.assertNumbers(victim.client, [])
    host.expect({ removals: GONE, purged: 'any' })
  },

  async 'during the flush'(trial) {
    let destroy = (): void => {}
    const host = await trial.host({ transport: tellingTransport({ beforeWrite: () => destroy() }) })
    await host.join('first')
    const { victim } = await setOut(host)
    for (let i = 0; i < 3; i++) host.publish()
    destroy = trial.once('destroy', () => victim.serverEnd.tcp.destroy())

    await host.until(() => victim.client.isGone)

    host.assertNumbers(victim.client, [])
    host.expect({ removals: GONE })
  },

  async behind(trial) {
    const host = await trial.host()
    const { victim } = await setOut(host)
    await host.jam(victim)
    for (let i = 0; i < 5; i++) host.publish()
    const waiting = await host.waitingForThoseBehind()
    trial.inject('destroy')
    victim.serverEnd.tcp.destroy()
    host.publish()

    await host.until(() => victim.client.isGone)

    host.expect({ purged: waiting + 1, conflated: 'any', removals: GONE })
  },

  async 'during close'(trial) {
    const host = await trial.host({ idleDelayMs: 0 })
    const { victim } = await setOut(host)
    const removal = victim.serverEnd.connection.remove()

    trial.inject('destroy')
    victim.serverEnd.tcp.destroy()

    assert.equal(await removal, true)
    assert.equal(host.clock.pendingTimers, 0)
    host.expect({ removals: ['victim removed'] })
  },
})

const STORM = 40

async function storm(host: Host): Promise<RawPeer[]> {
  await host.crowd('other', 4)
  const victims: RawPeer[] = []
  for (let i = 1; i <= STORM; i++) victims.push(await host.joinRaw(`victim ${i}`, { userId: `user ${i % 7}`, streams: ['BOOK', 'ORDERS'] }))
  return victims
}

const goneOf = (victims: readonly RawPeer[], reason = 'peer-closed'): string[] => victims.map(({ client: { name } }) => `${name} ${reason}`)
const areGone = (victims: readonly RawPeer[]) => (): boolean => victims.every(({ client }) => client.isGone)

const resetStorm = fault('a storm of resets', {
  async connecting(trial) {
    const host = await trial.host()
    await host.crowd('other', 4)
    const victims = Array.from({ length: STORM }, (_, i) => host.approach(`victim ${i}`, { userId: `user ${i % 7}` }))
    const byName = new Map(victims.map((victim) => [victim.client.name, victim]))
    host.beforeAdmission = (name) => reset(trial, byName.get(name) as RawPeer)
    let admitted = 0
    host.manager.on('connectionAdded', () => void admitted++)
    for (const victim of victims) victim.shakeHands()

    await host.publishUntil(() => admitted === STORM && areGone(victims)())

    host.assertForgotten(...victims.map(({ client }) => client))
    assert.equal(host.manager.connectionCount, 4)
    host.expect({ purged: 'any', removals: goneOf(victims) })
  },

  async subscribing(trial) {
    const host = await trial.host()
    const victims = await storm(host)
    for (const victim of victims) {
      host.obey(victim, 'TICKS')
      reset(trial, victim)
      host.publish('TICKS', { symbol: 'B' })
    }

    await host.until(areGone(victims))

    assert.deepEqual(host.manager.getSubscribers('TICKS', 'B'), [])
    host.expect({ removals: goneOf(victims) })
  },

  async idle(trial) {
    const host = await trial.host()
    const victims = await storm(host)
    for (const victim of victims) reset(trial, victim)

    await host.until(areGone(victims))

    host.assertForgotten(...victims.map(({ client }) => client))
    assert.deepEqual([host.manager.connectionCount, host.openSockets], [4, 4])
    host.traffic(20)
    host.expect({ removals: goneOf(victims) })
  },

  async 'at its turn'(trial) {
    const host = await trial.host()
    const victims = await storm(host)
    const left = [...victims]
    await host.publishUntil(areGone(victims), () => {
      host.traffic(5)
      const [victim] = left.splice(trial.between(0, left.length - 1), 1)
      if (victim !== undefined) reset(trial, victim)
      host.traffic(5)
    })

    assert.equal(trial.injected.get('reset'), STORM)
    host.expect({ purged: 'any', removals: goneOf(victims) })
  },

  async behind(trial) {
    const host = await trial.host()
    const victims = (await storm(host)).slice(0, 6)
    const survivors = host.peers.filter(({ client }) => !client.isGone && !victims.some((victim) => victim.client === client))
    for (const victim of victims) await host.jam(victim)
    for (let i = 0; i < 5; i++) host.publish()
    const waiting = await host.waitingForThoseBehind()

    for (const victim of victims) reset(trial, victim)
    await host.until(areGone(victims))

    assert.deepEqual([host.stats.connectionsBehind, host.manager.connectionCount], [0, survivors.length])
    host.expect({ purged: waiting, conflated: 'any', removals: goneOf(victims) })
  },

  async 'during cleanup'(trial) {
    const host = await trial.host()
    const victims = await storm(host)
    for (let i = 0; i < 3; i++) host.publish()
    const cleanup = host.manager.cleanup()

    for (const victim of victims) reset(trial, victim)

    assert.deepEqual(await cleanup, { closed: STORM + 4, failed: 0, timedOut: 0 })
    host.expect({ removals: host.peers.map(({ client: { name } }) => `${name} cleanup`) })
  },
})

export const resetting = [...peerResets, ...tcpIsDestroyed, ...resetStorm]
