import type { Socket } from '../../ports/connection.ts'
import { disown } from '../../guards/user-code.ts'
import type { AnyTransport } from '../../ports/transport.ts'

/** A transport that tells of drains. */
export type DrainTeller = AnyTransport & Required<Pick<AnyTransport, 'onDrain'>>

/** What a listener leaves to whoever listens. */
export interface DrainListening {
  drained(): void
  hookFailed(error: unknown): void
  /** Calls user code that must not run in the middle of anything. */
  afterwards(act: () => void): void
}

/** Listens to one socket's drains until it is stopped, whatever its transport does meanwhile. */
export class DrainListener {
  #isOver = false
  #stop: (() => void) | undefined
  readonly #listening: DrainListening

  constructor(listening: DrainListening) {
    this.#listening = listening
  }

  /**
   * Begins to listen; false where the transport throws, or answers with no function. It may tell of a drain at once, and so
   * end this while it begins.
   */
  start(socket: Socket, transport: DrainTeller): boolean {
    try {
      this.#stop = asFunction(transport.onDrain(socket, () => void (this.#isOver || this.#listening.drained())))
      if (this.#isOver) this.stop()
      return true
    } catch (error) {
      this.#listening.hookFailed(error)
      return false
    }
  }

  stop(): void {
    this.#isOver = true
    const stop = this.#stop
    if (stop === undefined) return
    this.#listening.afterwards(() => {
      try {
        const answer: unknown = stop()
        disown(answer)
      } catch (error) {
        this.#listening.hookFailed(error)
      }
    })
  }
}

/** Who does not say how to end the listening may not listen at all. */
function asFunction(stop: unknown): () => void {
  if (typeof stop === 'function') return stop as () => void
  disown(stop)
  throw new Error('onDrain must answer with a function')
}
