import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all garbage. A `WeakRef` that was read in this tick keeps its target alive until the tick is over. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // What one collection finalizes may be the last to hold something else.
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => void setImmediate(resolve))
    collect()
  }
}
