import { tradingStreams } from '../../model/catalogue.ts'
import { streamKey } from '../../model/keys.ts'
import type { PublishableMessage } from '../../model/stream-message.ts'
import { isWireFormOf, streamOf } from './messages.ts'
import { describe } from './patience.ts'

/** What has to come in order, and how much of it has. */
interface Lane {
  readonly messages: PublishableMessage[]
  place: number
}

/**
 * What a connection promises: `strict`, every message in the order in which they were published; `under pressure`, every message in the
 * order of its stream, and of a `latest` stream perhaps the newest alone.
 */
export type Promised = 'strict' | 'under pressure'

/** What one client is to receive, held against what it receives. */
export class Reception {
  readonly #promised: Promised
  /** Stream → lane; one lane for all where the order is that of all. */
  readonly #lanes = new Map<string | undefined, Lane>()

  constructor(promised: Promised) {
    this.#promised = promised
  }

  /** How many messages are outstanding: 0 once the last of each stream came. */
  get missing(): number {
    let missing = 0
    for (const { messages, place } of this.#lanes.values()) missing += messages.length - place
    return missing
  }

  expect(message: PublishableMessage): void {
    const key = this.#laneOf(streamKey(message.streamType, message.symbol))
    const lane = this.#lanes.get(key)
    if (lane === undefined) this.#lanes.set(key, { messages: [message], place: 0 })
    else lane.messages.push(message)
  }

  /** Takes what came next. Returns what should have come in its place, where it should not have come. */
  see(text: string): string | undefined {
    const lane = this.#lanes.get(this.#laneOf(streamOf(text)))
    if (lane === undefined) return 'nothing of its stream'
    const due = lane.messages[lane.place]
    if (due === undefined) return 'nothing more'
    const place = this.#placeOf(text, lane)
    if (place === undefined) return `the wire form of ${describe(due)}`
    lane.place = place + 1
    return undefined
  }

  #laneOf(stream: string): string | undefined {
    return this.#promised === 'strict' ? undefined : stream
  }

  #placeOf(text: string, { messages, place }: Lane): number | undefined {
    for (let i = place; i < messages.length; i++) {
      const message = messages[i] as PublishableMessage
      if (isWireFormOf(message, text)) return i
      if (!this.#mayBePassedOver(message)) return undefined
    }
    return undefined
  }

  #mayBePassedOver({ streamType }: PublishableMessage): boolean {
    return this.#promised === 'under pressure' && tradingStreams[streamType].delivery === 'latest'
  }
}
