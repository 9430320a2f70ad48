import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GOALS, goalFor, isReached, unmeasured } from './goals.js'
import { PARTS } from './options.js'

function delivery(subscribers) {
  return { part: 'fan-out', metric: 'delivery', facts: { subscribers } }
}

describe('goals', () => {
  it('fit the rows whose facts are in their range', () => {
    assert.equal(goalFor(delivery(1)), undefined)
    assert.equal(goalFor(delivery(10))?.atMost, 3)
    assert.equal(goalFor(delivery(100))?.atMost, 1.6)
    assert.equal(goalFor(delivery(1_000))?.atMost, 1.35)
    assert.equal(goalFor(delivery(100_000))?.atMost, 1.35)
  })

  it('fit the rows whose facts are the same', () => {
    const row = (contender) => ({ part: 'slow-clients', metric: 'p99 latency', facts: { contender } })

    assert.equal(goalFor(row('wsTransport'))?.atMost, 1.5)
    assert.equal(goalFor(row('plain loop')), undefined)
  })

  it('do not fit another part, or another metric', () => {
    assert.equal(goalFor({ ...delivery(10), part: 'publish' }), undefined)
    assert.equal(goalFor({ ...delivery(10), metric: 'growth' }), undefined)
  })

  it('are reached from their side, the bound included', () => {
    assert.equal(isReached({ part: '', metric: '', atMost: 2 }, 2), true)
    assert.equal(isReached({ part: '', metric: '', atMost: 2 }, 2.001), false)
    assert.equal(isReached({ part: '', metric: '', atLeast: 2 }, 2), true)
    assert.equal(isReached({ part: '', metric: '', atLeast: 2 }, 1.999), false)
  })

  it('are each held against a part that there is, from one side', () => {
    for (const goal of GOALS) {
      assert.ok(PARTS.includes(goal.part), goal.part)
      assert.equal([goal.atMost, goal.atLeast].filter((bound) => bound !== undefined).length, 1)
    }
  })

  it('that no row is held to are told', () => {
    const all = GOALS.map((goal) => ({ goal }))

    assert.deepEqual(unmeasured(all), [])
    assert.deepEqual(unmeasured(all.slice(1)), [GOALS[0]])
  })
})
