import type { Quotas } from '../access/quotas.ts'
import { CloseListener } from '../closing/close-listener.ts'
import type { CleanupReport, CloseOutcome, Closing, SocketCloser } from '../closing/socket-closer.ts'
import { countOf, membersOf } from '../collections/small-set.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Demand } from '../demand/demand.ts'
import { ConnectionManagerError, describe, type ErrorFacts } from '../errors.ts'
import type { Changes } from '../events/changes.ts'
import type { ErrorStage, Events } from '../events/events.ts'
import { asIdentifier } from '../model/identifier.ts'
import { connectionOptionsIn, deadlineIn, type ResolvedOptions } from '../options.ts'
import { asSocket, isClosed, type CloseReason, type Socket } from '../ports/connection.ts'
import type { SendQueue } from '../ports/sink.ts'
import type { Connections } from '../registry/connections.ts'
import { ConnectionRecord, type Newcomer } from '../registry/records.ts'
import type { Removal } from '../registry/removal.ts'
import type { Subscriptions } from '../registry/subscriptions.ts'
import type { Users } from '../registry/users.ts'
import type { Gate } from './gate.ts'

export interface LifecycleDependencies {
  readonly options: Pick<ResolvedOptions, 'transport' | 'closeTimeoutMs'>
  readonly gate: Gate
  readonly changes: Changes
  readonly events: Events
  readonly quotas: Quotas
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly demand: Demand
  readonly delivery: Delivery<ConnectionRecord>
  readonly closer: SocketCloser<ConnectionRecord>
  /** Removed connections whose send queues are not yet completely flushed or purged. */
  readonly leaving: Set<ConnectionRecord>
  /** Replaces overdue timers, which may have been lost. */
  renewTimers(): void
}

/**
 * Adds and removes connections, and shuts the manager down.
 *
 * Every removal has the same three steps: it removes the connections from every index, flushes or purges their send queues, and closes their sockets.
 * If the peer has gone already, or the host said not to close the socket, the last step is left out.
 */
export class Lifecycle {
  readonly #dependencies: LifecycleDependencies
  /** The listeners of connections whose transport has `onClose`. */
  readonly #closeListeners = new Map<ConnectionRecord, CloseListener>()
  #cleanup: Promise<CleanupReport> | undefined

  constructor(dependencies: LifecycleDependencies) {
    this.#dependencies = dependencies
  }

