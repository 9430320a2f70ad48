import { describe, expect, it } from 'vitest'
import { createRecovery } from '../../../src/recovery/index.ts'
import { joinCluster, type Backplane, type Cluster } from '../../../src/cluster/index.ts'
import { expectCode } from '../../support/errors.ts'
import { positionOf, received, SimulatedCluster } from '../../support/cluster/simulated-cluster.ts'
import { newNode, type SimulatedNode } from '../../support/cluster/simulated-node.ts'
import type { Stream, Streams } from '../../support/cluster/catalogue.ts'

const TRADES: Stream = { streamType: 'TRADES', symbol: 'A' }
const PRICE: Stream = { streamType: 'PRICE', symbol: 'A' }

/** Returns the one node that a test is about, and another. */
async function twoNodes(...options: Parameters<SimulatedCluster['nodes']> extends [number, ...infer TRest] ? TRest : never): Promise<{ cluster: SimulatedCluster; here: SimulatedNode; there: SimulatedNode }> {
  const cluster = new SimulatedCluster()
  const [here, there] = (await cluster.nodes(2, ...options)) as [SimulatedNode, SimulatedNode]
  return { cluster, here, there }
}

/** Returns a node that publishes, and two that have clients. */
async function threeNodes(): Promise<{ cluster: SimulatedCluster; publisher: SimulatedNode; first: SimulatedNode; second: SimulatedNode }> {
  const cluster = new SimulatedCluster()
  const [publisher, first, second] = (await cluster.nodes(3)) as [SimulatedNode, SimulatedNode, SimulatedNode]
  return { cluster, publisher, first, second }
}

function publish({ manager }: SimulatedNode, ...data: readonly unknown[]): void {
  for (const each of data) manager.publish({ ...TRADES, data: each } as never)
}

/** The epoch in which a node has published. */
function epochOf({ recovery }: SimulatedNode): string {
  return recovery.log.own({ ...TRADES, userId: undefined })?.epoch ?? 'none'
}

/** A backplane whose client opens when the test says. */
function slowToOpen(backplane: Backplane): { readonly backplane: Backplane; readonly open: () => void } {
  let open = (): void => {}
  const isOpen = new Promise<void>((resolve) => (open = resolve))
  return { backplane: { ...backplane, open: (...facts) => isOpen.then(() => backplane.open(...facts)) }, open }
}

