import type { CloseDetails, CloseReason, Socket } from './connection.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import { assertNamed } from '../guards/named-fields.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { WireData } from '../model/wire-data.ts'

/**
 * The hooks by which a manager writes to sockets, measures their buffers, and closes them. Use a transport if `socket.send(text)` and
 * `socket.close()` are not enough.
 *
 * Every hook is optional. The manager reads each hook once, and calls it as a method of the transport. A plain object with any other property, such
 * as a misspelt hook, is refused with `ERR_INVALID_OPTION`. An instance of a class may have other members. If `write` takes anything other than
 * texts, the transport must also have a `frame` that makes the frames.
 *
 * The manager calls hooks synchronously. If a hook publishes during a delivery or a flush, that message is deferred, as if a socket's `send` had
 * published it.
 *
 * @typeParam TFrame one item of the array that `write` gets: the value that `frame` returns, or the text itself if there is no `frame`
 * @typeParam TText the type of the text that `frame` gets. Use `string | Uint8Array` if the host sends bytes
 */
export type Transport<TSocket = Socket, TFrame = string, TText extends WireData = string> = TransportHooks<TSocket, TFrame, TText> &
  ([TText] extends [TFrame] ? unknown : Required<Pick<TransportHooks<TSocket, TFrame, TText>, 'frame'>>)

/**
 * A transport with any kind of frame, as a manager accepts it for all of its connections.
 *
 * TypeScript has no type for "any frame, but the same in both hooks". So this type only checks that `frame` and `write` both use texts, both
 * use bytes, or both use other objects. For a stricter check, declare the transport as a `Transport<MySocket, MyFrame>`.
 */
export type ManagerTransport<TSocket = Socket> =
  | UnframedTransport<TSocket>
  | Transport<TSocket>
  | Transport<TSocket, ByteFrame>
  | Transport<TSocket, ObjectFrame>
  | OpaqueTransport<TSocket>

/** A transport without a `frame`. If the transport has a `write`, the frames are texts. */
type UnframedTransport<TSocket> = Omit<TransportHooks<TSocket>, 'frame'> & { readonly frame?: undefined }

/** A frame of bytes: any object with a `byteLength`. */
interface ByteFrame {
  readonly byteLength: number
}

/** A frame that is any other object. */
type ObjectFrame = object & { readonly byteLength?: undefined }

/** A transport whose `write` takes any frame. `write` is a function type here, so a `write` for one type of frame is not assignable. */
type OpaqueTransport<TSocket> = Omit<TransportHooks<TSocket, unknown>, 'frame' | 'write'> & {
  readonly frame: Required<TransportHooks<TSocket, unknown>>['frame']
  readonly write?: (socket: TSocket, frames: readonly unknown[]) => number | void | Promise<void>
}

