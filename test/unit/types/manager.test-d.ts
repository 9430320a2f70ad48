import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket as WsSocket } from 'ws'
import {
  ConnectionManager,
  ConnectionManagerError,
  defineStreams,
  parseServerMessage,
  parseStreamKey,
  StreamType,
  SubscriptionStatus,
  tradingStreams,
  type ActiveStream,
  type CleanupReport,
  type Clock,
  type CloseReason,
  type Connection,
  type ConnectionManagerOptions,
  type ErrorCode,
  type ErrorStage,
  type GapNotice,
  type SkipNotice,
  type StatusNotice,
  type SubscribedNotice,
  type UnknownNotice,
  type ManagerEvents,
  type ManagerTransport,
  type PublishResult,
  type ServerMessage,
  type Socket,
  type StreamCatalogue,
  type StreamMessage,
  type Subscription,
  type TradingStreams,
  type Transport,
  type ValidMessage,
} from '../../../src/index.ts'
import { sseTransport, type SseSocket } from '../../../src/transports/sse.ts'
import { wsTransport } from '../../../src/transports/ws.ts'

const streams = defineStreams({ TICKER: { audience: 'public', payload: {} as { last: number } }, FILLS: { audience: 'private' } })
type Streams = typeof streams

describe('ConnectionManager', () => {
  it('manages any socket and the trading streams by default', () => {
    expectTypeOf(new ConnectionManager()).toEqualTypeOf<ConnectionManager<Socket, TradingStreams>>()
    expectTypeOf(new ConnectionManager({})).toEqualTypeOf<ConnectionManager<Socket, TradingStreams>>()
    expectTypeOf(new ConnectionManager({ closeTimeoutMs: 1 })).toEqualTypeOf<ConnectionManager<Socket, TradingStreams>>()
  })

  it('infers its streams from the options', () => {
    expectTypeOf(new ConnectionManager({ streams })).toEqualTypeOf<ConnectionManager<Socket, Streams>>()
  })

  it('infers both types from the declared variable', () => {
    const manager: ConnectionManager<WsSocket, Streams> = new ConnectionManager({ streams })

    expectTypeOf(manager).toEqualTypeOf<ConnectionManager<WsSocket, Streams>>()
  })

  it('accepts a socket type together with the type of a catalogue', () => {
    const manager = new ConnectionManager<WsSocket, Streams>({ streams })

    expectTypeOf(manager.getUserConnections('alice')).toEqualTypeOf<WsSocket[]>()
    manager.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 1 } })
  })

  it('infers both types from the options', () => {
    expectTypeOf(new ConnectionManager({ streams, transport: wsTransport<WsSocket>() })).toEqualTypeOf<ConnectionManager<WsSocket, Streams>>()
    new ConnectionManager({
      streams,
      transport: wsTransport<WsSocket>(),
      authorize({ streamType, connection }) {
        expectTypeOf(streamType).toEqualTypeOf<'TICKER' | 'FILLS'>()
        expectTypeOf(connection).toEqualTypeOf<Connection<WsSocket, Streams> | undefined>()
        return true
      },
    })
  })

  it('accepts no catalogue other than that of its type', () => {
    // @ts-expect-error the catalogue lacks the trading streams
    new ConnectionManager<WsSocket>({ streams })
    // @ts-expect-error the trading streams are another catalogue
    new ConnectionManager<WsSocket, Streams>({ streams: tradingStreams })
  })

  it('requires the options to contain the catalogue that its type names', () => {
    // @ts-expect-error the streams are missing in the options
    new ConnectionManager<Socket, Streams>()
    // @ts-expect-error the streams are missing in the options
    new ConnectionManager<Socket, Streams>({})
    // @ts-expect-error the streams are missing in the options
    new ConnectionManager<Socket, Streams>({ closeTimeoutMs: 1 })
    // @ts-expect-error undefined is no catalogue
    new ConnectionManager<Socket, Streams>({ streams: undefined })
    const options: ConnectionManagerOptions<Socket, Streams> = {}
    // @ts-expect-error the options may have no streams
    new ConnectionManager<Socket, Streams>(options)
    // @ts-expect-error the options may take the streams away
    new ConnectionManager<Socket, Streams>({ streams, ...options })
    new ConnectionManager<Socket, Streams>({ ...options, streams })
    // @ts-expect-error one type more than the default ones
    new ConnectionManager<Socket, TradingStreams & Streams>()
  })

  it('requires no catalogue in the options for the default one, or for one that is known only at run time', () => {
    new ConnectionManager<Socket, TradingStreams>()
    new ConnectionManager<Socket, StreamCatalogue>()
    new ConnectionManager<Socket, StreamCatalogue>({ closeTimeoutMs: 1 })
  })

  it('can be extended as a class', () => {
    class Trading extends ConnectionManager<WsSocket> {}
    class Custom extends ConnectionManager<WsSocket, Streams> {
      constructor() {
        super({ streams })
      }
    }

    expectTypeOf(new Trading().getUserConnections('alice')).toEqualTypeOf<WsSocket[]>()
    expectTypeOf(new Custom().getUserSubscriptions('alice')).toEqualTypeOf<Subscription<'TICKER' | 'FILLS'>[]>()
    // @ts-expect-error the streams are missing in the options
    class Wrong extends ConnectionManager<WsSocket, Streams> { constructor() { super() } } // prettier-ignore
    expectTypeOf<InstanceType<typeof Wrong>>().toExtend<ConnectionManager<WsSocket, Streams>>()
  })

  it('is not assignable to a manager of other sockets or streams', () => {
    const ofWs = new ConnectionManager<WsSocket>()
    const ofAny = new ConnectionManager()

    // @ts-expect-error it would be given sockets that are not of ws
    const any: ConnectionManager<Socket> = ofWs
    // @ts-expect-error its sockets are not of ws
    const ws: ConnectionManager<WsSocket> = ofAny
    // @ts-expect-error it would be given sockets of the other kind
    const either: ConnectionManager<WsSocket | SseSocket> = ofWs
    // @ts-expect-error it has no TICKER
    const custom: ConnectionManager<Socket, Streams> = ofAny
    // @ts-expect-error it would be asked for streams that it does not have
    const anyStreams: ConnectionManager<Socket, StreamCatalogue> = ofAny
    expectTypeOf([any, ws, either, custom, anyStreams]).toBeArray()
  })

  it('accepts undefined for any option', () => {
    new ConnectionManager({
      streams: undefined,
      serialize: undefined,
      transport: undefined,
      delivery: undefined,
      clock: undefined,
      closeTimeoutMs: undefined,
      pendingTtlMs: undefined,
      maxDeferred: undefined,
      idleDelayMs: undefined,
    })
    new ConnectionManager({ delivery: { softLimitBytes: undefined, hardLimitBytes: undefined, drainIntervalMs: undefined } })
  })

  it('accepts no unknown option', () => {
    // @ts-expect-error there is no such option
    new ConnectionManager({ closeTimeout: 5 })
    // @ts-expect-error there is no such option of delivery
    new ConnectionManager({ delivery: { softLimit: 5 } })
  })

  it('accepts a transport for its sockets, whatever its frames', () => {
    new ConnectionManager<WsSocket>({ transport: wsTransport() })
    new ConnectionManager<SseSocket>({ transport: sseTransport() })
    new ConnectionManager<WsSocket>({ transport: { bufferedBytes: (socket) => socket.bufferedAmount, close: (socket, reason) => socket.close(1000, reason) } })
    // @ts-expect-error its sockets are no responses
    new ConnectionManager<WsSocket>({ transport: sseTransport() })
    expectTypeOf<ManagerTransport<WsSocket>>().toExtend<NonNullable<ConnectionManagerOptions<WsSocket>['transport']>>()
    // @ts-expect-error there is no such hook
    new ConnectionManager<WsSocket>({ transport: { flush: () => {} } })
    // @ts-expect-error bytes are a number
    new ConnectionManager<WsSocket>({ transport: { bufferedBytes: () => '7' } })
  })

  it('accepts a transport that writes texts, or its own frames', () => {
    new ConnectionManager<WsSocket>({ transport: { write: (_to: WsSocket, frames: readonly string[]) => frames.length } })
    new ConnectionManager<WsSocket>({ transport: { write: (_to: WsSocket, frames: readonly unknown[]) => frames.length } })
    new ConnectionManager<WsSocket>({ transport: { frame: (text) => text, write: (_to: WsSocket, frames: readonly string[]) => frames.length } })
    new ConnectionManager<WsSocket>({
      transport: { frame: (text) => new TextEncoder().encode(text), write: (_to: WsSocket, frames: readonly Uint8Array[]) => frames.length },
    })
    new ConnectionManager<WsSocket>({
      transport: { frame: (text) => ({ text }), write: (_to: WsSocket, frames: readonly { text: string }[]) => frames.length },
    })
    new ConnectionManager<WsSocket>({ transport: { frame: () => 7, write: (_to: WsSocket, frames: readonly unknown[]) => frames.length } })
    const declared: Transport<WsSocket, Uint8Array> = { frame: (text) => new TextEncoder().encode(text), write: (_to, frames) => frames.length }
    new ConnectionManager<WsSocket>({ transport: declared })
    new ConnectionManager<WsSocket>({ transport: wsTransport<WsSocket>() })
  })

  it('accepts no transport that writes frames which it does not make, or makes frames which it does not write', () => {
    const bytes = (_to: WsSocket, frames: readonly Uint8Array[]): number => frames.length
    const objects = (_to: WsSocket, frames: readonly { text: string }[]): number => frames.length
    const numbers = (_to: WsSocket, frames: readonly number[]): number => frames.length

    // @ts-expect-error nothing makes bytes
    new ConnectionManager<WsSocket>({ transport: { write: bytes } })
    // @ts-expect-error nothing makes objects
    new ConnectionManager<WsSocket>({ transport: { write: objects } })
    // @ts-expect-error nothing makes bytes
    new ConnectionManager<WsSocket>({ transport: { write: bytes, frame: undefined } })
    // @ts-expect-error it frames texts and writes numbers
    new ConnectionManager<WsSocket>({ transport: { frame: (text: string) => text, write: numbers } })
    // @ts-expect-error it frames texts and writes bytes
    new ConnectionManager<WsSocket>({ transport: { frame: (text: string) => text, write: bytes } })
    // @ts-expect-error it frames bytes and writes objects
    new ConnectionManager<WsSocket>({ transport: { frame: () => new Uint8Array(), write: objects } })
    // @ts-expect-error it frames objects and writes bytes
    new ConnectionManager<WsSocket>({ transport: { frame: (text: string) => ({ text }), write: bytes } })
    // @ts-expect-error it frames bytes and writes texts
    new ConnectionManager<WsSocket>({ transport: { frame: () => new Uint8Array(), write: (_to: WsSocket, frames: readonly string[]) => frames.length } })
    // @ts-expect-error nothing makes the bytes that it is declared to write
    const declared: Transport<WsSocket, Uint8Array> = { write: bytes }
    expectTypeOf(declared).toEqualTypeOf<Transport<WsSocket, Uint8Array>>()
  })

  it('infers its sockets from the transport', () => {
    expectTypeOf(new ConnectionManager({ transport: sseTransport() })).toEqualTypeOf<ConnectionManager<SseSocket, TradingStreams>>()
  })

  it('accepts a clock with just the three methods', () => {
    expectTypeOf<keyof Clock>().toEqualTypeOf<'now' | 'monotonic' | 'setTimeout'>()
    // @ts-expect-error it cannot set a timer
    new ConnectionManager({ clock: { now: () => 0, monotonic: () => 0 } })
  })

  it('returns what the contract says', () => {
    const manager = new ConnectionManager()

    expectTypeOf(manager.removeConnection('c1')).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf(manager.removeUser('alice')).toEqualTypeOf<Promise<number>>()
    expectTypeOf(manager.removeSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'X' })).toEqualTypeOf<boolean>()
    expectTypeOf(manager.getUserSubscriptions('alice')).toEqualTypeOf<Subscription<StreamType>[]>()
    expectTypeOf(manager.getSubscribers('PRICE', 'X')).toEqualTypeOf<string[]>()
    expectTypeOf(manager.cleanup({ deadlineMs: 1 })).toEqualTypeOf<Promise<CleanupReport>>()
    expectTypeOf(manager.closed).toEqualTypeOf<boolean>()
    expectTypeOf(manager.connections()).toExtend<IterableIterator<Connection>>()
    expectTypeOf(manager.addConnection('c1', { send() {}, close() {} }, 'alice').remove({ close: false })).toEqualTypeOf<Promise<boolean>>()
  })

  it('counts in numbers', () => {
    type Counts = Pick<ConnectionManager, 'connectionCount' | 'userCount' | 'subscriptionCount' | 'streamCount'>

    expectTypeOf<Counts>().toEqualTypeOf<{
      readonly connectionCount: number
      readonly userCount: number
      readonly subscriptionCount: number
      readonly streamCount: number
    }>()
    expectTypeOf<PublishResult>().toEqualTypeOf<{
      readonly matched: number
      readonly sent: number
      readonly queued: number
      readonly conflated: number
      readonly dropped: number
      readonly failed: number
      readonly skipped: number
      readonly deferred: boolean
    }>()
  })

  it('has five mappings without mutating methods', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf(manager.connectionUsers).toEqualTypeOf<ReadonlyMap<string, string>>()
    expectTypeOf(manager.userConnections.get('alice')).toEqualTypeOf<string[] | undefined>()
    expectTypeOf(manager.userSubscriptions.get('alice')).toEqualTypeOf<Subscription<StreamType>[] | undefined>()
    expectTypeOf(manager.streamSubscriptions.get('PRICE:X')).toEqualTypeOf<string[] | undefined>()
    // @ts-expect-error a view has no set
    manager.connectionUsers.set('c1', 'mallory')
    // @ts-expect-error a mapping cannot be replaced
    manager.connectionUsers = new Map()
  })

  it('can be disposed of by await using', async () => {
    await using manager = new ConnectionManager({ streams })

    expectTypeOf(manager).toExtend<AsyncDisposable>()
    expectTypeOf(manager[Symbol.asyncDispose]()).toEqualTypeOf<Promise<void>>()
  })

  it('can be passed to code for any manager, without a cast', () => {
    const serve = <TSocket extends Socket, TStreams extends StreamCatalogue>(manager: ConnectionManager<TSocket, TStreams>, socket: TSocket) => {
      manager.on('subscriptionAdded', ({ subscription, connection }) => {
        const names: readonly [streamType: keyof TStreams & string, socket: TSocket | undefined] = [subscription.streamType, connection?.socket]
        void names
      })
      for (const connection of manager.connections()) connection.subscribe(parseStreamKey('PRICE:X'))
      return manager.addConnection('c1', socket, 'alice')
    }

    expectTypeOf(serve(new ConnectionManager(), {} as WsSocket)).toEqualTypeOf<Connection>()
    expectTypeOf(serve(new ConnectionManager<WsSocket>(), {} as WsSocket)).toEqualTypeOf<Connection<WsSocket>>()
    expectTypeOf(serve(new ConnectionManager<WsSocket, Streams>({ streams }), {} as WsSocket)).toEqualTypeOf<Connection<WsSocket, Streams>>()
    // @ts-expect-error a manager of other sockets
    serve(new ConnectionManager<SseSocket>(), {} as WsSocket)
  })
})