describe('a message of another node', () => {
  it('comes once, in order, with the text that its node made', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    const near = await cluster.client(there, TRADES)
    publish(there, 1, 2, 3)
    await cluster.clock.advance(100)

    expect(received(far)).toEqual(['subscribed null', 1, 2, 3])
    expect(far.sent.slice(1)).toEqual(near.sent.slice(1))
  })

  it('does not go to the broker if nobody wants its channel on another node, and the node with no interest gets nothing', async () => {
    const { cluster, here, there } = await twoNodes()
    await cluster.client(there, TRADES)
    publish(there, 1)
    await cluster.clock.advance(5_000)

    expect((cluster.broker.delivered.get(here.name) ?? []).filter((text) => text.includes('"data":1'))).toEqual([])
  })

  it('of a local type stays on its node', async () => {
    const { cluster, here, there } = await twoNodes({ localTypes: ['TRADES'] })
    const far = await cluster.client(here, TRADES)
    publish(there, 1)
    await cluster.clock.advance(1_000)

    expect(received(far)).toEqual(['subscribed null'])
    expect(there.cluster?.stats().published).toBe(0)
  })

  it('is repaired from the history of its node if it was lost on the way', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (_node, text) => text.includes('"message"') && text.includes('"data":2')
    publish(there, 1, 2, 3)
    await cluster.clock.advance(100)

    expect(received(far)).toEqual(['subscribed null', 1, 2, 3])
    expect(here.cluster?.stats()).toMatchObject({ repairs: 1, repaired: 1, gaps: 0 })
  })

  it('is repaired if it was the last one, because a quiet node repeats its last number', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (_node, text) => text.includes('"message"') && text.includes('"data":2')
    publish(there, 1, 2)
    await cluster.clock.advance(400)
    expect(received(far)).toEqual(['subscribed null', 1])
    await cluster.clock.advance(200)

    expect(received(far)).toEqual(['subscribed null', 1, 2])
  })

  it('is repaired if its node lost its link when it was asked for it, and has it back', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (_node, text) => text.includes('"message"')
    publish(there, 1)
    await cluster.clock.advance(20)
    cluster.broker.loses = (_node, text) => text.includes('"ask"')
    publish(there, 2)
    await cluster.clock.advance(20)
    cluster.broker.loses = () => false
    cluster.broker.cut(there.name, 300)
    await cluster.clock.advance(3_000)

    expect(received(far)).toEqual(['subscribed null', 1, 2])
  })

  it('is repaired if the link of its node lost it, and all repeats of its number, before it broke', async () => {
    const { cluster, here, there } = await twoNodes({ quietAfterMs: 50 })
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (node, text) => node === there.name || !text.includes('"probe"')
    publish(there, 1)
    await cluster.clock.advance(1_000)
    cluster.broker.loses = () => false
    cluster.broker.cut(there.name, 300)
    await cluster.clock.advance(3_000)

    expect(received(far)).toEqual(['subscribed null', 1])
  })

  it('is reported as missing, in its place, if the history of its node does not have it any more', async () => {
    const { cluster, here, there } = await twoNodes({}, 0)
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (_node, text) => text.includes('"message"') && text.includes('"data":2')
    publish(there, 1, 2, 3)
    await cluster.clock.advance(100)

    expect(received(far)).toEqual(['subscribed null', 1, 'gap 1', 3])
    expect(here.events).toContainEqual(['gap', { ...TRADES, missing: 1 }])
  })

  it('is reported as missing after `repairTimeoutMs` if its node does not answer', async () => {
    const { cluster, here, there } = await twoNodes({ repairTimeoutMs: 700 })
    const far = await cluster.client(here, TRADES)
    cluster.broker.loses = (_node, text) => (text.includes('"message"') && text.includes('"data":2')) || text.includes('"answer"')
    publish(there, 1, 2, 3)
    await cluster.clock.advance(690)
    expect(received(far)).toEqual(['subscribed null', 1])
    await cluster.clock.advance(20)

    expect(received(far)).toEqual(['subscribed null', 1, 'gap 1', 3])
  })
})

describe('a node that was cut off', () => {
  it('goes on delivering its own messages, and gets those of the others when it is back', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    cluster.broker.cut(here.name, 3_000)
    publish(there, 1, 2)
    publish(here, 'own')
    await cluster.clock.advance(200)
    expect(received(far)).toEqual(['subscribed null', 'own'])
    expect(here.cluster?.status).toBe('down')
    await cluster.clock.advance(4_000)

    expect(received(far)).toEqual(['subscribed null', 'own', 1, 2])
    expect(here.events).toEqual([['status', 'up'], ['status', 'down'], ['status', 'up']])
  })

  it('tells its subscribers that something may be missing if the other node has died meanwhile', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    publish(there, 1)
    await cluster.clock.advance(100)
    cluster.broker.cut(here.name, 1_000)
    publish(there, 2)
    cluster.broker.cut(there.name, 1e9)
    await cluster.clock.advance(5_000)

    expect(received(far)).toEqual(['subscribed null', 1, 'gap null'])
  })

  it('tells of no gap if the other node comes back a little later than it', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    publish(there, 1)
    // Nobody repeats the last number any more.
    await cluster.clock.advance(10_000)
    cluster.broker.cut(here.name, 1_000)
    cluster.broker.cut(there.name, 1_500)
    await cluster.clock.advance(5_000)

    expect(received(far)).toEqual(['subscribed null', 1])
  })

  it('goes on where it was if the other node comes back after it was given up', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    publish(there, 1, 2)
    await cluster.clock.advance(100)
    cluster.broker.cut(here.name, 500)
    cluster.broker.cut(there.name, 5_000)
    publish(there, 3)
    await cluster.clock.advance(4_000)
    expect(received(far)).toEqual(['subscribed null', 1, 2, 'gap null'])
    await cluster.clock.advance(4_000)
    publish(there, 4)
    await cluster.clock.advance(100)

    expect(received(far)).toEqual(['subscribed null', 1, 2, 'gap null', 3, 4])
  })

  it('obeys revocations and removals that it missed', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES, undefined, 'bob')
    cluster.broker.cut(here.name, 1_000)
    there.cluster?.revoke({ userId: 'bob', streamType: 'TRADES' })
    void there.cluster?.removeUser('ann')
    here.manager.addConnection('a', { send() {}, close() {} }, 'ann')
    await cluster.clock.advance(500)
    expect(here.manager.getUserSubscriptions('bob')).toHaveLength(1)
    await cluster.clock.advance(4_000)

    expect(here.manager.getUserSubscriptions('bob')).toEqual([])
    expect(here.manager.userConnections.has('ann')).toBe(false)
    publish(here, 'secret')
    expect(received(far)).toEqual(['subscribed null'])
  })
})

