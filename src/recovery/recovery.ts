import { ConnectionManagerError, describe } from '../errors.ts'
import { ErrorReports } from '../guards/error-reports.ts'
import { invalidOption } from '../guards/option-values.ts'
import type { ResolvedCatalogue, StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Revoked } from '../model/revocation.ts'
import type { StreamMessage } from '../model/stream-message.ts'
import type { ConnectionSubscribeRequest, StreamReference, StreamTypeName, Subscription } from '../model/subscription.ts'
import { parseStreamMessage } from '../model/wire-form.ts'
import type { ChannelLog, ReadyRequest } from '../ports/channel-log.ts'
import type { Connection, Socket } from '../ports/connection.ts'
import type { Recorder, RecorderSettings } from '../ports/recorder.ts'
import { Allowances } from './allowances.ts'
import { readArchive } from './archive.ts'
import { archived, restoreInto } from './archiving.ts'
import type { Channel } from './channel.ts'
import { Histories } from './histories.ts'
import type { HistoryMessage } from './history-message.ts'
import { RecoveryLog } from './log.ts'
import { resolvedOptions, type RecoveryOptions, type ResolvedRecoveryOptions, type SnapshotStream } from './options.ts'
import { Resuming, type Resume } from './resuming.ts'
import { RevocationFloors } from './revocation-floors.ts'
import { hostStamps, wireStamps, type Stamps } from './stamps.ts'

/** A connection that `recovery.subscribe` accepts. */
export type RecoverableConnection<TStreams extends StreamCatalogue = TradingStreams> = Connection<Socket, TStreams>

/** The methods of a manager that a recovery calls. */
export interface RecoverableManager {
  /** Calls `act`, and treats everything that it changes or sends as one step. */
  batch<TOutcome>(act: () => TOutcome): TOutcome
  /** Returns the handle of a connection, or `undefined` for an unknown id. */
  getConnection(connectionId: string): object | undefined
  /** Returns the subscriptions of a user. */
  getUserSubscriptions(userId: string): { readonly streamType: string; readonly symbol: string | undefined }[]
  /** Returns the connections that receive exactly this stream. Without a symbol, returns the connections that receive the whole stream type. */
  connectionsOf(streamType: string, symbol?: string): Iterable<object>
  /** Calls the listener for each event with this name. */
  on(event: 'revoked' | 'streamActive' | 'streamIdle' | 'connectionCaughtUp' | 'connectionRemoved', listener: (payload: never) => void): () => void
}

/** A request to subscribe, with the position that the client has reached. */
export type ResumeRequest<TStreams extends StreamCatalogue, TName extends StreamTypeName<TStreams>> = ConnectionSubscribeRequest<TStreams, TName> & {
  /**
   * The client's last position, as `trackPositions` or an id of `positionIds` gives it. A position that the recovery does not know is not an error:
   * the client gets `recovered: false`.
   */
  readonly position?: string | null | undefined
  /** The number of the client's command. The answer repeats the number. */
  readonly id?: number | undefined
}

/** The result of `recovery.subscribe`. */
export interface Resumed<TStreams extends StreamCatalogue = TradingStreams> {
  /** The subscription, as `connection.subscribe` returns it. */
  readonly subscription: Subscription<keyof TStreams & string>
  /** `true` if the client gets all messages that it missed, `false` if messages may be missing, and `null` if the client gave no position. */
  readonly recovered: boolean | null
  /** How many messages and snapshots were sent to the client before the live messages. */
  readonly replayed: number
  /**
   * True if the answer waits for its turn among the deferred messages. This happens in two cases. The call was made while messages are handed
   * to sockets, for example in a `send` or a hook. Or a published message that is not delivered yet will not reach the connection, for example because
   * of a revocation. So nothing is proven or sent yet: `recovered` is `false` or `null`, and `replayed` is 0. The notice that the client gets later
   * says what was recovered.
   */
  readonly deferred: boolean
}

/** The contents of a recovery, and how often clients could resume. */
export interface RecoveryStats {
  /** The number of channels that the recovery knows. */
  readonly channels: number
  /** The number of messages in all histories. */
  readonly messages: number
  /** The number of UTF-16 units of all messages. */
  readonly units: number
  /**
   * How many messages were removed because of a limit of the option `history`. Messages that a newer message replaced are not counted, nor are
   * messages that were removed together with their channel.
   */
  readonly evicted: number
  /**
   * The answers to calls of `subscribe` with a position. `recovered` counts the answers `recovered: true`, and `refused` counts the answers
   * `recovered: false`. A deferred answer does not count if its subscription ended before.
   */
  readonly resumes: { readonly recovered: number; readonly refused: number }
}

