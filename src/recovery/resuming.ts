import { describe } from '../errors.ts'
import { disown, isThenable } from '../guards/user-code.ts'
import type { ResolvedCatalogue, StreamCatalogue } from '../model/catalogue.ts'
import type { ChannelName } from '../model/channel.ts'
import { noticeText } from '../model/notices.ts'
import { parsePosition } from '../model/position.ts'
import type { StreamReference, Subscription } from '../model/subscription.ts'
import type { Connection, Socket } from '../ports/connection.ts'
import type { RecorderSettings } from '../ports/recorder.ts'
import type { Allowances } from './allowances.ts'
import type { Channel } from './channel.ts'
import type { Histories } from './histories.ts'
import type { HistoryMessage } from './history-message.ts'
import type { SnapshotStream } from './options.ts'
import type { RevocationFloors } from './revocation-floors.ts'
import type { Stamps } from './stamps.ts'

type AnyConnection = Connection<Socket, StreamCatalogue>

/** A client's request to subscribe to a stream, from a position if the client gave one. */
export interface Resume {
  readonly stream: StreamReference
  readonly position: unknown
  readonly id: number | undefined
}

/** A text that is sent again, with the symbol of its stream. */
interface Replay {
  readonly symbol: string | undefined
  readonly text: string
}

/** The facts of the notice `subscribed`. */
interface NoticeFacts {
  readonly recovered: boolean | null
  /** The position in the notice. The messages after the notice continue from this position. */
  readonly position: string
  readonly isSnapshot: boolean
}

/** The answer to a client, before it is sent. */
interface Plan extends NoticeFacts {
  readonly replays: readonly Replay[]
  /**
   * True if the client will not get a published message that comes after `position`, because the message was published before a revocation, or before
   * the connection got another user. A gap notice then follows the answer.
   */
  readonly isLeftOut: boolean
}

/** A client's request, with the facts that the answer depends on. */
interface Question {
  readonly stream: SnapshotStream
  readonly position: unknown
  readonly id: number | undefined
  /** True if the client gave no position, and may have the stream already. */
  readonly hadStream: boolean
}

/** The result of `resume`, without the subscription. */
interface Answer {
  readonly recovered: boolean | null
  readonly replayed: number
  readonly deferred: boolean
}

export interface ResumingDependencies {
  readonly manager: {
    getUserSubscriptions(userId: string): { readonly streamType: string; readonly symbol: string | undefined }[]
    connectionsOf(streamType: string, symbol?: string): Iterable<object>
  }
  readonly settings: RecorderSettings
  readonly streams: ResolvedCatalogue
  readonly histories: Histories
  readonly floors: RevocationFloors
  readonly stamps: Stamps
  readonly allowances: Allowances<AnyConnection>
  readonly snapshot: ((stream: SnapshotStream) => unknown) | undefined
  /** True if this node has received all messages that other nodes have published in a channel. */
  isWhole(channel: ChannelName): boolean
  /** Tells the host why no snapshot could be made. */
  report(error: unknown): void
}

/** Brings new and returning clients up to date. */
export class Resuming {
  readonly counts = { recovered: 0, refused: 0 }
  readonly #dependencies: ResumingDependencies

