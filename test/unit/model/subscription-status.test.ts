import { describe, expect, it } from 'vitest'
import { SubscriptionStatus } from '../../../src/index.ts'

describe('SubscriptionStatus', () => {
  it('has the five states, whose values equal their names', () => {
    expect(Object.entries(SubscriptionStatus)).toEqual([
      ['PENDING', 'PENDING'],
      ['CONNECTED', 'CONNECTED'],
      ['DISCONNECTED', 'DISCONNECTED'],
      ['ERROR', 'ERROR'],
      ['RECONNECTING', 'RECONNECTING'],
    ])
  })

  it('cannot be changed', () => {
    expect(Object.isFrozen(SubscriptionStatus)).toBe(true)
  })
})
