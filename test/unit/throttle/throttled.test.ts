import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager, defineStreams, type Clock, type PublishableMessage } from '../../../src/index.ts'
import { fakeTransport, FakeSocket, ManualClock } from '../../../src/testing/index.ts'
import { throttled } from '../../../src/throttle/index.ts'
import { expectCode } from '../../support/errors.ts'
import { order, price } from '../../support/messages.ts'

const FAILURE = new Error('no broker')

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

function fail(): never {
  throw FAILURE
}

/** A throttle on a clock that stands still, and the times and messages that it published. */
function throttle({ intervalsMs = { PRICE: 100 }, atMs = 0, clock = new ManualClock(), publish = () => undefined as unknown, ...rest }: {
  intervalsMs?: object
  atMs?: number
  clock?: ManualClock
  publish?: (message: PublishableMessage) => unknown
  onError?: (error: unknown, message: PublishableMessage) => void
} = {}) {
  const published: PublishableMessage[] = []
  const log: [atMs: number, data: unknown][] = []
  const offer = throttled((message) => {
    published.push(message)
    log.push([clock.monotonic(), message.data])
    return publish(message)
  }, { intervalsMs, clock, ...rest })
  clock.advance(atMs)
  return { offer, clock, log, published }
}

describe('throttled › an offer', () => {
  it('is published at once if it is the first of its stream, as it is, and returns what publish returns', () => {
    const { offer, log, published } = throttle({ publish: () => 'result' })
    const message = price(1)

    expect(offer(message)).toBe('result')
    expect(published[0]).toBe(message)
    expect([log, offer.held]).toEqual([[[0, 1]], 0])
  })

  it('is held if its stream has had a message in the interval, and the newest one is published when the interval ends', () => {
    const { offer, clock, log } = throttle()

    expect([1, 2, 3].map((data) => offer(price(data)))).toEqual([undefined, undefined, undefined])
    expect([log, offer.held]).toEqual([[[0, 1]], 1])
    clock.advance(99)
    expect(log).toEqual([[0, 1]])
    clock.advance(1)

    expect([log, offer.held]).toEqual([[[0, 1], [100, 3]], 0])
  })

  it('is held until the next interval ends if a held message was just published', () => {
    const { offer, clock, log } = throttle()

    offer(price(1))
    offer(price(2))
    clock.advance(110)
    offer(price(3))
    clock.advance(300)

    expect(log).toEqual([[0, 1], [100, 2], [200, 3]])
  })

  it('is published at once again after an interval without messages', () => {
    const { offer, clock, log } = throttle()

    offer(price(1))
    clock.advance(150)
    offer(price(2))

    expect(log).toEqual([[0, 1], [150, 2]])
  })

  it('does not affect other streams', () => {
    const { offer, log } = throttle()

    for (const symbol of ['BTCUSDT', 'ETHUSDT', '__proto__', 'constructor', 'BTCUSDT']) offer(price(symbol, symbol))

    expect(log.map(([, data]) => data)).toEqual(['BTCUSDT', 'ETHUSDT', '__proto__', 'constructor'])
    expect(offer.held).toBe(1)
  })

  it('is published at once if its type has no interval, or an interval of 0', () => {
    const { offer, clock, log } = throttle({ intervalsMs: { PRICE: 0 } })

    for (const message of [price(1), price(2), order('alice', 3), order('alice', 4)]) offer(message)

    expect(log.map(([, data]) => data)).toEqual([1, 2, 3, 4])
    expect([offer.held, clock.pendingTimers]).toEqual([0, 0])
  })

  it('of a type whose symbol is optional treats null and absence as the same stream', () => {
    const streams = defineStreams({ MOOD: { audience: 'public', symbol: 'optional', delivery: 'latest' } })
    const clock = new ManualClock()
    const sent: unknown[] = []
    const offer = throttled((message) => void sent.push(message.data), { intervalsMs: { MOOD: 100 }, streams, clock })

    offer({ streamType: 'MOOD', data: 1 })
    offer({ streamType: 'MOOD', symbol: null, data: 2 })
    offer({ streamType: 'MOOD', symbol: 'BTCUSDT', data: 3 })

    expect([sent, offer.held]).toEqual([[1, 3], 1])
  })
})

