import type { Socket } from '../ports/connection.ts'
import { adopted, disown, isThenable } from '../guards/user-code.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** Takes what user code failed with. */
export type FailureReport = (error: unknown) => void

/**
 * Listens for the close of one socket, whatever its transport does meanwhile.
 *
 * It begins before the connection is registered, because a transport may say at once that the socket is closed already, and
 * ends when the connection is removed.
 */
export class CloseListener {
  /** What the transport's `onClose` threw, or an error if it returned no function. */
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

  /** True once the transport said that the socket is closed. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Says what to do when the socket closes from now on. */
  attach(closed: () => void): void {
    this.#closed = closed
  }

  /** Ends the listening. Nothing happens the second time. */
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

/** A transport whose `onClose` returns no function may not listen at all: that is reported. */
function asFunction(stop: unknown): () => unknown {
  if (typeof stop === 'function') return stop as () => unknown
  disown(stop)
  throw new Error('onClose must return a function')
}
