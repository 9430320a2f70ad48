import type { EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'

/** Where the messages of one channel go that come from other nodes. */
export interface Destination {
  /** True if a newer message of a stream replaces older ones, so that these are not missing to anybody. */
  readonly isLatest: boolean
  /** How often an origin is asked for what is missing before it is given up. A question or an answer may be lost. */
  readonly mostQuestions: number
  /** What is known of an epoch. `undefined` for a new one. */
  knownOf(epoch: string): EpochKnowledge | undefined
  /** True if this node publishes in the epoch itself, so that no other node can. */
  isOwn(epoch: string): boolean
  /** The epochs of other nodes that are known. */
  epochs(): readonly string[]
  /** Takes a message in its turn, and delivers it. */
  accept(epoch: string, message: LoggedMessage): void
  /** Takes older messages, which are nobody's news. They complete what can be resumed. */
  complete(epoch: string, messages: readonly LoggedMessage[]): void
  /** The messages up to this number will not come, and count as known. `isMissing` is true if subscribers have to be told. */
  skipTo(epoch: string, seq: number, isMissing: boolean): void
  /** The origin of an epoch does not answer. Nobody can say what is missing, so subscribers are told that messages may be missing. */
  giveUp(epoch: string): void
}
