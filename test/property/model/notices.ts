import type { ErrorCode, Notice, StreamStatus } from '../../../src/index.ts'
import { chosen, type Destination } from './aim.ts'
import { isPrivate, OWN_TEXTS, STREAMS, type Stream, type StreamName } from './catalogue.ts'
import type { Delivery } from './deliveries.ts'
import type { ConnectionFact } from './facts.ts'
import { gapText, UNHEARD_OF } from './ledger.ts'
import type { OperationOf, Reaction, SourceFlaw } from './operations.ts'
import { possible } from './refusals.ts'
import { PASS, refusedWith, type CallFrame, type Noticing, type Timing, type Verdict } from './stage.ts'
import { describe } from './trace.ts'
import { wireOf } from './user-code.ts'
import type { World } from './world.ts'

const SOURCE_CODES: Readonly<Record<SourceFlaw, ErrorCode>> = {
  unknownType: 'ERR_UNKNOWN_STREAM',
  noSymbol: 'ERR_SYMBOL_REQUIRED',
  symbolTooMuch: 'ERR_SYMBOL_NOT_ALLOWED',
  badSymbol: 'ERR_INVALID_ID',
  recipientTooMuch: 'ERR_RECIPIENT_NOT_ALLOWED',
  noRecipient: 'ERR_RECIPIENT_REQUIRED',
  badRecipient: 'ERR_INVALID_ID',
  unknownField: 'ERR_INVALID_ARGUMENT',
  nothing: 'ERR_INVALID_ARGUMENT',
  badFact: 'ERR_INVALID_ARGUMENT',
}
const BAD_COUNTS = [0, 1.5, '7', null] as const
const BAD_STATUSES = ['PENDING', 'error', undefined] as const
/** For nobody. */
const UNSENT = '#0 for nobody'

/** A notice that is on its way to somebody. */
interface Sent {
  readonly delivery: Delivery
  readonly timing: Timing
  /** How many messages had been deferred that no result had told of. */
  readonly untold: number
}

/** What the host tells clients besides messages: that some are missing, and how a stream's source is. */
export class Notices {
  readonly #world: World
  readonly #nextNewcomers: Reaction[] = []

  constructor(world: World) {
    this.#world = world
  }

  /** What `serializeNotice` does when it is next asked for what a newcomer is told. */
  arm(reaction: Reaction): void {
    this.#nextNewcomers.push(reaction)
  }

  disarm(): void {
    this.#nextNewcomers.length = 0
  }

