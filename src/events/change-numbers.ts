/** Numbers the changes of a manager. Fields and no methods: each message is a change, and would pay for the calls. */
export interface ChangeNumbers {
  /** The change that is being made or told; `0` between changes. */
  current: number
  latest: number
}
