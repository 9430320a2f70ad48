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

  test('finds a client to leave a message out for, which is then away', () => {
    for (let seed = 0; seed < 20; seed++) {
      const scenario = drawScenario({ feed: undefined, speed: 1, users: 20, connections: 2, slow: 1, seed, inject: 'skip' }, undefined)
      const { slot, from } = planMisbehaviour('skip', scenario, seed)
      const cue = scenario.plan.cues.find(({ slot: { user }, until }) => user === slot.user && until === from + 1)
      assert.ok(cue && cue.action.kind === 'reconnect' && cue.position <= from)
    }
  })

  test('refuses to leave a message out where nobody certainly misses one', () => {
    assert.throws(() => planMisbehaviour('skip', shortest({ users: 1, connections: 1 }), 1), UsageError)
  })
})
