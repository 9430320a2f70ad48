import type { Socket as Client } from 'socket.io'

/** A packet as socket.io hands it to an adapter. */
export interface Packet {
  nsp?: string
  id?: number
  readonly data?: unknown
}

/** How engine.io is to write a packet. */
export interface WriteOptions {
  readonly preEncoded: true
  readonly volatile: boolean | undefined
  readonly compress: boolean | undefined
}

/** A packet as socket.io's encoder makes it: a text, and then one frame for each binary attachment. */
export type Frames = readonly (string | Buffer)[]

/** Called with a client's answer. */
export type Answered = (...answer: unknown[]) => void

/** What socket.io's own adapter uses of a socket, although its types call it private. */
interface Internals {
  readonly acks: Map<number, Answered>
  readonly client: { writeToEngine(frames: Frames, options: WriteOptions): void }
  notifyOutgoingListeners(packet: Packet): void
}

/**
 * One packet on its way to its clients, encoded once.
 *
 * A manager hands its sockets a text, or bytes. One packet of socket.io may be several frames, and it has flags. So these bytes are empty, and
 * carry the packet along: a manager hands the bytes of a publish to a socket as they are.
 */
export class Outgoing extends Uint8Array {
  readonly #packet: Packet
  readonly #frames: Frames
  readonly #options: WriteOptions
  readonly #answered: Answered | undefined
  /** The sockets with listeners for outgoing packets. */
  readonly #listening: Internals[] = []
  #clientCount = 0

  constructor(packet: Packet, frames: Frames, options: WriteOptions, answered: Answered | undefined) {
    super(0)
    this.#packet = packet
    this.#frames = frames
    this.#options = options
    this.#answered = answered
  }

  /** How many clients it was written to. */
  get clientCount(): number {
    return this.#clientCount
  }

  writeTo(client: Client): void {
    const internals = client as unknown as Internals
    this.#clientCount++
    if (this.#answered !== undefined && this.#packet.id !== undefined) internals.acks.set(this.#packet.id, this.#answered)
    if (client.listenersAnyOutgoing().length > 0) this.#listening.push(internals)
    internals.client.writeToEngine(this.#frames, this.#options)
  }

  /** Calls the listeners for outgoing packets. Not before all clients have it, because a listener may throw, or emit. */
  notifyListeners(): void {
    for (const client of this.#listening) client.notifyOutgoingListeners(this.#packet)
  }
}
