import type { WireData } from '../model/wire-data.ts'

/** A socket that collects the texts that are sent within `cork`. */
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
  // The write in progress. A socket may run user code, which may write to another socket meanwhile.
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
    // A single text is one write without a cork.
    if (texts.length === 1) return this.#send(socket, texts)
    this.#socket = socket
    this.#texts = texts
    // A closed socket may not call the callback at all. Then nothing was accepted.
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

  /** One function for all writes, because each turn has a write for every connection. */
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
