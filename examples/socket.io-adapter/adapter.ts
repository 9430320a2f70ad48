import type { Namespace } from 'socket.io'
import { Adapter, type BroadcastOptions, type Room, type SocketId } from 'socket.io-adapter'
import { ConnectionManager, defineStreams, type Connection, type Socket } from 'stream-connection-manager'
import { LiveMap } from './live-map.ts'
import { Outgoing, type Answered, type Frames, type Packet, type WriteOptions } from './outgoing.ts'
import { RoomSymbols } from './room-symbols.ts'

const streams = defineStreams({
  NAMESPACE: { audience: 'public', symbol: 'none' }, // all sockets of the namespace
  ROOM: { audience: 'public', symbol: 'required' }, // one stream for each room
})

// socket.io does not limit how many rooms a socket is in.
const quotas = { subscriptionsPerUser: Infinity, subscriptionsPerConnection: Infinity }

/** A socket of the namespace, as the manager sees it. */
interface Peer extends Socket {
  readonly id: SocketId
  send(outgoing: string | Uint8Array): void
}

type Member = Connection<Peer, typeof streams>

/** What socket.io's own adapter uses of it, although its types call it private. */
interface Internals {
  _encode(packet: Packet, options: WriteOptions): Frames
}

/**
 * An adapter for socket.io whose rooms are streams of a `ConnectionManager`. There is one manager for each namespace.
 *
 * A socket is a connection, and a user of its own. `socket.broadcast.emit` is one publish to the stream of the namespace, except the sender. No
 * code loops over the sockets.
 *
 * @example
 * const io = new Server(server, { adapter: ManagerAdapter })
 */
export class ManagerAdapter extends Adapter {
  readonly manager: ConnectionManager<Peer, typeof streams> = new ConnectionManager<Peer, typeof streams>({ streams, quotas, idleDelayMs: 0 })
  readonly #namespace: Namespace
  readonly #members = new Map<SocketId, Member>()
  readonly #symbols = new RoomSymbols()
  #lastConnection = 0

