import { Queue } from '../../collections/queue.ts'
import type { Clock } from '../../time/clock.ts'
import { ExpiringSet } from '../../time/expiring-set.ts'
import type { Departure } from './departure.ts'
import type { PresenceCluster } from './options.ts'

/**
 * The maximum number of questions that are open at once. If a network fails, all users of a node leave in the same moment. If the broker got a
 * question about each of them at once, it would answer many of the questions too late.
 */
const MOST_OPEN = 100
/** After this time, a cluster that does not answer counts as unable to answer. Otherwise, questions without an answer would hold up all others. */
const PATIENCE_MS = 10_000

export interface QuestionDependencies {
  readonly cluster: PresenceCluster
  readonly clock: Clock
  /** False if the answer does not matter any more. Then the cluster is not asked. */
  isOpen(departure: Departure): boolean
  /** Gets the answer of the cluster, or `undefined` if the cluster could not say. */
  answered(departure: Departure, online: unknown): void
}

/** Asks the cluster whether users are online on another node, about a few users at a time. */
export class Questions {
  readonly #dependencies: QuestionDependencies
  readonly #waiting = new Queue<Departure>()
  readonly #asked = new Set<Departure>()
  readonly #patience: ExpiringSet<Departure>

  constructor(dependencies: QuestionDependencies) {
    this.#dependencies = dependencies
    this.#patience = new ExpiringSet(dependencies.clock, PATIENCE_MS, (late) => {
      for (const departure of late) this.#answered(departure, undefined)
    })
  }

  ask(departure: Departure): void {
    this.#waiting.push(departure)
    this.#askMore()
  }

  /** Ignores the answers that are still missing. Questions that wait are not asked if their departures are not open any more. */
  clear(): void {
    for (const departure of this.#asked) this.#patience.delete(departure)
    this.#asked.clear()
  }

  #askMore(): void {
    while (this.#asked.size < MOST_OPEN && !this.#waiting.isEmpty) {
      const next = this.#waiting.shift() as Departure
      if (this.#dependencies.isOpen(next)) this.#ask(next)
    }
  }

  #ask(departure: Departure): void {
    this.#asked.add(departure)
    this.#patience.add(departure)
    void answerOf(this.#dependencies.cluster, departure.userId).then((online) => this.#answered(departure, online))
  }

  #answered(departure: Departure, online: unknown): void {
    if (!this.#asked.delete(departure)) return
    this.#patience.delete(departure)
    this.#dependencies.answered(departure, online)
    this.#askMore()
  }
}

/** Returns the cluster's answer, or `undefined` if the call fails. */
function answerOf(cluster: PresenceCluster, userId: string): Promise<unknown> {
  const asked = new Promise<unknown>((resolve) => resolve(cluster.isOnline(userId)))
  return asked.catch(() => undefined)
}
