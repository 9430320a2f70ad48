import type { ResolvedCatalogue } from '../../model/catalogue.ts'
import { coversRevoked, isOfRevoked, type Revoked } from '../../model/revocation.ts'
import type { AuditFaultKind, FaultyMessage } from './faults.ts'
import { keyOf, type AuditedStream, type Publication, type Publications, type StreamLog } from './publications.ts'
import type { AuditNotice } from './reading.ts'
import { StreamAccount, type AccountKeeper } from './stream-account.ts'

/** A stream or a whole stream type. */
interface Subject {
  readonly streamType: string
  readonly symbol: string | undefined
}

/** The state of a subscription. Messages are due in the state `held`. In `joining` and `leaving`, messages may come, but none is due. */
type HoldState = 'joining' | 'held' | 'leaving'

/** A request to subscribe: the step of the request, and the step at which the server carried the request out, if that step is known. */
interface Start {
  readonly from: number
  at: number | undefined
}

/** A subscription of the client's current connection. */
interface Hold extends Subject {
  state: HoldState
  /** The last step at which the client asked for this subscription, or at which the server carried out or answered such a request. */
  since: number
  /** The requests to subscribe that the server has not answered yet, in order. */
  readonly starts: Start[]
  isAnswered: boolean
  /** Messages that came before the answer. If an answer comes, these messages are faults. */
  early: Publication[]
}

/** A subscription that ended. */
interface Former extends Subject {
  readonly userId: string
  readonly endedAt: number
  /** True if the subscription ended because the connection ended. When the client subscribes again, the messages after `endedAt` are due. */
  readonly wasAway: boolean
}

/** For each subscription, at most this many of the messages that come before an answer are reported as faults. */
const MOST_EARLY = 100

export interface ClientDependencies {
  readonly streams: ResolvedCatalogue
  readonly publications: Publications
  readonly keeper: Omit<AccountKeeper, 'lose'>
  /** True if a message that was due may still come after the client lost the right to it. */
  readonly mayBeOnTheWay: boolean
  /** Returns the step of the last revocation of this stream for this user, or `0` if there is none. */
  revokedAt(userId: string, stream: Pick<AuditedStream, 'streamType' | 'symbol'>): number
  report(kind: AuditFaultKind, message: FaultyMessage, step: number, why: string): void
}

/** What the audit knows of one client: its subscriptions, and a `StreamAccount` for each stream. */
export class ClientAccount {
  isConnected = true
  userId: string
  readonly #name: string
  readonly #dependencies: ClientDependencies
  readonly #keeper: AccountKeeper
  readonly #holds = new Map<string, Hold>()
  readonly #former = new Map<string, Former>()
  readonly #accounts = new Map<string, StreamAccount>()
  /**
   * Separate accounts for messages that were published with the option `to`. A replay does not repeat messages with the option `to`, and may bring
   * older messages after them.
   */
  readonly #direct = new Map<string, StreamAccount>()

  constructor(name: string, userId: string, dependencies: ClientDependencies) {
    this.#name = name
    this.userId = userId
    this.#dependencies = dependencies
    this.#keeper = { ...dependencies.keeper, lose: (publication, passedAt) => this.#lose(publication, passedAt) }
  }

  connect(userId: string, step: number): void {
    if (this.isConnected) this.disconnect(step)
    this.isConnected = true
    this.userId = userId
  }

