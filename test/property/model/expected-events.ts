import type { CloseReason, Connection, ErrorStage, ManagerEvents, Subscription, SubscriptionChange, SubscriptionEndReason } from '../../../src/index.ts'
import { keyOf, type Stream, type StreamName, type Streams } from './catalogue.ts'
import { demandKeyOf, type Change, type ConnectionFact, type Facts, type Holder, type SubscriptionFact } from './facts.ts'
import type { Inboxes } from './inboxes.ts'
import type { EventName } from './operations.ts'
import type { ScriptedSocket } from './sockets.ts'
import type { Revocation } from './requests.ts'
import type { CallFrame } from './stage.ts'

export type Payloads = ManagerEvents<ScriptedSocket, Streams>

/** An event that is to come. */
interface Expected {
  readonly name: EventName
  readonly subject: ConnectionFact | SubscriptionFact | string
  readonly holder: ConnectionFact | 'anybody' | undefined
  /** How a subscription changed, or why it ended; whose a connection was before. */
  readonly detail: string | undefined
  /** It need not come. */
  readonly isOptional: boolean
}

/** The events of one change, in whatever order. */
interface Batch {
  readonly owner: CallFrame | undefined
  readonly events: Expected[]
}

/**
 * The events that listeners get: all that changed, once, in the order of the changes, before the call that made them returns.
 */
export class ExpectedEvents {
  readonly #facts: Facts
  readonly #inboxes: Inboxes
  readonly #complain: (complaint: string) => void
  readonly #batches: Batch[] = []
  /** Streams that are active by the events. */
  readonly #active = new Set<string>()
  /** Stream → how often it became idle. */
  readonly #idleTimes = new Map<string, number>()
  /** Connection → since when it is behind, by the events. */
  readonly #behindSince = new Map<ConnectionFact, number>()
  /** Users whose last connection was given to somebody else. */
  readonly #heardRemoved = new Set<ConnectionFact>()
  readonly #monotonic: () => number
  readonly #movedAway = new Set<string>()
  readonly #errors = new Map<ErrorStage, number>()
  readonly #expectedErrors = new Map<ErrorStage, number>()

  constructor(facts: Facts, inboxes: Inboxes, monotonic: () => number, complain: (complaint: string) => void) {
    this.#facts = facts
    this.#monotonic = monotonic
    this.#inboxes = inboxes
    this.#complain = complain
  }

  /** The events of a change; of several removals at once nobody says in which order holders let go. */
  expect(change: Change, owner: CallFrame | undefined): void {
    const areSeveral = change.went.length > 1
    const endReason = endReasonOf(change, owner)
    const event = (
      name: EventName,
      subject: Expected['subject'],
      holder?: Expected['holder'],
      detail?: string,
      isOptional = false,
    ): Expected => ({ name, subject, holder, detail, isOptional })
    const events = [
      ...change.came.map((each) => event('connectionAdded', each)),
      ...change.online.map((userId) => event('userOnline', userId)),
      ...change.went.map((each) => event('connectionRemoved', each)),
      ...change.offline.map((userId) => event('userOffline', userId)),
      ...change.begun.map((each) => event('subscriptionAdded', each, holderIn(each))),
      ...change.ended.map(({ subscription, holders }) =>
        event('subscriptionRemoved', subscription, areSeveral ? 'anybody' : lastHolder(holders, change, owner), endReason),
      ),
      ...change.changed.map(({ subscription, holder, change: how }) => event('subscriptionChanged', subscription, holder, how, areSeveral)),
      ...(areSeveral ? change.ended.map(({ subscription }) => event('subscriptionChanged', subscription, undefined, 'holder-removed', true)) : []),
    ]
    if (events.length > 0) this.#batches.push({ owner, events })
  }

