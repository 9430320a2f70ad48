import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UsageError } from '../options.js'
import { middleOf } from './runs.js'

function run({ value = 1, seconds = 10, ...changes } = {}) {
  const row = { part: 'churn', what: 'k = 1', metric: 'growth', of: 'itself', facts: {}, value, low: value - 1, high: value + 1, costs: { ours: value * 2 } }
  const unmeasured = { part: 'churn', what: 'k = 2', metric: 'growth', facts: {}, costs: {} }
  const machine = { cpu: 'Some CPU', cores: 2, memoryGb: 8, platform: 'linux x64', node: 'v20.0.0' }
  return { machine, isQuick: false, runs: 1, seconds, parts: [{ part: 'churn', title: 'Churn', seconds, rows: [row, unmeasured] }], ...changes }
}

describe('several runs', () => {
  it('have each row from the run in the middle, between the least and the most', () => {
    const { runs, seconds, parts: [part] } = middleOf([run({ value: 9 }), run({ value: 3, seconds: 20 }), run({ value: 5 })])

    assert.deepEqual([runs, seconds, part.seconds], [3, 40, 40])
    assert.deepEqual(part.rows[0], { ...run({ value: 5 }).parts[0].rows[0], low: 3, high: 9 })
    assert.deepEqual(part.rows[1], run().parts[0].rows[1])
  })

  it('have the lower one in the middle where their number is even', () => {
    assert.equal(middleOf([run({ value: 9 }), run({ value: 3 })]).parts[0].rows[0].value, 3)
  })

  for (const [what, other] of Object.entries({
    'of another machine': run({ machine: { ...run().machine, cores: 4 } }),
    'of another length': run({ isQuick: true }),
    'of other rows': run({ parts: [] }),
  })) {
    it(`are refused with one ${what}`, () => {
      assert.throws(() => middleOf([run(), other]), UsageError)
    })
  }
})
