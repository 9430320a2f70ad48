import type { CloseReason, Socket } from './connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import { assertNamed } from '../guards/named-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'

/**
 * What a host can do better than `socket.send(text)` and `socket.close()`. Every hook is optional, read once, and called as a method of
 * its object. A plain object with any other property, such as a misspelt hook, is refused with `ERR_INVALID_OPTION`. An object of a class
 * may have members of its own. If `write` takes anything but texts, `frame` must make it.
 *
 * Hooks run synchronously, in the middle of the manager's work. What they publish while a message is delivered, or what waits
 * is handed on, waits its turn, as from within a `send`.
 *
 * @typeParam TFrame what `write` takes: whatever `frame` makes of a text, or the text itself where there is no `frame`
 */
export type Transport<TSocket = Socket, TFrame = string> = TransportHooks<TSocket, TFrame> &
  ([string] extends [TFrame] ? unknown : Required<Pick<TransportHooks<TSocket, TFrame>, 'frame'>>)

/**
 * A transport with any kind of frame: what a manager takes for all of its connections.
 *
 * No type can say "any frame, but the same in both hooks". So frames are texts, bytes or other objects, and `frame` and `write` must
 * agree on which of these. To have more checked, declare the transport as a `Transport<MySocket, MyFrame>`.
 */
export type ManagerTransport<TSocket = Socket> =
  | UnframedTransport<TSocket>
  | Transport<TSocket>
  | Transport<TSocket, ByteFrame>
  | Transport<TSocket, ObjectFrame>
  | OpaqueTransport<TSocket>

/** A transport without a `frame`. Its `write`, if there is one, takes texts. */
type UnframedTransport<TSocket> = Omit<TransportHooks<TSocket>, 'frame'> & { readonly frame?: undefined }

/** A frame that is bytes: whatever has a `byteLength`. */
interface ByteFrame {
  readonly byteLength: number
}

/** Any other object. */
type ObjectFrame = object & { readonly byteLength?: undefined }

/** A transport whose `write` takes any frame. The hooks are function types, so a `write` that wants a certain frame does not fit. */
type OpaqueTransport<TSocket> = Omit<TransportHooks<TSocket, unknown>, 'frame' | 'write'> & {
  readonly frame: Required<TransportHooks<TSocket, unknown>>['frame']
  readonly write?: (socket: TSocket, frames: readonly unknown[]) => number | void | Promise<void>
}

/** The hooks of a transport; see `Transport` for which of them belong together. */
export interface TransportHooks<TSocket = Socket, TFrame = string> {
  /**
   * Makes what goes on the wire of a message's text, once per publish: all sockets of this transport share it. Only
   * called where there is a `write`.
   *
   * The text of a gap notice passes through here as well, once per connection that is told: its `message` has the data
   * `{ type: 'gap', dropped }`, and the timestamp of the last message that is missing. A throw counts as `failed` for the
   * connections of this transport, and ends none of them; of a notice it ends the connection, which would not learn
   * otherwise what is missing.
   *
   * `message` is `undefined` for a text of the host's own, from `connection.send`. If the frame has a `byteLength` that is a whole number, that
   * counts against the limits. Otherwise the text's UTF-16 units count.
   */
  frame?(text: string, message: StreamMessage<unknown, string> | undefined): TFrame
  /**
   * Writes what one turn of the event loop brought, in order, as one write, or in several if it is more than `softLimitBytes`.
   * The array is the transport's to keep.
   *
   * A number says how many frames were accepted, from the first on; the others wait, and are offered again. Anything
   * else means all of them. A throw, or a promise that rejects, ends the connection: `send-failed`.
   */
  write?(socket: TSocket, frames: readonly TFrame[]): number | void | Promise<void>
  /**
   * Bytes that the socket has accepted and not sent yet. What is no number of 0 or more, and a throw, count as unknown.
   *
   * @default a numeric `bufferedAmount`, or `getBufferedAmount()`, of the socket; with neither, pressure is unknown
   */
  readonly bufferedBytes?: (socket: TSocket) => number
  /**
   * Calls the listener whenever the socket may have room again; the returned function ends that. Instead of polling: a
   * drain that is never told leaves what waits where it is until the next message comes.
   *
   * Registered when a connection falls behind, ended when it caught up. Too early, or twice, is harmless.
   */
  readonly onDrain?: (socket: TSocket, listener: () => void) => () => void
  /**
   * Calls the listener when the socket has closed; the returned function ends that. The manager then removes the connection with
   * the reason `peer-closed` and does not touch the socket again, so that the host need not do it.
   *
   * Called before the connection is registered. If the listener is called at once, within this hook, the socket is closed already:
   * `addConnection` throws `ERR_SOCKET_CLOSED`. The returned function is called once, when the connection is removed for any reason
   * or was not registered after all. Calls of the listener that come later, or twice, do nothing.
   */
  readonly onClose?: (socket: TSocket, listener: () => void) => () => void
  /** Closes the socket, instead of `socket.close()`; a promise settles when it is really closed. */
  readonly close?: (socket: TSocket, reason: CloseReason) => Promise<void> | void
  /**
   * Ends the socket at once and discards what it buffers: for slow consumers, and after a `close` that failed or outlived its
   * deadline.
   */
  readonly terminate?: (socket: TSocket) => void
}

// Function types where a hook takes a socket alone: methods would let a transport of one kind of socket pass for another's.
// `frame` and `write` are methods so that one of any frame fits where the frame is nobody's business.

/** A transport of whatever sockets and frames. */
export type AnyTransport = Transport<Socket, unknown>

const HOOKS = ['frame', 'write', 'bufferedBytes', 'onDrain', 'onClose', 'close', 'terminate'] as const satisfies (keyof AnyTransport)[]

/** Given → what the manager goes by. A transport that two managers, or connections, share is one: its frames are made once. */
const transports = /* @__PURE__ */ new WeakMap<object, AnyTransport>()

/**
 * Returns the value as a transport whose hooks were read, once and for all.
 *
 * An object of a class may have other members, but needs one hook at least.
 *
 * @throws `ERR_INVALID_OPTION` when it is no object, when a plain object has a property that is no hook, or when a hook cannot be
 * called; `option` names it
 */
export function asTransport(value: unknown): AnyTransport {
  const known = transports.get(value as object)
  if (known !== undefined) return known
  assertNamed(value, HOOKS, invalid, 'classes have more')
  const hooks: Record<string, unknown> = {}
  for (const name of HOOKS) {
    const hook = hookOf(value, name)
    if (hook !== undefined) hooks[name] = hook
  }
  transports.set(value, hooks)
  return hooks
}

function hookOf(transport: object, name: (typeof HOOKS)[number]): unknown {
  const refusal = (cause: unknown): ConnectionManagerError => invalid('must be readable', name, cause)
  const hook = readUserCode(() => (transport as Record<string, unknown>)[name], refusal)
  if (hook === undefined) return undefined
  if (typeof hook !== 'function') throw invalid(`must be a function, got ${describe(hook)}`, name)
  return bound(hook as () => unknown, transport, refusal)
}

function invalid(what: string, hook?: string, cause?: unknown): ConnectionManagerError {
  const option = hook === undefined ? 'transport' : `transport.${hook}`
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Option ${option} ${what}`, { option }, cause)
}
