import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { isPlain } from '../guards/named-fields.ts'
import { optionsOfFunction } from './function-options.ts'
import { asIdentifier, isIdentifier } from './identifier.ts'
import { isStreamTypeName } from './keys.ts'

/** Who may receive a message of a stream: any user (`public`), or only the user in the message's `userId` (`private`). */
export type Audience = 'public' | 'private'

/** Whether a stream type takes a symbol. */
export type SymbolRule = 'required' | 'optional' | 'none'

/**
 * Which messages of a stream wait for a connection that is behind: only the newest one (`latest`), or every one (`every`). A connection falls behind
 * when a message comes and the socket has no room. It stays behind until no message waits for it any more.
 *
 * Use `latest` if a newer message makes an older one worthless, as with a price or a snapshot of an order book. Use `every` if each message
 * counts, as with trades or the deltas of an order book.
 */
export type DeliveryClass = 'latest' | 'every'

/**
 * What happens if the messages that wait for a connection exceed `delivery.hardLimitBytes`, or one of them waits longer than `delivery.maxLagMs`.
 *
 * With `drop`, waiting messages of the stream may be dropped, oldest first, and a gap notice tells the client how many. With `disconnect`, no message
 * of the stream is dropped. If the messages that must not be dropped exceed the limit by themselves, or one of them waits too long, the connection is
 * removed as a slow consumer.
 */
export type OverflowPolicy = 'drop' | 'disconnect'

/** One entry of a catalogue, as `defineStreams` takes it. */
export type StreamDefinition<TPayload = unknown> = PublicStreamDefinition<TPayload> | PrivateStreamDefinition<TPayload>

/** An entry for a stream whose messages may go to any user. */
export interface PublicStreamDefinition<TPayload = unknown> extends AnyStreamDefinition<TPayload> {
  /** Every user may receive the messages. */
  readonly audience: 'public'
  /**
   * Which messages wait for a connection that is behind.
   *
   * @default 'every'
   */
  readonly delivery?: DeliveryClass
  /**
   * What happens if too many bytes wait for a connection, or a message waits too long: see `OverflowPolicy`.
   *
   * @default 'disconnect'
   */
  readonly overflow?: OverflowPolicy
}

/** An entry for a stream in which each message belongs to one user. This user must not miss a message, so `delivery` and `overflow` are fixed. */
export interface PrivateStreamDefinition<TPayload = unknown> extends AnyStreamDefinition<TPayload> {
  /** Only the user in a message's `userId` may receive the message. */
  readonly audience: 'private'
  /** A private message is never conflated. */
  readonly delivery?: 'every'
  /** A private message is never dropped. */
  readonly overflow?: 'disconnect'
}

interface AnyStreamDefinition<TPayload> {
  /**
   * Whether the stream type takes a symbol.
   *
   * @default 'required' for public streams, 'optional' for private ones
   */
  readonly symbol?: SymbolRule
  /** The type of the stream's data, used only by the compiler: write `payload: {} as Ticker`. The library never reads the value of `payload`. */
  readonly payload?: TPayload
}

/** The definition of each stream type, by the name of the type. */
export type StreamCatalogue = Readonly<Record<string, StreamDefinition>>

/** The symbol rule of a definition, or the default rule if the definition has none. */
export type SymbolRuleOf<TDefinition extends StreamDefinition> = TDefinition extends {
  readonly symbol: infer TRule extends SymbolRule
}
  ? TRule
  : TDefinition extends { readonly audience: 'private' }
    ? 'optional'
    : 'required'

/** The `symbol` field of a request or a message, as the stream type's rule requires it. */
export type SymbolField<TRule> = TRule extends 'required'
  ? { readonly symbol: string }
  : TRule extends 'optional'
    ? { readonly symbol?: string | null | undefined }
    : { readonly symbol?: null | undefined }

/** The payload type of a definition, or `unknown` if it has none. */
export type PayloadOf<TDefinition extends StreamDefinition> = TDefinition extends { readonly payload?: infer TPayload }
  ? TPayload
  : unknown

/** A catalogue with its defaults filled in. */
export type DefinedStreams<TStreams extends StreamCatalogue> = {
  readonly [TName in keyof TStreams]: DefinedStream<TStreams[TName]>
}

