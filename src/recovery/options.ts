import { describe } from '../errors.ts'
import { isPlain, readNamed } from '../guards/named-fields.ts'
import { functionIn, invalidOption } from '../guards/option-values.ts'
import { disown, readUserCode } from '../guards/user-code.ts'
import type { PayloadOf, StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import { isEpoch, isMark } from '../model/position.ts'
import type { RawJson } from '../model/raw-json.ts'
import type { HistoryLimits } from './histories.ts'

/** The place of a message in its channel: an epoch and a number. */
export interface Stamp {
  /**
   * The name of the epoch. An epoch is one numbering of a channel's messages by one node. A new epoch begins when the node restarts, or when it has
   * forgotten the channel.
   */
  readonly epoch: string
  /**
   * The number of the message: 1 for the first message of the epoch. For a snapshot, the number of the last message of this epoch that it contains,
   * or 0 if it contains none.
   */
  readonly seq: number
  /** `true` for a snapshot, which is the present state, sent to one client. Otherwise absent. */
  readonly snapshot?: true
}

/** A stream that a connection subscribes to. */
export interface SnapshotStream<TStreamType extends string = string> {
  /** The type of the stream, which is a key of the catalogue. */
  readonly streamType: TStreamType
  /** `undefined` for a stream without a symbol, and for a whole type. */
  readonly symbol: string | undefined
  /** The user of a private stream. `undefined` for a public stream. */
  readonly userId: string | undefined
}

/** The options of `createRecovery`. Each option may be left out. */
export interface RecoveryOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * How many messages are kept for each channel and for all channels together, and for how long. A channel is one symbol if the stream type requires
   * a symbol, and the whole type otherwise. On a private type, each user has channels of their own.
   */
  readonly history?: HistoryOptions<TStreams> | undefined
  /**
   * Limits how much is sent again to one connection. Messages that were sent again count until a turn of the event loop ends with an empty send
   * queue. If a client missed more than the limits still allow, it gets the answer `recovered: false`.
   */
  readonly replay?: ReplayOptions | undefined
  /**
   * Returns the present state of a stream, such as an order book, for new clients and for clients that cannot resume. A client applies later messages
   * to this state. If the function returns `undefined`, the client gets no such snapshot. On a `latest` stream, it then gets the latest message,
   * marked as a snapshot.
   *
   * The state must contain all messages published so far. So apply a message to the state before you publish it. If the function throws or returns a
   * promise, or the snapshot cannot be serialized or is too long, the error goes to `onError`, and the client is treated as if the function had
   * returned `undefined`.
   */
  readonly snapshot?: ((stream: SnapshotStream<keyof TStreams & string>) => PayloadOf<TStreams[keyof TStreams & string]> | RawJson | undefined) | undefined
  /**
   * Writes the place of a message into its text. Required if the manager has a `serialize`, because the library does not know the format of the texts
   * that `serialize` returns.
   *
   * @default adds the keys `epoch` and `seq`, and `snapshot` for a snapshot, after the keys of the wire form
   */
  readonly stamp?: ((text: string, stamp: Stamp) => string) | undefined
  /** The text that `export()` returned before a restart. If the text cannot be read, `createRecovery` throws `ERR_INVALID_OPTION`. */
  readonly restore?: string | undefined
  /**
   * Returns the name of a new epoch: 1 to 64 characters of `A–Z a–z 0–9 _ -`, without `--` in front. The name must be different each time, and
   * impossible to guess. If the name is not valid, `recovery.subscribe` and `joinCluster` fail with `ERR_INVALID_OPTION`, and the publish of a
   * channel's first message throws `ERR_UNSERIALIZABLE`. If `restore` has channels, `new ConnectionManager` throws `ERR_INVALID_OPTION` too. When a
   * stream without a channel becomes active, the manager emits `error` with the stage `listener`.
   *
   * @default 65 random bits of `crypto.getRandomValues`
   */
  readonly randomEpoch?: (() => string) | undefined
  /**
   * Called with the error each time a snapshot cannot be sent: `snapshot`, `stamp` or the manager's `serialize` threw, `snapshot` returned a promise,
   * `stamp` did not return a string, or the text is too long.
   *
   * @default prints the first error with `console.warn`
   */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** The limits of the history. `Infinity` removes a limit. */
export interface HistoryOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * The maximum number of messages of one channel. With `0`, no message is kept, and a client that missed a message cannot resume. `count` and
   * `units` do not apply to `latest` streams: the last message of each stream is kept, unless `totalUnits` is exceeded.
   *
   * @default 256
   */
  readonly count?: number | undefined
  /**
   * The maximum number of UTF-16 units that the messages of one channel have together.
   *
   * @default 262_144
   */
  readonly units?: number | undefined
  /**
   * How long a message is kept, in milliseconds. The last message of a `latest` stream is kept until its channel is forgotten. If a channel had
   * neither an active stream (see the event `streamIdle`) nor a new message for this time, the channel is forgotten, with all its messages and
   * numbers. If more than 100,000 channels have no active stream, the one that was created first is forgotten earlier.
   *
   * @default 120_000
   */
  readonly ageMs?: number | undefined
  /**
   * The maximum number of UTF-16 units of all channels together. Beyond this limit, the oldest message of all channels is removed first.
   *
   * @default 67_108_864
   */
  readonly totalUnits?: number | undefined
  /** The `count` and `units` of single stream types, by the name of the type. */
  readonly byType?: { readonly [TName in keyof TStreams & string]?: { readonly count?: number | undefined; readonly units?: number | undefined } | undefined } | undefined
}

