import { describe, expect, it } from 'vitest'
import { hostStamps, placeIn, wireStamps } from '../../../src/recovery/stamps.ts'

const TEXT = '{"data":1}'

describe('the stamps of the wire form', () => {
  it.each([
    ['a message', { epoch: 'e1', seq: 1 }],
    ['a message with a large number and a long epoch', { epoch: 'e'.repeat(64), seq: Number.MAX_SAFE_INTEGER }],
    ['a snapshot', { epoch: 'e1', seq: 12, snapshot: true }],
    ['a snapshot with a large number and a long epoch', { epoch: 'e'.repeat(64), seq: Number.MAX_SAFE_INTEGER, snapshot: true }],
  ] as const)('can be read from the text of %s', (_of, stamp) => {
    const text = wireStamps.stamp(TEXT, stamp)

    expect(JSON.parse(text)).toEqual({ data: 1, ...stamp })
    expect(placeIn(text)).toEqual(stamp)
  })

  it('mark a stamped text as a snapshot', () => {
    const text = wireStamps.stamp(TEXT, { epoch: 'e1', seq: 1 })

    expect(placeIn(wireStamps.asSnapshot({ text, unstamped: undefined, epoch: 'e1', seq: 1 }))).toEqual({ epoch: 'e1', seq: 1, snapshot: true })
  })

  it.each([
    ['without a place', TEXT],
    ['whose place is not at its end', '{"data":1,"epoch":"e1","seq":1,"more":2}'],
    ['whose number has too many digits', `{"data":1,"epoch":"e1","seq":${'1'.repeat(17)}}`],
    ['whose epoch is too long', `{"data":1,"epoch":"${'e'.repeat(65)}","seq":1}`],
  ])('are not read from a text %s', (_which, text) => {
    expect(placeIn(text)).toBeUndefined()
  })
})

describe('the stamps of a host', () => {
  it('make a snapshot of the text from before its stamp, or of the stamped text if only that is known', () => {
    const stamps = hostStamps((text, { epoch, seq, snapshot }) => `${text} ${epoch}#${seq}${snapshot === true ? '!' : ''}`)
    const message = { text: 'stamped', epoch: 'e1', seq: 1 }

    expect(stamps.stamp('a', { epoch: 'e1', seq: 1 })).toBe('a e1#1')
    expect([stamps.asSnapshot({ ...message, unstamped: 'plain' }), stamps.asSnapshot({ ...message, unstamped: undefined })]).toEqual(['plain e1#1!', 'stamped e1#1!'])
  })
})
