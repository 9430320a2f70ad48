import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Cues } from '../cues.js'

/**
 * @param {number} user
 * @param {number} position
 * @returns {import('../plan.js').Cue}
 */
function cueFor(user, position) {
  return { position, until: position, slot: { user, connection: 0 }, action: { kind: 'absence' } }
}

describe('Cues', () => {
  test('are given when the play reaches them, one at a time for each user', () => {
    /** @type {number[]} */
    const given = []
    const cues = new Cues([cueFor(1, 2), cueFor(2, 3), cueFor(1, 3), cueFor(1, 9)], (_, cue) => given.push(cue))
    cues.reach(1)
    assert.deepEqual(given, [])
    cues.reach(3)
    assert.deepEqual(given, [0, 1])
    cues.done(0)
    assert.deepEqual(given, [0, 1, 2])
    cues.done(2)
    cues.done(1)
    assert.equal(cues.settled, false)
    cues.reach(9)
    assert.deepEqual(given, [0, 1, 2, 3])
    cues.done(3)
    assert.equal(cues.settled, true)
  })
})
