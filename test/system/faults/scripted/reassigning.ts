import assert from 'node:assert/strict'
import { stateOf } from '../../../support/state.ts'
import { fault } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import { framing } from './scripted-socket.ts'
import type { Actor, Stage } from './stage.ts'

const HEIR = 'heir'
const ORDER_OF_VICTIM = { userId: 'victim' } as const
const PUBLIC_STREAMS = 4

/** A hook that gives a client to another user, once. */
function givingAway(trial: Trial, stage: Stage, actor: () => Actor, userId = HEIR): () => void {
  return trial.once('reassignment', () => stage.reassign(actor(), userId))
}

/** Asserts that a client gets public messages as before, and private ones of its new user alone. */
function assertServedAs(stage: Stage, victim: Actor, userId: string): void {
  const before = victim.numbers
  const n = stage.ledger.lastNumber
  stage.publish()
  stage.publish('ORDERS', ORDER_OF_VICTIM)
  stage.sendTo(victim, 'ORDERS')
  victim.connection.flush()
  assert.equal(victim.userId, userId)
  assert.deepEqual(victim.numbers, [...before, n + 1, n + 3])
}

const bySockets = fault('a socket gives a connection to another user', {
  'before its turn'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain', userId: 'victim' })
    const { victim, others } = stage.cast({ kind: 'batching' })
    caller.script.send = givingAway(trial, stage, () => victim)

    const { matched, skipped } = stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.deepEqual([matched, skipped], [3, 1], 'the message that is being delivered does not reach it any more')
    assertServedAs(stage, victim, HEIR)
    assert.equal(stage.publish().matched, others.length + 2)
    stage.expect({ skipped: 1 })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.script.taken = givingAway(trial, stage, () => victim)

    const results = [stage.publish('ORDERS', ORDER_OF_VICTIM), stage.publish()]

    assert.deepEqual(results.map(({ matched, skipped }) => [matched, skipped]), [[2, 0], [others.length + 1, 0]])
    stage.assertNumbers(victim, [1, 2])
    assertServedAs(stage, victim, HEIR)
  },

  'after its turn'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    const caller = stage.connect('caller', { kind: 'plain', userId: 'victim' })
    caller.script.send = givingAway(trial, stage, () => victim)

    const { skipped } = stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.equal(skipped, 0)
    stage.assertNumbers(victim, [1])
    assertServedAs(stage, victim, HEIR)
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    for (const streamType of ['BOOK', 'ORDERS', 'BOOK'] as const) stage.publish(streamType, streamType === 'ORDERS' ? ORDER_OF_VICTIM : {})
    stage.sendTo(victim, 'ORDERS')
    const give = givingAway(trial, stage, () => victim)
    victim.script.write = () => (give(), victim.socket.writes.length === 1 ? 1 : undefined)

    await stage.settle()
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 3])
    assertServedAs(stage, victim, HEIR)
    stage.expect({ purged: 2 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish('ORDERS', ORDER_OF_VICTIM)
    stage.publish()
    const give = givingAway(trial, stage, () => victim)
    victim.script.write = () => (give(), victim.socket.writes.length === 1 ? 0 : undefined)

    victim.socket.drain()
    victim.socket.drain()

    stage.assertNumbers(victim, [4])
    assertServedAs(stage, victim, HEIR)
    stage.expect({ purged: 3 })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, friend } = stage.cast({ kind: 'plain' })
    stage.subscribeUser(HEIR, 'ORDERS')
    caller.script.send = trial.once('publishes and reassignment', () => {
      stage.publish('ORDERS', { ...ORDER_OF_VICTIM, to: [friend] })
      stage.publish('ORDERS', { userId: HEIR, to: [victim] })
      stage.sendTo(victim, 'ORDERS')
      stage.reassign(victim, HEIR)
      stage.sendTo(victim, 'ORDERS')
    })

    stage.publish()

    stage.assertNumbers(victim, [1, 3, 5])
    assert.equal(stage.stats.deferred, 4)
    stage.expect({ skipped: 1 })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    stage.publish()
    victim.script.write = trial.once('late reassignment', () => assert.throws(() => victim.connection.reassign(HEIR), { code: 'ERR_UNKNOWN_CONNECTION' }))

    await victim.connection.remove()

    stage.assertNumbers(victim, [1])
    stage.assertForgotten(victim)
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching' })
    stage.publish()
    victim.script.write = trial.once('late reassignment', () => assert.throws(() => victim.connection.reassign(HEIR), { code: 'ERR_CLOSED' }))

    await stage.manager.cleanup()

    stage.assertNumbers(victim, [1])
    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const byReadings = fault('bufferedBytes gives a connection to another user', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered' })
    const give = givingAway(trial, stage, () => victim)
    victim.script.reading = () => (give(), 0)

    const { matched, skipped } = stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.deepEqual([matched, skipped], [2, 1])
    assertServedAs(stage, victim, HEIR)
    stage.expect({ skipped: 1 })
  },

  'in the batch'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(['batching', 'telling']) })
    const give = givingAway(trial, stage, () => victim)
    victim.script.reading = () => (give(), 0)

    const { skipped } = stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.equal(skipped, 1, 'it is not wanted any more when the reading is there')
    assertServedAs(stage, victim, HEIR)
    stage.expect({ skipped: 1 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered' })
    stage.jam(victim)
    stage.publish()
    for (let i = 0; i < 3; i++) stage.publish('ORDERS', ORDER_OF_VICTIM)
    victim.socket.buffered = 0
    const give = givingAway(trial, stage, () => victim)
    victim.script.reading = () => (give(), 0)

    victim.connection.drained()

    stage.assertNumbers(victim, [1])
    assertServedAs(stage, victim, HEIR)
    stage.expect({ purged: 3 })
  },
})

