import type { AuditedStream, MessageIdentity } from './publications.ts'

/**
 * The kind of a fault.
 *
 * | kind | it means that |
 * | --- | --- |
 * | `lost` | the message did not come, although a newer message of its stream did, and no notice told the client |
 * | `missing` | the message had not come when the report was made, and no notice told the client |
 * | `twice` | the message came more than once |
 * | `outOfOrder` | the message came after a newer message of its stream, or before the answer to the client's request to subscribe |
 * | `leaked` | the message came to a client that must not get it |
 * | `unknown` | the message was never published, has no identity, or is forgotten by the audit, or its text cannot be read |
 */
export type AuditFaultKind = 'lost' | 'missing' | 'twice' | 'outOfOrder' | 'leaked' | 'unknown'

/** One fault: its client, its message and its step. */
export interface AuditFault {
  /** The kind of the fault. */
  readonly kind: AuditFaultKind
  /** The client's name, as the test gave it. */
  readonly client: string
  /** The stream type. `undefined` if the text could not be read. */
  readonly streamType: string | undefined
  /** The symbol, if the message has one. */
  readonly symbol: string | undefined
  /** The identity of the message. `undefined` if the message has no identity, or if the text could not be read. */
  readonly identity: MessageIdentity | undefined
  /** The step at which the message was published. `undefined` for an unknown message. */
  readonly publishedAt: number | undefined
  /**
   * The step of the fault: see `audit.step`. For a `lost` message, this is the step at which a newer message came. For a `missing` message, it is the
   * last step before the report. For a message that came before the answer to a request to subscribe, it is the step of the answer.
   */
  readonly step: number
  /** The fault as a sentence. */
  readonly text: string
}

/** The message that a fault is about. Unknown fields are absent. */
export interface FaultyMessage extends Partial<Omit<AuditedStream, 'userId'>> {
  readonly identity?: MessageIdentity | undefined
  /** The step at which the message was published. */
  readonly step?: number
}

/** The faults that were found. All faults are counted, but only the first faults of each kind are listed. */
export class Faults {
  readonly #most: number
  readonly #found = new Map<AuditFaultKind, { count: number; readonly faults: AuditFault[] }>()

  constructor(most: number, found: Iterable<readonly [AuditFaultKind, { readonly count: number; readonly faults: readonly AuditFault[] }]> = []) {
    this.#most = most
    for (const [kind, { count, faults }] of found) this.#found.set(kind, { count, faults: [...faults] })
  }

  add(kind: AuditFaultKind, client: string, message: FaultyMessage, step: number, why: string): void {
    const found = this.#of(kind)
    found.count++
    if (found.faults.length >= this.#most) return
    const { streamType, symbol, identity, step: publishedAt } = message
    const text = `step ${step}: ${client}: ${nameOf(message)} ${why}`
    found.faults.push({ kind, client, streamType, symbol, identity, publishedAt, step, text })
  }

  /** Returns the listed faults of a kind, in the order of their steps. `count` also counts the faults that are not listed. */
  list(kind: AuditFaultKind): AuditFault[] {
    return [...this.#of(kind).faults].sort((one, other) => one.step - other.step)
  }

  count(kind: AuditFaultKind): number {
    return this.#of(kind).count
  }

  copy(): Faults {
    return new Faults(this.#most, this.#found)
  }

  #of(kind: AuditFaultKind): { count: number; readonly faults: AuditFault[] } {
    let found = this.#found.get(kind)
    if (found === undefined) this.#found.set(kind, (found = { count: 0, faults: [] }))
    return found
  }
}

function nameOf({ streamType, symbol, identity, step }: FaultyMessage): string {
  if (streamType === undefined) return 'a text'
  const stream = symbol === undefined ? streamType : `${streamType}:${symbol}`
  const name = identity === undefined ? `a message of ${stream}` : `${stream} ${JSON.stringify(identity)}`
  return step === undefined ? name : `${name}, published at step ${step},`
}
