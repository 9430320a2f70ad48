import assert from 'node:assert/strict'
import { stateOf } from '../../../support/state.ts'
import { fault } from '../scenario.ts'
import type { Actor, Stage } from './stage.ts'

const BOOK = { streamType: 'BOOK', symbol: 'B' } as const

/** Asserts that a subscribe is refused and changes nothing. */
function assertRefused(stage: Stage, code: string, subscribe: () => unknown): void {
  const before = stateOf(stage.manager)
  const timersBefore = stage.clock.pendingTimers
  assert.throws(subscribe, { code })
  assert.deepEqual([stateOf(stage.manager), stage.clock.pendingTimers], [before, timersBefore])
}

const authorizeThrows = fault('authorize throws', {
  connecting(trial) {
    let isBroken = false
    const stage = trial.stage({ authorize: () => !isBroken || (trial.throws()() as never) })
    stage.cast()
    stage.client('victim').condition = 'healthy'
    stage.manager.on('connectionAdded', ({ connection }) => void connection.subscribe(BOOK))
    isBroken = true

    const newcomer = stage.admit('newcomer')

    assert.deepEqual([newcomer.connection.removed, stage.manager.getUserSubscriptions('newcomer')], [false, []], 'it is connected all the same')
    stage.expect({ errors: ['authorize newcomer', 'listener -'] })
  },

  pending(trial) {
    const stage = trial.stage({ authorize: trial.throws() as () => never })

    assertRefused(stage, 'ERR_FORBIDDEN', () => stage.manager.addSubscription({ userId: 'victim', ...BOOK }))

    assert.deepEqual([stage.manager.subscriptionCount, stage.clock.pendingTimers], [0, 0])
    stage.expect({ errors: ['authorize -'] })
  },

  subscribing(trial) {
    let isBroken = false
    const stage = trial.stage({ authorize: () => !isBroken || (trial.throws()() as never) })
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'
    isBroken = true

    for (const streamType of ['BOOK', 'ORDERS'] as const) assertRefused(stage, 'ERR_FORBIDDEN', () => victim.connection.subscribe({ streamType, symbol: 'B' }))
    assertRefused(stage, 'ERR_FORBIDDEN', () => victim.connection.subscribe({ streamType: 'BOOK', symbol: 'A' }))

    assert.equal(stage.publish().sent, others.length + 1, 'what it holds already it keeps')
    stage.expect({ errors: ['authorize victim', 'authorize victim', 'authorize victim'] })
  },

  'at its turn'(trial) {
    let isBroken = false
    const stage = trial.stage({ authorize: () => !isBroken || (trial.throws()() as never) })
    const { victim, others } = stage.cast({ kind: 'plain' })
    isBroken = true
    victim.script.send = trial.once('subscription', () => victim.connection.subscribe(BOOK))

    const { failed, sent } = stage.publish()

    assert.deepEqual([failed, sent], [1, others.length], 'the refusal is what its socket threw')
    stage.expect({ failed: 1, errors: ['authorize victim', 'send victim'], removals: ['victim send-failed'] })
  },
})

const answersPromise = fault('authorize returns a promise', {
  async pending(trial) {
    const stage = trial.stage({ authorize: trial.answers(Promise.resolve(true), Infinity, 'promise of true') as unknown as () => boolean })

    assertRefused(stage, 'ERR_FORBIDDEN', () => stage.manager.addSubscription({ userId: 'victim', ...BOOK }))
    await stage.settle()

    assert.deepEqual([stage.manager.subscriptionCount, stage.clock.pendingTimers], [0, 0])
  },

  async subscribing(trial) {
    let isBroken = false
    const stage = trial.stage({ authorize: () => !isBroken || (trial.rejects()() as never) })
    const { victim } = stage.cast()
    victim.condition = 'healthy'
    isBroken = true

    assertRefused(stage, 'ERR_FORBIDDEN', () => victim.connection.subscribe(BOOK))
    await stage.settle()

    assert.equal(trial.injected.get('rejection'), 1)
    stage.expect({ errors: ['authorize victim'] })
  },
})

const authorizeReenters = fault('authorize calls the manager', {
  pending(trial) {
    const fill = trial.once('another pending user', () => stage.subscribeUser('rival', 'BOOK'))
    const stage: Stage = trial.stage({ authorize: () => (fill(), true), quotas: { pendingUsers: 1 } })

    assert.throws(() => stage.manager.addSubscription({ userId: 'victim', ...BOOK }), { code: 'ERR_QUOTA_EXCEEDED' })

    assert.deepEqual([...stage.manager.userSubscriptions.keys()], ['rival'], 'the place went to who was faster')
  },

  subscribing(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ authorize: () => (act(), true) })
    const { victim, others } = stage.cast()
    act = trial.once('removal', () => void victim.connection.remove())

    assert.throws(() => victim.connection.subscribe(BOOK), { code: 'ERR_UNKNOWN_CONNECTION' })

    stage.assertForgotten(victim)
    assert.deepEqual([stage.manager.getSubscribers('BOOK', 'B'), stage.publish().matched], [[], others.length])
    stage.expect({ removals: ['victim removed'] })
  },

  'at its turn'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ authorize: () => (act(), true) })
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('subscription', () => stage.subscribe(victim, 'BOOK', 'B'))
    act = trial.once('publish', () => assert.equal(stage.publish('BOOK', { symbol: 'B', to: [victim] }).deferred, true))

    const { sent } = stage.publish()

    assert.equal(sent, others.length + 1)
    stage.assertNumbers(victim, [1, 2])
  },

  'during cleanup'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ authorize: () => (act(), true) })
    const { victim, others } = stage.cast()
    act = trial.once('cleanup', () => void stage.manager.cleanup())

    assert.throws(() => victim.connection.subscribe(BOOK), { code: 'ERR_CLOSED' })

    assert.equal(stage.manager.subscriptionCount, 0)
    stage.expect({ removals: [...others, victim].map(({ name }: Actor) => `${name} cleanup`) })
  },
})

export const authorizing = [...authorizeThrows, ...answersPromise, ...authorizeReenters]