const byHooks = fault('a hook of a transport gives a connection to another user', {
  'at its turn'(trial) {
    const stage = trial.stage()
    let give = (): void => {}
    const { victim } = stage.cast({ transport: framing((text) => (give(), text)) })
    give = givingAway(trial, stage, () => victim)

    const { matched, skipped } = stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.deepEqual([matched, skipped], [2, 1])
    assertServedAs(stage, victim, HEIR)
    stage.expect({ skipped: 1 })
  },

  behind(trial) {
    const stage = trial.stage()
    let give = (): void => {}
    const { victim } = stage.cast({ kind: 'telling', script: { listen: () => (give(), () => {}) } })
    give = givingAway(trial, stage, () => victim)
    stage.jam(victim)

    stage.publish('ORDERS', ORDER_OF_VICTIM)

    assert.deepEqual([stage.waitingFor(victim), stage.stats.connectionsBehind, stage.clock.pendingTimers], [0, 0, 0])
    victim.socket.buffered = 0
    assertServedAs(stage, victim, HEIR)
    stage.expect({ purged: 1 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    let give = (): void => {}
    const { victim } = stage.cast({ transport: framing((text) => (text.startsWith('{"type":"gap"') && give(), text)) })
    stage.jam(victim)
    const published = stage.overflow('TICKS')
    stage.publish('ORDERS', ORDER_OF_VICTIM)
    give = givingAway(trial, stage, () => victim)

    victim.socket.drain()
    while (stage.stats.connectionsBehind > 0) victim.socket.drain()

    assert.deepEqual([victim.missed, victim.received.length], [1, published - 1], 'the notice comes, and so does what was not dropped')
    stage.expect({ dropped: 1, purged: 1 })
  },
})

const bySerialization = fault('serialization gives a connection to another user', {
  'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast()

    const { matched, skipped } = stage.publish('ORDERS', { ...ORDER_OF_VICTIM, whenSerialized: givingAway(trial, stage, () => victim) })
    friend.connection.flush()

    assert.deepEqual([matched, skipped, victim.numbers], [2, 1, []])
    stage.expect({ skipped: 1 })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim } = stage.cast({ kind: 'plain' })
    caller.script.send = trial.once('publish', () => {
      stage.sendTo(victim, 'ORDERS', { whenSerialized: () => stage.reassign(victim, HEIR) })
    })

    stage.publish()

    stage.assertNumbers(victim, [1])
    stage.expect({ skipped: 1 })
  },
})

