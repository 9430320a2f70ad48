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
    file: 'wanted-stream.ts',
    from: 'return positionOf(this.#state)',
    to: 'return undefined',
  },
  'silent-loss': {
    file: 'wanted-stream.ts',
    from: 'if (recovered === false) this.#tellGap(undefined)',
    to: '',
  },
  'deaf-to-gaps': {
    file: 'wanted-stream.ts',
    from: "else if (type === 'gap' || type === 'status') this.listeners.tell(update)",
    to: "else if (type === 'status') this.listeners.tell(update)",
  },
  'early-position': {
    file: 'stream-state.ts',
    from: 'return (isKnown && parts.join()) || undefined',
    to: 'return parts.join() || undefined',
  },
  'before-the-answer': {
    file: 'wanted-streams.ts',
    from: "phase === 'held' || (phase === 'asked' && type === 'status')",
    to: "phase === 'held' || phase === 'asked'",
  },
  'no-dedupe': {
    file: 'wanted-stream.ts',
    from: 'return seq > (marks.get(epoch)?.top ?? 0)',
    to: 'return true',
  },
  'trusts-silence': {
    file: 'watch.ts',
    from: 'if (this.#isAsked || !this.#ask) return this.#lose()',
    to: 'if (this.#isAsked || !this.#ask) return',
  },
}
