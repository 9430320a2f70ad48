const DEADLINE_MS = 30_000
const LOOK_AGAIN_MS = 25

/**
 * Looks until what it sees is there, and answers it. It takes as long as the machine needs: only what never comes fails.
 *
 * @template T
 * @param {string} what is awaited, for the failure
 * @param {() => T | Promise<T>} look
 * @returns {Promise<Exclude<T, false | 0 | '' | null | undefined>>}
 */
export async function until(what, look) {
  const endsAt = performance.now() + DEADLINE_MS
  for (;;) {
    const seen = await look()
    if (seen) return /** @type {Exclude<T, false | 0 | '' | null | undefined>} */ (seen)
    if (performance.now() > endsAt) throw new Error(`Waited in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
