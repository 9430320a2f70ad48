/** The members of an `AbortSignal` that a client uses. */
export interface Signal {
  /** True once the signal was aborted. */
  readonly aborted: boolean
  /** Why the signal was aborted. */
  readonly reason?: unknown
  /** Calls the listener when the signal is aborted. */
  addEventListener(type: 'abort', listener: () => void): void
  /** Removes the listener. */
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The `AbortSignal` type of the runtime, or `Signal` if the runtime's types are not installed. */
export type RuntimeSignal = typeof globalThis extends { AbortSignal: { prototype: infer TSignal } } ? TSignal : Signal

/** The options of a subscription, an iteration or a request that a signal can end. */
export interface Abortable {
  /** When the signal is aborted, the listener is removed, the iteration ends, or the promise of the request rejects. */
  readonly signal?: Signal | undefined
}

/** Calls `act` when the signal is aborted, or at once if the signal was aborted before. Returns a function that removes the listener. */
export function whenAborted(signal: Signal | undefined, act: () => void): () => void {
  signal?.addEventListener('abort', act)
  if (signal?.aborted) act()
  return () => signal?.removeEventListener('abort', act)
}
