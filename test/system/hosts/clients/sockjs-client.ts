import type { Socket as TcpSocket } from 'node:net'
import SockJs from 'sockjs-client'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import type { HostClient } from 'stream-connection-manager/testing'
import { commandOf } from './command.ts'
import { Inbox } from './inbox.ts'
import { vanish } from './vanish.ts'

/** Connects a client of sockjs, over a WebSocket. */
export async function connectSockJs(port: number, userId: string, streams: readonly StreamReference[]): Promise<HostClient> {
  const inbox = new Inbox()
  const client = new SockJs(`http://127.0.0.1:${port}/sockjs?${new URLSearchParams({ user: userId })}`, null, { transports: 'websocket' })
  client.onmessage = ({ data }) => inbox.take(data)
  let closedWith: CloseDetails | undefined
  const closed = new Promise<void>((resolve) => {
    client.onclose = ({ code, reason }) => {
      closedWith = { code, reason }
      resolve()
    }
  })
  void closed.then(() => inbox.fail(new Error('The connection has ended')))
  await inbox.subscribe(streams, (command) => client.send(command))
  const tcp = tcpOf(client)
  return {
    received: inbox.received,
    closed,
    close: () => client.close(),
    destroy: () => vanish(tcp),
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    ask: (request) => client.send(commandOf(request)),
    send: (text) => client.send(text),
    sendBytes: (bytes) => void tcp.write(bytes),
    freeze: () => void tcp.pause(),
    closedWith: () => closedWith,
  }
}

function tcpOf(client: WebSocket): TcpSocket {
  return (client as unknown as { readonly _transport: { readonly ws: { readonly _stream: TcpSocket } } })._transport.ws._stream
}
