import type { Broker, Line } from './broker.ts'
import { Mailbox, type BusMethod, type BusMessage, type BusPort } from './bus-port.ts'

/** Serves the nodes in another thread or process. */
export class BusService {
  readonly #broker: Broker
  readonly #mailbox: Mailbox
  readonly #lines = new Map<number, Line>()

  constructor(broker: Broker, port: BusPort) {
    this.#broker = broker
    this.#mailbox = new Mailbox(port, { received: (message) => this.#received(message), ended: () => this.#ended() })
  }

  /** Tells the nodes that their bus has ended, and removes them from the broker. */
  end(): void {
    for (const node of this.#lines.keys()) this.#mailbox.send({ kind: 'end', node })
    this.#mailbox.end()
  }

  #received(message: BusMessage): void {
    const { kind, node } = message
    if (kind === 'publish') this.#broker.publish(message.subject, message.text)
    else if (kind === 'call') this.#mailbox.send({ kind: 'answer', node, call: message.call, value: this.#carryOut(this.#lineOf(node), message.method, message.subjects) })
    else if (kind === 'end') this.#remove(node)
  }

  #carryOut(line: Line, method: BusMethod, subjects: readonly string[]): number {
    if (method === 'subscribe') this.#broker.subscribe(line, subjects)
    else if (method === 'unsubscribe') this.#broker.unsubscribe(line, subjects)
    return method === 'subscribers' ? this.#broker.subscribers(subjects[0] as string) : 0
  }

  #lineOf(node: number): Line {
    const receive = (subject: string, text: string): void => this.#mailbox.send({ kind: 'deliver', node, subject, text })
    const line = this.#lines.get(node) ?? { receive, subjects: new Set() }
    this.#lines.set(node, line)
    return line
  }

  #remove(node: number): void {
    const line = this.#lines.get(node)
    if (line !== undefined) this.#broker.remove(line)
    this.#lines.delete(node)
  }

  #ended(): void {
    for (const node of [...this.#lines.keys()]) this.#remove(node)
  }
}
