import type { ChannelName } from '../model/channel.ts'
import type { ChannelLog, EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'
import type { Destination } from './destination.ts'

/** The methods of a manager that a `StreamDestination` calls. */
export interface ChannelManager {
  publish(message: never, options: { readonly text: string }): unknown
  notifyGap(stream: never, dropped: number | undefined): void
}

export interface StreamDestinationDependencies {
  readonly log: ChannelLog
  readonly manager: ChannelManager
  /** Called if subscribers miss messages. `missing` is `undefined` if nobody knows how many messages are missing. */
  missed(channel: ChannelName, missing: number | undefined): void
  report(error: unknown): void
}

/** Delivers other nodes' messages in a channel to the subscribers on this node, and keeps the messages for clients that resume. */
export class StreamDestination implements Destination {
  readonly isLatest: boolean
  readonly isReplacing: boolean
  readonly mostQuestions = 1
  readonly #channel: ChannelName
  readonly #dependencies: StreamDestinationDependencies

  constructor(channel: ChannelName, dependencies: StreamDestinationDependencies) {
    this.#channel = channel
    this.#dependencies = dependencies
    const { delivery, symbol } = dependencies.log.streams[channel.streamType] ?? {}
    this.isLatest = delivery === 'latest'
    this.isReplacing = this.isLatest && symbol !== 'optional'
  }

  knownOf(epoch: string): EpochKnowledge | undefined {
    return this.#dependencies.log.other(this.#channel, epoch)
  }

  isOwn(epoch: string): boolean {
    return this.#dependencies.log.isOwn(this.#channel, epoch)
  }

  epochs(): readonly string[] {
    return this.#dependencies.log.others(this.#channel)
  }

  accept(epoch: string, message: LoggedMessage): void {
    const { log, manager } = this.#dependencies
    const { streamType, userId } = this.#channel
    log.append(this.#channel, epoch, message)
    try {
      manager.publish({ streamType, symbol: message.symbol, userId } as never, { text: message.text })
    } catch (error) {
      this.#dependencies.report(error)
      this.#tellMissing(1)
    }
  }

  complete(epoch: string, messages: readonly LoggedMessage[]): void {
    this.#dependencies.log.prepend(this.#channel, epoch, messages)
  }

  skipTo(epoch: string, seq: number, isMissing: boolean): void {
    const { log } = this.#dependencies
    const missing = seq - (log.other(this.#channel, epoch)?.seq ?? 0)
    log.skipTo(this.#channel, epoch, seq)
    if (isMissing && missing > 0) this.#tellMissing(missing)
  }

  giveUp(epoch: string): void {
    this.#dependencies.log.forgetEpoch(this.#channel, epoch)
    this.#tellMissing(undefined)
  }

  #tellMissing(missing: number | undefined): void {
    this.#dependencies.missed(this.#channel, missing)
    try {
      this.#dependencies.manager.notifyGap(this.#channel as never, missing)
    } catch (error) {
      this.#dependencies.report(error)
    }
  }
}
