// A node in a process of its own: `nodes.js` starts it.
import process from 'node:process'
// In a project of your own: 'stream-connection-manager/cluster'
import { joinCluster } from '../../../dist/cluster.js'
import { LOCAL_STREAMS } from '../streams.js'
import { connectNodes } from './broker.js'
import { callsTo } from './calls.js'
import { DeskNode } from './desk-node.js'
import { createManager } from './manager.js'

/** @import { NodeOrders } from './nodes.js' */
/** @import { Port } from './calls.js' */

/** @type {NodeOrders} */
const { name, port, setup, broker, prefix } = JSON.parse(process.env.DESK_NODE ?? '')
const { manager, recovery } = createManager(setup)
const { backplane, disconnect } = await connectNodes(broker)
const cluster = await joinCluster(manager, recovery, { backplane, prefix, localTypes: LOCAL_STREAMS })
const node = new DeskNode({ name, manager, recovery, cluster, exchange: callsTo(/** @type {Port} */ (process)), setup })

// Ctrl-C reaches all processes. The one that started this one says when it ends.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
process.once('SIGTERM', async () => {
  await node.close()
  await cluster.close()
  await disconnect()
  process.exit()
})
await node.listen(port)
