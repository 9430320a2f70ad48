import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket } from 'ws'
import { ConnectionManager, defineStreams } from '../../../src/index.ts'
import { startHeartbeat, type Heartbeat } from '../../../src/operations/index.ts'
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
