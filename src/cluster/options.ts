import { ConnectionManagerError, describe } from '../errors.ts'
import { readNamed } from '../guards/named-fields.ts'
import { bound, readUserCode } from '../guards/user-code.ts'
import { isIdentifier } from '../model/identifier.ts'
import type { ResolvedCatalogue, StreamCatalogue, TradingStreams } from '../model/catalogue.ts'
import type { Backplane } from '../ports/backplane.ts'

/**
 * The options of `joinCluster`. An unknown option is refused. Numbers must be finite: 1 or more for `probeMs` and `quietAfterMs`, and 0 or more for
 * the others.
 */
export interface ClusterOptions<TStreams extends StreamCatalogue = TradingStreams> {
  /**
   * The driver that connects this node to the broker: `redisBackplane(client)`, `natsBackplane(connection)`, `memoryBackplane(bus)`, or one of your
   * own.
   */
  readonly backplane: Backplane
  /** The name of the cluster: 1 to 255 UTF-16 units. Nodes with the same prefix at the same broker are one cluster. */
  readonly prefix: string
  /**
   * Stream types whose messages are not sent to other nodes, because each node has its own feed of these types.
   *
   * @default none
   */
  readonly localTypes?: readonly (keyof TStreams & string)[] | undefined
  /**
   * The time between two probes of the broker. If a probe has not come back after twice this time, `cluster.status` becomes `down`. Milliseconds.
   *
   * @default 1_000
   */
  readonly probeMs?: number | undefined
  /**
   * How long another node may take to send missing messages again, and how long `joinCluster`, `ready` and `isOnline` wait at most. Milliseconds.
   *
   * @default 1_000
   */
  readonly repairTimeoutMs?: number | undefined
  /**
   * How long this node must have published nothing in a channel before it sends the number of its last message again, so that other nodes notice a
   * lost message. Milliseconds.
   *
   * @default 500
   */
  readonly quietAfterMs?: number | undefined
  /**
   * How long this node stays subscribed to a channel at the broker after `ready`. Also how long a channel must be unwanted on all nodes before the
   * cluster emits `streamIdle`. Milliseconds.
   *
   * @default 1_000
   */
  readonly idleDelayMs?: number | undefined
  /**
   * How many bytes may be on their way to the broker without a proof that they arrived. Beyond this limit, messages are not handed to the broker's
   * client, and the other nodes ask for them later. The same limit applies to messages of other nodes that wait here because earlier messages are
   * missing. Beyond it, this node gives up the missing messages, and its subscribers are told of a gap. Each UTF-16 unit counts as a byte. Each
   * message that waits here counts 64 bytes more.
   *
   * @default 4_194_304
   */
  readonly maxUnconfirmedBytes?: number | undefined
}

/** The options of `joinCluster`, validated and with their defaults. */
export interface ResolvedClusterOptions {
  readonly backplane: Backplane
  readonly prefix: string
  readonly localTypes: ReadonlySet<string>
  readonly probeMs: number
  readonly repairTimeoutMs: number
  readonly quietAfterMs: number
  readonly idleDelayMs: number
  readonly maxUnconfirmedBytes: number
}

const DEFAULTS = { probeMs: 1_000, repairTimeoutMs: 1_000, quietAfterMs: 500, idleDelayMs: 1_000, maxUnconfirmedBytes: 4_194_304 }
const NUMBERS = Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]
const METHODS = ['open', 'publish', 'subscribe', 'unsubscribe', 'subscribers', 'close'] as const

/** @throws `ERR_INVALID_OPTION` naming the option that is unknown, missing or out of range; `ERR_INVALID_BACKPLANE` */
export function resolvedOptions(options: unknown, streams: ResolvedCatalogue): ResolvedClusterOptions {
  const given = readNamed(options, ['backplane', 'prefix', 'localTypes', ...NUMBERS], (what, name = 'options', cause) => invalid(name, what, cause))
  const { backplane, prefix, localTypes = [] } = given
  if (!isIdentifier(prefix)) throw invalid('prefix', `expected a non-empty, well-formed string of at most 255 UTF-16 units, got ${describe(prefix)}`)
  const numbers = Object.fromEntries(NUMBERS.map((name) => [name, numberIn(name, given[name])])) as typeof DEFAULTS
  return { backplane: backplaneIn(backplane), prefix, localTypes: typesIn(localTypes, streams), ...numbers }
}

function numberIn(name: keyof typeof DEFAULTS, value: unknown): number {
  if (value === undefined) return DEFAULTS[name]
  const least = name === 'probeMs' || name === 'quietAfterMs' ? 1 : 0
  if (typeof value === 'number' && value >= least && value < Infinity) return value
  throw invalid(name, `expected a finite number of ${least} or more, got ${describe(value)}`)
}

function typesIn(types: unknown, streams: ResolvedCatalogue): ReadonlySet<string> {
  if (!Array.isArray(types)) throw invalid('localTypes', `expected an array, got ${describe(types)}`)
  for (const type of types as unknown[]) {
    if (typeof type !== 'string' || streams[type] === undefined) throw invalid('localTypes', `the catalogue has no stream type ${describe(type)}`)
  }
  return new Set(types as string[])
}

/** Reads each method of the backplane once, and returns an object that has these methods. */
function backplaneIn(backplane: unknown): Backplane {
  const refusal = (what: string, cause?: unknown): ConnectionManagerError =>
    new ConnectionManagerError('ERR_INVALID_BACKPLANE', `Invalid backplane: ${what}`, { option: 'backplane' }, cause)
  if (typeof backplane !== 'object' || backplane === null) throw refusal(`expected an object, got ${describe(backplane)}`)
  const methods = METHODS.map((name) => {
    const unreadable = (cause: unknown): ConnectionManagerError => refusal(`reading \`${name}\` threw`, cause)
    const method = readUserCode(() => (backplane as Record<string, unknown>)[name], unreadable)
    if (typeof method !== 'function') throw refusal(`\`${name}\` must be a function, got ${describe(method)}`)
    return [name, bound(method as () => unknown, backplane, unreadable)]
  })
  return Object.fromEntries(methods) as Backplane
}

function invalid(option: string, what: string, cause?: unknown): ConnectionManagerError {
  return new ConnectionManagerError('ERR_INVALID_OPTION', `Invalid option \`${option}\`: ${what}`, { option }, cause)
}
