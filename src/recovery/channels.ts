import type { ResolvedCatalogue } from '../model/catalogue.ts'
import type { ChannelName } from '../model/channel.ts'
import type { Channel } from './channel.ts'

/** The channels by name. The index consists of nested maps, because building a text key would cost more than all other work of recording a message. */
export class Channels {
  readonly #streams: ResolvedCatalogue
  readonly #all = new Set<Channel>()
  /**
   * The channels by stream type, user and symbol. The user is `undefined` for a public type. The symbol is `undefined` unless the type requires one.
   */
  readonly #byType = new Map<string, Map<string | undefined, Map<string | undefined, Channel>>>()

  constructor(streams: ResolvedCatalogue) {
    this.#streams = streams
  }

  get size(): number {
    return this.#all.size
  }

  /** Iterates over the channels, oldest first. */
  [Symbol.iterator](): IterableIterator<Channel> {
    return this.#all.values()
  }

  /** Returns the channel of a stream, or `undefined` if there is none. The stream's type must be in the catalogue. */
  find({ streamType, symbol, userId }: ChannelName): Channel | undefined {
    const { audience, symbol: rule } = this.#streams[streamType] as ResolvedCatalogue[string]
    const ofUser = this.#byType.get(streamType)?.get(audience === 'private' ? userId : undefined)
    return ofUser?.get(rule === 'required' ? symbol : undefined)
  }

  add(channel: Channel): void {
    const { streamType, symbol, userId } = channel
    const ofType = this.#byType.get(streamType) ?? new Map<string | undefined, Map<string | undefined, Channel>>()
    const ofUser = ofType.get(userId) ?? new Map<string | undefined, Channel>()
    this.#byType.set(streamType, ofType.set(userId, ofUser.set(symbol, channel)))
    this.#all.add(channel)
  }

  /** Removes a channel that was added before. */
  delete(channel: Channel): void {
    const { streamType, symbol, userId } = channel
    const ofType = this.#byType.get(streamType) as Map<string | undefined, Map<string | undefined, Channel>>
    const ofUser = ofType.get(userId) as Map<string | undefined, Channel>
    ofUser.delete(symbol)
    if (ofUser.size === 0) ofType.delete(userId)
    this.#all.delete(channel)
  }
}
