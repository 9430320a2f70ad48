import type { Timers } from '../time/clock.ts'
import type { CloseDetails, CloseReason, Socket } from '../ports/connection.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import { adopted, isThenable } from '../guards/user-code.ts'
import type { AnyTransport } from '../ports/transport.ts'

/** How a socket's `close` ended. */
export type CloseOutcome = 'closed' | 'failed' | 'timedOut'

/**
 * How the sockets of a `cleanup()` closed. Each connection counts once. The counts include connections that were removed before the cleanup, if their
 * `close` had neither settled nor timed out when the cleanup began.
 */
export interface CleanupReport {
  /** `close` returned, or its promise resolved in time. */
  readonly closed: number
  /** `close` threw or rejected. */
  readonly failed: number
  /** The promise of `close` had not settled at the deadline of the cleanup, or at an earlier deadline of the removal. */
  readonly timedOut: number
}

/** A connection whose socket can be closed. */
interface Closable {
  readonly socket: Socket
}

/** The outcomes that a cleanup waits for, and the deadline of the cleanup. */
interface LastCloses {
  readonly deadlineMs: number
  readonly outcomes: Promise<CloseOutcome>[]
}

/** How sockets are to be closed. */
export interface Closing {
  readonly reason: CloseReason
  /** The close code and the reason for the peer, if the host gave them. */
  readonly details?: CloseDetails | undefined
  readonly timeoutMs: number
}

interface ClosingOf<TConnection> extends Closing {
  readonly connection: TConnection
  readonly transport: AnyTransport | undefined
  /** True if the socket is terminated at once, without `close`. If `terminate` fails or times out, `close` is called after all. */
  readonly isForced: boolean
}

/** The functions that a closer calls. None of them may throw. */
export interface CloserDependencies<TConnection> {
  transportOf(connection: TConnection): AnyTransport | undefined
  /** False if the socket reports that it has room. True otherwise. */
  isStuck(connection: TConnection): boolean
  report(error: unknown, connection: TConnection): void
}

/**
 * Closes sockets. The `close` of a socket is user code, which may fail. A failure of `close` is reported, and the promise of the outcome still
 * resolves.
 */
export class SocketCloser<TConnection extends Closable> {
  readonly #clock: Timers
  readonly #dependencies: CloserDependencies<TConnection>
  /**
   * Duration in milliseconds → for each `close` that must settle within this time, the function to call if the `close` does not settle. There are at
   * most two durations: that of removals, and that of the cleanup.
   */
  readonly #deadlines = new Map<number, ExpiringSet<() => void>>()
  /** The outcomes that are still open: the `close` has not settled, and its deadline has not passed. The value is the number of connections that share the socket. */
  readonly #inProgress = new Map<Promise<CloseOutcome>, number>()
  #last: LastCloses | undefined

  constructor(clock: Timers, dependencies: CloserDependencies<TConnection>) {
    this.#clock = clock
    this.#dependencies = dependencies
  }

  /**
   * Closes the sockets of these connections at once, in parallel. If several of these connections share a socket, it is closed once.
   *
   * Each promise resolves when the `close` of its socket returns or settles, or after `timeoutMs`. Until then, the promise keeps the process alive.
   * With `Infinity`, the promise waits for `close` without a timer, and does not keep the process alive. If `close` fails or times out, and the
   * transport has a `terminate`, the socket is terminated.
   *
   * If the socket of a slow consumer is stuck, and the transport has a `terminate`, the socket is terminated at once. A normal `close` would keep the
   * socket's buffer in memory for as long as the peer reads nothing. If the socket has room again, it is closed normally, so that the peer learns the
   * reason.
   */
  closeAll(connections: readonly TConnection[], closing: Closing): Promise<CloseOutcome>[] {
    const { timeoutMs } = closing
    const outcomes = new Map<Socket, Promise<CloseOutcome>>()
    return connections.map((connection) => {
      const outcome = outcomes.get(connection.socket) ?? this.#close(this.#closingOf(connection, closing))
      outcomes.set(connection.socket, outcome)
      const served = this.#inProgress.get(outcome)
      if (served !== undefined) this.#inProgress.set(outcome, served + 1)
      // A close that is not in progress has its outcome already.
      const needsNoDeadline = served === undefined || timeoutMs === this.#last?.deadlineMs
      this.#last?.outcomes.push(needsNoDeadline ? outcome : this.#within(this.#last.deadlineMs, outcome))
      return outcome
    })
  }

