import type { Revoked } from '../model/revocation.ts'
import type { SubscriptionEndReason } from '../model/subscription.ts'
import type { AnyConnection, CloseDetails } from '../ports/connection.ts'
import { HEARTBEAT_TEXT, pongText, refusedText, unsubscribedText } from './answers.ts'
import type { Closing, Closings } from './closings.ts'
import { CommandQueue } from './command-queue.ts'
import { readCommands, type Command, type UnsubscribeCommand } from './command.ts'
import { resolvedGoodbye } from './goodbye.ts'
import type { Outcome } from './outcome.ts'
import { OwnTask } from './own-task.ts'
import { Rate } from './rate.ts'
import { refusalIn, RETRY_MS, type Refusal } from './refusal.ts'
import type { Goodbye, Session } from './session.ts'
import type { Counters } from './stats.ts'
import { SubscribeTask } from './subscribe-task.ts'
import type { Task, TaskDependencies, TaskSession } from './task.ts'
import type { Watch, Watched } from './watch.ts'

export interface SessionDependencies extends TaskDependencies {
  readonly watch: Watch
  readonly closings: Closings
  readonly counts: Counters
}

/** The goodbye for a client that asks for too much. It says when the client may reconnect. The times are in milliseconds. */
const FLOOD = { reason: 'flood', afterMs: 10_000, withinMs: 20_000, code: 4429, closeInMs: 0 }
const IDLE: CloseDetails = { code: 4408, reason: 'idle' }
const UNANSWERABLE: CloseDetails = { code: 1011, reason: 'an answer could not be sent' }

/**
 * The session of one connection: reads its commands, and answers them in order. A `ping`, and a command that is refused because the client has sent
 * too many, are answered at once.
 */
export class ClientSession implements Session, TaskSession, Watched, Closing {
  readonly connection: AnyConnection & Session['connection']
  readonly #isReceiveOnly: boolean
  readonly #dependencies: SessionDependencies
  readonly #queue = new CommandQueue((error) => this.#dependencies.reports.tell(error, this.connection))
  readonly #commands: Rate
  readonly #refusals: Rate
  #hasEnded = false
  /** The close code and the reason for a connection that the server will close later. */
  #closeDetails: CloseDetails | undefined

  constructor(connection: AnyConnection, isReceiveOnly: boolean, dependencies: SessionDependencies) {
    const { burst, maxRefusals, perSecond } = dependencies.options.limits
    const nowMs = dependencies.options.clock.monotonic()
    this.connection = connection as AnyConnection & Session['connection']
    this.#isReceiveOnly = isReceiveOnly
    this.#dependencies = dependencies
    this.#commands = new Rate({ burst, perSecond }, nowMs)
    this.#refusals = new Rate({ burst: maxRefusals, perSecond }, nowMs)
  }

  get isOver(): boolean {
    return this.#hasEnded || this.connection.removed
  }

  // ── What the client does ─────────────────────────────────────────────────────────────────────────────────────

  receive(text: unknown): void {
    if (this.isOver) return
    try {
      this.#receive(text)
    } catch (error) {
      this.#dependencies.reports.tell(error, this.connection)
    }
  }

