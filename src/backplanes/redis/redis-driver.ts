import type { Backplane } from '../../ports/backplane.ts'
import { linkLost } from '../in-flight.ts'
import type { Receive, RedisLink } from './redis-link.ts'

/** The two connections of a driver. In RESP2, a connection that is subscribed cannot publish messages or count subscribers. */
interface Links {
  readonly publisher: RedisLink
  readonly subscriber: RedisLink
}

/** The driver of one node. */
export class RedisDriver implements Backplane {
  readonly #connect: (receive: Receive) => RedisLink
  /**
   * The channels that this node is subscribed to. Messages of other channels are ignored: Redis may have sent them before the node unsubscribed.
   */
  readonly #subjects = new Set<string>()
  #links: Links | undefined
  #isUp = false

  constructor(connect: (receive: Receive) => RedisLink) {
    this.#connect = connect
  }

  async open(receive: Receive, status: (isUp: boolean) => void): Promise<void> {
    const received: Receive = (subject, text) => {
      if (this.#subjects.has(subject)) receive(subject, text)
    }
    const links = { publisher: this.#connect(() => {}), subscriber: this.#connect(received) }
    this.#links = links
    for (const link of Object.values(links)) link.watch(() => this.#changed(links, status))
    await Promise.all([links.publisher.connect(), links.subscriber.connect()])
  }

  publish(subject: string, text: string): Promise<unknown> {
    return this.#opened().publisher.publish(subject, text)
  }

  async subscribe(subjects: readonly string[]): Promise<void> {
    const added = subjects.filter((subject) => !this.#subjects.has(subject))
    if (added.length === 0) return
    for (const subject of added) this.#subjects.add(subject)
    try {
      await this.#opened().subscriber.subscribe(added)
    } catch (error) {
      for (const subject of added) this.#subjects.delete(subject)
      throw error
    }
  }

  async unsubscribe(subjects: readonly string[]): Promise<void> {
    const removed = subjects.filter((subject) => this.#subjects.delete(subject))
    // Without a channel, the command `UNSUBSCRIBE` would end all subscriptions.
    if (removed.length === 0) return
    try {
      await this.#opened().subscriber.unsubscribe(removed)
    } catch (error) {
      for (const subject of removed) this.#subjects.add(subject)
      throw error
    }
  }

  async subscribers(subject: string): Promise<number> {
    return this.#opened().publisher.count(subject)
  }

  async close(): Promise<void> {
    const links = this.#links
    this.#links = undefined
    this.#subjects.clear()
    links?.publisher.end()
    links?.subscriber.end()
  }

  #opened(): Links {
    if (this.#links === undefined || !this.#isUp) throw linkLost()
    return this.#links
  }

  #changed(links: Links, status: (isUp: boolean) => void): void {
    const isUp = links.publisher.isReady && links.subscriber.isReady
    if (isUp === this.#isUp || this.#links !== links) return
    this.#isUp = isUp
    status(isUp)
  }
}