describe('a `latest` type whose channel has several streams', () => {
  const QUOTES: Stream = { streamType: 'QUOTES', symbol: undefined }
  const quote = ({ manager }: SimulatedNode, symbol: string, data: unknown): void => void manager.publish({ ...QUOTES, symbol, data } as never)

  it('repairs the last value of a symbol, although a value of another symbol came after it', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, QUOTES)
    quote(there, 'A', 'a1')
    await cluster.clock.advance(100)
    cluster.broker.loses = (_node, text) => text.includes('"a2"')
    quote(there, 'A', 'a2')
    await cluster.clock.advance(100)
    cluster.broker.loses = () => false
    quote(there, 'B', 'b1')
    await cluster.clock.advance(1_000)

    expect(received(far).slice(1).sort()).toEqual(['a1', 'a2', 'b1'])
  })

  it('tells of no gap for values that newer ones of their symbol have replaced', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, QUOTES)
    cluster.broker.cut(here.name, 1_000)
    quote(there, 'A', 'a1')
    quote(there, 'B', 'b1')
    quote(there, 'A', 'a2')
    await cluster.clock.advance(4_000)

    expect(received(far)).toEqual(['subscribed null', 'b1', 'a2'])
  })

  it('brings a newcomer the last value of each symbol, also if a message comes before the last numbers', async () => {
    const { cluster, here, there } = await twoNodes()
    quote(there, 'A', 'a1')
    quote(there, 'B', 'b1')
    await cluster.clock.advance(1_000)
    cluster.broker.loses = (_node, text) => text.includes('"progress"')
    const far = await cluster.client(here, QUOTES)
    quote(there, 'C', 'c1')
    await cluster.clock.advance(5_000)

    expect(received(far).slice(1)).toEqual(['a1', 'b1', 'c1'])
  })
})

describe('a newcomer without a position', () => {
  it('gets what its node missed while nobody there wanted the channel, if the node was cut off when it came', async () => {
    const { cluster, here, there } = await twoNodes()
    await cluster.client(there, TRADES)
    await cluster.client(here, TRADES, undefined, 'ann')
    publish(there, 1)
    await cluster.clock.advance(100)
    await here.manager.removeUser('ann')
    await cluster.clock.advance(5_000)
    publish(there, 2, 3)
    await cluster.clock.advance(1_000)
    cluster.broker.cut(here.name, 3_000)

    const client = await cluster.client(here, TRADES)
    await cluster.clock.advance(5_000)
    publish(there, 4)
    await cluster.clock.advance(1_000)

    expect(received(client)).toEqual(['subscribed null', 2, 3, 4])
  })
})

describe('a command', () => {
  it('is asked for until it comes, as long as its node lives', async () => {
    const { cluster, here, there } = await twoNodes()
    await cluster.client(here, TRADES, undefined, 'bob')
    cluster.broker.loses = (_node, text) => text.includes('"message"') || text.includes('"ask"')
    there.cluster?.revoke({ userId: 'bob' })
    await cluster.clock.advance(6_000)
    cluster.broker.loses = () => false
    await cluster.clock.advance(2_000)

    expect([here.manager.getUserSubscriptions('bob'), here.errors]).toEqual([[], []])
  })

  it('is reported as missing by a node that was given it too late, because the broker was stuck while the node joined', async () => {
    const { cluster, there } = await twoNodes()
    void there.cluster?.removeUser('bob')
    await cluster.clock.advance(100)
    cluster.broker.stick(6_000)
    const [late] = (await cluster.nodes(1)) as [SimulatedNode]
    late.manager.addConnection('a', { send() {}, close() {} }, 'ann')
    await cluster.clock.advance(1_000)
    void there.cluster?.removeUser('ann')
    await cluster.clock.advance(20_000)

    expect(late.errors.map(String)).toContainEqual(expect.stringContaining('2 commands of another node may be missing'))
  })
})

