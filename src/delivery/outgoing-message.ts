import { disown, isThenable } from '../foreign.ts'
import type { ResolvedDefinition } from '../streams/catalogue.ts'
import type { MessageFields } from '../streams/message-fields.ts'
import type { StreamMessage } from '../streams/stream-message.ts'
import type { AnyTransport } from '../transport.ts'

/** What stands for a frame that could not be made. */
export const NO_FRAME: unique symbol = /* @__PURE__ */ Symbol('no frame')

/** Whoever is told that a frame could not be made. */
export interface FrameReporter {
  hookFailed(error: unknown): void
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
  #data: unknown
  // Nearly always there is one transport, and no map is worth its place beside it.
  #transport: AnyTransport | undefined
  #frame: unknown
  #others: Map<AnyTransport, unknown> | undefined

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

  /** What counts against the limits. */
  get units(): number {
    return this.text.length
  }

  /** What a transport writes of this message; `NO_FRAME`, and a report at the first time, where it cannot make it. */
  frameFor(transport: AnyTransport, reporter: FrameReporter): unknown {
    if (this.#transport === transport) return this.#frame
    if (this.#transport === undefined) {
      this.#transport = transport
      this.#frame = this.#made(transport, reporter)
      return this.#frame
    }
    this.#others ??= new Map()
    if (!this.#others.has(transport)) this.#others.set(transport, this.#made(transport, reporter))
    return this.#others.get(transport)
  }

  /** Lets go of the caller's data once every recipient's frame is made: a message may wait for long. */
  release(): void {
    this.#data = undefined
  }

  #made(transport: AnyTransport, reporter: FrameReporter): unknown {
    if (transport.frame === undefined) return this.text
    try {
      return synchronous(transport.frame(this.text, this.#asStreamMessage()))
    } catch (error) {
      reporter.hookFailed(error)
      return NO_FRAME
    }
  }

  #asStreamMessage(): StreamMessage<unknown, string> {
    const { streamType, symbol, timestampMs, userId } = this
    return { streamType, symbol, data: this.#data, timestamp: new Date(timestampMs), userId }
  }
}

/** A frame that is asynchronous by mistake must neither be written nor end the process by a rejection that nobody awaits. */
function synchronous(frame: unknown): unknown {
  if (!isThenable(frame)) return frame
  disown(frame)
  throw new Error('A frame must not be a promise')
}
