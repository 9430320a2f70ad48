import type { ChannelName } from '../model/channel.ts'
import type { ResolvedCatalogue } from '../model/catalogue.ts'
import type { Clock } from '../time/clock.ts'

/** A numbered message of a channel, and the text that its subscribers get. */
export interface LoggedMessage {
  /** The number in its epoch. */
  readonly seq: number
  /** The symbol of the message. A channel that is a whole type has messages of many symbols. */
  readonly symbol: string | undefined
  /** The text as it was sent, with its place. */
  readonly text: string
}

/** The epoch in which this node publishes in a channel. */
export interface OwnEpoch {
  readonly epoch: string
  /** The last number. */
  readonly seq: number
  /** How long ago the first message was published, and the last one. */
  readonly ageMs: number
  readonly lastAgeMs: number
}

/** How far one epoch of a channel is known. */
export interface EpochKnowledge {
  /** The last number that is known. */
  readonly seq: number
  /** The last number that is not held any more. `0` if every message is held. */
  readonly forgotten: number
}

/** A message that this node has published and numbered a moment ago. It has not been delivered yet. */
export interface RecordedPublish {
  readonly channel: ChannelName
  readonly epoch: string
  readonly message: LoggedMessage
}

/** A stream that a client is about to subscribe to, and the position that the client gave. */
export interface ReadyRequest {
  /** The stream's type. A type that the catalogue does not have is no error: the subscribe refuses it. */
  readonly streamType: string
  /** The symbol. Absent for a stream without a symbol, and for the whole type. */
  readonly symbol?: string | null | undefined
  /** The client's user, if the type is private. */
  readonly userId?: string | null | undefined
  /** Anything but a position is no error: then the client is told that something may be missing. */
  readonly position?: unknown
}

/** What only the cluster of a node knows. */
export interface LogCluster {
  /** False once the node has left its cluster. */
  readonly isOpen: boolean
  /** True if this node has all that the others have published in a channel. If not, nobody can resume there, because something may be missing. */
  isWhole(channel: ChannelName): boolean
  /** Resolves when this node has all that the others still hold of a channel, back to the position. */
  ready(request: ReadyRequest): Promise<void>
}

/**
 * The numbers and the last messages of all channels of one node: what a cluster needs of a recovery.
 *
 * One epoch of a channel is this node's own. A publish adds to it. The other epochs belong to other nodes, and to earlier runs. A cluster adds to
 * these.
 */
export interface ChannelLog {
  /** The manager's catalogue. */
  readonly streams: ResolvedCatalogue
  /** The manager's source of time. */
  readonly clock: Clock
  /** Returns the name of something that nobody can guess. */
  randomName(): string
  /** Calls the listener for each message that this node publishes, before the message is delivered. */
  onRecorded(listener: (recorded: RecordedPublish) => void): () => void
  /** Returns this node's own epoch of a channel. `undefined` if this node has published nothing in it. */
  own(channel: ChannelName): OwnEpoch | undefined
  /** True if this node published in this epoch, now or in an earlier run. Also true for a mark, of which no node can say more. */
  isOwn(channel: ChannelName, epoch: string): boolean
  /** Returns the epochs of other nodes that are known. */
  others(channel: ChannelName): string[]
  /** Returns what is known of an epoch of another node. `undefined` if nothing is. */
  other(channel: ChannelName, epoch: string): EpochKnowledge | undefined
  /** Adds a message of another node. If numbers before it are missing, nobody can resume from before them any more. */
  append(channel: ChannelName, epoch: string, message: LoggedMessage): void
  /** Adds messages from before those that are held, oldest first. Those that leave a gap to the held ones are left out. */
  prepend(channel: ChannelName, epoch: string, messages: readonly LoggedMessage[]): void
  /** Notes that another node has published up to this number. The messages up to it are not held here. */
  skipTo(channel: ChannelName, epoch: string, seq: number): void
  /** @throws `ERR_INVALID_ARGUMENT` if the log is another manager's, or in a cluster that is open */
  assertMayJoin(manager: unknown): void
  /** From now on, this node is one of several: see `LogCluster`. */
  join(cluster: LogCluster): void
  /** Forgets an epoch of another node, with its numbers. A position that names it is not recovered any more. */
  forgetEpoch(channel: ChannelName, epoch: string): void
  /** Returns the held messages of an epoch whose numbers are from `first` to `last`, oldest first. */
  range(channel: ChannelName, epoch: string, first: number, last: number): LoggedMessage[]
}