  disconnect(step: number): void {
    for (const hold of [...this.#holds.values()]) {
      if (hold.state === 'leaving') this.unsubscribed(hold, step)
      else if (hold.state === 'held') this.#former.set(subjectKey(hold), { ...subjectOf(hold), userId: this.userId, endedAt: step, wasAway: true })
    }
    this.#holds.clear()
    this.isConnected = false
    for (const account of this.#direct.values()) account.revoke()
    for (const account of this.#all()) account.disconnect()
  }

  reassign(userId: string): void {
    if (userId === this.userId) return
    for (const [key, { streamType }] of this.#holds) if (this.#dependencies.streams[streamType]?.audience === 'private') this.#holds.delete(key)
    for (const account of this.#all()) if (account.userId !== undefined) account.revoke()
    this.userId = userId
  }

  subscribing(subject: Subject, step: number): void {
    this.#renewHold(subject, step).starts.push({ from: step, at: undefined })
  }

  subscribed(subject: Subject, step: number): void {
    const hold = this.#renewHold(subject, step)
    const asked = hold.starts.at(-1)
    if (asked !== undefined && asked.at === undefined) asked.at = step
    else hold.starts.push({ from: step, at: step })
    this.#begin(hold, asked?.from ?? step)
  }

  unsubscribing(subject: Subject): void {
    const hold = this.#holds.get(subjectKey(subject))
    if (hold !== undefined) hold.state = 'leaving'
  }

  unsubscribed(subject: Subject, step: number): void {
    const key = subjectKey(subject)
    if (!this.#holds.delete(key)) return
    this.#former.set(key, { ...subjectOf(subject), userId: this.userId, endedAt: step, wasAway: false })
    const released = [...this.#accountsOf(subject), ...this.#accountsOf(subject, this.#direct)]
    for (const account of released) if (this.#holdsOver(account).length === 0) account.release()
  }

  revoke(revoked: Revoked, step: number): void {
    if (revoked.userId !== undefined && revoked.userId !== this.userId) return
    for (const account of this.#all()) if (isOfRevoked(account, revoked)) account.revoke()
    for (const hold of [...this.#holds.values()]) {
      const definition = this.#dependencies.streams[hold.streamType]
      if (definition !== undefined && coversRevoked(hold, definition, revoked)) this.unsubscribed(hold, step)
    }
  }

  /** A publisher died. The messages that it published before may still come, but are no longer due. */
  excuseLost(): void {
    for (const account of this.#all()) account.excuseLost()
  }

  told(subject: Subject, notice: AuditNotice, step: number): void {
    if ('ended' in notice) this.unsubscribed(subject, step)
    else if ('missed' in notice) this.#toldOfGap(subject, notice.missed, step)
    else this.#answered(subject, notice.recovered, step)
  }

  /** Makes a message due, if this client must receive it. */
  owe(publication: Publication): void {
    if (!this.isConnected || !this.#mayRead(publication) || !this.#isFor(publication)) return
    // A `latest` message with the option `to` is never due. A newer message may replace it, and the newer message is in another account.
    const isDue = publication.to === undefined ? this.#isHeld(publication) : !this.#isLatest(publication)
    if (isDue) this.#accountOf(publication).owe(publication, this.#dependencies.publications.forgottenStep)
  }

  receive(publication: Publication, isSnapshot: boolean, step: number): void {
    const leak = this.#leakIn(publication)
    const account = this.#accountOf(publication)
    const isOnTheWay = leak !== undefined && this.#dependencies.mayBeOnTheWay && account.takeFromTheWay(publication)
    if (leak !== undefined && !isOnTheWay) return this.#dependencies.report('leaked', publication, step, leak)
    if (publication.to === undefined) this.#noteEarly(publication)
    const fault = account.arrive(publication, isSnapshot, step)
    if (fault === 'twice') this.#dependencies.report('twice', publication, step, 'came again')
    if (fault === 'outOfOrder') this.#dependencies.report('outOfOrder', publication, step, 'came after a newer message of its stream')
    if (publication.to !== undefined && this.#isLatest(publication)) this.#accounts.get(keyOf(publication))?.yieldTo(publication)
  }

  /** Returns the messages that are due and have not come. */
  outstanding(): Publication[] {
    if (!this.isConnected) return []
    const { forgottenStep } = this.#dependencies.publications
    const held = [...this.#accounts.values()].filter((account) => this.#mayRead(account) && this.#isHeld(account))
    return [...held, ...this.#direct.values()].flatMap((account) => account.outstanding(forgottenStep))
  }

  /** Calls `act` for each message that a newer message has overtaken, with the step at which the newer message came. */
  eachPassed(act: (publication: Publication, passedAt: number) => void): void {
    for (const account of this.#all()) {
      for (const [publication, passedAt] of account.passed) act(publication, passedAt)
    }
  }

  #lose(publication: Publication, passedAt: number): void {
    this.#dependencies.report('lost', publication, passedAt, LOST)
  }

  #mayRead({ userId }: Pick<AuditedStream, 'userId'>): boolean {
    return userId === undefined || userId === this.userId
  }

  #isFor({ except, to }: Publication): boolean {
    return !except.has(this.#name) && (to === undefined || to.has(this.#name))
  }

  /** Returns why the client must not get a message, or `undefined` if it may get the message. */
  #leakIn(publication: Publication): string | undefined {
    const { to, step, userId } = publication
    if (!this.#mayRead(publication)) return `is private to ${String(userId)}, and the client is ${this.userId}`
    const revokedAt = this.#dependencies.revokedAt(this.userId, publication)
    if (revokedAt > step) return `came although it was revoked at step ${revokedAt}`
    if (!this.isConnected) return 'came although the client was not connected'
    if (to !== undefined) return to.has(this.#name) ? undefined : 'was for other clients'
    const holds = this.#holdsOver(publication)
    if (holds.length === 0) return 'came although the client was not subscribed'
    // A replay to a client that reconnected may include messages that `except` kept from it.
    const isLive = holds.every(({ since }) => since < step)
    return isLive && publication.except.has(this.#name) ? 'came although the client was excepted' : undefined
  }

  #noteEarly(publication: Publication): void {
    const holds = this.#holdsOver(publication)
    const isEarly = ({ state, starts: [start], isAnswered }: Hold): boolean => {
      return state === 'joining' || (start !== undefined && (!isAnswered || publication.step >= (start.at ?? Infinity)))
    }
    if (!holds.every(isEarly)) return
    for (const { early } of holds) if (early.length < MOST_EARLY) early.push(publication)
  }

  #answered(subject: Subject, recovered: boolean | null, step: number): void {
    const hold = this.#renewHold(subject, step)
    const start = hold.starts.shift() ?? { from: step, at: step }
    this.#begin(hold, start.from)
    const isNew = !hold.isAnswered
    hold.isAnswered = true
    for (const early of hold.early) this.#dependencies.report('outOfOrder', early, step, 'came before the answer to the subscription')
    hold.early = []
    const isHeldAsWhole = subject.symbol !== undefined && this.#isHeld({ ...subject, symbol: undefined })
    for (const account of this.#accountsOf(subject)) {
      if (recovered !== true && isNew) account.startOver()
      if (recovered === true) account.expectMissed()
      else if (!isHeldAsWhole) account.excuse(start.from, start.at ?? step)
    }
  }

  #toldOfGap({ streamType, symbol }: Subject, missed: number | undefined, step: number): void {
    const direct = this.#accountsOf({ streamType, symbol }, this.#direct)
    const accounts = this.#accountsOf({ streamType, symbol })
    // If there are several publishers, nobody knows whose messages are missing.
    const exact = accounts.filter((account) => account.symbol === symbol)
    const { forgottenStep } = this.#dependencies.publications
    const isApart = direct.every((account) => account.outstanding(forgottenStep).length === 0)
    const isOfOne = symbol !== undefined || (missed !== undefined && exact.some((account) => account.outstanding(forgottenStep).length >= missed))
    if (isOfOne && isApart) return exact.forEach((account) => account.excuseNext(missed, step))
    for (const account of [...accounts, ...direct]) account.excuseNext(undefined, step)
  }

  /**
   * Begins a subscription. If the client's last subscription ended because its connection ended, the messages that were published since then are due.
   * Otherwise, the messages since the end of the last subscription may come, but are not due. Without an earlier subscription, this applies to the
   * messages since `fromStep`.
   */
  #begin(hold: Hold, fromStep: number): void {
    for (const account of this.#accountsOf(hold)) account.begin()
    if (hold.state === 'held') return
    hold.state = 'joining'
    for (const log of this.#dependencies.publications.streams(hold.streamType, hold.symbol)) {
      if (this.#mayRead(log) && !this.#isHeld(log)) this.#catchUp(log, fromStep)
    }
    hold.state = 'held'
    this.#former.delete(subjectKey(hold))
  }

  #catchUp(log: StreamLog, fromStep: number): void {
    const former = this.#formerOf(log)
    const revokedAt = this.#dependencies.revokedAt(this.userId, log)
    const since = Math.max(revokedAt, former?.endedAt ?? fromStep)
    const missed = [...log.publications].filter((each) => each.step > since && each.to === undefined && this.#isFor(each))
    if (missed.length === 0) return
    const account = this.#accountOf(log)
    if (former?.wasAway === true) account.oweMissed(missed)
    else account.offer(missed)
  }

  /** Returns the ended subscription that covered a stream. If there are several, returns the one that ended last. */
  #formerOf(stream: AuditedStream): Former | undefined {
    let last: Former | undefined
    for (const former of this.#former.values()) {
      const isOfUser = stream.userId === undefined || stream.userId === former.userId
      if (isOfUser && covers(former, stream) && former.endedAt >= (last?.endedAt ?? 0)) last = former
    }
    return last
  }

  #renewHold(subject: Subject, step: number): Hold {
    const key = subjectKey(subject)
    let hold = this.#holds.get(key)
    if (hold === undefined) {
      this.#holds.set(key, (hold = { ...subjectOf(subject), state: 'joining', since: step, starts: [], isAnswered: false, early: [] }))
    }
    hold.since = step
    return hold
  }

  #isHeld(stream: Subject): boolean {
    return this.#holdsOver(stream).some(({ state }) => state === 'held')
  }

  #holdsOver({ streamType, symbol }: Subject): Hold[] {
    const holds = [this.#holds.get(subjectKey({ streamType, symbol: undefined })), symbol === undefined ? undefined : this.#holds.get(subjectKey({ streamType, symbol }))]
    return holds.filter((hold) => hold !== undefined)
  }

  *#all(): Generator<StreamAccount, undefined> {
    yield* this.#accounts.values()
    yield* this.#direct.values()
  }

  #isLatest({ streamType }: Subject): boolean {
    return this.#dependencies.streams[streamType]?.delivery === 'latest'
  }

  #accountsOf(subject: Subject, accounts: ReadonlyMap<string, StreamAccount> = this.#accounts): StreamAccount[] {
    return [...accounts.values()].filter((account) => covers(subject, account) && this.#mayRead(account))
  }

  #accountOf(stream: AuditedStream & { readonly to?: Publication['to'] }): StreamAccount {
    const accounts = stream.to === undefined ? this.#accounts : this.#direct
    const key = keyOf(stream)
    let account = accounts.get(key)
    if (account === undefined) accounts.set(key, (account = new StreamAccount(stream, this.#isLatest(stream), this.#keeper)))
    return account
  }
}

/** The reason in the text of a `lost` fault. */
export const LOST = 'did not come, a newer message of its stream did, and no notice told the client'

function covers(subject: Subject, stream: Subject): boolean {
  return subject.streamType === stream.streamType && (subject.symbol === undefined || subject.symbol === stream.symbol)
}

function subjectOf({ streamType, symbol }: Subject): Subject {
  return { streamType, symbol }
}

function subjectKey({ streamType, symbol }: Subject): string {
  return symbol === undefined ? streamType : `${streamType}:${symbol}`
}
