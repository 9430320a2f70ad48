// What goes over the broker, counted at each node's driver.

/**
 * @typedef {Record<string, { texts: number, units: number }>} Tally kind of frame → how many, and their UTF-16 units
 *
 * What all nodes together sent to the broker, and what the broker sent to each of them.
 *
 * @typedef {{ sent: Tally, received: Tally[] }} Traffic
 */

/** Wraps the drivers of nodes, so that their texts are counted. Nothing else changes. */
export class Counter {
  /** @type {Traffic} */
  #traffic = { sent: {}, received: [] }
  /** @type {((isUp: boolean) => void)[]} */
  #statuses = []

  /** @param {any} driver */
  wrapped(driver) {
    const node = this.#traffic.received.push({}) - 1
    return {
      open: (receive, status) => {
        this.#statuses.push(status)
        return driver.open((subject, text) => {
          add(this.#traffic.received[node], text)
          receive(subject, text)
        }, status)
      },
      publish: (subject, text) => {
        add(this.#traffic.sent, text)
        return driver.publish(subject, text)
      },
      subscribe: (subjects) => driver.subscribe(subjects),
      unsubscribe: (subjects) => driver.unsubscribe(subjects),
      subscribers: (subject) => driver.subscribers(subject),
      close: () => driver.close(),
    }
  }

  /** Tells every node that it has lost the broker, or has it again. */
  tell(/** @type {boolean} */ isUp) {
    for (const status of this.#statuses) status(isUp)
  }

  /** Returns what was counted since the last call. */
  taken() {
    const taken = this.#traffic
    this.#traffic = { sent: {}, received: taken.received.map(() => ({})) }
    return taken
  }
}

/** A text begins with its version and its kind: `[1,"message",`. */
function add(/** @type {Tally} */ tally, /** @type {string} */ text) {
  const kind = text.slice(4, text.indexOf('"', 4))
  const count = (tally[kind] ??= { texts: 0, units: 0 })
  count.texts++
  count.units += text.length
}

/** Returns how many texts of some kinds there are. Of all kinds, if none is named. */
export function textsOf(/** @type {Tally} */ tally, /** @type {readonly string[]} */ kinds = Object.keys(tally)) {
  return kinds.reduce((total, kind) => total + (tally[kind]?.texts ?? 0), 0)
}

export function unitsOf(/** @type {Tally} */ tally, /** @type {readonly string[]} */ kinds = Object.keys(tally)) {
  return kinds.reduce((total, kind) => total + (tally[kind]?.units ?? 0), 0)
}
