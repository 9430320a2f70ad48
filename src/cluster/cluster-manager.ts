import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { Revocation } from '../model/revocation.ts'
import type { StreamSource } from '../model/source.ts'
import type { ClusterStream } from './cluster-events.ts'

/** The methods of a manager that a cluster calls. A `ConnectionManager` fits as it is. */
export interface ClusterManager<TStreams extends StreamCatalogue = TradingStreams> {
  /** The users that have a connection. The keys are their ids. */
  readonly userConnections: ReadonlyMap<string, unknown>
  /** Returns the streams that have a subscriber. */
  activeStreams(): readonly ClusterStream<keyof TStreams & string>[]
  /** Delivers a message of another node to the subscribers. The text of the message is given, so nothing is serialized or recorded. */
  publish(message: never, options: { readonly text: string }): unknown
  /** Tells the subscribers of a stream that `dropped` messages are missing. `undefined` means that nobody knows how many. */
  notifyGap(stream: StreamSource<TStreams>, dropped: number | undefined): void
  /** Ends the subscriptions that match. Returns how many ended. */
  revoke(revocation: Revocation<TStreams>): number
  /** Removes all connections of a user. The promise says how many there were. */
  removeUser(userId: string): Promise<number>
  /** Sets the status of a stream's source. Returns false if the stream has no subscriber. */
  setStreamStatus(stream: StreamSource<TStreams>, status: StreamStatus): boolean
  /** Calls the listener when a stream gets its first subscriber, or has had none for some time. Returns a function that removes the listener. */
  on(event: 'streamActive' | 'streamIdle', listener: (stream: ClusterStream<keyof TStreams & string>) => void): () => void
  /** Calls the listener when a user gets the first connection, or loses the last one. Returns a function that removes the listener. */
  on(event: 'userOnline' | 'userOffline', listener: (user: { readonly userId: string }) => void): () => void
}
