import { describe, expect, it } from 'vitest'
import { StreamType } from '../../../src/index.ts'

describe('StreamType', () => {
  it('has the seven types, whose values equal their names', () => {
    expect(Object.entries(StreamType)).toEqual([
      ['PRICE', 'PRICE'],
      ['ORDERBOOK', 'ORDERBOOK'],
      ['TRADES', 'TRADES'],
      ['USER_DATA', 'USER_DATA'],
      ['BOT_STATUS', 'BOT_STATUS'],
      ['RISK_ALERTS', 'RISK_ALERTS'],
      ['ORDER_UPDATES', 'ORDER_UPDATES'],
    ])
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(StreamType)).toBe(true)
  })
})
