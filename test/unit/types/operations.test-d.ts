import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket } from 'ws'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { drain, drainOf, limitLifetime, startHeartbeat, type Drain, type DrainReport, type Heartbeat, type LifetimeLimit } from '../../../src/operations/index.ts'
import { createCommandServer } from '../../../src/protocol/index.ts'
import type { SseSocket } from '../../../src/transports/sse.ts'

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
