import { ConnectionManager, type CloseDetails, type Connection, type ConnectionSubscribeRequest, type StreamReference } from 'stream-connection-manager'
import { FakeSocket, fakeTransport, hosted, type HostClient, type HostHarness, type HostRequest } from 'stream-connection-manager/testing'

/** A host without a network. */
export const memoryHost: HostHarness = {
  async start() {
    const manager = new ConnectionManager<FakeSocket>({ transport: fakeTransport() })
    const clients = new Set<MemoryClient>()
    let connected = 0
    const connect = async (userId: string, streams: readonly StreamReference[] = []): Promise<MemoryClient> => {
      const client = new MemoryClient()
      const connection = manager.addConnection(`c${++connected}`, client.socket, userId)
      for (const stream of streams) connection.subscribe(stream as ConnectionSubscribeRequest)
      client.onText = (text) => obey(connection, text)
      void client.closed.then(() => connection.remove({ close: false }))
      clients.add(client)
      return client
    }
    return {
      manager: hosted(manager),
      connect,
      async connectAndLeave(userId, streams) {
        const client = await connect(userId, streams)
        client.destroy()
      },
      beat() {
        for (const client of clients) if (client.isPaused) client.destroy()
      },
      stop: async () => void (await manager.cleanup()),
    }
  },
}

function obey(connection: Connection, text: string): void {
  if (connection.removed) return
  let answer = 'done'
  try {
    const { action, streamType, symbol } = Object(JSON.parse(text)) as HostRequest & ConnectionSubscribeRequest
    if (action === 'unsubscribe') connection.unsubscribe({ streamType, symbol })
    else connection.subscribe({ streamType, symbol } as ConnectionSubscribeRequest)
  } catch {
    answer = 'refused'
  }
  connection.send(`${ANSWER}${answer} ${text.slice(0, 1_000)}`)
}

const ANSWER = '# '

/** A client in this process, at the other end of the socket that the manager has. */
class MemoryClient implements HostClient {
  readonly received: string[] = []
  readonly closed: Promise<void>
  readonly socket: FakeSocket
  /** What the server does with a text of this client's. */
  onText = (_text: string): void => {}
  /** What it has not read, while it is paused. */
  #unread: string[] | undefined
  #hasEnded = false
  #resolveClosed!: () => void

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
    this.socket = new FakeSocket({
      bufferedAmount: 0,
      write: (texts) => this.#take(texts),
      close: () => this.#end(),
      terminate: () => this.#end(),
    })
  }

  get isPaused(): boolean {
    return this.#unread !== undefined
  }

  close(): void {
    this.#end()
  }

  destroy(): void {
    this.#end()
  }

  pause(): void {
    this.#unread = []
  }

  resume(): void {
    const unread = this.#unread ?? []
    this.#unread = undefined
    this.#take(unread)
    this.socket.drain()
  }

  ask({ action, stream, claims }: HostRequest): void {
    this.send(JSON.stringify({ action, ...stream, ...claims }))
  }

  send(text: string): void {
    if (!this.#hasEnded) this.onText(text)
  }

  /** What is no text ends who sends it. */
  sendBytes(): void {
    this.#end()
  }

  freeze(): void {
    this.pause()
  }

  closedWith(): CloseDetails | undefined {
    return this.socket.closedWith
  }

  #take(texts: readonly string[]): void {
    if (this.#unread === undefined) return void this.received.push(...texts.filter((text) => !text.startsWith(ANSWER)))
    this.#unread.push(...texts)
    this.socket.bufferedAmount = Number(this.socket.bufferedAmount) + texts.join('').length
  }

  #end(): void {
    this.#hasEnded = true
    this.#resolveClosed()
  }
}
