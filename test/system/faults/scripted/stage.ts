import assert from 'node:assert/strict'
import type { Connection, Transport } from '../../../../src/index.ts'
import { STREAM_NAMES, type StreamName, type Streams } from '../../../support/pressured-socket.ts'
import { accountOf } from '../accounts.ts'
import { Client, isPrivate, keyOf } from '../client.ts'
import { Market, type Options } from '../market.ts'
import type { Trial } from '../trial.ts'
import { KINDS, MeteredSocket, ScriptedSocket, transportOf, type Kind, type Script } from './scripted-socket.ts'

export type StageOptions = Options<ScriptedSocket>

/** Less than what a dozen plain messages are long, so that a few of them fill a socket, and more of them a queue. */
const SOFT_LIMIT_BYTES = 1_000
const HARD_LIMIT_BYTES = 10_000
/** Longer than any wait of a manager's own. */
const LONG_MS = 60_000

/** A client behind a scripted socket. */
export class Actor extends Client {
  readonly socket: ScriptedSocket
  /** Set when the manager has it. */
  declare connection: Connection<ScriptedSocket, Streams>

  constructor(name: string, userId: string, kind: Kind, script: Script = {}) {
    super(name, userId)
    const Socket = kind === 'metered' ? MeteredSocket : ScriptedSocket
    this.socket = new Socket((text) => this.see(text), script)
  }

  get script(): Script {
    return this.socket.script
  }
}

export interface Entrance {
  /** Any, unless it is named. */
  readonly kind?: Kind | undefined
  /** A user of its own, unless it is named. */
  readonly userId?: string
  readonly script?: Script
  readonly transport?: Transport<ScriptedSocket>
  /** Which it subscribes to, of symbol A; all unless they are named. */
  readonly streams?: readonly StreamName[]
}

/** The victim, another connection of its user, and those who come before and after it in every fan-out. */
export interface Cast {
  readonly before: readonly [Actor, ...Actor[]]
  readonly victim: Actor
  readonly friend: Actor
  readonly after: readonly [Actor, ...Actor[]]
  /** All but the victim. */
  readonly others: readonly Actor[]
}

/** A manager with scripted sockets, on a clock that stands still until it is told to advance. */
export class Stage extends Market<ScriptedSocket> {
  readonly #actors: Actor[] = []

  constructor(trial: Trial, { delivery, ...options }: StageOptions = {}) {
    super(trial, { delivery: { softLimitBytes: SOFT_LIMIT_BYTES, hardLimitBytes: HARD_LIMIT_BYTES, ...delivery }, ...options })
  }

  get report(): string {
    const [due, received] = (['due', 'received'] as const).map((list) => this.#actors.reduce((sum, actor) => sum + actor[list].length, 0))
    const left = `${this.manager.connectionCount} connections, ${this.clock.pendingTimers} timers`
    return `scripted: ${accountOf(this.stats)}; ${this.#actors.length} clients took ${received} of ${due}; left: ${left}`
  }

  /** Connects a client, subscribed to everything. */
  connect(name: string, { streams = STREAM_NAMES, ...entrance }: Entrance = {}): Actor {
    const actor = this.admit(name, entrance)
    for (const streamType of streams) this.subscribe(actor, streamType)
    return actor
  }

  /** Connects a client that is subscribed to nothing. */
  admit(name: string, { kind = this.trial.one(KINDS), userId = name, script, transport = transportOf(kind) }: Omit<Entrance, 'streams'> = {}): Actor {
    const actor = new Actor(name, userId, kind, script)
    this.#actors.push(actor)
    this.ledger.add(actor)
    actor.isGone = false
    actor.socket.whenCalled = () => this.assertBalanced()
    actor.connection = this.manager.addConnection(name, actor.socket, userId, { transport })
    return actor
  }

  subscribe(actor: Actor, streamType: StreamName, symbol = 'A'): void {
    actor.streams.add(keyOf(streamType, symbol))
    actor.connection.subscribe({ streamType, symbol })
  }

  unsubscribe(actor: Actor, streamType: StreamName, symbol = 'A'): boolean {
    actor.streams.delete(keyOf(streamType, symbol))
    return actor.connection.unsubscribe({ streamType, symbol })
  }

  /** Gives a client to another user. What it holds of public streams goes with it, unless `authorize` refuses all of it. */
  reassign(actor: Actor, userId: string, isAllowed = true): void {
    for (const key of actor.streams) if (isPrivate(key) || !isAllowed) actor.streams.delete(key)
    actor.connection.reassign(userId)
  }

  /** Takes streams away from users, and from the model; how many subscriptions that ended. */
  revoke(revocation: Parameters<typeof this.manager.revoke>[0]): number {
    const { userId, streamType } = revocation
    const isMeant = (key: string): boolean => streamType === undefined || key.startsWith(`${streamType}:`)
    for (const { streams, ...actor } of this.#actors) {
      if ((userId ?? actor.userId) === actor.userId) for (const key of streams) if (isMeant(key)) streams.delete(key)
    }
    for (const [owner, keys] of this.ledger.ofUser) {
      if ((userId ?? owner) === owner) for (const key of keys) if (isMeant(key)) keys.delete(key)
    }
    return this.manager.revoke(revocation)
  }

  /** The victim, of this kind, in the middle of others of any kind and number, all subscribed to everything. */
  cast(entrance: Entrance = {}): Cast {
    const before = this.#crowd('before')
    const victim = this.connect('victim', entrance)
    const friend = this.connect('friend', { userId: victim.userId })
    const after = this.#crowd('after')
    victim.condition = 'faulty'
    return { before, victim, friend, after, others: [...before, friend, ...after] }
  }

  #crowd(name: string): [Actor, ...Actor[]] {
    const users = [`${name} 1`, `${name} 2`]
    const join = (i: number): Actor => {
      const actor = this.connect(`${name} ${i}`, { userId: this.trial.one(users) })
      // A second holder of what it is subscribed to already makes no second copy.
      if (this.trial.random() < 0.5) this.subscribeUser(actor.userId, this.trial.one(STREAM_NAMES))
      return actor
    }
    return [join(1), ...Array.from({ length: this.trial.between(0, 2) }, (_, i) => join(i + 2))]
  }

