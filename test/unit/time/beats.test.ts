import { describe, expect, it } from 'vitest'
import { Beats } from '../../../src/time/beats.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function beats(everyMs: number) {
  const clock = new ManualClock()
  const moments = new Map<number, number[]>()
  const made = new Beats<number>(clock, everyMs, (member) => void moments.set(member, [...(moments.get(member) ?? []), clock.monotonic()]))
  return { clock, moments, made }
}

describe('Beats', () => {
  it('beats once for each member in each interval, from the moment that it was added', () => {
    const { clock, moments, made } = beats(1_000)
    clock.advance(123)
    for (let member = 0; member < 100; member++) made.add(member)

    const counts: number[][] = []
    for (let i = 0; i < 5; i++) {
      moments.clear()
      clock.advance(1_000)
      counts.push([moments.size, ...new Set([...moments.values()].map(({ length }) => length))])
    }

    expect(counts).toEqual(Array(5).fill([100, 1]))
  })

  it('spreads the beats of members that were added together over the interval', () => {
    const { clock, moments, made } = beats(1_000)
    for (let member = 0; member < 6_400; member++) made.add(member)
    clock.advance(1_000)

    const atOnce = new Map<number, number>()
    for (const [moment = 0] of moments.values()) atOnce.set(moment, (atOnce.get(moment) ?? 0) + 1)

    expect(Math.max(...atOnce.values())).toBeLessThan(2 * (6_400 / 64))
  })

  it('does not beat at once for a member that was just added', () => {
    const { clock, moments, made } = beats(1_000)
    made.add(1)

    clock.advance(100)

    expect(moments.size).toBe(0)
  })

  it('does not make up beats that were missed while the process stood still, and keeps each place in the interval', () => {
    let [nowMs, fire] = [0, (): void => {}]
    const dueMs: number[] = []
    const clock = { monotonic: () => nowMs, setTimeout: (fn: () => void, ms: number) => (dueMs.push(nowMs + ms), (fire = fn), () => {}) }
    const moments: number[] = []
    new Beats<number>(clock, 1_000, () => void moments.push(nowMs)).add(1)
    const [firstMs = 0] = dueMs

    nowMs = firstMs + 90_010
    fire()
    nowMs = dueMs.at(-1) ?? 0
    fire()

    expect(moments).toEqual([firstMs + 90_010, firstMs + 91_000])
  })

  it('needs one timer for all members, and none without members or without an interval', () => {
    const some = beats(1_000)
    const never = beats(0)
    for (const { made } of [some, never]) for (const member of [1, 2, 3]) made.add(member)
    const timers = [some, never].map(({ clock }) => clock.pendingTimers)

    for (const member of [1, 2]) some.made.delete(member)
    some.made.clear()

    expect([...timers, some.clock.pendingTimers]).toEqual([1, 0, 0])
  })

  it('counts a member once, however often it is added', () => {
    const { clock, moments, made } = beats(1_000)
    for (let i = 0; i < 3; i++) made.add(1)

    clock.advance(1_000)

    expect(moments.get(1)).toHaveLength(1)
  })
})
