import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { createMemoryBus, memoryBackplane, type BusPort } from '../../../src/backplanes/memory/index.ts'
import { createAudit } from '../../../src/testing/index.ts'
import { ClusterNode, streams, until, type Streams } from './cluster-node.ts'

const WORKER = new URL('worker.js', import.meta.url)
const USER = 'worker user'

/** A node in another thread or process. */
interface Elsewhere {
  readonly port: BusPort
  tell(message: object): void
  /** Ends it without a word. */
  kill(): Promise<unknown>
}

function inThread(): Elsewhere {
  const worker = new Worker(WORKER)
  return { port: worker, tell: (message) => worker.postMessage(message), kill: () => worker.terminate() }
}

function ofProcess(child: ChildProcess, port: BusPort = child): Elsewhere {
  const kill = (): Promise<unknown> => {
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    return exit
  }
  return { port, tell: (message) => void child.send(message), kill }
}

function inChild(): Elsewhere {
  return ofProcess(fork(WORKER, { execArgv: [] }))
}

function inClusterWorker(): Elsewhere {
  cluster.setupPrimary({ exec: fileURLToPath(WORKER), execArgv: [] })
  const worker = cluster.fork()
  return ofProcess(worker.process, worker)
}

for (const [what, start] of [['a worker thread', inThread], ['a child process', inChild], ['a worker of node:cluster', inClusterWorker]] as const) {
  describe(`a cluster with a node in ${what}`, () => {
    it('reaches it, hears it, and forgets it when it is killed', async () => {
      const bus = createMemoryBus()
      const { port, tell, kill } = start()
      const texts: string[] = []
      let isReady = false
      port.on('message', (message) => {
        const { text, isReady: isNowReady } = message as { readonly text?: string; readonly isReady?: boolean }
        if (text !== undefined) texts.push(text)
        isReady ||= isNowReady === true
      })
      bus.attach(port)
      const node = await ClusterNode.join('here', memoryBackplane(bus))
      const audit = createAudit<Streams>({ streams })
      try {
        await node.connect('client', audit)
        await until('the other node is ready', () => isReady)

        for (let i = 0; i < 100; i++) node.publish(i)
        await until('the other node receives all', () => texts.length === 100)
        assert.deepEqual(texts.map((text) => (JSON.parse(text) as { data: unknown }).data), Array.from({ length: 100 }, (_, i) => i))

        audit.published({ streamType: 'TRADES', symbol: 'BTCUSDT', data: 'from there' })
        tell({ publish: 'from there' })
        await until('this node receives it', () => audit.waiting === 0)
        assert.equal(await node.cluster.isOnline(USER), true)
      } finally {
        await kill()
      }
      await until('its users are offline', async () => !(await node.cluster.isOnline(USER)))
      await node.stop()
    })
  })
}
