import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import { framing } from './scripted-socket.ts'

const isNotice = (text: string): boolean => text.startsWith('{"type":"gap"')

const frameThrows = fault('frame throws', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const [one, another] = [framing(trial.throws('throw of one')), framing(trial.throws('throw of another'))]
    const framed = ['first', 'second'].map((name) => stage.connect(name, { transport: one }))
    const { others } = stage.cast({ transport: another })
    for (const actor of [...framed, stage.connect('last', { transport: another })]) actor.condition = 'faulty'

    const results = [stage.publish(), stage.publish()]

    for (const { failed, sent } of results) assert.deepEqual([failed, sent], [4, others.length])
    assert.deepEqual([...trial.injected.values()], [2, 2], 'one frame a message and transport, whoever shares it')
    stage.expect({ failed: 8, errors: ['transport first', 'transport first', 'transport victim', 'transport victim'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const publisher = stage.connect('publisher', { kind: 'plain' })
    const { victim } = stage.cast({ transport: framing((text) => (text.includes('"n":2,') ? trial.throws()() : text)) })
    publisher.script.send = trial.once('publish of two', () => void [stage.publish('BOOK', { padding: 1 }), stage.publish()])

    const { failed } = stage.publish()
    const flushed = victim.connection.flush()

    assert.deepEqual([failed, flushed], [0, true])
    stage.assertNumbers(victim, [1, 3])
    stage.expect({ failed: 1, errors: ['transport victim'] })
  },

  behind(trial) {
    const stage = trial.stage()
    let isBroken = false
    const { victim } = stage.cast({ transport: framing((text) => (isBroken ? trial.throws()() : text)) })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    isBroken = true

    const { failed, queued } = stage.publish()
    victim.socket.drain()

    assert.deepEqual([failed, queued], [1, 0], 'what waits is untouched')
    stage.assertNumbers(victim, [1, 2, 3])
    stage.expect({ failed: 1, errors: ['transport victim'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ transport: framing((text) => (isNotice(text) ? trial.throws()() : text)) })
    stage.jam(victim)
    const published = stage.overflow('TICKS')
    const waiting = stage.waitingFor(victim)

    victim.socket.drain()

    const { failed, purged, dropped } = stage.stats
    assert.deepEqual([dropped, failed + purged], [1, waiting], 'it learns nothing of a gap, so it may not go on')
    assert.deepEqual([victim.numbers, victim.missed, stage.publish().matched], [[], 0, others.length])
    assert.equal(published, waiting + dropped)
    stage.expect({ dropped: 1, failed: 'any', purged: 'any', errors: ['send victim', 'transport victim'], removals: ['victim send-failed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ transport: framing((text) => (isNotice(text) ? trial.throws()() : text)) })
    stage.jam(victim)
    stage.overflow('TICKS')
    victim.socket.buffered = 0

    const report = await stage.manager.cleanup()

    assert.deepEqual(report, { closed: others.length + 1, failed: 0, timedOut: 0 })
    stage.assertNumbers(victim, [])
    const removals = [...others, victim].map(({ name }) => `${name} cleanup`)
    stage.expect({ dropped: 1, failed: 'any', purged: 'any', errors: ['send victim', 'transport victim'], removals })
  },
})

const frameAnswersPromise = fault('frame returns a promise', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    stage.cast({ transport: framing(trial.rejects()) })

    const { failed } = stage.publish()
    await stage.settle()

    assert.equal(failed, 1)
    stage.expect({ failed: 1, errors: ['transport victim'] })
  },

  async 'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ transport: framing((text) => (isNotice(text) ? trial.hangs()() : text)) })
    stage.jam(victim)
    stage.overflow('TICKS')

    victim.socket.drain()
    await stage.settle()

    assert.deepEqual([victim.numbers, victim.missed], [[], 0])
    stage.expect({ dropped: 1, failed: 'any', purged: 'any', errors: ['send victim', 'transport victim'], removals: ['victim send-failed'] })
  },
})

const frameReenters = fault('frame calls the manager', {
  'before its turn'(trial) {
    const stage = trial.stage()
    const frame = trial.once('removal', () => stage.client('victim').isGone || void stage.manager.removeConnection('victim'))
    stage.connect('first', { transport: framing((text) => (frame(), text)) })
    const { victim, others } = stage.cast({ kind: 'batching' })

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [1, others.length + 1])
    stage.assertNumbers(victim, [])
    stage.expect({ skipped: 1, removals: ['victim removed'] })
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const frame = trial.once('unsubscription', () => stage.unsubscribe(victim, 'BOOK'))
    const { victim, others } = stage.cast({ transport: framing((text) => (frame(), text)) })

    const results = [stage.publish(), stage.publish()]
    victim.connection.flush()

    assert.deepEqual(results.map(({ matched, skipped }) => [matched, skipped]), [[others.length + 1, 1], [others.length, 0]])
    stage.assertNumbers(victim, [])
    stage.expect({ skipped: 1 })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const frame = trial.once('removal of its own', () => void victim.connection.remove())
    const { victim } = stage.cast({ transport: framing((text) => (isNotice(text) && frame(), text)) })
    stage.jam(victim)
    stage.overflow('TICKS')
    const waiting = stage.waitingFor(victim)

    victim.socket.drain()

    assert.deepEqual([victim.numbers, victim.socket.writes], [[], []])
    stage.expect({ dropped: 1, purged: waiting, removals: ['victim removed'] })
  },
})

export const framingFaults = [...frameThrows, ...frameAnswersPromise, ...frameReenters]
