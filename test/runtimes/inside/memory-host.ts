import { ConnectionManager, type ConnectionSubscribeRequest } from 'stream-connection-manager'
import { FakeSocket, fakeTransport, hosted, type HostClient, type HostHarness } from 'stream-connection-manager/testing'

/** A host without a network. */
export const memoryHost: HostHarness = {
  async start() {
    const manager = new ConnectionManager<FakeSocket>({ transport: fakeTransport() })
    let connected = 0
    return {
      manager: hosted(manager),
      async connect(userId, streams = []) {
        const client = new MemoryClient()
        const connection = manager.addConnection(`c${++connected}`, client.socket, userId)
        for (const stream of streams) connection.subscribe(stream as ConnectionSubscribeRequest)
        void client.closed.then(() => connection.remove({ close: false }))
        return client
      },
      stop: async () => void (await manager.cleanup()),
    }
  },
}

/** A client in this process, at the other end of the socket that the manager has. */
class MemoryClient implements HostClient {
  readonly received: string[] = []
  readonly closed: Promise<void>
  readonly socket: FakeSocket
  /** What it has not read, while it is paused. */
  #unread: string[] | undefined
  #end!: () => void

  constructor() {
    this.closed = new Promise((resolve) => (this.#end = resolve))
    this.socket = new FakeSocket({
      bufferedAmount: 0,
      write: (texts) => this.#take(texts),
      close: () => this.#end(),
      terminate: () => this.#end(),
    })
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
    this.received.push(...(this.#unread ?? []))
    this.#unread = undefined
    this.socket.drain()
  }

  #take(texts: readonly string[]): void {
    if (this.#unread === undefined) return void this.received.push(...texts)
    this.#unread.push(...texts)
    this.socket.bufferedAmount = Number(this.socket.bufferedAmount) + texts.join('').length
  }
}
