import type { ErrorReports } from '../guards/error-reports.ts'
import type { ExpiringSet } from '../time/expiring-set.ts'
import type { Revoked } from '../model/revocation.ts'
import type { AnyConnection } from '../ports/connection.ts'
import type { Holder, Holdings } from './holdings.ts'
import type { ResolvedCommandOptions } from './options.ts'
import type { Outcome } from './outcome.ts'
import type { Paced, Pacing } from './pacing.ts'
import { refusing, type Refusal } from './refusal.ts'

/** A command that waits for its turn, or for user code. */
export interface Task {
  /**
   * Begins or continues the command, until the command is done or must wait. Call this method when it is the command's turn. Returns true once the
   * command is done: it has its answer, or needs none. An error that `step` throws is a fault of the server.
   */
  step(): boolean
  /** Called if user code took too long. */
  expire(): void
  /** Called if streams were revoked. This may change what the next call of `step` does. */
  revoked(revoked: Revoked): void
}

/** The members of a session that its tasks use. */
export interface TaskSession extends Paced, Holder {
  /** True once the session or its connection has ended, so that nobody waits for answers. */
  readonly isOver: boolean
  /** Sends an answer. @throws what `connection.send` throws */
  send(text: string): void
  /** Notes that another part, such as the recovery, has sent an answer, or will send it later in this turn. */
  noteAnswer(): void
  /** Sends an answer. If the answer cannot be sent, the connection is removed. */
  say(text: string): void
  refuse(id: number | undefined, refusal: Refusal): void
  /** Continues with the commands, because user code has answered. If nobody waits for the answer any more, a failure goes to `failedLate`. */
  answered(outcome: Outcome): void
  /**
   * Called with an error that comes too late for the client. Reports the error to the host. A refusal (see `refusalIn`) is not reported, because it
   * was meant for the client.
   */
  failedLate(error: unknown): void
  /**
   * Refuses a command with the code of an error. If the error is not a refusal (see `refusalIn`), it is a fault of the host. Then the error is
   * reported to the host, and the client gets the refusal `otherwise`.
   */
  fail(id: number | undefined, error: unknown, otherwise: Refusal): void
}

/** The objects that all tasks of a command server share. */
export interface TaskDependencies {
  readonly manager: { batch<TOutcome>(act: () => TOutcome): TOutcome }
  readonly options: ResolvedCommandOptions
  readonly reports: ErrorReports<[AnyConnection]>
  readonly holdings: Holdings
  readonly pacing: Pacing
  /** The tasks that wait for user code. */
  readonly timeouts: ExpiringSet<Task>
}

/**
 * Returns the refusal of a command that is not carried out. While the command waited, the connection was given to another user, or the user's rights
 * changed. Nothing was done, so the client may ask again at once.
 */
export function stale(): Error {
  return refusing('ERR_STALE', 0)
}
