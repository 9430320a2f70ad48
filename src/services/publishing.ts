import type { Quotas } from '../access/quotas.ts'
import { membersOf } from '../collections/small-set.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Exclusion } from '../delivery/fan-out.ts'
import { allOf, eachOf, eitherOf, nobody, oneOf, thisOne, type Recipients } from '../delivery/recipients.ts'
import { ConnectionManagerError, describe } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import { asIdentifier } from '../model/identifier.ts'
import { addressedTo, forEverybody, hostText, readMessage, recipientMissing, type MessageFields } from '../model/message-fields.ts'
import { emptyResult, type PublishResult } from '../model/publish-result.ts'
import { customText, wireText } from '../model/wire-form.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord } from '../registry/records.ts'
import type { Subscriptions } from '../registry/subscriptions.ts'
import type { Users } from '../registry/users.ts'
import type { Gate } from './gate.ts'

/** Finds the recipients of a message. It is called once, when the delivery of the message starts. */
type RecipientsFinder = (fields: MessageFields) => Recipients<ConnectionRecord>

/** A message that waits for another delivery to end. */
interface DeferredMessage {
  readonly fields: MessageFields
  readonly findRecipients: RecipientsFinder
  /** Connections that must not get it. */
  readonly exclusions: Exclusion<ConnectionRecord>[]
  /** `undefined` while it is being serialized. */
  text: string | undefined
}

export interface PublishingDependencies {
  readonly options: Pick<ResolvedOptions, 'streams' | 'serialize' | 'maxDeferred' | 'clock'>
  readonly gate: Gate
  readonly changes: Changes
  readonly quotas: Quotas
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly delivery: Delivery<ConnectionRecord>
}

/**
 * Delivers one message after the other. It reads the message, finds the recipients, and serializes it once. Then it hands the text to the
 * delivery, which gives it to each recipient before the next message begins.
 */
export class Publishing {
  readonly #dependencies: PublishingDependencies
  readonly #deferred = new Set<DeferredMessage>()
  readonly #toSubscribers: RecipientsFinder = ({ definition, streamType, symbol, userId }) => {
    const { subscriptions } = this.#dependencies
    const isPrivate = definition.audience === 'private'
    const { whole, exact, overlaps } = isPrivate ? subscriptions.subscribedOf(userId, streamType, symbol) : subscriptions.subscribed(streamType, symbol)
    return eitherOf(whole, exact, overlaps)
  }

  constructor(dependencies: PublishingDependencies) {
    this.#dependencies = dependencies
  }

  publish(message: unknown): PublishResult {
    const fields = this.#read(message)
    if (fields.userId === undefined && fields.definition.audience === 'private') throw recipientMissing(fields)
    return this.#deliverOrDefer(fields, this.#toSubscribers)
  }

  sendToUser(userId: string, message: unknown): PublishResult {
    const { users, connections } = this.#dependencies
    const fields = addressedTo(asIdentifier(userId, 'userId'), this.#read(message))
    return this.#deliverOrDefer(fields, () => eachOf(connections.all, membersOf(users.find(userId)?.connections).map(ConnectionRecord.slotOf)))
  }

  sendToConnection(connectionId: string, message: unknown): PublishResult {
    const { connections } = this.#dependencies
    const fields = this.#read(message)
    const connection = connections.byId.get(asIdentifier(connectionId, 'connectionId'))
    if (connection === undefined) return this.#deliverOrDefer(fields, nobody)
    return this.#deliverOrDefer(addressedTo(connection.userId, fields), () => oneOf(connections.all, ConnectionRecord.slotOf(connection)))
  }

  broadcast(message: unknown): PublishResult {
    const { connections } = this.#dependencies
    return this.#deliverOrDefer(forEverybody(this.#read(message)), () => allOf(connections.all))
  }

  /** Delivers a text of the host to one connection. */
  send(connection: ConnectionRecord, text: unknown): PublishResult {
    const { connections, options, quotas } = this.#dependencies
    if (typeof text !== 'string') throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A text must be a string, got ${describe(text)}`)
    const { id: connectionId, userId } = connection
    quotas.assertLength(text, { connectionId, userId })
    return this.#deliverOrDefer(hostText(text, userId, options.clock.now()), () => thisOne(connections.all, ConnectionRecord.slotOf(connection)))
  }

  /** Excludes connections from messages that were published before: the one that is being delivered, and the deferred ones. */
  exclude(isMeant: (fields: MessageFields) => boolean, isExcluded: Exclusion<ConnectionRecord>): void {
    this.#dependencies.delivery.exclude(isMeant, isExcluded)
    for (const { fields, exclusions } of this.#deferred) if (isMeant(fields)) exclusions.push(isExcluded)
  }

  /** The messages that are being delivered or deferred. */
  *underWay(): Generator<MessageFields, undefined> {
    const running = this.#dependencies.delivery.running
    if (running !== undefined) yield running
    for (const { fields } of this.#deferred) yield fields
  }

  #read(message: unknown): MessageFields {
    const { gate, options } = this.#dependencies
    if (gate.isClosed) throw gate.refusal()
    const fields = readMessage(message, options.streams, options.clock)
    // Reading the message may have run the caller's code.
    if (gate.isClosed) throw gate.refusal()
    return fields
  }

  #deliverOrDefer(fields: MessageFields, findRecipients: RecipientsFinder): PublishResult {
    const { changes } = this.#dependencies
    if (changes.isSending) return changes.whilePostponing(() => this.#defer(fields, findRecipients))
    const outer = changes.beginSending()
    try {
      return this.#deliverNow(fields, findRecipients)
    } finally {
      changes.endSending(outer)
    }
  }

  #defer(fields: MessageFields, findRecipients: RecipientsFinder): PublishResult {
    const { changes, delivery } = this.#dependencies
    this.#assertMayDefer()
    // Counted before it is serialized. A `toJSON` may publish as well, and such a chain must end.
    changes.postponedCount++
    const message: DeferredMessage = { fields, findRecipients, exclusions: [], text: undefined }
    this.#deferred.add(message)
    try {
      message.text = this.#textOf(fields)
    } catch (error) {
      changes.postponedCount--
      this.#deferred.delete(message)
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

  #deliverDeferred(message: DeferredMessage): void {
    this.#deferred.delete(message)
    this.#deliverNow(message.fields, message.findRecipients, message)
  }

  #deliverNow(fields: MessageFields, findRecipients: RecipientsFinder, deferred?: DeferredMessage): PublishResult {
    const { delivery, options } = this.#dependencies
    // Before serialization, which may run user code. A connection that is added there gets the next message, not this one.
    const recipients = findRecipients(fields)
    if (recipients.matched === 0) return emptyResult(false)
    const fanOut = delivery.begin(fields, recipients, deferred?.exclusions ?? NO_EXCLUSIONS)
    let result: PublishResult | undefined
    try {
      const text = deferred?.text ?? this.#textOf(fields)
      result = delivery.serve(fanOut, text, deferred === undefined ? fields.readAtMs : options.clock.now())
      return result
    } finally {
      if (result === undefined) delivery.abandon(fanOut)
    }
  }

  #textOf(fields: MessageFields): string {
    if (fields.text !== undefined) return fields.text
    const { options: { serialize }, quotas } = this.#dependencies
    const text = serialize === undefined ? wireText(fields) : customText(serialize, fields)
    if (text.length > quotas.limits.messageUnits) throw quotas.refusal('messageUnits', fields)
    return text
  }
}

const NO_EXCLUSIONS: readonly Exclusion<ConnectionRecord>[] = []
