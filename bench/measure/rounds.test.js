import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { overPopulations } from './populations.js'
import { interleaved, joined } from './rounds.js'

/** One that takes so many microseconds each time, by its own account. */
function contender(name, microsecondsEach, calls = []) {
  return {
    name,
    time(times) {
      calls.push([name, times])
      return times * microsecondsEach
    },
  }
}

describe('interleaved rounds', () => {
  it('give what one time costs, whatever the number of times', async () => {
    const costs = await interleaved([contender('a', 2), contender('b', 50)], { rounds: 3, roundMs: 1 })

    assert.deepEqual(costs, { a: [2, 2, 2], b: [50, 50, 50] })
  })

  it('let each contender fill a round', async () => {
    const calls = []

    await interleaved([contender('a', 2, calls), contender('b', 50, calls)], { rounds: 1, roundMs: 1 })

    assert.deepEqual(calls.slice(-2), [['a', 500], ['b', 20]])
  })

  it('begin once a contender does not get faster any more', async () => {
    const each = [80, 80, 40, 20, 10, 10, 10]
    const warmingUp = { name: 'a', time: (times) => times * (each.shift() ?? 10) }

    assert.deepEqual(await interleaved([warmingUp], { rounds: 2, roundMs: 0.1 }), { a: [10, 10] })
  })

  it('let everybody have a turn in each round, and begin each with another one', async () => {
    const calls = []
    const contenders = ['a', 'b', 'c'].map((name) => ({ ...contender(name, 1, calls), isOneShot: true }))

    await interleaved(contenders, { rounds: 3, roundMs: 1 })

    assert.deepEqual(calls.map(([name]) => name), ['a', 'b', 'c', 'b', 'c', 'a', 'c', 'a', 'b'])
  })

  it('do once a round what cannot be repeated', async () => {
    const calls = []

    await interleaved([{ ...contender('a', 1, calls), isOneShot: true }], { rounds: 2, roundMs: 100 })

    assert.deepEqual(calls, [['a', 1], ['a', 1]])
  })

  it('wait for contenders elsewhere', async () => {
    const remote = { name: 'a', time: (times) => Promise.resolve(times * 3) }

    assert.deepEqual(await interleaved([remote], { rounds: 1, roundMs: 1 }), { a: [3] })
  })

  it('end the comparison when one did not do what it should', async () => {
    const lazy = { name: 'a', time: () => { throw new Error('a: a socket got 0 messages instead of 1') } }

    await assert.rejects(interleaved([lazy], { rounds: 1, roundMs: 1 }), /instead of 1/)
  })

  it('of several populations are joined by name', () => {
    assert.deepEqual(joined([{ a: [1], b: [2] }, { b: [4], a: [3] }]), { a: [1, 3], b: [2, 4] })
  })
})

describe('a comparison over populations', () => {
  it('leaves out the first one, which only warms up', async () => {
    const built = []
    const contendersOf = (isWarmUp) => {
      built.push(isWarmUp)
      return [contender('a', built.length)]
    }

    assert.deepEqual(await overPopulations({ populations: 2, rounds: 2, roundMs: 0.01 }, contendersOf), { a: [2, 2, 3, 3] })
    assert.deepEqual(built, [true, false, false])
  })
})
