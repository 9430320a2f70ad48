import type { Clock, ClockFailureListener } from '../../time/clock.ts'
import type { Absence } from './departure.ts'
import { functionIn, withMethods } from '../../guards/option-values.ts'
import { clockIn, numberIn, readOptions } from '../option-checks.ts'

/** All that `watchAbsence` needs of a cluster: the result of `joinCluster` fits as it is. */
export interface PresenceCluster {
  /** Resolves to true if the user has a connection on any node. Rejects if nobody knows. */
  isOnline(userId: string): Promise<boolean>
  /** Tells the nodes that follow the user's departures that the user has just left this node. If absent, they are not told. */
  announceDeparture?(userId: string): void
  /**
   * Calls the listener each time that another node announces that the user has left it. Returns a function that removes the listener. If this method
   * is absent, the watch does not notice that a user was on another node for a moment.
   */
  followDepartures?(userId: string, listener: () => void): () => void
}

/** The options of `watchAbsence`. An unknown name is refused. A value of `undefined` counts as absent. */
export interface AbsenceOptions {
  /**
   * How long a user must be gone before the listener is called. Milliseconds, `0` or more.
   *
   * With `0`, the grace ends in the next turn of the event loop. So a user whose connection is replaced within one turn is not absent. With
   * `Infinity`, nobody is watched: the listener is never called, and `stop` returns an empty array.
   */
  readonly graceMs: number
  /**
   * The cluster of this node. It is asked at the end of the grace, about at most 100 users at a time. If the user has a connection on another node,
   * the listener is not called. If the cluster does not answer within ten seconds, or `isOnline` rejects, the listener is called with
   * `isCertain: false`.
   *
   * Each node with such a watch tells the others when a user leaves it. A node that waits for this user then begins the grace again.
   *
   * @default none: only the connections of this node count
   */
  readonly cluster?: PresenceCluster | undefined
  /**
   * The source of time. Pass the one that the manager has.
   *
   * @default the runtime's own clock and timers
   */
  readonly clock?: Clock | undefined
  /**
   * Called if the listener throws, or returns a promise that rejects. Gets the error and the absence. `onError` does not get the errors of the
   * cluster and of the clock. If `isOnline` fails, the listener is called with `isCertain: false`. The first error of the other methods of the
   * cluster is printed, and so is the first error of the clock.
   *
   * @default prints only the first such error, with `console.warn`
   */
  readonly onError?: ((error: unknown, absence: Absence) => void) | undefined
}

/** The options of `watchAbsence`, validated and with defaults filled in. */
export interface ResolvedAbsenceOptions {
  readonly graceMs: number
  readonly cluster: PresenceCluster | undefined
  readonly clock: Clock
  readonly onError: ((error: unknown, absence: Absence) => unknown) | undefined
}

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range */
export function absenceOptions(options: unknown, clockFailed: ClockFailureListener): ResolvedAbsenceOptions {
  const given = readOptions(options, ['graceMs', 'cluster', 'clock', 'onError'])
  return {
    graceMs: numberIn('graceMs', given.graceMs, 0),
    cluster: given.cluster === undefined ? undefined : withMethods<PresenceCluster>('cluster', given.cluster, ['isOnline']),
    clock: clockIn(given.clock, clockFailed),
    onError: given.onError === undefined ? undefined : functionIn('onError', given.onError, options),
  }
}
