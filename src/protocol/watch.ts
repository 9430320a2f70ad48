import type { Timers } from '../time/clock.ts'
import { ExpiringSet } from '../time/expiring-set.ts'

/** A session that is watched for silence in both directions. */
export interface Watched {
  /** Called if the client has been silent for too long. */
  closeIdle(): void
  /** Called if the server has sent no answer for too long. */
  beat(): void
}

/**
 * Notices when a client has sent nothing for too long, and when the server has sent a client no answer for too long. A message of a stream does not
 * count as an answer. Each of the two checks has one timer for all sessions.
 */
export class Watch {
  readonly #idle: ExpiringSet<Watched>
  readonly #quiet: ExpiringSet<Watched>

  /** If `idleMs` or `heartbeatMs` is `0`, the check for this time is off. */
  constructor(clock: Timers, { idleMs, heartbeatMs }: { readonly idleMs: number; readonly heartbeatMs: number }) {
    this.#idle = new ExpiringSet(clock, idleMs || Infinity, (expired) => {
      for (const each of expired) each.closeIdle()
    })
    this.#quiet = new ExpiringSet(clock, heartbeatMs || Infinity, (expired) => {
      for (const each of expired) each.beat()
    })
  }

  /** Call when a client has sent something, and when its session begins. */
  heard(watched: Watched): void {
    this.#idle.delete(watched)
    this.#idle.add(watched)
    this.#quiet.renew()
  }

  /** Call when an answer was sent to a client, or when a heartbeat was left out because messages wait. */
  said(watched: Watched): void {
    this.#quiet.delete(watched)
    this.#quiet.add(watched)
  }

  forget(watched: Watched): void {
    this.#idle.delete(watched)
    this.#quiet.delete(watched)
  }
}
