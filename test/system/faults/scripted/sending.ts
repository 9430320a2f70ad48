import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'

const ORDERS = { userId: 'victim' }

const sendThrows = fault('send throws', {
  connecting(trial) {
    const stage = trial.stage()
    stage.connect('other')
    stage.manager.on('connectionAdded', ({ connection }) => void (connection.id === 'victim' && stage.sendTo(stage.client('victim'))))

    const victim = stage.admit('victim', { kind: 'plain', script: { send: trial.throws() } })
    stage.publish()

    assert.equal(victim.connection.removed, true)
    assert.throws(() => victim.connection.subscribe({ streamType: 'BOOK', symbol: 'A' }), { code: 'ERR_UNKNOWN_CONNECTION' })
    const lines = stage.observer.log.filter((line) => line.endsWith(' victim'))
    assert.deepEqual(lines, ['added connection victim', 'online user victim', 'removed connection victim', 'offline user victim'])
    stage.assertForgotten(victim)
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  pending(trial) {
    const stage = trial.stage()
    const subscription = stage.subscribeUser('victim', 'BOOK')
    stage.subscribeUser('victim', 'ORDERS')
    stage.manager.on('subscriptionChanged', ({ subscription: { status } }) => void (status === 'CONNECTED' && stage.sendTo(stage.client('victim'))))

    const victim = stage.admit('victim', { kind: 'plain', script: { send: trial.throws() } })

    assert.deepEqual([subscription.status, victim.connection.removed], ['DISCONNECTED', true])
    stage.assertForgotten(victim)
    assert.equal(stage.clock.pendingTimers, 1, 'that of the idle delay alone')
    stage.clock.advance(30_000)
    assert.deepEqual(stage.manager.activeStreams(), [])
    assert.equal(trial.injected.get('throw'), 1, 'who is removed is sent no second snapshot')
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  subscribing(trial) {
    const stage = trial.stage()
    const victim = stage.admit('victim', { kind: 'plain', script: { send: trial.throws() } })
    const friend = stage.connect('friend', { userId: 'victim' })
    const snapshot = (): unknown => stage.sendTo(victim, 'TICKS', { symbol: 'B' })
    stage.manager.on('subscriptionAdded', ({ connection }) => void (connection?.id === 'victim' && snapshot()))

    const own = victim.connection.subscribe({ streamType: 'TICKS', symbol: 'B' })
    stage.publish('TICKS', { symbol: 'B' })
    stage.publish('ORDERS', ORDERS)

    assert.equal(own.status, 'DISCONNECTED', 'a subscription that only the victim held')
    assert.deepEqual(stage.manager.getSubscribers('TICKS', 'B'), [])
    assert.deepEqual(stage.manager.getUserConnections('victim'), [friend.socket])
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'before its turn'(trial) {
    const stage = trial.stage()
    const broken = ['broken 1', 'broken 2', 'broken 3'].map((name) => stage.connect(name, { userId: 'broken', kind: 'plain', script: { send: trial.throws() } }))
    const { victim, others } = stage.cast()
    victim.condition = 'healthy'

    const result = stage.publish()
    stage.publish()

    assert.deepEqual([result.failed, result.sent], [broken.length, others.length + 1])
    assert.equal(trial.injected.get('throw'), broken.length, 'each is sent to once')
    stage.assertForgotten(...broken)
    assert.equal(stage.observer.log.filter((line) => line === 'offline user broken').length, 1)
    stage.expect({ failed: broken.length, errors: broken.map(({ name }) => `send ${name}`), removals: broken.map(({ name }) => `${name} send-failed`) })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, friend, others } = stage.cast({ kind: 'plain', script: { send: trial.throws('throw', 3) } })

    const results = [stage.publish(), stage.publish('ORDERS', ORDERS), stage.publish(), stage.publish()]

    assert.deepEqual(results.map(({ failed }) => failed), [0, 0, 1, 0])
    assert.deepEqual(results.map(({ matched }) => matched), [others.length + 1, 2, others.length + 1, others.length])
    assert.deepEqual(stage.manager.getUserConnections('victim'), [friend.socket])
    assert.equal(stage.manager.getUserSubscriptions('victim').length, 5, 'those of the connection that is left')
    assert.deepEqual(victim.socket.closes, [undefined])
    stage.assertNumbers(victim, [1, 2])
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'after its turn'(trial) {
    const stage = trial.stage()
    const { victim, after, others } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    const last = stage.connect('last', { kind: 'plain', script: { send: trial.throws() } })
    // What the victim hears of the failure comes in its turn: nobody is removed in the middle of a fan-out.
    last.condition = 'faulty'
    const whenItWasRemoved: number[] = []
    stage.manager.on('connectionRemoved', () => void whenItWasRemoved.push(...[victim, ...after].map(({ socket }) => socket.taken.length)))

    const result = stage.publish('BOOK', { symbol: 'A' })

    assert.deepEqual([result.matched, result.failed], [others.length + 2, 1])
    assert.equal(whenItWasRemoved[0], 1, 'the victim had its copy before')
    stage.expect({ failed: 1, errors: ['send last'], removals: ['last send-failed'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'metered' })
    stage.jam(victim)
    const results = Array.from({ length: 5 }, () => stage.publish())
    victim.script.send = trial.throws('throw', 3)

    victim.socket.buffered = 0
    stage.clock.advance(50)

    assert.deepEqual(results.map(({ queued, sent }) => [queued, sent]), Array.from({ length: 5 }, () => [1, others.length]))
    stage.assertNumbers(victim, [1, 2])
    assert.equal(stage.stats.connectionsBehind, 0)
    stage.expect({ failed: 1, purged: 2, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const { victim, others, before } = stage.cast({ kind: 'plain' })
    const publisher = stage.connect('publisher', { kind: 'plain' })
    const healthy = [...others, publisher]
    publisher.script.send = trial.once('publish of two', () => {
      victim.script.send = trial.throws()
      stage.publish('BOOK', { to: [...healthy, victim] })
      stage.publish('BOOK', { to: healthy })
    })

    stage.publish()

    assert.equal(trial.injected.get('throw'), 1, 'it is removed before the next deferred message')
    for (const actor of [...before, publisher]) assert.deepEqual(actor.due.map(({ n }) => n), [1, 2, 3])
    stage.assertNumbers(victim, [1])
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered' })
    stage.jam(victim)
    for (let i = 0; i < 4; i++) stage.publish()
    victim.socket.buffered = 0
    victim.script.send = trial.throws('throw', 2)

    const removal = victim.connection.remove()

    stage.assertForgotten(victim)
    assert.equal(await removal, true)
    stage.assertNumbers(victim, [1])
    assert.equal(victim.socket.closes.length, 1)
    stage.expect({ failed: 1, purged: 2, errors: ['send victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'metered' })
    const behind = stage.connect('behind', { kind: 'metered' })
    for (const actor of [victim, behind]) stage.jam(actor)
    for (let i = 0; i < 3; i++) stage.publish()
    for (const { socket } of [victim, behind]) socket.buffered = 0
    victim.script.send = trial.throws()

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length + 2, failed: 0, timedOut: 0 })
    stage.assertNumbers(behind, [1, 2, 3])
    stage.assertNumbers(victim, [])
    stage.expect({ failed: 1, purged: 2, errors: ['send victim'], removals: [...others, victim, behind].map(({ name }) => `${name} cleanup`) })
  },
})

const sendRejects = fault('send rejects later', {
  async connecting(trial) {
    const stage = trial.stage()
    stage.connect('other')
    stage.manager.on('connectionAdded', ({ connection }) => void (connection.id === 'victim' && stage.sendTo(stage.client('victim'))))

    const victim = stage.connect('victim', { kind: 'plain', script: { send: trial.rejects() } })
    victim.condition = 'faulty'
    victim.socket.rejected = 1

    assert.equal(victim.connection.removed, false, 'nobody knows yet')
    assert.equal(stage.stats.rejected, 0)
    await stage.settle()
    assert.equal(victim.connection.removed, true)
    stage.assertForgotten(victim)
    stage.expect({ rejected: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async idle(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim, friend, others } = stage.cast({ kind: 'plain', script: { send: late.hook } })
    stage.publish()
    await stage.settle()
    stage.clock.advance(3_600_000)
    assert.deepEqual([stage.stats.rejected, victim.connection.removed], [0, false])

    late.reject()
    victim.socket.rejected = 1
    await stage.settle()

    assert.deepEqual(stage.manager.getUserConnections('victim'), [friend.socket])
    assert.equal(stage.publish().matched, others.length)
    stage.expect({ rejected: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain', script: { send: trial.rejects() } })

    const results = [stage.publish(), stage.publish()]
    victim.socket.rejected = 2

    assert.deepEqual(results.map(({ sent, failed }) => [sent, failed]), [[others.length + 1, 0], [others.length + 1, 0]])
    await stage.settle()
    assert.equal(victim.socket.closes.length, 1, 'it is closed once for both')
    stage.expect({ rejected: 2, errors: ['send victim', 'send victim'], removals: ['victim send-failed'] })
  },

  async 'in a deferred publish'(trial) {
    const stage = trial.stage()
    const { victim, before } = stage.cast({ kind: 'plain' })
    const rejects = trial.rejects()
    let calls = 0
    victim.script.send = () => (++calls === 2 ? rejects() : undefined)
    const publisher = stage.connect('publisher', { kind: 'plain' })
    publisher.script.send = trial.once('publish of two', () => void [stage.publish(), stage.publish()])

    stage.publish()
    victim.socket.rejected = 1

    assert.equal(calls, 3, 'nothing has happened yet: the third went out as well')
    await stage.settle()
    assert.deepEqual(before[0].numbers, [1, 2, 3])
    stage.expect({ rejected: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async behind(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim } = stage.cast({ kind: 'metered' })
    victim.script.send = late.hook
    stage.publish()
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    assert.equal(stage.waitingFor(victim), 3)

    late.reject()
    victim.socket.rejected = 1
    await stage.settle()

    assert.deepEqual([stage.stats.connectionsBehind, stage.stats.waitingBytes, stage.clock.pendingTimers], [0, 0, 0])
    stage.expect({ rejected: 1, purged: 3, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim } = stage.cast({ kind: 'plain', script: { send: late.hook, close: () => new Promise(() => {}) } })
    stage.publish()
    const removal = victim.connection.remove()

    late.reject()
    victim.socket.rejected = 1
    await stage.settle()
    stage.clock.advance(5_000)

    assert.equal(await removal, true)
    assert.equal(victim.socket.closes.length, 1, 'no second close')
    stage.expect({ rejected: 1, errors: ['send victim', 'close victim'], removals: ['victim removed'] })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim, others } = stage.cast({ kind: 'plain', script: { send: late.hook } })
    stage.publish()
    await stage.manager.cleanup()
    const sentBefore = stage.stats.sent

    late.reject()
    victim.socket.rejected = 1
    await stage.settle()

    assert.deepEqual([sentBefore, stage.stats.sent], [others.length + 1, others.length + 1], 'what was sent stays sent')
    stage.expect({ rejected: 1, errors: ['send victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const sendNeverSettles = fault('send never settles', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain', script: { send: trial.hangs() } })
    victim.condition = 'healthy'

    for (let i = 0; i < 3; i++) assert.equal(stage.publish().sent, others.length + 1)
    await stage.settle()
    stage.clock.advance(3_600_000)

    assert.equal(victim.connection.removed, false)
    assert.deepEqual(victim.numbers, [1, 2, 3])
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered', script: { send: trial.hangs() } })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()

    victim.socket.buffered = 0
    victim.connection.drained()

    assert.equal(victim.connection.flush(), true, 'a promise holds nothing up')
    stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'plain', script: { send: trial.hangs() } })
    stage.publish()

    assert.equal(await victim.connection.remove(), true)

    assert.equal(stage.clock.pendingTimers, 0, 'nobody waits for what was sent')
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'metered', script: { send: trial.hangs() } })
    stage.jam(victim)
    stage.publish()
    stage.publish()
    victim.socket.buffered = 0

    const report = await stage.manager.cleanup({ deadlineMs: Infinity })

    assert.deepEqual(report, { closed: others.length + 1, failed: 0, timedOut: 0 })
    stage.assertNumbers(victim, [1, 2])
    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const sending = [...sendThrows, ...sendRejects, ...sendNeverSettles]
