import assert from 'node:assert/strict'
import { fault } from '../scenario.ts'
import type { Actor, Cast } from './stage.ts'

const namesOf = (actors: readonly Actor[], reason: string): string[] => actors.map(({ name }) => `${name} ${reason}`)
const everybody = ({ victim, others }: Cast): Actor[] => [...others, victim]

const removesItself = fault('a socket removes itself', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.script.send = trial.once('removal', () => void victim.connection.remove())

    const results = [stage.publish(), stage.publish()]

    assert.deepEqual(results.map(({ sent, skipped }) => [sent, skipped]), [[others.length + 1, 0], [others.length, 0]])
    assert.deepEqual([victim.numbers, victim.socket.closes.length], [[1], 1])
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.write = () => (trial.inject('removal'), void victim.connection.remove(), 1)

    await stage.settle()

    assert.deepEqual([victim.numbers, victim.socket.writes.length], [[1], 1], 'what it did not take is discarded')
    stage.expect({ purged: 2, removals: ['victim removed'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    stage.jam(victim)
    for (let i = 0; i < 6; i++) stage.publish('BOOK', { padding: 300 })
    victim.script.write = trial.once('removal as a peer that has gone', () => void victim.connection.remove({ close: false }))

    victim.socket.drain()

    const taken = victim.received.length
    assert.deepEqual([victim.socket.writes.length, victim.socket.closes], [1, []])
    assert.ok(taken < 6)
    stage.expect({ purged: 6 - taken, removals: ['victim peer-closed'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const publisher = stage.connect('publisher', { kind: 'plain' })
    const { victim, others } = stage.cast({ kind: 'plain' })
    const rest = [publisher, ...others]
    publisher.script.send = trial.once('publish of two', () => {
      stage.publish('BOOK', { to: [...rest, victim] })
      stage.publish('BOOK', { to: rest })
    })
    victim.script.send = (text) => void (text.includes('"n":2}') && (trial.inject('removal'), victim.connection.remove()))

    stage.publish()

    stage.assertNumbers(victim, [1, 2])
    stage.expect({ removals: ['victim removed'] })
  },
})

const removesOthers = fault('a socket removes others', {
  async 'before its turn'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, others } = stage.cast({ kind: 'batching' })
    stage.publish()
    caller.script.send = trial.once('removal', () => void victim.connection.remove())

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [1, others.length + 1])
    stage.assertNumbers(victim, [1])
    stage.expect({ skipped: 1, removals: ['victim removed'] })
  },

  'after its turn'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching' })
    const caller = stage.connect('caller', { kind: 'plain' })
    caller.script.send = trial.once('removal', () => void victim.connection.remove())

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [0, others.length + 2])
    assert.deepEqual([victim.numbers, victim.socket.closes], [[1], ['removed']], 'its batch is handed on before it is closed')
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'batching' })
    const { victim } = stage.cast({ kind: 'batching' })
    stage.publish()
    stage.publish()
    caller.script.write = trial.once('removal as a peer that has gone', () => void victim.connection.remove({ close: false }))

    await stage.settle()

    assert.deepEqual([victim.numbers, victim.socket.writes, victim.socket.closes], [[], [], []])
    stage.expect({ purged: 2, removals: ['victim peer-closed'] })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'telling' })
    const { victim, friend } = stage.cast({ kind: 'telling' })
    caller.condition = friend.condition = 'slow'
    for (const actor of [caller, victim]) stage.jam(actor)
    for (let i = 0; i < 3; i++) stage.publish()
    caller.script.write = trial.once('removal', () => void stage.manager.removeConnection('victim'))

    caller.socket.drain()

    assert.deepEqual([caller.numbers, victim.numbers, victim.socket.drainListeners.size], [[1, 2, 3], [], 0])
    stage.expect({ purged: 3, removals: ['victim removed'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const caller = stage.connect('caller', { kind: 'plain' })
    const { victim, others } = stage.cast()
    caller.script.send = trial.once('publish and removal', () => {
      stage.publish('BOOK', { to: [caller, ...others] })
      void victim.connection.remove({ close: false })
    })

    const { skipped } = stage.publish()

    assert.deepEqual([skipped, victim.numbers], [1, []], 'who is gone when a deferred message has its turn is not matched')
    stage.expect({ skipped: 1, removals: ['victim peer-closed'] })
  },
})

