import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'

const NOT_TOO_OLD = { delivery: { maxLagMs: Infinity } }

const neverFires = fault('onDrain never fires', {
  idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { listen: trial.answers(() => {}, Infinity, 'deaf listener') } })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.buffered = 0
    stage.clock.advance(59_999)
    assert.equal(victim.connection.removed, false)

    stage.clock.advance(1)

    stage.assertNumbers(victim, [])
    assert.equal(stage.clock.pendingTimers, 0)
    stage.expect({ purged: 3, removals: ['victim slow-consumer'] })
  },

  async behind(trial) {
    const stage = trial.stage(NOT_TOO_OLD)
    const { victim } = stage.cast({ kind: 'telling', script: { listen: trial.answers(() => {}, Infinity, 'deaf listener') } })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.buffered = 0
    stage.clock.advance(60_000)
    assert.deepEqual([victim.numbers, stage.clock.pendingTimers], [[], 0], 'who says that it tells is not asked')

    stage.publish()
    await stage.settle()

    stage.assertNumbers(victim, [1, 2, 3, 4])
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { listen: trial.answers(() => {}, Infinity, 'deaf listener') } })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.buffered = 0

    victim.connection.drained()

    stage.assertNumbers(victim, [1, 2, 3])
    assert.equal(stage.stats.connectionsBehind, 0)
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { listen: trial.answers(() => {}, Infinity, 'deaf listener') } })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.buffered = 0

    await victim.connection.remove()

    stage.assertNumbers(victim, [1, 2, 3])
    stage.expect({ removals: ['victim removed'] })
  },
})

const firesTooOften = fault('onDrain fires too often', {
  async idle(trial) {
    const stage = trial.stage()
    const listeners: (() => void)[] = []
    const { victim } = stage.cast({ kind: 'telling', script: { listen: (listener) => (listeners.push(listener), () => {}) } })
    victim.condition = 'slow'
    let published = 0
    for (let round = 1; round <= 3; round++) {
      stage.jam(victim)
      published += await stage.publishUntilBehind()
      victim.socket.buffered = 0
      for (const listener of listeners) listener()
    }
    const writesBefore = victim.socket.writes.length

    for (const listener of listeners) for (let i = 0; i < 100; i++) (trial.inject('late drain'), listener())
    await stage.settle()

    assert.equal(victim.socket.writes.length, writesBefore, 'who has caught up has nothing to write')
    assert.equal(listeners.length, 3)
    stage.assertNumbers(victim, Array.from({ length: published }, (_, i) => i + 1))
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()

    for (let i = 0; i < 1_000; i++) for (const listener of victim.socket.drainListeners) (trial.inject('early drain'), listener())

    assert.deepEqual([victim.socket.writes, stage.waitingFor(victim), victim.socket.drainListeners.size], [[], 3, 1])
    victim.socket.drain()
    stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 8; i++) stage.publish('BOOK', { padding: 300 })
    victim.script.write = () => {
      for (const listener of [...victim.socket.drainListeners]) (trial.inject('drain in a write'), listener())
    }

    victim.socket.drain()

    stage.assertNumbers(victim, [1, 2, 3, 4, 5, 6, 7, 8])
    assert.ok(victim.socket.writes.length > 1)
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { write: trial.answers(1, Infinity, 'partial write') } })
    victim.condition = 'slow'
    victim.script.listen = (listener) => {
      for (let i = 0; i < 2; i++) (trial.inject('drain on registration'), listener())
      victim.socket.drainListeners.add(listener)
      return () => void victim.socket.drainListeners.delete(listener)
    }
    stage.jam(victim)
    for (let i = 0; i < 5; i++) stage.publish()

    for (let i = 0; i < 5; i++) victim.socket.drain()

    stage.assertNumbers(victim, [1, 2, 3, 4, 5])
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    stage.publish()
    const listeners = [...victim.socket.drainListeners]
    victim.script.close = () => {
      victim.socket.buffered = 0
      for (const listener of listeners) (trial.inject('drain while closing'), listener())
    }

    await victim.connection.remove()

    assert.deepEqual([listeners.length, victim.numbers], [1, []])
    stage.expect({ purged: 1, removals: ['victim removed'] })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    stage.publish()
    const listeners = [...victim.socket.drainListeners]
    await stage.manager.cleanup()
    victim.socket.buffered = 0

    for (const listener of listeners) (trial.inject('late drain'), listener())
    victim.connection.drained()

    assert.deepEqual([listeners.length, victim.connection.flush(), victim.numbers], [1, true, []])
    stage.expect({ purged: 1, removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

const throws = fault('onDrain throws', {
  behind(trial) {
    const stage = trial.stage(NOT_TOO_OLD)
    const { victim } = stage.cast({ kind: 'telling', script: { listen: trial.throws() } })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    assert.equal(stage.clock.pendingTimers, 1, 'it is asked instead')

    victim.socket.buffered = 0
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3])
    assert.equal(stage.clock.pendingTimers, 0)
    stage.expect({ errors: ['transport victim'] })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling', script: { write: trial.answers(1, 1, 'partial write'), listen: trial.throws() } })
    victim.condition = 'slow'
    for (let i = 0; i < 3; i++) stage.publish()

    await stage.settle()
    assert.deepEqual([victim.numbers, stage.waitingFor(victim)], [[1], 2])
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3])
    stage.expect({ errors: ['transport victim'] })
  },
})

const answersNoFunction = fault('onDrain returns no function', {
  async behind(trial) {
    const stage = trial.stage()
    const answers: unknown[] = [undefined, null, {}, 'stop', Promise.reject(new Error('Injected: no function'))]
    stage.cast()
    const victims = answers.map((answer, i) =>
      stage.connect(`victim ${i}`, { kind: 'telling', script: { listen: trial.answers(answer, Infinity, 'no function') } }))
    for (const victim of victims) (victim.condition = 'slow', stage.jam(victim))
    stage.publish()
    await stage.settle()

    for (const { socket } of victims) socket.buffered = 0
    stage.clock.advance(50)

    for (const victim of victims) stage.assertNumbers(victim, [1])
    stage.expect({ errors: victims.map(({ name }) => `transport ${name}`) })
  },
})

const stopThrows = fault('the stop function of onDrain throws', {
  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    victim.script.listen = (listener) => {
      victim.socket.drainListeners.add(listener)
      return () => (victim.socket.drainListeners.delete(listener), trial.throws()())
    }
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()

    victim.socket.drain()

    assert.equal(victim.connection.removed, false)
    stage.assertNumbers(victim, [1, 2, 3])
    stage.expect({ errors: ['transport victim'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'telling', script: { listen: () => trial.throws() } })
    stage.jam(victim)
    stage.publish()

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length + 1, failed: 0, timedOut: 0 })
    stage.expect({ purged: 1, errors: ['transport victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const draining = [...neverFires, ...firesTooOften, ...throws, ...answersNoFunction, ...stopThrows]
