import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'

const framesIn = (writes: readonly (readonly string[])[]): number[] => writes.map(({ length }) => length)

const writeThrows = fault('write throws', {
  connecting(trial) {
    const stage = trial.stage()
    stage.connect('other')
    const flushes: boolean[] = []
    stage.manager.on('connectionAdded', ({ connection }) => {
      if (connection.id !== 'victim') return
      stage.sendTo(stage.client('victim'))
      flushes.push(connection.flush())
    })

    const victim = stage.admit('victim', { kind: 'batching', script: { write: trial.throws() } })

    assert.deepEqual([flushes.length, victim.connection.removed, victim.socket.closes], [1, true, ['send-failed']])
    stage.assertForgotten(victim)
    stage.expect({ failed: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { others } = stage.cast({ kind: 'telling', script: { write: trial.throws() } })
    // More than the soft limit: the next message has it written before it is taken.
    const results = [stage.publish('BOOK', { padding: 1_500 }), stage.publish(), stage.publish()]

    assert.deepEqual(results.map(({ matched, failed }) => [matched, failed]), [[others.length + 1, 0], [others.length + 1, 1], [others.length, 0]])
    assert.equal(trial.injected.get('throw'), 1)
    stage.expect({ failed: 2, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'in the batch'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching', script: { write: trial.throws() } })
    stage.publish()
    stage.publish('ORDERS', { userId: 'victim' })

    victim.connection.flush()

    assert.equal(victim.connection.removed, true)
    assert.equal(stage.publish().matched, others.length, 'the rest of the tick goes to the others')
    assert.equal(victim.connection.flush(), true, 'nothing is left of it')
    stage.expect({ failed: 2, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const first = stage.connect('first', { kind: 'batching' })
    const { victim, others } = stage.cast({ kind: 'telling', script: { write: trial.throws() } })
    first.script.write = trial.once('publish', () => stage.publish('BOOK', { to: [first, ...others] }))
    stage.traffic(3, ['victim'])
    const due = victim.due.length

    await stage.settle()

    assert.equal(stage.ledger.matched, stage.stats.matched, 'what is published meanwhile does not match it any more')
    assert.equal(victim.socket.writes.length, 1)
    stage.expect({ failed: due, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 6; i++) stage.publish('BOOK', { padding: 300 })
    victim.script.write = trial.throws()

    victim.socket.drain()

    const [offered = 0] = framesIn(victim.socket.writes)
    assert.ok(offered >= 1 && offered < 6, 'no more is offered at once than there is room for')
    assert.equal(victim.connection.removed, true)
    stage.expect({ failed: offered, purged: 6 - offered, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'batching', script: { write: trial.throws(), close: trial.throws('throw of close') } })
    stage.publish()
    stage.publish()

    const removal = victim.connection.remove()

    assert.deepEqual(stage.manager.getUserConnections('victim'), [friend.socket])
    assert.equal(await removal, true)
    assert.deepEqual(victim.socket.closes, ['removed'])
    stage.expect({ failed: 2, errors: ['send victim', 'close victim'], removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching', script: { write: trial.throws() } })
    for (let i = 0; i < 3; i++) stage.publish()

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length + 1, failed: 0, timedOut: 0 })
    for (const { numbers } of others) assert.deepEqual(numbers, [1, 2, 3], 'the batches of the others were handed on')
    stage.expect({ failed: 3, errors: ['send victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const writeRejects = fault('write rejects later', {
  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching', script: { write: trial.rejects() } })
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.rejected = 3

    await stage.settle()

    assert.deepEqual(framesIn(victim.socket.writes), [3])
    stage.expect({ rejected: 3, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.write = trial.rejects()
    victim.socket.rejected = 3
    victim.socket.drain()
    assert.deepEqual([stage.waitingFor(victim), stage.stats.rejected], [0, 0], 'nobody knows yet')
    stage.jam(victim)
    stage.publish()

    await stage.settle()

    stage.expect({ rejected: 3, purged: 1, errors: ['send victim'], removals: ['victim send-failed'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim } = stage.cast({ kind: 'batching', script: { write: late.hook } })
    stage.publish()
    assert.equal(await victim.connection.remove(), true)

    late.reject()
    victim.socket.rejected = 1
    await stage.settle()

    assert.deepEqual(victim.socket.closes, ['removed'])
    stage.expect({ rejected: 1, errors: ['send victim'], removals: ['victim removed'] })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const late = trial.rejectsLater()
    const { victim, others } = stage.cast({ kind: 'batching', script: { write: late.hook } })
    stage.publish()
    stage.publish()
    await stage.manager.cleanup()

    late.reject()
    victim.socket.rejected = 2
    await stage.settle()

    stage.expect({ rejected: 2, errors: ['send victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const acceptsInPart = fault('write accepts part of a batch', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'slow'
    stage.publish('BOOK', { padding: 600 })
    stage.publish('BOOK', { padding: 600 })
    victim.script.write = trial.answers(1, 1, 'partial write')

    const result = stage.publish()

    assert.equal(result.queued, 1, 'it stands behind what was not accepted')
    assert.equal(stage.waitingFor(victim), 2)
    stage.clock.advance(50)
    stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'slow'
    victim.script.write = trial.answers(1, Infinity, 'partial write')
    for (let i = 0; i < 4; i++) stage.publish()
    await stage.settle()
    assert.deepEqual([stage.waitingFor(victim), stage.stats.connectionsBehind], [3, 1])

    for (let i = 0; i < 3; i++) stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3, 4])
    assert.equal(stage.stats.connectionsBehind, 0)
  },

  async behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching', streams: ['PRICE', 'BOOK'] })
    victim.condition = 'slow'
    victim.script.write = trial.answers(1, Infinity, 'partial write')
    for (const streamType of ['BOOK', 'PRICE', 'BOOK'] as const) stage.publish(streamType)
    await stage.settle()
    delete victim.script.write

    const { conflated } = stage.publish('PRICE')
    await stage.settle()
    stage.clock.advance(50)

    assert.equal(conflated, 1, 'what was put back is replaced')
    stage.assertNumbers(victim, [1, 4, 3])
    stage.expect({ conflated: 1 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.jam(victim)
    // So long that there is never room for all that waits.
    for (let i = 0; i < 4; i++) stage.publish('BOOK', { padding: 300 })
    stage.publish('ORDERS', { userId: 'victim' })
    victim.script.write = trial.answers(1, Infinity, 'partial write')

    for (let i = 5; i > 0; i--) {
      victim.socket.drain()
      assert.equal(stage.waitingFor(victim), i - 1)
    }
    assert.ok(victim.socket.writes.some(({ length }, i) => length > 1 && length < 5 - i), 'some of what it is offered, and not all, is taken')

    stage.assertNumbers(victim, [5, 1, 2, 3, 4])
    assert.equal(victim.socket.drainListeners.size, 0)
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching', script: { write: trial.answers(1, Infinity, 'partial write') } })
    for (let i = 0; i < 3; i++) stage.publish()

    await victim.connection.remove()

    stage.assertNumbers(victim, [1])
    stage.expect({ purged: 2, removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'telling', script: { write: trial.answers(1, Infinity, 'partial write') } })
    stage.jam(victim)
    for (let i = 0; i < 4; i++) stage.publish()
    victim.socket.buffered = 0

    await stage.manager.cleanup()

    stage.assertNumbers(victim, [1])
    assert.equal(victim.socket.drainListeners.size, 0)
    stage.expect({ purged: 3, removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

/** What a write answers → how many of three that means. */
const NONSENSE = new Map<unknown, number>([
  [NaN, 0], [-1, 0], [-Infinity, 0], [0.5, 0], [2.9, 2], [1e9, 3], [Infinity, 3], ['1', 3], [null, 3], [true, 3], [{ length: 1 }, 3],
])

const answersNonsense = fault('write returns an invalid count', {
  async 'during the flush'(trial) {
    const stage = trial.stage()
    stage.cast()
    const victims = Array.from(NONSENSE, ([answer], i) =>
      stage.connect(`victim ${i}`, { kind: 'batching', streams: ['BOOK'], script: { write: trial.answers(answer) } }))
    for (const victim of victims) victim.condition = 'slow'
    for (let i = 0; i < 3; i++) stage.publish()

    await stage.settle()

    assert.deepEqual(victims.map(({ received }) => received.length), [...NONSENSE.values()])
    for (const { script } of victims) delete script.write
    stage.clock.advance(50)
    for (const victim of victims) stage.assertNumbers(victim, [1, 2, 3])
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching', script: { write: trial.answers(NaN) } })
    stage.jam(victim)
    stage.publish()
    victim.socket.buffered = 0
    stage.overwhelm(victim)

    assert.deepEqual([victim.numbers, victim.socket.terminations, victim.socket.closes], [[], 0, ['slow-consumer']], 'it says that it has room')
    assert.equal(stage.publish().matched, others.length)
    stage.expect({ failed: 1, purged: victim.due.length - 1, removals: ['victim slow-consumer'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching', script: { write: trial.answers(-1) } })
    stage.publish()
    stage.publish()

    const report = await stage.manager.cleanup()

    assert.equal(report.closed, others.length + 1)
    stage.assertNumbers(victim, [])
    stage.expect({ purged: 2, removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const writing = [...writeThrows, ...writeRejects, ...acceptsInPart, ...answersNonsense]