describe('addConnection', () => {
  const manager = new ConnectionManager<WsSocket>()
  const socket = {} as WsSocket

  it('accepts a transport whose write gets the result of its frame, inferred from the literal', () => {
    manager.addConnection('c1', socket, 'alice', {
      transport: {
        frame: (text, message) => {
          expectTypeOf(text).toEqualTypeOf<string>()
          expectTypeOf(message).toEqualTypeOf<StreamMessage<unknown, string> | undefined>()
          return new TextEncoder().encode(text)
        },
        write: (to, frames) => {
          expectTypeOf(to).toEqualTypeOf<WsSocket>()
          expectTypeOf(frames).toEqualTypeOf<readonly ReturnType<TextEncoder['encode']>[]>()
          return frames.length
        },
        close: (to, reason) => {
          expectTypeOf(to).toEqualTypeOf<WsSocket>()
          expectTypeOf(reason).toEqualTypeOf<CloseReason>()
        },
      },
    })
  })

  it('accepts a transport whose write gets texts, if it has no frame', () => {
    manager.addConnection('c1', socket, 'alice', {
      transport: {
        write: (to, frames) => {
          expectTypeOf(frames).toEqualTypeOf<readonly string[]>()
          to.send(frames.join())
        },
      },
    })
  })

  it('accepts a ready-made transport, undefined and nothing', () => {
    manager.addConnection('c1', socket, 'alice', { transport: wsTransport() })
    manager.addConnection('c1', socket, 'alice', { transport: undefined })
    manager.addConnection('c1', socket, 'alice', {})
    manager.addConnection('c1', socket, 'alice')
  })

  it('accepts, for each socket of a mixed manager, a transport for that socket', () => {
    const mixed = new ConnectionManager<WsSocket | SseSocket>()

    mixed.addConnection('c1', socket, 'alice', { transport: wsTransport() })
    mixed.addConnection('c2', {} as SseSocket, 'alice', { transport: sseTransport() })
    // @ts-expect-error a transport for another kind of socket
    mixed.addConnection('c3', socket, 'alice', { transport: sseTransport() })
  })

  it('accepts no transport that writes frames which it does not make, and none for other sockets', () => {
    manager.addConnection('c1', socket, 'alice', {
      // @ts-expect-error it frames texts and writes numbers
      transport: { frame: (text: string) => text, write: (_to: WsSocket, frames: readonly number[]) => frames.length },
    })
    // @ts-expect-error nothing makes bytes
    manager.addConnection('c1', socket, 'alice', { transport: { write: (_to: WsSocket, frames: readonly Uint8Array[]) => frames.length } })
    // @ts-expect-error its sockets are no responses
    manager.addConnection('c1', socket, 'alice', { transport: sseTransport() })
    // @ts-expect-error there is no such option
    manager.addConnection('c1', socket, 'alice', { transprot: wsTransport() })
  })

  it('returns a handle with flush and drained', () => {
    const connection = manager.addConnection('c1', socket, 'alice')

    expectTypeOf(connection.flush()).toEqualTypeOf<boolean>()
    expectTypeOf(connection.drained()).toEqualTypeOf<void>()
  })
})

