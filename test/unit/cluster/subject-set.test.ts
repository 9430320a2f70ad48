import { describe, expect, it } from 'vitest'
import { SubjectSet } from '../../../src/cluster/subject-set.ts'
import { settled } from '../../support/cluster/simulated-clock.ts'

/** A set over a broker that does what the test says. `calls` is what the broker was asked, `told` is what the set told. */
function subjectSet() {
  const calls: string[] = []
  const told: string[] = []
  const broker = { isDown: false, answer: () => Promise.resolve() }
  const call = (name: string) => (subjects: readonly string[]) => {
    calls.push(`${name} ${subjects.length > 5 ? subjects.length : subjects.join()}`)
    return broker.isDown ? Promise.reject(new Error('down')) : broker.answer()
  }
  const set = new SubjectSet({ subscribe: call('+'), unsubscribe: call('-') }, (subjects) => told.push(subjects.length > 5 ? `${subjects.length}` : subjects.join()))
  return { set, broker, calls, told }
}

describe('SubjectSet', () => {
  it('asks the broker once for all wishes of a turn, and tells when it has them', async () => {
    const { set, calls, told } = subjectSet()
    set.want('a')
    set.want('b')
    expect(calls).toEqual([])
    await set.settled()

    expect(calls).toEqual(['+ a,b'])
    expect(told).toEqual(['a,b'])
  })

  it('asks for at most 500 at once', async () => {
    const { set, calls } = subjectSet()
    for (let n = 0; n < 1_001; n++) set.want(`s${n}`)
    await set.settled()

    expect(calls).toEqual(['+ 500', '+ 500', '+ s1000'])
  })

  it('asks nothing for a wish that was taken back in the same turn', async () => {
    const { set, calls, told } = subjectSet()
    set.want('a')
    set.unwant('a')
    await set.settled()

    expect([calls, told]).toEqual([[], []])
  })

  it('makes one call at a time, and carries out meanwhile wishes after it', async () => {
    const { set, broker, calls, told } = subjectSet()
    let answer = (): void => {}
    broker.answer = () => new Promise<void>((resolve) => (answer = resolve))
    set.want('a')
    await settled()
    set.unwant('a')
    set.want('b')
    await settled()
    expect(calls).toEqual(['+ a'])
    broker.answer = () => Promise.resolve()
    answer()
    await set.settled()

    expect(calls).toEqual(['+ a', '- a', '+ b'])
    expect(told).toEqual(['b'])
  })

  it('waits for `retry` after a failed call', async () => {
    const { set, broker, calls, told } = subjectSet()
    broker.isDown = true
    set.want('a')
    await set.settled()
    set.want('b')
    await set.settled()
    expect(calls).toEqual(['+ a'])
    broker.isDown = false
    set.retry()
    await set.settled()

    expect(calls).toEqual(['+ a', '+ a,b'])
    expect(told).toEqual(['a,b'])
  })

  it('unsubscribes from what is not wanted any more, also after a failure', async () => {
    const { set, broker, calls } = subjectSet()
    set.want('a')
    await set.settled()
    broker.isDown = true
    set.unwant('a')
    await set.settled()
    broker.isDown = false
    set.retry()
    await set.settled()
    set.retry()
    await set.settled()

    expect(calls).toEqual(['+ a', '- a', '- a'])
  })

  it('subscribes again after a failed unsubscribe, because nobody knows whether the broker has carried it out', async () => {
    const { set, broker, calls, told } = subjectSet()
    set.want('a')
    await set.settled()
    broker.isDown = true
    set.unwant('a')
    await set.settled()
    broker.isDown = false
    set.want('a')
    set.retry()
    await set.settled()

    expect(calls).toEqual(['+ a', '- a', '+ a'])
    expect(told).toEqual(['a', 'a'])
  })

  it('tells of a wish that came back before the broker was asked', async () => {
    const { set, calls, told } = subjectSet()
    set.want('a')
    await set.settled()
    set.unwant('a')
    set.want('a')
    await set.settled()

    expect(calls).toEqual(['+ a'])
    expect(told).toEqual(['a', 'a'])
  })

  it('unsubscribes from what the broker may have, because a subscribe has failed', async () => {
    const { set, broker, calls } = subjectSet()
    broker.isDown = true
    set.want('a')
    await set.settled()
    broker.isDown = false
    set.unwant('a')
    set.retry()
    await set.settled()
    set.want('a')
    set.unwant('a')
    await set.settled()

    expect(calls).toEqual(['+ a', '- a'])
  })

  it('takes a broker that throws for one that rejects', async () => {
    const told: unknown[] = []
    const set = new SubjectSet({ subscribe: () => { throw new Error('down') }, unsubscribe: () => Promise.resolve() }, (subjects) => told.push(subjects))
    set.want('a')
    await set.settled()

    expect(told).toEqual([])
  })

  it('makes no call after `stop`', async () => {
    const { set, calls } = subjectSet()
    set.want('a')
    set.stop()
    await set.settled()
    set.want('b')
    set.retry()
    await set.settled()

    expect(calls).toEqual([])
  })
})
