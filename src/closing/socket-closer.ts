import type { Clock } from '../clock.ts'
import type { CloseReason, Socket } from '../connection.ts'
import { adopted, isThenable } from '../foreign.ts'
import type { AnyTransport } from '../transport.ts'

/** How a socket's `close` ended. */
export type CloseOutcome = 'closed' | 'failed' | 'timedOut'

/** How the sockets of a `cleanup()` ended, in connections. */
export interface CleanupReport {
  /** `close` returned, or its promise settled in time. */
  readonly closed: number
  /** `close` threw or rejected. */
  readonly failed: number
  /** The promise of `close` had not settled when the deadline passed. */
  readonly timedOut: number
}

/** What is to be closed. */
interface Closable {
  readonly socket: Socket
  readonly transport: AnyTransport | undefined
}

type Closing<TConnection> = { readonly connection: TConnection; readonly reason: CloseReason; readonly timeoutMs: number }

/** Closes sockets, whatever their `close` does: the promise always resolves, and trouble is reported. */
export class SocketCloser<TConnection extends Closable> {
  readonly #clock: Clock
  readonly #report: (error: unknown, connection: TConnection) => void

  constructor(clock: Clock, report: (error: unknown, connection: TConnection) => void) {
    this.#clock = clock
    this.#report = report
  }

  /**
   * Closes the sockets of these connections at once, in parallel, one that serves several of them once.
   *
   * Each promise resolves when its `close` settled, or `timeoutMs` later; `Infinity` waits for it forever. A socket that
   * has not closed by then, or whose `close` failed, is terminated, where its transport can do that. A slow consumer's is at
   * once: what its socket buffers would otherwise stay for as long as the peer reads nothing.
   */
  closeAll(connections: readonly TConnection[], reason: CloseReason, timeoutMs: number): Promise<CloseOutcome>[] {
    const outcomes = new Map<Socket, Promise<CloseOutcome>>()
    return connections.map((connection) => {
      const outcome = outcomes.get(connection.socket) ?? this.#close({ connection, reason, timeoutMs })
      outcomes.set(connection.socket, outcome)
      return outcome
    })
  }

  #close(closing: Closing<TConnection>): Promise<CloseOutcome> {
    try {
      const answer = isToBeTerminated(closing) ? terminated(closing.connection) : closed(closing)
      return isThenable(answer) ? this.#settled(answer, closing) : Promise.resolve('closed')
    } catch (error) {
      this.#report(error, closing.connection)
      this.#endOtherwise(closing)
      return Promise.resolve('failed')
    }
  }

  #settled(answer: PromiseLike<unknown>, closing: Closing<TConnection>): Promise<CloseOutcome> {
    const { connection, timeoutMs } = closing
    return new Promise((resolve) => {
      let isOver = false
      let cancelTimer = (): void => {}
      const end = (outcome: CloseOutcome, ...errors: unknown[]): void => {
        if (isOver) return
        isOver = true
        cancelTimer()
        resolve(outcome)
        for (const error of errors) this.#report(error, connection)
        if (outcome !== 'closed') this.#endOtherwise(closing)
      }
      if (timeoutMs !== Infinity) {
        const timeout = new Error(`close() had not settled after ${timeoutMs} ms`)
        cancelTimer = this.#clock.setTimeout(() => end('timedOut', timeout), timeoutMs)
      }
      adopted(answer).then(
        () => end('closed'),
        (error: unknown) => end('failed', error),
      )
    })
  }

  /** Ends a socket whose `close` did not, by `terminate`; and the other way round. */
  #endOtherwise(closing: Closing<TConnection>): void {
    const report = (error: unknown): void => this.#report(error, closing.connection)
    try {
      const answer = isToBeTerminated(closing) ? closed(closing) : terminated(closing.connection)
      if (isThenable(answer)) adopted(answer).catch(report)
    } catch (error) {
      report(error)
    }
  }
}

function isToBeTerminated({ connection, reason }: Closing<Closable>): boolean {
  return reason === 'slow-consumer' && connection.transport?.terminate !== undefined
}

function terminated({ socket, transport }: Closable): unknown {
  return transport?.terminate?.(socket)
}

function closed({ connection: { socket, transport }, reason }: Closing<Closable>): unknown {
  return transport?.close === undefined ? socket.close() : transport.close(socket, reason)
}

/** Counts how closing ended. */
export function cleanupReport(outcomes: readonly CloseOutcome[]): CleanupReport {
  const report = { closed: 0, failed: 0, timedOut: 0 }
  for (const outcome of outcomes) report[outcome]++
  return report
}
