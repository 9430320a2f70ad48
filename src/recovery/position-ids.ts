import { parsePosition, positionText } from '../model/position.ts'
import type { Stamp } from './options.ts'
import { placeIn } from './stamps.ts'

/** The maximum number of epochs in a position. The epochs of the latest messages are kept. */
const MOST_EPOCHS = 32

/** Matches a recovery's answer to a subscribe request. Captures the stream's fields and the position. */
const ANSWER = /^\{"type":"subscribed",(?:"id":\d+,)?("stream_type":.*),"position":"([^"]*)",/
const WITH_SNAPSHOT = '"snapshot":true}'

/** Each notice begins with `NOTICE`, and each skip begins with `SKIP`. */
const NOTICE = '{"type":'
const SKIP = '{"type":"skip",'

/** The id for a client of several streams. This id is not a position, so a resume from it is always answered with `recovered: false`. */
const SEVERAL = 'several-streams'

/** The position of one client of server-sent events. */
class ClientPosition {
  #stream: string | undefined
  #hasSeveral = false
  #marks = new Map<string, number>()
  /**
   * True once the client has got the answer. If the answer announced a snapshot, true once the client has got the snapshot, or a newer message
   * instead.
   */
  #isKnown = false

  /**
   * Returns the id for the event with this text. Returns `undefined` if the event gets no id, because the text does not change the client's position,
   * or because the client has no position yet.
   */
  after(text: string): string | undefined {
    const isSkip = text.startsWith(SKIP)
    // A skip comes in the place of its message. It is not the announced snapshot.
    if (isSkip && !this.#isKnown) return undefined
    const place = text.startsWith(NOTICE) && !isSkip ? undefined : placeIn(text)
    const isChanged = place === undefined ? this.#begin(text) : this.#pass(place)
    if (!isChanged) return undefined
    if (this.#hasSeveral) return SEVERAL
    return this.#isKnown ? positionText(this.#marks) : undefined
  }

  #begin(text: string): boolean {
    const answer = ANSWER.exec(text)
    if (answer === null) return false
    const [, stream, written] = answer
    const position = parsePosition(written)
    if (position === undefined) return false
    this.#hasSeveral ||= this.#stream !== undefined && this.#stream !== stream
    this.#stream = stream
    this.#marks = new Map(position)
    this.#isKnown = !text.endsWith(WITH_SNAPSHOT)
    return true
  }

  #pass({ epoch, seq, snapshot }: Stamp): boolean {
    const mark = this.#marks.get(epoch) ?? 0
    // A new message takes the place of a snapshot that was replaced or dropped before it was sent.
    this.#isKnown ||= this.#marks.size > 0 && (snapshot === true || seq > mark)
    this.#marks.delete(epoch)
    this.#marks.set(epoch, Math.max(mark, seq))
    if (this.#marks.size > MOST_EPOCHS) this.#marks.delete(this.#marks.keys().next().value as string)
    return true
  }
}

/**
 * Returns a function that makes the ids of one client's server-sent events. The function takes the texts in the order in which the client gets them.
 * For each text, it returns the id of the event: the position of the client after this text, or `undefined` for no id.
 *
 * Give `positionIds` to `sseTransport` as the option `idsOf`. When a browser's `EventSource` reconnects, it sends its last id as `Last-Event-ID`.
 * Pass the value of this header to `recovery.subscribe` as the `position`.
 *
 * An event has no id while the client has no position. The client has no position until it has got the answer of the recovery, and then the snapshot
 * that the answer announced, or a newer message instead. Other texts have no id either: other notices, such as gap notices, and messages without an
 * epoch and number. A skip has the id that its message would have had.
 *
 * Use one response for each stream, because one position cannot say where a client is in two streams. If a client subscribes to a second stream in a
 * response, the answer to this subscribe gets the id `several-streams`, and so do the later events that would otherwise have a position. A resume
 * from this id is answered with `recovered: false`.
 *
 * The texts must be in the library's wire form. So the manager must have no `serialize`, and the recovery no `stamp`.
 *
 * @example
 * import { createRecovery, positionIds } from 'stream-connection-manager/recovery'
 * import { sseTransport, type SseSocket } from 'stream-connection-manager/transports/sse'
 *
 * const recovery = createRecovery()
 * const manager = new ConnectionManager<SseSocket>({ recorder: recovery, transport: sseTransport({ idsOf: positionIds }) })
 */
export function positionIds(): (text: string) => string | undefined {
  const position = new ClientPosition()
  return (text) => position.after(text)
}
