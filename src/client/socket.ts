import type { Signal } from './signal.ts'

/**
 * A connection to the server: a `WebSocket` of a browser, Node, ws, undici, Deno or Bun, or an `EventSource`. A client sets the `on…` properties of
 * the socket, so do not set these properties yourself.
 */
export interface ClientSocket {
  /** The client's listener for messages. */
  onmessage?: unknown
  /** The client's listener for the end of the connection. The listener gets the close code. */
  onclose?: unknown
  /** The client's listener for errors: an attempt to connect failed, or an `EventSource` lost its connection. */
  onerror?: unknown
  /** The client sets this property to `'arraybuffer'`, so that bytes come as an `ArrayBuffer`. */
  binaryType?: unknown
  /** Sends a text. An `EventSource` has no such method: see the option `send`. */
  send?(text: string): void
  /** Ends the connection. */
  close(): void
  /** Ends the connection without a closing handshake. The sockets of ws and Bun have this method, but those of browsers do not. */
  terminate?(): void
}

/** Why a connection ended, or could not be made. */
export interface Loss {
  /** The code of the close event. Absent if there was none, for example because the server fell silent, or because the socket is an `EventSource`. */
  readonly code?: number | undefined
  /**
   * The reason of the close or of the server's goodbye, which may be an empty text. If neither came, a reason of the client:
   *
   * - `failed`: the connection could not be made, or the socket reported an error
   * - `timeout`: the server's welcome did not come in time
   * - `silent`: the server does not answer
   * - `send`: a command could not be sent
   */
  readonly reason: string
  /**
   * The error that `connect` or `send` threw, or the socket's `error` event. Absent if nothing was thrown and the socket had no `error` event.
   */
  readonly error?: unknown
}

/** Sends a text. */
export type Write = (text: string) => unknown

/**
 * Returns the function that sends texts. Returns `undefined` if the client cannot send.
 *
 * @param signal aborted when the connection ends
 * @param post sends a text by another way, such as an HTTP request. Used if the socket itself cannot send
 */
export function writerOf(socket: ClientSocket | undefined, signal: Signal | undefined, post: Write | undefined): Write | undefined {
  if (socket?.send) return (text) => socket.send?.(text)
  let last: PromiseLike<unknown> = Promise.resolve()
  // Texts are sent one after the other. Otherwise, one HTTP request could overtake another, and an unsubscribe could end a subscription that was made
  // after it. Texts that still wait when the connection ends are not sent.
  return post && ((text) => (last = last.then(() => signal?.aborted || post(text))))
}

/**
 * Ends a connection at once. Later events of the connection are ignored, even its `close` event, which may come minutes later if the peer has
 * vanished.
 *
 * @param isLost true if the peer may have vanished, and so might not answer a closing handshake
 */
export function hangUp(socket: ClientSocket, isLost?: boolean): void {
  socket.onmessage = socket.onclose = null
  // ws throws an error that has no listener, for instance because it is closed before it has opened.
  socket.onerror = () => {}
  try {
    socket[isLost && socket.terminate ? 'terminate' : 'close']?.()
  } catch {
    // The connection is gone already.
  }
}
