import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCommandServer } from '../../../../src/protocol/index.ts'
import { createRecovery } from '../../../../src/recovery/index.ts'
import { ConnectionManager, defineStreams, type ConnectionManagerOptions } from '../../../../src/index.ts'
import { instrument, type InstrumentingOptions } from '../../../../src/operations/index.ts'
import { FakeSocket, ManualClock } from '../../../../src/testing/index.ts'
import { expectCode } from '../../../support/errors.ts'
import { FakeMeter } from '../../../support/fake-meter.ts'
import { price, PRICE } from '../../../support/messages.ts'

const FAILURE = new Error('no numbers')
const NAMES_OF_THE_MANAGER = [
  ['connection.count', 'UpDownCounter', '{connection}'],
  ['connection.behind', 'UpDownCounter', '{connection}'],
  ['connection.additions', 'Counter', '{connection}'],
  ['connection.removals', 'Counter', '{connection}'],
  ['user.count', 'UpDownCounter', '{user}'],
  ['subscription.count', 'UpDownCounter', '{subscription}'],
  ['stream.count', 'UpDownCounter', '{stream}'],
  ['message.deliveries', 'Counter', '{message}'],
  ['message.rejections', 'Counter', '{message}'],
  ['message.deferrals', 'Counter', '{message}'],
  ['gap.notices', 'Counter', '{notice}'],
  ['queue.message.count', 'UpDownCounter', '{message}'],
  ['queue.size', 'UpDownCounter', 'By'],
  ['queue.size.peak', 'Gauge', 'By'],
  ['publish.duration', 'Histogram', 's'],
  ['publish.recipients', 'Histogram', '{connection}'],
]

const CLUSTER_STATS = {
  published: 1, sent: 2, received: 3, duplicates: 4, unwanted: 5, repairs: 6, repaired: 7, gaps: 8, missing: 9, foreign: 10, otherVersion: 11, downs: 12,
  unconfirmed: 13, channels: 14,
}

afterEach(() => {
  vi.restoreAllMocks()
})

function instrumented(options: InstrumentingOptions = {}, managerOptions: ConnectionManagerOptions<FakeSocket> = {}) {
  const clock = new ManualClock()
  const meter = new FakeMeter()
  const manager = new ConnectionManager<FakeSocket>({ clock, ...managerOptions })
  const instrumentation = instrument(manager, meter, options)
  const connect = (id: string, socket = new FakeSocket()) => manager.addConnection(id, socket, `user of ${id}`)
  return { clock, meter, manager, instrumentation, connect }
}

/** What a meter reads, without the prefix of the names. */
function collected(meter: FakeMeter): Record<string, number> {
  return Object.fromEntries(Object.entries(meter.collect()).map(([name, value]) => [name.replace('stream_connection_manager.', ''), value]))
}

describe('instrument › the instruments', () => {
  it('of a manager have these names, kinds and units', () => {
    const { meter } = instrumented()

    const made = [...meter.instruments].map(([name, { kind, unit }]) => [name, kind, unit])

    expect(made).toEqual(NAMES_OF_THE_MANAGER.map(([name, ...rest]) => [`stream_connection_manager.${name}`, ...rest]))
  })

  it('follow the conventions of OpenTelemetry for names and units', () => {
    const clock = new ManualClock()
    const recovery = createRecovery()
    const manager = new ConnectionManager({ clock, recorder: recovery })
    const meter = new FakeMeter()

    instrument(manager, meter, { recovery, cluster: { status: 'up', stats: () => CLUSTER_STATS }, commands: createCommandServer(manager) })

    expect(meter.instruments.size).toBe(NAMES_OF_THE_MANAGER.length + 5 + 15 + 9)
    for (const [name, { kind, unit, description }] of meter.instruments) {
      expect(name).toMatch(/^stream_connection_manager(\.[a-z]+(_[a-z]+)*)+$/)
      expect(name).not.toMatch(/total|seconds|bytes/)
      expect(unit).toMatch(/^(s|By|\{[a-z]+(_[a-z]+)*\})$/)
      expect(description).toMatch(/^[A-Z].*\.$/)
      if (kind === 'UpDownCounter') expect(name).not.toMatch(/s$/)
    }
  })
})

