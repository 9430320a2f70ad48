import type { Stats } from '../../../../src/index.ts'

interface Row {
  accepted: number
  readonly refused: Map<string, number>
}

/** How large the state was, as it was looked at now and then. */
class Size {
  #sum = 0
  #count = 0
  #most = 0

  note(size: number): void {
    this.#sum += size
    this.#count++
    this.#most = Math.max(this.#most, size)
  }

  get text(): string {
    return `mean ${(this.#sum / Math.max(this.#count, 1)).toFixed(1)}, most ${this.#most}`
  }
}

/** What came of all calls. */
export class Tally {
  calls = 0
  /** Made from within others: by getters, sockets, listeners and hooks. */
  nested = 0
  /** Accepted, while somebody was connected and something subscribed to. */
  acceptedOnState = 0
  managers = 0
  texts = 0
  readonly connections = new Size()
  readonly users = new Size()
  readonly subscriptions = new Size()
  readonly streams = new Size()
  readonly #rows = new Map<string, Row>()
  readonly #deliveries: Record<string, number> = {}

  accept(call: string): void {
    this.#row(call).accepted++
  }

  refuse(call: string, code: string): void {
    const { refused } = this.#row(call)
    refused.set(code, (refused.get(code) ?? 0) + 1)
  }

  noteDeliveries({ mostWaitingBytes: _, waiting: __, waitingBytes: ___, connectionsBehind: ____, ...counts }: Stats): void {
    for (const [name, count] of Object.entries(counts)) this.#deliveries[name] = (this.#deliveries[name] ?? 0) + count
  }

  /** The codes that something was refused with. */
  get codes(): Set<string> {
    return new Set([...this.#rows.values()].flatMap(({ refused }) => [...refused.keys()]))
  }

  /** Calls that were never accepted. */
  get futile(): string[] {
    return [...this.#rows].filter(([, { accepted }]) => accepted === 0).map(([call]) => call)
  }

  get lines(): string[] {
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1))
    return [
      ...rows.map(([call, row]) => lineOf(call, row)),
      `state: connections ${this.connections.text}; users ${this.users.text}; subscriptions ${this.subscriptions.text}; streams ${this.streams.text}`,
      `deliveries: ${Object.entries(this.#deliveries).map(([name, count]) => `${name} ${grouped(count)}`).join(', ')}`,
    ]
  }

  #row(call: string): Row {
    let row = this.#rows.get(call)
    if (row === undefined) {
      row = { accepted: 0, refused: new Map() }
      this.#rows.set(call, row)
    }
    return row
  }
}

function lineOf(call: string, { accepted, refused }: Row): string {
  const refusals = [...refused].sort(([, a], [, b]) => b - a)
  const total = refusals.reduce((sum, [, count]) => sum + count, accepted)
  const share = `${((100 * accepted) / total).toFixed(1)} %`
  const reasons = refusals.map(([code, count]) => `${code.replace('ERR_', '')} ${grouped(count)}`).join(', ')
  return `${call.padEnd(40)} ${grouped(accepted).padStart(11)} accepted ${share.padStart(8)}  ${reasons}`.trimEnd()
}

/** A number with its thousands apart. */
export function grouped(count: number): string {
  return Math.round(count).toString().replaceAll(/\B(?=(\d{3})+$)/g, ' ')
}
