import { describe, expect, it } from 'vitest'
import {
  ConnectionManager,
  createStreamMessage,
  defineStreams,
  parseStreamMessage,
  serializeStreamMessage,
  StreamType,
  tradingStreams,
  type MessageOptions,
  type StreamCatalogue,
  type StreamDefinition,
} from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'

/** An object with a key `__proto__`, which an object literal would take for the prototype. */
function catalogueNaming(name: string): StreamCatalogue {
  return { [name]: { audience: 'public', symbol: 'none' } }
}

describe('defineStreams', () => {
  it('defaults to a required symbol for public streams, an optional one for private streams, and no conflation or dropping for either', () => {
    const streams = defineStreams({ TICKER: { audience: 'public' }, FILLS: { audience: 'private' } })

    expect(streams.TICKER).toEqual({ audience: 'public', symbol: 'required', delivery: 'every', overflow: 'disconnect' })
    expect(streams.FILLS).toEqual({ audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' })
  })

  it('treats undefined as absent', () => {
    const definition: Record<'symbol' | 'delivery' | 'overflow', undefined> & { audience: 'public' } = {
      audience: 'public',
      symbol: undefined,
      delivery: undefined,
      overflow: undefined,
    }

    const streams = defineStreams({ TICKER: definition } as unknown as StreamCatalogue)

    expect(streams['TICKER']).toEqual({ audience: 'public', symbol: 'required', delivery: 'every', overflow: 'disconnect' })
  })

  it.each([
    ['public', ['latest', 'every'], ['drop', 'disconnect']],
    ['private', ['every'], ['disconnect']],
  ] as const)('keeps what a definition of a %s stream specifies', (audience, deliveries, overflows) => {
    for (const symbol of ['required', 'optional', 'none'] as const) {
      for (const delivery of deliveries) {
        for (const overflow of overflows) {
          const definition = { audience, symbol, delivery, overflow } as StreamDefinition

          expect(defineStreams({ X: definition })['X']).toEqual(definition)
        }
      }
    }
  })

  it('keeps the order of the types', () => {
    const streams = defineStreams({ B: { audience: 'public' }, A: { audience: 'private' }, C: { audience: 'public' } })

    expect(Object.keys(streams)).toEqual(['B', 'A', 'C'])
  })

  it('accepts an empty catalogue', () => {
    expect(Object.keys(defineStreams({}))).toEqual([])
  })

  it('freezes the catalogue and every definition', () => {
    const streams = defineStreams({ TICKER: { audience: 'public' } })

    expect(Object.isFrozen(streams)).toBe(true)
    expect(Object.isFrozen(streams.TICKER)).toBe(true)
  })

  it('neither changes the object that it is given nor follows its later changes', () => {
    const definitions: Record<string, { audience: 'public' | 'private' }> = { TICKER: { audience: 'private' } }
    const streams = defineStreams(definitions)

    definitions['TICKER'] = { audience: 'public' }
    definitions['FILLS'] = { audience: 'public' }

    expect(Object.isFrozen(definitions)).toBe(false)
    expect(streams).toEqual({ TICKER: { audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' } })
  })

  it('returns a defined catalogue unchanged', () => {
    const streams = defineStreams({ TICKER: { audience: 'public' } })

    expect(defineStreams(streams)).toBe(streams)
  })

  it('never reads a payload', () => {
    const definition = {
      audience: 'public',
      get payload(): never {
        throw new Error('payload was read')
      },
    } as const

    const streams = defineStreams({ TICKER: definition })

    expect(streams.TICKER).toEqual({ audience: 'public', symbol: 'required', delivery: 'every', overflow: 'disconnect' })
  })

  it('reads each field of a definition once', () => {
    const reads: string[] = []
    const definition = new Proxy({ audience: 'public', symbol: 'none', delivery: 'latest', overflow: 'drop' } as const, {
      get(target, name) {
        reads.push(String(name))
        return Reflect.get(target, name) as unknown
      },
    })

    defineStreams({ TICKER: definition })

    expect(reads.toSorted()).toEqual(['audience', 'delivery', 'overflow', 'symbol'])
  })

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString', ' ', '%3A', '😀', 'T'.repeat(300)])(
    'accepts the name %j like any other',
    (name) => {
      const streams = defineStreams(catalogueNaming(name))

      expect(Object.entries(streams)).toEqual([[name, { audience: 'public', symbol: 'none', delivery: 'every', overflow: 'disconnect' }]])
      const text = serializeStreamMessage({ streamType: name, data: 1 }, { streams })
      expect(parseStreamMessage(text, { streams })).toMatchObject({ streamType: name, data: 1 })
    },
  )

  it.each(['__proto__', 'constructor', 'hasOwnProperty', 'toString'])('has no type %j unless it is defined', (name) => {
    const streams: StreamCatalogue = defineStreams({ TICKER: { audience: 'public' } })

    expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage({ streamType: name, data: 1 }, { streams }))
    expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage({ streamType: name as 'PRICE', symbol: 'X', data: 1 }))
  })

  it.each(['', ':', 'A:B', 'A:'])('refuses the name %j, and names the type', (name) => {
    const error = expectCode('ERR_INVALID_ARGUMENT', () => defineStreams(catalogueNaming(name)))

    expect(error['streamType']).toBe(name)
    expect(error.message).toContain(JSON.stringify(name))
  })

  it.each([
    ['no definition', undefined],
    ['null', null],
    ['a text', 'public'],
    ['no audience', {}],
    ['an audience of another case', { audience: 'PUBLIC' }],
    ['an unknown audience', { audience: 'everyone' }],
    ['a misspelt field', { audience: 'public', symbl: 'none' }],
    ['an audience in an array', { audience: ['public'] }],
    ['an unknown symbol rule', { audience: 'public', symbol: 'mandatory' }],
    ['null as the symbol rule', { audience: 'public', symbol: null }],
    ['a boolean as the symbol rule', { audience: 'public', symbol: true }],
    ['an unknown delivery class', { audience: 'public', delivery: 'newest' }],
    ['null as the delivery class', { audience: 'public', delivery: null }],
    ['an unknown overflow policy', { audience: 'public', overflow: 'block' }],
    ['null as the overflow policy', { audience: 'public', overflow: null }],
    ['the overflow policy of another case', { audience: 'public', overflow: 'Drop' }],
    ['a private stream that conflates', { audience: 'private', delivery: 'latest' }],
    ['a private stream that drops', { audience: 'private', overflow: 'drop' }],
    ['a private stream that conflates, although it is not to drop anything', { audience: 'private', delivery: 'latest', overflow: 'disconnect' }],
    ['a private stream that drops, although it is not to conflate anything', { audience: 'private', delivery: 'every', overflow: 'drop' }],
  ])('refuses %s as a definition, and names the type', (_, definition) => {
    const definitions = { TICKER: { audience: 'public' }, FAULTY: definition } as unknown as StreamCatalogue

    const error = expectCode('ERR_INVALID_ARGUMENT', () => defineStreams(definitions))

    expect(error['streamType']).toBe('FAULTY')
  })

  it.each([undefined, null, 'TICKER', 7, () => ({}), []])('refuses %s as a catalogue', (value) => {
    expectCode('ERR_INVALID_ARGUMENT', () => defineStreams(value as unknown as StreamCatalogue))
  })

  it('accepts a catalogue into which the default one is spread', () => {
    const streams = defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none' } })

    expect(Object.keys(streams)).toEqual([...Object.keys(StreamType), 'NEWS'])
    expect(streams.PRICE).toEqual(tradingStreams.PRICE)
    expect(streams.ORDER_UPDATES).toEqual(tradingStreams.ORDER_UPDATES)
    expect(streams.NEWS).toEqual({ audience: 'public', symbol: 'none', delivery: 'every', overflow: 'disconnect' })
  })
})

describe('tradingStreams', () => {
  it('has the seven types: public ones with a symbol, latest delivery for PRICE alone, and no dropping', () => {
    expect({ ...tradingStreams }).toEqual({
      PRICE: { audience: 'public', symbol: 'required', delivery: 'latest', overflow: 'disconnect' },
      ORDERBOOK: { audience: 'public', symbol: 'required', delivery: 'every', overflow: 'disconnect' },
      TRADES: { audience: 'public', symbol: 'required', delivery: 'every', overflow: 'disconnect' },
      USER_DATA: { audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' },
      BOT_STATUS: { audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' },
      RISK_ALERTS: { audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' },
      ORDER_UPDATES: { audience: 'private', symbol: 'optional', delivery: 'every', overflow: 'disconnect' },
    })
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(tradingStreams)).toBe(true)
    expect(Object.values(tradingStreams).every(Object.isFrozen)).toBe(true)
  })
})

describe('a custom catalogue', () => {
  const written = { NEWS: { audience: 'public', symbol: 'none' }, FILLS: { audience: 'private' } } as const
  const news = { streamType: 'NEWS', data: 'hello' } as const

  it.each([
    ['as the result of defineStreams', defineStreams(written)],
    ['as a literal', written],
  ])('applies to the message functions if it is passed in, %s', (_, streams) => {
    const text = serializeStreamMessage(createStreamMessage(news, { streams }), { streams })

    expect(parseStreamMessage(text, { streams })).toMatchObject(news)
    expectCode('ERR_RECIPIENT_REQUIRED', () =>
      createStreamMessage({ streamType: 'FILLS', data: 1 } as unknown as { streamType: 'FILLS'; data: 1; userId: string }, { streams }),
    )
    expectCode('ERR_SYMBOL_NOT_ALLOWED', () =>
      serializeStreamMessage({ ...news, symbol: 'BTCUSDT' } as unknown as typeof news, { streams }),
    )
  })

  it('replaces the default catalogue', () => {
    const streams: StreamCatalogue = written
    const price = { streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 } as const
    const wireText = serializeStreamMessage(price)

    expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage(price, { streams }))
    expectCode('ERR_UNKNOWN_STREAM', () => serializeStreamMessage(price, { streams }))
    expectCode('ERR_UNKNOWN_STREAM', () => parseStreamMessage(wireText, { streams }))
    expectCode('ERR_UNKNOWN_STREAM', () => new ConnectionManager({ streams }).publish(price))
  })

  it('does not apply to calls without it', () => {
    const text = serializeStreamMessage(news, { streams: written })

    expectCode('ERR_UNKNOWN_STREAM', () => createStreamMessage(news as unknown as { streamType: 'PRICE'; symbol: string; data: 1 }))
    expectCode('ERR_UNKNOWN_STREAM', () => parseStreamMessage(text))
  })

  it.each([
    ['an invalid one', { NEWS: { audience: 'everyone' } }],
    ['null', null],
    ['a text', 'NEWS'],
  ])('is checked by each message function: %s is refused', (_, value) => {
    const streams = value as unknown as StreamCatalogue

    expectCode('ERR_INVALID_ARGUMENT', () => createStreamMessage(news, { streams }))
    expectCode('ERR_INVALID_ARGUMENT', () => serializeStreamMessage(news, { streams }))
    expectCode('ERR_INVALID_ARGUMENT', () => parseStreamMessage(serializeStreamMessage(news, { streams: written }), { streams }))
  })

  it.each([undefined, {}, { streams: undefined }])('defaults to the trading streams if the options are %j', (options) => {
    const price = { streamType: 'PRICE', symbol: 'BTCUSDT', data: 1 } as const
    const defaults = options as MessageOptions<typeof tradingStreams>

    expect(createStreamMessage(price, defaults).streamType).toBe('PRICE')
    expect(parseStreamMessage(serializeStreamMessage(price, defaults), defaults).streamType).toBe('PRICE')
  })
})
