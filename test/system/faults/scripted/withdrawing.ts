import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'

const unsubscribed = fault('a stream is unsubscribed', {
  'before its turn'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim } = stage.cast({ kind: 'batching' })
    stage.publish()
    caller.script.send = trial.once('unsubscription', () => stage.unsubscribe(victim, 'BOOK'))

    const { skipped } = stage.publish()
    victim.connection.flush()

    assert.deepEqual([skipped, victim.numbers], [1, []], 'nor does it get what its batch holds of the stream')
    stage.expect({ skipped: 1, purged: 1 })
  },

  'after its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching' })
    const caller = stage.connect('caller', { kind: 'plain' })
    caller.script.send = trial.once('unsubscription', () => {
      stage.unsubscribe(victim, 'BOOK')
      stage.assertBalanced()
    })

    const { sent, skipped } = stage.publish()
    victim.connection.flush()

    assert.deepEqual([sent, skipped], [others.length + 2, 0], 'it was in the batch, as far as the result can tell')
    stage.assertNumbers(victim, [])
    stage.expect({ purged: 1 })
  },

  'in the batch'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    for (const streamType of ['BOOK', 'TICKS', 'BOOK', 'PRICE'] as const) stage.publish(streamType)
    trial.inject('unsubscription')
    stage.unsubscribe(victim, 'BOOK')
    stage.unsubscribe(victim, 'PRICE')

    victim.connection.flush()

    stage.assertNumbers(victim, [2])
    stage.expect({ purged: 3 })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    for (const streamType of ['TICKS', 'BOOK', 'TICKS', 'BOOK'] as const) stage.publish(streamType)
    victim.script.write = trial.once('unsubscription', () => stage.unsubscribe(victim, 'BOOK'))
    const { write } = victim.script
    victim.script.write = (frames) => (write(frames), victim.socket.writes.length === 1 ? 1 : undefined)

    await stage.settle()
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 3])
    stage.expect({ purged: 2 })
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (const streamType of ['TICKS', 'BOOK', 'TICKS', 'BOOK'] as const) stage.publish(streamType)
    trial.inject('unsubscription')
    stage.unsubscribe(victim, 'TICKS')
    assert.equal(stage.waitingFor(victim), 2)
    stage.unsubscribe(victim, 'BOOK')

    assert.deepEqual([stage.stats.connectionsBehind, victim.socket.drainListeners.size], [0, 0], 'nothing waits any more')
    victim.socket.drain()
    stage.assertNumbers(victim, [])
    stage.expect({ purged: 4 })
  },
})

