import { describe, expect, it } from 'vitest'
import { ConnectionManager, type Socket } from '../../../src/index.ts'
import { createRecovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import type { RecordedPublish } from '../../../src/ports/channel-log.ts'
import { streams, type Streams } from '../../support/cluster/catalogue.ts'
import { expectCode } from '../../support/errors.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const TRADES = { streamType: 'TRADES', symbol: 'A', userId: undefined }
const PRICE = { streamType: 'PRICE', symbol: 'A', userId: undefined }
const UNKNOWN = { streamType: '__proto__', symbol: 'A', userId: undefined }

function desk(options: RecoveryOptions<Streams> = {}) {
  const clock = new ManualClock()
  let epochs = 0
  const recovery = createRecovery<Streams>({ randomEpoch: () => `own${++epochs}`, ...options })
  const manager = new ConnectionManager<Socket, Streams>({ streams, clock, recorder: recovery })
  const publish = (data: unknown): void => void manager.publish({ streamType: 'TRADES', symbol: 'A', data } as never)
  /** What a client gets that comes with a position. */
  const resume = (position: string): string[] => {
    const socket = new FakeSocket()
    const connection = manager.addConnection('c', socket, 'ann')
    recovery.subscribe(connection as never, { streamType: 'TRADES', symbol: 'A', position } as never)
    manager.removeConnection(connection.id)
    return socket.sent.map((text) => (JSON.parse(text) as { recovered?: boolean; text?: string }).recovered?.toString() ?? text)
  }
  const positionOfNewcomer = (): string => {
    const socket = new FakeSocket()
    const connection = manager.addConnection('newcomer', socket, 'ann')
    recovery.subscribe(connection as never, { streamType: 'TRADES', symbol: 'A' } as never)
    manager.removeConnection(connection.id)
    return (JSON.parse(socket.sent[0] as string) as { readonly position: string }).position
  }
  return { clock, recovery, log: recovery.log, manager, publish, resume, positionOfNewcomer }
}

const message = (seq: number, text = `{"n":${seq}}`) => ({ seq, symbol: 'A', text })

describe('the log of a recovery', () => {
  it('tells of each message that this node has numbered, before it is delivered', () => {
    const { log, manager, publish } = desk()
    const told: (RecordedPublish | string)[] = []
    manager.addConnection('c', { send: () => void told.push('delivered'), close() {} }, 'ann').subscribe({ streamType: 'TRADES', symbol: 'A' } as never)
    const stop = log.onRecorded((recorded) => told.push(recorded))
    publish(1)
    stop()
    publish(2)

    expect(told).toMatchObject([{ channel: TRADES, epoch: 'own1', message: { seq: 1, symbol: 'A' } }, 'delivered', 'delivered'])
  })

  it('says with each message how long ago the first one of the epoch was published', () => {
    const { clock, log, publish } = desk()
    const ages: number[] = []
    log.onRecorded(({ ageMs }) => ages.push(ageMs))
    publish(1)
    clock.advance(10)
    publish(2)

    expect(ages).toEqual([0, 10])
  })

  it('knows how far this node is, and since when', () => {
    const { clock, log, publish } = desk()
    clock.advance(1_000)
    expect(log.own(TRADES)).toBeUndefined()
    publish(1)
    clock.advance(10)
    publish(2)
    clock.advance(5)

    expect(log.own(TRADES)).toEqual({ epoch: 'own1', seq: 2, ageMs: 15, lastAgeMs: 5 })
    expect([log.isOwn(TRADES, 'own1'), log.isOwn(TRADES, 'e1'), log.isOwn(PRICE, 'own1')]).toEqual([true, false, false])
  })

  it('has no own epoch of a channel in which only others publish', () => {
    const { log } = desk()
    log.append(TRADES, 'e1', message(1))

    expect([log.own(TRADES), log.others(TRADES), log.isOwn(TRADES, 'e1')]).toEqual([undefined, ['e1'], false])
  })

  it('does not take its own epoch for that of another node', () => {
    const { log, publish } = desk()
    publish(1)

    expect([log.others(TRADES), log.other(TRADES, 'own1')]).toEqual([[], undefined])
  })

  it('takes messages of others, and lets clients resume from them', () => {
    const { log, publish, resume } = desk()
    log.append(TRADES, 'e1', message(1))
    publish(1)
    log.append(TRADES, 'e1', message(2))

    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 2, forgotten: 0 })
    expect(resume('own1:1,e1:1')).toEqual(['true', '{"n":2}'])
  })

  it('lets clients resume that have nothing of an epoch that nobody knows, unless they have nothing at all', () => {
    const { log, resume } = desk()
    log.append(TRADES, 'e1', message(1))
    log.append(TRADES, 'e1', message(2))

    expect([resume('gone:0,e1:1'), resume('gone:1,e1:1'), resume('gone:0'), resume('--gone:1,gone:0')]).toEqual([['true', '{"n":2}'], ['false'], ['false'], ['false']])
  })

  it('lets nobody resume across a hole', () => {
    const { log, resume } = desk()
    log.append(TRADES, 'e1', message(1))
    log.append(TRADES, 'e1', message(3))

    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 3, forgotten: 2 })
    expect([resume('own1:0,e1:1'), resume('own1:0,e1:2')]).toEqual([['false'], ['true', '{"n":3}']])
  })

  it('begins where a first message is', () => {
    const { log } = desk()
    log.append(TRADES, 'e1', message(7))

    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 7, forgotten: 6 })
  })

  it('goes on from a number without its messages, and never back', () => {
    const { log } = desk()
    log.skipTo(TRADES, 'e1', 5)
    log.skipTo(TRADES, 'e1', 3)
    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 5, forgotten: 5 })
    log.skipTo(TRADES, 'e1', 9)

    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 9, forgotten: 9 })
  })

  it('takes older messages that join those that are held, and lets clients resume from them', () => {
    const { log, resume } = desk()
    log.skipTo(TRADES, 'e1', 3)
    log.append(TRADES, 'e1', message(4))
    log.prepend(TRADES, 'e1', [message(1), message(3)])
    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 4, forgotten: 2 })
    log.prepend(TRADES, 'e1', [message(0), message(1), message(2), message(4)])

    expect(log.other(TRADES, 'e1')).toMatchObject({ seq: 4, forgotten: 0 })
    expect(resume('own1:0,e1:1')).toEqual(['true', '{"n":2}', '{"n":3}', '{"n":4}'])
  })

  it('takes no older messages of a channel or an epoch that it does not know, nor of a `latest` channel', () => {
    const { log, recovery } = desk()
    log.prepend(TRADES, 'e1', [message(1)])
    log.skipTo(TRADES, 'e1', 0)
    log.prepend(TRADES, 'e1', [])
    log.prepend(TRADES, 'e2', [message(1)])
    log.skipTo(PRICE, 'e1', 1)
    log.prepend(PRICE, 'e1', [message(1)])

    expect(recovery.stats().messages).toBe(0)
  })

  it('keeps the limits of a history when it takes older messages', () => {
    const { log } = desk({ history: { count: 2 } })
    log.skipTo(TRADES, 'e1', 3)
    log.append(TRADES, 'e1', message(4))
    log.prepend(TRADES, 'e1', [message(1), message(2), message(3)])

    expect([log.range(TRADES, 'e1', 1, 9).map(({ seq }) => seq), log.other(TRADES, 'e1')?.forgotten]).toEqual([[3, 4], 2])
  })

  it('lets older messages age, although nothing else was held', () => {
    const { clock, log, recovery } = desk({ history: { ageMs: 1_000 } })
    const stop = log.onRecorded(() => {})
    log.skipTo(TRADES, 'e1', 2)
    log.prepend(TRADES, 'e1', [message(1), message(2)])
    expect(recovery.stats()).toMatchObject({ messages: 2, units: 14 })
    clock.advance(1_000)
    stop()

    expect(clock.pendingTimers).toBe(0)
    expect(recovery.stats()).toMatchObject({ messages: 0, units: 0 })
  })

  it('forgets an epoch of another node, so that nobody resumes from a position of before, but not its own', () => {
    const { log, publish, resume } = desk()
    publish(1)
    log.append(TRADES, 'e1', message(1))
    log.forgetEpoch(TRADES, 'e1')
    log.forgetEpoch(TRADES, 'own1')

    expect([log.others(TRADES), log.isOwn(TRADES, 'own1')]).toEqual([[], true])
    expect([resume('own1:1,e1:1'), resume('own1:1'), resume('own1:1,--own1:1')]).toEqual([['false'], ['false'], ['true', '{"n":1}']])
  })

  it('gives a position that can be resumed from after an epoch was forgotten, until the next one is', () => {
    const { log, publish, resume, positionOfNewcomer } = desk()
    publish(1)
    log.forgetEpoch(TRADES, 'e1')
    const position = positionOfNewcomer()
    const answer = resume(position)
    log.forgetEpoch(TRADES, 'e2')

    expect([position, answer, resume(position), resume(positionOfNewcomer())]).toEqual(['own1:1,--own1:1', ['true'], ['false'], ['true']])
  })

  it('lets no older position resume once more nodes have published than a position can name', () => {
    const { log, publish, resume, positionOfNewcomer } = desk()
    publish(1)
    for (let n = 1; n <= 31; n++) log.append(TRADES, `e${n}`, message(1))
    const full = positionOfNewcomer()
    const before = resume(full)
    for (let n = 32; n <= 70; n++) log.append(TRADES, `e${n}`, message(1))

    expect(positionOfNewcomer().split(',')).toHaveLength(32)
    expect([before, resume('own1:1'), resume(full), resume(full.replace('e1:1,', ''))]).toEqual([['true'], ['false'], ['false'], ['false']])
  })

  it('forgets nodes that have published nothing, and older positions can still resume', () => {
    const { log, publish, resume } = desk()
    publish(1)
    for (let n = 1; n <= 40; n++) log.skipTo(TRADES, `e${n}`, 0)

    expect(resume('own1:1')).toEqual(['true'])
  })

  it('lets a client resume from a position with the mark of another node, which means nothing here', () => {
    const { log, publish, resume } = desk()
    publish(1)

    expect([resume('own1:1,--e7:3'), log.isOwn(TRADES, '--e7')]).toEqual([['true'], true])
  })

  it('returns held messages of one epoch from the first number to the last, oldest first', () => {
    const { log, publish } = desk()
    log.append(TRADES, 'e1', message(1))
    for (let n = 0; n < 4; n++) publish(n)
    log.append(TRADES, 'e1', message(2))
    const range = (epoch: string, first: number, last: number) => log.range(TRADES, epoch, first, last).map(({ seq }) => seq)

    expect([range('own1', 2, 3), range('own1', 4, 9), range('e1', 1, 9), range('e2', 1, 9)]).toEqual([[2, 3], [4], [1, 2], []])
    expect(log.range(PRICE, 'own1', 1, 9)).toEqual([])
  })

  it('knows nothing of types that are not in its catalogue, whatever they are called', () => {
    const { log } = desk()
    log.prepend(UNKNOWN, 'e1', [message(1)])
    log.forgetEpoch(UNKNOWN, 'e1')

    expect([log.own(UNKNOWN), log.others(UNKNOWN), log.other(UNKNOWN, 'e1'), log.isOwn(UNKNOWN, 'e1'), log.range(UNKNOWN, 'e1', 1, 9)]).toEqual([undefined, [], undefined, false, []])
  })

  it('lets nobody resume in a channel that is not whole in the cluster', () => {
    const { log, publish, resume } = desk()
    publish(1)
    const state = { isWhole: false }
    log.join({ isOpen: true, isWhole: () => state.isWhole, ready: () => Promise.resolve() })
    expect(resume('own1:0')).toEqual(['false'])
    state.isWhole = true

    expect(resume('own1:0')).toHaveLength(2)
  })

  it('waits for the cluster, and for nothing without one', async () => {
    const { log, recovery } = desk()
    expect(recovery.ready(TRADES)).toBeUndefined()
    const asked: unknown[] = []
    log.join({ isOpen: true, isWhole: () => true, ready: (request) => (asked.push(request), Promise.resolve()) })
    await recovery.ready({ ...TRADES, position: 'e1:1' })

    expect(asked).toEqual([{ ...TRADES, position: 'e1:1' }])
  })

  it('is joined by a cluster of the manager that it records, and by no other while that cluster is open', () => {
    const { log, manager } = desk()
    const cluster = { isOpen: true, isWhole: () => true, ready: () => Promise.resolve() }
    expectCode('ERR_INVALID_ARGUMENT', () => log.assertMayJoin(desk().manager))
    log.assertMayJoin(manager)
    log.join(cluster)
    expectCode('ERR_INVALID_ARGUMENT', () => log.assertMayJoin(manager))
    cluster.isOpen = false

    expect(() => log.assertMayJoin(manager)).not.toThrow()
  })

  it('knows after a restart which epochs are of others', () => {
    const before = desk()
    before.publish(1)
    before.log.append(TRADES, 'e1', message(1))
    const after = desk({ restore: before.recovery.export(), randomEpoch: () => 'new' })

    expect([after.log.others(TRADES), after.log.isOwn(TRADES, 'own1'), after.log.isOwn(TRADES, 'e1')]).toEqual([['e1'], true, false])
  })

  it('makes names that nobody can guess by the option `randomEpoch`', () => {
    expect(desk().log.randomName()).toBe('own1')
  })
})
