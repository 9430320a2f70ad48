import { ConnectionAudit, type ConnectionAccount } from './connection-audit.ts'
import { FaultLog, type FaultCounts } from './fault-log.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Receipt } from './receipt.ts'

/** The accounts of all connections, and what was wrong. */
export interface AuditReport {
  /** Sums over all connections. */
  readonly totals: ConnectionAccount
  readonly connections: number
  /** Connections that ended abruptly with something on its way. */
  readonly tails: number
  readonly longestTail: number
  readonly longestTailUnits: number
  readonly faults: FaultCounts
  readonly examples: readonly string[]
}

/** Keeps the books of all connections: what was to come, what was handed over, and what came. */
export class Auditor {
  readonly #faults = new FaultLog()
  readonly #audits = new Map<number, ConnectionAudit>()
  readonly #totals = new ConnectionAudit(0, '', this.#faults).account
  #connections = 0
  #tails = 0
  #longestTail = 0
  #longestTailUnits = 0

  /** How many connections are not over. */
  get open(): number {
    return this.#audits.size
  }

  begin(client: number, userId: string): void {
    this.#audits.set(client, new ConnectionAudit(client, userId, this.#faults))
  }

  take(entry: LedgerEntry): void {
    const audit = this.#audits.get(entry.client)
    if (audit === undefined) return this.#faults.note('ending', `client ${entry.client}: ${entry.type} after its end`)
    switch (entry.type) {
      case 'covered': return audit.cover(entry)
      case 'uncovered': return audit.uncover(entry)
      case 'complete': return audit.complete(entry)
      case 'handed': return audit.hand(entry)
      case 'gone': return this.#end(entry.client, audit, () => audit.endAtServer(entry))
    }
  }

  receive(client: number, receipt: Receipt): void {
    this.#audits.get(client)?.receive(receipt)
  }

  refuse(client: number, text: string): void {
    this.#faults.note('alien', `client ${client}: no text of the library: ${text.slice(0, 80)}`)
  }

  close(client: number, end: { readonly isAbrupt: boolean; readonly isAbnormal: boolean }): void {
    const audit = this.#audits.get(client)
    if (audit !== undefined) this.#end(client, audit, () => audit.endAtClient(end))
  }

  report(): AuditReport {
    this.#faults.note('ending', 'connections that never ended', this.#audits.size)
    return {
      totals: this.#totals,
      connections: this.#connections,
      tails: this.#tails,
      longestTail: this.#longestTail,
      longestTailUnits: this.#longestTailUnits,
      faults: this.#faults.counts,
      examples: this.#faults.examples,
    }
  }

  #end(client: number, audit: ConnectionAudit, endOneSide: () => void): void {
    endOneSide()
    if (!audit.isOver) return
    audit.end()
    this.#audits.delete(client)
    this.#add(audit.account)
  }

  #add(account: ConnectionAccount): void {
    for (const name of Object.keys(account) as (keyof ConnectionAccount)[]) this.#totals[name] += account[name]
    this.#connections++
    if (account.tail > 0) this.#tails++
    this.#longestTail = Math.max(this.#longestTail, account.tail)
    this.#longestTailUnits = Math.max(this.#longestTailUnits, account.tailUnits)
  }
}
