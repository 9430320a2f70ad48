import type { Socket } from '../ports/connection.ts'
import { adopted, disown, isThenable } from '../guards/user-code.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** Receives an error of user code. The code threw the error, or its promise rejected with the error. */
export type FailureReport = (error: unknown) => void

/**
 * Listens for the close of one socket through its transport's `onClose`, which is user code.
 *
 * The listener starts before the connection is registered, because a transport may report at once that the socket is closed. The listener stops when
 * the connection is removed, or if the connection is not registered after all.
 */
export class CloseListener {
  /** The error that `onClose` threw, or an error if `onClose` did not return a function. */
  readonly failure: { readonly error: unknown } | undefined
  #isClosed = false
  #closed: (() => void) | undefined
  #stop: (() => unknown) | undefined

  constructor(socket: Socket, onClose: Required<AnyTransport>['onClose']) {
    try {
      this.#stop = asFunction(onClose(socket, () => this.#tell()))
    } catch (error) {
      this.failure = { error }
    }
  }

  /** True once the transport has reported that the socket is closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** From now on, a report that the socket is closed calls `closed`. Read `isClosed` first: an earlier report does not call it. */
  attach(closed: () => void): void {
    this.#closed = closed
  }

  /** Stops listening. A second call does nothing. */
  stop(report: FailureReport): void {
    const stop = this.#stop
    this.#stop = undefined
    this.#closed = undefined
    try {
      const answer = stop?.()
      if (isThenable(answer)) adopted(answer).catch(report)
    } catch (error) {
      report(error)
    }
  }

  #tell(): void {
    this.#isClosed = true
    this.#closed?.()
  }
}

/** @throws if `onClose` did not return a function, because then the transport might not be listening */
function asFunction(stop: unknown): () => unknown {
  if (typeof stop === 'function') return stop as () => unknown
  disown(stop)
  throw new Error('onClose must return a function')
}
