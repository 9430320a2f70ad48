import { ConnectionManagerError, describe } from '../errors.ts'
import { ErrorReports } from '../guards/error-reports.ts'
import type { ManagerEvents } from '../events/events.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Revoked } from '../model/revocation.ts'
import type { Subscription } from '../model/subscription.ts'
import type { AnyConnection, Connection, Socket } from '../ports/connection.ts'
import { ExpiringSet } from '../time/expiring-set.ts'
import { welcomeText } from './answers.ts'
import { ClientSession, type SessionDependencies } from './client-session.ts'
import { Closings } from './closings.ts'
import { Draining, type DrainOptions } from './draining.ts'
import { Holdings } from './holdings.ts'
import { resolvedOptions, type CommandServerOptions, type ResolvedCommandOptions } from './options.ts'
import { Pacing } from './pacing.ts'
import type { Session } from './session.ts'
import { noCounts, type CommandStats } from './stats.ts'
import type { Task } from './task.ts'
import { Watch } from './watch.ts'

/** The methods of a manager that a command server calls. */
export interface CommandManager<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** Runs `act` as one step, as the manager's `batch` does. */
  batch<TOutcome>(act: () => TOutcome): TOutcome
  /** Returns the handle of a connection. */
  getConnection(connectionId: string): Connection<TSocket, TStreams, TMetadata> | undefined
  /** Calls the listener for each event of this name. */
  on<TName extends CommandEvent>(event: TName, listener: (payload: ManagerEvents<TSocket, TStreams, TMetadata>[TName]) => void): () => void
}

type CommandEvent = 'connectionRemoved' | 'connectionReassigned' | 'connectionCaughtUp' | 'subscriptionRemoved' | 'subscriptionChanged' | 'revoked'

/** The server half of the protocol. `createCommandServer` returns it. */
export interface CommandServer<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /**
   * Sends a client the `welcome`, or the `goodbye` if `drain` was called before, and returns the session of the client. Call `open` directly after
   * `addConnection`, and pass everything that the client sends to `session.receive`. The session ends with the connection. A second call returns the
   * same session.
   *
   * `receiveOnly` is for a client that cannot send, such as the client of an event stream. Such a client is not closed if it sends nothing. Its
   * commands come in the URL, or by POST.
   *
   * @throws `ERR_UNKNOWN_CONNECTION` for a connection that was removed, or that belongs to another manager
   */
  open(connection: Connection<TSocket, TStreams, TMetadata>, options?: { readonly receiveOnly?: boolean | undefined }): Session<TSocket, TStreams, TMetadata>
  /**
   * Returns the session of a connection, for commands that come by POST. Returns `undefined` if there is no such session, or if the connection
   * belongs to another user.
   */
  find(connectionId: string, userId: string): Session<TSocket, TStreams, TMetadata> | undefined
  /**
   * Asks every client at once to move to another server. Each client moves at a random moment. Clients that connect later are asked too. Call `drain`
   * at SIGTERM, before `manager.cleanup()`.
   *
   * Resolves when all clients have gone, at the latest half a second after `withinMs`. The result is the number of clients that are still connected.
   * A second call changes nothing, and waits for the end of the first drain.
   *
   * @throws `ERR_INVALID_ARGUMENT` for an option that is out of range
   */
  drain(options?: DrainOptions): Promise<number>
  /** How many sessions there are. */
  readonly sessions: number
  /** What the command server has done so far. Each read returns a new object. */
  readonly stats: CommandStats
}

type AnyManager = CommandManager<Socket, StreamCatalogue>

class Server {
  readonly #manager: AnyManager
  readonly #options: ResolvedCommandOptions
  readonly #dependencies: SessionDependencies
  readonly #sessions = new Map<string, ClientSession>()
  #draining: Draining | undefined

  constructor(manager: AnyManager, options: ResolvedCommandOptions) {
    this.#manager = manager
    this.#options = options
    this.#dependencies = dependenciesOf(manager, options)
    this.#listen()
  }

  get sessions(): number {
    return this.#sessions.size
  }

