// What the judge of the soak makes of the numbers that a client got.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { newCounts } from './counts.ts'
import { Reading } from './reading.ts'

const NODES = 2

/** @param {{ isLatest?: boolean }} [options] */
function newReading({ isLatest = false } = {}) {
  const counts = newCounts()
  return { counts, reading: new Reading('TRADES:A', isLatest, counts) }
}

/**
 * @param {Reading} reading
 * @param {number} node
 * @param {number[]} numbers
 */
function take(reading, node, numbers) {
  return numbers.map((n) => reading.take(node, n))
}

describe('Reading', () => {
  it('expects the messages of each node by their numbers', () => {
    const { counts, reading } = newReading()

    assert.deepEqual([...take(reading, 0, [1, 2]), ...take(reading, 1, [1]), ...take(reading, 0, [3])], ['next', 'next', 'next', 'next'])
    assert.deepEqual(counts, { ...newCounts(), received: 4 })
    assert.equal(reading.waiting([3, 1]), 0)
  })

  it('counts messages before the next one as lost if nobody told of them, the first messages too', () => {
    const { counts, reading } = newReading()

    assert.deepEqual(take(reading, 0, [3, 4, 6]), ['lost', 'next', 'lost'])
    assert.deepEqual(counts, { ...newCounts(), received: 3, lost: 3 })
  })

  it('counts a copy as twice', () => {
    const { counts, reading } = newReading()

    assert.deepEqual(take(reading, 0, [1, 2, 1, 2]), ['next', 'next', 'twice', 'twice'])
    assert.deepEqual(counts, { ...newCounts(), received: 2, twice: 2 })
  })

  it('counts a message that comes after a newer one as out of order, and not as lost', () => {
    const { counts, reading } = newReading()

    assert.deepEqual(take(reading, 0, [1, 3, 2, 2]), ['next', 'lost', 'outOfOrder', 'twice'])
    assert.deepEqual(counts, { ...newCounts(), received: 2, outOfOrder: 1, twice: 1 })
  })

  it('counts as many messages as told as a gap notice says, and the others as lost', () => {
    const { counts, reading } = newReading()
    take(reading, 0, [1])
    reading.tell(2, NODES)

    assert.deepEqual(take(reading, 0, [5, 6]), ['lost', 'next'])
    assert.deepEqual(counts, { ...newCounts(), received: 3, told: 2, lost: 1 })
  })

  it('counts any number of messages of each node as told after a gap of unknown size, up to the next message of that node', () => {
    const { counts, reading } = newReading()
    take(reading, 0, [1])
    reading.tell(null, NODES)

    assert.deepEqual([...take(reading, 0, [10, 12]), ...take(reading, 1, [8, 9])], ['next', 'lost', 'next', 'next'])
    assert.deepEqual(counts, { ...newCounts(), received: 5, told: 8 + 7, lost: 1 })
  })

  it('lets a message come late that was told as missing', () => {
    const { counts, reading } = newReading()
    reading.tell(1, NODES)

    assert.deepEqual(take(reading, 0, [2, 1]), ['next', 'late'])
    assert.deepEqual(counts, { ...newCounts(), received: 1, late: 1 })
  })

  it('lets newer messages of a latest stream replace older ones', () => {
    const { counts, reading } = newReading({ isLatest: true })

    assert.deepEqual(take(reading, 0, [2, 5, 4]), ['next', 'next', 'twice'])
    assert.deepEqual(counts, { ...newCounts(), received: 2, conflated: 3, twice: 1 })
    assert.equal(reading.waiting([6]), 1)
  })

  it('lets the server send again what the client had when a resume was refused, and nothing after that', () => {
    const { counts, reading } = newReading()
    take(reading, 0, [1, 2])
    reading.restart(NODES)

    assert.deepEqual(take(reading, 0, [2, 4, 4]), ['again', 'next', 'twice'])
    assert.deepEqual(counts, { ...newCounts(), received: 3, again: 1, told: 1, twice: 1 })
  })

  it('takes a snapshot for all messages before it', () => {
    const { counts, reading } = newReading({ isLatest: true })
    take(reading, 0, [3])
    reading.replace(0, 3)
    reading.replace(0, 5)

    assert.equal(reading.waiting([5]), 0)
    assert.deepEqual(take(reading, 0, [6]), ['next'])
    assert.deepEqual(counts, { ...newCounts(), received: 2, conflated: 2 })
  })

  it('waits for the last messages, unless they were told as missing', () => {
    const { reading } = newReading()
    take(reading, 0, [1, 2])

    assert.equal(reading.waiting([5, 1]), 4)
    reading.tell(3, NODES)
    assert.equal(reading.waiting([5, 1]), 1)
    reading.tell(null, NODES)
    assert.equal(reading.waiting([9, 9]), 0)
  })
})
