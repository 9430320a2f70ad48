import type { Socket as TcpSocket } from 'node:net'
import type { WebSocket } from 'ws'
import type { Connection } from '../../../../src/index.ts'
import type { Streams } from '../../../support/pressured-socket.ts'
import type { Client } from '../client.ts'

/** The server's end of a client: there from the moment at which it was admitted. */
export interface ServerEnd {
  readonly socket: WebSocket
  readonly tcp: TcpSocket
  readonly connection: Connection<WebSocket, Streams>
}

/** A client on a real connection, of whatever make. */
export interface Peer {
  readonly client: Client
  /** The server's end. */
  readonly serverEnd: ServerEnd
  /** The close code that it saw; 1006 for an end without one. */
  readonly closed: Promise<number>
  /** Reads nothing any more, so that what is sent to it fills buffers. */
  pause(): void
  resume(): void
  /** Ends the TCP connection with a reset. */
  reset(): void
}

export const ABNORMAL = 1006
