import type { Agenda } from './agenda.ts'

/** If a check runs this many milliseconds too late, the client itself was asleep, or its timers were throttled. */
const LATE_MS = 1_000

/** How long a connection may be quiet, in milliseconds. `Infinity` removes a limit. */
export interface Patience {
  /**
   * How often the client asks whether the server is there. If the client cannot ask, and hears nothing for this time, the connection counts as lost.
   */
  readonly quietMs: number
  /** How long the client waits for an answer. */
  readonly answerMs: number
}

/** Checks whether the server is still there, because a half-open connection does not report an error by itself. */
export class Watch {
  readonly #agenda: Agenda
  readonly #patience: Patience
  readonly #ask: (() => void) | undefined
  readonly #lose: () => void
  /** The time when the current wait began. If the client cannot ask, each frame from the server begins a new wait. */
  #sinceMs = 0
  #isAsked = false
  #lookMs = 0
  /** True if the server was given another chance, and has sent nothing since. */
  #wasSpared = false

  /** @param ask absent if the client cannot send */
  constructor(agenda: Agenda, patience: Patience, ask: (() => void) | undefined, lose: () => void) {
    this.#agenda = agenda
    this.#patience = patience
    this.#ask = ask
    this.#lose = lose
    this.#begin(false)
  }

  heard(): void {
    const wasAsked = this.#isAsked
    this.#isAsked = this.#wasSpared = false
    if (!this.#ask) this.#sinceMs = this.#agenda.nowMs
    // The next question may be due before the answer would have been.
    if (wasAsked) this.#planLook()
  }

  /** Asks whether the server is there, unless the client still waits for an earlier answer. */
  probe(): void {
    if (this.#isAsked) return
    this.#begin(this.#ask !== undefined)
    this.#ask?.()
  }

  #begin(isAsked: boolean): void {
    this.#sinceMs = this.#agenda.nowMs
    this.#isAsked = isAsked
    this.#planLook()
  }

  get #dueMs(): number {
    const { quietMs, answerMs } = this.#patience
    return this.#sinceMs + (this.#isAsked ? answerMs : quietMs)
  }

  #planLook(): void {
    this.#lookMs = this.#dueMs
    this.#agenda.plan('look', this.#lookMs - this.#agenda.nowMs, () => this.#look())
  }

  #look(): void {
    const { nowMs } = this.#agenda
    // A pause of the client's own says nothing about the server, which gets another chance. If a sleeping machine stops its clock, no time has passed for the
    // server's answer either.
    const wasAway = nowMs - this.#lookMs > LATE_MS && !this.#wasSpared
    if (!wasAway) {
      if (this.#dueMs > nowMs) return this.#planLook()
      if (this.#isAsked || !this.#ask) return this.#lose()
    }
    this.#wasSpared = wasAway
    this.#isAsked = false
    this.probe()
  }
}