  constructor(namespace: Namespace) {
    super(namespace)
    this.#namespace = namespace
    // The queries of the base class (`sockets`, `fetchSockets`, `addSockets`, …) read these two.
    this.rooms = new LiveMap(this.#symbols.all, (room) => new Set(this.#membersOf(room).map(({ socket }) => socket.id)))
    this.sids = new LiveMap(this.#members, (id) => new Set(this.#roomsOf(id)))
    this.#emitRoomEvents()
  }

  // ── Who is where ───────────────────────────────────────────────────────────────────────────────────────────

  override addAll(id: SocketId, rooms: Set<Room>): void {
    const member = this.#members.get(id) ?? this.#addMember(id)
    for (const room of rooms) member.subscribe({ streamType: 'ROOM', symbol: this.#symbols.all.get(room) ?? this.#createRoom(room) })
  }

  override del(id: SocketId, room: Room): void {
    const symbol = this.#symbols.all.get(room)
    if (symbol !== undefined) this.#members.get(id)?.unsubscribe({ streamType: 'ROOM', symbol })
  }

  override delAll(id: SocketId): void {
    const member = this.#members.get(id)
    this.#members.delete(id)
    void member?.remove({ close: false })
  }

  override socketRooms(id: SocketId): Set<Room> | undefined {
    return this.sids.get(id)
  }

  #addMember(id: SocketId): Member {
    // While its middleware runs, a socket may be in rooms already, but it gets nothing yet.
    const client = () => this.#namespace.sockets.get(id)
    const peer: Peer = {
      id,
      send(outgoing) {
        const to = client()
        if (to !== undefined) (outgoing as Outgoing).writeTo(to)
      },
      close: () => client()?.conn.close(true), // the manager calls this only if `send` threw
    }
    const name = String(++this.#lastConnection)
    const member = this.manager.addConnection(name, peer, name)
    this.#members.set(id, member)
    member.subscribe({ streamType: 'NAMESPACE' })
    return member
  }

  #createRoom(room: Room): string {
    const symbol = this.#symbols.add(room)
    this.emit('create-room', room)
    return symbol
  }

  #emitRoomEvents(): void {
    this.manager.on('subscriptionAdded', ({ subscription: { symbol }, connection }) => {
      if (symbol !== undefined) this.emit('join-room', this.#symbols.roomOf(symbol), connection?.socket.id)
    })
    this.manager.on('subscriptionRemoved', ({ subscription: { symbol }, connection }) => {
      if (symbol !== undefined) this.emit('leave-room', this.#symbols.roomOf(symbol), connection?.socket.id)
    })
    this.manager.on('streamIdle', ({ symbol }) => {
      if (symbol !== undefined) this.#deleteRoom(symbol)
    })
  }

  #deleteRoom(symbol: string): void {
    const room = this.#symbols.roomOf(symbol)
    // A listener of `leave-room` may have let somebody join.
    if (room === undefined || this.#membersOf(room).length > 0) return
    this.#symbols.release(room, symbol)
    this.emit('delete-room', room)
  }

  #membersOf(room: Room): Member[] {
    const symbol = this.#symbols.all.get(room)
    return symbol === undefined ? [] : [...this.manager.connectionsOf('ROOM', symbol)]
  }

  *#roomsOf(id: SocketId): Generator<Room, undefined> {
    for (const { subscription: { symbol } } of this.#members.get(id)?.subscriptions() ?? []) {
      const room = symbol === undefined ? undefined : this.#symbols.roomOf(symbol)
      if (room !== undefined) yield room
    }
  }

  // ── Packets ────────────────────────────────────────────────────────────────────────────────────────────────

  override broadcast(packet: Packet, options: BroadcastOptions): void {
    this.#deliver(packet, options)
  }

  override broadcastWithAck(
    packet: Packet,
    options: BroadcastOptions,
    clientCountCallback: (clientCount: number) => void,
    answered: Answered,
  ): void {
    packet.id = this.#namespace._ids++
    this.#deliver(packet, options, clientCountCallback, answered)
  }

  #deliver(packet: Packet, options: BroadcastOptions, countClients?: (clientCount: number) => void, answered?: Answered): void {
    const { rooms, except = new Set<Room>(), flags: { volatile, compress } = {} } = options
    const writeOptions: WriteOptions = { preEncoded: true, volatile, compress }
    packet.nsp = this.#namespace.name
    const frames = (this as unknown as Internals)._encode(packet, writeOptions)
    const outgoing = new Outgoing(packet, frames, writeOptions, answered)

    const isDelivered = this.#publish(outgoing, rooms, [...except].flatMap((room) => this.#membersOf(room)))

    const finish = (): void => {
      countClients?.(outgoing.clientCount)
      outgoing.notifyListeners()
    }
    if (isDelivered) finish()
    else queueMicrotask(finish)
  }

  /** Returns false if the packet goes out only after another one that is being delivered. */
  #publish(outgoing: Outgoing, rooms: ReadonlySet<Room>, except: readonly Member[]): boolean {
    if (rooms.size === 0) return !this.manager.publish({ streamType: 'NAMESPACE' }, { text: outgoing, except }).deferred
    if (rooms.size > 1) return this.#publishToRooms(outgoing, rooms, except)
    const [room] = rooms
    return this.#publishToRoom(outgoing, room as Room, except)
  }

  #publishToRoom(outgoing: Outgoing, room: Room, except: readonly Member[]): boolean {
    const symbol = this.#symbols.all.get(room)
    return symbol === undefined || !this.manager.publish({ streamType: 'ROOM', symbol }, { text: outgoing, except }).deferred
  }

  /** Publishes to one room after the other. Each time, those members are left out who are in an earlier room. */
  #publishToRooms(outgoing: Outgoing, rooms: ReadonlySet<Room>, except: readonly Member[]): boolean {
    const done = new Set(except)
    let isDelivered = true
    for (const room of rooms) {
      const members = this.#membersOf(room)
      isDelivered = this.#publishToRoom(outgoing, room, members.filter((member) => done.has(member))) && isDelivered
      for (const member of members) done.add(member)
    }
    return isDelivered
  }
}
