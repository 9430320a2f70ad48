/**
 * The connection to another thread or process: a `MessagePort`, a `Worker`, the `parentPort` of a worker, a `ChildProcess`, a worker of
 * `node:cluster`, or the `process` of a child. The port may carry other messages too.
 */
export interface BusPort {
  /** Sends a message to a thread. */
  postMessage?(message: object): unknown
  /** Sends a message to a process. If sending fails, the callback gets the error. */
  send?(message: object, callback: (error: Error | null) => void): unknown
  /** Adds a listener. The listener gets every message that the other side sends. */
  on(event: 'message', listener: (message: unknown) => void): unknown
  /** Removes a listener. */
  off(event: 'message', listener: (message: unknown) => void): unknown
}

/** The events that say that the other side has gone. Each kind of port has at least one of these events. */
const ENDS = ['close', 'exit', 'disconnect'] as const

/** A port that accepts a listener for any event. */
interface Emitter {
  on(event: string, listener: (value: unknown) => void): unknown
  off(event: string, listener: (value: unknown) => void): unknown
}

/** The owner of a mailbox. The mailbox calls these methods. */
export interface Addressee {
  received(message: BusMessage): void
  /** Called once: when the other side has gone, when a message cannot be sent to a process, or when `end` is called. */
  ended(): void
}

/**
 * A message between a bus and a node in another thread or process. `node` is the number of the node, because several nodes may use one port.
 *
 * - `publish`: from the node to the bus
 * - `call`: from the node to the bus, which sends an `answer`
 * - `answer`: from the bus to the node
 * - `deliver`: from the bus to the node, which is subscribed to the subject
 * - `end`: in either direction, as the last message with this `node`
 */
export type BusMessage =
  | { readonly kind: 'publish' | 'deliver'; readonly node: number; readonly subject: string; readonly text: string }
  | { readonly kind: 'call'; readonly node: number; readonly call: number; readonly method: BusMethod; readonly subjects: readonly string[] }
  | { readonly kind: 'answer'; readonly node: number; readonly call: number; readonly value: number }
  | { readonly kind: 'end'; readonly node: number }

export type BusMethod = 'open' | 'subscribe' | 'unsubscribe' | 'subscribers'

/** The field that only messages of a bus have. A port may carry other messages too. */
const MARK = 'streamConnectionManagerBus'

/** One end of a port: sends and receives the messages of a bus. */
export class Mailbox {
  readonly #port: BusPort
  readonly #addressee: Addressee
  #isOpen = true
  readonly #received = (message: unknown): void => {
    const marked = message as { readonly [MARK]?: BusMessage } | null | undefined
    if (marked?.[MARK] !== undefined) this.#addressee.received(marked[MARK])
  }
  readonly #ended = (): void => this.end()

  constructor(port: BusPort, addressee: Addressee) {
    this.#port = port
    this.#addressee = addressee
    port.on('message', this.#received)
    for (const event of ENDS) (port as Emitter).on(event, this.#ended)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  send(message: BusMessage): void {
    if (!this.#isOpen) return
    const marked = { [MARK]: message }
    // Without the callback, Node would emit an error that nobody expects.
    if (this.#port.postMessage === undefined) this.#port.send?.(marked, (error) => error && this.end())
    else this.#port.postMessage(marked)
  }

  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#port.off('message', this.#received)
    for (const event of ENDS) (this.#port as Emitter).off(event, this.#ended)
    this.#addressee.ended()
  }
}
