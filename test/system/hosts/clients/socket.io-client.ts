import type { Socket as TcpSocket } from 'node:net'
import { io, type Socket } from 'socket.io-client'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import type { HostClient } from 'stream-connection-manager/testing'
import { commandOf } from './command.ts'
import { Inbox } from './inbox.ts'
import { vanish } from './vanish.ts'

/** Connects a client of socket.io, over a WebSocket from the start. */
export async function connectSocketIo(port: number, userId: string, streams: readonly StreamReference[]): Promise<HostClient> {
  const inbox = new Inbox()
  const query = { user: userId }
  const client = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], query, forceNew: true, reconnection: false })
  client.on('connect_error', inbox.fail)
  client.on('message', inbox.take)
  let closedWith: CloseDetails | undefined
  client.on('closing', (why: CloseDetails) => (closedWith = why))
  const closed = new Promise<void>((resolve) => client.once('disconnect', () => resolve()))
  void closed.then(() => inbox.fail(new Error('The client was disconnected')))
  await inbox.subscribe(streams, (command) => client.send(command))
  const tcp = tcpOf(client)
  return {
    received: inbox.received,
    closed,
    close: () => void client.disconnect(),
    destroy: () => vanish(tcp),
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    ask: (request) => void client.send(commandOf(request)),
    send: (text) => void client.send(text),
    sendBytes: (bytes) => void tcp.write(bytes),
    freeze: () => void tcp.pause(),
    closedWith: () => closedWith,
  }
}

function tcpOf(client: Socket): TcpSocket {
  return (client.io.engine.transport as unknown as { readonly ws: { readonly _socket: TcpSocket } }).ws._socket
}
