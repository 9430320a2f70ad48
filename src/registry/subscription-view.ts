import { inspectable } from '../guards/inspect.ts'
import type { SubscriptionFilters } from '../model/filters.ts'
import { subscriptionKey } from '../model/keys.ts'
import { SubscriptionStatus, type OwnSubscription, type Subscription } from '../model/subscription.ts'
import { membersOf } from '../collections/small-set.ts'
import type { ConnectionRecord, SubscriptionRecord } from './records.ts'

/** The one view of a subscription. */
export function viewOf(record: SubscriptionRecord): Subscription {
  record.view ??= new InspectableView(record)
  return record.view
}

/** What a connection holds for itself, in the order in which it asked. */
export function ownViewsOf({ ownSubscriptions, ownFilters }: ConnectionRecord): OwnSubscription[] {
  return membersOf(ownSubscriptions).map((each) => Object.freeze({ subscription: viewOf(each), filters: ownFilters?.get(each) }))
}

/**
 * What a caller sees of a subscription: reads through to the record, and leads nowhere else.
 *
 * What identifies it never changes, so that is its own, enumerable: a test, a log and an equality check tell it from others, and a
 * copy is a reference to it.
 */
class SubscriptionView implements Subscription {
  readonly userId: string
  readonly streamType: string
  readonly symbol: string | undefined
  readonly #record: SubscriptionRecord

  constructor(record: SubscriptionRecord) {
    const { user, stream } = record
    this.userId = user.id
    this.streamType = stream.type.name
    this.symbol = stream.symbol
    this.#record = record
    Object.freeze(this)
  }

  get filters(): SubscriptionFilters | undefined {
    return this.#record.filters
  }

  get status(): SubscriptionStatus {
    return this.#record.status
  }

  get createdAt(): Date {
    const { stream, streamAgeMs } = this.#record
    return new Date(stream.openedAtMs + streamAgeMs)
  }

  get lastUpdate(): Date | undefined {
    const ms = lastUpdateMs(this.#record)
    return ms === undefined ? undefined : new Date(ms)
  }

  get key(): string {
    return subscriptionKey(this)
  }

  /** Lets `JSON.stringify` and `console.log` show what the getters say as well. */
  toJSON(): Record<keyof Subscription, unknown> {
    const { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key } = this
    return { userId, streamType, symbol, filters, status, createdAt, lastUpdate, key }
  }
}

const InspectableView = /* @__PURE__ */ inspectable(SubscriptionView)

/** When this subscription's stream was last served, since the subscription began and until it ended. */
export function lastUpdateMs({ seats, servingsBefore, status, lastUpdateAtEndMs }: SubscriptionRecord): number | undefined {
  if (status === SubscriptionStatus.DISCONNECTED) return lastUpdateAtEndMs
  return seats.servings === servingsBefore ? undefined : seats.servedAtMs
}
