import { describe, expect, it } from 'vitest'
import { rawJson, serializeStreamMessage, type RawJson } from '../../../src/index.ts'
import { expectCode } from '../../support/errors.ts'

const AT = new Date('2026-01-31T12:00:00.000Z')

function wireOf(data: unknown): string {
  return serializeStreamMessage({ streamType: 'PRICE', symbol: 'BTCUSDT', timestamp: AT, data })
}

describe('rawJson', () => {
  it.each(['{"bid":"64000.10"}', ' [ 1 , 2.50 ]\n', '1e400', '"\\u0041"', 'null'])('writes %j to the wire unchanged', (text) => {
    expect(wireOf(rawJson(text))).toBe(
      `{"stream_type":"PRICE","symbol":"BTCUSDT","data":${text},"timestamp":"2026-01-31T12:00:00.000Z","user_id":null}`,
    )
  })

  it("never parses its text: invalid JSON is the caller's error", () => {
    expect(wireOf(rawJson('{truncated'))).toContain('"data":{truncated,"timestamp"')
  })

  it('exposes its text', () => {
    expect(rawJson('{"bid":1}').text).toBe('{"bid":1}')
  })

  it('serializes as its value in a plain JSON.stringify', () => {
    expect(JSON.stringify({ data: rawJson('{ "bid": 1.50 }') })).toBe('{"data":{"bid":1.5}}')
  })

  it('serializes as its value if it is nested in data', () => {
    expect(wireOf({ book: rawJson('{ "bid": 1.50 }') })).toContain('"data":{"book":{"bid":1.5}},')
  })

  it('makes data unserializable if a nested text is not JSON', () => {
    const error = expectCode('ERR_UNSERIALIZABLE', () => wireOf([rawJson('{truncated')]))

    expect(error.cause).toBeInstanceOf(SyntaxError)
  })

  it('is recognised if another copy of this library made it', () => {
    const fromAnotherCopy = { [Symbol.for('stream-connection-manager.rawJson')]: true, text: '{"bid":1.50}' }

    expect(wireOf(fromAnotherCopy)).toContain('"data":{"bid":1.50},')
  })

  it('cannot be forged by parsed JSON', () => {
    const fromClient: unknown = JSON.parse('{"stream-connection-manager.rawJson":true,"text":"{}","RAW_JSON":true}')

    expect(wireOf(fromClient)).toContain('"data":{"stream-connection-manager.rawJson":true,"text":"{}","RAW_JSON":true},')
  })

  it.each([
    ['without a text', { [Symbol.for('stream-connection-manager.rawJson')]: true, text: 7 }, '{"text":7}'],
    ['without the mark', { [Symbol.for('stream-connection-manager.rawJson')]: 'yes', text: '{}' }, '{"text":"{}"}'],
  ])('does not accept a look-alike %s', (_, lookAlike, json) => {
    expect(wireOf(lookAlike)).toContain(`"data":${json},`)
  })

  it.each([undefined, null, 7, {}, ['{}'], Object('{}')])('refuses %s as a text', (value) => {
    expectCode('ERR_INVALID_ARGUMENT', () => rawJson(value as string))
  })

  describe('with validate', () => {
    const validated = (text: string): RawJson => rawJson(text, { validate: true })

    it.each(['{"bid":"64000.10"}', ' [1] ', 'null', '0', '""'])('accepts %j, unchanged', (text) => {
      expect(validated(text).text).toBe(text)
    })

    it.each(['', '{', 'undefined', 'NaN', "{'bid':1}", '{"bid":1},', '01'])('refuses %j', (text) => {
      const error = expectCode('ERR_INVALID_ARGUMENT', () => validated(text))

      expect(error.cause).toBeInstanceOf(SyntaxError)
    })
  })

  it('is immutable, so the text that was validated is the text that is sent', () => {
    const raw = rawJson('1', { validate: true }) as { text: string }

    expect(() => { raw.text = '2,"user_id":"mallory"' }).toThrow(TypeError)
  })

  it('does not validate by default', () => {
    expect(rawJson('{', {}).text).toBe('{')
    expect(rawJson('{', { validate: false }).text).toBe('{')
    expect(rawJson('{', { validate: undefined }).text).toBe('{')
  })
})
