import { ConnectionManager, defineStreams, tradingStreams, type Clock, type Connection } from 'stream-connection-manager'
import { createMemoryBus, memoryBackplane, type MemoryBus } from 'stream-connection-manager/backplanes/memory'
import { joinCluster, type Cluster } from 'stream-connection-manager/cluster'
import { createCommandServer, type CommandServer } from 'stream-connection-manager/protocol'
import { createRecovery, type Recovery } from 'stream-connection-manager/recovery'
import { FakeSocket } from 'stream-connection-manager/testing'

const streams = defineStreams({ ...tradingStreams, TICKS: { audience: 'public', overflow: 'drop' } })
type Streams = typeof streams
type Member = Connection<FakeSocket, Streams>

const USERS = Array.from({ length: 40 }, (_, i) => `user-${i}`)
const SYMBOLS = Array.from({ length: 10 }, (_, i) => `S${i}`)
/** A socket that has not sent so much yet has no room. */
const FULL_BYTES = 100_000

/** Two nodes of a cluster. The first one is measured. */
export class Load {
  readonly recovery: Recovery<Streams> = createRecovery<Streams>({ history: { count: 50, totalUnits: 20_000 } })
  readonly manager: ConnectionManager<FakeSocket, Streams>
  readonly commands: CommandServer<FakeSocket, Streams>
  readonly #otherRecovery = createRecovery<Streams>()
  readonly #other: ConnectionManager<FakeSocket, Streams>
  readonly #bus: MemoryBus = createMemoryBus()
  readonly #members: Member[] = []
  /** Connections whose sockets are full, oldest first. */
  readonly #full: Member[] = []
  #cluster: Cluster<Streams> | undefined
  #step = 0
  #names = 0

  constructor(clock?: Clock) {
    const delivery = { softLimitBytes: 1_000, hardLimitBytes: 30_000, maxLagMs: 500 }
    this.manager = new ConnectionManager<FakeSocket, Streams>({ clock, streams, delivery, recorder: this.recovery })
    this.#other = new ConnectionManager<FakeSocket, Streams>({ clock, streams, recorder: this.#otherRecovery })
    this.commands = createCommandServer(this.manager, {
      clock,
      idleMs: 3_000,
      limits: { burst: 20, maxRefusals: 50, commandTimeoutMs: 500 },
      commands: { hang: () => new Promise(() => {}) },
      onError: () => {},
    })
    // A socket that fails on purpose is no news.
    this.manager.on('error', () => {})
  }

  /** What is measured besides the manager. */
  get parts() {
    return { recovery: this.recovery, cluster: this.#cluster, commands: this.commands }
  }

  async start(): Promise<void> {
    const options = { prefix: 'load' }
    this.#cluster = await joinCluster(this.manager, this.recovery, { ...options, backplane: memoryBackplane(this.#bus) })
    await joinCluster(this.#other, this.#otherRecovery, { ...options, backplane: memoryBackplane(this.#bus) })
    for (const userId of USERS) this.#connect(userId)
  }

  /** One hundredth of a second of a busy server: 14 publishes, and now and then somebody comes, goes, lags or fails. */
  step(): void {
    const step = this.#step++
    for (const symbol of SYMBOLS) this.manager.publish({ streamType: 'PRICE', symbol, data: step })
    for (const symbol of SYMBOLS.slice(0, 3)) this.manager.publish({ streamType: 'TICKS', symbol, data: 'x'.repeat(500) })
    this.manager.publish({ streamType: 'TRADES', symbol: 'S0', data: step })
    this.#other.publish({ streamType: 'TRADES', symbol: 'S1', data: step })
    this.manager.sendToUser(pick(USERS, step), { streamType: 'ORDER_UPDATES', data: step })
    if (step % 20 === 0) this.#comeAndGo(step)
    if (step % 7 === 0) this.#lag(pick(this.#members, step), step / 7)
    if (step % 90 === 0) this.#fail(pick(this.#members, step + 1), step / 90)
    if (step % 30 === 0) this.#command(pick(this.#members, 20 + ((step / 30) % 15)), step / 30)
  }

  async close(): Promise<void> {
    await this.#cluster?.close()
    await Promise.all([this.manager.cleanup(), this.#other.cleanup()])
  }

  #connect(userId: string): void {
    const connection = this.manager.addConnection(`c${++this.#names}`, new FakeSocket({ bufferedAmount: 0 }), userId)
    this.#members.push(connection)
    this.commands.open(connection)
    for (const symbol of SYMBOLS.slice(0, 5)) {
      connection.subscribe({ streamType: 'PRICE', symbol })
      connection.subscribe({ streamType: 'TICKS', symbol })
    }
    connection.subscribe({ streamType: 'TRADES', symbol: 'S1' })
    const position = this.#names % 2 === 0 ? 'unknown:1' : null
    const { subscription } = this.recovery.subscribe(connection, { streamType: 'TRADES', symbol: 'S0', position })
    if (this.#names % 3 === 0) this.#resume(connection, subscription.streamType)
  }

  /** Subscribes again from the position that the client was just given. */
  #resume(connection: Member, streamType: string): void {
    const answer = connection.socket.sent.findLast((text) => text.includes(streamType) && text.includes('"position"'))
    const [, position] = /"position":"([^"]+)"/.exec(answer ?? '') ?? []
    this.recovery.subscribe(connection, { streamType: 'TRADES', symbol: 'S0', position })
  }

  #comeAndGo(step: number): void {
    const leaving = this.#members.shift()
    if (leaving !== undefined) void leaving.remove({ close: step % 40 === 0 })
    this.#connect(pick(USERS, this.#names * 7))
  }

  /** A full socket stays full while five others become full. Then everything that waits is sent. One in ten stays full for ever. */
  #lag(connection: Member, turn: number): void {
    connection.socket.bufferedAmount = FULL_BYTES
    if (turn % 10 === 0) return
    this.#full.push(connection)
    if (this.#full.length <= 5) return
    const [oldest] = this.#full.splice(0, 1) as [Member]
    oldest.socket.bufferedAmount = 0
    oldest.drained()
  }

  /** The next `send` of a connection throws, rejects, or publishes and removes another connection. */
  #fail({ socket }: Member, turn: number): void {
    socket.script.send = () => {
      socket.script.send = undefined
      if (turn % 3 === 0) throw new Error('The peer has gone')
      if (turn % 3 === 1) return Promise.reject(new Error('The peer has gone'))
      this.manager.publish({ streamType: 'PRICE', symbol: 'S0', data: turn })
      return void this.#members.at(-1)?.remove()
    }
  }

  /** A client subscribes, asks for what takes too long, or floods the server. A subscription may be revoked. */
  #command(connection: Member, turn: number): void {
    if (this.manager.getConnection(connection.id) !== connection) return
    const session = this.commands.open(connection)
    session.receive('[{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"S8"},{"command":"subscribe","id":2,"stream_type":"PRICE","symbol":"S9"}]')
    if (turn % 4 === 0) this.manager.revoke({ userId: connection.userId, streamType: 'PRICE', symbol: 'S8' })
    if (turn % 5 === 0) session.receive('{"command":"hang","id":3}')
    if (turn % 20 === 0) for (let i = 0; i < 90; i++) session.receive('{"command":"dance","id":4}')
  }
}

function pick<TItem>(items: readonly TItem[], at: number): TItem {
  return items[at % items.length] as TItem
}
