import type { Stage } from '../stage.ts'

/** One kind of call at the library. What it throws is judged by whoever makes it; what it answers may be a promise. */
export interface Call {
  readonly name: string
  readonly weight: number
  make(stage: Stage): unknown
}

/** Names a call. */
export function call(name: string, weight: number, make: (stage: Stage) => unknown): Call {
  return { name, weight, make }
}