  /** Publishes, a turn each time, until something waits for somebody; how many messages that took. */
  async publishUntilBehind(streamType: StreamName = 'BOOK'): Promise<number> {
    let count = 0
    for (; this.stats.connectionsBehind === 0 && count < 10; count++) {
      this.publish(streamType)
      await this.settle()
    }
    return count
  }

  /** How many messages wait for one client. All others get their batch before. */
  waitingFor(actor: Actor): number {
    for (const { connection } of this.#actors) if (connection !== actor.connection) connection.flush()
    return this.stats.waiting
  }

  /** Fills a client's socket, so that from now on what comes for it waits. */
  jam(actor: Actor): void {
    actor.socket.buffered = 10 * SOFT_LIMIT_BYTES
  }

  /** Publishes until a client is disconnected that takes nothing; how many messages that took. */
  overwhelm(actor: Actor): number {
    for (let count = 1; count <= 100; count++) {
      this.publish('BOOK', { padding: 1_000 })
      this.clock.advance(50)
      if (actor.connection.removed) return count
    }
    throw new Error(`${actor.name} was not removed, with ${this.stats.waitingBytes} units waiting`)
  }

  /** Lets so much wait for a client that sits jammed that some of it is given up; how many messages that took. */
  overflow(streamType: StreamName): number {
    let count = 0
    for (; this.stats.dropped === 0 && count < 100; count++) this.publish(streamType, { padding: 1_500 })
    return count
  }

  /** Lets the tick end, and what is told later arrive. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => void setImmediate(resolve))
  }

  async finish(): Promise<void> {
    await this.settle()
    this.assertExpected()
    this.#assertSocketsAgree()
    await this.#assertEndsWell()
  }

  async abandon(): Promise<void> {}

  /** What the sockets say that they took is what the manager says that it sent. */
  #assertSocketsAgree(): void {
    const { sent, rejected } = this.stats
    const total = (countOf: (actor: Actor) => number): number => this.#actors.reduce((sum, actor) => sum + countOf(actor), 0)
    assert.equal(sent, total(({ received, told }) => received.length + told.length), 'sent, against what the sockets took')
    assert.equal(rejected, total(({ socket }) => socket.rejected), 'rejected, against what the sockets say that they rejected')
    for (const { name, socket } of this.#actors) assert.deepEqual(socket.strayCalls, [], `calls of ${name}'s socket`)
    assert.ok(this.stats.mostWaitingBytes <= HARD_LIMIT_BYTES + LARGEST_UNITS, `${this.stats.mostWaitingBytes} waited for one connection`)
  }

  async #assertEndsWell(): Promise<void> {
    const report = this.manager.cleanup()
    this.clock.advance(LONG_MS)
    await report
    await this.settle()
    this.assertEmpty()
    for (const { name, socket, isGone } of this.#actors) {
      assert.equal(isGone, true, `${name} is left`)
      assert.equal(socket.drainListeners.size, 0, `drain listeners of ${name} that are left`)
      assert.deepEqual(socket.strayCalls, [], `calls of ${name}'s socket`)
    }
  }
}

/** No message of a scenario's is longer. */
const LARGEST_UNITS = 4_000
