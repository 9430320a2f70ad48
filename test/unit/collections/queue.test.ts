import { describe, expect, it, vi } from 'vitest'
import { Queue } from '../../../src/collections/queue.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { seededRandom } from '../../support/seeded-random.ts'

function queueOf(count: number): Queue<number> {
  const queue = new Queue<number>()
  for (let item = 0; item < count; item++) queue.push(item)
  return queue
}

/** The number of items that `act` has copied from one array to another. */
function countMoved(act: () => void): number {
  const { slice } = Array.prototype
  let moved = 0
  const spy = vi.spyOn(Array.prototype, 'slice').mockImplementation(function (this: unknown[], ...range) {
    const copy: unknown[] = slice.apply(this, range)
    moved += copy.length
    return copy
  })
  try {
    act()
  } finally {
    spy.mockRestore()
  }
  return moved
}

/** Bytes in use after a garbage collection. */
async function heapUsed(): Promise<number> {
  await collectGarbage()
  return process.memoryUsage().heapUsed
}

function drained<T>(queue: Queue<T>): T[] {
  const items: T[] = []
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) items.push(item)
  return items
}

describe('Queue', () => {
  it('starts empty', () => {
    expect(new Queue().shift()).toBeUndefined()
  })

  it('returns items in the order in which they were pushed', () => {
    expect(drained(queueOf(3))).toEqual([0, 1, 2])
  })

  it('iterates over its items, oldest first, without removing them', () => {
    const queue = queueOf(3)
    queue.shift()

    expect([...queue, ...queue]).toEqual([1, 2, 1, 2])
  })

  it('accepts items again after it was emptied', () => {
    const queue = queueOf(2)
    drained(queue)

    queue.push(7)

    expect(drained(queue)).toEqual([7])
  })

  it('stays empty if it is shifted again', () => {
    const queue = queueOf(1)
    queue.shift()

    expect([queue.shift(), queue.shift()]).toEqual([undefined, undefined])
    queue.push(7)
    expect(queue.shift()).toBe(7)
  })

  it.each([1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 5_000])('keeps the order of %d items, also when it frees the places of shifted ones', (count) => {
    expect(drained(queueOf(count))).toEqual(Array.from({ length: count }, (_, item) => item))
  })

  it('keeps the order when pushes and shifts alternate on a long queue', () => {
    const queue = queueOf(3_000)
    const left: (number | undefined)[] = []

    for (let item = 3_000; item < 10_000; item++) {
      left.push(queue.shift())
      queue.push(item)
    }

    expect([...left, ...drained(queue)]).toEqual(Array.from({ length: 10_000 }, (_, item) => item))
  })

  it('takes linear time to drain, whatever its length', () => {
    const queue = queueOf(300_000)
    let sum = 0

    for (let item = queue.shift(); item !== undefined; item = queue.shift()) sum += item

    expect(sum).toBe((300_000 * 299_999) / 2)
  })

  it.each([
    ['none', 31, 0],
    ['no more than there are', 1_000, 1_000],
    ['no more than there are', 300_000, 300_000],
  ])('moves %s of %i items while they are shifted', (_case, count, most) => {
    const queue = queueOf(count)

    expect(countMoved(() => { for (let i = 0; i < count; i++) queue.shift() })).toBeLessThanOrEqual(most)
  })

  it('frees its array when it is emptied, even if it was short', async () => {
    const before = await heapUsed()

    const queues = Array.from({ length: 1_000 }, () => queueOf(1_000))
    for (const queue of queues) drained(queue)

    // One place for each item that passed through would take 8 MB.
    expect((await heapUsed()) - before).toBeLessThan(1_000_000)
    expect(queues.map((queue) => queue.shift())).toEqual(queues.map(() => undefined))
  })

  it.each([0, 1, 5_000])('does not grow with the number of items that passed through it, while %i are queued', async (waiting) => {
    const queue = queueOf(waiting)
    const before = await heapUsed()

    for (let item = 0; item < 1_000_000; item++) {
      queue.push(item)
      queue.shift()
    }

    // One place for each item that passed through would take 8 MB.
    expect((await heapUsed()) - before).toBeLessThan(1_000_000)
    expect([...queue]).toHaveLength(waiting)
  })

  it('takes little for each of many short queues through which many items passed', async () => {
    const before = await heapUsed()

    const queues = Array.from({ length: 1_000 }, () => queueOf(1))
    for (const queue of queues) {
      for (let item = 0; item < 1_000; item++) {
        queue.push(item)
        queue.shift()
      }
    }

    // One place for each item that passed through would take 8 MB.
    expect((await heapUsed()) - before).toBeLessThan(1_000_000)
    expect(queues.map((queue) => queue.shift())).toEqual(queues.map(() => 999))
  })

  it('behaves as an array does in random operations', () => {
    const random = seededRandom(4)
    const queue = new Queue<number>()
    const model: number[] = []
    let longest = 0

    for (let step = 0; step < 40_000; step++) {
      const isGrowing = Math.floor(step / 10_000) % 2 === 0
      if (random() < (isGrowing ? 0.7 : 0.3)) {
        queue.push(step)
        model.push(step)
      } else if (queue.shift() !== model.shift()) {
        throw new Error(`Step ${step} gave another item than an array would`)
      }
      longest = Math.max(longest, model.length)
    }

    expect(longest).toBeGreaterThan(2_048)
    expect(drained(queue)).toEqual(model)
  })
})
