/**
 * The numbers of a manager's changes. The numbers are plain fields, because each message is a change, and method calls would make each message
 * slower.
 */
export interface ChangeNumbers {
  /** The number of the running change. A change runs until its listeners have been called. `0` if no change is running. */
  current: number
  latest: number
}
