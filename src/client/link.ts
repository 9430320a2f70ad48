import type { RuntimeSignal, Signal } from './signal.ts'

/**
 * A connection to the server: a `WebSocket` of a browser, Node, ws, undici, Deno or Bun, or an `EventSource`. A client sets the `on…` properties of
 * the socket, so do not set these properties yourself.
 */
export interface ClientSocket {
  /** The client's listener for messages. */
  onmessage?: unknown
  /** The client's listener for the end of the connection. The listener gets the close code. */
  onclose?: unknown
  /** The client's listener for the failure of an attempt to connect. */
  onerror?: unknown
  /** The client sets this property to `'arraybuffer'`, so that bytes come as an `ArrayBuffer`. */
  binaryType?: unknown
  /** Sends a text. An `EventSource` has no such method: see the option `send`. */
  send?(text: string): void
  /** Ends the connection. */
  close(): void
  /** Ends the connection without a closing handshake. Only the sockets of ws have this method. */
  terminate?(): void
}

/** Why a connection ended, or could not be made. */
export interface Loss {
  /** The close code. Absent if the connection could not be made, fell silent, or is an `EventSource`. */
  readonly code?: number | undefined
  /**
   * The reason of the close or of the server's goodbye, which may be an empty text. If neither came, a reason of the client: `failed` (the connection
   * could not be made, or the socket reported an error), `timeout` (the connection was not made in time), `silent` (the server does not answer) or
   * `send` (a command could not be sent).
   */
  readonly reason: string
  /**
   * The error that `connect` or `send` threw, or the socket's `error` event. Absent if nothing was thrown and the socket had no `error` event.
   */
  readonly error?: unknown
}

declare class AbortController {
  readonly signal: RuntimeSignal & Signal
  abort(): void
}

/** The functions that a link calls with each message, and with the loss of the connection. */
export interface LinkHooks {
  heard(message: { readonly data: unknown }): unknown
  lost(loss: Loss): unknown
}

/** One attempt to connect, and the connection that the attempt makes. */
export class Link {
  socket: ClientSocket | undefined
  readonly #controller = new AbortController()

  /** Makes the connection. */
  async open(connect: (signal: RuntimeSignal) => ClientSocket | PromiseLike<ClientSocket>, { heard, lost }: LinkHooks): Promise<void> {
    const failed = (error: unknown): unknown => lost({ reason: 'failed', error })
    const { signal } = this.#controller
    try {
      const made = connect(signal)
      // A socket that is there already must not miss its first event.
      const socket = 'then' in made ? await made : made
      this.socket = socket
      socket.binaryType = 'arraybuffer'
      socket.onmessage = heard
      socket.onclose = lost
      // An EventSource has no close event, and would come back by itself, together with all others. undici has none if the handshake failed.
      socket.onerror = failed
      // It was made too late.
      if (signal.aborted) this.end()
    } catch (error) {
      failed(error)
    }
  }

  /**
   * Returns the function that sends texts. Returns `undefined` if the client cannot send.
   *
   * @param post sends a text for a connection that only receives
   */
  writer(post: ((text: string) => unknown) | undefined): ((text: string) => unknown) | undefined {
    const { socket } = this
    const { signal } = this.#controller
    if (socket?.send) return (text) => socket.send?.(text)
    let last: PromiseLike<unknown> = Promise.resolve()
    // One after the other: two requests of HTTP may overtake each other, and an unsubscribe would end what was subscribed after it. What still waits when the
    // connection is gone was given up.
    return post && ((text) => (last = last.then(() => signal.aborted || post(text))))
  }

  /**
   * Drops the connection at once. Later events of the connection are ignored, even its `close` event. If the peer has vanished, the `close` event may
   * come minutes later.
   *
   * @param isLost true if the peer may have vanished, and so may not answer a closing handshake
   */
  end(isLost = false): void {
    const { socket } = this
    this.#controller.abort()
    if (!socket) return
    socket.onmessage = socket.onclose = null
    // ws throws an error that has no listener, for instance because it is closed before it has opened.
    socket.onerror = () => {}
    try {
      if (isLost && socket.terminate) socket.terminate()
      else socket.close()
    } catch {
      // It is gone, then.
    }
  }
}
