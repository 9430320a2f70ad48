import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { GapNotice, SubscribedNotice } from '../model/notices.ts'
import type { ServerMessage } from '../model/wire-form.ts'
import type { WireObject } from '../model/wire-reading.ts'
import { messageIn, UNKNOWN } from './reading.ts'
import { advance, begin, explain, positionOf, remember, type Place, type StreamState } from './stream-state.ts'

/** The options of `trackPositions`. */
export interface TrackOptions<TStreams extends StreamCatalogue> {
  /**
   * The server's catalogue, from `defineStreams`. The catalogue gives the messages their types. A message of a stream type that is not in the
   * catalogue is `unknown`.
   *
   * Without a catalogue, every stream type is accepted, and the messages have the types of `TradingStreams`. The tracker then checks no stream types.
   */
  readonly streams?: TStreams | undefined
}

/** What `receive` found in a text. */
export interface Received<TStreams extends StreamCatalogue = TradingStreams> {
  /** The message, or the notice. Absent if the client already has this message or its skip, or if the message comes too late to be in order. */
  readonly message?: ServerMessage<TStreams>
  /**
   * How many missing messages of the stream this text reveals: messages before this one, messages that a gap notice counts, or a message that comes
   * too late. Each missing message is reported once. `0` if no message is missing.
   *
   * `undefined` if the number is unknown. This happens for a gap notice of unknown size, and for an answer that does not recover a stream although
   * this client had a position.
   */
  readonly missing: number | undefined
}

/** Tracks which messages came, and from which position each stream can be resumed. */
export interface PositionTracker<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * Reads a text from the server. Call `receive` with each text, in order. `receive` never throws: a text that it cannot read gives the message
   * `{ type: 'unknown' }`.
   */
  receive(text: string): Received<TStreams>
  /**
   * Returns the position to resume a stream from. Without a `symbol`, the result is the position in the whole type, or in a stream that has no
   * symbol. The result is `undefined` if no answer with a position has come, if the subscription has ended since, or if an announced snapshot has not
   * come yet. In these cases, subscribe without a position.
   */
  position(stream: { readonly streamType: keyof TStreams & string; readonly symbol?: string | undefined }): string | undefined
  /**
   * Tells the tracker that the connection has ended. The positions do not change. From now on, messages change the position of a stream only after
   * the next answer to a subscribe command for this stream.
   */
  disconnected(): void
}

interface Stream {
  readonly streamType: string
  readonly symbol?: string | undefined
}

/** A message with a place, or a skip. */
type PlacedMessage = Extract<ServerMessage<StreamCatalogue>, { readonly epoch?: unknown }> & Place & { readonly snapshot?: true }

/** What a tracker knows of one stream, or of a whole type. */
interface TrackedState extends StreamState {
  /** Epoch → the first and the last number of the messages that came for exactly this stream. */
  readonly came: Map<string, { first: number; readonly last: number }>
}

/** What a client knows of all streams. */
interface Knowledge {
  readonly states: Map<string, TrackedState>
}

function receive(knowledge: Knowledge, wire: WireObject, message: ServerMessage<StreamCatalogue>): Received<StreamCatalogue> {
  const { type } = message
  let missing: number | undefined = 0
  if ('epoch' in message && message.epoch) return take(knowledge, message as PlacedMessage)
  if (type === 'subscribed') missing = answered(knowledge, message)
  if (type === 'gap') missing = lose(knowledge, message)
  if (wire['type'] === 'unsubscribed') knowledge.states.delete(keyOf(wire['stream_type'], wire['symbol']))
  return { message, missing }
}

function answered(knowledge: Knowledge, answer: SubscribedNotice): number | undefined {
  const state = stateOf(knowledge, answer)
  const missing = state.isKnown && !answer.recovered ? undefined : 0
  // A snapshot replaces all messages before it. So all messages after it count as new.
  if (answer.snapshot) for (const { came } of concerned(knowledge, answer)) came.clear()
  begin(state, answer)
  return missing
}

function lose(knowledge: Knowledge, notice: GapNotice): number | undefined {
  for (const state of concerned(knowledge, notice)) explain(state, notice.dropped)
  return notice.dropped
}

