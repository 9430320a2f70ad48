import { WebSocket } from 'ws'
import { trackPositions } from '../../../src/client/index.ts'
import type { Audit } from '../../../src/testing/index.ts'

const STREAMS = [
  { streamType: 'TRADES', symbol: 'BTCUSDT' },
  { streamType: 'TRADES', symbol: 'ETHUSDT' },
  { streamType: 'PRICE', symbol: 'BTCUSDT' },
  { streamType: 'ORDER_UPDATES' },
] as const

/** A client that comes back whenever its connection ends, and tells the audit of everything that it sees. */
export class Client {
  /** The answers to its subscribes: whether it was recovered. */
  readonly recovered: (boolean | null)[] = []
  /** What its tracker found to be missing, and how many messages it had already. */
  readonly found = { missing: 0, unknown: 0, again: 0 }
  readonly #name: string
  readonly #userId: string
  readonly #audit: Audit
  readonly #tracker = trackPositions()
  #socket: WebSocket | undefined

  constructor(name: string, userId: string, audit: Audit) {
    this.#name = name
    this.#userId = userId
    this.#audit = audit
  }

  /** Settles when every stream has been answered. */
  async connect(port: number): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/?user=${encodeURIComponent(this.#userId)}`)
    this.#socket = socket
    const expected = this.recovered.length + STREAMS.length
    await new Promise<void>((resolve, reject) => {
      socket.on('error', reject)
      socket.on('open', () => this.#subscribe(socket))
      socket.on('close', () => this.#end())
      socket.on('message', (text) => {
        this.#receive(String(text))
        if (this.recovered.length === expected) resolve()
      })
    })
  }

  /** Settles when its connection is over. */
  async over(): Promise<void> {
    const socket = this.#socket as WebSocket
    if (socket.readyState !== WebSocket.CLOSED) await new Promise((resolve) => socket.once('close', resolve))
  }

  destroy(): void {
    this.#socket?.terminate()
  }

  #subscribe(socket: WebSocket): void {
    this.#audit.connected(this.#name, this.#userId)
    for (const stream of STREAMS) {
      this.#audit.subscribing(this.#name, stream)
      socket.send(JSON.stringify({ ...stream, position: this.#tracker.position(stream) }))
    }
  }

  #receive(text: string): void {
    this.#audit.received(this.#name, text)
    const { message, missing } = this.#tracker.receive(text)
    if (message === undefined) this.found.again++
    if (message?.type === 'subscribed') this.recovered.push(message.recovered)
    if (message?.type === 'unknown') this.found.unknown++
    if (missing !== 0) this.found.missing++
  }

  #end(): void {
    this.#audit.disconnected(this.#name)
    this.#tracker.disconnected()
  }
}

/** How many answers a client gets each time that it connects. */
export const ANSWERS = STREAMS.length
