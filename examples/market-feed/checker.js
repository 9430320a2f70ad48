import { judgeBehind, laneKey } from './lanes.js'
import { judgeReplays } from './replays.js'
import { unstamped } from './stamp.js'
import { judgeSteady } from './steady.js'
import { covers, isPrivateOfAnother } from './stream.js'
import { wireText } from './wire-text.js'

/** @import { Hold } from './ledger.js' */
/** @import { Gap } from './notice.js' */
/** @import { Replay } from './replays.js' */
/** @import { TimelineMessage } from './timeline.js' */

/**
 * What one connection was due and what it got.
 *
 * @typedef {object} Testimony
 * @property {string} name what a report calls the connection
 * @property {string} place whose connections belong together: each takes up where the one before it ended
 * @property {string} userId
 * @property {readonly Replay[]} replays what came when it subscribed
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
 *   | 'refused' | 'wrong answer' | 'accounts'} MismatchKind
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
 * @property {number} replayed deliveries that the server had to make again, to a client that came back
 * @property {number} told messages that a client did not get when it came back, as the server said
 * @property {Missed} missed what it did not get though it was not cut
 * @property {Missed} mayHaveMissed the part of what was lost that may have been given up before it could be sent
 * @property {Mismatch[]} mismatches
 *
 * @typedef {object} Judgement
 * @property {number} lost
 * @property {number[]} taken what came in its place
 * @property {Missed} missed
 * @property {Missed} mayHaveMissed
 * @property {Finding[]} findings
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
  /**
   * Place → lane → the last message that came. A client has what it got over any of its connections.
   *
   * @type {Map<string, Map<string, number>>}
   */
  #reached = new Map()

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
    return this.#firstPositions.get(unstamped(text)) ?? text.slice(0, LONGEST_EXCERPT)
  }

  /**
   * Judges a connection. Those of one place are judged in their order.
   *
   * @param {Testimony} testimony
   * @returns {Verdict}
   */
  check(testimony) {
    const { endedAt, spans } = testimony
    const sum = this.#checkReplays(testimony)
    for (const [index, span] of spans.entries()) {
      const due = this.#due(testimony, span.from, spans[index + 1]?.from ?? endedAt)
      // Only the last one can be cut: whatever came after a span came after all of it.
      const cut = testimony.cut && index === spans.length - 1
      const { findings, ...judgement } = this.#judge(span, due, cut)
      sum.due += due.length
      sum.received += deliveriesIn(span.received)
      sum.lost += judgement.lost
      this.#reach(testimony, judgement.taken)
      add(judgement.missed, sum.missed)
      add(judgement.mayHaveMissed, sum.mayHaveMissed)
      sum.mismatches.push(...findings.map((finding) => this.#describe(testimony, finding)))
    }
    return sum
  }

  /**
   * @param {Testimony} testimony
   * @returns {Verdict} of what came when it subscribed
   */
  #checkReplays(testimony) {
    const { userId, place, replays } = testimony
    /** @type {Verdict} */
    const sum = { due: 0, received: 0, lost: 0, replayed: 0, told: 0, missed: nothing(), mayHaveMissed: nothing(), mismatches: [] }
    for (const at of new Set(replays.map((replay) => replay.at))) {
      const turn = replays.filter((replay) => replay.at === at)
      const reached = this.#reached.get(place) ?? new Map()
      for (const judgement of judgeReplays(turn, { userId, timeline: this.#timeline, alike: this.#alike, reached })) {
        sum.due += judgement.due
        sum.replayed += judgement.replayed
        sum.told += judgement.told
        sum.mismatches.push(...judgement.findings.map((finding) => this.#describe(testimony, finding)))
        this.#reach(testimony, judgement.taken)
      }
    }
    for (const { received } of replays) sum.received += deliveriesIn(received)
    return sum
  }

  /**
   * @param {Testimony} testimony
   * @param {readonly number[]} positions
   */
  #reach({ place }, positions) {
    const reached = this.#reached.get(place) ?? new Map()
    this.#reached.set(place, reached)
    for (const position of positions) {
      const lane = laneKey(this.#timeline[position])
      reached.set(lane, Math.max(position, reached.get(lane) ?? -1))
    }
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
      if (isPrivateOfAnother(message, userId)) continue
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

/** @param {readonly Received[]} received */
function deliveriesIn(received) {
  return received.filter((item) => typeof item !== 'object').length
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
 * @param {Hold} hold
 * @param {number} position
 */
function lasts({ from, to }, position) {
  return from <= position && position < to
}
