import assert from 'node:assert/strict'
import type { Market } from '../market.ts'
import { fault } from '../scenario.ts'
import type { Stage } from './stage.ts'

const YEAR_MS = 365 * 24 * 3_600_000
const PENDING_TTL_MS = 30_000
const IDLE_DELAY_MS = 1_000

/** Sets the wall clock a year ahead, and back to a year ago. */
function jumpBothWays(stage: Stage): void {
  stage.trial.inject('jump', 2)
  stage.clock.jump(YEAR_MS)
  stage.clock.jump(-2 * YEAR_MS)
}

const wallClockJumps = fault('the wall clock jumps by a year', {
  pending(trial) {
    const stage = trial.stage()
    const [early, late] = [stage.subscribeUser('early', 'BOOK'), stage.subscribeUser('late', 'BOOK')]
    stage.clock.advance(PENDING_TTL_MS - 1)
    jumpBothWays(stage)
    assert.deepEqual([early.status, late.status], ['PENDING', 'PENDING'])

    const actor = stage.admit('early')
    stage.clock.advance(1)

    assert.deepEqual([early.status, late.status], ['CONNECTED', 'DISCONNECTED'], 'a duration is no matter of the wall clock')
    stage.ledger.ofUser.delete('late')
    stage.publish()
    assert.equal(actor.due.length, 1)
  },

  idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast()
    stage.subscribe(victim, 'BOOK', 'B')
    stage.unsubscribe(victim, 'BOOK', 'B')
    stage.clock.advance(IDLE_DELAY_MS - 1)
    jumpBothWays(stage)
    const isActive = (): boolean => stage.manager.activeStreams().some(({ symbol }) => symbol === 'B')
    assert.equal(isActive(), true)

    stage.clock.advance(1)

    assert.equal(isActive(), false)
  },

  'at its turn'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'plain' })
    victim.condition = 'healthy'
    const [view] = stage.manager.getUserSubscriptions('victim').filter(({ streamType }) => streamType === 'BOOK')
    const times: (number | undefined)[] = []
    for (const ms of [0, YEAR_MS, -2 * YEAR_MS]) {
      if (ms !== 0) trial.inject('jump')
      stage.clock.jump(ms)
      stage.publish()
      times.push(view?.lastUpdate?.getTime())
      assert.equal(victim.received.at(-1)?.timestamp, new Date(stage.clock.now()).toISOString())
    }

    assert.deepEqual(times.map((time) => (time ?? 0) - (times[0] ?? 0)), [0, YEAR_MS, -YEAR_MS], 'what is told is what the clock says')
    stage.assertNumbers(victim, [1, 2, 3])
  },

  behind(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'slow'
    stage.jam(victim)
    stage.publish()
    stage.clock.jump(YEAR_MS)
    stage.publish()
    stage.clock.jump(-2 * YEAR_MS)
    trial.inject('jump', 2)
    stage.publish()
    victim.socket.buffered = 0
    assert.deepEqual([victim.numbers, stage.clock.pendingTimers], [[], 3], 'to ask it again, for the age, and for a turn that may be lost')

    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3])
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching', script: { close: trial.hangs() } })
    const removal = victim.connection.remove()
    stage.clock.advance(4_999)
    jumpBothWays(stage)
    assert.equal(victim.socket.terminations, 0)

    stage.clock.advance(1)

    assert.deepEqual([await removal, victim.socket.terminations], [true, 1])
    stage.expect({ errors: ['close victim'], removals: ['victim removed'] })
  },
})

