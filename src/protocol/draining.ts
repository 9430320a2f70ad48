import type { Timers } from '../time/clock.ts'
import { resolvedGoodbye, type ResolvedGoodbye } from './goodbye.ts'

/** How a drain asks clients to move to another server. */
export interface DrainOptions {
  /**
   * A short reason for the clients. At most 123 bytes of UTF-8.
   *
   * @default 'draining'
   */
  readonly reason?: string | undefined
  /**
   * Each client stays connected for at least this time after it was asked. Milliseconds.
   *
   * @default 0
   */
  readonly afterMs?: number | undefined
  /**
   * Each client moves at a random moment between `afterMs` and `withinMs`, both counted from when it was asked. `withinMs` must be at least
   * `afterMs`. Milliseconds.
   *
   * @default 5_000, or `afterMs` if that is longer
   */
  readonly withinMs?: number | undefined
}

/** How long a drain waits for the last clients after `withinMs`. */
const GRACE_MS = 500

/** A drain asks all clients to leave, and also clients that connect later. */
export class Draining {
  readonly goodbye: ResolvedGoodbye
  /** Resolves when all clients have gone, but no later than `GRACE_MS` after `withinMs`. */
  readonly over: Promise<void>
  #end!: () => void

  /** @throws `ERR_INVALID_ARGUMENT` for an option that is out of range */
  constructor({ reason = 'draining', afterMs = 0, withinMs = Math.max(5_000, afterMs) }: DrainOptions, clock: Timers) {
    this.goodbye = resolvedGoodbye({ reason, afterMs, withinMs })
    this.over = new Promise((resolve) => {
      const cancel = clock.setTimeout(resolve, this.goodbye.withinMs + GRACE_MS)
      this.#end = () => {
        cancel()
        resolve()
      }
    })
  }

  /** Call when no client is left. */
  end(): void {
    this.#end()
  }
}
