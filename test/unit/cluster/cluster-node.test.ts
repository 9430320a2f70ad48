import { describe, expect, it } from 'vitest'
import type { Backplane } from '../../../src/cluster/index.ts'
import { expectCode } from '../../support/errors.ts'
import { positionOf, received, SimulatedCluster, type NodeOptions } from '../../support/cluster/simulated-cluster.ts'
import { newNode, type SimulatedNode } from '../../support/cluster/simulated-node.ts'
import type { Stream } from '../../support/cluster/catalogue.ts'

const TRADES: Stream = { streamType: 'TRADES', symbol: 'A' }
const PRICE: Stream = { streamType: 'PRICE', symbol: 'A' }
const ORDERS: Stream = { streamType: 'ORDERS', symbol: undefined }

/** A node with one client, and what the broker brings to it. */
async function nodeOf() {
  const cluster = new SimulatedCluster()
  const [node] = (await cluster.nodes(1)) as [SimulatedNode]
  await cluster.client(node, TRADES)
  const bring = (text: unknown): void => cluster.broker.lines.get(node.name)?.receive('s', text as string)
  return { cluster, node, bring }
}

async function twoNodes(options: NodeOptions = {}): Promise<{ cluster: SimulatedCluster; here: SimulatedNode; there: SimulatedNode }> {
  const cluster = new SimulatedCluster()
  const [here, there] = (await cluster.nodes(2, options)) as [SimulatedNode, SimulatedNode]
  return { cluster, here, there }
}

/** Joins a node by a backplane that differs from the simulated one in some methods. */
async function join(node: SimulatedNode, { broker, clock }: SimulatedCluster, methods: Partial<Backplane> = {}, options: NodeOptions = {}): Promise<void> {
  void node.join({ backplane: () => ({ ...broker.backplane(node.name), ...methods }) } as never, options)
  await clock.advance(600)
}

function publish({ manager }: SimulatedNode, ...data: readonly unknown[]): void {
  for (const each of data) manager.publish({ ...TRADES, data: each } as never)
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
    expectCode('ERR_INVALID_ARGUMENT', () => node.cluster?.notifyGap({ streamType: 'TRADES' } as never, 0))
    expectCode('ERR_INVALID_ID', () => void node.cluster?.removeUser(''))

    expect(node.cluster?.stats().published).toBe(published)
  })
})

describe('a node that joins late', () => {
  it('brings the users and the streams that its manager has already', async () => {
    const { cluster, there } = await twoNodes()
    const node = newNode(cluster)
    const sent: string[] = []
    node.manager.addConnection('c', { send: (text) => sent.push(text as string), close() {} }, 'bob').subscribe(TRADES as never)
    await join(node, cluster)
    publish(there, 1)
    const answer = there.cluster?.isOnline('bob')
    await cluster.clock.advance(100)

    expect([sent.map((text) => (JSON.parse(text) as { readonly data: unknown }).data), await answer]).toEqual([[1], true])
  })
})

describe('a private message of another node', () => {
  it('reaches its user, and no other', async () => {
    const { cluster, here, there } = await twoNodes()
    const [ann, bob] = [await cluster.client(here, ORDERS, undefined, 'ann'), await cluster.client(here, ORDERS, undefined, 'bob')]
    there.manager.publish({ streamType: 'ORDERS', userId: 'ann', data: 1 })
    await cluster.clock.advance(100)

    expect([received(ann), received(bob)]).toEqual([['subscribed null', 1], ['subscribed null']])
  })
})

describe('a client whose position is older than the interest of its node', () => {
  it('gets what it missed from the node that published it', async () => {
    const { cluster, here, there } = await twoNodes()
    const before = await cluster.client(there, TRADES)
    publish(there, 1)
    const position = positionOf(before)
    publish(there, 2, 3)
    await cluster.clock.advance(1_000)
    await cluster.client(here, TRADES)
    await cluster.clock.advance(1_000)
    const after = await cluster.client(here, TRADES, position)

    expect(received(after)).toEqual(['subscribed true', 2, 3])
  })
})

describe('`ready` of a recovery whose manager is a node', () => {
  it('waits for the other nodes', async () => {
    const { cluster, here } = await twoNodes()
    let isReady = false
    void here.recovery.ready(TRADES)?.then(() => (isReady = true))
    await cluster.clock.advance(0)
    const before = isReady
    await cluster.clock.advance(100)

    expect([before, isReady]).toEqual([false, true])
  })
})

describe('the demand of a cluster', () => {
  it('is an error if the table of the broker cannot be read', async () => {
    const { cluster, here } = await twoNodes()
    const [node, failure] = [newNode(cluster), new Error('no table')]
    await join(node, cluster, { subscribers: () => Promise.reject(failure) })
    node.cluster?.on('streamActive', () => {})
    await cluster.client(here, PRICE)
    await cluster.clock.advance(1_500)

    expect(new Set(node.errors)).toEqual(new Set([failure]))
  })

  it('is asked for again as soon as the broker is back', async () => {
    const { cluster, here, there } = await twoNodes()
    const events: string[] = []
    there.cluster?.on('streamActive', ({ streamType }) => events.push(streamType))
    cluster.broker.cut(there.name, 3_000)
    await cluster.client(here, PRICE)
    await cluster.clock.advance(2_000)
    expect(events).toEqual([])
    await cluster.clock.advance(4_000)

    expect(events).toEqual(['PRICE'])
  })
})

describe('a node that was closed', () => {
  it('leaves a manager that goes on alone', async () => {
    const { cluster, here, there } = await twoNodes()
    const [near, far] = [await cluster.client(here, TRADES), await cluster.client(there, TRADES)]
    await here.cluster?.close()
    publish(here, 'own')
    publish(there, 'other')
    await cluster.clock.advance(2_000)

    expect([received(near), received(far)]).toEqual([['subscribed null', 'own'], ['subscribed null', 'other']])
  })

  it('lets nobody wait who waits until it is ready', async () => {
    const { cluster, here } = await twoNodes()
    cluster.broker.stick(1e9)
    let isReady = false
    void here.cluster?.ready(TRADES).then(() => (isReady = true))
    await here.cluster?.close()
    await cluster.clock.advance(0)

    expect(isReady).toBe(true)
  })

  it('asks for nothing if the client of the broker opens only then', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    const calls: string[] = []
    let open = (): void => {}
    await join(
      node,
      cluster,
      {
        open: () => new Promise<void>((resolve) => (open = resolve)),
        publish: () => calls.push('publish'),
        subscribe: async () => void calls.push('subscribe'),
      },
      { repairTimeoutMs: 500 },
    )
    await node.cluster?.close()
    calls.length = 0
    open()
    await cluster.clock.advance(5_000)

    expect(calls).toEqual([])
  })

  it('sets no more timers, even if it was closed by a method of its backplane', async () => {
    const { cluster, here } = await twoNodes()
    let timers = 0
    const { clock } = cluster
    const counting = { now: () => clock.now(), monotonic: () => clock.monotonic(), setTimeout: (fn: () => void, ms: number) => (timers++, clock.setTimeout(fn, ms)) }
    const node = newNode({ clock: counting as never })
    await join(node, cluster, { subscribers: async () => (void node.cluster?.close(), 1) })
    node.cluster?.on('streamActive', () => {})
    await cluster.client(here, PRICE)
    await clock.advance(5_000)
    expect(node.cluster?.status).toBe('down')
    const before = timers
    await clock.advance(10_000)

    expect(timers - before).toBe(0)
  })
})
