import { describe, expect, it } from 'vitest'
import { defineStreams } from '../../../src/index.ts'
import { ManualClock } from '../../../src/testing/index.ts'
import { throttled } from '../../../src/throttle/index.ts'
import { expectCode } from '../../support/errors.ts'
import { price } from '../../support/messages.ts'

const REASON = new Error('mine')

function fail(): never {
  throw REASON
}

function refusal(options: unknown) {
  return expectCode('ERR_INVALID_OPTION', () => throttled(() => undefined, options as never))
}

describe('throttled › publish', () => {
  it.each([undefined, null, 'publish', {}])('is refused if it is no function: %s', (publish) => {
    expectCode('ERR_INVALID_ARGUMENT', () => throttled(publish as never, { intervalsMs: {} }))
  })
})

describe('throttled › the options', () => {
  it.each([undefined, null, 'PRICE', 100, [], new Map()])('are refused if they are no object with known names: %s', (options) => {
    expect(refusal(options)).toMatchObject({ option: 'options' })
  })

  it('are refused with an unknown name', () => {
    expect(refusal({ intervalsMs: {}, intervalMs: 100 })).toMatchObject({ option: 'intervalMs' })
  })

  it.each([
    ['intervalsMs', { get intervalsMs() { return fail() } }],
    ['intervalsMs', { intervalsMs: new Proxy({}, { ownKeys: fail }) }],
    ['onError', { intervalsMs: {}, onError: new Proxy(() => {}, { getOwnPropertyDescriptor: fail }) }],
    ['clock', { intervalsMs: {}, clock: { now: fail, monotonic: () => 0, setTimeout: () => () => {} } }],
  ])('are refused if reading %s throws, with what was thrown', (option, options) => {
    expect(refusal(options)).toMatchObject({ option, cause: REASON })
  })

  it('may be an object of a class, whose onError keeps its this', () => {
    class Options {
      readonly intervalsMs = { PRICE: 100 }
      readonly clock = new ManualClock()
      readonly #errors: unknown[] = []
      get errors(): readonly unknown[] {
        return this.#errors
      }
      onError(error: unknown): void {
        this.#errors.push(error)
      }
    }
    const options = new Options()
    const offer = throttled(({ data }) => (data === 2 ? fail() : undefined), options)

    offer(price(1))
    offer(price(2))
    options.clock.advance(100)

    expect(options.errors).toEqual([REASON])
  })
})

describe('throttled › intervalsMs', () => {
  it.each([undefined, null, 100, [], new Map([['PRICE', 100]])])('is refused if it is no plain object: %s', (intervalsMs) => {
    expect(refusal({ intervalsMs })).toMatchObject({ option: 'intervalsMs' })
  })

  it.each(['TRADES', 'ORDERBOOK', 'ORDER_UPDATES'])('is refused for %s, which is not of the delivery class latest', (streamType) => {
    expect(refusal({ intervalsMs: { PRICE: 100, [streamType]: 0 } })).toMatchObject({ option: `intervalsMs.${streamType}` })
  })

  it.each(['GOSSIP', '__proto__', 'constructor'])('is refused for %s, which the catalogue does not have', (streamType) => {
    expect(refusal({ intervalsMs: { [streamType]: undefined } })).toMatchObject({ option: `intervalsMs.${streamType}`, cause: { code: 'ERR_UNKNOWN_STREAM' } })
  })

  it.each([-1, 0.5, NaN, Infinity, -Infinity, '100', null, 100n])('refuses an interval of %s', (ms) => {
    expect(refusal({ intervalsMs: { PRICE: ms } })).toMatchObject({ option: 'intervalsMs.PRICE' })
  })

  it('takes 0, 1 and undefined', () => {
    for (const PRICE of [0, 1, undefined]) expect(throttled(() => undefined, { intervalsMs: { PRICE } }).held).toBe(0)
  })

  it('takes a type that is called __proto__', () => {
    const clock = new ManualClock()
    const streams = defineStreams({ ['__proto__']: { audience: 'public', symbol: 'none', delivery: 'latest' } })
    const offer = throttled(() => undefined, { intervalsMs: { ['__proto__']: 100 }, streams, clock } as never)

    for (const data of [1, 2]) offer({ streamType: '__proto__', data } as never)

    expect(offer.held).toBe(1)
  })
})

describe('throttled › the other options', () => {
  it.each([
    ['streams', null],
    ['streams', new Map()],
    ['clock', null],
    ['clock', {}],
    ['clock', { now: () => 0, monotonic: () => NaN, setTimeout: () => () => {} }],
    ['onError', null],
    ['onError', 'print'],
  ])('are refused if they are none: %s', (option, value) => {
    expect(refusal({ intervalsMs: {}, [option]: value })).toMatchObject({ option })
  })
})
