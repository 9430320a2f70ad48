/** @import { Plan, Slot } from './plan.js' */

/**
 * `to come`, then `leaving` until the client has ended its connection, `away` as long as the plan says, and `returning` until it
 * is connected again.
 *
 * @typedef {'to come' | 'leaving' | 'away' | 'returning'} Phase
 */

/**
 * Sees to it that each client that reconnects misses what the plan says, and not what the machine makes of it: the play waits
 * until the client is gone, goes on without it, and waits until it is back.
 */
export class Absences {
  #cues
  #tellToReturn
  /** Of the absences that are not over, by their cue. @type {Map<number, Phase>} */
  #phases

  /**
   * @param {Plan} plan
   * @param {(slot: Slot) => void} tellToReturn
   */
  constructor({ cues }, tellToReturn) {
    this.#cues = cues
    this.#tellToReturn = tellToReturn
    const reconnects = [...cues.keys()].filter((cue) => cues[cue].action.kind === 'reconnect')
    this.#phases = new Map(reconnects.map((cue) => [cue, 'to come']))
  }

  /**
   * Begins and ends what is due when the play reaches a position; whether the play may go on.
   *
   * @param {number} position
   */
  reach(position) {
    for (const [cue, phase] of this.#phases) this.#move(cue, phase, position)
    return [...this.#phases.values()].every((phase) => phase === 'to come' || phase === 'away')
  }

  /**
   * A client has ended its connection.
   *
   * @param {number} cue
   */
  away(cue) {
    this.#phases.set(cue, 'away')
  }

  /** @param {number} cue any: of those that are no reconnects nothing is known */
  done(cue) {
    this.#phases.delete(cue)
  }

  /**
   * @param {number} cue
   * @param {Phase} phase
   * @param {number} position
   */
  #move(cue, phase, position) {
    const { slot, position: from, until } = this.#cues[cue]
    if (phase === 'to come' && position >= from) this.#phases.set(cue, 'leaving')
    if (phase !== 'away' || position < until) return
    this.#phases.set(cue, 'returning')
    this.#tellToReturn(slot)
  }
}
