import { ConnectionManagerError, describe } from '../../errors.ts'
import { ErrorReports } from '../../guards/error-reports.ts'
import { assertManager } from '../operated-manager.ts'
import { absenceOptions, type AbsenceOptions } from './options.ts'
import type { Absence, Departure } from './departure.ts'
import { Departures } from './departures.ts'

/** All that `watchAbsence` needs of a manager. A `ConnectionManager` fits as it is. */
export interface PresenceManager {
  /** Calls the listener when a user gets the first connection. Returns a function that removes the listener. */
  on(event: 'userOnline', listener: (user: { readonly userId: string }) => void): () => void
  /** Calls the listener when a user loses the last connection. Returns a function that removes the listener. */
  on(event: 'userOffline', listener: (departure: Departure) => void): () => void
}

/** A watch for absent users. `watchAbsence` returns it. */
export interface AbsenceWatch {
  /**
   * Stops the watch: the listener is not called any more. Returns the users for whom it still waits, in the order in which they left: their grace is
   * not over, or the cluster has not answered about them yet. A server that shuts down can act for these users itself, because nobody else will. A
   * second call returns an empty array.
   */
  stop(): Departure[]
}

/**
 * Calls `listener` when a user has been gone for `graceMs`: the user lost the last connection on this node, and did not return in that time. A
 * connection that `reassign` gives to another user counts as lost.
 *
 * With a `cluster`, a user who is connected to another node at the end of the grace is not absent. If the cluster cannot tell, the listener is called
 * with `isCertain: false`. If many users leave together, the cluster is asked about at most 100 of them at a time, so that the broker is not overrun.
 *
 * Each node with such a watch tells the other nodes when a user leaves it. A node that waits for this user then begins the grace again.
 * So no node reports a user before the user has been away from all nodes for `graceMs`. If a text between the nodes is lost because a node cannot reach
 * the broker or dies, a report may come early, but only if the user is connected to no node at that moment.
 *
 * A node waits only for users whose last connection on that node has ended. If the node ends or dies during the grace, it calls no listener. If a
 * user leaves two nodes within one grace, each of them reports the user. So the listener must tolerate a second call.
 *
 * Users who left before this call are not watched. The listener is called at most once for each departure. If it throws or rejects, the other users
 * are still reported. One timer serves all users, and a second one all questions to the cluster. Neither keeps the process alive.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `manager` is not a manager or `listener` is not a function, and `ERR_INVALID_OPTION` naming the option that is
 * unknown, missing or out of range
 *
 * @example
 * import { watchAbsence } from 'stream-connection-manager/operations'
 *
 * const manager = new ConnectionManager()
 * const watch = watchAbsence(manager, { graceMs: 50 }, ({ userId, reason }) => {
 *   console.log(`cancel the orders of ${userId}: ${reason}`)
 * })
 *
 * const connection = manager.addConnection('c1', socket, 'alice')
 * await connection.remove()
 * await new Promise((resolve) => setTimeout(resolve, 100))
 * watch.stop()
 */
export function watchAbsence(manager: PresenceManager, options: AbsenceOptions, listener: (absence: Absence) => void): AbsenceWatch {
  assertManager(manager, ['on'])
  if (typeof listener !== 'function') {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid \`listener\`: expected a function, got ${describe(listener)}`)
  }
  const { onError, ...rest } = absenceOptions(options, (error) => reports.print('its clock', error))
  const reports = new ErrorReports<[Absence]>(onError, 'operations', 'the listener of `watchAbsence`')
  const departures = new Departures({ ...rest, listener, reports })
  const removers = rest.graceMs === Infinity ? [] : listen(manager, departures)
  return {
    stop() {
      for (const remove of removers) remove()
      return departures.clear()
    },
  }
}

function listen(manager: PresenceManager, departures: Departures): (() => void)[] {
  return [
    manager.on('userOffline', ({ userId, reason }) => departures.add({ userId, reason })),
    manager.on('userOnline', ({ userId }) => departures.delete(userId)),
  ]
}
