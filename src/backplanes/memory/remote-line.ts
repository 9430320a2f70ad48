import type { Backplane } from '../../ports/backplane.ts'
import { InFlight, linkLost } from '../in-flight.ts'
import { Mailbox, type BusMessage, type BusMethod, type BusPort } from './bus-port.ts'

let nodes = 0

/** The driver of a node whose bus is in another thread or process. */
export class RemoteLine implements Backplane {
  readonly #port: BusPort
  readonly #node = ++nodes
  readonly #subjects = new Set<string>()
  readonly #inFlight = new InFlight()
  /** Number of a call → the function that takes the answer. */
  readonly #calls = new Map<number, (value: number) => void>()
  #callCount = 0
  #mailbox: Mailbox | undefined
  #receive!: (subject: string, text: string) => void
  #status!: (isUp: boolean) => void

  constructor(port: BusPort) {
    this.#port = port
  }

  async open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void> {
    this.#receive = receive
    this.#status = status
    this.#mailbox = new Mailbox(this.#port, { received: (message) => this.#received(message), ended: () => this.#ended() })
    await this.#call('open', [])
    status(true)
  }

  publish(subject: string, text: string): void {
    this.#opened().send({ kind: 'publish', node: this.#node, subject, text })
  }

  async subscribe(subjects: readonly string[]): Promise<void> {
    const call = this.#call('subscribe', subjects)
    for (const subject of subjects) this.#subjects.add(subject)
    await call
  }

  async unsubscribe(subjects: readonly string[]): Promise<void> {
    const call = this.#call('unsubscribe', subjects)
    for (const subject of subjects) this.#subjects.delete(subject)
    await call
  }

  async subscribers(subject: string): Promise<number> {
    return this.#call('subscribers', [subject])
  }

  async close(): Promise<void> {
    this.#status = () => {}
    this.#mailbox?.send({ kind: 'end', node: this.#node })
    this.#mailbox?.end()
  }

  #opened(): Mailbox {
    if (this.#mailbox?.isOpen !== true) throw linkLost()
    return this.#mailbox
  }

  #call(method: BusMethod, subjects: readonly string[]): Promise<number> {
    const mailbox = this.#opened()
    const call = ++this.#callCount
    const answer = new Promise<number>((resolve) => this.#calls.set(call, resolve))
    const answered = this.#inFlight.answered(answer)
    mailbox.send({ kind: 'call', node: this.#node, call, method, subjects })
    return answered
  }

  #received(message: BusMessage): void {
    if (message.node !== this.#node) return
    if (message.kind === 'end') this.#mailbox?.end()
    else if (message.kind === 'answer') this.#answered(message.call, message.value)
    else if (message.kind === 'deliver' && this.#subjects.has(message.subject)) this.#receive(message.subject, message.text)
  }

  #answered(call: number, value: number): void {
    this.#calls.get(call)?.(value)
    this.#calls.delete(call)
  }

  #ended(): void {
    this.#calls.clear()
    this.#inFlight.lose()
    this.#status(false)
  }
}
