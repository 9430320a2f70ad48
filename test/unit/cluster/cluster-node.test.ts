import { describe, expect, it } from 'vitest'
import { expectCode } from '../../support/errors.ts'
import { SimulatedCluster } from '../../support/cluster/simulated-cluster.ts'
import type { SimulatedNode } from '../../support/cluster/simulated-node.ts'
import type { Stream } from '../../support/cluster/catalogue.ts'

const TRADES: Stream = { streamType: 'TRADES', symbol: 'A' }

/** A node with one client, and what the broker brings to it. */
async function nodeOf() {
  const cluster = new SimulatedCluster()
  const [node] = (await cluster.nodes(1)) as [SimulatedNode]
  await cluster.client(node, TRADES)
  const bring = (text: unknown): void => cluster.broker.lines.get(node.name)?.receive('s', text as string)
  return { cluster, node, bring }
}

describe('a node', () => {
  it('counts foreign texts, and envelopes of another version', async () => {
    const { node, bring } = await nodeOf()
    for (const text of ['hello', '[2,"message"]', undefined]) bring(text)

    expect(node.cluster?.stats()).toMatchObject({ foreign: 2, otherVersion: 1 })
    expect(node.errors).toEqual([])
  })

  it('reports a command that it does not know, and goes on', async () => {
    const { node, bring } = await nodeOf()
    bring('[1,"message","n9",["",null,null],"c9",0,1,null]\n{"command":"shutdown"}')
    bring('[1,"message","n9",["",null,null],"c9",0,2,null]\n{"command":"revoke","revocation":{"userId":"ann","streamType":null,"symbol":null}}')

    expect(node.errors).toHaveLength(1)
    expect(node.manager.getUserSubscriptions('ann')).toEqual([])
  })

  it('reports commands that are missing', async () => {
    const { cluster, node, bring } = await nodeOf()
    bring('[1,"tail","n9",[["",null,null],"c9",3,99999,0]]')
    cluster.broker.cut(node.name, 500)
    await cluster.clock.advance(10_000)

    expect(node.errors).toMatchObject([{ message: expect.stringContaining('3') }, { message: expect.stringContaining('Some') }])
  })

  it('hears nothing after `close`, and sets no timer', async () => {
    const { cluster, node } = await nodeOf()
    const { receive, status } = cluster.broker.lines.get(node.name) ?? {}
    const closed = node.cluster?.close()
    expect(node.cluster?.close()).toBe(closed)
    await closed
    receive?.('s', 'hello')
    status?.(true)
    await cluster.clock.advance(5_000)
    await node.cluster?.ready(TRADES)

    expect(node.cluster?.stats()).toMatchObject({ foreign: 0 })
    expect(node.cluster?.status).toBe('down')
  })

  it.each([
    { streamType: 'FOO' }, { streamType: '__proto__', symbol: 'A' }, { streamType: 'TRADES' }, { streamType: 'ORDERS' }, { streamType: 'ORDERS', userId: '' },
  ])('has nothing to wait for if the stream of a client makes no sense: $streamType', async (request) => {
    const { node } = await nodeOf()
    const { channels } = node.cluster?.stats() ?? {}
    await node.cluster?.ready(request)

    expect(node.cluster?.stats().channels).toBe(channels)
  })

  it('gives no command that its manager refuses', async () => {
    const { node } = await nodeOf()
    const { published } = node.cluster?.stats() ?? {}
    expectCode('ERR_INVALID_ARGUMENT', () => node.cluster?.revoke(undefined as never))
    expectCode('ERR_INVALID_ARGUMENT', () => node.cluster?.revoke({ userId: 'ann', stream: 'x' } as never))
    expectCode('ERR_UNKNOWN_STREAM', () => node.cluster?.setStreamStatus({ streamType: 'FOO' } as never, 'ERROR'))
    expectCode('ERR_INVALID_ID', () => void node.cluster?.removeUser(''))

    expect(node.cluster?.stats().published).toBe(published)
  })
})
