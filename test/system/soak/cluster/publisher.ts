import type { PublishableMessage } from '../../../../src/index.ts'
import type { Published } from './messages.ts'
import { keyOf, type ChannelName, type Streams } from './streams.ts'

/** The method of a manager that is used here. */
interface Manager {
  publish(message: PublishableMessage<Streams>): unknown
}

/** Publishes the messages of one node, and numbers those of each channel from 1. */
export class Publisher {
  readonly #manager: Manager
  readonly #node: number
  readonly #numbers = new Map<string, number>()

  constructor(manager: Manager, node: number) {
    this.#manager = manager
    this.#node = node
  }

  get published(): Published {
    return [...this.#numbers]
  }

  publish(channel: ChannelName, padding?: string): void {
    const key = keyOf(channel)
    const n = (this.#numbers.get(key) ?? 0) + 1
    this.#numbers.set(key, n)
    this.#manager.publish({ ...channel, data: { by: this.#node, n, padding } } as PublishableMessage<Streams>)
  }
}