describe('instrument › what is read from a manager', () => {
  it('begins at 0, for each outcome and each reason', () => {
    const { meter } = instrumented()

    const values = collected(meter)

    expect(Object.keys(values)).toEqual(expect.arrayContaining([
      ...['sent', 'conflated', 'dropped', 'failed', 'skipped', 'purged'].map((outcome) => `message.deliveries{${outcome}}`),
      ...['removed', 'peer-closed', 'send-failed', 'slow-consumer', 'cleanup'].map((reason) => `connection.removals{${reason}}`),
    ]))
    expect(new Set(Object.values(values))).toEqual(new Set([0]))
  })

  it('counts connections, users, subscriptions and streams', () => {
    const { meter, connect, manager } = instrumented()
    connect('c1').subscribe(PRICE)
    connect('c2').subscribe(PRICE)
    manager.addConnection('c3', new FakeSocket(), 'user of c2')
    void connect('c4').remove({ close: false })

    expect(collected(meter)).toMatchObject({
      'connection.count': 3, 'user.count': 2, 'subscription.count': 2, 'stream.count': 1, 'connection.additions': 4, 'connection.removals{peer-closed}': 1,
    })
  })

  it('counts each delivery once, by its outcome, and what waits', () => {
    const { meter, connect, manager } = instrumented({}, { delivery: { softLimitBytes: 100, hardLimitBytes: 10_000 } })
    connect('fast').subscribe(PRICE)
    connect('slow', new FakeSocket({ bufferedAmount: 100_000 })).subscribe(PRICE)

    for (let i = 0; i < 5; i++) manager.publish(price(i))
    const values = collected(meter)

    const { matched, waiting, waitingBytes } = manager.stats()
    const ended = Object.entries(values).filter(([name]) => name.startsWith('message.deliveries')).reduce((sum, [, value]) => sum + value, 0)
    expect([matched, waiting, ended]).toEqual([10, 1, 9])
    expect(values).toMatchObject({
      'message.deliveries{sent}': 5, 'message.deliveries{conflated}': 4, 'queue.message.count': 1, 'queue.size': waitingBytes, 'connection.behind': 1,
    })
    expect(waitingBytes).toBeGreaterThan(0)
  })

  it('counts slow consumers, dropped messages and gap notices', () => {
    const streams = defineStreams({ TICKS: { audience: 'public', overflow: 'drop' }, FILLS: { audience: 'private' } })
    const manager = new ConnectionManager({ clock: new ManualClock(), streams, delivery: { softLimitBytes: 10, hardLimitBytes: 300 } })
    const meter = new FakeMeter()
    instrument(manager, meter)
    const late = new FakeSocket({ bufferedAmount: 100_000 })
    const connection = manager.addConnection('late', late, 'alice')
    connection.subscribe({ streamType: 'TICKS', symbol: 'A' })
    manager.addConnection('stuck', new FakeSocket({ bufferedAmount: 100_000 }), 'bob')

    for (let i = 0; i < 10; i++) manager.publish({ streamType: 'TICKS', symbol: 'A', data: i })
    for (let i = 0; i < 10; i++) manager.sendToUser('bob', { streamType: 'FILLS', data: i })
    late.bufferedAmount = 0
    connection.drained()
    const values = collected(meter)

    expect(values).toMatchObject({
      'connection.removals{slow-consumer}': 1, 'message.deliveries{dropped}': manager.stats().dropped, 'gap.notices': manager.stats().gapNotices,
    })
    expect(values['message.deliveries{dropped}']).toBeGreaterThan(0)
    expect(values['gap.notices']).toBeGreaterThan(0)
  })

  it('has the attributes of the options', () => {
    const { meter } = instrumented({ attributes: { desk: 'fx' }, measureEvery: 1 })

    expect(Object.keys(collected(meter))).toEqual(expect.arrayContaining(['connection.count{fx}', 'message.deliveries{fx,sent}']))
  })
})

