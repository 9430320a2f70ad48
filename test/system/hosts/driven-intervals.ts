/** What beats rarely enough to be a heartbeat. */
const RARELY_MS = 10_000

/** The heartbeats that a server started. Each beats when it is told to, and not by itself. */
export class DrivenIntervals {
  readonly #listeners: (() => void)[] = []

  get count(): number {
    return this.#listeners.length
  }

  /** Runs what starts a server: its rare intervals are driven from now on. */
  async while<T>(start: () => Promise<T>): Promise<T> {
    const original = globalThis.setInterval
    const driven = (listener: () => void, ms: number, ...args: []): unknown => {
      if (ms < RARELY_MS) return original(listener, ms, ...args)
      this.#listeners.push(listener)
      return { unref: () => {} }
    }
    globalThis.setInterval = driven as typeof setInterval
    try {
      return await start()
    } finally {
      globalThis.setInterval = original
    }
  }

  beat(): void {
    for (const listener of this.#listeners) listener()
  }
}
