import { parsePosition, type Position } from '../model/position.ts'
import type { Clock } from '../time/clock.ts'
import type { Interest } from './interest.ts'
import type { Origin } from './origin.ts'

export interface ReadinessDependencies {
  readonly clock: Clock
  readonly repairTimeoutMs: number
  /** Asks an origin for the messages after this number that are older than those held here. */
  complete(interest: Interest, origin: Origin, seq: number): void
  isUp(): boolean
  /** True if this node, now or in an earlier run, published in this epoch. */
  isOwn(interest: Interest, epoch: string): boolean
}

interface Waiter {
  readonly interest: Interest
  readonly position: Position
  readonly resolve: () => void
}

const NOWHERE: Position = new Map()

/** Lets a client wait until this node has all messages of a channel after the client's position, as far as it can get them. */
export class Readiness {
  readonly #dependencies: ReadinessDependencies
  readonly #waiters = new Set<Waiter>()

  constructor(dependencies: ReadinessDependencies) {
    this.#dependencies = dependencies
  }

  /** Resolves when the history of a channel has all messages after a position, or after `repairTimeoutMs`. */
  wait(interest: Interest, position: unknown): Promise<void> {
    const { clock, repairTimeoutMs } = this.#dependencies
    return new Promise((settle) => {
      const cancel = clock.setTimeout(() => waiter.resolve(), repairTimeoutMs)
      const resolve = (): void => {
        cancel()
        this.#waiters.delete(waiter)
        settle()
      }
      const waiter: Waiter = { interest, position: parsePosition(position) ?? NOWHERE, resolve }
      this.#waiters.add(waiter)
      this.#check(waiter)
    })
  }

  /** Checks all waiting clients. Call it when this node may have learnt something new about an origin or a channel. */
  check(): void {
    for (const waiter of this.#waiters) this.#check(waiter)
  }

  stop(): void {
    for (const waiter of this.#waiters) waiter.resolve()
  }

  #check(waiter: Waiter): void {
    if (this.#isMet(waiter)) waiter.resolve()
  }

  #isMet({ interest, position }: Waiter): boolean {
    if (!interest.isWhole || !this.#dependencies.isUp()) return false
    let isMet = true
    for (const [epoch, seq] of placesIn(position, interest)) if (!this.#isWhole(interest, epoch, seq)) isMet = false
    return isMet
  }

  /** True if this node has all messages of an epoch after this number that it can get. */
  #isWhole(interest: Interest, epoch: string, seq: number): boolean {
    const origin = interest.find(epoch)
    // An origin that nobody knows may still answer.
    if (origin === undefined) return this.#dependencies.isOwn(interest, epoch)
    if (origin.forgotten <= seq || origin.answeredFrom <= seq + 1) return true
    this.#dependencies.complete(interest, origin, seq)
    return origin.forgotten <= seq
  }
}

/** Returns how far a client is with each origin. It has nothing of the origins that its position does not name, because they have published later. */
function placesIn(position: Position, interest: Interest): Position {
  if (position.size === 0) return position
  return new Map([...Array.from(interest.origins(), ({ epoch }) => [epoch, 0] as const), ...position])
}
