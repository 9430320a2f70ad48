import { ConnectionManagerError, describe } from '../errors.ts'

// The only global that the encoding of events uses. Every JavaScript runtime has it.
declare class TextEncoder {
  encode(text: string): Uint8Array
}

/** The fields that an event may have besides its data. */
export interface EventFields {
  /** The id that the client sends as `Last-Event-ID` when it reconnects. `''` resets the client's last id. */
  readonly id?: string | undefined
  /** The type for `addEventListener`. Without a type, the client's `message` listeners get the event. */
  readonly event?: string | undefined
}

/** The three line breaks of the event stream format (HTML Standard, 9.2.5). */
const LINE_END = /\r\n|\n|\r/g

const encoder: TextEncoder = /* @__PURE__ */ new TextEncoder()

/** An event whose data is a text of one or more lines. The client receives each line break as `\n`. */
export class EventFrame {
  readonly text: string
  readonly #head: string
  #bytes: Uint8Array | undefined

  /** @throws `ERR_INVALID_ARGUMENT` if a field is not a string, or has characters that the format cannot carry: a line break, or a NUL in an id */
  constructor(text: string, { id, event }: EventFields = {}) {
    this.text = text
    this.#head = fieldOf('event', event, /[\r\n]/) + idOf(id)
  }

  /**
   * The bytes on the wire, which are made when this property is first read. Before the first read, a waiting message uses only the memory of its
   * text.
   */
  get bytes(): Uint8Array {
    return (this.#bytes ??= encoder.encode(`${this.#head}${lines('data: ', this.text)}\n`))
  }
}

// No blank line follows a comment or `retry`. A blank line would end an event, and some clients would then report an empty event.

/** Returns the bytes of a comment, which clients ignore. */
export function commentBytes(text: string): Uint8Array {
  return encoder.encode(lines(': ', text))
}

/**
 * Returns the bytes that tell the client how long to wait before it reconnects.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `ms` is not a whole number of 0 or more
 */
export function retryBytes(ms: number): Uint8Array {
  if (!Number.isSafeInteger(ms) || ms < 0) throw invalid('Invalid retry time: expected a whole number of milliseconds, 0 or more', ms)
  return encoder.encode(`retry: ${ms}\n`)
}

/**
 * Returns the bytes of an `id` field, which gives the next event its id.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `id` is not a string, or has a line break or a NUL
 */
export function idBytes(id: string): Uint8Array {
  return encoder.encode(idOf(id))
}

function idOf(id: unknown): string {
  return fieldOf('id', id, /[\r\n\0]/)
}

function fieldOf(name: keyof EventFields, value: unknown, forbidden: RegExp): string {
  if (value === undefined) return ''
  if (typeof value !== 'string') throw invalid(`Invalid event field \`${name}\`: expected a string`, value)
  // A line break would end the field. The client would read the rest of the value as another field.
  if (forbidden.test(value)) throw invalid(`Invalid event field \`${name}\`: expected a string without a line end or a NUL`, value)
  return `${name}: ${value}\n`
}

function lines(prefix: string, text: string): string {
  return `${prefix}${text.replaceAll(LINE_END, `\n${prefix}`)}\n`
}

function invalid(what: string, received: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_ARGUMENT', `${what}, got ${describe(received)}`)
}
