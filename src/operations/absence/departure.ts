import type { CloseReason } from '../../ports/connection.ts'

/** A user who lost the last connection on this node, and has not come back to this node. */
export interface Departure {
  /** The user's id. */
  readonly userId: string
  /** Why the last connection was removed. `reassigned` if it was given to another user. */
  readonly reason: CloseReason | 'reassigned'
}

/** A user who has been gone for the whole grace, `graceMs`. */
export interface Absence extends Departure {
  /**
   * True if it is certain that the user has no connection. False if the cluster could not say whether the user has one on another node. Without a
   * cluster, always true.
   */
  readonly isCertain: boolean
}
