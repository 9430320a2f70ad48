import type { EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'

/** Takes the messages of one channel that come from other nodes. The node that publishes an epoch is its origin. */
export interface Destination {
  /** True if a newer message of a stream replaces older ones, so that nobody misses the older ones. */
  readonly isLatest: boolean
  /** How often an origin is asked for missing messages before this node gives up. A question or an answer may be lost. */
  readonly mostQuestions: number
  /** What is known of an epoch. `undefined` for a new one. */
  knownOf(epoch: string): EpochKnowledge | undefined
  /** True if this node publishes in the epoch itself, so that no other node can. */
  isOwn(epoch: string): boolean
  /** The epochs of other nodes that are known. */
  epochs(): readonly string[]
  /** Takes the next message in order, and delivers it. */
  accept(epoch: string, message: LoggedMessage): void
  /** Takes older messages. They are not delivered, but clients can then resume from earlier positions. */
  complete(epoch: string, messages: readonly LoggedMessage[]): void
  /** The messages up to this number will not come, and count as known. `isMissing` is true if subscribers have to be told. */
  skipTo(epoch: string, seq: number, isMissing: boolean): void
  /** The origin of an epoch does not answer. Nobody can say what is missing, so subscribers are told that messages may be missing. */
  giveUp(epoch: string): void
}
