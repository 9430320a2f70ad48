import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FeedError, parseFeed, readFeed } from '../feed.js'

const GOOD = '{"received_at":1.5,"stream_type":"PRICE","symbol":"BTC","data":{"bid":"1"}}'
const PARSED = { streamType: 'PRICE', symbol: 'BTC', data: { bid: '1' }, timestampMs: 1_500 }

/** @param {string | Uint8Array} content */
function parse(content) {
  return parseFeed(typeof content === 'string' ? new TextEncoder().encode(content) : content, 'a.ndjson')
}

/**
 * @param {string | Uint8Array} content
 * @param {RegExp} message
 */
function refuses(content, message) {
  assert.throws(() => parse(content), (error) => error instanceof FeedError && message.test(error.message))
}

/** @param {object} change */
function changed(change) {
  return JSON.stringify({ ...JSON.parse(GOOD), ...change })
}

describe('parseFeed', () => {
  test('answers the messages in their order', () => {
    assert.deepEqual(parse(`${GOOD}\n${GOOD}\n`), [PARSED, PARSED])
  })

  test('takes a last line without an end, carriage returns, a byte order mark and blank lines', () => {
    assert.deepEqual(parse(`\uFEFF${GOOD}\r\n\r\n${GOOD}\r\n \n${GOOD}`), [PARSED, PARSED, PARSED])
  })

  test('takes any payload and any well-formed symbol', () => {
    const payloads = [null, 0, 'x', [], { toJSON: 1 }, '\u2028', '😀']
    const messages = parse(payloads.map((data) => changed({ symbol: '日本:__proto__', data })).join('\n'))
    assert.deepEqual(messages.map(({ data }) => data), payloads)
  })

  test('names the line of what is broken, blank lines and line ends of any kind included', () => {
    refuses(`${GOOD}\r\n\r\n{"received_at":`, /^a\.ndjson:3: is not JSON/)
  })

  test('refuses what is no object', () => {
    for (const line of ['[]', 'null', '1', '"x"']) refuses(line, /^a\.ndjson:1: is not a JSON object/)
  })

  test('refuses a line without one of the fields', () => {
    for (const name of ['received_at', 'stream_type', 'symbol', 'data']) {
      refuses(changed({ [name]: undefined }), new RegExp(`^a\\.ndjson:1: "${name}" is missing$`))
    }
  })

  test('refuses a stream type that is no market data', () => {
    for (const streamType of ['WEATHER', 'ORDER_UPDATES', '__proto__', 'price', 1, null]) {
      refuses(changed({ stream_type: streamType }), /"stream_type" must be one of PRICE, TRADES, ORDERBOOK/)
    }
  })

  test('refuses a symbol that the library would refuse', () => {
    for (const symbol of ['', 'x'.repeat(256), '\ud800', 1, null]) refuses(changed({ symbol }), /"symbol" must be/)
  })

  test('refuses a moment that is not in seconds', () => {
    const lines = ['1', null, -1, 1_626_992_741_062].map((moment) => changed({ received_at: moment }))
    for (const line of [...lines, GOOD.replace('1.5', '1e999')]) refuses(line, /"received_at" must/)
  })

  test('refuses bytes that are not UTF-8', () => {
    refuses(Buffer.from(`${GOOD}\n${GOOD.replace('BTC', '\u00e9')}`, 'latin1'), /^a\.ndjson:2: is not UTF-8$/)
  })

  test('refuses a feed without messages', () => {
    for (const content of ['', '\n', ' \r\n\n']) refuses(content, /^a\.ndjson: holds no messages$/)
  })
})

describe('readFeed', () => {
  test('names a file that cannot be read', () => {
    assert.throws(() => readFeed('no-such-file.ndjson'), /^Error: no-such-file\.ndjson: cannot be read \(ENOENT\)$/)
  })
})
