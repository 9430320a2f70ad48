/** Where the texts for a connection go: its socket, or the send queue in front of it. */
export interface Sink {
  /** Whatever it answers is looked at: a promise that rejects is a failure, as a throw is. */
  send(text: string): unknown
  /** What it has accepted and not sent yet, where it tells that itself. It may be user code, and anything. */
  readonly bufferedAmount?: unknown
}

/** What stands between a connection and its socket where a message may have to wait. */
export interface SendQueue extends Sink {
  /** Hands on what waits, as far as there is room; true when nothing waits any more. */
  flush(): boolean
  /** Notes that there may be room again. */
  drained(): void
  /**
   * Discards what waits of a stream, or of all streams of a type (`symbol` is `undefined`), but for those that are
   * covered still.
   */
  purge(streamType: string, symbol: string | undefined, isCovered: (symbol: string | undefined) => boolean): void
  /** Ends it; with `isToBeFlushed` what there is room for is handed on first. The rest is discarded. */
  end(isToBeFlushed: boolean): void
}