  constructor(dependencies: ResumingDependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Subscribes a connection and brings its client up to date. Call this in a batch, so that nothing is published between the steps. If the call
   * throws, the connection has the same subscriptions as before.
   */
  resume(connection: AnyConnection, { stream, position, id }: Resume): { subscription: Subscription } & Answer {
    const hadStream = position === undefined && this.#mayHave(connection, stream)
    const { settings } = this.#dependencies
    const heldBefore = settings.ownSubscription(connection, { streamType: stream.streamType, symbol: stream.symbol ?? undefined })
    const isDelivering = settings.isDelivering()
    const mustGoOn = hadStream && (!isDelivering || this.#receives(connection, stream))
    const subscription = connection.subscribe(stream as never)
    try {
      const { streamType, symbol } = subscription
      const userId = this.#definitionOf(streamType).audience === 'private' ? connection.userId : undefined
      const question: Question = { stream: { streamType, symbol, userId }, position, id, hadStream }
      const mustWait = isDelivering || settings.leavesOut(connection, question.stream)
      const answer = mustWait ? this.#answerInTurn(connection, question, mustGoOn) : this.#answer(connection, question, true)
      return { subscription, ...answer }
    } catch (error) {
      this.#restore(connection, subscription, heldBefore)
      throw error
    }
  }

  /** Undoes the subscribe of a failed `resume`. Restores the subscription that the connection held before, or ends the new one if it held none. */
  #restore(connection: AnyConnection, { streamType, symbol }: Subscription, before: ReturnType<RecorderSettings['ownSubscription']>): void {
    if (before === undefined) return this.#dependencies.settings.withdraw(connection, { streamType, symbol })
    try {
      connection.subscribe({ streamType, symbol, filters: before.filters } as never)
    } catch {
      // `authorize` refuses now, or the connection was removed. The connection held this subscription before, so the subscription stays.
    }
  }

  #answer(connection: AnyConnection, question: Question, mayRefuse: boolean): Answer {
    const { stream, position, id, hadStream } = question
    // The queued messages are purged below. Without a position, they are not sent again, so send them now.
    if (hadStream) connection.flush()
    const plan = this.#planFor(connection, stream, position)
    const notice = this.#noticeOf(stream, plan, id)
    if (mayRefuse) this.#dependencies.settings.assertMayNotify(notice)
    return { recovered: plan.recovered, replayed: this.#bringUpToDate(connection, stream, plan, notice, hadStream && !plan.isSnapshot), deferred: false }
  }

  /**
   * Defers the answer, because messages are handed to sockets now, or because a published message that is not delivered yet will not reach the
   * connection. Messages that were published before the call may have no number yet, so nothing can be proven now. Until the answer is sent, the
   * connection gets no published messages of the stream, and the answer covers these messages. In two cases, the answer might not cover them, so the
   * connection still gets them as usual. Either the connection has the stream already and its client gives no position, or another subscription of
   * the connection needs the messages.
   */
  #answerInTurn(connection: AnyConnection, question: Question, mustGoOn: boolean): Answer {
    const { stream, position, id } = question
    const { settings } = this.#dependencies
    const soFar = this.#planWithoutReplays(stream, position)
    settings.assertMayNotify(this.#noticeOf(stream, soFar, id))
    const isHeldBack = !mustGoOn && !this.#isNeededOtherwise(connection, stream, soFar)
    settings.inTurn(() => this.#answerLater(connection, question), isHeldBack ? { connection, stream } : undefined)
    return { recovered: soFar.recovered, replayed: 0, deferred: true }
  }

  #answerLater(connection: AnyConnection, question: Question): void {
    const { stream, position, id } = question
    if (connection.removed || !isOfUser(connection, stream)) return
    if (this.#isHeld(connection, stream)) return void this.#answer(connection, question, false)
    // The subscription has ended, but the client gets its answer. A subscription of the user may go on.
    if (this.#receives(connection, stream)) this.#tellOfGap(connection, stream)
    this.#dependencies.settings.notify(connection, this.#noticeOf(stream, this.#planWithoutReplays(stream, position), id), stream.userId)
  }

  #planWithoutReplays(stream: SnapshotStream, position: unknown): NoticeFacts {
    const { position: present } = this.#dependencies.histories.obtain(stream)
    return { recovered: position === undefined ? null : false, position: present, isSnapshot: false }
  }

  /**
   * Purges the queued messages of the stream, unless another subscription needs them. Then sends the notice and the messages of the plan. Returns how
   * many messages of the plan were sent. `mayLose` is true if the plan does not replace the purged messages. Then, if a message was purged, a gap
   * notice comes first.
   */
  #bringUpToDate(connection: AnyConnection, stream: SnapshotStream, plan: Plan, notice: string, mayLose: boolean): number {
    const { recovered, replays, isLeftOut } = plan
    const { userId } = stream
    const { settings } = this.#dependencies
    // Purge after the plan is made. The host's `snapshot` may have published messages, and the snapshot contains them.
    const hasPurged = !this.#isNeededOtherwise(connection, stream, plan) && settings.purge(connection, stream)
    if (hasPurged && mayLose) this.#tellOfGap(connection, stream)
    if (recovered !== null) this.counts[recovered ? 'recovered' : 'refused']++
    settings.notify(connection, notice, userId)
    if (isLeftOut) this.#tellOfGap(connection, stream)
    return this.#replay(connection, stream, replays)
  }

  /** True while a connection holds its subscription to a stream. */
  #isHeld(connection: AnyConnection, stream: SnapshotStream): boolean {
    return isOfUser(connection, stream) && this.#dependencies.settings.ownSubscription(connection, stream) !== undefined
  }