describe('instrument › the other parts', () => {
  it('reads a recovery: its histories, and how clients could resume', () => {
    const recovery = createRecovery()
    const { meter, connect, manager } = instrumented({ recovery }, { recorder: recovery })
    manager.publish(price(1))
    recovery.subscribe(connect('c1'), { ...PRICE, position: 'unknown:1' })

    expect(collected(meter)).toMatchObject({
      'recovery.channel.count': 1, 'recovery.message.count': 1, 'recovery.evictions': 0, 'recovery.resumes{recovered}': 0, 'recovery.resumes{refused}': 1,
    })
  })

  it('reads a cluster: whether it is up, and each of its counts', () => {
    const cluster = { status: 'up' as 'up' | 'down', stats: () => CLUSTER_STATS }
    const { meter } = instrumented({ cluster })

    const values = collected(meter)
    cluster.status = 'down'

    expect(values['cluster.up']).toBe(1)
    expect(collected(meter)['cluster.up']).toBe(0)
    const counts = Object.entries(values).filter(([name]) => name.startsWith('cluster.') && name !== 'cluster.up').map(([, value]) => value)
    expect(counts.toSorted((a, b) => a - b)).toEqual(Object.values(CLUSTER_STATS))
    expect(values).toMatchObject({ 'cluster.published.messages': 1, 'cluster.missing.messages': 9, 'cluster.outages': 12, 'cluster.unconfirmed.size': 13 })
  })

  it('reads a command server: its sessions, its commands and its refusals', () => {
    const { meter, connect, manager } = instrumented()
    const commands = createCommandServer(manager)
    const other = new FakeMeter()
    instrument(manager, other, { commands })
    const session = commands.open(connect('c1'))

    session.receive('[{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"A"},{"command":"dance","id":2}]')

    expect(collected(other)).toMatchObject({ 'protocol.session.count': 1, 'protocol.texts': 1, 'protocol.commands': 2, 'protocol.refusals': 1 })
    expect(Object.keys(collected(meter)).filter((name) => name.startsWith('protocol.'))).toEqual([])
  })

  it('that throws when it is read costs only its own series, and `onError` gets the error', () => {
    const errors: unknown[] = []
    const { meter } = instrumented({
      recovery: { stats: () => { throw FAILURE } },
      cluster: { status: 'up', stats: () => CLUSTER_STATS },
      onError: (error) => errors.push(error),
    })

    const values = collected(meter)

    expect(values).toMatchObject({ 'connection.count': 0, 'cluster.up': 1 })
    expect(errors).toEqual([FAILURE])
  })
})

describe('instrument › stop', () => {
  it('removes the callback and the listeners, and puts `publish` back', () => {
    const { meter, manager, instrumentation, connect } = instrumented()
    const readers = [...meter.readers]

    instrumentation.stop()
    instrumentation.stop()
    void connect('c1').remove()

    expect(meter.readers.size).toBe(0)
    expect(meter.collect(readers)).toMatchObject({
      'stream_connection_manager.connection.additions': 0, 'stream_connection_manager.connection.removals{removed}': 0,
    })
    expect(Object.hasOwn(manager, 'publish')).toBe(false)
  })

  it('ends all else if the meter throws, and `onError` gets the error', () => {
    const onError = vi.fn()
    const { meter, manager, instrumentation, connect } = instrumented({ onError })
    const readers = [...meter.readers]
    meter.removeBatchObservableCallback = () => { throw FAILURE }

    instrumentation.stop()
    instrumentation.stop()
    connect('c1')

    expect(onError.mock.calls).toEqual([[FAILURE]])
    expect(meter.collect(readers)['stream_connection_manager.connection.additions']).toBe(0)
    expect(Object.hasOwn(manager, 'publish')).toBe(false)
  })
})

describe('instrument › again', () => {
  it('on the same manager, no counter falls', () => {
    const { meter, manager, instrumentation, connect } = instrumented()
    void connect('c1').remove()
    connect('c2')

    instrumentation.stop()
    instrument(manager, meter)
    const after = collected(meter)
    connect('c3')

    expect([after['connection.additions'], after['connection.removals{removed}']]).toEqual([2, 1])
    expect(collected(meter)['connection.additions']).toBe(3)
  })

  it('while the first still measures, each connection counts once, until the last one stops', () => {
    const { meter, manager, instrumentation, connect } = instrumented()
    connect('c1')
    const other = new FakeMeter()
    const second = instrument(manager, other)

    connect('c2')
    const both = [meter, other].map((each) => collected(each)['connection.additions'])
    instrumentation.stop()
    instrumentation.stop()
    connect('c3')
    const [reader] = [...other.readers]
    second.stop()
    connect('c4')

    expect(both).toEqual([2, 2])
    expect(other.collect(reader && [reader])['stream_connection_manager.connection.additions']).toBe(3)
  })

  it('on another manager counts apart', () => {
    const { connect } = instrumented()
    connect('c1')

    expect(collected(instrumented().meter)['connection.additions']).toBe(0)
  })
})

