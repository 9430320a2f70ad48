import { describe, expect, it } from 'vitest'
import { defineStreams } from '../../../src/index.ts'
import type { ResolvedCatalogue } from '../../../src/model/catalogue.ts'
import type { Channel } from '../../../src/recovery/channel.ts'
import { Histories, type HistoryLimits } from '../../../src/recovery/histories.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
})

const TRADES = { streamType: 'TRADES', symbol: 'A', userId: undefined }
const PRICE = { streamType: 'PRICE', symbol: 'A', userId: undefined }
const NO_LIMITS = { count: Infinity, units: Infinity, ageMs: 100, totalUnits: Infinity, byType: new Map() }

/** Histories that keep messages for 100 ms, by a clock that does not start at 0. Their epochs are `e1`, `e2` and so on. */
function desk(limits: Partial<HistoryLimits> = {}, clock = new ManualClock()) {
  clock.advance(1_000)
  let epochs = 0
  const histories = new Histories(streams as ResolvedCatalogue, { ...NO_LIMITS, ...limits }, clock, () => `e${++epochs}`)
  /** Records a message of the stream, whose text has ten units. */
  const record = (stream = TRADES) => {
    const channel = histories.obtain(stream)
    return histories.append(channel, recorded(channel.epoch, channel.seq + 1, stream.symbol))
  }
  return { histories, clock, record }
}

function recorded(epoch: string, seq: number, symbol = 'A') {
  return { epoch, seq, symbol, text: '0123456789', unstamped: undefined, message: undefined }
}

const held = (channel: Channel | undefined) => channel?.messages().map(({ epoch, seq }) => `${epoch}:${seq}`)

/** A clock that loses the timers that are set while `losesTimers` is true. */
class LossyClock extends ManualClock {
  losesTimers = true

  override setTimeout(fn: () => void, ms: number): () => void {
    return this.losesTimers ? () => {} : super.setTimeout(fn, ms)
  }
}

describe('the age of messages', () => {
  it('ends each message after ageMs, without any call', () => {
    const { histories, clock, record } = desk()
    histories.setActive(TRADES, true)
    record()
    clock.advance(40)
    record()

    const counts = [59, 1, 39, 1].map((ms) => (clock.advance(ms), histories.messageCount))

    expect(counts).toEqual([2, 1, 1, 0])
    expect(clock.pendingTimers).toBe(0)
  })

  it('ends messages that joined a history from another node, without any call', () => {
    const { histories, clock } = desk()
    const channel = histories.obtain(TRADES)
    histories.setActive(TRADES, true)
    channel.skipTo('other', 2)
    histories.prepend(channel, 'other', [recorded('other', 1), recorded('other', 2)])

    const counts = [99, 1].map((ms) => (clock.advance(ms), histories.messageCount))

    expect(counts).toEqual([2, 0])
  })

  it('counts from when a message was recorded, also if that was before a restart', () => {
    const { histories, clock } = desk()
    const channel = histories.obtain(TRADES)
    histories.setActive(TRADES, true)
    histories.append(channel, recorded('before', 1), 100)
    histories.append(channel, recorded('before', 2), 60)

    const counts = [0, 39, 1].map((ms) => (clock.advance(ms), histories.messageCount))

    expect(counts).toEqual([1, 1, 0])
  })

  it('ends messages at the next message, if their timer was lost', () => {
    const { histories, clock, record } = desk({}, new LossyClock())
    histories.setActive(TRADES, true)
    record()
    clock.advance(1_000)

    record()

    expect(held(histories.find(TRADES))).toEqual(['e1:2'])
  })

  it('ends messages and channels at the next look, if their timers were lost', () => {
    const clock = new LossyClock()
    const { histories, record } = desk({}, clock)
    record()
    clock.advance(1_000)
    clock.losesTimers = false

    histories.refresh()
    const { messageCount } = histories
    clock.advance(0)

    expect([messageCount, histories.channelCount]).toEqual([0, 0])
  })

  it('does not end a last value', () => {
    const { histories, clock, record } = desk()
    histories.setActive(PRICE, true)
    record(PRICE)

    clock.advance(10_000)

    expect(held(histories.find(PRICE))).toEqual(['e1:1'])
  })
})

describe('the limits of a history', () => {
  it.each([['messages', { count: 2 }], ['units', { units: 20 }]] as const)('keep exactly as many %s as they say, and count what they evict', (_what, limits) => {
    const { histories, record } = desk(limits)
    for (const _each of [1, 2]) record()
    const before = [held(histories.find(TRADES)), histories.evicted]

    for (const _each of [3, 4, 5]) record()

    expect([before, [held(histories.find(TRADES)), histories.evicted]]).toEqual([[['e1:1', 'e1:2'], 0], [['e1:4', 'e1:5'], 3]])
    expect([histories.messageCount, histories.units]).toEqual([2, 20])
  })

  it('hold for messages that joined from another node as for others', () => {
    const { histories, record } = desk({ units: 30 })
    const channel = histories.obtain(TRADES)
    channel.skipTo('other', 2)
    record()
    histories.prepend(channel, 'other', [recorded('other', 1), recorded('other', 2)])
    const before = held(channel)

    record()

    expect([before, held(channel)]).toEqual([['other:1', 'other:2', 'e1:1'], ['other:2', 'e1:1', 'e1:2']])
  })

  it.each([['count', { count: 0 }], ['units', { units: 9 }]] as const)('of %s do not touch last values', (_what, limits) => {
    const { histories, record } = desk(limits)

    for (const stream of [PRICE, TRADES]) record(stream)

    expect([held(histories.find(PRICE)), held(histories.find(TRADES))]).toEqual([['e1:1'], []])
  })
})

