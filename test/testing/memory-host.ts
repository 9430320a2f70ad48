import { ConnectionManager, type Connection, type StreamReference } from '../../src/index.ts'
import { FakeSocket } from '../../src/testing/fake-socket.ts'
import { fakeTransport } from '../../src/testing/fake-transport.ts'
import type { HostClient, HostedManager, HostHarness, RunningHost } from '../../src/testing/host.ts'
import { hosted } from '../../src/testing/hosted.ts'

/** What a network between a server and a client holds, without the server's knowing of it. */
const NETWORK_UNITS = 300_000

/** A client in this process, at the other end of the fake socket that the server has. */
export class MemoryClient implements HostClient {
  readonly received: string[] = []
  readonly socket: FakeSocket
  readonly closed: Promise<void>
  /** What the server does when it learns that this client has gone. */
  onGone: () => void = () => {}
  #isPaused = false
  #hasEnded = false
  #onTheWay: string[] = []
  #unitsOnTheWay = 0
  #resolveClosed: () => void = () => {}

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
    this.socket = new FakeSocket({
      bufferedAmount: 0,
      send: (text) => this.carry([text]),
      write: (texts) => this.carry(texts),
      close: () => this.endByServer(),
      terminate: () => this.terminateByServer(),
    })
  }

  close(): void {
    this.leave()
  }

  destroy(): void {
    this.leave()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    const arriving = this.#onTheWay
    this.discard()
    for (const text of arriving) this.receive(text)
    this.socket.drain()
    if (this.#hasEnded) this.#resolveClosed()
  }

  carry(texts: readonly string[]): void {
    if (!this.#isPaused) return texts.forEach((text) => this.receive(text))
    for (const text of texts) {
      this.#onTheWay.push(text)
      this.#unitsOnTheWay += text.length
    }
    this.socket.bufferedAmount = Math.max(0, this.#unitsOnTheWay - NETWORK_UNITS)
  }

  receive(text: string): void {
    this.received.push(text)
  }

  leave(): void {
    this.#isPaused = false
    this.end()
    setImmediate(() => this.onGone())
  }

  endByServer(): void {
    this.end()
  }

  terminateByServer(): void {
    this.discard()
    this.end()
  }

  discard(): void {
    this.#onTheWay = []
    this.#unitsOnTheWay = 0
  }

  end(): void {
    this.#hasEnded = true
    if (!this.#isPaused) this.#resolveClosed()
  }
}

/** A host without a network, as good as any. A test that wants a bad one overrides what is to be bad. */
export class MemoryHost implements RunningHost {
  readonly inner = new ConnectionManager<FakeSocket>({ transport: fakeTransport() })
  #connected = 0

  get manager(): HostedManager {
    return hosted(this.inner)
  }

  async connect(userId: string, subscriptions: readonly StreamReference[] = []): Promise<HostClient> {
    const client = this.client()
    const connection = this.admit(client, userId)
    client.onGone = () => this.dismiss(connection)
    for (const stream of subscriptions) this.subscribe(connection, stream)
    return client
  }

  async stop(): Promise<void> {
    await this.inner.cleanup()
  }

  client(): MemoryClient {
    return new MemoryClient()
  }

  admit({ socket }: MemoryClient, userId: string): Connection<FakeSocket> {
    return this.inner.addConnection(`c${++this.#connected}`, socket, userId)
  }

  subscribe(connection: Connection<FakeSocket>, stream: StreamReference): void {
    connection.subscribe(stream as { streamType: 'ORDER_UPDATES'; symbol?: string })
  }

  dismiss(connection: Connection<FakeSocket>): void {
    void connection.remove({ close: false })
  }
}

export function harnessOf(makeHost: () => RunningHost): HostHarness {
  return { start: async () => makeHost() }
}
