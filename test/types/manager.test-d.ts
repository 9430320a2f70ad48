import { describe, expectTypeOf, it } from 'vitest'
import type { WebSocket as WsSocket } from 'ws'
import {
  ConnectionManager,
  ConnectionManagerError,
  defineStreams,
  StreamType,
  SubscriptionStatus,
  type CleanupReport,
  type Clock,
  type CloseReason,
  type Connection,
  type ErrorCode,
  type ErrorStage,
  type PublishResult,
  type Socket,
  type StreamCatalogue,
  type Subscription,
  type TradingStreams,
} from '../../src/index.ts'

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

  it('infers both from the variable that it is for', () => {
    const manager: ConnectionManager<WsSocket, Streams> = new ConnectionManager({ streams })

    expectTypeOf(manager).toEqualTypeOf<ConnectionManager<WsSocket, Streams>>()
  })

  it('takes a socket type together with the type of a catalogue', () => {
    const manager = new ConnectionManager<WsSocket, Streams>({ streams })

    expectTypeOf(manager.getUserConnections('alice')).toEqualTypeOf<WsSocket[]>()
    manager.publish({ streamType: 'TICKER', symbol: 'BTCUSDT', data: { last: 1 } })
  })

  it('takes no other catalogue than that of its type', () => {
    // @ts-expect-error the catalogue lacks the trading streams
    new ConnectionManager<WsSocket>({ streams })
  })

  it('takes undefined for any option', () => {
    new ConnectionManager({ streams: undefined, serialize: undefined, clock: undefined, closeTimeoutMs: undefined, pendingTtlMs: undefined, maxDeferred: undefined })
  })

  it('takes no option that it does not know', () => {
    // @ts-expect-error there is no such option
    new ConnectionManager({ closeTimeout: 5 })
  })

  it('takes a clock of the three methods alone', () => {
    expectTypeOf<keyof Clock>().toEqualTypeOf<'now' | 'monotonic' | 'setTimeout'>()
    // @ts-expect-error it cannot set a timer
    new ConnectionManager({ clock: { now: () => 0, monotonic: () => 0 } })
  })

  it('answers what the contract says', () => {
    const manager = new ConnectionManager()

    expectTypeOf(manager.removeConnection('c1')).toEqualTypeOf<Promise<boolean>>()
    expectTypeOf(manager.removeUser('alice')).toEqualTypeOf<Promise<number>>()
    expectTypeOf(manager.removeSubscription({ userId: 'alice', streamType: 'PRICE', symbol: 'X' })).toEqualTypeOf<boolean>()
    expectTypeOf(manager.getUserSubscriptions('alice')).toEqualTypeOf<Subscription[]>()
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

  it('shows its five mappings without a way to write', () => {
    const manager = new ConnectionManager<WsSocket>()

    expectTypeOf(manager.connectionUsers).toEqualTypeOf<ReadonlyMap<string, string>>()
    expectTypeOf(manager.userConnections.get('alice')).toEqualTypeOf<string[] | undefined>()
    expectTypeOf(manager.userSubscriptions.get('alice')).toEqualTypeOf<Subscription[] | undefined>()
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

  it('can be handed to what serves any catalogue', () => {
    const serve = <TStreams extends StreamCatalogue>(manager: ConnectionManager<Socket, TStreams>): number => manager.connectionCount

    serve(new ConnectionManager())
    serve(new ConnectionManager({ streams }))
  })
})

describe('on', () => {
  const manager = new ConnectionManager<WsSocket, Streams>({ streams })
  type Handle = Connection<WsSocket, Streams>

  it('tells listeners of connections which one, and why it went', () => {
    manager.on('connectionAdded', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly connection: Handle }>())
    manager.on('connectionRemoved', (event) =>
      expectTypeOf(event).toEqualTypeOf<{ readonly connection: Handle; readonly reason: CloseReason }>(),
    )
  })

  it('tells listeners of users who, and why they went', () => {
    manager.on('userOnline', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly userId: string }>())
    manager.on('userOffline', (event) => expectTypeOf(event).toEqualTypeOf<{ readonly userId: string; readonly reason: CloseReason }>())
  })

  it.for(['subscriptionAdded', 'subscriptionChanged', 'subscriptionRemoved'] as const)('tells listeners of %s which one, and its holder', (event) => {
    manager.on(event, ({ subscription, connection }) => {
      expectTypeOf(subscription).toEqualTypeOf<Subscription>()
      expectTypeOf(connection).toEqualTypeOf<Handle | undefined>()
    })
  })

  it('tells listeners of errors what failed, and where', () => {
    manager.on('error', ({ error, stage, connection }) => {
      expectTypeOf(error).toBeUnknown()
      expectTypeOf(stage).toEqualTypeOf<ErrorStage>()
      expectTypeOf(connection).toEqualTypeOf<Handle | undefined>()
    })
  })

  it('lets a listener subscribe the connection that it is told of, by the catalogue', () => {
    manager.on('connectionAdded', ({ connection }) => {
      connection.subscribe({ streamType: 'FILLS' })
      // @ts-expect-error the catalogue has no PRICE
      connection.subscribe({ streamType: 'PRICE', symbol: 'BTCUSDT' })
    })
  })

  it('returns what ends it', () => {
    expectTypeOf(manager.on('error', () => {})).toEqualTypeOf<() => void>()
  })

  it('takes an asynchronous listener', () => {
    manager.on('userOnline', async ({ userId }) => void userId)
  })

  it('knows no other event', () => {
    // @ts-expect-error there is no such event
    manager.on('connection', () => {})
  })

  it('takes no listener that wants another payload', () => {
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
