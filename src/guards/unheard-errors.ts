import { disown } from './user-code.ts'

/**
 * Prints errors for which the host has no listener, because silence would hide a broken server.
 *
 * For each warning, only the first error is printed, because a socket may fail a thousand times a second. Apart from the warning, only the error
 * itself is printed, and nothing about messages, users or connections.
 */
export class UnheardErrors {
  readonly #printed = new Set<string>()

  /** @param warning - says what failed, and how the host can listen */
  print(warning: string, error: unknown): void {
    if (this.#printed.has(warning)) return
    this.#printed.add(warning)
    warn(`${warning} Further errors are not printed.`, error)
  }
}

/** Calls `console.warn`. The console may be missing, or replaced by any other value. */
function warn(...values: readonly unknown[]): void {
  try {
    const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
    disown(console?.warn?.(...values))
  } catch {
    // There is no other place to print to.
  }
}
