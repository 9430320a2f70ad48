import { Places } from './places.ts'
import type { AuditedStream, Publication } from './publications.ts'

/** What was wrong with an arrival, or nothing. */
export type ArrivalFault = 'twice' | 'outOfOrder'

/** What the account of a stream counts, and where it reports to. */
export interface AccountKeeper {
  /** A message that a newer one replaced, as `latest` streams allow. */
  countReplaced(count: number): void
  /** Messages that the client was told it misses. */
  countTold(count: number): void
  /** Messages that were forgotten before they came. */
  countUnchecked(count: number): void
  /** A message of which it is certain now that it was lost. */
  lose(publication: Publication, passedAt: number): void
}

/** More messages than this are not kept apart to see whether they come late. */
const MOST_PASSED = 1_000

/** More runs than this, and the places of forgotten messages are dropped. */
const MANY_RUNS = 1_000

/** What one client is due of one stream, and what it got. */
export class StreamAccount implements AuditedStream {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
  readonly #isLatest: boolean
  readonly #keeper: AccountKeeper
  /** Published for this client, and not here yet. In the order of the publishes, as all sets here. */
  #due = new Set<Publication>()
  /** These may come, and need not. If one comes, those after it are due. All are older than those that are due. */
  #optional = new Set<Publication>()
  /** A newer message came, and no notice. They are lost, unless they come late. Publication → the step at which it was passed. */
  readonly #passed = new Map<Publication, number>()
  /** Were due when the subscription ended, and may have been sent by then. */
  readonly #onTheWay = new Set<Publication>()
  readonly #arrived = new Places()
  /** The place of the newest message that came. */
  #newest = 0
  /** The client was told that it misses an unknown number of the messages up to this step. */
  #toldUntil = 0
  /** True until the first message after a subscribe. A server may send the present state again then. */
  #isBeginning = true

  constructor({ streamType, symbol, userId }: AuditedStream, isLatest: boolean, keeper: AccountKeeper) {
    this.streamType = streamType
    this.symbol = symbol
    this.userId = userId
    this.#isLatest = isLatest
    this.#keeper = keeper
  }

