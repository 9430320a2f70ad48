import { SendQueue, type PlainSink, type Sink } from '../ports/sink.ts'

/** The slot of a connection that is not in the list. */
export const NO_SLOT = -1

/** Shared by all lists that have no send queue. It stays empty. */
const NO_QUEUES: (SendQueue | undefined)[] = []

/** What a fan-out list needs to know about its connections. */
export interface SlotKeeper<TConnection> {
  /** Returns the sink that a connection has now. */
  sinkOf(connection: TConnection): Sink
  /** Notes that a connection has another slot now, because the list was compacted. */
  moved(connection: TConnection, slot: number): void
}

/** The two slots of a connection that is in the list of an exact stream and in the list of its whole type. */
export interface Overlap {
  readonly exactSlot: number
  readonly wholeSlot: number
}

/**
 * The connections that receive the same messages, oldest first: those of a public stream, those of one user's private stream, or all.
 *
 * A connection has a slot, which is its index in three parallel arrays. One has the sockets and one the send queues: the sink of a slot is in one
 * of them. The sending loop reads only these two. The third array has the connections.
 *
 * A removed connection leaves a hole. The list closes its holes once there are more holes than connections, so removing costs the same whatever
 * the length. It never does so while a delivery has pinned it. A pinned list keeps the slots of its connections, and new ones are added behind
 * them. So the loop can call user code without copying anything first.
 */
export class FanOutList<TConnection> {
  /** How many connections are in the list. */
  size = 0
  /** `undefined` for a send queue, a hole, and a masked slot. */
  sockets: (PlainSink | undefined)[] = []
  /** `undefined` for a socket, a hole, and a masked slot. Empty until the first send queue comes. */
  queues: (SendQueue | undefined)[] = NO_QUEUES
  connections: (TConnection | undefined)[] = []
  /** If this is the list of an exact stream, the connections that are in the list of the whole type as well. */
  overlaps: Set<TConnection> | undefined = undefined
  /** How many messages were sent to this list, and when the last one was. */
  servings = 0
  servedAtMs = 0
  /** True if a sink was removed or replaced since the list was pinned. Only then does the sending loop have to check a slot again. */
  isDisturbed = false
  #isPinned = false
  /**
   * Slots that were removed while pinned. They keep their connections until the list is unpinned, because a delivery may have to report whose sink
   * threw.
   */
  #removed: Set<number> | undefined = undefined
  readonly #keeper: SlotKeeper<TConnection>

  constructor(keeper: SlotKeeper<TConnection>) {
    this.#keeper = keeper
  }

  /** Adds a connection as the last one, and returns its slot. */
  add(connection: TConnection): number {
    const sink = this.#keeper.sinkOf(connection)
    const slot = this.connections.length
    const socket = sink instanceof SendQueue ? undefined : sink
    if (slot === 0) {
      // A literal has room for one. A push into an empty array would reserve 17 places.
      this.sockets = [socket]
      this.connections = [connection]
    } else {
      this.sockets.push(socket)
      this.connections.push(connection)
    }
    if (sink instanceof SendQueue) this.#queuesForAll()[slot] = sink
    else if (this.queues.length > 0) this.queues.push(undefined)
    this.size++
    return slot
  }

  remove(slot: number): void {
    this.mask(slot)
    if (this.#isPinned) (this.#removed ??= new Set()).add(slot)
    else this.connections[slot] = undefined
    this.size--
    this.#compactIfWorthIt()
  }

  /** True if there is a connection in this slot. */
  has(slot: number): boolean {
    return this.connections[slot] !== undefined && this.#removed?.has(slot) !== true
  }

  /** Makes a slot look like a hole to the sending loop. */
  mask(slot: number): void {
    this.#setSink(slot, undefined)
  }

  unmask(slot: number): void {
    if (this.has(slot)) this.#setSink(slot, this.#keeper.sinkOf(this.connections[slot] as TConnection))
  }

  /** Updates a slot with its connection's current sink. A masked slot gets the sink when it is unmasked. */
  refreshSink(slot: number): void {
    if (this.sockets[slot] !== undefined || this.queues[slot] !== undefined) this.unmask(slot)
  }

  pin(): void {
    this.#isPinned = true
    this.isDisturbed = false
  }

  unpin(): void {
    this.#isPinned = false
    if (this.#removed === undefined) return
    for (const slot of this.#removed) this.connections[slot] = undefined
    this.#removed = undefined
    this.#compactIfWorthIt()
  }

  #setSink(slot: number, sink: Sink | undefined): void {
    const isQueue = sink instanceof SendQueue
    this.sockets[slot] = isQueue ? undefined : sink
    if (isQueue) this.#queuesForAll()[slot] = sink
    else if (this.queues.length > 0) this.queues[slot] = undefined
    this.isDisturbed = true
  }

  /** Returns the send queues, with a place for each slot, because an array with gaps is slow. */
  #queuesForAll(): (SendQueue | undefined)[] {
    if (this.queues === NO_QUEUES) this.queues = []
    while (this.queues.length < this.connections.length) this.queues.push(undefined)
    return this.queues
  }

  #compactIfWorthIt(): void {
    const { connections, sockets, queues } = this
    if (this.#isPinned || connections.length <= this.size * 2) return
    let to = 0
    for (let from = 0; from < connections.length; from++) {
      const connection = connections[from]
      if (connection === undefined) continue
      if (to !== from) {
        sockets[to] = sockets[from]
        if (queues.length > 0) queues[to] = queues[from]
        connections[to] = connection
        this.#keeper.moved(connection, to)
      }
      to++
    }
    sockets.length = to
    if (queues.length > 0) queues.length = to
    connections.length = to
  }
}