  add(connectionId: string, socket: Socket, userId: string, options: unknown): ConnectionRecord {
    const { changes, gate, renewTimers } = this.#dependencies
    renewTimers()
    gate.assertOpen()
    const newcomer = this.#newcomer(connectionId, socket, userId, options)
    // Reading the options and the socket may have run the caller's code.
    gate.assertOpen()
    return changes.make(() => this.#known(newcomer) ?? this.#listenAndAdmit(newcomer))
  }

  /** Returns the sockets of a user, oldest first. */
  socketsOf(userId: string): Socket[] {
    return membersOf(this.#dependencies.users.find(userId)?.connections).map(({ socket }) => socket)
  }

  /**
   * Removes a connection, and closes its socket unless the host said not to. The promise resolves when the socket's `close` has settled, at the
   * latest after `closeTimeoutMs`. If nothing has to be closed, it resolves at once. It resolves to true if this call removed the connection, and
   * otherwise to false.
   */
  remove(connection: ConnectionRecord, { isToBeClosed, details }: Removal): Promise<boolean> {
    const { changes, options } = this.#dependencies
    if (connection.removed) return Promise.resolve(false)
    if (!isToBeClosed) {
      this.#removeWithoutClosing(connection)
      return Promise.resolve(true)
    }
    const closing: Closing = { reason: 'removed', details, timeoutMs: options.closeTimeoutMs }
    return Promise.all(changes.make(() => this.#removeAll([connection], closing))).then(() => true)
  }

  async removeUser(userId: string): Promise<number> {
    const { changes, options, subscriptions, users } = this.#dependencies
    const user = users.find(userId)
    if (user === undefined) return 0
    const connections = membersOf(user.connections)
    const outcomes = changes.make(() => {
      if (connections.length === 0) subscriptions.endAllOf(user, 'disconnected')
      return this.#removeAll(connections, { reason: 'removed', timeoutMs: options.closeTimeoutMs })
    })
    await Promise.all(outcomes)
    return connections.length
  }

  /**
   * Removes a connection because its socket failed, or because it is a slow consumer. If the connection was removed before, only the error is
   * reported.
   */
  removeFor(connection: ConnectionRecord, reason: CloseReason, failure?: { readonly error: unknown }): void {
    const { changes, options } = this.#dependencies
    changes.continue(() => {
      if (failure !== undefined) this.#postError('send', failure.error, connection)
      if (!connection.removed) this.#removeAll([connection], { reason, timeoutMs: options.closeTimeoutMs })
    })
  }

  /** Sets the connection's sink to this send queue in all fan-out lists. With `undefined`, the socket becomes the sink again. */
  attachQueue(connection: ConnectionRecord, queue: SendQueue | undefined): void {
    const { connections, subscriptions } = this.#dependencies
    ConnectionRecord.attachQueue(connection, queue)
    connections.refreshSink(connection)
    subscriptions.refreshSink(connection)
  }

  cleanup(options: unknown): Promise<CleanupReport> {
    const { changes, closer, gate } = this.#dependencies
    if (this.#cleanup !== undefined) return this.#cleanup
    const deadlineMs = deadlineIn(options)
    // Reading the options may have run the caller's code.
    if (this.#cleanup !== undefined) return this.#cleanup
    // Set the promise before any socket is closed. A socket's `close` may call `cleanup`, and must get the same promise.
    this.#cleanup = closer.reportLast(deadlineMs)
    gate.isClosed = true
    changes.make(() => this.#shutDown(deadlineMs))
    return this.#cleanup
  }

  #newcomer(id: string, socket: Socket, userId: string, options: unknown): Newcomer {
    const { delivery, options: { transport: ofManager } } = this.#dependencies
    asIdentifier(id, 'connectionId')
    asSocket(socket)
    asIdentifier(userId, 'userId')
    const { metadata, transport = ofManager } = connectionOptionsIn(options)
    return { id, userId, socket, transport, metadata, isClosed: isClosed(socket), sendQueueFor: delivery.queueMaker({ socket, transport }) }
  }

  /** Returns the connection if it exists already. Throws if the newcomer must not be added. */
  #known({ id: connectionId, socket, userId, isClosed }: Newcomer): ConnectionRecord | undefined {
    const { connections, quotas, users } = this.#dependencies
    const known = connections.byId.get(connectionId)
    if (known?.socket === socket && known.userId === userId) return known
    const facts = { connectionId, userId }
    if (known !== undefined) {
      const message = `Connection ${describe(connectionId)} exists already, with another socket or user`
      throw new ConnectionManagerError('ERR_DUPLICATE_CONNECTION', message, facts)
    }
    if (isClosed) throw socketClosed(facts)
    quotas.assertRoom('connections', connections.byId.size, facts)
    quotas.assertRoom('connectionsPerUser', countOf(users.find(userId)?.connections), facts)
    return undefined
  }

  /** Calls the transport's `onClose`, then adds the newcomer. `onClose` is user code, so the state is checked again before the newcomer is added. */
  #listenAndAdmit(newcomer: Newcomer): ConnectionRecord {
    const { id: connectionId, socket, transport, userId } = newcomer
    if (transport?.onClose === undefined) return this.#admit(newcomer)
    const listener = new CloseListener(socket, transport.onClose)
    let isInUse = false
    try {
      this.#dependencies.gate.assertOpen()
      const known = this.#known(newcomer)
      if (known !== undefined) return known
      if (listener.isClosed) throw socketClosed({ connectionId, userId }, listener.failure?.error)
      isInUse = true
      return this.#admit(newcomer, listener)
    } finally {
      if (!isInUse) this.#release(listener)
    }
  }

  /** Releases the close listener of a newcomer that was not added. */
  #release(listener: CloseListener): void {
    const report = (error: unknown): void => this.#hookFailed(error)
    if (listener.failure !== undefined && !listener.isClosed) report(listener.failure.error)
    listener.stop(report)
  }

  #admit(newcomer: Newcomer, closeListener?: CloseListener): ConnectionRecord {
    const { connections, events, subscriptions } = this.#dependencies
    const connection = connections.add(newcomer)
    events.post('connectionAdded', { connection })
    if (closeListener !== undefined) this.#listenFor(closeListener, connection)
    if (countOf(ConnectionRecord.userOf(connection).connections) === 1) events.post('userOnline', { userId: newcomer.userId })
    subscriptions.admit(connection)
    return connection
  }

  #listenFor(closeListener: CloseListener, connection: ConnectionRecord): void {
    this.#closeListeners.set(connection, closeListener)
    closeListener.attach(() => {
      if (!connection.removed) this.#removeWithoutClosing(connection)
    })
    if (closeListener.failure !== undefined) this.#postError('transport', closeListener.failure.error, connection)
  }

  #stopListening(connection: ConnectionRecord): void {
    const closeListener = this.#closeListeners.get(connection)
    this.#closeListeners.delete(connection)
    closeListener?.stop((error) => this.#hookFailed(error, connection))
  }

  /** Removes connections from every index, ends their send queues, and closes their sockets, in this order. */
  #removeAll(connections: readonly ConnectionRecord[], closing: Closing): Promise<CloseOutcome>[] {
    this.#removeFromIndexes(connections, closing.reason)
    return this.#close(connections, closing)
  }