describe('the limit of all histories', () => {
  it('evicts the last value that was recorded first, if there are only last values', () => {
    const { histories, record } = desk({ totalUnits: 20 })

    for (const symbol of ['A', 'B', 'C']) record({ ...PRICE, symbol })

    expect(['A', 'B', 'C'].map((symbol) => held(histories.find({ ...PRICE, symbol })))).toEqual([[], ['e2:1'], ['e3:1']])
    expect([histories.evicted, histories.units, histories.messageCount]).toEqual([1, 20, 2])
  })

  it('evicts older messages of another node before all others, because they may be the oldest', () => {
    const { histories, record } = desk({ totalUnits: 30 })
    record(PRICE)
    const channel = histories.obtain(TRADES)
    channel.skipTo('other', 2)
    record()

    histories.prepend(channel, 'other', [recorded('other', 1), recorded('other', 2)])

    expect([held(histories.find(PRICE)), held(channel)]).toEqual([['e1:1'], ['other:2', 'e2:1']])
  })
})

describe('the number of evicted messages', () => {
  it('has neither replaced last values nor messages that went with their channel', () => {
    const { histories, clock, record } = desk()
    for (const _each of [1, 2, 3]) record(PRICE)
    const counts = [histories.evicted, histories.messageCount, histories.units]

    clock.advance(100)

    expect([counts, [histories.channelCount, histories.messageCount, histories.evicted]]).toEqual([[0, 1, 10], [0, 0, 0]])
  })
})

describe('a revoked last value', () => {
  it.each([
    ['of the revoked stream', { streamType: 'PRICE', symbol: 'A' }, 1, true],
    ['of another stream', { streamType: 'PRICE', symbol: 'Z' }, 2, false],
    ['that came after the revocation', { streamType: 'PRICE', symbol: 'B' }, 1, false],
    ['that came last before the revocation', { streamType: 'PRICE', symbol: 'B' }, 2, true],
    ['of a type without messages', { streamType: 'TRADES', symbol: undefined }, 2, false],
  ] as const)('is held or not: one %s', (_case, stream, count, isHeld) => {
    const { histories, record } = desk()
    const orders = ['A', 'B'].map((symbol) => record({ ...PRICE, symbol }).order)

    expect(histories.holdsRevoked({ userId: undefined, ...stream }, orders[count - 1] as number)).toBe(isHeld)
  })
})

describe('a channel without subscribers', () => {
  it('keeps its numbers for ageMs after its last message', () => {
    const { histories, clock, record } = desk()
    record()
    clock.advance(80)
    record()

    const epochs = [99, 1].map((ms) => (clock.advance(ms), histories.find(TRADES)?.epoch))

    expect(epochs).toEqual(['e1', undefined])
    expect(record()).toMatchObject({ epoch: 'e2', seq: 1 })
  })
})

describe('the channels without subscribers', () => {
  const LIMIT = 100_000
  const name = (index: number) => ({ ...TRADES, symbol: String(index) })

  it('are 100,000 at most: the oldest channel without subscribers is forgotten with its messages', () => {
    const { histories, record } = desk()
    histories.setActive(name(0), true)
    for (const index of [0, 1, 2]) record(name(index))
    for (let index = 3; index <= LIMIT; index++) histories.obtain(name(index))
    expect([histories.channelCount, histories.messageCount]).toEqual([LIMIT + 1, 3])

    histories.obtain(name(LIMIT + 1))

    expect([0, 1, 2, LIMIT + 1].map((index) => histories.find(name(index)) !== undefined)).toEqual([true, false, true, true])
    expect([histories.channelCount, histories.messageCount]).toEqual([LIMIT + 1, 2])
  })

  it('are 100,000 at most, however often the streams of a channel became active and idle, and channels were forgotten', () => {
    const { histories, clock } = desk()
    const news = (symbol: string) => ({ streamType: 'NEWS', symbol, userId: undefined })
    for (const [symbol, isActive] of [['A', true], ['B', true], ['A', false], ['A', true], ['B', false]] as const) histories.setActive(news(symbol), isActive)
    for (const index of [-1, -2]) histories.obtain(name(index))
    clock.advance(100)
    const before = histories.channelCount
    for (let index = 0; index < LIMIT; index++) histories.obtain(name(index))
    const full = histories.channelCount

    histories.obtain(name(LIMIT))

    expect([before, full, histories.channelCount]).toEqual([1, LIMIT + 1, LIMIT + 1])
  })
})
