import { sameStream } from './stream.js'

/** @import { Stream } from './stream.js' */

/**
 * Somebody's interest in a stream, from one position of the timeline up to, but not including, another.
 *
 * @typedef {object} Hold
 * @property {Stream} stream
 * @property {string | undefined} holder a connection, or undefined for the user as such
 * @property {number} from
 * @property {number} to `Infinity` while it lasts
 * @property {number} since nothing from this position on may be missing: before `from` it is sent again
 */

/** One user's own account of what they and their connections are subscribed to, and since when. */
export class Ledger {
  /** @type {Hold[]} */
  #holds = []

  /**
   * @param {Stream} stream
   * @param {string | undefined} holder
   * @param {number} position
   * @param {number} [since] for one that goes on where another connection's ended
   */
  subscribe(stream, holder, position, since = position) {
    const held = this.#live().some((hold) => hold.holder === holder && sameStream(hold.stream, stream))
    if (!held) this.#holds.push({ stream, holder, from: position, to: Infinity, since })
  }

  /**
   * Whether there is anything for somebody to end.
   *
   * @param {Stream} stream
   * @param {string | undefined} holder
   */
  holds(stream, holder) {
    return this.#live().some((hold) => isReleased(hold, stream, holder))
  }

  /**
   * What a connection holds at this moment.
   *
   * @param {string} connectionId
   */
  heldBy(connectionId) {
    return this.#live().filter(({ holder }) => holder === connectionId)
  }

  /**
   * @param {Stream} stream
   * @param {string | undefined} holder
   * @param {number} position
   */
  unsubscribe(stream, holder, position) {
    this.#end(position, (hold) => isReleased(hold, stream, holder))
  }

  /**
   * Ends what goes with a connection, and answers it: the user's own subscriptions too, if it was their last one.
   *
   * @param {string} connectionId
   * @param {number} position
   * @param {boolean} last
   * @returns {Hold[]}
   */
  leave(connectionId, position, last) {
    return this.#end(position, (hold) => hold.holder === connectionId || (last && hold.holder === undefined))
  }

  /**
   * What reaches one connection: its own holds and the user's.
   *
   * @param {string} connectionId
   */
  reaching(connectionId) {
    return this.#holds.filter((hold) => hold.holder === undefined || hold.holder === connectionId)
  }

  #live() {
    return this.#holds.filter((hold) => hold.to === Infinity)
  }

  /**
   * @param {number} position
   * @param {(hold: Hold) => boolean} concerned
   */
  #end(position, concerned) {
    const ended = this.#live().filter(concerned)
    for (const hold of ended) hold.to = position
    return ended
  }
}

/**
 * Whether somebody's unsubscribing ends a hold: the user's own ends it for all of their connections.
 *
 * @param {Hold} hold
 * @param {Stream} stream
 * @param {string | undefined} holder
 */
function isReleased(hold, stream, holder) {
  return sameStream(hold.stream, stream) && (holder === undefined || hold.holder === holder)
}
