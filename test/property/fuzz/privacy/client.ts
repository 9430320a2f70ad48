import type { Connection, StreamCatalogue } from '../../../../src/index.ts'
import type { ClientSocket, Temper } from './sockets.ts'
import type { Message } from './message.ts'
import type { User } from './people.ts'
import type { Stream } from './streams.ts'

/** What an arrival turned out to be. */
export type Arrival = 'due' | 'uncalled for' | 'out of order'

/** What became of what was owed, other than that it arrived. */
export type Remission = 'conflated' | 'withdrawn' | 'dropped'

const LATELY = 64

/** One connection of the model: what it holds for itself, and which messages are still to arrive at it. */
export class Client {
  readonly id: string
  /** Whose it is now. */
  user: User
  readonly temper: Temper
  readonly socket: ClientSocket
  handle!: Connection<ClientSocket, StreamCatalogue>
  /** What it holds for itself: the facts. */
  readonly own = new Set<Stream>()
  isRemoved = false
  /** Its socket has thrown: nothing may arrive any more. */
  hasThrown = false
  /** Its socket has rejected: it is removed as soon as that is noticed. */
  hasRejected = false
  /** Why something that was owed is owed no more, to tell a leak from a mistake. */
  readonly #withdrawn = new Map<Message, string>()
  readonly #arrived: (Message | undefined)[] = []
  #arrivals = 0
  /** Of a socket that never waits one line, in the order of publishing; else one a stream. */
  readonly #lines = new Map<number, Message[]>()
  /** What may arrive or not, since the model cannot see how far it has come. */
  readonly #optional = new Set<Message>()
  readonly #remit: (what: Remission, count: number, client: Client) => void

  constructor(id: string, user: User, temper: Temper, socket: (client: Client) => ClientSocket, remit: (what: Remission, count: number, client: Client) => void) {
    this.id = id
    this.user = user
    this.temper = temper
    this.#remit = remit
    this.socket = socket(this)
  }

  get owed(): number {
    let count = 0
    for (const line of this.#lines.values()) count += line.length
    return count
  }

  owes(message: Message): boolean {
    return this.#lines.get(this.#lineOf(message.stream))?.includes(message) === true
  }

  /** The oldest that is owed, for a report. */
  get oldest(): Message | undefined {
    return [...this.#lines.values()].flat().sort((a, b) => a.number - b.number)[0]
  }

  owe(message: Message): void {
    const key = this.#lineOf(message.stream)
    const line = this.#lines.get(key)
    if (line === undefined) this.#lines.set(key, [message])
    else line.push(message)
  }

  /** A message has arrived: what must have arrived before it never will. */
  take(message: Message): Arrival {
    const line = this.#lines.get(this.#lineOf(message.stream))
    const at = line?.indexOf(message) ?? -1
    if (line === undefined || at === -1) return 'uncalled for'
    const isInOrder = at === 0 || this.#passOver(line.splice(0, at), message.stream)
    line.shift()
    this.#optional.delete(message)
    this.#arrived[this.#arrivals++ % LATELY] = message
    return isInOrder ? 'due' : 'out of order'
  }

  /** So many of a stream were dropped: the oldest. True when there were as many. */
  drop(stream: Stream, count: number): boolean {
    const dropped = this.#lines.get(this.#lineOf(stream))?.splice(0, count) ?? []
    this.#remit('dropped', dropped.length, this)
    return dropped.length === count
  }

  /** What is meant is owed no more. */
  withdraw(isMeant: (message: Message) => boolean, reason: string): void {
    for (const [key, line] of this.#lines) {
      if (line.length === 0) continue
      const left = line.filter((message) => !this.#isWithdrawn(message, isMeant, reason))
      this.#remit('withdrawn', line.length - left.length, this)
      this.#lines.set(key, left)
    }
  }

  /** It may arrive or not. */
  leaveOpen(message: Message): void {
    this.#optional.add(message)
  }

  /** What may arrive or not, and has not, never will. */
  closeOpen(): void {
    if (this.#optional.size > 0) this.withdraw((message) => this.#optional.has(message), 'it was unsubscribed from meanwhile')
  }

  /** Says why a message that arrived was uncalled for. */
  complaintOf(message: Message): string {
    const reason = this.#withdrawn.get(message)
    if (reason !== undefined) return `LEAK: a message was handed over after ${reason}`
    if (this.#arrived.includes(message)) return 'A message was handed over twice'
    return 'LEAK: a message was handed over to a connection that was not entitled to it when it was published'
  }

  #isWithdrawn(message: Message, isMeant: (message: Message) => boolean, reason: string): boolean {
    if (!isMeant(message)) return false
    if (this.#withdrawn.size > LATELY) this.#withdrawn.clear()
    this.#withdrawn.set(message, reason)
    this.#optional.delete(message)
    return true
  }

  #passOver(passed: readonly Message[], { isLatest }: Stream): boolean {
    const open = passed.filter((message) => this.#optional.delete(message)).length
    this.#remit('withdrawn', open, this)
    const conflated = passed.length - open
    if (conflated > 0) this.#remit('conflated', conflated, this)
    return conflated === 0 || (isLatest && this.temper.mayWait)
  }

  #lineOf({ number }: Stream): number {
    return this.temper.mayWait ? number : -1
  }
}
