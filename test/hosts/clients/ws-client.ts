import type { Socket } from 'node:net'
import type { StreamReference } from 'stream-connection-manager'
import type { HostClient } from 'stream-connection-manager/testing'
import { WebSocket } from 'ws'
import { Inbox } from './inbox.ts'
import { vanish } from './vanish.ts'

/** Connects a WebSocket client of ws. */
export async function connectWs(port: number, userId: string, streams: readonly StreamReference[]): Promise<HostClient> {
  const inbox = new Inbox()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?${new URLSearchParams({ user: userId })}`)
  socket.on('error', inbox.fail)
  socket.on('message', (text) => inbox.take(String(text)))
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  void closed.then(() => inbox.fail(new Error('The connection has ended')))
  await inbox.subscribe(streams, (command) => socket.send(command))
  const tcp = tcpOf(socket)
  return {
    received: inbox.received,
    closed,
    close: () => socket.close(),
    destroy: () => vanish(tcp),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  }
}

function tcpOf(socket: WebSocket): Socket {
  return (socket as unknown as { readonly _socket: Socket })._socket
}
