import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ConnectionManager, type Connection, type PublishResult } from '../../../src/index.ts'
import type { ManagerTransport, Transport } from '../../../src/ports/transport.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import {
  batching,
  MeteredSocket,
  PressuredSocket,
  sized,
  streams,
  STREAM_NAMES,
  reportingDrains,
  unaccounted,
  type StreamName,
  type Streams,
} from '../../support/pressured-socket.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { Witness } from './witness.ts'

const LARGEST_UNITS = 120
const USERS = ['u0', 'u1']
const SYMBOLS = ['A', 'B']

/** A socket that fills as it is written to, and does as its script says at every turn. */
class ScriptedSocket extends MeteredSocket {
  /** What is bad about it now. */
  mood: 'healthy' | 'filling' | 'stuck' | 'nonsense' | 'throwing' | 'rejecting' | 'partial' = 'healthy'
  wasEverUnhealthy = false
  writesAfterClose = 0
  emptyWrites = 0

  get reading(): number {
    if (this.mood === 'nonsense') return NaN
    return this.mood === 'stuck' ? 1e9 : this.buffered
  }
}

type Kind = 'polled' | 'reporting' | 'framed' | 'unmeasured' | 'direct' | 'property' | 'method' | 'plain'
const KINDS: readonly Kind[] = ['polled', 'reporting', 'framed', 'unmeasured', 'direct', 'property', 'method', 'plain']

interface Peer {
  readonly connection: Connection<PressuredSocket, Streams>
  readonly socket: ScriptedSocket
  readonly kind: Kind
  readonly witness: Witness
  readonly own: Set<string>
}

/** A manager, its peers, and a naive idea of what each of them is to see. */
class World {
  readonly random: () => number
  readonly clock = new ManualClock()
  readonly hardLimitBytes: number
  readonly softLimitBytes: number
  readonly manager: ConnectionManager<PressuredSocket, Streams>
  readonly peers = new Map<string, Peer>()
  readonly everybody: Peer[] = []
  readonly ofUser = new Map<string, Set<string>>(USERS.map((userId) => [userId, new Set()]))
  readonly immediates: (() => void)[]
  readonly isReentrant: boolean
  matched = 0
  hasRejected = false
  /** What was wrong so far. Gathered, since what a listener or a socket throws is contained. */
  readonly complaints: string[] = []
  #messages = 0
  #ids = 0
  #depth = 0

