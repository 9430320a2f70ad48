import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createAudit, type Audit, type BackplaneClient } from '../../../src/testing/index.ts'
import { BrokerProcess } from './broker-process.ts'
import { clientLibraries, type ClientLibrary } from './clients.ts'
import { ClusterNode, pause, streams, until, type NodeOptions, type Streams } from './cluster-node.ts'

const MESSAGES = 1_000
const BURST = 10

/** Two nodes at one broker, and a client of each. */
class Desk {
  readonly audit: Audit<Streams> = createAudit({ streams })
  readonly broker: BrokerProcess
  readonly nodes: ClusterNode[] = []
  readonly #clients: BackplaneClient[] = []
  #published = 0

  private constructor(broker: BrokerProcess) {
    this.broker = broker
  }

  static async open({ broker, connect }: ClientLibrary, options?: NodeOptions): Promise<Desk> {
    const desk = new Desk(await BrokerProcess.start(broker))
    for (const name of ['A', 'B']) {
      const client = await connect(desk.broker.port)
      desk.#clients.push(client)
      const node = await ClusterNode.join(name, client.backplane, options)
      desk.nodes.push(node)
      await node.connect(`client of ${name}`, desk.audit)
    }
    return desk
  }

  get first(): ClusterNode {
    return this.nodes[0] as ClusterNode
  }

  get second(): ClusterNode {
    return this.nodes[1] as ClusterNode
  }

  /** Each node publishes every other message, ten in a burst. */
  async publishUpTo(count: number): Promise<void> {
    while (this.#published < count) {
      for (let i = 0; i < BURST; i++) this.#publish()
      await pause(2)
    }
  }

  async is(status: 'up' | 'down'): Promise<void> {
    await until(`both nodes are ${status}`, () => this.nodes.every(({ cluster }) => cluster.status === status))
  }

  /** Waits until nothing is on its way any more. */
  async settles(): Promise<void> {
    await until('every message has come, or was told as missing', () => this.audit.waiting === 0)
  }

  async close(): Promise<void> {
    for (const node of this.nodes) await node.stop()
    for (const client of this.#clients) await client.stop()
    await this.broker.kill()
  }

  #publish(): void {
    const number = ++this.#published
    const node = number % 2 === 0 ? this.first : this.second
    const message = { streamType: 'TRADES', symbol: 'BTCUSDT', data: number }
    this.audit.published(message, { publisher: node.name })
    node.publish(number)
  }
}

/** Runs a test on a desk, and closes it. */
async function onDesk(library: ClientLibrary, options: NodeOptions, run: (desk: Desk) => Promise<void>): Promise<void> {
  const desk = await Desk.open(library, options)
  try {
    await run(desk)
  } finally {
    await desk.close()
  }
}

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

/** The bytes that this process holds on to. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
