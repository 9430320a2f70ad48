import assert from 'node:assert/strict'
import { fault, type Phase, type Play } from '../scenario.ts'
import type { Trial } from '../trial.ts'
import type { Stage } from './stage.ts'

/** A step that fails at its end: what it did before is done, and told. */
function failingStep(trial: Trial, stage: Stage, name: string): void {
  const told = stage.observer.log.length
  const step = (): void => {
    stage.subscribeUser(name, 'BOOK', 'B')
    assert.equal(stage.observer.log.length, told, 'nobody is told before it ends')
    trial.throws('step')()
  }
  assert.throws(() => stage.manager.batch(step), { message: 'Injected: step' })
  assert.ok(stage.observer.log.slice(told).some((line) => line === `added subscription ${name}:BOOK:B`))
}

/** The same step from within what a socket, a listener, or `authorize` is called for. */
const plays: Readonly<Partial<Record<Phase, Play>>> = {
  connecting(trial) {
    const stage = trial.stage()
    stage.cast()
    let steps = 0
    stage.manager.on('connectionAdded', ({ connection }) => void (connection.id === 'newcomer' && (steps++, failingStep(trial, stage, 'newcomer'))))

    stage.admit('newcomer')

    assert.equal(steps, 1)
  },

  pending(trial) {
    const stage = trial.stage()

    failingStep(trial, stage, 'late')

    assert.deepEqual(stage.manager.getSubscribers('BOOK', 'B'), ['late'])
    stage.ledger.ofUser.clear()
    stage.clock.advance(30_000)
  },

  idle(trial) {
    const stage = trial.stage()
    stage.cast()

    failingStep(trial, stage, 'victim')

    stage.publish('BOOK', { symbol: 'B' })
  },

  'before serialization'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'

    const { sent } = stage.publish('BOOK', { data: (data) => ({ toJSON: () => (failingStep(trial, stage, 'victim'), data) }) })

    assert.equal(sent, others.length + 1)
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('batch', () => failingStep(trial, stage, 'victim'))

    assert.equal(stage.publish().sent, others.length + 1)
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'healthy'
    victim.script.write = trial.once('batch', () => failingStep(trial, stage, 'victim'))
    stage.publish()

    await stage.settle()

    stage.assertNumbers(victim, [1])
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('publish', () => {
      victim.script.send = trial.once('batch', () => failingStep(trial, stage, 'victim'))
      stage.publish()
    })

    stage.publish()

    stage.assertNumbers(victim, [1, 2])
  },

  'during close'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'plain' })
    friend.condition = 'healthy'
    victim.script.close = trial.once('batch', () => failingStep(trial, stage, 'victim'))

    void victim.connection.remove()

    stage.expect({ removals: ['victim removed'] })
  },

  'after cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    void stage.manager.cleanup()
    trial.inject('batch')

    assert.equal(stage.manager.batch(() => 7), 7)
    assert.throws(() => stage.manager.batch(() => stage.manager.addSubscription({ userId: 'victim', streamType: 'BOOK', symbol: 'B' })), { code: 'ERR_CLOSED' })

    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
}

const socketFails = fault('a socket fails in a batch', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.script.send = trial.throws()
    const removedBefore = stage.observer.removals.length

    stage.manager.batch(() => {
      const { failed, sent } = stage.publish()
      assert.deepEqual([failed, sent], [1, others.length])
      assert.equal(victim.connection.removed, true)
      assert.equal(stage.observer.removals.length, removedBefore, 'nobody is told before it ends')
    })

    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async idle(trial) {
    const stage = trial.stage()
    stage.cast()

    assert.throws(() => stage.manager.batch(async () => trial.rejects()()), { code: 'ERR_INVALID_ARGUMENT' })
    await stage.settle()
  },
})

export const batching = [...fault('a batch throws', plays), ...socketFails]
