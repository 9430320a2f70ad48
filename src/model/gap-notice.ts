/** Tells a client that messages are missing here. They were dropped because too much waited for the client, or because they waited too long. */
export interface GapNotice {
  /** Distinguishes a notice from a message, which has no `type`. */
  readonly type: 'gap'
  /** The stream type whose messages are missing. */
  readonly streamType: string
  /** The symbol whose messages are missing. `undefined` for a stream without a symbol. */
  readonly symbol: string | undefined
  /** How many messages of this stream are missing here: 1 or more. */
  readonly dropped: number
}

/** Returns the wire form of a gap notice. */
export function gapNoticeText({ streamType, symbol, dropped }: Omit<GapNotice, 'type'>): string {
  return JSON.stringify({ type: 'gap', stream_type: streamType, symbol: symbol ?? null, dropped })
}
