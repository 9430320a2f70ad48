import { isThenable } from '../../guards/user-code.ts'
import { NO_FRAME, type Framed, type FrameReporter, type OutgoingMessage } from '../../model/outgoing-message.ts'
import type { Notice } from '../../model/notices.ts'
import type { WireData } from '../../model/wire-data.ts'
import type { Socket } from '../../ports/connection.ts'
import type { PlainSink } from '../../ports/sink.ts'
import type { AnyTransport } from '../../ports/transport.ts'
import type { Totals } from '../totals.ts'

/** The totals of the delivery, and the functions of the delivery that a write calls. */
export interface WriteContext<TConnection> {
  readonly totals: Totals
  hookFailed(connection: TConnection, error: unknown): void
  answeredLate(connection: TConnection, answer: PromiseLike<unknown>, deliveries: number): void
  /** Serializes a gap notice. Throws if the host's `serializeNotice` fails. */
  noticeData(notice: Notice): WireData
  /**
   * Returns true for an `ERR_PUBLISH_DEPTH` of this manager. If a socket's `send` calls `publish` and does not catch this error, the socket has not
   * failed.
   */
  isOwnRefusal(error: unknown): boolean
  gapTold(connection: TConnection, notice: OutgoingMessage): void
}

/**
 * A running flush of one send queue. The flush writes one chunk of messages after the other.
 *
 * The transport and the socket are user code. During a flush, user code may unsubscribe the connection, or end the connection's send queue. So a
 * flush also knows which of its messages are no longer wanted. Unwanted messages are neither written later nor put back.
 */
export class WriteInFlight<TConnection> implements FrameReporter {
  // These fields are not `#private`: an object is made for each flush, and `#private` fields would make that a tenth slower.
  private readonly connection: TConnection
  private readonly socket: Socket
  private readonly transport: AnyTransport | undefined
  private readonly context: WriteContext<TConnection>
  private chunk: readonly OutgoingMessage[] = NO_MESSAGES
  private unwanted: Set<OutgoingMessage> | undefined

  constructor(connection: TConnection, socket: Socket, transport: AnyTransport | undefined, context: WriteContext<TConnection>) {
    this.connection = connection
    this.socket = socket
    this.transport = transport
    this.context = context
  }

  /** The messages of the running chunk. */
  get messages(): readonly OutgoingMessage[] {
    return this.chunk
  }

  /**
   * Begins a chunk, and returns its frames. `begin` makes the frame of a gap notice itself, and this may run user code. Throws if the frame cannot be
   * made. If the user code makes a message of the chunk unwanted, `begin` returns `undefined`, and no message of the chunk may be written.
   */
  begin(chunk: readonly OutgoingMessage[]): readonly unknown[] | undefined {
    this.chunk = chunk
    const frames = chunk.map((message) => this.#frameOf(message))
    return this.areWanted(chunk) ? frames : undefined
  }

  /**
   * Hands the frames of the chunk to the socket. Returns how many messages the socket accepted, counted from the first message of the chunk. The
   * accepted messages count as sent.
   */
  write(frames: readonly unknown[]): number {
    const accepted = this.#offer(frames)
    this.#noteSent(accepted === this.chunk.length ? this.chunk : this.chunk.slice(0, accepted))
    return accepted
  }

  /** True if the connection may still get all of these messages. */
  areWanted(messages: readonly OutgoingMessage[]): boolean {
    const unwanted = this.unwanted
    return unwanted === undefined || !messages.some((message) => unwanted.has(message))
  }

  /** Marks messages of the running chunk as unwanted. */
  exclude(isUnwanted: (message: OutgoingMessage) => boolean): void {
    for (const message of this.chunk) if (isUnwanted(message)) (this.unwanted ??= new Set()).add(message)
  }

  /** Marks all messages of the running chunk as unwanted. */
  cancel(): void {
    this.exclude(() => true)
  }

  hookFailed(error: unknown): void {
    this.context.hookFailed(this.connection, error)
  }

  #frameOf(message: OutgoingMessage): unknown {
    const { gap, streamType, symbol } = message
    if (gap > 0) message.text = this.context.noticeData({ type: 'gap', streamType, symbol, dropped: gap })
    const { frame } = framedBy(this.transport, message, this)
    // All other frames were made earlier, so only the frame of a gap notice can be missing. Without the notice, the client would not learn of the
    // gap.
    if (frame === NO_FRAME) throw new Error('The frame of a gap notice could not be made')
    return frame
  }

  #offer(frames: readonly unknown[]): number {
    const chunk = this.chunk
    try {
      const answer = this.#send(frames)
      if (typeof answer === 'number') return clamped(answer, chunk.length)
      if (isThenable(answer)) this.context.answeredLate(this.connection, answer, deliveriesIn(chunk))
    } catch (error) {
      // If a `write` throws, nobody knows how many of the frames were written.
      if (this.transport?.write !== undefined || !this.context.isOwnRefusal(error)) throw error
    }
    return chunk.length
  }

  #send(frames: readonly unknown[]): unknown {
    if (this.transport?.write !== undefined) return this.transport.write(this.socket, frames)
    let answer: unknown
    for (const { text } of this.chunk) answer = (this.socket as PlainSink).send(text)
    return typeof answer === 'number' ? undefined : answer
  }

  #noteSent(messages: readonly OutgoingMessage[]): void {
    const deliveries = deliveriesIn(messages)
    this.context.totals.count('sent', deliveries)
    if (deliveries === messages.length) return
    for (const message of messages) if (message.gap > 0) this.context.gapTold(this.connection, message)
  }
}

const NO_MESSAGES: readonly OutgoingMessage[] = []

/** Returns a message's frame for a transport. If the transport has no `write`, the frame is the text. */
export function framedBy(transport: AnyTransport | undefined, message: OutgoingMessage, reporter: FrameReporter): Framed {
  return transport?.write === undefined ? message.plain : message.framedFor(transport, reporter)
}

/** Returns how many of these messages count as deliveries. Gap notices do not count. */
export function deliveriesIn(messages: readonly OutgoingMessage[]): number {
  let count = 0
  for (const { gap } of messages) if (gap === 0) count++
  return count
}

/**
 * Returns how many of `most` messages count as accepted. A fraction is rounded down. A count below 1 or a `NaN` means that nothing was accepted,
 * because writing a message again is better than losing it. A count that is too high means that all messages were accepted.
 */
function clamped(accepted: number, most: number): number {
  return accepted >= 1 ? Math.min(Math.floor(accepted), most) : 0
}
