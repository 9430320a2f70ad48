import type { SubscribedNotice } from '../model/notices.ts'

/** How many epochs a stream's state remembers: those that were used last. An epoch names one numbering of messages. */
const MOST_EPOCHS = 32

/** The answer to a subscribe command. Without a recovery on the server, the answer has no position. */
export type Answer = Omit<SubscribedNotice, 'position'> & Partial<Pick<SubscribedNotice, 'position'>>

/**
 * The place of a message, or of a skip (a notice in place of a message that this client does not get): an epoch, which names one numbering of
 * messages, and a number in this epoch.
 */
export interface Place {
  readonly epoch: string
  readonly seq: number
}

/** Which messages of one epoch the client has received in a subscription. */
export interface Mark {
  /** The number after which the server continues when the client resumes. `-1` if the server does not know the epoch. */
  at: number
  /**
   * The highest number that came with a message, a skip or an answer. A message with a higher number is new. `top` may be higher than `at` in two
   * cases: the server knows fewer messages than the client, or the subscription is to a whole type that is `latest`.
   */
  top: number
  /** How many of the next missing messages were already reported by gap notices. */
  dropped: number
}

/** What a client knows about one stream, or about a whole type. */
export interface StreamState {
  /** The answer to the subscribe command. `undefined` if the current connection has had no answer yet. */
  answer: Answer | undefined
  /** True if the stream has a position: the answer has come. If the answer announced a snapshot, the snapshot or a newer message has come too. */
  isKnown: boolean
  /** Epoch → its mark. There is a mark as soon as there was an answer. */
  readonly marks: Map<string, Mark>
}

export function positionOf({ isKnown, marks }: StreamState): string | undefined {
  const parts = [...marks].flatMap(([epoch, { at }]) => (at >= 0 ? `${epoch}:${at}` : []))
  return (isKnown && parts.join()) || undefined
}

/** Stores the answer to a subscribe command. The messages after the answer continue from the position in the answer. */
export function begin(state: StreamState, answer: Answer): void {
  const { marks } = state
  const { position = '', snapshot } = answer
  state.answer = answer
  state.isKnown = !snapshot
  for (const mark of marks.values()) mark.at = -1
  for (const part of position.split(',')) {
    const [epoch, seq] = part.split(':') as [string, string]
    const at = +seq
    // A snapshot replaces all messages before it. So all messages after it count as new.
    remember(marks, epoch, { at, top: snapshot ? at : Math.max(at, marks.get(epoch)?.top ?? 0), dropped: 0 })
  }
}

/** Stores a gap notice: `dropped` of the next messages are missing, or an unknown number if `dropped` is `undefined`. */
export function explain({ marks }: StreamState, dropped: number | undefined): void {
  for (const mark of marks.values()) mark.dropped += dropped ?? Infinity
}

/**
 * Stores the place of a message that a subscription covers, or the place of a skip. Returns how many messages before this place are missing and were
 * not reported yet. Returns `0` if the numbers cannot show it.
 */
export function advance({ answer, marks }: StreamState, { epoch, seq }: Place): number {
  const mark = marks.get(epoch) ?? { at: 0, top: 0, dropped: 0 }
  const missing = seq - mark.top - 1 - mark.dropped
  if (seq > mark.top) {
    mark.dropped = 0
    mark.top = seq
  }
  // In the server's queue, a newer message of a `latest` stream takes the place of an older one. So for a whole type, messages with lower numbers may
  // still come.
  if (seq > mark.at && (answer?.delivery !== 'latest' || answer.symbol)) mark.at = seq
  remember(marks, epoch, mark)
  // If the numbers in between may belong to other streams, nobody can tell how many messages are missing.
  return answer?.contiguous && missing > 0 ? missing : 0
}

/** Moves an entry to the end, and deletes the first entry if there are more than `MOST_EPOCHS`. */
export function remember<TValue>(entries: Map<string, TValue>, key: string, value: TValue): void {
  entries.delete(key)
  entries.set(key, value)
  if (entries.size > MOST_EPOCHS) entries.delete(entries.keys().next().value as string)
}
