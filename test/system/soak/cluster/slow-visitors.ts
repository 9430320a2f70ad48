import type { Dice } from '../../../support/dice.ts'
import type { Visitor } from './visitor.ts'

const PAUSES_MS = [4_000, 8_000] as const
/** With so many more slow clients, each of them reads so much longer, so that the load stays bounded. */
const READS_PER_SLOW_CLIENT_MS = 1_600
const READS_MS = { least: 2_000, most: 120_000 } as const

/** Clients that stop reading for some seconds, again and again. */
export class SlowVisitors {
  readonly #dice: Dice
  readonly #readsMs: number
  readonly #paused: (visitor: Visitor) => void
  /** Visitor → when it stops or begins to read. */
  readonly #turns = new Map<Visitor, number>()

  /** @param paused gets each client that has stopped reading */
  constructor(visitors: readonly Visitor[], dice: Dice, nowMs: number, paused: (visitor: Visitor) => void) {
    this.#dice = dice
    this.#paused = paused
    this.#readsMs = Math.min(READS_MS.most, Math.max(READS_MS.least, visitors.length * READS_PER_SLOW_CLIENT_MS))
    for (const visitor of visitors) this.#turns.set(visitor, nowMs + this.#dice.between(0, this.#readsMs))
  }

  step(nowMs: number): void {
    for (const [visitor, turnMs] of this.#turns) {
      if (nowMs >= turnMs) this.#turn(visitor, nowMs)
    }
  }

  /** Lets everybody read. */
  end(): void {
    for (const visitor of this.#turns.keys()) visitor.resume()
    this.#turns.clear()
  }

  #turn(visitor: Visitor, nowMs: number): void {
    if (visitor.isPaused) {
      visitor.resume()
      this.#turns.set(visitor, nowMs + this.#readsMs * this.#dice.between(0.5, 1.5))
    } else if (visitor.isSettled) {
      visitor.pause()
      this.#turns.set(visitor, nowMs + this.#dice.between(...PAUSES_MS))
      this.#paused(visitor)
    }
  }
}
