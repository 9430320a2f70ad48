import { WebSocket } from 'ws'

/** How a client ends its connection: by a close frame, by breaking the TCP connection, or by asking the server to. */
export type Leave = 'close' | 'destroy' | 'ask'

/** What a client asks the server for. */
export type Command =
  | (StreamCommand & { readonly command: 'subscribe' | 'unsubscribe' })
  | { readonly command: 'leave' }

interface StreamCommand {
  readonly holder: 'user' | 'connection'
  readonly streamType: string
  readonly symbol?: string | undefined
}

const NO_CLOSE_FRAME = 1006

export interface ClientListener {
  received(text: string): void
  closed(end: { readonly isAbrupt: boolean; readonly isAbnormal: boolean }): void
}

/** One client: a ws connection that reads all that comes, unless it is told not to. */
export class Client {
  readonly #socket: WebSocket
  #isAbrupt = false

  constructor(url: string, listener: ClientListener) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false })
    this.#socket.on('message', (data) => listener.received(String(data)))
    // A `close` always follows, and says what is to be known.
    this.#socket.on('error', () => {})
    this.#socket.on('close', (code) => listener.closed({ isAbrupt: this.#isAbrupt, isAbnormal: code === NO_CLOSE_FRAME }))
  }

  send(command: Command): void {
    this.#onceOpen(() => this.#socket.send(JSON.stringify(command)))
  }

  leave(how: Leave): void {
    this.#onceOpen(() => {
      // Whoever reads nothing learns nothing of an end.
      if (how !== 'destroy') this.resume()
      if (how === 'ask') this.send({ command: 'leave' })
      else if (how === 'close') this.#socket.close()
      else this.#destroy()
    })
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** The server may know of the connection before this end does; once it is closing there is nothing to be done any more. */
  #onceOpen(act: () => void): void {
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.once('open', act)
    else if (this.#socket.readyState === WebSocket.OPEN) act()
  }

  #destroy(): void {
    this.#isAbrupt = true
    this.#socket.terminate()
  }
}
