/** @import { Finding, Judgement, Received } from './checker.js' */

/**
 * Judges what came while nothing may have waited: every message, in one order.
 *
 * @param {{ due: readonly number[], received: readonly Received[], cut: boolean, alike: readonly number[] }} evidence
 * @returns {Judgement}
 */
export function judgeSteady({ due, received, cut, alike }) {
  const places = new Places(due, alike)
  const { taken, surplus, disordered, furthest } = seat(received, places)
  const absent = places.free()
  // What a cut connection received has to be a beginning of what it was due, without a gap.
  const lost = cut ? absent.filter((position) => position > furthest) : []
  const missing = absent.slice(0, absent.length - lost.length)
  return {
    lost: lost.length,
    taken,
    missed: { conflated: 0, dropped: 0 },
    mayHaveMissed: { conflated: 0, dropped: 0 },
    findings: [
      ...surplus.map((delivery) => surplusFinding(delivery, places)),
      ...disordered.map((delivery) => /** @type {Finding} */ ({ kind: 'out of order', delivery })),
      ...missing.map((delivery) => /** @type {Finding} */ ({ kind: 'missing', delivery })),
    ],
  }
}

/**
 * @param {Received} delivery
 * @param {Places} places
 * @returns {Finding}
 */
function surplusFinding(delivery, places) {
  if (typeof delivery === 'object') return { kind: 'wrong gap', delivery, more: 'where nothing had to wait' }
  return { kind: places.has(delivery) ? 'duplicate' : 'unexpected', delivery }
}

/** The positions that were due, each to be taken by one delivery. */
class Places {
  /**
   * Per text, named by its first position: where it was due, of which those before `head` are taken.
   *
   * @type {Map<number | string, { positions: number[], head: number }>}
   */
  #byText = new Map()

  /**
   * @param {readonly number[]} due
   * @param {readonly number[]} alike
   */
  constructor(due, alike) {
    for (const position of due) {
      const places = this.#byText.get(alike[position])
      if (places) places.positions.push(position)
      else this.#byText.set(alike[position], { positions: [position], head: 0 })
    }
  }

  /** @param {number | string} delivery */
  has(delivery) {
    return this.#byText.has(delivery)
  }

  /**
   * Takes the next place after a position that a delivery fits in, or else the first one at all.
   *
   * @param {number | string} delivery
   * @param {number} after
   * @returns {number | undefined}
   */
  take(delivery, after) {
    const places = this.#byText.get(delivery)
    if (!places || places.head === places.positions.length) return undefined
    let next = places.head
    while (places.positions[next] <= after) next++
    const skips = next > places.head && next < places.positions.length
    return skips ? places.positions.splice(next, 1)[0] : places.positions[places.head++]
  }

  /** What nobody took, in order. */
  free() {
    const free = [...this.#byText.values()].flatMap(({ positions, head }) => positions.slice(head))
    return free.sort((one, other) => one - other)
  }
}

/**
 * Gives each delivery its place among those that were due.
 *
 * @param {readonly Received[]} received
 * @param {Places} places
 */
function seat(received, places) {
  /** @type {Received[]} */
  const surplus = []
  /** @type {number[]} */
  const disordered = []
  /** @type {number[]} */
  const taken = []
  let furthest = -1
  for (const delivery of received) {
    const position = typeof delivery === 'object' ? undefined : places.take(delivery, furthest)
    if (position === undefined) surplus.push(delivery)
    else if (position < furthest) disordered.push(position)
    else taken.push(furthest = position)
  }
  return { taken, surplus, disordered, furthest }
}