interface OfConnection {
  readonly connection: RecoverableConnection<StreamCatalogue>
}

interface Attached {
  readonly manager: RecoverableManager
  readonly settings: RecorderSettings
  readonly streams: ResolvedCatalogue
  readonly histories: Histories
  readonly floors: RevocationFloors
  readonly stamps: Stamps
  readonly resuming: Resuming
  readonly log: RecoveryLog
}

/**
 * Numbers published messages and keeps the last ones. A client that reconnects gets the messages that it missed.
 *
 * A recovery is the recorder of one manager. Call `recovery.subscribe` instead of `connection.subscribe`. A new client then first gets the present
 * state, if there is a snapshot or a latest message. A client that gives its last position gets exactly the messages that it missed. On a `latest`
 * stream, it gets only the latest one of them. If the recovery cannot send all of these messages, the client is told so.
 */
export class Recovery<in out TStreams extends StreamCatalogue = TradingStreams> implements Recorder<RecoverableManager> {
  readonly #options: ResolvedRecoveryOptions
  readonly #reports: ErrorReports
  #attached: Attached | undefined
  /** The message that was recorded last. `skip` needs its number. */
  #last: HistoryMessage | undefined
  /** Revocations that were already remembered, so that the event `revoked` does not add them again. */
  readonly #heeded = new WeakSet<object>()

