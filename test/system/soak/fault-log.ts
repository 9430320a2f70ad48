/**
 * What may be wrong with what a client received.
 *
 * | kind | what happened |
 * | --- | --- |
 * | `loss` | a message that it was to get, and that no gap notice tells of, did not come |
 * | `duplicate` | a message came twice |
 * | `reordering` | a message came after a later one of its channel, or the texts in another order than they were handed in |
 * | `leak` | a private message of somebody else came |
 * | `uncalled` | a message came of what it was not, or no longer, subscribed to |
 * | `alien` | a text came that was never handed to its socket, or one that says otherwise than it was published |
 * | `ending` | its connection ended though nobody had ended it, or did not end |
 */
export const FAULT_KINDS = ['loss', 'duplicate', 'reordering', 'leak', 'uncalled', 'alien', 'ending'] as const

export type FaultKind = (typeof FAULT_KINDS)[number]
export type FaultCounts = Record<FaultKind, number>

const MOST_EXAMPLES_OF_A_KIND = 5

/** How often what went wrong, and the first examples. */
export class FaultLog {
  readonly counts: FaultCounts = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0])) as FaultCounts
  readonly examples: string[] = []

  note(kind: FaultKind, what: string, times = 1): void {
    if (times === 0) return
    this.counts[kind] += times
    const known = this.examples.filter((example) => example.startsWith(kind)).length
    if (known < MOST_EXAMPLES_OF_A_KIND) this.examples.push(`${kind}${times > 1 ? ` × ${times}` : ''}: ${what}`)
  }
}
