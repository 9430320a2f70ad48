import type { WireData } from '../model/wire-data.ts'

/** A socket with a `cork`. All texts that the callback of `cork` sends go out in one write. */
interface CorkedSocket {
  cork(callback: () => void): unknown
}

type SendOne<TSocket> = (socket: TSocket, text: WireData) => number
type IsDropped<TSocket> = (socket: TSocket, status: number, text: WireData) => boolean

const NO_TEXTS: readonly WireData[] = []

/** Sends several texts in one write. */
export class CorkedWriter<TSocket extends CorkedSocket> {
  readonly #sendOne: SendOne<TSocket>
  readonly #isDropped: IsDropped<TSocket>
  // The state of the write in progress. `#sendCorked` reads the state before it sends the first text, because `send` may run user code that writes to
  // another socket.
  #socket: TSocket | undefined
  #texts = NO_TEXTS
  #accepted = 0

  constructor(sendOne: SendOne<TSocket>, isDropped: IsDropped<TSocket>) {
    this.#sendOne = sendOne
    this.#isDropped = isDropped
  }

  /**
   * Sends the texts until one is dropped, and returns how many were accepted.
   *
   * @throws what the socket throws
   */
  write(socket: TSocket, texts: readonly WireData[]): number {
    // A single text needs no cork.
    if (texts.length === 1) return this.#send(socket, texts)
    this.#socket = socket
    this.#texts = texts
    // A closed socket may never call the callback. Then no text was accepted.
    this.#accepted = 0
    try {
      socket.cork(this.#sendCorked)
    } finally {
      // Do not keep the socket and the texts in memory after the write.
      this.#socket = undefined
      this.#texts = NO_TEXTS
    }
    return this.#accepted
  }

  /** The callback of `cork`. All writes share this function, because a new function for each write of each connection would cost too much. */
  readonly #sendCorked = (): void => {
    this.#accepted = this.#send(this.#socket as TSocket, this.#texts)
  }

  #send(socket: TSocket, texts: readonly WireData[]): number {
    let accepted = 0
    for (const text of texts) {
      if (this.#isDropped(socket, this.#sendOne(socket, text), text)) break
      accepted++
    }
    return accepted
  }
}