  /** Tells a client that an unknown number of messages is missing. */
  #tellOfGap(connection: AnyConnection, { streamType, symbol, userId }: SnapshotStream): void {
    this.#dependencies.settings.notify(connection, noticeText({ type: 'gap', streamType, symbol, dropped: undefined }), userId)
  }

  /** Sends the texts of a plan, and returns how many were sent. A socket is user code and may end the subscription between two messages. */
  #replay(connection: AnyConnection, stream: SnapshotStream, replays: readonly Replay[]): number {
    let replayed = 0
    for (const { symbol, text } of replays) {
      if (!this.#isHeld(connection, stream)) break
      this.#dependencies.settings.sendAgain(connection, { ...stream, symbol }, text)
      replayed++
    }
    return replayed
  }

  /** True if the connection receives exactly this stream, because of its own subscription or the user's subscription. */
  #receives(connection: AnyConnection, { streamType, symbol }: StreamReference): boolean {
    return [...this.#dependencies.manager.connectionsOf(streamType, symbol ?? undefined)].includes(connection)
  }

  /** True if the connection may receive the stream already, because of a subscription of the user. */
  #mayHave(connection: AnyConnection, { streamType, symbol }: StreamReference): boolean {
    const held = this.#dependencies.manager.getUserSubscriptions(connection.userId)
    const overlaps = (other: string | undefined): boolean => other === undefined || (symbol ?? other) === other
    return held.some((each) => each.streamType === streamType && overlaps(each.symbol))
  }

  /**
   * True if another subscription of the connection needs the queued messages of the stream, so that they must not be purged. For a symbol, this is a
   * subscription to the whole type. For a whole type, it is a subscription to one of its symbols. The other subscription may have been resumed from
   * an earlier position. A snapshot of the whole type also replaces the messages of a symbol, so the messages may then be purged.
   */
  #isNeededOtherwise(connection: AnyConnection, { streamType, symbol }: SnapshotStream, { isSnapshot }: NoticeFacts): boolean {
    if (this.#definitionOf(streamType).symbol !== 'optional') return false
    if (symbol !== undefined) return this.#receivesWholeType(connection, streamType)
    return !isSnapshot && connection.subscriptions().some(({ subscription: each }) => each.streamType === streamType && each.symbol !== undefined)
  }

  #receivesWholeType(connection: AnyConnection, streamType: string): boolean {
    const { manager } = this.#dependencies
    const isOfUser = manager.getUserSubscriptions(connection.userId).some((each) => each.streamType === streamType && each.symbol === undefined)
    // A subscription of the user may belong to another connection.
    return isOfUser && [...manager.connectionsOf(streamType)].includes(connection)
  }

  #planFor(connection: AnyConnection, stream: SnapshotStream, position: unknown): Plan {
    const { allowances, floors, histories, settings } = this.#dependencies
    histories.refresh()
    const channel = histories.obtain(stream)
    const floor = floors.floorFor(connection.userId, stream, settings.clock.monotonic())
    const isLeftOut = settings.leavesOut(connection, stream)
    const missed = isLeftOut ? undefined : this.#missedSince(channel, stream, position, floor)
    if (missed !== undefined && allowances.take(connection, missed.length, unitsOf(missed))) {
      return { recovered: true, position: position as string, replays: missed, isSnapshot: false, isLeftOut }
    }
    const recovered = position === undefined ? null : false
    const snapshot = this.#snapshotOf(channel, stream)
    if (snapshot !== undefined && allowances.take(connection, 1, 0)) {
      return { recovered, position: channel.position, replays: [snapshot], isSnapshot: true, isLeftOut }
    }
    const latest = this.#latestOf(channel, stream.symbol, floor)
    const units = unitsOf(latest)
    const isAllowed = latest.length === 1 ? allowances.takeOne(connection, units) : allowances.take(connection, latest.length, units)
    const isSent = isAllowed && latest.length > 0
    return { recovered, position: isSent ? channel.positionBefore(latest) : channel.position, replays: isSent ? latest : [], isSnapshot: isSent, isLeftOut }
  }

  /** Returns the latest messages that a client may get, marked as snapshots. Only the channel of a `latest` type has any. */
  #latestOf(channel: Channel, symbol: string | undefined, floor: number): (Replay & { readonly epoch: string; readonly seq: number })[] {
    return channel.latest(symbol).flatMap((message) => {
      const text = message.order > floor ? this.#snapshotText(() => this.#dependencies.stamps.asSnapshot(message)) : undefined
      return text === undefined ? [] : [{ symbol: message.symbol, text, epoch: message.epoch, seq: message.seq }]
    })
  }

  /**
   * Returns all messages that a client missed. Returns `undefined` if `position` is not a position, if this node may not know all missed messages, or
   * if one of them must not or cannot be sent again.
   */
  #missedSince(channel: Channel, { symbol }: SnapshotStream, position: unknown, floor: number): HistoryMessage[] | undefined {
    const isProvable = !this.#isReordered(channel, symbol) && this.#dependencies.isWhole(channel)
    const known = isProvable ? parsePosition(position) : undefined
    const missed = known && channel.since(known)
    const isWanted = (message: HistoryMessage): boolean => symbol === undefined || message.symbol === symbol
    const wanted = missed?.filter(isWanted)
    return wanted?.every(({ order, text }) => order > floor && this.#isSendable(text)) === true ? wanted : undefined
  }

  /**
   * True for a subscription to a whole `latest` type whose symbol is optional. In the queue of a slow client, a new message takes the place of the
   * older message of its symbol. The new message may then overtake older messages of other symbols. So a client's last number does not prove that it
   * has all messages with smaller numbers.
   */
  #isReordered(channel: Channel, symbol: string | undefined): boolean {
    return channel.isLatest && symbol === undefined && this.#definitionOf(channel.streamType).symbol === 'optional'
  }

  #isSendable(text: string): boolean {
    const { hardLimitBytes, messageUnits } = this.#dependencies.settings
    return text.length <= Math.max(hardLimitBytes, messageUnits)
  }

  /** Returns the host's snapshot of a stream, stamped with the number of the last message that it contains. */
  #snapshotOf(channel: Channel, { streamType, symbol, userId }: SnapshotStream): Replay | undefined {
    const { settings, snapshot, stamps } = this.#dependencies
    if (snapshot === undefined) return undefined
    const text = this.#snapshotText(() => {
      const data = synchronous(snapshot({ streamType, symbol, userId }))
      if (data === undefined) return undefined
      const unstamped = settings.serialize({ streamType, symbol, data, userId, timestamp: new Date(settings.clock.now()) })
      // Read the number after `snapshot`, because the host's code may have published.
      const { epoch, seq } = channel
      return stamps.stamp(unstamped as string, { epoch, seq, snapshot: true })
    })
    return text === undefined ? undefined : { symbol, text }
  }

  /**
   * Returns the text of a snapshot from `make`, which is user code. If `make` fails, or its text is not a string or is too long, reports the error
   * and returns `undefined`.
   */
  #snapshotText(make: () => unknown): string | undefined {
    try {
      const text = make()
      if (text === undefined) return undefined
      if (typeof text !== 'string') throw new Error(`A snapshot must be a string, got ${describe(text)}`)
      if (this.#isSendable(text)) return text
      throw new Error(`A snapshot of ${text.length} UTF-16 units is too long`)
    } catch (error) {
      this.#dependencies.report(error)
      return undefined
    }
  }

  #noticeOf({ streamType, symbol }: SnapshotStream, { position, recovered, isSnapshot }: NoticeFacts, id: number | undefined): string {
    const { delivery, symbol: rule } = this.#definitionOf(streamType)
    const isWholeChannel = symbol === undefined || rule === 'required'
    return JSON.stringify({
      type: 'subscribed',
      id,
      stream_type: streamType,
      symbol: symbol ?? null,
      position,
      recovered,
      contiguous: delivery === 'every' && isWholeChannel,
      delivery,
      snapshot: isSnapshot ? true : undefined,
    })
  }

  /** Returns the definition of a stream type. The type must be in the catalogue. */
  #definitionOf(streamType: string): ResolvedCatalogue[string] {
    return this.#dependencies.streams[streamType] as ResolvedCatalogue[string]
  }
}

/** False if a stream is private, and the connection was given to another user. */
function isOfUser(connection: AnyConnection, { userId }: SnapshotStream): boolean {
  return userId === undefined || connection.userId === userId
}

/** Returns the data. @throws for a promise, because `recovery.subscribe` must finish in one step */
function synchronous(data: unknown): unknown {
  if (!isThenable(data)) return data
  disown(data)
  throw new Error('`snapshot` must not return a promise')
}

function unitsOf(messages: readonly { readonly text: string }[]): number {
  return messages.reduce((units, { text }) => units + text.length, 0)
}