  notifyGap({ where, isOfAll, isCounted, made, flaw: anyFlaw }: OperationOf<'notifyGap'>): void {
    const { aim, ledger, manager } = this.#world
    const { stream: found, userId } = aim.destination(where)
    const stream: Stream = { ...found, symbol: isOfAll ? undefined : found.symbol }
    const flaw = anyFlaw === 'noSymbol' ? undefined : possible(anyFlaw, stream)
    const source = sourceOf(stream, userId, flaw)
    const dropped = flaw === 'badFact' ? chosen(BAD_COUNTS, where) : isCounted ? UNHEARD_OF + ledger.deliveries.length + 1 : undefined
    let sent: Sent | undefined
    const noticing = this.#noticing(made, (frame) => {
      if (this.#world.facts.isClosed) return this.#refuse(frame, refusedWith('ERR_CLOSED'))
      const text = this.#isInWireForm ? gapText('wire', stream.streamType, stream.symbol, dropped as number) : undefined
      sent = this.#send(frame, this.#receivers(stream, userId), isPrivate(stream) ? userId : undefined, text)
      return sent?.delivery.text
    })
    this.#world.call({
      name: 'notifyGap',
      text: () => `manager.notifyGap(${describe(source)}, ${String(dropped)})`,
      verdict: this.#verdictOn(flaw),
      noticing,
      commit: () => this.#isInWireForm && void noticing.make(),
      act: () => manager.notifyGap(source as never, dropped as number),
      check: () => this.#conclude(sent),
      refused: () => this.#takeBack(sent),
    })
  }

  setStreamStatus({ where, status: named, made, flaw: anyFlaw }: OperationOf<'setStreamStatus'>): void {
    const { aim, facts, manager } = this.#world
    const { stream, userId } = this.#destination(where) ?? aim.destination(where)
    const flaw = possible(anyFlaw, stream)
    // In the wire form nobody sees when newcomers are told.
    if (flaw === undefined && this.#isInWireForm && facts.subscriptionsTo(stream, userId).length > 0) return
    const source = sourceOf(stream, userId, flaw)
    const status = flaw === 'badFact' ? chosen(BAD_STATUSES, where) : named
    let sent: Sent | undefined
    let expected = this.#answerWithout({ stream, userId }, named)
    const noticing = this.#noticing(made, (frame) => {
      expected = this.#answerWithout({ stream, userId }, named)
      if (expected !== undefined) return undefined
      expected = true
      const receivers = facts.receiversOf(stream, userId)
      const depth = this.#world.verdictOnDepth(this.#world.stage.isDelivering())
      if (receivers.length > 0 && !depth.mayPass) return this.#refuse(frame, depth)
      // It is not known whether it is too deep, and so whether anything changes.
      if (receivers.length > 0 && depth.codes.length > 0) throw this.#unmade(frame)
      this.#changeStatus(frame, { stream, userId }, named)
      sent = this.#send(frame, receivers, isPrivate(stream) ? userId : undefined, undefined)
      return sent?.delivery.text
    })
    this.#world.call({
      name: 'setStreamStatus',
      text: () => `manager.setStreamStatus(${describe(source)}, ${String(status)})`,
      verdict: this.#verdictOn(flaw),
      noticing: flaw === undefined && expected === undefined ? noticing : undefined,
      act: () => manager.setStreamStatus(source as never, status as never),
      check: (answer) => {
        this.#conclude(sent)
        this.#world.expect('setStreamStatus', answer, expected)
      },
      refused: () => this.#takeBack(sent),
    })
  }

  /** `serializeNotice` is asked: by a call that sends one, for a newcomer, or for what was dropped. */
  making(notice: Notice): unknown {
    const { noticing } = this.#world.stage.call ?? {}
    if (!Object.isFrozen(notice)) this.#world.complain('A notice can be changed')
    if (noticing?.isMade === false) return noticing.make()
    if (notice.type === 'gap') return this.#wireOf(gapText('own', notice.streamType, notice.symbol, notice.dropped))
    return this.#tellNewcomer({ streamType: notice.streamType as StreamName, symbol: notice.symbol }, notice.status)
  }

  // Newcomers

  #tellNewcomer(stream: Stream, status: StreamStatus): unknown {
    const { facts, ledger, events } = this.#world
    const connection = facts.takeNewcomer(stream, status)
    if (connection === undefined) return void this.#world.complain(`${describe({ ...stream, status })} was made for nobody`)
    this.#world.disturb()
    try {
      const answer = this.#world.userCode.duringNotice(this.#nextNewcomers.shift(), connection)
      if (answer !== undefined) events.expectError('send')
      if (answer !== undefined) return answer
    } catch (error) {
      events.expectError('send')
      throw error
    }
    // If it is another user's by now, it is told that user's status, which a notice tells with the same text.
    const isSame = facts.isIn(connection, stream) && facts.statusAt(connection, stream) === status
    if (!isSame) return this.#wireOf(UNSENT)
    facts.noteTold(connection, stream)
    this.#world.tally.noteAccepted('a newcomer is told')
    const announcement = this.#announcementOf([connection], isPrivate(stream) ? connection.userId : undefined, undefined)
    return this.#wireOf(ledger.announceNow({ ...announcement, isUnordered: this.#areOrdersUnseen }).text)
  }

  /** Where some sockets are handed messages later than in their turn, nobody sees whose turn it is. */
  get #areOrdersUnseen(): boolean {
    const { kinds, managerKind } = this.#world.setting
    return managerKind !== undefined || kinds.some((kind) => kind !== 'plain')
  }

  // What a call sends

  /** A notice of a call: what user code does while it makes it, and then what begins. */
  #noticing(reaction: Reaction, begin: (frame: CallFrame) => string | undefined): Noticing {
    const make = (): unknown => {
      const frame = this.#world.stage.call as CallFrame
      try {
        const answer = this.#isInWireForm ? undefined : this.#world.userCode.duringNotice(reaction, undefined)
        if (answer === undefined) return this.#wireOf(begin(frame) ?? UNSENT)
        this.#unmade(frame)
        return answer
      } catch (error) {
        this.#unmade(frame)
        throw error
      } finally {
        noticing.isMade = true
      }
    }
    const noticing: Noticing = { isMade: false, make }
    return noticing
  }

  #unmade(frame: CallFrame): Error {
    frame.verdict = refusedWith('ERR_UNSERIALIZABLE')
    return new Error('no notice')
  }

  #refuse(frame: CallFrame, verdict: Verdict): undefined {
    frame.verdict = verdict
  }

  #send(frame: CallFrame, audience: readonly ConnectionFact[], userId: string | undefined, text: string | undefined): Sent | undefined {
    const { accounts, depth, ledger, manager, stage } = this.#world
    if (audience.length === 0) return undefined
    const timing = stage.isDelivering()
    frame.verdict = this.#world.verdictOnDepth(timing)
    if (!frame.verdict.mayPass) return undefined
    const untold = manager.stats().deferred - accounts.deferred
    const delivery = ledger.announce(this.#announcementOf(audience, userId, text), timing === 'yes' ? 'later' : timing === 'no' ? 'now' : 'perhaps now')
    depth.enter(timing)
    if (timing === 'yes') ledger.defer(delivery)
    return { delivery, timing, untold }
  }

  #announcementOf(audience: readonly ConnectionFact[], userId: string | undefined, text: string | undefined): Parameters<World['ledger']['announce']>[0] {
    const number = this.#world.ledger.deliveries.length + 1
    const isBytes = text === undefined && this.#world.setting.form === 'bytes'
    return { number, way: 'notice', stream: OWN_TEXTS, userId, target: undefined, audience, text: text ?? `#${number} notice`, isBytes }
  }

  /** No result says whether a notice was deferred; but the totals do. */
  #conclude(sent: Sent | undefined): void {
    const { accounts, depth, ledger, manager, stage } = this.#world
    if (sent === undefined) return
    const { delivery, timing, untold } = sent
    depth.leave(timing)
    const isDeferred = timing === 'yes' || (timing === 'perhaps' && manager.stats().deferred - accounts.deferred > untold)
    if (!isDeferred) return ledger.conclude(delivery)
    accounts.deferred++
    if (timing === 'yes') return
    depth.noteDeferred(timing)
    ledger.defer(delivery, !stage.isInBatch)
  }

  #takeBack(sent: Sent | undefined): void {
    if (sent === undefined) return
    this.#world.depth.noteRefused(sent.timing)
    this.#world.depth.leave(sent.timing)
    this.#world.ledger.refuse(sent.delivery)
  }

  // Who, and what

  get #isInWireForm(): boolean {
    return this.#world.setting.noticeForm === 'wire'
  }

  #wireOf(text: string): string | Uint8Array {
    return wireOf(text, this.#world.setting.form === 'bytes')
  }

  #verdictOn(flaw: SourceFlaw | undefined): Verdict {
    if (flaw !== undefined) return this.#world.refusals.malformed(SOURCE_CODES[flaw])
    return this.#world.facts.isClosed ? refusedWith('ERR_CLOSED') : PASS
  }

  /** Whoever receives a stream, or without a symbol any stream of its type. */
  #receivers(stream: Stream, userId: string | undefined): ConnectionFact[] {
    const { facts } = this.#world
    const ofType = STREAMS.filter(({ streamType }) => streamType === stream.streamType)
    const receives = (each: ConnectionFact): boolean => (stream.symbol === undefined ? ofType.some((one) => facts.isIn(each, one)) : facts.covers(each, stream))
    return facts.live.filter((each) => receives(each) && (!isPrivate(stream) || each.userId === userId))
  }

  /** What `setStreamStatus` answers where there is nothing to change. */
  #answerWithout({ stream, userId }: Destination, status: StreamStatus): boolean | undefined {
    const [first] = this.#world.facts.subscriptionsTo(stream, userId)
    if (first === undefined) return false
    return this.#world.facts.statusOf(first) === status ? true : undefined
  }

  #changeStatus(frame: CallFrame, { stream, userId }: Destination, status: StreamStatus): void {
    const { events, facts, stage } = this.#world
    const connected = facts.subscriptionsTo(stream, userId).filter((each) => facts.isOnline(each.userId))
    facts.setStatus(stream, userId, status)
    stage.areNewcomersTold = true
    events.expectStatus(connected, frame)
  }

  /** A stream that somebody is subscribed to, connected or not. */
  #destination(n: number): Destination | undefined {
    const subscription = chosen(this.#world.facts.subscriptions, n)
    return subscription && { stream: subscription.stream, userId: isPrivate(subscription.stream) ? subscription.userId : undefined }
  }
}

/** How a host names a stream's source, with what is wrong about it. */
function sourceOf({ streamType, symbol }: Stream, userId: string | undefined, flaw: SourceFlaw | undefined): object | undefined {
  const source = { streamType, symbol, ...(userId !== undefined && { userId }) }
  switch (flaw) {
    case 'nothing':
      return undefined
    case 'unknownType':
      return { ...source, streamType: 'toString' }
    case 'noSymbol':
      return { ...source, symbol: null }
    case 'symbolTooMuch':
      return { ...source, symbol: 'x' }
    case 'badSymbol':
      return { ...source, symbol: '' }
    case 'recipientTooMuch':
      return { ...source, userId: 'PRICE' }
    case 'noRecipient':
      return { streamType, symbol }
    case 'badRecipient':
      return { ...source, userId: '\ud800' }
    case 'unknownField':
      return { ...source, simbol: 'x' }
    case 'badFact':
    case undefined:
      return source
  }
}
