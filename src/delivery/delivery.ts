import type { Socket } from '../connection.ts'
import { ConnectionManagerError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import { adopted } from '../foreign.ts'
import { FanOut, type SendOutcomes } from './fan-out.ts'
import { emptyResult, Totals, type PublishResult, type Stats } from './publish-result.ts'
import type { Recipients } from './recipients.ts'

/** A validated message on its way. */
export interface Outgoing<TConnection extends { readonly socket: Socket }> {
  /** Looks the recipients up; called once, when the message's turn has come. */
  recipients(): Recipients<TConnection>
  /** Serializes the message; called once, or not at all when nobody is to receive it. May throw. */
  text(): string
}

/** What a delivery needs of its surroundings. */
export interface DeliverySurroundings<TConnection> {
  /** Milliseconds since the Unix epoch. */
  now(): number
  readonly maxDeferred: number
  /** Takes a connection whose socket failed out of service. Must not throw. */
  failed(connection: TConnection, error: unknown): void
}

/**
 * Delivers one message after the other: each to all of its recipients before the next begins.
 *
 * Sockets, listeners and serializers are foreign code that may publish in their turn. What they publish is deferred
 * until the running delivery is over, so that every connection sees messages in one order.
 */
export class Delivery<TConnection extends { readonly socket: Socket }> {
  readonly #surroundings: DeliverySurroundings<TConnection>
  readonly #deferred = new Fifo<Outgoing<TConnection>>()
  readonly #totals = new Totals()
  /** What publishes were refused with, to know it again when it comes back through a socket. */
  readonly #refusals = new WeakSet<object>()
  readonly #outcomes: SendOutcomes<TConnection> = {
    answeredLate: (connection, answer) => this.#watch(connection, answer),
    isOwnRefusal: (error) => error instanceof ConnectionManagerError && this.#refusals.has(error),
  }
  #isRunning = false
  /** How many were deferred since the running outermost delivery began. */
  #deferredCount = 0

  constructor(surroundings: DeliverySurroundings<TConnection>) {
    this.#surroundings = surroundings
  }

  /**
   * Delivers a message now, or in its turn when a delivery is running.
   *
   * @throws what its `text()` throws, `ERR_PUBLISH_DEPTH`
   */
  deliver(message: Outgoing<TConnection>): PublishResult {
    return this.#isRunning ? this.#defer(message) : this.#deliverNow(message)
  }

  stats(): Stats {
    return this.#totals.read()
  }

  #deliverNow(message: Outgoing<TConnection>): PublishResult {
    this.#isRunning = true
    try {
      return this.#carryOut(message)
    } finally {
      this.#deliverDeferred()
    }
  }

  #deliverDeferred(): void {
    try {
      for (let next = this.#deferred.shift(); next !== undefined; next = this.#deferred.shift()) this.#carryOut(next)
    } finally {
      this.#deferredCount = 0
      this.#isRunning = false
    }
  }

  #defer(message: Outgoing<TConnection>): PublishResult {
    const { maxDeferred } = this.#surroundings
    if (this.#deferredCount >= maxDeferred) {
      const reason = `More than ${maxDeferred} messages were published from within one delivery`
      const refusal = new ConnectionManagerError('ERR_PUBLISH_DEPTH', reason, { limit: maxDeferred })
      this.#refusals.add(refusal)
      throw refusal
    }
    // Counted before it is serialized: a `toJSON` may publish in its turn, and that chain has to end as well.
    this.#deferredCount++
    const text = this.#textOfDeferred(message)
    this.#deferred.push({ recipients: () => message.recipients(), text: () => text })
    return this.#counted(emptyResult(true))
  }

  #textOfDeferred(message: Outgoing<TConnection>): string {
    try {
      return message.text()
    } catch (error) {
      this.#deferredCount--
      throw error
    }
  }

  #carryOut(message: Outgoing<TConnection>): PublishResult {
    // Before serialization, which may run foreign code: whoever it adds gets the next message, not this one.
    const recipients = message.recipients()
    if (recipients.matched === 0) return emptyResult(false)
    const { sent, failures } = this.#fanOut(message, recipients)
    const skipped = recipients.matched - sent - failures.length
    const result = this.#counted({ ...emptyResult(false), matched: recipients.matched, sent, failed: failures.length, skipped })
    for (const { connection, error } of failures) this.#surroundings.failed(connection, error)
    return result
  }

  #fanOut(message: Outgoing<TConnection>, recipients: Recipients<TConnection>): FanOut<TConnection> {
    for (const { seats } of recipients.ranges) seats.pin()
    try {
      const fanOut = new FanOut<TConnection>(message.text(), this.#outcomes)
      const servedAtMs = this.#surroundings.now()
      for (const { seats } of recipients.ranges) seats.served(servedAtMs)
      fanOut.serve(recipients)
      return fanOut
    } finally {
      for (const { seats } of recipients.ranges) seats.unpin()
    }
  }

  #watch(connection: TConnection, answer: PromiseLike<unknown>): void {
    adopted(answer).catch((error: unknown) => {
      if (this.#outcomes.isOwnRefusal(error)) return
      this.#totals.moveSentToFailed()
      this.#surroundings.failed(connection, error)
    })
  }

  #counted(result: PublishResult): PublishResult {
    this.#totals.add(result)
    return result
  }
}
