import { WebSocket } from 'ws'
import type { StreamMessage, Transport } from '../../../src/index.ts'
import { wsTransport, type WsFrame } from '../../../src/transports/ws.ts'
import { digest } from './digest.ts'
import { channelName } from './channel.ts'
import type { Mark } from './ledger.ts'

/** A frame of `wsTransport`, and what it is. */
export interface MarkedFrame {
  readonly frame: WsFrame
  readonly mark: Mark
}

/** Whoever is told what the library did with a socket. */
export interface TransportWitness {
  handed(socket: WebSocket, marks: readonly Mark[], isClosing: boolean): void
  terminated(socket: WebSocket): void
}

/** `wsTransport`, and somebody who sees what each socket accepts, before anybody else has counted it. */
export function witnessedTransport(witness: TransportWitness): Transport<WebSocket, MarkedFrame> {
  const transport = wsTransport<WebSocket>() as Required<Transport<WebSocket, WsFrame>>
  return {
    ...transport,
    frame: (text, message) => ({ frame: transport.frame(text, message), mark: markOf(text, message) }),
    write(socket, frames) {
      const isClosing = socket.readyState !== WebSocket.OPEN
      const accepted = transport.write(socket, frames.map(({ frame }) => frame)) as number
      witness.handed(socket, frames.slice(0, accepted).map(({ mark }) => mark), isClosing)
      return accepted
    },
    terminate(socket) {
      witness.terminated(socket)
      transport.terminate(socket)
    },
  }
}

function markOf(text: string, message: StreamMessage<unknown, string> | undefined): Mark {
  if (message === undefined) throw new Error(`Unexpected text without a message: ${text}`)
  const { streamType, symbol, userId, data } = message
  const { n = 0, dropped = 0 } = data as { n?: number; dropped?: number }
  return { channel: channelName({ streamType, symbol, userId }), n, gap: dropped, userId, digest: digest(text), units: text.length }
}
