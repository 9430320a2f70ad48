import { ConnectionManagerError, describe } from '../errors.ts'
import type { ManagerEvents } from '../events/events.ts'
import type { StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { AnyConnection, Connection, Socket } from '../ports/connection.ts'

/** All that `startHeartbeat` and `limitLifetime` need of a manager. `drain` needs a little more: see `DrainedManager`. */
export interface OperatedManager<TSocket extends Socket = Socket, TStreams extends StreamCatalogue = TradingStreams, TMetadata = unknown> {
  /** Iterates over all connections. */
  connections(): Iterable<Connection<TSocket, TStreams, TMetadata>>
  /** Calls the listener at each event of this name. Returns a function that removes the listener. */
  on<TName extends 'connectionAdded' | 'connectionRemoved'>(
    event: TName,
    listener: (payload: ManagerEvents<TSocket, TStreams, TMetadata>[TName]) => void,
  ): () => void
}

/** A manager of any sockets, any catalogue and any metadata. */
export type AnyManager = OperatedManager<Socket, StreamCatalogue>

interface Follower {
  /** Called for each connection that is there already, and for each that is added. May run user code. */
  added(connection: AnyConnection): void
  /** Called for each connection that is removed, perhaps twice. */
  removed(connection: AnyConnection): void
}

/** Calls the functions of the follower for the connections of a manager, until the returned function is called. */
export function followConnections(manager: AnyManager, { added, removed }: Follower): () => void {
  const stops = [
    manager.on('connectionAdded', ({ connection }) => added(connection)),
    manager.on('connectionRemoved', ({ connection }) => removed(connection)),
  ]
  for (const connection of [...manager.connections()]) {
    if (connection.removed) continue
    added(connection)
    // User code may have removed the connection before `added` took note of it.
    if (connection.removed) removed(connection)
  }
  return () => {
    for (const stop of stops) stop()
  }
}

/** @throws `ERR_INVALID_ARGUMENT` unless the value is an object with these methods */
export function assertManager(value: unknown, methods: readonly string[] = ['connections', 'on']): void {
  try {
    if (methods.every((method) => typeof (value as Record<string, unknown>)[method] === 'function')) return
  } catch {
    // It is no manager.
  }
  throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid \`manager\`: expected a ConnectionManager, got ${describe(value)}`)
}
