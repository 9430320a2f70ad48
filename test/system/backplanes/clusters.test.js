import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { clientLibraries } from './clients.ts'
import { pause, until } from './cluster-node.ts'
import { onDesk } from './desk.ts'
import { heldBytes } from './held-bytes.ts'

const MESSAGES = 1_000

for (const library of clientLibraries) {
  describe(`a cluster over ${library.name}`, () => {
    for (const historyCount of [MESSAGES, 20]) {
      it(`delivers once and in order, or tells what is missing, when its broker is killed (a history of ${historyCount})`, () =>
        onDesk(library, { historyCount }, async (desk) => {
          await desk.publishUpTo(300)
          const killing = desk.broker.kill()
          await desk.publishUpTo(500)
          await killing
          await desk.is('down')
          await desk.publishUpTo(700)
          await desk.broker.restart()
          await desk.is('up')
          await desk.publishUpTo(MESSAGES)
          await desk.settles()

          const report = desk.audit.report()
          assert.ok(report.isClean, String(report))
          assert.equal(report.counts.received + report.counts.told, 2 * MESSAGES)
          // With a history of all messages, everything is repaired. With a short one, not everything can be.
          assert.equal(report.counts.told > 0, historyCount < MESSAGES, String(report))
        }))
    }

    it('delivers once and in order when its broker is frozen', () =>
      onDesk(library, { historyCount: MESSAGES }, async (desk) => {
        await desk.publishUpTo(300)
        await desk.broker.freeze()
        await desk.publishUpTo(500)
        await desk.is('down')
        await desk.publishUpTo(700)
        await desk.broker.thaw()
        await desk.is('up')
        await desk.publishUpTo(MESSAGES)
        await desk.settles()

        const report = desk.audit.report()
        assert.ok(report.isClean, String(report))
        assert.equal(report.counts.received, 2 * MESSAGES)
      }))

    it('knows who is online on the other node, before and after its broker was killed', () =>
      onDesk(library, {}, async (desk) => {
        assert.equal(await desk.first.cluster.isOnline('client of B'), true)
        assert.equal(await desk.first.cluster.isOnline('nobody'), false)
        await desk.broker.kill()
        await desk.is('down')
        await assert.rejects(desk.first.cluster.isOnline('client of B'), { code: 'ERR_CLUSTER_DOWN' })
        await desk.broker.restart()
        await desk.is('up')

        await until('B is subscribed for its user again', () => desk.first.cluster.isOnline('client of B'))
        await desk.second.manager.removeUser('client of B')
        await until('B has unsubscribed', async () => !(await desk.first.cluster.isOnline('client of B')))
      }))

    it('holds no more than maxUnconfirmedBytes while its broker is frozen', () =>
      // No probe is late, so that nothing but the bound stops the node.
      onDesk(library, { historyCount: 10, maxUnconfirmedBytes: 1_048_576, probeMs: 2_000 }, async (desk) => {
        const text = 'x'.repeat(1_000)
        const heldBefore = heldBytes()
        await desk.broker.freeze()
        for (let i = 0; i < 200; i++) {
          for (let n = 0; n < 200; n++) desk.first.publish([i, n, text])
          await pause(0)
        }
        const grownBytes = heldBytes() - heldBefore
        const { unconfirmed } = desk.first.cluster.stats()
        await desk.broker.thaw()

        assert.ok(unconfirmed < 1_100_000, `${unconfirmed} are unconfirmed`)
        // 40 MB were published.
        assert.ok(grownBytes < 10_000_000, `${grownBytes} bytes are held`)
      }))
  })
}
