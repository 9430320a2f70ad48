import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all that nobody holds any more; a `WeakRef` that was read in this tick counts as a hold until it is over. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What one collection finalizes may be the last to hold something else.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => void setImmediate(resolve))
    collect()
  }
}
