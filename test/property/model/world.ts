import {
  ConnectionManager,
  ConnectionManagerError,
  type CloseReason,
  type ConnectionManagerOptions,
  type QuotaName,
  type Recorder,
  type AnyHandle,
} from '../../../src/index.ts'
import { EVENT_NAMES } from '../../support/event-names.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { Accounts } from './accounts.ts'
import { Aim } from './aim.ts'
import { Ledger } from './ledger.ts'
import { isPrivate, keyOf, streams, type Stream, type Streams } from './catalogue.ts'
import { Closings } from './closings.ts'
import { activeIn, differences } from './comparison.ts'
import { hasSendQueue, mayWait, type Delivery } from './deliveries.ts'
import { Depth } from './depth.ts'
import { Facts, type ConnectionFact, type Refreshed } from './facts.ts'
import { UserCode, isShallowlyEqual, wireOf } from './user-code.ts'
import { Inboxes } from './inboxes.ts'
import type { Moving } from './moving.ts'
import type { Operation, Reaction } from './operations.ts'
import { Refusals } from './refusals.ts'
import type { Setting } from './setting.ts'
import { socketOf, transportsOf, type AnyTransport, type Kind, type ScriptedSocket } from './sockets.ts'
import { Pressures } from './pressures.ts'
import { PASS, refusedWith, Stage, type Asking, type Batching, type CallFrame, type CallName, type Noticing, type Timing, type Verdict } from './stage.ts'
import type { Tally } from './tally.ts'
import { Notices } from './notices.ts'
import { ExpectedEvents } from './expected-events.ts'
import { describe, Trace } from './trace.ts'
import { Updates } from './updates.ts'

type Manager = ConnectionManager<ScriptedSocket, Streams>

/** A call into the manager, and what is to come of it. */
export interface Call<TValue> {
  readonly name: CallName
  /** As one would write it. */
  readonly text: () => string
  /** By what is known when it is made; of a subscription, before `authorize` is called. */
  readonly verdict: Verdict
  readonly delivery?: Delivery | undefined
  readonly asking?: Asking | undefined
  readonly moving?: Moving | undefined
  readonly noticing?: Noticing | undefined
  readonly batching?: Batching | undefined
  /** What it is to throw, because user code within it does. */
  readonly thrown?: unknown
  /** Makes it a fact. */
  commit?(): void
  act(): TValue
  /** Looks at what it answered. */
  check?(value: TValue): void
  /** It was refused, as it was to be. */
  refused?(error: ConnectionManagerError): void
}

/** One manager, what is known of it from outside, and how calls into it are held against that. */
export class World {
  readonly setting: Setting
  readonly clock: ManualClock = new ManualClock()
  readonly complaints: string[] = []
  readonly stage: Stage = new Stage()
  readonly trace: Trace
  readonly tally: Tally
  readonly facts: Facts
  readonly inboxes: Inboxes
  readonly pressures: Pressures
  readonly ledger: Ledger
  readonly accounts: Accounts
  readonly updates: Updates
  readonly events: ExpectedEvents
  readonly aim: Aim
  readonly closings: Closings
  readonly refusals: Refusals
  readonly depth: Depth
  readonly userCode: UserCode
  readonly notices: Notices
  readonly manager: Manager
  readonly transports: Readonly<Record<Kind, AnyTransport | undefined>>
  readonly sockets: ScriptedSocket[] = []
  /** What is to happen at the end of this tick. */
  readonly atEndOfTick: (() => void)[] = []
  readonly #perform: (operation: Operation) => void
  #lastRefusal: ConnectionManagerError | undefined
  #callsMade = 0
  #stranger: Manager | undefined

