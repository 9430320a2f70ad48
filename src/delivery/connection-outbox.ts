import type { Socket } from '../connection.ts'
import { isThenable } from '../foreign.ts'
import type { Outbox } from '../outlet.ts'
import type { AnyTransport } from '../transport.ts'
import type { CurrentMessage } from './current-message.ts'
import { DrainListener, type DrainListening, type DrainTeller } from './drain-listener.ts'
import { bufferedBytes, type Meter } from './meter.ts'
import { NO_FRAME, type FrameReporter, type OutgoingMessage } from './outgoing-message.ts'
import type { Outcome } from './publish-result.ts'
import { Waiting } from './waiting.ts'

/** A connection as its outbox sees it. */
export interface OutboxConnection {
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
}

/** What an outbox needs of the delivery that it is part of. */
export interface OutboxSurroundings<TConnection extends OutboxConnection> {
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly current: CurrentMessage
  /** Something else becomes of the message that is being delivered than that it is sent. */
  note(outcome: Exclude<Outcome, 'sent' | 'purged'>): void
  /** Lets nobody else deliver meanwhile, and sees to what became of it afterwards. */
  run(act: () => void): void
  /** Calls `flushBatch` at the end of this tick. */
  flushAtEndOfTick(outbox: ConnectionOutbox<TConnection>): void
  /** Deliveries that counted as one thing turn out to be another. */
  moved(from: Outcome, to: Outcome, deliveries: number): void
  noteWaiting(units: number): void
  /** It is behind from now on: something waits. */
  fellBehind(outbox: ConnectionOutbox<TConnection>): void
  /** It is behind, and its socket does not say when it has room again. */
  toBePolled(outbox: ConnectionOutbox<TConnection>): void
  /** Nothing waits any more: everything was handed on, or is not wanted. */
  caughtUp(outbox: ConnectionOutbox<TConnection>): void
  /** Nothing waits any more, and nothing will. */
  ended(outbox: ConnectionOutbox<TConnection>): void
  /** Takes the connection out of service once the running delivery allows it. */
  failed(connection: TConnection, error: unknown): void
  tooSlow(connection: TConnection): void
  /** Calls foreign code that must not run in the middle of anything. */
  afterwards(act: () => void): void
  hookFailed(connection: TConnection, error: unknown): void
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void
  isOwnRefusal(error: unknown): boolean
  gapTold(connection: TConnection, notice: OutgoingMessage): void
}

/** What is going out, and what of it is not to be put back when it is not accepted. */
interface Departure {
  messages: readonly OutgoingMessage[]
  unwanted: Set<OutgoingMessage> | undefined
}

/** What was taken out to be handed on, and what it counts as until it is. */
interface Portion {
  readonly messages: readonly OutgoingMessage[]
  readonly countedAs: 'sent' | 'queued'
}

/**
 * Hands one connection's messages on in order, at once or in a batch at the end of the tick, and keeps them while the
 * socket has no room: the one queue of a connection, which exists only while something is in it.
 *
 * While there is room it is `#batch`, a plain list, since nearly every message passes through here in no time. Once the
 * connection is behind it is `#waiting`, which knows streams and lines. It is never both.
 */
export class ConnectionOutbox<TConnection extends OutboxConnection> implements Outbox, FrameReporter, DrainListening {
  readonly connection: TConnection
  // Held here as well: to go by way of the connection costs a fetch from memory for each delivery.
  readonly #socket: Socket
  readonly #transport: AnyTransport | undefined
  readonly #surroundings: OutboxSurroundings<TConnection>
  readonly #meter: Meter | undefined
  #batch: OutgoingMessage[] | undefined
  #batchUnits = 0
  #waiting: Waiting | undefined
  #stopWatching: (() => void) | undefined
  #isDueAtEndOfTick = false
  // Hooks are foreign code, which may unsubscribe, or end all this, while a message is on its way in or out.
  /** The message that is coming in; `undefined` once nobody wants it any more. */
  #arriving: OutgoingMessage | undefined
  /** While a flush runs. */
  #departure: Departure | undefined
  /** As what a message counts that comes too late: the connection was removed, or has failed. */
  #endedAs: 'skipped' | 'failed' | undefined

