import assert from 'node:assert/strict'
import type { Recorder } from '../../../../src/index.ts'
import { fault } from '../scenario.ts'
import type { Actor } from './stage.ts'

/** A recorder that leaves texts as they are, once its hooks have done what they do. */
function recorder(record: (n: number) => unknown, skip: () => unknown = () => undefined): Recorder<never> {
  let recorded = 0
  return {
    attach() {},
    record: (_message, text) => (record(++recorded) ?? text) as string,
    skip: (_message, text) => (skip() ?? JSON.stringify({ type: 'skip', text })) as string,
  }
}

const recordThrows = fault('record throws', {
  'before its turn'(trial) {
    let isBroken = true
    const stage = trial.stage({ recorder: recorder(() => (isBroken ? trial.throws()() : undefined)) })
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'

    assert.throws(() => stage.publish(), { code: 'ERR_UNSERIALIZABLE' })
    assert.equal(stage.stats.matched, 0)
    isBroken = false

    assert.equal(stage.publish().sent, others.length + 1)
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage({ recorder: recorder((n) => (n === 2 ? trial.throws()() : undefined)) })
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('publish of two', () => {
      stage.publish('BOOK', { to: [] })
      stage.publish()
    })

    stage.publish()

    stage.assertNumbers(victim, [1, 3])
    assert.equal(stage.stats.matched, 2 * (others.length + 1))
    stage.expect({ errors: ['recorder -'] })
  },
})

const recordAnswersNoText = fault('record returns no text', {
  async 'before its turn'(trial) {
    let answer: unknown
    const stage = trial.stage({ recorder: recorder(() => (trial.inject('no text'), answer)) })
    stage.cast()
    for (const each of [null, 7, {}, ['text'], new Uint8Array(1), Promise.resolve('text'), Promise.reject(new Error('Injected: rejection'))]) {
      answer = each === null ? false : each
      assert.throws(() => stage.publish(), { code: 'ERR_UNSERIALIZABLE' })
    }
    await stage.settle()

    assert.equal(stage.stats.matched, 0)
  },
})

const recordReenters = fault('record calls the manager', {
  'before its turn'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ recorder: recorder(() => void act()) })
    const { friend, others } = stage.cast()
    act = trial.once('removal and publish', () => {
      void stage.manager.removeUser('victim')
      assert.equal(stage.publish().deferred, true)
    })

    const { matched } = stage.publish('BOOK', { to: others.filter((each) => each !== friend) })

    assert.equal(matched, others.length - 1, 'who is removed before it is recorded is no recipient')
    stage.expect({ removals: ['victim removed', 'friend removed'] })
  },

  'in a deferred publish'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ recorder: recorder((n) => void (n === 2 && act())) })
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, friend, others } = stage.cast({ kind: 'plain' })
    const rest = [caller, ...others.filter((each) => each !== friend)]
    act = trial.once('revocation', () => {
      stage.revoke({ userId: 'victim', streamType: 'BOOK' })
      stage.subscribe(victim, 'BOOK')
    })
    caller.script.send = trial.once('publish', () => stage.publish('BOOK', { to: [...rest, victim] }))

    stage.publish()

    assert.equal(victim.numbers.includes(2), false, 'it was published before it was revoked')
    friend.condition = 'faulty'
    stage.expect({ skipped: 1, purged: 'any' })
  },

  'during cleanup'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ recorder: recorder(() => void act()) })
    const { victim, others } = stage.cast()
    act = trial.once('cleanup', () => void stage.manager.cleanup())

    assert.equal(stage.publish('BOOK', { to: [] }).matched, 0)

    stage.expect({ removals: [...others, victim].map(({ name }: Actor) => `${name} cleanup`) })
  },
})

const skipFails = fault('skip fails', {
  async 'at its turn'(trial) {
    let answer: () => unknown = trial.throws()
    const stage = trial.stage({ recorder: recorder(() => undefined, () => answer()) })
    const { victim, others } = stage.cast({ kind: 'plain' })
    const publish = (): number => stage.manager.publish({ streamType: 'BOOK', symbol: 'A', data: { n: 0 } }, { except: [victim.connection, ...others.map(({ connection }) => connection)] }).matched

    publish()
    for (const each of [7, {}, Promise.reject(new Error('Injected: rejection'))]) {
      answer = () => each
      publish()
    }
    await stage.settle()

    assert.deepEqual(victim.told, [])
    stage.expect({ errors: ['recorder -', 'recorder -', 'recorder -', 'recorder -'] })
  },

  'after its turn'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ recorder: recorder(() => undefined, () => void act()) })
    const { victim, friend } = stage.cast({ kind: 'plain' })
    act = trial.once('reassignment', () => stage.reassign(victim, 'another'))
    stage.toldMatched = 1

    stage.manager.publish({ streamType: 'ORDERS', symbol: 'A', userId: 'victim', data: { n: 0 } }, { except: [victim.connection, friend.connection] })
    friend.connection.flush()

    assert.deepEqual([victim.told.length, friend.told.length], [0, 1], 'nobody else learns of a private message')
  },
})

export const recording = [...recordThrows, ...recordAnswersNoText, ...recordReenters, ...skipFails]
