import { Alarm } from '../alarm.ts'
import type { Clock } from '../clock.ts'

/** What is too old is looked for at most this often. */
const LOOK_AGAIN_MS = 50

/** Somebody who is behind. */
export interface Behind {
  /** Asks whether there is room again. */
  drained(): void
  /** Gives up what has waited for too long; in how many milliseconds to come again, `Infinity` when nothing can be too old. */
  giveUpTooOld(): number
}

/**
 * Those that are behind. Those whose sockets do not say when they have room again are asked at an interval. All are told when
 * something has waited for too long. There is one timer for each of the two, for as long as there are any.
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

  /** Sees to it that no timer is lost, and that nothing waits for longer than so many milliseconds. */
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