describe('throttled › a held message', () => {
  it('has the fields that it was offered with, and the time of its offer', () => {
    const { offer, clock, published } = throttle()
    const data = { bid: 1 }
    const reused = { streamType: 'PRICE' as const, symbol: 'BTCUSDT', data }

    offer(price())
    clock.advance(30)
    const offeredAt = new Date(clock.now())
    offer(reused)
    reused.symbol = 'ETHUSDT'
    reused.data = { bid: 2 }
    clock.advance(70)

    expect(published[1]).toEqual({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 1 }, timestamp: offeredAt })
    expect(published[1]?.data).toBe(data)
  })

  it('keeps a timestamp of its own', () => {
    const { offer, clock, published } = throttle()
    const timestamp = new Date('2020-02-29T00:00:00.000Z')

    offer(price())
    offer({ ...price(), timestamp })
    clock.advance(100)

    expect(published[1]?.timestamp).toEqual(timestamp)
  })

  it.each([
    ['ERR_SYMBOL_REQUIRED', { streamType: 'PRICE', data: 1 }],
    ['ERR_INVALID_ID', { streamType: 'PRICE', symbol: '', data: 1 }],
    ['ERR_RECIPIENT_NOT_ALLOWED', { streamType: 'PRICE', symbol: 'BTCUSDT', userId: 'alice', data: 1 }],
    ['ERR_INVALID_MESSAGE', { streamType: 'PRICE', symbol: 'BTCUSDT', timestamp: 'now', data: 1 }],
  ] as const)('that is invalid is refused by the offer with %s, and takes no place', (code, message) => {
    const { offer, clock, log } = throttle()
    offer(price(1))
    offer(price(2))

    expectCode(code, () => offer(message as never))
    clock.advance(100)

    expect(log).toEqual([[0, 1], [100, 2]])
  })
})

describe('throttled › an invalid message', () => {
  it.each([
    ['ERR_SYMBOL_REQUIRED', { streamType: 'PRICE', data: 1 }],
    ['ERR_UNKNOWN_STREAM', { streamType: 'GOSSIP', data: 1 }],
    ['ERR_UNKNOWN_STREAM', { data: 1 }],
    ['ERR_INVALID_MESSAGE', undefined],
    ['ERR_INVALID_MESSAGE', null],
    ['ERR_RECIPIENT_REQUIRED', { streamType: 'ORDER_UPDATES', data: 1 }],
  ] as const)('is refused by the offer with %s: %o', (code, message) => {
    const clock = new ManualClock()
    const manager = new ConnectionManager({ clock })
    const offer = throttled((each) => manager.publish(each), { intervalsMs: { PRICE: 100 }, clock })

    expectCode(code, () => offer(message as never))

    expect([offer.held, clock.pendingTimers]).toEqual([0, 0])
  })
})

describe('throttled › intervals', () => {
  it('end together for all streams of a type, regardless of their first messages', () => {
    const { offer, clock, log } = throttle({ atMs: 1_030 })

    for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
      offer(price(`${symbol} 1`, symbol))
      offer(price(`${symbol} 2`, symbol))
      clock.advance(50)
    }
    clock.advance(1_000)

    expect(log).toEqual([[1_030, 'BTCUSDT 1'], [1_080, 'ETHUSDT 1'], [1_100, 'BTCUSDT 2'], [1_100, 'ETHUSDT 2']])
  })

  it('of several lengths share one timer', () => {
    const streams = defineStreams({
      FAST: { audience: 'public', symbol: 'none', delivery: 'latest' },
      SLOW: { audience: 'public', symbol: 'none', delivery: 'latest' },
    })
    const clock = new ManualClock()
    const log: unknown[] = []
    const offer = throttled(({ data }) => void log.push([clock.monotonic(), data]), { intervalsMs: { SLOW: 250, FAST: 100 }, streams, clock })

    for (const data of [1, 2]) {
      offer({ streamType: 'SLOW', data: `slow ${data}` })
      offer({ streamType: 'FAST', data: `fast ${data}` })
    }
    expect(clock.pendingTimers).toBe(1)
    clock.advance(1_000)

    expect(log).toEqual([[0, 'slow 1'], [0, 'fast 1'], [100, 'fast 2'], [250, 'slow 2']])
  })

  it('of a length that has no exact binary number end after they began', () => {
    // 1,050 is the end of the 63rd, and 1,050 / (1,000 / 60) is less than 63.
    const { offer, clock, log } = throttle({ intervalsMs: { PRICE: 1_000 / 60 }, atMs: 1_050 })

    offer(price(1))
    offer(price(2))
    clock.advance(0)
    expect(log).toEqual([[1_050, 1]])
    clock.advance(17)

    expect(log.map(([, data]) => data)).toEqual([1, 2])
  })

  it('that are over leave neither a stream nor a timer behind', () => {
    const { offer, clock } = throttle()

    for (let i = 0; i < 1_000; i++) for (const data of [1, 2]) offer(price(data, `S${i}`))
    expect([offer.held, clock.pendingTimers]).toEqual([1_000, 1])
    clock.advance(200)

    expect([offer.held, clock.pendingTimers]).toEqual([0, 0])
  })
})

