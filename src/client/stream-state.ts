import type { SubscribedNotice } from '../model/notices.ts'

/** A stream's state remembers this many epochs: those that were used last. */
const MOST_EPOCHS = 32

/** The place of a message, or of a skip. */
export interface Place {
  readonly epoch: string
  readonly seq: number
}

/** How far the client has come in one epoch of a subscription. */
interface Mark {
  /** The server continues after this number. `-1` if the server does not know the epoch. */
  at: number
  /**
   * Each message with a number up to this one has come, was reported as missing, or was sent before the subscription. Higher than `at` if the server
   * is behind.
   */
  top: number
  /** How many of the next missing numbers were reported by gap notices already. */
  explained: number
}

/** What a client knows of one stream, or of a whole type. */
export interface StreamState {
  /** The answer to the subscribe. `undefined` if there is none on this connection. */
  answer: SubscribedNotice | undefined
  /** True if there is a position. False until the answer has come, and the snapshot that it announced. */
  isKnown: boolean
  readonly marks: Map<string, Mark>
  /** Epoch → the first and the last number that came of exactly this stream. */
  readonly came: Map<string, { first: number; readonly last: number }>
}

export function newState(): StreamState {
  return { answer: undefined, isKnown: false, marks: new Map(), came: new Map() }
}

export function positionOf({ isKnown, marks }: StreamState): string | undefined {
  const parts = [...marks].flatMap(([epoch, { at }]) => (at >= 0 ? `${epoch}:${at}` : []))
  return (isKnown && parts.join()) || undefined
}

/** Notes the answer to a subscribe. The messages that come after the answer continue from the position in the answer. */
export function begin(state: StreamState, answer: SubscribedNotice): void {
  const { marks } = state
  const { position, snapshot } = answer
  state.answer = answer
  state.isKnown = !snapshot
  for (const mark of marks.values()) mark.at = -1
  for (const part of position.split(',')) {
    const [epoch, seq] = part.split(':') as [string, string]
    const at = +seq
    // A snapshot replaces all that came before it. So what follows it is new.
    remember(marks, epoch, { at, top: snapshot ? at : Math.max(at, marks.get(epoch)?.top ?? 0), explained: 0 })
  }
}

/** Notes a gap notice: `dropped` of the next numbers are missing. `undefined`: any number. */
export function explain({ marks }: StreamState, dropped: number | undefined): void {
  for (const mark of marks.values()) mark.explained += dropped ?? Infinity
}

/** Notes a message that a subscription covers, or a skip in its place. Returns how many messages before it are missing. */
export function advance({ answer, marks }: StreamState, { epoch, seq }: Place): number {
  const mark = marks.get(epoch) ?? { at: 0, top: 0, explained: 0 }
  let missing = 0
  if (seq > mark.top) {
    missing = seq - mark.top - 1 - mark.explained
    mark.explained = 0
    mark.top = seq
  }
  // In the server's queue, a newer message of a `latest` stream takes the place of an older one. So of a whole type, lower numbers may still come.
  if (answer?.delivery !== 'latest' || answer.symbol) mark.at = Math.max(mark.at, seq)
  remember(marks, epoch, mark)
  // If others have the numbers between, nobody can tell what is missing.
  return answer?.contiguous && missing > 0 ? missing : 0
}

/** Puts an entry last, and forgets the first one if there are too many. */
export function remember<TValue>(entries: Map<string, TValue>, key: string, value: TValue): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size > MOST_EPOCHS) entries.delete(entries.keys().next().value as string)
}
