import { ConnectionManagerError, describe } from '../errors.ts'

// All that the framing needs of its runtime, and each one has it.
declare class TextEncoder {
  encode(text: string): Uint8Array
}

/** What an event may have besides its data. */
export interface EventFields {
  /** What the client's `Last-Event-ID` says when it reconnects; `''` resets it. */
  readonly id?: string | undefined
  /** The type for `addEventListener`. Without one, the client's `message` listeners get the event. */
  readonly event?: string | undefined
}

/** The three line ends of the event stream format: HTML, 9.2.5. */
const LINE_END = /\r\n|\n|\r/g

const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder()

/** An event whose data is a text, however many lines it has. Each of its line ends arrives as a `\n`. */
export class EventFrame {
  readonly #text: string
  readonly #head: string
  #bytes: Uint8Array | undefined

  /** @throws `ERR_INVALID_ARGUMENT` when a field has what the format cannot carry: a line end, or in an id a NUL */
  constructor(text: string, { id, event }: EventFields = {}) {
    this.#text = text
    this.#head = fieldOf('event', event, /[\r\n]/) + fieldOf('id', id, /[\r\n\0]/)
  }

  /**
   * What goes on the wire. Made when it is first asked for: a message that waits, and may be replaced before it leaves, costs
   * its text alone.
   */
  get bytes(): Uint8Array {
    return (this.#bytes ??= encoder.encode(`${this.#head}${lines('data: ', this.#text)}\n`))
  }
}

// No blank line follows comments and `retry`: it would end an event, and some clients make an empty one of that.

/** The bytes of a comment, which clients pass over. */
export function commentBytes(text: string): Uint8Array {
  return encoder.encode(lines(': ', text))
}

/**
 * The bytes that tell the client how long to wait before it reconnects.
 *
 * @throws `ERR_INVALID_ARGUMENT` when that is no whole number of 0 or more
 */
export function retryBytes(ms: number): Uint8Array {
  if (!Number.isSafeInteger(ms) || ms < 0) throw invalid('A retry must be a whole number of milliseconds, 0 or more', ms)
  return encoder.encode(`retry: ${ms}\n`)
}

function fieldOf(name: keyof EventFields, value: unknown, forbidden: RegExp): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') throw invalid(`The ${name} of an event must be a string`, value)
  // It would end the field, and begin another one of somebody else's making.
  if (forbidden.test(value)) throw invalid(`The ${name} of an event cannot carry a line end or a NUL`, value)
  return `${name}: ${value}\n`
}

function lines(prefix: string, text: string): string {
  return `${prefix}${text.replaceAll(LINE_END, `\n${prefix}`)}\n`
}

function invalid(what: string, received: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', `${what}, got ${describe(received)}`)
}
