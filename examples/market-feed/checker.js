import { judgeBehind } from './lanes.js'
import { covers } from './stream.js'

/** @import { Hold } from './ledger.js' */
/** @import { Gap } from './notice.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * What one connection was due and what it got.
 *
 * @typedef {object} Testimony
 * @property {string} name what a report calls the connection
 * @property {string} userId
 * @property {readonly Span[]} spans
 * @property {number} endedAt the position of the first message that it could not receive any more
 * @property {boolean} cut it ended abruptly, so that the last of what was sent to it may be lost
 * @property {boolean} tooSlow it was the server that cut it
 * @property {readonly Hold[]} holds
 *
 * @typedef {object} Span what came between two of the server's notices; the next one, or the end, is where it ends
 * @property {number} from the position of the first message that belongs to it
 * @property {boolean} behind more may have waited than the connection could take
 * @property {Received[]} received
 *
 * @typedef {number | string | Gap} Received a delivery's position, the text of what is on no timeline, or a gap notice
 *
 * @typedef {'missing' | 'duplicate' | 'out of order' | 'private of another user' | 'unexpected' | 'wrong gap'
 *   | 'wrong answer' | 'accounts'} MismatchKind
 *
 * @typedef {object} Mismatch
 * @property {string} connection
 * @property {MismatchKind} kind
 * @property {number | undefined} position
 * @property {string} detail
 *
 * @typedef {{ kind: MismatchKind, delivery: Received, more?: string }} Finding
 *
 * @typedef {object} Missed messages that a connection that was behind did not get, as the rules allow
 * @property {number} conflated
 * @property {number} dropped
 *
 * @typedef {object} Verdict
 * @property {number} due deliveries that the server had to make
 * @property {number} received
 * @property {number} lost deliveries on their way to a connection when it was cut
 * @property {Missed} missed what it did not get though it was not cut
 * @property {Missed} mayHaveMissed the part of what was lost that may have been given up before it could be sent
 * @property {Mismatch[]} mismatches
 *
 * @typedef {Omit<Verdict, 'due' | 'received' | 'mismatches'> & { findings: Finding[] }} Judgement
 */

const LONGEST_EXCERPT = 80

/**
 * Reckons what each connection should have received, from the timeline and its subscriptions alone, and compares.
 *
 * It knows nothing of the library but its promises: the exact text on the wire, each message once to those whom it
 * concerns, in the order of publishing; and where a connection is behind, what each stream's delivery class allows.
 */
export class Checker {
  #timeline
  /** @type {Map<string, number>} */
  #firstPositions = new Map()
  /**
   * Per position the first one with the same text: a feed may well say the same thing twice.
   *
   * @type {number[]}
   */
  #alike

