import { setTimeout as sleep } from 'node:timers/promises'

const LOOK_EVERY_MS = 20
const PATIENCE_MS = 60_000

/** Settles when something is so. Rejects if that takes too long, so that a test does not hang. `why` says then what is not so. */
export async function until(isSo: () => boolean | Promise<boolean>, why: () => string = () => String(isSo)): Promise<void> {
  for (const deadlineMs = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(LOOK_EVERY_MS)) {
    if (performance.now() > deadlineMs) throw new Error(`After ${PATIENCE_MS} ms it is still not so: ${why()}`)
  }
}