  get stats(): CommandStats {
    return { ...this.#dependencies.counts }
  }

  open(connection: AnyConnection, { receiveOnly = false }: { readonly receiveOnly?: boolean | undefined } = {}): ClientSession {
    const { id } = connection
    if (this.#manager.getConnection(id) !== connection) {
      throw new ConnectionManagerError('ERR_UNKNOWN_CONNECTION', `Connection ${describe(id)} was removed, or is another manager's`, { connectionId: id })
    }
    const existing = this.#sessions.get(id)
    if (existing?.connection === connection) return existing
    const session = new ClientSession(connection, receiveOnly, this.#dependencies)
    this.#sessions.set(id, session)
    session.begin(this.#draining?.goodbye.text ?? welcomeText(id, receiveOnly ? 0 : this.#options.idleMs, this.#options.heartbeatMs))
    return session
  }

  find(connectionId: string, userId: string): ClientSession | undefined {
    const session = this.#sessions.get(connectionId)
    return session?.connection.userId === userId ? session : undefined
  }

  drain(options: DrainOptions = {}): Promise<number> {
    this.#draining ??= this.#beginDraining(options)
    return this.#draining.over.then(() => this.#sessions.size)
  }

  #beginDraining(options: DrainOptions): Draining {
    const draining = new Draining(options, this.#options.clock)
    for (const session of [...this.#sessions.values()]) session.say(draining.goodbye.text)
    if (this.#sessions.size === 0) draining.end()
    return draining
  }

  /** One listener for each event serves all sessions. */
  #listen(): void {
    const { holdings, pacing } = this.#dependencies
    const manager = this.#manager
    manager.on('connectionRemoved', ({ connection }) => this.#end(connection))
    manager.on('connectionReassigned', ({ connection }) => this.#reassigned(connection))
    manager.on('connectionCaughtUp', ({ connection }) => pacing.caughtUp(connection))
    manager.on('revoked', (revoked) => this.#revoked(revoked))
    manager.on('subscriptionRemoved', ({ subscription, reason }) => {
      if (reason !== 'reassigned') holdings.ended(subscription, reason)
    })
    manager.on('subscriptionChanged', ({ subscription, connection, change }) => {
      if (change === 'holder-removed' && connection !== undefined) this.#released(connection, subscription)
    })
  }

  #end(connection: AnyConnection): void {
    const session = this.#sessionOf(connection)
    if (session === undefined) return
    this.#sessions.delete(connection.id)
    session.end()
    if (this.#sessions.size === 0) this.#draining?.end()
  }

  #reassigned(connection: AnyConnection): void {
    const session = this.#sessionOf(connection)
    if (session === undefined) return
    this.#dependencies.holdings.reconcile(session, viewsOf(connection), 'reassigned')
    // Waiting subscribes, and host commands that have not begun, belong to the old user and are refused.
    session.goOn()
  }

  #revoked(revoked: Revoked): void {
    for (const session of [...this.#sessions.values()]) session.revoked(revoked)
  }

  /** Called when the host has unsubscribed this connection, but other holders keep the subscription. */
  #released(connection: AnyConnection, subscription: Subscription): void {
    const session = this.#sessionOf(connection)
    const { holdings } = this.#dependencies
    if (session !== undefined && holdings.has(session, subscription)) holdings.reconcile(session, viewsOf(connection), 'unsubscribed')
  }

  /** Returns the session of exactly this connection. A later connection may have the same id. */
  #sessionOf(connection: AnyConnection): ClientSession | undefined {
    const session = this.#sessions.get(connection.id)
    return session?.connection === connection ? session : undefined
  }
}

function dependenciesOf(manager: AnyManager, options: ResolvedCommandOptions): SessionDependencies {
  const { clock, limits, onError } = options
  return {
    manager,
    options,
    reports: new ErrorReports(onError, 'protocol', 'a command'),
    holdings: new Holdings(),
    pacing: new Pacing(clock, limits.commandTimeoutMs),
    timeouts: new ExpiringSet<Task>(clock, limits.commandTimeoutMs, (expired) => {
      for (const task of expired) task.expire()
    }),
    watch: new Watch(clock, options),
    closings: new Closings(clock),
    counts: noCounts(),
  }
}

function viewsOf(connection: AnyConnection): Subscription[] {
  return connection.subscriptions().map(({ subscription }) => subscription)
}

/**
 * Returns a command server, the server half of the protocol, for one manager. `docs/protocol.md` describes the protocol on one page.
 *
 * A command server reads commands, calls `authorize` and subscribes. It answers the commands in the order in which they came. Only a `ping`, and a
 * command that is refused because the client has sent too many, are answered at once. If a subscription that a client asked for ends without an
 * `unsubscribe` of this client, the client is told. If a client asks for too much, its commands are refused. If the client continues, its connection
 * is closed. Answers wait for a slow client, as messages do. So a client that does not read its answers is removed as a slow consumer.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range
 *
 * @example
 * import { createCommandServer } from 'stream-connection-manager/protocol'
 *
 * const manager = new ConnectionManager()
 * const commands = createCommandServer(manager, {
 *   authorize: ({ userId, streamType }) => streamType !== 'RISK_ALERTS' || userId === 'alice',
 *   commands: { echo: ({ data }) => data },
 * })
 *
 * const session = commands.open(manager.addConnection('c1', socket, 'alice'))
 * session.receive('{"command":"subscribe","id":1,"stream_type":"PRICE","symbol":"BTCUSDT"}') // for each text that the client sends
 */
export function createCommandServer<TSocket extends Socket, TStreams extends StreamCatalogue, TMetadata>(
  manager: CommandManager<TSocket, TStreams, TMetadata>,
  options: CommandServerOptions<TSocket, TStreams, TMetadata> = {},
): CommandServer<TSocket, TStreams, TMetadata> {
  const server = new Server(manager as unknown as AnyManager, resolvedOptions(options))
  return server as unknown as CommandServer<TSocket, TStreams, TMetadata>
}
