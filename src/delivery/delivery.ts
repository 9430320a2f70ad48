import type { Clock } from '../time/clock.ts'
import { ConnectionManagerError } from '../errors.ts'
import { Queue } from '../collections/queue.ts'
import { adopted } from '../guards/user-code.ts'
import type { SendQueue, Sink } from '../ports/sink.ts'
import { emptyResult, type PublishResult } from '../model/publish-result.ts'
import type { MessageFields } from '../model/message-fields.ts'
import { ConnectionSendQueue, type QueueConnection, type SendQueueDependencies } from './send-queue/send-queue.ts'
import { CurrentMessage } from './current-message.ts'
import { DrainWatch } from './send-queue/drain-watch.ts'
import { EndOfTick } from './end-of-tick.ts'
import { FanOut, type Exclusion, type SendOutcomes } from './fan-out.ts'
import { bufferedAmount, bufferedAmountOf, meterOf } from './meter.ts'
import type { OutgoingMessage } from './outgoing-message.ts'
import type { Recipients } from './recipients.ts'
import { Totals, type Stats } from './totals.ts'

/** Looks up whom a message is for; called once, when its turn has come. */
export type RecipientsFinder<TConnection extends { readonly sink: Sink }> = (fields: MessageFields) => Recipients<TConnection>

/** A message whose turn is still to come, and whom it is to be withheld from then. */
interface Withheld<TConnection> {
  readonly fields: MessageFields
  readonly exclusions: Exclusion<TConnection>[]
}

interface Deferred<TConnection extends { readonly sink: Sink }> extends Withheld<TConnection> {
  readonly text: string
  readonly findRecipients: RecipientsFinder<TConnection>
}

/** The most bytes that a text can take on the wire: at most three a unit in UTF-8, and some for framing and TLS in each chunk. */
function mostBytesOf(text: string): number {
  return text.length * 3 + (text.length >> 6) + 64
}

/** A connection as the delivery sees it. */
export interface DeliveryConnection extends QueueConnection {
  readonly sink: Sink
}

/** A turn in which a socket that has more buffered than the limit is taken to have room; with a doubt, the next turn decides. */
interface Presumption {
  readonly tick: number
  readonly isInDoubt: boolean
}

/** What a delivery needs of the others. None of it may throw, but for `textOf`. */
export interface DeliveryDependencies<TConnection> {
  readonly clock: Clock
  readonly maxDeferred: number
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly maxLagMs: number
  readonly drainIntervalMs: number
  /** Serializes a message; called once for each, or not at all when nobody is to receive it. May throw. */
  textOf(fields: MessageFields): string
  /** Takes a connection whose socket failed out of service. */
  failed(connection: TConnection, error: unknown): void
  /** Puts a send queue in front of a connection's socket, wherever the connection sits, or takes it away again. */
  attachQueue(connection: TConnection, sendQueue: SendQueue | undefined): void
  /** Takes a connection that too much waits for out of service. */
  tooSlow(connection: TConnection): void
  /** Notes that a hook of a connection's transport failed. */
  hookFailed(connection: TConnection, error: unknown): void
  /** Notes that a connection was told of a gap. */
  gapTold(connection: TConnection, notice: OutgoingMessage): void
  /** What was noted can be told. */
  settled(): void
  /** Does something that is a change of its own: listeners that were registered before it are told of it. */
  change<TOutcome>(make: () => TOutcome): TOutcome
  /** Does something within the running change, or as a change of its own if none is running. */
  withinChange<TOutcome>(act: () => TOutcome): TOutcome
}

/**
 * Delivers one message after the other: each to all of its recipients before the next begins.
 *
 * Sockets, transports, listeners and serializers are user code that may publish in their turn. What they publish is
 * deferred until the running delivery is over, so that every connection sees messages in one order.
 */
