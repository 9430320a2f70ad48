// A node in a worker thread or a child process. It publishes what it is told to, and tells what it has received.
import { parentPort } from 'node:worker_threads'
import { memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import { ClusterNode, TRADES } from './cluster-node.ts'

const port = parentPort ?? process
const tell = (message: object): void => void (parentPort === null ? process.send?.(message) : parentPort.postMessage(message))

port.on('message', ({ publish }: { publish?: unknown }) => publish !== undefined && node.publish(publish))
const node = await ClusterNode.join('worker', memoryBackplane(port))
const connection = node.manager.addConnection('client', { send: (text) => tell({ text }), close: () => {} }, 'worker user')
await node.cluster.ready(TRADES)
connection.subscribe(TRADES)
tell({ isReady: true })
