import { connect } from 'node:net'
import type { CloseDetails, StreamReference } from 'stream-connection-manager'
import type { HostClient } from 'stream-connection-manager/testing'
import { commandOf } from './command.ts'
import { Inbox } from './inbox.ts'
import { onLine } from './lines.ts'
import { vanish } from './vanish.ts'

/** Connects a client that speaks in lines over TCP: its first says who it is. */
export async function connectTcp(port: number, userId: string, streams: readonly StreamReference[]): Promise<HostClient> {
  const inbox = new Inbox()
  const tcp = connect(port, '127.0.0.1').on('error', inbox.fail)
  let closedWith: CloseDetails | undefined
  onLine(tcp, /\n/, (line) => {
    if (line.startsWith('{"type":"closing"')) closedWith = JSON.parse(line) as CloseDetails
    else inbox.take(line)
  })
  const closed = new Promise<void>((resolve) => tcp.once('close', () => resolve()))
  void closed.then(() => inbox.fail(new Error('The connection has ended')))
  tcp.write(`/?${new URLSearchParams({ user: userId })}\n`)
  const send = (text: string): void => void tcp.write(`${text}\n`)
  await inbox.subscribe(streams, send)
  return {
    received: inbox.received,
    closed,
    close: () => void tcp.end(),
    destroy: () => vanish(tcp),
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    ask: (request) => send(commandOf(request)),
    send,
    sendBytes: (bytes) => void tcp.write(bytes),
    freeze: () => void tcp.pause(),
    closedWith: () => closedWith,
  }
}
