import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { drawScenario } from '../scenario.js'
import { Stalls } from '../stalls.js'

/** @import { ClientProcess } from '../client-process.js' */
/** @import { MarketServer } from '../server.js' */

const { plan } = drawScenario(
  { feed: undefined, speed: 1, users: 3, connections: 1, slow: 1, seed: 1, inject: undefined }, undefined,
)
const [{ slot, from, until }] = plan.stalls
const PLACE = `${plan.users[slot.user].userId}/0`

/** The stalls of a plan with one of them, and a log of what they do. */
function stage() {
  /** @type {string[]} */
  const log = []
  const state = { hasCaughtUp: false }
  // A pipe that is full after a few bytes: nothing that is written leaves.
  const socket = { bufferedAmount: 0, comment: (/** @type {string} */ text) => socket.bufferedAmount += text.length }
  const server = /** @type {MarketServer} */ (/** @type {unknown} */ ({
    beginSlow: (/** @type {string} */ place) => log.push(`slow ${place}`),
    endSlow: () => state.hasCaughtUp,
    socketAt: () => socket,
  }))
  const clients = /** @type {ClientProcess} */ (/** @type {unknown} */ ({
    pause: () => log.push('pause'),
    resume: () => log.push('resume'),
  }))
  const stalls = new Stalls({ plan, server, clients, onTrouble: (error) => assert.fail(String(error)) })
  return { stalls, log, state }
}

/** @param {Stalls} stalls */
async function stalled(stalls) {
  stalls.reach(from)
  stalls.paused(slot)
  while (!stalls.reach(from)) await setImmediate()
}

describe('Stalls', () => {
  test('hold the play until the client has stopped reading and the pipe to it is full', async () => {
    const { stalls, log } = stage()
    assert.equal(stalls.reach(from - 1), true)
    assert.equal(stalls.reach(from), false)
    assert.deepEqual(log, ['pause'])
    await stalled(stalls)
    assert.deepEqual(log, ['pause', `slow ${PLACE}`])
    assert.equal(stalls.reach(until - 1), true)
  })

  test('let the client read on, and hold the play at the interval until it has caught up', async () => {
    const { stalls, log, state } = stage()
    await stalled(stalls)
    assert.equal(stalls.reach(until), true)
    assert.equal(log.at(-1), 'resume')
    assert.equal(stalls.reach(plan.interval), false)
    state.hasCaughtUp = true
    assert.equal(stalls.reach(plan.interval), true)
  })

  test('let a client that was disconnected read to its end, and wait until it is back', async () => {
    const { stalls, log, state } = stage()
    await stalled(stalls)
    stalls.disconnected(PLACE)
    assert.equal(log.at(-1), 'resume')
    state.hasCaughtUp = true
    assert.equal(stalls.reach(plan.interval), false)
    stalls.back(slot)
    assert.equal(stalls.reach(plan.interval), true)
  })
})
