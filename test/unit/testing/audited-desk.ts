import { ConnectionManager, defineStreams, type Connection, type Revocation } from '../../../src/index.ts'
import { createRecovery, type Recovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { createAudit, fakeTransport, FakeSocket, ManualClock, type Audit } from '../../../src/testing/index.ts'

export const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  TAPE: { audience: 'public', symbol: 'required', overflow: 'drop' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional', overflow: 'drop' },
  TICKER: { audience: 'public', symbol: 'optional', delivery: 'latest' },
  ORDERS: { audience: 'private' },
})
export type Streams = typeof streams

/** A stream of the desk, of which the types are known only at run time. */
export interface Subject {
  readonly streamType: keyof Streams
  readonly symbol?: string | undefined
}

interface Published extends Subject {
  readonly userId?: string | undefined
}

/** What a client reads of a text. */
interface WireText {
  readonly type?: string
  readonly stream_type: keyof Streams
  readonly symbol: string | null
  readonly position: string
  readonly epoch?: string
  readonly seq: number
}

/** What a desk's recovery is made into, to break it. */
export type Break = (recovery: Recovery<Streams>) => Recovery<Streams>

/** Where a client is in a subscription. It reads the library's numbers; the audit does not. */
class Place {
  readonly #epochs = new Map<string, number>()

  restart(position: string): void {
    this.#epochs.clear()
    for (const part of position.split(',')) this.reach(part.split(':')[0] as string, Number(part.split(':')[1]))
  }

  reach(epoch: string, seq: number): void {
    this.#epochs.set(epoch, Math.max(seq, this.#epochs.get(epoch) ?? 0))
  }

  get text(): string {
    return [...this.#epochs].map(([epoch, seq]) => `${epoch}:${seq}`).join(',')
  }
}

/** A client with a network that is as slow as the test reads. It keeps its positions when it is cut. */
export class AuditedClient {
  userId: string
  connection: Connection<FakeSocket, Streams> | undefined
  readonly held = new Map<string, Subject>()
  readonly #places = new Map<string, Place>()
  readonly #desk: AuditedDesk
  readonly #name: string
  #wire: string[] = []

  constructor(desk: AuditedDesk, name: string, userId: string) {
    this.#desk = desk
    this.#name = name
    this.userId = userId
  }

  get name(): string {
    return this.#name
  }

  /** True if there is more to read. */
  get isBehind(): boolean {
    return this.#wire.length > 0 || (this.connection?.waitingBytes ?? 0) > 0
  }

  connect(connectionId: string): void {
    const socket: FakeSocket = new FakeSocket({
      bufferedAmount: 0,
      write: (texts) => {
        this.#wire.push(...this.#desk.sabotage([...texts], this))
        this.#weigh()
      },
    })
    this.connection = this.#desk.manager.addConnection(connectionId, socket, this.userId)
    this.#desk.audit.connected(this.#name, this.userId)
  }

  /** Loses what is on the wire. */
  cut(): void {
    void this.connection?.remove({ close: false })
    this.lose()
  }

  lose(): void {
    if (this.connection === undefined) return
    this.connection = undefined
    this.#wire = []
    this.held.clear()
    this.#desk.audit.disconnected(this.#name)
  }

  subscribe(subject: Subject, hasPosition = true, givenPosition?: string): void {
    const connection = this.connection as Connection<FakeSocket, Streams>
    // Before a client asks again on the same connection, it reads what was sent: otherwise its position is old, and it would get that twice.
    this.readAll()
    const isCovered = this.#forgetOverlaps(subject)
    // Of a whole type of `latest` streams, a newer message takes the place of the one that waits, and may so come before an older one of another
    // symbol. A position cannot say that: see the known fault in audit-of-recovery.test.ts.
    const isProvable = subject.symbol !== undefined || streams[subject.streamType].delivery !== 'latest'
    const position = hasPosition && !isCovered && isProvable ? givenPosition ?? this.#places.get(keyOf(subject))?.text : undefined
    this.#desk.recovery.subscribe(connection, { ...subject, position } as never)
    this.#desk.audit.subscribed(this.#name, subject)
    this.held.set(keyOf(subject), subject)
  }

