import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectSession } from 'node:http2'
import type { StreamReference } from 'stream-connection-manager'
import { pathOf } from './events.ts'
import { vanish } from './vanish.ts'

/** Connects a client to a recipe's server that breaks off before it is accepted, and resolves once it has gone. */
export type ConnectAndLeave = (port: number, userId: string, streams: readonly StreamReference[]) => Promise<void>

/** Returns how a client leaves that says these lines, and waits for nothing. */
export function leavingAfter(linesFor: (userId: string, streams: readonly StreamReference[]) => readonly string[]): ConnectAndLeave {
  return async (port, userId, streams) => {
    const tcp = connect(port, '127.0.0.1').on('error', () => {})
    const closed = once(tcp, 'close')
    await new Promise((resolve) => tcp.write(linesFor(userId, streams).map((line) => `${line}\r\n`).join(''), resolve))
    vanish(tcp)
    await closed
  }
}

const UPGRADE = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** Returns how a client leaves that asks for a WebSocket at this path. */
export function leavingWs(path = '/'): ConnectAndLeave {
  const separator = path.includes('?') ? '&' : '?'
  return leavingAfter((userId) => [`GET ${path}${separator}${new URLSearchParams({ user: userId })} HTTP/1.1`, 'Host: localhost', ...UPGRADE, ''])
}

export const leavingSse: ConnectAndLeave = leavingAfter((userId, streams) => [`GET ${pathOf(userId, streams)} HTTP/1.1`, 'Host: localhost', ''])

export const leavingTcp: ConnectAndLeave = leavingAfter((userId) => [`/?${new URLSearchParams({ user: userId })}`])

export const leavingHttp2: ConnectAndLeave = async (port, userId, streams) => {
  const tcp = connect(port, '127.0.0.1')
  const closed = once(tcp, 'close')
  const session = connectSession(`http://127.0.0.1:${port}`, { createConnection: () => tcp }).on('error', () => {})
  session.request({ ':path': pathOf(userId, streams) }).on('error', () => {})
  await once(session, 'connect')
  await new Promise(setImmediate) // the request leaves
  vanish(tcp)
  await closed
}