type DefinedStream<TDefinition extends StreamDefinition> = TDefinition extends { readonly audience: 'private' }
  ? {
      readonly audience: 'private'
      readonly symbol: SymbolRuleOf<TDefinition>
      readonly delivery: 'every'
      readonly overflow: 'disconnect'
      readonly payload?: PayloadOf<TDefinition>
    }
  : {
      readonly audience: 'public'
      readonly symbol: SymbolRuleOf<TDefinition>
      readonly delivery: DeliveryClass
      readonly overflow: OverflowPolicy
      readonly payload?: PayloadOf<TDefinition>
    }

/** A definition with its defaults filled in. */
export interface ResolvedDefinition {
  readonly audience: Audience
  readonly symbol: SymbolRule
  readonly delivery: DeliveryClass
  readonly overflow: OverflowPolicy
}

export type ResolvedCatalogue = Readonly<Record<string, ResolvedDefinition>>

const defined = /* @__PURE__ */ new WeakSet<object>()

/**
 * Returns a catalogue of your own stream types: validated, with defaults filled in, and frozen.
 *
 * Pass the catalogue as the option `streams` to a manager, or to a function such as `parseStreamMessage`. Your catalogue then replaces the default
 * catalogue. To extend the default catalogue, spread it: `defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none' } })`.
 *
 * @throws `ERR_INVALID_ARGUMENT` naming the stream type and what is wrong with it. The name of a stream type must be a non-empty string without `:`.
 * A definition cannot have an unknown field. A private stream cannot have the delivery `latest` or the overflow `drop`. A catalogue that is a `Map`,
 * an array or an instance of a class is refused too.
 *
 * @example
 * const streams = defineStreams({
 *   TICKER: { audience: 'public', payload: {} as { last: number } },
 *   FILLS: { audience: 'private' },
 *   NEWS: { audience: 'public', symbol: 'none' },
 * })
 * const manager = new ConnectionManager({ streams })
 */
export function defineStreams<const TStreams extends StreamCatalogue>(definitions: TStreams): DefinedStreams<TStreams> {
  const isCatalogue = typeof definitions === 'object' && definitions !== null
  if (isCatalogue && defined.has(definitions)) return definitions as unknown as DefinedStreams<TStreams>
  const entries = readUserCode(
    () => (isCatalogue && isPlain(definitions) && !Array.isArray(definitions) ? Object.entries(definitions) : undefined),
    (cause) => new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'Invalid catalogue: reading it threw', {}, cause),
  )
  if (entries === undefined) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `Invalid catalogue: expected a plain object, got ${describe(definitions)}`)
  }
  // The catalogue has no prototype, so that `constructor` and `__proto__` are ordinary names.
  const catalogue: Record<string, ResolvedDefinition> = Object.create(null)
  for (const [name, definition] of entries) catalogue[name] = resolved(name, definition)
  defined.add(Object.freeze(catalogue))
  return catalogue as DefinedStreams<TStreams>
}

const FIELDS: readonly string[] = ['audience', 'symbol', 'delivery', 'overflow', 'payload'] satisfies (keyof StreamDefinition)[]
const AUDIENCES: readonly unknown[] = ['public', 'private']
const SYMBOL_RULES: readonly unknown[] = ['required', 'optional', 'none']
const DELIVERY_CLASSES: readonly unknown[] = ['latest', 'every']
const OVERFLOW_POLICIES: readonly unknown[] = ['drop', 'disconnect']

