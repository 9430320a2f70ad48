import type { Changes } from '../../events/changes.ts'
import type { Socket } from '../../ports/connection.ts'
import type { Clock } from '../../time/clock.ts'
import type { EndOfTick } from '../end-of-tick.ts'
import { isThenable } from '../../guards/user-code.ts'
import { SendQueue, type Acceptance } from '../../ports/sink.ts'
import type { AnyTransport } from '../../ports/transport.ts'
import { DrainListener, type DrainListening, type DrainTeller } from './drain-listener.ts'
import { bufferedBytes, type Meter } from '../meter.ts'
import type { Behind, DrainWatch } from './drain-watch.ts'
import { NO_FRAME, type Framed, type FrameReporter, type OutgoingMessage } from '../../model/outgoing-message.ts'
import type { Totals } from '../totals.ts'
import { Backlog } from './backlog.ts'

/** A connection as its send queue sees it. */
export interface QueueConnection {
  readonly socket: Socket
}

/** What the send queues of a delivery share. */
export interface QueueContext<TConnection extends QueueConnection> {
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly maxLagMs: number
  readonly clock: Clock
  readonly changes: Changes
  readonly totals: Totals
  readonly endOfTick: EndOfTick<ConnectionSendQueue<TConnection>>
  readonly drainWatch: DrainWatch<ConnectionSendQueue<TConnection>>
  /** Nothing waits any more: everything was handed on, or purged. */
  caughtUp(queue: ConnectionSendQueue<TConnection>): void
  /** Removes the connection once the messages that are being handed to sockets are there. */
  endService(connection: TConnection, reason: 'send-failed' | 'slow-consumer', failure?: { readonly error: unknown }): void
  hookFailed(connection: TConnection, error: unknown): void
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void
  isOwnRefusal(error: unknown): boolean
  gapTold(connection: TConnection, notice: OutgoingMessage): void
}

/** What is going out, and what of it is not to be put back when it is not accepted. */
interface WriteInFlight {
  messages: readonly OutgoingMessage[]
  unwanted: Set<OutgoingMessage> | undefined
}

/**
 * Hands one connection's messages on in order, at once or in a batch at the end of the turn, and keeps them while the
 * socket has no room: the one queue of a connection, which exists only while something is in it.
 *
 * While there is room it is `#batch`, a plain list, since nearly every message passes through here in no time. Once the
 * connection is behind it is `#waiting`, which knows streams and lists. It is never both.
 */
export class ConnectionSendQueue<TConnection extends QueueConnection> extends SendQueue implements FrameReporter, DrainListening, Behind {
  readonly connection: TConnection
  // Held here as well: to go by way of the connection costs a fetch from memory for each delivery.
  readonly #socket: Socket
  readonly #transport: AnyTransport | undefined
  readonly #context: QueueContext<TConnection>
  readonly #meter: Meter | undefined
  #batch: OutgoingMessage[] | undefined
  #batchUnits = 0
  #waiting: Backlog | undefined
  #stopWatching: (() => void) | undefined
  #isDueAtEndOfTick = false
  /** The last turn in which the socket had room. In that turn it counts as having room, because what it buffers is of that turn. */
  #hasRoomIn = -1
  /** Whether more than the limit was buffered then, which may have been of the turn before. */
  #isInDoubt = false
  /** The earliest moment at which something has waited for too long. */
  #lagDueMs = Infinity
  // Hooks are user code, which may unsubscribe, or end all this, while a message is on its way in or out.
  /** The message that is coming in; `undefined` once nobody wants it any more. */
  #arriving: OutgoingMessage | undefined
  /** While a flush runs. */
  #inFlight: WriteInFlight | undefined
  /** As what a message counts that comes too late: the connection was removed, or has failed. */
  #endedAs: 'skipped' | 'failed' | undefined

  constructor(connection: TConnection, transport: AnyTransport | undefined, meter: Meter | undefined, context: QueueContext<TConnection>) {
    super()
    this.connection = connection
    this.#socket = connection.socket
    this.#transport = transport
    this.#meter = meter
    this.#context = context
  }