  /** Adds a message that the client has to get. Those that are forgotten meanwhile are not checked any more. */
  owe(publication: Publication, forgottenStep: number): void {
    this.#forget(forgottenStep)
    if (this.#isLatest) this.#replaceAll()
    this.#due.add(publication)
  }

  /** Adds what the client missed while it was away. */
  oweMissed(missed: readonly Publication[]): void {
    this.#due = inOrder([...this.#due, ...missed.filter((each) => !this.#arrived.has(each.place))])
  }

  /** Adds what the client may get, although it was not subscribed. */
  offer(missed: readonly Publication[]): void {
    const offered = missed.filter((each) => !this.#arrived.has(each.place) && !this.#due.has(each))
    this.#optional = inOrder([...this.#optional, ...offered])
  }

  /** Begins a subscription, before which a server may send the present state. */
  begin(): void {
    this.#isBeginning = true
    this.#onTheWay.clear()
  }

  /** The server said that nothing is missing. So what was optional is due. */
  expectAll(): void {
    this.#due = inOrder([...this.#optional, ...this.#due])
    this.#optional = new Set()
  }

  /** The server said that something may be missing: what was published before this step, at most. What follows up to another step may come. */
  excuse(beforeStep: number, optionalBefore: number): void {
    for (const publication of this.#optional) if (publication.step < beforeStep) this.#optional.delete(publication)
    for (const publication of [...this.#due]) {
      if (publication.step >= optionalBefore) break
      this.#due.delete(publication)
      if (publication.step < beforeStep) this.#keeper.countTold(1)
      else this.#optional.add(publication)
    }
  }

  /** The client was told that so many messages are missing here. */
  excuseNext(count: number | undefined, step: number): void {
    if (count === undefined) this.#toldUntil = step
    let left = count ?? 0
    for (const publication of this.#due) {
      if (left-- <= 0) return
      this.#due.delete(publication)
      this.#keeper.countTold(1)
    }
  }

  /** The subscription is over. What has not come may still be sent again, if the client subscribes again and says where it was. */
  release(): void {
    for (const publication of this.#due) this.#onTheWay.add(publication)
    this.expectAll()
    this.#optional = this.#due
    this.#due = new Set()
  }

  /** The client may not have what has not come. */
  revoke(): void {
    this.release()
    this.#optional = new Set()
  }

  /** The connection is over. Nothing is on the way any more. */
  disconnect(): void {
    this.#onTheWay.clear()
  }

  /** A newer message of a `latest` stream came, although not as one of the subscription. So what is older need not come. */
  yieldTo(newer: Publication): void {
    this.offer(this.#take((each) => each.place < newer.place))
  }

  /** True if a message was due when the subscription ended, and may come once. */
  takeFromTheWay(publication: Publication): boolean {
    return this.#onTheWay.delete(publication)
  }

  /** Takes a message that came. Returns what is wrong with it. */
  arrive(publication: Publication, isSnapshot: boolean, step: number): ArrivalFault | undefined {
    const isAgain = this.#arrived.has(publication.place)
    const isStateAgain = publication.place === this.#newest && (isSnapshot || (this.#isLatest && this.#isBeginning))
    this.#isBeginning = false
    if (isAgain) return isStateAgain ? undefined : 'twice'
    this.#note(publication.place)
    if (publication.place < this.#newest) {
      this.#passed.delete(publication)
      this.#due.delete(publication)
      return 'outOfOrder'
    }
    this.#newest = publication.place
    const isBegun = this.#optional.has(publication) && !isSnapshot
    for (const each of this.#optional) if (each.place <= publication.place) this.#optional.delete(each)
    if (isBegun) this.expectAll()
    this.#passBefore(publication, step)
    return undefined
  }

  /** The messages that have not come, and of which the client was not told. Of a `latest` stream, the newest one at most. */
  outstanding(forgottenStep: number): Publication[] {
    this.#forget(forgottenStep)
    const due = [...this.#due].filter((each) => each.step > this.#toldUntil)
    return this.#isLatest ? due.slice(-1) : due
  }

  /** The messages that are lost, unless they come late, and the steps at which they were passed. */
  get passed(): ReadonlyMap<Publication, number> {
    return this.#passed
  }

  #take(isTaken: (publication: Publication) => boolean): Publication[] {
    const taken = [...this.#due].filter(isTaken)
    for (const publication of taken) this.#due.delete(publication)
    return taken
  }

  #note(place: number): void {
    this.#arrived.add(place)
    if (this.#arrived.runCount > MANY_RUNS) this.#arrived.forgetBefore(this.#newest - MANY_RUNS * 2)
  }

  #passBefore(arrival: Publication, step: number): void {
    for (const publication of this.#due) {
      if (publication.place > arrival.place) return
      this.#due.delete(publication)
      if (publication !== arrival) this.#pass(publication, step)
    }
  }

  #pass(publication: Publication, step: number): void {
    if (publication.step <= this.#toldUntil) return this.#keeper.countTold(1)
    if (this.#isLatest) return this.#keeper.countReplaced(1)
    this.#passed.set(publication, step)
    if (this.#passed.size <= MOST_PASSED) return
    for (const [oldest, passedAt] of this.#passed) {
      this.#passed.delete(oldest)
      return this.#keeper.lose(oldest, passedAt)
    }
  }

  #replaceAll(): void {
    this.#keeper.countReplaced(this.#due.size)
    this.#due.clear()
  }

  #forget(forgottenStep: number): void {
    for (const publication of this.#due) {
      if (publication.step > forgottenStep) return
      this.#due.delete(publication)
      this.#keeper.countUnchecked(1)
    }
  }
}

function inOrder(publications: readonly Publication[]): Set<Publication> {
  return new Set([...publications].sort((one, other) => one.place - other.place))
}
