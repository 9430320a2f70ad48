import { covers } from './stream.js'

/** @import { Hold } from './ledger.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * What one connection was due and what it got.
 *
 * @typedef {object} Testimony
 * @property {string} name what a report calls the connection
 * @property {string} userId
 * @property {number} acceptedAt the position of the first message that it could receive
 * @property {number} endedAt the position of the first message that it could not receive any more
 * @property {boolean} cut it ended abruptly, so that the last of what was sent to it may be lost
 * @property {readonly Hold[]} holds
 * @property {readonly (number | string)[]} received per delivery its position, or the text of what is on no timeline
 *
 * @typedef {'missing' | 'duplicate' | 'out of order' | 'private of another user' | 'unexpected'
 *   | 'wrong answer' | 'accounts'} MismatchKind
 *
 * @typedef {object} Mismatch
 * @property {string} connection
 * @property {MismatchKind} kind
 * @property {number | undefined} position
 * @property {string} detail
 *
 * @typedef {object} Verdict
 * @property {number} due deliveries that the server had to make
 * @property {number} received
 * @property {number} lost deliveries on their way to a connection when it was cut
 * @property {Mismatch[]} mismatches
 */

const LONGEST_EXCERPT = 80

/**
 * Reckons what each connection should have received, from the timeline and its subscriptions alone, and compares.
 *
 * It knows nothing of the library but its promises: the exact text on the wire, each message once to those whom it
 * concerns, in the order of publishing.
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
    const due = this.#due(testimony)
    const places = new Places(due, this.#alike)
    const { surplus, disordered, furthest } = seat(testimony.received, places)
    const absent = places.free()
    // What a cut connection received has to be a beginning of what it was due, without a gap.
    const lost = testimony.cut ? absent.filter((position) => position > furthest) : []
    const missing = absent.slice(0, absent.length - lost.length)
    return {
      due: due.length,
      received: testimony.received.length,
      lost: lost.length,
      mismatches: [
        ...surplus.map((delivery) => {
          return this.#describe(testimony, this.#surplusKind(delivery, places, testimony), delivery)
        }),
        ...disordered.map((position) => this.#describe(testimony, 'out of order', position)),
        ...missing.map((position) => this.#describe(testimony, 'missing', position)),
      ],
    }
  }

  /**
   * The positions of all messages that the connection had to be sent.
   *
   * @param {Testimony} testimony
   */
  #due({ userId, acceptedAt, endedAt, holds }) {
    /** @type {number[]} */
    const due = []
    for (let position = acceptedAt; position < endedAt; position++) {
      const message = this.#timeline[position]
      if (message.userId !== undefined && message.userId !== userId) continue
      if (holds.some((hold) => lasts(hold, position) && covers(hold.stream, message))) due.push(position)
    }
    return due
  }

  /**
   * @param {number | string} delivery
   * @param {Places} places
   * @param {Testimony} testimony
   * @returns {MismatchKind}
   */
  #surplusKind(delivery, places, { userId }) {
    if (typeof delivery === 'string') return 'unexpected'
    const owner = this.#timeline[delivery].userId
    if (owner !== undefined && owner !== userId) return 'private of another user'
    return places.has(delivery) ? 'duplicate' : 'unexpected'
  }

  /**
   * @param {Testimony} testimony
   * @param {MismatchKind} kind
   * @param {number | string} delivery
   * @returns {Mismatch}
   */
  #describe({ name }, kind, delivery) {
    if (typeof delivery === 'string') return { connection: name, kind, position: undefined, detail: delivery }
    const { streamType, symbol, userId } = this.#timeline[delivery]
    const detail = [streamType, symbol, userId && `of ${userId}`].filter(Boolean).join(' ')
    return { connection: name, kind, position: delivery, detail }
  }
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
 * @param {readonly (number | string)[]} received
 * @param {Places} places
 */
function seat(received, places) {
  /** @type {(number | string)[]} */
  const surplus = []
  /** @type {number[]} */
  const disordered = []
  let furthest = -1
  for (const delivery of received) {
    const position = places.take(delivery, furthest)
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
