import { disown, isThenable } from '../guards/user-code.ts'
import type { ResolvedDefinition } from './catalogue.ts'
import { HOST_TEXT, type MessageFields } from './message-fields.ts'
import type { StreamMessage } from './stream-message.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** What stands for a frame that could not be made. */
export const NO_FRAME: unique symbol = /* @__PURE__ */ Symbol('no frame')

/** Whoever is told that a frame could not be made. */
export interface FrameReporter {
  hookFailed(error: unknown): void
}

/** What a transport made of a message, and what that counts against the limits. */
export interface Framed {
  readonly frame: unknown
  readonly units: number
}

/** One message on its way to its recipients: its text, and what each transport makes of it, once. */
export class OutgoingMessage {
  readonly text: string
  readonly streamType: string
  readonly symbol: string | undefined
  readonly definition: ResolvedDefinition
  readonly timestampMs: number
  readonly userId: string | undefined
  /** How many dropped messages it stands for, if it is a gap notice; `0` for a message. */
  readonly gap: number
  /** When it began to wait for the first connection that is behind, on the monotonic clock. `Infinity` before. */
  waitsSinceMs: number = Infinity
  #data: unknown
  // Nearly always there is one transport, and no map is worth its place beside it.
  #transport: AnyTransport | undefined
  #framed: Framed | undefined
  #plain: Framed | undefined
  #others: Map<AnyTransport, Framed> | undefined

  constructor(text: string, fields: Omit<MessageFields, 'readAtMs'>, gap = 0) {
    this.text = text
    this.streamType = fields.streamType
    this.symbol = fields.symbol
    this.definition = fields.definition
    this.timestampMs = fields.timestampMs
    this.userId = fields.userId
    this.gap = gap
    this.#data = fields.data
  }

  /** The frame for sockets that get text by text. */
  get plain(): Framed {
    return (this.#plain ??= { frame: this.text, units: this.text.length })
  }

  /**
   * What a transport writes of this message, and how much that counts against the limits. If it cannot make a frame, `NO_FRAME`, and a report
   * the first time.
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

  /** Lets go of the caller's data once every recipient's frame is made: a message may wait for long. */
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

  /** The message; `undefined` for a text of the host's own. */
  #asStreamMessage(): StreamMessage<unknown, string> | undefined {
    if (this.definition === HOST_TEXT) return undefined
    const { streamType, symbol, timestampMs, userId } = this
    return { streamType, symbol, data: this.#data, timestamp: new Date(timestampMs), userId }
  }
}

/** How many bytes a frame has, if its `byteLength` is a whole number. Anything else could not be added up, and would undo the limits. */
function byteLengthOf(frame: unknown): number | undefined {
  if (typeof frame !== 'object' || frame === null) return undefined
  const { byteLength } = frame as { readonly byteLength?: unknown }
  if (typeof byteLength === 'number' && Number.isSafeInteger(byteLength) && byteLength >= 0) return byteLength
  disown(byteLength)
  return undefined
}

/** A frame that is asynchronous by mistake must neither be written nor end the process by a rejection that nobody awaits. */
function synchronous(frame: unknown): unknown {
  if (!isThenable(frame)) return frame
  disown(frame)
  throw new Error('A frame must not be a promise')
}
