import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CandleSeries } from '../market/candle-series.js'

describe('CandleSeries', () => {
  it('has the first, highest, lowest and last price of each interval', () => {
    const series = new CandleSeries(2, 10)

    for (const [price, atMs] of [[5, 4_000], [9, 4_500], [3, 5_000], [6, 5_999], [7, 6_000]]) series.add(price, atMs)

    assert.deepEqual(series.latest(), [[4, 5, 9, 3, 6], [6, 6, 7, 6, 7]])
  })

  it('goes on from the price before', () => {
    const series = new CandleSeries(2, 10)
    series.add(5, 0)

    series.add(8, 2_000)

    assert.deepEqual(series.latest(1), [[2, 5, 8, 5, 8]])
  })

  it('leaves out no interval in which nothing happened', () => {
    const series = new CandleSeries(2, 10)
    series.add(5, 0)

    series.advance(7_000)

    assert.deepEqual(series.latest(), [[0, 5, 5, 5, 5], [2, 5, 5, 5, 5], [4, 5, 5, 5, 5], [6, 5, 5, 5, 5]])
  })

  it('counts what comes late for the latest', () => {
    const series = new CandleSeries(2, 10)
    series.add(5, 8_000)

    series.add(1, 3_000)

    assert.deepEqual(series.latest(), [[8, 5, 5, 1, 1]])
  })

  it('keeps so many and no more, however long nothing happened', () => {
    const series = new CandleSeries(1, 3)
    series.add(5, 0)

    series.advance(1_000_000_000_000)

    assert.deepEqual(series.latest().map(([seconds]) => seconds), [999_999_998, 999_999_999, 1_000_000_000])
  })

  it('has nothing before the first price', () => {
    const series = new CandleSeries(1, 3)

    series.advance(5_000)

    assert.deepEqual(series.latest(), [])
  })
})
