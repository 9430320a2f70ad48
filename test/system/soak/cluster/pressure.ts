import type { SlowStreamType } from './streams.ts'
import type { Publisher } from './publisher.ts'

const BULK = 'x'.repeat(16_384)
const MESSAGES_A_STEP = 8
/** Messages that are dropped before it is believed that a client is behind. */
const ENOUGH_DROPPED = 20
/** More than the system holds for a connection that nobody reads: 10 MiB. */
const MOST_STEPS = 80

interface Press {
  readonly streamType: SlowStreamType
  steps: number
  dropped: number
}

/** Makes the streams of slow clients busy, until messages are dropped or the client is disconnected. */
export class Pressure {
  readonly #publisher: Publisher
  readonly #droppedCount: () => number
  readonly #presses = new Map<number, Press>()

  /** @param droppedCount how many messages the node has dropped so far */
  constructor(publisher: Publisher, droppedCount: () => number) {
    this.#publisher = publisher
    this.#droppedCount = droppedCount
  }

  begin(client: number, streamType: SlowStreamType): void {
    this.#presses.set(client, { streamType, steps: 0, dropped: 0 })
  }

  end(client: number): void {
    this.#presses.delete(client)
  }

  clear(): void {
    this.#presses.clear()
  }

  step(): void {
    for (const [client, press] of this.#presses) {
      this.#press(client, press)
      if (press.dropped >= ENOUGH_DROPPED || ++press.steps >= MOST_STEPS) this.end(client)
    }
  }

  #press(client: number, press: Press): void {
    const before = this.#droppedCount()
    // The client may be disconnected by what it is pressed with.
    for (let i = 0; i < MESSAGES_A_STEP && this.#presses.has(client); i++) {
      this.#publisher.publish({ streamType: press.streamType, symbol: String(client) }, BULK)
    }
    press.dropped += this.#droppedCount() - before
  }
}