describe('throttled › flush', () => {
  it('publishes all held messages, and does not end the interval', () => {
    const { offer, clock, log } = throttle()

    for (const data of [1, 2]) for (const symbol of ['BTCUSDT', 'ETHUSDT']) offer(price(`${symbol} ${data}`, symbol))
    clock.advance(50)
    offer.flush()
    expect(log.slice(2)).toEqual([[50, 'BTCUSDT 2'], [50, 'ETHUSDT 2']])
    offer(price('BTCUSDT 3'))
    expect(offer.held).toBe(1)
    clock.advance(50)

    expect(log.slice(4)).toEqual([[100, 'BTCUSDT 3']])
  })

  it('does nothing if nothing is held', () => {
    const { offer, log } = throttle()

    offer(price(1))
    offer.flush()

    expect(log).toEqual([[0, 1]])
  })
})

describe('throttled › stop', () => {
  it('discards all held messages, stops the timer, and treats the next offer as the first', () => {
    const { offer, clock, log } = throttle()

    offer(price(1))
    offer(price(2))
    offer.stop()
    expect([offer.held, clock.pendingTimers]).toEqual([0, 0])
    offer(price(3))
    offer(price(4))
    clock.advance(100)

    expect(log).toEqual([[0, 1], [0, 3], [100, 4]])
  })

  it('is harmless before any offer', () => {
    const { offer, clock } = throttle()

    offer.stop()

    expect(clock.pendingTimers).toBe(0)
  })
})

describe('throttled › an error of publish', () => {
  it('goes to the caller if the message is published at once, and the next message counts as the first', () => {
    let isBroken = true
    const { offer, clock, log } = throttle({ publish: () => (isBroken ? fail() : undefined) })

    expect(() => offer(price(1))).toThrow(FAILURE)
    isBroken = false
    offer(price(2))
    clock.advance(100)

    expect(log).toEqual([[0, 1], [0, 2]])
  })

  it('leaves a message that was offered meanwhile held until the interval ends', () => {
    const { offer, clock, log } = throttle({
      publish({ data }) {
        if (data !== 1) return
        offer(price(2))
        fail()
      },
    })

    expect(() => offer(price(1))).toThrow(FAILURE)
    clock.advance(100)

    expect(log).toEqual([[0, 1], [100, 2]])
  })

  it('goes to onError if the message was held, with that message, and the others are published all the same', () => {
    const onError = vi.fn()
    const { offer, clock, published, log } = throttle({ onError, publish: ({ data }) => (data === 'bad' ? fail() : undefined) })
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) offer(price('first', symbol))

    offer(price('bad'))
    offer(price('good', 'ETHUSDT'))
    clock.advance(100)

    expect(onError.mock.calls).toEqual([[FAILURE, published[2]]])
    expect(log.slice(2)).toEqual([[100, 'bad'], [100, 'good']])
  })

  it('goes to onError if a flush publishes it', () => {
    const onError = vi.fn()
    const { offer } = throttle({ onError, publish: ({ data }) => (data === 'bad' ? fail() : undefined) })

    offer(price(1))
    offer(price('bad'))
    offer.flush()

    expect(onError).toHaveBeenCalledOnce()
  })

  it('goes to onError if the promise of a held message rejects', async () => {
    const onError = vi.fn()
    const { offer, clock, published } = throttle({ onError, publish: ({ data }) => (data === 'bad' ? Promise.reject(FAILURE) : Promise.resolve()) })

    void offer(price(1))
    offer(price('bad'))
    clock.advance(100)
    await new Promise((resolve) => void setImmediate(resolve))

    expect(onError.mock.calls).toEqual([[FAILURE, published[1]]])
  })

  it('is printed once if there is no onError', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const { offer, clock } = throttle({ publish: ({ data }) => (data === 'bad' ? fail() : undefined) })

    offer(price(1))
    for (let i = 0; i < 3; i++) {
      offer(price('bad'))
      clock.advance(100)
    }

    expect(warn.mock.calls).toEqual([[expect.stringContaining('publishing a held message failed'), FAILURE]])
  })

  it.each([
    ['is missing', undefined],
    ['throws', { warn: fail }],
    ['rejects', { warn: () => Promise.reject(FAILURE) }],
  ])('ends no timer if there is no onError and the console %s', (_what, console) => {
    vi.stubGlobal('console', console)
    const { offer, clock, log } = throttle({ publish: ({ data }) => (data === 'bad' ? fail() : undefined) })
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) offer(price(1, symbol))

    offer(price('bad'))
    offer(price('good', 'ETHUSDT'))
    clock.advance(100)

    expect(log.at(-1)).toEqual([100, 'good'])
  })

  it('is contained if onError throws or rejects', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const onError = vi.fn(fail).mockImplementationOnce(() => Promise.reject(FAILURE) as never)
    const { offer, clock } = throttle({ onError, publish: ({ data }) => (data === 'bad' ? fail() : undefined) })

    offer(price(1))
    for (let i = 0; i < 3; i++) {
      offer(price('bad'))
      clock.advance(100)
    }

    expect(onError).toHaveBeenCalledTimes(3)
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its `onError` failed'), FAILURE]])
  })
})

