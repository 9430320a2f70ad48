import { ConnectionManager, defineStreams, type Connection, type ConnectionManagerOptions } from '../../../src/index.ts'
import { createCommandServer, type CommandServerOptions, type Session } from '../../../src/protocol/index.ts'
import { createRecovery, type Recovery, type RecoveryOptions } from '../../../src/recovery/index.ts'
import { FakeSocket } from '../../support/fake-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export const streams = defineStreams({
  TRADES: { audience: 'public', symbol: 'required' },
  PRICE: { audience: 'public', symbol: 'required', delivery: 'latest' },
  NEWS: { audience: 'public', symbol: 'optional' },
  ORDERS: { audience: 'private' },
})
export type Streams = typeof streams

export const A = { stream_type: 'TRADES', symbol: 'A' }
export const B = { stream_type: 'TRADES', symbol: 'B' }
export const C = { stream_type: 'TRADES', symbol: 'C' }

type ManagerOptions = Omit<ConnectionManagerOptions<FakeSocket, Streams>, 'streams' | 'recorder'>
export type DeskOptions = CommandServerOptions<FakeSocket, Streams>

/** A client of the server, as a test sees it. */
export interface Client {
  readonly connection: Connection<FakeSocket, Streams>
  readonly socket: FakeSocket
  readonly session: Session<FakeSocket, Streams>
  /** Sends commands, as one text. */
  ask(...commands: readonly object[]): void
  /** Takes the frames that came since the last call. */
  frames(): Record<string, unknown>[]
}

export interface Desk {
  readonly clock: ManualClock
  readonly manager: ConnectionManager<FakeSocket, Streams>
  readonly server: ReturnType<typeof createCommandServer<FakeSocket, Streams, unknown>>
  /** What `onError` got. */
  readonly errors: unknown[]
  trade(data: unknown, symbol?: string): void
  /** Adds a client. Its `welcome` is taken already. */
  connect(userId?: string, socket?: FakeSocket): Client
}

/** A manager with a command server, and no recovery. */
export function desk(options: DeskOptions = {}, managerOptions: ManagerOptions = {}): Desk {
  const clock = new ManualClock()
  return deskOf(new ConnectionManager<FakeSocket, Streams>({ streams, clock, ...managerOptions }), clock, options)
}

/** The same, with a recovery whose epochs are e1, e2 and so on, in the order in which channels are first used. */
export function recoveringDesk(options: DeskOptions = {}, managerOptions: ManagerOptions = {}, recoveryOptions: RecoveryOptions<Streams> = {}): Desk & { readonly recovery: Recovery<Streams> } {
  const clock = new ManualClock()
  let epochs = 0
  const recovery = createRecovery<Streams>({ randomEpoch: () => `e${++epochs}`, ...recoveryOptions })
  const manager = new ConnectionManager<FakeSocket, Streams>({ streams, clock, recorder: recovery, ...managerOptions })
  return { ...deskOf(manager, clock, { recovery, ...options }), recovery }
}

function deskOf(manager: ConnectionManager<FakeSocket, Streams>, clock: ManualClock, options: DeskOptions): Desk {
  const errors: unknown[] = []
  const server = createCommandServer(manager, { clock, onError: (error) => void errors.push(error), ...options })
  let count = 0
  return {
    clock,
    manager,
    server,
    errors,
    trade: (data, symbol = 'A') => void manager.publish({ streamType: 'TRADES', symbol, data }),
    connect(userId = 'alice', socket = new FakeSocket()) {
      const connection = manager.addConnection(`c${++count}`, socket, userId)
      const session = server.open(connection)
      const client = clientOf(connection, session)
      client.frames()
      return client
    },
  }
}

export function clientOf(connection: Connection<FakeSocket, Streams>, session: Session<FakeSocket, Streams>): Client {
  const { socket } = connection
  let seen = 0
  return {
    connection,
    socket,
    session,
    ask: (...commands) => session.receive(JSON.stringify(commands.length === 1 ? commands[0] : commands)),
    frames() {
      const texts = socket.sent.slice(seen)
      seen = socket.sent.length
      return texts.map((text) => JSON.parse(text) as Record<string, unknown>)
    },
  }
}

export function subscribe(id: number, stream: object = A, more: object = {}): object {
  return { command: 'subscribe', id, ...stream, ...more }
}

export function unsubscribe(id: number, stream: object = A): object {
  return { command: 'unsubscribe', id, ...stream }
}

/** What a frame says, in few words: `subscribed 7`, `refused 7 ERR_FORBIDDEN`, or the data of a message. */
export function told(frames: readonly Record<string, unknown>[]): string[] {
  return frames.map(({ type, id, code, reason, data, dropped }) => (type === undefined ? String(data) : [type, id, code, reason, dropped, type === 'result' ? (data ?? undefined) : undefined].filter((each) => each !== undefined).join(' ')))
}

/** Lets the promises settle that are about to. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

/** A promise that the test settles. */
export function deferred<TValue>(): { readonly promise: Promise<TValue>; resolve(value: TValue): void; reject(error: unknown): void } {
  let settle: { resolve(value: TValue): void; reject(error: unknown): void } | undefined
  const promise = new Promise<TValue>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) }
}
