import { describe, expect, it } from 'vitest'
import { Alarm } from '../../../src/time/alarm.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function ringing() {
  const clock = new ManualClock()
  const rings: number[] = []
  const alarm = new Alarm(clock, () => rings.push(clock.monotonic()))
  return { clock, alarm, rings }
}

describe('Alarm', () => {
  it('rings once, at its time', () => {
    const { clock, alarm, rings } = ringing()

    alarm.set(50)
    clock.advance(49)
    expect(rings).toEqual([])
    clock.advance(1_000)

    expect([rings, clock.pendingTimers]).toEqual([[50], 0])
  })

  it('rings at the earliest of the times that it is set for, by one timer', () => {
    const { clock, alarm, rings } = ringing()

    for (const ms of [50, 80, 30, 60]) alarm.set(ms)
    expect(clock.pendingTimers).toBe(1)
    clock.advance(1_000)

    expect(rings).toEqual([30])
  })

  it('is not set by Infinity, and can be set again after it was cancelled', () => {
    const { clock, alarm, rings } = ringing()

    alarm.set(Infinity)
    expect(clock.pendingTimers).toBe(0)
    alarm.set(20)
    alarm.cancel()
    alarm.set(40)
    clock.advance(1_000)

    expect(rings).toEqual([40])
  })

  it('is set again by the next call if its timer was lost, and then rings at once', () => {
    const timers: (() => void)[] = []
    let nowMs = 0
    const rings: number[] = []
    const clock = { now: () => 0, monotonic: () => nowMs, setTimeout: (fn: () => void) => (timers.push(fn), () => {}) }
    const alarm = new Alarm(clock, () => rings.push(nowMs))
    alarm.set(50)
    timers.length = 0

    nowMs = 50
    alarm.set(50)
    expect(timers).toHaveLength(0)
    nowMs = 51
    alarm.set(50)
    timers[0]?.()

    expect(rings).toEqual([51])
  })
})
