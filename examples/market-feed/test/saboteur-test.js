import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { wireText } from '../wire-text.js'
import { Corruption } from '../saboteur.js'

/** @import { TimelineMessage } from '../timeline.js' */

/**
 * @param {unknown} data
 * @returns {TimelineMessage}
 */
function price(data) {
  return { streamType: 'PRICE', symbol: 'BTC', data, timestampMs: 1_000, userId: undefined, playAtMs: 0 }
}

const [A, B, C] = [1, 2, 3].map((data) => wireText(price(data)))
const NOTICE = '{"type":"cue","cue":1,"position":7}'
const GAP = '{"type":"gap","stream_type":"TRADES","symbol":"BTC","dropped":3}'

describe('Corruption', () => {
  test('drops one message, once, and no notice', () => {
    const corruption = new Corruption('drop')
    assert.deepEqual(corruption.of([NOTICE, A, B]), [NOTICE, B])
    assert.deepEqual(corruption.of([C]), [C])
  })

  test('writes one message twice', () => {
    assert.deepEqual(new Corruption('duplicate').of([A, B]), [A, A, B])
  })

  test('lets two messages change places, over several writes, unless they read the same', () => {
    const corruption = new Corruption('swap')
    assert.deepEqual([corruption.of([A]), corruption.of([A, NOTICE]), corruption.of([B, C])], [[], [A, NOTICE], [B, A, C]])
  })

  test('lets the first price that it remembers follow a newer one', () => {
    const corruption = new Corruption('regress')
    corruption.remember(price(1))
    corruption.remember(price(2))
    assert.deepEqual(corruption.of([A, C, B]), [A, C, A, B])
  })

  test('hides one gap notice', () => {
    const corruption = new Corruption('hide')
    assert.deepEqual(corruption.of([A, GAP, B, GAP]), [A, B, GAP])
  })

  test('leaves one message out of a replay that recovers, and no price', () => {
    const [newcomer, recovered] = [null, true].map((value) => {
      return `{"type":"subscribed","stream_type":"TRADES","symbol":"BTC","recovered":${value}}`
    })
    const [D, E] = [3, 4].map((data) => wireText({ ...price(data), streamType: 'TRADES' }))
    const corruption = new Corruption('skip')
    const before = [D, newcomer, D, recovered, NOTICE, D]
    assert.deepEqual(corruption.of(before), before)
    assert.deepEqual(corruption.of([recovered, A, D, E]), [recovered, A, E])
    assert.deepEqual(corruption.of([recovered, D]), [recovered, D])
  })
})