  constructor(setting: Setting, tally: Tally, isTraced: boolean, perform: (operation: Operation) => void) {
    this.setting = setting
    this.tally = tally
    this.trace = new Trace(isTraced)
    this.#perform = perform
    const complain = (complaint: string): void => this.complain(complaint)
    this.facts = new Facts(setting, { monotonic: () => this.clock.monotonic(), active: () => activeIn(this.manager), complain })
    this.inboxes = new Inboxes(complain)
    this.pressures = new Pressures(this.facts, setting.softLimitBytes)
    this.ledger = new Ledger(this.facts, this.inboxes, this.pressures, setting, () => this.clock.monotonic(), complain)
    this.accounts = new Accounts(this.ledger, this.facts, this.inboxes, setting, () => this.clock.monotonic(), complain)
    this.updates = new Updates(this.facts, () => this.clock.now())
    this.events = new ExpectedEvents(this.facts, this.inboxes, () => this.clock.monotonic(), complain)
    this.aim = new Aim(setting, this.facts, this.ledger, this.stage)
    this.closings = new Closings(setting, this.clock, this.events, complain)
    this.refusals = new Refusals(setting, this.facts)
    this.depth = new Depth(setting.maxDeferred)
    this.userCode = new UserCode(this)
    this.notices = new Notices(this)
    this.transports = transportsOf(this.userCode)
    this.manager = new ConnectionManager<ScriptedSocket, Streams>(this.#options())
    for (const event of EVENT_NAMES) this.manager.on(event, (payload) => this.userCode.hearing(event, payload))
  }

  complain(complaint: string): void {
    this.complaints.push(complaint)
    this.trace.say(() => `// ✗ ${complaint}`)
  }

  expect(what: string, value: unknown, expected: unknown): void {
    if (value !== expected) this.complain(`${what} is ${String(value)}, expected ${String(expected)}`)
  }

  /** Something besides happens within the call that is running, such as a notice to somebody else. */
  disturb(): void {
    this.#callsMade++
  }

  /** A quota that was reached must be one of these, as it is set. */
  checkQuota({ code, quota, limit }: ConnectionManagerError, exceeded: readonly QuotaName[]): void {
    if (code !== 'ERR_QUOTA_EXCEEDED') return
    const isRight = quota !== undefined && exceeded.includes(quota) && limit === this.setting.quotas[quota]
    if (!isRight) this.complain(`Quota ${quota} of ${limit} was reached, expected ${exceeded.join(' or ')}`)
  }

  newSocket(kind: Kind): ScriptedSocket {
    const socket = socketOf(kind, `socket${this.sockets.length + 1}`, this.userCode)
    this.sockets.push(socket)
    return socket
  }

  // What happens

  /** Makes a call, holds its outcome against what was expected, and all that the manager shows against the facts. */
  call<TValue>(call: Call<TValue>): void {
    const { name, text, verdict, delivery, asking, moving, noticing, batching } = call
    const caller = this.stage.hook
    if (caller !== undefined) this.tally.noteNested(caller.name, name)
    this.trace.say(text)
    this.stage.areNewcomersTold ||= this.facts.haveSourcesFailed
    const frame: CallFrame = { kind: 'call', name, verdict, delivery, asking, moving, noticing, batching }
    if (moving !== undefined) moving.frame = frame
    this.stage.within(frame, () => this.#callWithin(frame, call))
    this.#noteEndOfOutermost()
    this.#assertEmitted(frame)
    this.accounts.checkAtAnyMoment(this.manager.stats())
    this.compare()
  }

  /** Lets something happen that is no call, such as time that passes. */
  happen(name: CallName, text: () => string, act: () => void): void {
    this.trace.say(text)
    this.stage.within(happening(name), () => this.trace.within(act))
    this.observe()
    this.#noteEndOfOutermost()
  }

  /** What was deferred within the outermost call has been delivered when that is over. */
  #noteEndOfOutermost(): void {
    if (this.stage.depth > 0) return
    this.depth.reset()
    this.ledger.concludeAll()
    this.stage.areNewcomersTold = false
    for (const { connection, stream } of this.facts.takeUntold()) this.complain(`${connection.socket.name} was not told the status of ${keyOf(stream)}`)
  }

  /** In a batch nothing is emitted before its end, and then everything is. */
  #assertEmitted(frame: CallFrame): void {
    const { batch } = this.stage
    const calls = [...(frame.batching?.calls ?? []), frame]
    if (batch === undefined) for (const each of calls) this.events.assertEmitted(each)
    else batch.calls.push(...calls)
  }

  /** Carries out the steps of a batch. */
  carryOutSteps(batching: Batching, steps: readonly Operation[]): void {
    const outer = this.ledger.batchBegins()
    const wasActing = batching.isActing
    batching.isActing = true
    for (const step of steps) this.#perform(step)
    this.observe()
    batching.isActing = wasActing
    this.ledger.batchEnds(outer)
  }

