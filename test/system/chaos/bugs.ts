/** A mistake in the client that chaos has to notice. */
export interface Bug {
  /** A file of `src/client`. */
  readonly file: string
  /** What stands there, once. */
  readonly from: string
  readonly to: string
}

/** Each of them was, or could have been, a bug of a real client. A connection that outlives its successor is tested in `test/unit/client`. */
export const BUGS: Readonly<Record<string, Bug>> = {
  'no-position': {
    file: 'wanted-streams.ts',
    from: 'position: positionOf(stream)',
    to: 'position: undefined',
  },
  'silent-loss': {
    file: 'wanted-stream.ts',
    from: 'if (recovered === false) this.#tellGap(undefined)',
    to: '',
  },
  'deaf-to-gaps': {
    file: 'wanted-stream.ts',
    from: "if (type === 'gap' || type === 'status') this.listeners.tell(update)",
    to: "if (type === 'status') this.listeners.tell(update)",
  },
  'early-position': {
    file: 'stream-state.ts',
    from: 'return (isKnown && parts.join()) || undefined',
    to: 'return parts.join() || undefined',
  },
  'before-the-answer': {
    file: 'wanted-streams.ts',
    from: "phase === 'held' || (phase === 'asked' && update.type === 'status')",
    to: "phase === 'held' || phase === 'asked'",
  },
  'no-dedupe': {
    file: 'wanted-stream.ts',
    from: 'return seq > known',
    to: 'return true',
  },
  'trusts-silence': {
    file: 'watch.ts',
    from: 'if (!wasAway && (isAsked || !ask)) return lose()',
    to: 'if (!wasAway && (isAsked || !ask)) return',
  },
}
