import type { AuditFault, AuditFaultKind, Faults } from './faults.ts'

/** What an audit has seen. */
export interface AuditCounts {
  /** Calls that the audit was told of. */
  readonly steps: number
  /** Messages that were published. */
  readonly published: number
  /** Messages that clients received, faults included. */
  readonly received: number
  /** Messages of `latest` streams that a newer one replaced, for each client one. */
  readonly replaced: number
  /** Messages that did not come, and of which the client was told. */
  readonly told: number
  /** Messages that were forgotten before they came: see the option `remember`. */
  readonly unchecked: number
  /** The faults, by their kind, unlisted ones included. */
  readonly faults: Readonly<Record<AuditFaultKind, number>>
}

/** What is wrong: a list for each kind of fault, in the order of the steps. */
export interface AuditReport {
  /** Messages that reached a client which they were not for. */
  readonly leaked: readonly AuditFault[]
  /** Messages that did not come although newer ones did, and of which the client was not told. */
  readonly lost: readonly AuditFault[]
  /** Messages that have not come, and of which the client was not told. */
  readonly missing: readonly AuditFault[]
  /** Messages that came more than once. */
  readonly twice: readonly AuditFault[]
  /** Messages that came after newer ones. */
  readonly outOfOrder: readonly AuditFault[]
  /** Messages that were never published. */
  readonly unknown: readonly AuditFault[]
  /** True if there is no fault. */
  readonly isClean: boolean
  /** All that are listed, kind by kind. */
  readonly faults: readonly AuditFault[]
  /** How much the audit has seen. */
  readonly counts: AuditCounts
  /** Returns all of it as lines for a person. */
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