/**
 * Limits how much is sent again to one connection. Messages that were sent again count until a turn of the event loop ends with an empty send queue.
 * `Infinity` removes a limit.
 */
export interface ReplayOptions {
  /**
   * The maximum number of messages. A snapshot counts as one message.
   *
   * @default 300
   */
  readonly count?: number | undefined
  /**
   * The maximum number of UTF-16 units. The text of the option `snapshot` does not count. The last message of one `latest` stream may be longer than
   * this limit, if no other units count at that moment.
   *
   * @default half of the manager's `delivery.hardLimitBytes`
   */
  readonly units?: number | undefined
}

/** The options of a recovery, validated and with defaults filled in. */
export interface ResolvedRecoveryOptions {
  readonly history: HistoryLimits
  readonly replay: { readonly count: number; readonly units: number | undefined }
  readonly snapshot: ((stream: SnapshotStream) => unknown) | undefined
  readonly stamp: ((text: string, stamp: Stamp) => string) | undefined
  readonly restore: string | undefined
  readonly randomEpoch: () => string
  readonly onError: ((error: unknown) => unknown) | undefined
}

const NAMES = ['history', 'replay', 'snapshot', 'stamp', 'restore', 'randomEpoch', 'onError'] as const
const HISTORY_DEFAULTS = { count: 256, units: 262_144, ageMs: 120_000, totalUnits: 67_108_864 }

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown or out of range */
export function resolvedOptions(options: unknown): ResolvedRecoveryOptions {
  const given = named('options', options, NAMES)
  const { restore } = given
  if (restore !== undefined && typeof restore !== 'string') throw invalidOption('restore', `expected a string, got ${describe(restore)}`)
  return {
    history: historyIn(given.history),
    replay: { count: 300, units: undefined, ...numbersIn('replay', given.replay, ['count', 'units']) },
    snapshot: methodIn('snapshot', given.snapshot, options),
    stamp: methodIn('stamp', given.stamp, options),
    restore,
    randomEpoch: soundEpochs(methodIn('randomEpoch', given.randomEpoch, options) ?? randomEpoch),
    onError: methodIn('onError', given.onError, options),
  }
}

/** Returns a function that calls `randomEpoch` and checks the name. The returned function throws `ERR_INVALID_OPTION` if the name is not valid. */
function soundEpochs(randomEpoch: () => unknown): () => string {
  return () => {
    const epoch = randomEpoch()
    // Names that begin with `--` are names of marks (see `markOf`). Other nodes would ignore the messages of such an epoch.
    if (isEpoch(epoch) && !isMark(epoch)) return epoch
    disown(epoch)
    throw invalidOption('randomEpoch', `expected 1 to 64 characters of A–Z a–z 0–9 _ -, without -- in front, got ${describe(epoch)}`)
  }
}

function historyIn(history: unknown): HistoryLimits {
  if (history === undefined) return { ...HISTORY_DEFAULTS, byType: new Map() }
  const { byType, ...numbers } = named('history', history, ['count', 'units', 'ageMs', 'totalUnits', 'byType'])
  const limits = { ...HISTORY_DEFAULTS, ...numbersIn('history', numbers, ['count', 'units', 'ageMs', 'totalUnits']) }
  return { ...limits, byType: byTypeIn(byType, limits) }
}

function byTypeIn(byType: unknown, defaults: { readonly count: number; readonly units: number }): HistoryLimits['byType'] {
  if (byType === undefined) return new Map()
  const entries = readUserCode(
    () => (typeof byType === 'object' && byType !== null && isPlain(byType) ? Object.entries(byType) : undefined),
    (cause) => invalidOption('history.byType', 'reading it threw', cause),
  )
  if (entries === undefined) throw invalidOption('history.byType', `expected a plain object, got ${describe(byType)}`)
  const { count, units } = defaults
  return new Map(entries.map(([name, limits]) => [name, { count, units, ...numbersIn(`history.byType.${name}`, limits, ['count', 'units']) }]))
}

function numbersIn<TName extends string>(group: string, given: unknown, names: readonly TName[]): Partial<Record<TName, number>> {
  if (given === undefined) return {}
  const numbers: Partial<Record<TName, number>> = {}
  for (const [name, value] of Object.entries(named(group, given, names)) as [TName, unknown][]) {
    if (value === undefined) continue
    if (typeof value !== 'number' || !(value >= 0)) throw invalidOption(`${group}.${name}`, `expected a number of 0 or more, got ${describe(value)}`)
    numbers[name] = value
  }
  return numbers
}

function named<TName extends string>(group: string, given: unknown, names: readonly TName[]): Record<TName, unknown> {
  const dotted = (name: string | undefined): string => (name === undefined ? group : group === 'options' ? name : `${group}.${name}`)
  return readNamed(given, names, (what, name, cause) => invalidOption(dotted(name), what, cause))
}

function methodIn<TMethod extends (...facts: never[]) => unknown>(name: string, value: unknown, options: unknown): TMethod | undefined {
  return value === undefined ? undefined : functionIn(name, value, options)
}

// `crypto` exists in Node 20 and later, Bun, Deno, Workers and browsers.
declare const crypto: { getRandomValues(bytes: Uint8Array): Uint8Array }

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Returns 11 random characters: 65 random bits. The first character is a letter, so that no name looks like a mark: see `markOf`. */
function randomEpoch(): string {
  const [first = 0, ...rest] = crypto.getRandomValues(new Uint8Array(11))
  return [first & 31, ...rest.map((byte) => byte & 63)].map((place) => ALPHABET[place]).join('')
}
