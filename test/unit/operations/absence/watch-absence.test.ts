import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../../src/index.ts'
import { watchAbsence, type Absence, type AbsenceOptions } from '../../../../src/operations/index.ts'
import { FakeSocket, ManualClock } from '../../../../src/testing/index.ts'
import { expectCode } from '../../../support/errors.ts'

const GRACE_MS = 10_000
const DOWN = Object.assign(new Error('no broker'), { code: 'ERR_CLUSTER_DOWN' })

afterEach(() => {
  vi.restoreAllMocks()
})

/** A manager and a watch on one clock that stands still, and the absences that the listener was told of. */
function watched({ listener = () => undefined, ...options }: Partial<AbsenceOptions> & { listener?: (absence: Absence) => unknown } = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager({ clock })
  const absences: Absence[] = []
  const watch = watchAbsence(manager, { graceMs: GRACE_MS, clock, ...options }, (absence) => {
    absences.push(absence)
    return listener(absence) as undefined
  })
  let connections = 0
  const connect = (userId: string) => manager.addConnection(`c${++connections}`, new FakeSocket(), userId)
  return { clock, manager, absences, watch, connect }
}

/** A cluster whose answers a test gives by hand, in the order of the questions. */
function askedCluster() {
  const questions: { userId: string; resolve: (online: boolean) => void; reject: (error: unknown) => void }[] = []
  const isOnline = (userId: string): Promise<boolean> => new Promise((resolve, reject) => questions.push({ userId, resolve, reject }))
  return { questions, isOnline }
}