describe('activeStreams', () => {
  it('returns the payload type of streamActive', () => {
    expectTypeOf(new ConnectionManager().activeStreams()).toEqualTypeOf<ActiveStream<StreamType>[]>()
    expectTypeOf(new ConnectionManager({ streams }).activeStreams()).toEqualTypeOf<ActiveStream<'TICKER' | 'FILLS'>[]>()
    expectTypeOf<ActiveStream>().toEqualTypeOf<{ readonly streamType: string; readonly symbol: string | undefined; readonly userId?: string }>()
  })
})

describe('parseServerMessage', () => {
  it('returns a message or a notice, discriminated by type', () => {
    const message = parseServerMessage('', { streams })

    expectTypeOf(message).toEqualTypeOf<ServerMessage<Streams>>()
    if (message.type === 'gap') {
      expectTypeOf(message).toEqualTypeOf<GapNotice>()
      expectTypeOf(message.dropped).toEqualTypeOf<number | undefined>()
      // @ts-expect-error a notice has no data
      message.data
    } else if (message.type === 'status') {
      expectTypeOf(message).toEqualTypeOf<StatusNotice>()
    } else if (message.type === 'unknown') {
      expectTypeOf(message).toEqualTypeOf<UnknownNotice>()
    } else if (message.type === 'subscribed') {
      expectTypeOf(message).toEqualTypeOf<SubscribedNotice>()
    } else if (message.type === 'skip') {
      expectTypeOf(message).toEqualTypeOf<SkipNotice>()
    } else {
      expectTypeOf(message.type).toEqualTypeOf<undefined>()
      expectTypeOf(message).toExtend<ValidMessage<Streams>>()
      expectTypeOf(message.streamType).toEqualTypeOf<'TICKER' | 'FILLS'>()
      expectTypeOf(message.epoch).toEqualTypeOf<string | undefined>()
      expectTypeOf(message.seq).toEqualTypeOf<number | undefined>()
      expectTypeOf(message.snapshot).toEqualTypeOf<true | undefined>()
      // @ts-expect-error a message counts nothing
      message.dropped
    }
  })

  it('narrows messages further by their stream type', () => {
    const message = parseServerMessage('', { streams })

    if (message.type === undefined && message.streamType === 'TICKER') expectTypeOf(message.data).toEqualTypeOf<{ last: number }>()
  })

  it('defaults to the trading streams', () => {
    expectTypeOf(parseServerMessage('')).toEqualTypeOf<ServerMessage<TradingStreams>>()
  })
})