  /** Removes a connection, but does not close its socket, because the peer has gone already. */
  #removeWithoutClosing(connection: ConnectionRecord): void {
    const { changes } = this.#dependencies
    changes.make(() => {
      this.#removeFromIndexes([connection], 'peer-closed')
      changes.send(() => {
        ConnectionRecord.sendQueueOf(connection)?.end(false)
        this.#stopListening(connection)
      })
    })
  }

  #removeFromIndexes(leaving: readonly ConnectionRecord[], reason: CloseReason): void {
    const { connections, delivery, events, subscriptions } = this.#dependencies
    for (const connection of leaving) {
      connections.remove(connection)
      delivery.release(connection)
      events.post('connectionRemoved', { connection, reason })
      subscriptions.detach(connection, reason === 'cleanup' ? reason : 'disconnected')
      const { id: userId, connections: left } = ConnectionRecord.userOf(connection)
      if (left === undefined) events.post('userOffline', { userId, reason })
    }
  }

  #close(connections: readonly ConnectionRecord[], closing: Closing): Promise<CloseOutcome>[] {
    const { changes, closer, leaving } = this.#dependencies
    const { reason } = closing
    const isToBeFlushed = reason === 'removed' || reason === 'cleanup'
    changes.send(() => {
      for (const connection of connections) leaving.add(connection)
      for (const connection of connections) {
        ConnectionRecord.sendQueueOf(connection)?.end(isToBeFlushed)
        leaving.delete(connection)
      }
      for (const connection of connections) this.#stopListening(connection)
    })
    return closer.closeAll(connections, closing)
  }

  #shutDown(deadlineMs: number): void {
    const { changes, demand, leaving, subscriptions, users } = this.#dependencies
    const connections = [...this.#dependencies.connections.byId.values()]
    this.#removeFromIndexes(connections, 'cleanup')
    for (const user of users.all()) subscriptions.endAllOf(user, 'cleanup')
    demand.end()
    // User code may call `cleanup` while removed connections are being flushed. This call must finish that flush, because nothing is sent afterwards.
    // A flush runs user code, and that code may revoke messages of any of these connections. So all of them are in `leaving` before a flush starts.
    const leftBefore = [...leaving]
    for (const connection of connections) leaving.add(connection)
    changes.send(() => {
      for (const connection of leftBefore) ConnectionRecord.sendQueueOf(connection)?.end(true)
    })
    this.#close(connections, { reason: 'cleanup', timeoutMs: deadlineMs })
  }

  #postError(stage: ErrorStage, error: unknown, connection: ConnectionRecord): void {
    this.#dependencies.events.postError({ error, stage, connection })
  }

  /** Reports an error of a transport's hook. The error may come later, as the rejection of a promise. */
  #hookFailed(error: unknown, connection?: ConnectionRecord): void {
    const { changes, events } = this.#dependencies
    changes.continue(() => events.postError({ error, stage: 'transport', ...(connection && { connection }) }))
  }
}

function socketClosed(facts: ErrorFacts, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_SOCKET_CLOSED', `The socket of connection ${describe(facts.connectionId)} has closed`, facts, cause)
}
