import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from 'node:net'
import { describe, it } from 'vitest'
import { ConnectionManager, type Socket, type StreamReference } from '../../src/index.ts'
import { describeHost } from '../../src/testing/describe-host.ts'
import type { HostClient, HostHarness, RunningHost } from '../../src/testing/host.ts'
import { hosted } from '../../src/testing/hosted.ts'

/** A TCP connection that texts go over, each with a line end. */
class LineSocket implements Socket {
  readonly #tcp: TcpSocket

  constructor(tcp: TcpSocket) {
    this.#tcp = tcp
  }

  get bufferedAmount(): number {
    return this.#tcp.writableLength
  }

  send(text: string): void {
    this.#tcp.write(`${text}\n`)
  }

  async close(): Promise<void> {
    this.#tcp.end()
    if (!this.#tcp.closed) await once(this.#tcp, 'close')
  }
}

interface Hello {
  readonly userId: string
  readonly subscriptions: readonly StreamReference[]
}

/** Lines of text over TCP: who connects says who they are and what they want, and is answered with an empty line. */
const harness: HostHarness = {
  async start(): Promise<RunningHost> {
    const manager = new ConnectionManager<LineSocket>()
    const peers = new Set<TcpSocket>()
    const server = createServer((tcp) => {
      peers.add(tcp.on('error', () => {}))
      onLine(tcp, (line) => {
        const { userId, subscriptions } = JSON.parse(line) as Hello
        const connection = manager.addConnection(`peer ${peers.size}`, new LineSocket(tcp), userId)
        for (const stream of subscriptions) connection.subscribe(stream as { streamType: 'ORDER_UPDATES' })
        tcp.on('close', () => void connection.remove({ close: false }))
        tcp.write('\n')
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return {
      manager: hosted(manager),
      connect: (userId, subscriptions = []) => clientOf((server.address() as AddressInfo).port, { userId, subscriptions }),
      async stop() {
        for (const tcp of peers) tcp.destroy()
        await once(server.close(), 'close')
      },
    }
  },
}

async function clientOf(port: number, hello: Hello): Promise<HostClient> {
  const tcp = connect(port, '127.0.0.1').on('error', () => {})
  const closed = new Promise<void>((resolve) => void tcp.once('close', () => resolve()))
  const received: string[] = []
  await new Promise<void>((resolve) => {
    onLine(tcp, (line) => (line === '' ? resolve() : received.push(line)))
    tcp.write(`${JSON.stringify(hello)}\n`)
  })
  return {
    received,
    closed,
    close: () => void tcp.end(),
    destroy: () => void tcp.resetAndDestroy(),
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
  }
}

function onLine(tcp: TcpSocket, listener: (line: string) => void): void {
  let begun: string[] = []
  tcp.setEncoding('utf8').on('data', (chunk: string) => {
    const [end = '', ...next] = chunk.split('\n')
    begun.push(end)
    for (const begin of next) {
      listener(begun.join(''))
      begun = [begin]
    }
  })
}

describeHost('the host suite, on lines of text over TCP', harness, { describe, it })
