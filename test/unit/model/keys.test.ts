import { describe, expect, it } from 'vitest'
import { ConnectionManager, parseStreamKey, parseSubscriptionKey, streamKey, subscriptionKey } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'
import { HOSTILE_IDS, NO_IDS } from '../../support/hostile.ts'
import { seededRandom } from '../../support/seeded-random.ts'

interface Identity {
  readonly userId: string
  readonly streamType: string
  readonly symbol: string | undefined
}

const STREAM_TYPES = ['PRICE', 'USER_DATA', '__proto__', 'constructor', '%3A', '%', ' ', 'ü😀', 'T'.repeat(300)]
const NO_STREAM_TYPES: readonly (readonly [what: string, value: unknown])[] = [
  ['an empty string', ''],
  ['a text with a colon', 'PRICE:BTC'],
  ['a colon', ':'],
  ['undefined', undefined],
  ['null', null],
  ['a number', 1],
  ['an array', ['PRICE']],
]

const hostileStreams = STREAM_TYPES.flatMap((streamType) =>
  [undefined, ...HOSTILE_IDS].map((symbol) => ({ streamType, symbol })),
)

const hostileIdentities: Identity[] = HOSTILE_IDS.flatMap((userId) =>
  ['PRICE', '%3A'].flatMap((streamType) => [undefined, ...HOSTILE_IDS].map((symbol) => ({ userId, streamType, symbol }))),
)

/** Identities over so small an alphabet that similar texts are frequent. */
function randomIdentities({ count, seed }: { count: number; seed: number }): Identity[] {
  const random = seededRandom(seed)
  const letters = ['%', ':', '2', '3', '5', 'A', 'a', 'B', '😀']
  const text = (alphabet: readonly string[]): string =>
    Array.from({ length: 1 + Math.floor(random() * 6) }, () => alphabet[Math.floor(random() * alphabet.length)]).join('')
  const withoutColon = letters.filter((letter) => letter !== ':')
  return Array.from({ length: count }, () => ({
    userId: text(letters),
    streamType: text(withoutColon),
    symbol: random() < 0.3 ? undefined : text(letters),
  }))
}

describe('streamKey', () => {
  it('joins stream type and symbol with a colon', () => {
    expect(streamKey('PRICE', 'BTCUSDT')).toBe('PRICE:BTCUSDT')
  })

  it('is the stream type alone if there is no symbol', () => {
    expect(streamKey('USER_DATA')).toBe('USER_DATA')
  })

  it('treats null as no symbol', () => {
    expect(streamKey('USER_DATA', null)).toBe('USER_DATA')
  })

  it('leaves the symbol unchanged, colons included', () => {
    expect(streamKey('PRICE', 'BTC/USDT:USDT')).toBe('PRICE:BTC/USDT:USDT')
  })

  it('accepts stream types of any catalogue', () => {
    expect(streamKey('TICKER', 'BTCUSDT')).toBe('TICKER:BTCUSDT')
  })

  it('gives different streams different keys', () => {
    const keys = hostileStreams.map(({ streamType, symbol }) => streamKey(streamType, symbol))

    expect(new Set(keys).size).toBe(hostileStreams.length)
  })

  it.each(NO_STREAM_TYPES)('refuses %s as a stream type', (_, value) => {
    expectCode('ERR_INVALID_KEY', () => streamKey(value as string, 'BTCUSDT'))
  })

  it.each(NO_IDS)('refuses %s as a symbol', (_, value) => {
    expectCode('ERR_INVALID_ID', () => streamKey('PRICE', value as string))
  })
})

