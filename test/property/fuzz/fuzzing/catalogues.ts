import { defineStreams, tradingStreams, type StreamCatalogue } from '../../../../src/index.ts'

type Definition = StreamCatalogue[string]

/** Stream types whose names a careless look-up would trip over, one for each rule and policy. */
const curious: readonly (readonly [name: string, definition: Definition])[] = [
  ['__proto__', { audience: 'private' }],
  ['constructor', { audience: 'public', symbol: 'optional', delivery: 'latest' }],
  ['toString', { audience: 'public', symbol: 'none' }],
  ['%3A', { audience: 'private', symbol: 'required' }],
  [' ', { audience: 'public', overflow: 'drop' }],
  ['\ud83d', { audience: 'private', symbol: 'none' }],
  ['QUOTES', { audience: 'public', delivery: 'latest', overflow: 'drop' }],
  ['x'.repeat(300), { audience: 'public' }],
]

/** The catalogues that managers get: the default one, a curious one, and one that is given unresolved. */
export const CATALOGUES: readonly StreamCatalogue[] = [
  tradingStreams,
  defineStreams(Object.fromEntries(curious)),
  {
    PRICE: { audience: 'public', delivery: 'latest' },
    NEWS: { audience: 'public', symbol: 'none' },
    SIGNALS: { audience: 'public', symbol: 'optional', overflow: 'drop' },
    ORDERS: { audience: 'private' },
    BALANCE: { audience: 'private', symbol: 'none' },
  },
]
