import type { Socket } from 'node:net'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import { WebSocket } from 'ws'
import { commandOf } from './command.ts'
import { Inbox } from './inbox.ts'
import type { RecipeClient } from './recipe-client.ts'
import { vanish } from './vanish.ts'

/** Connects a WebSocket client of ws. */
export async function connectWs(port: number, userId: string, streams: readonly StreamReference[]): Promise<RecipeClient> {
  const inbox = new Inbox()
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?${new URLSearchParams({ user: userId })}`)
  socket.on('error', inbox.fail)
  socket.on('message', (text) => inbox.take(String(text)))
  let closedWith: CloseDetails | undefined
  const closed = new Promise<void>((resolve) => {
    socket.once('close', (code, reason) => {
      closedWith = { code, reason: String(reason) }
      resolve()
    })
  })
  void closed.then(() => inbox.fail(new Error('The connection has ended')))
  const send = (text: string): void => socket.send(text)
  await inbox.subscribe(streams, send)
  const tcp = tcpOf(socket)
  return {
    received: inbox.received,
    closed,
    close: () => socket.close(),
    destroy: () => vanish(tcp),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    ask: (request) => send(commandOf(request)),
    send,
    sendBytes: (bytes) => void tcp.write(bytes),
    freeze: () => socket.pause(),
    closedWith: () => closedWith,
    async feelsBeat() {
      await new Promise((resolve) => socket.once('ping', resolve))
      await inbox.roundTrip(send)
    },
  }
}

function tcpOf(socket: WebSocket): Socket {
  return (socket as unknown as { readonly _socket: Socket })._socket
}
