import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { planMisbehaviour } from '../misbehaviour.js'
import { UsageError } from '../../command-line.js'
import { drawScenario } from '../scenario.js'

/** @import { MisbehaviourKind } from '../options.js' */

const KINDS = /** @type {MisbehaviourKind[]} */ (['drop', 'duplicate', 'swap', 'leak'])
const ONE_LINE = new TextEncoder().encode('{"received_at":1,"stream_type":"TRADES","symbol":"BTC","data":1}')

/** @param {{ users: number, connections: number, seed?: number }} options */
function shortest({ seed = 1, ...options }) {
  return drawScenario({ feed: 'one.ndjson', speed: 1, slow: 4, seed, inject: undefined, ...options }, ONE_LINE)
}

describe('planMisbehaviour', () => {
  test('finds an occasion for each kind in the shortest feed', () => {
    for (const kind of KINDS) {
      for (let seed = 0; seed < 20; seed++) planMisbehaviour(kind, shortest({ users: 2, connections: 1, seed }), seed)
    }
  })

  test('finds a slow client to fail in the generated market', () => {
    for (const kind of /** @type {MisbehaviourKind[]} */ (['regress', 'hide'])) {
      for (let seed = 0; seed < 5; seed++) {
        const scenario = drawScenario({ feed: undefined, speed: 1, users: 6, connections: 2, slow: 1, seed, inject: kind }, undefined)
        const { slot, from } = planMisbehaviour(kind, scenario, seed)
        assert.deepEqual({ slot, from }, { slot: scenario.plan.stalls[0].slot, from: scenario.plan.stalls[0].from })
      }
    }
  })

  test('refuses to hide a gap, or to let a price go back, where nothing certainly has to wait', () => {
    for (const kind of /** @type {MisbehaviourKind[]} */ (['regress', 'hide'])) {
      assert.throws(() => planMisbehaviour(kind, shortest({ users: 2, connections: 1 }), 1), UsageError)
    }
  })

  test('finds somebody to leak from even for a single user: the viewers', () => {
    assert.equal(planMisbehaviour('leak', shortest({ users: 1, connections: 2 }), 1).slot.user, 0)
  })
})