/** The hooks of a transport. The type `Transport` says which hooks depend on each other. */
export interface TransportHooks<TSocket = Socket, TFrame = string, TText extends WireData = string> {
  /**
   * Makes a frame from a message's text. The transport's `write` takes this frame. Called at most once for each message, because all sockets of this
   * transport share the frame. Only called if there is a `write`.
   *
   * Also called once for each gap notice of a send queue, because such a notice goes to only one connection. For a gap notice, the `message` has the
   * data `{ type: 'gap', dropped }`, and the timestamp of the last missing message. `frame` fails if it throws or returns a promise. If `frame` fails
   * for a message, the message counts as `failed` for the connections of this transport, and the connections stay. If `frame` fails for such a gap
   * notice, the connection is removed, because its client would not learn that messages are missing.
   *
   * For the `skip` of a recorder, the `message` has the data `{ type: 'skip' }`. For a text from `connection.send`, and for a notice that is sent
   * like one, the `message` is `undefined`. If the frame's `byteLength` is a whole number, the limits count `byteLength`. Otherwise the limits count
   * the `length` of the text: UTF-16 units of a string, or bytes.
   */
  frame?(text: TText, message: StreamMessage<unknown, string> | undefined): TFrame
  /**
   * Writes frames, in order. While the connection keeps up, `write` is called at the end of a turn of the event loop with the frames of that turn, or
   * several times in the turn if the frames exceed `softLimitBytes` or `hardLimitBytes`. If nothing tells how many bytes the socket has buffered,
   * only `hardLimitBytes` counts. If frames had to wait, `write` is called when the socket has room again. The transport may keep the array.
   *
   * If `write` returns a number, `write` has accepted that many frames, counted from the first. The messages of the other frames go back into the
   * queue. They are offered again, unless they are replaced, dropped or purged. Any other return value means that all frames were accepted. If
   * `write` throws, or returns a promise that rejects, the connection is removed with reason `send-failed`.
   */
  write?(socket: TSocket, frames: readonly TFrame[]): number | void | Promise<void>
  /**
   * Returns the bytes that the socket has accepted but not sent yet. If the hook throws, or returns anything but a positive number, the result
   * counts as 0: the socket has room.
   *
   * @default the socket's `bufferedAmount`, or its `getBufferedAmount()` if it has no `bufferedAmount`. With neither, the socket always counts as
   * having room
   */
  readonly bufferedBytes?: (socket: TSocket) => number
  /**
   * Calls the listener whenever the socket may have room again. The returned function removes the listener.
   *
   * With this hook, the manager does not poll the socket, unless the hook throws or does not return a function. If the transport fails to report a
   * drain, waiting messages stay in the queue until the next message for the connection comes, the host calls `drained()` or `flush()`, or `maxLagMs`
   * is over. The manager adds its listener when a connection falls behind, and removes it when the connection has caught up or is removed. An early
   * or repeated report of a drain does no harm.
   */
  readonly onDrain?: (socket: TSocket, listener: () => void) => () => void
  /**
   * Calls the listener when the socket has closed. The returned function removes the listener.
   *
   * The manager then removes the connection with reason `peer-closed`, and does not touch the socket again. So the host need not remove the
   * connection. The hook is called before the connection is registered. If the hook calls the listener at once, the socket is closed already, and
   * `addConnection` throws `ERR_SOCKET_CLOSED`. If the hook throws, or does not return a function, the connection is still added, and the manager
   * emits `error` with stage `transport`. The manager calls the returned function once: when the connection is removed for any reason, or when
   * `addConnection` did not register the connection. After that, a call of the listener has no effect. If the listener is called several times, only
   * the first call has an effect.
   */
  readonly onClose?: (socket: TSocket, listener: () => void) => () => void
  /**
   * Closes the socket. Called instead of `socket.close()`. A returned promise settles when the socket has closed. `details` has the `code` and the
   * `reason` of `connection.remove({ code, reason })`. The argument `details` is `undefined` if the host gave neither.
   */
  readonly close?: (socket: TSocket, reason: CloseReason, details?: CloseDetails) => Promise<void> | void
  /**
   * Closes the socket at once and discards its buffer. Called for a slow consumer, unless its socket reports that it has room again. Also called
   * after a `close` that failed or timed out.
   */
  readonly terminate?: (socket: TSocket) => void
}

// All hooks except `frame` and `write` are declared as function types. If they were methods, TypeScript would accept a transport for another kind of
// socket. `frame` and `write` are declared as methods, so that a transport with any frame is an `AnyTransport`.

/** A transport for any kind of socket and frame. */
export type AnyTransport = Transport<Socket, unknown, WireData>

const HOOKS = ['frame', 'write', 'bufferedBytes', 'onDrain', 'onClose', 'close', 'terminate'] as const satisfies (keyof AnyTransport)[]

/**
 * The object that the host gave → its hooks. All connections with the same object share the hooks, so the frame of a message is made once for all of
 * them.
 */
const transports = /* @__PURE__ */ new WeakMap<object, AnyTransport>()

/**
 * Returns the value as a transport. The hooks of an object are read once.
 *
 * An instance of a class may have other members, but needs at least one hook.
 *
 * @throws `ERR_INVALID_OPTION` if the value is not an object, if an instance of a class has no hook, if a plain object has a property that is not a
 * hook, or if a hook is not a function. The error's `option` names the property, or is `transport` if the whole value is wrong
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
  const refusal = (cause: unknown): ConnectionManagerError => invalid('reading it threw', name, cause)
  const hook = readUserCode(() => (transport as Record<string, unknown>)[name], refusal)
  if (hook === undefined) return undefined
  if (typeof hook !== 'function') throw invalid(`expected a function, got ${describe(hook)}`, name)
  return bound(hook as () => unknown, transport, refusal)
}

function invalid(what: string, hook?: string, cause?: unknown): ConnectionManagerError {
  const option = hook === undefined ? 'transport' : `transport.${hook}`
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
