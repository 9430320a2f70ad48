import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'

/** Waits until something holds. The deadline only ends what hangs. */
export async function until(holds) {
  const deadline = Date.now() + 30_000
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `Still not: ${holds}`)
    await setTimeout(5)
  }
}
