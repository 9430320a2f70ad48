import { authorizationBy } from './access/authorization.ts'
import { Quotas } from './access/quotas.ts'
import { SocketCloser } from './closing/socket-closer.ts'
import { Delivery } from './delivery/delivery.ts'
import { Demand } from './demand/demand.ts'
import { Changes } from './events/changes.ts'
import type { Events } from './events/events.ts'
import { resolvedOptions } from './options.ts'
import { Connections } from './registry/connections.ts'
import { mappingsOf, type Mappings } from './registry/mappings.ts'
import { ConnectionRecord, type SubscriptionRecord } from './registry/records.ts'
import { Subscriptions } from './registry/subscriptions.ts'
import { Users } from './registry/users.ts'
import { Gate } from './services/gate.ts'
import { Lifecycle } from './services/lifecycle.ts'
import { Publishing } from './services/publishing.ts'
import { Subscribing } from './services/subscribing.ts'
import { clockThatRuns } from './time/clock.ts'
import { ExpiringSet } from './time/expiring-set.ts'

/** What a manager is made of, as far as it calls it. */
export interface Parts {
  readonly gate: Gate
  readonly events: Events
  readonly lifecycle: Lifecycle
  readonly subscribing: Subscribing
  readonly publishing: Publishing
  readonly connections: Connections
  readonly subscriptions: Subscriptions
  readonly delivery: Delivery<ConnectionRecord>
  readonly demand: Demand
  readonly mappings: Mappings
  /** Sets timers anew that may be lost. */
  renewTimers(): void
}

/**
 * Makes the parts of a manager, and wires them.
 *
 * @throws `ERR_INVALID_OPTION`
 */
export function assemble(given: unknown): Parts {
  const changes = new Changes()
  const { events } = changes
  const options = resolvedOptions(given, (error, isOfClose) => clockFailed(events, error, isOfClose))
  const clock = clockThatRuns(options.clock, (fire) => changes.make(fire))
  const quotas = new Quotas(options.quotas)
  const gate = new Gate()
  const users = new Users()
  const leaving = new Set<ConnectionRecord>()

  const connections = new Connections(users, {
    subscribe: (connection, request) => subscribing.subscribe(connection, request),
    unsubscribe: (connection, reference) => subscribing.unsubscribe(connection, reference),
    send: (connection, text) => publishing.send(connection, text),
    remove: (connection, isToBeClosed) => lifecycle.remove(connection, isToBeClosed),
    change: (make) => changes.make(make),
  })
  const subscriptions: Subscriptions = new Subscriptions(options.streams, users, {
    now: () => clock.now(),
    quotas,
    changed: (change, subscription, holder) => subscribing.noteChange(change, subscription, holder),
    demanded: (change, stream) => demand[change](stream),
    released: (connection, stream) => subscribing.purge(connection, stream),
  })
  const delivery = new Delivery<ConnectionRecord>({
    clock,
    changes,
    events,
    ...options.delivery,
    transportOf: (connection) => ConnectionRecord.transportOf(connection),
    attachQueue: (connection, queue) => lifecycle.attachQueue(connection, queue),
    endService: (connection, reason, failure) => lifecycle.endService(connection, reason, failure),
  })
  const demand = new Demand(clock, { idleDelayMs: options.idleDelayMs, idleStreams: options.quotas.idleStreams }, events)
  const closer = new SocketCloser<ConnectionRecord>(clock, (connection) => ConnectionRecord.transportOf(connection), (error, connection) =>
    changes.continue(() => events.postError({ error, stage: 'close', connection })),
  )
  const pending = new ExpiringSet<SubscriptionRecord>(clock, options.pendingTtlMs, (expired) => subscribing.expire(expired))
  const authorization = authorizationBy(options.authorize, (error, { connection }) =>
    changes.continue(() => events.postError({ error, stage: 'authorize', ...(connection && { connection }) })),
  )
  const renewTimers = (): void => {
    closer.renew()
    pending.renew()
    demand.renew()
    delivery.renewTimers()
  }

  const publishing: Publishing = new Publishing({ options, gate, changes, quotas, users, connections, subscriptions, delivery })
  const subscribing: Subscribing = new Subscribing({
    options, gate, changes, events, quotas, authorization, users, connections, subscriptions, pending, publishing, delivery, leaving, renewTimers,
  })
  const lifecycle: Lifecycle = new Lifecycle({
    options, gate, changes, events, quotas, users, connections, subscriptions, demand, delivery, closer, leaving, renewTimers,
  })
  const mappings = mappingsOf(users, connections, subscriptions)
  return { gate, events, lifecycle, subscribing, publishing, connections, subscriptions, delivery, demand, mappings, renewTimers }
}

/** The clock may be read in the middle of a state change. So the listeners are told after it, and in any case soon. */
function clockFailed(events: Events, error: unknown, isOfClose: boolean): void {
  events.postError({ error, stage: isOfClose ? 'close' : 'listener' })
  void Promise.resolve().then(() => events.flush())
}
