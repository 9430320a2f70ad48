import { ErrorReports } from '../../guards/error-reports.ts'
import { assertManager } from '../operated-manager.ts'
import { CLUSTER_SERIES } from './cluster-series.ts'
import { Collection } from './collection.ts'
import { ConnectionCounter } from './connection-counter.ts'
import { instrumentingOptions, type InstrumentingOptions, type ResolvedInstrumentingOptions } from './options.ts'
import { MANAGER_SERIES, type MeasuredManager } from './manager-series.ts'
import type { MetricsMeter } from './meter.ts'
import { PROTOCOL_SERIES } from './protocol-series.ts'
import { PublishProbe } from './publish-probe.ts'
import { RECOVERY_SERIES } from './recovery-series.ts'

/** The metrics of a manager. `instrument` returns it. */
export interface Instrumentation {
  /**
   * Ends the metrics: removes the callback from the meter and the listeners from the manager, and puts `manager.publish` back. If other code has
   * replaced `manager.publish` since, that replacement stays, and nothing is measured any more. A second call does nothing.
   */
  stop(): void
}

/**
 * Measures a manager with a `Meter` of OpenTelemetry, and also its recovery, its cluster and its command server if they are given.
 *
 * All metrics are named `stream_connection_manager.*`. The guide to production lists them, with their units and what to watch. Counts and sizes are
 * read from `stats()` when the metrics are collected, so they cost nothing between two collections. Each counter is reported for each value of its
 * attribute, even if it is 0. No counter falls. Connections that are added or removed count only while the manager is measured. If the manager is
 * measured again, these counts continue.
 *
 * For one publish in `measureEvery`, on average, the duration and the recipients are measured. For this, unless `measureEvery` is `Infinity`,
 * `instrument` replaces the property `publish` of this manager by a function that counts the calls. A deferred publish is not measured. If a measured
 * publish throws, its duration has the attribute `error.type`, and its recipients are not recorded. `sendToUser`, `sendToConnection` and `broadcast`
 * have no duration, but their deliveries are counted.
 *
 * No metric counts the event `error`. The manager prints a warning if `error` has no listener, and a listener of `instrument` would silence this
 * warning. Count errors in your own listener.
 *
 * @throws `ERR_INVALID_ARGUMENT` if `manager` is not a manager, `ERR_INVALID_OPTION` naming the option that is unknown or out of range, and any error that
 * the meter throws. After an error, nothing is measured
 *
 * @example
 * import { instrument } from 'stream-connection-manager/operations'
 *
 * const meter = metrics.getMeter('my-server') // import { metrics } from '@opentelemetry/api'
 * const manager = new ConnectionManager()
 * const instrumentation = instrument(manager, meter)
 *
 * manager.publish({ streamType: 'PRICE', symbol: 'BTCUSDT', data: { bid: 64_000 } })
 * instrumentation.stop() // at the end
 */
export function instrument(manager: MeasuredManager, meter: MetricsMeter, options: InstrumentingOptions = {}): Instrumentation {
  assertManager(manager, ['on', 'publish', 'stats'])
  const resolved = instrumentingOptions(options, (error) => reports.print('its clock', error))
  const reports = new ErrorReports(resolved.onError, 'operations', 'a metric')
  const counter = ConnectionCounter.of(manager)
  const collection = new Collection(meter, resolved.attributes, reports)
  collection.add(MANAGER_SERIES, () => ({ manager, stats: manager.stats(), connections: counter.counts }))
  addParts(collection, resolved)
  const probe = resolved.measureEvery === Infinity ? undefined : new PublishProbe({ meter, reports, ...resolved })
  const stop = startAll([() => probe?.attach(manager), () => counter.start(), () => collection.start()])
  return { stop }
}

/**
 * Calls the functions. Each starts something, and may return a function that ends it. Returns a function that ends all that was started. If one of
 * the functions throws, `startAll` ends everything that was started before, and throws the error again.
 */
function startAll(starts: readonly (() => (() => void) | undefined)[]): () => void {
  const endings: ((() => void) | undefined)[] = []
  const endAll = (): void => {
    for (const end of endings.splice(0).reverse()) end?.()
  }
  try {
    for (const start of starts) endings.push(start())
  } catch (error) {
    endAll()
    throw error
  }
  return endAll
}

function addParts(collection: Collection, { recovery, cluster, commands }: ResolvedInstrumentingOptions): void {
  if (recovery !== undefined) collection.add(RECOVERY_SERIES, () => recovery.stats())
  if (cluster !== undefined) collection.add(CLUSTER_SERIES, () => ({ status: cluster.status, stats: cluster.stats() }))
  if (commands !== undefined) collection.add(PROTOCOL_SERIES, () => ({ sessions: commands.sessions, stats: commands.stats }))
}
