import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import type { Kind } from './scripted-socket.ts'

const MEASURED: readonly Kind[] = ['metered', 'batching', 'telling']
const HUGE = Number.MAX_SAFE_INTEGER

const readingThrows = fault('bufferedBytes throws', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(MEASURED), script: { reading: trial.throws() } })
    victim.condition = 'healthy'

    for (let i = 0; i < 3; i++) assert.equal(stage.publish().sent, others.length + 1)
    await stage.settle()

    stage.assertNumbers(victim, [1, 2, 3])
  },

  async behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(MEASURED) })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.reading = trial.throws()

    const { queued } = stage.publish()
    await stage.settle()

    assert.equal(queued, 1, 'it stands behind those that wait')
    stage.assertNumbers(victim, [1, 2, 3, 4])
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'metered' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.reading = trial.throws()

    stage.clock.advance(50)

    assert.deepEqual([stage.stats.connectionsBehind, stage.clock.pendingTimers], [0, 0])
    stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(MEASURED) })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.reading = trial.throws()

    await stage.manager.cleanup()

    stage.assertNumbers(victim, [1, 2, 3])
    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const NO_READINGS: readonly unknown[] = [NaN, -1, -Infinity, '1000000', null, undefined, {}, 10n ** 9n]

const readingLies = fault('bufferedBytes returns wrong values', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    stage.cast()
    const victims = NO_READINGS.map((reading, i) =>
      stage.connect(`victim ${i}`, { kind: trial.one(MEASURED), script: { reading: trial.answers(reading, Infinity, 'no reading') } }))
    stage.connect('promising', { kind: trial.one(MEASURED), script: { reading: trial.rejects() } })

    for (let i = 0; i < 3; i++) assert.equal(stage.publish().sent, stage.manager.connectionCount)
    await stage.settle()

    for (const victim of victims) stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'in the batch'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'slow'
    stage.publish()
    await stage.settle()
    victim.script.reading = trial.answers(HUGE)
    stage.publish()
    await stage.settle()
    stage.assertNumbers(victim, [1, 2])
    const { queued } = stage.publish()
    await stage.settle()
    assert.deepEqual([queued, stage.waitingFor(victim)], [1, 1], 'a second turn believes it')

    victim.script.reading = () => 0
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3])
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(MEASURED), script: { reading: trial.answers(HUGE) } })
    const count = stage.overwhelm(victim)

    assert.equal(victim.socket.closes.length + victim.socket.terminations, 1)
    assert.equal(stage.publish().matched, others.length)
    stage.assertForgotten(victim)
    stage.expect({ failed: 1, purged: count - 1, removals: ['victim slow-consumer'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { reading: () => (trial.inject('random reading'), trial.one([0, NaN, HUGE, -1, 100])) } })
    victim.condition = 'slow'
    for (let i = 0; i < 30; i++) {
      stage.publish(trial.one(['BOOK', 'PRICE', 'TICKS', 'QUOTES']))
      if (i % 3 === 0) victim.socket.drain()
      stage.assertBalanced()
    }

    victim.script.reading = () => 0
    victim.connection.flush()

    assert.equal(stage.stats.connectionsBehind, 0)
    stage.expect({ conflated: 'any' })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: trial.one(MEASURED) })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.reading = trial.answers(HUGE)

    await victim.connection.remove()

    stage.assertNumbers(victim, [])
    stage.expect({ purged: 3, removals: ['victim removed'] })
  },
})

const readingReenters = fault('bufferedBytes calls the manager', {
  'before its turn'(trial) {
    const stage = trial.stage()
    const first = stage.connect('first', { kind: 'metered' })
    const { victim, others } = stage.cast()
    const remove = trial.once('removal', () => void victim.connection.remove())
    first.script.reading = () => (remove(), 0)

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [1, others.length + 1])
    stage.expect({ skipped: 1, removals: ['victim removed'] })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: trial.one(MEASURED) })
    const remove = trial.once('removal of its own', () => void victim.connection.remove())
    victim.script.reading = () => (remove(), 0)

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [1, others.length])
    stage.assertNumbers(victim, [])
    stage.expect({ skipped: 1, removals: ['victim removed'] })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    stage.jam(victim)
    stage.publish()
    stage.publish('TICKS')
    stage.publish()
    const unsubscribe = trial.once('unsubscription', () => stage.unsubscribe(victim, 'BOOK'))
    victim.script.reading = () => (unsubscribe(), 0)

    await stage.settle()

    stage.assertNumbers(victim, [2])
    stage.expect({ purged: 2 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    const cleanUp = trial.once('cleanup', () => void stage.manager.cleanup())
    victim.script.reading = () => (cleanUp(), 0)

    victim.socket.drain()

    assert.equal(stage.manager.closed, true)
    stage.assertForgotten(victim, ...others)
    const { purged } = stage.stats
    assert.equal(purged + victim.received.length, 3)
    stage.expect({ purged, removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const measuring = [...readingThrows, ...readingLies, ...readingReenters]
