import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { GapNotice, SubscribedNotice } from '../model/notices.ts'
import type { ServerMessage } from '../model/wire-form.ts'
import type { WireObject } from '../model/wire-reading.ts'
import { messageIn, UNKNOWN } from './reading.ts'
import { advance, begin, explain, newState, positionOf, remember, type Place, type StreamState } from './stream-state.ts'

/** The options of `trackPositions`. */
export interface TrackOptions<TStreams extends StreamCatalogue> {
  /**
   * The server's catalogue, from `defineStreams`. It types the messages. A message of another stream type is unknown.
   *
   * Without it, every stream type is taken, and the messages are typed as those of `TradingStreams`. Nothing is checked against a catalogue then.
   */
  readonly streams?: TStreams | undefined
}

/** What a text brought. */
export interface Received<TStreams extends StreamCatalogue = TradingStreams> {
  /** The message, or the notice. Absent if the client has this message, or its skip, already, or if the message comes too late to be in order. */
  readonly message?: ServerMessage<TStreams>
  /**
   * How many messages of the stream are missing before this one, each reported once. `0` if none are.
   *
   * `undefined` if nobody knows how many. That is so for a gap notice of unknown size, and for an answer that does not recover a stream in which this
   * client had a position.
   */
  readonly missing: number | undefined
}

/** Knows which messages came, and where each stream can go on. */
export interface PositionTracker<TStreams extends StreamCatalogue = TradingStreams> {
  /** Takes a text from the server. Call it with each text, in order. It never throws: what it cannot read is `{ type: 'unknown' }`. */
  receive(text: string): Received<TStreams>
  /**
   * Returns the position to resume a stream from. Without a `symbol`, that is the position in the whole type, or in a stream that has no symbol.
   * `undefined` if there is none: the client was not subscribed by a recovery, or an announced snapshot has not come yet. Subscribe without a
   * position then.
   */
  position(stream: { readonly streamType: keyof TStreams & string; readonly symbol?: string | undefined }): string | undefined
  /**
   * Tells the tracker that the connection has ended. From then on, messages count for a stream only after the answer to its new subscribe. Positions
   * stay as they are.
   */
  disconnected(): void
}

interface Stream {
  readonly streamType: string
  readonly symbol?: string | undefined
}

/** A message with a place, or a skip. */
type PlacedMessage = Extract<ServerMessage<StreamCatalogue>, { readonly epoch?: unknown }> & Place & { readonly snapshot?: true }

/** What a client knows of all streams. */
interface Knowledge {
  readonly states: Map<string, StreamState>
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
  // A snapshot replaces all that came before it. So what follows it is new.
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
  // What is older than all that came of its stream would not be in order.
  if (isLate) return { missing: missing + +(isAwaited && seq < first) }
  remember(stream.came, epoch, { first: Math.min(first, seq), last: seq })
  return { message, missing }
}

function stateOf({ states }: Knowledge, { streamType, symbol }: Stream): StreamState {
  const key = keyOf(streamType, symbol)
  const state = states.get(key) ?? newState()
  states.set(key, state)
  return state
}

/** The stream and its whole type. */
function covering(knowledge: Knowledge, { streamType, symbol }: Stream): Set<StreamState> {
  return new Set([stateOf(knowledge, { streamType, symbol }), stateOf(knowledge, { streamType })])
}

/** Returns the states of the stream and of its whole type. Without a symbol: the states of all streams of the type. */
function concerned({ states }: Knowledge, { streamType, symbol }: Stream): StreamState[] {
  const [key, whole] = [keyOf(streamType, symbol), keyOf(streamType, undefined)]
  return [...states].flatMap(([each, state]) => (each === key || each === whole || (!symbol && each.startsWith(whole)) ? state : []))
}

/** Each stream has a key of its own, because a stream type has no colon, and a symbol is not empty. */
function keyOf(streamType: unknown, symbol: unknown): string {
  return `${streamType}:${symbol ?? ''}`
}

/**
 * Returns a tracker of positions: a client's half of a recovery, without a connection. It takes each message once, reports each gap, and knows what to
 * ask for after a disconnect.
 *
 * Messages of one stream and one publisher come in order. Skips and messages without a place, such as those of `sendToUser`, are passed on. Every
 * snapshot is passed on too: it replaces what came before it, and what is sent after it counts as new. In two cases, a gap in the numbers is not
 * reported. In a `latest` stream, newer messages replace older ones. If a stream is one symbol of a whole type, the other symbols have the numbers
 * between. What was reported as missing may still come after a resume.
 *
 * Use one tracker for one user. It runs in any JavaScript engine, and holds a few numbers for each stream.
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
        // What comes before the new answer may be newer than the replay behind it. Then the replay would be out of order.
        for (const run of state.came.values()) run.first = Infinity
      }
    },
  }
}
