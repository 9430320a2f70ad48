/** A socket that collects what is sent within `cork`, and whose `send` answers what became of a text. */
interface CorkedSocket {
  send(text: string): number
  cork(callback: () => void): unknown
}

type IsDropped<TSocket> = (socket: TSocket, status: number, text: string) => boolean

const NO_TEXTS: readonly string[] = []

/** Writes texts as one. */
export class CorkedWriter<TSocket extends CorkedSocket> {
  readonly #isDropped: IsDropped<TSocket>
  // What is being written. A socket may run code of the host's, which may write to another one meanwhile.
  #socket: TSocket | undefined
  #texts = NO_TEXTS
  #accepted = 0

  constructor(isDropped: IsDropped<TSocket>) {
    this.#isDropped = isDropped
  }

  /** Sends the texts up to the first that is dropped; how many were accepted. Throws what the socket throws. */
  write(socket: TSocket, texts: readonly string[]): number {
    // One text is one write anyway.
    if (texts.length === 1) return this.#send(socket, texts)
    this.#socket = socket
    this.#texts = texts
    // A closed socket may not call back at all.
    this.#accepted = 0
    try {
      socket.cork(this.#sendCorked)
    } finally {
      // Nothing is kept from one write to the next.
      this.#socket = undefined
      this.#texts = NO_TEXTS
    }
    return this.#accepted
  }

  /** One function for all writes, of which there are as many a tick as connections. */
  readonly #sendCorked = (): void => {
    this.#accepted = this.#send(this.#socket as TSocket, this.#texts)
  }

  #send(socket: TSocket, texts: readonly string[]): number {
    let accepted = 0
    for (const text of texts) {
      if (this.#isDropped(socket, socket.send(text), text)) break
      accepted++
    }
    return accepted
  }
}
