import type { PublishResult } from '../../model/publish-result.ts'
import type { CloseReason } from '../../ports/connection.ts'
import { counter, counters, gauge, upDownCounter, type Series } from './series.ts'

/** The numbers of `manager.stats()` that are measured. */
export interface ManagerStats {
  readonly sent: number
  readonly conflated: number
  readonly dropped: number
  readonly failed: number
  readonly skipped: number
  readonly purged: number
  readonly rejected: number
  readonly gapNotices: number
  readonly deferred: number
  readonly waiting: number
  readonly waitingBytes: number
  readonly mostWaitingBytes: number
  readonly connectionsBehind: number
}

/** All that `instrument` needs of a manager. A `ConnectionManager` fits as it is. */
export interface MeasuredManager {
  readonly connectionCount: number
  readonly userCount: number
  readonly subscriptionCount: number
  readonly streamCount: number
  stats(): ManagerStats
  publish(message: never, options?: never): PublishResult
  on(event: 'connectionAdded', listener: () => void): () => void
  on(event: 'connectionRemoved', listener: (removal: { readonly reason: CloseReason }) => void): () => void
}

/** Connections that were added and removed since the measuring began. */
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
