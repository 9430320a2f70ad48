import { createAudit, type AuditedText, type AuditReport } from '../../../src/testing/index.ts'
import type { ClientRecord, Entry, Persona, Stream } from './messages.ts'

type RecordOf<TType extends ClientRecord['type']> = Extract<ClientRecord, { readonly type: TType }>

const STREAMS = 2

interface Account {
  readonly name: string
  readonly persona: Persona
  isConnected: boolean
  answers: number
  lastState: string
  /** When it lost its last connection, in milliseconds of the time of day. */
  leftAtMs: number | undefined
}

/** Compares what clients received with what was published. */
export class Judge {
  readonly counts = { recovered: 0, refused: 0, gaps: 0 }
  /** Stream type → how often a client that came back to it was told that something may be missing. */
  readonly refusals = new Map<string, number>()
  /** Why connections ended → how often. */
  readonly ends = new Map<string, number>()
  /** Errors of clients → how often. */
  readonly failures = new Map<string, number>()
  /** How long each client was away, once for each time. */
  readonly absencesMs: number[] = []
  /** When clients came back: milliseconds of the time of day. */
  readonly returnsMs: number[] = []
  readonly #audit = createAudit({ read: (text) => JSON.parse(text) as AuditedText })
  readonly #accounts: readonly Account[]

  constructor(personas: readonly Persona[]) {
    this.#accounts = personas.map((persona) => ({ name: `client ${persona.number}`, persona, isConnected: false, answers: 0, lastState: 'not begun', leftAtMs: undefined }))
  }

  published(entry: Entry, publisher: string): void {
    this.#audit.published(entry, { publisher })
  }

  hear(record: ClientRecord): void {
    const account = this.#accounts[record.client] as Account
    switch (record.type) {
      case 'state': return this.#enter(account, record)
      case 'answered': return this.#answered(account, record)
      case 'gap':
        this.counts.gaps++
        return this.#audit.told(account.name, record.stream, { missed: record.dropped })
      case 'ended': return this.#audit.told(account.name, record.stream, { ended: true })
      case 'message': return this.#audit.received(account.name, JSON.stringify({ kind: 'message', ...record.entry }))
      case 'failed': return count(this.failures, `${record.stage}: ${record.error}`)
    }
  }

  /** How many clients are connected, and have an answer for each of their streams. */
  get settled(): number {
    return this.#accounts.length - this.unsettled.length
  }

  /** The others, with what is known of each. */
  get unsettled(): string[] {
    const others = this.#accounts.filter(({ isConnected, answers }) => !isConnected || answers < STREAMS)
    return others.map(({ name, persona, lastState, answers }) => `${name}, ${persona.kind}: ${lastState}, ${answers} answers`)
  }

  /** Messages that are due to clients, and have not come. */
  get waiting(): number {
    return this.#audit.waiting
  }

  report(): AuditReport {
    return this.#audit.report()
  }

  #enter(account: Account, { state, reason = 'unknown', atMs }: RecordOf<'state'>): void {
    account.lastState = `${state} (${reason})`
    if (account.isConnected) this.#leave(account, reason, atMs)
    if (state !== 'connected') return
    account.isConnected = true
    if (account.leftAtMs !== undefined) {
      this.absencesMs.push(atMs - account.leftAtMs)
      this.returnsMs.push(atMs)
    }
    this.#audit.connected(account.name, account.persona.userId)
    for (const stream of streamsOf(account.persona)) this.#audit.subscribing(account.name, stream)
  }

  #leave(account: Account, reason: string, atMs: number): void {
    Object.assign(account, { isConnected: false, answers: 0, leftAtMs: atMs })
    count(this.ends, reason)
    this.#audit.disconnected(account.name)
  }

  #answered(account: Account, { stream, recovered }: RecordOf<'answered'>): void {
    account.answers++
    if (recovered !== null) this.counts[recovered ? 'recovered' : 'refused']++
    if (recovered === false) count(this.refusals, stream.streamType)
    this.#audit.told(account.name, stream, { recovered })
  }
}

function streamsOf({ symbol }: Persona): Stream[] {
  return [{ streamType: 'TRADES', symbol }, { streamType: 'ORDER_UPDATES' }]
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