const removesItsUser = fault('a socket removes its user', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, friend, others } = stage.cast({ kind: 'plain' })
    const views = stage.manager.getUserSubscriptions('victim')
    const counts: unknown[] = []
    victim.script.send = trial.once('removal', () => void stage.manager.removeUser('victim').then((count) => counts.push(count)))

    const { skipped, sent } = stage.publish()

    assert.deepEqual([skipped, sent], [1, others.length])
    assert.deepEqual(new Set(views.map(({ status }) => status)), new Set(['DISCONNECTED']))
    stage.assertForgotten(victim, friend)
    stage.expect({ skipped: 1, removals: ['victim removed', 'friend removed'] })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const { victim, friend, others } = stage.cast({ kind: 'plain' })
    const rest = others.filter((other) => other !== friend)
    victim.script.send = trial.once('publish and removal', () => {
      stage.publish('ORDERS', { userId: 'victim', to: [] })
      stage.publish('BOOK', { to: rest })
      void stage.manager.removeUser('victim')
    })

    stage.publish()

    assert.equal(stage.stats.deferred, 2)
    stage.assertNumbers(friend, [])
    stage.expect({ skipped: 1, removals: ['victim removed', 'friend removed'] })
  },
})

const cleansUp = fault('a socket cleans up', {
  'at its turn'(trial) {
    const stage = trial.stage()
    const cast = stage.cast({ kind: 'plain' })
    const { victim, before, after, friend } = cast
    victim.script.send = trial.once('cleanup', () => void stage.manager.cleanup())

    const { skipped, sent } = stage.publish()

    assert.deepEqual([sent, skipped], [before.length + 1, after.length + 1])
    for (const { numbers } of before) assert.deepEqual(numbers, [1], 'what they were given is handed on')
    for (const { socket } of [friend, ...after]) assert.deepEqual([socket.taken, socket.closes.length], [[], 1])
    stage.expect({ skipped: after.length + 1, removals: namesOf(everybody(cast), 'cleanup') })
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const cast = stage.cast({ kind: 'batching' })
    stage.publish()
    stage.publish()
    cast.victim.script.write = trial.once('cleanup', () => void stage.manager.cleanup())

    await stage.settle()

    for (const { numbers } of everybody(cast)) assert.deepEqual(numbers, [1, 2])
    stage.expect({ removals: namesOf(everybody(cast), 'cleanup') })
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const cast = stage.cast({ kind: 'telling' })
    const { victim, friend } = cast
    for (const actor of [victim, friend]) stage.jam(actor)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.write = trial.once('cleanup', () => void stage.manager.cleanup())

    victim.socket.drain()

    const waitingForFriend = friend.due.length - friend.received.length
    assert.deepEqual(victim.numbers, [1, 2, 3])
    stage.expect({ purged: waitingForFriend, removals: namesOf(everybody(cast), 'cleanup') })
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const cast = stage.cast({ kind: 'plain' })
    const { victim } = cast
    victim.script.send = trial.once('publishes and cleanup', () => {
      for (let i = 0; i < 3; i++) assert.equal(stage.publish('BOOK', { to: [] }).deferred, true)
      void stage.manager.cleanup()
      assert.throws(() => stage.publish(), { code: 'ERR_CLOSED' })
    })

    const { skipped } = stage.publish()

    assert.deepEqual([stage.stats.deferred, stage.stats.matched], [3, cast.others.length + 1], 'nobody is left to be matched')
    stage.expect({ skipped, removals: namesOf(everybody(cast), 'cleanup') })
  },
})

const subscribes = fault('a socket subscribes', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    const newcomer = stage.admit('newcomer', { kind: 'plain' })
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('subscriptions', () => {
      stage.subscribe(newcomer, 'BOOK')
      stage.connect('newer', { streams: ['BOOK'] })
    })

    const [first, second] = [stage.publish(), stage.publish()]
    await stage.settle()

    assert.equal(second.matched - first.matched, 2)
    stage.assertNumbers(newcomer, [2])
    assert.deepEqual(stage.client('newer').numbers, [2])
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const newcomer = stage.admit('newcomer', { kind: 'batching' })
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'healthy'
    stage.publish()
    victim.script.write = trial.once('subscription and publish', () => {
      stage.subscribe(newcomer, 'BOOK')
      stage.publish()
    })

    await stage.settle()

    stage.assertNumbers(newcomer, [2])
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage()
    const newcomer = stage.admit('newcomer', { kind: 'plain' })
    const { victim, others } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.send = trial.once('publish and subscription', () => {
      stage.publish('BOOK', { to: [newcomer, victim, ...others] })
      stage.subscribe(newcomer, 'BOOK')
    })

    stage.publish()

    stage.assertNumbers(newcomer, [2])
  },
})

