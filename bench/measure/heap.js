const TURNS = 2

/** Returns the bytes that are in use once all garbage is collected. The process needs `--expose-gc`. */
export async function heapBytes() {
  if (globalThis.gc === undefined) throw new Error('The heap cannot be measured without --expose-gc')
  for (let turn = 0; turn < TURNS; turn++) {
    // What a promise or a finalizer still holds is let go when the loop turns.
    await new Promise((resolve) => setImmediate(resolve))
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}
