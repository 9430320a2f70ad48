import { adopted } from '../../guards/user-code.ts'
import type { StreamCatalogue, TradingStreams } from '../../model/catalogue.ts'
import type { AnyConnection, CloseReason, Socket } from '../../ports/connection.ts'
import { beginDrain, drainOf, type Drain, type DrainRefusal, type DrainReport } from '../../ports/drain.ts'
import { goodbyeText } from '../../protocol/answers.ts'
import { Rate } from '../../protocol/rate.ts'
import { Alarm } from '../../time/alarm.ts'
import { assertManager, type OperatedManager } from '../operated-manager.ts'
import { resolvedOptions, type ManagerDrainOptions, type ResolvedDrainOptions } from './options.ts'

/** All that a drain needs of its manager. */
export interface DrainedManager<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown>
  extends OperatedManager<TSocket, TStreams, TMetadata> {
  /** How many connections there are. */
  readonly connectionCount: number
  /** Closes all connections that are left, and ends the manager. */
  cleanup(options?: { readonly deadlineMs?: number | undefined }): Promise<unknown>
}

type AnyManager = DrainedManager<Socket, StreamCatalogue>

/**
 * By default, all connections leave within this part of `overMs`. The rest of the time is for clients that do not go by themselves, and for the
 * cleanup.
 */
const LEAVING_SHARE = 0.75
/** By default, at least this many connections leave in each second, so that the drain of a small server is short. */
const LEAST_PER_SECOND = 100
/** After this part of `overMs`, the connections that are left are closed all at once. Then the cleanup begins. It begins earlier if none are left. */
const CLOSING_SHARE = 0.9
/**
 * Clients that were told to go choose random moments, so chance decides how many have gone at any time. In one of 30,000 cases, this number is below
 * the expected one by more than this many standard deviations. So if it is that low, clients ignore the goodbye, and connections are closed.
 */
const DEVIATIONS = 4
/** The interval at which connections are closed. After a pause of the process, at most the connections of two intervals are closed together. */
const TICK_MS = 50
/** Stands for `Infinity`, with which a rate cannot be computed. */
const MOST_PER_SECOND = 1e9
/** The longest time that a newcomer is told to wait, so that the hint fits in a close frame. */
const LONGEST_WAIT_MS = 86_400_000

class RunningDrain implements Drain {
  readonly done: Promise<DrainReport>
  readonly #manager: AnyManager
  readonly #options: ResolvedDrainOptions
  readonly #startMs: number
  readonly #perSecond: number
  /** Limits how many connections leave in each second. */
  readonly #departures: Rate
  /** Plans when refused newcomers come back: after the drain, at the same rate. */
  readonly #returns: Rate
  readonly #counts = { told: 0, left: 0, closed: 0, remained: 0 }
  /** How the report counts a connection that is removed now. */
  #removedAs: 'left' | 'closed' | 'remained' = 'left'
  /** True while clients of the protocol go by themselves. */
  #isTelling = true