  /** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
  constructor(options: RecoveryOptions<TStreams> = {}) {
    this.#options = resolvedOptions(options)
    this.#reports = new ErrorReports(this.#options.onError, 'recovery', '`snapshot`')
    if (this.#options.restore !== undefined) readArchive(this.#options.restore)
  }

  /**
   * The manager calls this method once. @throws `ERR_INVALID_OPTION` for a second manager, for a manager with a `serialize` if there is no `stamp`,
   * and if `history.byType` names a stream type that the manager does not have
   */
  attach(manager: RecoverableManager, settings: RecorderSettings): void {
    if (this.#attached !== undefined) throw invalidOption('recorder', 'a recovery works for one manager only')
    const { history, randomEpoch, replay, restore, snapshot, stamp } = this.#options
    if (stamp === undefined && !settings.isWireForm) throw invalidOption('stamp', 'it is required if the manager has a `serialize`')
    const streams = settings.streams as ResolvedCatalogue
    for (const name of history.byType.keys()) if (streams[name] === undefined) throw invalidOption(`history.byType.${name}`, 'there is no such stream type')
    const histories = new Histories(streams, history, settings.clock, randomEpoch)
    const floors = new RevocationFloors(history.ageMs, ({ revoked, order }) => histories.holdsRevoked(revoked, order))
    const stamps = stamp === undefined ? wireStamps : hostStamps(stamp)
    const limits = { count: replay.count, units: replay.units ?? settings.hardLimitBytes / 2 }
    const allowances = new Allowances<RecoverableConnection<StreamCatalogue>>(limits, settings.clock)
    const log = new RecoveryLog(manager, histories, { streams, clock: settings.clock }, randomEpoch)
    const report = (error: unknown): void => this.#reports.tell(error)
    const isWhole = (channel: Channel): boolean => log.isWhole(channel)
    const resuming = new Resuming({ manager, settings, streams, histories, floors, stamps, allowances, snapshot, isWhole, report })
    this.#attached = { manager, settings, streams, histories, floors, stamps, resuming, log }
    if (restore !== undefined) restoreInto(histories, floors, readArchive(restore), settings)
    this.#listen(this.#attached, allowances)
  }

  /** Numbers a message and adds it to the history of its channel. The manager calls this method. */
  record(message: StreamMessage<unknown, string>, text: string): string {
    const { histories, log, stamps, settings } = this.#whenAttached()
    const { streamType, symbol, userId } = message
    const channel = histories.obtain({ streamType, symbol, userId })
    const { epoch } = channel
    const seq = channel.seq + 1
    const stamped = stamps.stamp(text, { epoch, seq })
    if (typeof stamped !== 'string') throw new ConnectionManagerError('ERR_UNSERIALIZABLE', `\`stamp\` must return a string, got ${describe(stamped)}`)
    const isKept = stamps.keepsUnstamped && channel.isLatest
    this.#last = histories.append(channel, { epoch, seq, symbol, text: stamped, unstamped: isKept ? text : undefined, message: settings.isWireForm || !isKept ? undefined : message })
    log.recorded(channel, this.#last)
    return stamped
  }

  /** Returns the `skip` notice, which tells a connection the number of a message that it does not get. The manager calls this method after `record`. */
  skip({ streamType, symbol }: StreamMessage<unknown, string>): string {
    const { epoch, seq } = this.#last as HistoryMessage
    return JSON.stringify({ type: 'skip', stream_type: streamType, symbol: symbol ?? null, epoch, seq })
  }

  /** Remembers a revocation, so that older messages are not sent again to the users who lost access. The manager calls this method. */
  revoked(revocation: { readonly userId: string | undefined; readonly streamType: string | undefined; readonly symbol: string | undefined }): void {
    const { floors, histories, settings } = this.#whenAttached()
    if (this.#heeded.has(revocation)) return
    this.#heeded.add(revocation)
    // Messages that were published before the revocation may be recorded after it.
    floors.add(revocation, histories.order + settings.unrecorded(), settings.clock.monotonic())
  }

  /**
   * Subscribes a connection to a stream and brings the client up to date, in one step. The client gets a notice `subscribed`, then the messages that
   * are sent again, and then all messages that are published later. No message is lost between these parts, and none is sent twice, except if another
   * subscription needs it: see below.
   *
   * With a `position`, the client gets all messages since that position, and `recovered` is true. On a `latest` stream, it gets only the latest one
   * of them. If the recovery cannot prove that nothing is missing, or cannot send all of these messages again, `recovered` is false, and the client
   * gets the present state like a new client. The present state is the snapshot of the option `snapshot`, or the latest message of a `latest` stream,
   * marked as a snapshot. Queued messages of this stream are purged from the connection first, unless another subscription of the connection needs
   * them. For a symbol, this is a subscription to the whole type. For a whole type, it is a subscription to one of its symbols. If messages are not
   * purged, a message may be sent twice. A client with `trackPositions` ignores the second copy. If the stream's source has failed, a new subscriber
   * gets the status notice before `subscribed`.
   *
   * Queued messages of `sendToUser`, `sendToConnection` and `broadcast` are not purged, because the recovery cannot send them again.
   *
   * While messages are handed to sockets, and in one other case, the answer waits for its turn: see `Resumed.deferred`. Until then, the connection
   * gets no published messages of the stream. There are two exceptions: another subscription of the connection needs the messages, or the connection
   * has the stream already and gives no position.
   *
   * If the connection already has the stream and gives no position, its queued messages are sent before the notice `subscribed`. If the socket has no
   * room for these messages, and the connection gets no snapshot, a gap notice without a number comes before `subscribed`.
   *
   * @throws the errors of `connection.subscribe`, `ERR_UNKNOWN_CONNECTION` for a connection that the manager does not hold, `ERR_INVALID_ARGUMENT`
   * for an `id` that is not a whole number, `ERR_QUOTA_EXCEEDED` if the notice is longer than `quotas.messageUnits`, `ERR_PUBLISH_DEPTH` within a
   * delivery if the answer cannot be deferred, and `ERR_INVALID_OPTION` if this recovery is not the `recorder` of a manager, or `randomEpoch`
   * returned a name that is not valid. After an error, the connection has the same subscriptions as before, and nothing is purged.
   */
  subscribe<TName extends StreamTypeName<TStreams>>(connection: RecoverableConnection<TStreams>, request: ResumeRequest<TStreams, TName>): Resumed<TStreams> {
    const { manager, resuming } = this.#whenAttached()
    if (manager.getConnection(connection.id) !== connection) {
      throw new ConnectionManagerError('ERR_UNKNOWN_CONNECTION', `Connection ${describe(connection.id)} was removed, or is another manager's`, { connectionId: connection.id })
    }
    const { position, id, ...stream } = readRequest(request) as ResumeRequest<TStreams, TName> & StreamReference
    const resume: Resume = { stream, position: position ?? undefined, id }
    return manager.batch(() => resuming.resume(connection as unknown as RecoverableConnection<StreamCatalogue>, resume)) as Resumed<TStreams>
  }

  /**
   * If the manager is a node of a cluster, call `ready` before each `subscribe`, and wait for the promise: see `cluster.ready`. Without a cluster,
   * `ready` returns `undefined`, because there is nothing to wait for. A command server calls `ready` itself.
   *
   * @throws `ERR_INVALID_OPTION` if this recovery is not the `recorder` of a manager
   */
  ready(request: ReadyRequest): Promise<void> | undefined {
    return this.#whenAttached().log.ready(request)
  }

  /**
   * The numbers and the histories, for a cluster. A server does not need this property.
   *
   * @throws `ERR_INVALID_OPTION` if this recovery is not the `recorder` of a manager
   */
  get log(): ChannelLog {
    return this.#whenAttached().log
  }

  /**
   * Returns the last message of a stream as it was published, or `undefined` if the history does not have it. For a private stream, give its
   * `userId`.
   *
   * If the manager has a `serialize`, the library cannot parse the texts. Then the method finds only messages that this node has published to
   * `latest` streams since its last restart. For all other messages, it returns `undefined`.
   */
  lastValue(stream: { readonly streamType: keyof TStreams & string; readonly symbol?: string | undefined; readonly userId?: string | undefined }): StreamMessage<unknown, string> | undefined {
    const { histories, settings } = this.#whenAttached()
    const { streamType, symbol, userId } = stream
    if (settings.streams[streamType] === undefined) return undefined
    histories.refresh()
    const last = histories.find({ streamType, symbol, userId })?.messages().filter((each) => each.symbol === symbol).at(-1)
    if (last === undefined || !settings.isWireForm) return last?.message
    return parseStreamMessage(last.text, { streams: settings.streams }) as StreamMessage<unknown, string>
  }

  /**
   * Returns the whole state as a text for the option `restore`: all channels, their numbers and histories, and all revocations. Call `export` after
   * the last publish. After the restart, clients can still resume from old positions. New messages are numbered in new epochs. A position names at
   * most 32 epochs, and its text has at most 1,024 UTF-16 units. So once the server has restarted 31 times, no client can resume after a further
   * restart. If the name of each epoch has 64 characters, this holds from 11 restarts on.
   */
  export(): string {
    const { histories, floors, settings } = this.#whenAttached()
    histories.refresh()
    return JSON.stringify(archived(histories, floors, settings.clock))
  }

  /** Returns how much the recovery holds now, and how often clients could resume so far. */
  stats(): RecoveryStats {
    const { histories, resuming } = this.#whenAttached()
    histories.refresh()
    const { channelCount: channels, messageCount: messages, units, evicted } = histories
    return { channels, messages, units, evicted, resumes: { ...resuming.counts } }
  }

  #listen({ manager, histories }: Attached, allowances: Allowances<RecoverableConnection<StreamCatalogue>>): void {
    const listen = (event: Parameters<RecoverableManager['on']>[0], listener: (payload: never) => void): void => void manager.on(event, listener)
    // The host may wrap the recovery in a recorder that has only `attach` and `record`. Then the manager does not call `revoked`.
    listen('revoked', (revoked: Revoked) => this.revoked(revoked))
    listen('streamActive', ({ streamType, symbol, userId }: SnapshotStream) => histories.setActive({ streamType, symbol, userId }, true))
    listen('streamIdle', ({ streamType, symbol, userId }: SnapshotStream) => histories.setActive({ streamType, symbol, userId }, false))
    listen('connectionCaughtUp', ({ connection }: OfConnection) => allowances.caughtUp(connection))
    listen('connectionRemoved', ({ connection }: OfConnection) => allowances.forget(connection))
  }

  #whenAttached(): Attached {
    if (this.#attached !== undefined) return this.#attached
    throw invalidOption('recorder', 'this recovery has no manager yet. Give it to `new ConnectionManager({ recorder })`')
  }
}

/** @throws `ERR_INVALID_ARGUMENT` unless the request is an object whose `id` is absent or a whole number */
function readRequest(request: unknown): object {
  if (typeof request !== 'object' || request === null) throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid request: expected an object, got ${describe(request)}`)
  const { id } = request as { readonly id?: unknown }
  if (id === undefined || Number.isSafeInteger(id)) return request
  throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid request, field "id": expected a whole number, got ${describe(id)}`, { field: 'id' })
}

/**
 * Returns a recovery. Pass the recovery to a manager as the option `recorder`.
 *
 * @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range
 *
 * @example
 * import { createRecovery } from 'stream-connection-manager/recovery'
 *
 * const recovery = createRecovery()
 * const manager = new ConnectionManager({ recorder: recovery })
 * const connection = manager.addConnection('c1', socket, 'alice')
 *
 * recovery.subscribe(connection, { streamType: 'TRADES', symbol: 'BTCUSDT', position: positionOfTheClient })
 */
export function createRecovery<TStreams extends StreamCatalogue = TradingStreams>(options: RecoveryOptions<TStreams> = {}): Recovery<TStreams> {
  return new Recovery(options)
}
