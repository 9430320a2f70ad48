import assert from 'node:assert/strict'
import { ConnectionManager, type PublishableMessage, type PublishResult, type Socket, type Stats } from '../../../src/index.ts'
import { STREAM_NAMES, streams, type StreamName, type Streams } from '../../support/pressured-socket.ts'
import { NOTHING, stateOf } from '../../support/state.ts'
import { accountOf, fallen, imbalances, OUTCOMES, type Outcome } from './accounts.ts'
import { isPrivate, keyOf, type Client } from './client.ts'
import { FaultyClock } from './faulty-clock.ts'
import { Ledger, type Entry } from './ledger.ts'
import { Observer } from './observer.ts'
import type { Trial } from './trial.ts'

export type Options<TSocket extends Socket> = NonNullable<ConstructorParameters<typeof ConnectionManager<TSocket, Streams>>[0]>

export interface Publication {
  readonly symbol?: string
  readonly userId?: string
  /** UTF-16 units that the message is to be longer by. */
  readonly padding?: number
  /** Makes more of the data than a number. */
  readonly data?: (data: { n: number }) => unknown
  /** Called when the message is serialized. One that waits for its turn has its place in the order only after that. */
  readonly whenSerialized?: () => unknown
  /** Whom it is for, where that is not who is subscribed now. */
  readonly to?: readonly Client[]
}

/** What must have come of the fault; nothing where nothing is said. `any` where it is the peer, or the system, that decides. */
export type Expected = Partial<Record<Exclude<Outcome, 'sent'> | 'rejected', number | 'any'>> & {
  readonly errors?: readonly string[]
  readonly removals?: readonly string[]
}

/** Where a scenario plays, and what is looked at in the end. */
export interface Arena {
  /** What a line of the report says of it. */
  readonly report: string
  /** Asserts what must hold in the end, whatever happened, and ends everything. */
  finish(): Promise<void>
  /** Frees whatever is still open. */
  abandon(): Promise<void>
}

/** A manager, what it is given to deliver, and what comes of it. */
export abstract class Market<TSocket extends Socket = Socket> implements Arena {
  readonly trial: Trial
  readonly clock = new FaultyClock()
  readonly manager: ConnectionManager<TSocket, Streams>
  readonly ledger = new Ledger()
  readonly observer: Observer
  /** How many connections notices were for. */
  toldMatched = 0
  #expected: Expected = {}
  #lastStats: Stats | undefined
  readonly #complaints: string[] = []

  constructor(trial: Trial, options: Options<TSocket>) {
    this.trial = trial
    this.manager = new ConnectionManager<TSocket, Streams>({ clock: this.clock, ...options, streams })
    this.observer = new Observer(this.manager as unknown as ConnectionManager<Socket, Streams>, this.ledger, () => this.noticed())
  }

  get stats(): Stats {
    return this.manager.stats()
  }

  /** The client of this name, the newest where there are several. */
  client(name: string): Client {
    const client = this.ledger.clients.findLast((each) => each.name === name)
    if (client === undefined) throw new Error(`There is no client ${name}`)
    return client
  }

  abstract get report(): string
  abstract finish(): Promise<void>
  abstract abandon(): Promise<void>

  /** Something has happened. */
  protected noticed(): void {}

