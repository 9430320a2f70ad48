import { describe, expect, it } from 'vitest'
import { NumberHeap } from '../../../src/collections/number-heap.ts'
import { seededRandom } from '../../support/seeded-random.ts'

describe('NumberHeap', () => {
  it('has Infinity as its smallest number while it is empty', () => {
    const heap = new NumberHeap()
    heap.removeSmallest()
    const atFirst = heap.smallest
    heap.add(1)
    heap.clear()

    expect([atFirst, heap.smallest]).toEqual([Infinity, Infinity])
  })

  it('gives its numbers back in their order, however they came', () => {
    const random = seededRandom(1)
    for (let run = 0; run < 200; run++) {
      const heap = new NumberHeap()
      const left: number[] = []
      for (let i = 0; i < 50; i++) {
        if (random() < 0.7) {
          const number = Math.floor(random() * 30)
          heap.add(number)
          left.push(number)
        } else {
          left.sort((a, b) => a - b).shift()
          heap.removeSmallest()
        }
        expect(heap.smallest).toBe(Math.min(...left))
      }
    }
  })
})
