import { authorizationBy, type Authorization } from './access/authorization.ts'
import { Quotas } from './access/quotas.ts'
import { SocketCloser } from './closing/socket-closer.ts'
import { Delivery } from './delivery/delivery.ts'
import { Demand } from './demand/demand.ts'
import { Changes } from './events/changes.ts'
import type { Events } from './events/events.ts'
import { noticeData } from './model/wire-form.ts'
import { resolvedOptions, type ResolvedOptions } from './options.ts'
import type { AnyConnection } from './ports/connection.ts'
import type { RecorderNotices } from './ports/recorder.ts'
import { Connections } from './registry/connections.ts'
import { mappingsOf, type Mappings } from './registry/mappings.ts'
import { ConnectionRecord, type HandleActions, type SubscriptionRecord } from './registry/records.ts'
import { Subscriptions } from './registry/subscriptions.ts'
import { Users } from './registry/users.ts'
import { Gate } from './services/gate.ts'
import { Lifecycle } from './services/lifecycle.ts'
import { Noticing } from './services/noticing.ts'
import { Publishing } from './services/publishing.ts'
import { recorderNotices } from './services/recorder-notices.ts'
import { Reassigning } from './services/reassigning.ts'
import { Subscribing } from './services/subscribing.ts'
import { timersThatRun, type Timers } from './time/clock.ts'
import { ExpiringSet } from './time/expiring-set.ts'

/** The rooms of a manager. A room is an object that holds one kind of the manager's state. */
interface Rooms {
  readonly options: ResolvedOptions
  readonly changes: Changes
  readonly events: Events
  readonly users: Users
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly quotas: Quotas
  readonly authorization: Authorization
  readonly delivery: Delivery<ConnectionRecord>
  readonly demand: Demand
  readonly closer: SocketCloser<ConnectionRecord>
  /** The subscriptions of users who have no connection yet. */
  readonly pending: ExpiringSet<SubscriptionRecord>
}

/** The services of a manager. A service does work that needs more than one of the `Rooms`. */
interface Services {
  readonly gate: Gate
  readonly publishing: Publishing
  readonly subscribing: Subscribing
  readonly noticing: Noticing
  readonly reassigning: Reassigning
  readonly lifecycle: Lifecycle
  readonly forRecorder: RecorderNotices
  /** Restarts each timer that may have been lost: see `Alarm`. */
  renewTimers(): void
}

/** All parts of a manager. */
export type Parts = Rooms & Services & { readonly mappings: Mappings }

/**
 * Makes the parts of a manager, and connects them. A room does not know the services. It calls a service only through a function that it gets from
 * this file.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function assemble(given: unknown): Parts {
  const changes = new Changes()
  const options = resolvedOptions(given, (error, isOfClose) => clockFailed(changes.events, error, isOfClose))
  const rooms: Rooms = roomsFor(options, changes, () => services)
  const services: Services = servicesFor(rooms)
  return { ...rooms, ...services, mappings: mappingsOf(rooms.users, rooms.connections, rooms.subscriptions) }
}

function roomsFor(options: ResolvedOptions, changes: Changes, services: () => Services): Rooms {
  const { events } = changes
  const clock = timersThatRun(options.clock, (fire) => changes.make(fire))
  const users = new Users()
  const quotas = new Quotas(options.quotas)
  const demand = new Demand(clock, { idleDelayMs: options.idleDelayMs, idleStreams: options.quotas.idleStreams }, events)
  const delivery = deliveryFor(options, clock, changes, services)
  const postError = (stage: 'authorize' | 'close', error: unknown, connection: AnyConnection | undefined): void =>
    changes.continue(() => events.postError({ error, stage, ...(connection && { connection }) }))
  return {
    options,
    changes,
    events,
    users,
    connections: connectionsFor(options, users, changes, services),
    subscriptions: subscriptionsFor(options, { users, quotas, demand }, services),
    quotas,
    authorization: authorizationBy(options.authorize, (error, { connection }) => postError('authorize', error, connection)),
    delivery,
    demand,
    closer: new SocketCloser<ConnectionRecord>(clock, {
      transportOf: ConnectionRecord.transportOf,
      isStuck: (connection) => delivery.isStuck(connection),
      report: (error, connection) => postError('close', error, connection),
    }),
    pending: new ExpiringSet<SubscriptionRecord>(clock, options.pendingTtlMs, (expired) => services().subscribing.expire(expired)),
  }
}

function connectionsFor({ transport }: ResolvedOptions, users: Users, changes: Changes, services: () => Services): Connections {
  const actions: HandleActions = {
    subscribe: (connection, request) => services().subscribing.subscribe(connection, request),
    unsubscribe: (connection, reference) => services().subscribing.unsubscribe(connection, reference),
    purge: (connection, reference) => services().subscribing.purgeOwn(connection, reference),
    send: (connection, text) => services().publishing.send(connection, text),
    reassign: (connection, userId) => services().reassigning.reassign(connection, userId),
    remove: (connection, removal) => services().lifecycle.remove(connection, removal),
    change: (make) => changes.make(make),
  }
  return new Connections(users, { transport, actions, metadata: undefined })
}

function subscriptionsFor(
  { clock, streams }: ResolvedOptions,
  { users, quotas, demand }: Pick<Rooms, 'users' | 'quotas' | 'demand'>,
  services: () => Services,
): Subscriptions {
  return new Subscriptions(streams, users, {
    now: () => clock.now(),
    quotas,
    changed: (news, subscription, holder) => services().subscribing.note(news, subscription, holder),
    demanded: (change, stream) => demand[change](stream),
    receivesFailed: (connection, subscription) => services().noticing.tellNewcomer(connection, subscription),
    released: (connection, stream) => services().subscribing.purge(connection, stream),
  })
}

function deliveryFor({ delivery, serializeNotice }: ResolvedOptions, clock: Timers, changes: Changes, services: () => Services): Delivery<ConnectionRecord> {
  return new Delivery<ConnectionRecord>({
    limits: delivery,
    clock,
    changes,
    events: changes.events,
    noticeData: (notice) => noticeData(serializeNotice, notice),
    transportOf: ConnectionRecord.transportOf,
    attachQueue: (connection, queue) => services().lifecycle.attachQueue(connection, queue),
    remove: (connection, reason, failure) => services().lifecycle.removeFor(connection, reason, failure),
  })
}

function servicesFor(rooms: Rooms): Services {
  const gate = new Gate()
  const leaving = new Set<ConnectionRecord>()
  const renewTimers = (): void => {
    rooms.closer.renew()
    rooms.pending.renew()
    rooms.demand.renew()
    rooms.delivery.renewTimers()
  }
  const publishing = new Publishing({ ...rooms, gate })
  const subscribing = new Subscribing({ ...rooms, gate, publishing, leaving, renewTimers })
  const noticing = new Noticing({ ...rooms, gate, publishing })
  const reassigning = new Reassigning({ ...rooms, gate, publishing, renewTimers })
  const lifecycle = new Lifecycle({ ...rooms, gate, leaving, renewTimers })
  const forRecorder = recorderNotices({ ...rooms, publishing, subscribing })
  return { gate, publishing, subscribing, noticing, reassigning, lifecycle, forRecorder, renewTimers }
}

/**
 * Reports an error of the clock to the `error` listeners. If the clock fails in the middle of a change, the listeners are called when the change
 * ends. If no change is running, the listeners are called in a microtask.
 */
function clockFailed(events: Events, error: unknown, isOfClose: boolean): void {
  events.postError({ error, stage: isOfClose ? 'close' : 'listener' })
  void Promise.resolve().then(() => events.flush())
}
