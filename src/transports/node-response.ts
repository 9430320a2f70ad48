import { Listeners } from './listeners.ts'

/** What server-sent events need of a response: those of `node:http` and `node:http2` fit, and HTTP/2 streams. */
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

/** Fields of Node's objects that a response need not have. Any of them may be missing. */
interface Internals {
  /** False for an answer to HEAD, and for a status without a body. */
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

/** The TCP socket, or the TLS one, below a response. */
interface TcpSocket {
  readonly destroyed?: boolean
  readonly bytesWritten?: number
  readonly writableLength?: number
  readonly _handle?: Handle | null
  on?(event: 'close', listener: () => void): unknown
}

interface Handle {
  /** What libuv holds: it shrinks while the kernel takes one large write bit by bit. */
  readonly writeQueueSize?: number
  /** The handle below that of TLS. */
  readonly _parent?: Handle | null
}

const STATUSES_WITHOUT_BODY: readonly unknown[] = [204, 304]

/** One listener for each TCP socket, however many responses are pipelined on it: Node warns of more than ten. */
const closing = /* @__PURE__ */ new WeakMap<object, Listeners>()

/** True if the response has no body, so that no event can ever leave by it: an answer to HEAD, for instance. */
export function hasNoBody(response: SseResponse): boolean {
  const { _hasBody, req, statusCode } = response as Internals
  const { headRequest, sentHeaders } = http2Of(response)
  if (_hasBody === false || req?.method === 'HEAD' || headRequest === true) return true
  return STATUSES_WITHOUT_BODY.includes(statusCode ?? sentHeaders?.[':status'])
}

/** True if the response, or what it leaves by, was destroyed. */
export function isDestroyed(response: SseResponse): boolean {
  return response.destroyed === true || response.stream?.destroyed === true || tcpOfRequest(response)?.destroyed === true
}

/**
 * Calls the listener when the TCP socket of the response's request has closed; the returned function ends that.
 *
 * Up to Node 22, a response that waits for its turn in a pipeline is told nothing of it.
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

/** Changes whenever bytes have left by the TCP socket, also in the middle of one large write, and also for other responses. */
export function tcpProgress(response: SseResponse): string {
  try {
    const tcp = tcpOfRequest(response) ?? http2Of(response).session?.socket
    const dispatched = (tcp?.bytesWritten ?? 0) - (tcp?.writableLength ?? 0)
    return [dispatched, tcp?._handle?.writeQueueSize, tcp?._handle?._parent?.writeQueueSize].join()
  } catch {
    // The session of an HTTP/2 stream has ended: its socket throws at any touch.
    return ''
  }
}

/** The TCP socket of an HTTP/1 response. An HTTP/2 stream reports its end itself. */
function tcpOfRequest(response: SseResponse): TcpSocket | undefined {
  return response.stream === undefined ? ((response as Internals).req?.socket ?? undefined) : undefined
}

/** The HTTP/2 stream below a response, or the response itself if it is one. */
function http2Of(response: SseResponse): Http2Internals {
  return (response as Internals).stream ?? (response as Http2Internals)
}
