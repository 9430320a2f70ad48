import { ConnectionManager, defineStreams, type ConnectionManagerOptions, type Stats } from '../../src/index.ts'
import type { ManagerTransport, Transport, TransportHooks } from '../../src/ports/transport.ts'
import { FakeSocket } from './fake-socket.ts'
import { ManualClock } from './manual-clock.ts'

/** One stream type for each overflow behaviour: conflated, kept, dropped, conflated and dropped, and private. */
export const streams = defineStreams({
  PRICE: { audience: 'public', delivery: 'latest' },
  BOOK: { audience: 'public' },
  TICKS: { audience: 'public', overflow: 'drop' },
  QUOTES: { audience: 'public', delivery: 'latest', overflow: 'drop' },
  ORDERS: { audience: 'private' },
})

export type Streams = typeof streams
export type StreamName = keyof Streams
export const STREAM_NAMES = Object.keys(streams) as readonly StreamName[]

type OnWrite = (frames: readonly string[]) => number | void | Promise<void>

/** A socket whose buffer is set by the test, and whose writes all have the same outcome, for one text or for many. */
export class PressuredSocket extends FakeSocket {
  buffered = 0
  onWrite: OnWrite

  constructor(onWrite: OnWrite = () => {}) {
    super()
    this.onWrite = onWrite
    this.script.write = (frames) => this.onWrite(frames)
    this.script.send = (text) => this.onWrite([text])
  }

  /** The labels of the texts received. A gap notice reads as `gap of TICKS:A × 3`. */
  override get received(): string[] {
    return this.sent.map(labelOf)
  }

  /** The drain listeners. */
  get listeners(): Set<() => void> {
    return this.drainListeners
  }

  override drain(): void {
    this.buffered = 0
    super.drain()
  }
}

/** A socket with `bufferedAmount`, written to text by text. */
export class MeteredSocket extends PressuredSocket {
  override bufferedAmount: unknown = 0
}

/** Writes in batches and measures; drains are polled. */
export function batching(hooks?: TransportHooks<PressuredSocket>): Transport<PressuredSocket>
export function batching<TFrame>(hooks: Transport<PressuredSocket, TFrame>): Transport<PressuredSocket, TFrame>
export function batching(hooks: TransportHooks<PressuredSocket, unknown> = {}): TransportHooks<PressuredSocket, unknown> {
  return {
    write: (socket, frames) => socket.write(frames as readonly string[]),
    bufferedBytes: ({ buffered }) => buffered,
    ...hooks,
  }
}

/** Reports drains. */
export function reportingDrains(): Pick<Required<Transport<PressuredSocket>>, 'onDrain'> {
  return { onDrain: (socket, listener) => socket.onDrain(listener) }
}

/** A text of this many units that begins with a label. */
export function sized(label: string, units: number): string {
  return label.padEnd(units, '.')
}

/** The label of a message, or a description of a gap notice. */
export function labelOf(text: string): string {
  if (!text.startsWith('{"type":"gap"')) return text.replace(/\.+$/, '')
  const { stream_type: streamType, symbol, dropped } = JSON.parse(text) as { stream_type: string; symbol: string | null; dropped: number }
  return `gap of ${streamType}:${symbol} × ${dropped}`
}

/** A transport with any frame type. */
type AnyFrames = ManagerTransport<PressuredSocket>

type Options = ConnectionManagerOptions<PressuredSocket, Streams>

/**
 * A manager whose messages are as long as their labels, with soft limit 10 and hard limit 1,000, and a log of its events.
 * By default its connections batch, and messages may wait forever.
 */
export function pressured({ delivery, ...options }: Options = {}) {
  const clock = new ManualClock()
  const manager = new ConnectionManager<PressuredSocket, Streams>({
    clock,
    serialize: ({ data }) => String(data),
    transport: batching(),
    idleDelayMs: 0,
    delivery: { softLimitBytes: 10, hardLimitBytes: 1_000, maxLagMs: Infinity, ...delivery },
    ...options,
    streams,
  })
  const log: unknown[] = []
  manager.on('error', ({ error, stage, connection }) => log.push(['error', stage, connection?.id, (error as Error).message]))
  manager.on('connectionRemoved', ({ connection, reason }) => log.push(['removed', connection.id, reason]))
  manager.on('gap', ({ connection, streamType, symbol, dropped }) => log.push(['gap', connection.id, `${streamType}:${symbol}`, dropped]))

  /** Connects a user, by default `u`, and subscribes the connection to stream A of every type, and to PRICE:B. */
  const connect = (id: string, socket = new PressuredSocket(), { userId = 'u', transport }: { userId?: string; transport?: AnyFrames } = {}) => {
    const connection = manager.addConnection(id, socket, userId, { transport: transport as Transport<PressuredSocket> | undefined })
    for (const streamType of STREAM_NAMES) connection.subscribe({ streamType, symbol: 'A' })
    connection.subscribe({ streamType: 'PRICE', symbol: 'B' })
    return { connection, socket }
  }
  const publish = (streamType: Exclude<StreamName, 'ORDERS'>, label: string, symbol = 'A') => manager.publish({ streamType, symbol, data: label })
  const order = (label: string, userId = 'u') => manager.publish({ streamType: 'ORDERS', symbol: 'A', userId, data: label })
  return { manager, clock, log, connect, publish, order }
}

/** Resolves when the current tick is over and its batches are written. */
export function endOfTick(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

/** The number of deliveries that the counters miss or count twice: 0 unless something is wrong. */
export function unaccounted(manager: { stats(): Stats }): number {
  const { matched, sent, waiting, conflated, dropped, failed, skipped, purged } = manager.stats()
  return matched - sent - waiting - conflated - dropped - failed - skipped - purged
}