describe('on', () => {
  const manager = new ConnectionManager<WsSocket, Streams>({ streams })
  type Handle = Connection<WsSocket, Streams>

  it('passes the connection and the reason to connection listeners', () => {
    manager.on('connectionAdded', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly connection: Handle }>())
    manager.on('connectionRemoved', (event) =>
      expectTypeOf(event).toEqualTypeOf<{ readonly connection: Handle; readonly reason: CloseReason }>(),
    )
  })

  it('passes the user and the reason to user listeners', () => {
    manager.on('userOnline', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly userId: string }>())
    manager.on('userOffline', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly userId: string; readonly reason: CloseReason | 'reassigned' }>())
  })

  it.for(['subscriptionAdded', 'subscriptionChanged', 'subscriptionRemoved'] as const)('passes the subscription and its holder to %s listeners', (event) => {
    manager.on(event, ({ subscription, connection }) => {
      expectTypeOf(subscription).toEqualTypeOf<Subscription<'TICKER' | 'FILLS'>>()
      expectTypeOf(connection).toEqualTypeOf<Handle | undefined>()
    })
  })

  it.for(['streamActive', 'streamIdle'] as const)('passes the stream, and its user if it is private, to %s listeners', (event) => {
    manager.on(event, ({ streamType, symbol, userId, ...rest }) => {
      expectTypeOf(streamType).toEqualTypeOf<'TICKER' | 'FILLS'>()
      expectTypeOf(symbol).toEqualTypeOf<string | undefined>()
      expectTypeOf(userId).toEqualTypeOf<string | undefined>()
      expectTypeOf(rest).toEqualTypeOf<{}>()
    })
  })

  it('passes the connection, the stream and the count to gap listeners', () => {
    manager.on('gap', (event) =>
      expectTypeOf(event).toEqualTypeOf<{
        readonly connection: Handle
        readonly streamType: 'TICKER' | 'FILLS'
        readonly symbol: string | undefined
        readonly dropped: number
      }>(),
    )
  })

  it('passes no other fields', () => {
    expectTypeOf<keyof ManagerEvents>().toEqualTypeOf<
      | 'connectionAdded'
      | 'connectionRemoved'
      | 'userOnline'
      | 'userOffline'
      | 'subscriptionAdded'
      | 'subscriptionRemoved'
      | 'subscriptionChanged'
      | 'revoked'
      | 'connectionBehind'
      | 'connectionCaughtUp'
      | 'connectionReassigned'
      | 'streamActive'
      | 'streamIdle'
      | 'gap'
      | 'error'
    >()
    expectTypeOf<CloseReason>().toEqualTypeOf<'removed' | 'peer-closed' | 'send-failed' | 'slow-consumer' | 'cleanup'>()
  })

  it('passes the error and the stage to error listeners', () => {
    manager.on('error', ({ error, stage, connection }) => {
      expectTypeOf(error).toBeUnknown()
      expectTypeOf(stage).toEqualTypeOf<ErrorStage>()
      expectTypeOf(stage).toEqualTypeOf<'send' | 'close' | 'listener' | 'transport' | 'authorize' | 'recorder'>()
      expectTypeOf(connection).toEqualTypeOf<Handle | undefined>()
    })
  })

  it('lets a listener subscribe the connection in its event, typed by the catalogue', () => {
    manager.on('connectionAdded', ({ connection }) => {
      connection.subscribe({ streamType: 'FILLS' })
      // @ts-expect-error the catalogue has no PRICE
      connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    })
  })

  it('returns a function that removes the listener', () => {
    expectTypeOf(manager.on('error', () => {})).toEqualTypeOf<() => void>()
  })

  it('accepts an asynchronous listener', () => {
    manager.on('userOnline', async ({ userId }) => void userId)
  })

  it('accepts no unknown event', () => {
    // @ts-expect-error there is no such event
    manager.on('connection', () => {})
  })

  it('accepts no listener for another payload', () => {
    // @ts-expect-error a user event has no connection
    manager.on('userOnline', ({ connection }) => connection)
  })
})

