import type { EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'

/**
 * Takes the messages that other nodes publish in one channel. An epoch is a series of numbered messages that one node publishes in the channel. This
 * node is the origin of the epoch.
 */
export interface Destination {
  /** True for a `latest` stream type, in which a newer message replaces older messages. So a lost older message harms nobody. */
  readonly isLatest: boolean
  /** How many times an origin is asked before its missing messages count as lost. A request or an answer may itself be lost. */
  readonly mostQuestions: number
  /** Returns how far an epoch is known here, or `undefined` for a new epoch. */
  knownOf(epoch: string): EpochKnowledge | undefined
  /** True if this node itself publishes or published in the epoch. No other node publishes in such an epoch. */
  isOwn(epoch: string): boolean
  /** Returns the epochs of other nodes that are known here. */
  epochs(): readonly string[]
  /** Takes the next message of an epoch, in order: delivers it to subscribers, or carries out its command. */
  accept(epoch: string, message: LoggedMessage): void
  /** Takes messages that are older than those held here. They are not delivered. They let clients resume from earlier positions. */
  complete(epoch: string, messages: readonly LoggedMessage[]): void
  /**
   * From now on, all messages up to number `seq` count as known, and no more of them will come. If `isMissing` is true, the messages that did not
   * come are reported as missing.
   */
  skipTo(epoch: string, seq: number, isMissing: boolean): void
  /** Call when the origin of an epoch does not answer. Nobody knows whether messages are missing, so subscribers are told that some may be. */
  giveUp(epoch: string): void
}
