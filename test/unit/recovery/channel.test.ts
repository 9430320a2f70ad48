import { describe, expect, it } from 'vitest'
import { parsePosition } from '../../../src/model/position.ts'
import { Channel } from '../../../src/recovery/channel.ts'
import { HistoryMessage } from '../../../src/recovery/history-message.ts'

const LIMITS = { count: 100, units: 1_000 }

/** A channel of trades whose own epoch is `own`. */
function trades(limits = LIMITS) {
  const channel = new Channel({ streamType: 'TRADES', symbol: 'A', userId: undefined }, 'own', false, limits)
  return { channel, add: adderTo(channel), since: sinceIn(channel) }
}

/** The channel of a whole `latest` type. */
function prices() {
  const channel = new Channel({ streamType: 'PRICE', symbol: undefined, userId: undefined }, 'own', true, LIMITS)
  return { channel, add: adderTo(channel), latest: (symbol?: string) => channel.latest(symbol).map(({ seq }) => seq) }
}

function adderTo(channel: Channel) {
  return (seq: number, epoch = 'own', symbol = 'A') => channel.add(new HistoryMessage(channel, { epoch, seq, symbol, text: '0123456789', unstamped: undefined, message: undefined }, 0, 0))
}

/** What a client with a position misses; `undefined` if it cannot resume. */
function sinceIn(channel: Channel) {
  return (position: string) => channel.since(parsePosition(position) as ReadonlyMap<string, number>)?.map(({ epoch, seq }) => `${epoch}:${seq}`)
}

describe('a channel', () => {
  it('lets clients resume after another node says how far it is, if all of its messages are held', () => {
    const { channel, add, since } = trades()
    for (const seq of [1, 2]) add(seq, 'other')

    channel.skipTo('other', 2)

    expect(since('other:1')).toEqual(['other:2'])
  })

  it('forgets messages of an epoch that it has forgotten, as any others', () => {
    const { channel, add, since } = trades()
    add(1, 'other')
    add(1)
    channel.forgetEpoch('other')

    const forgotten = [channel.forgetOldest(), channel.forgetOldest(), channel.forgetOldest()].map((message) => message?.epoch)

    expect(forgotten).toEqual(['other', 'own', undefined])
    expect([since(channel.position), channel.messages()]).toEqual([[], []])
  })

  it('names each epoch once, its own last, so that the epoch of the oldest run is forgotten first', () => {
    const { channel, add } = trades()
    add(1)
    add(1, 'other')
    channel.knowEpoch('earlier', { seq: 5, forgotten: 2, isForeign: false })

    expect(channel.epochs).toEqual([
      { epoch: 'other', seq: 1, forgotten: 0, isForeign: true },
      { epoch: 'earlier', seq: 5, forgotten: 2 },
      { epoch: 'own', seq: 1, forgotten: 0 },
    ])
  })

  it('goes on counting behind an archived epoch that has the name of its own', () => {
    const { channel, since } = trades()

    channel.knowEpoch('own', { seq: 7, forgotten: 5, isForeign: false })

    expect(channel.seq).toBe(7)
    expect([since('own:4'), since('own:7'), since('own:8')]).toEqual([undefined, [], undefined])
  })
})

describe('the history of a channel', () => {
  it.each([['messages', { count: 2, units: 1_000 }], ['units', { count: 100, units: 20 }]] as const)('is too large only while it has more %s than its limit', (_what, limits) => {
    const { channel, add } = trades(limits)

    const states = [
      () => add(1),
      () => add(2),
      () => add(3),
      () => channel.forgetOldest(),
    ].map((change) => (change(), channel.isTooLarge))

    expect(states).toEqual([false, false, true, false])
  })
})

describe('the last values of a channel', () => {
  it('are those of one symbol, or of all symbols, oldest first', () => {
    const { add, latest } = prices()
    for (const [seq, symbol] of [[1, 'A'], [2, 'B'], [3, 'A']] as const) add(seq, 'own', symbol)

    expect([latest('A'), latest('B'), latest('C'), latest()]).toEqual([[3], [2], [], [2, 3]])
  })

  it('say which older message a new one replaces', () => {
    const { add } = prices()

    expect([add(1), add(2, 'own', 'B'), add(3)].map((replaced) => replaced?.seq)).toEqual([undefined, undefined, 1])
  })
})
