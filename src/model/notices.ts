import type { DeliveryClass } from './catalogue.ts'
import { SubscriptionStatus } from './subscription.ts'

/**
 * Tells a client that messages of a stream are missing at this place. The manager sends this notice if it has dropped messages, because too much
 * waited for the client or because they waited too long. The host can also send it with `notifyGap`. A recovery or a cluster sends it if messages may
 * be missing.
 */
export interface GapNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing. `undefined` for a stream without a symbol, or if messages of any stream of the type may be missing. */
  readonly symbol: string | undefined
  /** How many messages are missing at this place: 1 or more. `undefined` if the server does not know the number. */
  readonly dropped: number | undefined
}

/** The status of a stream's source: see `setStreamStatus`. */
export type StreamStatus = Extract<SubscriptionStatus, 'CONNECTED' | 'RECONNECTING' | 'ERROR'>

/**
 * Tells a client the status of a stream's source. The manager sends this notice when the status changes, and to a client that begins to receive the
 * stream while the status is not `CONNECTED`. Until the status is `CONNECTED` again, the client's data of the stream may be out of date.
 */
export interface StatusNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'status'
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a stream without a symbol, and for a whole type. */
  readonly symbol: string | undefined
  /** The present status. */
  readonly status: StreamStatus
}

/** Answers a client's subscribe command, if the server has a recovery. The stream's later messages continue from `position`. */
export interface SubscribedNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'subscribed'
  /** The number of the client's command. Absent if the command had no number. */
  readonly id?: number
  /** The stream type. */
  readonly streamType: string
  /** The symbol. `undefined` for a stream without a symbol, and for a whole type. */
  readonly symbol: string | undefined
  /**
   * The client's position in the stream, before the messages that follow this notice. To resume from this position, the client sends the text back
   * unchanged.
   */
  readonly position: string
  /**
   * `true` if the client gets all messages since the position that it gave. `false` if the server cannot prove this. `null` if the client gave no
   * position.
   */
  readonly recovered: boolean | null
  /** True if the numbers of the messages that this subscription gets have no holes, so that a missing number means a missing message. */
  readonly contiguous: boolean
  /** Which messages wait for a client that reads too slowly: only the newest one (`latest`), or every one (`every`). */
  readonly delivery: DeliveryClass
  /** `true` if a snapshot follows. Otherwise absent. */
  readonly snapshot?: true
}

/** Tells a client the number of a message that the client does not get, because its connection was in the option `except` of `publish`. */
export interface SkipNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'skip'
  /** The stream type of the message. */
  readonly streamType: string
  /** The symbol of the message. `undefined` if it has none. */
  readonly symbol: string | undefined
  /** The epoch of the message: the name of the numbering that `seq` belongs to. */
  readonly epoch: string
  /** The number of the message: 1 or more. */
  readonly seq: number
}

/** The notices that a manager sends. A recovery also sends `SubscribedNotice` and `SkipNotice`. */
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
