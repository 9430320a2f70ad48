import { isPrivate, keyOf, type Stream } from './catalogue.ts'
import { definitionOf, isOfStream, isOpen, mayWait, type Receipt } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'

/** A notice that a connection was handed. */
export interface Gap {
  readonly connection: ConnectionFact
  /** Of which stream. */
  readonly key: string
  readonly dropped: number
}

interface Inbox {
  /** All messages that it is or was a recipient of. */
  readonly receipts: Receipt[]
  /** Stream → how many of it are missing, by the notices since the last message of it that came. */
  readonly missing: Map<string, number>
  /** Stream → how many are missing by all notices, less those by all events. */
  readonly reported: Map<string, number>
}

/**
 * What came to each connection, and in which order: every message once, behind those of its stream that were published
 * before. What a connection misses of a stream is replaced, or noticed.
 */
export class Inboxes {
  /** Notices that were handed over. */
  notices = 0
  readonly #inboxes = new Map<ConnectionFact, Inbox>()
  readonly #complain: (complaint: string) => void

  constructor(complain: (complaint: string) => void) {
    this.#complain = complain
  }

  add(receipt: Receipt): void {
    this.#of(receipt.connection).receipts.push(receipt)
  }

  remove(receipt: Receipt): void {
    const { receipts } = this.#of(receipt.connection)
    receipts.splice(receipts.indexOf(receipt), 1)
  }

  /** A message came. */
  accept(receipt: Receipt): void {
    const { connection, delivery } = receipt
    const ofStream = this.#of(connection).receipts.filter(isOfStream(delivery.stream))
    const newer = ofStream.find((each) => each.delivery.place > delivery.place && each.state === 'accepted' && !isUnordered(each, receipt))
    if (newer !== undefined)
      this.#complain(`${connection.socket.name} got ${numbered(receipt)} behind ${numbered(newer)} of the same stream`)
    if (receipt.passes) this.#complainOfPassing(receipt)
    if (mayWait(connection))
      this.#supersede(
        receipt,
        ofStream.filter((each) => isBefore(each, receipt)),
      )
    else this.#complainOfPassedOver(receipt)
  }

  /**
   * A message is handed to a socket: of what waited, private ones leave first, and then whoever came first. A message that
   * took the place of an older one has that one's place.
   */
  checkPlace(receipt: Receipt): void {
    if (!receipt.hasWaited) return
    const { receipts } = this.#of(receipt.connection)
    const waiting = receipts.filter((each) => isToCome(each) && !isReplaced(each, receipts))
    const place = placeOf(receipt, receipts)
    const before = waiting.find((each) => each !== receipt && !isUnordered(each, receipt) && each.hasWaited && !each.wasDoubtful && isToLeaveBefore(each, receipt, place))
    if (before !== undefined)
      this.#complain(`${receipt.connection.socket.name} got ${numbered(receipt)} before ${numbered(before)}, which is to leave first`)
  }

  /** How many of a stream can be missing at a connection, besides those that notices reported. */
  missable(connection: ConnectionFact, key: string): number {
    const { receipts, missing } = this.#of(connection)
    return receipts.filter((each) => isToCome(each) && keyOf(each.delivery.stream) === key).length - (missing.get(key) ?? 0)
  }

  /** The streams, by key, of which notices reported that some are missing, since the last message that came. */
  missingAt(connection: ConnectionFact): Iterable<string> {
    return this.#of(connection).missing.keys()
  }

  /** A notice is handed to a socket. */
  checkGap({ connection, key, dropped }: Gap): void {
    const { socket } = connection
    const most = this.missable(connection, key)
    if (!(dropped >= 1 && dropped <= most) || !mayWait(connection))
      this.#complain(`${socket.name} was told that ${dropped} of ${key} are missing; ${most} can be`)
  }

  noteGap({ connection, key, dropped }: Gap): void {
    this.notices++
    const { missing, reported, receipts } = this.#of(connection)
    reported.set(key, (reported.get(key) ?? 0) + dropped)
    const isStillMissed = receipts.some((each) => keyOf(each.delivery.stream) === key && isToCome(each))
    if (isStillMissed) missing.set(key, (missing.get(key) ?? 0) + dropped)
  }

  noteGapEvent(connection: ConnectionFact, stream: Stream, dropped: number): void {
    const { reported } = this.#of(connection)
    reported.set(keyOf(stream), (reported.get(keyOf(stream)) ?? 0) - dropped)
  }

  /** What waited of this message's stream is discarded, notices included. */
  forgetGaps({ connection, delivery }: Receipt): void {
    this.#of(connection).missing.delete(keyOf(delivery.stream))
  }

  /** Notices without an event, and events without a notice. */
  unreported(): string[] {
    return Array.from(this.#inboxes, ([{ socket }, { reported }]) =>
      Array.from(reported, ([key, count]) =>
        count === 0 ? [] : [`${socket.name} was noticed of ${count} missing of ${key} more than events reported`],
      ).flat(),
    ).flat()
  }

  /** What should have come by now, where there is room, and did not. */
  late(connection: ConnectionFact): string[] {
    const { receipts, missing } = this.#of(connection)
    const open = receipts.filter(isOpen)
    return [...new Set(open.map(({ delivery }) => keyOf(delivery.stream)))].flatMap((key) => {
      const ofStream = open.filter(({ delivery }) => keyOf(delivery.stream) === key)
      const isExplained = isCountOf(ofStream, missing.get(key) ?? 0)
      return isExplained ? [] : [`${ofStream.map(numbered).join(', ')} of ${key} never came to ${connection.socket.name}`]
    })
  }

  #complainOfPassedOver(receipt: Receipt): void {
    for (const each of this.#of(receipt.connection).receipts) {
      if (!isBefore(each, receipt)) continue
      if (each.wasDoubtful) each.state = 'lost'
      else this.#complain(`${receipt.connection.socket.name} got ${numbered(receipt)} before ${numbered(each)}, and was never behind`)
    }
  }

  /** What comes in turns in which there is room is handed on in one order. */
  #complainOfPassing(receipt: Receipt): void {
    const { receipts } = this.#of(receipt.connection)
    const before = receipts.find((each) => each.passes && each.state === 'awaited' && isBefore(each, receipt))
    if (before !== undefined)
      this.#complain(`${receipt.connection.socket.name} got ${numbered(receipt)} before ${numbered(before)}, in a turn in which it was not behind`)
  }

  #supersede(receipt: Receipt, passedOver: readonly Receipt[]): void {
    const { connection, delivery } = receipt
    const { delivery: kept, overflow } = definitionOf(delivery)
    const { missing } = this.#of(connection)
    const key = keyOf(delivery.stream)
    const count = missing.get(key) ?? 0
    // What is replaced by a newer one needs no notice. A skip replaces nothing but skips.
    const notReplaced = delivery.way === 'skip' ? passedOver.filter((each) => each.delivery.way !== 'skip') : []
    const isReplacing = kept === 'latest' && notReplaced.length === 0
    const isExplained = isReplacing ? count <= passedOver.length : isCountOf(passedOver, count) || (kept === 'latest' && isCountOf(notReplaced, count))
    if (!isExplained)
      this.#complain(
        `${connection.socket.name} got ${numbered(receipt)} of ${key} before ${passedOver.map(numbered).join(', ')}; notices reported ${count}`,
      )
    missing.delete(key)
    for (const each of passedOver)
      if (each.passes) this.#complain(`${connection.socket.name} never got ${numbered(each)}, and was not behind when it came`)
    for (const each of passedOver) each.state = overflow === 'disconnect' && kept === 'every' ? 'lost' : 'superseded'
  }

  #of(connection: ConnectionFact): Inbox {
    const known = this.#inboxes.get(connection)
    if (known !== undefined) return known
    const inbox = { receipts: [], missing: new Map(), reported: new Map() }
    this.#inboxes.set(connection, inbox)
    return inbox
  }
}

