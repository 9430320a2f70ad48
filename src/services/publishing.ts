import type { Quotas } from '../access/quotas.ts'
import { membersOf, SmallSetBy, type SmallSet } from '../collections/small-set.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Exclusion } from '../delivery/fan-out.ts'
import { allOf, eachOf, eitherOf, nobody, oneOf, thisOne, without, type Recipients } from '../delivery/recipients.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { Events } from '../events/events.ts'
import { asIdentifier } from '../model/identifier.ts'
import { addressedTo, forEverybody, hostText, readMessage, recipientMissing, type MessageFields, type MessageOrigin } from '../model/message-fields.ts'
import { notAConnection, readPublishOptions } from '../model/publish-options.ts'
import { emptyResult, type PublishResult } from '../model/publish-result.ts'
import { customData, recordedText, skipText, wireText } from '../model/wire-form.ts'
import { isWireData, type WireData } from '../model/wire-data.ts'
import type { ResolvedOptions } from '../options.ts'
import type { RecordedStream, RecorderMethods } from '../ports/recorder.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord } from '../registry/records.ts'
import type { Slot, Subscriptions } from '../registry/subscriptions.ts'
import type { Users } from '../registry/users.ts'
import type { Gate } from './gate.ts'

/** Finds the recipients of a message. This function is called once, when the delivery of the message starts. */
type RecipientsFinder = (fields: MessageFields) => Recipients<ConnectionRecord>

/**
 * A plan says whether a message is recorded, and which connections do not get it. If there is no recorder, a publish without options needs no plan.
 */
interface Plan {
  readonly isRecorded: boolean
  /** Connections that do not get the message. */
  readonly except: readonly ConnectionRecord[]
}

/** A message whose delivery has not begun: it waits for another delivery to end, or for the recorder. */
interface PendingMessage {
  readonly fields: MessageFields
  readonly findRecipients: RecipientsFinder
  readonly plan: Plan | undefined
  /** A connection that meets any of these conditions must not get the message. */
  readonly exclusions: Exclusion<ConnectionRecord>[]
  readonly isDeferred: boolean
  /** `undefined` while the message is being serialized. */
  text: WireData | undefined
  /** The functions to call when the message has been delivered, or could not be delivered. */
  turns?: (() => void)[]
}

/** A set of pending messages nearly always has one member or none. A `Set` would allocate a new table for each publish that is recorded. */
const pendingMessages = /* @__PURE__ */ new SmallSetBy<PendingMessage, PendingMessage>((message) => message)

/** Excludes a connection from the published messages of a stream. The hold ends when `inTurn` calls the function that it got with the hold. */
export interface Hold {
  readonly connection: ConnectionRecord
  readonly stream: RecordedStream
}

export interface PublishingDependencies {
  readonly options: Pick<ResolvedOptions, 'streams' | 'serialize' | 'maxDeferred' | 'clock' | 'recorder' | 'delivery'>
  readonly gate: Gate
  readonly changes: Changes
  readonly events: Events
  readonly quotas: Quotas
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly delivery: Delivery<ConnectionRecord>
}

/**
 * Delivers one message after the other. For each message, it reads the fields, finds the recipients, and makes the text once. Then it hands the text
 * to the delivery. The delivery gives the text to each recipient before the next message begins.
 */
