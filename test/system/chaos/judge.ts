import { createAudit, type AuditCounts, type AuditedText } from '../../../src/testing/index.ts'
import { Book } from './books.ts'
import type { ClientRecord, Entry } from './messages.ts'
import { isReader, keyOf, streams, type Persona, type Want } from './streams.ts'

type RecordOf<TType extends ClientRecord['type']> = Extract<ClientRecord, { readonly type: TType }>

/** What is known of one client. */
interface Account {
  readonly userId: string
  readonly wants: Map<string, Want>
  readonly books: Map<string, Book>
  /** Key of a stream → how often its answer told of a loss. */
  readonly losses: Map<string, number>
  readonly answered: Set<string>
  /** The streams that the user has lost the right to. The client has to be told of it. */
  readonly lost: Map<string, 'ending' | 'ended'>
  /** True if the user was removed, so that this connection has to end. */
  isLeaving: boolean
  /** True if it was settled when a fault began, and has not moved since. */
  stays: boolean
  isConnected: boolean
  connectedMs: number
  hasExpired: boolean
}

/** A server with a history that is long enough keeps these for a client, so only a history that was lost is a reason for a gap. */
const KEPT = ['TRADES', 'NEWS', 'ORDER_UPDATES']

/** At most so many faults are listed. */
const MOST_LISTED = 20

/** Compares what the clients were told with what was published. It believes neither the server nor the clients' own events. */
export class Judge {
  readonly counts = { messages: 0, connects: 0, answers: 0, recovered: 0, refused: 0, gaps: 0, gapsOfSettled: 0, snapshots: 0 }
  /** Why connections ended, as the clients say. */
  readonly ends = new Map<string, number>()
  /** What came of the clients' requests. */
  readonly requests = new Map<string, number>()
  /** How often the clients' own errors were of each stage. */
  readonly failures = new Map<string, number>()
  /** How often the history was lost with the server. */
  lostHistories = 0
  readonly #hasRecovery: boolean
  readonly #audit = createAudit<typeof streams>({ streams, read: (text) => JSON.parse(text) as AuditedText })
  readonly #accounts: readonly Account[]
  readonly #faults: string[] = []

  constructor(personas: readonly Persona[], hasRecovery: boolean) {
    this.#hasRecovery = hasRecovery
    this.#accounts = personas.map(newAccount)
  }

  /** @param publisher the server that publishes it, if there are several */
  published(entry: Entry, publisher?: string): void {
    this.#audit.published(entry, { publisher })
  }

  /** A server has gone without a word. What it published last may be lost with it. */
  died(publisher: string): void {
    this.#audit.died(publisher)
  }

  /** A user has lost the right to a stream. Each of its clients has to be told that the stream has ended. */
  revoked(userId: string, key: string): void {
    for (const account of this.#holders(userId, key)) {
      const want = account.wants.get(key) as Want
      account.lost.set(key, 'ending')
      if (account.isConnected) this.#audit.unsubscribing(want.ear, want)
    }
  }

  /**
   * A user has the right to a stream again. Each of its clients begins anew, without a position: a node that was cut off may bring it what it had
   * before. So the client has a new name in the audit.
   */
  granted(userId: string, key: string): void {
    for (const account of this.#holders(userId, key)) {
      const before = account.wants.get(key) as Want
      const want = { ...before, ear: `${before.ear}, again` }
      account.wants.set(key, want)
      account.lost.delete(key)
      if (!account.isConnected) continue
      this.#audit.connected(want.ear, account.userId)
      this.#audit.subscribing(want.ear, want)
    }
  }

