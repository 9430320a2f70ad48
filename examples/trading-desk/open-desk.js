import { randomUUID } from 'node:crypto'
import { deliveryLimits, GRACE_MS, LIFETIME_MS, SLOW_BYTES_PER_SECOND } from './limits.js'
import { CANDLE_SECONDS } from './market/instrument.js'
// In a project of your own: 'stream-connection-manager/backplanes/memory' and 'stream-connection-manager/cluster'
import { createMemoryBus } from '../../dist/backplanes/memory.js'
import { joinCluster } from '../../dist/cluster.js'
import { connectNodes } from './server/broker.js'
import { DeskNode } from './server/desk-node.js'
import { Exchange } from './server/exchange.js'
import { createManager } from './server/manager.js'
import { Nodes } from './server/nodes.js'
import { LOCAL_STREAMS } from './streams.js'

/** @import { MarketSource } from './market/market.js' */
/** @import { Options } from './options.js' */
/** @import { Setup } from './page/setup.js' */

/** Who may sign in. */
export const USERS = ['alice', 'bob', 'carol']

/** @typedef {Pick<Options, 'port' | 'speed' | 'trades' | 'nodes' | 'broker'> & Partial<Pick<Options, 'graceMs' | 'lifetimeMs'>>} DeskOptions */

/**
 * Opens a desk on 127.0.0.1 that trades in a market.
 *
 * @param {MarketSource} source
 * @param {DeskOptions} options
 */
export async function openDesk(source, options) {
  const { instruments } = source
  const { trades, graceMs = GRACE_MS, lifetimeMs = LIFETIME_MS } = options
  const limits = { slowBytesPerSecond: SLOW_BYTES_PER_SECOND, ...deliveryLimits(trades, options.nodes), graceMs, lifetimeMs }
  /** @type {Setup} */
  const setup = { users: USERS, instruments, trades, candleSeconds: CANDLE_SECONDS, limits }
  return options.nodes === 1 && options.broker === undefined ? openOne(source, setup, options) : openSeveral(source, setup, options)
}

/**
 * All in this process.
 *
 * @param {MarketSource} source
 * @param {Setup} setup
 * @param {DeskOptions} options
 */
async function openOne(source, setup, { port, speed }) {
  const { manager, recovery } = createManager(setup)
  const exchange = new Exchange(source, { speed, graceMs: setup.limits.graceMs, manager })
  const node = new DeskNode({ name: 'A', manager, recovery, exchange, setup })
  exchange.nodesChanged([{ name: 'A', isUp: true }])
  exchange.open()
  return {
    manager,
    exchange,
    port: await node.listen(port).catch((error) => {
      exchange.close()
      throw error
    }),
    async close() {
      const { left, closed, remained } = await node.close()
      exchange.close()
      return `Connections that left: ${left}, closed: ${closed}, remained: ${remained}.`
    },
  }
}

/**
 * The exchange in this process, and each node in one of its own. They are a cluster: the manager of this process has no clients, and publishes for all.
 *
 * @param {MarketSource} source
 * @param {Setup} setup
 * @param {DeskOptions} options
 */
async function openSeveral(source, setup, { port, speed, nodes: count, broker }) {
  const { manager, recovery } = createManager(setup)
  const bus = createMemoryBus()
  // Two desks may use the same broker.
  const prefix = `desk-${randomUUID()}`
  const { backplane, disconnect } = await connectNodes(broker, bus)
  const cluster = await joinCluster(manager, recovery, { backplane, prefix, localTypes: LOCAL_STREAMS })
  const exchange = new Exchange(source, {
    speed,
    graceMs: setup.limits.graceMs,
    manager,
    notices: cluster,
    endNode: (name, ending) => nodes.end(name, ending),
  })
  const nodes = new Nodes({ bus, exchange, orders: { setup, broker, prefix } })
  const close = async () => {
    await nodes.close()
    exchange.close()
    await cluster.close()
    await disconnect()
    await manager.cleanup()
    return `Nodes closed: ${count}.`
  }
  try {
    port = await nodes.open(count, port)
  } catch (error) {
    await close()
    throw error
  }
  exchange.open()
  return { manager, exchange, port, close }
}
