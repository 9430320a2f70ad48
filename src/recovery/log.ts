import { ConnectionManagerError } from '../errors.ts'
import type { ResolvedCatalogue } from '../model/catalogue.ts'
import type { ChannelName } from '../model/channel.ts'
import type { ChannelLog, EpochKnowledge, LogCluster, LoggedMessage, OwnEpoch, ReadyRequest, RecordedPublish } from '../ports/channel-log.ts'
import { isMark } from '../model/position.ts'
import type { Clock } from '../time/clock.ts'
import type { Channel } from './channel.ts'
import type { Histories } from './histories.ts'
import type { HistoryMessage, RecordedMessage } from './history-message.ts'

/** The numbers and the histories of a recovery, as a cluster uses them. */
export class RecoveryLog implements ChannelLog {
  readonly streams: ResolvedCatalogue
  readonly clock: Clock
  readonly #manager: unknown
  readonly #histories: Histories
  readonly #randomName: () => string
  #cluster: LogCluster | undefined
  readonly #listeners = new Set<(recorded: RecordedPublish) => void>()

  constructor(manager: unknown, histories: Histories, { streams, clock }: Pick<RecoveryLog, 'streams' | 'clock'>, randomName: () => string) {
    this.#manager = manager
    this.#histories = histories
    this.streams = streams
    this.clock = clock
    this.#randomName = randomName
  }

  randomName(): string {
    return this.#randomName()
  }

  onRecorded(listener: (recorded: RecordedPublish) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Calls the listeners with a message that this node has numbered. */
  recorded(channel: Channel, message: HistoryMessage): void {
    channel.lastAtMs = message.atMs
    channel.firstAtMs ??= message.atMs
    const ageMs = message.atMs - channel.firstAtMs
    for (const listener of this.#listeners) listener({ channel, epoch: channel.epoch, ageMs, message })
  }

  own(channel: ChannelName): OwnEpoch | undefined {
    const found = this.#find(channel)
    if (found?.firstAtMs === undefined) return undefined
    const { epoch, seq, firstAtMs, lastAtMs = firstAtMs } = found
    const nowMs = this.clock.monotonic()
    return { epoch, seq, ageMs: nowMs - firstAtMs, lastAgeMs: nowMs - lastAtMs }
  }

  isOwn(channel: ChannelName, epoch: string): boolean {
    return isMark(epoch) || this.#find(channel)?.stateOf(epoch)?.isForeign === false
  }

  others(channel: ChannelName): string[] {
    const foreign = this.#find(channel)?.epochs.filter(({ isForeign }) => isForeign === true)
    return foreign?.map(({ epoch }) => epoch) ?? []
  }

  other(channel: ChannelName, epoch: string): EpochKnowledge | undefined {
    const state = this.#find(channel)?.stateOf(epoch)
    return state?.isForeign === true ? state : undefined
  }

  append(channel: ChannelName, epoch: string, message: LoggedMessage): void {
    this.#histories.append(this.#histories.obtain(channel), recordedOf(epoch, message))
  }

  prepend(channel: ChannelName, epoch: string, messages: readonly LoggedMessage[]): void {
    const held = this.#find(channel)
    if (held !== undefined && !held.isLatest) this.#histories.prepend(held, epoch, messages.map((message) => recordedOf(epoch, message)))
  }

  skipTo(channel: ChannelName, epoch: string, seq: number): void {
    this.#histories.obtain(channel).skipTo(epoch, seq)
  }

  assertMayJoin(manager: unknown): void {
    if (manager !== this.#manager) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'The recovery is the `recorder` of another manager')
    if (this.#cluster?.isOpen === true) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'The recovery is in a cluster already')
  }

  join(cluster: LogCluster): void {
    this.#cluster = cluster
  }

  /** True if this node has received all messages that other nodes have published in a channel. */
  isWhole(channel: ChannelName): boolean {
    return this.#cluster === undefined || this.#cluster.isWhole(channel)
  }

  ready(request: ReadyRequest): Promise<void> | undefined {
    return this.#cluster?.ready(request)
  }

  forgetEpoch(channel: ChannelName, epoch: string): void {
    this.#find(channel)?.forgetEpoch(epoch)
  }

  range(channel: ChannelName, epoch: string, first: number, last: number): LoggedMessage[] {
    const isWanted = (message: HistoryMessage): boolean => message.epoch === epoch && message.seq >= first && message.seq <= last
    return this.#find(channel)?.messages().filter(isWanted) ?? []
  }

  /** Returns the channel with this name. The name may come from another node, whose catalogue may have other stream types. */
  #find(channel: ChannelName): Channel | undefined {
    return Object.hasOwn(this.streams, channel.streamType) ? this.#histories.find(channel) : undefined
  }
}

function recordedOf(epoch: string, { seq, symbol, text }: LoggedMessage): RecordedMessage {
  return { epoch, seq, symbol, text, unstamped: undefined, message: undefined }
}