  #receive(text: unknown): void {
    const { counts, options } = this.#dependencies
    counts.texts++
    this.#heard()
    for (const command of readCommands(text, options.limits)) if (!this.isOver) this.#take(command)
  }

  #take(command: Command): void {
    const { counts, options } = this.#dependencies
    const nowMs = options.clock.monotonic()
    counts.commands++
    if (!this.#commands.take(nowMs)) return this.#limit(command, { code: 'ERR_RATE_LIMITED', retryMs: this.#commands.nextTurnMs(nowMs) })
    if (command.kind === 'ping') return this.say(pongText(command.id))
    if (this.#queue.length < options.limits.pending) return this.#queue.push(this.#taskOf(command))
    this.#commands.giveBack()
    this.#limit(command, { code: 'ERR_BUSY', retryMs: RETRY_MS })
  }

  #taskOf(command: Exclude<Command, { readonly kind: 'ping' }>): Task {
    const { kind, id } = command
    if (kind === 'subscribe') return new SubscribeTask(command, this, this.#dependencies)
    if (kind === 'unsubscribe') return immediate(() => this.#unsubscribe(command))
    if (kind === 'flawed') return immediate(() => this.refuse(id, command))
    const own = this.#dependencies.options.commands.get(command.name)
    if (own === undefined) return immediate(() => this.refuse(id, { code: 'ERR_UNKNOWN_COMMAND' }))
    return new OwnTask(command, () => own({ connection: this.connection, data: command.data, session: this }), this, this.#dependencies)
  }

  #unsubscribe({ id, streamType, symbol }: UnsubscribeCommand): void {
    this.#dependencies.holdings.remove(this, { streamType, symbol })
    this.connection.unsubscribe({ streamType, symbol })
    this.say(unsubscribedText(id, { streamType, symbol }))
  }

  #heard(): void {
    if (!this.#isReceiveOnly) this.#dependencies.watch.heard(this)
  }

  // ── What the client is told ──────────────────────────────────────────────────────────────────────────────────

  /** Begins the session by sending the client its first frame. */
  begin(text: string): void {
    this.#heard()
    this.say(text)
  }

  send(text: string): void {
    this.connection.send(text)
    this.noteAnswer()
  }

  noteAnswer(): void {
    const { counts, watch } = this.#dependencies
    counts.answers++
    if (!this.isOver) watch.said(this)
  }

  say(text: string): void {
    if (this.isOver) return
    try {
      this.send(text)
    } catch (error) {
      this.#dependencies.reports.tell(error, this.connection)
      this.#close(UNANSWERABLE)
    }
  }

  refuse(id: number | undefined, refusal: Refusal): void {
    this.#commands.giveBack()
    this.#refuse(id, refusal)
  }

  fail(id: number | undefined, error: unknown, otherwise: Refusal): void {
    const refusal = refusalIn(error)
    if (refusal === undefined) this.#dependencies.reports.tell(error, this.connection)
    if (refusal?.code === 'ERR_TIMEOUT') this.#dependencies.counts.timeouts++
    this.refuse(id, refusal ?? otherwise)
  }

  failedLate(error: unknown): void {
    if (refusalIn(error) === undefined) this.#dependencies.reports.tell(error, this.connection)
  }

  /** Refuses a command at once, because the client has sent too many. */
  #limit({ id }: Command, refusal: Refusal): void {
    this.#dependencies.counts.limited++
    this.#refuse(id, refusal)
  }

  #refuse(id: number | undefined, refusal: Refusal): void {
    const { counts, options } = this.#dependencies
    if (this.isOver) return
    counts.refused++
    this.say(refusedText(id, refusal))
    if (this.isOver || this.#refusals.take(options.clock.monotonic())) return
    counts.floods++
    this.goodbye(FLOOD)
  }

  ended(stream: { readonly streamType: string; readonly symbol: string | undefined }, reason: SubscriptionEndReason): void {
    if (this.isOver) return
    this.#dependencies.counts.ended++
    this.say(unsubscribedText(undefined, stream, reason))
  }

  goodbye(goodbye: Goodbye): void {
    const { text, closeInMs, details } = resolvedGoodbye(goodbye)
    this.say(text)
    if (this.isOver || closeInMs === undefined) return
    if (closeInMs === 0) return this.#close(details)
    this.#closeDetails = details
    this.#dependencies.closings.add(this, closeInMs)
  }

  // ── What happens meanwhile ───────────────────────────────────────────────────────────────────────────────────

  answered({ failure }: Outcome): void {
    if (this.isOver && failure !== undefined) this.failedLate(failure.error)
    this.goOn()
  }

  goOn(): void {
    if (!this.isOver) this.#queue.advance()
  }

  /** Call when streams were revoked. */
  revoked(revoked: Revoked): void {
    for (const task of this.#queue.tasks()) task.revoked(revoked)
    this.goOn()
  }

  closeIdle(): void {
    if (this.isOver) return
    this.#dependencies.counts.idle++
    this.#close(IDLE)
  }

  /** Sends a heartbeat. A heartbeat is not needed if messages already wait for the client, because they are sent as soon as there is room. */
  beat(): void {
    if (this.connection.waitingBytes === 0) this.say(HEARTBEAT_TEXT)
    else this.#dependencies.watch.said(this)
  }

  close(): void {
    this.#close(this.#closeDetails)
  }

  /** Ends the session, because its connection was removed. */
  end(): void {
    const { closings, holdings, pacing, timeouts, watch } = this.#dependencies
    this.#hasEnded = true
    for (const task of this.#queue.tasks()) timeouts.delete(task)
    this.#queue.clear()
    for (const each of [closings, holdings, pacing, watch]) each.forget(this)
  }

  #close(details: CloseDetails | undefined): void {
    void this.connection.remove(details)
  }
}

/** Returns the task of a command that is carried out completely in its turn. */
function immediate(act: () => void): Task {
  return {
    step() {
      act()
      return true
    },
    expire() {},
    revoked() {},
  }
}
