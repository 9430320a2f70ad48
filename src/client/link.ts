import type { RuntimeSignal, Signal } from './signal.ts'

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

declare class AbortController {
  readonly signal: RuntimeSignal & Signal
  abort(): void
}

/** One attempt to connect, and the connection that comes of it. */
export interface Link {
  socket: ClientSocket | undefined
  /** True once the server has answered. Before that, an error of a WebSocket is its end: in undici, no close event follows it. */
  isWelcomed: boolean
  readonly controller: AbortController
}

/** Who is told what a connection does. */
export interface LinkHooks {
  heard(data: unknown): unknown
  lost(loss: Loss): unknown
}

export function newLink(): Link {
  return { socket: undefined, isWelcomed: false, controller: new AbortController() }
}

/** Makes the connection. */
export async function open(link: Link, connect: (signal: RuntimeSignal) => ClientSocket | PromiseLike<ClientSocket>, hooks: LinkHooks): Promise<void> {
  const { signal } = link.controller
  try {
    const made = connect(signal)
    // A socket that is there already must not miss its first event.
    const socket = 'then' in made ? await made : made
    link.socket = socket
    attach(link, socket, hooks)
    // It was made too late.
    if (signal.aborted) end(link, false)
  } catch (error) {
    hooks.lost({ reason: 'connect', error })
  }
}

function attach(link: Link, socket: ClientSocket, { heard, lost }: LinkHooks): void {
  socket.binaryType = 'arraybuffer'
  socket.onmessage = ({ data }: { readonly data: unknown }) => heard(data)
  socket.onclose = ({ code, reason }: { readonly code?: number; readonly reason?: string }) => lost({ code, reason: reason || 'closed' })
  // An EventSource has no close event. It would come back by itself, at once, together with all the others.
  socket.onerror = (error: unknown) => (socket.send && link.isWelcomed) || lost({ reason: 'connect', error })
}

/**
 * Drops a connection at once. Nothing that it tells from now on is heard, not even its close: of a peer that vanished, that may take minutes.
 *
 * @param isSilent true if nobody answers, so that a closing handshake would take long
 */
export function end({ socket, controller }: Link, isSilent: boolean): void {
  controller.abort()
  if (!socket) return
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