function resolved(name: string, definition: StreamDefinition): ResolvedDefinition {
  const refusal = (what: string, received: unknown, cause?: unknown): ConnectionManagerError => {
    const message = `Invalid stream type ${describe(name)}: ${what}, got ${describe(received)}`
    return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, { streamType: name }, cause)
  }
  const refuse = (what: string, received: unknown): never => {
    throw refusal(what, received)
  }
  if (!isStreamTypeName(name)) refuse('expected a non-empty name without ":"', name)
  if (typeof definition !== 'object' || definition === null) refuse('expected a definition that is an object', definition)
  const { fields, audience, symbol, delivery, overflow } = readUserCode(
    () => withDefaults(definition),
    (cause) => refusal('reading its definition threw', definition, cause),
  )
  for (const field of fields) if (!FIELDS.includes(field)) refuse(`expected only the fields ${FIELDS.join(', ')}`, field)
  if (!AUDIENCES.includes(audience)) refuse('`audience` must be "public" or "private"', audience)
  if (!SYMBOL_RULES.includes(symbol)) refuse('`symbol` must be "required", "optional" or "none"', symbol)
  if (!DELIVERY_CLASSES.includes(delivery)) refuse('`delivery` must be "latest" or "every"', delivery)
  if (!OVERFLOW_POLICIES.includes(overflow)) refuse('`overflow` must be "drop" or "disconnect"', overflow)
  if (audience === 'private' && delivery !== 'every') refuse('`delivery` of a private stream must be "every"', delivery)
  if (audience === 'private' && overflow !== 'disconnect') refuse('`overflow` of a private stream must be "disconnect"', overflow)
  return Object.freeze({ audience, symbol, delivery, overflow })
}

function withDefaults(definition: StreamDefinition): ResolvedDefinition & { readonly fields: readonly string[] } {
  const { audience } = definition
  const { symbol = audience === 'private' ? 'optional' : 'required', delivery = 'every', overflow = 'disconnect' } = definition
  return { fields: Object.getOwnPropertyNames(definition), audience, symbol, delivery, overflow }
}

const TRADING_STREAMS = {
  PRICE: { audience: 'public', delivery: 'latest' },
  ORDERBOOK: { audience: 'public' },
  TRADES: { audience: 'public' },
  USER_DATA: { audience: 'private' },
  BOT_STATUS: { audience: 'private' },
  RISK_ALERTS: { audience: 'private' },
  ORDER_UPDATES: { audience: 'private' },
} as const

/** The default catalogue: the seven types of `StreamType`. */
export const tradingStreams: DefinedStreams<typeof TRADING_STREAMS> = /* @__PURE__ */ defineStreams(TRADING_STREAMS)

/** The type of the default catalogue. */
export type TradingStreams = typeof tradingStreams

/**
 * Validates and returns the catalogue in the options of a function such as `parseStreamMessage`. If the options have no catalogue, returns the
 * default catalogue.
 *
 * @throws `ERR_INVALID_ARGUMENT`
 */
export function catalogueIn(options: { readonly streams?: StreamCatalogue | undefined } | undefined): StreamCatalogue {
  const { streams } = optionsOfFunction(options, ['streams'])
  return streams === undefined ? tradingStreams : defineStreams(streams as StreamCatalogue)
}

/**
 * Returns the definition of a stream type.
 *
 * @throws `ERR_UNKNOWN_STREAM` if the catalogue does not have the stream type. An unknown stream type never counts as public
 */
export function definitionOf(streams: StreamCatalogue, streamType: unknown): ResolvedDefinition {
  const definition = typeof streamType === 'string' ? (streams as ResolvedCatalogue)[streamType] : undefined
  if (definition !== undefined) return definition
  throw new ConnectionManagerError('ERR_UNKNOWN_STREAM', `Unknown stream type ${describe(streamType)}. Declare it with \`defineStreams\``, {
    ...(typeof streamType === 'string' && { streamType }),
  })
}

/**
 * Checks a symbol against the rule of a definition. Returns the symbol, or `undefined` if there is none. A `null` counts as no symbol.
 *
 * @throws `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`
 */
export function symbolFor(streamType: string, { symbol: rule }: ResolvedDefinition, symbol: unknown): string | undefined {
  if (symbol === undefined || symbol === null) {
    if (rule !== 'required') return undefined
    throw new ConnectionManagerError('ERR_SYMBOL_REQUIRED', `Stream type ${describe(streamType)} requires a symbol`, {
      streamType,
    })
  }
  if (rule === 'none') {
    const message = `Stream type ${describe(streamType)} takes no symbol, got ${describe(symbol)}`
    throw new ConnectionManagerError('ERR_SYMBOL_NOT_ALLOWED', message, { streamType })
  }
  return isIdentifier(symbol) ? symbol : asIdentifier(symbol, 'symbol')
}
