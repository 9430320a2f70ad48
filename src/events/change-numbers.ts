/** Numbers the changes of a manager. These are plain fields, because each message is a change, and method calls would slow that down. */
export interface ChangeNumbers {
  /** The number of the running change. A change runs until its listeners were called. `0` between changes. */
  current: number
  latest: number
}