describe('a channel whose interest comes back while the broker is away', () => {
  it('is asked for again, so that what was missed comes', async () => {
    const { cluster, here, there } = await twoNodes()
    const before = await cluster.client(here, TRADES)
    publish(there, 1)
    await cluster.clock.advance(100)
    cluster.broker.cut(here.name, 4_000)
    await here.manager.removeUser('ann')
    await cluster.clock.advance(2_000)
    publish(there, 2)
    const after = await cluster.client(here, TRADES)
    await cluster.clock.advance(5_000)
    const again = await cluster.client(here, TRADES, positionOf(before))

    expect(received(after)).toEqual(['subscribed null', 2])
    expect(received(again)).toEqual(['subscribed true', 2])
  })
})

describe('a client that comes to another node', () => {
  it('gets what it missed, and is told that nothing is missing', async () => {
    const { cluster, here, there } = await twoNodes()
    const before = await cluster.client(there, TRADES)
    publish(there, 1)
    const position = positionOf(before)
    publish(there, 2, 3)
    const after = await cluster.client(here, TRADES, position)

    expect(received(after)).toEqual(['subscribed true', 2, 3])
  })

  it('gets what it missed from the node that published it, if its first node published nothing', async () => {
    const { cluster, publisher, first, second } = await threeNodes()
    const before = await cluster.client(first, TRADES)
    publish(publisher, 1)
    await cluster.clock.advance(100)
    publish(publisher, 2, 3)
    const after = await cluster.client(second, TRADES, positionOf(before))

    expect(received(after)).toEqual(['subscribed true', 2, 3])
  })

  it('gets what it missed from the node that published it, if its first node published nothing, and has died', async () => {
    const { cluster, publisher, first, second } = await threeNodes()
    publish(publisher, 1)
    const position = positionOf(await cluster.client(first, TRADES))
    cluster.broker.cut(first.name, 1e9)
    publish(publisher, 2, 3)
    const after = await cluster.client(second, TRADES, position)

    expect(received(after)).toEqual(['subscribed true', 2, 3])
  })

  it('gets what its first node has begun to publish meanwhile', async () => {
    const { cluster, publisher, first, second } = await threeNodes()
    publish(publisher, 1)
    const position = positionOf(await cluster.client(first, TRADES))
    publish(first, 'a', 'b')
    await cluster.clock.advance(5_000)
    const after = await cluster.client(second, TRADES, position)

    expect(received(after)).toEqual(['subscribed true', 'a', 'b'])
  })

  it('is told that something may be missing if its first node has died', async () => {
    const { cluster, here, there } = await twoNodes()
    const before = await cluster.client(there, TRADES)
    publish(there, 1)
    cluster.broker.cut(there.name, 1e9)
    const after = await cluster.client(here, TRADES, positionOf(before))

    expect(received(after)).toEqual(['subscribed false'])
  })

  it.each<[string, (text: string, to: string, second: SimulatedNode, other: SimulatedNode) => boolean]>([
    ['question', (text, to, _second, other) => to === other.name && text.includes('"sync"')],
    ['answer', (text, to, second, other) => to === second.name && text.includes('"progress"') && text.includes(epochOf(other))],
  ])('gets what another node has published a little later if the %s about it was lost twice', async (_what, isMeant) => {
    const cluster = new SimulatedCluster()
    const [publisher, first, second, other] = (await cluster.nodes(4)) as [SimulatedNode, SimulatedNode, SimulatedNode, SimulatedNode]
    publish(publisher, 1)
    const position = positionOf(await cluster.client(first, TRADES))
    first.manager.removeConnection('s1')
    await cluster.clock.advance(5_000)
    publish(other, 2)
    let losses = 0
    cluster.broker.loses = (to, text) => losses < 2 && isMeant(text, to, second, other) && ++losses > 0
    const after = await cluster.client(second, TRADES, position)
    await cluster.clock.advance(4_000)

    expect(received(after)).toEqual(['subscribed true', 2])
    expect(losses).toBe(2)
  })

  it('gets what another node has published once that node, which was cut off when it was asked, is back', async () => {
    const { cluster, publisher, first, second } = await threeNodes()
    publish(publisher, 1)
    const position = positionOf(await cluster.client(first, TRADES))
    first.manager.removeConnection('s1')
    await cluster.clock.advance(5_000)
    const [other] = (await cluster.nodes(1)) as [SimulatedNode]
    publish(other, 2)
    await cluster.clock.advance(20_000)
    cluster.broker.cut(other.name, 10_000)
    const after = await cluster.client(second, TRADES, position)
    await cluster.clock.advance(9_000)
    expect(received(after)).toEqual(['subscribed true'])
    await cluster.clock.advance(5_000)

    expect(received(after)).toEqual(['subscribed true', 'gap 1'])
  })

  it('waits for its new node if that node is behind, and is told of no loss', async () => {
    const { cluster, publisher, first, second } = await threeNodes()
    const [before, neighbour] = [await cluster.client(first, TRADES), await cluster.client(second, TRADES)]
    publish(publisher, 1)
    await cluster.clock.advance(100)
    let losses = 0
    cluster.broker.loses = (to, text) => to === second.name && text.includes('"data":2') && losses++ === 0
    publish(publisher, 2)
    await cluster.clock.advance(20)
    expect([received(before), received(neighbour)]).toEqual([['subscribed null', 1, 2], ['subscribed null', 1]])
    const after = await cluster.client(second, TRADES, positionOf(before))
    publish(publisher, 3)
    await cluster.clock.advance(100)

    expect(received(after)).toEqual(['subscribed true', 3])
    expect(received(neighbour)).toEqual(['subscribed null', 1, 2, 3])
  })

  it('is told that something may be missing if the node cannot reach the others', async () => {
    const { cluster, here, there } = await twoNodes()
    const before = await cluster.client(here, TRADES)
    cluster.broker.cut(here.name, 1e9)
    await cluster.clock.advance(3_000)
    publish(there, 1)
    const after = await cluster.client(here, TRADES, positionOf(before))

    expect(received(after)).toEqual(['subscribed false'])
  })

  it('gets the last value of a latest stream, although nobody on its node wanted the stream before', async () => {
    const { cluster, here, there } = await twoNodes()
    there.manager.publish({ ...PRICE, data: 'old' } as never)
    there.manager.publish({ ...PRICE, data: 'new' } as never)
    await cluster.clock.advance(100)

    expect(received(await cluster.client(here, PRICE))).toEqual(['subscribed null', 'new'])
  })
})

