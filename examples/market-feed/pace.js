import { deliveryText } from './server.js'

/** @import { MarketServer } from './server.js' */
/** @import { TimelineMessage } from './timeline.js' */

/** So little that nobody who reads is ever behind: each of them has to receive every message. */
const MOST_WAITING_BYTES = 32 * 1024
/** How much of it may be on its way to the sockets, where it cannot be measured. */
const MOST_UNSEEN_UNITS = 16 * 1024

/** Holds the play to what those who read can take. */
export class Pace {
  #server
  /** What may still be in the manager's hands: it writes at the end of a tick. */
  #unseenUnits = 0

  /** @param {Pick<MarketServer, 'flush' | 'mostBuffered'>} server */
  constructor(server) {
    this.#server = server
  }

  /** Whether there is room for one more message. */
  allowsMore() {
    if (this.#unseenUnits > MOST_UNSEEN_UNITS) {
      this.#server.flush()
      this.#unseenUnits = 0
    }
    return this.#server.mostBuffered() + this.#unseenUnits <= MOST_WAITING_BYTES
  }

  /** @param {TimelineMessage} message one that was just published */
  note(message) {
    this.#unseenUnits += deliveryText(message).length
  }
}
