import { Places } from './places.ts'
import type { AuditedStream, Publication } from './publications.ts'

/** A fault of a message that came. */
export type ArrivalFault = 'twice' | 'outOfOrder'

/** The functions that a stream account calls to count, judge and report messages. */
export interface AccountKeeper {
  /** Counts messages of a `latest` stream that a newer message replaced. */
  countReplaced(count: number): void
  /** Counts messages that a notice reported to the client as missing. */
  countTold(count: number): void
  /** Counts messages that were forgotten before they came. */
  countUnchecked(count: number): void
  /** True if the publisher of a message died after it published the message. */
  mayBeLost(publication: Publication): boolean
  /** Reports a message as lost. `passedAt` is the step at which a newer message came. */
  lose(publication: Publication, passedAt: number): void
}

/**
 * At most this many overtaken messages are kept, in case they come late. If there are more overtaken messages, the oldest one is reported as lost.
 */
const MOST_PASSED = 1_000

/**
 * The places of the messages that came are kept as runs of consecutive places. If there are more runs than this, the places of old messages are
 * dropped.
 */
const MANY_RUNS = 1_000

/** The account of one client for one stream: the messages that are due, and the messages that came. */
export class StreamAccount implements AuditedStream {
  readonly streamType: string
  readonly symbol: string | undefined
  readonly userId: string | undefined
  readonly publisher: string | undefined
  readonly #isLatest: boolean
  readonly #keeper: AccountKeeper
  /** The messages that are due and have not come. Each set of this class is sorted by the order of the publishes. */
  #due = new Set<Publication>()
  /**
   * Messages that may come, but are not due. If an optional message comes, and not as a snapshot, the later optional messages become due. Messages
   * that may be lost with their publisher stay optional. All optional messages are older than the due messages.
   */
  #optional = new Set<Publication>()
  /** Optional messages that were published between a request to subscribe and an answer that reported a loss. The loss may include these messages. */
  readonly #uncertain = new Set<Publication>()
  /**
   * Due messages that a newer message has overtaken. Overtaken messages may still come late. An overtaken message that never comes is lost.
   * Publication → the step at which the newer message came.
   */
  readonly #passed = new Map<Publication, number>()
  /** Messages that were due when the subscription ended. The server may have sent these messages before the end. */
  readonly #onTheWay = new Set<Publication>()
  #arrived = new Places()
  /** `#newest` is the place of the newest message that came, and `#newestSource` is its publisher. */
  #newest = 0
  #newestSource: string | undefined
  /** A notice told the client that an unknown number of messages up to this step is missing. */
  #toldUntil = 0
  /** True from the start of a subscription until its first message. This first message may repeat the current state. */
  #isBeginning = true

  constructor({ streamType, symbol, userId, publisher }: AuditedStream, isLatest: boolean, keeper: AccountKeeper) {
    this.streamType = streamType
    this.symbol = symbol
    this.userId = userId
    this.publisher = publisher
    this.#isLatest = isLatest
    this.#keeper = keeper
  }

