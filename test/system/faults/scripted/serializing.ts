import assert from 'node:assert/strict'
import type { StreamMessage } from '../../../../src/index.ts'
import { fault } from '../scenario.ts'
import type { Actor } from './stage.ts'

/** Data whose `toJSON` does something before it answers. */
const onSerialization = (act: () => unknown) => (data: object) => ({ toJSON: () => (act(), data) })

const everybody = (others: readonly Actor[], victim: Actor): string[] => [...others, victim].map(({ name }) => `${name} cleanup`)

const serializeThrows = fault('serialize throws', {
  'before serialization'(trial) {
    let isBroken = true
    const stage = trial.stage({ serialize: (message) => (isBroken ? trial.throws()() : textOf(message)) as string })
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'

    assert.throws(() => stage.publish(), { code: 'ERR_UNSERIALIZABLE' })
    assert.equal(stage.stats.matched, 0)
    assert.equal(stage.manager.publish({ streamType: 'BOOK', symbol: 'NOBODY', data: 1 }).matched, 0, 'what nobody gets is not serialized')
    isBroken = false

    assert.equal(stage.publish().sent, others.length + 1)
  },

  'in a deferred publish'(trial) {
    let calls = 0
    const stage = trial.stage({ serialize: (message) => (++calls === 3 ? trial.throws()() : textOf(message)) as string })
    const { victim, before } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('publish of three', () => {
      stage.publish()
      assert.throws(() => stage.publish(), { code: 'ERR_UNSERIALIZABLE' })
      stage.publish()
    })

    stage.publish()

    assert.equal(stage.stats.deferred, 2)
    assert.deepEqual(before[0].due.map(({ n }) => n), [1, 2, 4])
  },

  behind(trial) {
    let isBroken = false
    const stage = trial.stage({ serialize: (message) => (isBroken ? trial.throws()() : textOf(message)) as string })
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (const streamType of ['PRICE', 'TICKS', 'BOOK'] as const) stage.publish(streamType)
    const before = stage.stats
    isBroken = true

    for (const streamType of ['PRICE', 'TICKS', 'BOOK'] as const) assert.throws(() => stage.publish(streamType), { code: 'ERR_UNSERIALIZABLE' })

    assert.deepEqual(stage.stats, before, 'nothing was replaced by what never came to be')
    victim.socket.drain()
    stage.assertNumbers(victim, [1, 2, 3])
  },
})

const serializeAnswersNoText = fault('serialize returns no text', {
  async 'before serialization'(trial) {
    let answer: unknown
    const stage = trial.stage({ serialize: () => (trial.inject('no text'), answer as string) })
    stage.cast()
    for (const each of [undefined, null, 7, {}, ['text'], Promise.resolve('text'), Promise.reject(new Error('Injected: rejection'))]) {
      answer = each
      assert.throws(() => stage.publish(), { code: 'ERR_UNSERIALIZABLE' })
    }
    await stage.settle()

    assert.equal(stage.stats.matched, 0)
  },
})

const toJsonThrows = fault('toJSON throws', {
  'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    const data = onSerialization(() => {
      stage.publish()
      trial.throws()()
    })

    assert.throws(() => stage.publish('BOOK', { data }), (error: { code: string; cause: Error }) => {
      return error.code === 'ERR_UNSERIALIZABLE' && error.cause.message === 'Injected: throw'
    })

    assert.deepEqual([stage.stats.matched, stage.stats.deferred], [others.length + 1, 1], 'what it had deferred is delivered all the same')
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.script.send = trial.once('escape', () => stage.publish('BOOK', { data: onSerialization(trial.throws()) }))

    const { failed, sent } = stage.publish()

    assert.deepEqual([failed, sent], [1, others.length], 'an error that a socket lets out is that socket\'s failure')
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },
})

const toJsonRemoves = fault('toJSON removes a connection', {
  'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, friend, others } = stage.cast()

    const { matched, skipped, sent } = stage.publish('BOOK', { data: onSerialization(trial.once('removal', () => void stage.manager.removeUser('victim'))) })

    assert.deepEqual([matched, skipped, sent], [others.length + 1, 2, others.length - 1])
    for (const actor of [victim, friend]) stage.assertNumbers(actor, [])
    stage.expect({ skipped: 2, removals: ['victim removed', 'friend removed'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, others } = stage.cast()
    const data = onSerialization(trial.once('removal', () => void victim.connection.remove({ close: false })))
    caller.script.send = trial.once('publish', () => assert.equal(stage.publish('BOOK', { data, to: [caller, ...others] }).deferred, true))

    const { skipped } = stage.publish()

    assert.equal(skipped, 1, 'it is gone for the message that is running')
    stage.expect({ skipped: 1, removals: ['victim peer-closed'] })
  },
})

const toJsonRevokes = fault('toJSON revokes', {
  'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'batching' })
    stage.publish('ORDERS', { userId: 'victim' })
    stage.publish('TICKS')
    const data = onSerialization(trial.once('revocation', () => assert.equal(stage.revoke({ userId: 'victim', streamType: 'ORDERS' }), 1)))

    const { matched, skipped, sent } = stage.publish('ORDERS', { userId: 'victim', data })
    victim.connection.flush()
    friend.condition = 'faulty'

    assert.deepEqual([matched, skipped, sent], [2, 2, 0])
    stage.assertNumbers(victim, [2])
    stage.expect({ skipped: 2, purged: 'any' })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, friend } = stage.cast()
    const data = onSerialization(trial.once('revocation', () => stage.revoke({ userId: 'victim' })))
    caller.script.send = trial.once('three private messages', () => {
      stage.sendTo(victim, 'ORDERS')
      stage.sendTo(victim, 'ORDERS', { data })
      stage.publish('ORDERS', { userId: 'victim', to: [] })
    })

    const { skipped } = stage.publish()

    assert.equal(skipped, 2, 'of the one that runs')
    for (const actor of [victim, friend]) (stage.assertNumbers(actor, []), actor.condition = 'faulty')
    assert.equal(stage.manager.getUserSubscriptions('victim').length, 0)
    // The second message is the one that revokes: it was published before that, too.
    stage.expect({ skipped: 4 })
  },
})

