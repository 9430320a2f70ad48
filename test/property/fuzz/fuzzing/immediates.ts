const real = globalThis.setImmediate

/** The runtime's `setImmediate`, which fake timers may take away: what is given to it meanwhile never happens. */
export class Immediates {
  get areFake(): boolean {
    return globalThis.setImmediate !== real
  }

  /** Swallows all that comes; or there are none, as in a browser. */
  fake(isSwallowing: boolean): void {
    globalThis.setImmediate = (isSwallowing ? () => {} : undefined) as unknown as typeof setImmediate
  }

  restore(): void {
    globalThis.setImmediate = real
  }

  /** Resolves when a real turn is over. */
  turn(): Promise<void> {
    return new Promise((resolve) => void real(resolve))
  }
}
