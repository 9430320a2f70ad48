/** Numbers the changes of a manager. These are fields without methods, because each message is a change and would pay for the calls. */
export interface ChangeNumbers {
  /** The number of the change that is being made or told; `0` between changes. */
  current: number
  latest: number
}
