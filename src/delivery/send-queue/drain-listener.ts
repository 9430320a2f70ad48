import type { Socket } from '../../ports/connection.ts'
import { disown } from '../../guards/user-code.ts'
import type { AnyTransport } from '../../ports/transport.ts'

/** A transport with an `onDrain`. */
export type DrainTeller = AnyTransport & Required<Pick<AnyTransport, 'onDrain'>>

/** The functions of the send queue that a drain listener calls. */
export interface DrainListening {
  /** Called when the socket may have room again. */
  drained(): void
  hookFailed(error: unknown): void
  /** Calls a function of user code as soon as no message is being handed to a socket. */
  afterwards(act: () => void): void
}

/**
 * Listens for the drains of one socket until the listener is stopped. If `onDrain`, or the function that it returned, throws, the error is reported,
 * and the connection stays.
 */
export class DrainListener {
  #isOver = false
  #stop: (() => void) | undefined
  readonly #listening: DrainListening

  constructor(listening: DrainListening) {
    this.#listening = listening
  }

  /**
   * Begins to listen. Returns false if the transport's `onDrain` throws, or does not return a function. If the transport reports a drain while
   * `onDrain` runs, `stop` may be called before `onDrain` has returned.
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

/** @throws if `onDrain` did not return a function, because then the transport might not be listening */
function asFunction(stop: unknown): () => void {
  if (typeof stop === 'function') return stop as () => void
  disown(stop)
  throw new Error('onDrain must return a function')
}
