import { describe, expect, it } from 'vitest'
import { Timetable } from '../../../src/time/timetable.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function timetable(act: (member: string) => void = () => {}) {
  const clock = new ManualClock()
  const log: string[] = []
  const table = new Timetable<string>(clock, 10, (member, dueMs) => {
    log.push(`${member} ${dueMs} ${clock.monotonic()}`)
    act(member)
  })
  return { clock, log, table }
}

describe('Timetable', () => {
  it('calls each member once, at its time rounded up to a step, by one timer', () => {
    const { clock, log, table } = timetable()
    table.set('b', 31)
    table.set('a', 20)
    table.set('c', 35)

    const timers = clock.pendingTimers
    clock.advance(100)

    expect(timers).toBe(1)
    expect(log).toEqual(['a 20 20', 'b 40 40', 'c 40 40'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('calls a member at its latest time only', () => {
    const { clock, log, table } = timetable()
    table.set('a', 20)
    table.set('a', 50)

    clock.advance(100)

    expect(log).toEqual(['a 50 50'])
  })

  it('calls a member whose time has passed in the next turn', () => {
    const { clock, log, table } = timetable()
    clock.advance(55)
    table.set('a', 20)

    clock.advance(0)

    expect(log).toEqual(['a 20 55'])
  })

  it('does not call a member that was deleted, also by one of the same step', () => {
    const { clock, log, table } = timetable(() => table.delete('b'))
    table.set('a', 20)
    table.set('b', 20)
    table.set('c', 30)
    table.delete('c')

    clock.advance(100)

    expect(log).toEqual(['a 20 20'])
  })

  it('sets no timer once it is empty', () => {
    const { clock, table } = timetable()
    table.set('a', 20)
    table.delete('a')
    const afterDelete = clock.pendingTimers
    table.set('b', 20)
    table.clear()

    expect([afterDelete, clock.pendingTimers, table.has('b')]).toEqual([0, 0, false])
  })

  it('sets no timer for a time whose members were all deleted', () => {
    const { clock, log, table } = timetable()
    table.set('a', 20)
    table.set('b', 50)
    table.delete('b')

    clock.advance(20)

    expect([log, clock.pendingTimers]).toEqual([['a 20 20'], 0])
  })

  it('calls those that are overdue in the order of their times', () => {
    const { clock, log, table } = timetable()
    clock.advance(100)
    table.set('late', 50)
    table.set('later', 70)
    table.set('early', 10)

    clock.advance(0)

    expect(log).toEqual(['early 10 100', 'late 50 100', 'later 70 100'])
  })
})
