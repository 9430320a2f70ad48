/** Numbers the changes of a manager. These are plain fields, because each message is a change, and method calls would slow it down. */
export interface ChangeNumbers {
  /** The number of the change that is being made or told; `0` between changes. */
  current: number
  latest: number
}
