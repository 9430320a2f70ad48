import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { StreamStatus } from '../model/notices.ts'
import type { Revocation } from '../model/revocation.ts'
import type { StreamSource } from '../model/source.ts'
import type { ClusterStream } from './cluster-events.ts'

/** The members of a manager that a cluster uses. You can pass a `ConnectionManager`. */
export interface ClusterManager<TStreams extends StreamCatalogue = TradingStreams> {
  /** The users who have a connection. Each key is a user's id. */
  readonly userConnections: ReadonlyMap<string, unknown>
  /** Returns the active streams: those that have a connected subscriber, or had one a short time ago. */
  activeStreams(): readonly ClusterStream<keyof TStreams & string>[]
  /** Delivers another node's message to the subscribers. The caller passes the message's text, so the manager neither serializes nor records it. */
  publish(message: never, options: { readonly text: string }): unknown
  /** Tells the subscribers of a stream that messages are missing. `dropped` is how many, or `undefined` if nobody knows how many. */
  notifyGap(stream: StreamSource<TStreams>, dropped: number | undefined): void
  /** Ends all subscriptions that match the revocation. Returns how many subscriptions ended. */
  revoke(revocation: Revocation<TStreams>): number
  /** Removes all connections of a user. The promise resolves to the number of these connections. */
  removeUser(userId: string): Promise<number>
  /** Sets the status of a stream's source. Returns false if the stream has no subscriber. */
  setStreamStatus(stream: StreamSource<TStreams>, status: StreamStatus): boolean
  /**
   * Calls the listener of `streamActive` when an idle stream gets its first connected subscriber. Calls the listener of `streamIdle` when an active
   * stream has had no connected subscriber for some time. Returns a function that removes the listener.
   */
  on(event: 'streamActive' | 'streamIdle', listener: (stream: ClusterStream<keyof TStreams & string>) => void): () => void
  /** Calls the listener when a user gets a first connection, or loses the last connection. Returns a function that removes the listener. */
  on(event: 'userOnline' | 'userOffline', listener: (user: { readonly userId: string }) => void): () => void
}