  /** A user was removed. Each of its connections has to end. */
  removed(userId: string): void {
    for (const account of this.#accounts) account.isLeaving ||= account.userId === userId && account.isConnected
  }

  hear(record: ClientRecord): void {
    switch (record.type) {
      case 'state': return this.#enter(record)
      case 'answered': return this.#answered(record)
      case 'gap': return this.#gap(record)
      case 'message': return this.#message(record)
      case 'ended': return this.#ended(record)
      case 'failed': return this.#failed(record)
      case 'request': return this.#requested(record)
      case 'unhandled': return this.#blame(`unhandled: ${record.error}`)
    }
  }

  isConnected(client: number): boolean {
    return this.#accountOf(client).isConnected
  }

  /** Whether new credentials are no surprise to a client: it has not needed any, or its connection has lasted so long. Asking counts as needing them. */
  mayExpire(client: number, lastedMs: number): boolean {
    const account = this.#accountOf(client)
    const may = account.isConnected && (!account.hasExpired || Date.now() - account.connectedMs > lastedMs)
    account.hasExpired ||= may
    return may
  }

  /** A fault begins. */
  faultBegins(): void {
    for (const account of this.#accounts) account.stays = waitOf(account) === undefined
  }

  /** The clients that have an answer for each of their streams. */
  get settled(): number {
    return this.#accounts.length - this.unsettled.length
  }

  /** What the others wait for. */
  get unsettled(): string[] {
    return this.#accounts.flatMap((account, client) => {
      const why = waitOf(account)
      return why === undefined ? [] : [`client ${client} ${why}`]
    })
  }

  /** Messages that are due to clients, and have not come. */
  get waiting(): number {
    return this.#audit.waiting
  }

  /** All faults so far. What is missing comes last: it may still be on its way if the run was stopped. */
  get faults(): string[] {
    const { faults, missing } = this.#audit.report()
    const certain = faults.filter(({ kind }) => kind !== 'missing')
    const found = [...this.#faults, ...[...certain, ...missing].map(({ kind, text }) => `${kind}: ${text}`)]
    return found.length <= MOST_LISTED ? found : [...found.slice(0, MOST_LISTED), `and ${found.length - MOST_LISTED} more`]
  }

  /** True if something is wrong that no further message can make good. */
  get isCondemned(): boolean {
    const { missing, ...counts } = this.#audit.report().counts.faults
    return this.#faults.length > 0 || Object.values(counts).some((count) => count > 0)
  }

  /** Returns what the audit has counted. */
  get auditCounts(): AuditCounts {
    return this.#audit.report().counts
  }

  #enter({ client, state, reason = 'unknown', atMs }: RecordOf<'state'>): void {
    const account = this.#accountOf(client)
    if (account.isConnected) {
      this.#disconnect(account)
      count(this.ends, reason)
    }
    if (state === 'stopped') this.#blame(`client ${client} stopped`)
    if (state !== 'connected') return
    this.counts.connects++
    account.isConnected = true
    account.connectedMs = atMs
    for (const ear of earsOf(account)) this.#audit.connected(ear, account.userId)
    for (const [key, want] of account.wants) if (account.lost.get(key) !== 'ended') this.#audit.subscribing(want.ear, want)
  }

