import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from 'node:net'
import { describe, it } from 'vitest'
import { ConnectionManager, type Connection, type ConnectionSubscribeRequest, type Socket, type StreamReference } from '../../../src/index.ts'
import { describeHost } from '../../../src/testing/describe-host.ts'
import type { HostClient, HostHarness, RunningHost } from '../../../src/testing/host.ts'
import { hosted } from '../../../src/testing/hosted.ts'

/** A TCP connection that carries one text on each line. */
class LineSocket implements Socket {
  readonly tcp: TcpSocket

  constructor(tcp: TcpSocket) {
    this.tcp = tcp
  }

  get bufferedAmount(): number {
    return this.tcp.writableLength
  }

  send(text: string): void {
    this.tcp.write(`${text}\n`)
  }

  async close(): Promise<void> {
    this.tcp.end()
    if (!this.tcp.closed) await once(this.tcp, 'close')
  }
}

interface Hello {
  readonly userId: string
  readonly subscriptions: readonly StreamReference[]
}

const ANSWER = '#'
const PING = '?'
const PONG = '!'

/** A host on TCP. A client first sends its identity and its subscriptions, and the host answers with an empty line. */
class LineHost {
  readonly manager = new ConnectionManager<LineSocket>()
  readonly #unanswered = new Set<TcpSocket>()
  readonly #peers = new Set<TcpSocket>()
  readonly #server = createServer((tcp) => this.#take(tcp))
  #wake = (): void => {}

  async listen(): Promise<number> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  /** Disconnects the clients that did not answer the last ping, pings the others, and waits for all but `silentCount` answers. */
  async beat(silentCount: number): Promise<void> {
    for (const { socket } of this.manager.connections()) {
      if (this.#unanswered.has(socket.tcp)) socket.tcp.destroy()
      this.#unanswered.add(socket.tcp)
      socket.tcp.write(`${PING}\n`)
    }
    while (this.#unanswered.size > silentCount) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  async stop(): Promise<void> {
    for (const tcp of this.#peers) tcp.destroy()
    await once(this.#server.close(), 'close')
  }

  #take(tcp: TcpSocket): void {
    this.#peers.add(tcp.on('error', () => {}))
    let take = (line: string): void => {
      take = () => {}
      void this.#accept(tcp, JSON.parse(line) as Hello).then((connection) => {
        if (connection !== undefined) take = (command) => this.#obey(connection, command)
      })
    }
    onLine(tcp, (line) => take(line))
  }

  async #accept(tcp: TcpSocket, { userId, subscriptions }: Hello): Promise<Connection<LineSocket> | undefined> {
    for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate) // Here a real host looks up the user.
    if (tcp.destroyed) return undefined
    const connection = this.manager.addConnection(`peer ${this.#peers.size}`, new LineSocket(tcp), userId)
    for (const stream of subscriptions) connection.subscribe(stream as ConnectionSubscribeRequest)
    tcp.on('close', () => {
      void connection.remove({ close: false })
      this.#answered(tcp)
    })
    tcp.write('\n')
    return connection
  }

  #obey(connection: Connection<LineSocket>, line: string): void {
    if (line === PONG) return this.#answered(connection.socket.tcp)
    if (connection.removed) return
    let answer = 'done'
    try {
      const { action, streamType, symbol } = Object(JSON.parse(line)) as ConnectionSubscribeRequest & { readonly action: unknown }
      if (action === 'unsubscribe') connection.unsubscribe({ streamType, symbol })
      else connection.subscribe({ streamType, symbol } as ConnectionSubscribeRequest)
    } catch (error) {
      answer = String(error)
    }
    connection.send(`${ANSWER}${answer} ${line.slice(0, 1_000)}`)
  }

  #answered(tcp: TcpSocket): void {
    this.#unanswered.delete(tcp)
    this.#wake()
  }
}

const harness: HostHarness = {
  async start(): Promise<RunningHost> {
    const host = new LineHost()
    const port = await host.listen()
    let silentCount = 0
    return {
      manager: hosted(host.manager),
      async connect(userId, subscriptions = []) {
        const client = await clientOf(port, { userId, subscriptions })
        return {
          ...client,
          freeze() {
            silentCount++
            return client.pause()
          },
        }
      },
      async connectAndLeave(userId, subscriptions) {
        const tcp = connect(port, '127.0.0.1').on('error', () => {})
        const closed = once(tcp, 'close')
        await new Promise((resolve) => tcp.write(`${JSON.stringify({ userId, subscriptions } satisfies Hello)}\n`, resolve))
        tcp.resetAndDestroy()
        await closed
      },
      beat: () => host.beat(silentCount),
      stop: () => host.stop(),
    }
  },
}

async function clientOf(port: number, hello: Hello): Promise<HostClient> {
  const tcp = connect(port, '127.0.0.1').on('error', () => {})
  const closed = new Promise<void>((resolve) => void tcp.once('close', () => resolve()))
  const received: string[] = []
  const send = (text: string): void => void tcp.write(`${text}\n`)
  await new Promise<void>((resolve) => {
    onLine(tcp, (line) => {
      if (line === '') resolve()
      else if (line === PING) send(PONG)
      else if (!line.startsWith(ANSWER)) received.push(line)
    })
    send(JSON.stringify(hello))
  })
  return {
    received,
    closed,
    close: () => void tcp.end(),
    destroy: () => void tcp.resetAndDestroy(),
    pause: () => void tcp.pause(),
    resume: () => void tcp.resume(),
    ask: ({ action, stream, claims }) => send(JSON.stringify({ action, ...stream, ...claims })),
    send,
    sendBytes: (bytes) => void tcp.write(bytes),
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