describe('`ready`', () => {
  it('waits for `repairTimeoutMs` at most, also if the broker is not there', async () => {
    const { cluster, here } = await twoNodes({ repairTimeoutMs: 800 })
    cluster.broker.cut(here.name, 1e9)
    await cluster.clock.advance(3_000)
    let isReady = false
    void here.cluster?.ready(TRADES).then(() => (isReady = true))
    await cluster.clock.advance(790)
    expect(isReady).toBe(false)
    await cluster.clock.advance(20)

    expect(isReady).toBe(true)
  })

  it('resolves at once for a channel that is whole', async () => {
    const { cluster, here } = await twoNodes()
    await cluster.client(here, TRADES)
    let isReady = false
    void here.cluster?.ready(TRADES).then(() => (isReady = true))
    await cluster.clock.advance(0)

    expect(isReady).toBe(true)
  })
})

describe('`isOnline`', () => {
  it('is true for a user of any node, and false once the user has left', async () => {
    const { cluster, here, there } = await twoNodes()
    there.manager.addConnection('c', { send() {}, close() {} }, 'bob')
    await cluster.clock.advance(100)
    const whileThere = here.cluster?.isOnline('bob')
    await cluster.clock.advance(100)
    await there.manager.removeUser('bob')
    await cluster.clock.advance(100)
    const afterwards = here.cluster?.isOnline('bob')
    await cluster.clock.advance(100)

    expect([await whileThere, await afterwards]).toEqual([true, false])
  })

  it('rejects with `ERR_CLUSTER_DOWN` if the broker is not there, but not for a user who is here', async () => {
    const { cluster, here } = await twoNodes()
    here.manager.addConnection('c', { send() {}, close() {} }, 'bob')
    cluster.broker.cut(here.name, 1e9)
    await cluster.clock.advance(3_000)

    expect(await here.cluster?.isOnline('bob')).toBe(true)
    await expect(here.cluster?.isOnline('ann') as Promise<boolean>).rejects.toMatchObject({ code: 'ERR_CLUSTER_DOWN' })
  })
})

