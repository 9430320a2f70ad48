// Subscribers at the broker, in a process of their own, that count what comes to them.
import { libraryModule } from '../library.js'
import { TRADES } from '../market.js'
import { answerRequests } from '../wire/lines.js'
import { CLIENTS } from './clients.js'

const [client, port, subject, subscribers, prefix] = process.argv.slice(2)
const { open } = CLIENTS[client]
const PATIENCE_MS = 60_000
const LOOK_AGAIN_MS = 2
const counts = { 'by hand': 0, cluster: 0, 'socket.io': 0 }

for (let i = 0; i < Number(subscribers); i++) await (await open(Number(port))).subscribe(subject, () => { counts['by hand']++ })
if (prefix !== undefined) {
  await joinAndCount()
  await joinSocketIoAndCount()
}

/** Another node of the cluster, with one subscriber. */
async function joinAndCount() {
  const { ConnectionManager } = await libraryModule('index')
  const { createRecovery } = await libraryModule('recovery')
  const { joinCluster } = await libraryModule('cluster')
  const recovery = createRecovery()
  const manager = new ConnectionManager({ recorder: recovery })
  const cluster = await joinCluster(manager, recovery, { backplane: await (await open(Number(port))).backplane(), prefix })
  const send = (/** @type {string} */ text) => { if (text.startsWith('{"stream_type"')) counts.cluster++ }
  const connection = manager.addConnection('c', { send, close() {} }, 'u')
  await cluster.ready(TRADES)
  recovery.subscribe(connection, TRADES)
}

/** Another node of socket.io, with one client in the room, if there is an adapter for the broker. */
async function joinSocketIoAndCount() {
  const own = await open(Number(port))
  if (own.socketIoAdapter === undefined) return own.close()
  const { SocketIoNode } = await import('./socket-io-node.js')
  const { adapter, settled } = await own.socketIoAdapter()
  await new SocketIoNode({ adapter }).join(() => { counts['socket.io']++ })
  await settled()
}

await answerRequests({
  /** Waits until so many have come, and answers how many have. */
  async count({ of, expected }) {
    const end = performance.now() + PATIENCE_MS
    while (counts[of] < expected && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
    return counts[of]
  },
})
