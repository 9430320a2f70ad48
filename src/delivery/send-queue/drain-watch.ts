import { Alarm } from '../../time/alarm.ts'
import type { Clock } from '../../time/clock.ts'

/** The manager looks for messages that are too old at most this often. */
const LOOK_AGAIN_MS = 50

/** A send queue that is behind. */
export interface Behind {
  /** Asks whether there is room again. */
  drained(): void
  /** Gives up what has waited for too long. Returns in how many milliseconds to call again; `Infinity` if nothing can be too old. */
  giveUpTooOld(): number
}

/**
 * The send queues that are behind. A send queue is polled at an interval if its socket does not say when it has room again. All are told when
 * something may have waited for too long. Each of the two jobs has one timer, while any send queue needs it.
 */
export class DrainWatch<TQueue extends Behind> {
  readonly all: Set<TQueue> = new Set()
  readonly #polled = new Set<TQueue>()
  readonly #intervalMs: number
  readonly #poll: Alarm
  readonly #lag: Alarm

  constructor(clock: Clock, intervalMs: number) {
    this.#intervalMs = intervalMs
    this.#poll = new Alarm(clock, () => this.#askAgain())
    this.#lag = new Alarm(clock, () => this.#giveUpTooOld())
  }

  add(sendQueue: TQueue): void {
    this.all.add(sendQueue)
  }

  /** Asks this one at each interval, until it is deleted. */
  poll(sendQueue: TQueue): void {
    this.#polled.add(sendQueue)
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

  delete(sendQueue: TQueue): void {
    this.all.delete(sendQueue)
    if (this.all.size === 0) this.#lag.cancel()
    if (this.#polled.delete(sendQueue) && this.#polled.size === 0) this.#poll.cancel()
  }

  #askAgain(): void {
    for (const sendQueue of [...this.#polled]) sendQueue.drained()
    if (this.#polled.size > 0) this.#poll.set(this.#intervalMs)
  }

  #giveUpTooOld(): void {
    for (const sendQueue of [...this.all]) this.#lag.set(Math.max(sendQueue.giveUpTooOld(), LOOK_AGAIN_MS))
  }
}
