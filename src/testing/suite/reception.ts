import { tradingStreams } from '../../model/catalogue.ts'
import { streamKey } from '../../model/keys.ts'
import type { PublishableMessage } from '../../model/stream-message.ts'
import { isWireFormOf, streamOf } from './messages.ts'
import { describe } from './patience.ts'

/** Messages that must arrive in order. `position` is the index of the next expected message. */
interface Sequence {
  readonly messages: PublishableMessage[]
  position: number
}

/**
 * What a client is guaranteed to receive. `strict`: the client receives every message, in the order of the publishes. `under pressure`: the client
 * receives the messages of each stream in order, but older messages of a `latest` stream may be missing.
 */
export type Promised = 'strict' | 'under pressure'

/** Compares the messages that one client receives with the messages that it should receive. */
export class Reception {
  readonly #promised: Promised
  /** Stream → messages that must arrive in order. With `strict`, all streams share one sequence, with the key `undefined`. */
  readonly #sequences = new Map<string | undefined, Sequence>()

  constructor(promised: Promised) {
    this.#promised = promised
  }

  /** How many messages are still expected. The number is 0 once the last message of each sequence has arrived. */
  get missing(): number {
    let missing = 0
    for (const { messages, position } of this.#sequences.values()) missing += messages.length - position
    return missing
  }

  expect(message: PublishableMessage): void {
    const key = this.#sequenceKeyOf(streamKey(message.streamType, message.symbol))
    const sequence = this.#sequences.get(key)
    if (sequence === undefined) this.#sequences.set(key, { messages: [message], position: 0 })
    else sequence.messages.push(message)
  }

  /**
   * Checks a text that has arrived. Returns `undefined` if the text was expected. Otherwise returns a description of what was expected: another text,
   * or no text.
   */
  see(text: string): string | undefined {
    const sequence = this.#sequences.get(this.#sequenceKeyOf(streamOf(text)))
    if (sequence === undefined) return 'absent, because nothing of its stream was published for the client'
    const due = sequence.messages[sequence.position]
    if (due === undefined) return 'absent, because everything that was published for the client has arrived'
    const position = this.#positionOf(text, sequence)
    if (position === undefined) return `the wire form of ${describe(due)}`
    sequence.position = position + 1
    return undefined
  }

  #sequenceKeyOf(stream: string): string | undefined {
    return this.#promised === 'strict' ? undefined : stream
  }

  #positionOf(text: string, { messages, position }: Sequence): number | undefined {
    for (let i = position; i < messages.length; i++) {
      const message = messages[i] as PublishableMessage
      if (isWireFormOf(message, text)) return i
      if (!this.#mayBeConflated(message)) return undefined
    }
    return undefined
  }

  #mayBeConflated({ streamType }: PublishableMessage): boolean {
    return this.#promised === 'under pressure' && tradingStreams[streamType].delivery === 'latest'
  }
}
