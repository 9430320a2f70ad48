import { describe, expect, it } from 'vitest'
import { watchAbsence } from '../../../../src/operations/index.ts'
import { SimulatedCluster } from '../../../support/cluster/simulated-cluster.ts'
import type { SimulatedNode } from '../../../support/cluster/simulated-node.ts'

const GRACE_MS = 10_000

/** Two nodes, each with a watch. `reported` lists the node, the user and whether it was certain. */
async function watchedNodes() {
  const cluster = new SimulatedCluster()
  const nodes = (await cluster.nodes(2)) as [SimulatedNode, SimulatedNode]
  const reported: [node: string, userId: string, isCertain: boolean, atMs: number][] = []
  for (const { name, manager, cluster: joined } of nodes) {
    watchAbsence(manager, { graceMs: GRACE_MS, clock: cluster.clock, cluster: joined }, ({ userId, isCertain }) => {
      reported.push([name, userId, isCertain, Math.round(cluster.clock.monotonic() / 1_000)])
    })
  }
  const connect = ({ manager }: SimulatedNode) => manager.addConnection('c', { send() {}, close() {} }, 'alice')
  return { cluster, clock: cluster.clock, nodes, reported, connect }
}

describe('watchAbsence › on the nodes of a cluster', () => {
  it('does not report a user who comes back to another node within the grace', async () => {
    const { clock, nodes: [first, second], reported, connect } = await watchedNodes()
    void connect(first).remove()

    await clock.advance(GRACE_MS / 2)
    connect(second)
    await clock.advance(10 * GRACE_MS)

    expect(reported).toEqual([])
  })

  it('reports a user who comes back nowhere once, on the node that the user left', async () => {
    const { clock, nodes: [first], reported, connect } = await watchedNodes()
    void connect(first).remove()

    await clock.advance(10 * GRACE_MS)

    expect(reported).toEqual([[first.name, 'alice', true, 10]])
  })

  it('reports a user who leaves both nodes within one grace on each of them, a whole grace after the user left the second one', async () => {
    const { clock, nodes: [first, second], reported, connect } = await watchedNodes()
    const [here, there] = [connect(first), connect(second)]

    void here.remove()
    await clock.advance(4_000)
    void there.remove()
    await clock.advance(10 * GRACE_MS)

    expect(reported).toEqual([[second.name, 'alice', true, 14], [first.name, 'alice', true, 14]])
  })

  it('does not report a user early who comes back to another node and leaves it again within the grace', async () => {
    const { clock, nodes: [first, second], reported, connect } = await watchedNodes()
    void connect(first).remove()

    await clock.advance(4_000)
    const again = connect(second)
    await clock.advance(2_000)
    void again.remove()
    await clock.advance(10 * GRACE_MS)

    expect(reported).toEqual([[second.name, 'alice', true, 16], [first.name, 'alice', true, 16]])
  })

  it('waits a whole grace from the last time that another node saw the user, as often as that happens', async () => {
    const { clock, nodes: [first, second], reported, connect } = await watchedNodes()
    void connect(first).remove()
    for (let visits = 0; visits < 5; visits++) {
      await clock.advance(GRACE_MS - 1_000)
      void connect(second).remove()
    }
    await clock.advance(GRACE_MS - 1_000)
    expect(reported).toEqual([])
    connect(second)
    await clock.advance(10 * GRACE_MS)

    expect(reported).toEqual([])
  })

  it('reports a user without certainty while the broker cannot be asked', async () => {
    const { cluster, clock, nodes: [first, second], reported, connect } = await watchedNodes()
    void connect(first).remove()
    connect(second)

    cluster.broker.cut(first.name, 1e9)
    await clock.advance(GRACE_MS + 2_000)

    expect(reported.map(([name, userId, isCertain]) => [name, userId, isCertain])).toEqual([[first.name, 'alice', false]])
  })
})