describe('subscriptionKey', () => {
  it('joins user, stream type and symbol with colons', () => {
    expect(subscriptionKey({ userId: 'user1', streamType: 'PRICE', symbol: 'BTCUSDT' })).toBe('user1:PRICE:BTCUSDT')
  })

  it('ends with the stream type if there is no symbol', () => {
    expect(subscriptionKey({ userId: 'user1', streamType: 'USER_DATA' })).toBe('user1:USER_DATA')
    expect(subscriptionKey({ userId: 'user1', streamType: 'USER_DATA', symbol: undefined })).toBe('user1:USER_DATA')
    expect(subscriptionKey({ userId: 'user1', streamType: 'USER_DATA', symbol: null })).toBe('user1:USER_DATA')
  })

  it('leaves the symbol unchanged, colons and percent signs included', () => {
    expect(subscriptionKey({ userId: 'user1', streamType: 'PRICE', symbol: 'BTC/USDT:USDT' })).toBe('user1:PRICE:BTC/USDT:USDT')
    expect(subscriptionKey({ userId: 'user1', streamType: 'PRICE', symbol: '%3A' })).toBe('user1:PRICE:%3A')
  })

  it('percent-encodes the percent signs and colons of the user id, and nothing else', () => {
    expect(subscriptionKey({ userId: 'a:b%c d/é', streamType: 'PRICE', symbol: 'X' })).toBe('a%3Ab%25c d/é:PRICE:X')
  })

  it('accepts a subscription view', () => {
    const view = new ConnectionManager().addSubscription({ userId: 'a:b', streamType: 'ORDER_UPDATES', symbol: 'BTCUSDT' })

    expect(subscriptionKey(view)).toBe('a%3Ab:ORDER_UPDATES:BTCUSDT')
    expect(view.key).toBe('a%3Ab:ORDER_UPDATES:BTCUSDT')
  })

  it('gives different subscriptions different keys', () => {
    expect(new Set(hostileIdentities.map(subscriptionKey)).size).toBe(hostileIdentities.length)
  })

  it('gives many random subscriptions different keys', () => {
    const identities = randomIdentities({ count: 20_000, seed: 1 })
    const distinct = new Set(identities.map((identity) => JSON.stringify(identity)))

    expect(new Set(identities.map(subscriptionKey)).size).toBe(distinct.size)
  })

  it.each(NO_IDS)('refuses %s as a user id', (_, value) => {
    expectCode('ERR_INVALID_ID', () => subscriptionKey({ userId: value as string, streamType: 'PRICE', symbol: 'X' }))
  })

  it('refuses a missing user id', () => {
    expectCode('ERR_INVALID_ID', () => subscriptionKey({ streamType: 'PRICE' } as Identity))
  })

  it.each(NO_IDS)('refuses %s as a symbol', (_, value) => {
    expectCode('ERR_INVALID_ID', () => subscriptionKey({ userId: 'user1', streamType: 'PRICE', symbol: value as string }))
  })

  it.each(NO_STREAM_TYPES)('refuses %s as a stream type', (_, value) => {
    expectCode('ERR_INVALID_KEY', () => subscriptionKey({ userId: 'user1', streamType: value as string }))
  })

  it.each([undefined, null, 'user1:PRICE:BTCUSDT', 7])('refuses %s as a subscription', (value) => {
    expectCode('ERR_INVALID_ARGUMENT', () => subscriptionKey(value as unknown as Identity))
  })
})

