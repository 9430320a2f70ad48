import type { ChannelName } from '../model/channel.ts'
import type { ResolvedCatalogue } from '../model/catalogue.ts'
import type { Clock } from '../time/clock.ts'

/** A numbered message, and the text that subscribers get. `ChannelName` says what a channel is, and `Position` what an epoch is. */
export interface LoggedMessage {
  /** The number of the message in its epoch. */
  readonly seq: number
  /** The symbol of the message. A channel that is a whole type has messages of many symbols. */
  readonly symbol: string | undefined
  /** The text as it was sent, with its epoch and its number. */
  readonly text: string
}

/** The epoch in which this node publishes in a channel. */
export interface OwnEpoch {
  readonly epoch: string
  /** The number of the last message. */
  readonly seq: number
  /** How many milliseconds ago the first message (`ageMs`) and the last message (`lastAgeMs`) were published. */
  readonly ageMs: number
  readonly lastAgeMs: number
}

/** What a node knows of one epoch of a channel. */
export interface EpochKnowledge {
  /** The last number that is known. */
  readonly seq: number
  /**
   * A client whose last number of the epoch is lower than this one cannot resume, because a message that it missed may not be held. `0` if every
   * client can resume.
   */
  readonly forgotten: number
}

/** A message that this node has published and numbered a moment ago. The message has not been delivered yet. */
export interface RecordedPublish {
  /** The same object for all messages of a channel. */
  readonly channel: ChannelName
  readonly epoch: string
  /** Milliseconds since this node published the first message of the epoch. */
  readonly ageMs: number
  readonly message: LoggedMessage
}

/** A stream that a client is about to subscribe to, and the position that the client gave. */
export interface ReadyRequest {
  /** The stream's type. A type that the catalogue does not have is not an error here, because the subscribe will refuse the type. */
  readonly streamType: string
  /** The symbol. Absent for a stream without a symbol, and for the whole type. */
  readonly symbol?: string | null | undefined
  /** The client's user, if the type is private. */
  readonly userId?: string | null | undefined
  /** A value that is not a position is not an error here: the client will learn that messages may be missing. */
  readonly position?: unknown
}

/** Facts that only the cluster of a node knows. */
export interface LogCluster {
  /** False once the node has left its cluster. */
  readonly isOpen: boolean
  /**
   * True if this node has all messages that other nodes have published in a channel. If not, no client can resume in the channel, because messages
   * may be missing.
   */
  isWhole(channel: ChannelName): boolean
  /**
   * Resolves when this node has all messages after the position, as far as other nodes still hold them. Resolves after `repairTimeoutMs` at the
   * latest.
   */
  ready(request: ReadyRequest): Promise<void>
}

/**
 * The numbers and the last messages of all channels of one node: what a cluster needs of a recovery.
 *
 * One epoch of a channel is this node's own: each publish adds a message to this epoch. The other epochs belong to other nodes, or to this node
 * before a restart. The cluster adds messages to the epochs of other nodes.
 */
export interface ChannelLog {
  /** The manager's catalogue. */
  readonly streams: ResolvedCatalogue
  /** The manager's source of time. */
  readonly clock: Clock
  /** Returns a random name that nobody can guess. */
  randomName(): string
  /** Calls the listener for each message that this node publishes, before the message is delivered. The returned function removes the listener. */
  onRecorded(listener: (recorded: RecordedPublish) => void): () => void
  /**
   * Returns this node's own epoch of a channel. `undefined` if this node has published nothing in the channel since it started, or has forgotten the
   * channel.
   */
  own(channel: ChannelName): OwnEpoch | undefined
  /**
   * True if this is the node's own epoch, or an epoch in which this node published before a restart. Also true for a mark, which looks like an epoch
   * but has no messages: see `markOf`.
   */
  isOwn(channel: ChannelName, epoch: string): boolean
  /** Returns the epochs of other nodes that this node knows in a channel. */
  others(channel: ChannelName): string[]
  /** Returns what this node knows of another node's epoch. `undefined` if this node does not know the epoch. */
  other(channel: ChannelName, epoch: string): EpochKnowledge | undefined
  /**
   * Adds a message of another node. If numbers before this message are missing, a client that lacks one of the missing messages cannot resume any
   * more.
   */
  append(channel: ChannelName, epoch: string, message: LoggedMessage): void
  /**
   * Adds messages that are older than the held messages of the epoch, oldest first. Messages that come before a gap in the numbers are left out. Does
   * nothing for a `latest` stream type, and for a channel that this node does not know.
   */
  prepend(channel: ChannelName, epoch: string, messages: readonly LoggedMessage[]): void
  /**
   * Notes that another node has published up to this number. This node might not have all of these messages, so no client can resume from a lower
   * number. Does nothing if this node knows this number, or a higher one, already.
   */
  skipTo(channel: ChannelName, epoch: string, seq: number): void
  /** @throws `ERR_INVALID_ARGUMENT` if the log belongs to another manager, or to a cluster that is open */
  assertMayJoin(manager: unknown): void
  /** From now on, this node is part of a cluster: see `LogCluster`. */
  join(cluster: LogCluster): void
  /**
   * Forgets the numbers of another node's epoch. Its messages stay in the history. From now on, no client can resume in the channel from a position
   * that this node gave out earlier.
   */
  forgetEpoch(channel: ChannelName, epoch: string): void
  /** Returns the held messages of an epoch that have the numbers `first` to `last`, oldest first. */
  range(channel: ChannelName, epoch: string, first: number, last: number): LoggedMessage[]
}
