import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planMisbehaviour } from '../misbehaviour.js'
import { UsageError } from '../options.js'
import { drawScenario } from '../scenario.js'

/** @import { MisbehaviourKind } from '../options.js' */

const KINDS = /** @type {MisbehaviourKind[]} */ (['drop', 'duplicate', 'swap', 'leak'])
const ONE_LINE = new TextEncoder().encode('{"received_at":1,"stream_type":"TRADES","symbol":"BTC","data":1}')

/** @param {{ users: number, connections: number, seed?: number }} options */
function shortest({ seed = 1, ...options }) {
  return drawScenario({ feed: 'one.ndjson', speed: 1, seed, inject: undefined, ...options }, ONE_LINE)
}

describe('planMisbehaviour', () => {
  test('finds an occasion for each kind in the shortest feed', () => {
    for (const kind of KINDS) {
      for (let seed = 0; seed < 20; seed++) planMisbehaviour(kind, shortest({ users: 2, connections: 1, seed }), seed)
    }
  })

  test('refuses a leak where there is nobody to leak from', () => {
    assert.throws(() => planMisbehaviour('leak', shortest({ users: 1, connections: 2 }), 1), UsageError)
  })
})