  /** What waits: the batch of this turn, or all that is there because the connection is behind. */
  get waitingUnits(): number {
    return this.#waiting?.units ?? this.#batchUnits
  }

  accept(message: OutgoingMessage): Acceptance {
    // It may have failed while the message was on its way here, and its connection still be there until that is over.
    if (this.#endedAs !== undefined) return this.#refuse(this.#endedAs)
    this.#arriving = message
    const { frame, units } = this.#framed(message)
    const hasFrame = frame !== NO_FRAME
    if (hasFrame && this.#isFullFor(units)) this.#flushNow()
    const hasRoom = this.#waiting === undefined && this.#hasRoom()
    const isWanted = this.#arriving === message
    this.#arriving = undefined
    if (!hasFrame) return this.#refuse('failed')
    if (!isWanted) return this.#refuse(this.#endedAs ?? 'skipped')
    // Reading what is buffered calls user code, which may have flushed and so put the connection behind.
    return hasRoom && this.#waiting === undefined ? this.#pass(message, units) : this.#wait(message)
  }

  /** Takes a message that the socket was found to have no room for. */
  keep(message: OutgoingMessage): Acceptance {
    return this.#wait(message)
  }

  flush(): boolean {
    if (this.#hasSomething()) this.#context.changes.send(() => this.#flushNow())
    return !this.#hasSomething() && this.#inFlight === undefined
  }

  drained(): void {
    if (this.#waiting !== undefined) this.flush()
  }

  /** Hands on the batch of the turn that ends now. */
  flushBatch(): void {
    this.#isDueAtEndOfTick = false
    this.#flushNow()
  }

  giveUpTooOld(): number {
    this.#context.changes.send(() => this.#giveUpTooOld())
    return this.#waiting === undefined ? Infinity : this.#lagDueMs - this.#context.clock.monotonic()
  }

  hookFailed(error: unknown): void {
    this.#context.hookFailed(this.connection, error)
  }

  afterwards(act: () => void): void {
    this.#context.changes.afterwards(act)
  }

  purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void {
    const isUnwanted = (message: OutgoingMessage): boolean =>
      message.streamType === streamType && (symbol === undefined || message.symbol === symbol) && !isCovered(message.symbol)
    if (this.#arriving !== undefined && isUnwanted(this.#arriving)) this.#arriving = undefined
    if (this.#inFlight !== undefined) noteUnwanted(this.#inFlight, isUnwanted)
    this.#purgeBatch(isUnwanted)
    this.#context.totals.conclude('purged', this.#waiting?.purge(streamType, symbol, isCovered) ?? 0)
    this.#forgetWhatIsEmpty()
  }

  end(isToBeFlushed: boolean): void {
    if (isToBeFlushed) this.flush()
    this.#end('skipped')
  }

  // Whether there is room

  #hasSomething(): boolean {
    return this.#batch !== undefined || this.#waiting !== undefined
  }

  #bufferedBytes(): number {
    return bufferedBytes(this.#meter, this.#socket, this.#transport)
  }

  /**
   * Decides once a turn, because later readings include bytes of this turn, which no peer had time to read. Bytes of the turn before may have
   * been written as it ended, so the peer had no time for those either. If too much is buffered then, the next turn decides.
   */
  #hasRoom(): boolean {
    const { softLimitBytes, endOfTick } = this.#context
    if (this.#meter === undefined || this.#hasRoomIn === endOfTick.tick) return true
    const isInDoubt = this.#bufferedBytes() > softLimitBytes
    const wasServedInTurnBefore = this.#hasRoomIn === endOfTick.tick - 1
    if (isInDoubt && (this.#isInDoubt || !wasServedInTurnBefore)) return false
    this.#presumeRoom(isInDoubt)
    return true
  }

  /** Takes it that there is room until this turn ends. With a doubt, the next turn decides. */
  #presumeRoom(isInDoubt: boolean): void {
    this.#hasRoomIn = this.#context.endOfTick.tick
    this.#isInDoubt = isInDoubt
    this.#context.endOfTick.await()
  }

  /**
   * Whether what waits should leave before a message comes: the batch is large enough for a write, or it would leave no place for
   * the message.
   */
  #isFullFor(units: number): boolean {
    const { softLimitBytes, hardLimitBytes } = this.#context
    if (this.#waiting !== undefined) return this.#waiting.units + units > hardLimitBytes
    return this.#batchUnits > (this.#meter === undefined ? hardLimitBytes : Math.min(softLimitBytes, hardLimitBytes))
  }

  // A message comes

  #framed(message: OutgoingMessage): Framed {
    const transport = this.#transport
    return transport?.write === undefined ? message.plain : message.framedFor(transport, this)
  }

  #refuse(as: 'skipped' | 'failed'): Acceptance {
    this.#context.totals.conclude(as, 1)
    return as
  }

  #pass(message: OutgoingMessage, units: number): Acceptance {
    if (this.#transport?.write === undefined) return this.#sendNow(message.text)
    // An array literal holds just this one: most turns bring no more.
    if (this.#batch === undefined) this.#batch = [message]
    else this.#batch.push(message)
    this.#batchUnits += units
    this.#flushAtEndOfTick()
    return 'batched'
  }

  #sendNow(text: string): Acceptance {
    const answer: unknown = this.#socket.send(text)
    if (answer !== undefined && isThenable(answer)) this.#context.answeredLate(this.connection, answer, 1)
    // Counted by whoever counts the message, as for a plain socket.
    return 'sent'
  }

  #wait(message: OutgoingMessage): Acceptance {
    const waiting = this.#waiting ?? this.#fallBehind(this.#takeBatch())
    const hasReplaced = this.#keep(message, waiting)
    const acceptance = this.#relieve(waiting, message) ?? (hasReplaced ? 'conflated' : 'queued')
    if (this.#endedAs === undefined) {
      this.#giveUpTooOld()
      this.#watchForDrain()
      this.#flushAtEndOfTick()
    }
    return acceptance
  }

  /** Makes the connection fall behind: the messages of the turn's batch have to wait as well. */
  #fallBehind(messages: readonly OutgoingMessage[]): Backlog {
    const waiting = new Backlog((message) => this.#framed(message).units)
    this.#waiting = waiting
    for (const message of messages) this.#keep(message, waiting)
    this.#context.drainWatch.add(this)
    return waiting
  }

  /** Lets a message wait; true when it took the place of another. */
  #keep(message: OutgoingMessage, waiting: Backlog): boolean {
    const { maxLagMs } = this.#context
    if (message.waitsSinceMs === Infinity) message.waitsSinceMs = this.#context.clock.monotonic()
    this.#lagDueMs = Math.min(this.#lagDueMs, message.waitsSinceMs + maxLagMs)
    const hasReplaced = waiting.add(message)
    if (hasReplaced) this.#context.totals.conclude('conflated', 1)
    this.#context.totals.noteWaiting(waiting.units)
    return hasReplaced
  }

  /** Holds what waits to the hard limit; says what became of the newcomer, unless it waits. */
  #relieve(waiting: Backlog, newcomer?: OutgoingMessage): 'dropped' | 'failed' | undefined {
    let isWaiting = newcomer !== undefined
    while (waiting.units > this.#context.hardLimitBytes) {
      const dropped = waiting.dropOldest()
      if (dropped === undefined) {
        this.#giveUp(isWaiting ? 1 : 0)
        return 'failed'
      }
      this.#context.totals.conclude('dropped', 1)
      if (dropped === newcomer) isWaiting = false
    }
    return newcomer !== undefined && !isWaiting ? 'dropped' : undefined
  }

  /** Holds what waits to the longest time that it may. */
  #giveUpTooOld(): void {
    const { maxLagMs } = this.#context
    const waiting = this.#waiting
    if (waiting === undefined) return
    if (maxLagMs === Infinity) return this.#context.drainWatch.keepUp(Infinity)
    const nowMs = this.#context.clock.monotonic()
    if (nowMs >= this.#lagDueMs) {
      const { dropped, mustEnd } = waiting.dropSince(nowMs - maxLagMs)
      this.#context.totals.conclude('dropped', dropped)
      if (mustEnd) return this.#giveUp(0)
      this.#lagDueMs = waiting.oldestSinceMs + maxLagMs
    }
    this.#context.drainWatch.keepUp(this.#lagDueMs - nowMs)
  }

