/** As much of an `AbortSignal` as a client uses. */
export interface Signal {
  readonly aborted: boolean
  readonly reason?: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The `AbortSignal` of the runtime, if its types are known. */
export type RuntimeSignal = typeof globalThis extends { AbortSignal: { prototype: infer TSignal } } ? TSignal : Signal

/** Calls `act` if the signal is aborted, now or later. Returns a function that forgets it. */
export function whenAborted(signal: Signal | undefined, act: () => void): () => void {
  signal?.addEventListener('abort', act)
  if (signal?.aborted) act()
  return () => signal?.removeEventListener('abort', act)
}
