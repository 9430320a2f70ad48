import { resultText } from './answers.ts'
import type { OwnCommand } from './command.ts'
import { Outcome } from './outcome.ts'
import { refusing } from './refusal.ts'
import { stale, type Task, type TaskDependencies, type TaskSession } from './task.ts'

/**
 * After a result of at least this many UTF-16 units, the client's next `subscribe` or host command waits until the client has read the result, or
 * until `commandTimeoutMs` is over. The calls of `authorize` and `ready` for a `subscribe` do not wait.
 */
const LARGE_UNITS = 1_024

/** One of the host's own commands. The command begins when all commands before it have their answers, and the session is not paused: see `Pacing`. */
export class OwnTask implements Task {
  readonly #command: OwnCommand
  readonly #run: () => unknown
  readonly #session: TaskSession
  readonly #dependencies: TaskDependencies
  readonly #userId: string
  #outcome: Outcome | undefined

  constructor(command: OwnCommand, run: () => unknown, session: TaskSession, dependencies: TaskDependencies) {
    this.#command = command
    this.#run = run
    this.#session = session
    this.#dependencies = dependencies
    this.#userId = session.connection.userId
  }

  step(): boolean {
    if (this.#outcome === undefined && this.#dependencies.pacing.isHeld(this.#session)) return false
    const outcome = (this.#outcome ??= this.#begin())
    if (outcome.isOpen) return false
    this.#answer(outcome)
    return true
  }

  /** Refuses a command that took too long. Nobody knows what the command has done, so the client is not told to ask again. */
  expire(): void {
    this.#outcome?.fail(refusing('ERR_TIMEOUT'))
    this.#session.goOn()
  }

  revoked(): void {}

  /**
   * Runs the command, unless the connection has another user now. A command that has begun continues even if the user changes, because the command
   * itself may be a login, which gives the connection to another user.
   */
  #begin(): Outcome {
    const { timeouts } = this.#dependencies
    const outcome = new Outcome(() => this.#runForItsUser(), {
      settled: () => {
        timeouts.delete(this)
        this.#session.answered(outcome)
      },
      failedLate: (error) => this.#session.failedLate(error),
    })
    if (outcome.isOpen) timeouts.add(this)
    return outcome
  }

  #runForItsUser(): unknown {
    if (this.#session.connection.userId !== this.#userId) throw stale()
    return this.#run()
  }

  #answer({ failure, value }: Outcome): void {
    const { id } = this.#command
    if (failure !== undefined) return this.#session.fail(id, failure.error, { code: 'ERR_FAILED' })
    if (id === undefined) return
    try {
      this.#send(resultText(id, value))
    } catch (error) {
      this.#session.fail(id, error, { code: 'ERR_FAILED' })
    }
  }

  /** @throws `ERR_QUOTA_EXCEEDED` for a result that is too long */
  #send(text: string): void {
    this.#session.send(text)
    if (text.length >= LARGE_UNITS) this.#dependencies.pacing.hold(this.#session)
  }
}