  /** Publishes a numbered message. */
  publish(streamType: StreamName = 'BOOK', { symbol = 'A', userId, to, ...contents }: Publication = {}): PublishResult {
    const entry = this.ledger.enter(keyOf(streamType, symbol), userId, to)
    const message = { streamType, symbol, data: this.#dataOf(entry, contents), ...(userId !== undefined && { userId }) }
    return this.#deliver(entry, () => this.manager.publish(message as PublishableMessage<Streams>))
  }

  /** Publishes so many messages, of any streams; private ones to one of the users. */
  traffic(count: number, userIds: readonly string[] = [...this.manager.userConnections.keys()]): void {
    for (let i = 0; i < count; i++) {
      const streamType = this.trial.one(STREAM_NAMES)
      const isOrder = isPrivate(streamType) && userIds.length > 0
      this.publish(isPrivate(streamType) && !isOrder ? 'BOOK' : streamType, isOrder ? { userId: this.trial.one(userIds) } : {})
    }
  }

  /** Sends a numbered message to one client, whatever it is subscribed to. */
  sendTo(client: Client, streamType: StreamName = 'BOOK', { symbol = 'A', ...contents }: Omit<Publication, 'to'> = {}): PublishResult {
    const { name, userId, isGone } = client
    const entry = this.ledger.enter(keyOf(streamType, symbol), isPrivate(streamType) ? userId : undefined, isGone ? [] : [client])
    const message = { streamType, symbol, data: this.#dataOf(entry, contents) }
    return this.#deliver(entry, () => this.manager.sendToConnection(name, message as never))
  }

  /** Subscribes a user as such. */
  subscribeUser(userId: string, streamType: StreamName, symbol = 'A'): ReturnType<typeof this.manager.addSubscription> {
    const keys = this.ledger.ofUser.get(userId) ?? new Set()
    this.ledger.ofUser.set(userId, keys.add(keyOf(streamType, symbol)))
    return this.manager.addSubscription({ userId, streamType, symbol })
  }

  /** Sends a numbered message to everybody, whatever they are subscribed to. */
  broadcast(streamType: StreamName = 'BOOK'): PublishResult {
    const entry = this.ledger.enter(keyOf(streamType, 'A'), undefined, this.ledger.clients.filter(({ isGone }) => !isGone))
    const message = { streamType, symbol: 'A', data: this.#dataOf(entry, {}) }
    return this.#deliver(entry, () => this.manager.broadcast(message as never))
  }

  /** Says what must have come of the faults, in addition to what must hold always. */
  expect(expected: Expected): void {
    this.#expected = expected
  }

  /** Asserts which messages a client saw, in this order. */
  assertNumbers(client: Client, numbers: readonly number[]): void {
    assert.deepEqual(client.numbers, numbers, `what ${client.name} saw`)
  }

  /** Asserts that the five mappings know nothing of these. */
  assertForgotten(...clients: readonly Client[]): void {
    const { manager } = this
    for (const { name } of clients) {
      assert.equal(manager.activeConnections.has(name), false, `activeConnections still has ${name}`)
      assert.equal(manager.connectionUsers.has(name), false, `connectionUsers still has ${name}`)
      assert.equal(manager.getConnection(name), undefined)
      for (const [userId, ids] of manager.userConnections) assert.equal(ids.includes(name), false, `userConnections of ${userId} has ${name}`)
    }
    for (const userId of new Set(clients.map((client) => client.userId))) {
      if (this.ledger.clients.some((client) => client.userId === userId && !client.isGone)) continue
      assert.equal(manager.userConnections.has(userId), false, `userConnections still has ${userId}`)
      assert.equal(manager.userSubscriptions.has(userId), false, `userSubscriptions still has ${userId}`)
      for (const [key, userIds] of manager.streamSubscriptions) assert.equal(userIds.includes(userId), false, `${key} still has ${userId}`)
    }
  }

  /** Asserts that the accounts add up at this moment, and that no counter fell. */
  assertBalanced(): void {
    const { stats } = this
    this.#complaints.push(...imbalances(stats), ...fallen(this.#lastStats ?? stats, stats))
    this.#lastStats = stats
  }

  /** Asserts what is expected of the faults, and of every client. */
  protected assertExpected(): void {
    const { errors = [], removals = [], ...counts } = this.#expected
    const stats = this.stats
    const wrong = [...OUTCOMES, 'rejected' as const].flatMap((outcome) => {
      if (outcome === 'sent') return []
      const expected = counts[outcome] ?? 0
      return expected === 'any' || stats[outcome] === expected ? [] : [`${stats[outcome]} ${outcome}, not ${expected}`]
    })
    this.assertBalanced()
    const matched = this.ledger.matched + this.toldMatched
    if (stats.matched !== matched) wrong.push(`${stats.matched} matched, not ${matched}`)
    wrong.push(...this.ledger.clients.flatMap((client) => client.complaints()), ...this.observer.complaints, ...this.#complaints)
    assert.deepEqual(wrong, [], accountOf(stats))
    assert.deepEqual(this.observer.errors.toSorted(), errors.toSorted(), 'the errors that were told')
    assert.deepEqual(this.observer.removals.toSorted(), removals.toSorted(), 'the connections that were removed')
  }

  /** Asserts that a manager that was cleaned up holds nothing, and says no to everybody. */
  protected assertEmpty(): void {
    const { connectionsBehind, waitingBytes, waiting } = this.stats
    assert.deepEqual(stateOf(this.manager), NOTHING)
    assert.deepEqual([this.manager.activeStreams(), [...this.manager.connections()]], [[], []])
    assert.deepEqual({ connectionsBehind, waitingBytes, waiting }, { connectionsBehind: 0, waitingBytes: 0, waiting: 0 })
    assert.deepEqual([this.observer.unfinished, this.observer.complaints, imbalances(this.stats)], [[], [], []])
    assert.equal(this.clock.pendingTimers, 0, 'timers of the manager that are left')
    assert.throws(() => this.manager.publish({ streamType: 'BOOK', symbol: 'A', data: 0 }), { code: 'ERR_CLOSED' })
    assert.throws(() => this.manager.addSubscription({ userId: 'late', streamType: 'BOOK', symbol: 'A' }), { code: 'ERR_CLOSED' })
  }

  #deliver(entry: Entry, publish: () => PublishResult): PublishResult {
    try {
      const result = publish()
      this.#complaints.push(...imbalances(result))
      this.assertBalanced()
      if (!result.deferred && result.matched !== entry.audience.length) {
        this.#complaints.push(`${entry.n} of ${entry.key} matched ${result.matched}, not ${entry.audience.length}`)
      }
      return result
    } catch (error) {
      this.ledger.retract(entry)
      throw error
    }
  }

  #dataOf(entry: Entry, { padding, data, whenSerialized }: Publication): unknown {
    const plain = { n: entry.n, ...(padding !== undefined && { padding: 'x'.repeat(padding) }) }
    if (whenSerialized === undefined) return data === undefined ? plain : data(plain)
    const toJSON = (): unknown => {
      whenSerialized()
      this.ledger.renumber(entry)
      return { n: entry.n }
    }
    return { toJSON }
  }
}
