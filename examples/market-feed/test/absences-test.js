import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Absences } from '../absences.js'

/** @import { Action, Cue, Plan, Slot } from '../plan.js' */

const RECONNECT = /** @type {Action} */ ({ kind: 'reconnect', manner: 'clean' })

/**
 * The absences of a plan with these cues, and the users who were told to come back.
 *
 * @param {Cue[]} cues
 */
function stage(...cues) {
  /** @type {number[]} */
  const told = []
  const plan = /** @type {Plan} */ (/** @type {unknown} */ ({ cues }))
  return { absences: new Absences(plan, (/** @type {Slot} */ { user }) => told.push(user)), told }
}

/**
 * @param {number} user
 * @param {number} position
 * @param {number} until
 * @param {Action} [action]
 * @returns {Cue}
 */
function cue(user, position, until, action = RECONNECT) {
  return { position, until, slot: { user, connection: 0 }, action }
}

describe('Absences', () => {
  test('hold the play until the client is gone, and go on without it', () => {
    const { absences, told } = stage(cue(7, 10, 20))
    assert.equal(absences.reach(9), true)
    assert.equal(absences.reach(10), false)
    absences.away(0)
    assert.equal(absences.reach(10), true)
    assert.equal(absences.reach(19), true)
    assert.deepEqual(told, [])
  })

  test('tell the client once when it may come back, and hold the play until it has', () => {
    const { absences, told } = stage(cue(7, 10, 20))
    absences.reach(10)
    absences.away(0)
    assert.equal(absences.reach(20), false)
    assert.equal(absences.reach(20), false)
    assert.deepEqual(told, [7])
    absences.done(0)
    assert.equal(absences.reach(20), true)
  })

  test('let several be away at once', () => {
    const { absences, told } = stage(cue(7, 10, 30), cue(8, 11, 20))
    absences.reach(10)
    absences.away(0)
    absences.reach(11)
    absences.away(1)
    assert.equal(absences.reach(19), true)
    absences.reach(20)
    assert.deepEqual(told, [8])
  })

  test('are not concerned with other cues', () => {
    const { absences } = stage(cue(7, 10, 10, { kind: 'absence' }))
    assert.equal(absences.reach(10), true)
    absences.done(0)
    assert.equal(absences.reach(11), true)
  })
})
