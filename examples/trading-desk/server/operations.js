// In a project of your own: 'stream-connection-manager/operations'
import { drain, instrument, limitLifetime, watchAbsence } from '../../../dist/operations.js'
import { MAIN_SERIES } from '../series.js'
import { DeskMeter } from './desk-meter.js'

/** @import { WebSocket } from 'ws' */
/** @import { DrainReport } from '../../../dist/operations.js' */
/** @import { Cluster } from '../../../dist/cluster.js' */
/** @import { CommandServer } from '../../../dist/protocol.js' */
/** @import { Limits } from '../page/setup.js' */
/** @import { DeskStreams } from '../streams.js' */
/** @import { Calls } from './calls.js' */
/** @import { DeskRecovery, Manager, Metadata } from './manager.js' */

/**
 * @typedef {object} OperationsParts
 * @property {string} node its name
 * @property {Manager} manager
 * @property {DeskRecovery} recovery
 * @property {CommandServer<WebSocket, DeskStreams, Metadata>} commands
 * @property {Cluster<DeskStreams> | undefined} cluster
 * @property {Calls} exchange
 * @property {Limits} limits
 */

/** So few tabs leave a node in a second that one sees a drain in progress. A real server sends away hundreds. */
const DRAIN = { perSecond: 2, overMs: 10_000, reason: 'draining' }
/** A real server measures one publish in 100. This one publishes little. */
const MEASURE_EVERY = 5

/** What a server needs that runs for months: metrics, connections that end when they are old, orders that do not outlast their trader, and drains. */
export class Operations {
  #parts
  #meter = new DeskMeter()
  #absences

  /** @param {OperationsParts} parts */
  constructor(parts) {
    const { manager, recovery, commands, cluster, exchange, limits } = parts
    this.#parts = parts
    instrument(manager, this.#meter, { recovery, cluster, commands, measureEvery: MEASURE_EVERY })
    limitLifetime(manager, { maxMs: limits.lifetimeMs, commands })
    this.#absences = watchAbsence(manager, { graceMs: limits.graceMs, cluster }, ({ userId }) => exchange.abandon(userId))
  }

  /** Tells the metrics of this node to the tabs that show them. */
  tellMetrics() {
    const values = this.#meter.collect()
    const data = Object.fromEntries(Object.keys(MAIN_SERIES).flatMap((name) => values.has(name) ? [[name, values.get(name) ?? 0]] : []))
    this.#parts.manager.publish({ streamType: 'METRICS', data })
  }

  /**
   * Sends all tabs to another node, steadily, and tells everybody how far it is.
   *
   * @returns {Promise<DrainReport>}
   */
  async drain() {
    const { node, manager, commands, exchange } = this.#parts
    const of = manager.connectionCount
    const tell = () => exchange.drainProceeds(node, { left: manager.connectionCount, of })
    void tell()
    const stopTelling = manager.on('connectionRemoved', () => void tell())
    const report = await drain(manager, { ...DRAIN, commands })
    stopTelling()
    // Most of them are at another node by now. The exchange outlives this node, and looks after the grace who is not.
    await exchange.usersLeft(this.#absences.stop().map(({ userId }) => userId))
    return report
  }
}