describe('`followDepartures`', () => {
  it('calls the listener when this user leaves another node, until it is ended', async () => {
    const { cluster, here, there } = await twoNodes()
    const seen: string[] = []
    const unfollow = here.cluster?.followDepartures('bob', () => seen.push('bob'))
    await cluster.clock.advance(100)

    for (const userId of ['ann', 'bob', 'bob']) there.cluster?.announceDeparture(userId)
    await cluster.clock.advance(100)
    expect(seen).toEqual(['bob', 'bob'])

    unfollow?.()
    there.cluster?.announceDeparture('bob')
    await cluster.clock.advance(100)
    expect([seen.length, here.errors]).toEqual([2, []])
  })

  it('does not call the listener for a departure from its own node', async () => {
    const { cluster, here } = await twoNodes()
    const seen: string[] = []
    here.cluster?.followDepartures('bob', () => seen.push('bob'))
    await cluster.clock.advance(100)

    here.cluster?.announceDeparture('bob')
    await cluster.clock.advance(100)

    expect(seen).toEqual([])
  })

  it('calls each listener of a user, also after one of them threw and another one was ended twice', async () => {
    const { cluster, here, there } = await twoNodes()
    const seen: string[] = []
    const listener = (): void => void seen.push('bob')
    here.cluster?.followDepartures('bob', () => { throw new Error('a listener failed') })
    here.cluster?.followDepartures('bob', listener)
    const unfollow = here.cluster?.followDepartures('bob', listener)
    unfollow?.()
    unfollow?.()
    await cluster.clock.advance(100)

    there.cluster?.announceDeparture('bob')
    await cluster.clock.advance(100)

    expect([seen, here.errors]).toEqual([['bob'], [new Error('a listener failed')]])
  })

  it('subscribes to one subject of the user at the broker, for as long as somebody follows the departures', async () => {
    const { cluster, here, there } = await twoNodes()
    const table = (): number[] => [here, there].map(({ name }) => cluster.broker.lines.get(name)?.held.size ?? 0)
    const [before = 0, ofOther] = table()
    const first = here.cluster?.followDepartures('bob', () => {})
    const second = here.cluster?.followDepartures('bob', () => {})
    await cluster.clock.advance(100)
    expect(table()).toEqual([before + 1, ofOther])

    first?.()
    await cluster.clock.advance(100)
    expect(table()).toEqual([before + 1, ofOther])

    second?.()
    await cluster.clock.advance(100)
    expect(table()).toEqual([before, ofOther])
  })

  it('and `announceDeparture` refuse what is not a user or a listener', async () => {
    const { here } = await twoNodes()

    expectCode('ERR_INVALID_ID', () => here.cluster?.announceDeparture(''))
    expectCode('ERR_INVALID_ID', () => here.cluster?.followDepartures('', () => {}))
    expectCode('ERR_INVALID_ARGUMENT', () => here.cluster?.followDepartures('bob', undefined as never))
  })
})

describe('`isOnline` while the broker is frozen', () => {
  /** Asks, and returns what became of it after 790 ms, and after 810 ms. */
  async function asked({ cluster, here }: { readonly cluster: SimulatedCluster; readonly here: SimulatedNode }): Promise<unknown[]> {
    let outcome: unknown = 'open'
    here.cluster?.isOnline('ann').then((isOnline) => (outcome = isOnline), (error: unknown) => (outcome = error))
    await cluster.clock.advance(790)
    const before = outcome
    await cluster.clock.advance(20)
    return [before, outcome]
  }

  const isDown = expect.objectContaining({ code: 'ERR_CLUSTER_DOWN', userId: 'ann', cause: expect.any(Error) as Error }) as unknown

  it('rejects with `ERR_CLUSTER_DOWN` after `repairTimeoutMs`', async () => {
    const nodes = await twoNodes({ repairTimeoutMs: 800 })
    nodes.cluster.broker.stick(1e9)

    expect(await asked(nodes)).toEqual(['open', isDown])
  })

  it('rejects in that time also if the broker has not answered an earlier call', async () => {
    const nodes = await twoNodes({ repairTimeoutMs: 800 })
    nodes.cluster.broker.stick(1e9)
    nodes.here.manager.addConnection('c', { send() {}, close() {} }, 'bob')
    await nodes.cluster.clock.advance(10)

    expect(await asked(nodes)).toEqual(['open', isDown])
  })
})