const timePauses = fault('the process pauses for 60 s', {
  pending(trial) {
    const stage = trial.stage()
    const views = ['one', 'two', 'three'].map((userId) => {
      stage.clock.advance(trial.between(0, 1_000))
      return stage.subscribeUser(userId, 'BOOK')
    })

    trial.inject('pause')
    stage.clock.pause(60_000)
    stage.ledger.ofUser.clear()

    assert.deepEqual(views.map(({ status }) => status), ['DISCONNECTED', 'DISCONNECTED', 'DISCONNECTED'])
    assert.deepEqual([stage.manager.subscriptionCount, stage.clock.pendingTimers], [0, 0])
  },

  idle(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast()
    for (const symbol of ['B', 'C']) {
      stage.subscribe(victim, 'BOOK', symbol)
      stage.unsubscribe(victim, 'BOOK', symbol)
      stage.clock.advance(500)
    }

    trial.inject('pause')
    stage.clock.pause(60_000)

    assert.deepEqual(stage.observer.log.filter((line) => line.startsWith('idle')), ['idle stream *:BOOK:B', 'idle stream *:BOOK:C'])
    assert.equal(stage.clock.pendingTimers, 0)
  },

  'in the batch'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'batching' })
    victim.condition = 'healthy'
    stage.publish()
    trial.inject('pause')
    stage.clock.pause(60_000)
    assert.deepEqual(victim.socket.writes, [], 'the end of the tick is none of the clock\'s business')

    assert.equal(stage.publish().sent, others.length + 1)
    victim.connection.flush()

    stage.assertNumbers(victim, [1, 2])
  },

  behind(trial) {
    const stage = trial.stage({ delivery: { maxLagMs: Infinity } })
    const { victim, friend } = stage.cast({ kind: 'batching' })
    let readings = 0
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.script.reading = () => (readings++, victim.socket.buffered)

    trial.inject('pause')
    stage.clock.pause(60_000)
    assert.deepEqual([readings, stage.clock.pendingTimers], [1, 1], 'it is asked once for all the times that were missed')
    victim.socket.buffered = 0
    stage.clock.advance(50)

    stage.assertNumbers(victim, [1, 2, 3])
    assert.equal(friend.connection.removed, false)
  },

  'on drain'(trial) {
    const stage = trial.stage()
    const { victim } = stage.cast({ kind: 'batching' })
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    victim.socket.buffered = 0

    trial.inject('pause')
    stage.clock.pause(60_000)

    stage.assertNumbers(victim, [])
    assert.equal(stage.clock.pendingTimers, 0)
    stage.expect({ purged: 3, removals: ['victim slow-consumer'] })
  },

  async 'during close'(trial) {
    const stage = trial.stage()
    const { victim, friend } = stage.cast({ kind: 'batching', script: { close: trial.hangs() } })
    let close = (): void => {}
    friend.script.close = () => new Promise<void>((resolve) => void (close = resolve))
    const removal = stage.manager.removeUser('victim')

    trial.inject('pause')
    stage.clock.pause(60_000)
    close()

    assert.equal(await removal, 2)
    stage.assertForgotten(victim, friend)
    stage.expect({ errors: ['close victim', 'close friend'], removals: ['victim removed', 'friend removed'] })
  },

  async 'during cleanup'(trial) {
    const stage = trial.stage()
    const { victim, others } = stage.cast({ kind: 'telling', script: { close: trial.hangs() } })
    const cleanup = stage.manager.cleanup()

    trial.inject('pause')
    stage.clock.pause(60_000)

    assert.deepEqual(await cleanup, { closed: others.length, failed: 0, timedOut: 1 })
    stage.expect({ errors: ['close victim'], removals: [...others, victim].map(({ name }) => `${name} cleanup`) })
  },
})

/** Keeps the event loop from turning, for real. */
export function stall({ trial }: Pick<Market, 'trial'>, ms: number): void {
  trial.inject('stall')
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}

/** These run on the system's clock: it is the real event loop that stands still. */
const REAL_CLOCK = { clock: undefined }

const eventLoopStalls = fault('the event loop stalls', {
  async pending(trial) {
    const stage = trial.stage({ ...REAL_CLOCK, pendingTtlMs: 10 })
    const view = stage.subscribeUser('victim', 'BOOK')

    stall(stage, 50)
    const victim = stage.admit('victim', { kind: 'plain' })
    await new Promise((resolve) => void setTimeout(resolve, 20))

    assert.deepEqual([view.status, stage.publish().matched], ['CONNECTED', 1], 'who came in time by the order of events came in time')
    stage.assertNumbers(victim, [1])
  },

  async 'in the batch'(trial) {
    const stage = trial.stage(REAL_CLOCK)
    const { victim, others } = stage.cast({ kind: 'batching' })
    victim.condition = 'healthy'
    for (let i = 0; i < 5; i++) {
      stage.publish()
      stall(stage, 5)
    }
    assert.deepEqual(victim.socket.writes, [])

    await stage.settle()

    assert.deepEqual(victim.socket.writes.map(({ length }) => length), [5])
    for (const { numbers } of others) assert.deepEqual(numbers, [1, 2, 3, 4, 5])
  },

  async behind(trial) {
    const stage = trial.stage({ ...REAL_CLOCK, delivery: { drainIntervalMs: 5 } })
    const { victim } = stage.cast({ kind: 'batching' })
    victim.condition = 'slow'
    stage.jam(victim)
    for (let i = 0; i < 3; i++) stage.publish()
    const written = new Promise<void>((resolve) => void (victim.script.write = () => resolve()))

    stall(stage, 50)
    victim.socket.buffered = 0
    await written

    stage.assertNumbers(victim, [1, 2, 3])
    assert.equal(stage.stats.connectionsBehind, 0)
  },

  async 'during close'(trial) {
    const stage = trial.stage({ ...REAL_CLOCK, closeTimeoutMs: 10 })
    let close = (): void => {}
    const { victim } = stage.cast({ kind: 'batching', script: { close: () => new Promise<void>((resolve) => void (close = resolve)) } })
    const removal = victim.connection.remove()

    stall(stage, 50)
    close()

    assert.deepEqual([await removal, victim.socket.terminations], [true, 0], 'it closed before anybody could look at the deadline')
    stage.expect({ removals: ['victim removed'] })
  },
})

export const clocks = [...wallClockJumps, ...timePauses, ...eventLoopStalls]
