import { disown } from '../guards/user-code.ts'

/** The part of an error event that is printed. */
interface Failure {
  readonly error: unknown
  readonly stage: string
}

/**
 * Prints errors that have no listener, because silence would hide a broken server.
 *
 * Only one error for each stage is printed, because a socket may fail a thousand times a second. Only the error itself is printed, and nothing about
 * messages, users or connections.
 */
export class UnheardErrors {
  readonly #printed = new Set<string>()

  print({ error, stage }: Failure): void {
    if (this.#printed.has(stage)) return
    this.#printed.add(stage)
    warn(
      `stream-connection-manager: an error at the stage "${stage}" had no listener. ` +
        "Listen with manager.on('error', ({ error, stage, connection }) => …). Further errors of this stage are not printed.",
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
    // There is no other place to print to.
  }
}
