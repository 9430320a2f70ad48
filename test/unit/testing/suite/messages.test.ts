import { describe, expect, it } from 'vitest'
import { serializeStreamMessage } from '../../../../src/index.ts'
import { isWireFormOf, order, streamOf, trade } from '../../../../src/testing/suite/messages.ts'

describe('the wire form of a message', () => {
  const messages = [trade('BTCUSDT', { n: 1 }), order('alice', 'x'), order('alice', 'x', 'BTCUSDT')]

  it.each(messages)('is recognised whatever its timestamp: %j', (message) => {
    const text = serializeStreamMessage({ ...message, timestamp: new Date('2020-02-29T00:00:00.000Z') })

    expect(isWireFormOf(message, text)).toBe(true)
  })

  it.each([
    ['other data', serializeStreamMessage(trade('BTCUSDT', 2))],
    ['a space', `${serializeStreamMessage(trade('BTCUSDT', 1))} `],
    ['no valid timestamp', '{"stream_type":"TRADES","symbol":"BTCUSDT","data":1,"timestamp":"now","user_id":null}'],
    ['no JSON', 'BTCUSDT 1'],
    ['nothing', ''],
  ])('is not confused with another text: %s', (_, text) => {
    expect(isWireFormOf(trade('BTCUSDT', 1), text)).toBe(false)
  })

  it('is described by its stream, and any other text by itself', () => {
    expect(streamOf(serializeStreamMessage(trade('BTCUSDT', 1)))).toBe('TRADES:BTCUSDT')
    expect(streamOf(serializeStreamMessage(order('alice', 1)))).toBe('ORDER_UPDATES')
    expect(streamOf('{"type":"refused"}')).toBe('{"type":"refused"}')
    expect(streamOf('BTCUSDT 1')).toBe('BTCUSDT 1')
  })
})
