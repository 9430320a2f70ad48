import { disown, isThenable } from '../guards/user-code.ts'
import type { ResolvedDefinition } from './catalogue.ts'
import { HOST_TEXT, type MessageFields, type MessageOrigin } from './message-fields.ts'
import type { StreamMessage } from './stream-message.ts'
import type { WireData } from './wire-data.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** Stands for a frame that could not be made, because the transport's `frame` threw, or returned a promise. */
export const NO_FRAME: unique symbol = /* @__PURE__ */ Symbol('no frame')

/** Receives the error of a `frame` hook that threw or returned a promise. */
export interface FrameReporter {
  hookFailed(error: unknown): void
}

/**
 * The frame that a transport makes of a message, and its size as the limits count it: the `byteLength` of the frame, or the `length` of the wire form
 * if the frame has no `byteLength`.
 */
export interface Framed {
  readonly frame: unknown
  readonly units: number
}

/** One message on its way to its recipients: its text, and one frame for each transport. */
export class OutgoingMessage {
  /** The wire form. If `gap` is not 0, the wire form is made again when the notice is sent, by the host's `serializeNotice` if there is one. */
  text: WireData
  readonly streamType: string
  readonly symbol: string | undefined
  readonly definition: ResolvedDefinition
  readonly timestampMs: number
  readonly userId: string | undefined
  /** How the message comes to its recipients. A gap notice is `direct` if at least one of the dropped messages was `direct`. */
  readonly origin: MessageOrigin
  /** The number of dropped messages that a gap notice stands for. `0` for a message. */
  readonly gap: number
  /**
   * True for a skip: the text that the connections in the option `except` of `publish` get instead of the message. The only queued message that a
   * skip can replace is an older skip.
   */
  readonly isSkip: boolean
  /**
   * When the message was first put into the backlog of any connection, in milliseconds of the monotonic clock. `Infinity` if no backlog has had the
   * message yet.
   */
  waitsSinceMs: number = Infinity
  #data: unknown
  // There is nearly always only one transport. So the first transport has separate fields, and a map exists only if there are more.
  #transport: AnyTransport | undefined
  #framed: Framed | undefined
  #plain: Framed | undefined
  #others: Map<AnyTransport, Framed> | undefined

  constructor(text: WireData, fields: Omit<MessageFields, 'readAtMs' | 'text'>, gap = 0, isSkip = false) {
    this.text = text
    this.streamType = fields.streamType
    this.symbol = fields.symbol
    this.definition = fields.definition
    this.timestampMs = fields.timestampMs
    this.userId = fields.userId
    this.origin = fields.origin
    this.gap = gap
    this.isSkip = isSkip
    this.#data = fields.data
  }

  /** The frame for sockets without a transport, and for transports without a `write` or a `frame`: the text itself. */
  get plain(): Framed {
    return (this.#plain ??= { frame: this.text, units: this.text.length })
  }

  /**
   * Returns the transport's frame of this message, and its size. If `frame` throws or returns a promise, the result has `NO_FRAME`, and the error is
   * reported once.
   */
  framedFor(transport: AnyTransport, reporter: FrameReporter): Framed {
    if (this.#framed !== undefined && this.#transport === transport) return this.#framed
    if (this.#framed === undefined) {
      this.#transport = transport
      return (this.#framed = this.#made(transport, reporter))
    }
    this.#others ??= new Map()
    const known = this.#others.get(transport)
    if (known !== undefined) return known
    const framed = this.#made(transport, reporter)
    this.#others.set(transport, framed)
    return framed
  }

  /** Releases the caller's data, because a message may wait for a long time. Call this when the frames for all recipients have been made. */
  release(): void {
    this.#data = undefined
  }

  #made(transport: AnyTransport, reporter: FrameReporter): Framed {
    const { text } = this
    if (transport.frame === undefined) return this.plain
    try {
      const frame = synchronous(transport.frame(text, this.#asStreamMessage()))
      return { frame, units: byteLengthOf(frame) ?? text.length }
    } catch (error) {
      reporter.hookFailed(error)
      return { frame: NO_FRAME, units: text.length }
    }
  }

  /** Returns the message for `frame`, or `undefined` for a text from `connection.send` and for a notice that is sent like such a text. */
  #asStreamMessage(): StreamMessage<unknown, string> | undefined {
    if (this.definition === HOST_TEXT) return undefined
    const { streamType, symbol, timestampMs, userId } = this
    return { streamType, symbol, data: this.#data, timestamp: new Date(timestampMs), userId }
  }
}

/** Returns a frame's `byteLength` if that is a whole number of 0 or more. Any other value would make the sum of the queued bytes wrong. */
function byteLengthOf(frame: unknown): number | undefined {
  if (typeof frame !== 'object' || frame === null) return undefined
  const { byteLength } = frame as { readonly byteLength?: unknown }
  if (typeof byteLength === 'number' && Number.isSafeInteger(byteLength) && byteLength >= 0) return byteLength
  disown(byteLength)
  return undefined
}

/** @throws for a promise, because a promise cannot be written. A rejection of the promise is ignored, so that it does not end the process */
function synchronous(frame: unknown): unknown {
  if (!isThenable(frame)) return frame
  disown(frame)
  throw new Error('`frame` must not return a promise')
}
