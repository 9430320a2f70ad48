import { SendQueue, type PlainSink, type Sink } from '../ports/sink.ts'

/** The slot of a connection that is not in the list. */
export const NO_SLOT = -1

/** An array that stays empty. All lists without a send queue share this array. */
const NO_QUEUES: (SendQueue | undefined)[] = []

/** An array that stays empty. All lists without a hole share this array. */
const NO_HOLES: number[] = []

/** The functions that a fan-out list calls for its connections. */
export interface SlotKeeper<TConnection> {
  /** Returns the sink that a connection has now. */
  sinkOf(connection: TConnection): Sink
  /** Called when a connection has a new slot, because the list was compacted. */
  moved(connection: TConnection, slot: number): void
}

/** The slots of a connection that is in two lists: one in the list of an exact stream, which has a symbol, and one in the list of the whole type. */
export interface Overlap {
  readonly exactSlot: number
  readonly wholeSlot: number
}

/**
 * The connections that receive the same messages. There is one list for each public stream, one for each private stream of each user, and one of all
 * connections.
 *
 * A connection has a slot, which is its index in three parallel arrays. The first array has the sockets, and the second one has the send queues. A
 * connection's sink is the object that takes the connection's messages: the socket, or the send queue in front of the socket. The sink is in one of
 * these two arrays, and the sending loop reads only these two. The third array has the connections. A masked slot has no sink, so the sending loop
 * skips it.
 *
 * A removed connection leaves a hole, which is an empty slot. The next new connection takes this slot, so a list whose connections come and go keeps
 * its length. The list is compacted once it has more holes than connections. So the average cost of a removal does not depend on the length of the list.
 * A delivery pins the list, and a pinned list is not compacted. The connections of a pinned list keep their slots, and new connections are added after
 * them. So the sending loop can call user code without copying the list first.
 */
export class FanOutList<TConnection> {
  /** How many connections are in the list. */
  size = 0
  /** The sockets by slot. An entry is `undefined` if the slot has a send queue, is a hole, or is masked. */
  sockets: (PlainSink | undefined)[] = []
  /**
   * The send queues by slot. An entry is `undefined` if the slot has a socket, is a hole, or is masked. The array is empty until the first send queue
   * is added.
   */
  queues: (SendQueue | undefined)[] = NO_QUEUES
  connections: (TConnection | undefined)[] = []
  /** The connections that are also in the list of the whole type. Only the list of an exact stream has this set. */
  overlaps: Set<TConnection> | undefined = undefined
  /** `servings` is how many messages were sent to this list. `servedAtMs` is the time of the last one, in milliseconds since the Unix epoch. */
  servings = 0
  servedAtMs = 0
  /** True if a sink was removed or replaced since the list was pinned. While this field is false, the sending loop need not check a slot again. */
  isDisturbed = false
  #isPinned = false
  /**
   * Slots that were removed while the list was pinned. These slots keep their connections until the list is unpinned. A delivery may need such a
   * connection to report that its sink threw.
   */
  #removed: Set<number> | undefined = undefined
  /** The slots of all holes, the newest last. */
  #holes: number[] = NO_HOLES
  readonly #keeper: SlotKeeper<TConnection>

  constructor(keeper: SlotKeeper<TConnection>) {
    this.#keeper = keeper
  }

  /** Adds a connection, and returns its slot: the newest hole, or the end of the list if the list is pinned or has no hole. */
  add(connection: TConnection): number {
    const sink = this.#keeper.sinkOf(connection)
    this.size++
    const hole = this.#isPinned ? undefined : this.#holes.pop()
    if (hole === undefined) return this.#append(connection, sink)
    this.connections[hole] = connection
    this.#setSink(hole, sink)
    return hole
  }

  #append(connection: TConnection, sink: Sink): number {
    const slot = this.connections.length
    const socket = sink instanceof SendQueue ? undefined : sink
    if (slot === 0) {
      // An array literal reserves one place. A `push` into an empty array would reserve 17 places.
      this.sockets = [socket]
      this.connections = [connection]
    } else {
      this.sockets.push(socket)
      this.connections.push(connection)
    }
    if (sink instanceof SendQueue) this.#queuesForAll()[slot] = sink
    else if (this.queues.length > 0) this.queues.push(undefined)
    return slot
  }

  remove(slot: number): void {
    this.mask(slot)
    this.size--
    if (this.#isPinned) {
      ;(this.#removed ??= new Set()).add(slot)
      return
    }
    this.connections[slot] = undefined
    if (!this.#compactedIfWorthIt()) this.#noteHole(slot)
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
    const removed = this.#removed
    this.#removed = undefined
    for (const slot of removed) this.connections[slot] = undefined
    if (!this.#compactedIfWorthIt()) for (const slot of removed) this.#noteHole(slot)
  }

  #noteHole(slot: number): void {
    if (this.#holes === NO_HOLES) this.#holes = []
    this.#holes.push(slot)
  }

  #setSink(slot: number, sink: Sink | undefined): void {
    const isQueue = sink instanceof SendQueue
    this.sockets[slot] = isQueue ? undefined : sink
    if (isQueue) this.#queuesForAll()[slot] = sink
    else if (this.queues.length > 0) this.queues[slot] = undefined
    this.isDisturbed = true
  }

  /** Makes an entry for each slot in the array of send queues, and returns the array. An array with gaps would be slow. */
  #queuesForAll(): (SendQueue | undefined)[] {
    if (this.queues === NO_QUEUES) this.queues = []
    while (this.queues.length < this.connections.length) this.queues.push(undefined)
    return this.queues
  }

  /** Compacts the list if it has more holes than connections. Returns true if it did. Call this only while the list is not pinned. */
  #compactedIfWorthIt(): boolean {
    const { connections, sockets, queues } = this
    if (connections.length <= this.size * 2) return false
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
    this.#holes = NO_HOLES
    return true
  }
}
