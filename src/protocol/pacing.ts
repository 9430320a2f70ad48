import { Alarm } from '../time/alarm.ts'
import type { Timers } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import type { AnyConnection } from '../ports/connection.ts'

/** A session whose commands are paced. */
export interface Paced {
  readonly connection: AnyConnection
  /** Called when it may go on. */
  goOn(): void
}

/**
 * Lets a client read what a command brought before the next one brings more. Otherwise a client that comes back and reads slowly would be removed
 * because of its own replays.
 *
 * Whether a client is behind is checked once in each turn of the event loop. So each pause lasts at least until the next turn, and until nothing
 * waits for the connection. A client that never catches up goes on after `patienceMs`: then the limits of its send queue apply.
 */
export class Pacing {
  /** Those to look at in the next turn. */
  readonly #due = new Set<Paced>()
  /** Those that are behind. They are due when they have caught up. */
  readonly #behind = new Map<AnyConnection, Paced>()
  readonly #nextTurn: Alarm
  readonly #patience: ExpiringSet<Paced>

  constructor(clock: Timers, patienceMs: number) {
    this.#nextTurn = new Alarm(clock, () => this.#review())
    this.#patience = new ExpiringSet(clock, patienceMs, (expired) => {
      for (const each of expired) this.#release(each)
    })
  }

  /** Holds a session back. Call it after a step that may have sent much to its client. */
  hold(paced: Paced): void {
    this.#due.add(paced)
    this.#patience.add(paced)
    this.#nextTurn.set(0)
  }

  isHeld(paced: Paced): boolean {
    // The timers may be lost.
    this.#nextTurn.renew()
    this.#patience.renew()
    return this.#due.has(paced) || this.#behind.has(paced.connection)
  }

  /** Call when a connection has caught up. Its backlog may only have been purged, to be sent again. So the next turn checks the client again. */
  caughtUp(connection: AnyConnection): void {
    const paced = this.#behind.get(connection)
    if (paced === undefined) return
    this.#behind.delete(connection)
    this.#due.add(paced)
    this.#nextTurn.set(0)
  }

  /** Forgets a session whose connection was removed. */
  forget(paced: Paced): void {
    this.#due.delete(paced)
    this.#behind.delete(paced.connection)
    this.#patience.delete(paced)
  }

  #review(): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const paced of due) {
      if (paced.connection.flush()) this.#release(paced)
      else if (!paced.connection.removed) this.#behind.set(paced.connection, paced)
    }
  }

  #release(paced: Paced): void {
    this.forget(paced)
    paced.goOn()
  }
}