  /** A connection of another manager. */
  get stranger(): AnyHandle {
    this.#stranger ??= new ConnectionManager<ScriptedSocket, Streams>({ streams })
    const socket = { send: () => {}, close: () => {} }
    return this.#stranger.getConnection('c1') ?? this.#stranger.addConnection('c1', socket as never, 'PRICE')
  }

  /** Lets promises settle, and what comes of that happen. */
  async settle(): Promise<void> {
    await this.stage.during(happening('promises settle'), async () => {
      for (let i = 0; i < 8; i++) await undefined
    })
    this.closings.promisesSettled()
    this.observe()
  }

  /** Carries out what user code does before it answers; returns what it was refused with last. */
  carryOut(operations: readonly Operation[]): ConnectionManagerError | undefined {
    this.#lastRefusal = undefined
    for (const operation of operations) this.#perform(operation)
    this.observe()
    return this.#lastRefusal
  }

  /** Of these the first that something waits for does something when it is handed that. */
  armHandingOn(connections: readonly ConnectionFact[], reaction: Reaction): void {
    const first = connections.find((each) => hasSendQueue(each) && this.ledger.openOf(each).length > 0)
    const isNothing = reaction.answer === 'ok' && reaction.meanwhile.length === 0
    if (first !== undefined && !isNothing) this.userCode.arm(first.socket, 'nextSends', reaction)
  }

  // What is known of it

  /** Makes a fact of what the call that is running changes. */
  commit(change: () => void, refreshed?: Refreshed): void {
    this.#commitFor(this.stage.call, change, refreshed)
  }

  /**
   * Looks for what the manager did by itself: connections that it gave to other users or took out of service, subscriptions that expired.
   */
  observe(): void {
    for (const moving of this.stage.moves) this.#observeMove(moving)
    for (const connection of this.facts.live) {
      if (this.#handleOf(connection)?.removed === true) this.#noteEndOfService(connection)
    }
    const expired = this.facts.overdue().filter(({ view }) => view?.status === 'DISCONNECTED')
    if (expired.length > 0) this.#commitFor(undefined, () => this.facts.end(expired))
  }

  /** What waits for a connection is about to be handed on, if there is room. */
  handsOn(connection: ConnectionFact): void {
    if (this.stage.depth > 0) this.ledger.pressureChanges(connection)
    this.pressures.handingOn(connection, this.stage.depth === 0)
  }

  /** What waits of some streams for a connection is purged. */
  purge(connection: ConnectionFact, isMeant: (stream: Stream) => boolean): void {
    this.#noteWhoIsFull()
    this.ledger.purge(connection, isMeant)
  }

  #observeMove(moving: Moving): void {
    const { connection, userId } = moving
    const isMoved = connection.isLive && connection.userId !== userId && connection.handle?.userId === userId
    if (isMoved) this.#commitMove(moving)
    moving.look()
  }

  /** A connection was found to be another user's. */
  #commitMove(moving: Moving): void {
    const { connection, userId } = moving
    const { userId: from, socket } = connection
    this.#noteWhoIsFull()
    const exceeded = this.refusals.exceededByMove(moving)
    if (exceeded.length > 0) this.complain(`${socket.name} was given to ${describe(userId)}, in spite of ${exceeded.join(' and ')}`)
    for (const stream of this.#mattersOf(connection))
      if (this.setting.hasAuthorize && !moving.wasAsked(stream)) this.complain(`reassign did not ask authorize for ${keyOf(stream)}`)
    this.trace.say(() => `// ${socket.name} is ${describe(userId)}'s`)
    const change = this.facts.commit(() => this.facts.reassign(moving, this.clock.now()))
    this.events.expectReassigned(connection, from, moving.frame)
    this.events.expect(change, moving.frame)
    this.ledger.moved(moving, from)
  }

