import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'

/** The manager looks for messages that are too old at most this often. */
const LOOK_AGAIN_MS = 50

/** An outbox that is behind. */
export interface Behind {
  /** Asks whether there is room again. */
  drained(): void
  /** Gives up what has waited for too long. Returns in how many milliseconds to call again; `Infinity` if nothing can be too old. */
  giveUpTooOld(): number
}

/**
 * The outboxes that are behind. An outbox is polled at an interval if its socket does not say when it has room again. All are told when
 * something may have waited for too long. Each of the two jobs has one timer, while any outbox needs it.
 */
export class DrainWatch<TOutbox extends Behind> {
  readonly all: Set<TOutbox> = new Set()
  readonly #polled = new Set<TOutbox>()
  readonly #intervalMs: number
  readonly #poll: Alarm
  readonly #lag: Alarm

  constructor(clock: Clock, intervalMs: number) {
    this.#intervalMs = intervalMs
    this.#poll = new Alarm(clock, () => this.#askAgain())
    this.#lag = new Alarm(clock, () => this.#giveUpTooOld())
  }

  add(outbox: TOutbox): void {
    this.all.add(outbox)
  }

  /** Asks this one at each interval, until it is deleted. */
  poll(outbox: TOutbox): void {
    this.#polled.add(outbox)
    this.#poll.set(this.#intervalMs)
  }

  /** Sets lost timers anew, and looks for old messages in `ms` milliseconds at the latest. */
  keepUp(ms: number): void {
    if (this.#polled.size > 0) this.#poll.set(this.#intervalMs)
    this.#lag.set(ms)
  }

  /** Sets timers anew that may be lost. */
  renew(): void {
    if (this.all.size === 0) return
    this.#poll.renew()
    this.#lag.renew()
  }

  delete(outbox: TOutbox): void {
    this.all.delete(outbox)
    if (this.all.size === 0) this.#lag.cancel()
    if (this.#polled.delete(outbox) && this.#polled.size === 0) this.#poll.cancel()
  }

  #askAgain(): void {
    for (const outbox of [...this.#polled]) outbox.drained()
    if (this.#polled.size > 0) this.#poll.set(this.#intervalMs)
  }

  #giveUpTooOld(): void {
    for (const outbox of [...this.all]) this.#lag.set(Math.max(outbox.giveUpTooOld(), LOOK_AGAIN_MS))
  }
}