describe('throttled › publish that calls back', () => {
  it('holds messages that it offers itself until the interval ends', () => {
    const { offer, clock, log } = throttle({ publish: ({ data }) => void (Number(data) < 4 && offer(price(Number(data) + 1))) })

    offer(price(1))
    clock.advance(250)

    expect(log).toEqual([[0, 1], [100, 2], [200, 3]])
  })

  it('publishes a newer message that it offers for a stream whose turn has not come', () => {
    const { offer, clock, log } = throttle({ publish: ({ data }) => void (data === 'BTC 2' && offer(price('ETH 3', 'ETHUSDT'))) })
    for (const data of [1, 2]) for (const symbol of ['BTC', 'ETH']) offer(price(`${symbol} ${data}`, `${symbol}USDT`))

    clock.advance(100)

    expect(log.slice(2)).toEqual([[100, 'BTC 2'], [100, 'ETH 3']])
    expect(offer.held).toBe(0)
  })

  it.each(['stop', 'flush'] as const)('may %s while held messages are published, and none is published twice', (method) => {
    const { offer, clock, log } = throttle({ publish: ({ data }) => void (data === 'BTC 2' && offer[method]()) })
    for (const data of [1, 2]) for (const symbol of ['BTC', 'ETH']) offer(price(`${symbol} ${data}`, `${symbol}USDT`))

    clock.advance(100)

    expect(log.slice(2)).toEqual(method === 'stop' ? [[100, 'BTC 2']] : [[100, 'BTC 2'], [100, 'ETH 2']])
    expect(offer.held).toBe(0)
  })

  it('may take longer than an interval, and no stream gets two messages in one', () => {
    const { offer, clock, log } = throttle({
      publish({ data }) {
        if (data === 'BTC 2') clock.advance(100)
        if (data === 'ETH 2') offer(price('ETH 3', 'ETHUSDT'))
      },
    })
    for (const data of [1, 2]) for (const symbol of ['BTC', 'ETH']) offer(price(`${symbol} ${data}`, `${symbol}USDT`))

    clock.advance(300)

    expect(log.slice(2)).toEqual([[100, 'BTC 2'], [200, 'ETH 2'], [300, 'ETH 3']])
  })
})

/** A clock whose timers are lost while `areLost`, as when a test installs fake timers. */
class LossyClock extends ManualClock {
  areLost = true

  override setTimeout(fn: () => void, ms: number): () => void {
    return this.areLost ? () => {} : super.setTimeout(fn, ms)
  }
}

