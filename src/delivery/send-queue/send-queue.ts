import type { Changes } from '../../events/changes.ts'
import { isThenable } from '../../guards/user-code.ts'
import { NO_FRAME, type Framed, type FrameReporter, type OutgoingMessage } from '../../model/outgoing-message.ts'
import type { WireData } from '../../model/wire-data.ts'
import type { Socket } from '../../ports/connection.ts'
import { SendQueue, type Acceptance, type PlainSink } from '../../ports/sink.ts'
import type { AnyTransport } from '../../ports/transport.ts'
import type { Timers } from '../../time/clock.ts'
import type { EndOfTick } from '../end-of-tick.ts'
import { bufferedBytes, type Meter } from '../meter.ts'
import { Backlog } from './backlog.ts'
import { DrainListener, type DrainListening, type DrainTeller } from './drain-listener.ts'
import type { Behind, DrainWatch } from './drain-watch.ts'
import { deliveriesIn, framedBy, WriteInFlight, type WriteContext } from './write-in-flight.ts'

/** What a send queue needs of its connection. */
export interface QueueConnection {
  readonly socket: Socket
}

/** The numbers of the option `delivery`. */
export interface DeliveryLimits {
  readonly softLimitBytes: number
  readonly hardLimitBytes: number
  readonly maxLagMs: number
  readonly drainIntervalMs: number
}

/** The objects and functions that all send queues of a delivery share. */
export interface QueueContext<TConnection extends QueueConnection> extends WriteContext<TConnection> {
  readonly limits: DeliveryLimits
  readonly clock: Timers
  readonly changes: Changes
  readonly endOfTick: EndOfTick<ConnectionSendQueue<TConnection>>
  readonly drainWatch: DrainWatch<ConnectionSendQueue<TConnection>>
  /** Called when a backlog has begun. */
  fellBehind(connection: TConnection): void
  /**
   * Called when the backlog is empty again: each of its messages was sent, replaced, dropped or purged. `behindForMs` is how long the backlog
   * existed.
   */
  caughtUp(connection: TConnection, behindForMs: number): void
  /** Removes the connection as soon as no message is being handed to a socket. */
  remove(connection: TConnection, reason: 'send-failed' | 'slow-consumer', failure?: { readonly error: unknown }): void
}

/**
 * The send queue of one connection. The queue sends messages at once, or as a batch at the end of the turn. While the socket has no room, the
 * messages wait, and some of them may be replaced or dropped. When the socket has room again, the queue sends the private messages first.
 *
 * While the socket has room, messages that wait for the end of the turn are in `#batch`. The batch is a plain array, because nearly every message
 * leaves it within the turn. While the connection is behind, messages are in `#backlog`, which knows their streams and which messages may be dropped.
 * There is never both a batch and a backlog.
 */
export class ConnectionSendQueue<TConnection extends QueueConnection> extends SendQueue implements FrameReporter, DrainListening, Behind {
  readonly connection: TConnection
  // The queue has its own field for the socket, because reading it from the connection costs a fetch from memory for each delivery.
  readonly #socket: Socket
  readonly #transport: AnyTransport | undefined
  readonly #context: QueueContext<TConnection>
  readonly #meter: Meter | undefined
  #batch: OutgoingMessage[] | undefined
  #batchUnits = 0
  #backlog: Backlog | undefined
  #stopWatching: (() => void) | undefined
  #isDueAtEndOfTick = false
  /**
   * The last turn in which the socket had room. The socket counts as having room until that turn ends, because no client has had time to read the
   * bytes of that turn.
   */
  #hasRoomIn = -1
  /** True if the socket had buffered more than the limit in turn `#hasRoomIn`. The buffered bytes may have come from the turn before. */
  #isInDoubt = false
  // Hooks are user code. While they run, they may unsubscribe the connection or end this queue.
  /** The message that `accept` is working on. `undefined` once that message is no longer wanted. */
  #arriving: OutgoingMessage | undefined
  /** The running flush, if there is one. */
  #inFlight: WriteInFlight<TConnection> | undefined
  /**
   * The outcome of messages that come after the queue has ended. A queue ends when its connection is removed, when its socket fails, or when its
   * client is a slow consumer.
   */
  #endedAs: 'skipped' | 'failed' | undefined

