import { guarded } from './guarded-call.ts'
import type { AnyMessage, AnyUpdate } from './update.ts'

export type StreamListener = (update: AnyUpdate) => void

declare function queueMicrotask(fn: () => void): void

/** Who listens to a stream. */
export class StreamListeners extends Set<StreamListener> {
  readonly #failed: (error: unknown) => void

  constructor(failed: (error: unknown) => void) {
    super()
    this.#failed = failed
  }

  tell(update: AnyUpdate): void {
    for (const listener of [...this]) this.#tellOne(listener, update)
  }

  /** Soon tells a late listener the last messages that others have heard already, unless newer ones come first. */
  tellLate(listener: StreamListener, lasts: ReadonlyMap<string, AnyMessage>): void {
    for (const [key, message] of lasts) queueMicrotask(() => lasts.get(key) === message && this.#tellOne(listener, message))
  }

  #tellOne(listener: StreamListener, update: AnyUpdate): void {
    // An earlier listener may have unsubscribed this one.
    if (this.has(listener)) void guarded(() => listener(update), this.#failed)
  }
}
