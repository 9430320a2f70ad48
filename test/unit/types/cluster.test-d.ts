import { describe, expectTypeOf, it } from 'vitest'
import { memoryBackplane, createMemoryBus } from '../../../src/backplanes/memory/index.ts'
import { joinCluster, type Backplane, type Cluster, type ClusterEvents } from '../../../src/cluster/index.ts'
import { ConnectionManager, defineStreams, type Socket } from '../../../src/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'

const streams = defineStreams({
  TICKER: { audience: 'public', symbol: 'required', payload: {} as { readonly price: number } },
  ORDERS: { audience: 'private', payload: {} as { readonly orderId: string } },
})
type Streams = typeof streams

const backplane: Backplane = memoryBackplane(createMemoryBus())
const recovery = createRecovery<Streams>()
const manager = new ConnectionManager<Socket, Streams>({ streams, recorder: recovery })

describe('joinCluster', () => {
  it('has the catalogue of its manager', async () => {
    const cluster = await joinCluster(manager, recovery, { backplane, prefix: 'desk', localTypes: ['TICKER'] })

    expectTypeOf(cluster).toEqualTypeOf<Cluster<Streams>>()
    cluster.revoke({ streamType: 'ORDERS', userId: 'alice' })
    cluster.setStreamStatus({ streamType: 'TICKER', symbol: 'BTCUSDT' }, 'ERROR')
    cluster.notifyGap({ streamType: 'TICKER', symbol: 'BTCUSDT' }, undefined)
    cluster.on('streamActive', (stream) => expectTypeOf(stream).toEqualTypeOf<ClusterEvents<'TICKER' | 'ORDERS'>['streamActive']>())
    // @ts-expect-error the catalogue has no such type
    cluster.revoke({ streamType: 'TRADES' })
    // @ts-expect-error the catalogue has no such type
    cluster.setStreamStatus({ streamType: 'TRADES', symbol: 'BTCUSDT' }, 'ERROR')
  })

  it('takes a manager without options, and any metadata and sockets', async () => {
    const ordinary = createRecovery()
    expectTypeOf(await joinCluster(new ConnectionManager({ recorder: ordinary }), ordinary, { backplane, prefix: 'desk' })).toEqualTypeOf<Cluster>()

    interface Device { readonly device: string }
    interface Phone extends Socket { readonly number: string }
    const phones = new ConnectionManager<Phone, Streams, Device>({ streams, recorder: recovery })
    expectTypeOf(await joinCluster(phones, recovery, { backplane, prefix: 'desk' })).toEqualTypeOf<Cluster<Streams>>()
  })

  it('refuses what is no option, and a type that the catalogue does not have', async () => {
    // @ts-expect-error a misspelt option
    await joinCluster(manager, recovery, { backplane, prefix: 'desk', probeMS: 1 })
    // @ts-expect-error a required option is missing
    await joinCluster(manager, recovery, { backplane })
    // @ts-expect-error the catalogue has no such type
    await joinCluster(manager, recovery, { backplane, prefix: 'desk', localTypes: ['TRADES'] })
    // @ts-expect-error a recovery must come second
    await joinCluster(manager, { backplane, prefix: 'desk' })
  })
})
