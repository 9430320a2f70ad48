import type { Clock } from '../clock.ts'
import type { Socket } from '../connection.ts'
import { adopted, isThenable } from '../foreign.ts'

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

type Closing<TConnection> = { readonly connection: TConnection; readonly timeoutMs: number }

/** Closes sockets, whatever their `close` does: the promise always resolves, and trouble is reported. */
export class SocketCloser<TConnection extends { readonly socket: Socket }> {
  readonly #clock: Clock
  readonly #report: (error: unknown, connection: TConnection) => void

  constructor(clock: Clock, report: (error: unknown, connection: TConnection) => void) {
    this.#clock = clock
    this.#report = report
  }

  /**
   * Closes the sockets of these connections at once, in parallel, one that serves several of them once.
   *
   * Each promise resolves when its `close` settled, or `timeoutMs` later; `Infinity` waits for it forever.
   */
  closeAll(connections: readonly TConnection[], timeoutMs: number): Promise<CloseOutcome>[] {
    const outcomes = new Map<Socket, Promise<CloseOutcome>>()
    return connections.map((connection) => {
      const outcome = outcomes.get(connection.socket) ?? this.#close({ connection, timeoutMs })
      outcomes.set(connection.socket, outcome)
      return outcome
    })
  }

  #close(closing: Closing<TConnection>): Promise<CloseOutcome> {
    try {
      const answer: unknown = closing.connection.socket.close()
      return isThenable(answer) ? this.#settled(answer, closing) : Promise.resolve('closed')
    } catch (error) {
      this.#report(error, closing.connection)
      return Promise.resolve('failed')
    }
  }

  #settled(answer: PromiseLike<unknown>, { connection, timeoutMs }: Closing<TConnection>): Promise<CloseOutcome> {
    return new Promise((resolve) => {
      let isOver = false
      let cancelTimer = (): void => {}
      const end = (outcome: CloseOutcome, ...errors: unknown[]): void => {
        if (isOver) return
        isOver = true
        cancelTimer()
        resolve(outcome)
        for (const error of errors) this.#report(error, connection)
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
}

/** Counts how closing ended. */
export function cleanupReport(outcomes: readonly CloseOutcome[]): CleanupReport {
  const report = { closed: 0, failed: 0, timedOut: 0 }
  for (const outcome of outcomes) report[outcome]++
  return report
}
