// What a browser client imports of the library: a few functions, which must not bring the manager along.

/**
 * @typedef {object} ClientHalf
 * @property {readonly string[]} names what is imported
 * @property {(library: any) => unknown} use something that works with these names alone
 * @property {unknown} answer what it comes to
 */

const MESSAGE = '{"stream_type":"PRICE","symbol":"BTCUSDT","data":64000,"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}'
const GAP = '{"type":"gap","stream_type":"TRADES","symbol":"BTCUSDT","dropped":7}'

/** @type {readonly ClientHalf[]} */
export const CLIENT_HALVES = [
  { names: ['parseServerMessage'], use: ({ parseServerMessage }) => parseServerMessage(GAP).dropped, answer: 7 },
  { names: ['parseStreamMessage'], use: ({ parseStreamMessage }) => parseStreamMessage(MESSAGE).data, answer: 64_000 },
  {
    names: ['createStreamMessage', 'serializeStreamMessage'],
    use: ({ createStreamMessage, serializeStreamMessage }) => serializeStreamMessage(createStreamMessage(priceOf(64_000))),
    answer: MESSAGE,
  },
  {
    names: ['parseStreamKey', 'streamKey'],
    use: ({ parseStreamKey, streamKey }) => parseStreamKey(streamKey('PRICE', 'BTCUSDT')).symbol,
    answer: 'BTCUSDT',
  },
  { names: ['StreamType'], use: ({ StreamType }) => StreamType.PRICE, answer: 'PRICE' },
]

function priceOf(/** @type {number} */ data) {
  return { streamType: 'PRICE', symbol: 'BTCUSDT', data, timestamp: new Date('2026-01-31T12:00:00.000Z') }
}
