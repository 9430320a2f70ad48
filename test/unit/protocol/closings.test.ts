import { describe, expect, it } from 'vitest'
import { Closings } from '../../../src/protocol/closings.ts'
import { ManualClock } from '../../support/manual-clock.ts'

describe('closings', () => {
  it('do not close one that is forgotten while another one is closed at the same time', () => {
    const clock = new ManualClock()
    const closings = new Closings(clock)
    const closed: string[] = []
    const other = { close: () => void closed.push('other') }
    const one = {
      close: () => {
        closed.push('one')
        closings.forget(other)
      },
    }
    closings.add(one, 1_000)
    closings.add(other, 1_000)

    clock.advance(1_000)

    expect(closed).toEqual(['one'])
    expect(clock.pendingTimers).toBe(0)
  })
})
