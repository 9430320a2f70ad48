import type { Socket } from '../../ports/connection.ts'
import { disown } from '../../guards/user-code.ts'
import type { AnyTransport } from '../../ports/transport.ts'

/** A transport with an `onDrain`. */
export type DrainTeller = AnyTransport & Required<Pick<AnyTransport, 'onDrain'>>

/** What a drain listener needs of its send queue. */
export interface DrainListening {
  /** Notes that there may be room again. */
  drained(): void
  hookFailed(error: unknown): void
  /** Calls a function, which is user code, when no message is being handed to a socket any more. */
  afterwards(act: () => void): void
}

/** Listens to the drains of one socket until it is stopped. Errors of the transport are reported. They do not end the connection. */
export class DrainListener {
  #isOver = false
  #stop: (() => void) | undefined
  readonly #listening: DrainListening

  constructor(listening: DrainListening) {
    this.#listening = listening
  }

  /**
   * Begins to listen. False if the transport's `onDrain` throws or does not return a function. A transport may call the listener at once, which
   * may stop this listening before it has begun.
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

/** Returns the function that ends the listening. If a transport returns none, the queue assumes that it does not listen at all. */
function asFunction(stop: unknown): () => void {
  if (typeof stop === 'function') return stop as () => void
  disown(stop)
  throw new Error('onDrain must return a function')
}
