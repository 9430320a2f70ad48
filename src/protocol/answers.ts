import type { Refusal } from './refusal.ts'

// The texts that a command server sends. `docs/protocol.md` has their grammar.

/** The version of the protocol. A client that knows only lower versions must disconnect. */
const VERSION = 1

interface Stream {
  readonly streamType: string
  readonly symbol: string | undefined
}

export function welcomeText(connectionId: string, idleMs: number, heartbeatMs: number): string {
  return JSON.stringify({ type: 'welcome', version: VERSION, connection_id: connectionId, idle_ms: idleMs, heartbeat_ms: heartbeatMs })
}

/**
 * Returns the answer to a subscribe if there is no recovery. `hasPosition` is true if the command has a position. The server cannot recover anything
 * from that position.
 */
export function subscribedText(id: number | undefined, { streamType, symbol }: Stream, hasPosition: boolean): string {
  return JSON.stringify({ type: 'subscribed', id, stream_type: streamType, symbol: symbol ?? null, recovered: hasPosition ? false : null })
}

export function unsubscribedText(id: number | undefined, { streamType, symbol }: Stream, reason?: string): string {
  return JSON.stringify({ type: 'unsubscribed', id, stream_type: streamType, symbol: symbol ?? null, reason })
}

export function refusedText(id: number | undefined, { code, retryMs }: Refusal): string {
  return JSON.stringify({ type: 'refused', id, code, retry_ms: retryMs })
}

export function pongText(id: number | undefined): string {
  return JSON.stringify({ type: 'pong', id })
}

/** @throws if the data has no JSON form. `undefined` becomes `null` */
export function resultText(id: number, data: unknown): string {
  const text: unknown = JSON.stringify(data ?? null)
  if (typeof text === 'string') return `{"type":"result","id":${id},"data":${text}}`
  throw new TypeError('The result of a command must have a JSON form')
}

export function goodbyeText(reason: string, reconnect: boolean, afterMs: number, withinMs: number): string {
  return JSON.stringify({ type: 'goodbye', reason, reconnect, after_ms: afterMs, within_ms: withinMs })
}

export const HEARTBEAT_TEXT = '{"type":"heartbeat"}'
