import type { AuditFault, AuditFaultKind, Faults } from './faults.ts'

/** The counts of an audit. */
export interface AuditCounts {
  /** The number of steps. Each call of a method of the audit is a step, except `report`. */
  readonly steps: number
  /** Messages that were published. */
  readonly published: number
  /** Messages that clients received, including messages with a fault. Notices, and texts that cannot be read, do not count. */
  readonly received: number
  /**
   * Due messages of `latest` streams that had not come when a newer message of the stream was published or came. A message counts once for each
   * client.
   */
  readonly replaced: number
  /** Due messages that a notice reported to the client as missing. A message counts once for each client. */
  readonly told: number
  /** Messages that were due, and were forgotten before they came: see the option `remember`. A message counts once for each client. */
  readonly unchecked: number
  /** The number of faults of each kind, including faults that the report does not list. */
  readonly faults: Readonly<Record<AuditFaultKind, number>>
}

/** The result of an audit. The report has a list for each kind of fault, sorted by step. */
export interface AuditReport {
  /** Messages that came to a client that must not get them. */
  readonly leaked: readonly AuditFault[]
  /** Messages that did not come, although newer messages of their stream came. No notice reported these messages to the client. */
  readonly lost: readonly AuditFault[]
  /** Messages that are due to a connected client and have not come yet. No notice reported these messages to the client. */
  readonly missing: readonly AuditFault[]
  /** Messages that came more than once. */
  readonly twice: readonly AuditFault[]
  /** Messages that came after newer messages of their stream, or before the answer to the client's request to subscribe. */
  readonly outOfOrder: readonly AuditFault[]
  /**
   * Messages that were never published, that have no identity, or that the audit has forgotten. Also texts that cannot be read. A snapshot of an
   * unknown message is ignored.
   */
  readonly unknown: readonly AuditFault[]
  /** True if there is no fault. */
  readonly isClean: boolean
  /** All listed faults, kind by kind. */
  readonly faults: readonly AuditFault[]
  /** The counts of the audit. */
  readonly counts: AuditCounts
  /** Returns the report as lines of text for a person. */
  toString(): string
}

const KINDS: readonly AuditFaultKind[] = ['leaked', 'lost', 'missing', 'twice', 'outOfOrder', 'unknown']

export function reportOf(found: Faults, seen: Omit<AuditCounts, 'faults'>): AuditReport {
  const lists = Object.fromEntries(KINDS.map((kind) => [kind, found.list(kind)])) as Record<AuditFaultKind, AuditFault[]>
  const counts = { ...seen, faults: Object.fromEntries(KINDS.map((kind) => [kind, found.count(kind)])) as Record<AuditFaultKind, number> }
  const faults = KINDS.flatMap((kind) => lists[kind])
  const isClean = KINDS.every((kind) => counts.faults[kind] === 0)
  const report = { ...lists, isClean, faults, counts }
  // Not enumerable, so that two reports can be compared.
  return Object.defineProperty(report, 'toString', { value: () => linesOf(report).join('\n') })
}

function linesOf({ counts, ...lists }: Omit<AuditReport, 'toString'>): string[] {
  const { steps, published, received, told } = counts
  const summary = `${steps} steps: ${published} published, ${received} received, ${told} told as missing`
  return [summary, ...KINDS.flatMap((kind) => linesOfKind(kind, counts.faults[kind], lists[kind]))]
}

function linesOfKind(kind: AuditFaultKind, count: number, faults: readonly AuditFault[]): string[] {
  if (count === 0) return []
  const unlisted = count - faults.length
  return [`${kind}: ${count}`, ...faults.map(({ text }) => `  ${text}`), ...(unlisted === 0 ? [] : [`  and ${unlisted} more`])]
}
