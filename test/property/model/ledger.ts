import { isPrivate, keyOf, streams, type Stream, type StreamName } from './catalogue.ts'
import { definitionOf, hasSendQueue, isBarred, isEntitled, isOfHost, isOpen, isPublished, isRevokedFor, mayWait, recipientsOf, subscribedTo, type Delivery, type Receipt } from './deliveries.ts'
import type { ConnectionFact, Facts, Move } from './facts.ts'
import type { Gap, Inboxes } from './inboxes.ts'
import { unitsOf, type Pressures, type Reception } from './pressures.ts'
import type { Setting } from './setting.ts'

/** A text that a socket is being handed: of a message, or of a notice that some are missing. */
export type Handed = { readonly receipt: Receipt } | { readonly gap: Gap } | undefined

type Complain = (complaint: string) => void

/** What is too old is looked for at most this often. */
const LOOK_AGAIN_MS = 50

/** What a message is told from others by. */
export type Announcement = Pick<Delivery, 'number' | 'way' | 'stream' | 'userId' | 'target' | 'text'> &
  Partial<Pick<Delivery, 'except' | 'audience' | 'isBytes' | 'isRecorded' | 'isUnordered'>>

/** Notices of the host count so many more missing messages than there can be, so that they are known by that. */
export const UNHEARD_OF = 1_000_000

/**
 * What was published, to whom it was to go when its delivery began, and what came of it.
 *
 * Of a deferred message nobody sees when its delivery begins. It is after the end of those before it, and before its first
 * recipient is served; for each change in between there is one more set of recipients that it may have had.
 */
export class Ledger {
  readonly deliveries: Delivery[] = []
  readonly #facts: Facts
  readonly #inboxes: Inboxes
  readonly #pressures: Pressures
  readonly #maxLagMs: number
  readonly #monotonic: () => number
  readonly #complain: Complain
  #places = 0
  /** The last place before the running batch began. What is deferred behind it goes out when the batch has ended. */
  #batchFrom: number | undefined
  #lastTurn = 0
  /** Gap notices of dropped messages that a socket is being handed. */
  #gapsInFlight: Gap[] = []
  /** Receipts whose end is open. */
  #unsettled: Receipt[] = []

  constructor(
    facts: Facts,
    inboxes: Inboxes,
    pressures: Pressures,
    { maxLagMs }: Pick<Setting, 'maxLagMs'>,
    monotonic: () => number,
    complain: Complain,
  ) {
    this.#facts = facts
    this.#inboxes = inboxes
    this.#pressures = pressures
    this.#maxLagMs = maxLagMs
    this.#monotonic = monotonic
    this.#complain = complain
  }

  // From the call to the end