  /** Makes messages optional if they may be lost with their publisher. */
  excuseLost(): void {
    this.offer(this.#take((each) => this.#keeper.mayBeLost(each)))
  }

  /** Makes a message due. Messages up to `forgottenStep` have been forgotten, and are no longer checked. */
  owe(publication: Publication, forgottenStep: number): void {
    this.#forget(forgottenStep)
    if (this.#isLatest) this.#replaceAll()
    this.#due.add(publication)
  }

  /** Makes missed messages due, unless they may be lost. The client was disconnected when these messages were published. */
  oweMissed(missed: readonly Publication[]): void {
    this.#due = inOrder([...this.#due, ...missed.filter((each) => !this.#arrived.has(each.place))])
    this.excuseLost()
  }

  /** Adds optional messages. These messages may come, but are not due. */
  offer(missed: readonly Publication[]): void {
    const offered = missed.filter((each) => !this.#arrived.has(each.place) && !this.#due.has(each))
    this.#optional = inOrder([...this.#optional, ...offered])
  }

  /** Begins a subscription. The server may first send the current state. */
  begin(): void {
    this.#isBeginning = true
    this.#onTheWay.clear()
  }

  /**
   * Makes optional messages due, because the server said that no message is missing since the client's position. Two kinds of messages stay optional:
   * messages that an earlier answer reported as possibly lost, and messages that may be lost with their publisher.
   */
  expectMissed(): void {
    const isExpected = (each: Publication): boolean => !this.#uncertain.has(each) && !this.#keeper.mayBeLost(each)
    const optional = [...this.#optional]
    this.#due = inOrder([...optional.filter(isExpected), ...this.#due])
    this.#optional = new Set(optional.filter((each) => !isExpected(each)))
  }

  /**
   * The server said that messages that were published before `beforeStep` may be missing. Messages that were published from `beforeStep` on, but
   * before `optionalBefore`, may come, but are not due.
   */
  excuse(beforeStep: number, optionalBefore: number): void {
    for (const publication of this.#optional) {
      if (publication.step < beforeStep) this.#decide(publication)
      else if (publication.step < optionalBefore) this.#doubt(publication)
    }
    for (const publication of [...this.#due]) {
      if (publication.step >= optionalBefore) break
      this.#due.delete(publication)
      if (publication.step < beforeStep) this.#keeper.countTold(1)
      else this.#doubt(publication)
    }
  }

  /**
   * A notice told the client that the next `count` messages are missing. If `count` is `undefined`, the number is unknown, and any message that was
   * published until `step` may be missing.
   */
  excuseNext(count: number | undefined, step: number): void {
    if (count === undefined) this.#toldUntil = step
    let left = count ?? 0
    for (const publication of this.#due) {
      if (publication.step <= this.#toldUntil) continue
      if (left-- <= 0) return
      this.#due.delete(publication)
      this.#keeper.countTold(1)
    }
  }

  /** Ends the subscription. If the client subscribes again with a position, the server may still send the messages that have not come. */
  release(): void {
    for (const publication of this.#due) this.#onTheWay.add(publication)
    this.#optional = inOrder([...this.#optional, ...this.#due])
    this.#due = new Set()
  }

  /** Ends the client's access. If the client subscribes again, the server must not send the messages that have not come. */
  revoke(): void {
    this.release()
    this.#optional = new Set()
    this.#uncertain.clear()
  }

  /** Ends the connection. No message is on the way any more. */
  disconnect(): void {
    this.#onTheWay.clear()
  }

  /** A newer message of a `latest` stream came, but not through the subscription. So the older messages of the stream are no longer due. */
  yieldTo(newer: Publication): void {
    this.offer(this.#take((each) => each.place < newer.place))
  }

  /**
   * True if the message was due when the subscription ended, and this is the first call for it since then. After the end, such a message may come
   * once.
   */
  takeFromTheWay(publication: Publication): boolean {
    return this.#onTheWay.delete(publication)
  }

  /**
   * A server answered a new subscription of the client, and did not say that nothing is missing. If several publishers share a `latest` stream, this
   * server may be behind the client's last server. So messages that came already may come again.
   */
  startOver(): void {
    if (this.#isLatest && this.#newestSource !== undefined) this.#beginAgain()
  }

  /** Records a message that came. Returns the fault of this message, or `undefined` if the message has no fault. */
  arrive(publication: Publication, isSnapshot: boolean, step: number): ArrivalFault | undefined {
    if (isSnapshot && this.#isLatest && publication.source !== undefined) this.#beginAgain()
    const isAgain = this.#arrived.has(publication.place)
    const isStateAgain = publication.place === this.#newest && (isSnapshot || (this.#isLatest && this.#isBeginning))
    this.#isBeginning = false
    if (isAgain) return isStateAgain ? undefined : 'twice'
    this.#note(publication.place)
    if (publication.place < this.#newest) {
      this.#passed.delete(publication)
      this.#due.delete(publication)
      return publication.source === this.#newestSource ? 'outOfOrder' : undefined
    }
    this.#newest = publication.place
    this.#newestSource = publication.source
    const isBegun = this.#optional.has(publication) && !isSnapshot
    for (const each of this.#optional) if (each.place <= publication.place) this.#decide(each)
    if (isBegun) this.#expectAll()
    this.#passBefore(publication, step)
    return undefined
  }

  /** Returns the messages that are due, except messages that a notice reported as missing. For a `latest` stream, returns at most the newest one. */
  outstanding(forgottenStep: number): Publication[] {
    this.#forget(forgottenStep)
    const due = [...this.#due].filter((each) => each.step > this.#toldUntil)
    return this.#isLatest ? due.slice(-1) : due
  }

  /** The overtaken messages. An overtaken message that never comes is lost. Publication → the step at which a newer message came. */
  get passed(): ReadonlyMap<Publication, number> {
    return this.#passed
  }

  /** Makes all optional messages due, because an older optional message has come. Messages that may be lost with their publisher stay optional. */
  #expectAll(): void {
    this.#uncertain.clear()
    this.expectMissed()
  }

  #doubt(publication: Publication): void {
    this.#optional.add(publication)
    this.#uncertain.add(publication)
  }

  /** Removes a message from the optional messages, because it has come, a newer message has come, or a notice reported it as missing. */
  #decide(publication: Publication): void {
    this.#optional.delete(publication)
    this.#uncertain.delete(publication)
  }

  #take(isTaken: (publication: Publication) => boolean): Publication[] {
    const taken = [...this.#due].filter(isTaken)
    for (const publication of taken) this.#due.delete(publication)
    return taken
  }

  /**
   * Forgets which messages came. Called for a `latest` stream if the test names the message's publisher, because there may be several publishers. The
   * messages of several publishers have no common order, so a snapshot may be older than messages that came before it. These messages may come again
   * after the snapshot.
   */
  #beginAgain(): void {
    this.#arrived = new Places()
    this.#newest = 0
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
