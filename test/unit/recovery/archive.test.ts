import { describe, expect, it } from 'vitest'
import { readArchive } from '../../../src/recovery/archive.ts'
import { expectCode } from '../../support/errors.ts'

const EPOCH = { epoch: 'e1', seq: 2, forgotten: 1 }
const MESSAGE = { epoch: 'e1', seq: 2, symbol: 'A', text: '{}', unstamped: null, ageMs: 0, order: 0 }
const CHANNEL = { streamType: 'TRADES', symbol: 'A', userId: null, epochs: [EPOCH], messages: [MESSAGE] }
const FLOOR = { userId: 'alice', streamType: null, symbol: null, order: 1, ageMs: 0 }
const ARCHIVE = { version: 1, exportedAt: 0, channels: [CHANNEL], floors: [FLOOR] }

const NO_TEXT = [0, {}, undefined]
const NO_TEXT_OR_NULL = [0, {}, undefined]
const NO_COUNT = [-1, 0.5, '1', null, undefined]
const NO_AGE = [-1, '1', null, undefined]
const NO_LIST = [{}, null, 'e1', undefined]

/** What no field of this name may be. */
const BAD_FIELDS: readonly (readonly [of: string, archiveWith: (part: object) => object, bad: Readonly<Record<string, readonly unknown[]>>])[] = [
  ['an archive', (part) => ({ ...ARCHIVE, ...part }), { version: [0, 2, '1', undefined], exportedAt: ['0', null, undefined], channels: [...NO_LIST, [7], [null], ['TRADES']], floors: [...NO_LIST, [7], [null]] }],
  [
    'a channel', (part) => ({ ...ARCHIVE, channels: [CHANNEL, { ...CHANNEL, ...part }] }),
    { streamType: [...NO_TEXT, null], symbol: NO_TEXT_OR_NULL, userId: NO_TEXT_OR_NULL, epochs: [...NO_LIST, [null]], messages: [...NO_LIST, [null]] },
  ],
  ['an epoch', (part) => ({ ...ARCHIVE, channels: [{ ...CHANNEL, epochs: [EPOCH, { ...EPOCH, ...part }] }] }), { epoch: [...NO_TEXT, null], seq: NO_COUNT, forgotten: NO_COUNT, isForeign: [0, 'true', null] }],
  [
    'a message', (part) => ({ ...ARCHIVE, channels: [{ ...CHANNEL, messages: [MESSAGE, { ...MESSAGE, ...part }] }] }),
    { epoch: [...NO_TEXT, null], text: [...NO_TEXT, null], symbol: NO_TEXT_OR_NULL, unstamped: NO_TEXT_OR_NULL, seq: NO_COUNT, order: NO_COUNT, ageMs: NO_AGE },
  ],
  ['a floor', (part) => ({ ...ARCHIVE, floors: [FLOOR, { ...FLOOR, ...part }] }), { userId: NO_TEXT_OR_NULL, streamType: NO_TEXT_OR_NULL, symbol: NO_TEXT_OR_NULL, order: NO_COUNT, ageMs: NO_AGE }],
]

const CASES = BAD_FIELDS.flatMap(([of, archiveWith, bad]) =>
  Object.entries(bad).flatMap(([field, values]) => values.map((value) => [of, field, value, archiveWith({ [field]: value })] as const)),
)

describe('readArchive', () => {
  it('reads what `export` writes', () => {
    expect(readArchive(JSON.stringify(ARCHIVE))).toEqual(ARCHIVE)
  })

  it('reads a text with other fields, which a later version may add', () => {
    expect(readArchive(JSON.stringify({ ...ARCHIVE, more: 1 }))).toEqual({ ...ARCHIVE, more: 1 })
  })

  it.each(CASES)('refuses %s whose field `%s` is %j', (_of, _field, _value, archive) => {
    const { message } = expectCode('ERR_INVALID_OPTION', () => readArchive(JSON.stringify(archive)))

    expect(message).toContain('expected a text from `export()`')
  })

  it('has the reason of a text that is not JSON as the cause', () => {
    expect(expectCode('ERR_INVALID_OPTION', () => readArchive('{')).cause).toBeInstanceOf(SyntaxError)
  })
})
