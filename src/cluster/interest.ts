import type { ChannelName } from '../model/channel.ts'
import type { Destination } from './destination.ts'
import { Origin } from './origin.ts'

/**
 * For how many forgotten origins of one channel this node keeps the last number. If there are more, the number of the origin that was forgotten first
 * is dropped.
 */
const MOST_LEFT = 1_000

/** A channel that this node wants, and what this node knows about the channel's origins, which are the nodes that publish in it. */
export class Interest {
  readonly channel: ChannelName
  readonly subject: string
  readonly destination: Destination
  /**
   * How many reasons this node has to want the channel: active streams, and clients that are about to subscribe. The channel of commands always has
   * one.
   */
  uses = 0
  /** When this node began to want the channel, by the monotonic clock. */
  readonly sinceMs: number
  /** True once the broker sends the channel's messages to this node. */
  isSubscribed = false
  /** True once the origins have had time to answer with the numbers of their last messages. */
  isSynced = false
  /** True if a client subscribed before the origins had time to answer. Such a client may have missed messages. */
  hasEarlySubscribers = false
  readonly #origins = new Map<string, Origin>()
  /** Epoch → the last number that its origin had reached when the origin was forgotten. */
  readonly #left = new Map<string, number>()

  constructor(channel: ChannelName, subject: string, destination: Destination, nowMs: number) {
    this.sinceMs = nowMs
    this.channel = channel
    this.subject = subject
    this.destination = destination
    for (const epoch of destination.epochs()) this.originOf(epoch, undefined)
  }

  origins(): Iterable<Origin> {
    return this.#origins.values()
  }

  find(epoch: string): Origin | undefined {
    return this.#origins.get(epoch)
  }

  /** Returns the origin of an epoch, and makes a new origin if there is none. */
  originOf(epoch: string, node: string | undefined): Origin {
    const origin = this.#origins.get(epoch) ?? new Origin(epoch, node, this.destination)
    origin.node ??= node
    this.#origins.set(epoch, origin)
    return origin
  }

  /** True if this node is up to date with all origins of the channel. */
  get isWhole(): boolean {
    if (!this.isSynced) return false
    for (const { hasHole, isInDoubt } of this.#origins.values()) if (isInDoubt || hasHole) return false
    return true
  }

  /** Returns the origins whose epochs the destination has forgotten, because there were too many epochs. */
  forgotten(): Origin[] {
    return [...this.#origins.values()].filter(({ epoch }) => this.destination.knownOf(epoch) === undefined)
  }

  /** Returns the last number that a forgotten origin had reached, or `undefined` for any other epoch. */
  leftAt(epoch: string): number | undefined {
    return this.#left.get(epoch)
  }

  /** Forgets an origin, but keeps the last number that it had reached. */
  forget({ epoch, reached }: Origin): void {
    this.#origins.delete(epoch)
    this.#left.delete(epoch)
    this.#left.set(epoch, reached)
    const [first] = this.#left.keys()
    if (this.#left.size > MOST_LEFT) this.#left.delete(first as string)
  }
}

/** Returns the key of a channel: a text that no other channel has. */
export function channelKey({ streamType, symbol, userId }: ChannelName): string {
  return JSON.stringify([streamType, symbol ?? null, userId ?? null])
}
