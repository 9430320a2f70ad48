import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket } from 'ws'
import { joinCluster } from '../../../src/cluster/index.ts'
import { ConnectionManager, defineStreams, type CloseReason } from '../../../src/index.ts'
import {
  drain, drainOf, instrument, limitLifetime, startHeartbeat, watchAbsence, type Departure, type Drain, type DrainReport, type Heartbeat, type LifetimeLimit,
  type MetricsMeter,
} from '../../../src/operations/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import { createRecovery } from '../../../src/recovery/index.ts'
import type { SseSocket } from '../../../src/transports/sse.ts'

const streams = defineStreams({ TICKS: { audience: 'public' } })
const recovery = createRecovery<typeof streams>()
const manager = new ConnectionManager<{ send(text: string): void; close(): void }, typeof streams, { desk: string }>({ streams, recorder: recovery })
type Joined = Awaited<ReturnType<typeof joinCluster<typeof streams>>>
declare const cluster: Joined
declare const meter: MetricsMeter

describe('startHeartbeat', () => {
  it('takes managers of ws, of event streams and of both as they are, whatever their catalogue and metadata', () => {
    const streams = defineStreams({ NEWS: { audience: 'public' } })

    expectTypeOf(startHeartbeat(new ConnectionManager<WebSocket>())).toEqualTypeOf<Heartbeat>()
    startHeartbeat(new ConnectionManager<SseSocket>(), { intervalMs: 15_000 })
    startHeartbeat(new ConnectionManager<WebSocket | SseSocket, typeof streams, { device: string }>({ streams }))
  })

  it('needs socketOf for any other socket', () => {
    interface Peer {
      readonly webSocket: WebSocket
      send(text: string): void
      close(): void
    }
    const manager = new ConnectionManager<Peer>()

    startHeartbeat(manager, { socketOf: (peer) => peer.webSocket })
    startHeartbeat(manager, { socketOf: () => undefined })
    // @ts-expect-error a peer can neither ping nor comment
    startHeartbeat(manager)
    // @ts-expect-error nor can a peer without its socket
    startHeartbeat(manager, { intervalMs: 1_000 })
    // @ts-expect-error no such option
    startHeartbeat(new ConnectionManager<WebSocket>(), { interval: 1_000 })
  })
})

describe('drain and limitLifetime', () => {
  it('take any manager, and the command server of the protocol as it is', () => {
    const streams = defineStreams({ NEWS: { audience: 'public' } })
    const manager = new ConnectionManager<WebSocket, typeof streams, { device: string }>({ streams })
    const commands = createCommandServer(manager)

    expectTypeOf(drain(manager, { commands, overMs: 25_000, perSecond: 1_000 })).toEqualTypeOf<Promise<DrainReport>>()
    expectTypeOf(drainOf(manager)).toEqualTypeOf<Drain | undefined>()
    expectTypeOf(limitLifetime(manager, { commands, maxMs: 86_400_000 })).toEqualTypeOf<LifetimeLimit>()
  })

  it('refuse options that they do not have', () => {
    const manager = new ConnectionManager()

    // @ts-expect-error no such option
    void drain(manager, { withinMs: 1 })
    // @ts-expect-error no longest lifetime
    limitLifetime(manager, {})
    // @ts-expect-error no manager
    void drain({})
  })
})

describe('watchAbsence', () => {
  it('takes a manager of any catalogue, and the cluster that it has joined', () => {
    const watch = watchAbsence(manager, { graceMs: 10_000, cluster }, ({ userId, reason, isCertain }) => {
      expectTypeOf(userId).toEqualTypeOf<string>()
      expectTypeOf(reason).toEqualTypeOf<CloseReason | 'reassigned'>()
      expectTypeOf(isCertain).toEqualTypeOf<boolean>()
    })

    expectTypeOf(watch.stop()).toEqualTypeOf<Departure[]>()
  })

  it('needs a grace and a listener', () => {
    // @ts-expect-error the grace is missing
    watchAbsence(manager, { cluster }, () => {})
    // @ts-expect-error the listener is missing
    watchAbsence(manager, { graceMs: 10_000 })
  })
})

describe('instrument', () => {
  it('takes a manager of any catalogue, its recovery, its cluster and its command server', () => {
    expectTypeOf(instrument(manager, meter, { recovery, cluster, commands: createCommandServer(manager) }).stop).toEqualTypeOf<() => void>()
  })

  it('needs a meter, and no unknown option', () => {
    // @ts-expect-error the meter is missing
    instrument(manager)
    // @ts-expect-error there is no such option
    instrument(manager, meter, { sampling: 2 })
  })
})
