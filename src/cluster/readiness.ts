import { parsePosition, type Position } from '../model/position.ts'
import type { Clock } from '../time/clock.ts'
import type { Interest } from './interest.ts'
import type { Origin } from './origin.ts'

export interface ReadinessDependencies {
  readonly clock: Clock
  readonly repairTimeoutMs: number
  /** Asks an origin for its messages after number `seq`, up to the last one that is missing from this node's history. */
  complete(interest: Interest, origin: Origin, seq: number): void
  isUp(): boolean
  /**
   * True if this node published in this epoch, since its last restart or before. Also true for a mark, which looks like an epoch but has no messages:
   * see `markOf`.
   */
  isOwn(interest: Interest, epoch: string): boolean
}

interface Waiter {
  readonly interest: Interest
  readonly position: Position
  readonly resolve: () => void
}

const NOWHERE: Position = new Map()

/** Lets a client wait until this node has the messages that the client missed in a channel, except those that their origin no longer has. */
export class Readiness {
  readonly #dependencies: ReadinessDependencies
  readonly #waiters = new Set<Waiter>()

  constructor(dependencies: ReadinessDependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Resolves when this node has reached a client's position in a channel, and has the messages after it, except those that their origin no longer
   * has. Resolves after `repairTimeoutMs` at the latest, or when `stop` is called.
   */
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

  /** Checks for each waiting client whether its wait is over. Call this method when this node may know more about an origin or a channel. */
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

  /**
   * True if this node has reached number `seq` of an epoch, and has all messages after it, except for messages that the origin no longer has. Also
   * true for this node's own epochs. If messages after it are missing from the history, asks the origin for them. Does not ask for messages that the
   * client claims to have, because a client may claim any number.
   */
  #isWhole(interest: Interest, epoch: string, seq: number): boolean {
    const origin = interest.find(epoch)
    // If this node does not know the origin yet, the origin may still answer.
    if (origin === undefined) return this.#dependencies.isOwn(interest, epoch)
    if (origin.seq < seq) {
      origin.awaited = Math.min(origin.awaited, seq)
      return false
    }
    if (origin.forgotten <= seq || origin.answeredFrom <= seq + 1) return true
    this.#dependencies.complete(interest, origin, seq)
    return origin.forgotten <= seq
  }
}

/**
 * Returns the last number that a client has from each origin. The number is 0 for an origin that the position does not name, because the client has
 * none of its messages. The result is empty for a client without a position, because such a client needs no earlier messages.
 */
function placesIn(position: Position, interest: Interest): Position {
  if (position.size === 0) return position
  return new Map([...Array.from(interest.origins(), ({ epoch }) => [epoch, 0] as const), ...position])
}
