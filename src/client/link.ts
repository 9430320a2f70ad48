import type { RuntimeSignal, Signal } from './signal.ts'

/**
 * A connection to the server: a `WebSocket` of a browser, Node, ws, undici, Deno or Bun, or an `EventSource`. A client uses its `on…` properties, so
 * do not set these yourself.
 */
export interface ClientSocket {
  /** Set by the client. Gets each message. */
  onmessage?: unknown
  /** Set by the client. Gets the end of the connection, with its close code. */
  onclose?: unknown
  /** Set by the client. Gets the failure of an attempt. */
  onerror?: unknown
  /** Set by the client, so that bytes come as an `ArrayBuffer`. */
  binaryType?: unknown
  /** Sends a text. An `EventSource` has no such method: see `send` of the options. */
  send?(text: string): void
  /** Ends the connection. */
  close(): void
  /** Cuts the connection without a closing handshake. Only ws has it. */
  terminate?(): void
}

/** Why a connection is gone, or was not made. */
export interface Loss {
  /** The close code. Absent if there was none: the connection was not made, it fell silent, or it is an `EventSource`. */
  readonly code?: number | undefined
  /**
   * What the server wrote as the reason of its close or of its goodbye, which may be empty. Otherwise what the client saw: `failed` (it was not made,
   * or the socket told of an error), `timeout` (it was not made in time), `silent` (nobody answers) or `send` (a command could not be sent).
   */
  readonly reason: string
  /** What `connect` or `send` threw, or the socket's `error` event. Absent if there is none. */
  readonly error?: unknown
}

declare class AbortController {
  readonly signal: RuntimeSignal & Signal
  abort(): void
}

/** The functions that are called with what happens on a connection. */
export interface LinkHooks {
  heard(message: { readonly data: unknown }): unknown
  lost(loss: Loss): unknown
}

/** One attempt to connect, and the connection that comes of it. */
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
   * Returns how texts leave. `undefined` if the connection only receives.
   *
   * @param post sends a text beside it
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
   * Drops the connection at once. Its later events are ignored, even its `close` event. If the peer has vanished, that event may come minutes later.
   *
   * @param isLost true if the peer may have gone, so that nobody answers a closing handshake
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