/** Whether so many notices account for these, which did not come: of each stream as its kind wants it. */
function isCountOf(passedOver: readonly Receipt[], missing: number): boolean {
  const [first] = passedOver
  if (first === undefined) return missing === 0
  const { delivery, overflow } = definitionOf(first.delivery)
  const certain = passedOver.filter(({ wasDoubtful }) => !wasDoubtful).length
  if (overflow === 'disconnect') return certain === 0 && missing === 0
  // Of a stream that is replaced as well, some may have been: but not the last one of them.
  const isEnough = delivery === 'every' ? missing >= certain : certain === 0 || missing > 0
  return isEnough && missing <= passedOver.length
}

function isToCome(receipt: Receipt): boolean {
  return isOpen(receipt) || receipt.state === 'leaving'
}

function isBefore(each: Receipt, receipt: Receipt): boolean {
  return each.delivery.place < receipt.delivery.place && isToCome(each) && !isUnordered(each, receipt)
}

/** Whether nobody knows which of the two goes out first. */
function isUnordered(one: Receipt, other: Receipt): boolean {
  return one.delivery.isUnordered || other.delivery.isUnordered
}

function numbered({ delivery }: Receipt): string {
  return `message ${delivery.number}`
}

function isToLeaveBefore(each: Receipt, receipt: Receipt, place: number): boolean {
  if (isPrivate(each.delivery.stream) !== isPrivate(receipt.delivery.stream)) return isPrivate(each.delivery.stream)
  if (isOfStream(receipt.delivery.stream)(each) || definitionOf(each.delivery).overflow === 'drop') return false
  return each.delivery.place < place
}

/** Where it stands: where the oldest stood that it took the place of. */
function placeOf(receipt: Receipt, receipts: readonly Receipt[]): number {
  if (definitionOf(receipt.delivery).delivery === 'every') return receipt.delivery.place
  const open = receipts.filter(isOfStream(receipt.delivery.stream)).filter(isToCome)
  return Math.min(receipt.delivery.place, ...open.map(({ delivery }) => delivery.place))
}

/** Whether a newer one that took its place is on its way to the socket. */
function isReplaced({ delivery }: Receipt, receipts: readonly Receipt[]): boolean {
  const isOfSame = isOfStream(delivery.stream)
  const isReplacing = ({ delivery: { way } }: Receipt): boolean => way !== 'skip' || delivery.way === 'skip'
  return (
    definitionOf(delivery).delivery === 'latest' &&
    receipts.some((each) => each.state === 'handed' && isReplacing(each) && isOfSame(each) && each.delivery.place > delivery.place)
  )
}
