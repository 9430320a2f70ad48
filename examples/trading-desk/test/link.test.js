import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { Link } from '../page/link.js'
import { FakeClient } from '../testing/fake-client.js'

/** @type {FakeClient} */
let fake
/** @type {Link} */
let link
let now = 0

/**
 * It is connected to a node, by whose clock it is this late.
 *
 * @param {string} node
 * @param {number} atMs
 */
async function connect(node, atMs = 0) {
  fake.answers.hello = { connection: `c${atMs}`, node, atMs }
  fake.emit('state', { state: 'connected' })
  await fake.settle()
}

/** @param {number} atMs */
function message(atMs, snapshot = false) {
  return /** @type {any} */ ({ streamType: 'TRADES', symbol: 'AAA', data: {}, timestamp: new Date(atMs), snapshot })
}

beforeEach(() => {
  now = 0
  fake = new FakeClient()
  link = new Link(fake.client, () => {}, () => now)
})

describe('Link', () => {
  it('says in how many seconds the client tries again', () => {
    fake.emit('state', { state: 'waiting', retryInMs: 2_500 })

    assert.deepEqual([link.state, link.secondsToWait], ['waiting', 3])
    now = 2_000
    assert.equal(link.secondsToWait, 1)
  })

  it('is stale when nothing came for four seconds, and not when something does', async () => {
    await connect('A')

    now = 4_000
    assert.equal(link.isStale, false)
    now = 5_000
    assert.deepEqual([link.isStale, link.secondsSilent], [true, 5])

    link.heard(message(0))
    assert.equal(link.isStale, false)
  })

  it('is not stale while there is no connection: then it says that', async () => {
    await connect('A')
    fake.emit('state', { state: 'waiting', retryInMs: 60_000 })

    now = 10_000
    assert.equal(link.isStale, false)
  })

  it('knows which connection it has, and which it had', async () => {
    await connect('A', 1)
    await connect('B', 2)

    assert.deepEqual([link.node, link.connection, [...link.connections]], ['B', 'c2', ['c1', 'c2']])
  })

  it('has nothing to say of a move before there was one', async () => {
    await connect('A')
    fake.emit('subscribed', { streamType: 'TRADES', recovered: null })
    link.heard(message(-1))

    assert.equal(link.move, undefined)
  })

  it('says what came of a connection that was lost', async () => {
    await connect('A')
    now = 1_000
    fake.emit('state', { state: 'waiting', reason: 'lifetime', retryInMs: 300 })
    fake.emit('state', { state: 'connecting' })
    now = 1_400
    await connect('B', 9_000)
    for (const recovered of [true, true, false, null]) fake.emit('subscribed', { streamType: 'TRADES', recovered })
    fake.emit('subscribed', { streamType: 'PRICE', recovered: false })
    for (const each of [message(8_998), message(8_999), message(9_000), message(8_000, true)]) link.heard(each)

    assert.deepEqual(link.move, { from: 'A', to: 'B', reason: 'lifetime', awayMs: 400, resumed: 2, replayed: 2, gaps: 1 })
  })

  it('goes on without an answer to its question', async () => {
    fake.answers.hello = new Error('lost again')
    fake.emit('state', { state: 'connected' })
    await fake.settle()

    assert.deepEqual([link.state, link.node], ['connected', undefined])
  })
})
