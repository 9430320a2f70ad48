import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createMemoryBus, memoryBackplane } from '../../../src/backplanes/memory/index.ts'
import { createAudit } from '../../../src/testing/index.ts'
import { ClusterNode, streams, until } from './cluster-node.ts'
import { inChild, inClusterWorker, Inbox, inThread } from './elsewhere.ts'

const USER = 'worker user'

const PLACES = [
  { what: 'a worker thread', start: inThread },
  { what: 'a child process', start: inChild },
  { what: 'a worker of node:cluster', start: inClusterWorker },
]

for (const { what, start } of PLACES) {
  describe(`a cluster with a node in ${what}`, () => {
    it('reaches it, hears it, and forgets it when it is killed', async () => {
      const bus = createMemoryBus()
      const { port, tell, kill } = start()
      const inbox = new Inbox(port)
      bus.attach(port)
      const node = await ClusterNode.join('here', memoryBackplane(bus))
      const audit = createAudit({ streams })
      try {
        await node.connect('client', audit)
        await until('the other node is ready', () => inbox.isReady)

        for (let i = 0; i < 100; i++) node.publish(i)
        await until('the other node receives all', () => inbox.texts.length === 100)
        assert.deepEqual(inbox.texts.map((text) => JSON.parse(text).data), Array.from({ length: 100 }, (_, i) => i))

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
