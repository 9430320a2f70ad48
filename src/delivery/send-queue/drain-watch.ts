import { Alarm } from '../../time/alarm.ts'
import type { Timers } from '../../time/clock.ts'

/**
 * The shortest time between two checks in which all send queues look at how long their messages have waited. A send queue can call `keepUp` for an
 * earlier check.
 */
const LAG_CHECK_MS = 50

/** A send queue whose connection is behind: messages wait, because the socket has no room. */
export interface Behind {
  /** Sends as many messages as the socket has room for. */
  drained(): void
  /**
   * Drops messages that have waited too long, or removes a slow consumer. Returns the milliseconds until the next check, or `Infinity` if no check is
   * needed.
   */
  limitLag(): number
}

/**
 * The send queues whose connections are behind, and two timers for these queues.
 *
 * One timer polls the send queues whose sockets do not report when they have room again. When the other timer fires, each send queue whose connection
 * is behind checks how long its messages have waited. A timer runs only while a send queue needs it.
 */
export class DrainWatch<TQueue extends Behind> {
  readonly all: Set<TQueue> = new Set()
  readonly #polled = new Set<TQueue>()
  readonly #intervalMs: number
  readonly #pollTimer: Alarm
  readonly #lagTimer: Alarm

  constructor(clock: Timers, intervalMs: number) {
    this.#intervalMs = intervalMs
    this.#pollTimer = new Alarm(clock, () => this.#pollAll())
    this.#lagTimer = new Alarm(clock, () => this.#limitLagOfAll())
  }

  add(sendQueue: TQueue): void {
    this.all.add(sendQueue)
  }

  /** Polls this send queue at each interval, until `delete` is called. */
  poll(sendQueue: TQueue): void {
    this.#polled.add(sendQueue)
    this.#pollTimer.set(this.#intervalMs)
  }

  /**
   * Restarts the poll timer if it was lost. Schedules a `limitLag` of all send queues, at the latest in `ms` milliseconds. `Infinity` schedules
   * nothing, and keeps what is scheduled.
   */
  keepUp(ms: number): void {
    if (this.#polled.size > 0) this.#pollTimer.set(this.#intervalMs)
    this.#lagTimer.set(ms)
  }

  /** Restarts each timer that may have been lost: see `Alarm`. */
  renew(): void {
    if (this.all.size === 0) return
    this.#pollTimer.renew()
    this.#lagTimer.renew()
  }

  delete(sendQueue: TQueue): void {
    this.all.delete(sendQueue)
    if (this.all.size === 0) this.#lagTimer.cancel()
    if (this.#polled.delete(sendQueue) && this.#polled.size === 0) this.#pollTimer.cancel()
  }

  #pollAll(): void {
    for (const sendQueue of [...this.#polled]) sendQueue.drained()
    if (this.#polled.size > 0) this.#pollTimer.set(this.#intervalMs)
  }

  #limitLagOfAll(): void {
    for (const sendQueue of [...this.all]) this.#lagTimer.set(Math.max(sendQueue.limitLag(), LAG_CHECK_MS))
  }
}
