import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager } from '../../../../src/index.ts'
import { instrument, type InstrumentingOptions } from '../../../../src/operations/index.ts'
import { FakeSocket, ManualClock } from '../../../../src/testing/index.ts'
import { expectCode } from '../../../support/errors.ts'
import { FakeMeter } from '../../../support/fake-meter.ts'
import { price, PRICE } from '../../../support/messages.ts'

const DURATION = 'stream_connection_manager.publish.duration'
const RECIPIENTS = 'stream_connection_manager.publish.recipients'

afterEach(() => {
  vi.restoreAllMocks()
})

/** A manager with three subscribers, each of which takes 2 ms to be sent a message, and what was measured of its publishes. */
function probed(options: InstrumentingOptions = {}) {
  const clock = new ManualClock()
  const meter = new FakeMeter()
  const manager = new ConnectionManager<FakeSocket>({ clock })
  for (const id of ['a', 'b', 'c']) {
    const socket = new FakeSocket()
    vi.spyOn(socket, 'send').mockImplementation(() => clock.advance(2))
    manager.addConnection(id, socket, id).subscribe(PRICE)
  }
  const instrumentation = instrument(manager, meter, { measureEvery: 1, clock, ...options })
  return { clock, meter, manager, instrumentation, durations: meter.records.get(DURATION) ?? [], recipients: meter.records.get(RECIPIENTS) ?? [] }
}

describe('PublishProbe › a publish that is measured', () => {
  it('returns its result, and has its duration recorded in seconds, and its recipients', () => {
    const { manager, durations, recipients } = probed({ attributes: { desk: 'fx' } })

    const result = manager.publish(price())

    expect(result).toMatchObject({ matched: 3, sent: 3 })
    expect(durations).toEqual([{ value: 0.006, attributes: { desk: 'fx' } }])
    expect(recipients).toEqual([{ value: 3, attributes: { desk: 'fx' } }])
  })

  it.each([[1, [{ value: 2, attributes: {} }]], [1_000, []]])('gets its options, like one that is not measured: one in %d', (measureEvery, recorded) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { manager, recipients } = probed({ measureEvery })
    const left = manager.getConnection('a')

    const { matched } = manager.publish(price(), { except: left === undefined ? [] : [left] })

    expect([matched, recipients]).toEqual([2, recorded])
  })

  it('throws what the manager throws, and has its duration recorded with the code', () => {
    const { manager, durations, recipients } = probed()

    expectCode('ERR_UNKNOWN_STREAM', () => manager.publish({ streamType: 'GOSSIP', data: 1 } as never))

    expect(durations).toEqual([{ value: 0, attributes: { 'error.type': 'ERR_UNKNOWN_STREAM' } }])
    expect(recipients).toEqual([])
  })

  it.each([[undefined], [null], [{ code: 7 }]])('is recorded as _OTHER if %o is thrown', (thrown) => {
    const clock = new ManualClock()
    const meter = new FakeMeter()
    const manager = new ConnectionManager()
    manager.publish = () => { throw thrown }
    instrument(manager, meter, { measureEvery: 1, clock })

    expect(() => manager.publish(price())).toThrow()

    expect(meter.records.get(DURATION)).toEqual([{ value: 0, attributes: { 'error.type': '_OTHER' } }])
  })

  it('is not recorded if it is deferred', () => {
    const { manager, recipients } = probed()
    const data = { toJSON: () => manager.publish(price('inner')).deferred }

    manager.publish(price(data))

    expect(recipients).toHaveLength(1)
    expect(manager.stats()).toMatchObject({ deferred: 1, sent: 6 })
  })

  it('returns its result if the meter throws, and `onError` gets the error', () => {
    const errors: unknown[] = []
    const { manager, meter } = probed({ onError: (error) => errors.push(error) })
    const failure = new Error('full')
    meter.onRecord = () => { throw failure }

    expect(manager.publish(price())).toMatchObject({ sent: 3 })
    expectCode('ERR_UNKNOWN_STREAM', () => manager.publish({ streamType: 'GOSSIP', data: 1 } as never))

    expect(errors).toEqual([failure, failure])
  })
})