  constructor(connection: TConnection, meter: Meter | undefined, surroundings: OutboxSurroundings<TConnection>) {
    this.connection = connection
    this.#socket = connection.socket
    this.#transport = connection.transport
    this.#meter = meter
    this.#surroundings = surroundings
  }

  /** UTF-16 units that wait because the connection is behind. */
  get waitingUnits(): number {
    return this.#waiting?.units ?? 0
  }

  /** Takes the message that is being delivered. The text is its own; it comes by this way because a socket's does. */
  send(_text: string): unknown {
    // It may have failed while the message was on its way here, and its connection still be there until that is over.
    if (this.#endedAs !== undefined) return this.#surroundings.note(this.#endedAs)
    const { message } = this.#surroundings.current
    this.#arriving = message
    const hasFrame = this.#frameOf(message) !== NO_FRAME
    if (hasFrame && this.#isFullFor(message)) this.#flushNow()
    const buffered = this.#bufferedBytes()
    const isWanted = this.#arriving === message
    this.#arriving = undefined
    if (!hasFrame) return this.#surroundings.note('failed')
    if (!isWanted) return this.#surroundings.note(this.#endedAs ?? 'skipped')
    const isBehind = this.#waiting !== undefined || buffered > this.#surroundings.softLimitBytes
    return isBehind ? this.#wait(message, buffered) : this.#pass(message)
  }

  /** Takes the message that is being delivered where the socket was found to have no room for it. */
  keep(buffered: number): void {
    this.#wait(this.#surroundings.current.message, buffered)
  }

  flush(): boolean {
    if (this.#hasSomething()) this.#surroundings.run(() => this.#flushNow())
    return !this.#hasSomething() && this.#departure === undefined
  }

  drained(): void {
    if (this.#waiting !== undefined) this.flush()
  }

  /** Hands the batch of the tick that ends now on. */
  flushBatch(): void {
    this.#isDueAtEndOfTick = false
    this.#flushNow()
  }

  hookFailed(error: unknown): void {
    this.#surroundings.hookFailed(this.connection, error)
  }

  afterwards(act: () => void): void {
    this.#surroundings.afterwards(act)
  }

  purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void {
    const isUnwanted = (message: OutgoingMessage): boolean =>
      message.streamType === streamType && (symbol === undefined || message.symbol === symbol) && !isCovered(message.symbol)
    if (this.#arriving !== undefined && isUnwanted(this.#arriving)) this.#arriving = undefined
    if (this.#departure !== undefined) noteUnwanted(this.#departure, isUnwanted)
    this.#purgeBatch(isUnwanted)
    this.#surroundings.moved('queued', 'purged', this.#waiting?.purge(streamType, symbol, isCovered) ?? 0)
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
   * Whether what is there has to leave, as far as there is room, before a message comes: a batch of more than the socket may
   * have buffered, so that a burst shows whether the socket takes it, or what would leave no place for the message.
   */
  #isFullFor({ units }: OutgoingMessage): boolean {
    const { softLimitBytes, hardLimitBytes } = this.#surroundings
    if (this.#meter !== undefined && this.#batchUnits > softLimitBytes) return true
    return this.waitingUnits + this.#batchUnits + units > hardLimitBytes
  }

  // A message comes

  #frameOf(message: OutgoingMessage): unknown {
    const transport = this.#transport
    return transport?.write === undefined ? message.text : message.frameFor(transport, this)
  }

  #pass(message: OutgoingMessage): unknown {
    if (this.#transport?.write === undefined) return this.#socket.send(message.text)
    // An array literal holds just this one: most ticks bring no more.
    if (this.#batch === undefined) this.#batch = [message]
    else this.#batch.push(message)
    this.#batchUnits += message.units
    this.#flushAtEndOfTick()
    return undefined
  }

  #wait(message: OutgoingMessage, buffered: number): void {
    const waiting = this.#waiting ?? this.#fallBehind(this.#takeBatch())
    const hasReplaced = waiting.add(message)
    this.#surroundings.noteWaiting(waiting.units)
    const outcome = this.#relieve(waiting, message) ?? (hasReplaced ? 'conflated' : 'queued')
    this.#surroundings.note(outcome)
    // Whatever became of this one in the end, the one whose place it took was conflated.
    if (hasReplaced && outcome !== 'conflated') this.#surroundings.moved('queued', 'conflated', 1)
    if (buffered > this.#surroundings.softLimitBytes) this.#watchForDrain()
    else this.#flushAtEndOfTick()
  }

  /** What waits no longer is a batch: the tick's has to wait as well. */
  #fallBehind(messages: readonly OutgoingMessage[]): Waiting {
    const waiting = new Waiting()
    this.#waiting = waiting
    for (const message of messages) this.#surroundings.moved('sent', waiting.add(message) ? 'conflated' : 'queued', 1)
    this.#surroundings.fellBehind(this)
    return waiting
  }

  /** Holds what waits to the hard limit; says what became of the newcomer, unless it waits. */
  #relieve(waiting: Waiting, newcomer?: OutgoingMessage): 'dropped' | 'failed' | undefined {
    let isWaiting = newcomer !== undefined
    while (waiting.units > this.#surroundings.hardLimitBytes) {
      const dropped = waiting.dropOldest()
      if (dropped === undefined) return this.#giveUp(isWaiting)
      if (dropped === newcomer) isWaiting = false
      else this.#surroundings.moved('queued', 'dropped', 1)
    }
    return newcomer !== undefined && !isWaiting ? 'dropped' : undefined
  }

  #giveUp(withNewcomer: boolean): 'failed' {
    // The newcomer is among those that are purged, and has not been counted yet.
    if (withNewcomer) this.#surroundings.moved('purged', 'queued', 1)
    this.#end('failed')
    this.#surroundings.tooSlow(this.connection)
    return 'failed'
  }

  #flushAtEndOfTick(): void {
    if (this.#isDueAtEndOfTick) return
    this.#isDueAtEndOfTick = true
    this.#surroundings.flushAtEndOfTick(this)
  }

  // What is there leaves

  #flushNow(): void {
    if (this.#departure !== undefined || !this.#hasSomething()) return
    const departure: Departure = { messages: [], unwanted: undefined }
    this.#departure = departure
    this.#surroundings.noteWaiting(this.#batchUnits)
    let isAccepted = true
    while (isAccepted && this.#hasSomething()) {
      const buffered = this.#bufferedBytes()
      const roomBytes = this.#surroundings.softLimitBytes - buffered
      const portion = buffered > this.#surroundings.softLimitBytes ? undefined : this.#portion(roomBytes)
      isAccepted = portion !== undefined && this.#handOn(portion, departure)
      this.#forgetWhatIsEmpty()
    }
    this.#departure = undefined
    if (this.#batch !== undefined) this.#fallBehind(this.#takeBatch())
    if (this.#waiting === undefined) return
    this.#relieve(this.#waiting)
    this.#watchForDrain()
  }

  /** What is to leave next; nothing, when the reading of the room has made an end of it. */
  #portion(roomBytes: number): Portion | undefined {
    const isOneByOne = this.#transport?.write === undefined
    if (this.#waiting !== undefined) return { messages: this.#waiting.take(isOneByOne ? -1 : roomBytes), countedAs: 'queued' }
    return this.#batch && { messages: this.#takeBatch(), countedAs: 'sent' }
  }

  #takeBatch(): readonly OutgoingMessage[] {
    const batch = this.#batch ?? []
    this.#batch = undefined
    this.#batchUnits = 0
    return batch
  }

  /** Hands a portion to the socket; true when there is a reason to go on with the next. */
  #handOn(portion: Portion, departure: Departure): boolean {
    const { messages, countedAs } = portion
    departure.messages = messages
    try {
      const frames = messages.map((message) => this.#frameToWrite(message))
      // To frame a notice was foreign code: what nobody may have any more must not go out for being taken already.
      if (!this.#isWanted(messages, departure)) {
        this.#putBack(portion, departure)
        return true
      }
      const accepted = this.#offer(messages, frames)
      const isWhole = accepted === messages.length
      this.#noteAccepted(isWhole ? messages : messages.slice(0, accepted), countedAs)
      if (!isWhole) this.#putBack({ messages: messages.slice(accepted), countedAs }, departure)
      return isWhole
    } catch (error) {
      this.#surroundings.moved(countedAs, 'failed', deliveriesIn(messages))
      this.#end('failed')
      this.#surroundings.failed(this.connection, error)
      return false
    }
  }

  /** How many the socket accepted. */
  #offer(messages: readonly OutgoingMessage[], frames: readonly unknown[]): number {
    try {
      const answer = this.#write(messages, frames)
      if (typeof answer === 'number') return clamped(answer, messages.length)
      if (isThenable(answer)) this.#surroundings.answeredLate(this.connection, answer, deliveriesIn(messages))
    } catch (error) {
      // What a `send` publishes is not its socket's fault. Of a `write` nobody knows how far it came.
      if (this.#transport?.write !== undefined || !this.#surroundings.isOwnRefusal(error)) throw error
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
    const frame = this.#frameOf(message)
    // Only a notice is framed as late as this. To leave it out would be to keep silent about what is missing.
    if (frame === NO_FRAME) throw new Error('No frame could be made of a gap notice')
    return frame
  }

  #noteAccepted(messages: readonly OutgoingMessage[], countedAs: 'sent' | 'queued'): void {
    if (countedAs === 'sent') return
    this.#surroundings.moved('queued', 'sent', deliveriesIn(messages))
    for (const message of messages) if (message.gap > 0) this.#surroundings.gapTold(this.connection, message)
  }

  #isWanted(messages: readonly OutgoingMessage[], { unwanted }: Departure): boolean {
    return this.#endedAs === undefined && (unwanted === undefined || !messages.some((message) => unwanted.has(message)))
  }

  /** What was not accepted waits on, but for what the connection was unsubscribed from meanwhile. */
  #putBack({ messages, countedAs }: Portion, departure: Departure): void {
    const wanted = messages.filter((message) => this.#isWanted([message], departure))
    this.#surroundings.moved(countedAs, 'purged', deliveriesIn(messages) - deliveriesIn(wanted))
    if (wanted.length === 0) return
    if (countedAs === 'sent') this.#fallBehind(wanted)
    else (this.#waiting ?? this.#fallBehind([])).putBack(wanted)
  }

  #purgeBatch(isUnwanted: (message: OutgoingMessage) => boolean): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = batch.filter((message) => !isUnwanted(message))
    this.#batchUnits = this.#batch.reduce((units, message) => units + message.units, 0)
    this.#surroundings.moved('sent', 'purged', batch.length - this.#batch.length)
  }

  // Nothing waits

  #forgetWhatIsEmpty(): void {
    if (this.#batch?.length === 0) this.#batch = undefined
    if (this.#waiting?.isEmpty === true) this.#catchUp()
  }

  #catchUp(): void {
    this.#waiting = undefined
    this.#surroundings.caughtUp(this)
    this.#watchNoMore()
  }

  #watchNoMore(): void {
    const stop = this.#stopWatching
    this.#stopWatching = undefined
    stop?.()
  }

  #end(as: 'skipped' | 'failed'): void {
    if (this.#endedAs !== undefined) return
    this.#endedAs = as
    this.#arriving = undefined
    this.#surroundings.moved('sent', 'purged', this.#takeBatch().length)
    this.#surroundings.moved('queued', 'purged', this.#waiting?.size ?? 0)
    this.#waiting = undefined
    this.#surroundings.ended(this)
    this.#watchNoMore()
  }

  #watchForDrain(): void {
    if (this.#stopWatching !== undefined || this.#endedAs !== undefined) return
    if (tellsOfDrains(this.#transport)) return this.#listenForDrain(this.#transport)
    this.#stopWatching = () => {}
    this.#surroundings.toBePolled(this)
  }

  #listenForDrain(transport: DrainTeller): void {
    const listener = new DrainListener(this)
    this.#stopWatching = () => listener.stop()
    const isListening = listener.start(this.#socket, transport)
    if (!isListening && this.#waiting !== undefined) this.#surroundings.toBePolled(this)
  }
}

function tellsOfDrains(transport: AnyTransport | undefined): transport is DrainTeller {
  return transport?.onDrain !== undefined
}

function noteUnwanted(departure: Departure, isUnwanted: (message: OutgoingMessage) => boolean): void {
  for (const message of departure.messages) if (isUnwanted(message)) (departure.unwanted ??= new Set()).add(message)
}

/** Notices are no deliveries. */
function deliveriesIn(messages: readonly OutgoingMessage[]): number {
  return messages.reduce((count, { gap }) => (gap === 0 ? count + 1 : count), 0)
}

/** A number that makes no sense means none: rather wait, and be found slow, than lose something in silence. */
function clamped(accepted: number, most: number): number {
  return accepted >= 1 ? Math.min(Math.floor(accepted), most) : 0
}