  unsubscribe(subject: Subject): void {
    this.readAll()
    this.connection?.unsubscribe(subject as never)
    this.#desk.audit.unsubscribed(this.#name, subject)
    this.held.delete(keyOf(subject))
    if (this.#forgetOverlaps(subject)) this.#places.delete(keyOf(subject))
  }

  /** Forgets what the manager has ended. */
  keepHeld(): void {
    const kept = new Set(this.connection?.subscriptions().map(({ subscription }) => keyOf(subscription as Subject)))
    for (const key of this.held.keys()) if (!kept.has(key)) this.held.delete(key)
  }

  reassign(userId: string): void {
    this.readAll()
    this.connection?.reassign(userId)
    this.userId = userId
    this.#desk.audit.reassigned(this.#name, userId)
    this.keepHeld()
    this.#places.delete(keyOf({ streamType: 'ORDERS' }))
  }

  /** Reads until nothing is on the wire, so that what ends now ends for the wire too. */
  readAll(): void {
    do {
      this.read()
      this.connection?.flush()
    } while (this.#wire.length > 0)
  }

  /** Reads so many texts of those that were sent. */
  read(count = Infinity): void {
    for (const text of this.#wire.splice(0, count)) {
      this.#follow(text)
      this.#desk.audit.received(this.#name, text)
    }
    this.#weigh()
    if (this.connection?.socket.bufferedAmount === 0) this.connection.socket.drain()
  }

  #weigh(): void {
    if (this.connection !== undefined) this.connection.socket.bufferedAmount = this.#wire.reduce((sum, text) => sum + text.length, 0)
  }

  #follow(text: string): void {
    const { type, stream_type: streamType, symbol, position, epoch, seq } = JSON.parse(text) as WireText
    if (type === 'subscribed') return this.#placeOf({ streamType, symbol: symbol ?? undefined }).restart(position)
    if (epoch === undefined) return
    for (const each of [{ streamType, symbol: undefined }, { streamType, symbol: symbol ?? undefined }]) if (this.held.has(keyOf(each))) this.#placeOf(each).reach(epoch, seq)
  }

  /**
   * What comes by one subscription is not missing to another one that covers it. So a client does not use the place of the other one any more. True if
   * there is one that is held.
   */
  #forgetOverlaps({ streamType, symbol }: Subject): boolean {
    const overlaps = [undefined, 'A', 'B'].filter((each) => each !== symbol && (each === undefined || symbol === undefined)).map((each) => keyOf({ streamType, symbol: each }))
    for (const key of overlaps) if (!this.held.has(key)) this.#places.delete(key)
    return overlaps.some((key) => this.held.has(key))
  }

  #placeOf(subject: Subject): Place {
    const key = keyOf(subject)
    let place = this.#places.get(key)
    if (place === undefined) this.#places.set(key, (place = new Place()))
    return place
  }
}

/** A real manager with a recovery, and an audit of all that it does. */
export class AuditedDesk {
  readonly clock: ManualClock = new ManualClock()
  readonly audit: Audit<Streams>
  readonly recovery: Recovery<Streams>
  readonly manager: ConnectionManager<FakeSocket, Streams>
  readonly clients: AuditedClient[] = []
  /** Changes what goes to a client's wire. */
  sabotage: (texts: string[], client: AuditedClient) => string[] = (texts) => texts
  #identity = 0
  #connections = 0

  constructor(options: RecoveryOptions<Streams> = {}, breaking: Break = (recovery) => recovery) {
    this.audit = createAudit({ streams })
    let epochs = 0
    this.recovery = breaking(createRecovery<Streams>({ randomEpoch: () => `e${++epochs}`, ...options }))
    this.manager = new ConnectionManager<FakeSocket, Streams>({
      streams,
      clock: this.clock,
      recorder: this.recovery,
      transport: fakeTransport(),
      delivery: { softLimitBytes: 500, hardLimitBytes: 4_000 },
    })
    this.manager.on('connectionRemoved', ({ connection }) => this.clients.find((client) => client.connection === connection)?.lose())
  }

  client(name: string, userId = 'alice'): AuditedClient {
    const client = new AuditedClient(this, name, userId)
    this.clients.push(client)
    this.connect(client)
    return client
  }

  connect(client: AuditedClient): void {
    client.connect(`connection ${++this.#connections}`)
  }

  publish(stream: Published, except: readonly AuditedClient[] = []): void {
    const message = { ...stream, data: { id: ++this.#identity } }
    this.audit.published(message, { except: except.map(({ name }) => name) })
    const connections = except.map(({ connection }) => connection).filter((connection) => connection !== undefined)
    this.manager.publish(message as never, { except: connections })
  }

  publishTimes(count: number, stream: Published): void {
    for (let i = 0; i < count; i++) this.publish(stream)
  }

  sendToUser(userId: string, stream: Published): void {
    const message = { ...stream, data: { id: ++this.#identity } }
    this.audit.published({ ...message, userId: streams[stream.streamType].audience === 'private' ? userId : undefined }, { to: this.clients.filter((client) => client.userId === userId && client.connection !== undefined).map(({ name }) => name) })
    this.manager.sendToUser(userId, message as never)
  }

  revoke(revocation: Revocation<Streams>): void {
    for (const client of this.clients) {
      client.readAll()
    }
    this.manager.revoke(revocation)
    this.audit.revoked(revocation)
    for (const client of this.clients) client.keepHeld()
  }

  /** Ends the turn of the event loop, so that a batch is written. */
  async endTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.clock.advance(1)
  }

  /** Lets everybody read all that there is. */
  settle(): void {
    for (let round = 0; round < 2 || (round < 1_000 && this.clients.some(({ isBehind }) => isBehind)); round++) {
      this.clock.advance(1)
      for (const client of this.clients) {
        client.connection?.flush()
        client.read()
      }
    }
  }
}

export function keyOf({ streamType, symbol }: Subject): string {
  return symbol === undefined ? streamType : `${streamType}:${symbol}`
}