export class Publishing {
  readonly #dependencies: PublishingDependencies
  /** The messages whose delivery has not begun. */
  #pending: SmallSet<PendingMessage, PendingMessage> = undefined
  readonly #holds = new Set<Hold>()
  /** `publish` uses this plan if it is called without options. `undefined` if there is no recorder. */
  readonly #plan: Plan | undefined
  readonly #toSubscribers: RecipientsFinder = (fields) => {
    const { whole, exact, overlaps } = this.#dependencies.subscriptions.subscribed(fields)
    return eitherOf(whole, exact, overlaps)
  }

  constructor(dependencies: PublishingDependencies) {
    this.#dependencies = dependencies
    this.#plan = dependencies.options.recorder === undefined ? undefined : { isRecorded: true, except: [] }
  }

  publish(message: unknown, options?: unknown): PublishResult {
    const fields = this.#read(message, 'published')
    if (fields.userId === undefined && fields.definition.audience === 'private') throw recipientMissing(fields)
    if (options === undefined) return this.#plan === undefined ? this.#deliverOrDefer(fields, this.#toSubscribers) : this.#recordAndDeliver(fields, this.#plan)
    const { except, text } = readPublishOptions(options, ['except', 'text'])
    const plan: Plan = { isRecorded: text === undefined && this.#plan !== undefined, except: except.map(asConnection) }
    return plan.isRecorded ? this.#recordAndDeliver(fields, plan) : this.#deliverOrDefer(this.#withText(fields, text), this.#toSubscribers, plan)
  }

  sendToUser(userId: string, message: unknown): PublishResult {
    const { users, connections } = this.#dependencies
    const fields = addressedTo(asIdentifier(userId, 'userId'), this.#read(message, 'direct'))
    return this.#deliverOrDefer(fields, () => eachOf(connections.all, membersOf(users.find(userId)?.connections).map(ConnectionRecord.slotOf)))
  }

  sendToConnection(connectionId: string, message: unknown, options?: unknown): PublishResult {
    const text = options === undefined ? undefined : readPublishOptions(options, ['text']).text
    return this.#sendToOne(connectionId, this.#withText(this.#read(message, 'direct'), text))
  }

  /** Sends a connection the text of a message that was published before. */
  sendAgain(connection: ConnectionRecord, message: unknown, text: WireData): void {
    this.#sendToOne(connection.id, this.#withText(this.#read(message, 'again'), text))
  }

  #sendToOne(connectionId: string, fields: MessageFields): PublishResult {
    const { connections } = this.#dependencies
    const connection = connections.byId.get(asIdentifier(connectionId, 'connectionId'))
    if (connection === undefined) return this.#deliverOrDefer(fields, nobody)
    return this.#deliverOrDefer(addressedTo(connection.userId, fields), () => oneOf(connections.all, ConnectionRecord.slotOf(connection)))
  }

  broadcast(message: unknown): PublishResult {
    const { connections } = this.#dependencies
    return this.#deliverOrDefer(forEverybody(this.#read(message, 'direct')), () => allOf(connections.all))
  }

  /** Sends a text from the host to one connection. */
  send(connection: ConnectionRecord, text: unknown): PublishResult {
    const { connections, options, quotas } = this.#dependencies
    if (!isWireData(text)) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A text must be a string or bytes, got ${describe(text)}`)
    const { id: connectionId, userId } = connection
    quotas.assertLength(text, { connectionId, userId })
    return this.#deliverOrDefer(hostText(text, userId, options.clock.now()), () => thisOne(connections.all, ConnectionRecord.slotOf(connection)))
  }

  /**
   * Delivers a notice to one or more connections. If a delivery is running, the notice is sent after it. For a private stream, `userId` is the user
   * of the stream.
   */
  notify(findRecipients: () => Recipients<ConnectionRecord>, text: WireData, userId: string | undefined): void {
    this.#deliverOrDefer(hostText(text, userId, this.#dependencies.options.clock.now()), findRecipients)
  }

  /** Throws if a notice could not be sent now. @throws `ERR_PUBLISH_DEPTH` */
  assertMayNotify(): void {
    if (this.#dependencies.changes.isSending) this.#assertMayDefer()
  }

  /**
   * Calls `act` when a message that is published now would be delivered: after the running delivery, and after all messages that were deferred
   * before. The call of `act` is one change. Until that call, the connection of a hold gets no messages of `publish` on the hold's stream, not even
   * the one in delivery.
   *
   * Call this method only in a batch, while messages are handed to sockets, or while a message for the recorder is being serialized.
   * @throws `ERR_PUBLISH_DEPTH`, and nothing has changed
   */
  inTurn(act: () => void, hold: Hold | undefined): void {
    const { changes, delivery } = this.#dependencies
    this.#assertMayDefer()
    changes.postponedCount++
    if (hold !== undefined) {
      this.#holds.add(hold)
      delivery.exclude((fields) => isHeld(fields, hold), (each) => each === hold.connection)
    }
    const turn = (): void => {
      if (hold !== undefined) this.#holds.delete(hold)
      this.#actInTurn(act)
    }
    // A message that is being serialized comes first. Nothing postpones it.
    const serialized = changes.isSending ? undefined : membersOf(this.#pending).find(({ isDeferred }) => !isDeferred)
    if (serialized === undefined) changes.postpone(turn)
    else (serialized.turns ??= []).push(turn)
  }

  #actInTurn(act: () => void): void {
    const { changes } = this.#dependencies
    try {
      if (changes.isSending) changes.postponedBatch(act)
      else changes.batch(act)
    } catch (error) {
      this.#recorderFailed(error)
    }
  }

  /** Delivers a notice at once. Call this method only from `changes.afterwards`, because no delivery may be running. */
  notifyNow(recipients: Recipients<ConnectionRecord>, text: WireData, userId: string | undefined): void {
    this.#deliverNow(hostText(text, userId, this.#dependencies.options.clock.now()), recipients)
  }

  /** Excludes connections from earlier messages: from the message that is being delivered, and from all messages whose delivery has not begun. */
  exclude(isMeant: (fields: MessageFields) => boolean, isExcluded: Exclusion<ConnectionRecord>): void {
    this.#dependencies.delivery.exclude(isMeant, isExcluded)
    for (const { fields, exclusions } of membersOf(this.#pending)) if (isMeant(fields)) exclusions.push(isExcluded)
  }

  /**
   * True if a published message of the stream still waits to be recorded or delivered, and a call of `exclude` excluded the connection from this
   * message. The option `except` does not count.
   */
  leavesOut(connection: ConnectionRecord, stream: Hold['stream']): boolean {
    for (const { fields, exclusions } of membersOf(this.#pending)) {
      if (exclusions.some((isExcluded) => isExcluded(connection)) && isHeld(fields, { connection, stream })) return true
    }
    return false
  }

  /** How many messages wait to be recorded. */
  get unrecorded(): number {
    return membersOf(this.#pending).filter(({ plan }) => plan?.isRecorded === true).length
  }

  /** Yields the message that is being delivered, and then all messages whose delivery has not begun. */
  *underWay(): Generator<MessageFields, undefined> {
    const running = this.#dependencies.delivery.running
    if (running !== undefined) yield running
    for (const { fields } of membersOf(this.#pending)) yield fields
  }

  #read(message: unknown, origin: MessageOrigin): MessageFields {
    const { gate, options } = this.#dependencies
    if (gate.isClosed) throw gate.refusal()
    const fields = readMessage(message, options.streams, options.clock, origin)
    // Reading the message may have run the caller's code.
    if (gate.isClosed) throw gate.refusal()
    return fields
  }

  /** Returns the message with the text that the caller made for it. */
  #withText(fields: MessageFields, text: WireData | undefined): MessageFields {
    const { gate, options, quotas } = this.#dependencies
    // Reading the options may have run the caller's code.
    if (gate.isClosed) throw gate.refusal()
    if (text === undefined) return fields
    // The caller's text may be longer than a message: it may be a snapshot, or a message to which a recorder added its numbers.
    if (text.length > Math.max(quotas.limits.messageUnits, options.delivery.hardLimitBytes)) throw quotas.refusal('messageUnits', fields)
    return { ...fields, text }
  }

  #deliverOrDefer(fields: MessageFields, findRecipients: RecipientsFinder, plan?: Plan, message?: PendingMessage): PublishResult {
    const { changes } = this.#dependencies
    if (changes.isSending) return changes.whilePostponing(() => this.#defer(fields, findRecipients, plan))
    const outer = changes.beginSending()
    try {
      return plan === undefined ? this.#deliverNow(fields, findRecipients(fields)) : this.#deliverPlanned(fields, findRecipients, plan, message)
    } finally {
      changes.endSending(outer)
    }
  }

  #defer(fields: MessageFields, findRecipients: RecipientsFinder, plan: Plan | undefined): PublishResult {
    const { changes, delivery } = this.#dependencies
    this.#assertMayDefer()
    // Count the message before it is serialized. A `toJSON` may publish too, and the limit must end such a recursion.
    changes.postponedCount++
    const message: PendingMessage = { fields, findRecipients, plan, exclusions: [], isDeferred: true, text: undefined }
    this.#addPending(message)
    try {
      message.text = this.#textOf(fields)
    } catch (error) {
      changes.postponedCount--
      this.#removePending(message)
      throw error
    }
    changes.postpone(() => this.#deliverDeferred(message))
    delivery.noteDeferred()
    return emptyResult(true)
  }

  #assertMayDefer(): void {
    const { changes, delivery, options } = this.#dependencies
    const { maxDeferred: limit } = options
    if (changes.postponedCount < limit) return
    const reason = `More than ${limit} messages were published from within one delivery`
    const refusal = new ConnectionManagerError('ERR_PUBLISH_DEPTH', reason, { limit })
    delivery.noteRefusal(refusal)
    throw refusal
  }

  #deliverDeferred(message: PendingMessage): void {
    const { fields, findRecipients, plan } = message
    if (plan === undefined) {
      this.#removePending(message)
      return void this.#deliverNow(fields, findRecipients(fields), message)
    }
    try {
      this.#deliverPlanned(fields, findRecipients, plan, message)
    } catch (error) {
      this.#recorderFailed(error)
    }
  }

  /**
   * Delivers a message that the recorder must see. The message is serialized before its recipients are fixed, because the recorder gets the text. If
   * a `toJSON` subscribes a connection and sends it another message, the connection gets the other message first, and then this message. While this
   * message is serialized, it is pending, so that a revocation in this time excludes the users who lost access.
   */
  #recordAndDeliver(fields: MessageFields, plan: Plan): PublishResult {
    const { changes, gate } = this.#dependencies
    if (changes.isSending) return this.#deliverOrDefer(fields, this.#toSubscribers, plan)
    const message: PendingMessage = { fields, findRecipients: this.#toSubscribers, plan, exclusions: [], isDeferred: false, text: undefined }
    this.#addPending(message)
    try {
      message.text = this.#textOf(fields)
      // Serialization may have run the caller's code.
      if (gate.isClosed) throw gate.refusal()
      return this.#deliverOrDefer(fields, this.#toSubscribers, plan, message)
    } finally {
      this.#removePending(message)
      for (const turn of message.turns ?? []) turn()
    }
  }

  /** Delivers a message that the recorder must see, or that some connections must not get. */
  #deliverPlanned(fields: MessageFields, findRecipients: RecipientsFinder, plan: Plan, message?: PendingMessage): PublishResult {
    const text = this.#recorded(fields, plan, message)
    if (plan.except.length === 0) return this.#deliverNow(fields, findRecipients(fields), message, text)
    const leftOut = plan.except.map((each) => ({ connection: each, slots: this.#slotsOf(each, fields) })).filter(({ slots }) => slots.length > 0)
    const recipients = without(findRecipients(fields), leftOut.map(({ slots }) => slots))
    const hasSkip = text !== undefined && leftOut.length > 0 && this.#dependencies.options.recorder?.skip !== undefined
    const skipText = hasSkip ? (): string | undefined => this.#skipText(fields, text) : undefined
    return this.#deliverNow(fields, recipients, message, text, skipText)
  }

  /**
   * Returns the recorder's text, or `undefined` if there is nothing to record. The message stays pending while the recorder runs, because the
   * recorder is user code.
   */
  #recorded(fields: MessageFields, { isRecorded }: Plan, message: PendingMessage | undefined): string | undefined {
    try {
      // A message that is recorded has its text already.
      return isRecorded ? recordedText(this.#dependencies.options.recorder, fields, message?.text as string) : undefined
    } finally {
      if (message !== undefined) this.#removePending(message)
    }
  }

  /**
   * Returns the skip: the recorder's text for the connections that `except` left out of a message. If the recorder fails, its error is reported, and
   * the result is `undefined`.
   */
  #skipText(fields: MessageFields, text: string): string | undefined {
    try {
      return skipText(this.#dependencies.options.recorder as RecorderMethods, fields, text)
    } catch (error) {
      this.#recorderFailed(error)
      return undefined
    }
  }

  /** Reports the recorder's error. If the recorder did not throw but returned no text, the error comes from this library. */
  #recorderFailed(error: unknown): void {
    this.#dependencies.events.postError({ error: (error as Error).cause ?? error, stage: 'recorder' })
    this.#dependencies.changes.tellAfterwards()
  }

  #slotsOf(connection: ConnectionRecord, fields: MessageFields): Slot[] {
    const { subscriptions } = this.#dependencies
    return subscriptions.slotsIn(subscriptions.subscribed(fields), connection, fields.streamType, fields.symbol)
  }

  /**
   * Delivers a message now. The recipients are fixed before serialization, because serialization may run user code. If this code adds a connection,
   * that connection gets only later messages. The recorder's text is a separate argument, because copying the fields of each message is slow.
   */
  #deliverNow(
    fields: MessageFields,
    recipients: Recipients<ConnectionRecord>,
    message?: PendingMessage,
    recorded?: string,
    skipText?: () => string | undefined,
  ): PublishResult {
    const { delivery, options } = this.#dependencies
    if (recipients.matched === 0 && skipText === undefined) return emptyResult(false)
    const exclusions = message?.exclusions ?? NO_EXCLUSIONS
    const fanOut = delivery.begin(fields, recipients, this.#holds.size === 0 ? exclusions : [...exclusions, (each) => this.#isHeldBack(each, fields)])
    try {
      const text = recorded ?? fields.text ?? message?.text ?? this.#textOf(fields)
      return delivery.serve(fanOut, text, message?.isDeferred === true ? options.clock.now() : fields.readAtMs, skipText)
    } catch (error) {
      delivery.abandon(fanOut)
      throw error
    }
  }

  #addPending(message: PendingMessage): void {
    this.#pending = pendingMessages.including(this.#pending, message)
  }

  #removePending(message: PendingMessage): void {
    this.#pending = pendingMessages.without(this.#pending, message)
  }

  #isHeldBack(connection: ConnectionRecord, fields: MessageFields): boolean {
    for (const hold of this.#holds) if (hold.connection === connection && isHeld(fields, hold)) return true
    return false
  }

  #textOf(fields: MessageFields): WireData {
    if (fields.text !== undefined) return fields.text
    const { options: { serialize }, quotas } = this.#dependencies
    const text = serialize === undefined ? wireText(fields) : customData(serialize, fields)
    if (text.length > quotas.limits.messageUnits) throw quotas.refusal('messageUnits', fields)
    return text
  }
}

/** True if a message is published to the stream of a hold. */
function isHeld({ origin, streamType, symbol, userId }: MessageFields, { stream }: Hold): boolean {
  return origin === 'published' && streamType === stream.streamType && (stream.symbol ?? symbol) === symbol && userId === stream.userId
}

/** @throws `ERR_INVALID_ARGUMENT` unless the value is a connection */
export function asConnection(value: unknown): ConnectionRecord {
  if (ConnectionRecord.is(value)) return value
  throw notAConnection(value)
}

const NO_EXCLUSIONS: readonly Exclusion<ConnectionRecord>[] = []