describe('the enums', () => {
  it('are unions of their names', () => {
    expectTypeOf<StreamType>().toEqualTypeOf<'PRICE' | 'ORDERBOOK' | 'TRADES' | 'USER_DATA' | 'BOT_STATUS' | 'RISK_ALERTS' | 'ORDER_UPDATES'>()
    expectTypeOf<SubscriptionStatus>().toEqualTypeOf<'PENDING' | 'CONNECTED' | 'DISCONNECTED' | 'ERROR' | 'RECONNECTING'>()
    expectTypeOf(StreamType.PRICE).toEqualTypeOf<'PRICE'>()
    expectTypeOf(SubscriptionStatus.PENDING).toEqualTypeOf<'PENDING'>()
  })

  it('cannot be written to', () => {
    // @ts-expect-error it is read-only
    StreamType.PRICE = 'PRICE'
  })
})

describe('ConnectionManagerError', () => {
  it('has one of the codes, and facts that may be missing', () => {
    const error = new ConnectionManagerError('ERR_CLOSED', 'closed')

    expectTypeOf(error.code).toEqualTypeOf<ErrorCode>()
    expectTypeOf(error.userId).toEqualTypeOf<string | undefined>()
    expectTypeOf(error.limit).toEqualTypeOf<number | undefined>()
    // @ts-expect-error there is no such code
    new ConnectionManagerError('ERR_OTHER', 'other')
  })
})
