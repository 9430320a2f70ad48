import type { StreamCatalogue } from '../../model/catalogue.ts'
import type { AnyConnection, Socket } from '../../ports/connection.ts'
import { drainOf } from '../../ports/drain.ts'
import { Spread } from '../../time/spread.ts'
import { Timetable } from '../../time/timetable.ts'
import { assertManager, followConnections, type AnyManager, type OperatedManager } from '../operated-manager.ts'
import { resolvedOptions, type LifetimeOptions, type ResolvedLifetimeOptions } from './options.ts'

/** A running limit. `limitLifetime` returns it. */
export interface LifetimeLimit {
  /** How many connections have reached the end of their lifetime. */
  readonly ended: number
  /** Stops the limit, and removes its timer and its listeners. The connections stay. A second call does nothing. */
  stop(): void
}

/**
 * The ends of lifetimes are rounded up to whole steps, so that the connections of one step end together. A step is a hundredth of `maxMs`, within
 * these bounds.
 */
const SHORTEST_STEP_MS = 1
const LONGEST_STEP_MS = 1_000

class RunningLimit implements LifetimeLimit {
  ended = 0
  readonly #manager: AnyManager
  readonly #options: ResolvedLifetimeOptions
  readonly #spread = new Spread()
  readonly #timetable: Timetable<AnyConnection>
  readonly #unfollow: () => void

  constructor(manager: AnyManager, options: ResolvedLifetimeOptions) {
    this.#manager = manager
    this.#options = options
    const stepMs = Math.min(Math.max(SHORTEST_STEP_MS, options.maxMs / 100), LONGEST_STEP_MS)
    this.#timetable = new Timetable(options.clock, stepMs, (connection) => this.#end(connection))
    this.#unfollow = followConnections(manager, {
      added: (connection) => this.#add(connection),
      removed: (connection) => this.#timetable.delete(connection),
    })
  }

  stop(): void {
    this.#unfollow()
    this.#timetable.clear()
  }

  #add(connection: AnyConnection): void {
    const { clock, maxMs, jitter } = this.#options
    if (maxMs === Infinity) return
    this.#timetable.set(connection, clock.monotonic() + maxMs * (1 - jitter * this.#spread.next()))
  }

  #end(connection: AnyConnection): void {
    const { code, reason } = this.#options
    // A drain has told the client to go, or closes the connection in its turn.
    if (drainOf(this.#manager) !== undefined) return
    this.ended++
    if (!this.#sayGoodbye(connection)) void connection.remove({ code, reason })
  }

  /** Returns true if the client has a session, which closes the connection after the goodbye. */
  #sayGoodbye({ id, userId }: AnyConnection): boolean {
    const { code, commands, graceMs, reason, reports } = this.#options
    try {
      const session = commands?.find(id, userId)
      session?.goodbye({ reason, withinMs: graceMs, code, closeInMs: graceMs })
      return session !== undefined
    } catch (error) {
      reports.tell(error)
      return false
    }
  }
}

/**
 * Ends each connection after a lifetime of at most `maxMs`, as exchanges do after 24 hours. So an outdated permission does not last for ever, and the
 * load of the servers evens out again after a deploy. If a connection is there already, its lifetime begins with this call.
 *
 * The lifetimes are evenly spread, by `jitter`. With `commands`, a client of the protocol gets a goodbye first, and reconnects. Other clients are
 * closed with `code` and `reason`. A login by `connection.reassign` does not lengthen the lifetime. One timer serves all connections. It does not
 * keep the process alive. A connection may live up to a second longer than its lifetime, and after a goodbye for another `graceMs`. While the manager
 * drains, no lifetime ends: the drain ends the connections.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `manager` is not a manager, and `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range
 *
 * @example
 * import { limitLifetime } from 'stream-connection-manager/operations'
 * import { createCommandServer } from 'stream-connection-manager/protocol'
 *
 * const manager = new ConnectionManager<WebSocket>()
 * const commands = createCommandServer(manager)
 * const limit = limitLifetime(manager, { maxMs: 24 * 3_600_000, commands })
 *
 * limit.stop() // in a test. In a server, `manager.cleanup()` is enough
 */
export function limitLifetime<TSocket extends Socket, TStreams extends StreamCatalogue, TMetadata>(
  manager: OperatedManager<TSocket, TStreams, TMetadata>,
  options: LifetimeOptions,
): LifetimeLimit {
  assertManager(manager)
  return new RunningLimit(manager as unknown as AnyManager, resolvedOptions(options))
}
