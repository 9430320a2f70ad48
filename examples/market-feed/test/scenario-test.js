import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { drawScenario } from '../scenario.js'

/** @import { Options } from '../options.js' */

/** @type {Options} */
const OPTIONS = { feed: undefined, speed: 1, users: 12, connections: 2, slow: 4, seed: 7, inject: undefined }

/** @param {number[]} seconds */
function feedAt(...seconds) {
  const lines = seconds.map((moment, data) => {
    return JSON.stringify({ received_at: moment, stream_type: 'PRICE', symbol: 'BTC', data })
  })
  return new TextEncoder().encode(lines.join('\n'))
}

describe('drawScenario', () => {
  test('is the same for the same options, and another for another seed', () => {
    assert.deepEqual(drawScenario(OPTIONS, undefined), drawScenario(OPTIONS, undefined))
    assert.notDeepEqual(drawScenario(OPTIONS, undefined), drawScenario({ ...OPTIONS, seed: 8 }, undefined))
  })

  test('keeps every message of a feed, in the feed\'s order and with the feed\'s timestamps', () => {
    const { timeline } = drawScenario(OPTIONS, feedAt(5, 4, 6, 6))
    const market = timeline.filter(({ userId }) => userId === undefined)
    assert.deepEqual(market.map(({ data }) => data), [0, 1, 2, 3])
    assert.deepEqual(market.map(({ timestampMs }) => timestampMs), [5000, 4000, 6000, 6000])
  })

  test('never waits for a moment that is over', () => {
    const moments = drawScenario(OPTIONS, feedAt(5, 4, 6, 5.5, 7)).timeline.map(({ playAtMs }) => playAtMs)
    assert.deepEqual(moments, moments.toSorted((one, other) => one - other))
    assert.equal(moments.at(-1), 2000)
  })

  test('gives every user private messages, early and late', () => {
    const { timeline, plan: { users } } = drawScenario(OPTIONS, feedAt(1))
    const half = timeline.length / 2
    for (const part of [timeline.slice(0, half), timeline.slice(half)]) {
      for (const { userId } of users) assert.ok(part.some((message) => message.userId === userId))
    }
  })

  test('gives all cues of a user to one connection, half-way, between the interval and the gate', () => {
    const { plan: { cues, interval, gate } } = drawScenario(OPTIONS, undefined)
    const places = new Set(cues.map(({ slot }) => JSON.stringify(slot)))
    assert.equal(places.size, new Set(cues.map(({ slot }) => slot.user)).size)
    for (const { position, until } of cues) assert.ok(position >= interval && until < gate)
  })

  test('lets no client be away when it has another cue', () => {
    const { plan: { cues } } = drawScenario({ ...OPTIONS, users: 2 }, undefined)
    for (const [index, { slot, position, until }] of cues.entries()) {
      const next = cues.slice(index + 1).find((other) => other.slot.user === slot.user)
      assert.ok(position <= until && until <= (next?.position ?? Infinity))
    }
  })

  test('lets viewers listen from the start, and reconnect once', () => {
    const { plan: { cues, users } } = drawScenario(OPTIONS, undefined)
    const viewers = users.flatMap(({ connections }, user) => connections[0].over === 'sse' ? [user] : [])
    assert.deepEqual(viewers, [12, 13])
    for (const user of viewers) {
      assert.deepEqual(cues.filter(({ slot }) => slot.user === user).map(({ action }) => action.kind), ['reconnect'])
      assert.deepEqual([users[user].shared, users[user].connections.length], [[], 1])
    }
  })

  test('lets as many be slow as asked for, of different users, one of them a viewer, and all before the interval', () => {
    const { plan: { stalls, users, interval } } = drawScenario(OPTIONS, undefined)
    assert.equal(new Set(stalls.map(({ slot }) => slot.user)).size, 4)
    assert.equal(stalls.filter(({ slot }) => users[slot.user].connections[slot.connection].over === 'sse').length, 1)
    for (const { from, until } of stalls) assert.ok(from < until && until < interval)
    assert.equal(drawScenario({ ...OPTIONS, slow: 1_000 }, undefined).plan.stalls.length, users.length)
  })

  test('has every kind of event even for one user with one connection', () => {
    const { plan: { cues } } = drawScenario({ ...OPTIONS, users: 1, connections: 1 }, feedAt(1))
    const kinds = new Set(cues.map(({ action }) => action.kind === 'reconnect' ? action.manner : action.kind))
    assert.deepEqual([...kinds].sort(), ['abrupt', 'absence', 'clean', 'mistake', 'subscribe', 'unsubscribe'])
  })
})
