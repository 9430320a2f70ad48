import type { Clock, CloseReason } from '../../../src/index.ts'
import type { ConnectionFact } from './facts.ts'
import type { Answer } from './operations.ts'
import type { Setting } from './setting.ts'
import type { ScriptedSocket } from './sockets.ts'
import type { ExpectedEvents } from './expected-events.ts'

export type CloseOutcome = 'closed' | 'failed' | 'timedOut' | 'never'

export interface Closing {
  readonly connection: ConnectionFact
  readonly answer: Answer
  /** Until when it is waited for. */
  readonly dueMs: number
  /** `never` as long as it is open. */
  outcome: CloseOutcome
  /** Whether the call of `close` has not returned yet. */
  isRunning: boolean
}

interface Promised {
  readonly what: string
  readonly expected: unknown
  readonly isForever: () => boolean
  value: unknown
  isSettled: boolean
}

/** How sockets are closed, and how that ends: once each, by `close`, and by `terminate` where that fails or is late. */
export class Closings {
  readonly #setting: Setting
  readonly #clock: Clock
  readonly #events: ExpectedEvents
  readonly #complain: (complaint: string) => void
  readonly #closings: Closing[] = []
  readonly #promised: Promised[] = []
  #cleanupDeadlineMs = 0
  #cleanupDueMs = 0
  /** What was removed before `cleanup()` was called, and is waited for all the same. */
  #underWay: Closing[] | undefined

  constructor(setting: Setting, clock: Clock, events: ExpectedEvents, complain: (complaint: string) => void) {
    this.#setting = setting
    this.#clock = clock
    this.#events = events
    this.#complain = complain
  }

