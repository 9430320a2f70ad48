import { Alarm } from '../time/alarm.ts'
import type { Timers } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import type { AnyConnection } from '../ports/connection.ts'

/** A session whose commands are paced. */
export interface Paced {
  readonly connection: AnyConnection
  /** Called when the session may continue with its commands. */
  goOn(): void
}

/**
 * Lets a client read the messages of one command before the next command sends more. Otherwise a client that resumes and reads slowly would be
 * removed because of the messages that are sent to it again.
 *
 * Clients are checked once in each turn of the event loop. So a pause lasts at least until the next turn, and until no message waits for the
 * connection. If a client has not caught up after `patienceMs`, its pause ends. From then on, only the limits of the send queue protect the server.
 */
export class Pacing {
  /** Session → in how many turns its client is checked. `1` means in the next turn. */
  readonly #due = new Map<Paced, number>()
  /** The sessions whose clients are behind. They are checked again when the client has caught up. */
  readonly #behind = new Map<AnyConnection, Paced>()
  readonly #nextTurn: Alarm
  readonly #patience: ExpiringSet<Paced>

  constructor(clock: Timers, patienceMs: number) {
    this.#nextTurn = new Alarm(clock, () => this.#review())
    this.#patience = new ExpiringSet(clock, patienceMs, (expired) => {
      for (const each of expired) this.#release(each)
    })
  }

  /**
   * Pauses a session. Call this method after a step that may have sent much to the session's client. If the step's messages are sent only later in this
   * turn, pass 2 as `turns`. The recovery limits how much it sends again to a client, and a timer at the end of the turn resets the count. The
   * recovery sets that timer when it sends the messages, which may be after this call. In the second turn, the timer has certainly fired.
   */
  hold(paced: Paced, turns = 1): void {
    this.#patience.add(paced)
    this.#checkIn(turns, paced)
  }

  isHeld(paced: Paced): boolean {
    // The timers may be lost.
    this.#nextTurn.renew()
    this.#patience.renew()
    return this.#due.has(paced) || this.#behind.has(paced.connection)
  }

  /**
   * Call when a connection has caught up. The connection's backlog may be empty only because its messages were purged and are about to be sent again.
   * So the client is checked again in the next turn.
   */
  caughtUp(connection: AnyConnection): void {
    const paced = this.#behind.get(connection)
    if (paced === undefined) return
    this.#behind.delete(connection)
    this.#checkIn(1, paced)
  }

  /** Forgets the pause of a session, without continuing its commands. */
  forget(paced: Paced): void {
    this.#due.delete(paced)
    this.#behind.delete(paced.connection)
    this.#patience.delete(paced)
  }

  #checkIn(turns: number, paced: Paced): void {
    this.#due.set(paced, turns)
    this.#nextTurn.set(0)
  }

  #review(): void {
    const due = [...this.#due]
    this.#due.clear()
    for (const [paced, turns] of due) {
      if (turns > 1) this.#checkIn(turns - 1, paced)
      else if (paced.connection.flush()) this.#release(paced)
      else if (!paced.connection.removed) this.#behind.set(paced.connection, paced)
    }
  }

  #release(paced: Paced): void {
    this.forget(paced)
    paced.goOn()
  }
}