  constructor(manager: AnyManager, options: ResolvedDrainOptions) {
    this.#manager = manager
    this.#options = options
    this.#startMs = options.clock.monotonic()
    const connections = Math.max(1, manager.connectionCount)
    const neededPerSecond = connections / (LEAVING_SHARE * options.overMs / 1_000)
    const perSecond = Math.min(options.perSecond ?? Math.max(LEAST_PER_SECOND, neededPerSecond), MOST_PER_SECOND)
    this.#perSecond = perSecond
    this.#departures = new Rate({ burst: Math.max(1, 2 * perSecond * TICK_MS / 1_000), perSecond }, this.#startMs)
    this.#returns = new Rate({ burst: 1, perSecond }, this.#startMs + Math.max(options.overMs, this.#msFor(connections)))
    let begin!: (report: Promise<DrainReport>) => void
    // `#run` calls user code, which may ask for this promise.
    this.done = new Promise((resolve) => (begin = resolve))
    beginDrain(manager, this)
    begin(this.#run())
  }

  refusal(): DrainRefusal {
    const { code, reason } = this.#options
    const afterMs = Math.min(this.#returns.nextTurnMs(this.#nowMs), LONGEST_WAIT_MS)
    const seconds = Math.ceil(afterMs / 1_000)
    const text = goodbyeText(reason, true, afterMs, afterMs)
    return { afterMs, status: 503, headers: { 'retry-after': `${seconds}` }, code, reason: `${reason}, come back in ${seconds} s`, text }
  }

  async #run(): Promise<DrainReport> {
    const stopCounting = this.#manager.on('connectionRemoved', ({ reason }) => this.#count(reason))
    const time = this.#timeout(CLOSING_SHARE * this.#options.overMs)
    void this.#tell().then(() => (this.#isTelling = false))
    await this.#closeSteadily(time.isOver)
    time.cancel()
    // A copy: a client that comes back at once would keep this loop running.
    for (const connection of [...this.#manager.connections()]) this.#close(connection, 'remained')
    await this.#cleanUp()
    stopCounting()
    return { ...this.#counts, tookMs: this.#tookMs }
  }

  get #nowMs(): number {
    return this.#options.clock.monotonic()
  }

  get #tookMs(): number {
    return this.#nowMs - this.#startMs
  }

  #timeout(ms: number): { readonly isOver: Promise<void>; readonly cancel: () => void } {
    let cancel!: () => void
    const isOver = new Promise<void>((resolve) => (cancel = this.#options.clock.setTimeout(resolve, ms, true)))
    return { isOver, cancel }
  }

  /** Returns how many milliseconds this many connections take to leave at the wanted rate. */
  #msFor(connections: number): number {
    return Math.min(1_000 * connections / this.#perSecond, Number.MAX_SAFE_INTEGER)
  }

  /**
   * Tells all clients of the protocol at once to go. Each client goes at a random moment. Resolves when they have gone, or when their time is over.
   */
  async #tell(): Promise<void> {
    const { commands, reason } = this.#options
    if (commands === undefined) return
    await this.#attempt(() => {
      this.#counts.told = commands.sessions
      return commands.drain({ reason, withinMs: this.#msFor(this.#counts.told) })
    })
  }

  /** Closes connections at the wanted rate, until nobody is left or the time is over. Closes none while clients go by themselves as expected. */
  async #closeSteadily(timeIsOver: Promise<void>): Promise<void> {
    let cancel!: () => void
    const allHaveGone = new Promise<void>((resolve) => {
      const alarm = new Alarm(this.#options.clock, () => this.#closeSome() ? resolve() : alarm.set(TICK_MS))
      cancel = () => alarm.cancel()
      alarm.set(0)
    })
    await Promise.race([allHaveGone, timeIsOver])
    cancel()
  }

  /** Closes as many connections as may leave now, the oldest first. Returns true if nobody is left. */
  #closeSome(): boolean {
    const nowMs = this.#nowMs
    let left = this.#manager.connectionCount
    for (const connection of this.#manager.connections()) {
      // Clients that come back meanwhile have to wait for the next tick.
      if (left-- === 0 || !this.#isOneDue || !this.#departures.take(nowMs)) break
      this.#close(connection, 'closed')
    }
    return this.#manager.connectionCount === 0
  }

  /** False while clients go by themselves as expected. */
  get #isOneDue(): boolean {
    const { told, left, closed } = this.#counts
    const expected = Math.min(told, this.#perSecond * this.#tookMs / 1_000)
    return !this.#isTelling || left + closed < expected - DEVIATIONS * Math.sqrt(expected)
  }

  /** Closes what is left. Resolves at the deadline at the latest, even if somebody else began the cleanup, and gave it more time. */
  async #cleanUp(): Promise<void> {
    const deadlineMs = Math.max(0, this.#options.overMs - this.#tookMs)
    const deadline = this.#timeout(deadlineMs)
    await Promise.race([this.#attempt(() => this.#manager.cleanup({ deadlineMs })), deadline.isOver])
    deadline.cancel()
  }

  /** Calls user code, and waits until the promise that it returns has settled. An error is reported. */
  async #attempt(act: () => PromiseLike<unknown>): Promise<void> {
    try {
      await adopted(act())
    } catch (error) {
      this.#options.reports.tell(error)
    }
  }

  #close(connection: AnyConnection, as: 'closed' | 'remained'): void {
    const { code, reason } = this.#options
    this.#removedAs = as
    void connection.remove({ code, reason })
    this.#removedAs = 'left'
  }

  #count(reason: CloseReason): void {
    const removedAs = reason === 'cleanup' ? 'remained' : this.#removedAs
    this.#counts[removedAs]++
    // A client that goes by itself connects to another server too, so it counts for the rate.
    if (removedAs === 'left') this.#departures.spend(this.#nowMs)
  }
}

/**
 * Empties a manager before a deploy, at a steady rate, so that not all clients connect to the other servers at once.
 *
 * 1. Newcomers are refused from now on: hosts ask `drainOf(manager)`. Each newcomer is told when to come back.
 * 2. With `commands`, the clients of the protocol are told to go. Each goes by itself, at a random moment. If far fewer clients have gone than
 *    expected, connections are closed meanwhile.
 * 3. Connections that are still there are closed with `code` and `reason`, at `perSecond`.
 * 4. Connections that are left after nine tenths of `overMs` are closed all at once. Then `manager.cleanup()` ends the manager.
 *
 * Always resolves within `overMs`, and never rejects. A second call changes nothing, and returns the same promise.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `manager` is not a manager, and `ERR_INVALID_OPTION` naming the option that is unknown or out of range
 *
 * @example
 * import { drain } from 'stream-connection-manager/operations'
 * import { createCommandServer } from 'stream-connection-manager/protocol'
 *
 * const manager = new ConnectionManager<WebSocket>()
 * const commands = createCommandServer(manager)
 *
 * // At SIGTERM:
 * const { told, left, closed, remained } = await drain(manager, { commands, overMs: 25_000 })
 * console.log(told, left, closed, remained) // 0 0 0 0
 */
export function drain<TSocket extends Socket, TStreams extends StreamCatalogue, TMetadata>(
  manager: DrainedManager<TSocket, TStreams, TMetadata>,
  options: ManagerDrainOptions = {},
): Promise<DrainReport> {
  assertManager(manager, ['connections', 'on', 'cleanup'])
  const running = drainOf(manager) ?? new RunningDrain(manager as unknown as AnyManager, resolvedOptions(options))
  return running.done
}
