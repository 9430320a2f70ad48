import type { WebSocket } from 'ws'
import type { Backplane } from '../../../../src/cluster/index.ts'
import type { ConnectionManager, PublishableMessage } from '../../../../src/index.ts'
import type { streams } from '../streams.ts'

const SUBJECT = 'relay'

/** A message on its way to the other nodes. */
interface Relayed {
  readonly by: string
  readonly message: PublishableMessage<typeof streams>
}

/** What people write first: each node publishes to the broker, and delivers what comes from there. Nothing is numbered, so nobody sees what is missing. */
export class PlainRelay {
  readonly counts = { received: 0, repaired: 0, gaps: 0, downs: 0 }
  readonly #name = crypto.randomUUID()
  readonly #manager: ConnectionManager<WebSocket, typeof streams>
  readonly #backplane: Backplane

  constructor(manager: ConnectionManager<WebSocket, typeof streams>, backplane: Backplane) {
    this.#manager = manager
    this.#backplane = backplane
  }

  async open(): Promise<void> {
    await this.#backplane.open((_subject, text) => this.#receive(JSON.parse(text) as Relayed), (isUp) => (this.counts.downs += isUp ? 0 : 1))
    await this.#backplane.subscribe([SUBJECT])
  }

  publish(message: PublishableMessage<typeof streams>): void {
    this.#manager.publish(message)
    try {
      Promise.resolve(this.#backplane.publish(SUBJECT, JSON.stringify({ by: this.#name, message }))).catch(() => {})
    } catch {
      // The broker is not there, and the message goes nowhere.
    }
  }

  #receive({ by, message }: Relayed): void {
    if (by === this.#name) return
    this.counts.received++
    this.#manager.publish(message)
  }
}