describe('the demand of a cluster', () => {
  it('tells the node that publishes which channels any node wants, and when none does any more', async () => {
    const { cluster, here, there } = await twoNodes()
    const events: string[] = []
    await cluster.client(here, PRICE)
    there.cluster?.on('streamActive', ({ streamType, symbol }) => events.push(`active ${streamType} ${String(symbol)}`))
    there.cluster?.on('streamIdle', ({ streamType, symbol }) => events.push(`idle ${streamType} ${String(symbol)}`))
    await cluster.clock.advance(100)
    expect(events).toEqual(['active PRICE A'])
    await cluster.client(here, TRADES)
    expect(events).toEqual(['active PRICE A', 'active TRADES A'])
    await here.manager.removeUser('ann')
    await cluster.clock.advance(5_000)

    expect(events.slice(2).sort()).toEqual(['idle PRICE A', 'idle TRADES A'])
  })

  it('is learned later if the message of a node that wants a channel was lost', async () => {
    const { cluster, here, there } = await twoNodes()
    const events: string[] = []
    there.cluster?.on('streamActive', ({ streamType }) => events.push(streamType))
    await cluster.clock.advance(100)
    cluster.broker.loses = (node) => node === there.name
    await cluster.client(here, PRICE)
    cluster.broker.loses = () => false
    await cluster.clock.advance(30_000)

    expect(events).toEqual(['PRICE'])
  })

  it('knows only streams of the catalogue that are not local', async () => {
    const { cluster, here, there } = await twoNodes({ localTypes: ['PRICE'] })
    const events: unknown[] = []
    there.cluster?.on('streamActive', (stream) => events.push(stream))
    const wants = (...channels: readonly unknown[]): void => cluster.broker.lines.get(there.name)?.receive('a', JSON.stringify([1, 'wanted', 'n9', channels]))
    wants(['__proto__', null, null], ['FOO', 'A', null], ['PRICE', 'A', null], ['TRADES', null, null], ['ORDERS', null, null], ['ORDERS', 'A', 'ann'], ['NEWS', 'A', null])

    expect(events).toEqual([{ streamType: 'ORDERS', symbol: undefined, userId: 'ann' }, { streamType: 'NEWS', symbol: undefined }])
    expect(here.errors).toEqual([])
  })

  it('ends for the channels of a node that died', async () => {
    const { cluster, here, there } = await twoNodes()
    const events: string[] = []
    await cluster.client(here, PRICE)
    there.cluster?.on('streamIdle', ({ streamType }) => events.push(streamType))
    await cluster.clock.advance(100)
    cluster.broker.cut(here.name, 1e9)
    await cluster.clock.advance(10_000)

    expect(events).toEqual(['PRICE'])
  })
})

describe('the status of a stream', () => {
  it('is set on all nodes', async () => {
    const { cluster, here, there } = await twoNodes()
    const far = await cluster.client(here, TRADES)
    there.cluster?.setStreamStatus(TRADES as never, 'ERROR')
    await cluster.clock.advance(100)

    expect(received(far)).toEqual(['subscribed null', 'status ERROR'])
  })
})

