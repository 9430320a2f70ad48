import assert from 'node:assert/strict'
import { EVENT_NAMES } from '../../../support/event-names.ts'
import { fault } from '../scenario.ts'

const EVENTS = EVENT_NAMES.filter((name) => name !== 'error')

const errorsOf = (count: number | undefined): string[] => Array.from({ length: count ?? 0 }, () => 'listener -')

const listenerThrows = fault('a listener throws', {
  connecting(trial) {
    const stage = trial.stage()
    stage.subscribeUser('victim', 'BOOK')
    const events: string[] = []
    for (const event of ['connectionAdded', 'userOnline', 'subscriptionChanged', 'streamActive'] as const) {
      stage.manager.on(event, trial.throws())
      stage.manager.on(event, () => void events.push(event))
    }

    const victim = stage.connect('victim', { kind: 'plain', streams: ['BOOK'] })
    const { sent } = stage.publish()

    assert.deepEqual([sent, victim.numbers], [1, [1]])
    assert.deepEqual(events.slice(0, 4), ['connectionAdded', 'userOnline', 'subscriptionChanged', 'streamActive'], 'the next listener is told')
    stage.expect({ errors: errorsOf(trial.injected.get('throw')) })
  },

  pending(trial) {
    const stage = trial.stage()
    const view = stage.subscribeUser('victim', 'BOOK')
    for (const event of ['subscriptionRemoved', 'streamIdle'] as const) stage.manager.on(event, trial.throws())

    stage.clock.advance(30_000)
    stage.ledger.ofUser.clear()

    assert.equal(view.status, 'DISCONNECTED')
    assert.deepEqual([stage.manager.subscriptionCount, stage.clock.pendingTimers, trial.injected.get('throw')], [0, 0, 1])
    stage.expect({ errors: ['listener -'] })
  },

  subscribing(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast()
    victim.condition = 'healthy'
    for (const event of ['subscriptionAdded', 'subscriptionChanged', 'streamActive'] as const) stage.manager.on(event, trial.throws())

    stage.subscribe(victim, 'BOOK', 'B')
    stage.unsubscribe(victim, 'BOOK', 'B')
    stage.subscribe(victim, 'BOOK', 'B')

    assert.equal(stage.publish('BOOK', { symbol: 'B' }).matched, 1)
    stage.expect({ errors: errorsOf(trial.injected.get('throw')) })
  },

  idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast()
    stage.subscribe(victim, 'BOOK', 'B')
    stage.subscribe(victim, 'TICKS', 'B')
    stage.unsubscribe(victim, 'BOOK', 'B')
    stage.unsubscribe(victim, 'TICKS', 'B')
    stage.manager.on('streamIdle', trial.throws())

    stage.clock.advance(1_000)

    assert.deepEqual([trial.injected.get('throw'), stage.clock.pendingTimers], [2, 0], 'the timer of one stream serves the other all the same')
    stage.expect({ errors: errorsOf(2) })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { others } = stage.cast({ kind: 'plain', script: { send: trial.throws('throw of send') } })
    for (const event of ['connectionRemoved', 'userOffline', 'subscriptionRemoved'] as const) stage.manager.on(event, trial.throws())

    const { failed, sent } = stage.publish()

    assert.deepEqual([failed, sent], [1, others.length])
    stage.expect({ failed: 1, errors: ['send victim', ...errorsOf(trial.injected.get('throw'))], removals: ['victim send-failed'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.manager.on('gap', trial.throws())
    stage.jam(victim)
    stage.overflow('TICKS')

    for (let i = 0; i < 10; i++) victim.socket.drain()

    assert.deepEqual([victim.missed, trial.injected.get('throw')], [1, 1])
    stage.expect({ dropped: 1, errors: ['listener -'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast()
    for (const event of EVENTS) stage.manager.on(event, trial.throws())

    assert.equal(await stage.manager.removeUser('victim'), 2)

    stage.assertForgotten(victim, friend)
    stage.expect({ errors: errorsOf(trial.injected.get('throw')), removals: ['victim removed', 'friend removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    for (const event of EVENTS) stage.manager.on(event, trial.throws())

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length + 1, failed: 0, timedOut: 0 })
    stage.expect({ errors: errorsOf(trial.injected.get('throw')), removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const listenerRejects = fault('a listener rejects', {
  async connecting(trial) {
    const stage = trial.stage()
    for (const event of ['connectionAdded', 'userOnline', 'subscriptionAdded'] as const) stage.manager.on(event, trial.rejects())

    const victim = stage.connect('victim', { streams: ['BOOK'] })
    assert.deepEqual(stage.observer.errors, [], 'nobody waits for it')
    await stage.settle()

    assert.equal(victim.connection.removed, false)
    stage.expect({ errors: errorsOf(3) })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    stage.manager.on('connectionRemoved', late.hook as () => void)
    const { victim, others } = stage.cast()
    await stage.manager.cleanup()

    late.reject()
    await stage.settle()

    stage.expect({ errors: errorsOf(others.length + 1), removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const errorListenerThrows = fault('an error listener throws', {
  'at its turn'(trial) {
    const stage = trial.stage()
    stage.manager.on('error', trial.throws())
    const { others } = stage.cast({ kind: 'plain', script: { send: trial.throws('throw of send') } })

    const { failed, sent } = stage.publish()

    assert.deepEqual([failed, sent, trial.injected.get('throw')], [1, others.length, 1], 'nobody is told of it, so it ends there')
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    stage.manager.on('error', trial.rejects() as () => void)
    const { victim } = stage.cast({ kind: 'plain', script: { close: trial.rejects('rejection of close') } })

    assert.equal(await victim.connection.remove(), true)
    await stage.settle()

    assert.equal(trial.injected.get('rejection'), 1)
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },
})

const listenerReenters = fault('a listener calls the manager', {
  connecting(trial) {
    const stage = trial.stage()
    stage.subscribeUser('victim', 'BOOK')
    stage.manager.on('userOnline', trial.once('ban', () => void stage.manager.removeUser('victim')))

    const victim = stage.admit('victim')

    assert.equal(victim.connection.removed, true)
    stage.assertForgotten(victim)
    assert.equal(stage.publish().matched, 0)
    stage.expect({ removals: ['victim removed'] })
  },

  subscribing(trial) {
    const stage = trial.stage()
    const { others } = stage.cast()
    const victim = stage.admit('banned')
    stage.manager.on('subscriptionAdded', trial.once('unsubscription', () => stage.unsubscribe(victim, 'BOOK', 'B')))
    stage.subscribe(victim, 'BOOK', 'B')

    assert.deepEqual([stage.manager.getSubscribers('BOOK', 'B'), stage.publish('BOOK', { symbol: 'B' }).matched], [[], 0])
    assert.equal(stage.publish().matched, others.length + 1)
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.manager.on('gap', trial.once('removal', () => void victim.connection.remove()))
    stage.jam(victim)
    stage.overflow('TICKS')
    const waiting = stage.waitingFor(victim)

    victim.socket.drain()

    assert.equal(victim.missed, 1)
    stage.expect({ dropped: 1, purged: waiting - victim.received.length, removals: ['victim removed'] })
  },

  'during close'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    stage.manager.on('connectionRemoved', trial.once('return', () => stage.connect('victim', { userId: 'another' })))

    void victim.connection.remove()
    const { matched } = stage.publish('ORDERS', { userId: 'victim' })

    assert.deepEqual([matched, stage.manager.connectionUsers.get('victim')], [1, 'another'])
    assert.equal(stage.publish().matched, others.length + 1)
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast()
    let refusals = 0
    stage.manager.on('connectionRemoved', ({ connection }) => {
      trial.inject('return')
      assert.throws(() => stage.manager.addConnection(connection.id, connection.socket, connection.userId), { code: 'ERR_CLOSED' })
      assert.throws(() => stage.manager.addSubscription({ userId: connection.userId, streamType: 'BOOK', symbol: 'A' }), { code: 'ERR_CLOSED' })
      refusals++
    })

    await stage.manager.cleanup()

    assert.equal(refusals, others.length + 1)
    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const listening = [...listenerThrows, ...listenerRejects, ...errorListenerThrows, ...listenerReenters]
