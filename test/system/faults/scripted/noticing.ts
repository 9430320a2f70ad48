import assert from 'node:assert/strict'
import type { Notice } from '../../../../src/index.ts'
import { fault } from '../scenario.ts'
import type { Stage } from './stage.ts'

const BOOK = { streamType: 'BOOK', symbol: 'A' } as const

const textOf = ({ type, streamType, symbol, ...what }: Notice): string => JSON.stringify({ type, stream_type: streamType, symbol, dropped: null, ...what })
const statusOf = ({ manager }: Stage, userId: string): unknown => manager.getUserSubscriptions(userId).find(({ streamType }) => streamType === 'BOOK')?.status

const throws = fault('serializeNotice throws', {
  idle(trial) {
    const stage = trial.stage({ serializeNotice: trial.throws() as () => never })
    const { victim } = stage.cast()
    victim.condition = 'healthy'

    assert.throws(() => stage.manager.notifyGap(BOOK, 1), { code: 'ERR_UNSERIALIZABLE' })
    assert.throws(() => stage.manager.setStreamStatus(BOOK, 'ERROR'), { code: 'ERR_UNSERIALIZABLE' })

    assert.deepEqual([stage.stats.matched, statusOf(stage, 'victim')], [0, 'CONNECTED'])
  },

  connecting(trial) {
    let isBroken = false
    const stage = trial.stage({ serializeNotice: (notice) => (isBroken ? (trial.throws()() as never) : textOf(notice)) })
    const { others } = stage.cast({ kind: 'plain' })
    stage.toldMatched = others.length + 1
    stage.manager.setStreamStatus(BOOK, 'ERROR')
    isBroken = true

    const newcomer = stage.connect('newcomer')

    assert.deepEqual([newcomer.connection.removed, newcomer.told, statusOf(stage, 'newcomer')], [false, [], 'ERROR'])
    stage.expect({ errors: ['send newcomer'] })
  },

  'on drain'(trial) {
    let isBroken = false
    const stage = trial.stage({ serializeNotice: (notice) => (isBroken ? (trial.throws()() as never) : textOf(notice)) })
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    stage.overflow('TICKS')
    isBroken = true

    victim.socket.drain()

    assert.equal(victim.connection.removed, true, 'its client would not learn what it misses')
    stage.expect({ dropped: stage.stats.dropped, failed: stage.stats.failed, purged: stage.stats.purged, errors: ['send victim'], removals: ['victim send-failed'] })
  },
})

const answersNonsense = fault('serializeNotice returns no text', {
  async idle(trial) {
    let answer: unknown
    const stage = trial.stage({ serializeNotice: () => (trial.inject('no text'), answer as string) })
    stage.cast()
    for (const each of [undefined, null, 7, {}, Promise.resolve('text'), Promise.reject(new Error('Injected: rejection'))]) {
      answer = each
      assert.throws(() => stage.manager.notifyGap(BOOK, 1), { code: 'ERR_UNSERIALIZABLE' })
      assert.throws(() => stage.manager.setStreamStatus(BOOK, 'ERROR'), { code: 'ERR_UNSERIALIZABLE' })
    }
    await stage.settle()

    assert.deepEqual([stage.stats.matched, statusOf(stage, 'victim')], [0, 'CONNECTED'])
  },
})

const reenters = fault('serializeNotice calls the manager', {
  idle(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ serializeNotice: (notice) => (act(), textOf(notice)) })
    const { others } = stage.cast({ kind: 'plain' })
    act = trial.once('removal', () => void stage.manager.removeUser('victim'))
    stage.toldMatched = others.length - 1

    assert.equal(stage.manager.setStreamStatus(BOOK, 'ERROR'), true)

    stage.expect({ removals: ['victim removed', 'friend removed'] })
  },

  subscribing(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ serializeNotice: (notice) => (act(), textOf(notice)) })
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    stage.subscribeUser('victim', 'ORDERS', 'B')
    stage.toldMatched = 2
    stage.manager.setStreamStatus({ streamType: 'ORDERS', symbol: 'B', userId: 'victim' }, 'ERROR')
    act = trial.once('reassignment', () => stage.manager.getConnection('newcomer')?.reassign('another'))

    const newcomer = stage.admit('newcomer', { userId: 'victim', kind: 'plain' })

    assert.deepEqual([newcomer.connection.userId, newcomer.told], ['another', []], 'nobody else learns of a private stream')
  },

  'during cleanup'(trial) {
    let act = (): unknown => undefined
    const stage = trial.stage({ serializeNotice: (notice) => (act(), textOf(notice)) })
    const { victim, others } = stage.cast()
    act = trial.once('cleanup', () => void stage.manager.cleanup())

    assert.throws(() => stage.manager.notifyGap(BOOK, 1), { code: 'ERR_CLOSED' })

    stage.expect({ removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

export const noticing = [...throws, ...answersNonsense, ...reenters]
