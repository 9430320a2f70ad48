import type { Clock, CloseReason } from '../../src/index.ts'
import type { ConnectionFact } from './facts.ts'
import type { Answer } from './operations.ts'
import type { Setting } from './setting.ts'
import type { Told } from './told.ts'

export type CloseOutcome = 'closed' | 'failed' | 'timedOut' | 'never'

interface Closing {
  readonly connection: ConnectionFact
  readonly answer: Answer
  /** Until when it is waited for. */
  readonly dueMs: number
  /** `never` as long as it is open. */
  outcome: CloseOutcome
}

interface Promised {
  readonly what: string
  readonly expected: unknown
  readonly connections: readonly ConnectionFact[]
  value: unknown
  isSettled: boolean
}

/** How sockets are closed, and how that ends: once each, by `close`, and by `terminate` where that fails or is late. */
export class Closings {
  readonly #setting: Setting
  readonly #clock: Clock
  readonly #told: Told
  readonly #complain: (complaint: string) => void
  readonly #closings: Closing[] = []
  readonly #promised: Promised[] = []
  cleanupDeadlineMs = 0

  constructor(setting: Setting, clock: Clock, told: Told, complain: (complaint: string) => void) {
    this.#setting = setting
    this.#clock = clock
    this.#told = told
    this.#complain = complain
  }

  /** A socket's `close` is called, and is going to do this. */
  begun(connection: ConnectionFact, answer: Answer): void {
    const timeoutMs = connection.reasons.includes('cleanup') ? this.cleanupDeadlineMs : this.#setting.closeTimeoutMs
    const closing: Closing = { connection, answer, dueMs: this.#clock.monotonic() + timeoutMs, outcome: 'never' }
    this.#closings.push(closing)
    if (answer === 'throw') this.#end(closing, 'failed')
    if (answer === 'ok') this.#end(closing, 'closed')
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
    return this.#open().some(({ dueMs }) => dueMs !== Infinity)
  }

  /** How a connection's `close` ended, as far as the manager can see; one that need not be closed has. */
  outcomeOf(connection: ConnectionFact): CloseOutcome {
    return this.#closings.find((each) => each.connection === connection)?.outcome ?? 'closed'
  }

  /** What `cleanup()` is to say of those whom it removed. */
  reportOn(connections: readonly ConnectionFact[]): { readonly [TOutcome in 'closed' | 'failed' | 'timedOut']: number } {
    const outcomes = connections.map((each) => this.outcomeOf(each))
    const count = (outcome: CloseOutcome): number => outcomes.filter((each) => each === outcome).length
    return { closed: count('closed'), failed: count('failed'), timedOut: count('timedOut') }
  }

  /** A call promised something; it is to be settled once these have closed, or were given up. */
  promised(what: string, promise: Promise<unknown>, expected: unknown, connections: readonly ConnectionFact[]): void {
    const promised: Promised = { what, expected, connections, value: undefined, isSettled: false }
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
    for (const { what, expected, connections, value, isSettled } of this.#promised) {
      const isForever = connections.some((each) => this.outcomeOf(each) === 'never')
      const wanted = typeof expected === 'function' ? expected() : expected
      if (isForever === isSettled) this.#complain(`${what} ${isSettled ? 'settled, and was to wait' : 'never settled'}`)
      if (isSettled && JSON.stringify(value) !== JSON.stringify(wanted))
        this.#complain(`${what} promised ${JSON.stringify(value)}, expected ${JSON.stringify(wanted)}`)
    }
  }

  #callsDue(connection: ConnectionFact, reasons: readonly CloseReason[]): readonly [closes: number, terminations: number] {
    if (reasons.includes('peer-closed')) return [0, 0]
    const canTerminate = connection.socket.kind === 'framed'
    if (reasons.includes('slow-consumer') && canTerminate) return [0, 1]
    const hasEndedBadly = ['failed', 'timedOut'].includes(this.outcomeOf(connection))
    return [1, canTerminate && hasEndedBadly ? 1 : 0]
  }
  #end(closing: Closing, outcome: CloseOutcome): void {
    closing.outcome = outcome
    if (outcome !== 'closed') this.#told.expectError('close')
  }

  #open(): Closing[] {
    return this.#closings.filter(({ outcome }) => outcome === 'never')
  }
}
