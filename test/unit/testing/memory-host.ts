import { ConnectionManager, type CloseDetails, type Connection, type StreamReference } from '../../../src/index.ts'
import { FakeSocket } from '../../../src/testing/fake-socket.ts'
import { fakeTransport } from '../../../src/testing/fake-transport.ts'
import type { HostClient, HostedManager, HostHarness, HostRequest, RunningHost } from '../../../src/testing/host.ts'
import { hosted } from '../../../src/testing/hosted.ts'

/** The UTF-16 units that the network between server and client buffers, unknown to the server. */
const NETWORK_UNITS = 300_000

const ANSWER = '{"answer":'

/** A client in this process, connected to the fake socket of the server. */
export class MemoryClient implements HostClient {
  readonly received: string[] = []
  readonly socket: FakeSocket
  readonly closed: Promise<void>
  /** Called when the server learns that this client has gone. */
  onGone: () => void = () => {}
  /** Called when the server receives a text of this client. */
  onText: (text: string) => void = () => {}
  /** Called when the server receives bytes of this client that are not text. */
  onBytes: () => void = () => {}
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

  ask({ action, stream, claims }: HostRequest): void {
    this.send(JSON.stringify({ action, ...stream, ...claims }))
  }

  send(text: string): void {
    if (!this.#hasEnded) setImmediate(() => this.onText(text))
  }

  sendBytes(): void {
    if (!this.#hasEnded) setImmediate(() => this.onBytes())
  }

  freeze(): void {
    this.pause()
  }

  closedWith(): CloseDetails | undefined | Promise<CloseDetails | undefined> {
    return this.socket.closedWith
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Whether it answers the server's heartbeat. */
  get isAlive(): boolean {
    return !this.#isPaused && !this.#hasEnded
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
    if (!text.startsWith(ANSWER)) this.received.push(text)
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

/** A client whose socket buffers texts until the turn of the event loop is over, as a network socket does. */
export class BufferedMemoryClient extends MemoryClient {
  #units = 0

  override carry(texts: readonly string[]): void {
    super.carry(texts)
    if (!this.isAlive) return
    if (this.#units === 0) setImmediate(() => this.#sendOff())
    for (const text of texts) this.#units += text.length
    this.socket.bufferedAmount = this.#units
  }

  #sendOff(): void {
    this.#units = 0
    if (this.isAlive) this.socket.drain()
  }
}

/** A client's command, as received. */
export interface MemoryCommand {
  readonly action: unknown
  readonly stream: StreamReference
  /** The other fields of the command. */
  readonly claims: Readonly<Record<string, unknown>>
}

export type MemoryConnection = Connection<FakeSocket>

/** A correct host without a network. Tests override methods to make it faulty. */
export class MemoryHost implements RunningHost {
  readonly inner = new ConnectionManager<FakeSocket>({ transport: fakeTransport() })
  readonly clients = new Map<MemoryConnection, MemoryClient>()
  #connected = 0

  get manager(): HostedManager {
    return hosted(this.inner)
  }

  async connect(userId: string, subscriptions: readonly StreamReference[] = []): Promise<HostClient> {
    const client = this.client()
    await this.accept(client, userId, subscriptions)
    return client
  }

  async connectAndLeave(userId: string, subscriptions: readonly StreamReference[]): Promise<void> {
    const client = this.client()
    const accepting = this.accept(client, userId, subscriptions)
    client.destroy()
    await accepting
  }

  /** One heartbeat is enough, because an answer arrives at once. */
  beat(): void {
    for (const [connection, client] of this.clients) if (!client.isAlive) this.end(connection, client)
  }

  async stop(): Promise<void> {
    await this.inner.cleanup()
  }

  client(): MemoryClient {
    return new MemoryClient()
  }

  async accept(client: MemoryClient, userId: string, subscriptions: readonly StreamReference[]): Promise<void> {
    await this.authenticate()
    if (client.hasEnded) return
    const connection = this.admit(client, userId)
    this.clients.set(connection, client)
    client.onGone = () => {
      this.clients.delete(connection)
      this.removeGone(connection)
    }
    client.onText = (text) => connection.removed || this.obey(connection, text)
    client.onBytes = () => this.refuseBytes(connection, client)
    for (const stream of subscriptions) this.subscribe(connection, stream)
  }

  async authenticate(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate)
  }

  admit({ socket }: MemoryClient, userId: string): MemoryConnection {
    return this.inner.addConnection(`c${++this.#connected}`, socket, userId)
  }

  /** Carries out a client's command, and answers. */
  obey(connection: MemoryConnection, text: string): void {
    let answer = 'done'
    try {
      const { action, streamType, symbol, ...claims } = Object(JSON.parse(text)) as Record<string, unknown>
      this.carryOut(connection, { action, stream: { streamType, symbol } as StreamReference, claims })
    } catch (error) {
      answer = String(error)
    }
    this.answer(connection, `${ANSWER}${JSON.stringify([answer, text.slice(0, 1_000)])}}`)
  }

  carryOut(connection: MemoryConnection, { action, stream }: MemoryCommand): void {
    if (action === 'subscribe') this.subscribe(connection, stream)
    else if (action === 'unsubscribe') this.unsubscribe(connection, stream)
    else throw new Error('There is no such action')
  }

  answer(connection: MemoryConnection, text: string): void {
    connection.send(text)
  }

  /** Disconnects a client that sends bytes that are not text. */
  refuseBytes(connection: MemoryConnection, client: MemoryClient): void {
    this.end(connection, client)
  }

  subscribe(connection: MemoryConnection, stream: StreamReference): void {
    connection.subscribe(stream as { streamType: 'ORDER_UPDATES'; symbol?: string })
  }

  unsubscribe(connection: MemoryConnection, stream: StreamReference): void {
    connection.unsubscribe(stream)
  }

  end(connection: MemoryConnection, client: MemoryClient): void {
    client.terminateByServer()
    this.clients.delete(connection)
    this.removeGone(connection)
  }

  removeGone(connection: MemoryConnection): void {
    void connection.remove({ close: false })
  }
}

export function harnessOf(makeHost: () => RunningHost): HostHarness {
  return { start: async () => makeHost() }
}
