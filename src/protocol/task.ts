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
  /** Does what can be done now, when it is the command's turn. True once the command has its answer. What it throws is a fault of the server. */
  step(): boolean
  /** Called if user code took too long. */
  expire(): void
  /** Called if streams were revoked. It may change what the next step does. */
  revoked(revoked: Revoked): void
}

/** What a task needs of its session. */
export interface TaskSession extends Paced, Holder {
  /** True once nobody waits for answers. */
  readonly isOver: boolean
  /** Sends an answer. @throws what `connection.send` throws */
  send(text: string): void
  /** Notes an answer that something else has sent, such as the recovery. */
  noteAnswer(): void
  /** Sends an answer. If that is not possible, the connection is removed. */
  say(text: string): void
  refuse(id: number | undefined, refusal: Refusal): void
  /** Goes on, because user code has answered. If nobody waits for the answer any more, only the host is told of a failure. */
  answered(outcome: Outcome): void
  /** Tells the host of an error that comes too late for the client. A refusal, which has a code, was meant for the client. */
  failedLate(error: unknown): void
  /**
   * Refuses with the code of an error. An error without a code is a fault of the host. The host is told the error, and the client is refused with
   * `otherwise`.
   */
  fail(id: number | undefined, error: unknown, otherwise: Refusal): void
}

/** What all tasks of a server share. */
export interface TaskDependencies {
  readonly manager: { batch<TOutcome>(act: () => TOutcome): TOutcome }
  readonly options: ResolvedCommandOptions
  readonly reports: ErrorReports<[AnyConnection]>
  readonly holdings: Holdings<TaskSession>
  readonly pacing: Pacing
  /** The tasks that wait for user code. */
  readonly timeouts: ExpiringSet<Task>
}

/** Refuses a command because its user, or the user's rights, changed while it waited. Nothing was done, and the client may ask again at once. */
export function stale(): Error {
  return refusing('ERR_STALE', 0)
}
