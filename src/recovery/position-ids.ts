import { parsePosition, positionText } from '../model/position.ts'
import type { Stamp } from './options.ts'
import { placeIn } from './stamps.ts'

/** A position has this many epochs at most: those that came last. */
const MOST_EPOCHS = 32

/** The answer to a subscribe, as a recovery writes it: its stream, and its position. */
const ANSWER = /^\{"type":"subscribed",(?:"id":\d+,)?("stream_type":.*),"position":"([^"]*)",/
const WITH_SNAPSHOT = '"snapshot":true}'

/** The beginning of each notice, and the beginning of a skip. */
const NOTICE = '{"type":'
const SKIP = '{"type":"skip",'

/** The id for a client of several streams. It is not a position, so a resume from it always answers `recovered: false`. */
const SEVERAL = 'several-streams'

/** The position of the client of one event stream. */
class ClientPosition {
  #stream: string | undefined
  #hasSeveral = false
  #marks = new Map<string, number>()
  /** False until the answer has come, and the snapshot that it announced. */
  #isKnown = false

  /** Returns the id after a text. `undefined` if the text does not change the id, or if there is no id yet. */
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
    const [, stream, written] = ANSWER.exec(text) ?? []
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
 * Returns a function that makes the ids of one client's server-sent events. It takes each text that the client is sent, in order, and returns the
 * position of the client after that text.
 *
 * Give `positionIds` to `sseTransport` as the option `idsOf`. When a browser's `EventSource` reconnects, it sends its last id as `Last-Event-ID`. Pass
 * that to `recovery.subscribe` as the `position`.
 *
 * An event has no id while the client has no position. That is so until the recovery has subscribed the client, and until an announced snapshot has
 * been sent. Gap notices and messages without an epoch and number have no id either. A skip has the id of the message that the client did not get.
 *
 * Use one response for each stream, because one position cannot say where a client is in two streams. If a response has two streams, its id is
 * `several-streams`, and the next resume answers `recovered: false`.
 *
 * The texts must be the library's wire form, without a `stamp` of the host's own.
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
