/**
 * The private fields of ws that a direct write depends on. ws 8.0 to 8.17 has all of them except `_state`. ws 8.18 to 8.23 has all of them except
 * `_deflating`. In other versions, any of these fields may be missing.
 */
export interface Internals {
  readonly _isServer?: unknown
  readonly _socket?: Partial<TcpSocket> | null
  readonly _sender?: Sender | null
  readonly _extensions?: Readonly<Record<string, Extension | null | undefined>> | null
}

export interface TcpSocket {
  readonly writable: boolean
  readonly writableNeedDrain: boolean
  cork(): void
  uncork(): void
  write(bytes: Uint8Array): boolean
  on(event: 'drain', listener: () => void): unknown
  off(event: 'drain', listener: () => void): unknown
}

interface Sender {
  /** False in the middle of a message that the host sends in fragments (`fin: false`). */
  readonly _firstFragment?: unknown
  readonly _queue?: unknown
  /** True while ws deflates. This field exists in ws 8.17 and older. */
  readonly _deflating?: unknown
  /** Since ws 8.18: `0` unless ws deflates or reads a Blob. */
  readonly _state?: unknown
}

interface Extension {
  /** The negotiated parameters, with the names of RFC 7692. */
  readonly params?: Readonly<Record<string, unknown>> | null
}

const PERMESSAGE_DEFLATE = 'permessage-deflate'

/** The largest window, and the default if no window was negotiated: RFC 7692, 7.1.2. */
export const LARGEST_WINDOW_BITS = 15
const SMALLEST_WINDOW_BITS = 8

/** True if ws would write a message at once. While ws still processes an earlier message, a direct write would overtake it. */
export function isIdle(sender: Internals['_sender']): boolean {
  if (sender?._firstFragment !== true || (sender._queue as { length?: unknown } | undefined)?.length !== 0) return false
  return sender._state === 0 || (sender._state === undefined && sender._deflating === false)
}

/** True if the TCP socket can be written to. When the TCP socket has ended, the WebSocket may still report that it is open. */
export function isWritable(tcp: Internals['_socket']): tcp is TcpSocket {
  return tcp?.writable === true && typeof tcp.write === 'function' && typeof tcp.cork === 'function' && typeof tcp.uncork === 'function'
}

/**
 * Returns the window bits of a server's socket that compresses each message independently of the others: 8 to 15. A window of n bits has 2 to the
 * power of n bytes.
 *
 * Returns `undefined` for any other socket of a server. On a socket with context takeover, ws compresses a message by referring back to earlier
 * messages. If the library wrote a message in between, the client would resolve these references wrongly.
 */
export function windowBitsOf(socket: { readonly extensions: string }): number | undefined {
  if (socket.extensions !== PERMESSAGE_DEFLATE) return undefined
  const params = (socket as Internals)._extensions?.[PERMESSAGE_DEFLATE]?.params
  if (params?.['server_no_context_takeover'] !== true) return undefined
  const { server_max_window_bits: bits = LARGEST_WINDOW_BITS } = params
  return Number.isInteger(bits) && (bits as number) >= SMALLEST_WINDOW_BITS && (bits as number) <= LARGEST_WINDOW_BITS ? (bits as number) : undefined
}
