// A node in a worker thread or a child process. It publishes what it is told to, and tells what it has received.
import { parentPort } from 'node:worker_threads'
import { memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import { createAudit } from '../../../src/testing/index.ts'
import { ClusterNode } from './cluster-node.ts'

const port = parentPort ?? process
const tell = (message: object): void => void (parentPort === null ? process.send?.(message) : parentPort.postMessage(message))

port.on('message', ({ publish }: { publish?: unknown }) => publish !== undefined && node.publish(publish))
const node = await ClusterNode.join('worker', memoryBackplane(port))
node.manager.addConnection('client', { send: (text) => tell({ text }), close: () => {} }, 'worker user')
await node.connect('audited client', createAudit())
node.manager.getConnection('client')?.subscribe({ streamType: 'TRADES', symbol: 'BTCUSDT' })
tell({ isReady: true })