  constructor(seed: number, immediates: (() => void)[], isReentrant: boolean) {
    this.random = seededRandom(seed)
    this.immediates = immediates
    this.isReentrant = isReentrant
    this.softLimitBytes = this.one([0, 10, 30, 100, Infinity])
    this.hardLimitBytes = this.one([0, 60, 200, 400, Infinity])
    this.manager = new ConnectionManager({
      streams,
      clock: this.clock,
      serialize: ({ data }) => String(data),
      delivery: { softLimitBytes: this.softLimitBytes, hardLimitBytes: this.hardLimitBytes },
      idleDelayMs: 0,
    })
    this.manager.on('error', ({ stage, error }) => void (stage === 'listener' && this.complaints.push(`A listener threw ${String(error)}`)))
    this.manager.on('connectionRemoved', ({ connection, reason }) => this.#noteRemoval(connection.id, reason))
    this.manager.on('gap', ({ connection, streamType, symbol, dropped }) => this.witnessOf(connection.id).noteGapEvent(`${streamType}:${symbol}`, dropped))
  }

  below(n: number): number {
    return Math.floor(this.random() * n)
  }

  one<TItem>(items: readonly TItem[]): TItem {
    return items[this.below(items.length)] as TItem
  }

  witnessOf(id: string): Witness {
    return (this.everybody.find(({ connection }) => connection.id === id) as Peer).witness
  }

  step(): void {
    const peer = this.peers.size > 0 ? this.one([...this.peers.values()]) : undefined
    const choice = this.below(100)
    if (peer === undefined || choice < 4) this.connect()
    else if (choice < 55) this.publish()
    else if (choice < 60) this.address(peer)
    else if (choice < 66) this.subscribe(peer)
    else if (choice < 71) this.unsubscribe(peer)
    else if (choice < 81) this.changeMood(peer)
    else if (choice < 86) this.drain(peer)
    else if (choice < 92) this.tick()
    else if (choice < 95) this.clock.advance(50)
    else if (choice < 98) this.flush(peer)
    else this.remove(peer)
  }

  connect(): void {
    const [id, userId, kind] = [`c${++this.#ids}`, this.one(USERS), this.one(KINDS)]
    const witness = new Witness(userId, !this.isReentrant)
    const socket = this.#socketOf(kind, witness)
    const transport = this.#transports[kind]
    const connection = this.manager.addConnection(id, socket, userId, { transport: transport as Transport<PressuredSocket> })
    const peer = { connection, socket, kind, witness, own: new Set<string>() }
    this.peers.set(id, peer)
    this.everybody.push(peer)
    for (let i = 0; i < 4; i++) this.subscribe(peer)
  }

  publish(): void {
    const [streamType, symbol] = this.#stream()
    const userId = streamType === 'ORDERS' ? this.one(USERS) : undefined
    const message = this.#message(streamType, symbol, userId)
    const reached = [...this.peers.values()].filter((peer) => this.covers(peer, streamType, symbol) && (userId ?? peer.connection.userId) === peer.connection.userId)
    this.#deliver(reached, message, () => this.manager.publish(message.toPublish as never))
  }

  /** Sends to one, to a user, or to everybody, whatever they are subscribed to. */
  address({ connection: { id, userId } }: Peer): void {
    const [streamType, symbol] = this.#stream()
    const message = this.#message(streamType, symbol, streamType === 'ORDERS' ? userId : undefined)
    const all = [...this.peers.values()]
    const choice = this.below(streamType === 'ORDERS' ? 2 : 3)
    if (choice === 0) this.#deliver(all.filter(({ connection }) => connection.id === id), message, () => this.manager.sendToConnection(id, message.toPublish as never))
    else if (choice === 1) this.#deliver(all.filter(({ connection }) => connection.userId === userId), message, () => this.manager.sendToUser(userId, message.toPublish as never))
    else this.#deliver(all, message, () => this.manager.broadcast(message.toPublish as never))
  }

  subscribe({ connection, own }: Peer): void {
    const [streamType, symbol] = this.#stream()
    const isOwn = this.random() < 0.6
    const held = isOwn ? own : (this.ofUser.get(connection.userId) as Set<string>)
    held.add(keyOf(streamType, symbol))
    if (isOwn) connection.subscribe({ streamType, symbol } as never)
    else this.manager.addSubscription({ userId: connection.userId, streamType, symbol } as never)
  }

  unsubscribe({ connection, own }: Peer): void {
    const [streamType, symbol] = this.#stream()
    const { userId } = connection
    const isOwn = this.random() < 0.6
    const wereCovered = this.#coverage()
    const key = keyOf(streamType, symbol)
    own.delete(key)
    if (!isOwn) for (const held of this.#heldBy(userId)) held.delete(key)
    if (isOwn) connection.unsubscribe({ streamType, symbol } as never)
    else this.manager.removeSubscription({ userId, streamType, symbol })
    for (const [peer, stream] of wereCovered) if (!this.covers(peer, ...stream)) peer.witness.forget(keyOf(...stream))
  }

  changeMood({ socket }: Peer, mood = this.one(['healthy', 'healthy', 'filling', 'filling', 'stuck', 'stuck', 'nonsense', 'partial', 'partial', 'throwing', 'rejecting'] as const)): void {
    if ((mood === 'throwing' || mood === 'rejecting') && this.random() < 0.6) return
    socket.mood = mood
    socket.wasEverUnhealthy ||= mood !== 'healthy' && mood !== 'nonsense'
    if (mood === 'healthy') socket.buffered = 0
  }

  drain({ socket, connection, kind }: Peer): void {
    socket.buffered = Math.floor(socket.buffered * this.one([0, 0, 0.5]))
    if (kind === 'reporting') for (const listener of [...socket.listeners]) listener()
    else if (this.random() < 0.5) connection.drained()
  }

  flush({ connection, socket }: Peer): void {
    const hasNothingLeft = connection.flush()
    // What a socket publishes meanwhile is in the next batch.
    if (!this.isReentrant && socket.mood === 'healthy' && socket.buffered === 0) this.#require(hasNothingLeft, 'A flush with room left something')
  }

  remove({ connection, socket }: Peer): void {
    const choice = this.below(5)
    const writesBefore = socket.writes.length
    if (choice === 0) void this.manager.removeUser(connection.userId)
    else void connection.remove({ close: choice > 2 })
    if (choice === 1 || choice === 2) this.#require(socket.writes.length === writesBefore, 'A peer that has gone was written to')
  }

  tick(): void {
    for (const immediate of this.immediates.splice(0)) immediate()
  }

  /** Lets every socket take all there is, and all timers and ticks pass. */
  recover(): void {
    for (const peer of this.peers.values()) {
      this.changeMood(peer, 'healthy')
      for (const listener of [...peer.socket.listeners]) listener()
    }
    for (let i = 0; i < 5; i++) {
      this.tick()
      this.clock.advance(50)
    }
  }

  covers({ own, connection: { userId } }: Peer, streamType: StreamName, symbol: string | undefined): boolean {
    const held = [own, this.ofUser.get(userId) as Set<string>]
    return held.some((keys) => keys.has(keyOf(streamType, symbol)) || keys.has(keyOf(streamType, undefined)))
  }

  assertSound(): void {
    const { connectionsBehind, waitingBytes, mostWaitingBytes, matched } = this.manager.stats()
    this.#require(unaccounted(this.manager) === 0, `${unaccounted(this.manager)} are not accounted for`)
    this.#require(this.isReentrant || matched === this.matched, `${matched} were matched, not ${this.matched}`)
    this.#require(mostWaitingBytes <= this.hardLimitBytes + LARGEST_UNITS, `${mostWaitingBytes} waited for one connection`)
    this.#require(connectionsBehind <= this.peers.size, `${connectionsBehind} of ${this.peers.size} are behind`)
    this.#require(waitingBytes <= (this.peers.size || 1) * (this.hardLimitBytes + LARGEST_UNITS), `${waitingBytes} wait`)
    this.#require(this.manager.connectionCount === this.peers.size, 'Connections were lost')
    for (const { witness, socket, connection } of this.everybody) {
      this.complaints.push(...witness.complaints)
      this.#require(socket.writesAfterClose === 0, `${connection.id} was written to after its close`)
      this.#require(socket.emptyWrites === 0, `${connection.id} was written nothing`)
      this.#require(socket.closeCalls <= 1, `${connection.id} was closed twice`)
    }
    expect(this.complaints).toEqual([])
  }

  assertRecovered(): void {
    expect(this.manager.stats()).toMatchObject({ waiting: 0, connectionsBehind: 0, waitingBytes: 0 })
    expect(this.clock.pendingTimers).toBe(0)
    for (const { socket } of this.everybody) expect(socket.listeners.size).toBe(0)
    for (const { witness } of this.peers.values()) expect(witness.missing()).toEqual([])
  }

  #require(isSo: boolean, otherwise: string): void {
    if (!isSo) this.complaints.push(otherwise)
  }

  #deliver(reached: readonly Peer[], { label, streamType, symbol, isBad }: Message, publish: () => PublishResult): void {
    const key = keyOf(streamType, symbol)
    for (const { kind, witness } of reached) if (!(isBad && kind === 'framed')) witness.expect(key, label)
    const { matched, sent, queued, conflated, dropped, failed, skipped, deferred } = publish()
    if (deferred) return
    this.matched += reached.length
    this.#require(sent + queued + conflated + dropped + failed + skipped === matched, `The counts of ${label} do not add up`)
    if (!this.isReentrant) this.#require(matched === reached.length && skipped === 0, `${label} was matched by ${matched}, not ${reached.length}`)
  }