  /**
   * Reports how two groups of sockets close: sockets whose `close` has neither settled nor timed out yet, and sockets that later calls of `closeAll`
   * close before the next microtask. The report comes within `deadlineMs`. A close that has not settled by then counts as `timedOut`, and keeps its
   * own deadline.
   */
  reportLast(deadlineMs: number): Promise<CleanupReport> {
    this.renew()
    const outcomes = [...this.#inProgress].flatMap(([outcome, served]) => Array<Promise<CloseOutcome>>(served).fill(this.#within(deadlineMs, outcome)))
    this.#last = { deadlineMs, outcomes }
    return Promise.resolve().then(async () => cleanupReport(await Promise.all(outcomes)))
  }

  /** Replaces the timers of the deadlines if they may have been lost. */
  renew(): void {
    for (const deadlines of this.#deadlines.values()) deadlines.renew()
  }

  #closingOf(connection: TConnection, closing: Closing): ClosingOf<TConnection> {
    const transport = this.#dependencies.transportOf(connection)
    const isForced = closing.reason === 'slow-consumer' && transport?.terminate !== undefined && this.#dependencies.isStuck(connection)
    return { ...closing, connection, transport, isForced }
  }

  #close(closing: ClosingOf<TConnection>): Promise<CloseOutcome> {
    try {
      const answer = closing.isForced ? terminated(closing) : this.#closed(closing)
      return isThenable(answer) ? this.#settled(answer, closing) : Promise.resolve('closed')
    } catch (error) {
      this.#dependencies.report(error, closing.connection)
      this.#fallBack(closing)
      return Promise.resolve('failed')
    }
  }

  #settled(answer: PromiseLike<unknown>, closing: ClosingOf<TConnection>): Promise<CloseOutcome> {
    const { connection, timeoutMs } = closing
    const outcome = new Promise<CloseOutcome>((resolve) => {
      let isOver = false
      const end = (how: CloseOutcome, ...errors: unknown[]): void => {
        if (isOver) return
        isOver = true
        this.#deadlinesIn(timeoutMs).delete(pass)
        this.#inProgress.delete(outcome)
        resolve(how)
        for (const error of errors) this.#dependencies.report(error, connection)
        if (how !== 'closed') this.#fallBack(closing)
      }
      const pass = (): void => end('timedOut', new Error(`close() did not settle within ${timeoutMs} ms`))
      this.#deadlinesIn(timeoutMs).add(pass)
      adopted(answer).then(
        () => end('closed'),
        (error: unknown) => end('failed', error),
      )
    })
    this.#inProgress.set(outcome, 0)
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
    const deadlines = new ExpiringSet<() => void>(this.#clock, ms, (passed) => passed.forEach((pass) => pass()), { holdsProcess: true })
    this.#deadlines.set(ms, deadlines)
    return deadlines
  }

  /** Tries the other method after a failure: `terminate` after `close`, and `close` after `terminate`. */
  #fallBack(closing: ClosingOf<TConnection>): void {
    const report = (error: unknown): void => this.#dependencies.report(error, closing.connection)
    try {
      const answer = closing.isForced ? this.#closed(closing) : terminated(closing)
      if (isThenable(answer)) adopted(answer).catch(report)
    } catch (error) {
      report(error)
    }
  }

  #closed({ connection, transport, reason, details }: ClosingOf<TConnection>): unknown {
    const { socket } = connection
    if (transport?.close !== undefined) return details === undefined ? transport.close(socket, reason) : transport.close(socket, reason, details)
    const frame = details ?? (reason === 'slow-consumer' ? SLOW_CONSUMER : undefined)
    if (frame === undefined) return socket.close()
    try {
      return (socket as ClosesWithCode).close(frame.code, frame.reason)
    } catch (error) {
      // A WebSocket of the web platform takes only the codes 1000 and 3000 to 4999. For any other code it throws, and does not close.
      if (details !== undefined) this.#dependencies.report(error, connection)
      return socket.close()
    }
  }
}

/** The close code and the reason that a slow consumer gets. Code 1013 means "try again later". */
const SLOW_CONSUMER: CloseDetails = { code: 1013, reason: 'slow consumer' }

/** A socket whose `close` takes a code and a reason, such as a WebSocket. */
type ClosesWithCode = Socket & { close(code: number, reason: string): unknown }

function terminated({ connection, transport }: ClosingOf<Closable>): unknown {
  return transport?.terminate?.(connection.socket)
}

/** Counts the outcomes. */
function cleanupReport(outcomes: readonly CloseOutcome[]): CleanupReport {
  const report = { closed: 0, failed: 0, timedOut: 0 }
  for (const outcome of outcomes) report[outcome]++
  return report
}