  /** A connection was given to another user: that is told first. */
  expectReassigned(connection: ConnectionFact, from: string, owner: CallFrame | undefined): void {
    if (!this.#facts.isOnline(from)) this.#movedAway.add(from)
    const event = { name: 'connectionReassigned' as const, subject: connection, holder: undefined, detail: from, isOptional: false }
    this.#batches.push({ owner, events: [event] })
  }

  /** The status of a stream's source changed. */
  expectStatus(subscriptions: readonly SubscriptionFact[], owner: CallFrame | undefined): void {
    const eventOf = (subject: SubscriptionFact): Expected => ({ name: 'subscriptionChanged', subject, holder: undefined, detail: 'status', isOptional: false })
    if (subscriptions.length > 0) this.#batches.push({ owner, events: subscriptions.map(eventOf) })
  }

  /** Something is revoked: that is told first. */
  expectRevoked(revocation: Revocation, owner: CallFrame | undefined): void {
    const event = { name: 'revoked' as const, subject: textOf(revocation), holder: undefined, detail: undefined, isOptional: false }
    this.#batches.push({ owner, events: [event] })
  }

  expectError(stage: ErrorStage): void {
    this.#expectedErrors.set(stage, (this.#expectedErrors.get(stage) ?? 0) + 1)
  }

  hear<TName extends EventName>(name: TName, payload: Payloads[TName]): void {
    if (!Object.isFrozen(payload)) this.#complain(`The payload of ${name} can be changed`)
    const heard = { name, payload } as { [TEach in EventName]: { name: TEach; payload: Payloads[TEach] } }[EventName]
    switch (heard.name) {
      case 'connectionAdded':
        return this.#match(heard.name, this.#connectionOf(heard.payload.connection))
      case 'connectionRemoved':
        return this.#hearRemoval(this.#connectionOf(heard.payload.connection), heard.payload.reason)
      case 'connectionReassigned':
        return this.#match(heard.name, this.#connectionOf(heard.payload.connection), undefined, heard.payload.from)
      case 'connectionBehind':
        return this.#hearBehind(heard.payload)
      case 'connectionCaughtUp':
        return this.#hearCaughtUp(heard.payload)
      case 'revoked':
        return this.#match(heard.name, textOf(heard.payload))
      case 'userOnline':
        return this.#match(heard.name, heard.payload.userId)
      case 'userOffline':
        return this.#hearOffline(heard.payload)
      case 'subscriptionAdded':
        return this.#hearSubscription(heard.name, heard.payload, undefined)
      case 'subscriptionRemoved':
        return this.#hearSubscription(heard.name, heard.payload, heard.payload.reason)
      case 'subscriptionChanged':
        return this.#hearSubscription(heard.name, heard.payload, heard.payload.change)
      case 'streamActive':
      case 'streamIdle':
        return this.#hearDemand(heard.name, heard.payload)
      case 'gap':
        return this.#hearGap(heard.payload)
      case 'error':
        return void this.#errors.set(heard.payload.stage, (this.#errors.get(heard.payload.stage) ?? 0) + 1)
    }
  }

  /** All that this call changed, and not what others did, must have been emitted when it returns. */
  assertEmitted(owner: CallFrame): void {
    for (const batch of this.#batches) if (batch.owner === owner) this.#complainOfMissing(batch)
  }

  /** Nothing is under way: every event was emitted. */
  assertAllEmitted(): void {
    for (const batch of this.#batches) this.#complainOfMissing(batch)
    this.#batches.length = 0
    for (const complaint of this.#inboxes.unreported()) this.#complain(complaint)
    for (const stage of new Set([...this.#errors.keys(), ...this.#expectedErrors.keys()])) {
      const [emitted, expected] = [this.#errors.get(stage) ?? 0, this.#expectedErrors.get(stage) ?? 0]
      if (emitted !== expected) this.#complain(`${emitted} errors of stage ${stage} were emitted, expected ${expected}`)
    }
    const active = new Set([...this.#facts.demanded(), ...this.#facts.idling.keys()])
    for (const key of active) if (!this.#active.has(key)) this.#complain(`${key} is active, and no event said so`)
    for (const key of this.#active) if (!active.has(key)) this.#complain(`${key} is idle, and no event said so`)
    this.#assertNoFlicker()
  }

  /** The connections that are behind, by the events, and since when. */
  get behind(): ReadonlyMap<ConnectionFact, number> {
    return this.#behindSince
  }

  /** No stream became idle more often than it lost its last subscriber. */
  #assertNoFlicker(): void {
    const { losses, idling } = this.#facts
    for (const [key, times] of this.#idleTimes) {
      const most = losses.get(key) ?? 0
      if (times > most) this.#complain(`${key} became idle ${times} times, and lost its last subscriber ${most} times`)
    }
    // What was regained in time is settled: it must not hide a later one.
    for (const key of losses.keys()) losses.set(key, (this.#idleTimes.get(key) ?? 0) + (idling.has(key) ? 1 : 0))
  }

  #match(name: EventName, subject: Expected['subject'] | undefined, holder?: ConnectionFact, detail?: string): void {
    const isThis = (each: Expected): boolean =>
      each.name === name &&
      each.subject === subject &&
      each.detail === detail &&
      (each.isOptional || each.holder === 'anybody' || each.holder === holder)
    const batch = this.#batches.find(({ events }) => events.some((each) => !each.isOptional) || events.some(isThis))
    const at = batch?.events.findIndex(isThis) ?? -1
    if (batch === undefined || at === -1)
      return this.#complain(
        `${describeEvent({ name, subject, holder, detail })} was emitted, ${this.#awaited()}`,
      )
    if (batch.events[at]?.isOptional === false) batch.events.splice(at, 1)
  }

  #awaited(): string {
    const batch = this.#batches.find(({ events }) => events.some((each) => !each.isOptional))
    return batch === undefined
      ? 'and nothing had changed'
      : `next is ${batch.events
          .filter((each) => !each.isOptional)
          .map(describeEvent)
          .join(', ')}`
  }

  #complainOfMissing({ events }: Batch): void {
    for (const event of events) if (!event.isOptional) this.#complain(`${describeEvent(event)} was not emitted`)
    events.length = 0
  }

  #hearRemoval(connection: ConnectionFact | undefined, reason: CloseReason): void {
    this.#match('connectionRemoved', connection)
    if (connection === undefined) return
    this.#heardRemoved.add(connection)
    if (!connection.reasons.includes(reason))
      this.#complain(`${describeSubject(connection)} was removed as ${reason}, expected ${connection.reasons.join(' or ')}`)
    connection.reasons = [reason]
  }

  #hearOffline({ userId, reason }: Payloads['userOffline']): void {
    this.#match('userOffline', userId)
    if (reason === 'reassigned') {
      if (!this.#movedAway.has(userId)) this.#complain(`${JSON.stringify(userId)} went offline as reassigned, and no connection of theirs was`)
      return
    }
    const gone = this.#facts.connections.filter((each) => !each.isLive && each.userId === userId)
    if (!gone.some(({ reasons }) => reasons.includes(reason)))
      this.#complain(`${JSON.stringify(userId)} went offline as ${reason}, and no connection of theirs did`)
  }

  #hearSubscription(
    name: 'subscriptionAdded' | 'subscriptionRemoved' | 'subscriptionChanged',
    { subscription: view, connection }: Payloads['subscriptionAdded'],
    detail: SubscriptionChange | SubscriptionEndReason | undefined,
  ): void {
    const subscription = this.#subscriptionOf(view)
    if (subscription === undefined) return this.#complain(`${name} was emitted for ${view.key}, which nobody has`)
    this.#match(name, subscription, connection && this.#connectionOf(connection), detail)
  }

  /** The subscription of a view: the one that it is known to be of, or else the oldest of this name that has none yet. */
  #subscriptionOf(view: Subscription): SubscriptionFact | undefined {
    const all = [...this.#facts.ended, ...this.#facts.subscriptions]
    const known = all.find((each) => each.view === view)
    const found =
      known ?? all.find((each) => each.view === undefined && each.userId === view.userId && keyOf(each.stream) === keyOf(view as Stream))
    if (found !== undefined) found.view = view
    return found
  }

  #connectionOf(handle: Connection<ScriptedSocket, Streams>): ConnectionFact | undefined {
    const connection = this.#facts.connections.find(({ socket }) => socket === handle.socket)
    if (connection === undefined) this.#complain(`An event is about a connection that nobody made: ${handle.id}`)
    else if (connection.handle !== undefined && connection.handle !== handle) this.#complain(`${describeSubject(connection)} has two handles`)
    else connection.handle = handle
    return connection
  }

  #hearDemand(name: 'streamActive' | 'streamIdle', { streamType, symbol, userId = '' }: Payloads['streamActive']): void {
    const key = demandKeyOf({ stream: { streamType: streamType as StreamName, symbol }, userId })
    if (this.#active.has(key) === (name === 'streamActive'))
      this.#complain(`${name} of ${key} was emitted twice, or without the other before it`)
    if (name === 'streamActive') this.#active.add(key)
    else this.#active.delete(key)
    if (name === 'streamIdle') this.#idleTimes.set(key, (this.#idleTimes.get(key) ?? 0) + 1)
  }

  #hearBehind({ connection: handle }: Payloads['connectionBehind']): void {
    const connection = this.#connectionOf(handle)
    if (connection === undefined) return
    if (this.#behindSince.has(connection)) this.#complain(`${describeSubject(connection)} is said to be behind twice`)
    this.#behindSince.set(connection, this.#monotonic())
  }

  #hearCaughtUp({ connection: handle, behindForMs }: Payloads['connectionCaughtUp']): void {
    const connection = this.#connectionOf(handle)
    if (connection === undefined) return
    const sinceMs = this.#behindSince.get(connection)
    if (sinceMs === undefined) return this.#complain(`${describeSubject(connection)} has caught up, and was not behind`)
    if (this.#heardRemoved.has(connection)) this.#complain(`${describeSubject(connection)} has caught up after it was removed`)
    const expected = this.#monotonic() - sinceMs
    if (behindForMs !== expected) this.#complain(`${describeSubject(connection)} was behind for ${behindForMs} ms, expected ${expected}`)
    this.#behindSince.delete(connection)
  }

  #hearGap({ connection: handle, streamType, symbol, dropped }: Payloads['gap']): void {
    const connection = this.#connectionOf(handle)
    if (connection !== undefined) this.#inboxes.noteGapEvent(connection, { streamType: streamType as StreamName, symbol }, dropped)
  }
}

/** The connection that let go last: it unsubscribed, or it went, and nobody else held it. */
function lastHolder(holders: readonly Holder[], { went }: Change, owner: CallFrame | undefined): ConnectionFact | undefined {
  if (holders.includes('user')) return undefined
  const [holder] = holders
  const isByItself = owner?.name === 'unsubscribe' || owner?.name === 'reassign'
  return went.length === 1 ? went[0] : isByItself && holder !== 'user' ? holder : undefined
}

function holderIn({ holders }: SubscriptionFact): ConnectionFact | undefined {
  const [holder] = holders
  return holder === 'user' ? undefined : holder
}

/** Why subscriptions ended in a change that a call made, or that the manager made by itself. */
function endReasonOf({ went }: Change, owner: CallFrame | undefined): SubscriptionEndReason {
  switch (owner?.name) {
    case 'unsubscribe':
    case 'removeSubscription':
      return 'unsubscribed'
    case 'revoke':
      return 'revoked'
    case 'reassign':
      return 'reassigned'
    case 'cleanup':
      return 'cleanup'
    case 'removeUser':
      return 'disconnected'
    default:
      return went.length > 0 ? 'disconnected' : 'expired'
  }
}

function textOf({ userId, streamType, symbol }: Revocation): string {
  return JSON.stringify([userId, streamType, symbol])
}

function describeEvent({ name, subject, holder, detail }: Pick<Expected, 'name' | 'holder' | 'detail'> & { readonly subject: Expected['subject'] | undefined }): string {
  const by = holder === undefined || holder === 'anybody' ? '' : ` by ${describeSubject(holder)}`
  return `${name} of ${describeSubject(subject)}${by}${detail === undefined ? '' : ` (${detail})`}`
}

function describeSubject(subject: Expected['subject'] | undefined): string {
  if (subject === undefined) return 'somebody unknown'
  if (typeof subject === 'string') return JSON.stringify(subject)
  return 'socket' in subject ? subject.socket.name : `${JSON.stringify(subject.userId)}'s ${keyOf(subject.stream)}`
}