  #noteRemoval(id: string, reason: string): void {
    const { connection, socket } = this.peers.get(id) as Peer
    const { userId } = connection
    this.peers.delete(id)
    if (![...this.peers.values()].some((peer) => peer.connection.userId === userId)) this.ofUser.get(userId)?.clear()
    this.#require(socket.wasEverUnhealthy || ['removed', 'peer-closed', 'cleanup'].includes(reason), `${id} was healthy, and ended for ${reason}`)
  }

  #heldBy(userId: string): Set<string>[] {
    const own = [...this.peers.values()].filter(({ connection }) => connection.userId === userId).map((peer) => peer.own)
    return [this.ofUser.get(userId) as Set<string>, ...own]
  }

  #coverage(): (readonly [Peer, readonly [StreamName, string | undefined]])[] {
    const all = STREAM_NAMES.flatMap((streamType) => [...SYMBOLS, undefined].map((symbol) => [streamType, symbol] as const))
    return [...this.peers.values()].flatMap((peer) => all.filter((stream) => this.covers(peer, ...stream)).map((stream) => [peer, stream] as const))
  }

  #stream(): [StreamName, string | undefined] {
    const streamType = this.one(STREAM_NAMES)
    return [streamType, streamType === 'ORDERS' && this.random() < 0.3 ? undefined : this.one(SYMBOLS)]
  }

  #message(streamType: StreamName, symbol: string | undefined, userId: string | undefined): Message {
    const isBad = this.random() < 0.02
    const label = `${keyOf(streamType, symbol)}/${userId ?? '*'}/${++this.#messages}${isBad ? '!' : ''}`
    const text = sized(label, this.random() < 0.05 ? LARGEST_UNITS : label.length + this.below(20))
    return { streamType, symbol, isBad, label, toPublish: { streamType, symbol, data: text, ...(userId !== undefined && { userId }) } }
  }

  #socketOf(kind: Kind, witness: Witness): ScriptedSocket {
    const socket: ScriptedSocket = new ScriptedSocket((frames) => this.#written(socket, witness, frames))
    if (kind === 'property') Object.defineProperty(socket, 'bufferedAmount', { get: () => socket.reading })
    else delete (socket as { bufferedAmount?: unknown }).bufferedAmount
    if (kind === 'method') Object.assign(socket, { getBufferedAmount: () => socket.reading })
    return socket
  }

  /** Takes as many as it has a mind to, where it can say so; without a `write` it takes whatever comes. */
  #written(socket: ScriptedSocket, witness: Witness, frames: readonly string[]): number | void | Promise<void> {
    if (socket.closeCalls > 0) socket.writesAfterClose++
    if (frames.length === 0 || frames.includes('')) socket.emptyWrites++
    if (this.isReentrant && this.#depth < 2 && this.random() < 0.2) {
      this.#depth++
      this.#reenter()
      this.#depth--
    }
    if (socket.mood === 'throwing') throw new Error('broken')
    const accepted = socket.mood === 'partial' ? this.below(frames.length + 2) - 0.5 : frames.length
    const taken = frames.slice(0, Math.max(0, Math.floor(accepted)))
    const isSentOneByOne = !('write' in (this.#transportOf(socket) ?? {}))
    const texts = isSentOneByOne ? frames : taken
    for (const text of texts) witness.see(text)
    if (socket.mood === 'filling') socket.buffered += texts.join('').length
    this.hasRejected ||= socket.mood === 'rejecting'
    if (socket.mood === 'rejecting') return Promise.reject(new Error('broken later'))
    return socket.mood === 'partial' ? accepted : undefined
  }

  #transportOf(socket: ScriptedSocket): object | undefined {
    const peer = this.everybody.find((each) => each.socket === socket)
    return peer && this.#transports[peer.kind]
  }

  /** What a socket may do to the manager from within a write. */
  #reenter(): void {
    const peer = this.peers.size > 0 ? this.one([...this.peers.values()]) : undefined
    if (peer === undefined) return
    const choice = this.below(40)
    if (choice < 16) this.publish()
    else if (choice < 22) peer.connection.flush()
    else if (choice < 26) this.drain(peer)
    else if (choice < 30) this.subscribe(peer)
    else if (choice < 34) this.unsubscribe(peer)
    else if (choice < 39) this.remove(peer)
    else if (this.random() < 0.1) void this.manager.cleanup()
  }

  readonly #measured = { bufferedBytes: (socket: PressuredSocket) => (socket as ScriptedSocket).reading }
  readonly #transports: Readonly<Record<Kind, ManagerTransport<PressuredSocket> | undefined>> = {
    polled: batching(this.#measured) as ManagerTransport<PressuredSocket>,
    reporting: batching({ ...this.#measured, ...reportingDrains() }) as ManagerTransport<PressuredSocket>,
    framed: batching({
      ...this.#measured,
      frame: (text: string) => {
        if (text.includes('!')) throw new Error('no frame')
        return text
      },
    }) as ManagerTransport<PressuredSocket>,
    unmeasured: { write: (socket: PressuredSocket, frames: readonly string[]) => socket.write(frames) } as ManagerTransport<PressuredSocket>,
    direct: this.#measured,
    property: undefined,
    method: undefined,
    plain: undefined,
  }
}

interface Message {
  readonly streamType: StreamName
  readonly symbol: string | undefined
  readonly isBad: boolean
  readonly label: string
  readonly toPublish: object
}

function keyOf(streamType: StreamName, symbol: string | undefined): string {
  return `${streamType}:${symbol ?? null}`
}

describe('ConnectionManager › random sequences of messages, pressure and trouble', () => {
  let immediates: (() => void)[] = []

  beforeEach(() => {
    immediates = []
    vi.stubGlobal('setImmediate', (fn: () => void) => immediates.push(fn))
  })

  afterEach(() => vi.unstubAllGlobals())

  /** Runs many short sequences, each of its own seed, which is in the message of what fails. */
  async function runs(count: number, isReentrant: boolean, check: (world: World) => void): Promise<void> {
    for (let seed = 1; seed <= count; seed++) {
      immediates.length = 0
      try {
        const world = new World(seed, immediates, isReentrant)
        const steps = 20 + world.below(60)
        for (let step = 0; step < steps; step++) {
          if (world.manager.closed) break
          world.step()
          // Rejections come with the microtasks.
          if (world.hasRejected) for (let i = 0; i < 6; i++) await Promise.resolve()
          world.assertSound()
        }
        check(world)
      } catch (error) {
        throw new Error(`Seed ${seed}: ${(error as Error).message}`, { cause: error })
      }
    }
  }

  it('delivers every message of its streams to each client once, in order, or reports how many are missing', async () => {
    await runs(1_200, false, (world) => {
      world.recover()
      world.assertSound()
      world.assertRecovered()
    })
  })

  it('keeps order, counts and bounds if sockets call back from within their writes', async () => {
    await runs(1_200, true, (world) => {
      world.recover()
      world.assertSound()
    })
  })

  it('holds nothing once all connections are removed', async () => {
    await runs(500, false, (world) => {
      for (const { connection } of world.peers.values()) void connection.remove()
      for (const immediate of immediates.splice(0)) immediate()
      world.assertSound()
      world.assertRecovered()
      expect(world.manager.connectionCount).toBe(0)
    })
  })
})