describe('parseStreamKey', () => {
  it('splits at the first colon', () => {
    expect(parseStreamKey('PRICE:BTC/USDT:USDT')).toEqual({ streamType: 'PRICE', symbol: 'BTC/USDT:USDT' })
  })

  it('has no symbol if there is no colon', () => {
    expect(parseStreamKey('USER_DATA')).toEqual({ streamType: 'USER_DATA', symbol: undefined })
  })

  it('is the exact inverse of streamKey', () => {
    for (const stream of hostileStreams) expect(parseStreamKey(streamKey(stream.streamType, stream.symbol))).toStrictEqual(stream)
  })

  it.each([
    ['an empty text', ''],
    ['an empty stream type', ':BTCUSDT'],
    ['a colon', ':'],
    ['an empty symbol', 'PRICE:'],
    ['a symbol of 256 units', `PRICE:${'x'.repeat(256)}`],
    ['a symbol with a lone surrogate', 'PRICE:\ud83d'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['an array', ['PRICE']],
    ['a String object', Object('PRICE')],
  ])('refuses %s', (_, key) => {
    expectCode('ERR_INVALID_KEY', () => parseStreamKey(key as string))
  })
})

describe('parseSubscriptionKey', () => {
  it('returns user, stream type and symbol', () => {
    expect(parseSubscriptionKey('user1:PRICE:BTC/USDT:USDT')).toEqual({
      userId: 'user1',
      streamType: 'PRICE',
      symbol: 'BTC/USDT:USDT',
    })
  })

  it('has no symbol if the key has none', () => {
    expect(parseSubscriptionKey('user1:USER_DATA')).toEqual({ userId: 'user1', streamType: 'USER_DATA', symbol: undefined })
  })

  it('decodes the user id, and leaves stream type and symbol unchanged', () => {
    expect(parseSubscriptionKey('a%3Ab%25:%3A:%25')).toEqual({ userId: 'a:b%', streamType: '%3A', symbol: '%25' })
  })

  it('is the exact inverse of subscriptionKey', () => {
    for (const identity of hostileIdentities) expect(parseSubscriptionKey(subscriptionKey(identity))).toStrictEqual(identity)
  })

  it('is the exact inverse of subscriptionKey for many random subscriptions', () => {
    for (const identity of randomIdentities({ count: 5_000, seed: 2 })) {
      expect(parseSubscriptionKey(subscriptionKey(identity))).toStrictEqual(identity)
    }
  })

  it('accepts only those of many random texts that subscriptionKey can make', () => {
    const random = seededRandom(3)
    const letters = ['%', '%3A', '%25', '%3a', ':', ':', '2', '5', 'A', 'P', 'x']
    const texts = Array.from({ length: 10_000 }, () =>
      Array.from({ length: 1 + Math.floor(random() * 7) }, () => letters[Math.floor(random() * letters.length)]).join(''),
    )

    const accepted = texts.filter((text) => isAccepted(() => parseSubscriptionKey(text)))

    expect(accepted.length).toBeGreaterThan(1_000)
    expect(accepted.length).toBeLessThan(texts.length)
    for (const text of accepted) expect(subscriptionKey(parseSubscriptionKey(text))).toBe(text)
  })

  it.each([
    ['an empty text', ''],
    ['only a user', 'user1'],
    ['an empty user id', ':PRICE:BTCUSDT'],
    ['an empty stream type', 'user1::BTCUSDT'],
    ['nothing after the user', 'user1:'],
    ['an empty symbol', 'user1:PRICE:'],
    ['a lower-case escape', 'a%3ab:PRICE:X'],
    ['an unnecessary escape', '%41:PRICE:X'],
    ['a lone percent sign', 'a%:PRICE:X'],
    ['a percent sign at the start', '%:PRICE:X'],
    ['a truncated escape', 'a%2:PRICE:X'],
    ['a malformed escape', '%zz:PRICE:X'],
    ['a user id of 256 units', `${'x'.repeat(256)}:PRICE:X`],
    ['a user id of 256 units once decoded', `${'%3A'.repeat(256)}:PRICE:X`],
    ['a user id with a lone surrogate', 'a\ud83d:PRICE:X'],
    ['a symbol of 256 units', `user1:PRICE:${'x'.repeat(256)}`],
    ['a symbol with a lone surrogate', 'user1:PRICE:\ude00'],
    ['undefined', undefined],
    ['null', null],
    ['a number', 1],
    ['an array', ['user1:PRICE']],
    ['a String object', Object('user1:PRICE')],
  ])('refuses %s', (_, key) => {
    expectCode('ERR_INVALID_KEY', () => parseSubscriptionKey(key as string))
  })
})

function isAccepted(call: () => unknown): boolean {
  try {
    call()
    return true
  } catch {
    return false
  }
}
