import type { Backplane } from '../../ports/backplane.ts'
import { linkLost } from '../in-flight.ts'
import type { Broker, Line } from './broker.ts'

/** The driver of a node whose bus is in this process and thread. */
export class LocalLine implements Backplane {
  readonly #broker: Broker
  #line: Line | undefined

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
    this.#line = { receive, subjects: new Set() }
    status(true)
  }

  publish(subject: string, text: string): void {
    this.#opened()
    this.#broker.publish(subject, text)
  }

  async subscribe(subjects: readonly string[]): Promise<void> {
    this.#broker.subscribe(this.#opened(), subjects)
  }

  async unsubscribe(subjects: readonly string[]): Promise<void> {
    this.#broker.unsubscribe(this.#opened(), subjects)
  }

  async subscribers(subject: string): Promise<number> {
    this.#opened()
    return this.#broker.subscribers(subject)
  }

  async close(): Promise<void> {
    if (this.#line !== undefined) this.#broker.remove(this.#line)
    this.#line = undefined
  }

  #opened(): Line {
    if (this.#line === undefined) throw linkLost()
    return this.#line
  }
}
