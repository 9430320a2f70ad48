import type { ChannelName } from '../model/channel.ts'
import type { Destination } from './destination.ts'
import { Origin } from './origin.ts'

/** The maximum number of forgotten origins of one channel whose last numbers are remembered. If there are more, the first one is dropped. */
const MOST_LEFT = 1_000

/** A channel that this node wants, and what it knows of the nodes that publish in it. */
export class Interest {
  readonly channel: ChannelName
  readonly subject: string
  readonly destination: Destination
  /** How many reasons there are to want it: active streams, and clients that are about to subscribe. */
  uses = 0
  /** Since when this node wants it, by the monotonic clock. */
  readonly sinceMs: number
  /** True once the broker sends it to this node. */
  isSubscribed = false
  /** True once the origins have had time to answer with their last numbers. */
  isSynced = false
  /** True if somebody subscribed before the origins had this time, and may have missed something. */
  hasEarlySubscribers = false
  readonly #origins = new Map<string, Origin>()
  /** Epoch → how far its origin was when it was forgotten. */
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

  /** Returns the origin of an epoch. Makes it if it is not there. */
  originOf(epoch: string, node: string | undefined): Origin {
    const origin = this.#origins.get(epoch) ?? new Origin(epoch, node, this.destination)
    origin.node ??= node
    this.#origins.set(epoch, origin)
    return origin
  }

  /** True if nothing that its origins have published is missing here. */
  get isWhole(): boolean {
    if (!this.isSynced) return false
    for (const { hasHole, isInDoubt } of this.#origins.values()) if (isInDoubt || hasHole) return false
    return true
  }

  /** The origins of epochs that the destination has forgotten, because there were too many. */
  forgotten(): Origin[] {
    return [...this.#origins.values()].filter(({ epoch }) => this.destination.knownOf(epoch) === undefined)
  }

  /** How far an origin was that was forgotten. */
  leftAt(epoch: string): number | undefined {
    return this.#left.get(epoch)
  }

  /** Forgets an origin, except how far it was. */
  forget({ epoch, reached }: Origin): void {
    this.#origins.delete(epoch)
    this.#left.delete(epoch)
    this.#left.set(epoch, reached)
    const [first] = this.#left.keys()
    if (this.#left.size > MOST_LEFT) this.#left.delete(first as string)
  }
}

/** Returns a text that no other channel has. */
export function channelKey({ streamType, symbol, userId }: ChannelName): string {
  return JSON.stringify([streamType, symbol ?? null, userId ?? null])
}