/** Lets the handlers of settled promises run. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve()
}

describe('watchAbsence › the grace', () => {
  it('ends with a call of the listener, with the user and why the last connection was removed', () => {
    const { clock, absences, connect } = watched()
    const connection = connect('alice')

    void connection.remove()
    clock.advance(GRACE_MS - 1)
    expect(absences).toEqual([])
    clock.advance(1)

    expect(absences).toEqual([{ userId: 'alice', reason: 'removed', isCertain: true }])
    clock.advance(10 * GRACE_MS)
    expect(absences).toHaveLength(1)
  })

  it('begins when the last connection of a user is removed, and names the reason of that removal', () => {
    const { clock, absences, connect } = watched()
    const first = connect('alice')
    const last = connect('alice')

    void first.remove()
    clock.advance(2 * GRACE_MS)
    expect(absences).toEqual([])
    void last.remove({ close: false })
    clock.advance(GRACE_MS)

    expect(absences).toEqual([{ userId: 'alice', reason: 'peer-closed', isCertain: true }])
  })

  it('is cancelled by a return, and begins again with the next departure', () => {
    const { clock, absences, connect } = watched()
    void connect('alice').remove()
    clock.advance(GRACE_MS - 1)

    const back = connect('alice')
    expect(clock.pendingTimers).toBe(0)
    clock.advance(GRACE_MS)
    expect(absences).toEqual([])
    void back.remove()
    clock.advance(GRACE_MS - 1)
    expect(absences).toEqual([])
    clock.advance(1)

    expect(absences).toHaveLength(1)
  })

  it('is each user’s own, and one timer serves all of them', () => {
    const { clock, absences, connect } = watched()
    const connections = ['alice', 'bob', 'carol'].map(connect)

    for (const connection of connections) {
      void connection.remove({ close: false })
      clock.advance(1_000)
    }
    expect(clock.pendingTimers).toBe(1)
    clock.advance(GRACE_MS - 3_000)
    expect(absences.map(({ userId }) => userId)).toEqual(['alice'])
    clock.advance(1_000)
    expect(absences.map(({ userId }) => userId)).toEqual(['alice', 'bob'])
    clock.advance(1_000)

    expect(absences.map(({ userId }) => userId)).toEqual(['alice', 'bob', 'carol'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('begins for the old user when `reassign` gives away the last connection, and ends for the new one', () => {
    const { clock, absences, connect } = watched()
    void connect('bob').remove()
    const connection = connect('alice')

    connection.reassign('bob')
    clock.advance(GRACE_MS)

    expect(absences).toEqual([{ userId: 'alice', reason: 'reassigned', isCertain: true }])
  })

  it('of 0 ends in the next turn, so that replacing a connection is no absence', () => {
    const { clock, absences, connect } = watched({ graceMs: 0 })
    const connection = connect('alice')

    void connection.remove()
    const replacement = connect('alice')
    clock.advance(0)
    expect(absences).toEqual([])
    void replacement.remove()
    expect(absences).toEqual([])
    clock.advance(0)

    expect(absences).toHaveLength(1)
  })

  it('of Infinity never ends, and nothing is kept', () => {
    const { clock, absences, connect, watch } = watched({ graceMs: Infinity })

    void connect('alice').remove({ close: false })
    clock.advance(Number.MAX_SAFE_INTEGER)

    expect([absences, clock.pendingTimers, watch.stop()]).toEqual([[], 0, []])
  })
})

describe('watchAbsence › with a cluster', () => {
  it('asks it at the end of the grace, and tells the listener if the user is not online elsewhere', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect } = watched({ cluster })
    void connect('alice').remove()

    clock.advance(GRACE_MS - 1)
    expect(cluster.questions).toEqual([])
    clock.advance(1)
    expect([cluster.questions.map(({ userId }) => userId), absences]).toEqual([['alice'], []])
    cluster.questions[0]?.resolve(false)
    await settled()

    expect(absences).toEqual([{ userId: 'alice', reason: 'removed', isCertain: true }])
  })

  it('does not tell the listener if the user is online elsewhere', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect, watch } = watched({ cluster })
    void connect('alice').remove()

    clock.advance(GRACE_MS)
    cluster.questions[0]?.resolve(true)
    await settled()
    clock.advance(10 * GRACE_MS)

    expect([absences, watch.stop(), cluster.questions.length]).toEqual([[], [], 1])
  })

  it('does not take the answer of a question that was asked before the user left another node', async () => {
    const listeners: (() => void)[] = []
    const cluster = { ...askedCluster(), followDepartures: (_userId: string, listener: () => void) => (listeners.push(listener), () => {}) }
    const { clock, absences, connect } = watched({ cluster })
    void connect('alice').remove()
    clock.advance(GRACE_MS)

    listeners[0]?.()
    cluster.questions[0]?.resolve(false)
    await settled()
    clock.advance(GRACE_MS - 1)
    expect([absences, cluster.questions.length]).toEqual([[], 1])
    clock.advance(1)
    cluster.questions[1]?.resolve(false)
    await settled()

    expect(absences).toHaveLength(1)
  })

  it('ignores a cluster that tells of a departure although the user is back', () => {
    let listener = (): void => {}
    const cluster = { ...askedCluster(), followDepartures: (_userId: string, given: () => void) => ((listener = given), () => {}) }
    const { clock, absences, connect, watch } = watched({ cluster })
    void connect('alice').remove()
    connect('alice')

    listener()
    clock.advance(10 * GRACE_MS)

    expect([absences, cluster.questions, watch.stop()]).toEqual([[], [], []])
  })

  it('follows a user from the departure to the return, the report, or the end of the watch', async () => {
    const calls: string[] = []
    const cluster = {
      isOnline: () => Promise.resolve(false),
      announceDeparture: (userId: string) => void calls.push(`announce ${userId}`),
      followDepartures: (userId: string) => (calls.push(`follow ${userId}`), () => void calls.push(`unfollow ${userId}`)),
    }
    const { clock, connect, watch } = watched({ cluster })

    void connect('alice').remove()
    connect('alice')
    expect(calls.splice(0)).toEqual(['announce alice', 'follow alice', 'unfollow alice'])

    void connect('bob').remove()
    clock.advance(GRACE_MS)
    await settled()
    expect(calls.splice(0)).toEqual(['announce bob', 'follow bob', 'unfollow bob'])

    void connect('carol').remove()
    watch.stop()
    connect('carol')
    expect(calls).toEqual(['announce carol', 'follow carol', 'unfollow carol'])
  })

  it('reports each user of a cluster that cannot tell or follow, and prints its error', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const fail = (): never => { throw DOWN }
    const { clock, absences, connect } = watched({ cluster: { isOnline: () => Promise.resolve(false), announceDeparture: fail, followDepartures: fail } })
    void connect('alice').remove()

    clock.advance(GRACE_MS)
    await settled()

    expect(absences).toEqual([{ userId: 'alice', reason: 'removed', isCertain: true }])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its cluster failed'), DOWN]])
  })

  it.each<[what: string, isOnline: (userId: string) => Promise<boolean>]>([
    ['rejects', () => Promise.reject(DOWN)],
    ['throws', () => { throw DOWN }],
    ['answers with no boolean', () => Promise.resolve('perhaps' as never)],
  ])('tells the listener that it is not certain if the cluster %s', async (_, isOnline) => {
    const { clock, absences, connect } = watched({ cluster: { isOnline } })
    void connect('alice').remove()

    clock.advance(GRACE_MS)
    await settled()

    expect(absences).toEqual([{ userId: 'alice', reason: 'removed', isCertain: false }])
  })

  it('does not tell the listener if the user returns to this node while the cluster is asked', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect } = watched({ cluster })
    void connect('alice').remove()
    clock.advance(GRACE_MS)

    const back = connect('alice')
    void back.remove()
    cluster.questions[0]?.resolve(false)
    await settled()
    expect(absences).toEqual([])
    clock.advance(GRACE_MS)
    cluster.questions[1]?.resolve(false)
    await settled()

    expect(absences).toHaveLength(1)
  })

  it('asks it about at most 100 users at a time, and not about users who returned meanwhile', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect } = watched({ cluster })
    const connections = Array.from({ length: 250 }, (_, i) => connect(`user ${i}`))
    for (const connection of connections) void connection.remove({ close: false })

    clock.advance(GRACE_MS)
    await settled()
    const atOnce = cluster.questions.length
    connect('user 100')
    for (let asked = 0; asked < cluster.questions.length; asked++) {
      cluster.questions[asked]?.resolve(false)
      await settled()
    }

    expect([atOnce, cluster.questions.length]).toEqual([100, 249])
    expect(absences.map(({ userId }) => userId)).toEqual(Array.from({ length: 250 }, (_, i) => `user ${i}`).filter((each) => each !== 'user 100'))
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells the listener that it is not certain if the cluster does not answer in ten seconds, and asks about the others', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect } = watched({ cluster })
    const connections = Array.from({ length: 101 }, (_, i) => connect(`user ${i}`))
    for (const connection of connections) void connection.remove({ close: false })
    clock.advance(GRACE_MS)

    clock.advance(9_999)
    const before = absences.length
    clock.advance(1)
    cluster.questions[0]?.resolve(false)
    cluster.questions[100]?.resolve(false)
    await settled()

    expect(before).toBe(0)
    expect(absences.map(({ isCertain }) => isCertain)).toEqual([...Array<boolean>(100).fill(false), true])
  })

  it('leaves no timer behind when it is stopped while the cluster is asked', async () => {
    const cluster = askedCluster()
    const { clock, connect, watch } = watched({ cluster })
    void connect('alice').remove({ close: false })
    clock.advance(GRACE_MS)

    watch.stop()

    expect(clock.pendingTimers).toBe(0)
  })

  it('does not tell the listener of a stopped watch, and stop returns the users whose answer is still missing', async () => {
    const cluster = askedCluster()
    const { clock, absences, connect, watch } = watched({ cluster })
    void connect('alice').remove()
    clock.advance(GRACE_MS)

    expect(watch.stop()).toEqual([{ userId: 'alice', reason: 'removed' }])
    cluster.questions[0]?.resolve(false)
    await settled()

    expect(absences).toEqual([])
  })
})

describe('watchAbsence › the listener', () => {
  it('may throw: the others are still reported, and `onError` gets the error and the absence', () => {
    const errors: unknown[] = []
    const failure = new Error('no exchange')
    const listener = ({ userId }: Absence): void => {
      if (userId === 'alice') throw failure
    }
    const { clock, absences, connect } = watched({ listener, onError: (error, absence) => errors.push(error, absence.userId) })
    const connections = ['alice', 'bob'].map(connect)

    for (const connection of connections) void connection.remove()
    clock.advance(GRACE_MS)

    expect(absences.map(({ userId }) => userId)).toEqual(['alice', 'bob'])
    expect(errors).toEqual([failure, 'alice'])
  })

  it('may reject: `onError` gets the error', async () => {
    const errors: unknown[] = []
    const { clock, connect } = watched({ listener: () => Promise.reject(DOWN), onError: (error) => errors.push(error) })
    void connect('alice').remove()

    clock.advance(GRACE_MS)
    await settled()

    expect(errors).toEqual([DOWN])
  })

  it('has its first error printed if there is no `onError`', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const { clock, connect } = watched({ listener: () => { throw DOWN } })
    const connections = ['alice', 'bob'].map(connect)

    for (const connection of connections) void connection.remove()
    clock.advance(GRACE_MS)

    expect(warn.mock.calls).toEqual([[expect.stringContaining('watchAbsence'), DOWN]])
  })

  it('is not called for a user whom the listener itself brings back', () => {
    const { clock, absences, connect } = watched({ listener: ({ userId }) => void (userId === 'alice' && connect('bob')) })
    const connections = ['alice', 'bob'].map(connect)

    for (const connection of connections) void connection.remove()
    clock.advance(GRACE_MS)

    expect(absences.map(({ userId }) => userId)).toEqual(['alice'])
  })
})

describe('watchAbsence › a clock that fails', () => {
  it('has its first error printed, and the absence is reported by another timer', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const failure = new Error('no timers')
    const clock = { now: () => 0, monotonic: () => 0, setTimeout: () => { throw failure } }
    const manager = new ConnectionManager()
    const reported = new Promise((resolve) => void watchAbsence(manager, { graceMs: 0, clock }, resolve))

    void manager.addConnection('c1', new FakeSocket(), 'alice').remove()

    expect(await reported).toEqual({ userId: 'alice', reason: 'removed', isCertain: true })
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its clock'), failure]])
  })
})

describe('watchAbsence › stop', () => {
  it('returns who has left and not returned, oldest first, and ends the timer and the listeners', () => {
    const { clock, absences, connect, watch } = watched()
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(connect)
    void bob?.remove({ close: false })
    void alice?.remove()
    void carol?.remove()
    connect('carol')

    expect(watch.stop()).toEqual([{ userId: 'bob', reason: 'peer-closed' }, { userId: 'alice', reason: 'removed' }])
    void connect('dave').remove({ close: false })
    clock.advance(GRACE_MS)

    expect([absences, watch.stop()]).toEqual([[], []])
  })

  it('after `cleanup` returns the users whose connections the shutdown removed', async () => {
    const { connect, manager, watch } = watched()
    connect('alice')

    await manager.cleanup()

    expect(watch.stop()).toEqual([{ userId: 'alice', reason: 'cleanup' }])
  })
})

describe('watchAbsence › bad arguments', () => {
  it.each([undefined, null, {}, new Proxy({}, { get: () => { throw DOWN } })])('refuses what is no manager: %#', (manager) => {
    expectCode('ERR_INVALID_ARGUMENT', () => watchAbsence(manager as never, { graceMs: 1 }, () => {}))
  })

  it('refuses a listener that is not a function', () => {
    expectCode('ERR_INVALID_ARGUMENT', () => watchAbsence(new ConnectionManager(), { graceMs: 1 }, {} as never))
  })

  it.each<[option: string, options: unknown]>([
    ['options', undefined],
    ['graceMs', {}],
    ['graceMs', { graceMs: -1 }],
    ['graceMs', { graceMs: NaN }],
    ['graceMs', { graceMs: '10' }],
    ['cluster', { graceMs: 1, cluster: {} }],
    ['clock', { graceMs: 1, clock: { now: Date.now } }],
    ['clock', { graceMs: 1, clock: { now: () => NaN, monotonic: () => 0, setTimeout: () => () => {} } }],
    ['onError', { graceMs: 1, onError: 'print' }],
    ['grace', { graceMs: 1, grace: 2 }],
  ])('names the bad option: %s in %o', (option, options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => watchAbsence(new ConnectionManager(), options as never, () => {}))

    expect(error['option']).toBe(option)
  })

  it.each<[option: string, options: unknown]>([
    ['cluster', { graceMs: 1, cluster: { get isOnline() { throw DOWN } } }],
    ['clock', { graceMs: 1, clock: { get now() { throw DOWN } } }],
    ['onError', { graceMs: 1, onError: new Proxy(() => {}, { get: () => { throw DOWN } }) }],
  ])('names an option that cannot be read, with what was thrown as the cause: %s', (option, options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => watchAbsence(new ConnectionManager(), options as never, () => {}))

    expect([error['option'], error.cause]).toEqual([option, DOWN])
  })
})
