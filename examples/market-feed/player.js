import { setImmediate, setTimeout } from 'node:timers/promises'

/** @import { TimelineMessage } from './timeline.js' */

/** How long it publishes before it lets the process attend to its sockets. */
const TURN_MS = 5
/** Longer sleeps are taken in pieces, so that a watchdog sees that all is well. */
const LONGEST_SLEEP_MS = 500
const LOOK_AGAIN_MS = 2

/** Plays a timeline: each message when it is due, and none while something holds it up. */
export class Player {
  /** The position of the next message: while one is being published, of the one after it. */
  position = 0

  #timeline
  #speed
  #publish
  #mayPlay
  #onAlive
  #signal
  #turnEndsAt = 0

  /**
   * @param {object} score
   * @param {readonly TimelineMessage[]} score.timeline
   * @param {number} score.speed
   * @param {(message: TimelineMessage) => void} score.publish
   * @param {(position: number) => boolean} score.mayPlay whether the message at a position may go out now
   * @param {() => void} score.onAlive called now and then while a message waits for its moment
   * @param {AbortSignal} score.signal ends the play
   */
  constructor({ timeline, speed, publish, mayPlay, onAlive, signal }) {
    this.#timeline = timeline
    this.#speed = speed
    this.#publish = publish
    this.#mayPlay = mayPlay
    this.#onAlive = onAlive
    this.#signal = signal
  }

  /** Plays it to the end; rejects with the signal's reason when that comes first. */
  async play() {
    const startedAt = performance.now()
    for (const message of this.#timeline) {
      // Reckoned from the start, not from the message before, so that delays do not add up.
      await this.#sleepUntil(startedAt + message.playAtMs / this.#speed)
      await this.#breathe()
      while (!this.#mayPlay(this.position)) await this.#sleep(LOOK_AGAIN_MS)
      this.position++
      this.#publish(message)
    }
  }

  /** @param {number} dueAt */
  async #sleepUntil(dueAt) {
    for (let leftMs = dueAt - performance.now(); leftMs > 0; leftMs = dueAt - performance.now()) {
      this.#onAlive()
      await this.#sleep(Math.min(Math.ceil(leftMs), LONGEST_SLEEP_MS))
    }
  }

  async #breathe() {
    if (performance.now() < this.#turnEndsAt) return
    await setImmediate()
    this.#signal.throwIfAborted()
    this.#turnEndsAt = performance.now() + TURN_MS
  }

  /** @param {number} ms */
  async #sleep(ms) {
    await setTimeout(ms)
    this.#signal.throwIfAborted()
  }
}
