import { adopted, disown, isThenable } from '../guards/user-code.ts'
import type { Revoked } from '../model/revocation.ts'
import type { Subscription } from '../model/subscription.ts'
import { subscribedText, unsubscribedText } from './answers.ts'
import type { SubscribeCommand } from './command.ts'
import type { CommandRecovery } from './options.ts'
import { Outcome } from './outcome.ts'
import { refusing, RETRY_MS } from './refusal.ts'
import { stale, type Task, type TaskDependencies, type TaskSession } from './task.ts'

/**
 * A `subscribe` command. `authorize` is called as soon as the command arrives, and the `ready` of the recovery as soon as `authorize` has granted
 * access. Without an `authorize`, `ready` is called when the command arrives. So the calls of many commands can run at the same time. The rest
 * happens in one step in the command's turn: subscribe, answer, and send the messages that the client missed.
 */
export class SubscribeTask implements Task {
  readonly #command: SubscribeCommand
  readonly #session: TaskSession
  readonly #dependencies: TaskDependencies
  readonly #userId: string
  readonly #permission: Outcome

  constructor(command: SubscribeCommand, session: TaskSession, dependencies: TaskDependencies) {
    const { timeouts } = dependencies
    this.#command = command
    this.#session = session
    this.#dependencies = dependencies
    this.#userId = session.connection.userId
    this.#permission = new Outcome(() => this.#authorize(), { settled: () => this.#settled(), failedLate: (error) => session.failedLate(error) })
    if (this.#permission.isOpen) timeouts.add(this)
  }

  step(): boolean {
    const { pacing } = this.#dependencies
    if (this.#session.connection.userId !== this.#userId) this.#permission.fail(stale())
    const { failure, isOpen } = this.#permission
    if (failure !== undefined) return this.#refuse(failure.error)
    if (isOpen || pacing.isHeld(this.#session)) return false
    this.#subscribe()
    return true
  }

  expire(): void {
    this.#permission.fail(refusing('ERR_TIMEOUT', RETRY_MS))
    this.#session.goOn()
  }

  /** `authorize` may have granted this command before the host revoked the stream. Then the answer of `authorize` is ignored. */
  revoked(revoked: Revoked): void {
    if (this.#dependencies.options.authorize !== undefined && isConcerned({ ...this.#command, userId: this.#userId }, revoked)) this.#permission.fail(stale())
  }

  #refuse(error: unknown): true {
    this.#dependencies.timeouts.delete(this)
    this.#session.fail(this.#command.id, error, { code: 'ERR_FAILED', retryMs: RETRY_MS })
    return true
  }

  #settled(): void {
    this.#dependencies.timeouts.delete(this)
    this.#session.answered(this.#permission)
  }

  #authorize(): unknown {
    const { authorize } = this.#dependencies.options
    if (authorize === undefined) return this.#whenReady()
    const answer = authorize(this.#request())
    return isThenable(answer) ? adopted(answer).then((value) => this.#whenGranted(value)) : this.#whenGranted(answer)
  }

  #whenGranted(answer: unknown): unknown {
    if (answer !== true) throw refusing('ERR_FORBIDDEN')
    return this.#session.isOver ? undefined : this.#whenReady()
  }

  #whenReady(): unknown {
    const { streamType, symbol, position } = this.#command
    return this.#dependencies.options.recovery?.ready?.({ streamType, symbol, userId: this.#userId, position })
  }

  #request(): object {
    const { streamType, symbol, filters, position, id } = this.#command
    return { connection: this.#session.connection, userId: this.#userId, streamType, symbol, filters, position, id }
  }

  #subscribe(): void {
    const { manager, pacing } = this.#dependencies
    try {
      const turns = manager.batch(() => this.#act())
      if (turns > 0) pacing.hold(this.#session, turns)
    } catch (error) {
      this.#refuse(error)
    }
  }

  /**
   * Subscribes and answers. Returns for how many turns the client needs time to read: 0 if little was sent, 1 if much may have been sent, and 2 if the
   * answer is deferred, so that much may be sent later in this turn.
   */
  #act(): number {
    const { holdings, options } = this.#dependencies
    const { subscription, replayed, deferred } = options.recovery === undefined ? this.#begin() : this.#resume(options.recovery)
    holdings.add(this.#session, subscription as Subscription)
    if (options.onSubscribed !== undefined) this.#tellHost(options.onSubscribed)
    if (deferred === true) return 2
    return replayed > 0 || options.onSubscribed !== undefined ? 1 : 0
  }

  #begin(): ReturnType<CommandRecovery['subscribe']> {
    const { id, streamType, symbol, filters, position } = this.#command
    const subscription = this.#session.connection.subscribe({ streamType, symbol, filters })
    this.#session.say(subscribedText(id, { streamType, symbol }, position !== undefined))
    return { subscription, replayed: 0 }
  }

  /** The recovery itself sends the answer. */
  #resume(recovery: CommandRecovery): ReturnType<CommandRecovery['subscribe']> {
    const { id, streamType, symbol, filters, position } = this.#command
    const resumed = recovery.subscribe(this.#session.connection as never, { streamType, symbol, filters, position, id } as never)
    this.#session.noteAnswer()
    return resumed
  }

  /**
   * At this point, the answer to the command has been sent, or is deferred and will be sent. If `onSubscribed` fails now, the subscription ends,
   * because the client could not use the messages that follow.
   */
  #tellHost(onSubscribed: (request: object) => unknown): void {
    const { reports, holdings } = this.#dependencies
    const { connection } = this.#session
    try {
      const answer = onSubscribed(this.#request())
      if (!isThenable(answer)) return
      disown(answer)
      throw new TypeError('`onSubscribed` must not return a promise, because messages would come before what it sends')
    } catch (error) {
      reports.tell(error, connection)
      holdings.remove(this.#session, this.#command)
      connection.unsubscribe({ streamType: this.#command.streamType, symbol: this.#command.symbol })
      this.#session.say(unsubscribedText(undefined, this.#command, 'failed'))
    }
  }
}

/**
 * True if a revocation applies to this user's `subscribe` command. A field that is absent from the revocation matches any value. A symbol that is
 * absent from the command matches any symbol.
 */
function isConcerned({ userId, streamType, symbol }: Pick<SubscribeCommand, 'streamType' | 'symbol'> & { readonly userId: string }, revoked: Revoked): boolean {
  const isOfSymbol = revoked.symbol === undefined || symbol === undefined || revoked.symbol === symbol
  return isOfSymbol && [undefined, userId].includes(revoked.userId) && [undefined, streamType].includes(revoked.streamType)
}