function take(knowledge: Knowledge, message: PlacedMessage): Received<StreamCatalogue> {
  const { epoch, seq, snapshot } = message
  const stream = stateOf(knowledge, message)
  const { first, last } = stream.came.get(epoch) ?? { first: seq, last: -1 }
  const isLate = !snapshot && seq <= last
  let missing = 0
  let isAwaited = false
  for (const state of covering(knowledge, message)) {
    const { answer, marks } = state
    if (!answer) continue
    const isNew = seq > (marks.get(epoch)?.top ?? 0)
    state.isKnown ||= isNew || (!!snapshot && state === stream)
    isAwaited ||= isNew && answer.delivery === 'every'
    missing += advance(state, message)
  }
  // A late message is not passed on, because it would not be in order. It counts as missing if it is older than all messages that came.
  if (isLate) return { missing: missing + +(isAwaited && seq < first) }
  remember(stream.came, epoch, { first: Math.min(first, seq), last: seq })
  return { message, missing }
}

function stateOf({ states }: Knowledge, { streamType, symbol }: Stream): TrackedState {
  const key = keyOf(streamType, symbol)
  const state = states.get(key) ?? { answer: undefined, isKnown: false, marks: new Map(), came: new Map() }
  states.set(key, state)
  return state
}

/** Returns the states of a stream and of its whole type, and creates the missing ones. */
function covering(knowledge: Knowledge, { streamType, symbol }: Stream): Set<TrackedState> {
  return new Set([stateOf(knowledge, { streamType, symbol }), stateOf(knowledge, { streamType })])
}

/** Returns the existing states of a stream and of its whole type. Without a symbol, returns the states of all streams of the type. */
function concerned({ states }: Knowledge, { streamType, symbol }: Stream): TrackedState[] {
  const [key, whole] = [keyOf(streamType, symbol), keyOf(streamType, undefined)]
  return [...states].flatMap(([each, state]) => (each === key || each === whole || (!symbol && each.startsWith(whole)) ? state : []))
}

/** Returns the key of a stream. No two streams share a key, because a stream type has no colon, and a symbol is not empty. */
function keyOf(streamType: unknown, symbol: unknown): string {
  return `${streamType}:${symbol ?? ''}`
}

/**
 * Returns a tracker of positions: the client's half of a recovery, for clients that make their connections themselves. The tracker passes on each
 * message once, reports each gap, and knows from which positions to resume after a disconnect.
 *
 * Messages of one stream and one publisher come in order. Skips and messages without a place, such as those of `sendToUser`, are passed on. Every
 * snapshot is passed on too. A snapshot replaces all earlier messages, and every message that is sent after the snapshot counts as new. A message
 * that was reported as missing may still come after a resume. In two cases, a gap in the numbers is not reported:
 *
 * - In a `latest` stream, newer messages replace older ones.
 * - If the numbers count all symbols of a type, a client of one symbol cannot know whether the other symbols have the numbers in between.
 *
 * Use one tracker for one user. The tracker runs in any JavaScript engine, and stores a few numbers for each stream.
 *
 * @example
 * import { trackPositions } from 'stream-connection-manager/client'
 *
 * const tracker = trackPositions()
 * tracker.receive('{"type":"subscribed","stream_type":"TRADES","symbol":"A","position":"k3f9:16","recovered":null,"contiguous":true,"delivery":"every"}')
 * const text = '{"stream_type":"TRADES","symbol":"A","data":1,"timestamp":"2026-01-31T12:00:00.000Z","user_id":null,"epoch":"k3f9","seq":18}'
 * console.log(tracker.receive(text).missing, tracker.position({ streamType: 'TRADES', symbol: 'A' })) // 1 k3f9:18
 */
export function trackPositions<TStreams extends StreamCatalogue = TradingStreams>(options: TrackOptions<TStreams> = {}): PositionTracker<TStreams> {
  const knowledge: Knowledge = { states: new Map() }
  return {
    receive(text) {
      try {
        const wire = JSON.parse(text) as WireObject
        return receive(knowledge, wire, messageIn(wire, options.streams)) as unknown as Received<TStreams>
      } catch {
        return { message: UNKNOWN, missing: 0 }
      }
    },
    position: (stream) => positionOf(stateOf(knowledge, stream)),
    disconnected() {
      for (const state of knowledge.states.values()) {
        state.answer = undefined
        // Messages that come before the next answer may be newer than the replay after the answer. Then the replay would be out of order.
        for (const run of state.came.values()) run.first = Infinity
      }
    },
  }
}
