import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { UsageError } from '../../support/command-line.ts'
import type { Market, MarketMessage } from './market.ts'
import { MARKET_STREAM_TYPES, type MarketStreamType } from './streams.ts'

interface Recorded extends MarketMessage {
  readonly atMs: number
}

/** A pause between the end of the recording and its beginning. */
const PAUSE_MS = 100

/** A feed that cannot be played; its message says which, and why. */
export class FeedError extends UsageError {}

/** A recording of a market, played at its own pace, over and over. */
export class RecordedFeed implements Market {
  readonly name: string
  readonly streams: readonly { readonly streamType: MarketStreamType; readonly symbol: string }[]
  readonly #messages: readonly Recorded[]
  #startMs: number | undefined
  #position = 0

  /** @throws `FeedError` */
  constructor(path: string) {
    this.name = basename(path)
    this.#messages = readFeed(path)
    const byName = new Map(this.#messages.map(({ streamType, symbol }) => [JSON.stringify([streamType, symbol]), { streamType, symbol }]))
    this.streams = [...byName.values()]
  }

  *due(nowMs: number): Generator<MarketMessage, undefined> {
    this.#startMs ??= nowMs
    const { length } = this.#messages
    for (; this.#dueMs(this.#position) <= nowMs - this.#startMs; this.#position++) yield this.#messages[this.#position % length] as Recorded
  }

  /** When a message is due, in milliseconds from the start. */
  #dueMs(position: number): number {
    const { length } = this.#messages
    const [first, last, message] = [0, length - 1, position % length].map((i) => (this.#messages[i] as Recorded).atMs) as [number, number, number]
    return Math.floor(position / length) * (last - first + PAUSE_MS) + (message - first)
  }
}

function readFeed(path: string): Recorded[] {
  const messages = linesOf(path).map((line, i) => recorded(line, `${path}:${i + 1}`))
  if (messages.length === 0) throw new FeedError(`${path} holds no messages`)
  return messages
}

function linesOf(path: string): string[] {
  try {
    // npm runs a script in the package's folder, and says where it was called.
    const text = readFileSync(resolve(process.env['INIT_CWD'] ?? '.', path), 'utf8')
    return text.split('\n').filter((line) => line !== '')
  } catch (cause) {
    throw new FeedError(`${path} cannot be read`, { cause })
  }
}

function recorded(line: string, where: string): Recorded {
  let row: Record<string, unknown>
  try {
    row = JSON.parse(line) as Record<string, unknown>
  } catch (cause) {
    throw new FeedError(`${where} is not JSON`, { cause })
  }
  const { received_at: seconds, stream_type: streamType, symbol, data } = row
  const isPlayable = typeof seconds === 'number' && typeof symbol === 'string' && MARKET_STREAM_TYPES.includes(streamType as MarketStreamType)
  if (!isPlayable || data === undefined) throw new FeedError(`${where} is no message of a market`)
  return { atMs: seconds * 1_000, streamType: streamType as MarketStreamType, symbol, payload: { data } }
}