export class Delivery<TConnection extends DeliveryConnection> {
  readonly #dependencies: DeliveryDependencies<TConnection>
  readonly #deferred = new Queue<Deferred<TConnection>>()
  /** Those that are being serialized in order to be deferred. */
  readonly #toBeDeferred = new Set<Withheld<TConnection>>()
  readonly #totals = new Totals()
  /** What publishes were refused with, to know it again when it comes back through a socket. */
  readonly #refusals = new WeakSet<object>()
  readonly #outcomes: SendOutcomes<TConnection> = {
    answeredLate: (connection, answer) => this.#watch(connection, answer, 1),
    isKept: (connection, buffered) => !this.#isPresumedToHaveRoom(connection, buffered) && this.#keepFor(connection),
    isOwnRefusal: (error) => error instanceof ConnectionManagerError && this.#refusals.has(error),
  }
  readonly #current = new CurrentMessage()
  readonly #endOfTick: EndOfTick<ConnectionSendQueue<TConnection>>
  readonly #drainWatch: DrainWatch<ConnectionSendQueue<TConnection>>
  readonly #forQueues: SendQueueDependencies<TConnection>
  /** For those that are there while something waits, and not longer. */
  readonly #forInterimQueues: SendQueueDependencies<TConnection>
  /** What is to be done once the running message, or flush, is: to take somebody out of service, say. */
  #afterwards: (() => void)[] = []
  /** What is going out to its recipients. */
  #running: FanOut<TConnection> | undefined
  /** What a socket may tell that it has buffered before its messages wait. `undefined`, so that none is asked, until one can tell. */
  #roomBytes: number | undefined
  /** The most bytes that one socket can have got: in turn `tick`, in the one before it, and since then while that was too little to count. */
  #bytes = { tick: 0, inTick: 0, inTickBefore: 0, since: 0 }
  /** Those without a send queue that have more buffered than the limit, which may all be of this turn, or the one before. */
  readonly #presumptions = new Map<TConnection, Presumption>()
  #hasNews = false
  #isRunning = false
  /** How many were deferred since the running outermost delivery began. */
  #deferredCount = 0

  constructor(dependencies: DeliveryDependencies<TConnection>) {
    this.#dependencies = dependencies
    this.#endOfTick = new EndOfTick(dependencies.clock, (sendQueues) => this.#flushBatches(sendQueues))
    this.#drainWatch = new DrainWatch(dependencies.clock, dependencies.drainIntervalMs)
    this.#forQueues = this.#dependenciesOfQueues()
    this.#forInterimQueues = this.#dependenciesOfInterimQueues(this.#forQueues)
  }

  /**
   * Looks at a socket and its transport, which is user code, and returns what makes the connection's send queue. `undefined`
   * where the socket is to be sent to itself: its transport has no `write`, and its pressure is unknown, or is told by the
   * socket, so that it needs a send queue only while it is behind.
   */
  sendQueueMaker(measured: QueueConnection): ((connection: TConnection) => SendQueue) | undefined {
    const meter = meterOf(measured)
    if (measured.transport?.write === undefined) {
      if (meter === undefined) return undefined
      if (meter === bufferedAmount) {
        // From now on all sockets are asked, unless nothing is too much; those that tell nothing have room.
        const { softLimitBytes } = this.#dependencies
        if (softLimitBytes !== Infinity) this.#roomBytes = softLimitBytes
        return undefined
      }
    }
    return (connection) => new ConnectionSendQueue(connection, meter, this.#forQueues)
  }

  /**
   * Delivers a message now, or in its turn when a delivery is running.
   *
   * @throws what `textOf` throws, `ERR_PUBLISH_DEPTH`
   */
  deliver(fields: MessageFields, findRecipients: RecipientsFinder<TConnection>): PublishResult {
    return this.#isRunning ? this.#defer(fields, findRecipients) : this.#deliverNow(fields, findRecipients)
  }

  /** Does what had to wait until a state change was complete. */
  settle(): void {
    this.run(() => {})
  }

  /** Lets what user code publishes meanwhile wait until this is done, and then does what had to wait for it. */
  run(act: () => void): void {
    if (this.#isRunning) return act()
    this.#dependencies.withinChange(() => this.#runNow(act))
  }

  /** Keeps nothing of a connection that was removed. */
  forget(connection: TConnection): void {
    this.#presumptions.delete(connection)
  }

  /** Sets timers anew that may be lost. */
  renewTimers(): void {
    this.#drainWatch.renew()
  }

  /** Keeps what was published before from those who have lost the right to it: what is being delivered, and what is deferred. */
  withhold(isMeant: (fields: MessageFields) => boolean, isExcluded: Exclusion<TConnection>): void {
    if (this.#running !== undefined && isMeant(this.#running.fields)) this.#running.withhold(isExcluded)
    for (const { fields, exclusions } of [...this.#toBeDeferred, ...this.#deferred]) if (isMeant(fields)) exclusions.push(isExcluded)
  }

  stats(): Stats {
    const behind = this.#drainWatch.all
    const waitingUnits = Array.from(new Set([...behind, ...this.#endOfTick.items]), (sendQueue) => sendQueue.waitingUnits)
    for (const units of waitingUnits) this.#totals.noteWaiting(units)
    const waitingBytes = waitingUnits.reduce((sum, units) => sum + units, 0)
    return { ...this.#totals.read(), connectionsBehind: behind.size, waitingBytes }
  }

  #runNow(act: () => void): void {
    this.#isRunning = true
    try {
      act()
    } finally {
      this.#settle()
      this.#deliverDeferred()
    }
  }

  #deliverNow(fields: MessageFields, findRecipients: RecipientsFinder<TConnection>): PublishResult {
    this.#isRunning = true
    try {
      return this.#carryOutAndSettle(fields, findRecipients)
    } finally {
      this.#deliverDeferred()
    }
  }

  #deliverDeferred(): void {
    try {
      for (let next = this.#deferred.shift(); next !== undefined; next = this.#deferred.shift()) {
        const { fields, findRecipients } = next
        const deferred = next
        this.#dependencies.change(() => this.#carryOutAndSettle(fields, findRecipients, deferred))
      }
    } finally {
      this.#deferredCount = 0
      this.#isRunning = false
    }
  }

  #defer(fields: MessageFields, findRecipients: RecipientsFinder<TConnection>): PublishResult {
    const { maxDeferred } = this.#dependencies
    if (this.#deferredCount >= maxDeferred) {
      const reason = `More than ${maxDeferred} messages were published from within one delivery`
      const refusal = new ConnectionManagerError('ERR_PUBLISH_DEPTH', reason, { limit: maxDeferred })
      this.#refusals.add(refusal)
      throw refusal
    }
    // Counted before it is serialized: a `toJSON` may publish in its turn, and that chain has to end as well.
    this.#deferredCount++
    const withheld: Withheld<TConnection> = { fields, exclusions: [] }
    const text = this.#textToDefer(withheld)
    this.#deferred.push({ ...withheld, text, findRecipients })
    this.#totals.note('deferred')
    return emptyResult(true)
  }

  #textToDefer(withheld: Withheld<TConnection>): string {
    this.#toBeDeferred.add(withheld)
    try {
      return this.#dependencies.textOf(withheld.fields)
    } catch (error) {
      this.#deferredCount--
      throw error
    } finally {
      this.#toBeDeferred.delete(withheld)
    }
  }

  #carryOutAndSettle(fields: MessageFields, findRecipients: RecipientsFinder<TConnection>, deferred?: Deferred<TConnection>): PublishResult {
    try {
      return this.#carryOut(fields, findRecipients, deferred)
    } finally {
      this.#settle()
    }
  }

  #carryOut(fields: MessageFields, findRecipients: RecipientsFinder<TConnection>, deferred: Deferred<TConnection> | undefined): PublishResult {
    // Before serialization, which may run user code: whoever it adds gets the next message, not this one.
    const recipients = findRecipients(fields)
    if (recipients.matched === 0) return emptyResult(false)
    const { taken, failures } = this.#fanOut(fields, recipients, deferred)
    const { batched, queued, conflated, dropped, failed, skipped } = this.#current
    const missed = recipients.matched - taken - failures.length
    const sent = taken - queued - conflated - dropped - failed - skipped
    // A send queue concludes what it took, sooner or later.
    this.#totals.conclude('sent', sent - batched)
    this.#totals.conclude('failed', failures.length)
    this.#totals.conclude('skipped', missed)
    for (const { connection, error } of failures) this.#dependencies.failed(connection, error)
    return {
      matched: recipients.matched,
      sent,
      queued,
      conflated,
      dropped,
      failed: failures.length + failed,
      skipped: missed + skipped,
      deferred: false,
    }
  }

  #fanOut(fields: MessageFields, recipients: Recipients<TConnection>, deferred: Deferred<TConnection> | undefined): FanOut<TConnection> {
    const fanOut = new FanOut(fields, recipients, this.#outcomes, this.#roomBytes)
    if (deferred !== undefined) for (const isExcluded of deferred.exclusions) fanOut.withhold(isExcluded)
    this.#running = fanOut
    try {
      const text = deferred === undefined ? this.#dependencies.textOf(fields) : deferred.text
      const servedAtMs = deferred === undefined ? fields.readAtMs : this.#dependencies.clock.now()
      for (const { seats } of recipients.ranges) seats.served(servedAtMs)
      this.#totals.begin(recipients.matched)
      this.#current.begin(text, fields)
      this.#endOfTick.notice(fields.readAtMs)
      this.#drainWatch.renew()
      fanOut.serve(text)
      if (this.#roomBytes !== undefined) this.#countBytes(text)
      return fanOut
    } finally {
      this.#running = undefined
      this.#current.end()
      fanOut.end()
    }
  }

  /** Does what had to wait, what comes of that included. */
  #settle(): void {
    while (this.#afterwards.length > 0 || this.#hasNews) {
      const acts = this.#afterwards
      this.#afterwards = []
      for (const act of acts) act()
      this.#hasNews = false
      this.#dependencies.settled()
    }
  }

  #flushBatches(sendQueues: readonly ConnectionSendQueue<TConnection>[]): void {
    this.run(() => {
      for (const sendQueue of sendQueues) sendQueue.flushBatch()
      this.#reviewPresumptions()
    })
  }

  #watch(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void {
    adopted(answer).catch((error: unknown) => {
      if (this.#outcomes.isOwnRefusal(error)) return
      this.#totals.note('rejected', deliveries)
      this.#dependencies.withinChange(() => this.#dependencies.failed(connection, error))
    })
  }

  /**
   * Whether a socket that has more buffered than the limit is taken to have room until this turn ends, as a send queue finds for its own. If all
   * that is too much can be of this turn, there is room. If it can be of the turn before, or the socket had room in that one, this turn passes
   * in doubt.
   */
  #isPresumedToHaveRoom(connection: TConnection, buffered: number): boolean {
    const { tick } = this.#endOfTick
    const last = this.#presumptions.get(connection)
    if (last?.tick === tick) return true
    const { softLimitBytes } = this.#dependencies
    const unexplained = buffered - this.#bytesIn(tick) - this.#bytes.since
    const isInDoubt = unexplained > softLimitBytes
    const canBeOfTurnBefore = last?.tick === tick - 1 ? !last.isInDoubt : unexplained - this.#bytesIn(tick - 1) <= softLimitBytes
    if (isInDoubt && !canBeOfTurnBefore) return false
    this.#presumptions.set(connection, { tick, isInDoubt })
    this.#endOfTick.await()
    return true
  }

  /** Has the message wait in a send queue, which stands in front of the socket until nothing waits any more. */
  #keepFor(connection: TConnection): true {
    const sendQueue = new ConnectionSendQueue(connection, bufferedAmount, this.#forInterimQueues)
    this.#presumptions.delete(connection)
    this.#dependencies.attachQueue(connection, sendQueue)
    sendQueue.keep()
    return true
  }

  /** Forgets those that have room again. */
  #reviewPresumptions(): void {
    const { softLimitBytes } = this.#dependencies
    for (const connection of [...this.#presumptions.keys()]) {
      if (bufferedAmountOf(connection.socket) <= softLimitBytes) this.#presumptions.delete(connection)
    }
  }

  #dependenciesOfInterimQueues(forQueues: SendQueueDependencies<TConnection>): SendQueueDependencies<TConnection> {
    const { attachQueue } = this.#dependencies
    return {
      ...forQueues,
      caughtUp: (sendQueue) => {
        forQueues.caughtUp(sendQueue)
        attachQueue(sendQueue.connection, undefined)
      },
    }
  }

  /**
   * Counts what each socket that is asked for its buffer may have been given in this turn.
   *
   * A turn that brings less than the limit puts no socket over it. So its end is not awaited, and its bytes are counted with those of earlier
   * turns.
   */
  #countBytes(text: string): void {
    const bytes = mostBytesOf(text)
    if (!this.#endOfTick.isAwaited && this.#bytes.since + bytes <= this.#dependencies.softLimitBytes) {
      this.#bytes.since += bytes
      return
    }
    const { tick } = this.#endOfTick
    // What was too little until now may be of this very turn.
    if (this.#bytes.tick !== tick) this.#bytes = { tick, inTick: this.#bytes.since, inTickBefore: this.#bytesIn(tick - 1), since: 0 }
    this.#bytes.inTick += bytes
    this.#endOfTick.await()
  }

  /** The most bytes that one socket can have been given in a turn: this one, or the one before. */
  #bytesIn(tick: number): number {
    if (this.#bytes.tick === tick) return this.#bytes.inTick
    return this.#bytes.tick === tick + 1 ? this.#bytes.inTickBefore : 0
  }

  #dependenciesOfQueues(): SendQueueDependencies<TConnection> {
    const news = <TArguments extends unknown[]>(note: (...facts: TArguments) => void) => (...facts: TArguments): void => {
      this.#hasNews = true
      note(...facts)
    }
    const { clock, softLimitBytes, hardLimitBytes, maxLagMs, failed, tooSlow, hookFailed, gapTold } = this.#dependencies
    const tellOfGap = news(gapTold)
    return {
      softLimitBytes,
      hardLimitBytes,
      maxLagMs,
      current: this.#current,
      time: this.#endOfTick,
      nowMs: () => clock.monotonic(),
      note: (kept) => void this.#current[kept]++,
      run: (act) => this.run(act),
      flushAtEndOfTick: (sendQueue) => this.#endOfTick.add(sendQueue),
      awaitEndOfTick: () => this.#endOfTick.await(),
      concluded: (outcome, deliveries) => this.#totals.conclude(outcome, deliveries),
      noteWaiting: (units) => this.#totals.noteWaiting(units),
      fellBehind: (sendQueue) => this.#drainWatch.add(sendQueue),
      toBePolled: (sendQueue) => this.#drainWatch.poll(sendQueue),
      isWaiting: (ms) => this.#drainWatch.keepUp(ms),
      caughtUp: (sendQueue) => this.#drainWatch.delete(sendQueue),
      ended: (sendQueue) => this.#drainWatch.delete(sendQueue),
      failed: (...failure) => void this.#afterwards.push(() => failed(...failure)),
      tooSlow: (connection) => void this.#afterwards.push(() => tooSlow(connection)),
      afterwards: (act) => void this.#afterwards.push(act),
      hookFailed: news(hookFailed),
      gapTold: (connection, notice) => {
        this.#totals.note('gapNotices')
        tellOfGap(connection, notice)
      },
      answeredLate: (...answer) => this.#watch(...answer),
      isOwnRefusal: (error) => this.#outcomes.isOwnRefusal(error),
    }
  }
}