describe('instrument › bad options', () => {
  it.each<[option: string, options: unknown]>([
    ['options', null],
    ['recovery', { recovery: {} }],
    ['cluster', { cluster: 'up' }],
    ['commands', { commands: 5 }],
    ['commands', { commands: { stats: {} } }],
    ['attributes', { attributes: new Map() }],
    ['measureEvery', { measureEvery: 0 }],
    ['clock', { clock: {} }],
    ['onError', { onError: true }],
    ['sampling', { sampling: 2 }],
  ])('are named, and nothing is measured: %s in %o', (option, options) => {
    const meter = new FakeMeter()
    const manager = new ConnectionManager()

    const error = expectCode('ERR_INVALID_OPTION', () => instrument(manager, meter, options as never))

    expect([error['option'], meter.instruments.size, Object.hasOwn(manager, 'publish')]).toEqual([option, 0, false])
  })

  it.each<[option: string, options: unknown]>([
    ['recovery', { recovery: { get stats() { throw FAILURE } } }],
    ['commands', { commands: { get sessions() { throw FAILURE } } }],
    ['attributes', { attributes: { get desk() { throw FAILURE } } }],
    ['attributes', { attributes: new Proxy({}, { getPrototypeOf: () => { throw FAILURE } }) }],
    ['clock', { clock: { get now() { throw FAILURE } } }],
    ['onError', { onError: new Proxy(() => {}, { get: () => { throw FAILURE } }) }],
  ])('are named if they cannot be read, with what was thrown as the cause: %s', (option, options) => {
    const error = expectCode('ERR_INVALID_OPTION', () => instrument(new ConnectionManager(), new FakeMeter(), options as never))

    expect([error['option'], error.cause]).toEqual([option, FAILURE])
  })

  it.each([undefined, null, {}, { on() {}, stats() {} }])('refuse what is no manager: %o', (manager) => {
    const meter = new FakeMeter()

    expectCode('ERR_INVALID_ARGUMENT', () => instrument(manager as never, meter))

    expect(meter.instruments.size).toBe(0)
  })

  it('a manager that is frozen makes the call throw, and nothing is measured', () => {
    const meter = new FakeMeter()
    const manager = Object.freeze(new ConnectionManager())
    const removers: (() => void)[] = []
    vi.spyOn(ConnectionManager.prototype, 'on').mockImplementation(() => {
      const remove = vi.fn()
      removers.push(remove)
      return remove
    })

    expect(() => instrument(manager, meter)).toThrow(TypeError)

    expect(meter.readers.size).toBe(0)
    for (const remove of removers) expect(remove).toHaveBeenCalledOnce()
  })

  it('a meter that throws when it is to read makes the call throw, and nothing is measured', () => {
    const meter = new FakeMeter()
    const manager = new ConnectionManager()
    meter.addBatchObservableCallback = () => { throw FAILURE }

    expect(() => instrument(manager, meter)).toThrow(FAILURE)

    expect(Object.hasOwn(manager, 'publish')).toBe(false)
    instrument(manager, new FakeMeter()).stop()
    expect(Object.hasOwn(manager, 'publish')).toBe(false)
  })

  it('a meter that throws when it makes an instrument makes the call throw, and nothing is measured', () => {
    const meter = new FakeMeter()
    const manager = new ConnectionManager()
    meter.createHistogram = () => { throw FAILURE }

    expect(() => instrument(manager, meter)).toThrow(FAILURE)

    expect([meter.readers.size, Object.hasOwn(manager, 'publish')]).toEqual([0, false])
  })
})
