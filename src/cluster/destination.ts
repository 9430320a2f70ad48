import type { EpochKnowledge, LoggedMessage } from '../ports/channel-log.ts'

/**
 * Takes the messages that other nodes publish in one channel. An epoch is a series of numbered messages that one node publishes in the channel. The
 * publishing node is the origin of the epoch.
 */
export interface Destination {
  /**
   * True for a `latest` stream type, in which a newer message replaces the older messages of its stream. So a message that its origin no longer holds is
   * missing to nobody.
   */
  readonly isLatest: boolean
  /** True if each message replaces all older messages of the channel: for a `latest` stream type whose channels are single streams. */
  readonly isReplacing: boolean
  /**
   * How many times an origin that does not answer is asked before its missing messages count as lost. A request or an answer may itself be lost. A
   * request that is repeated because a node was cut off is sent even if this number is reached.
   */
  readonly mostQuestions: number
  /** Returns what is known here about an epoch, or `undefined` if the epoch is not known here. */
  knownOf(epoch: string): EpochKnowledge | undefined
  /** True if this node itself publishes or published in the epoch. No other node publishes in such an epoch. */
  isOwn(epoch: string): boolean
  /** Returns the other nodes' epochs that are known when this node begins to want the channel. */
  epochs(): readonly string[]
  /** Takes the next message of an epoch, in order: delivers it to subscribers, or carries out its command. */
  accept(epoch: string, message: LoggedMessage): void
  /** Takes messages that are older than those held here. They are not delivered. They let clients resume from earlier positions. */
  complete(epoch: string, messages: readonly LoggedMessage[]): void
  /**
   * Settles all messages up to number `seq`: none of them is passed to `accept` any more. If `isMissing` is true, those that were not settled before
   * are reported as missing.
   */
  skipTo(epoch: string, seq: number, isMissing: boolean): void
  /**
   * Call when this node stops waiting for an origin that had to report its last number: the origin did not do so in time, or too many messages wait.
   * Nobody knows whether messages are missing, so the destination reports that some may be missing.
   */
  giveUp(epoch: string): void
}
