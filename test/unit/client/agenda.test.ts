import { describe, expect, it } from 'vitest'
import { Agenda } from '../../../src/client/agenda.ts'
import { ClientTestClock } from '../../support/scripted-server.ts'

function agendaWithLog(): { readonly agenda: Agenda; readonly clock: ClientTestClock; readonly done: string[]; plan(name: string, ms: number, act?: () => void): void } {
  const clock = new ClientTestClock()
  const agenda = new Agenda(clock)
  const done: string[] = []
  const plan = (name: string, ms: number, act = (): void => {}): void =>
    agenda.plan(name, ms, () => {
      done.push(`${name} ${clock.monotonic()}`)
      act()
    })
  return { agenda, clock, done, plan }
}

describe('Agenda', () => {
  it('does each task at its time, with one timer', () => {
    const { clock, done, plan } = agendaWithLog()

    plan('b', 20)
    plan('a', 10)
    plan('c', 30)
    const timers = clock.pendingTimers
    clock.advance(30)

    expect([timers, done, clock.pendingTimers]).toEqual([1, ['a 10', 'b 20', 'c 30'], 0])
  })

  it('replaces a task of the same name', () => {
    const { clock, done, plan } = agendaWithLog()

    plan('a', 10)
    plan('a', 20)
    clock.advance(30)

    expect(done).toEqual(['a 20'])
  })

  it('has no timer once its last task is cancelled', () => {
    const { agenda, clock, plan } = agendaWithLog()
    plan('a', 10)
    plan('b', 20)

    agenda.cancel('a', 'b')

    expect(clock.pendingTimers).toBe(0)
  })

  it('does not do a task that an earlier one of the same time cancels or plans anew', () => {
    const { agenda, clock, done, plan } = agendaWithLog()
    plan('a', 10, () => {
      agenda.cancel('b')
      plan('c', 5)
    })
    plan('b', 10)
    plan('c', 10)

    clock.advance(20)

    expect(done).toEqual(['a 10', 'c 15'])
  })

  it('never does what is planned for Infinity, without a timer', () => {
    const { clock, plan } = agendaWithLog()

    plan('a', Infinity)

    expect(clock.pendingTimers).toBe(0)
  })

  it('does at once what is overdue', () => {
    const { clock, done, plan } = agendaWithLog()

    plan('a', -5)
    clock.advance(0)

    expect(done).toEqual(['a 0'])
  })

  it('waits for longer than a timer of the runtime can', () => {
    const { clock, done, plan } = agendaWithLog()

    plan('a', 3_000_000_000)
    clock.advance(3_000_000_000)

    expect(done).toEqual(['a 3000000000'])
  })
})