  /** Ends a slow consumer. `failed` is 1 if the newest message is among what waits: it counts as failed. */
  #giveUp(failed: number): void {
    this.#end('failed', failed)
    this.#context.endService(this.connection, 'slow-consumer')
  }

  #flushAtEndOfTick(): void {
    if (this.#isDueAtEndOfTick) return
    this.#isDueAtEndOfTick = true
    this.#context.endOfTick.add(this)
  }

  // What is there leaves

  #flushNow(): void {
    if (this.#inFlight !== undefined || !this.#hasSomething()) return
    const inFlight: WriteInFlight = { messages: NO_MESSAGES, unwanted: undefined }
    this.#inFlight = inFlight
    if (this.#waiting !== undefined) this.#giveUpTooOld()
    let isAccepted = true
    while (isAccepted && this.#hasSomething()) {
      const messages = this.#nextChunk()
      isAccepted = messages !== undefined && this.#handOn(messages, inFlight)
      this.#forgetWhatIsEmpty()
    }
    this.#inFlight = undefined
    if (this.#waiting === undefined) return
    if (this.#relieve(this.#waiting) !== undefined) return
    this.#giveUpTooOld()
    this.#watchForDrain()
  }

  /**
   * What is to leave next: the whole batch, because its turn has room, or as much of what waits as there is room for. Nothing if
   * there is no room, or if the reading of the room has ended this send queue.
   */
  #nextChunk(): readonly OutgoingMessage[] | undefined {
    if (this.#waiting === undefined) return this.#takeBatch()
    const roomBytes = this.#context.softLimitBytes - this.#bufferedBytes()
    if (roomBytes < 0) return undefined
    this.#presumeRoom(false)
    const isOneByOne = this.#transport?.write === undefined
    return this.#waiting?.take(isOneByOne ? -1 : roomBytes)
  }

  #takeBatch(): readonly OutgoingMessage[] {
    const batch = this.#batch ?? []
    this.#context.totals.noteWaiting(this.#batchUnits)
    this.#batch = undefined
    this.#batchUnits = 0
    return batch
  }

  /** Hands messages to the socket; true when there is a reason to go on with the next. */
  #handOn(messages: readonly OutgoingMessage[], inFlight: WriteInFlight): boolean {
    inFlight.messages = messages
    try {
      const frames = messages.map((message) => this.#frameToWrite(message))
      // To frame a notice was user code: what nobody may have any more must not go out for being taken already.
      if (!this.#isWanted(messages, inFlight)) {
        this.#putBack(messages, inFlight)
        return true
      }
      const accepted = this.#offer(messages, frames)
      const isWhole = accepted === messages.length
      this.#noteAccepted(isWhole ? messages : messages.slice(0, accepted))
      if (!isWhole) this.#putBack(messages.slice(accepted), inFlight)
      return isWhole
    } catch (error) {
      this.#context.totals.conclude('failed', deliveriesIn(messages))
      this.#end('failed')
      this.#context.endService(this.connection, 'send-failed', { error })
      return false
    }
  }

  /** How many the socket accepted. */
  #offer(messages: readonly OutgoingMessage[], frames: readonly unknown[]): number {
    try {
      const answer = this.#write(messages, frames)
      if (typeof answer === 'number') return clamped(answer, messages.length)
      if (isThenable(answer)) this.#context.answeredLate(this.connection, answer, deliveriesIn(messages))
    } catch (error) {
      // What a `send` publishes is not its socket's fault. Of a `write` nobody knows how far it came.
      if (this.#transport?.write !== undefined || !this.#context.isOwnRefusal(error)) throw error
    }
    return messages.length
  }

  #write(messages: readonly OutgoingMessage[], frames: readonly unknown[]): unknown {
    if (this.#transport?.write !== undefined) return this.#transport.write(this.#socket, frames)
    let answer: unknown
    for (const { text } of messages) answer = this.#socket.send(text)
    return typeof answer === 'number' ? undefined : answer
  }

  #frameToWrite(message: OutgoingMessage): unknown {
    const { frame } = this.#framed(message)
    // Only a notice is framed as late as this. To leave it out would be to keep silent about what is missing.
    if (frame === NO_FRAME) throw new Error('No frame could be made of a gap notice')
    return frame
  }

  #noteAccepted(messages: readonly OutgoingMessage[]): void {
    const deliveries = deliveriesIn(messages)
    this.#context.totals.conclude('sent', deliveries)
    if (deliveries === messages.length) return
    for (const message of messages) if (message.gap > 0) this.#context.gapTold(this.connection, message)
  }

  #isWanted(messages: readonly OutgoingMessage[], { unwanted }: WriteInFlight): boolean {
    return this.#endedAs === undefined && (unwanted === undefined || !messages.some((message) => unwanted.has(message)))
  }

  /** What was not accepted waits on, but for what the connection was unsubscribed from meanwhile. */
  #putBack(messages: readonly OutgoingMessage[], inFlight: WriteInFlight): void {
    const wanted = messages.filter((message) => this.#isWanted([message], inFlight))
    this.#context.totals.conclude('purged', deliveriesIn(messages) - deliveriesIn(wanted))
    if (wanted.length === 0) return
    if (this.#waiting === undefined) this.#fallBehind(wanted)
    else this.#waiting.putBack(wanted)
  }

  #purgeBatch(isUnwanted: (message: OutgoingMessage) => boolean): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#context.totals.noteWaiting(this.#batchUnits)
    this.#batch = batch.filter((message) => !isUnwanted(message))
    this.#batchUnits = this.#batch.reduce((units, message) => units + this.#framed(message).units, 0)
    this.#context.totals.conclude('purged', batch.length - this.#batch.length)
  }

  // Nothing waits

  #forgetWhatIsEmpty(): void {
    if (this.#batch?.length === 0) this.#batch = undefined
    if (this.#waiting?.isEmpty === true) this.#catchUp()
  }

  #catchUp(): void {
    this.#waiting = undefined
    this.#lagDueMs = Infinity
    this.#context.drainWatch.delete(this)
    this.#context.caughtUp(this)
    this.#watchNoMore()
  }

  #watchNoMore(): void {
    const stop = this.#stopWatching
    this.#stopWatching = undefined
    stop?.()
  }

  /** Discards what is there. `failed` of it count as failed. */
  #end(as: 'skipped' | 'failed', failed = 0): void {
    if (this.#endedAs !== undefined) return
    this.#endedAs = as
    this.#arriving = undefined
    this.#context.totals.conclude('failed', failed)
    this.#context.totals.conclude('purged', this.#takeBatch().length + (this.#waiting?.size ?? 0) - failed)
    this.#waiting = undefined
    this.#context.drainWatch.delete(this)
    this.#watchNoMore()
  }

  #watchForDrain(): void {
    if (this.#stopWatching !== undefined || this.#endedAs !== undefined) return
    if (tellsOfDrains(this.#transport)) return this.#listenForDrain(this.#transport)
    this.#stopWatching = () => {}
    this.#context.drainWatch.poll(this)
  }

  #listenForDrain(transport: DrainTeller): void {
    const listener = new DrainListener(this)
    this.#stopWatching = () => listener.stop()
    const isListening = listener.start(this.#socket, transport)
    if (!isListening && this.#waiting !== undefined) this.#context.drainWatch.poll(this)
  }
}

const NO_MESSAGES: readonly OutgoingMessage[] = []

function tellsOfDrains(transport: AnyTransport | undefined): transport is DrainTeller {
  return transport?.onDrain !== undefined
}

function noteUnwanted(inFlight: WriteInFlight, isUnwanted: (message: OutgoingMessage) => boolean): void {
  for (const message of inFlight.messages) if (isUnwanted(message)) (inFlight.unwanted ??= new Set()).add(message)
}

/** Notices are no deliveries. */
function deliveriesIn(messages: readonly OutgoingMessage[]): number {
  let count = 0
  for (const { gap } of messages) if (gap === 0) count++
  return count
}

/** A number that makes no sense means none: rather wait, and be found slow, than lose something in silence. */
function clamped(accepted: number, most: number): number {
  return accepted >= 1 ? Math.min(Math.floor(accepted), most) : 0
}
