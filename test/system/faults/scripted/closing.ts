import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import type { Kind } from './scripted-socket.ts'

const WITH_TRANSPORT: readonly Kind[] = ['batching', 'telling']
const CLOSE_TIMEOUT_MS = 5_000

const closeThrows = fault('close throws', {
  connecting(trial) {
    const stage = trial.stage()
    const removals: Promise<boolean>[] = []
    stage.manager.on('connectionAdded', ({ connection }) => void removals.push(connection.remove()))

    const victim = stage.admit('victim', { kind: trial.one(WITH_TRANSPORT), script: { close: trial.throws() } })

    assert.equal(victim.connection.removed, true)
    assert.deepEqual([victim.socket.closes, victim.socket.terminations], [['removed'], 1])
    stage.assertForgotten(victim)
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  async idle(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'plain', script: { close: trial.throws() } })

    const isRemoved = await stage.manager.removeConnection('victim')

    assert.deepEqual([isRemoved, victim.socket.closes], [true, [undefined]])
    assert.deepEqual(stage.manager.getUserConnections('victim'), [friend.socket])
    assert.equal(stage.publish().failed, 0)
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { others } = stage.cast({ kind: 'plain', script: { send: trial.throws('throw of send'), close: trial.throws('throw of close') } })

    const { failed, sent } = stage.publish()

    assert.deepEqual([failed, sent], [1, others.length])
    assert.deepEqual(stage.observer.errors, ['send victim', 'close victim'], 'in the order in which they happened')
    stage.expect({ failed: 1, errors: ['send victim', 'close victim'], removals: ['victim send-failed'] })
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'metered', script: { close: trial.throws() } })
    stage.jam(victim)
    stage.overwhelm(victim)

    assert.equal(stage.publish().sent, others.length)
    assert.deepEqual(victim.socket.closes, [1013, undefined], 'it is closed without a code if it throws because of one')
    stage.expect({ failed: 1, purged: victim.due.length - 1, errors: ['close victim'], removals: ['victim slow-consumer'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.throws() } })

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length, failed: 1, timedOut: 0 })
    assert.equal(victim.socket.terminations, 1)
    for (const { socket } of others) assert.equal(socket.closes.length, 1)
    stage.expect({ errors: ['close victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const closeRejects = fault('close rejects', {
  async idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.rejects() } })

    assert.equal(await victim.connection.remove(), true)
    await stage.settle()

    assert.deepEqual([victim.socket.terminations, stage.clock.pendingTimers], [1, 0], 'its deadline is given up')
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  async behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered', script: { close: trial.rejects() } })
    stage.jam(victim)
    stage.overwhelm(victim)

    await stage.settle()

    assert.equal(stage.clock.pendingTimers, 0)
    stage.expect({ failed: 1, purged: victim.due.length - 1, errors: ['close victim'], removals: ['victim slow-consumer'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const close = trial.rejects()
    const { victim, others, friend } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close } })
    friend.script.close = close

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length - 1, failed: 2, timedOut: 0 })
    stage.expect({ errors: ['close victim', 'close friend'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim, others } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: late.hook } })
    const cleanup = stage.manager.cleanup({ deadlineMs: 100 })
    stage.clock.advance(100)
    const report = await cleanup

    late.reject()
    await stage.settle()

    assert.deepEqual([report, victim.socket.terminations], [{ closed: others.length, failed: 0, timedOut: 1 }, 1])
    stage.expect({ errors: ['close victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const closeHangs = fault('close hangs', {
  async idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.hangs() } })
    const removal = victim.connection.remove()
    stage.assertForgotten(victim)

    const successor = stage.connect('victim', { userId: 'victim' })
    stage.publish()
    stage.clock.advance(CLOSE_TIMEOUT_MS)

    assert.deepEqual([await removal, successor.connection.removed, stage.manager.getConnection('victim')], [true, false, successor.connection])
    assert.deepEqual([victim.socket.terminations, victim.numbers], [1, []])
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain', script: { send: trial.throws(), close: trial.hangs() } })

    const results = [stage.publish(), stage.publish(), stage.publish()]
    stage.clock.advance(CLOSE_TIMEOUT_MS)

    assert.deepEqual(results.map(({ sent }) => sent), [others.length, others.length, others.length], 'nobody waits for a close')
    assert.equal(victim.socket.closes.length, 1)
    stage.expect({ failed: 1, errors: ['send victim', 'close victim'], removals: ['victim send-failed'] })
  },

  async behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { terminate: trial.hangs('hang of terminate'), close: trial.hangs() } })
    stage.jam(victim)
    stage.overwhelm(victim)
    assert.deepEqual([victim.socket.terminations, victim.socket.closes], [1, []], 'a slow consumer is terminated')

    stage.clock.advance(CLOSE_TIMEOUT_MS)
    await stage.settle()

    assert.deepEqual([victim.socket.terminations, victim.socket.closes], [1, ['slow-consumer']])
    stage.expect({ failed: 1, purged: victim.due.length - 1, errors: ['close victim'], removals: ['victim slow-consumer'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.hangs() } })
    const first = victim.connection.remove()

    const again = [await victim.connection.remove(), await stage.manager.removeConnection('victim'), await victim.connection.remove({ close: false })]
    const ofUser = await stage.manager.removeUser('victim')
    const cleanup = stage.manager.cleanup()
    stage.clock.advance(CLOSE_TIMEOUT_MS)

    assert.deepEqual([await first, again, ofUser], [true, [false, false, false], 1])
    assert.deepEqual(await cleanup, { closed: others.length - 1, failed: 0, timedOut: 1 }, 'cleanup waits for it, too')
    assert.equal(victim.socket.closes.length, 1)
    const rest = others.filter(({ name }) => name !== 'friend').map(({ name }) => `${name} cleanup`)
    stage.expect({ errors: ['close victim'], removals: ['victim removed', 'friend removed', ...rest] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const close = trial.hangs()
    const { victim, others, friend } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close } })
    friend.script.close = close
    const cleanup = stage.manager.cleanup({ deadlineMs: 1_000 })
    stage.assertForgotten(victim, ...others)
    assert.equal(stage.manager.cleanup(), cleanup)

    stage.clock.advance(999)
    assert.equal(stage.clock.pendingTimers, 1, 'one timer serves both')
    stage.clock.advance(1)

    assert.deepEqual(await cleanup, { closed: others.length - 1, failed: 0, timedOut: 2 })
    assert.equal(victim.socket.terminations, 1)
    stage.expect({ errors: ['close victim', 'close friend'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const terminateThrows = fault('terminate throws', {
  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { terminate: trial.throws() } })
    stage.jam(victim)
    stage.overwhelm(victim)

    assert.deepEqual([victim.socket.terminations, victim.socket.closes], [1, ['slow-consumer']], 'then it is closed')
    stage.expect({ failed: 1, purged: victim.due.length - 1, errors: ['close victim'], removals: ['victim slow-consumer'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.hangs(), terminate: trial.throws() } })
    const removal = victim.connection.remove()

    stage.clock.advance(CLOSE_TIMEOUT_MS)

    assert.equal(await removal, true)
    assert.equal(victim.socket.terminations, 1)
    stage.expect({ errors: ['close victim', 'close victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { close: trial.throws('throw of close'), terminate: trial.throws() } })

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length, failed: 1, timedOut: 0 }, 'it fails once')
    stage.expect({ errors: ['close victim', 'close victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const terminateRejects = fault('terminate rejects', {
  async behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(WITH_TRANSPORT), script: { terminate: trial.rejects() } })
    stage.jam(victim)
    stage.overwhelm(victim)

    await stage.settle()

    assert.deepEqual([victim.socket.closes, stage.clock.pendingTimers], [['slow-consumer'], 0])
    stage.expect({ failed: 1, purged: victim.due.length - 1, errors: ['close victim'], removals: ['victim slow-consumer'] })
  },
})

const closeReenters = fault('close calls the manager', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain', script: { send: trial.throws() } })
    victim.script.close = trial.once('publish', () => stage.publish('BOOK', { to: others }))

    const { failed } = stage.publish()
    await stage.settle()

    assert.deepEqual([failed, stage.stats.deferred], [1, 1])
    for (const { numbers } of others) assert.deepEqual(numbers, [1, 2])
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    const { userId } = others[0] as { userId: string }
    const wasKnown: boolean[] = []
    victim.script.close = trial.once('removal of another user', () => {
      wasKnown.push(stage.manager.activeConnections.has('victim'))
      void stage.manager.removeUser(userId)
      stage.connect('victim', { userId: 'victim' })
      stage.publish()
    })

    assert.equal(await victim.connection.remove(), true)

    const gone = others.filter((other) => other.userId === userId)
    assert.deepEqual([wasKnown, stage.client('victim').isGone], [[false], false], 'its id is free when its socket is closed')
    stage.assertForgotten(...gone)
    stage.expect({ removals: ['victim removed', ...gone.map(({ name }) => `${name} removed`)] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    const refused: unknown[] = []
    victim.script.close = trial.once('return', () => {
      const { manager } = stage
      refused.push(manager.cleanup())
      assert.throws(() => stage.publish(), { code: 'ERR_CLOSED' })
      assert.throws(() => manager.addConnection('late', victim.socket, 'late'), { code: 'ERR_CLOSED' })
      assert.throws(() => victim.connection.subscribe({ streamType: 'BOOK', symbol: 'B' }), { code: 'ERR_CLOSED' })
      void manager.removeUser('victim')
    })

    const cleanup = stage.manager.cleanup()

    assert.deepEqual([refused.length, refused[0] === cleanup], [1, true])
    assert.deepEqual(await cleanup, { closed: others.length + 1, failed: 0, timedOut: 0 })
    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const closing = [...closeThrows, ...closeRejects, ...closeHangs, ...terminateThrows, ...terminateRejects, ...closeReenters]