  #disconnect(account: Account): void {
    account.isConnected = false
    account.stays = false
    account.answered.clear()
    account.isLeaving = false
    for (const ear of earsOf(account)) this.#audit.disconnected(ear)
  }

  #answered({ client, key, recovered, told }: RecordOf<'answered'>): void {
    const account = this.#accountOf(client)
    const want = account.wants.get(key) as Want
    account.answered.add(key)
    this.counts.answers++
    if (recovered !== null) this.counts[recovered ? 'recovered' : 'refused']++
    // A listener knows of a loss only by a gap.
    if (recovered === false && !told) this.#blame(`client ${client}: the loss in ${key} was not told`)
    if (!this.#hasRecovery && told === false) this.#blame(`client ${client}: came back to ${key}, and no gap was told`)
    this.#audit.told(want.ear, want, { recovered: told === null ? null : !told })
    if (told) this.#lose(account, client, key)
  }

  #lose(account: Account, client: number, key: string): void {
    this.counts.gaps++
    account.books.get(key)?.lose()
    const losses = (account.losses.get(key) ?? 0) + 1
    account.losses.set(key, losses)
    const [streamType = ''] = key.split(':')
    if (!this.#hasRecovery || isReader(client) || !KEPT.includes(streamType)) return
    if (losses > this.lostHistories) this.#blame(`client ${client}: a gap in ${key} was told, and the history had it`)
  }

  #ended({ client, key, code }: RecordOf<'ended'>): void {
    const account = this.#accountOf(client)
    if (!account.lost.has(key)) return this.#blame(`client ${client}: ${key} ended: ${code}`)
    const want = account.wants.get(key) as Want
    account.lost.set(key, 'ended')
    account.answered.delete(key)
    this.#audit.told(want.ear, want, { ended: true })
  }

  #gap({ client, key, dropped }: RecordOf<'gap'>): void {
    const account = this.#accountOf(client)
    const want = account.wants.get(key) as Want
    this.counts.gaps++
    if (account.stays) this.counts.gapsOfSettled++
    account.books.get(key)?.lose()
    this.#audit.told(want.ear, want, { missed: dropped })
  }

  #message({ client, key, symbol, userId, id, n, snapshot }: RecordOf<'message'>): void {
    const account = this.#accountOf(client)
    const { ear, streamType } = account.wants.get(key) as Want
    this.counts.messages++
    if (snapshot) this.counts.snapshots++
    const message = { kind: 'message', streamType, symbol, userId, data: { id }, isSnapshot: snapshot } satisfies AuditedText
    this.#audit.received(ear, JSON.stringify(message))
    if (this.#hasRecovery && streamType === 'BOOK') this.#turnPage(account, client, key, n as number, snapshot)
  }

  #turnPage({ books }: Account, client: number, key: string, n: number, isSnapshot: boolean): void {
    const book = books.get(key) ?? new Book()
    books.set(key, book)
    if (isSnapshot) return book.snapshot(n)
    const fault = book.change(n)
    if (fault !== undefined) this.#blame(`client ${client}: ${key}: ${fault}`)
  }

  #failed({ client, stage, error }: RecordOf<'failed'>): void {
    count(this.failures, stage)
    if (stage === 'frame' || stage === 'listener') this.#blame(`client ${client}: ${stage}: ${error}`)
  }

  #requested({ client, outcome }: RecordOf<'request'>): void {
    const [kind = ''] = outcome.split(':')
    count(this.requests, kind)
    if (kind === 'wrong') this.#blame(`client ${client}: an answer was ${outcome}`)
  }

  #holders(userId: string, key: string): Account[] {
    return this.#accounts.filter((account) => account.userId === userId && account.wants.has(key))
  }

  #blame(fault: string): void {
    this.#faults.push(fault)
  }

  #accountOf(client: number): Account {
    return this.#accounts[client] as Account
  }
}

/** What a client waits for. `undefined` if it waits for nothing. */
function waitOf({ isConnected, isLeaving, wants, answered, lost }: Account): string | undefined {
  if (!isConnected) return 'is not connected'
  if (isLeaving) return 'has not been removed'
  const isDone = (key: string): boolean => (lost.has(key) ? lost.get(key) === 'ended' : answered.has(key))
  const key = [...wants.keys()].find((each) => !isDone(each))
  return key && (lost.has(key) ? `still has ${key}, which was revoked` : `has no answer for ${key}`)
}

function newAccount({ userId, wants: wanted }: Persona): Account {
  const wants = new Map(wanted.map((want) => [keyOf(want), want]))
  return { userId, wants, books: new Map(), losses: new Map(), answered: new Set(), lost: new Map(), isLeaving: false, stays: false, isConnected: false, connectedMs: 0, hasExpired: false }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function earsOf({ wants }: Account): Set<string> {
  return new Set([...wants.values()].map(({ ear }) => ear))
}
