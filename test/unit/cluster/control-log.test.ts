import { describe, expect, it } from 'vitest'
import { CONTROL, ControlLog, isStream } from '../../../src/cluster/control-log.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function logOf(ageMs = 1_000) {
  const clock = new ManualClock()
  return { clock, log: new ControlLog('e1', clock, ageMs) }
}

describe('ControlLog', () => {
  it('numbers commands from 1 on, and keeps them', () => {
    const { log } = logOf()
    log.add('a')
    log.add('b')

    expect(log.range(1, 9)).toEqual([{ seq: 1, symbol: undefined, text: 'a' }, { seq: 2, symbol: undefined, text: 'b' }])
    expect(log.range(2, 2).map(({ text }) => text)).toEqual(['b'])
  })

  it('says how far it is, and since when', () => {
    const { clock, log } = logOf()
    expect(log.own()).toBeUndefined()
    log.add('a')
    clock.advance(10)
    log.add('b')
    clock.advance(5)

    expect(log.own()).toEqual({ epoch: 'e1', seq: 2, ageMs: 15, lastAgeMs: 5 })
  })

  it('returns each command as what its channel has recorded, with the age of the epoch', () => {
    const { clock, log } = logOf()
    const first = log.add('a')
    clock.advance(10)

    expect(first).toEqual({ channel: CONTROL, epoch: 'e1', ageMs: 0, message: { seq: 1, symbol: undefined, text: 'a' } })
    expect(log.add('b')).toMatchObject({ ageMs: 10, message: { seq: 2 } })
  })

  it('forgets commands that are too old', () => {
    const { clock, log } = logOf(1_000)
    log.add('a')
    clock.advance(1_001)
    log.add('b')

    expect(log.range(1, 9).map(({ text }) => text)).toEqual(['b'])
  })

  it('keeps at most 1,000 commands', () => {
    const { log } = logOf()
    for (let n = 1; n <= 1_001; n++) log.add(String(n))

    expect(log.range(1, 2_000)).toHaveLength(1_000)
    expect(log.range(1, 2)).toEqual([{ seq: 2, symbol: undefined, text: '2' }])
  })
})

describe('isStream', () => {
  it('is false for the channel of commands alone', () => {
    expect(isStream(CONTROL)).toBe(false)
    expect(isStream({ streamType: 'PRICE', symbol: undefined, userId: undefined })).toBe(true)
  })
})