  constructor(connection: TConnection, transport: AnyTransport | undefined, meter: Meter | undefined, context: QueueContext<TConnection>) {
    super()
    this.connection = connection
    this.#socket = connection.socket
    this.#transport = transport
    this.#meter = meter
    this.#context = context
  }

  /** The size of all queued messages: the batch of this turn, or the backlog. */
  get queuedUnits(): number {
    return this.#backlog?.units ?? this.#batchUnits
  }

  get waitingUnits(): number {
    return this.#backlog?.units ?? 0
  }

  get behindForMs(): number {
    return this.#backlog === undefined ? 0 : this.#context.clock.monotonic() - this.#backlog.sinceMs
  }

  accept(message: OutgoingMessage): Acceptance {
    // The socket may have failed while this message was delivered to others. A connection whose socket failed is removed after the delivery.
    if (this.#endedAs !== undefined) return this.#refuse(this.#endedAs)
    this.#arriving = message
    const { frame, units } = this.#framed(message)
    const hasFrame = frame !== NO_FRAME
    if (hasFrame && this.#isFullFor(units)) this.#flushNow()
    const hasRoom = this.#backlog === undefined && this.#hasRoom()
    const isWanted = this.#arriving === message
    this.#arriving = undefined
    if (!hasFrame) return this.#refuse('failed')
    if (!isWanted) return this.#refuse(this.#endedAs ?? 'skipped')
    // `#hasRoom` calls user code, which may have flushed this queue and so put the connection behind.
    return hasRoom && this.#backlog === undefined ? this.#pass(message, units) : this.queue(message)
  }

  /** Adds a message to the backlog, because the socket has no room. Returns what happened to the message. */
  queue(message: OutgoingMessage): Acceptance {
    const backlog = this.#backlog ?? this.#fallBehind(this.#takeBatch())
    const hasReplaced = this.#addTo(backlog, message)
    const acceptance = this.#limitBacklog(backlog, message) ?? (hasReplaced ? 'conflated' : 'queued')
    if (this.#endedAs === undefined) {
      this.#limitLag()
      this.#watchForDrain()
      this.#flushAtEndOfTick()
    }
    return acceptance
  }

  flush(): boolean {
    if (!this.#isEmpty) this.#context.changes.send(() => this.#flushNow())
    return this.#isEmpty && this.#inFlight === undefined
  }

  drained(): void {
    if (this.#backlog !== undefined) this.flush()
  }

  /** Sends the batch of the turn that ends now. If there is a backlog instead, sends as much of it as the socket has room for. */
  flushBatch(): void {
    this.#isDueAtEndOfTick = false
    this.#flushNow()
  }

  limitLag(): number {
    this.#context.changes.send(() => this.#limitLag())
    return this.#backlog === undefined ? Infinity : this.#lagDueMs(this.#backlog) - this.#context.clock.monotonic()
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
    this.#exclude(isUnwanted)
    this.#context.totals.count('purged', this.#backlog?.purge(streamType, symbol, isCovered) ?? 0)
    this.#catchUpIfEmpty()
  }

  purgeWhere(isUnwanted: (message: OutgoingMessage) => boolean): void {
    this.#exclude(isUnwanted)
    this.#context.totals.count('purged', this.#backlog?.purgeWhere(isUnwanted) ?? 0)
    this.#catchUpIfEmpty()
  }

  waitingStreams(): OutgoingMessage[] {
    return [...this.#leaving(), ...(this.#backlog?.streams() ?? [])]
  }

  hasSome(isMeant: (message: OutgoingMessage) => boolean): boolean {
    if (this.#leaving().some(isMeant)) return true
    for (const message of this.#backlog?.messages() ?? []) if (isMeant(message)) return true
    return false
  }

  /** The messages that have not been sent yet, except for the messages in the backlog. */
  #leaving(): OutgoingMessage[] {
    const arriving = this.#arriving === undefined ? [] : [this.#arriving]
    return [...arriving, ...(this.#inFlight?.messages ?? []), ...(this.#batch ?? [])]
  }

  end(isToBeFlushed: boolean): void {
    if (isToBeFlushed) this.flush()
    this.#end('skipped')
  }

  // ── Is there room? ─────────────────────────────────────────────────────────────────────────────────────────

  get #isEmpty(): boolean {
    return this.#batch === undefined && this.#backlog === undefined
  }

  #bufferedBytes(): number {
    return bufferedBytes(this.#meter, this.#socket, this.#transport)
  }

  /**
   * Decides once in each turn whether the socket has room. Later readings would include bytes of this turn, which no client has had time to read. If
   * there is no meter, the socket always has room.
   *
   * The bytes of the turn before may have been written at the end of that turn. The client has had no time to read these bytes either. If more than
   * `softLimitBytes` is buffered, it is in doubt whether the socket has room. A socket in doubt still counts as having room if it had room in the
   * turn before and was not in doubt in that turn. In that case, the next turn decides.
   */
  #hasRoom(): boolean {
    const { endOfTick, limits } = this.#context
    if (this.#meter === undefined || this.#hasRoomIn === endOfTick.tick) return true
    const isInDoubt = this.#bufferedBytes() > limits.softLimitBytes
    const hadRoomInTurnBefore = this.#hasRoomIn === endOfTick.tick - 1
    if (isInDoubt && (this.#isInDoubt || !hadRoomInTurnBefore)) return false
    this.#presumeRoom(isInDoubt)
    return true
  }

  /** Counts the socket as having room until this turn ends. */
  #presumeRoom(isInDoubt: boolean): void {
    this.#hasRoomIn = this.#context.endOfTick.tick
    this.#isInDoubt = isInDoubt
    this.#context.endOfTick.await()
  }

  /**
   * True if the queue must be flushed before a message of this size is added: the batch is large enough for a write, or the backlog would exceed
   * `hardLimitBytes`.
   */
  #isFullFor(units: number): boolean {
    const { softLimitBytes, hardLimitBytes } = this.#context.limits
    if (this.#backlog !== undefined) return this.#backlog.units + units > hardLimitBytes
    return this.#batchUnits > (this.#meter === undefined ? hardLimitBytes : Math.min(softLimitBytes, hardLimitBytes))
  }

  // ── A message comes ────────────────────────────────────────────────────────────────────────────────────────

  #framed(message: OutgoingMessage): Framed {
    return framedBy(this.#transport, message, this)
  }

  #refuse(as: 'skipped' | 'failed'): Acceptance {
    this.#context.totals.count(as, 1)
    return as
  }

  #pass(message: OutgoingMessage, units: number): Acceptance {
    if (this.#transport?.write === undefined) return this.#sendNow(message.text)
    // An array literal reserves only one place, and most turns bring only one message.
    if (this.#batch === undefined) this.#batch = [message]
    else this.#batch.push(message)
    this.#batchUnits += units
    this.#flushAtEndOfTick()
    return 'batched'
  }

  /** Sends a text. The fan-out counts the message as sent, as it does for a socket without a send queue. */
  #sendNow(text: WireData): Acceptance {
    const answer: unknown = (this.#socket as PlainSink).send(text)
    if (answer !== undefined && isThenable(answer)) this.#context.answeredLate(this.connection, answer, 1)
    return 'sent'
  }

  #flushAtEndOfTick(): void {
    if (this.#isDueAtEndOfTick) return
    this.#isDueAtEndOfTick = true
    this.#context.endOfTick.add(this)
  }

  // ── The backlog and its limits ─────────────────────────────────────────────────────────────────────────────

  /** Begins a backlog with these messages. */
  #fallBehind(messages: readonly OutgoingMessage[]): Backlog {
    const backlog = new Backlog(this.#context.clock.monotonic(), (message) => this.#framed(message).units)
    this.#backlog = backlog
    for (const message of messages) this.#addTo(backlog, message)
    this.#context.drainWatch.add(this)
    this.#context.fellBehind(this.connection)
    return backlog
  }

  /** Adds a message to the backlog. Returns true if the message replaced an older message. */
  #addTo(backlog: Backlog, message: OutgoingMessage): boolean {
    if (message.waitsSinceMs === Infinity) message.waitsSinceMs = this.#context.clock.monotonic()
    const sizeBefore = backlog.size
    const hasReplaced = backlog.add(message)
    if (hasReplaced) this.#context.totals.count('conflated', sizeBefore + 1 - backlog.size)
    this.#context.totals.noteQueued(backlog.units)
    return hasReplaced
  }

  /**
   * Drops messages until the backlog is within `hardLimitBytes`. If the messages that must be kept exceed this limit, the connection is removed as a
   * slow consumer. Returns `dropped` if the newest message was dropped, `failed` if the connection is removed, and `undefined` otherwise.
   */
  #limitBacklog(backlog: Backlog, newest?: OutgoingMessage): 'dropped' | 'failed' | undefined {
    let isQueued = newest !== undefined
    while (backlog.units > this.#context.limits.hardLimitBytes) {
      const dropped = backlog.dropOldest()
      if (dropped === undefined) {
        this.#removeSlowConsumer(isQueued ? 1 : 0)
        return 'failed'
      }
      this.#context.totals.count('dropped', 1)
      if (dropped === newest) isQueued = false
    }
    return newest !== undefined && !isQueued ? 'dropped' : undefined
  }

  /**
   * Drops messages that have waited for `maxLagMs`. If a message that has waited for `maxLagMs` must be kept, the connection is removed as a slow
   * consumer.
   */
  #limitLag(): void {
    const { clock, drainWatch, limits: { maxLagMs }, totals } = this.#context
    const backlog = this.#backlog
    if (backlog === undefined) return
    if (maxLagMs === Infinity) return drainWatch.keepUp(Infinity)
    const nowMs = clock.monotonic()
    if (nowMs >= this.#lagDueMs(backlog)) {
      const { dropped, mustEnd } = backlog.dropSince(nowMs - maxLagMs)
      totals.count('dropped', dropped)
      if (mustEnd) return this.#removeSlowConsumer(0)
    }
    drainWatch.keepUp(this.#lagDueMs(backlog) - nowMs)
  }

  /** Before this moment, no message of the backlog can have waited for `maxLagMs`. */
  #lagDueMs(backlog: Backlog): number {
    return backlog.oldestSinceMs + this.#context.limits.maxLagMs
  }

  /**
   * Removes the connection of a slow consumer. `failed` is 1 if the message that just arrived is in the backlog, because that message counts as
   * failed. Otherwise `failed` is 0.
   */
  #removeSlowConsumer(failed: number): void {
    this.#end('failed', failed)
    this.#context.remove(this.connection, 'slow-consumer')
  }

  // ── Messages leave ─────────────────────────────────────────────────────────────────────────────────────────

  #flushNow(): void {
    if (this.#inFlight !== undefined || this.#isEmpty) return
    const inFlight = new WriteInFlight(this.connection, this.#socket, this.#transport, this.#context)
    this.#inFlight = inFlight
    if (this.#backlog !== undefined) this.#limitLag()
    let isAccepted = true
    while (isAccepted && !this.#isEmpty) {
      const chunk = this.#nextChunk()
      isAccepted = chunk !== undefined && this.#writeChunk(chunk, inFlight)
      this.#catchUpIfEmpty()
    }
    this.#inFlight = undefined
    if (this.#backlog === undefined) return
    if (this.#limitBacklog(this.#backlog) !== undefined) return
    this.#limitLag()
    this.#watchForDrain()
  }

  /**
   * Takes the messages to send next. If there is no backlog, takes the whole batch. If there is a backlog, takes messages until their size exceeds
   * the socket's room, including the message that exceeds it. If the transport has no `write`, takes only one message. Returns `undefined` if there
   * is no room. Measuring the room runs user code, so the backlog may be gone afterwards.
   */
  #nextChunk(): readonly OutgoingMessage[] | undefined {
    if (this.#backlog === undefined) return this.#takeBatch()
    const roomBytes = this.#context.limits.softLimitBytes - this.#bufferedBytes()
    if (roomBytes < 0) return undefined
    this.#presumeRoom(false)
    const isOneByOne = this.#transport?.write === undefined
    return this.#backlog?.take(isOneByOne ? -1 : roomBytes)
  }

  #takeBatch(): readonly OutgoingMessage[] {
    const batch = this.#batch ?? []
    this.#context.totals.noteQueued(this.#batchUnits)
    this.#batch = undefined
    this.#batchUnits = 0
    return batch
  }

  /** Writes a chunk. Returns true if the next chunk may follow. */
  #writeChunk(chunk: readonly OutgoingMessage[], inFlight: WriteInFlight<TConnection>): boolean {
    try {
      const frames = inFlight.begin(chunk)
      const accepted = frames === undefined ? 0 : inFlight.write(frames)
      if (accepted < chunk.length) this.#putBack(chunk.slice(accepted), inFlight)
      return frames === undefined || accepted === chunk.length
    } catch (error) {
      this.#context.totals.count('failed', deliveriesIn(chunk))
      this.#end('failed')
      this.#context.remove(this.connection, 'send-failed', { error })
      return false
    }
  }

  /** Puts back the messages that the socket did not accept. Unwanted messages are not put back. */
  #putBack(messages: readonly OutgoingMessage[], inFlight: WriteInFlight<TConnection>): void {
    const wanted = messages.filter((message) => inFlight.areWanted([message]))
    this.#context.totals.count('purged', deliveriesIn(messages) - deliveriesIn(wanted))
    if (wanted.length === 0) return
    if (this.#backlog === undefined) this.#fallBehind(wanted)
    else this.#backlog.putBack(wanted)
  }

  /** Discards unwanted messages that have not been sent yet, except for messages in the backlog. */
  #exclude(isUnwanted: (message: OutgoingMessage) => boolean): void {
    if (this.#arriving !== undefined && isUnwanted(this.#arriving)) this.#arriving = undefined
    this.#inFlight?.exclude(isUnwanted)
    this.#purgeBatch(isUnwanted)
  }

  #purgeBatch(isUnwanted: (message: OutgoingMessage) => boolean): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#context.totals.noteQueued(this.#batchUnits)
    this.#batch = batch.filter((message) => !isUnwanted(message))
    this.#batchUnits = this.#batch.reduce((units, message) => units + this.#framed(message).units, 0)
    this.#context.totals.count('purged', batch.length - this.#batch.length)
  }

  // ── Nothing is queued any more ─────────────────────────────────────────────────────────────────────────────

  #catchUpIfEmpty(): void {
    if (this.#batch?.length === 0) this.#batch = undefined
    if (this.#backlog?.isEmpty === true) this.#catchUp()
  }

  #catchUp(): void {
    const { behindForMs } = this
    this.#releaseBacklog()
    this.#context.caughtUp(this.connection, behindForMs)
    this.#stopWatchingForDrain()
  }

  #releaseBacklog(): void {
    this.#backlog = undefined
    this.#context.drainWatch.delete(this)
  }

  /** Ends the queue and discards its messages. `failed` is the number of messages that count as failed. The other messages count as purged. */
  #end(as: 'skipped' | 'failed', failed = 0): void {
    if (this.#endedAs !== undefined) return
    this.#endedAs = as
    this.#arriving = undefined
    this.#inFlight?.cancel()
    this.#context.totals.count('failed', failed)
    this.#context.totals.count('purged', this.#takeBatch().length + (this.#backlog?.size ?? 0) - failed)
    this.#releaseBacklog()
    this.#stopWatchingForDrain()
  }

  // ── Waiting for a drain ────────────────────────────────────────────────────────────────────────────────────

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
    if (!isListening && this.#backlog !== undefined) this.#context.drainWatch.poll(this)
  }

  #stopWatchingForDrain(): void {
    const stop = this.#stopWatching
    this.#stopWatching = undefined
    stop?.()
  }
}

function tellsOfDrains(transport: AnyTransport | undefined): transport is DrainTeller {
  return transport?.onDrain !== undefined
}
