/** As much of an `AbortSignal` as a client uses. */
export interface Signal {
  /** True once it has been aborted. */
  readonly aborted: boolean
  /** Why it was aborted. */
  readonly reason?: unknown
  /** Calls the listener when it is aborted. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Removes the listener. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The `AbortSignal` of the runtime, if its types are known. */
export type RuntimeSignal = typeof globalThis extends { AbortSignal: { prototype: infer TSignal } } ? TSignal : Signal

/** Calls `act` if the signal is aborted, now or later. Returns a function that removes the listener. */
export function whenAborted(signal: Signal | undefined, act: () => void): () => void {
  signal?.addEventListener('abort', act)
  if (signal?.aborted) act()
  return () => signal?.removeEventListener('abort', act)
}
