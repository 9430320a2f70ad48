import type { Clock } from '../time/clock.ts'
import { Alarm } from '../time/alarm.ts'

/** A connection to which messages may be sent again. */
export interface Replayed {
  /** Sends queued messages as far as the socket has room. True if the queue is empty afterwards. */
  flush(): boolean
}

interface Spent {
  count: number
  units: number
}

/**
 * Limits how much is sent again to each connection. A message that is sent again counts until the connection's send queue is empty, and at least
 * until the end of the turn. Without this limit, a client that asks for many messages and reads nothing would be removed as a slow consumer,
 * reconnect, and ask again.
 */
export class Allowances<TConnection extends Replayed> {
  readonly #limits: { readonly count: number; readonly units: number }
  readonly #spent = new Map<TConnection, Spent>()
  readonly #endOfTurn: Alarm

  constructor(limits: { readonly count: number; readonly units: number }, clock: Clock) {
    this.#limits = limits
    this.#endOfTurn = new Alarm(clock, () => this.#review())
  }

  /** Subtracts messages and units from a connection's allowance. Returns false and subtracts nothing if the allowance is too small. */
  take(connection: TConnection, count: number, units: number): boolean {
    this.#endOfTurn.renew()
    // A client that missed nothing needs no timer.
    if (count === 0) return true
    const spent = this.#spent.get(connection) ?? { count: 0, units: 0 }
    if (spent.count + count > this.#limits.count || spent.units + units > this.#limits.units) return false
    spent.count += count
    spent.units += units
    this.#spent.set(connection, spent)
    this.#endOfTurn.set(0)
    return true
  }

  /** Subtracts one message. The message may be longer than the whole allowance, if no units have been subtracted yet. */
  takeOne(connection: TConnection, units: number): boolean {
    return this.take(connection, 1, Math.min(units, this.#limits.units))
  }

  /**
   * Call this when a connection has caught up. The backlog may be empty only because its messages were purged and are about to be sent again. So the
   * queue is checked at the end of the turn.
   */
  caughtUp(connection: TConnection): void {
    if (this.#spent.has(connection)) this.#endOfTurn.set(0)
  }

  /** Forgets a connection that was removed. */
  forget(connection: TConnection): void {
    this.#spent.delete(connection)
  }

  /**
   * Resets the allowance of each connection whose queue is empty. Flushes each queue first, because this timer may fire before the queue has sent its
   * messages of this turn.
   */
  #review(): void {
    for (const connection of this.#spent.keys()) if (connection.flush()) this.#spent.delete(connection)
  }
}
