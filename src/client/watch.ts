import type { Agenda } from './agenda.ts'

/** A look that comes so much too late tells that the client itself was asleep, or its timers throttled. */
const LATE_MS = 1_000

/** A sleeping machine may stop the clock that measures durations, and never the time of day. */
const ASLEEP_MS = 5_000

/** How long a connection may be quiet. Milliseconds; `Infinity` is never. */
export interface Patience {
  /** After so much silence, the client asks whether somebody is there. */
  readonly pingMs: number
  /** An answer may take so long. */
  readonly pongMs: number
  /** The server closes a connection that sent nothing for so long. */
  readonly idleMs: number
  /** The server sends something at least this often. */
  readonly heartbeatMs: number
}

/** When something was last heard and said. Milliseconds of the monotonic clock. */
export interface Pulse {
  readonly heardMs: number
  readonly sentMs: number
  /** When the client asked. `undefined` if it waits for no answer. */
  readonly probedMs: number | undefined
}

/** Returns when a connection has to be looked at. A client that cannot ask can only listen. */
export function lookDueMs({ heardMs, sentMs, probedMs }: Pulse, { pingMs, pongMs, idleMs, heartbeatMs }: Patience, canAsk: boolean): number {
  if (!canAsk) return heardMs + heartbeatMs + pongMs
  return probedMs === undefined ? Math.min(heardMs + pingMs, sentMs + idleMs / 2) : probedMs + pongMs
}

/** Watches whether the server is still there: a half-open connection tells nothing by itself. */
export class Watch {
  sentMs: number
  readonly #agenda: Agenda
  readonly #patience: Patience
  readonly #ask: (() => void) | undefined
  readonly #lose: () => void
  #heardMs: number
  #probedMs: number | undefined
  #lookMs = 0
  #wallOffsetMs: number
  /** True if the client was away, and gave the server another chance since. */
  #wasSpared = false

  /** @param ask absent if the client cannot send */
  constructor(agenda: Agenda, patience: Patience, ask: (() => void) | undefined, lose: () => void) {
    this.#agenda = agenda
    this.#patience = patience
    this.#ask = ask
    this.#lose = lose
    this.sentMs = this.#heardMs = agenda.nowMs
    this.#wallOffsetMs = this.#readOffsetMs()
    this.#planLook()
  }

  heard(): void {
    this.#heardMs = this.#agenda.nowMs
    this.#probedMs = undefined
    this.#wasSpared = false
  }

  /** Asks whether the server is there. */
  probe(): void {
    if (!this.#ask || this.#probedMs !== undefined) return
    this.#probedMs = this.#agenda.nowMs
    this.#planLook()
    this.#ask()
  }

  get #dueMs(): number {
    return lookDueMs({ heardMs: this.#heardMs, sentMs: this.sentMs, probedMs: this.#probedMs }, this.#patience, this.#ask !== undefined)
  }

  #planLook(): void {
    this.#lookMs = this.#dueMs
    this.#agenda.plan('look', this.#lookMs - this.#agenda.nowMs, () => this.#look())
  }

  #look(): void {
    const isDue = this.#dueMs <= this.#agenda.nowMs
    if (this.#wasAway() && !this.#wasSpared) {
      // A pause of one's own says nothing about the server.
      this.heard()
      this.#wasSpared = true
      this.probe()
    } else if (isDue && (!this.#ask || this.#probedMs !== undefined)) return this.#lose()
    else if (isDue) this.probe()
    this.#planLook()
  }

  #wasAway(): boolean {
    const before = this.#wallOffsetMs
    this.#wallOffsetMs = this.#readOffsetMs()
    return this.#agenda.nowMs - this.#lookMs > LATE_MS || Math.abs(this.#wallOffsetMs - before) > ASLEEP_MS
  }

  #readOffsetMs(): number {
    return this.#agenda.clock.now() - this.#agenda.nowMs
  }
}
