import type { MessageFields } from '../model/message-fields.ts'
import { OutgoingMessage } from './outgoing-message.ts'

/** What can have become of a message at a connection that did not simply hand it to its socket. */
export type Kept = 'batched' | 'queued' | 'conflated' | 'dropped' | 'failed' | 'skipped'

/**
 * The message that is being delivered, and what has become of it at those connections that did not simply take it.
 *
 * One for all messages, since it is filled in again for each: the send queues look here for theirs.
 */
export class CurrentMessage implements Record<Kept, number> {
  /** In a batch that leaves at the end of this turn. */
  batched = 0
  queued = 0
  conflated = 0
  dropped = 0
  failed = 0
  skipped = 0
  #text = ''
  #fields: MessageFields | undefined
  #message: OutgoingMessage | undefined

  /** The message as send queues keep it. Made when the first of them asks: what goes to sockets straight has no need of it. */
  get message(): OutgoingMessage {
    this.#message ??= new OutgoingMessage(this.#text, this.#fields as MessageFields)
    return this.#message
  }

  begin(text: string, fields: MessageFields): void {
    this.batched = 0
    this.queued = 0
    this.conflated = 0
    this.dropped = 0
    this.failed = 0
    this.skipped = 0
    this.#text = text
    this.#fields = fields
  }

  /** Lets go of the caller's data: each recipient's frame is made, and what waits needs no more than that. */
  end(): void {
    this.#message?.release()
    this.#message = undefined
    this.#fields = undefined
  }
}