const revoked = fault('a stream is revoked', {
  'before its turn'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, friend, others } = stage.cast({ kind: 'batching' })
    stage.publish()
    const revoked: number[] = []
    const revokes = (streamType: 'BOOK' | 'TICKS') => trial.once(`revocation of ${streamType}`, () => revoked.push(stage.revoke({ userId: 'victim', streamType })))

    caller.script.send = revokes('BOOK')
    const published = stage.publish('BOOK')
    caller.script.send = revokes('TICKS')
    const broadcast = stage.broadcast('TICKS')
    for (const { connection } of [victim, friend]) connection.flush()
    friend.condition = 'faulty'

    for (const { skipped, sent } of [published, broadcast]) assert.deepEqual([skipped, sent], [2, others.length])
    assert.deepEqual([revoked, victim.numbers], [[1, 1], []])
    // Of the first message, what had not left.
    stage.expect({ skipped: 4, purged: 2 - friend.received.length })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, friend, before, after } = stage.cast({ kind: 'plain' })
    victim.script.send = trial.once('revocation', () => assert.ok(stage.revoke({ streamType: 'BOOK' }) > 0))

    const { sent, skipped } = stage.publish()
    const all = [...before, victim, friend, ...after]
    for (const actor of all) (actor.connection.flush(), actor.condition = 'faulty')

    assert.deepEqual([sent, skipped], [before.length + 1, after.length + 1])
    for (const { received } of [friend, ...after]) assert.deepEqual(received, [])
    assert.equal(stage.stats.purged, before.filter(({ received }) => received.length === 0).length)
    assert.equal(stage.publish().matched, 0)
    stage.expect({ skipped: after.length + 1, purged: 'any' })
  },

  'in the batch'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    stage.publish()
    stage.publish('ORDERS', { userId: 'victim' })
    stage.sendTo(victim, 'ORDERS')
    trial.inject('revocation')
    assert.equal(stage.revoke({ userId: 'victim', streamType: 'ORDERS', symbol: 'A' }), 1)

    victim.connection.flush()
    stage.client('friend').condition = 'faulty'

    stage.assertNumbers(victim, [1])
    assert.equal(stage.publish('ORDERS', { userId: 'victim' }).matched, 0)
    stage.expect({ purged: 'any' })
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    stage.publish()
    stage.sendTo(victim, 'PRICE')
    for (let i = 0; i < 3; i++) stage.publish('TICKS')
    trial.inject('revocation')
    stage.revoke({ userId: 'victim', streamType: 'TICKS' })
    stage.revoke({ userId: 'victim', streamType: 'PRICE' })
    assert.equal(stage.waitingFor(victim), 1)

    victim.socket.drain()
    stage.client('friend').condition = 'faulty'

    stage.assertNumbers(victim, [1])
    stage.expect({ purged: 'any' })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', streams: ['BOOK', 'ORDERS'] })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish('ORDERS', { userId: 'victim' })
    stage.publish()
    const revoke = trial.once('revocation', () => stage.revoke({ streamType: 'ORDERS' }))
    victim.script.write = () => (revoke(), victim.socket.writes.length === 1 ? 1 : undefined)

    victim.socket.drain()
    victim.socket.drain()
    stage.client('friend').condition = 'faulty'

    stage.assertNumbers(victim, [1, 4])
    stage.expect({ purged: 'any' })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, friend, others } = stage.cast({ kind: 'plain' })
    const all = [caller, victim, ...others]
    caller.script.send = trial.once('publish and revocation', () => {
      stage.sendTo(victim, 'TICKS')
      stage.publish('BOOK', { to: all.filter((actor) => actor.userId !== 'victim') })
      stage.revoke({ userId: 'victim' })
    })

    const { skipped } = stage.publish()

    assert.deepEqual([skipped, stage.stats.skipped], [2, 3], 'what was sent to it alone is skipped as well')
    assert.deepEqual([victim.numbers, friend.numbers, stage.stats.deferred], [[], [], 2])
    friend.condition = 'faulty'
    stage.expect({ skipped: 3 })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 6; i++) stage.publish('BOOK', { padding: 300 })
    for (const actor of [victim, friend]) actor.connection.flush()
    victim.socket.buffered = 0
    victim.script.write = trial.once('revocation', () => stage.revoke({ userId: 'victim', streamType: 'BOOK' }))

    await victim.connection.remove()
    friend.condition = 'faulty'

    assert.equal(victim.socket.writes.length, 1, 'what was still to be handed on is not')
    stage.expect({ purged: 6 - victim.received.length, removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'batching' })
    const cast = stage.cast({ kind: 'batching' })
    stage.publish('BOOK')
    stage.publish('TICKS')
    caller.script.write = trial.once('revocation', () => assert.equal(stage.revoke({ streamType: 'BOOK' }), 0))

    await stage.manager.cleanup()

    stage.assertNumbers(cast.victim, [2])
    const rest = [...cast.others, cast.victim]
    const purged = rest.filter(({ numbers }) => !numbers.includes(1))
    stage.expect({ purged: purged.length, removals: [caller, ...rest].map(({ name }) => `${name} cleanup`) })
  },
})

export const withdrawing = [...unsubscribed, ...revoked]
