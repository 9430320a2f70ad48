import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireText } from '../wire-text.js'

describe('wireText', () => {
  test('has the five keys in their order, and null for what is absent', () => {
    assert.equal(
      wireText({
        streamType: 'PRICE', symbol: undefined, data: { bid: '1' }, timestampMs: 1_000, userId: undefined, playAtMs: 0,
      }),
      '{"stream_type":"PRICE","symbol":null,"data":{"bid":"1"},"timestamp":"1970-01-01T00:00:01.000Z","user_id":null}',
    )
  })
})