const publishes = fault('a socket publishes', {
  async 'at its turn'(trial) {
    const stage = trial.stage()
    const { victim, before, after } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    let depth = 0
    victim.script.send = () => void (++depth <= 3 && (trial.inject('publish of two'), [stage.publish(), stage.publish('TICKS')]))

    stage.publish()
    await stage.settle()

    for (const { numbers } of [...before, victim, ...after]) assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6, 7])
  },

  async 'during the flush'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching' })
    victim.condition = 'healthy'
    stage.publish()
    victim.script.write = trial.once('publish', () => assert.equal(stage.publish().deferred, true))

    await stage.settle()

    for (const { numbers } of [victim, ...others]) assert.deepEqual(numbers, [1, 2])
    assert.equal(victim.socket.writes.length, 2)
  },

  async 'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'telling' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 6; i++) stage.publish('BOOK', { padding: 300 })
    victim.script.write = trial.once('publish', () => stage.publish())

    victim.socket.drain()
    await stage.settle()

    stage.assertNumbers(victim, [1, 2, 3, 4, 5, 6, 7])
  },

  'in a deferred publish'(trial) {
    const stage = trial.stage({ maxDeferred: 25 })
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    victim.script.taken = () => void (trial.inject('publish'), stage.publish())

    stage.publish()

    assert.deepEqual([victim.received.length, trial.injected.get('publish'), stage.stats.deferred], [26, 26, 25])
    assert.equal(victim.connection.removed, false, 'the refusal is not its socket\'s failure')
    stage.expect({})
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'metered' })
    stage.jam(victim)
    stage.publish()
    victim.socket.buffered = 0
    victim.script.send = trial.once('publish', () => stage.publish('BOOK', { to: others }))

    await victim.connection.remove()
    await stage.settle()

    stage.assertNumbers(victim, [1])
    for (const { numbers } of others) assert.deepEqual(numbers, [1, 2])
    stage.expect({ removals: ['victim removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const cast = stage.cast({ kind: 'batching' })
    const { victim } = cast
    stage.publish()
    let isRefused = false
    victim.script.write = trial.once('publish', () => {
      assert.throws(() => stage.publish(), { code: 'ERR_CLOSED' })
      isRefused = true
    })

    await stage.manager.cleanup()

    assert.equal(isRefused, true)
    for (const { numbers } of everybody(cast)) assert.deepEqual(numbers, [1])
    stage.expect({ removals: namesOf(everybody(cast), 'cleanup') })
  },

  async 'after cleanup'(trial) {
    const stage = trial.stage()
    const cast = stage.cast()
    const { victim } = cast
    stage.publish()
    await stage.manager.cleanup()
    const before = stage.stats
    const late: (() => unknown)[] = [
      () => stage.publish(),
      () => stage.sendTo(victim),
      () => stage.manager.sendToUser('victim', { streamType: 'BOOK', symbol: 'A', data: 1 }),
      () => stage.manager.broadcast({ streamType: 'BOOK', symbol: 'A', data: 1 }),
      () => victim.connection.subscribe({ streamType: 'BOOK', symbol: 'B' }),
      () => stage.manager.addConnection('late', victim.socket, 'victim'),
    ]

    for (const act of late) (trial.inject('late call'), assert.throws(act, { code: 'ERR_CLOSED' }))

    const { connection } = victim
    const answers = [connection.unsubscribe({ streamType: 'BOOK', symbol: 'A' }), connection.flush(), await connection.remove()]
    assert.deepEqual(answers, [false, true, false])
    assert.deepEqual(stage.stats, before)
    stage.expect({ removals: namesOf(everybody(cast), 'cleanup') })
  },
})

export const reentering = [...removesItself, ...removesOthers, ...removesItsUser, ...cleansUp, ...subscribes, ...publishes]