describe('throttled › the clock', () => {
  it.each([
    ['of the same stream', 'which takes the place of the held one', price(3), [[0, 1], [150, 3]]],
    ['of another stream', 'after it', price(3, 'ETHUSDT'), [[0, 1], [150, 3], [150, 2]]],
    ['that passes straight through', 'after it', order('alice', 3), [[0, 1], [150, 3], [150, 2]]],
  ])('may lose a timer: an offer %s publishes what is due, %s', (_what, _when, message, expected) => {
    const clock = new LossyClock()
    const { offer, log } = throttle({ clock })

    offer(price(1))
    offer(price(2))
    clock.advance(150)
    offer(message)

    expect(log).toEqual(expected)
  })

  it('may lose a timer, and later timers fire again', () => {
    const clock = new LossyClock()
    const { offer, log } = throttle({ clock })

    offer(price(1))
    offer(price(2))
    clock.advance(150)
    clock.areLost = false
    offer(price(3))
    offer(price(4))
    clock.advance(50)

    expect(log).toEqual([[0, 1], [150, 3], [200, 4]])
  })

  it('may lose a timer: an offer that throws still publishes the held messages that are due', () => {
    const clock = new LossyClock()
    const { offer, log } = throttle({ clock, publish: ({ data }) => (data === 'bad' ? fail() : undefined) })

    offer(price(1))
    offer(price(2))
    clock.advance(150)

    expect(() => offer(price('bad', 'ETHUSDT'))).toThrow(FAILURE)
    expect(log).toEqual([[0, 1], [150, 'bad'], [150, 2]])
  })

  it('may lose a timer: a message that publish offers does not overtake an older one', () => {
    const clock = new LossyClock()
    const { offer, log } = throttle({ clock, publish: ({ data }) => void (data === 2 && offer(price(4, 'ETHUSDT'))) })

    offer(price(1))
    offer(price(2))
    clock.advance(150)
    clock.areLost = false
    offer(price(3, 'ETHUSDT'))
    clock.advance(50)

    expect(log).toEqual([[0, 1], [150, 3], [150, 2], [200, 4]])
  })

  it('may fire a timer a little early, and the interval is over all the same', () => {
    const clock = new (class extends ManualClock {
      override setTimeout(fn: () => void, ms: number): () => void {
        return super.setTimeout(fn, Math.max(0, ms - 0.4))
      }
    })()
    const { offer, log } = throttle({ clock })

    offer(price(1))
    offer(price(2))
    clock.advance(99.7)
    offer(price(3))
    clock.advance(200)

    expect(log).toEqual([[0, 1], [99.6, 2], [199.6, 3]])
  })

  it('may go back: intervals continue from the last reading', () => {
    const manual = new ManualClock()
    let backMs = 0
    const clock: Clock = {
      now: () => manual.now(),
      monotonic: () => manual.monotonic() - backMs,
      setTimeout: (fn, ms) => manual.setTimeout(fn, ms),
    }
    const sent: unknown[] = []
    const offer = throttled(({ data }) => void sent.push(data), { intervalsMs: { PRICE: 100 }, clock })
    manual.advance(1_000)

    offer(price(1))
    offer(price(2))
    backMs = 900
    offer(price(3))
    manual.advance(100)

    expect(sent).toEqual([1, 3])
  })

  it('may fail later: that is printed once, and the messages are published all the same', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const clock = new ManualClock()
    const { offer, log } = throttle({ clock })
    vi.spyOn(clock, 'now').mockImplementation(fail)

    for (const data of [1, 2]) offer(price(data))
    clock.advance(100)

    expect(log).toEqual([[0, 1], [100, 2]])
    expect(warn.mock.calls).toEqual([[expect.stringContaining('its clock failed'), FAILURE]])
  })

  it('is that of the runtime by default', () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const sent: unknown[] = []
      const offer = throttled(({ data }) => void sent.push(data), { intervalsMs: { PRICE: 100 } })

      offer(price(1))
      offer(price(2))
      vi.advanceTimersByTime(100)

      expect(sent).toEqual([1, 2])
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('throttled › with a manager', () => {
  it('returns its results, and hands a socket what several streams held in one write', () => {
    const clock = new ManualClock()
    const manager = new ConnectionManager<FakeSocket>({ clock, transport: fakeTransport() })
    const socket = new FakeSocket()
    const connection = manager.addConnection('c1', socket, 'alice')
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) connection.subscribe({ streamType: 'PRICE', symbol })
    const offer = throttled((message) => manager.publish(message), { intervalsMs: { PRICE: 100 }, clock })

    const results = [1, 2, 3].map((data) => offer(price(data)))
    clock.advance(60)
    for (const data of [4, 5]) offer(price(data, 'ETHUSDT'))
    connection.flush()
    clock.advance(40)
    connection.flush()

    expect(results).toEqual([expect.objectContaining({ matched: 1 }), undefined, undefined])
    expect(socket.received).toEqual([1, 4, 3, 5])
    expect(socket.writes.map((texts) => texts.length)).toEqual([2, 2])
  })

  it('reports a message that was held when the manager closed', async () => {
    const onError = vi.fn()
    const clock = new ManualClock()
    const manager = new ConnectionManager({ clock })
    const offer = throttled((message) => manager.publish(message), { intervalsMs: { PRICE: 100 }, clock, onError })

    offer(price(1))
    offer(price(2))
    await manager.cleanup()
    clock.advance(100)

    expect(onError.mock.calls).toMatchObject([[{ code: 'ERR_CLOSED' }, { data: 2 }]])
  })
})
