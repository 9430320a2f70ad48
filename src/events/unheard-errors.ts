import { disown } from '../guards/user-code.ts'

/** What an error event says, as far as it is printed. */
interface Failure {
  readonly error: unknown
  readonly stage: string
}

/**
 * Prints errors that have no listener: silence would hide a broken server.
 *
 * One for each stage is enough to be noticed; a socket may fail a thousand times a second. The error itself is shown, and nothing of
 * messages, users or connections.
 */
export class UnheardErrors {
  readonly #printed = new Set<string>()

  print({ error, stage }: Failure): void {
    if (this.#printed.has(stage)) return
    this.#printed.add(stage)
    warn(
      `stream-connection-manager: an error at the stage "${stage}" had no listener. ` +
        "Listen with manager.on('error', ({ error, stage, connection }) => …). Further ones of this stage are not printed.",
      error,
    )
  }
}

/** A console may be missing, or replaced by anything. */
function warn(...values: readonly unknown[]): void {
  try {
    const { console } = globalThis as { readonly console?: { warn?(...values: readonly unknown[]): unknown } | null }
    disown(console?.warn?.(...values))
  } catch {
    // Then there is nowhere left to say so.
  }
}