  /** The public streams that a connection holds for itself, or that wait for it. */
  #mattersOf(connection: ConnectionFact): Stream[] {
    const held = this.facts.heldBy(connection).map(({ stream }) => stream)
    return [...held.filter((stream) => !isPrivate(stream)), ...this.ledger.streamsOpenFor(connection)]
  }

  compare(isNothingUnderWay = false): void {
    for (const difference of differences(this.manager, this.facts, isNothingUnderWay)) this.complain(difference)
    if (isNothingUnderWay) for (const complaint of this.accounts.differencesOfBehind(this.events.behind)) this.complain(complaint)
  }

  /** Nothing is under way: everything must be accounted for. */
  assertSettled(): void {
    this.ledger.concludeAll()
    this.updates.settle()
    this.events.assertAllEmitted()
    this.userCode.checkListeners()
    const stats = this.manager.stats()
    this.accounts.checkTotals(stats)
    this.accounts.checkBehind(stats, this.events.behind)
    for (const complaint of this.pressures.settle(stats.connectionsBehind)) this.complain(complaint)
    this.compare(true)
    this.#checkTimers()
    for (const connection of this.facts.connections) this.#checkConnection(connection)
    this.depth.reset()
  }

  #checkConnection(connection: ConnectionFact): void {
    const { isLive, hasFailed, socket } = connection
    if (isLive && hasFailed) this.complain(`${socket.name} failed, and is still in service`)
    this.closings.check(connection)
    if (isLive && this.pressures.isBehindForCertain(connection))
      for (const complaint of this.ledger.overdueOf(connection)) this.complain(complaint)
    connection.wasFull = false
  }

  /** Without anything that time will do something about there is nothing to wait for. */
  #checkTimers(): void {
    const { pendingTtlMs, idleDelayMs } = this.setting
    const isExpected =
      (pendingTtlMs !== Infinity && this.facts.pendingUsers().length > 0) ||
      (idleDelayMs !== Infinity && this.facts.idling.size > 0) ||
      this.manager.stats().connectionsBehind > 0 ||
      // A turn that lasts for long is ended by the clock, if nothing else does.
      this.atEndOfTick.length > 0 ||
      this.closings.areSomeOpen()
    const most = idleDelayMs !== Infinity && this.facts.mayIdleTimerWait ? 1 : 0
    if (!isExpected && this.clock.pendingTimers > most)
      this.complain(`${this.clock.pendingTimers} timers wait, and there is nothing to wait for`)
  }

  #commitFor(owner: CallFrame | undefined, change: () => void, refreshed?: Refreshed): void {
    this.#noteWhoIsFull()
    this.events.expect(this.facts.commit(change, refreshed), owner)
    this.ledger.changed()
  }

  /** Before anything is taken away from what waits. */
  #noteWhoIsFull(): void {
    for (const connection of this.facts.live) {
      if (connection.wasFull || !mayWait(connection)) continue
      connection.wasFull =
        this.ledger.unitsKeptFor(connection) > this.setting.hardLimitBytes || this.ledger.mayHaveWaitedTooLong(connection)
    }
  }

  #noteEndOfService(connection: ConnectionFact): void {
    this.#noteWhoIsFull()
    const { socket, hasFailed, wasFull } = connection
    const reasons: CloseReason[] = [...(hasFailed ? ['send-failed' as const] : []), ...(wasFull ? ['slow-consumer' as const] : [])]
    if (reasons.length === 0) this.complain(`${socket.name} was taken out of service for no reason`)
    this.trace.say(() => `// ${socket.name} is out of service: ${reasons.join(' or ')}`)
    this.#commitFor(undefined, () => this.facts.disconnect(connection, reasons))
  }

  #handleOf({ id, socket, handle, hasFailed }: ConnectionFact): { readonly removed: boolean } | undefined {
    if (handle !== undefined) return handle
    const found = this.manager.getConnection(id)
    if (found?.socket === socket) return found
    // Its socket may fail at the notice that it is told as a newcomer, before anybody has the handle.
    return hasFailed ? { removed: true } : undefined
  }

  // How calls are judged

  /** What a message that is published now may be refused with, whatever it is. */
  verdictOnDepth(timing: Timing): Verdict {
    if (timing === 'yes' && this.stage.isWithinOneDelivery && this.depth.isReached()) return refusedWith('ERR_PUBLISH_DEPTH')
    return { codes: timing !== 'no' && this.depth.mayBeReached() ? ['ERR_PUBLISH_DEPTH'] : [], mayPass: true }
  }

  #callWithin<TValue>(frame: CallFrame, call: Call<TValue>): void {
    const [statsBefore, callsBefore] = [this.manager.stats(), ++this.#callsMade]
    if (call.verdict.mayPass && call.asking === undefined) call.commit?.()
    const outcome = this.trace.within(() => attempt(call.act))
    this.observe()
    this.#judge(call, frame, outcome)
    const wasUndisturbed = this.#callsMade === callsBefore
    // What a connection is given to another user with, it sends before it looks at all that may stand in the way.
    if (outcome.error !== undefined && wasUndisturbed && call.moving === undefined && !isShallowlyEqual(this.manager.stats(), statsBefore))
      this.complain(`${call.text()} was refused, and changed the totals`)
    // Whoever may be asked is asked once; whoever was refused before is not.
    if (call.asking !== undefined)
      this.expect(`how often ${call.text()} called authorize`, call.asking.timesAsked, call.verdict.mayPass ? 1 : 0)
  }

  #judge<TValue>(call: Call<TValue>, { name, moving, verdict: { codes: foretold, mayPass } }: CallFrame, { value, error }: Outcome<TValue>): void {
    const codes = moving === undefined ? foretold : [...moving.codes]
    if (error instanceof ConnectionManagerError) {
      this.#lastRefusal = error
      this.tally.noteRefused(name, error.code)
      this.trace.say(() => `// refused: ${error.code}`)
      if (!codes.includes(error.code))
        this.complain(`${call.text()} was refused with ${error.code}, expected ${codes.join(' or ') || 'none'}`)
      call.refused?.(error)
    } else if (call.thrown !== undefined && error === call.thrown) {
      this.tally.noteAccepted(`${name} that throws`)
    } else if (error !== undefined) {
      this.complain(`${call.text()} threw ${error instanceof Error ? error.stack : String(error)}`)
    } else {
      this.tally.noteAccepted(name)
      if (!mayPass) this.complain(`${call.text()} was not refused, expected ${codes.join(' or ')}`)
      else call.check?.(value as TValue)
    }
  }

  #recorder(hasSkip: boolean): Recorder<never> {
    return {
      attach: () => {},
      record: (message, text) => this.userCode.recording(message, text) as string,
      ...(hasSkip && { skip: (_message, text) => this.userCode.skipping(text) as string }),
    }
  }

  #options(): ConnectionManagerOptions<ScriptedSocket, Streams> & { readonly streams: Streams } {
    const {
      softLimitBytes,
      hardLimitBytes,
      drainIntervalMs,
      maxLagMs,
      pendingTtlMs,
      idleDelayMs,
      closeTimeoutMs,
      maxDeferred,
      quotas,
      managerKind,
      form,
      recorder,
      noticeForm,
      hasAuthorize,
    } = this.setting
    return {
      streams,
      clock: this.clock,
      delivery: { softLimitBytes, hardLimitBytes, drainIntervalMs, maxLagMs },
      quotas,
      pendingTtlMs,
      idleDelayMs,
      closeTimeoutMs,
      maxDeferred,
      ...(managerKind !== undefined && { transport: this.transports[managerKind] }),
      ...(form !== 'wire' && { serialize: ({ data }) => serialized(data, form === 'bytes') }),
      ...(noticeForm === 'own' && { serializeNotice: (notice) => this.userCode.makingNotice(notice) as string }),
      ...(recorder !== 'none' && { recorder: this.#recorder(recorder === 'skipping') }),
      ...(hasAuthorize && { authorize: (request) => this.userCode.authorizing(request) as boolean }),
    }
  }
}

/** What the manager's own `serialize` makes of data, if it makes anything. */
function serialized(data: unknown, isBytes: boolean): string | Uint8Array {
  const text = (data as { serialized(): string | undefined }).serialized()
  return text === undefined ? (text as never) : wireOf(text, isBytes)
}

interface Outcome<TValue> {
  readonly value?: TValue
  readonly error?: unknown
}

function attempt<TValue>(act: () => TValue): Outcome<TValue> {
  try {
    return { value: act() }
  } catch (error) {
    return { error: error ?? new Error('nothing was thrown') }
  }
}

function happening(name: CallName): CallFrame {
  return { kind: 'call', name, verdict: PASS, delivery: undefined, asking: undefined, moving: undefined, noticing: undefined, batching: undefined }
}
