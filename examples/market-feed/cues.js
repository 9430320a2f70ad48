/** @import { Cue, Slot } from './plan.js' */

/** Tells clients when to do what the plan has for them; one cue at a time for each user. */
export class Cues {
  #cues
  #give
  #next = 0
  /**
   * Per user the cues that they were given or that wait for them, in order; the first one is being done.
   *
   * @type {Map<number, number[]>}
   */
  #open = new Map()

  /**
   * @param {readonly Cue[]} cues in the order of their positions
   * @param {(slot: Slot, cue: number) => void} give
   */
  constructor(cues, give) {
    this.#cues = cues
    this.#give = give
  }

  /** Whether every cue was given and done. */
  get settled() {
    return this.#next === this.#cues.length && this.#open.size === 0
  }

  /**
   * Gives what is due when the play reaches a position.
   *
   * @param {number} position
   */
  reach(position) {
    for (; this.#cues[this.#next]?.position <= position; this.#next++) this.#enter(this.#next)
  }

  /** @param {number} cue */
  done(cue) {
    const { user } = this.#cues[cue].slot
    const waiting = (this.#open.get(user) ?? []).filter((other) => other !== cue)
    if (waiting.length === 0) return void this.#open.delete(user)
    this.#open.set(user, waiting)
    this.#give(this.#cues[cue].slot, waiting[0])
  }

  /** @param {number} cue */
  #enter(cue) {
    const { slot } = this.#cues[cue]
    const waiting = this.#open.get(slot.user)
    if (waiting) return void waiting.push(cue)
    this.#open.set(slot.user, [cue])
    this.#give(slot, cue)
  }
}
