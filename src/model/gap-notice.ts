/** What a client is told in the place of messages that were given up because too much was waiting for it. */
export interface GapNotice {
  /** What tells it from a message. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing; `undefined` for a stream without one. */
  readonly symbol: string | undefined
  /** How many messages of this stream are missing here; 1 or more. */
  readonly dropped: number
}

/** Returns the text of a gap notice on the wire. */
export function gapNoticeText({ streamType, symbol, dropped }: Omit<GapNotice, 'type'>): string {
  return JSON.stringify({ type: 'gap', stream_type: streamType, symbol: symbol ?? null, dropped })
}
