import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamReference } from 'stream-connection-manager'
import { WebSocket } from 'ws'
import { commandOf } from './command.ts'

/** A client that tells texts from binary messages. */
export interface BytesClient {
  /** All that came after the answers: a text as it is, a binary message as its bytes. */
  readonly received: readonly (string | number[])[]
  close(): void
}

/** Connects a WebSocket client of ws, and subscribes it. */
export async function connectForBytes(port: number, stream: StreamReference): Promise<BytesClient> {
  const received: (string | number[])[] = []
  const socket = new WebSocket(`ws://127.0.0.1:${port}/?user=alice`)
  socket.on('message', (data, isBinary) => received.push(isBinary ? [...(data as Buffer)] : String(data)))
  while (received.length < 1) await sleep(5) // the welcome
  socket.send(commandOf({ action: 'subscribe', stream }))
  while (received.length < 2) await sleep(5)
  received.length = 0
  return { received, close: () => socket.terminate() }
}
