import type { DeliveryClass } from './catalogue.ts'
import { SubscriptionStatus } from './subscription.ts'

/**
 * Tells a client that messages are missing here. They were dropped because too much waited for the client, or because they waited too long. Or the
 * host reported them missing, by `notifyGap`.
 */
export interface GapNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing. `undefined` for a stream without a symbol, and for all streams of the type. */
  readonly symbol: string | undefined
  /** How many messages of this stream are missing here: 1 or more. `undefined` if the server does not know. */
  readonly dropped: number | undefined
}

/** The status of a stream's source: see `setStreamStatus`. */
export type StreamStatus = Extract<SubscriptionStatus, 'CONNECTED' | 'RECONNECTING' | 'ERROR'>

/**
 * Tells a client that the status of a stream's source has changed. While it is not `CONNECTED`, the client's data of the stream may be out of date.
 */
export interface StatusNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'status'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a stream without a symbol. */
  readonly symbol: string | undefined
  /** The new status. */
  readonly status: StreamStatus
}

/** Answers a subscribe that was made by a recovery. What follows of the stream, follows from this place. */
export interface SubscribedNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'subscribed'
  /** The number of the client's command. Absent if it had none. */
  readonly id?: number
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a stream without a symbol, and for a whole type. */
  readonly symbol: string | undefined
  /** The client's position in the stream, before the messages that follow this notice. Give it back as it is. */
  readonly position: string
  /** `true` if nothing is missing since the position that the client gave, `false` if that cannot be proven, `null` if it gave none. */
  readonly recovered: boolean | null
  /** True if the numbers of the stream's messages have no holes. */
  readonly contiguous: boolean
  /** What the client gets if it is behind: only the newest message (`latest`), or every message (`every`). */
  readonly delivery: DeliveryClass
  /** `true` if a snapshot follows. Otherwise absent. */
  readonly snapshot?: true
}

/** Tells a client which message it was left out of by `except`. */
export interface SkipNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'skip'
  /** The stream type of the message. */
  readonly streamType: string
  /** The symbol of the message. `undefined` if it has none. */
  readonly symbol: string | undefined
  /** The epoch of the message. */
  readonly epoch: string
  /** The number of the message: 1 or more. */
  readonly seq: number
}

/** The notices of a manager. A recovery sends `SubscribedNotice` and `SkipNotice` besides. */
export type Notice = GapNotice | StatusNotice

const STREAM_STATUSES: readonly unknown[] = [SubscriptionStatus.CONNECTED, SubscriptionStatus.RECONNECTING, SubscriptionStatus.ERROR]

export function isStreamStatus(value: unknown): value is StreamStatus {
  return STREAM_STATUSES.includes(value)
}

/** Returns the wire form of a notice. */
export function noticeText(notice: Notice): string {
  const { type, streamType, symbol = null } = notice
  const what = notice.type === 'gap' ? { dropped: notice.dropped ?? null } : { status: notice.status }
  return JSON.stringify({ type, stream_type: streamType, symbol, ...what })
}
