import { Listeners } from './listeners.ts'

/** The members of a response that server-sent events use. Responses of `node:http` and `node:http2`, and HTTP/2 streams, have these members. */
export interface SseResponse {
  readonly writableLength: number
  readonly writableEnded: boolean
  readonly writableFinished: boolean
  readonly destroyed?: boolean
  write(chunk: Uint8Array, flushed: () => void): boolean
  end(): unknown
  destroy(): unknown
  on(event: string, listener: (error?: unknown) => void): unknown
  /** The HTTP/2 stream below a response of `node:http2`. */
  readonly stream?: { readonly destroyed: boolean; on(event: string, listener: () => void): unknown } | undefined
}

/** Fields of Node's own responses. Any of these fields may be missing. */
interface Internals {
  /** False for an answer to HEAD, and for a status that has no body. */
  readonly _hasBody?: unknown
  readonly statusCode?: unknown
  readonly req?: { readonly method?: unknown; readonly socket?: TcpSocket | null } | null
  readonly stream?: Http2Internals | null
}

interface Http2Internals {
  readonly headRequest?: unknown
  readonly sentHeaders?: { readonly ':status'?: unknown } | null
  readonly session?: { readonly socket?: TcpSocket | null } | null
}

/** The TCP or TLS socket below a response. */
interface TcpSocket {
  readonly destroyed?: boolean
  readonly bytesWritten?: number
  readonly writableLength?: number
  readonly _handle?: Handle | null
  on?(event: 'close', listener: () => void): unknown
}

interface Handle {
  /** The bytes that libuv holds. The number falls while the kernel accepts parts of a large write. */
  readonly writeQueueSize?: number
  /** The TCP handle below a TLS handle. */
  readonly _parent?: Handle | null
}

const STATUSES_WITHOUT_BODY: readonly unknown[] = [204, 304]

/** TCP socket → its close listeners. All pipelined responses share one listener on the socket, because Node warns about more than ten listeners. */
const closing = /* @__PURE__ */ new WeakMap<object, Listeners>()

/** True if the response has no body, such as an answer to HEAD. No event can be sent through such a response. */
export function hasNoBody(response: SseResponse): boolean {
  const { _hasBody, req, statusCode } = response as Internals
  const { headRequest, sentHeaders } = http2Of(response)
  if (_hasBody === false || req?.method === 'HEAD' || headRequest === true) return true
  return STATUSES_WITHOUT_BODY.includes(statusCode ?? sentHeaders?.[':status'])
}

/** True if the response was destroyed, or the HTTP/2 stream below it, or the TCP socket of an HTTP/1 response. */
export function isDestroyed(response: SseResponse): boolean {
  return response.destroyed === true || response.stream?.destroyed === true || tcpOfRequest(response)?.destroyed === true
}

/**
 * Calls the listener when the TCP socket of an HTTP/1 response has closed. The returned function removes the listener. For HTTP/2, the listener is
 * not called, because an HTTP/2 stream reports its end itself.
 *
 * The response's own `close` event is not enough: up to Node 22, a response that waits for its turn in a pipeline does not emit it.
 */
export function onTcpClose(response: SseResponse, listener: () => void): () => void {
  const tcp = tcpOfRequest(response)
  if (typeof tcp?.on !== 'function') return () => {}
  let listeners = closing.get(tcp)
  if (listeners === undefined) {
    listeners = new Listeners()
    closing.set(tcp, listeners)
    tcp.on('close', listeners.tell)
  }
  return listeners.add(listener)
}

/**
 * Returns a text that changes whenever the TCP socket sends bytes. The text also changes in the middle of a large write, and when other responses on
 * the same TCP socket send bytes.
 */
export function tcpProgress(response: SseResponse): string {
  try {
    const tcp = tcpOfRequest(response) ?? http2Of(response).session?.socket
    const dispatched = (tcp?.bytesWritten ?? 0) - (tcp?.writableLength ?? 0)
    return [dispatched, tcp?._handle?.writeQueueSize, tcp?._handle?._parent?.writeQueueSize].join()
  } catch {
    // The session of an HTTP/2 stream has ended, so every property of its socket throws.
    return ''
  }
}

/** Returns the TCP socket of an HTTP/1 response. Returns `undefined` for HTTP/2, because an HTTP/2 stream reports its end itself. */
function tcpOfRequest(response: SseResponse): TcpSocket | undefined {
  return response.stream === undefined ? ((response as Internals).req?.socket ?? undefined) : undefined
}

/** Returns the HTTP/2 stream below a response. If there is none, returns the response itself, which may be an HTTP/2 stream. */
function http2Of(response: SseResponse): Http2Internals {
  return (response as Internals).stream ?? (response as Http2Internals)
}
