import { describe, expect, it } from 'vitest'
import { Interest } from '../../../src/cluster/interest.ts'
import { Readiness } from '../../../src/cluster/readiness.ts'
import { settled, SimulatedClock } from '../../support/cluster/simulated-clock.ts'

/** A readiness for one channel, of which `known` is what is held of each epoch. */
function readinessOf() {
  const clock = new SimulatedClock()
  const known = new Map<string, { seq: number; forgotten: number }>()
  const asked: string[] = []
  const state = { isUp: true, own: 'own' }
  const destination = { isLatest: false, epochs: () => [], knownOf: (epoch: string) => known.get(epoch) } as never
  const interest = new Interest({ streamType: 'TRADES', symbol: 'A', userId: undefined }, 'subject', destination, 0)
  interest.isSynced = true
  const readiness = new Readiness({
    clock,
    repairTimeoutMs: 1_000,
    complete: (_interest, { epoch }, seq) => void asked.push(`${epoch} after ${seq}`),
    isUp: () => state.isUp,
    isOwn: (_interest, epoch) => epoch === state.own,
  })
  const wait = async (position?: unknown): Promise<{ isReady: boolean }> => {
    const outcome = { isReady: false }
    void readiness.wait(interest, position).then(() => (outcome.isReady = true))
    await settled()
    return outcome
  }
  const origin = (epoch: string, seq: number, forgotten: number) => (known.set(epoch, { seq, forgotten }), interest.originOf(epoch, 'n1'))
  return { clock, readiness, interest, asked, state, known, wait, origin }
}

describe('Readiness', () => {
  it('is there at once if the channel is whole and no position is given', async () => {
    const { wait } = readinessOf()

    expect((await wait()).isReady).toBe(true)
  })

  it.each(['', 'nonsense', 7, {}, 'e1:1,e1:2'])('takes a position that is none for no position: %s', async (position) => {
    const { wait } = readinessOf()

    expect((await wait(position)).isReady).toBe(true)
  })

  it('waits until origins had time to answer', async () => {
    const { interest, readiness, wait } = readinessOf()
    interest.isSynced = false
    const outcome = await wait()
    expect(outcome.isReady).toBe(false)
    interest.isSynced = true
    readiness.check()
    await settled()

    expect(outcome.isReady).toBe(true)
  })

  it('waits for an origin in doubt, and for one with a hole', async () => {
    const { known, readiness, wait, origin } = readinessOf()
    const one = origin('e1', 5, 0)
    one.isInDoubt = true
    const outcome = await wait()
    one.isInDoubt = false
    one.expect(6)
    readiness.check()
    await settled()
    expect(outcome.isReady).toBe(false)
    known.set('e1', { seq: 6, forgotten: 0 })
    readiness.check()
    await settled()

    expect(outcome.isReady).toBe(true)
  })

  it('waits while the link is down, for `repairTimeoutMs` at most', async () => {
    const { clock, readiness, state, wait } = readinessOf()
    state.isUp = false
    const outcome = await wait()
    readiness.check()
    await clock.advance(999)
    expect(outcome.isReady).toBe(false)
    await clock.advance(1)

    expect(outcome.isReady).toBe(true)
  })

  it('is there if everything after the position is held', async () => {
    const { asked, wait, origin } = readinessOf()
    origin('e1', 9, 4)

    expect([(await wait('e1:4')).isReady, asked]).toEqual([true, []])
  })

  it('asks an origin for what is not held after the position, and waits until it is or the origin has answered', async () => {
    const { asked, known, readiness, wait, origin } = readinessOf()
    const one = origin('e1', 9, 4)
    const [first, second] = [await wait('e1:2'), await wait('e1:0')]
    expect([first.isReady, asked]).toEqual([false, ['e1 after 2', 'e1 after 0']])
    known.set('e1', { seq: 9, forgotten: 2 })
    readiness.check()
    await settled()
    expect([first.isReady, second.isReady]).toEqual([true, false])
    one.answeredFrom = 1
    readiness.check()
    await settled()

    expect(second.isReady).toBe(true)
  })

  it('asks for each epoch of a position, also if an earlier one is not there yet', async () => {
    const { asked, wait, origin } = readinessOf()
    origin('e2', 9, 9)
    await wait('e1:1,e2:1')

    expect(asked).toEqual(['e2 after 1'])
  })

  it('waits for messages that the client has and this node does not have yet', async () => {
    const { asked, known, readiness, wait, origin } = readinessOf()
    const one = origin('e1', 3, 0)
    one.awaited = Infinity
    const [first, second] = [await wait('e1:6'), await wait('e1:5')]
    expect([first.isReady, second.isReady, one.awaited, asked]).toEqual([false, false, 5, []])
    known.set('e1', { seq: 5, forgotten: 0 })
    one.awaited = Infinity
    readiness.check()
    await settled()
    expect([first.isReady, second.isReady, one.awaited]).toEqual([false, true, 6])
    known.set('e1', { seq: 6, forgotten: 0 })
    readiness.check()
    await settled()

    expect(first.isReady).toBe(true)
  })

  it('waits for an epoch that nobody knows, but not for one of this node', async () => {
    const { clock, wait } = readinessOf()
    const [unknown, own] = [await wait('e9:1'), await wait('own:1')]
    expect([unknown.isReady, own.isReady]).toEqual([false, true])
    await clock.advance(1_000)

    expect(unknown.isReady).toBe(true)
  })

  it('lets everybody go on after `stop`', async () => {
    const { readiness, state, wait } = readinessOf()
    state.isUp = false
    const outcome = await wait()
    readiness.stop()
    await settled()

    expect(outcome.isReady).toBe(true)
  })
})
