import type { PublishResult } from '../../model/publish-result.ts'
import type { CloseReason } from '../../ports/connection.ts'
import { counter, counters, gauge, upDownCounter, type Series } from './series.ts'

/** The numbers of `manager.stats()` that are measured. Each has the meaning that `Stats` gives it. */
export interface ManagerStats {
  /** Messages that were handed to a socket. */
  readonly sent: number
  /** Waiting messages that a newer message of their stream replaced. */
  readonly conflated: number
  /** Messages that were dropped because too much was waiting, or because they had waited too long. */
  readonly dropped: number
  /** Messages that could not be sent, or that made their client a slow consumer. */
  readonly failed: number
  /** Messages that were not sent, because the connection was no longer a recipient when the delivery reached it. */
  readonly skipped: number
  /** Waiting messages that were discarded, for example because their connection was unsubscribed or removed. */
  readonly purged: number
  /** Messages that a socket accepted and rejected later. */
  readonly rejected: number
  /** Gap notices that were handed to a socket instead of dropped messages. */
  readonly gapNotices: number
  /** Messages that waited for another delivery to end. */
  readonly deferred: number
  /** Messages that have not been handed to a socket yet. */
  readonly waiting: number
  /** The size of the messages that wait in send queues: UTF-16 units of the texts, or bytes of the frames that have a `byteLength`. */
  readonly waitingBytes: number
  /** The largest total size of the messages that ever waited for one connection. */
  readonly mostWaitingBytes: number
  /** Connections for which messages wait, because their sockets have no room. */
  readonly connectionsBehind: number
}

/** All that `instrument` needs of a manager. A `ConnectionManager` fits as it is. */
export interface MeasuredManager {
  /** How many connections there are. */
  readonly connectionCount: number
  /** How many users have a connection. */
  readonly userCount: number
  /** How many subscriptions there are. */
  readonly subscriptionCount: number
  /** How many streams have a subscriber. */
  readonly streamCount: number
  /** Returns the totals since the manager was made, and the present values, such as `waiting`. */
  stats(): ManagerStats
  /** Publishes a message. `instrument` puts a function in front of this method. */
  publish(message: never, options?: never): PublishResult
  /** Calls the listener for each new connection. Returns a function that removes the listener. */
  on(event: 'connectionAdded', listener: () => void): () => void
  /** Calls the listener for each connection that is removed. Returns a function that removes the listener. */
  on(event: 'connectionRemoved', listener: (removal: { readonly reason: CloseReason }) => void): () => void
}

/** Connections that were added and removed while the manager was measured. */
export interface ConnectionCounts {
  added: number
  readonly removed: Record<CloseReason, number>
}

/** What is read from a manager at one collection. */
export interface ManagerReading {
  readonly manager: MeasuredManager
  readonly stats: ManagerStats
  readonly connections: ConnectionCounts
}

export const MANAGER_SERIES: readonly Series<ManagerReading>[] = [
  upDownCounter('connection.count', '{connection}', 'Connections.', ({ manager }) => manager.connectionCount),
  upDownCounter('connection.behind', '{connection}', 'Connections whose sockets have no room, so that messages wait.', ({ stats }) => stats.connectionsBehind),
  counter('connection.additions', '{connection}', 'Connections that were added.', ({ connections }) => connections.added),
  counters('connection.removals', '{connection}', 'Connections that were removed.', 'reason', ({ connections }) => connections.removed),
  upDownCounter('user.count', '{user}', 'Users with a connection.', ({ manager }) => manager.userCount),
  upDownCounter('subscription.count', '{subscription}', 'Subscriptions, pending ones included.', ({ manager }) => manager.subscriptionCount),
  upDownCounter('stream.count', '{stream}', 'Streams with a subscriber, pending ones included.', ({ manager }) => manager.streamCount),
  counters('message.deliveries', '{message}', 'Deliveries that ended. A message counts once for each recipient.', 'outcome', ({ stats }) => outcomesIn(stats)),
  counter('message.rejections', '{message}', 'Messages that a socket accepted and rejected later. They also count as sent.', ({ stats }) => stats.rejected),
  counter('message.deferrals', '{message}', 'Messages that waited for another delivery to end.', ({ stats }) => stats.deferred),
  counter('gap.notices', '{notice}', 'Notices to clients that messages are missing.', ({ stats }) => stats.gapNotices),
  upDownCounter('queue.message.count', '{message}', 'Messages that wait, the batch of this turn included.', ({ stats }) => stats.waiting),
  upDownCounter('queue.size', 'By', 'Size of the messages that wait. Texts count in UTF-16 units.', ({ stats }) => stats.waitingBytes),
  gauge('queue.size.peak', 'By', 'Largest size that ever waited for one connection.', ({ stats }) => stats.mostWaitingBytes),
]

function outcomesIn({ sent, conflated, dropped, failed, skipped, purged }: ManagerStats): Readonly<Record<string, number>> {
  return { sent, conflated, dropped, failed, skipped, purged }
}
