import type { ResolvedCatalogue } from '../model/catalogue.ts'
import { channelOf, type ChannelName } from '../model/channel.ts'
import { isOfRevoked, type Revoked } from '../model/revocation.ts'
import type { Clock } from '../time/clock.ts'
import { Alarm } from '../time/alarm.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import { Channel } from './channel.ts'
import { Channels } from './channels.ts'
import { HistoryMessage, MessageList, type History, type RecordedMessage } from './history-message.ts'

/** The limits of the histories. */
export interface HistoryLimits {
  readonly count: number
  readonly units: number
  readonly ageMs: number
  readonly totalUnits: number
  /** The limits of single stream types, by the name of the type. */
  readonly byType: ReadonlyMap<string, { readonly count: number; readonly units: number }>
}

/**
 * The lowest `order`. The `order` of a message is its place among all recorded messages. Messages that are added in front of a history get the lowest
 * `order`, because they may be older than every revocation.
 */
const EARLIEST = 1

/**
 * The maximum number of unused channels: channels without an active stream. If there are more, the unused channel that was created first is forgotten
 * early.
 */
const MOST_UNUSED_CHANNELS = 100_000

/**
 * All channels and their histories.
 *
 * Each history has limits for the number, the units (UTF-16) and the age of its messages. All histories together have a limit for their units. If
 * this limit is exceeded, the oldest message of all histories is removed first. Messages of `latest` streams are the present state, so only the limit
 * of all histories together applies to them. A channel without an active stream is forgotten with its messages and numbers, `ageMs` after the latest
 * of three events: it was created, it got a message, or its last stream became idle. If there are more than `MOST_UNUSED_CHANNELS` such channels,
 * those that were created first are forgotten earlier.
 */
export class Histories {
  evicted = 0
  units = 0
  messageCount = 0
  readonly #streams: ResolvedCatalogue
  readonly #limits: HistoryLimits
  readonly #clock: Clock
  readonly #randomEpoch: () => string
  readonly #channels: Channels
  readonly #unused: ExpiringSet<Channel>
  #unusedCount = 0
  /** Messages that expire by age are in `#aging`, all others in `#lasting`. Both lists are oldest first. */
  readonly #aging = new MessageList()
  readonly #lasting = new MessageList()
  readonly #ageAlarm: Alarm
  #order = EARLIEST

  constructor(streams: ResolvedCatalogue, limits: HistoryLimits, clock: Clock, randomEpoch: () => string) {
    this.#streams = streams
    this.#channels = new Channels(streams)
    this.#limits = limits
    this.#clock = clock
    this.#randomEpoch = randomEpoch
    this.#ageAlarm = new Alarm(clock, () => this.#forgetAged(clock.monotonic()))
    this.#unused = new ExpiringSet<Channel>(clock, limits.ageMs, (expired) => expired.forEach((channel) => this.#forget(channel)))
  }

  /** The `order` of the last recorded message. */
  get order(): number {
    return this.#order
  }

  get channelCount(): number {
    return this.#channels.size
  }

  all(): Iterable<Channel> {
    return this.#channels
  }

  find(stream: ChannelName): Channel | undefined {
    return this.#channels.find(stream)
  }

  /** Returns the channel of a stream, or a new one if there is none. */
  obtain(stream: ChannelName): Channel {
    return this.#channels.find(stream) ?? this.#begin(stream)
  }

  /** Records that a stream became active or idle: see the events `streamActive` and `streamIdle`. */
  setActive(stream: ChannelName, isActive: boolean): void {
    const channel = this.obtain(stream)
    // If `randomEpoch` failed, there was no channel when the stream became active.
    if (!isActive && channel.activeStreams === 0) return
    channel.activeStreams += isActive ? 1 : -1
    if (channel.activeStreams === 0) this.#setUnused(channel)
    else if (isActive && channel.activeStreams === 1) this.#setUsed(channel)
  }

