import type { ManagerClock } from '../time/clock.ts'
import type { CloseReason, Socket } from '../ports/connection.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** How a socket's `close` ended. */
export type CloseOutcome = 'closed' | 'failed' | 'timedOut'

/**
 * How the sockets of a `cleanup()` ended, in connections: those that it removed, and those that were removed before and whose `close` was
 * still under way. Each counts once.
 */
export interface CleanupReport {
  /** `close` returned, or its promise settled in time. */
  readonly closed: number
  /** `close` threw or rejected. */
  readonly failed: number
  /** The promise of `close` had not settled when the deadline passed: the cleanup's, or the removal's own if that was earlier. */
  readonly timedOut: number
}

/** What is to be closed. */
interface Closable {
  readonly socket: Socket
}

/** What a cleanup waits for, and until when. */
interface LastCloses {
  readonly deadlineMs: number
  readonly outcomes: Promise<CloseOutcome>[]
}

interface Closing<TConnection> {
  readonly connection: TConnection
  readonly transport: AnyTransport | undefined
  readonly reason: CloseReason
  readonly timeoutMs: number
}

/** Closes sockets, whatever their `close` does: the promise always resolves, and trouble is reported. */
export class SocketCloser<TConnection extends Closable> {
  readonly #clock: ManagerClock
  readonly #transportOf: (connection: TConnection) => AnyTransport | undefined
  readonly #report: (error: unknown, connection: TConnection) => void
  /** Milliseconds → deadlines. There are two durations: that of removals, and that of the cleanup. */
  readonly #deadlines = new Map<number, ExpiringSet<() => void>>()
  /** Closes that have not settled yet → how many connections each one serves. */
  readonly #underWay = new Map<Promise<CloseOutcome>, number>()
  #last: LastCloses | undefined

  constructor(
    clock: ManagerClock,
    transportOf: (connection: TConnection) => AnyTransport | undefined,
    report: (error: unknown, connection: TConnection) => void,
  ) {
    this.#clock = clock
    this.#transportOf = transportOf
    this.#report = report
  }

  /**
   * Closes the sockets of these connections at once, in parallel, one that serves several of them once.
   *
   * Each promise resolves when its `close` settled, or `timeoutMs` later, and keeps the process alive until then. `Infinity` waits for
   * `close` alone, without a timer. A socket that has not closed by then, or whose `close` failed, is terminated if its transport can do
   * that. The socket of a slow consumer is terminated at once: what it buffers would otherwise stay for as long as the peer reads nothing.
   */
  closeAll(connections: readonly TConnection[], reason: CloseReason, timeoutMs: number): Promise<CloseOutcome>[] {
    const outcomes = new Map<Socket, Promise<CloseOutcome>>()
    return connections.map((connection) => {
      const outcome = outcomes.get(connection.socket) ?? this.#close({ connection, transport: this.#transportOf(connection), reason, timeoutMs })
      outcomes.set(connection.socket, outcome)
      const served = this.#underWay.get(outcome)
      if (served !== undefined) this.#underWay.set(outcome, served + 1)
      this.#last?.outcomes.push(timeoutMs === this.#last.deadlineMs ? outcome : this.#within(this.#last.deadlineMs, outcome))
      return outcome
    })
  }

  /**
   * Reports how the closes end that are under way, and those that begin in the running call, at the latest `deadlineMs` from now. A close
   * that is still under way then goes on to its own deadline.
   */
  reportLast(deadlineMs: number): Promise<CleanupReport> {
    this.renew()
    const outcomes = [...this.#underWay].flatMap(([outcome, served]) => Array<Promise<CloseOutcome>>(served).fill(this.#within(deadlineMs, outcome)))
    this.#last = { deadlineMs, outcomes }
    return Promise.resolve().then(async () => cleanupReport(await Promise.all(outcomes)))
  }

  /** Sets the timers of deadlines anew that may be lost. */
  renew(): void {
    for (const deadlines of this.#deadlines.values()) deadlines.renew()
  }

  #close(closing: Closing<TConnection>): Promise<CloseOutcome> {
    try {
      const answer = isToBeTerminated(closing) ? terminated(closing) : closed(closing)
      return isThenable(answer) ? this.#settled(answer, closing) : Promise.resolve('closed')
    } catch (error) {
      this.#report(error, closing.connection)
      this.#endOtherwise(closing)
      return Promise.resolve('failed')
    }
  }

  #settled(answer: PromiseLike<unknown>, closing: Closing<TConnection>): Promise<CloseOutcome> {
    const { connection, timeoutMs } = closing
    const outcome = new Promise<CloseOutcome>((resolve) => {
      let isOver = false
      const end = (how: CloseOutcome, ...errors: unknown[]): void => {
        if (isOver) return
        isOver = true
        this.#deadlinesIn(timeoutMs).delete(pass)
        this.#underWay.delete(outcome)
        resolve(how)
        for (const error of errors) this.#report(error, connection)
        if (how !== 'closed') this.#endOtherwise(closing)
      }
      const pass = (): void => end('timedOut', new Error(`close() had not settled after ${timeoutMs} ms`))
      this.#deadlinesIn(timeoutMs).add(pass)
      adopted(answer).then(
        () => end('closed'),
        (error: unknown) => end('failed', error),
      )
    })
    this.#underWay.set(outcome, 0)
    return outcome
  }

  #within(deadlineMs: number, outcome: Promise<CloseOutcome>): Promise<CloseOutcome> {
    return new Promise((resolve) => {
      const pass = (): void => resolve('timedOut')
      this.#deadlinesIn(deadlineMs).add(pass)
      void outcome.then((how) => {
        this.#deadlinesIn(deadlineMs).delete(pass)
        resolve(how)
      })
    })
  }

  #deadlinesIn(ms: number): ExpiringSet<() => void> {
    const known = this.#deadlines.get(ms)
    if (known !== undefined) return known
    const deadlines = new ExpiringSet<() => void>(this.#clock, ms, (passed) => passed.forEach((pass) => pass()), true)
    this.#deadlines.set(ms, deadlines)
    return deadlines
  }

  /** Ends a socket whose `close` did not, by `terminate`; and the other way round. */
  #endOtherwise(closing: Closing<TConnection>): void {
    const report = (error: unknown): void => this.#report(error, closing.connection)
    try {
      const answer = isToBeTerminated(closing) ? closed(closing) : terminated(closing)
      if (isThenable(answer)) adopted(answer).catch(report)
    } catch (error) {
      report(error)
    }
  }
}

function isToBeTerminated({ transport, reason }: Closing<Closable>): boolean {
  return reason === 'slow-consumer' && transport?.terminate !== undefined
}

function terminated({ connection, transport }: Closing<Closable>): unknown {
  return transport?.terminate?.(connection.socket)
}

function closed({ connection: { socket }, transport, reason }: Closing<Closable>): unknown {
  return transport?.close === undefined ? socket.close() : transport.close(socket, reason)
}

/** Counts how closing ended. */
function cleanupReport(outcomes: readonly CloseOutcome[]): CleanupReport {
  const report = { closed: 0, failed: 0, timedOut: 0 }
  for (const outcome of outcomes) report[outcome]++
  return report
}
