import type { FaultKind, FaultLog } from './fault-log.ts'
import { ChannelAudit } from './channel-audit.ts'
import type { LedgerEntry, Mark } from './ledger.ts'
import { Queue } from './queue.ts'
import type { Receipt } from './receipt.ts'

type EntryOf<TType> = Extract<LedgerEntry, { readonly type: TType }>

/** What became of one connection, once it is over. */
export interface ConnectionAccount {
  /** Messages that its socket accepted, notices not among them. */
  handed: number
  /** Those of them that came. */
  received: number
  /** Notices that came, or were on their way when the connection ended abruptly. */
  notices: number
  /** How many messages its notices said are missing. */
  reported: number
  /** Those that a closing socket took, which sends none. */
  toClosing: number
  /** What was on its way when the connection ended abruptly: messages, and their UTF-16 units. */
  tail: number
  tailUnits: number
  /** Of channels that do not conflate: what was discarded at an end, so that nothing was told of it. */
  discarded: number
}

/** How many texts back a duplicate is recognised as one. */
const REMEMBERED = 256

/**
 * Compares, for one connection, what was to come, what its socket was handed, and what the client received. The two processes
 * are never equally far: whatever is ahead waits for the other, and what agrees is forgotten.
 */
export class ConnectionAudit {
  readonly account: ConnectionAccount = {
    handed: 0,
    received: 0,
    notices: 0,
    reported: 0,
    toClosing: 0,
    tail: 0,
    tailUnits: 0,
    discarded: 0,
  }
  readonly #client: number
  readonly #userId: string
  readonly #faults: FaultLog
  readonly #channels = new Map<string, ChannelAudit>()
  readonly #handed = new Queue<Mark>()
  readonly #received = new Queue<Receipt>()
  /** The last that agreed, and those that were passed over on the way to them. */
  readonly #latest = new Queue<number>()
  readonly #passedOver = new Map<number, Mark>()
  #isGone = false
  #isClosed = false
  #isAbrupt = false
  #isAbnormal = false

  constructor(client: number, userId: string, faults: FaultLog) {
    this.#client = client
    this.#userId = userId
    this.#faults = faults
  }

  /** True once both ends are closed. */
  get isOver(): boolean {
    return this.#isGone && this.#isClosed
  }

  // What the server says

  cover({ channel, rule, from }: EntryOf<'covered'>): void {
    this.#channels.set(channel, new ChannelAudit(rule, from, (kind, what, times) => this.#complain(kind, `${channel}, ${what}`, times)))
  }

  uncover({ channel, to, isComplete }: EntryOf<'uncovered'>): void {
    const audit = this.#channels.get(channel)
    if (audit === undefined) return
    if (isComplete) audit.seeComplete(to)
    const discarded = audit.end(to)
    if (audit.rule !== 'latest') this.account.discarded += discarded
    this.#channels.delete(channel)
  }

  complete({ channels }: EntryOf<'complete'>): void {
    for (const [channel, to] of channels) this.#channels.get(channel)?.seeComplete(to)
  }

  hand({ marks, isClosing }: EntryOf<'handed'>): void {
    for (const mark of marks) {
      this.#account(mark)
      if (!isClosing) this.#handed.push(mark)
      else if (mark.gap === 0) this.account.toClosing++
    }
    this.#compare()
  }

  endAtServer({ isAbrupt }: EntryOf<'gone'>): void {
    this.#isGone = true
    this.#isAbrupt ||= isAbrupt
  }

  // What the client says

  receive(receipt: Receipt): void {
    for (const owner of receipt.owners) if (owner !== this.#userId) this.#complain('leak', `number ${receipt.n} of ${receipt.channel}, of ${owner}`)
    this.#received.push(receipt)
    this.#compare()
  }

  endAtClient({ isAbrupt, isAbnormal }: { readonly isAbrupt: boolean; readonly isAbnormal: boolean }): void {
    this.#isClosed = true
    this.#isAbrupt ||= isAbrupt
    this.#isAbnormal = isAbnormal
  }

  /** Closes the books: what neither side explains is a fault. */
  end(): void {
    if (this.#isAbnormal && !this.#isAbrupt) this.#complain('ending', 'the connection broke')
    this.#complain('loss', 'texts that were handed to the socket', this.#passedOver.size)
    this.#complain('alien', 'texts that were not handed to the socket', this.#received.size)
    if (!this.#isAbrupt) this.#complain('loss', `the last texts, from ${describeMark(this.#handed.first)} on`, this.#handed.size)
    else for (const { gap, units } of this.#handed) this.#accountTail(gap, units)
  }

  #account({ channel, n, gap, userId }: Mark): void {
    const audit = this.#channels.get(channel)
    if (gap === 0) this.account.handed++
    else this.account.notices++
    this.account.reported += gap
    if (userId !== undefined && userId !== this.#userId) this.#complain('leak', `number ${n} of ${channel} was handed to its socket`)
    else if (audit === undefined) this.#complain('uncalled', `number ${n} of ${channel} was handed to its socket`)
    else if (gap > 0) audit.seeGap(gap)
    else audit.see(n)
  }

  #accountTail(gap: number, units: number): void {
    this.account.tailUnits += units
    if (gap === 0) this.account.tail++
  }

  // Whether what came is what was handed over

  #compare(): void {
    while (this.#handed.size > 0 && this.#received.size > 0) this.#compareOne(this.#received.shift() as Receipt)
  }

  #compareOne(receipt: Receipt): void {
    if (this.#handed.first?.digest === receipt.digest) this.#agree(receipt, this.#handed.shift() as Mark)
    else this.#disagree(receipt)
  }

  #agree(receipt: Receipt, mark: Mark): void {
    if (mark.gap === 0) this.account.received++
    if (receipt.channel !== mark.channel || receipt.n !== mark.n || receipt.gap !== mark.gap) {
      this.#complain('alien', `number ${receipt.n} of ${receipt.channel} came as ${describeMark(mark)}`)
    }
    this.#latest.push(receipt.digest)
    if (this.#latest.size > REMEMBERED) this.#latest.shift()
  }

  #disagree(receipt: Receipt): void {
    const { digest, channel, n } = receipt
    const late = this.#passedOver.get(digest)
    if (late !== undefined) {
      this.#passedOver.delete(digest)
      this.#complain('reordering', `number ${n} of ${channel} came late`)
      this.#agree(receipt, late)
    } else if ([...this.#latest].includes(digest)) {
      this.#complain('duplicate', `number ${n} of ${channel} came again`)
    } else if ([...this.#handed].some((mark) => mark.digest === digest)) {
      this.#passOver(digest)
      this.#compareOne(receipt)
    } else {
      this.#complain('alien', `number ${n} of ${channel} was not handed to the socket`)
    }
  }

  /** Sets aside what should have come before this one. */
  #passOver(digest: number): void {
    for (let mark = this.#handed.first; mark !== undefined && mark.digest !== digest; mark = this.#handed.first) {
      this.#passedOver.set(mark.digest, mark)
      this.#handed.shift()
    }
  }

  #complain(kind: FaultKind, what: string, times?: number): void {
    this.#faults.note(kind, `client ${this.#client}: ${what}`, times)
  }
}

function describeMark(mark: Mark | undefined): string {
  return mark === undefined ? 'nothing' : `number ${mark.n} of ${mark.channel}`
}
