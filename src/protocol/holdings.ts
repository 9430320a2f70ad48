import type { StreamReference, Subscription, SubscriptionEndReason } from '../model/subscription.ts'

/** A session whose client was told that it is subscribed. */
export interface Holder {
  /** Called when a subscription of this client has ended although the client did not ask for that. */
  ended(stream: Stream, reason: SubscriptionEndReason): void
}

interface Stream {
  readonly streamType: string
  readonly symbol: string | undefined
}

/**
 * The subscriptions that each client was told about. When one of them ends, the client is told. Subscriptions that the host made for the user or for
 * a connection are not included, because the client was not told about them.
 *
 * Each subscription is identified by its `Subscription` object, called its view. A new subscription to the same stream is another object, so an event
 * of the old subscription does not affect the new one.
 */
export class Holdings<THolder extends Holder> {
  readonly #holders = new Map<Subscription, Set<THolder>>()
  readonly #held = new Map<THolder, Map<string, Subscription>>()

  add(holder: THolder, subscription: Subscription): void {
    this.remove(holder, subscription)
    const own = this.#held.get(holder) ?? new Map<string, Subscription>()
    this.#held.set(holder, own.set(keyOf(subscription), subscription))
    const holders = this.#holders.get(subscription) ?? new Set<THolder>()
    this.#holders.set(subscription, holders.add(holder))
  }

  /** Removes a holder's subscription to a stream. Returns false if the holder has none. */
  remove(holder: THolder, stream: StreamReference): boolean {
    const key = keyOf(stream)
    const own = this.#held.get(holder)
    const subscription = own?.get(key)
    if (own === undefined || subscription === undefined) return false
    own.delete(key)
    if (own.size === 0) this.#held.delete(holder)
    const holders = this.#holders.get(subscription)
    holders?.delete(holder)
    if (holders?.size === 0) this.#holders.delete(subscription)
    return true
  }

  has(holder: THolder, subscription: Subscription): boolean {
    return this.#holders.get(subscription)?.has(holder) === true
  }

  /** Removes all subscriptions of a holder. */
  forget(holder: THolder): void {
    for (const subscription of [...(this.#held.get(holder)?.values() ?? [])]) this.remove(holder, subscription)
  }

  /** Call when a subscription has ended for all of its holders. */
  ended(subscription: Subscription, reason: SubscriptionEndReason): void {
    for (const holder of [...(this.#holders.get(subscription) ?? [])]) this.#end(holder, subscription, reason)
  }

  /**
   * Call when a holder may have lost subscriptions. `current` contains the subscriptions that the holder has now. The client is told of each
   * subscription that has ended. If the holder has a new subscription to the same stream, the new `Subscription` object replaces the old one instead,
   * and the client is told nothing.
   */
  reconcile(holder: THolder, current: readonly Subscription[], reason: SubscriptionEndReason): void {
    const held = [...(this.#held.get(holder)?.values() ?? [])]
    const views = new Set(current)
    // The client is told afterwards, because that runs user code, which may change what the holder has.
    for (const view of views) if (this.remove(holder, view)) this.add(holder, view)
    for (const subscription of held) if (!views.has(subscription)) this.#end(holder, subscription, reason)
  }

  /** Does nothing if the holder does not have the subscription any more. User code may have changed this while a client was told. */
  #end(holder: THolder, subscription: Subscription, reason: SubscriptionEndReason): void {
    if (!this.has(holder, subscription)) return
    const { streamType, symbol } = subscription
    this.remove(holder, subscription)
    holder.ended({ streamType, symbol }, reason)
  }
}

/**
 * Returns the key of a stream. A client may name an unknown stream type that contains a colon. So the key does not join the stream type and the
 * symbol with a colon.
 */
function keyOf({ streamType, symbol }: StreamReference): string {
  return JSON.stringify([streamType, symbol ?? null])
}
