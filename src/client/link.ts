/**
 * A connection to the server: a `WebSocket` of a browser, Node, ws, undici, Deno or Bun, or an `EventSource`. A client uses its `on…` properties, so
 * do not set these yourself.
 */
export interface ClientSocket {
  onmessage?: unknown
  onclose?: unknown
  onerror?: unknown
  binaryType?: unknown
  /** Sends a text. An `EventSource` has no such method: see `send` of the options. */
  send?(text: string): void
  close(): void
  /** Cuts the connection without a closing handshake. Only ws has it. */
  terminate?(): void
}

/** Why a connection is gone, or was not made. */
export interface Loss {
  /** The close code. Absent if there was none: the connection was not made, it fell silent, or it is an `EventSource`. */
  readonly code?: number | undefined
  /**
   * What the server wrote as the reason of its close or of its goodbye. Otherwise what the client saw: `closed`, `connect` (it was not made, or an
   * `EventSource` failed), `timeout` (it was not made in time), `silent` (nobody answers) or `send` (a command could not be sent).
   */
  readonly reason: string
  /** What `connect` or `send` threw, or the socket's `error` event. Absent if there is none. */
  readonly error?: unknown
}

/** As much of an `AbortSignal` as a client uses. */
export interface Signal {
  readonly aborted: boolean
  readonly reason?: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** The `AbortSignal` of the runtime, if its types are known. */
export type RuntimeSignal = typeof globalThis extends { AbortSignal: { prototype: infer TSignal } } ? TSignal : Signal

declare class AbortController {
  readonly signal: RuntimeSignal & Signal
  abort(): void
}

/** Makes a connection, or a promise of one. */
export type Connect = (signal: RuntimeSignal) => ClientSocket | PromiseLike<ClientSocket>

/** One attempt to connect, and the connection that comes of it. It tells nothing any more once it has ended. */
export class Link {
  socket: ClientSocket | undefined
  /** True once the server has answered. Before that, an error of a WebSocket is its end: in undici, no close event follows it. */
  isWelcomed = false
  readonly #controller = new AbortController()
  readonly #hear: (data: unknown) => void
  readonly #lose: (loss: Loss) => void

  constructor(hear: (data: unknown) => void, lose: (loss: Loss) => void) {
    this.#hear = hear
    this.#lose = lose
  }

  async open(connect: Connect): Promise<void> {
    try {
      const made = connect(this.#controller.signal)
      // A socket that is there already must not miss its first event.
      this.#use('then' in made ? await made : made)
    } catch (error) {
      this.#lost({ reason: 'connect', error })
    }
  }

  /** @param isSilent true if nobody answers, so that a closing handshake would take long */
  end(isSilent: boolean): void {
    this.#controller.abort()
    if (this.socket) drop(this.socket, isSilent)
  }

  get #isOver(): boolean {
    return this.#controller.signal.aborted
  }

  #use(socket: ClientSocket): void {
    // It was made too late.
    if (this.#isOver) return drop(socket, false)
    this.socket = socket
    if ('binaryType' in socket) socket.binaryType = 'arraybuffer'
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.#isOver || this.#hear(data)
    socket.onclose = ({ code, reason }: { readonly code?: number; readonly reason?: string }) => this.#lost({ code, reason: reason || 'closed' })
    // An EventSource has no close event. It would come back by itself, at once, together with all the others.
    socket.onerror = (error: unknown) => (socket.send && this.isWelcomed) || this.#lost({ reason: 'connect', error })
  }

  #lost(loss: Loss): void {
    if (!this.#isOver) this.#lose(loss)
  }
}

/** Drops a socket at once. Nothing that it tells from now on is heard, not even its close: of a peer that vanished, that may take minutes. */
function drop(socket: ClientSocket, isSilent: boolean): void {
  socket.onmessage = socket.onclose = null
  // ws throws an error that has no listener, for instance because it is closed before it has opened.
  socket.onerror = () => {}
  try {
    if (isSilent && socket.terminate) socket.terminate()
    else socket.close()
  } catch {
    // It is gone, then.
  }
}