describe('a gap in the source of a stream', () => {
  it.each([3, undefined])('is told to the subscribers on all nodes: %s', async (dropped) => {
    const { cluster, here, there } = await twoNodes()
    const [near, far] = [await cluster.client(there, TRADES), await cluster.client(here, TRADES)]
    there.cluster?.notifyGap(TRADES as never, dropped)
    await cluster.clock.advance(100)

    expect([received(near), received(far)]).toEqual(Array(2).fill(['subscribed null', `gap ${dropped ?? null}`]))
  })

  it('that is private is told to its user alone', async () => {
    const { cluster, here, there } = await twoNodes()
    const ORDERS: Stream = { streamType: 'ORDERS', symbol: undefined }
    const [ann, bob] = [await cluster.client(here, ORDERS, undefined, 'ann'), await cluster.client(here, ORDERS, undefined, 'bob')]
    there.cluster?.notifyGap({ streamType: 'ORDERS', userId: 'ann' }, 1)
    await cluster.clock.advance(100)

    expect([received(ann), received(bob)]).toEqual([['subscribed null', 'gap 1'], ['subscribed null']])
  })
})

describe('joining', () => {
  it('resolves after `repairTimeoutMs` if the client of the broker does not open yet, and comes up when it has', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    const { backplane, open } = slowToOpen(cluster.broker.backplane('slow'))
    let joined: Cluster<Streams> | undefined
    void joinCluster(node.manager, node.recovery, { backplane, prefix: 'sim', repairTimeoutMs: 500 }).then((each) => (joined = each))
    await cluster.clock.advance(490)
    expect(joined).toBeUndefined()
    await cluster.clock.advance(20)
    expect(joined?.status).toBe('down')
    open()
    await cluster.clock.advance(2_500)

    expect(joined?.status).toBe('up')
  })

  it('rejects with `ERR_CLUSTER_DOWN` if the client of the broker refuses to open', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    const backplane = { ...cluster.broker.backplane('x'), open: () => Promise.reject(new Error('wrong password')) }
    await expect(joinCluster(node.manager, node.recovery, { backplane, prefix: 'sim' })).rejects.toMatchObject({ code: 'ERR_CLUSTER_DOWN' })
  })

  it('rejects with the same error if the client cannot be closed either', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    const [cause, another] = [new Error('wrong password'), new Error('not open')]
    const backplane = { ...cluster.broker.backplane('x'), open: () => Promise.reject(cause), close: () => Promise.reject(another) }
    await expect(joinCluster(node.manager as never, node.recovery, { backplane, prefix: 'sim' })).rejects.toMatchObject({ code: 'ERR_CLUSTER_DOWN', cause })
  })

  it('refuses the recovery of another manager', async () => {
    const cluster = new SimulatedCluster()
    const backplane = cluster.broker.backplane('x')
    const { manager } = newNode(cluster)
    await expect(joinCluster(manager, newNode(cluster).recovery, { backplane, prefix: 'sim' })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('refuses a recovery that is in a cluster, until that is closed', async () => {
    const cluster = new SimulatedCluster()
    const [node] = (await cluster.nodes(1)) as [SimulatedNode]
    const joinAgain = (): Promise<unknown> => joinCluster(node.manager, node.recovery, { backplane: cluster.broker.backplane('x'), prefix: 'sim' })
    await expect(joinAgain()).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(node.cluster?.status).toBe('up')
    await node.cluster?.close()
    await expect(joinAgain()).resolves.toBeDefined()
  })

  it('refuses a recovery that has no manager', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    const backplane = cluster.broker.backplane('x')
    await expect(joinCluster(node.manager, createRecovery<Streams>(), { backplane, prefix: 'sim' })).rejects.toMatchObject({ code: 'ERR_INVALID_OPTION' })
  })

  it('refuses a backplane without a method', async () => {
    const cluster = new SimulatedCluster()
    const node = newNode(cluster)
    await expect(joinCluster(node.manager, node.recovery, { backplane: {} as never, prefix: 'sim' })).rejects.toMatchObject({ code: 'ERR_INVALID_BACKPLANE' })
  })
})

describe('a stuck broker', () => {
  it('gets no more than `maxUnconfirmedBytes`, and the others get what they missed afterwards', async () => {
    const { cluster, here, there } = await twoNodes({ maxUnconfirmedBytes: 2_000 })
    const far = await cluster.client(here, TRADES)
    cluster.broker.stick(5_000)
    for (let n = 0; n < 200; n++) publish(there, n)
    await cluster.clock.advance(1_000)
    expect(there.cluster?.stats().unconfirmed).toBeLessThan(2_500)
    await cluster.clock.advance(10_000)

    expect(received(far)).toEqual(['subscribed null', ...Array.from({ length: 200 }, (_, n) => n)])
  })
})