const toJsonPublishes = fault('toJSON publishes', {
  async 'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    const inner = trial.once('publish', () => stage.publish('TICKS'))
    const data = onSerialization(trial.once('publish', () => stage.publish('BOOK', { whenSerialized: inner })))

    const { sent, deferred } = stage.publish('BOOK', { data })
    await stage.settle()

    assert.deepEqual([sent, deferred, stage.stats.deferred], [others.length + 1, false, 2])
    // The innermost was the first to be complete: it has the second place.
    for (const { received } of [victim, ...others]) assert.deepEqual(received.map(({ key }) => key), ['BOOK:A', 'TICKS:A', 'BOOK:A'])
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage({ maxDeferred: 10 })
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    const codes: string[] = []
    const endless = (): void => {
      trial.inject('publish')
      try {
        stage.publish('BOOK', { whenSerialized: endless })
      } catch (error) {
        codes.push((error as { code: string }).code)
      }
    }

    stage.publish('BOOK', { data: onSerialization(endless) })

    assert.deepEqual([codes, stage.stats.deferred], [['ERR_PUBLISH_DEPTH'], 10], 'a chain ends')
    assert.equal(stage.stats.matched, 11 * (others.length + 1))
  },
})

const toJsonSubscribes = fault('toJSON subscribes', {
  'before serialization'(trial) {
    const stage = trial.stage()
    const newcomer = stage.admit('newcomer')
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    const data = onSerialization(trial.once('subscription and newcomer', () => {
      stage.subscribe(newcomer, 'BOOK')
      stage.connect('newer')
    }))

    const { sent } = stage.publish('BOOK', { data })
    const next = stage.publish()

    assert.deepEqual([sent, next.matched], [others.length + 1, others.length + 3])
    assert.deepEqual(newcomer.due.map(({ n }) => n), [2])
  },
})

const toJsonCleansUp = fault('toJSON cleans up', {
  async 'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    stage.publish()

    const { skipped } = stage.publish('BOOK', { data: onSerialization(trial.once('cleanup', () => void stage.manager.cleanup())) })
    await stage.settle()

    assert.equal(skipped, others.length + 1)
    for (const actor of [victim, ...others]) stage.assertNumbers(actor, [1])
    stage.expect({ skipped, removals: everybody(others, victim) })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, others } = stage.cast()
    const data = onSerialization(trial.once('cleanup', () => void stage.manager.cleanup()))
    caller.script.send = trial.once('publish', () => stage.publish('BOOK', { data, to: [] }))

    const { skipped } = stage.publish()

    assert.equal(skipped, others.length + 1)
    stage.assertForgotten(caller, victim, ...others)
    stage.expect({ skipped, removals: everybody([caller, ...others], victim) })
  },
})

const tooLong = fault('a message is too long', {
  'before serialization'(trial) {
    const stage = trial.stage({ quotas: { messageUnits: 300 } })
    const { others } = stage.cast()
    stage.client('victim').condition = 'healthy'
    trial.inject('message of 1,000')

    assert.throws(() => stage.publish('BOOK', { padding: 1_000 }), { code: 'ERR_QUOTA_EXCEEDED' })

    assert.equal(stage.stats.matched, 0)
    assert.equal(stage.publish().sent, others.length + 1)
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage({ quotas: { messageUnits: 300 } })
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('publish of a long one and another', () => {
      assert.throws(() => stage.publish('BOOK', { padding: 1_000 }), { code: 'ERR_QUOTA_EXCEEDED' })
      stage.publish()
    })

    stage.publish()

    assert.equal(stage.stats.deferred, 1)
    stage.assertNumbers(victim, [1, 3])
  },
})

/** The wire form, made by hand. */
function textOf({ streamType, symbol, data, timestamp, userId }: StreamMessage<unknown, string>): string {
  return JSON.stringify({ stream_type: streamType, symbol: symbol ?? null, data, timestamp, user_id: userId ?? null })
}

export const serializing = [
  ...serializeThrows,
  ...serializeAnswersNoText,
  ...toJsonThrows,
  ...toJsonRemoves,
  ...toJsonRevokes,
  ...toJsonPublishes,
  ...toJsonSubscribes,
  ...toJsonCleansUp,
  ...tooLong,
]
