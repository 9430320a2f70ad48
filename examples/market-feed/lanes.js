/** @import { Finding, Judgement, Received } from './checker.js' */
/** @import { Gap } from './notice.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * What may become of a stream's messages while a connection is behind: only the `newest` has to come, the oldest may be
 * `droppable` if a notice says so, or the stream stays `whole`.
 *
 * @typedef {'newest' | 'droppable' | 'whole'} Rule
 *
 * @typedef {object} Lane one stream's share of what was due and of what came, each in its order
 * @property {Rule} rule
 * @property {number[]} due
 * @property {(number | Gap)[]} received
 */

/**
 * The server's catalogue, as a client knows it. What is not named here stays whole.
 *
 * @type {Partial<Record<string, Rule>>}
 */
const RULES = { PRICE: 'newest', TRADES: 'droppable' }

const NO_GAPS = 'in a stream that has none'

/**
 * Judges what came to a connection while it was behind: stream by stream, since only within a stream there is an order.
 *
 * @param {object} evidence
 * @param {readonly number[]} evidence.due
 * @param {readonly Received[]} evidence.received
 * @param {boolean} evidence.cut
 * @param {readonly TimelineMessage[]} evidence.timeline
 * @param {readonly number[]} evidence.alike
 * @returns {Judgement}
 */
export function judgeBehind({ due, received, cut, timeline, alike }) {
  const { lanes, strangers } = inLanes(due, received, timeline, alike)
  /** @type {Judgement} */
  const sum = {
    lost: 0,
    taken: [],
    missed: { conflated: 0, dropped: 0 },
    mayHaveMissed: { conflated: 0, dropped: 0 },
    findings: strangers.map((delivery) => ({ kind: 'unexpected', delivery })),
  }
  for (const lane of lanes) {
    const { taken, findings } = lane.rule === 'newest' ? judgeNewest(lane, alike, cut) : judgeEvery(lane, alike, cut)
    const absent = lane.due.length - taken.length
    if (cut) sum.lost += absent
    sum.taken.push(...taken)
    const missed = cut ? sum.mayHaveMissed : sum.missed
    if (lane.rule === 'newest') missed.conflated += absent
    if (lane.rule === 'droppable') missed.dropped += absent
    sum.findings.push(...findings)
  }
  return sum
}

/**
 * Gives each lane its share; strangers are those that belong to none.
 *
 * @param {readonly number[]} due
 * @param {readonly Received[]} received
 * @param {readonly TimelineMessage[]} timeline
 * @param {readonly number[]} alike
 */
function inLanes(due, received, timeline, alike) {
  /** @type {Map<string, Lane>} */
  const lanes = new Map()
  const expected = new Set(due.map((position) => alike[position]))
  /** @type {(number | string)[]} */
  const strangers = []
  for (const position of due) laneOf(lanes, timeline[position]).due.push(position)
  for (const item of received) {
    if (typeof item === 'object') laneOf(lanes, item).received.push(item)
    else if (typeof item === 'number' && expected.has(item)) laneOf(lanes, timeline[item]).received.push(item)
    else strangers.push(item)
  }
  return { lanes: lanes.values(), strangers }
}

/**
 * @param {Map<string, Lane>} lanes
 * @param {{ streamType: string, symbol: string | undefined }} stream
 */
function laneOf(lanes, { streamType, symbol }) {
  const key = laneKey({ streamType, symbol })
  const lane = lanes.get(key) ?? { rule: ruleOf({ streamType }), due: [], received: [] }
  lanes.set(key, lane)
  return lane
}

/**
 * @param {{ streamType: string, symbol: string | undefined }} stream
 */
export function laneKey({ streamType, symbol }) {
  return JSON.stringify([streamType, symbol])
}

/** @param {{ streamType: string }} stream */
export function ruleOf({ streamType }) {
  return RULES[streamType] ?? 'whole'
}

/**
 * Prices may skip, never go back, and end with the last one.
 *
 * @param {Lane} lane
 * @param {readonly number[]} alike
 * @param {boolean} cut
 */
