import { bringing, isPrivate, keyOf } from './catalogue.ts'
import { recipientsOf, type Delivery } from './deliveries.ts'
import type { Facts, SubscriptionFact } from './facts.ts'

/** When each subscription's stream was last served, by `lastUpdate`: as far as it can be known. */
export class Updates {
  readonly #facts: Facts
  readonly #now: () => number
  /** Messages that were deferred, and go out at some time until nothing is under way. */
  readonly #deferred: Delivery[] = []

  constructor(facts: Facts, now: () => number) {
    this.#facts = facts
    this.#now = now
  }

  /** The subscriptions whose streams have recipients of this message now: a public stream is one for all its subscribers. */
  servedBy(delivery: Delivery): SubscriptionFact[] {
    if (recipientsOf(delivery, this.#facts).length === 0) return []
    const reached = this.#reachedBy(delivery)
    const keys = reached.filter((each) => this.#hasRecipients(each)).map(({ stream }) => keyOf(stream))
    return reached.filter(({ stream }) => keys.includes(keyOf(stream)))
  }

  /** A message has gone out, to these; of those who came meanwhile nobody sees whether they were in time. */
  noteServed(delivery: Delivery, served: readonly SubscriptionFact[]): void {
    if (served.length > 0) this.#doubt(delivery)
    for (const subscription of served) subscription.lastUpdateMs = this.#now()
  }

  /** A message is going out some time. */
  noteDeferred(delivery: Delivery): void {
    this.#doubt(delivery)
    this.#deferred.push(delivery)
  }

  /** Nothing is under way any more. */
  settle(): void {
    for (const delivery of this.#deferred.splice(0)) this.#doubt(delivery)
  }

  #doubt(delivery: Delivery): void {
    for (const subscription of this.#reachedBy(delivery)) subscription.lastUpdateMs = 'perhaps'
  }

  #reachedBy({ way, stream, userId }: Delivery): SubscriptionFact[] {
    if (way !== 'publish') return []
    const keys = bringing(stream).map(keyOf)
    return this.#facts.subscriptions.filter((each) => keys.includes(keyOf(each.stream)) && (!isPrivate(stream) || each.userId === userId))
  }

  #hasRecipients({ userId, holders }: SubscriptionFact): boolean {
    return this.#facts.liveOf(userId).some((connection) => holders.includes('user') || holders.includes(connection))
  }
}
