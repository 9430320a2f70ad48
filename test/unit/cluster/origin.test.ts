import { describe, expect, it } from 'vitest'
import type { Destination } from '../../../src/cluster/destination.ts'
import { Origin } from '../../../src/cluster/origin.ts'

/** A destination that writes down what it gets: `1 2`, `gap 3`, `passed 3`. */
function destination({ isLatest = false, startsAt = 0 } = {}) {
  const got: string[] = []
  let seq = startsAt
  const methods: Destination = {
    isLatest,
    isReplacing: isLatest,
    mostQuestions: 1,
    knownOf: () => ({ seq, forgotten: 0 }),
    isOwn: (epoch) => epoch === 'own',
    epochs: () => [],
    accept: (_epoch, message) => {
      seq = message.seq
      got.push(message.text)
    },
    complete: () => {},
    skipTo: (_epoch, to, isMissing) => {
      got.push(`${isMissing ? 'gap' : 'passed'} ${to - seq}`)
      seq = to
    },
    giveUp: () => {},
  }
  return { got, origin: new Origin('e1', 'n1', methods) }
}

const message = (seq: number, text = String(seq)) => ({ seq, symbol: 'A', text })

describe('Origin', () => {
  it('delivers messages in order, each once', () => {
    const { got, origin } = destination()

    expect([1, 2, 2, 1, 3].map((seq) => origin.take(message(seq)))).toEqual([true, true, false, false, true])
    expect(got).toEqual(['1', '2', '3'])
    expect(origin.hasHole).toBe(false)
  })

  it('holds early messages until those before them have come', () => {
    const { got, origin } = destination()
    for (const seq of [1, 4, 3, 4]) origin.take(message(seq))
    expect([got, origin.hasHole, origin.question]).toEqual([['1'], true, { first: 2, last: 2 }])
    expect(origin.heldUnits).toBeGreaterThan(2)
    origin.take(message(2))

    expect([got, origin.hasHole, origin.heldUnits]).toEqual([['1', '2', '3', '4'], false, 0])
  })

  it('goes on with a message that waits, if the origin sends it again and has not those before it', () => {
    const { got, origin } = destination()
    for (const seq of [1, 3]) origin.take(message(seq))

    expect(origin.takeAgain([message(3)], { first: 2, last: 3 }, true)).toBe(0)
    expect(got).toEqual(['1', 'gap 1', '3'])
  })

  it('takes what the origin sends again, although the origin has not told that it has published so much', () => {
    const { got, origin } = destination()

    expect(origin.takeAgain([message(3), message(6)], { first: 1, last: 6 }, true)).toBe(2)
    expect(got).toEqual(['gap 2', '3', 'gap 2', '6'])
  })

  it('begins at 0 if nothing is known of its epoch', () => {
    const nothing = { knownOf: () => undefined } as unknown as Destination
    const origin = new Origin('e1', 'n1', nothing)

    expect([origin.seq, origin.forgotten]).toEqual([0, 0])
  })

  it('counts a held message without a text too', () => {
    const { origin } = destination()
    origin.take(message(5, ''))

    expect(origin.heldUnits).toBeGreaterThan(0)
  })

  it('asks for a hole once, and again if nobody knows whether the question came', () => {
    const { origin } = destination()
    origin.take(message(4))
    expect(origin.question).toEqual({ first: 1, last: 3 })
    origin.noteAsked({ first: 1, last: 3 })
    expect(origin.question).toBeUndefined()
    origin.doubtAnswer()

    expect(origin.question).toEqual({ first: 1, last: 3 })
  })

  it('asks for the next hole once the first one is closed', () => {
    const { origin } = destination()
    for (const seq of [2, 4]) origin.take(message(seq))
    origin.noteAsked({ first: 1, last: 1 })
    origin.take(message(1))

    expect(origin.question).toEqual({ first: 3, last: 3 })
  })

  it('asks up to the last number if its origin says that there is more', () => {
    const { origin } = destination()
    origin.take(message(1))
    origin.expect(9)
    origin.expect(5)

    expect(origin.question).toEqual({ first: 2, last: 9 })
  })

  it('reports what an answer does not have, each hole in its place', () => {
    const { got, origin } = destination()
    for (const seq of [1, 4, 8]) origin.take(message(seq))

    expect(origin.takeAgain([message(3), message(6)], { first: 2, last: 7 }, true)).toBe(2)
    expect(got).toEqual(['1', 'gap 1', '3', '4', 'gap 1', '6', 'gap 1', '8'])
  })

  it('takes an answer in parts, and reports nothing as missing before the last part', () => {
    const { got, origin } = destination()
    origin.take(message(5))
    origin.takeAgain([message(1)], { first: 1, last: 4 }, false)
    expect(got).toEqual(['1'])
    origin.takeAgain([message(2)], { first: 1, last: 4 }, false)
    origin.takeAgain([message(3)], { first: 1, last: 4 }, true)

    expect(got).toEqual(['1', '2', '3', 'gap 1', '5'])
  })

  it('takes an answer once, if it comes again', () => {
    const { got, origin } = destination()
    origin.take(message(3))
    origin.takeAgain([message(1), message(2)], { first: 1, last: 2 }, true)

    expect(origin.takeAgain([message(1), message(2)], { first: 1, last: 2 }, true)).toBe(0)
    expect(got).toEqual(['1', '2', '3'])
  })

  it('does not pass numbers that nobody has heard of, whatever an answer says', () => {
    const { got, origin } = destination()
    origin.take(message(1))
    origin.takeAgain([], { first: 2, last: 1_000 }, true)

    expect([got, origin.seq]).toEqual([['1'], 1])
  })

  it('goes on without what is missing', () => {
    const { got, origin } = destination()
    for (const seq of [1, 4, 6]) origin.take(message(seq))
    origin.giveUp()

    expect([got, origin.hasHole, origin.heldUnits]).toEqual([['1', 'gap 2', '4', 'gap 1', '6'], false, 0])
  })

  it('goes on from what the destination knows already', () => {
    const { got, origin } = destination({ startsAt: 5 })

    expect([origin.take(message(5)), origin.take(message(6))]).toEqual([false, true])
    expect(got).toEqual(['6'])
  })

  it('delivers a `latest` message at once, and lets none come after a newer one', () => {
    const { got, origin } = destination({ isLatest: true })

    expect([1, 5, 4].map((seq) => origin.take(message(seq)))).toEqual([true, true, false])
    expect([got, origin.hasHole, origin.heldUnits]).toEqual([['1', '5'], false, 0])
  })

  it('passes what a newer `latest` message has replaced, without a gap', () => {
    const { got, origin } = destination({ isLatest: true })
    origin.expect(5)
    origin.takeAgain([message(3)], { first: 1, last: 5 }, true)

    expect([got, origin.seq]).toEqual([['3', 'passed 2'], 5])
  })

  it('takes numbers up to the largest that there is', () => {
    const { got, origin } = destination()
    origin.take(message(Number.MAX_SAFE_INTEGER))
    origin.giveUp()

    expect(got).toEqual([`gap ${Number.MAX_SAFE_INTEGER - 1}`, String(Number.MAX_SAFE_INTEGER)])
  })
})