function judgeNewest({ due, received }, alike, cut) {
  /** @type {Finding[]} */
  const findings = []
  const seen = new Set()
  const taken = []
  let next = 0
  for (const item of received) {
    if (typeof item === 'object') {
      findings.push({ kind: 'wrong gap', delivery: item, more: NO_GAPS })
      continue
    }
    const index = indexFrom(due, alike, item, next)
    if (index >= next) {
      taken.push(due[index])
      next = index + 1
    } else findings.push({ kind: seen.has(item) ? 'duplicate' : 'out of order', delivery: item })
    seen.add(item)
  }
  const [last, latest] = [due.at(-1), due[next - 1]]
  if (!cut && last !== undefined && (latest === undefined || alike[last] !== alike[latest])) {
    findings.push({ kind: 'missing', delivery: last, more: 'the newest' })
  }
  return { taken, findings }
}

/**
 * What is not conflated is whole, but for runs of messages that a notice stands for.
 *
 * @param {Lane} lane
 * @param {readonly number[]} alike
 * @param {boolean} cut
 */
function judgeEvery({ rule, due, received }, alike, cut) {
  const walk = new Walk(due, alike, rule === 'droppable')
  for (const item of received) {
    if (typeof item === 'object') walk.passGap(item)
    else walk.take(item)
  }
  walk.end(cut)
  return walk
}

/** A walk along what was due of one stream, by the side of what came. */
class Walk {
  /** @type {number[]} */
  taken = []
  /** @type {Finding[]} */
  findings = []
  #due
  #alike
  #mayGap
  #seen = new Set()
  #next = 0
  /** The notices since the last message, as one. @type {Gap | undefined} */
  #gap

  /**
   * @param {readonly number[]} due
   * @param {readonly number[]} alike
   * @param {boolean} mayGap
   */
  constructor(due, alike, mayGap) {
    this.#due = due
    this.#alike = alike
    this.#mayGap = mayGap
  }

  /** @param {Gap} gap */
  passGap(gap) {
    this.#gap = { ...gap, dropped: gap.dropped + (this.#gap?.dropped ?? 0) }
  }

  /** @param {number} delivery */
  take(delivery) {
    const index = this.#indexOf(delivery)
    if (index < this.#next) {
      this.findings.push({ kind: this.#seen.has(delivery) ? 'duplicate' : 'out of order', delivery })
      return
    }
    this.#passOver(index - this.#next, false)
    this.#next = index + 1
    this.#seen.add(delivery)
    this.taken.push(this.#due[index])
  }

  /** @param {boolean} cut */
  end(cut) {
    this.#passOver(this.#due.length - this.#next, cut)
  }

  /**
   * Where the delivery fits. Of messages that read the same, it is the one that the notice before it leads to.
   *
   * @param {number} delivery
   */
  #indexOf(delivery) {
    const announced = this.#next + (this.#gap?.dropped ?? 0)
    if (this.#alike[this.#due[announced]] === delivery) return announced
    return indexFrom(this.#due, this.#alike, delivery, this.#next)
  }

  /**
   * @param {number} count of messages that did not come
   * @param {boolean} mayBeLost the rest of them, beyond what was announced
   */
  #passOver(count, mayBeLost) {
    const gap = this.#gap
    this.#gap = undefined
    if (gap) this.#checkGap(gap, count, mayBeLost)
    else if (count > 0 && !mayBeLost) {
      const more = count > 1 ? `and ${count - 1} after it, without notice` : 'without notice'
      this.findings.push({ kind: 'missing', delivery: this.#due[this.#next], more })
    }
  }

  /**
   * @param {Gap} gap
   * @param {number} count
   * @param {boolean} mayBeLost
   */
  #checkGap(gap, count, mayBeLost) {
    const fits = gap.dropped === count || (mayBeLost && gap.dropped < count)
    if (this.#mayGap && fits) return
    const more = this.#mayGap ? `says ${gap.dropped}, where ${count} are missing` : NO_GAPS
    this.findings.push({ kind: 'wrong gap', delivery: gap, more })
  }
}

/**
 * The first index, from one on, where a text was due; -1 where it was not any more.
 *
 * @param {readonly number[]} due
 * @param {readonly number[]} alike
 * @param {number} delivery
 * @param {number} from
 */
function indexFrom(due, alike, delivery, from) {
  for (let index = from; index < due.length; index++) if (alike[due[index]] === delivery) return index
  return -1
}