  /** A message is published or sent; when nothing else is under way, its delivery begins with that. */
  announce(announcement: Announcement, begins: 'now' | 'perhaps now' | 'later'): Delivery {
    const { version } = this.#facts
    const { target } = announcement
    const delivery: Delivery = {
      except: [],
      audience: [],
      isBytes: false,
      isRecorded: false,
      isUnordered: false,
      ...announcement,
      timesRecorded: 0,
      leftOut: [],
      toBeTold: undefined,
      timesSkipped: 0,
      isDoomed: false,
      serialized: () => {},
      served: [],
      publishedAt: version,
      publishedMs: this.#monotonic(),
      wasTooLate: typeof target === 'object' && !target.isLive,
      // What is recorded has no place before that.
      place: announcement.isRecorded === true ? Infinity : ++this.#places,
      phase: 'called',
      candidates: [],
      startedFrom: version,
      startedUntil: version,
      doubted: new Set(),
      barred: new Set(),
      moved: new Set(),
      uncertain: new Set(),
      receipts: new Map(),
      timesSerialized: 0,
      timesFramed: 0,
      hasNoFrame: false,
    }
    this.deliveries.push(delivery)
    delivery.candidates = [recipientsOf(delivery, this.#facts)]
    if (begins === 'later') return delivery
    this.#passThoseOfBatch()
    this.#makeReceipts(delivery, begins === 'now')
    return delivery
  }

  /** A message begins at this moment that no call of its own publishes: behind this one, or else before all that wait. */
  announceNow(announcement: Announcement, behind?: Delivery): Delivery {
    const delivery = this.announce(announcement, 'later')
    delivery.place = behind === undefined ? this.#lastTurn + 1 / 1_024 : behind.place + 1 / 2
    delivery.phase = 'running'
    this.#makeReceipts(delivery, true)
    return delivery
  }

  /** The steps of a batch begin: returns what `batchEnds` needs. */
  batchBegins(): number | undefined {
    const outer = this.#batchFrom
    this.#batchFrom ??= this.#places
    return outer
  }

  /** The steps of a batch have ended: nothing that was deferred within them has begun before. */
  batchEnds(outer: number | undefined): void {
    for (const delivery of this.#ofBatch()) this.#hasNotBegun(delivery)
    this.#batchFrom = outer
  }

  /** What the steps of a batch send themselves goes out before what others were deferred with. */
  #passThoseOfBatch(): void {
    for (const each of this.#ofBatch()) each.place = ++this.#places
  }

  #ofBatch(): Delivery[] {
    const from = this.#batchFrom
    return from === undefined ? [] : this.#inOrder().filter(({ phase, place }) => phase === 'deferred' && place > from)
  }

  // What a recorder does

  /** The recorder is asked for the text of a message: its turn has come, and nobody has it. */
  record(text: string): { readonly delivery: Delivery; readonly wasDeferred: boolean } | undefined {
    const delivery = this.deliveryOf(text)
    if (delivery?.isRecorded !== true) return void this.#complain(`A text was recorded that is none to be: ${text}`)
    if (++delivery.timesRecorded > 1 || delivery.phase === 'over') this.#complain(`${nameOf(delivery)} was recorded again, or after its turn`)
    const wasDeferred = delivery.phase === 'deferred'
    if (wasDeferred) delivery.phase = 'running'
    else {
      delivery.place = ++this.#places
      this.#passThoseOfBatch()
    }
    this.#turn(delivery)
    return { delivery, wasDeferred }
  }

  /** It was recorded: to whom it goes is fixed now. */
  recorded(delivery: Delivery, text: string): void {
    delivery.text = text
    delivery.leftOut = subscribedTo(delivery, this.#facts).filter((each) => delivery.except.includes(each))
    this.#hasNotBegun(delivery)
    delivery.toBeTold = delivery.leftOut.filter((each) => !this.#mayNotBeTold(each, delivery))
    this.#makeReceipts(delivery, true)
  }

  /** It could not be: nobody gets it. */
  unrecorded(delivery: Delivery): void {
    delivery.isDoomed = true
    this.#forgetReceipts(delivery)
    delivery.phase = 'over'
  }

  /** The recorder is asked for a text for those who were left out: all others have got theirs. */
  skip(text: string): Delivery | undefined {
    const delivery = this.deliveryOf(text)
    if (delivery === undefined || delivery.leftOut.length === 0) return void this.#complain(`A recorder was told that somebody was left out, and nobody was: ${text}`)
    if (++delivery.timesSkipped > 1) this.#complain(`A recorder was told twice that ${nameOf(delivery)} left somebody out`)
    this.conclude(delivery)
    return delivery
  }

  /** The recorder has answered. Returns those who are told: they are subscribed since it was recorded, and it is theirs still. */
  skipped(delivery: Delivery): readonly ConnectionFact[] {
    const { toBeTold } = delivery
    delivery.toBeTold = undefined
    return toBeTold ?? []
  }

  /** Of those who are to be told that they were left out, these are not any more. */
  #tellNot(isSpared: (connection: ConnectionFact, delivery: Delivery) => boolean): void {
    for (const delivery of this.deliveries) delivery.toBeTold = delivery.toBeTold?.filter((each) => !isSpared(each, delivery))
  }

  #mayNotBeTold(connection: ConnectionFact, delivery: Delivery): boolean {
    const { barred, startedFrom, stream, userId } = delivery
    if (!connection.isLive || barred.has(connection) || (isPrivate(stream) && connection.userId !== userId)) return true
    return isRevokedFor(connection.userId, delivery, this.#facts, connection.ownedSince) || !this.#facts.hasCoveredSince(startedFrom, connection, stream)
  }

  /** What waits of these streams for a connection is purged, and what is being delivered does not come to it. What is deferred does. */
  purge(connection: ConnectionFact, isMeant: (stream: Stream) => boolean): void {
    const isOfThem = ({ way, stream }: Delivery): boolean => !isOfHost(way) && isMeant(stream)
    for (const delivery of this.deliveries) if (delivery.phase === 'deferred' && isOfThem(delivery)) delivery.doubted.add(connection)
    for (const receipt of this.#unsettled) if (receipt.connection === connection && isOfThem(receipt.delivery)) this.#lose(receipt)
    this.#tellNot((each, delivery) => each === connection && isOfThem(delivery))
    this.#settleReceipts()
  }

  /** It waits for its turn, behind all that waits already, or where it was announced. */
  defer(delivery: Delivery, keepsPlace = false): void {
    if (this.#hasCome(delivery)) this.#complain(`${nameOf(delivery)} was delivered, and is said to be deferred`)
    this.#forgetReceipts(delivery)
    if (!keepsPlace) delivery.place = ++this.#places
    delivery.phase = 'deferred'
    this.#hasNotBegun(delivery)
  }

  /** It was refused: nobody gets it. */
  refuse(delivery: Delivery): void {
    if (this.#hasCome(delivery)) this.#complain(`${nameOf(delivery)} was delivered, and refused all the same`)
    this.#forgetReceipts(delivery)
    delivery.phase = 'over'
  }

  /** It was delivered to everybody. */
  conclude(delivery: Delivery): void {
    if (delivery.phase === 'over') return
    if (delivery.phase === 'deferred') this.#begin(delivery)
    if (delivery.isRecorded && delivery.timesRecorded === 0 && !delivery.isDoomed) this.#complain(`${nameOf(delivery)} was never recorded`)
    delivery.phase = 'over'
    for (const receipt of delivery.receipts.values()) {
      const { connection, state } = receipt
      const isSentDirectly = connection.socket.kind === 'metered' && (receipt.passes || !mayWait(connection))
      const isPassedOver = state === 'awaited' && (!hasSendQueue(connection) || isSentDirectly)
      if (isPassedOver) this.#complain(`${nameOf(delivery)} never came to ${connection.socket.name}, which was to get it`)
      if (state === 'doubtful' && !hasSendQueue(connection)) receipt.state = 'lost'
    }
  }

  /** Nothing is under way any more. */
  concludeAll(): void {
    for (const delivery of this.#inOrder()) this.conclude(delivery)
  }

  /** How many recipients it had: at least and at most. */
  matched({ receipts }: Delivery): readonly [least: number, most: number] {
    const all = [...receipts.values()]
    return [all.filter(({ isCertain }) => isCertain).length, all.length]
  }

  // What sockets get

  /** A transport is asked for the frame of this message, which is a sign that its turn has come. */
  framed(text: string): Delivery | undefined {
    const delivery = this.deliveryOf(text, ({ timesFramed, phase }) => timesFramed === 0 && phase !== 'over')
    if (delivery === undefined) return void this.#complain(`A frame was made of a text that nobody published: ${text}`)
    if (!delivery.isUnordered) this.#turn(delivery)
    return delivery
  }

  /** No frame could be made: for those who are written frames it is at an end. */
  unframed(delivery: Delivery): void {
    delivery.hasNoFrame = true
    for (const receipt of delivery.receipts.values()) {
      if (receipt.connection.socket.kind !== 'framed') continue
      this.#pressures.lost(receipt.connection)
      if (isOpen(receipt)) receipt.state = 'unframed'
    }
    this.#settleReceipts()
  }

  /** A socket is handed a text. */
  hand(connection: ConnectionFact, text: string): Handed {
    const droppedGap = droppedGapIn(text)
    if (droppedGap !== undefined) return this.#handNotice(connection, text, droppedGap)
    const delivery = this.deliveryTo(connection, text)
    if (delivery === undefined) return void this.#complain(`${connection.socket.name} was handed a text that nobody published: ${text}`)
    if (!delivery.isUnordered) this.#seeTurn(delivery, connection)
    const receipt = delivery.receipts.get(connection)
    const complaint = this.#objectionTo(delivery, connection, receipt)
    if (complaint !== undefined) return void this.#complain(`${connection.socket.name} was handed ${nameOf(delivery)}, ${complaint}`)
    if (receipt === undefined) return undefined
    this.#inboxes.checkPlace(receipt)
    if (this.hasWaitedTooLong(receipt, 0))
      this.#complain(`${connection.socket.name} was handed ${nameOf(delivery)}, which has waited for longer than it may`)
    receipt.state = 'handed'
    return { receipt }
  }

  #seeTurn(delivery: Delivery, connection: ConnectionFact): void {
    if (hasSendQueue(connection)) this.#beginUntil(delivery)
    else this.#turn(delivery)
  }

  /** The message, or notice, that a connection is handed. Of several notices that read alike it is the first that is still to come. */
  deliveryTo(connection: ConnectionFact, text: string): Delivery | undefined {
    return this.deliveryOf(text, ({ phase, receipts, candidates }) => {
      const receipt = receipts.get(connection)
      return receipt === undefined ? phase === 'deferred' && candidates.some((each) => each.includes(connection)) : isOpen(receipt) || receipt.state === 'leaving'
    })
  }

  #handNotice(connection: ConnectionFact, text: string, { streamType, symbol, dropped }: DroppedGap): Handed {
    const isForm = text === gapText('wire', streamType, symbol, dropped) || text === gapText('own', streamType, symbol, dropped)
    if (!isForm || !(streamType in streams) || streams[streamType].overflow !== 'drop')
      return void this.#complain(`${connection.socket.name} was handed a notice that cannot be: ${text}`)
    const gap = { connection, key: keyOf({ streamType, symbol }), dropped }
    this.#beginWhatIsMissed(gap)
    this.#inboxes.checkGap(gap)
    this.#gapsInFlight.push(gap)
    return { gap }
  }

  /** What is told to be missing has come: a notice may be all that is ever seen of a deferred message. */
  #beginWhatIsMissed({ connection, key, dropped }: Gap): void {
    for (const delivery of this.#inOrder()) {
      const isAmongThem =
        delivery.phase === 'deferred' && keyOf(delivery.stream) === key && delivery.candidates.some((each) => each.includes(connection))
      if (isAmongThem && this.#inboxes.missable(connection, key) < dropped) this.#beginUntil(delivery)
    }
  }

  /** A socket has answered: it accepted some, from the first on, and the others are to wait. */
  accept(handed: readonly Handed[], accepted: number): void {
    this.#landed(handed)
    for (const [i, each] of handed.entries()) {
      if (each === undefined) continue
      if ('gap' in each) {
        if (i < accepted) this.#inboxes.noteGap(each.gap)
      } else if (i < accepted) this.#accepted(each.receipt)
      else this.#putBack(each.receipt)
    }
    this.#noteRefused(handed.slice(accepted))
    this.#settleReceipts()
  }

  #landed(handed: readonly Handed[]): void {
    this.#gapsInFlight = this.#gapsInFlight.filter((gap) => !handed.some((each) => each !== undefined && 'gap' in each && each.gap === gap))
  }

  /** A socket has thrown. */
  fail(handed: readonly Handed[]): void {
    this.#landed(handed)
    for (const each of handed) if (each !== undefined && 'receipt' in each) each.receipt.state = 'failed'
    this.#settleReceipts()
  }

  /** What a plain socket did when it was served is done: whatever comes behind in the order has not begun before. */
  served(handed: readonly Handed[]): void {
    const deliveries = handed.flatMap((each) => (each !== undefined && 'receipt' in each ? [each.receipt.delivery] : []))
    for (const each of deliveries) if (!each.isUnordered) this.#hasNotBegunBehind(each)
  }

  /** The socket of a removed connection is closed: nothing more is handed to it. */
  closed(connection: ConnectionFact): void {
    for (const receipt of this.#unsettled) {
      if (receipt.connection !== connection || receipt.state !== 'leaving') continue
      if (receipt.isOwed && !connection.hasFailed && connection.socket.accepts === undefined)
        this.#complain(`${nameOf(receipt.delivery)} was not handed on when ${connection.socket.name} was removed`)
      this.#lose(receipt)
    }
    connection.isLeaving = false
    this.#settleReceipts()
  }

  // What changes meanwhile

  /** Facts have changed: who is still to get what. */
  changed(): void {
    for (const delivery of this.deliveries) if (delivery.phase === 'deferred') this.#mayHaveBegun(delivery, this.#facts.live)
    for (const receipt of this.#unsettled) this.#renew(receipt)
    this.#tellNot((each, delivery) => this.#mayNotBeTold(each, delivery))
    this.#settleReceipts()
  }

  /**
   * A connection was given to another user. What is not for that user never comes; the rest of what waits stays, whether or not the connection is
   * still subscribed.
   */
  moved(move: Move, from: string): void {
    const { connection } = move
    const others = this.#facts.live.filter((each) => each !== connection)
    for (const delivery of this.deliveries) {
      if (delivery.phase === 'over') continue
      if (isFor(move, delivery)) delivery.moved.add(connection)
      else delivery.barred.add(connection)
      if (delivery.phase === 'deferred') this.#mayHaveBegun(delivery, others)
      // Whether that counts for the connection depends on whose it was when the delivery began.
      if ([from, move.userId].some((userId) => isRevokedFor(userId, delivery, this.#facts))) delivery.uncertain.add(connection)
    }
    for (const receipt of this.#unsettled) if (receipt.connection === connection) this.#move(receipt, move)
    this.#tellNot((each, delivery) => each === connection && (!isFor(move, delivery) || this.#mayNotBeTold(each, delivery)))
    this.#settleReceipts()
  }

  #move(receipt: Receipt, move: Move): void {
    const { connection, delivery } = receipt
    const { phase, startedFrom, stream, way } = delivery
    if (!isFor(move, delivery)) return this.#lose(receipt)
    if (!hasSendQueue(connection)) return this.#renew(receipt)
    receipt.staysUncovered = true
    // It may have been in time to be put where it waits.
    const isInTime = phase === 'over' || !isPublished(way) || this.#facts.hasCoveredSince(startedFrom, connection, stream)
    if (!isInTime) this.#doubt(receipt)
  }

  /** What is still to come to somebody. */
  underWay(): readonly Receipt[] {
    return this.#unsettled
  }

  /** The open receipts of a connection. */
  openOf(connection: ConnectionFact): Receipt[] {
    return this.#unsettled.filter((receipt) => receipt.connection === connection && isOpen(receipt))
  }

  /** The streams, by key, of what may wait for a connection, and of all that is under way. */
  streamsThatMayMatterTo(connection: ConnectionFact): string[] {
    const isUnderWay = ({ phase, timesSkipped, toBeTold }: Delivery): boolean => phase !== 'over' || (timesSkipped > 0 && toBeTold !== undefined)
    const underWay = this.deliveries.filter(isUnderWay)
    const open = this.#unsettled.filter((receipt) => receipt.connection === connection).map(({ delivery }) => delivery)
    const inFlight = this.#gapsInFlight.filter((gap) => gap.connection === connection).map(({ key }) => key)
    return [...[...underWay, ...open].map(({ stream }) => keyOf(stream)), ...this.#inboxes.missingAt(connection), ...inFlight]
  }

  /** The public streams that wait for a connection for certain. What may be dropped may be so already, and its notice may have come. */
  streamsOpenFor(connection: ConnectionFact): Stream[] {
    if (!hasSendQueue(connection) || connection.hasFailed || connection.wasFull) return []
    const isCertain = ({ state, delivery }: Receipt): boolean =>
      state === 'awaited' && delivery.phase === 'over' && definitionOf(delivery).overflow === 'disconnect'
    const certain = this.openOf(connection).filter(isCertain)
    return certain.map(({ delivery }) => delivery.stream).filter((stream) => !isPrivate(stream))
  }

  /** The units of all that may be waiting for a connection, and of what is for certain. */
  unitsOpenFor(connection: ConnectionFact): readonly [least: number, most: number] {
    const unitsIn = (deliveries: readonly Delivery[]): number =>
      deliveries.reduce((units, { text }) => units + unitsOf(text, connection.socket), 0)
    const certain = this.openOf(connection).filter(({ passes, state }) => passes && state === 'awaited')
    return [unitsIn(certain.map(({ delivery }) => delivery)), unitsIn(this.#mayWaitFor(connection))]
  }

  /** Whether something that may not be dropped may have waited for too long. */
  mayHaveWaitedTooLong(connection: ConnectionFact): boolean {
    const kept = this.#mayWaitFor(connection).filter((each) => definitionOf(each).overflow === 'disconnect')
    return kept.some(({ publishedMs }) => this.#monotonic() - publishedMs >= this.#maxLagMs)
  }

  /** Whether something waits for certain, and has for so much longer than it may. */
  hasWaitedTooLong({ hasWaited, delivery }: Receipt, toleranceMs: number): boolean {
    return hasWaited && this.#monotonic() - delivery.publishedMs >= this.#maxLagMs + toleranceMs
  }

  /** What waits for too long, though nobody has asked for it since. */
  overdueOf(connection: ConnectionFact): string[] {
    const open = this.openOf(connection).filter(({ state }) => state === 'awaited')
    return open
      .filter((each) => definitionOf(each.delivery).overflow === 'disconnect' && this.hasWaitedTooLong(each, LOOK_AGAIN_MS))
      .filter(({ delivery }) => definitionOf(delivery).delivery === 'every')
      .map(({ delivery }) => `${nameOf(delivery)} waits for ${connection.socket.name} for longer than it may`)
  }

  /** The same without what may be dropped, or replaced by a newer one. */
  unitsKeptFor(connection: ConnectionFact): number {
    const kept = this.#mayWaitFor(connection).filter((each) => definitionOf(each).overflow === 'disconnect')
    const unitsPerKey = new Map<string, number>()
    for (const delivery of kept) {
      const key = definitionOf(delivery).delivery === 'latest' ? `${delivery.way === 'skip'} ${keyOf(delivery.stream)}` : `${delivery.number}`
      unitsPerKey.set(key, Math.max(unitsPerKey.get(key) ?? 0, unitsOf(delivery.text, connection.socket)))
    }
    return [...unitsPerKey.values()].reduce((sum, units) => sum + units, 0)
  }

  #mayWaitFor(connection: ConnectionFact): Delivery[] {
    const toCome = this.deliveries.filter(
      ({ phase, candidates }) => phase === 'deferred' && candidates.some((each) => each.includes(connection)),
    )
    return [...this.#unsettled.filter((receipt) => receipt.connection === connection).map(({ delivery }) => delivery), ...toCome]
  }

  /** A socket's pressure changes, or it is handed on: of what is being delivered nobody knows whether it came before that. */
  pressureChanges(connection: ConnectionFact): void {
    for (const receipt of this.#unsettled) {
      if (receipt.connection !== connection || receipt.delivery.phase === 'over') continue
      receipt.hasWaited = false
      receipt.passes = false
    }
  }

  /** A turn has ended. What came while it ended is handed on by the end of the next one, and its connection may be behind before that. */
  turnEnds(): void {
    for (const receipt of this.#unsettled) receipt.passes = false
  }

  // How an order is inferred

  #inOrder(): Delivery[] {
    return this.deliveries.filter(({ phase }) => phase !== 'over').sort((a, b) => a.place - b.place)
  }

  /** A message is handed out now: those before it are over, those behind it have not begun. */
  #turn(delivery: Delivery): void {
    if (delivery.place < this.#lastTurn) this.#complain(`${nameOf(delivery)} is handed out behind one that was published after it`)
    this.#lastTurn = Math.max(this.#lastTurn, delivery.place)
    for (const each of this.#inOrder()) if (each.place < delivery.place) this.conclude(each)
    if (delivery.phase === 'deferred') this.#begin(delivery)
    this.#hasNotBegunBehind(delivery)
  }

  #beginUntil(delivery: Delivery): void {
    for (const each of this.#inOrder()) if (each.place <= delivery.place && each.phase === 'deferred') this.#begin(each)
  }

  #hasNotBegunBehind({ place }: Delivery): void {
    for (const each of this.deliveries) if (each.phase === 'deferred' && each.place > place) this.#hasNotBegun(each)
  }

  #begin(delivery: Delivery): void {
    delivery.phase = 'running'
    this.#makeReceipts(delivery, false)
  }

  #hasNotBegun(delivery: Delivery): void {
    delivery.doubted.clear()
    delivery.candidates = [recipientsOf(delivery, this.#facts)]
    delivery.startedFrom = this.#facts.version
    delivery.startedUntil = this.#facts.version
  }

  /** Whoever of these lost its stream may have lost it with that, or not. */
  #mayHaveBegun(delivery: Delivery, live: readonly ConnectionFact[]): void {
    for (const connection of live) if (this.#hasLostCover(connection, delivery)) delivery.doubted.add(connection)
    delivery.candidates.push(recipientsOf(delivery, this.#facts))
    delivery.startedUntil = this.#facts.version
  }

  // Receipts

  #makeReceipts(delivery: Delivery, isNow: boolean): void {
    const { candidates, receipts, wasTooLate } = delivery
    for (const connection of new Set(candidates.flat())) {
      const isCertain = candidates.every((each) => each.includes(connection))
      const reception = wasTooLate ? 'unknown' : this.#receptionOf(connection, isNow)
      const receipt: Receipt = {
        connection,
        delivery,
        state: wasTooLate ? 'lost' : isCertain ? 'awaited' : 'doubtful',
        isUnwanted: false,
        isCertain,
        wasDoubtful: !isCertain,
        wasRejected: false,
        isOwed: false,
        hasWaited: isCertain && reception === 'waits',
        passes: isCertain && reception === 'passes',
        staysUncovered: delivery.moved.has(connection),
      }
      receipts.set(connection, receipt)
      this.#inboxes.add(receipt)
      if (wasTooLate) continue
      this.#unsettled.push(receipt)
      // By the time at which it is seen that a delivery has begun, a recipient may have lost it already.
      this.#renew(receipt)
      if (delivery.doubted.has(connection) || delivery.uncertain.has(connection)) this.#doubt(receipt)
    }
  }

  #receptionOf(connection: ConnectionFact, isNow: boolean): Reception {
    if (isNow) return this.#pressures.arrival(connection)
    this.#pressures.someArrival(connection)
    return 'unknown'
  }

  #forgetReceipts({ receipts }: Delivery): void {
    for (const receipt of receipts.values()) {
      this.#inboxes.remove(receipt)
      this.#pressures.lost(receipt.connection)
    }
    this.#unsettled = this.#unsettled.filter((receipt) => receipts.get(receipt.connection) !== receipt)
    receipts.clear()
  }

  #settleReceipts(): void {
    this.#unsettled = this.#unsettled.filter((receipt) => isOpen(receipt) || receipt.state === 'handed' || receipt.state === 'leaving')
  }

  #hasCome({ receipts }: Delivery): boolean {
    return [...receipts.values()].some(({ state }) => state === 'handed' || state === 'accepted' || state === 'failed')
  }

  #renew(receipt: Receipt): void {
    const { connection, delivery } = receipt
    if (isBarred(receipt, this.#facts)) this.#lose(receipt)
    else if (!connection.isLive) this.#renewOfRemoved(receipt)
    else if (hasSendQueue(connection)) this.#renewWithSendQueue(receipt)
    else if (!isEntitled(receipt, this.#facts)) this.#lose(receipt)
    else if (isPublished(delivery.way) && !this.#facts.hasCoveredSince(delivery.startedFrom, connection, delivery.stream)) this.#doubt(receipt)
  }

  #renewOfRemoved(receipt: Receipt): void {
    const { connection, delivery } = receipt
    if (!connection.isLeaving || !hasSendQueue(connection)) this.#lose(receipt)
    else if (receipt.state === 'handed') receipt.isUnwanted = true
    else {
      // Of one that may be on its way to the batch still, nobody knows; nor is anything owed from within a write.
      const isDue = !mayWait(connection) || (receipt.passes && connection.socket.accepts === undefined)
      receipt.isOwed ||= receipt.state === 'awaited' && delivery.phase === 'over' && isDue && connection.handingOn === 0
      receipt.state = 'leaving'
    }
  }

  /** It may have been in time to be put where it waits, and then it is purged with its stream. */
  #renewWithSendQueue(receipt: Receipt): void {
    const { connection, delivery } = receipt
    const { stream, way, phase, startedFrom } = delivery
    const isCovered = this.#facts.covers(connection, stream)
    const hasLostCover = this.#hasLostCover(connection, delivery)
    if (phase === 'over') {
      if (hasLostCover) this.#lose(receipt)
    } else if (!isPublished(way)) {
      if (hasLostCover) this.#doubt(receipt)
    } else if (!isCovered) {
      if (hasLostCover || !receipt.staysUncovered) this.#lose(receipt)
    } else if (!this.#facts.hasCoveredSince(startedFrom, connection, stream)) this.#doubt(receipt)
  }

  /** Whether the last change took a stream away from a connection, and what waits of it. What a move leaves uncovered stays. */
  #hasLostCover(connection: ConnectionFact, { stream }: Delivery): boolean {
    const isOfMove = connection.ownedSince === this.#facts.version
    return !isOfMove && !this.#facts.covers(connection, stream) && this.#facts.covers(connection, stream, this.#facts.coverBefore)
  }

  /** Nobody knows whether it comes, nor whether its connection was asked for room because of it. */
  #doubt(receipt: Receipt): void {
    receipt.wasDoubtful = true
    receipt.passes = false
    if (receipt.state === 'awaited') receipt.state = 'doubtful'
    this.#pressures.lost(receipt.connection)
  }

  #lose(receipt: Receipt): void {
    if (receipt.state === 'handed') receipt.isUnwanted = true
    else receipt.state = 'lost'
    this.#pressures.lost(receipt.connection)
    this.#inboxes.forgetGaps(receipt)
    // What is on its way to a queue that has just become empty need not wait there.
    for (const each of this.#unsettled) if (each.connection === receipt.connection && each.delivery.phase !== 'over') each.hasWaited = false
  }

  #accepted(receipt: Receipt): void {
    receipt.state = 'accepted'
    this.#inboxes.accept(receipt)
  }

  #putBack(receipt: Receipt): void {
    if (receipt.isUnwanted || !receipt.connection.isLive) receipt.state = 'lost'
    else receipt.state = receipt.wasDoubtful ? 'doubtful' : 'awaited'
  }

  /** What a write refused waits from now on, and so does whatever came with it. */
  #noteRefused(refused: readonly Handed[]): void {
    const wanted = refused.map((each) => each !== undefined && 'receipt' in each && each.receipt.state === 'awaited')
    for (const each of refused) {
      if (each === undefined) continue
      const { connection } = 'gap' in each ? each.gap : each.receipt
      this.#pressures.refused(connection, wanted.includes(true))
      for (const receipt of this.#unsettled) if (receipt.connection === connection) receipt.passes = false
    }
  }

  #objectionTo({ stream, userId, way }: Delivery, connection: ConnectionFact, receipt: Receipt | undefined): string | undefined {
    const isOfAll = way === 'notice' && userId === undefined
    if (isPrivate(stream) && !isOfAll && connection.userId !== userId) return `which is private to ${JSON.stringify(userId)}`
    if (receipt === undefined) return 'whose recipient it was not when its delivery began'
    if (connection.socket.closeCalls + connection.socket.terminations > 0) return 'and is closed'
    switch (receipt.state) {
      case 'awaited':
      case 'doubtful':
      case 'leaving':
        return undefined
      case 'lost':
        return connection.isLive ? 'which it had lost: it unsubscribed, or it was revoked' : 'and is removed'
      case 'superseded':
        return 'behind a newer one of its stream'
      case 'unframed':
        return 'of which no frame could be made'
      case 'handed':
      case 'accepted':
      case 'failed':
        return 'for the second time'
    }
  }

  /** The message of a text. Of several notices that read alike it is the first that fits. */
  deliveryOf(text: string, isFitting: (delivery: Delivery) => boolean = () => true): Delivery | undefined {
    if (text.startsWith('{"type"')) {
      const alike = this.deliveries.filter((each) => each.text === text).sort((a, b) => a.place - b.place)
      return alike.find(isFitting) ?? alike.at(-1)
    }
    const [, number] = /^(?:#|.*?"n":)(\d+)/.exec(text) ?? []
    const delivery = this.deliveries[Number(number) - 1]
    return delivery?.text === text ? delivery : undefined
  }
}

/** What a gap notice says that the manager makes when messages are dropped. */
interface DroppedGap {
  readonly streamType: StreamName
  readonly symbol: string | undefined
  readonly dropped: number
}

/** What a text says if it is a gap notice of dropped messages, and not one of the host. */
export function droppedGapIn(text: string): DroppedGap | undefined {
  if (text.startsWith('gap ')) {
    const [streamType, symbol, dropped] = JSON.parse(text.slice(4)) as [StreamName, string | null, number]
    return { streamType, symbol: symbol ?? undefined, dropped }
  }
  if (!text.startsWith('{"type":"gap"')) return undefined
  const { stream_type: streamType, symbol, dropped } = JSON.parse(text) as { stream_type: StreamName; symbol: string | null; dropped: number | null }
  return dropped === null || dropped > UNHEARD_OF ? undefined : { streamType, symbol: symbol ?? undefined, dropped }
}

/** The text of a gap notice: in the wire form, or as the manager's own `serializeNotice` makes it. */
export function gapText(form: Setting['noticeForm'], streamType: string, symbol: string | undefined, dropped: number | undefined): string {
  if (form === 'own') return `gap ${JSON.stringify([streamType, symbol ?? null, dropped])}`
  return JSON.stringify({ type: 'gap', stream_type: streamType, symbol: symbol ?? null, dropped: dropped ?? null })
}

/** Whether a message is for the user whom a connection is given to: a public one that they may have, or one of their own. */
function isFor({ userId, isAllowed }: Move, { stream, userId: owner, way }: Delivery): boolean {
  if (way === 'notice' && owner === undefined) return true
  return isPrivate(stream) ? owner === userId : isAllowed(stream)
}

export function nameOf({ number, stream }: Delivery): string {
  return `message ${number} (${keyOf(stream)})`
}