  /** A socket's `close` is called, and is going to do this. */
  begun(connection: ConnectionFact, answer: Answer): Closing {
    const isOfCleanup = connection.reasons.includes('cleanup')
    const timeoutMs = isOfCleanup ? this.#cleanupDeadlineMs : this.#setting.closeTimeoutMs
    const closing: Closing = { connection, answer, dueMs: this.#clock.monotonic() + timeoutMs, outcome: 'never', isRunning: true }
    this.#closings.push(closing)
    if (!isOfCleanup) this.#underWay?.push(closing)
    if (answer === 'throw') this.#end(closing, 'failed')
    if (answer === 'ok') this.#end(closing, 'closed')
    return closing
  }

  /** `cleanup()` is called: it waits for what is under way, too. */
  cleanupBegun(deadlineMs: number): void {
    this.#cleanupDeadlineMs = deadlineMs
    this.#cleanupDueMs = this.#clock.monotonic() + deadlineMs
    this.#underWay = this.#closings.filter(({ outcome, isRunning }) => outcome === 'never' || isRunning)
  }

  /** It was told that the promise of a `close` has rejected, whatever else is still to settle. */
  rejectionTold(socket: ScriptedSocket): void {
    for (const closing of this.#open()) if (closing.connection.socket === socket && closing.answer === 'reject') this.#end(closing, 'failed')
  }

  /** Promises have settled, those of `close` among them. */
  promisesSettled(): void {
    for (const closing of this.#open()) {
      if (closing.answer === 'resolve') this.#end(closing, 'closed')
      if (closing.answer === 'reject') this.#end(closing, 'failed')
    }
  }

  /** Time has passed: some have been too late. */
  timePassed(): void {
    for (const closing of this.#open()) if (closing.dueMs <= this.#clock.monotonic()) this.#end(closing, 'timedOut')
  }

  /** Whether some may still be too late. */
  areSomeOpen(): boolean {
    const isAwaited = (closing: Closing): boolean =>
      this.#underWay?.includes(closing) === true && this.#cleanupDueMs !== Infinity && this.#cleanupDueMs >= this.#clock.monotonic()
    return this.#open().some((closing) => closing.dueMs !== Infinity || isAwaited(closing))
  }

  /** How a connection's `close` ended, as far as the manager can see; one that need not be closed has. */
  outcomeOf(connection: ConnectionFact): CloseOutcome {
    return this.#closings.find((each) => each.connection === connection)?.outcome ?? 'closed'
  }

  /** What `cleanup()` is to say of those whom it removed, and of what was under way. */
  reportOn(connections: readonly ConnectionFact[]): { readonly [TOutcome in 'closed' | 'failed' | 'timedOut']: number } {
    const outcomes = this.#outcomesAtCleanup(connections)
    const count = (outcome: CloseOutcome): number => outcomes.filter((each) => each === outcome).length
    return { closed: count('closed'), failed: count('failed'), timedOut: count('timedOut') }
  }

  /** `cleanup()` promised its report on those whom it removed. */
  cleanupPromised(promise: Promise<unknown>, connections: readonly ConnectionFact[]): void {
    const isForever = (): boolean => this.#outcomesAtCleanup(connections).includes('never')
    this.promised('cleanup()', promise, () => this.reportOn(connections), connections, isForever)
  }

  /** A call promised something; it is to be settled once these have closed, or were given up. */
  promised(
    what: string,
    promise: Promise<unknown>,
    expected: unknown,
    connections: readonly ConnectionFact[],
    isForever = (): boolean => connections.some((each) => this.outcomeOf(each) === 'never'),
  ): void {
    const promised: Promised = { what, expected, isForever, value: undefined, isSettled: false }
    this.#promised.push(promised)
    promise.then(
      (value) => Object.assign(promised, { value, isSettled: true }),
      (error: unknown) => this.#complain(`${what} rejected with ${String(error)}`),
    )
  }

  /** Whether this connection's socket was closed as often, and as hard, as it has to be. */
  check(connection: ConnectionFact): void {
    const { socket, isLive, reasons } = connection
    const [closes, terminations] = isLive ? [0, 0] : this.#callsDue(connection, reasons)
    if (socket.closeCalls !== closes) this.#complain(`${socket.name} was closed ${socket.closeCalls} times, expected ${closes}`)
    if (socket.terminations !== terminations)
      this.#complain(`${socket.name} was terminated ${socket.terminations} times, expected ${terminations}`)
  }

  /** All deadlines have passed. */
  assertAllSettled(): void {
    for (const { what, expected, isForever, value, isSettled } of this.#promised) {
      const wanted = typeof expected === 'function' ? expected() : expected
      if (isForever() === isSettled) this.#complain(`${what} ${isSettled ? 'settled, and was to wait' : 'never settled'}`)
      if (isSettled && JSON.stringify(value) !== JSON.stringify(wanted))
        this.#complain(`${what} promised ${JSON.stringify(value)}, expected ${JSON.stringify(wanted)}`)
    }
  }

  #outcomesAtCleanup(connections: readonly ConnectionFact[]): CloseOutcome[] {
    const late: CloseOutcome = this.#cleanupDeadlineMs === Infinity ? 'never' : 'timedOut'
    const underWay = (this.#underWay ?? []).map(({ outcome }) => (outcome === 'never' ? late : outcome))
    return [...connections.map((each) => this.outcomeOf(each)), ...underWay]
  }

  #callsDue(connection: ConnectionFact, reasons: readonly CloseReason[]): readonly [closes: number, terminations: number] {
    if (reasons.includes('peer-closed')) return [0, 0]
    const { socket, wasRefusedACode } = connection
    const canTerminate = socket.kind === 'framed'
    // Whether it was stuck is known to whoever saw it terminated.
    const wasTerminatedAtOnce = socket.closeCalls === 0 && socket.terminations > 0
    if (reasons.includes('slow-consumer') && wasTerminatedAtOnce) return [0, 1]
    const hasEndedBadly = ['failed', 'timedOut'].includes(this.outcomeOf(connection))
    return [wasRefusedACode ? 2 : 1, canTerminate && hasEndedBadly ? 1 : 0]
  }
  #end(closing: Closing, outcome: CloseOutcome): void {
    closing.outcome = outcome
    if (outcome !== 'closed') this.#events.expectError('close')
  }

  #open(): Closing[] {
    return this.#closings.filter(({ outcome }) => outcome === 'never')
  }
}
