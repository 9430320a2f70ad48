import { describe, expect, it } from 'vitest'
import type { Backplane } from '../../../src/cluster/index.ts'
import { CONTROL } from '../../../src/cluster/control-log.ts'
import { encodeFrame } from '../../../src/cluster/envelope.ts'
import type { Stream } from '../../support/cluster/catalogue.ts'
import { positionOf, received, SimulatedCluster, type NodeOptions } from '../../support/cluster/simulated-cluster.ts'
import { SimulatedNode } from '../../support/cluster/simulated-node.ts'

const TRADES: Stream = { streamType: 'TRADES', symbol: 'A' }
const PRICE: Stream = { streamType: 'PRICE', symbol: 'A' }
const ORDERS: Stream = { streamType: 'ORDERS', symbol: undefined }

async function twoNodes(options: NodeOptions = {}): Promise<{ cluster: SimulatedCluster; here: SimulatedNode; there: SimulatedNode }> {
  const cluster = new SimulatedCluster()
  const [here, there] = (await cluster.nodes(2, options)) as [SimulatedNode, SimulatedNode]
  return { cluster, here, there }
}

/** Makes a node that has not joined yet. */
function newNode({ clock }: Pick<SimulatedCluster, 'clock'>): SimulatedNode {
  let names = 0
  return new SimulatedNode('x', clock, () => `x${++names}`, 256)
}

/** Joins a node by a backplane that differs from the simulated one in some methods. */
async function join(node: SimulatedNode, { broker, clock }: SimulatedCluster, methods: Partial<Backplane> = {}, options: NodeOptions = {}): Promise<void> {
  void node.join({ backplane: () => ({ ...broker.backplane(node.name), ...methods }) } as never, options)
  await clock.advance(600)
}

function publish({ manager }: SimulatedNode, ...data: readonly unknown[]): void {
  for (const each of data) manager.publish({ ...TRADES, data: each } as never)
}

/** Returns what hands a text of the broker to a node, and what tells it that the broker is there. Both work also after the node was closed. */
function lineOf({ broker }: SimulatedCluster, { name }: SimulatedNode): { readonly hand: (text: string) => void; readonly report: (isUp: boolean) => void } {
  const line = broker.lines.get(name)
  return { hand: (text) => line?.receive('subject', text), report: (isUp) => line?.status(isUp) }
}

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

describe('commands that cannot be repaired', () => {
  const messagesOf = ({ errors }: SimulatedNode): string[] => errors.map((error) => (error as Error).message)

  it('are an error with their number if their node has forgotten them', async () => {
    const { cluster, here, there } = await twoNodes()
    cluster.broker.cut(here.name, 125_000)
    there.cluster?.revoke({ userId: 'bob' })
    await cluster.clock.advance(121_000)
    there.cluster?.revoke({ userId: 'bob' })
    await cluster.clock.advance(20_000)

    expect(messagesOf(here)).toEqual(['1 commands of another node may be missing: revocations, removals and statuses'])
  })

  it('are an error without a number if their node has died', async () => {
    const { cluster, here, there } = await twoNodes()
    there.cluster?.revoke({ userId: 'bob' })
    await cluster.clock.advance(100)
    cluster.broker.cut(here.name, 1_000)
    there.cluster?.revoke({ userId: 'bob' })
    cluster.broker.cut(there.name, 1e9)
    await cluster.clock.advance(10_000)

    expect(messagesOf(here)).toEqual(['Some commands of another node may be missing: revocations, removals and statuses'])
  })
})

describe('a text of the broker', () => {
  it('that is not of a cluster, or of one of another version, is counted and does nothing', async () => {
    const { cluster, here } = await twoNodes()
    const { hand } = lineOf(cluster, here)
    hand('nonsense')
    hand('[2,"survey","n9"]')

    expect(here.cluster?.stats()).toMatchObject({ foreign: 1, otherVersion: 1 })
    expect(here.errors).toEqual([])
  })

  it('with a command that this node does not know is an error', async () => {
    const { cluster, here } = await twoNodes()
    const message = { seq: 1, symbol: undefined, text: '{"command":"fly"}' }
    lineOf(cluster, here).hand(encodeFrame({ kind: 'message', node: 'n9', channel: CONTROL, epoch: 'e9', ageMs: 0, message }))

    expect(here.errors).toEqual([expect.objectContaining({ message: 'Another node gave an unknown command' })])
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
  it('gives each caller the same promise, and its manager goes on alone', async () => {
    const { cluster, here, there } = await twoNodes()
    const [near, far] = [await cluster.client(here, TRADES), await cluster.client(there, TRADES)]
    const closed = here.cluster?.close()
    expect(here.cluster?.close()).toBe(closed)
    await closed
    publish(here, 'own')
    publish(there, 'other')
    await cluster.clock.advance(2_000)

    expect([received(near), received(far)]).toEqual([['subscribed null', 'own'], ['subscribed null', 'other']])
  })

  it('hears nothing more of the broker', async () => {
    const { cluster, here } = await twoNodes()
    const { hand, report } = lineOf(cluster, here)
    await here.cluster?.close()
    const events = [...here.events]
    hand('nonsense')
    report(false)
    report(true)
    await cluster.clock.advance(2_000)

    expect([here.cluster?.stats().foreign, here.events]).toEqual([0, events])
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
