import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Collects all that nobody holds any more; a `WeakRef` that was read in this tick counts as a hold until it is over. */
export async function collectGarbage(): Promise<void> {
  await new Promise((resolve) => void setImmediate(resolve))
  setFlagsFromString('--expose-gc')
  ;(runInNewContext('gc') as () => void)()
}