describe('PublishProbe › the choice', () => {
  it.each([
    [0, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [0.5, [3, 7, 11]],
    [0.999, [6]],
  ])('of one in four takes distances from 1 to 7: with the random number %d, it takes %o', (random, taken) => {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const { manager, recipients } = probed({ measureEvery: 4 })

    const measured: number[] = []
    for (let i = 0; i < 13; i++) {
      const before = recipients.length
      manager.publish(price(i))
      if (recipients.length > before) measured.push(i)
    }

    expect(measured).toEqual(taken)
  })

  it('of none leaves the manager’s own method, and makes no histogram', () => {
    const { manager, meter, instrumentation } = probed({ measureEvery: Infinity })

    instrumentation.stop()

    expect([Object.hasOwn(manager, 'publish'), [...meter.records.keys()]]).toEqual([false, []])
  })
})

describe('PublishProbe › a clock that fails', () => {
  it('does not stop a publish, and its first error is printed', () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    let isBroken = false
    const clock = new ManualClock()
    const failure = new Error('no time')
    const monotonic = (): number => {
      if (isBroken) throw failure
      return 5
    }
    const { manager, durations } = probed({ clock: { now: () => 0, monotonic, setTimeout: (fn, ms) => clock.setTimeout(fn, ms) } })
    isBroken = true

    expect(manager.publish(price())).toMatchObject({ sent: 3 })

    expect(durations).toEqual([{ value: 0, attributes: {} }])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its clock'), failure]])
  })
})

describe('PublishProbe › the method', () => {
  it('is no enumerable property, so that a manager looks as before', () => {
    const { manager } = probed()

    expect(Object.keys(manager)).not.toContain('publish')
  })

  it('is the one before again when the measuring stops, whatever it was', () => {
    const manager = new ConnectionManager()
    const first = instrument(manager, new FakeMeter())
    const { publish } = manager
    const second = instrument(manager, new FakeMeter())

    second.stop()
    expect(manager.publish).toBe(publish)
    first.stop()

    expect(manager.publish).toBe(ConnectionManager.prototype.publish)
  })

  it('is the one before again if the measurings stop in the order in which they began', () => {
    const manager = new ConnectionManager<FakeSocket>()
    const meters = [1, 2, 3].map(() => new FakeMeter())
    const [first, second, third] = meters.map((meter) => instrument(manager, meter, { measureEvery: 1 }))

    first?.stop()
    manager.publish(price())
    second?.stop()
    manager.publish(price())

    expect(meters.map(({ records }) => records.get(DURATION)?.length)).toEqual([0, 1, 2])
    third?.stop()
    expect(Object.hasOwn(manager, 'publish')).toBe(false)
  })

  it('leaves no function behind if one measuring takes over from another again and again', () => {
    const manager = new ConnectionManager<FakeSocket>()
    let running = instrument(manager, new FakeMeter())

    for (let i = 0; i < 20_000; i++) {
      const next = instrument(manager, new FakeMeter())
      running.stop()
      running = next
    }

    expect(manager.publish(price())).toMatchObject({ matched: 0 })
    running.stop()
    expect(Object.hasOwn(manager, 'publish')).toBe(false)
  })

  it('stays if somebody else has replaced it, and measures nothing more', () => {
    const { manager, instrumentation, recipients } = probed()
    const { publish } = manager
    const replaced = vi.fn((message: never) => publish(message))
    manager.publish = replaced

    instrumentation.stop()
    const result = manager.publish(price() as never)

    expect([result.sent, replaced.mock.calls.length, recipients]).toEqual([3, 1, []])
    expect(manager.publish).toBe(replaced)
  })
})
