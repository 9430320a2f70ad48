import type { Clock } from '../time/clock.ts'
import { Alarm } from '../time/alarm.ts'

/** A connection that is sent messages again. */
export interface Replayed {
  /** Sends what waits, as far as there is room. True if nothing waits any more. */
  flush(): boolean
}

interface Spent {
  count: number
  units: number
}

/**
 * Limits what each connection is sent again. What it was sent counts until nothing waits for it any more, at the end of the turn at the earliest.
 * Otherwise a client that asks for more and more, and reads nothing, would end as a slow consumer, come back, and ask for the same.
 */
export class Allowances<TConnection extends Replayed> {
  readonly #limits: { readonly count: number; readonly units: number }
  readonly #spent = new Map<TConnection, Spent>()
  readonly #endOfTurn: Alarm

  constructor(limits: { readonly count: number; readonly units: number }, clock: Clock) {
    this.#limits = limits
    this.#endOfTurn = new Alarm(clock, () => this.#review())
  }

  /** Takes so much from the allowance of a connection. False, and nothing is taken, if that is too much. */
  take(connection: TConnection, count: number, units: number): boolean {
    this.#endOfTurn.renew()
    const spent = this.#spent.get(connection) ?? { count: 0, units: 0 }
    if (spent.count + count > this.#limits.count || spent.units + units > this.#limits.units) return false
    spent.count += count
    spent.units += units
    if (count > 0) this.#spent.set(connection, spent)
    if (count > 0) this.#endOfTurn.set(0)
    return true
  }

  /**
   * Call when a connection has caught up. That a backlog is empty may mean that it was purged, to be sent again. So what waits is seen at the end of
   * the turn.
   */
  caughtUp(connection: TConnection): void {
    if (this.#spent.has(connection)) this.#endOfTurn.set(0)
  }

  /** Forgets a connection that was removed. */
  forget(connection: TConnection): void {
    this.#spent.delete(connection)
  }

  /** The batch of this turn is flushed, because this timer may come before the end of the turn does. */
  #review(): void {
    for (const connection of this.#spent.keys()) if (connection.flush()) this.#spent.delete(connection)
  }
}