  /** @param {readonly TimelineMessage[]} timeline */
  constructor(timeline) {
    this.#timeline = timeline
    this.#alike = timeline.map((message, position) => {
      const text = wireText(message)
      const first = this.#firstPositions.get(text) ?? position
      if (first === position) this.#firstPositions.set(text, position)
      return first
    })
  }

  /**
   * The place of a delivery on the timeline (the first, if several messages are alike), or its text when it has none.
   *
   * @param {string} text
   * @returns {number | string}
   */
  recognise(text) {
    return this.#firstPositions.get(text) ?? text.slice(0, LONGEST_EXCERPT)
  }

  /**
   * @param {Testimony} testimony
   * @returns {Verdict}
   */
  check(testimony) {
    const { endedAt, spans } = testimony
    /** @type {Verdict} */
    const sum = { due: 0, received: 0, lost: 0, missed: nothing(), mayHaveMissed: nothing(), mismatches: [] }
    for (const [index, span] of spans.entries()) {
      const due = this.#due(testimony, span.from, spans[index + 1]?.from ?? endedAt)
      // Only the last one can be cut: whatever came after a span came after all of it.
      const cut = testimony.cut && index === spans.length - 1
      const { findings, ...judgement } = this.#judge(span, due, cut)
      sum.due += due.length
      sum.received += span.received.filter((item) => typeof item !== 'object').length
      sum.lost += judgement.lost
      add(judgement.missed, sum.missed)
      add(judgement.mayHaveMissed, sum.mayHaveMissed)
      sum.mismatches.push(...findings.map((finding) => this.#describe(testimony, finding)))
    }
    return sum
  }

  /**
   * The positions of all messages that the connection had to be sent, in one part of the play.
   *
   * @param {Testimony} testimony
   * @param {number} from
   * @param {number} to
   */
  #due({ userId, holds }, from, to) {
    /** @type {number[]} */
    const due = []
    for (let position = from; position < to; position++) {
      const message = this.#timeline[position]
      if (message.userId !== undefined && message.userId !== userId) continue
      if (holds.some((hold) => lasts(hold, position) && covers(hold.stream, message))) due.push(position)
    }
    return due
  }

  /**
   * @param {Span} span
   * @param {readonly number[]} due
   * @param {boolean} cut
   * @returns {Judgement}
   */
  #judge({ behind, received }, due, cut) {
    if (behind) return judgeBehind({ due, received, cut, timeline: this.#timeline, alike: this.#alike })
    return judgeSteady({ due, received, cut, alike: this.#alike })
  }

  /**
   * @param {Testimony} testimony
   * @param {Finding} finding
   * @returns {Mismatch}
   */
  #describe({ name, userId }, { kind, delivery, more }) {
    if (typeof delivery === 'string') return { connection: name, kind, position: undefined, detail: delivery }
    if (typeof delivery === 'object') {
      const detail = [delivery.streamType, delivery.symbol, more].filter(Boolean).join(' ')
      return { connection: name, kind, position: undefined, detail }
    }
    const { streamType, symbol, userId: owner } = this.#timeline[delivery]
    const isOfAnother = kind === 'unexpected' && owner !== undefined && owner !== userId
    const detail = [streamType, symbol, owner && `of ${owner}`, more].filter(Boolean).join(' ')
    return { connection: name, kind: isOfAnother ? 'private of another user' : kind, position: delivery, detail }
  }
}

/** @returns {Missed} */
function nothing() {
  return { conflated: 0, dropped: 0 }
}

/**
 * @param {Missed} missed
 * @param {Missed} sum
 */
function add({ conflated, dropped }, sum) {
  sum.conflated += conflated
  sum.dropped += dropped
}

/**
 * Judges what came while nothing may have waited: every message, in one order.
 *
 * @param {{ due: readonly number[], received: readonly Received[], cut: boolean, alike: readonly number[] }} evidence
 * @returns {Judgement}
 */
function judgeSteady({ due, received, cut, alike }) {
  const places = new Places(due, alike)
  const { surplus, disordered, furthest } = seat(received, places)
  const absent = places.free()
  // What a cut connection received has to be a beginning of what it was due, without a gap.
  const lost = cut ? absent.filter((position) => position > furthest) : []
  const missing = absent.slice(0, absent.length - lost.length)
  return {
    lost: lost.length,
    missed: nothing(),
    mayHaveMissed: nothing(),
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
  let furthest = -1
  for (const delivery of received) {
    const position = typeof delivery === 'object' ? undefined : places.take(delivery, furthest)
    if (position === undefined) surplus.push(delivery)
    else if (position < furthest) disordered.push(position)
    else furthest = position
  }
  return { surplus, disordered, furthest }
}

/**
 * @param {Hold} hold
 * @param {number} position
 */
function lasts({ from, to }, position) {
  return from <= position && position < to
}

/**
 * What stands on the wire for a message, to the letter.
 *
 * @param {TimelineMessage} message
 */
export function wireText({ streamType, symbol, data, timestampMs, userId }) {
  return JSON.stringify({
    stream_type: streamType,
    symbol: symbol ?? null,
    data,
    timestamp: new Date(timestampMs).toISOString(),
    user_id: userId ?? null,
  })
}