  /** Adds a message to the history of its channel, and returns the entry of the history. `agedMs` is how long ago the message was recorded. */
  append(channel: Channel, recorded: RecordedMessage, agedMs = 0): HistoryMessage {
    const nowMs = this.#clock.monotonic()
    const message = new HistoryMessage(channel, recorded, nowMs - agedMs, ++this.#order)
    this.#dismiss(channel.add(message), false)
    this.#listOf(channel).add(message)
    this.units += message.units
    this.messageCount++
    this.#keepWithin(channel)
    if (channel.activeStreams === 0) this.#touch(channel)
    this.#forgetAged(nowMs)
    return message
  }

  /**
   * Adds messages of another node's epoch to the front of a channel's history. `recorded` is oldest first. A message is left out if any message
   * between it and the history is missing.
   */
  prepend(channel: Channel, epoch: string, recorded: readonly RecordedMessage[]): void {
    const nowMs = this.#clock.monotonic()
    const next = channel.oldest
    const atMs = next?.atMs ?? nowMs
    const joining: HistoryMessage[] = []
    let forgotten = channel.stateOf(epoch)?.forgotten ?? 0
    for (const each of [...recorded].reverse()) if (each.seq === forgotten && forgotten-- > 0) joining.unshift(new HistoryMessage(channel, each, atMs, EARLIEST))
    channel.addBefore(joining)
    const list = this.#listOf(channel)
    for (const message of joining) {
      if (next === undefined) list.add(message)
      else list.addBefore(message, next)
      this.units += message.units
      this.messageCount++
    }
    this.#keepWithin(channel)
    this.#forgetAged(nowMs)
  }

  /**
   * True if a history still holds a revoked message of a `latest` stream. Such messages do not expire. `order` is the `order` of the last message
   * before the revocation.
   */
  holdsRevoked(revoked: Revoked, order: number): boolean {
    for (let message = this.#lasting.first; message !== undefined && message.order <= order; message = message.later) {
      const { channel: { streamType }, symbol } = message
      if (isOfRevoked({ streamType, symbol }, revoked)) return true
    }
    return false
  }

  /** Removes expired messages and channels. Call this before you read a history. */
  refresh(): void {
    this.#unused.renew()
    this.#forgetAged(this.#clock.monotonic())
  }

  #begin(stream: ChannelName): Channel {
    const epoch = this.#randomEpoch()
    // `randomEpoch` is user code. It may have published to this stream, so that the channel exists now.
    return this.#channels.find(stream) ?? this.#add(stream, epoch)
  }

  #add(stream: ChannelName, epoch: string): Channel {
    const { streamType } = stream
    const { delivery } = this.#streams[streamType] as ResolvedCatalogue[string]
    const limits = this.#limits.byType.get(streamType) ?? this.#limits
    const channel = new Channel(channelOf(this.#streams, stream), epoch, delivery === 'latest', limits)
    this.#channels.add(channel)
    this.#setUnused(channel)
    return channel
  }

  #forgetAged(nowMs: number): void {
    const { ageMs } = this.#limits
    for (let { first } = this.#aging; first !== undefined && first.atMs + ageMs <= nowMs; { first } = this.#aging) this.#dismiss(first.channel.forgetOldest(), true)
    const { first } = this.#aging
    // Round up to a whole number. A fraction may be so small that adding it does not change the clock's reading.
    if (first !== undefined) this.#ageAlarm.set(Math.ceil(first.atMs + ageMs - nowMs), nowMs)
  }

  #keepWithin(channel: Channel): void {
    while (channel.isTooLarge) this.#dismiss(channel.forgetOldest(), true)
    while (this.units > this.#limits.totalUnits) this.#evictOldest()
  }

  #evictOldest(): void {
    const [aging, lasting] = [this.#aging.first, this.#lasting.first]
    const oldest = aging === undefined || (lasting !== undefined && lasting.order < aging.order) ? lasting : aging
    this.#dismiss((oldest as HistoryMessage).channel.forgetOldest(), true)
  }

  /** Removes a message from `#aging` or `#lasting`, after it was removed from its channel. */
  #dismiss(message: HistoryMessage | undefined, isEviction: boolean): void {
    if (message === undefined) return
    this.#listOf(message.channel).remove(message)
    this.units -= message.units
    this.messageCount--
    if (isEviction) this.evicted++
  }

  #listOf(channel: History): MessageList {
    return channel.isLatest ? this.#lasting : this.#aging
  }

  #setUnused(channel: Channel): void {
    this.#unused.add(channel)
    this.#unusedCount++
    if (this.#unusedCount > MOST_UNUSED_CHANNELS) this.#forgetOldestUnused()
  }

  #setUsed(channel: Channel): void {
    this.#unused.delete(channel)
    this.#unusedCount--
  }

  #touch(channel: Channel): void {
    this.#unused.delete(channel)
    this.#unused.add(channel)
  }

  #forgetOldestUnused(): void {
    for (const channel of this.#channels) {
      if (channel.activeStreams > 0) continue
      this.#unused.delete(channel)
      return this.#forget(channel)
    }
  }

  #forget(channel: Channel): void {
    this.#unusedCount--
    this.#channels.delete(channel)
    for (let message = channel.forgetOldest(); message !== undefined; message = channel.forgetOldest()) this.#dismiss(message, false)
  }
}
