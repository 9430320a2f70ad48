import { membersOf, SmallSetBy, type SmallSet } from '../collections/small-set.ts'
import type { StreamReference, Subscription, SubscriptionEndReason } from '../model/subscription.ts'

/** A session whose client was told that it is subscribed. */
export interface Holder {
  /** Called when a subscription of this client has ended although the client did not ask for that. Not called if `onSubscribed` failed. */
  ended(stream: Stream, reason: SubscriptionEndReason): void
}

interface Stream {
  readonly streamType: string
  readonly symbol: string | undefined
}

/** The subscriptions of one holder to the streams of one type. */
interface HeldOfType {
  readonly streamType: string
  subscriptions: SmallSet<string | undefined, Subscription>
}

const HOLDERS = /* @__PURE__ */ new SmallSetBy<Holder, Holder>((holder) => holder)
const TYPES = /* @__PURE__ */ new SmallSetBy<string, HeldOfType>(({ streamType }) => streamType)
const SYMBOLS = /* @__PURE__ */ new SmallSetBy<string | undefined, Subscription>(({ symbol }) => symbol)

/**
 * The subscriptions that each client was told about. When one of them ends, the client is told. Subscriptions that the host made for the user or for
 * a connection are not included, because the client was not told about them.
 *
 * Each subscription is identified by its `Subscription` object, called its view. A new subscription to the same stream is another object, so an event
 * of the old subscription does not affect the new one.
 */
export class Holdings {
  /** The holders of each subscription. Nearly every subscription has only one. */
  readonly #holders = new Map<Subscription, SmallSet<Holder, Holder>>()
  /** The subscriptions of each holder, by stream type and then by symbol. A joined key would be one more string for each subscription. */
  readonly #held = new Map<Holder, SmallSet<string, HeldOfType>>()

  /** Adds a subscription, in place of the holder's earlier subscription to the same stream. */
  add(holder: Holder, subscription: Subscription): void {
    const { streamType } = subscription
    this.remove(holder, subscription)
    const types = this.#held.get(holder)
    const ofType = TYPES.find(types, streamType)
    if (ofType === undefined) this.#held.set(holder, TYPES.including(types, { streamType, subscriptions: subscription }))
    else ofType.subscriptions = SYMBOLS.including(ofType.subscriptions, subscription)
    this.#holders.set(subscription, HOLDERS.including(this.#holders.get(subscription), holder))
  }

  /** Removes a holder's subscription to a stream. Returns false if the holder has none. */
  remove(holder: Holder, { streamType, symbol }: StreamReference): boolean {
    const types = this.#held.get(holder)
    const ofType = TYPES.find(types, streamType)
    const subscription = SYMBOLS.find(ofType?.subscriptions, symbol ?? undefined)
    if (ofType === undefined || subscription === undefined) return false
    ofType.subscriptions = SYMBOLS.without(ofType.subscriptions, subscription)
    if (ofType.subscriptions === undefined) store(this.#held, holder, TYPES.without(types, ofType))
    store(this.#holders, subscription, HOLDERS.without(this.#holders.get(subscription), holder))
    return true
  }

  has(holder: Holder, subscription: Subscription): boolean {
    return HOLDERS.find(this.#holders.get(subscription), holder) !== undefined
  }

  /** Removes all subscriptions of a holder. */
  forget(holder: Holder): void {
    for (const subscription of this.#heldBy(holder)) this.remove(holder, subscription)
  }

  /** Call when a subscription has ended for all of its holders. */
  ended(subscription: Subscription, reason: SubscriptionEndReason): void {
    for (const holder of membersOf(this.#holders.get(subscription))) this.#end(holder, subscription, reason)
  }

  /**
   * Call when a holder may have lost subscriptions. `current` contains the subscriptions that the holder has now. The client is told of each
   * subscription that has ended. If the holder has a new subscription to the same stream, the new `Subscription` object replaces the old one instead,
   * and the client is told nothing.
   */
  reconcile(holder: Holder, current: readonly Subscription[], reason: SubscriptionEndReason): void {
    const held = this.#heldBy(holder)
    const views = new Set(current)
    // The client is told afterwards, because that runs user code, which may change what the holder has.
    for (const view of views) if (this.remove(holder, view)) this.add(holder, view)
    for (const subscription of held) if (!views.has(subscription)) this.#end(holder, subscription, reason)
  }

  #heldBy(holder: Holder): Subscription[] {
    return membersOf(this.#held.get(holder)).flatMap(({ subscriptions }) => membersOf(subscriptions))
  }

  /** Does nothing if the holder does not have the subscription any more. User code may have changed this while a client was told. */
  #end(holder: Holder, subscription: Subscription, reason: SubscriptionEndReason): void {
    if (!this.has(holder, subscription)) return
    const { streamType, symbol } = subscription
    this.remove(holder, subscription)
    holder.ended({ streamType, symbol }, reason)
  }
}

/** Stores a set in a map. The map has no entries for empty sets. */
function store<TKey, TSet>(sets: Map<TKey, TSet>, key: TKey, set: TSet): void {
  if (set === undefined) sets.delete(key)
  else sets.set(key, set)
}