const byListeners = fault('a listener gives a connection to another user', {
  connecting(trial) {
    const stage = trial.stage()
    stage.subscribeUser(HEIR, 'ORDERS')
    stage.manager.on('connectionAdded', trial.once('reassignment', () => void stage.manager.getConnection('newcomer')?.reassign(HEIR)))

    const newcomer = stage.admit('newcomer')
    stage.publish('ORDERS', { userId: 'newcomer', to: [] })
    stage.publish('ORDERS', { userId: HEIR })
    newcomer.connection.flush()

    assert.deepEqual([newcomer.userId, newcomer.numbers], [HEIR, [2]])
    assert.deepEqual([...stage.manager.userConnections], [[HEIR, ['newcomer']]])
    assert.deepEqual(stage.observer.log.slice(1), [
      'added connection newcomer',
      'online user newcomer',
      'reassigned connection newcomer from newcomer',
      'online user heir',
      'changed subscription heir:ORDERS:A: CONNECTED',
      'active stream heir:ORDERS:A',
      'offline user newcomer',
    ])
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(['batching', 'telling', 'metered']) })
    stage.manager.on('connectionBehind', givingAway(trial, stage, () => victim))
    stage.jam(victim)

    stage.publish('ORDERS', ORDER_OF_VICTIM)
    stage.publish()

    assert.equal(stage.waitingFor(victim), 1)
    victim.socket.buffered = 0
    victim.connection.drained()
    stage.assertNumbers(victim, [2])
    stage.expect({ purged: 1 })
  },

  subscribing(trial) {
    const stage = trial.stage()
    const victim = stage.admit('victim')
    stage.manager.on('subscriptionAdded', trial.once('reassignment', () => victim.connection.reassign(HEIR)))

    stage.subscribe(victim, 'BOOK')
    stage.publish()
    victim.connection.flush()

    assert.deepEqual([stage.manager.getSubscribers('BOOK', 'A'), victim.numbers], [[HEIR], [1]])
  },
})

const authorizeStopsIt = fault('authorize throws when a connection changes its user', {
  subscribing(trial) {
    const stage = trial.stage({ authorize: ({ userId }) => userId !== HEIR || (trial.throws()() as never) })
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    stage.publish()
    victim.connection.flush()

    stage.reassign(victim, HEIR, false)

    assert.deepEqual([victim.connection.subscriptions(), stage.manager.userSubscriptions.has(HEIR)], [[], false])
    assert.equal(stage.publish().matched, others.length)
    stage.expect({ errors: Array<string>(PUBLIC_STREAMS).fill('authorize victim') })
  },

  'before its turn'(trial) {
    const stage = trial.stage({ authorize: ({ userId }) => userId !== HEIR || (trial.throws()() as never) })
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, others } = stage.cast()
    caller.script.send = trial.once('reassignment', () => stage.reassign(victim, HEIR, false))

    const { matched, skipped } = stage.publish()

    assert.deepEqual([matched, skipped, victim.numbers], [others.length + 2, 1, []])
    stage.expect({ skipped: 1, errors: Array<string>(PUBLIC_STREAMS).fill('authorize victim') })
  },

  behind(trial) {
    const stage = trial.stage({ authorize: ({ userId }) => userId !== HEIR || (trial.throws()() as never) })
    const { victim } = stage.cast({ kind: 'telling', streams: ['BOOK', 'TICKS', 'ORDERS'] })
    stage.jam(victim)
    for (const streamType of ['BOOK', 'TICKS', 'ORDERS'] as const) stage.publish(streamType, streamType === 'ORDERS' ? ORDER_OF_VICTIM : {})

    stage.reassign(victim, HEIR, false)
    victim.socket.drain()

    stage.assertNumbers(victim, [])
    assert.deepEqual([stage.stats.connectionsBehind, victim.socket.drainListeners.size], [0, 0])
    stage.expect({ purged: 3, errors: ['authorize victim', 'authorize victim'] })
  },

  'during close'(trial) {
    let act = (): void => {}
    const stage = trial.stage({ authorize: ({ userId }) => userId !== HEIR || (act(), trial.throws()() as never) })
    const { victim } = stage.cast({ kind: 'plain' })
    act = trial.once('removal', () => void victim.connection.remove())

    assert.throws(() => victim.connection.reassign(HEIR), { code: 'ERR_UNKNOWN_CONNECTION' })

    stage.assertForgotten(victim)
    assert.equal(stage.manager.userConnections.has(HEIR), false)
    stage.expect({ errors: Array<string>(PUBLIC_STREAMS).fill('authorize victim'), removals: ['victim removed'] })
  },
})

const quotaStopsIt = fault('a quota keeps a connection from another user', {
  'at its turn'(trial) {
    const stage = trial.stage({ quotas: { connectionsPerUser: 3 } })
    for (const name of ['first', 'second', 'third']) stage.connect(name, { userId: HEIR })
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.taken = trial.once('refused reassignment', () => {
      const before = stateOf(stage.manager)
      assert.throws(() => victim.connection.reassign(HEIR), { code: 'ERR_QUOTA_EXCEEDED' })
      assert.deepEqual(stateOf(stage.manager), before)
    })

    stage.publish('ORDERS', ORDER_OF_VICTIM)
    stage.publish('ORDERS', ORDER_OF_VICTIM)

    stage.assertNumbers(victim, [1, 2])
  },
})

export const reassigning = [...bySockets, ...byReadings, ...byHooks, ...bySerialization, ...byListeners, ...authorizeStopsIt, ...quotaStopsIt]
