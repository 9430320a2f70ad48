import type { ErrorReports } from '../../guards/error-reports.ts'
import { duration, functionIn, positive } from '../../guards/option-values.ts'
import type { Socket } from '../../ports/connection.ts'
import type { Clock, GuardedClock } from '../../time/clock.ts'
import { MOST_MISSED } from '../../time/pulse.ts'
import { clockIn, readOptions, reportsIn } from '../option-checks.ts'
import type { BeatingSocket } from './beating-socket.ts'

/** The options of `startHeartbeat`. An unknown name is refused. A value of `undefined` counts as absent. */
export interface HeartbeatOptions<TSocket extends Socket = Socket> {
  /**
   * How often each peer is sent a ping or a comment. Each connection has its own moment in the interval, so the server never sends to all of them at
   * once. Milliseconds, not `Infinity`. With `0`, nothing is sent. A number between 0 and 1 counts as 1.
   *
   * @default 30_000
   */
  readonly intervalMs?: number | undefined
  /**
   * How long a peer may leave pings unanswered, counted from the first of these pings, and rounded up to whole intervals. If no answer has come by
   * then, the connection is ended, and no further ping is sent. A pause of the process counts as one interval at most. So if `timeoutMs` is one
   * interval or less, a pause can end a connection whose answer has arrived. With `Infinity`, no connection is ended, and the pings only keep proxies
   * from closing a silent connection. Milliseconds, more than 0.
   *
   * For event streams, `comment` of `sseSocket` has its own rule.
   *
   * @default two intervals
   */
  readonly timeoutMs?: number | undefined
  /**
   * Returns the object with `ping` and `terminate`, or with `comment`, for hosts that wrap their sockets: `(peer) => peer.websocket` for crossws.
   * Called once for each connection: when it is added, or at the start if it is there already. Return `undefined` if a connection needs no heartbeat,
   * for instance because its host already has one.
   *
   * @default the connection's own socket
   */
  readonly socketOf?: ((socket: TSocket) => BeatingSocket | undefined) | undefined
  /**
   * Gets the errors that `socketOf`, a method of a socket, or the clock throws. Rejections of a socket's methods are ignored. `onError` also gets an
   * error with the code `ERR_INVALID_SOCKET` for each connection whose socket can send neither pings nor comments. Such a connection gets no
   * heartbeat.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown) => void) | undefined
  /**
   * The source of time. Pass the one that the manager has.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
}

/** The options of a heartbeat, validated and with their defaults. */
export interface ResolvedHeartbeatOptions {
  readonly intervalMs: number
  readonly mostMissed: number
  readonly socketOf: (socket: Socket) => unknown
  readonly reports: ErrorReports
  readonly clock: GuardedClock
}

const NAMES = ['intervalMs', 'timeoutMs', 'socketOf', 'onError', 'clock'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
export function resolvedOptions(options: unknown): ResolvedHeartbeatOptions {
  const given = readOptions(options, NAMES)
  const reports = reportsIn(given.onError, options, 'a heartbeat')
  const intervalMs = duration('intervalMs', given.intervalMs ?? 30_000)
  const timeoutMs = given.timeoutMs === undefined ? undefined : positive('timeoutMs', given.timeoutMs)
  return {
    intervalMs,
    mostMissed: timeoutMs === undefined ? MOST_MISSED : Math.max(1, Math.ceil(timeoutMs / intervalMs)),
    socketOf: given.socketOf === undefined ? (socket) => socket : functionIn('socketOf', given.socketOf, options),
    reports,
    clock: clockIn(given.clock, (error) => reports.tell(error)),
  }
}
