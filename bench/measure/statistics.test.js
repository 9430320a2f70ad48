import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { median, quantile, ratios, spread } from './statistics.js'

describe('statistics', () => {
  it('take the middle value, whatever the order', () => {
    assert.equal(median([9, 1, 5]), 5)
    assert.equal(median([4, 1, 2, 3]), 2.5)
  })

  it('interpolate between the two values around a share', () => {
    assert.equal(quantile([10, 20, 30, 40, 50], 0.9), 46)
    assert.equal(quantile([7], 0.99), 7)
  })

  it('leave the values as they are', () => {
    const values = [3, 1, 2]

    spread(values)

    assert.deepEqual(values, [3, 1, 2])
  })

  it('give the quartiles around the median', () => {
    assert.deepEqual(spread([1, 2, 3, 4, 5]), { value: 3, low: 2, high: 4 })
  })

  it('refuse to find anything in nothing', () => {
    assert.throws(() => median([]), /No values/)
  })

  it('compare round by round', () => {
    assert.deepEqual(ratios([2, 9], [1, 3]), [2, 3])
    assert.throws(() => ratios([1], [1, 2]), /cannot be compared/)
  })
})
