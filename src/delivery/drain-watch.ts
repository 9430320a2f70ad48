import type { Clock } from '../clock.ts'

/** Somebody whom to ask again whether there is room. */
export interface Behind {
  drained(): void
}

/**
 * Those that are behind, and of them those whose sockets do not say when they have room again: they are asked at an
 * interval, by one timer, for as long as there are any.
 */
export class DrainWatch<TOutbox extends Behind> {
  readonly all: Set<TOutbox> = new Set()
  readonly #polled = new Set<TOutbox>()
  readonly #clock: Clock
  readonly #intervalMs: number
  #cancelTimer: (() => void) | undefined

  constructor(clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
  }

  add(outbox: TOutbox): void {
    this.all.add(outbox)
  }

  /** Asks this one at each interval, until it is deleted. */
  poll(outbox: TOutbox): void {
    this.#polled.add(outbox)
    if (this.#cancelTimer === undefined && this.#intervalMs !== Infinity) this.#wait()
  }

  delete(outbox: TOutbox): void {
    this.all.delete(outbox)
    if (!this.#polled.delete(outbox) || this.#polled.size > 0) return
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
  }

  #wait(): void {
    this.#cancelTimer = this.#clock.setTimeout(() => {
      this.#cancelTimer = undefined
      for (const outbox of [...this.#polled]) outbox.drained()
      if (this.#polled.size > 0 && this.#cancelTimer === undefined) this.#wait()
    }, this.#intervalMs)
  }
}
